//! Orders to devices.

use super::*;
use crate::{
    AttributeChanges, Attributes, ContentFormat, OwnedValue, Record, WriteMode, WriteValue,
};

const TLV: (OptionNumber, &[u8]) = (OptionNumber::CONTENT_FORMAT, &[0x2d, 0x16]);

fn values(result: Result<Outcome, CommandError>) -> Vec<(String, OwnedValue)> {
    match result {
        Ok(Outcome::Records(records)) => records
            .into_iter()
            .map(|record| (record.path.to_string(), record.value))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_resource_is_read_in_tlv_and_kept() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    bench.read("a", "/3/0/9");
    let request = bench.next_to(peer(1));
    assert_eq!(
        (request.kind, request.code, request.uri().as_str()),
        (Type::Confirmable, Code::GET, "/3/0/9")
    );
    assert_eq!(request.uint(OptionNumber::ACCEPT), Some(11542));
    assert_eq!(request.token.len(), 8);
    bench.input(
        peer(1),
        &reply(&request, Code::CONTENT, &[TLV], &[0xc1, 9, 87]),
    );
    assert_eq!(
        values(bench.result()),
        [("/3/0/9".to_owned(), OwnedValue::Integer(87))]
    );
    let known = bench.shard.values("a").unwrap();
    assert_eq!(
        (known.len(), &known[0].value),
        (1, &OwnedValue::Integer(87))
    );
    // Kept across a restart.
    bench.pass(Duration::from_secs(2));
    assert_eq!(bench.restart().shard.values("a").unwrap(), known);
    assert!(bench.shard.in_flight.is_empty() && bench.shard.by_token.is_empty());
}

#[test]
fn an_instance_that_lost_a_resource_loses_its_known_value() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    for payload in [&[0xc1, 9, 87, 0xc1, 10, 15][..], &[0xc1, 9, 88]] {
        bench.read("a", "/3/0");
        let request = bench.next_to(peer(1));
        bench.input(peer(1), &reply(&request, Code::CONTENT, &[TLV], payload));
        bench.result().unwrap();
        // Both states are stored.
        bench.pass(Duration::from_secs(3));
    }
    let known: Vec<_> = bench
        .shard
        .values("a")
        .unwrap()
        .iter()
        .map(|known| known.path.to_string())
        .collect();
    assert_eq!(known, ["/3/0/9"]);
    bench.pass(Duration::from_secs(2));
    assert_eq!(bench.restart().shard.values("a").unwrap().len(), 1);
}

#[test]
fn the_announced_format_is_preferred_and_a_refused_one_replaced() {
    let mut bench = Bench::new();
    bench.registered("a", 1, &["lwm2m=1.1"], "</>;ct=\"112 110\",</3/0>");
    for (accept, expected) in
        [(Some(112), 4), (Some(11542), 3), (Some(0), 2)].map(|(accept, left)| (accept, left))
    {
        if expected == 4 {
            bench.read("a", "/3/0/0");
        }
        let request = bench.next_to(peer(1));
        assert_eq!(request.uint(OptionNumber::ACCEPT), accept);
        if accept == Some(0) {
            bench.input(peer(1), &reply(&request, Code::CONTENT, &[TEXT], b"Dunlin"));
        } else {
            bench.input(peer(1), &reply(&request, Code::NOT_ACCEPTABLE, &[], b""));
        }
    }
    assert_eq!(
        values(bench.result()),
        [("/3/0/0".to_owned(), OwnedValue::String("Dunlin".to_owned()))]
    );
    // Learned.
    bench.read("a", "/3/0/1");
    assert_eq!(bench.next_to(peer(1)).uint(OptionNumber::ACCEPT), Some(0));
}

#[test]
fn a_device_of_1_0_that_announces_nothing_chooses_the_format_itself() {
    let mut bench = Bench::new();
    bench.registered("a", 1, &["lwm2m=1.0"], "</3/0>");
    bench.read("a", "/3/0/0");
    let request = bench.next_to(peer(1));
    assert_eq!(request.uint(OptionNumber::ACCEPT), None);
    bench.input(peer(1), &reply(&request, Code::CONTENT, &[], b"Dunlin"));
    let dunlin = [("/3/0/0".to_owned(), OwnedValue::String("Dunlin".to_owned()))];
    assert_eq!(values(bench.result()), dunlin);

    // What it chooses is not understood: it is told the format.
    bench.read("a", "/3/0/0");
    let request = bench.next_to(peer(1));
    assert_eq!(request.uint(OptionNumber::ACCEPT), None);
    let unknown = (OptionNumber::CONTENT_FORMAT, &[0x27, 0x0f][..]);
    // In two blocks of 16 bytes.
    let first = [unknown, (OptionNumber::BLOCK2, &[0x08][..])];
    bench.input(
        peer(1),
        &reply(&request, Code::CONTENT, &first, b"{\"bn\":\"/3/0/0/\","),
    );
    let request = bench.next_to(peer(1));
    assert_eq!(
        request.block(OptionNumber::BLOCK2).as_deref(),
        Some("1/0/16")
    );
    let second = [unknown, (OptionNumber::BLOCK2, &[0x10][..])];
    bench.input(
        peer(1),
        &reply(&request, Code::CONTENT, &second, b"\"e\":[]}"),
    );
    let request = bench.next_to(peer(1));
    assert_eq!(request.uint(OptionNumber::ACCEPT), Some(11542));
    assert_eq!(
        request.block(OptionNumber::BLOCK2),
        None,
        "from the beginning"
    );
    bench.input(peer(1), &reply(&request, Code::CONTENT, &[TEXT], b"Dunlin"));
    assert_eq!(values(bench.result()), dunlin);
    // Learned.
    bench.read("a", "/3/0/0");
    assert_eq!(
        bench.next_to(peer(1)).uint(OptionNumber::ACCEPT),
        Some(11542)
    );
}

#[test]
fn a_forced_format_is_not_replaced() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    let action = Action::Read {
        path: path("/3/0/9"),
    };
    bench.order(
        "a",
        Command {
            action,
            timeout: None,
            format: Some(ContentFormat::SENML_CBOR),
        },
    );
    let request = bench.next_to(peer(1));
    assert_eq!(request.uint(OptionNumber::ACCEPT), Some(112));
    bench.input(peer(1), &reply(&request, Code::NOT_ACCEPTABLE, &[], b""));
    let error = bench.result().unwrap_err();
    assert!(
        matches!(
            error,
            CommandError::Refused {
                code: Code::NOT_ACCEPTABLE,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_lost_request_is_sent_again_with_back_off_until_it_is_given_up() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    let action = Action::Read {
        path: path("/3/0/9"),
    };
    bench.order(
        "a",
        Command {
            action,
            timeout: Some(Duration::from_secs(200)),
            format: None,
        },
    );
    let first = bench.sent.pop_front().unwrap();
    bench.pass(Duration::from_secs(1));
    assert!(bench.silent());
    bench.pass(Duration::from_secs(92));
    assert_eq!(bench.sent.len(), 4);
    assert!(bench.sent.iter().all(|again| *again == first));
    match bench.result() {
        Err(CommandError::TimedOut {
            transmissions: 5,
            operation: "Read",
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
    let metrics = bench.shard.metrics();
    assert_eq!(
        (
            metrics.retransmissions,
            metrics.give_ups,
            metrics.commands_waiting
        ),
        (4, 1, 0)
    );
}

#[test]
fn a_command_ends_at_its_timeout() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    let action = Action::Read {
        path: path("/3/0/9"),
    };
    bench.order(
        "a",
        Command {
            action,
            timeout: Some(Duration::from_secs(1)),
            format: None,
        },
    );
    bench.pass(Duration::from_secs(1));
    let error = bench.result().unwrap_err();
    assert!(
        matches!(
            error,
            CommandError::TimedOut {
                transmissions: 1,
                ..
            }
        ),
        "{error}"
    );
    // The answer comes too late: it belongs to nothing.
    let request = bench.next_to(peer(1));
    bench.input(
        peer(1),
        &reply(&request, Code::CONTENT, &[TLV], &[0xc1, 9, 87]),
    );
    assert!(bench.silent());
    assert_eq!(bench.shard.metrics().unexpected, 1);
}

#[test]
fn a_separate_response_is_acknowledged_and_its_duplicate_too() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    bench.read("a", "/3/0/9");
    let request = bench.next_to(peer(1));
    let [high, low] = request.id.0.to_be_bytes();
    bench.input(peer(1), &[0x60, 0, high, low]);
    bench.pass(Duration::from_secs(30));
    assert!(bench.silent(), "an acknowledged request is not sent again");
    let response = message(
        Type::Confirmable,
        Code::CONTENT,
        0x4444,
        request.token,
        &[TLV],
        &[0xc1, 9, 87],
    );
    for _ in 0..2 {
        bench.input(peer(1), &response);
        assert_eq!(
            bench.sent.pop_front(),
            Some((peer(1), vec![0x60, 0, 0x44, 0x44]))
        );
    }
    assert_eq!(values(bench.result()).len(), 1);
    assert!(bench.completed.is_empty());
}

#[test]
fn a_response_must_have_token_address_and_message_id_of_its_request() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    bench.read("a", "/3/0/9");
    let request = bench.next_to(peer(1));
    let right = reply(&request, Code::CONTENT, &[TLV], &[0xc1, 9, 87]);
    bench.input(peer(2), &right);
    bench.input(
        peer(1),
        &message(
            Type::Acknowledgement,
            Code::CONTENT,
            request.id.0,
            [1; 8],
            &[TLV],
            &[0xc1, 9, 1],
        ),
    );
    let id = request.id.0.wrapping_add(1);
    bench.input(
        peer(1),
        &message(
            Type::Acknowledgement,
            Code::CONTENT,
            id,
            request.token,
            &[TLV],
            &[0xc1, 9, 1],
        ),
    );
    assert!(bench.completed.is_empty() && bench.silent());
    bench.input(peer(1), &right);
    assert_eq!(
        values(bench.result()),
        [("/3/0/9".to_owned(), OwnedValue::Integer(87))]
    );
}

#[test]
fn refusals_resets_and_nonsense_are_told_apart() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    bench.command(
        "a",
        Action::Execute {
            path: path("/3/0/0"),
            arguments: String::new(),
        },
    );
    let request = bench.next_to(peer(1));
    assert_eq!((request.code, request.payload.len()), (Code::POST, 0));
    bench.input(
        peer(1),
        &reply(
            &request,
            Code::METHOD_NOT_ALLOWED,
            &[],
            b"read\x1b[31m only",
        ),
    );
    let error = bench.result().unwrap_err();
    let expected = "the device refused Execute of /3/0/0: 4.05 Method Not Allowed (read[31m only)";
    assert_eq!(error.to_string(), expected);

    bench.read("a", "/3/0/9");
    let request = bench.next_to(peer(1));
    let [high, low] = request.id.0.to_be_bytes();
    bench.input(peer(1), &[0x70, 0, high, low]);
    assert!(matches!(
        bench.result(),
        Err(CommandError::Reset {
            operation: "Read",
            ..
        })
    ));

    bench.read("a", "/3/0/9");
    let request = bench.next_to(peer(1));
    bench.input(peer(1), &reply(&request, Code::CONTENT, &[TLV], &[0xc8, 9]));
    let error = bench.result().unwrap_err();
    assert!(matches!(error, CommandError::BadAnswer { .. }), "{error}");
    assert_eq!(
        bench
            .shard
            .metrics()
            .commands
            .iter()
            .map(|entry| entry.count)
            .sum::<u64>(),
        3
    );
}

#[test]
fn commands_of_a_device_go_one_after_the_other() {
    let mut bench = Bench::with(Config {
        max_commands_per_device: 3,
        ..Config::default()
    });
    bench.device("a", 1);
    bench.device("b", 2);
    for target in ["/3/0/0", "/3/0/1", "/3/0/2"] {
        bench.read("a", target);
    }
    bench.read("a", "/3/0/3");
    assert!(matches!(
        bench.result(),
        Err(CommandError::Overloaded { endpoint: Some(_) })
    ));
    bench.read("b", "/3/0/0");
    for target in ["/3/0/0", "/3/0/1", "/3/0/2"] {
        let request = bench.next_to(peer(1));
        assert_eq!(request.uri(), target);
        if target == "/3/0/0" {
            assert_eq!(bench.next_to(peer(2)).uri(), "/3/0/0");
        }
        assert!(bench.silent(), "NSTART is 1");
        bench.input(peer(1), &reply(&request, Code::CONTENT, &[TEXT], b"x"));
        bench.result().unwrap();
    }
    assert_eq!(bench.shard.metrics().commands_waiting, 1);
}

#[test]
fn a_long_answer_is_put_together_from_blocks() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    bench.read("a", "/3/0/0");
    let text: String = ('a'..='z').cycle().take(100).collect();
    for number in 0_u8..4 {
        let request = bench.next_to(peer(1));
        let asked = request.block(OptionNumber::BLOCK2);
        assert_eq!(asked, (number > 0).then(|| format!("{number}/0/32")));
        let start = usize::from(number) * 32;
        let chunk = &text[start..text.len().min(start + 32)];
        let block = [number << 4 | u8::from(number < 3) << 3 | 1];
        let options = [
            (OptionNumber::ETAG, &[1][..]),
            TEXT,
            (OptionNumber::BLOCK2, &block[..]),
        ];
        bench.input(
            peer(1),
            &reply(&request, Code::CONTENT, &options, chunk.as_bytes()),
        );
    }
    assert_eq!(
        values(bench.result()),
        [("/3/0/0".to_owned(), OwnedValue::String(text))]
    );
}

#[test]
fn an_answer_that_changes_half_way_is_read_anew_and_one_without_end_given_up() {
    let mut bench = Bench::with(Config {
        max_answer_size: 64,
        ..Config::default()
    });
    bench.device("a", 1);
    bench.read("a", "/3/0/0");
    let request = bench.next_to(peer(1));
    let first: [(OptionNumber, &[u8]); 3] = [
        (OptionNumber::ETAG, &[1]),
        TEXT,
        (OptionNumber::BLOCK2, &[0x08]),
    ];
    bench.input(
        peer(1),
        &reply(&request, Code::CONTENT, &first, &[b'x'; 16]),
    );
    let request = bench.next_to(peer(1));
    let changed: [(OptionNumber, &[u8]); 3] = [
        (OptionNumber::ETAG, &[2]),
        TEXT,
        (OptionNumber::BLOCK2, &[0x10]),
    ];
    bench.input(peer(1), &reply(&request, Code::CONTENT, &changed, b"yy"));
    let request = bench.next_to(peer(1));
    assert_eq!(
        request.block(OptionNumber::BLOCK2),
        None,
        "from the beginning"
    );
    bench.input(peer(1), &reply(&request, Code::CONTENT, &[TEXT], b"whole"));
    assert_eq!(
        values(bench.result()),
        [("/3/0/0".to_owned(), OwnedValue::String("whole".to_owned()))]
    );

    bench.read("a", "/3/0/0");
    for number in 0_u8..5 {
        let request = bench.next_to(peer(1));
        let block = [number << 4 | 8];
        bench.input(
            peer(1),
            &reply(
                &request,
                Code::CONTENT,
                &[TEXT, (OptionNumber::BLOCK2, &block)],
                &[b'x'; 16],
            ),
        );
    }
    assert!(matches!(
        bench.result(),
        Err(CommandError::BadAnswer { .. })
    ));
}

#[test]
fn a_long_write_goes_in_blocks_as_small_as_the_device_wants() {
    let mut bench = Bench::with(Config {
        block_size: 64,
        ..Config::default()
    });
    bench.device("a", 1);
    let text: String = ('a'..='z').cycle().take(100).collect();
    let action = Action::Write {
        path: path("/3/0/14"),
        mode: WriteMode::Replace,
        value: WriteValue::from(text.as_str()),
    };
    bench.order(
        "a",
        Command {
            action,
            timeout: None,
            format: Some(ContentFormat::TEXT),
        },
    );
    let request = bench.next_to(peer(1));
    assert_eq!(
        (request.code, request.uint(OptionNumber::CONTENT_FORMAT)),
        (Code::PUT, Some(0))
    );
    assert_eq!(
        request.block(OptionNumber::BLOCK1).as_deref(),
        Some("0/1/64")
    );
    assert_eq!(request.uint(OptionNumber::SIZE1), Some(100));
    let smaller = [0x09];
    bench.input(
        peer(1),
        &reply(
            &request,
            Code::CONTINUE,
            &[(OptionNumber::BLOCK1, &smaller)],
            &[],
        ),
    );
    let mut received = request.text();
    for (number, more) in [(2_u8, true), (3, false)] {
        let request = bench.next_to(peer(1));
        assert_eq!(
            request.block(OptionNumber::BLOCK1),
            Some(format!("{number}/{}/32", u8::from(more)))
        );
        received += &request.text();
        let block = [number << 4 | u8::from(more) << 3 | 1];
        let code = if more { Code::CONTINUE } else { Code::CHANGED };
        bench.input(
            peer(1),
            &reply(&request, code, &[(OptionNumber::BLOCK1, &block)], &[]),
        );
    }
    assert_eq!(bench.result(), Ok(Outcome::Done));
    assert_eq!(received, text);
}

/// Writes `value` to /5/0/0 of a device that takes the blocks, and gives what it has received.
fn upload(format: Option<ContentFormat>, value: &[u8]) -> Vec<u8> {
    let mut bench = Bench::new();
    bench.registered("a", 1, &["lwm2m=1.1"], "</>;ct=\"11542 112\",</3/0>,</5/0>");
    let action = Action::Write {
        path: path("/5/0/0"),
        mode: WriteMode::Replace,
        value: WriteValue::One(OwnedValue::Opaque(value.to_vec())),
    };
    bench.order(
        "a",
        Command {
            action,
            timeout: Some(Duration::from_secs(100_000)),
            format,
        },
    );
    let mut received = Vec::new();
    loop {
        let request = bench.next_to(peer(1));
        let (_, block) = &request.options[request
            .options
            .iter()
            .position(|(number, _)| *number == OptionNumber::BLOCK1)
            .expect("a block")];
        let more = Block::decode(block).unwrap().more();
        assert!(request.payload.len() <= 1024);
        received.extend(&request.payload);
        let code = if more { Code::CONTINUE } else { Code::CHANGED };
        bench.input(
            peer(1),
            &reply(&request, code, &[(OptionNumber::BLOCK1, block)], &[]),
        );
        if !more {
            assert_eq!(bench.result(), Ok(Outcome::Done));
            return received;
        }
    }
}

#[test]
fn a_value_far_larger_than_a_block_arrives_whole_in_every_format() {
    let image: Vec<u8> = (0..1_000_003_u32)
        .map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    assert!(upload(Some(ContentFormat::OPAQUE), &image) == image);
    let tlv = upload(Some(ContentFormat::TLV), &image);
    assert_eq!(tlv[..5], [0xd8, 0, 0x0f, 0x42, 0x43]);
    assert!(tlv[5..] == image);
    // The device's own choice is SenML CBOR: a map with the name and a byte string.
    let senml = upload(None, &image);
    assert_eq!(senml[..4], *b"\x81\xa2\x21\x66");
    assert_eq!(senml[4..10], *b"/5/0/0");
    assert_eq!(senml[10..16], *b"\x08\x5a\x00\x0f\x42\x43");
    assert!(senml[16..] == image);
}

#[test]
fn a_write_that_is_too_large_begins_again_with_smaller_blocks() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    let value = WriteValue::from("x".repeat(40));
    let action = Action::Write {
        path: path("/3/0/14"),
        mode: WriteMode::Replace,
        value,
    };
    bench.order(
        "a",
        Command {
            action,
            timeout: None,
            format: Some(ContentFormat::TEXT),
        },
    );
    let request = bench.next_to(peer(1));
    assert_eq!(
        (request.block(OptionNumber::BLOCK1), request.payload.len()),
        (None, 40)
    );
    bench.input(
        peer(1),
        &reply(
            &request,
            Code::REQUEST_ENTITY_TOO_LARGE,
            &[(OptionNumber::BLOCK1, &[0x01])],
            &[],
        ),
    );
    let request = bench.next_to(peer(1));
    assert_eq!(
        request.block(OptionNumber::BLOCK1).as_deref(),
        Some("0/1/32")
    );
    bench.input(
        peer(1),
        &reply(&request, Code::REQUEST_ENTITY_TOO_LARGE, &[], &[]),
    );
    assert!(matches!(
        bench.result(),
        Err(CommandError::Refused {
            code: Code::REQUEST_ENTITY_TOO_LARGE,
            ..
        })
    ));
}

/// The order, and method, path, query and payload of the request, and the code of the answer.
type Case = (Action, Code, &'static str, Vec<&'static str>, Vec<u8>, Code);

#[test]
fn every_operation_is_written_as_the_specification_says() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    let record = |target: &str, value: OwnedValue| Record {
        path: path(target),
        value,
        time: None,
    };
    let cases: Vec<Case> = vec![
        (
            // A plain number becomes the Time of the definition.
            Action::Write {
                path: path("/3/0/13"),
                mode: WriteMode::Replace,
                value: WriteValue::from(5),
            },
            Code::PUT,
            "/3/0/13",
            vec![],
            vec![0xc1, 13, 5],
            Code::CHANGED,
        ),
        (
            Action::Write {
                path: path("/1/0"),
                mode: WriteMode::Partial,
                value: WriteValue::from(vec![
                    record("/1/0/6", OwnedValue::Boolean(true)),
                    record("/1/0/1", OwnedValue::Integer(60)),
                ]),
            },
            Code::POST,
            "/1/0",
            vec![],
            vec![0xc1, 1, 60, 0xc1, 6, 1],
            Code::CHANGED,
        ),
        (
            Action::Execute {
                path: path("/3/0/4"),
                arguments: "0='x'".to_owned(),
            },
            Code::POST,
            "/3/0/4",
            vec![],
            b"0='x'".to_vec(),
            Code::CHANGED,
        ),
        (
            Action::Delete {
                path: path("/3303/1"),
            },
            Code::DELETE,
            "/3303/1",
            vec![],
            vec![],
            Code::DELETED,
        ),
        (
            Action::WriteAttributes {
                path: path("/3303/0/5700"),
                changes: AttributeChanges::from(Attributes {
                    pmin: Some(1),
                    gt: Some(2.5),
                    ..Attributes::NONE
                }),
            },
            Code::PUT,
            "/3303/0/5700",
            vec!["pmin=1", "gt=2.5"],
            vec![],
            Code::CHANGED,
        ),
        (
            Action::Create {
                object: path("/3303").object_id().unwrap(),
                instance: None,
                records: vec![record("/3303/0/5701", OwnedValue::String("K".to_owned()))],
            },
            Code::POST,
            "/3303",
            vec![],
            vec![0xe1, 0x16, 0x45, b'K'],
            Code::CREATED,
        ),
        (
            Action::Create {
                object: path("/3303").object_id().unwrap(),
                instance: path("/3303/7").instance_id(),
                records: vec![record("/3303/7/5701", OwnedValue::String("K".to_owned()))],
            },
            Code::POST,
            "/3303",
            vec![],
            vec![0x04, 7, 0xe1, 0x16, 0x45, b'K'],
            Code::CREATED,
        ),
    ];
    for (action, method, uri, query, payload, code) in cases {
        let created = matches!(action, Action::Create { .. });
        bench.command("a", action);
        let request = bench.next_to(peer(1));
        assert_eq!((request.code, request.uri().as_str()), (method, uri));
        assert_eq!(request.texts(OptionNumber::URI_QUERY), query);
        assert_eq!(request.payload, payload);
        let location: &[(OptionNumber, &[u8])] = &[
            (OptionNumber::LOCATION_PATH, b"3303"),
            (OptionNumber::LOCATION_PATH, b"7"),
        ];
        bench.input(
            peer(1),
            &reply(&request, code, if created { location } else { &[] }, &[]),
        );
        let expected = if created {
            Outcome::Created(path("/3303/7"))
        } else {
            Outcome::Done
        };
        assert_eq!(bench.result(), Ok(expected));
    }
    bench.command(
        "a",
        Action::Discover {
            path: path("/3303"),
        },
    );
    let request = bench.next_to(peer(1));
    assert_eq!(
        (request.code, request.uint(OptionNumber::ACCEPT)),
        (Code::GET, Some(40))
    );
    let links = b"</3303>;ver=1.1,</3303/0/5700>;pmin=1";
    bench.input(
        peer(1),
        &reply(
            &request,
            Code::CONTENT,
            &[(OptionNumber::CONTENT_FORMAT, &[40])],
            links,
        ),
    );
    let Ok(Outcome::Links(links)) = bench.result() else {
        panic!()
    };
    assert_eq!(
        links
            .iter()
            .map(|link| link.path.to_string())
            .collect::<Vec<_>>(),
        ["/3303", "/3303/0/5700"]
    );
    assert_eq!(&*links[1].attributes["pmin"], "1");
}

#[test]
fn what_makes_no_sense_is_not_sent() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    let write = |target: &str, value: WriteValue| Action::Write {
        path: path(target),
        mode: WriteMode::Replace,
        value,
    };
    let record = |target: &str| Record {
        path: path(target),
        value: OwnedValue::Integer(1),
        time: None,
    };
    for action in [
        Action::Read { path: Path::ROOT },
        write("/3", WriteValue::from(1)),
        write("/3/0", WriteValue::from(1)),
        write("/3/0/13", WriteValue::from("noon")),
        write("/3/0/7", WriteValue::from(1)),
        write("/3/0", WriteValue::from(vec![record("/1/0/1")])),
        write(
            "/1/0",
            WriteValue::from(vec![record("/1/0/1"), record("/1/0/1")]),
        ),
        Action::Execute {
            path: path("/3/0"),
            arguments: String::new(),
        },
        Action::Execute {
            path: path("/3/0/4"),
            arguments: "x".to_owned(),
        },
        Action::Delete { path: path("/3") },
        Action::Observe {
            path: path("/3303/0/5700"),
            attributes: Attributes {
                gt: Some(1.0),
                lt: Some(2.0),
                ..Attributes::NONE
            },
        },
        Action::Cancel {
            path: path("/3/0/9"),
        },
    ] {
        let shown = format!("{action:?}");
        bench.command("a", action);
        let error = bench.result().unwrap_err();
        assert!(
            matches!(error, CommandError::Invalid { .. }),
            "{shown}: {error}"
        );
        assert!(bench.silent(), "{shown}");
    }
}

#[test]
fn a_sleeping_device_gets_its_commands_when_it_is_heard() {
    let mut bench = Bench::new();
    let location = bench.registered("a", 1, &["lwm2m=1.1", "Q"], "</3/0>");
    bench.pass(Duration::from_secs(93));
    bench.read("a", "/3/0/9");
    bench.read("a", "/3/0/10");
    assert!(bench.silent());
    let info = bench.shard.device("a").unwrap();
    assert_eq!(
        (info.state, info.commands_waiting),
        (crate::DeviceState::Asleep, 2)
    );
    bench.pass(Duration::from_secs(30));
    bench.input(peer(1), &update(500, &location, &[], ""));
    assert_eq!(bench.next_to(peer(1)).code, Code::CHANGED);
    let request = bench.next_to(peer(1));
    assert_eq!(request.uri(), "/3/0/9");
    assert!(bench.silent());
    bench.input(
        peer(1),
        &reply(&request, Code::CONTENT, &[TLV], &[0xc1, 9, 87]),
    );
    assert_eq!(bench.next_to(peer(1)).uri(), "/3/0/10");
}

#[test]
fn a_command_for_a_device_that_stays_asleep_says_until_when() {
    let mut bench = Bench::new();
    bench.registered("a", 1, &["lwm2m=1.1", "Q"], "</3/0>");
    bench.pass(Duration::from_secs(93));
    bench.read("a", "/3/0/9");
    bench.pass(Duration::from_secs(60));
    match bench.result() {
        Err(CommandError::Asleep { expected_by, .. }) => {
            assert_eq!(expected_by, Some(WALL.plus_millis(300_000)));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_device_that_registers_again_gets_the_command_again_unless_that_does_harm() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    bench.read("a", "/3/0/9");
    bench.next_to(peer(1));
    bench.now += Duration::from_secs(1);
    bench.input(peer(2), &register(1, &["ep=a", "lt=60"], "</3/0>"));
    assert_eq!(bench.next_to(peer(2)).code, Code::CREATED);
    let request = bench.next_to(peer(2));
    assert_eq!(request.uri(), "/3/0/9");
    bench.input(
        peer(2),
        &reply(&request, Code::CONTENT, &[TLV], &[0xc1, 9, 87]),
    );
    bench.result().unwrap();

    bench.command(
        "a",
        Action::Execute {
            path: path("/3/0/4"),
            arguments: String::new(),
        },
    );
    bench.next_to(peer(2));
    bench.input(peer(2), &register(2, &["ep=a", "lt=60"], "</3/0>"));
    assert_eq!(bench.next_to(peer(2)).code, Code::CREATED);
    assert!(bench.silent());
    assert!(matches!(
        bench.result(),
        Err(CommandError::Interrupted {
            operation: "Execute",
            ..
        })
    ));
}

#[test]
fn the_alternate_path_stands_before_every_path() {
    let mut bench = Bench::new();
    bench.registered("a", 1, &[], "</lwm2m>;rt=\"oma.lwm2m\",</lwm2m/3/0>");
    bench.read("a", "/3/0/9");
    let request = bench.next_to(peer(1));
    assert_eq!(request.uri(), "/lwm2m/3/0/9");
    assert_eq!(request.uint(OptionNumber::ACCEPT), None);
    bench.input(
        peer(1),
        &reply(&request, Code::CONTENT, &[TLV], &[0xc1, 9, 87]),
    );
    assert_eq!(
        values(bench.result()),
        [("/3/0/9".to_owned(), OwnedValue::Integer(87))]
    );
    let action = Action::Create {
        object: path("/3303").object_id().unwrap(),
        instance: None,
        records: vec![],
    };
    bench.command("a", action);
    let request = bench.next_to(peer(1));
    assert_eq!(
        (request.uri().as_str(), request.payload.len()),
        ("/lwm2m/3303", 0)
    );
    let location: &[(OptionNumber, &[u8])] = &[
        (OptionNumber::LOCATION_PATH, b"lwm2m"),
        (OptionNumber::LOCATION_PATH, b"3303"),
        (OptionNumber::LOCATION_PATH, b"4"),
    ];
    bench.input(peer(1), &reply(&request, Code::CREATED, location, &[]));
    assert_eq!(bench.result(), Ok(Outcome::Created(path("/3303/4"))));
}

#[test]
fn an_answer_without_content_format_is_text_if_it_can_be() {
    let mut bench = Bench::new();
    bench.device("a", 1);
    for payload in [&b"87"[..], &[0xc1, 9, 87]] {
        bench.read("a", "/3/0/9");
        let request = bench.next_to(peer(1));
        bench.input(peer(1), &reply(&request, Code::CONTENT, &[], payload));
        let expected = [("/3/0/9".to_owned(), OwnedValue::Integer(87))];
        assert_eq!(values(bench.result()), expected, "{payload:?}");
    }
}

#[test]
fn no_more_and_no_larger_values_are_kept_than_the_limits() {
    let mut bench = Bench::with(Config {
        max_values_per_device: 2,
        max_value_size: 4,
        ..Config::default()
    });
    bench.device("a", 1);
    for (target, text) in [
        ("/3/0/0", "one"),
        ("/3/0/1", "larger"),
        ("/3/0/2", "two"),
        ("/3/0/3", "more"),
    ] {
        bench.read("a", target);
        let request = bench.next_to(peer(1));
        bench.input(
            peer(1),
            &reply(&request, Code::CONTENT, &[TEXT], text.as_bytes()),
        );
        bench.result().unwrap();
    }
    let kept = |bench: &Bench| {
        let values = bench.shard.values("a").unwrap();
        values
            .iter()
            .map(|known| known.path.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(kept(&bench), ["/3/0/0", "/3/0/2"]);
    // A known value that has become too large is not shown in its old state.
    bench.read("a", "/3/0/0");
    let request = bench.next_to(peer(1));
    bench.input(peer(1), &reply(&request, Code::CONTENT, &[TEXT], b"larger"));
    assert_eq!(kept(&bench), ["/3/0/2"]);
}

#[test]
fn a_sleepy_device_that_does_not_answer_is_taken_for_asleep() {
    let mut bench = Bench::new();
    let location = bench.registered("a", 1, &["lwm2m=1.1", "Q"], "</3/0>");
    for target in ["/3/0/9", "/3/0/10"] {
        let action = Action::Read { path: path(target) };
        bench.order(
            "a",
            Command {
                action,
                timeout: Some(Duration::from_secs(130)),
                format: None,
            },
        );
    }
    bench.pass(Duration::from_secs(50));
    // It was heard, so that it should be awake until 143 s, but it answers no request.
    bench.input(peer(1), &update(500, &location, &[], ""));
    bench.pass(Duration::from_secs(43));
    assert!(matches!(bench.result(), Err(CommandError::TimedOut { .. })));
    bench.sent.clear();
    bench.pass(Duration::from_secs(37));
    assert!(bench.silent());
    assert!(matches!(bench.result(), Err(CommandError::Asleep { .. })));
}

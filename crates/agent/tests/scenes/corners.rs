//! Corners of the rules that no case of the ETS turns: what comes again, at the same time, in between or not at all.

use dunlin_agent::model::Value;
use dunlin_agent::objects::{Device, Portfolio, Security, Server};
use dunlin_agent::{BlockSize, Code, Config, Event, Instances, LwM2mVersion, Objects};
use dunlin_coap::{OptionNumber, Token};

use crate::bench::{Bench, Received, node};
use crate::blockwise::{block1, small_blocks};
use crate::bootstrap::tlv;
use crate::observe::{attributes, bench, expect_notification, observe};

/// RFC 7641 §4.1: a token is one observation, whatever it is of.
#[test]
fn a_token_observes_one_node_at_a_time() {
    let mut bench = bench();
    let (first, _) = observe(&mut bench, "/3303/0/5700");
    let mut second = bench
        .request(Code::GET, "/3/0/9")
        .uint(OptionNumber::OBSERVE, 0)
        .uint(OptionNumber::ACCEPT, 0);
    second.token = first.token;
    bench.ask_code(&second, Code::CONTENT);
    assert_eq!(bench.agent.observations(), 1);
    bench.measure(21.0);
    bench.expect_silence();
    bench.set(|node| node.device.battery_level = Some(7));
    expect_notification(&mut bench, first.token, "7");
    // The same once more is no second observation, and is answered at once with a higher number.
    let mut again = bench
        .request(Code::GET, "/3/0/9")
        .uint(OptionNumber::OBSERVE, 0)
        .uint(OptionNumber::ACCEPT, 0);
    again.token = first.token;
    let answer = bench.ask(&again);
    assert!(answer.message().observe() > Some(2));
    assert_eq!(bench.agent.observations(), 1);
}

/// A cancellation with a token that observes nothing cancels nothing, and is answered like a Read.
#[test]
fn a_cancellation_is_for_its_own_token() {
    let mut bench = bench();
    let (request, _) = observe(&mut bench, "/3303/0/5700");
    let cancel = bench
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::OBSERVE, 1)
        .uint(OptionNumber::ACCEPT, 0);
    let answer = bench.ask(&cancel);
    assert_eq!(
        (answer.code(), answer.message().observe()),
        (Code::CONTENT, None)
    );
    bench.measure(21.0);
    expect_notification(&mut bench, request.token, "21");
}

/// What cannot be read cannot be observed.
#[test]
fn an_observe_is_refused_like_a_read() {
    let mut bench = bench();
    for (path, accept, code) in [
        ("/0/0/0", 112, Code::UNAUTHORIZED),
        ("/1/0/8", 112, Code::METHOD_NOT_ALLOWED),
        ("/3/0/0/0", 112, Code::METHOD_NOT_ALLOWED),
        ("/3/0/10", 112, Code::NOT_FOUND),
        ("/3/1", 112, Code::NOT_FOUND),
        ("/3/0", 0, Code::NOT_ACCEPTABLE),
        ("/3/0/0", 11543, Code::NOT_ACCEPTABLE),
    ] {
        let request = bench
            .request(Code::GET, path)
            .uint(OptionNumber::OBSERVE, 0)
            .uint(OptionNumber::ACCEPT, accept);
        let answer = bench.ask(&request);
        assert_eq!(
            (answer.code(), answer.message().observe()),
            (code, None),
            "{path}"
        );
    }
    for observe in [2, 0xff_ffff] {
        let request = bench
            .request(Code::GET, "/3/0/0")
            .uint(OptionNumber::OBSERVE, observe);
        bench.ask_code(&request, Code::BAD_REQUEST);
    }
    assert_eq!(bench.agent.observations(), 0);
}

/// All that a Write-Attributes asks for is done, or nothing of it.
#[test]
fn malformed_attributes_change_nothing() {
    let mut bench = bench();
    attributes(&mut bench, "/3303/0/5700", "pmin=1&gt=5");
    for query in [
        "pmin=2&bogus=3",
        "pmin=2&pmin",
        "pmin=2&pmax=",
        "pmin=2&pmax=1.5",
        "pmin=2&pmax=+3",
        "pmin=2&pmax=4294967296",
        "pmin=2&PMAX=3",
        "pmin=2&gt=",
        "pmin=2&gt=one",
        "pmin=2&gt=inf",
        "pmin=2&gt=NaN",
        "pmin=2&st=-1",
        "pmin=2&con=2",
        "pmin=2&con=true",
        "pmin=2&edge=1",
        "pmin=2&hqmax=-1",
        "pmin=2&epmin=5&epmax=5",
        "pmin=2&lt=5",
        "pmin=2&lt=4&st=1",
        "pmin=2&",
        "pmin=2&dim=3",
        "pmin=2&ver=1.0",
        "pmin=2&depth=1",
    ] {
        let request = bench.request(Code::PUT, "/3303/0/5700").query(query);
        let answer = bench.ask(&request);
        assert_eq!(answer.code(), Code::BAD_REQUEST, "{query}");
        let discover = bench
            .request(Code::GET, "/3303/0/5700")
            .uint(OptionNumber::ACCEPT, 40);
        assert_eq!(
            bench.ask(&discover).text(),
            "</3303/0/5700>;pmin=1;gt=5",
            "{query}"
        );
    }
    // Nothing at all is no request, and a removal of what is not there does no harm.
    let nothing = bench.request(Code::PUT, "/3303/0/5700");
    bench.ask_code(&nothing, Code::BAD_REQUEST);
    attributes(&mut bench, "/3303/0/5700", "st&pmin=0&gt=-3.25&lt=-40");
    let discover = bench
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::ACCEPT, 40);
    assert_eq!(
        bench.ask(&discover).text(),
        "</3303/0/5700>;pmin=0;gt=-3.25;lt=-40"
    );
}

/// RFC 7959 §2.5: other requests may come between the blocks of one.
#[test]
fn a_long_write_is_not_disturbed_by_short_requests_in_between() {
    let mut bench = Bench::registered();
    let values = [
        ("/1/0/2", Value::Integer(5)),
        ("/1/0/3", Value::Integer(600)),
    ];
    let mut bytes = tlv("/1/0", &values);
    // Longer than one block, by resources that this device does not have.
    bytes.extend(b"\xc8\x16\x10sixteen bytes...\xc1\x06\x01");
    let parts: Vec<&[u8]> = bytes.chunks(16).collect();
    for (number, part) in (0..).zip(&parts) {
        let last = usize::try_from(number).unwrap() + 1 == parts.len();
        let block = bench
            .request(Code::POST, "/1/0")
            .payload(11542, part)
            .option(OptionNumber::BLOCK1, &block1(number, !last, BlockSize::B16));
        let code = if last { Code::CHANGED } else { Code::CONTINUE };
        bench.ask_code(&block, code);
        if !last {
            assert_eq!(bench.read("/3/0/0"), "Dunlin");
            let short = bench.request(Code::PUT, "/3/0/14").payload(0, b"UTC+3");
            bench.ask_code(&short, Code::CHANGED);
            let long = bench
                .request(Code::GET, "/3")
                .uint(OptionNumber::ACCEPT, 11542);
            bench.ask_code(&long, Code::CONTENT);
        }
    }
    assert_eq!(bench.read("/1/0/3"), "600");
}

/// Another long request in its place ends it; what comes of the first afterwards is incomplete.
#[test]
fn another_long_write_takes_the_place_of_the_first() {
    let mut bench = Bench::registered();
    let part = |bench: &mut Bench, path: &str, number, more, bytes: &[u8]| {
        bench
            .request(Code::POST, path)
            .payload(11542, bytes)
            .option(OptionNumber::BLOCK1, &block1(number, more, BlockSize::B16))
    };
    let first = tlv("/1/0", &[("/1/0/2", Value::Integer(5))]);
    let first = [&first[..], &b"\xc8\x16\x40"[..], &[b'x'; 64][..]].concat();
    let request = part(&mut bench, "/1/0", 0, true, &first[..16]);
    bench.ask_code(&request, Code::CONTINUE);
    let second = tlv("/3/0", &[("/3/0/15", Value::String("Europe/Paris, again"))]);
    let request = part(&mut bench, "/3/0", 0, true, &second[..16]);
    bench.ask_code(&request, Code::CONTINUE);
    let request = part(&mut bench, "/1/0", 1, true, &first[16..32]);
    bench.ask_code(&request, Code::REQUEST_ENTITY_INCOMPLETE);
    let request = part(&mut bench, "/3/0", 1, false, &second[16..]);
    bench.ask_code(&request, Code::CHANGED);
    assert_eq!(bench.read("/3/0/15"), "Europe/Paris, again");
    let request = bench.request(Code::GET, "/1/0/2");
    bench.ask_code(&request, Code::NOT_FOUND);
}

/// RFC 7959 §2.4: blocks of what has changed in between are told apart by their `ETag`.
#[test]
fn blocks_of_a_changed_value_have_another_etag() {
    let mut bench = small_blocks();
    let block = |bench: &mut Bench, number: u32| {
        let request = bench
            .request(Code::GET, "/3/0")
            .option(OptionNumber::BLOCK2, &block1(number, false, BlockSize::B64));
        let answer = bench.ask(&request);
        assert_eq!(answer.code(), Code::CONTENT);
        let etag = answer
            .message()
            .option(OptionNumber::ETAG)
            .unwrap()
            .to_vec();
        (etag, answer.message().payload().to_vec())
    };
    let (first, _) = block(&mut bench, 0);
    let (same, rest) = block(&mut bench, 1);
    assert_eq!(first, same);
    bench.set(|node| node.device.battery_level = Some(33));
    let (other, _) = block(&mut bench, 1);
    assert_ne!(first, other);
    bench.set(|node| node.device.battery_level = Some(80));
    assert_eq!(block(&mut bench, 1), (first, rest));
}

/// A Create whose payload names 65535 leaves the choice to the device.
#[test]
fn a_create_of_instance_65535_lets_the_device_choose() {
    // {[3303, 65535]: {5750: "x"}}
    let payload = b"\xa1\x82\x19\x0c\xe7\x19\xff\xff\xa1\x19\x16\x76\x61x";
    let mut bench = Bench::registered();
    let request = bench.request(Code::POST, "/3303").payload(11544, payload);
    let answer = bench.ask(&request);
    assert_eq!(answer.code(), Code::CREATED, "{}", answer.text());
    let location: Vec<&[u8]> = answer.message().location_path().collect();
    assert_eq!(location, [&b"3303"[..], b"1"]);
    bench.sent.clear();
    assert_eq!(bench.read("/3303/1/5750"), "x");
    // In TLV it is no instance.
    let payload = b"\x25\xff\xff\xe1\x16\x76x";
    let request = bench.request(Code::POST, "/3303").payload(11542, payload);
    bench.ask_code(&request, Code::BAD_REQUEST);
    assert_eq!(bench.agent.objects().temperature.len(), 2);
}

/// An object without instances is there, whatever the format of the answer.
#[test]
fn an_object_without_instances_is_read_in_every_format() {
    for format in [11542, 110, 112, 11544] {
        let mut bench = Bench::registered();
        bench.agent.set(|node| drop(node.temperature.remove(0)));
        bench.turn();
        bench.sent.clear();
        let request = bench
            .request(Code::GET, "/3303")
            .uint(OptionNumber::ACCEPT, format);
        let answer = bench.ask(&request);
        assert_eq!(answer.code(), Code::CONTENT, "{format}: {}", answer.text());
        let discover = bench
            .request(Code::GET, "/3303")
            .uint(OptionNumber::ACCEPT, 40);
        assert_eq!(bench.ask(&discover).text(), "</3303>;ver=1.1");
    }
}

/// An object may be observed before there is anything in it, and after.
#[test]
fn an_object_is_observed_while_its_instances_come_and_go() {
    let mut bench = bench();
    let observe = bench
        .request(Code::GET, "/3303")
        .uint(OptionNumber::OBSERVE, 0)
        .uint(OptionNumber::ACCEPT, 11542);
    bench.ask_code(&observe, Code::CONTENT);
    let notified = |bench: &mut Bench| {
        let told = bench.sent.drain(..).map(|(_, bytes)| Received(bytes));
        let mut told = told.filter(|message| message.message().token() == observe.token);
        let notification = told.next().expect("a notification");
        assert_eq!(notification.code(), Code::CONTENT);
        assert!(told.next().is_none());
        notification.message().payload().len()
    };
    let delete = bench.request(Code::DELETE, "/3303/0");
    bench.ask_code(&delete, Code::DELETED);
    assert_eq!(notified(&mut bench), 0);
    let create = bench.request(Code::POST, "/3303");
    bench.ask_code(&create, Code::CREATED);
    assert!(notified(&mut bench) > 0);
    assert_eq!(bench.agent.observations(), 1);
}

/// A Write-Composite that changes the lifetime is followed by an Update, one for all of it.
#[test]
fn a_lifetime_written_beside_others_is_told() {
    let mut bench = Bench::registered();
    let payload = b"\x82\xa2\x00f/1/0/1\x02\x18\x78\xa2\x00f/1/0/2\x02\x05";
    let patch = bench.request(Code::IPATCH, "/").payload(112, payload);
    bench.ask_code(&patch, Code::CHANGED);
    bench.expect_event(Event::Written {
        path: "/".parse().unwrap(),
    });
    let update = bench.next();
    assert_eq!(update.query(), ["lt=120"]);
    assert!(update.message().payload().is_empty());
    bench.answer(&update, Code::CHANGED, &[]);
    bench.expect_silence();
}

/// Options that the agent does not need to understand change nothing; a Proxy is not one.
#[test]
fn elective_options_are_passed_over() {
    let mut bench = Bench::registered();
    let request = bench
        .request(Code::GET, "/3/0/0")
        .option(OptionNumber::ETAG, b"12345678")
        .option(OptionNumber::ECHO, b"echo")
        .option(OptionNumber::NO_RESPONSE, b"")
        .option(OptionNumber(292), b"tag")
        .option(OptionNumber::URI_HOST, b"device.example")
        .uint(OptionNumber::URI_PORT, 5683)
        .uint(OptionNumber::ACCEPT, 0);
    assert_eq!(bench.ask(&request).text(), "Dunlin");
    for token in [&b""[..], b"1", b"12345678"] {
        let mut request = bench.request(Code::GET, "/3/0/0");
        request.token = Token::new(token).unwrap();
        bench.ask_code(&request, Code::CONTENT);
    }
}

#[derive(Objects)]
struct Named {
    security: Security<1>,
    server: Server<1>,
    device: Device<'static>,
    portfolio: Instances<Portfolio, 1>,
}

/// Deleting a resource instance is of LwM2M 1.2.
#[test]
fn resource_instances_are_deleted_from_1_2_on() {
    for (version, code) in [
        (LwM2mVersion::V1_1, Code::METHOD_NOT_ALLOWED),
        (LwM2mVersion::V1_2, Code::DELETED),
    ] {
        let mut portfolio = Portfolio::default();
        for index in 0..2 {
            let text = "name".try_into().unwrap();
            portfolio.identity.insert(index, text).unwrap();
        }
        let named = Named {
            security: Security::no_sec(1, "coap://server.example").unwrap(),
            server: Server::single(1, 0),
            device: Device::new("Dunlin", "Named", "7"),
            portfolio: [portfolio].into(),
        };
        let config = Config::new("urn:dev:os:1-7").version(version);
        let mut bench = Bench::registered_with(named, config);
        let delete = bench.request(Code::DELETE, "/16/0/0/1");
        bench.ask_code(&delete, code);
        let left = bench.agent.objects().portfolio.get(0).unwrap();
        assert_eq!(left.identity.iter().count() == 1, code == Code::DELETED);
        // What is not there cannot be deleted, in any version.
        let delete = bench.request(Code::DELETE, "/16/0/0/7");
        bench.ask_code(&delete, Code::NOT_FOUND);
    }
}

/// The same request twice at once from two tokens is carried out twice: only its message id tells a repetition.
#[test]
fn a_repetition_is_known_by_its_message_id_alone() {
    let mut bench = Bench::registered();
    let first = bench.request(Code::POST, "/1/0/8");
    bench.deliver(&first.bytes());
    assert_eq!(bench.next().code(), Code::CHANGED);
    let update = bench.next();
    // Again, in the middle of the Update: the same answer, and no other Update.
    bench.ask_code(&first, Code::CHANGED);
    bench.answer(&update, Code::CHANGED, &[]);
    bench.expect_silence();
    let mut second = bench.request(Code::POST, "/1/0/8");
    second.token = first.token;
    bench.deliver(&second.bytes());
    assert_eq!(bench.next().code(), Code::CHANGED);
    assert_eq!(bench.next().path(), "/rd/7");
}

/// Depths: those of the text, and no others.
#[test]
fn a_depth_is_a_digit_from_0_to_3() {
    let mut bench = Bench::registered();
    for query in [
        "depth=4",
        "depth=",
        "depth=01",
        "depth=-1",
        "depth",
        "depth=1&depth=1",
        "x=1",
    ] {
        let request = bench
            .request(Code::GET, "/3")
            .query(query)
            .uint(OptionNumber::ACCEPT, 40);
        bench.ask_code(&request, Code::BAD_REQUEST);
    }
    let request = bench
        .request(Code::GET, "/3/0/7")
        .query("depth=0")
        .uint(OptionNumber::ACCEPT, 40);
    assert_eq!(bench.ask(&request).text(), "</3/0/7>;dim=2");
    let request = bench
        .request(Code::GET, "/3/0/7/1")
        .uint(OptionNumber::ACCEPT, 40);
    bench.ask_code(&request, Code::METHOD_NOT_ALLOWED);
}

/// An observation of several nodes that brings attributes goes by these alone.
#[test]
fn attributes_of_a_composite_observation_go_before_all_of_its_nodes() {
    let mut node = node();
    node.server.get_mut(0).unwrap().lifetime = 0;
    let config = Config::new("urn:dev:os:1-7").version(LwM2mVersion::V1_2);
    let mut bench: Bench = Bench::registered_with(node, config);
    attributes(&mut bench, "/3303/0/5700", "pmin=20&pmax=30&con=1");
    let list = b"\x82\xa1\x00l/3303/0/5700\xa1\x00f/3/0/9";
    let mut observe = bench
        .request(Code::FETCH, "/")
        .payload(112, list)
        .query("pmax=100")
        .uint(OptionNumber::OBSERVE, 0);
    bench.ask_code(&observe, Code::CONTENT);
    bench.seconds(5);
    bench.measure(22.0);
    let notification = bench.next();
    assert_eq!(notification.message().token(), observe.token);
    bench.seconds(99);
    bench.expect_silence();
    bench.seconds(1);
    assert_eq!(bench.next().message().token(), observe.token);
    // Without, the nodes' own hold.
    let id = bench.id();
    observe = bench
        .request(Code::FETCH, "/")
        .payload(112, list)
        .uint(OptionNumber::OBSERVE, 0);
    observe.id = id;
    bench.ask_code(&observe, Code::CONTENT);
    bench.seconds(29);
    bench.expect_silence();
    bench.seconds(1);
    assert_eq!(bench.next().message().token(), observe.token);
}

//! Arbitrary input: no panic, bounded tables, every command ends.

use proptest::prelude::*;

use super::*;
use crate::{Attributes, WriteMode, WriteValue};

/// What may happen to a shard.
#[derive(Debug, Clone)]
enum Step {
    Bytes(Vec<u8>),
    Message {
        kind: u8,
        code: u8,
        id: u16,
        token: Vec<u8>,
        options: Vec<(u16, Vec<u8>)>,
        payload: Vec<u8>,
    },
    Register {
        name: u8,
        last: u8,
        links: String,
    },
    /// An answer with the token of a request that was sent, right or nearly.
    Answer {
        nth: usize,
        kind: u8,
        code: u8,
        id_offset: u16,
        options: Vec<(u16, Vec<u8>)>,
        payload: Vec<u8>,
    },
    Command {
        name: u8,
        action: u8,
        target: u8,
    },
    Pass(u32),
    Storage(u8),
}

fn options() -> impl Strategy<Value = Vec<(u16, Vec<u8>)>> {
    let number = prop_oneof![
        4 => prop::sample::select(vec![6_u16, 8, 11, 12, 14, 15, 17, 23, 27, 28, 60, 4, 35]),
        1 => any::<u16>(),
    ];
    let value = prop_oneof![
        Just(b"rd".to_vec()),
        Just(b"ep=x".to_vec()),
        Just(b"lt=60".to_vec()),
        Just(vec![0x2d, 0x16]),
        Just(vec![112]),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec((number, value), 0..6)
}

fn step() -> impl Strategy<Value = Step> {
    let payload = || prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..60).prop_map(Step::Bytes),
        (
            0_u8..4,
            any::<u8>(),
            any::<u16>(),
            prop::collection::vec(any::<u8>(), 0..=8),
            options(),
            payload()
        )
            .prop_map(|(kind, code, id, token, options, payload)| Step::Message {
                kind,
                code,
                id,
                token,
                options,
                payload
            }),
        (
            0_u8..4,
            1_u8..4,
            "(</[0-9]{1,2}(/[0-9])?>(;[a-z]+=[0-9a-z\"]*)?,?){0,4}"
        )
            .prop_map(|(name, last, links)| Step::Register { name, last, links }),
        (
            any::<usize>(),
            0_u8..4,
            prop::sample::select(vec![0_u8, 65, 68, 69, 95, 132, 134, 136, 141, 160]),
            0_u16..2,
            options(),
            payload()
        )
            .prop_map(
                |(nth, kind, code, id_offset, options, payload)| Step::Answer {
                    nth,
                    kind,
                    code,
                    id_offset,
                    options,
                    payload
                }
            ),
        (0_u8..5, 0_u8..9, 0_u8..4).prop_map(|(name, action, target)| Step::Command {
            name,
            action,
            target
        }),
        (0_u32..200_000).prop_map(Step::Pass),
        (0_u8..4).prop_map(Step::Storage),
    ]
}

fn action(which: u8, target: u8) -> Action {
    let path = path(["/3", "/3/0", "/3/0/9", "/3303/0/5700"][usize::from(target)]);
    match which {
        0 => Action::Read { path },
        1 => Action::Discover { path },
        2 => Action::Write {
            path,
            mode: WriteMode::Replace,
            value: WriteValue::from(7),
        },
        3 => Action::Execute {
            path,
            arguments: "1".to_owned(),
        },
        4 => Action::Create {
            object: path.object_id().unwrap(),
            instance: path.instance_id(),
            records: vec![],
        },
        5 => Action::Delete { path },
        6 => Action::Observe {
            path,
            attributes: Attributes {
                pmin: Some(1),
                ..Attributes::NONE
            },
        },
        7 => Action::Observe {
            path,
            attributes: Attributes::NONE,
        },
        _ => Action::Cancel { path },
    }
}

fn write(
    kind: u8,
    code: u8,
    id: u16,
    token: &[u8],
    mut options: Vec<(u16, Vec<u8>)>,
    payload: &[u8],
) -> Vec<u8> {
    options.sort_by_key(|(number, _)| *number);
    let kind = [
        Type::Confirmable,
        Type::NonConfirmable,
        Type::Acknowledgement,
        Type::Reset,
    ][usize::from(kind)];
    let mut buffer = vec![0; 2048];
    let token = Token::new(token).unwrap_or_default();
    let mut builder = MessageBuilder::new(&mut buffer, kind, Code(code), MessageId(id), token);
    for (number, value) in &options {
        builder.option(OptionNumber(*number), value);
    }
    // Empty messages with content cannot be built, and are raw bytes elsewhere.
    builder
        .payload(payload)
        .finish()
        .map(<[u8]>::to_vec)
        .unwrap_or_default()
}

fn small() -> Config {
    Config {
        max_devices: 3,
        max_commands_per_device: 4,
        max_commands: 10,
        max_observations_per_device: 2,
        max_values_per_device: 8,
        max_answer_size: 256,
        max_registration_size: 256,
        max_uploads: 2,
        max_waiting_for_store: 16,
        duplicate_window: 2048,
        ..Config::default()
    }
}

fn run(steps: Vec<Step>) {
    let mut bench = Bench::with(small());
    let mut requests: Vec<(Peer, Parsed)> = Vec::new();
    let mut ended = 0;
    for (turn, step) in (0_u16..).zip(steps) {
        let from = peer(1 + u8::try_from(turn % 3).unwrap());
        match step {
            Step::Bytes(bytes) => bench.input(from, &bytes),
            Step::Message {
                kind,
                code,
                id,
                token,
                options,
                payload,
            } => {
                bench.input(from, &write(kind, code, id, &token, options, &payload));
            }
            Step::Register { name, last, links } => {
                bench.input(
                    peer(last),
                    &register(turn, &[&format!("ep=device-{name}"), "lt=60"], &links),
                );
            }
            Step::Answer {
                nth,
                kind,
                code,
                id_offset,
                options,
                payload,
            } => {
                if !requests.is_empty() {
                    let (to, request) = requests[nth % requests.len()].clone();
                    let id = request.id.0.wrapping_add(id_offset);
                    bench.input(
                        to,
                        &write(kind, code, id, request.token.as_bytes(), options, &payload),
                    );
                }
            }
            Step::Command {
                name,
                action: which,
                target,
            } => {
                bench.command(&format!("device-{name}"), action(which, target));
            }
            Step::Pass(millis) => bench.pass(Duration::from_millis(millis.into())),
            Step::Storage(which) => {
                bench.storage = [
                    Storage::Works,
                    Storage::Works,
                    Storage::Fails,
                    Storage::Waits,
                ][usize::from(which)];
                bench.drain();
            }
        }
        for (to, bytes) in bench.sent.drain(..) {
            // Whatever is sent is well formed.
            let parsed = Parsed::of(&bytes);
            if parsed.code.is_request() {
                requests.push((to, parsed));
            }
        }
        let excess = requests.len().saturating_sub(16);
        requests.drain(..excess);
        bench.events.clear();
        ended += bench.completed.drain(..).count();

        let shard = &bench.shard;
        assert!(shard.devices.len() <= 3);
        assert!(shard.upload_count() <= 2);
        assert!(shard.in_flight.len() <= 3);
        assert!(shard.by_token.len() <= 3 * (2 + 2), "{:?}", shard.by_token);
        assert!(shard.by_location.len() <= 3);
        assert!(shard.duplicates.len() <= 2048 / 16);
        for device in &shard.devices {
            assert!(device.observations.len() <= 3 && device.values.len() <= 8);
            assert!(device.queue.len() <= 4 + 3 + 3);
        }
    }
    // Every command has one end.
    bench.storage = Storage::Works;
    bench.drain();
    bench.pass(Duration::from_secs(600));
    ended += bench.completed.drain(..).count();
    assert_eq!(u64::try_from(ended).unwrap(), bench.next_command);
    assert_eq!(bench.shard.metrics().commands_waiting, 0);
    assert!(bench.shard.in_flight.is_empty());
}

proptest! {
    #[test]
    fn arbitrary_datagrams_never_panic(datagrams in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..30)) {
        let mut bench = Bench::with(small());
        for datagram in &datagrams {
            bench.input(peer(1), datagram);
        }
        prop_assert!(bench.shard.devices.len() <= 3);
    }

    #[test]
    fn whatever_happens_tables_stay_bounded_and_commands_end(steps in prop::collection::vec(step(), 0..60)) {
        run(steps);
    }
}

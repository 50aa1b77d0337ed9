//! Bodies on links: whatever happens to the messages, the body that arrives is the body that was sent.

use dunlin_coap::block::{BlockSize, Step, Transfer};
use dunlin_coap::time::Instant;
use dunlin_coap::{
    Code, DuplicateWindow, Kind, Message, Parameters, Retry, Seen, Transmission, Type,
};
use dunlin_testkit::{Conditions, Link};
use proptest::prelude::*;

use crate::peers::{Server, body, exchange_with, request};

const CLIENT: u8 = 1;
const SERVER: u8 = 2;

/// Every size up to two blocks of each SZX, then sizes from each stretch up to 70,000: on a clean link, both bodies of
/// one operation, in both directions.
#[test]
fn every_size_on_a_clean_link() {
    let check = |len: usize, reply: usize, sizes: [BlockSize; 2], bert: bool| {
        let [block1, block2] = sizes;
        let mut server = Server::new(block1, block2);
        if bert {
            server.limits = vec![7 * 1024; 100];
        }
        server.reply = body(reply);
        let client = Transfer::new(Code::FETCH, len, block1, block2).unwrap();
        let client = client.payload_limit(5 * 1024);
        let source = body(len);
        let (_, got) = exchange_with(&mut server, client, Code::FETCH, "a", &source, |_, _| ());
        assert!(server.taken[0] == source, "{len} bytes, {sizes:?}");
        assert!(got == server.reply, "{reply} bytes, {sizes:?}");
    };
    for szx in 0..7 {
        let size = BlockSize::from_szx(szx).unwrap();
        let all = 2 * size.bytes() + 2;
        for len in 0..=all {
            check(len, all - len, [size, size], false);
        }
    }
    for start in (0..70_000).step_by(61) {
        // Another place in each stretch.
        let len = start + start / 61 * 31 % 61;
        let szx = u8::try_from(start / 61 % 4).unwrap() + 3;
        let size = BlockSize::from_szx(szx).unwrap();
        check(
            len,
            70_000 - len.min(70_000),
            [size, BlockSize::B1024],
            false,
        );
        check(len, 70_000 - len.min(70_000), [BlockSize::Bert; 2], true);
    }
}

/// Puts one body, or gets one, or both, over a link; `None` when it never ends.
fn run(
    seed: u64,
    conditions: Conditions,
    method: Code,
    lens: [usize; 2],
    sizes: [BlockSize; 2],
) -> Option<(Server, Vec<u8>)> {
    let parameters = Parameters::DEFAULT;
    let lifetime = parameters.exchange_lifetime();
    let mut window = DuplicateWindow::new(vec![0; 1 << 20], vec![0; 4096], lifetime, 7);
    let mut link = Link::new(seed, conditions);
    let mut server = Server::new(sizes[0], sizes[1]);
    server.reply = body(lens[1]);
    server.resource = body(lens[1]);
    let source = body(lens[0]);
    let len = if method == Code::GET { 0 } else { lens[0] };
    let mut transfer = Transfer::new(method, len, sizes[0], sizes[1]).unwrap();
    if seed.is_multiple_of(2) {
        transfer = transfer.negotiate_early();
    }
    let mut got = Vec::new();
    let mut id = u16::try_from(seed % 65_536).unwrap();
    let mut bytes = request(&transfer, method, "a", None, id, &source);
    let mut timer = Transmission::start(Instant::ZERO, &parameters, 1 << 30);
    link.send(0, CLIENT, SERVER, &bytes);
    for _ in 0..100_000 {
        let arrival = link
            .next_arrival()
            .map_or(Instant::MAX, Instant::from_millis);
        let now = arrival.min(timer.deadline());
        let millis = now.as_millis();
        if arrival > now {
            if timer.on_timeout(now, &parameters) == Retry::GiveUp {
                // The application tries the same request again.
                timer = Transmission::start(now, &parameters, 1 << 30);
                id = id.wrapping_add(1);
                bytes = request(&transfer, method, "a", None, id, &source);
            }
            link.send(millis, CLIENT, SERVER, &bytes);
            continue;
        }
        let delivery = link.receive(millis)?;
        let message = Message::parse(&delivery.bytes).unwrap();
        if delivery.to == SERVER {
            match window.check(now, 0, message.id()) {
                Seen::New => {
                    window.begin(now, 0, message.id());
                    let answer = server.answer(&message, Type::Acknowledgement, message.id());
                    window.answered(now, 0, message.id(), &answer).unwrap();
                    link.send(millis, SERVER, CLIENT, &answer);
                }
                Seen::Answered(answer) => link.send(millis, SERVER, CLIENT, answer),
                Seen::InProgress => {}
            }
            continue;
        }
        if message.kind() != Kind::Response || message.id().0 != id {
            continue;
        }
        match transfer.response(&message, 1 << 20) {
            Ok(Step::Send) => {}
            Ok(Step::Restart) => got.clear(),
            Ok(Step::Content(received)) => {
                got.resize(received.end(), 0);
                assert!(received.store(message.payload(), &mut got));
                if received.is_complete() {
                    return Some((server, got));
                }
            }
            other => panic!("seed {seed}: {other:?}, {message:?}"),
        }
        id = id.wrapping_add(1);
        bytes = request(&transfer, method, "a", None, id, &source);
        timer = Transmission::start(now, &parameters, 1 << 30);
        link.send(millis, CLIENT, SERVER, &bytes);
    }
    None
}

/// A size that has at most 150 blocks, near a border as often as not.
fn any_body() -> impl Strategy<Value = (BlockSize, usize)> {
    (0..7_u8, 0..150_usize, 0..7_usize, any::<u16>()).prop_map(|(szx, blocks, around, any)| {
        let size = BlockSize::from_szx(szx).unwrap();
        let len = blocks * size.bytes();
        let len = match around {
            0..5 => (len + around).saturating_sub(2),
            _ => len + usize::from(any) % size.bytes(),
        };
        (size, len.min(70_000))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn bodies_arrive_the_same_on_a_rough_link(
        seed in any::<u64>(),
        (size1, len1) in any_body(),
        (size2, len2) in any_body(),
        method in prop_oneof![Just(Code::PUT), Just(Code::GET), Just(Code::POST), Just(Code::FETCH)],
    ) {
        let ended = run(seed, Conditions::ROUGH, method, [len1, len2], [size1, size2]);
        let (server, got) = ended.expect("ends");
        match method {
            Code::PUT => prop_assert!(server.resource == body(len1)),
            Code::GET => prop_assert!(got == body(len2)),
            _ => {
                prop_assert!(server.taken.last() == Some(&body(len1)));
                prop_assert!(got == body(len2));
            }
        }
    }
}

mod robust {
    //! The same with Q-Block1 and Q-Block2.

    use dunlin_testkit::{Conditions, Link};
    use proptest::prelude::*;

    use super::{any_body, body};
    use crate::qpeers::{Client, Server, run};
    use dunlin_coap::Code;
    use dunlin_coap::block::BlockSize;

    /// Whether the bodies arrived; false where a side gave up, having done nothing wrong.
    fn check(
        seed: u64,
        conditions: &Conditions,
        method: Code,
        lens: [usize; 2],
        sizes: [BlockSize; 2],
    ) -> bool {
        let mut link = Link::new(seed, conditions.clone());
        let mut client = Client::new(method, 1, 1);
        let mut server = Server::new(0x8000, seed & 0xffff);
        client.size = sizes[0];
        server.size = sizes[1];
        server.resource = body(lens[1]);
        if method == Code::GET {
            client.get();
        } else {
            client.send(body(lens[0]), seed);
        }
        let what = format!("seed {seed}, {method:?}, {lens:?}, {sizes:?}");
        let ended = run(&mut link, &mut client, &mut server, |client, _| {
            client.done.is_some() || client.given_up
        });
        assert!(ended.is_some(), "{what}: ends");
        if client.given_up {
            assert!(server.executed <= 1, "{what}");
            return false;
        }
        if method == Code::GET {
            assert!(client.got == server.resource, "{what}: got");
            return true;
        }
        assert!(server.taken == body(lens[0]), "{what}: taken");
        assert_eq!(server.executed, 1, "{what}");
        if method == Code::FETCH {
            assert!(client.got == server.resource, "{what}: got");
        }
        true
    }

    #[test]
    fn sizes_around_the_borders_on_a_clean_link() {
        for szx in 0..7 {
            let size = BlockSize::from_szx(szx).unwrap();
            for blocks in [0, 1, 2, 9, 10, 11, 20, 21, 60] {
                for around in [-1, 0, 1] {
                    let len = (blocks * size.bytes()).saturating_add_signed(around);
                    for method in [Code::PUT, Code::GET, Code::FETCH] {
                        let (lens, sizes) = ([len, len], [size, size]);
                        assert!(check(1, &Conditions::PERFECT, method, lens, sizes));
                    }
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn bodies_arrive_the_same_on_a_rough_link(
            seed in any::<u64>(),
            (size1, len1) in any_body(),
            (size2, len2) in any_body(),
            method in prop_oneof![Just(Code::PUT), Just(Code::GET), Just(Code::FETCH)],
        ) {
            // One in ten is lost: what is asked for NON_MAX_RETRANSMIT times in vain is given up (RFC 9177 §7.2), one
            // time in a few thousand. Then it is tried again, as an application would.
            let conditions = Conditions { loss: 0.1, ..Conditions::ROUGH };
            let (lens, sizes) = ([len1, len2], [size1, size2]);
            let mut seeds = [seed, !seed, seed.rotate_left(32)].into_iter();
            let arrived = seeds.any(|seed| check(seed, &conditions, method, lens, sizes));
            prop_assert!(arrived, "given up three times");
        }
    }
}

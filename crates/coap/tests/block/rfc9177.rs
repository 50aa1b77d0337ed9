//! The examples of RFC 9177 §10 and its appendices, message by message.
//!
//! What differs from the figures: our 2.31 has the Q-Block1 option that RFC 9177 §4.3 speaks of, a request that
//! continues a response has the Request-Tag of its operation (as in Figure 15, not as in Figure 12; RFC 9175 §3.4), and
//! a response always has the token of the last request (as in most figures). Figures 10 and 15 have message ids that do
//! not follow.

use dunlin_coap::block::qblock::{
    BodyOf, Delivery, QBlockError, QBlockPoll, QBlockReceiver, QBlockSender, QBlockSent,
    QBlockSupport,
};
use dunlin_coap::block::{BlockSize, Tag};
use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type};
use dunlin_testkit::hex;

use crate::peers::body;
use crate::qpeers::{Client, PARAMETERS, Server, World};

/// A body of so many blocks of 1024 bytes, the last of which is not full.
fn blocks(count: usize) -> Vec<u8> {
    body(count * 1024 - 100)
}

/// Lines of requests or responses `first` to `last`, made of a template: `{m}`, `{t}` and `{n}` are message id, token
/// and block number.
fn lines(template: &str, count: u32, m: u32, t: u32, n: u32) -> Vec<String> {
    let line = |i: u32| {
        template
            .replace("{m}", &format!("0x{:02x}", m + i))
            .replace("{t}", &format!("0x{:02x}", t + i))
            .replace("{n}", &(n + i).to_string())
    };
    (0..count).map(line).collect()
}

fn put(count: usize, tag: u64, ids: [u32; 3], lost: &[(char, u16)]) -> World {
    let [id, token, server] = ids;
    let mut world = World::new(Client::new(Code::PUT, id, token), Server::new(server, 0));
    world.client.send(blocks(count), tag);
    world.lost = lost.to_vec();
    world.settle();
    world
}

#[test]
fn figure_2_put() {
    let mut world = put(4, 9, [0x81, 0xc0, 0xf1], &[]);
    assert_eq!(
        world.said(),
        [
            "NON PUT /path M:0x81 T:0xc0 RT=9 QB1:0/1/1024",
            "NON PUT /path M:0x82 T:0xc1 RT=9 QB1:1/1/1024",
            "NON PUT /path M:0x83 T:0xc2 RT=9 QB1:2/1/1024",
            "NON PUT /path M:0x84 T:0xc3 RT=9 QB1:3/0/1024",
            "NON 2.04 M:0xf1 T:0xc3",
        ]
    );
    assert_eq!(
        (world.server.taken, world.client.done),
        (blocks(4), Some(Code::CHANGED))
    );
}

#[test]
fn figure_3_max_payloads() {
    let mut world = put(11, 10, [1, 0xf1, 0x81], &[]);
    let said = world.said();
    let set = lines(
        "NON PUT /path M:{m} T:{t} RT=10 QB1:{n}/1/1024",
        10,
        1,
        0xf1,
        0,
    );
    assert_eq!(said[..10], set);
    assert_eq!(
        said[10..],
        [
            "NON 2.31 M:0x81 T:0xfa QB1:9/1/1024",
            "NON PUT /path M:0x0b T:0xfb RT=10 QB1:10/0/1024",
            "NON 2.04 M:0x82 T:0xfb",
        ]
    );
    assert_eq!(world.server.taken, blocks(11));
}

#[test]
fn figures_4_and_5_recovery() {
    let lost = [('c', 0x12), ('c', 0x1a), ('c', 0x1b)];
    let mut world = put(13, 11, [0x11, 0xe1, 0x91], &lost);
    let said = world.said();
    let mut set = lines(
        "NON PUT /path M:{m} T:{t} RT=11 QB1:{n}/1/1024",
        10,
        0x11,
        0xe1,
        0,
    );
    set[1].insert_str(0, "X ");
    set[9].insert_str(0, "X ");
    assert_eq!(said, set);
    // NON_TIMEOUT_RANDOM (client) delay expires.
    assert_eq!(world.pass(100), 2000);
    assert_eq!(
        world.said(),
        [
            "X NON PUT /path M:0x1b T:0xeb RT=11 QB1:10/1/1024",
            "NON PUT /path M:0x1c T:0xec RT=11 QB1:11/1/1024",
            "NON 4.08 M:0x91 T:0xec [1, 9]",
            "NON PUT /path M:0x1d T:0xed RT=11 QB1:1/1/1024",
            "NON PUT /path M:0x1e T:0xee RT=11 QB1:9/1/1024",
            "NON PUT /path M:0x1f T:0xef RT=11 QB1:12/0/1024",
        ]
    );
    // NON_RECEIVE_TIMEOUT (server) delay expires.
    assert_eq!(world.pass(100), 4000);
    assert_eq!(
        world.said(),
        [
            "NON 4.08 M:0x92 T:0xef [10]",
            "NON PUT /path M:0x20 T:0xf0 RT=11 QB1:10/1/1024",
            "NON 2.04 M:0x93 T:0xf0",
        ]
    );
    assert_eq!(world.server.taken, blocks(13));
    assert_eq!(world.server.executed, 1);
}

#[test]
fn figure_6_eventual_failure() {
    let lost: Vec<_> = (1..10).map(|id| ('s', id)).chain([('c', 0x92)]).collect();
    let mut world = put(3, 12, [0x91, 0xd0, 1], &lost);
    // The client is gone.
    world.client.upload = None;
    assert_eq!(world.said().len(), 3);
    for (wait, id) in [(4, 1), (8, 2), (16, 3), (32, 4)] {
        assert_eq!(world.pass(1000), wait * 1000);
        assert_eq!(world.said(), [format!("X NON 4.08 M:0x0{id} T:0xd2 [1]")]);
    }
    assert!(world.server.receiver.is_receiving());
    assert_eq!(world.next() - world.now, Duration::from_secs(64));
    world.pass(65);
    assert!(
        !world.server.receiver.is_receiving(),
        "the partial body is released"
    );
    assert_eq!(world.said(), [""; 0]);
}

fn observe(count: usize, ids: [u32; 3], etag: u64, sequence: u32) -> World {
    let [id, token, server] = ids;
    let mut world = World::new(Client::new(Code::GET, id, token), Server::new(server, etag));
    world.client.observe = Some(0);
    world.server.observe = Some(sequence);
    world.server.resource = blocks(count);
    world.client.get();
    world.settle();
    world
}

#[test]
fn figure_7_notifications() {
    let mut world = observe(4, [1, 0xc0, 0xf1], 19, 1220);
    assert_eq!(
        world.said(),
        [
            "NON GET /path M:0x01 T:0xc0 O:0 QB2:0/1/1024",
            "NON 2.05 M:0xf1 T:0xc0 O:1220 ET=19 QB2:0/1/1024",
            "NON 2.05 M:0xf2 T:0xc0 O:1220 ET=19 QB2:1/1/1024",
            "NON 2.05 M:0xf3 T:0xc0 O:1220 ET=19 QB2:2/1/1024",
            "NON 2.05 M:0xf4 T:0xc0 O:1220 ET=19 QB2:3/0/1024",
        ]
    );
    assert_eq!(world.client.got, blocks(4));
    world.server.notify(vec![7; 3 * 1024 + 1], 1221);
    world.settle();
    assert_eq!(
        world.said(),
        [
            "NON 2.05 M:0xf5 T:0xc0 O:1221 ET=20 QB2:0/1/1024",
            "NON 2.05 M:0xf6 T:0xc0 O:1221 ET=20 QB2:1/1/1024",
            "NON 2.05 M:0xf7 T:0xc0 O:1221 ET=20 QB2:2/1/1024",
            "NON 2.05 M:0xf8 T:0xc0 O:1221 ET=20 QB2:3/0/1024",
        ]
    );
    assert_eq!(world.client.got, vec![7; 3 * 1024 + 1]);
}

#[test]
fn figure_8_max_payloads() {
    let mut world = observe(11, [1, 0xf0, 0x81], 21, 1234);
    let said = world.said();
    let template = "NON 2.05 M:{m} T:0xf0 O:1234 ET=21 QB2:{n}/1/1024";
    assert_eq!(said[1..11], lines(template, 10, 0x81, 0, 0));
    assert_eq!(
        said[11..],
        [
            "NON GET /path M:0x02 T:0xf1 QB2:10/1/1024",
            "NON 2.05 M:0x8b T:0xf0 O:1234 ET=21 QB2:10/0/1024",
        ]
    );
    world.server.ids.0 = 0x91;
    world.server.notify(blocks(11), 1235);
    world.settle();
    let said = world.said();
    let template = "NON 2.05 M:{m} T:0xf0 O:1235 ET=22 QB2:{n}/1/1024";
    assert_eq!(said[..10], lines(template, 10, 0x91, 0, 0));
    assert_eq!(
        said[10..],
        [
            "NON GET /path M:0x03 T:0xf2 QB2:10/1/1024",
            "NON 2.05 M:0x9b T:0xf0 O:1235 ET=22 QB2:10/0/1024",
        ]
    );
    assert_eq!(world.client.got, blocks(11));
}

#[test]
fn figure_9_recovery() {
    let mut world = observe(1, [3, 0xf0, 0x10], 22, 1235);
    (world.client.ids.0, world.client.tokens.0) = (4, 0xf3);
    world.server.ids.0 = 0xa1;
    world.lost = vec![('s', 0xa2), ('s', 0xaa), ('s', 0xac)];
    world.said();
    world.server.notify(blocks(11), 1236);
    world.settle();
    assert_eq!(world.said().len(), 10);
    // NON_TIMEOUT_RANDOM (server) delay expires.
    assert_eq!(world.pass(100), 2000);
    assert_eq!(
        world.said(),
        [
            "NON 2.05 M:0xab T:0xf0 O:1236 ET=23 QB2:10/0/1024",
            "NON GET /path M:0x04 T:0xf3 QB2:1/0/1024 QB2:9/0/1024",
            "X NON 2.05 M:0xac T:0xf3 ET=23 QB2:1/1/1024",
            "NON 2.05 M:0xad T:0xf3 ET=23 QB2:9/1/1024",
        ]
    );
    // NON_RECEIVE_TIMEOUT (client) delay expires.
    assert_eq!(world.pass(100), 4000);
    assert_eq!(
        world.said(),
        [
            "NON GET /path M:0x05 T:0xf4 QB2:1/0/1024",
            "NON 2.05 M:0xae T:0xf4 ET=23 QB2:1/1/1024",
        ]
    );
    assert_eq!(world.client.got, blocks(11));
}

#[test]
fn figure_10_recovery_with_the_m_bit() {
    let mut world = observe(1, [3, 0xf0, 0x10], 23, 1236);
    (world.client.ids.0, world.client.tokens.0) = (6, 0xf5);
    world.server.ids.0 = 0xb1;
    world.lost = (0xb3..0xbc).map(|id| ('s', id)).collect();
    world.said();
    world.server.notify(blocks(11), 1237);
    world.settle();
    assert_eq!(world.said().len(), 10);
    // NON_TIMEOUT_RANDOM (server) delay expires; the next set is lost too. (The figure counts two payloads as one.)
    assert_eq!(world.pass(100), 2000);
    assert_eq!(
        world.said(),
        ["X NON 2.05 M:0xbb T:0xf0 O:1237 ET=24 QB2:10/0/1024"]
    );
    // NON_RECEIVE_TIMEOUT (client) delay expires.
    assert_eq!(world.pass(100), 2000);
    let said = world.said();
    assert_eq!(said[0], "NON GET /path M:0x06 T:0xf5 QB2:2/1/1024");
    let template = "NON 2.05 M:{m} T:0xf5 ET=24 QB2:{n}/1/1024";
    assert_eq!(said[1..9], lines(template, 8, 0xbc, 0, 2));
    assert_eq!(
        said[9..],
        [
            "NON GET /path M:0x07 T:0xf6 QB2:10/1/1024",
            "NON 2.05 M:0xc4 T:0xf0 O:1237 ET=24 QB2:10/0/1024",
        ]
    );
    assert_eq!(world.client.got, blocks(11));
}

fn fetch(
    request: usize,
    response: usize,
    ids: [u32; 3],
    tag: u64,
    etag: u64,
    lost: &[(char, u16)],
) -> World {
    let [id, token, server] = ids;
    let mut world = World::new(
        Client::new(Code::FETCH, id, token),
        Server::new(server, etag),
    );
    world.client.observe = Some(0);
    world.client.send(blocks(request), tag);
    world.server.resource = blocks(response);
    world.lost = lost.to_vec();
    world
}

#[test]
fn figure_11_fetch() {
    let mut world = fetch(3, 4, [0x10, 0x90, 0x60], 30, 90, &[]);
    world.server.observe = Some(1320);
    world.settle();
    assert_eq!(
        world.said(),
        [
            "NON FETCH /path M:0x10 T:0x90 O:0 RT=30 QB1:0/1/1024",
            "NON FETCH /path M:0x11 T:0x91 O:0 RT=30 QB1:1/1/1024",
            "NON FETCH /path M:0x12 T:0x92 O:0 RT=30 QB1:2/0/1024",
            "NON 2.05 M:0x60 T:0x92 O:1320 ET=90 QB2:0/1/1024",
            "NON 2.05 M:0x61 T:0x92 O:1320 ET=90 QB2:1/1/1024",
            "NON 2.05 M:0x62 T:0x92 O:1320 ET=90 QB2:2/1/1024",
            "NON 2.05 M:0x63 T:0x92 O:1320 ET=90 QB2:3/0/1024",
        ]
    );
    world.server.notify(blocks(4), 1321);
    world.settle();
    let template = "NON 2.05 M:{m} T:0x92 O:1321 ET=91 QB2:{n}/1/1024";
    let said = world.said();
    assert_eq!(said[..3], lines(template, 3, 0x64, 0, 0));
    assert_eq!(
        said[3..],
        ["NON 2.05 M:0x67 T:0x92 O:1321 ET=91 QB2:3/0/1024"]
    );
    assert_eq!(
        (world.server.taken, world.client.got),
        (blocks(3), blocks(4))
    );
}

#[test]
fn figure_12_fetch_with_max_payloads() {
    let mut world = fetch(11, 11, [0x30, 0xa0, 0x80], 10, 21, &[]);
    world.server.observe = Some(1334);
    world.settle();
    let said = world.said();
    let template = "NON FETCH /path M:{m} T:{t} O:0 RT=10 QB1:{n}/1/1024";
    assert_eq!(said[..10], lines(template, 10, 0x30, 0xa0, 0));
    assert_eq!(
        said[10..12],
        [
            "NON 2.31 M:0x80 T:0xa9 QB1:9/1/1024",
            "NON FETCH /path M:0x3a T:0xaa O:0 RT=10 QB1:10/0/1024",
        ]
    );
    let template = "NON 2.05 M:{m} T:0xaa O:1334 ET=21 QB2:{n}/1/1024";
    assert_eq!(said[12..22], lines(template, 10, 0x81, 0, 0));
    assert_eq!(
        said[22..],
        [
            "NON FETCH /path M:0x3b T:0xab RT=10 QB2:10/1/1024",
            "NON 2.05 M:0x8b T:0xaa O:1334 ET=21 QB2:10/0/1024",
        ]
    );
    world.server.notify(blocks(11), 1335);
    world.settle();
    assert_eq!(
        world.said()[10..],
        [
            "NON FETCH /path M:0x3c T:0xac RT=10 QB2:10/1/1024",
            "NON 2.05 M:0x96 T:0xaa O:1335 ET=22 QB2:10/0/1024",
        ]
    );
}

#[test]
fn figures_13_to_15_fetch_with_recovery() {
    let lost = [
        ('c', 0x51),
        ('c', 0x52),
        ('s', 0xa2),
        ('s', 0xa4),
        ('s', 0xa5),
        ('s', 0xa9),
    ];
    let mut world = fetch(4, 4, [0x50, 0xc0, 0xa0], 31, 23, &lost);
    world.server.observe = Some(1236);
    world.settle();
    assert_eq!(
        world.said(),
        [
            "NON FETCH /path M:0x50 T:0xc0 O:0 RT=31 QB1:0/1/1024",
            "X NON FETCH /path M:0x51 T:0xc1 O:0 RT=31 QB1:1/1/1024",
            "X NON FETCH /path M:0x52 T:0xc2 O:0 RT=31 QB1:2/1/1024",
            "NON FETCH /path M:0x53 T:0xc3 O:0 RT=31 QB1:3/0/1024",
        ]
    );
    // NON_RECEIVE_TIMEOUT (server) delay expires.
    assert_eq!(world.pass(100), 4000);
    assert_eq!(
        world.said(),
        [
            "NON 4.08 M:0xa0 T:0xc3 [1, 2]",
            "NON FETCH /path M:0x54 T:0xc4 O:0 RT=31 QB1:1/1/1024",
            "NON FETCH /path M:0x55 T:0xc5 O:0 RT=31 QB1:2/1/1024",
            "NON 2.05 M:0xa1 T:0xc5 O:1236 ET=23 QB2:0/1/1024",
            "X NON 2.05 M:0xa2 T:0xc5 O:1236 ET=23 QB2:1/1/1024",
            "NON 2.05 M:0xa3 T:0xc5 O:1236 ET=23 QB2:2/1/1024",
            "X NON 2.05 M:0xa4 T:0xc5 O:1236 ET=23 QB2:3/0/1024",
        ]
    );
    // NON_RECEIVE_TIMEOUT (client) delay expires, twice.
    assert_eq!(world.pass(100), 4000);
    assert_eq!(
        world.said(),
        [
            "NON FETCH /path M:0x56 T:0xc6 RT=31 QB2:1/0/1024 QB2:3/0/1024",
            "X NON 2.05 M:0xa5 T:0xc6 ET=23 QB2:1/1/1024",
            "NON 2.05 M:0xa6 T:0xc6 ET=23 QB2:3/0/1024",
        ]
    );
    assert_eq!(world.pass(100), 4000);
    assert_eq!(
        world.said(),
        [
            "NON FETCH /path M:0x57 T:0xc7 RT=31 QB2:1/0/1024",
            "NON 2.05 M:0xa7 T:0xc7 ET=23 QB2:1/1/1024",
        ]
    );
    assert_eq!(
        (&world.server.taken, &world.client.got),
        (&blocks(4), &blocks(4))
    );
    world.server.notify(blocks(3), 1337);
    world.settle();
    assert_eq!(
        world.said(),
        [
            "NON 2.05 M:0xa8 T:0xc5 O:1337 ET=24 QB2:0/1/1024",
            "X NON 2.05 M:0xa9 T:0xc5 O:1337 ET=24 QB2:1/1/1024",
            "NON 2.05 M:0xaa T:0xc5 O:1337 ET=24 QB2:2/0/1024",
        ]
    );
    assert_eq!(world.pass(100), 4000);
    assert_eq!(
        world.said(),
        [
            "NON FETCH /path M:0x58 T:0xc8 RT=31 QB2:1/0/1024",
            "NON 2.05 M:0xab T:0xc8 ET=24 QB2:1/1/1024",
        ]
    );
    assert_eq!(world.client.got, blocks(3));
}

/// Figures 16 to 20: Confirmable messages and reliable transports. What is sent again is the message layer's to know.
#[test]
fn figures_16_to_20_confirmable() {
    for of in [BodyOf::Request, BodyOf::Response] {
        let mut sender: QBlockSender = QBlockSender::new(
            of,
            Delivery::Confirmable,
            11 * 1024,
            BlockSize::MAX,
            &PARAMETERS,
            0,
        )
        .unwrap();
        let mut receiver: QBlockReceiver = QBlockReceiver::new(of, Delivery::Confirmable);
        // NSTART is 3: three are under way at a time. The second and the third come last, sent again.
        let mut arriving = Vec::new();
        for number in 0..11 {
            let QBlockPoll::Send(part) = sender.poll(Instant::ZERO, &PARAMETERS) else {
                panic!("nothing holds up the block {number}");
            };
            assert!(!part.again);
            arriving.push(part);
        }
        assert!(matches!(
            sender.poll(Instant::ZERO, &PARAMETERS),
            QBlockPoll::Wait(_)
        ));
        let delayed: Vec<_> = arriving.drain(1..3).collect();
        arriving.extend(delayed);
        let source = body(11 * 1024);
        let mut got = vec![0; source.len()];
        for (i, part) in arriving.iter().enumerate() {
            let mut buffer = [0; 1200];
            let code = if of == BodyOf::Request {
                Code::PUT
            } else {
                Code::CONTENT
            };
            let (id, token) = (MessageId(1), Token::EMPTY);
            let mut m = MessageBuilder::new(&mut buffer, Type::Confirmable, code, id, token);
            if of == BodyOf::Response {
                m.etag(&[21]);
            }
            part.write(&mut m);
            part.write_size(&mut m);
            if of == BodyOf::Request {
                m.option(OptionNumber::REQUEST_TAG, &[10]);
            }
            let bytes = m.payload(part.part.of(&source)).finish().unwrap();
            let message = Message::parse(bytes).unwrap();
            let now = Instant::from_secs(i as u64);
            let received = receiver.take(now, &message, 1 << 20, &PARAMETERS).unwrap();
            let offset = received.offset.unwrap();
            got[offset..offset + message.payload().len()].copy_from_slice(message.payload());
            assert_eq!(received.complete, i == 10);
            // Neither a 2.31 nor a 4.08 (RFC 9177 §4.3, §5); missing parts of a response only after MAX_TRANSMIT_SPAN.
            let QBlockPoll::Wait(until) = receiver.poll(now, &PARAMETERS) else {
                panic!("nothing is said");
            };
            assert!(until >= now + Duration::from_secs(45));
        }
        assert_eq!(got, source);
    }
}

/// RFC 9177 §4.1: Confirmable requests find out whether a server knows the options.
#[test]
fn a_server_without_q_block_gets_block1() {
    let mut sender: QBlockSender = QBlockSender::new(
        BodyOf::Request,
        Delivery::Confirmable,
        100,
        BlockSize::B16,
        &PARAMETERS,
        0,
    )
    .unwrap();
    sender.poll(Instant::ZERO, &PARAMETERS);
    // What libcoap 4.3.1 answers: the option that it does not know comes back, beside its diagnostic.
    let refused = hex("61820002 ab d10600 ff 426164204f7074696f6e");
    let refused = Message::parse(&refused).unwrap();
    assert_eq!(sender.response(&refused), Ok(QBlockSent::Unsupported));
    let mut support = QBlockSupport::Unknown;
    assert_eq!(support.message_type(), Type::Confirmable);
    assert!(support.learn(&refused));
}

/// RFC 9177 §4.1, §4.3, §4.4, §4.6.
#[test]
fn what_is_refused() {
    let take = |write: &dyn Fn(&mut MessageBuilder<'_>)| {
        let mut buffer = [0; 256];
        let (id, token) = (MessageId(1), Token::EMPTY);
        let mut m = MessageBuilder::new(&mut buffer, Type::NonConfirmable, Code::PUT, id, token);
        write(&mut m);
        let message = Message::parse(m.finish().unwrap()).unwrap();
        let mut receiver: QBlockReceiver =
            QBlockReceiver::new(BodyOf::Request, Delivery::NonConfirmable);
        let taken = receiver.take(Instant::ZERO, &message, 100, &PARAMETERS);
        taken
            .map(|received| received.offset)
            .map_err(|error| (error, error.code()))
    };
    let block = |m: &mut MessageBuilder<'_>, option: u32, size: u32, len: usize| {
        m.uint(OptionNumber::Q_BLOCK1, option)
            .uint(OptionNumber::SIZE1, size)
            .option(OptionNumber::REQUEST_TAG, &[1])
            .payload(&[7; 200][..len]);
    };
    assert_eq!(take(&|m| block(m, 0x08, 40, 16)), Ok(Some(0)));
    assert_eq!(take(&|m| block(m, 0x20, 40, 8)), Ok(Some(32)));
    let bad = |error, code| Err((error, Some(code)));
    let size = || bad(QBlockError::PayloadSize, Code::BAD_REQUEST);
    assert_eq!(
        take(&|m| block(m, 0x00, 40, 16)),
        size(),
        "more must follow"
    );
    assert_eq!(
        take(&|m| block(m, 0x28, 40, 8)),
        size(),
        "nothing may follow"
    );
    assert_eq!(take(&|m| block(m, 0x20, 40, 9)), size());
    assert_eq!(take(&|m| block(m, 0x30, 40, 16)), size(), "behind the end");
    assert_eq!(
        take(&|m| block(m, 0x08, 101, 16)),
        bad(QBlockError::TooLarge, Code::REQUEST_ENTITY_TOO_LARGE)
    );
    let undescribed = bad(QBlockError::Undescribed, Code::BAD_REQUEST);
    assert_eq!(
        take(&|m| {
            m.uint(OptionNumber::Q_BLOCK1, 8)
                .uint(OptionNumber::SIZE1, 40);
        }),
        undescribed
    );
    assert_eq!(
        take(&|m| {
            m.uint(OptionNumber::Q_BLOCK1, 8)
                .option(OptionNumber::REQUEST_TAG, &[1]);
        }),
        undescribed
    );
    let mixed = bad(QBlockError::Mixed, Code::BAD_OPTION);
    assert_eq!(
        take(&|m| {
            m.uint(OptionNumber::Q_BLOCK1, 8)
                .uint(OptionNumber::BLOCK2, 0);
        }),
        mixed
    );
    assert_eq!(
        take(&|m| {
            m.uint(OptionNumber::Q_BLOCK1, 8)
                .uint(OptionNumber::Q_BLOCK1, 8);
        }),
        mixed
    );
    assert_eq!(take(&|_| ()), Err((QBlockError::Absent, None)));
}

/// RFC 9177 §4.3: "the server ... MUST still respond as if the block was received for the first time".
#[test]
fn a_lost_last_word_is_said_again() {
    let mut world = put(11, 10, [1, 0xf1, 0x81], &[('s', 0x81), ('s', 0x82)]);
    // The 2.31 is lost: the client goes on after its delay, and the 2.04 is lost too.
    assert_eq!(world.pass(100), 2000);
    assert_eq!(world.client.done, None);
    world.said();
    assert_eq!(world.pass(100), 8000);
    assert_eq!(
        world.said(),
        [
            "NON PUT /path M:0x0c T:0xfc RT=10 QB1:10/0/1024",
            "NON 2.04 M:0x83 T:0xfc"
        ]
    );
    assert_eq!(
        (world.client.done, world.server.executed),
        (Some(Code::CHANGED), 1)
    );
}

/// RFC 9177 §4.4: a new `ETag` takes the place of the body before, whose stragglers are ignored.
#[test]
fn another_body_on_the_way() {
    let mut receiver: QBlockReceiver =
        QBlockReceiver::new(BodyOf::Response, Delivery::NonConfirmable);
    let mut take = |now, etag: u64, number: u32| {
        let mut buffer = [0; 256];
        let (id, token) = (MessageId(1), Token::EMPTY);
        let mut m =
            MessageBuilder::new(&mut buffer, Type::NonConfirmable, Code::CONTENT, id, token);
        m.etag(Tag::from_number(etag).as_bytes())
            .uint(OptionNumber::SIZE2, 48)
            .uint(
                OptionNumber::Q_BLOCK2,
                number << 4 | if number < 2 { 8 } else { 0 },
            )
            .payload(&[7; 16]);
        let message = Message::parse(m.finish().unwrap()).unwrap();
        let now = Instant::from_secs(now);
        let taken = receiver.take(now, &message, 100, &PARAMETERS);
        let poll = receiver.poll(now, &PARAMETERS);
        let asks = matches!(poll, QBlockPoll::Send(_));
        (
            taken.map(|received| (received.begins, received.complete)),
            asks,
        )
    };
    assert_eq!(take(0, 1, 0), (Ok((true, false)), false));
    assert_eq!(take(0, 2, 0), (Ok((true, false)), false));
    assert_eq!(take(0, 1, 1), (Err(QBlockError::Stale), false));
    assert_eq!(take(0, 2, 2), (Ok((false, false)), false));
    assert_eq!(
        take(5, 1, 1),
        (Err(QBlockError::Stale), true),
        "asks for block 1"
    );
    // That is the answer: it has changed back.
    assert_eq!(take(6, 1, 1), (Ok((true, false)), false));
    assert_eq!(take(6, 1, 0), (Ok((false, false)), false));
    assert_eq!(take(6, 1, 2), (Ok((false, true)), false));
}

/// RFC 9177 §7.2: "a `NON_TIMEOUT_RANDOM` delay is still observed between each `MAX_PAYLOADS_SET`" of missing blocks.
#[test]
fn missing_blocks_of_two_sets_are_two_sets() {
    let mut sender: QBlockSender = QBlockSender::new(
        BodyOf::Request,
        Delivery::NonConfirmable,
        30 * 16,
        BlockSize::B16,
        &PARAMETERS,
        0,
    )
    .unwrap();
    let send = |sender: &mut QBlockSender, now| match sender.poll(now, &PARAMETERS) {
        QBlockPoll::Send(part) => Ok(part.part.block.unwrap().number()),
        QBlockPoll::Wait(until) => Err(until),
        QBlockPoll::GiveUp => panic!("given up"),
    };
    let mut now = Instant::ZERO;
    for set in 0..3 {
        for number in 0..10 {
            assert_eq!(send(&mut sender, now), Ok(set * 10 + number));
        }
        let until = send(&mut sender, now).unwrap_err();
        if set < 2 {
            assert_eq!(until, now + Duration::from_secs(2));
            now = until;
        }
    }
    // 4.08 with 3, 9, 12 and 29.
    let missing = [
        &[0x60, 0x88, 0, 1, 0xc2, 1, 0x10, 0xff][..],
        &[3, 9, 12, 0x18, 29],
    ]
    .concat();
    let missing = Message::parse(&missing).unwrap();
    assert_eq!(sender.response(&missing), Ok(QBlockSent::More));
    for set in [&[3, 9][..], &[12], &[29]] {
        for number in set {
            assert_eq!(send(&mut sender, now), Ok(*number));
        }
        let until = send(&mut sender, now).unwrap_err();
        if set != [29] {
            assert_eq!(until, now + Duration::from_secs(2));
        }
        now = until;
    }
}

/// Takes blocks of 16 bytes of a body of 30 blocks, and gives what the client asks for.
fn asks(receiver: &mut QBlockReceiver, now: Instant, numbers: &[u32]) -> Vec<String> {
    let mut asked = Vec::new();
    for number in numbers {
        let mut buffer = [0; 256];
        let (id, token) = (MessageId(1), Token::EMPTY);
        let mut m =
            MessageBuilder::new(&mut buffer, Type::NonConfirmable, Code::CONTENT, id, token);
        m.etag(&[1])
            .uint(OptionNumber::SIZE2, 480)
            .uint(
                OptionNumber::Q_BLOCK2,
                number << 4 | if *number < 29 { 8 } else { 0 },
            )
            .payload(&[7; 16]);
        let message = Message::parse(m.finish().unwrap()).unwrap();
        receiver.take(now, &message, 480, &PARAMETERS).unwrap();
        while let QBlockPoll::Send(ask) = receiver.poll(now, &PARAMETERS) {
            asked.push(written(receiver, ask));
        }
    }
    if let QBlockPoll::Send(ask) = receiver.poll(now, &PARAMETERS) {
        asked.push(written(receiver, ask));
    }
    asked
}

fn written(receiver: &QBlockReceiver, ask: dunlin_coap::block::qblock::QBlockAsk) -> String {
    let mut buffer = [0; 256];
    let (id, token) = (MessageId(1), Token::EMPTY);
    let mut m = MessageBuilder::new(&mut buffer, Type::NonConfirmable, Code::GET, id, token);
    receiver.write(ask, &PARAMETERS, &mut m);
    let message = Message::parse(m.finish().unwrap()).unwrap();
    let line = crate::qpeers::line(&message);
    line.split("QB2:")
        .skip(1)
        .collect::<String>()
        .replace("/16", "")
}

#[test]
fn the_end_of_a_set_that_comes_again_is_confirmed_again() {
    let mut receiver = QBlockReceiver::new(BodyOf::Response, Delivery::NonConfirmable);
    let now = Instant::ZERO;
    assert_eq!(
        asks(&mut receiver, now, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ["10/1"]
    );
    assert_eq!(asks(&mut receiver, now, &[4]), [""; 0]);
    assert_eq!(asks(&mut receiver, now, &[9]), ["10/1"]);
    // Once the next set has begun the sender needs it no more.
    assert_eq!(asks(&mut receiver, now, &[10, 9]), [""; 0]);
}

/// A set of which nothing has arrived is asked for with two options: the M bit on its first block would mean Continue.
#[test]
fn a_whole_set_is_asked_for() {
    let mut receiver = QBlockReceiver::new(BodyOf::Response, Delivery::NonConfirmable);
    asks(
        &mut receiver,
        Instant::ZERO,
        &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
    let asked = asks(&mut receiver, Instant::from_secs(4), &[]);
    assert_eq!(asked, ["10/0 11/1"]);
    assert_eq!(
        asks(&mut receiver, Instant::from_secs(5), &[10, 13]),
        [""; 0]
    );
    assert_eq!(
        asks(&mut receiver, Instant::from_secs(9), &[]),
        ["11/0 12/0 14/1"]
    );
    // From a later set, what is missing in those before.
    assert_eq!(
        asks(&mut receiver, Instant::from_secs(10), &[20]),
        ["11/0 12/0 14/1"]
    );
}

//! Any sequence of messages and clock steps given to both ends of a robust transfer: each byte of a body is stored once
//! and none is missing when it is complete, what is asked for is missing, and polling comes to rest.
#![no_main]

use dunlin_coap::block::BlockSize;
use dunlin_coap::block::qblock::{
    BodyOf, Delivery, MissingBlocks, QBlockParameters, QBlockPoll, QBlockReceiver, QBlockRequest,
    QBlockSender,
};
use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type};
use libfuzzer_sys::fuzz_target;

const CAPACITY: usize = 20_000;

fuzz_target!(|data: &[u8]| {
    let Some((&[role, shape, high, low], mut rest)) = data.split_first_chunk() else {
        return;
    };
    let parameters = QBlockParameters {
        max_payloads: shape >> 4,
        ..QBlockParameters::DEFAULT
    };
    let of = [BodyOf::Request, BodyOf::Response][usize::from(role & 1)];
    let delivery = [Delivery::NonConfirmable, Delivery::Confirmable][usize::from(role >> 1 & 1)];
    let size = BlockSize::from_szx(shape & 7).unwrap_or(BlockSize::B16);
    let len = usize::from(u16::from_be_bytes([high, low])) % CAPACITY;
    let mut receiver: QBlockReceiver<2> = QBlockReceiver::new(of, delivery);
    let Ok(mut sender) = QBlockSender::<1>::new(of, delivery, len, size, &parameters, 7) else {
        unreachable!("a short body has few blocks");
    };
    let mut stored = vec![false; CAPACITY];
    let mut now = Instant::ZERO;
    while let Some((&[step, length], after)) = rest.split_first_chunk() {
        now = now + Duration::from_millis(u64::from(step) * 100);
        let (datagram, after) = after.split_at(usize::from(length).min(after.len()));
        rest = after;
        if let Ok(message) = Message::parse(datagram) {
            if let Ok(received) = receiver.take(now, &message, CAPACITY, &parameters) {
                if received.begins {
                    stored.fill(false);
                }
                if let Some(offset) = received.offset {
                    let place = offset..offset + message.payload().len();
                    assert!(place.end <= received.body_len && received.body_len <= CAPACITY);
                    assert!(stored[place.clone()].iter().all(|byte| !byte), "twice");
                    stored[place].fill(true);
                }
                let all = stored[..received.body_len].iter().all(|byte| *byte);
                assert!(!received.complete || all, "a gap");
            }
            let _ = sender.response(&message);
            if let Ok(Some(request)) = QBlockRequest::read(&message, &parameters) {
                let _ = sender.request(request, &parameters);
            }
        }
        ask(&mut receiver, now, &parameters);
        // No more than the whole body, and what is missing, and another set before it waits.
        for sent in 0.. {
            assert!(sent < 2 * sender.blocks() + 600, "polling never ends");
            match sender.poll(now, &parameters) {
                QBlockPoll::Send(part) => {
                    assert!(part.part.end() <= len);
                    assert_eq!(part.part.end() == len, !part.part.block.unwrap().more());
                }
                QBlockPoll::Wait(until) => {
                    assert!(until > now);
                    break;
                }
                QBlockPoll::GiveUp => return,
            }
        }
    }
});

fn ask(receiver: &mut QBlockReceiver<2>, now: Instant, parameters: &QBlockParameters) {
    for asked in 0.. {
        assert!(asked < 3, "polling never ends");
        let ask = match receiver.poll(now, parameters) {
            QBlockPoll::Send(ask) => ask,
            QBlockPoll::Wait(until) => {
                assert!(until > now);
                return;
            }
            QBlockPoll::GiveUp => {
                assert!(!receiver.is_receiving());
                return;
            }
        };
        let mut buffer = [0; 256];
        let (id, token) = (MessageId(1), Token::EMPTY);
        let mut builder =
            MessageBuilder::new(&mut buffer, Type::NonConfirmable, ask.code(), id, token);
        receiver.write(ask, parameters, &mut builder);
        let message = Message::parse(builder.finish().unwrap()).unwrap();
        if message.code() == Code::REQUEST_ENTITY_INCOMPLETE && !message.payload().is_empty() {
            let missing: Vec<u32> = MissingBlocks::parse(message.payload()).unwrap().collect();
            assert!(missing.is_sorted());
            assert!(receiver.missing(ask, parameters).eq(missing));
        } else {
            let options = [OptionNumber::Q_BLOCK1, OptionNumber::Q_BLOCK2];
            let found = options.map(|option| message.values(option).next());
            assert!(found.iter().any(Option::is_some), "says nothing");
        }
        let blocks = receiver.missing(ask, parameters);
        assert!(blocks.count() <= usize::from(parameters.max_payloads.max(1)));
    }
}

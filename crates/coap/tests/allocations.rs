//! Nothing here asks the allocator for memory, whatever is done.

use allocation_counter::measure;
use dunlin_coap::block::{Block, BlockReceiver, BlockSender, BlockSize, Outgoing, Sent};
use dunlin_coap::request::unknown_critical;
use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{
    Code, DuplicateWindow, Message, MessageBuilder, MessageId, OptionNumber, Parameters, Seen,
    Token, Transmission, Type,
};

/// Runs `work` and refuses every allocation in it.
#[track_caller]
fn without_allocation<T>(work: impl FnOnce() -> T) -> T {
    let mut result = None;
    let info = measure(|| result = Some(work()));
    assert_eq!(info.count_total, 0, "{info:?}");
    result.expect("it ran")
}

/// A GET with many sorts of options, a payload in it.
fn build(buffer: &mut [u8]) -> &[u8] {
    let token = Token::from([1, 2, 3, 4]);
    let block = Block::new(0, false, BlockSize::B512).expect("in range");
    MessageBuilder::new(buffer, Type::Confirmable, Code::FETCH, MessageId(7), token)
        .if_match(&[1])
        .uri_host("device.example.net")
        .observe(0)
        .path(["a", "longer than twelve bytes", "3"])
        .content_format(60)
        .query(["ep=urn:imei:490154203237518"])
        .option_parts(OptionNumber::URI_QUERY, &[b"lt=", b"300"])
        .accept(112)
        .block2(block)
        .size1(70_000)
        .echo(&[9; 40])
        .payload(b"payload")
        .finish()
        .expect("fits")
}

#[test]
fn the_counter_counts() {
    assert!(measure(|| drop(vec![1_u8])).count_total > 0);
}

#[test]
fn building_and_reading() {
    let mut buffer = [0; 256];
    let bytes = without_allocation(|| build(&mut buffer));
    let read = |bytes| {
        let message = Message::parse(bytes).expect("well formed");
        let sum: usize = message.options().map(|(_, value)| value.len()).sum();
        assert!(message.uri_path().count() == 3 && message.uri_host().is_some());
        assert!(message.observe().is_some() && message.block2().is_ok());
        assert!(unknown_critical(&message, |_| true).is_none());
        sum + message.payload().len()
    };
    assert!(without_allocation(|| read(bytes)) > 100);
    without_allocation(|| {
        for len in 0..bytes.len() {
            let _ = Message::parse(&bytes[..len]).is_ok();
        }
    });
    let mut copy = [0; 256];
    without_allocation(|| {
        let message = Message::parse(bytes).expect("well formed");
        let token = message.token_bytes();
        MessageBuilder::new_extended(
            &mut copy,
            Type::Confirmable,
            Code::FETCH,
            MessageId(8),
            token,
        )
        .copy_options(&message, &[(OptionNumber::BLOCK2, Some(&[0x15]))])
        .payload(message.payload())
        .finish()
        .is_ok()
    });
}

#[test]
fn duplicates_and_retransmission() {
    let parameters = Parameters::DEFAULT;
    let mut window = DuplicateWindow::<[u8; 512], [u32; 32]>::new(
        [0; 512],
        [0; 32],
        parameters.exchange_lifetime(),
        1,
    );
    without_allocation(|| {
        for id in 0..100 {
            let now = Instant::from_millis(u64::from(id) * 100);
            assert_eq!(window.check(now, 1, MessageId(id)), Seen::New);
            window.begin(now, 1, MessageId(id));
            window
                .answered(now, 1, MessageId(id), &[7; 20])
                .expect("short");
            assert_eq!(
                window.check(now, 1, MessageId(id)),
                Seen::Answered(&[7; 20])
            );
        }
        let mut transmission = Transmission::start(Instant::ZERO, &parameters, 1);
        let _ = transmission.on_timeout(Instant::ZERO + Duration::from_secs(3), &parameters);
    });
}

/// A body up in Block1 and down again in Block2, each block through a message.
#[test]
fn blocks_both_ways() {
    let body = [0x5a; 1000];
    let mut stored = [0; 1000];
    let size = BlockSize::B64;
    without_allocation(|| {
        let mut sender = BlockSender::new(body.len(), size).expect("not too long");
        let mut receiver = BlockReceiver::new();
        let (mut there, mut back) = ([0; 128], [0; 128]);
        for id in (0..).map(MessageId) {
            let part = sender.current();
            let mut request =
                MessageBuilder::new(&mut there, Type::Confirmable, Code::PUT, id, Token::EMPTY);
            request.path(["firmware"]);
            if let Some(block) = part.block {
                request.block1(block);
            }
            let request = request.payload(part.of(&body)).finish().expect("fits");
            let request = Message::parse(request).expect("well formed");
            let received = receiver
                .request(&request, body.len(), size)
                .expect("takes it");
            assert!(received.store(request.payload(), &mut stored));

            let (code, block) = (Code::CHANGED, part.block.expect("more than one"));
            let answer =
                MessageBuilder::new(&mut back, Type::Acknowledgement, code, id, Token::EMPTY)
                    .block1(block)
                    .finish()
                    .expect("fits");
            let answer = Message::parse(answer).expect("well formed");
            if sender.response(&answer) == Ok(Sent::Final) {
                break;
            }
        }
    });
    assert_eq!(stored, body);

    let mut fetched = [0; 1000];
    without_allocation(|| {
        let mut receiver = BlockReceiver::new();
        let mut buffer = [0; 128];
        for number in 0.. {
            let asked = Block::new(number, false, size);
            let part = Outgoing::requested(body.len(), asked, size).expect("in range");
            let id = MessageId(1);
            let mut response = MessageBuilder::new(
                &mut buffer,
                Type::Acknowledgement,
                Code::CONTENT,
                id,
                Token::EMPTY,
            );
            response.block2(part.block.expect("asked for"));
            part.write(&mut &body[..], &mut response).expect("whole");
            let response = Message::parse(response.finish().expect("fits")).expect("well formed");
            let received = receiver
                .response(&response, body.len(), size)
                .expect("in order");
            assert!(received.store(response.payload(), &mut fetched));
            if received.is_complete() {
                break;
            }
        }
    });
    assert_eq!(fetched, body);
}

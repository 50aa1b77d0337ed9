//! Any sequence of messages with block options: what is taken lies in order inside the body, and the body's parts are
//! found again by the sender.
#![no_main]

use dunlin_coap::Message;
use dunlin_coap::block::{BlockReceiver, BlockSize, Next, Outgoing};
use libfuzzer_sys::fuzz_target;

const CAPACITY: usize = 600;

fuzz_target!(|data: &[u8]| {
    let Some((&[role], mut rest)) = data.split_first_chunk() else {
        return;
    };
    let preferred = BlockSize::from_szx(role >> 1 & 7).unwrap_or(BlockSize::MAX);
    let mut receiver = BlockReceiver::new();
    let mut body = [0; CAPACITY];
    // Each message after its length.
    while let Some((&length, after)) = rest.split_first() {
        let (datagram, after) = after.split_at(usize::from(length).min(after.len()));
        rest = after;
        let Ok(message) = Message::parse(datagram) else {
            continue;
        };
        let before = receiver.received();
        let taken = if role & 1 == 0 {
            receiver.request(&message, CAPACITY, preferred)
        } else {
            receiver.response(&message, CAPACITY, preferred)
        };
        let Ok(received) = taken else {
            assert!(!receiver.is_receiving());
            continue;
        };
        assert!(received.offset <= before, "a gap");
        assert!(received.end() <= CAPACITY);
        assert!(received.store(message.payload(), &mut body));
        match received.next {
            Next::Complete(_) => assert!(!receiver.is_receiving()),
            Next::More(block) => {
                assert_eq!(receiver.received(), received.end());
                assert!(block.size() <= preferred);
            }
        }
        // Asked for the block again, a sender of the same body gives the same bytes.
        for option in [message.block1(), message.block2()]
            .into_iter()
            .flatten()
            .flatten()
        {
            if let Ok(part) = Outgoing::requested(CAPACITY, Some(option), preferred) {
                assert_eq!(part.offset, option.offset() as usize);
                assert_eq!(part.of(&body).len(), part.len);
                assert!(
                    part.block
                        .is_some_and(|block| block.offset() == option.offset())
                );
            }
        }
    }
});

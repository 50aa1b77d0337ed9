//! Any sequence of messages given to a receiver, to a client's transfer and to a server of bodies: what is taken lies in
//! order inside the body, what is sent again is the same, and every transfer ends.
#![no_main]

use dunlin_coap::block::{
    BlockOptions, BlockReceiver, BlockSize, FromFn, Next, Outgoing, Received, Step, Transfer,
    TransferKey,
};
use dunlin_coap::{Code, Message};
use libfuzzer_sys::fuzz_target;

const CAPACITY: usize = 5000;

fuzz_target!(|data: &[u8]| {
    let Some((&[role, sizes, high, low], mut rest)) = data.split_first_chunk() else {
        return;
    };
    let size = |bits: u8| BlockSize::from_szx(bits & 7).unwrap_or(BlockSize::Bert);
    let (size, preferred) = (size(sizes), size(sizes >> 3));
    let len = usize::from(u16::from_be_bytes([high, low])) % CAPACITY;
    let method = [Code::GET, Code::POST, Code::FETCH, Code::PUT][usize::from(role >> 6)];
    let mut receiver = BlockReceiver::new();
    let mut body = [0; CAPACITY];
    let Ok(transfer) = Transfer::new(method, len, size, preferred) else {
        unreachable!("a short body has few blocks");
    };
    let mut transfer = transfer.payload_limit(usize::from(role) << 6);
    if role & 0x20 != 0 {
        transfer = transfer.negotiate_early().ask_size();
    }
    // Each message after its length.
    while let Some((&length, after)) = rest.split_first() {
        let (datagram, after) = after.split_at(usize::from(length).min(after.len()));
        rest = after;
        let Ok(message) = Message::parse(datagram) else {
            continue;
        };
        match role & 3 {
            0 | 1 => receive(role, &mut receiver, &message, preferred, &mut body),
            2 => {
                let next = transfer.request();
                assert!(next.part.end() <= len);
                assert_eq!(next, transfer.request());
                match transfer.response(&message, CAPACITY) {
                    Ok(Step::Content(received)) => {
                        assert!(received.end() <= CAPACITY);
                        assert_eq!(received.len, message.payload().len());
                        if received.is_complete() {
                            return;
                        }
                        let asked = transfer.request().options.block2.unwrap();
                        assert_eq!(asked.offset() as usize, received.end());
                    }
                    Ok(Step::Send | Step::Restart) => {}
                    Ok(Step::Refused) | Err(_) => return,
                }
            }
            _ => serve(&message, preferred, len),
        }
        let key = TransferKey::new(&message, [1, 2]);
        assert_eq!(key, TransferKey::new(&message, [1, 2]));
    }
});

fn receive(
    role: u8,
    receiver: &mut BlockReceiver,
    message: &Message<'_>,
    preferred: BlockSize,
    body: &mut [u8; CAPACITY],
) {
    let before = receiver.received();
    let taken = if role & 1 == 0 {
        receiver.request(message, CAPACITY, preferred)
    } else {
        receiver.response(message, CAPACITY, preferred)
    };
    if let Ok(alone) = Received::alone(message, CAPACITY, preferred) {
        assert!(alone.end() <= CAPACITY && alone.is_complete());
    }
    let received = match taken {
        Ok(received) => received,
        Err(error) => {
            assert!(!receiver.is_receiving());
            assert!(error.code().class() == 4);
            error.options(message, CAPACITY, preferred);
            return;
        }
    };
    assert!(received.offset <= before, "a gap");
    assert!(received.end() <= CAPACITY);
    assert!(received.store(message.payload(), body));
    match received.next {
        Next::Complete(_) => assert!(!receiver.is_receiving()),
        Next::More(block) => {
            assert_eq!(receiver.received(), received.end());
            assert!(block.size() <= preferred);
        }
    }
}

/// Asked for the same block, a body of known length and one of unknown length give the same.
fn serve(message: &Message<'_>, preferred: BlockSize, len: usize) {
    let Ok(asked) = BlockOptions::read(message, preferred) else {
        return;
    };
    let source = [7; CAPACITY];
    let mut known = &source[..len];
    let mut unknown = FromFn(None, |offset: usize, space: &mut [u8]| {
        let left = len.saturating_sub(offset).min(space.len());
        space[..left].fill(7);
        left
    });
    let known = Outgoing::from_body(&mut known, asked.block2, preferred, 3000);
    let unknown = Outgoing::from_body(&mut unknown, asked.block2, preferred, 3000);
    assert_eq!(known.map(|part| part.block), unknown.map(|part| part.block));
    if let Ok(part) = known {
        assert_eq!(part.of(&source[..len]).len(), part.len);
        assert!(
            part.block
                .is_none_or(|block| block.offset() as usize == part.offset)
        );
    }
}

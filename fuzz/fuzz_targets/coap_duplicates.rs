//! Any sequence of messages and answers: the window of duplicates repeats the last answer or knows nothing, in any
//! storage.
#![no_main]

use std::collections::HashMap;

use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{DuplicateWindow, MessageId, Seen};
use libfuzzer_sys::fuzz_target;

const LIFETIME: Duration = Duration::from_secs(247);

fuzz_target!(|data: &[u8]| {
    let Some((&[ring, slots], steps)) = data.split_first_chunk() else {
        return;
    };
    let (ring, slots) = (
        vec![0xa5; usize::from(ring) * 3],
        vec![7; usize::from(slots % 32)],
    );
    let mut window = DuplicateWindow::new(ring, slots, LIFETIME, 0x5eed);
    // When each message came and what it was answered.
    let mut told: HashMap<(u64, u16), (Instant, Option<Vec<u8>>)> = HashMap::new();
    let mut now = Instant::ZERO;
    for (count, &[step, key, argument]) in steps.as_chunks::<3>().0.iter().enumerate() {
        let (peer, id) = (u64::from(key >> 6), u16::from(key & 7));
        let message = MessageId(id);
        match step % 4 {
            0 => now += Duration::from_secs(u64::from(argument)),
            1 => {
                window.begin(now, peer, message);
                told.insert((peer, id), (now, None));
            }
            2 => {
                let answer = vec![count as u8; usize::from(argument)];
                let known = window.check(now, peer, message) != Seen::New;
                if window.answered(now, peer, message, &answer).is_ok() {
                    let since = told
                        .get(&(peer, id))
                        .filter(|_| known)
                        .map_or(now, |(at, _)| *at);
                    told.insert((peer, id), (since, Some(answer)));
                    assert_ne!(window.check(now, peer, message), Seen::New);
                } else {
                    told.remove(&(peer, id));
                }
            }
            _ => {
                window.forget(peer, message);
                told.remove(&(peer, id));
            }
        }
        for ((peer, id), (since, answer)) in &told {
            let fresh = now - *since <= LIFETIME + Duration::from_millis(128);
            match window.check(now, *peer, MessageId(*id)) {
                Seen::New => {}
                Seen::InProgress => assert!(fresh && answer.is_none()),
                Seen::Answered(bytes) => assert!(fresh && Some(bytes) == answer.as_deref()),
            }
        }
        assert!(window.len() <= told.len());
    }
});

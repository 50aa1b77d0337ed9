use std::collections::HashMap;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

const LIFETIME: Duration = Duration::from_secs(247);
/// How much longer than its lifetime an entry may be kept.
const SLACK: Duration = Duration::from_millis(128);

type Window = DuplicateWindow<Vec<u8>, Vec<u32>>;

fn window(ring: usize, index: usize) -> Window {
    DuplicateWindow::new(
        vec![0xa5; ring],
        vec![7; index],
        LIFETIME,
        0x0123_4567_89ab_cdef,
    )
}

/// Checks that ring and index tell the same story.
fn check_consistency(window: &mut Window) {
    let view = window.view();
    let offsets = view.ring.offsets();
    let mut live = 0;
    for offset in offsets {
        let record = view.ring.record(offset).unwrap();
        if view
            .find(record.key)
            .is_some_and(|(_, found, _)| found == offset)
        {
            live += 1;
        }
    }
    assert_eq!(live, *view.entries, "every entry is found from its home");
    assert_eq!(view.index.filled(), *view.entries, "no slot is left over");
    assert!(*view.entries <= view.index.max_entries());
}

/// What is remembered of a message.
#[derive(Debug, PartialEq)]
enum Known {
    InProgress,
    Answered(Vec<u8>),
}

fn known(window: &mut Window, now: Instant, key: (u64, u16)) -> Option<Known> {
    match window.check(now, key.0, MessageId(key.1)) {
        Seen::New => None,
        Seen::InProgress => Some(Known::InProgress),
        Seen::Answered(bytes) => Some(Known::Answered(bytes.to_vec())),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Check,
    Begin,
    Answer(usize),
    Forget,
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<((u64, u16), Step)>> {
    let step = prop_oneof![
        2 => Just(Step::Check),
        4 => Just(Step::Begin),
        4 => (0..70_usize).prop_map(Step::Answer),
        1 => Just(Step::Forget),
        1 => (0..60_000_u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(((0..3_u64, 0..6_u16), step), 1..200)
}

/// Runs steps against a window and a plain map of all that was ever told; `roomy` when the window never has to forget.
fn run(mut window: Window, start: Instant, steps: Vec<((u64, u16), Step)>, roomy: bool) {
    let mut model: HashMap<(u64, u16), (Instant, Known)> = HashMap::new();
    let mut now = start;
    let mut salt = 0_u8;
    for (key, step) in steps {
        let id = MessageId(key.1);
        match step {
            Step::Wait(millis) => now += Duration::from_millis(millis),
            Step::Check => {}
            Step::Forget => {
                window.forget(key.0, id);
                model.remove(&key);
            }
            Step::Begin => {
                window.begin(now, key.0, id);
                model.insert(key, (now, Known::InProgress));
                assert_eq!(window.check(now, key.0, id), Seen::InProgress);
            }
            Step::Answer(len) => {
                salt = salt.wrapping_add(1);
                let bytes = vec![salt; len];
                let had = known(&mut window, now, key).is_some();
                if window.answered(now, key.0, id, &bytes).is_ok() {
                    let since = match model.get(&key) {
                        Some((since, _)) if had => *since,
                        _ => now,
                    };
                    model.insert(key, (since, Known::Answered(bytes.clone())));
                    assert_eq!(window.check(now, key.0, id), Seen::Answered(&bytes));
                } else {
                    assert!(!roomy);
                    model.remove(&key);
                    assert_eq!(window.check(now, key.0, id), Seen::New);
                }
            }
        }
        check_consistency(&mut window);
        for peer in 0..3 {
            for id in 0..6 {
                let seen = known(&mut window, now, (peer, id));
                let told = model.get(&(peer, id));
                match (seen, told) {
                    (Some(seen), Some((since, told))) => {
                        assert_eq!(&seen, told, "a stale answer");
                        assert!(now - *since <= LIFETIME + SLACK, "kept too long");
                    }
                    (Some(_), None) => panic!("an answer from nowhere"),
                    (None, Some((since, _))) if roomy => {
                        assert!(now - *since >= LIFETIME, "forgotten too early");
                    }
                    (None, _) => {}
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn agrees_with_a_map_when_there_is_room(steps in steps(), start in prop::sample::select(vec![0, (1 << 38) - 90_000, u64::MAX >> 1])) {
        run(window(1 << 16, 512), Instant::from_millis(start), steps, true);
    }

    #[test]
    fn never_gives_a_stale_answer_when_there_is_none(ring in 0..400_usize, index in 0..24_usize, steps in steps()) {
        // Below these sizes nothing is remembered, which the steps would take for a fault.
        prop_assume!(ring >= HEADER && index >= 2);
        run(window(ring, index), Instant::from_secs(5), steps, false);
    }
}

const HEADER: usize = ring::HEADER;

// What a window takes beside its storage, and an entry beside its answer.
const _: () = assert!(size_of::<State>() <= 9 * size_of::<usize>());
const _: () = assert!(HEADER + (size_of::<u32>() * 4).div_ceil(3) <= 24);

#[test]
fn too_small_storage_remembers_nothing() {
    for (ring, index) in [(0, 64), (15, 64), (64, 0), (64, 1)] {
        let mut window = window(ring, index);
        window.begin(Instant::ZERO, 1, MessageId(1));
        assert_eq!(window.check(Instant::ZERO, 1, MessageId(1)), Seen::New);
        assert_eq!(
            window.answered(Instant::ZERO, 1, MessageId(1), b"x"),
            Err(AnswerTooLong)
        );
        assert!(window.is_empty());
    }
}

#[test]
fn the_oldest_go_first_and_the_ring_is_used_whole() {
    // Records of 16 + 24 bytes: ten fit into 400 bytes, and still do after the ring has gone round many times.
    let mut window = window(400, 64);
    let now = Instant::ZERO;
    for id in 0..1000_u16 {
        window.begin(now, 1, MessageId(id));
        window.answered(now, 1, MessageId(id), &[0x11; 24]).unwrap();
        check_consistency(&mut window);
        for old in id.saturating_sub(15)..=id {
            let expected = old + 10 > id;
            let seen = window.check(now, 1, MessageId(old)) != Seen::New;
            assert_eq!(seen, expected, "message {old} after {id}");
        }
    }
}

#[test]
fn records_written_at_once_use_the_ring_whole_too() {
    let mut window = window(400, 64);
    let now = Instant::ZERO;
    for id in 0..1000_u16 {
        window.answered(now, 1, MessageId(id), &[0x11; 24]).unwrap();
        for old in id.saturating_sub(15)..=id {
            let seen = window.check(now, 1, MessageId(old)) != Seen::New;
            assert_eq!(seen, old + 10 > id, "message {old} after {id}");
        }
    }
}

#[test]
fn a_newer_answer_takes_the_place_of_an_earlier_one() {
    let mut window = window(512, 64);
    let now = Instant::ZERO;
    for (other, answer) in [
        (2, &b"a long one"[..]),
        (2, b"short"),
        (3, b"a longer one again"),
    ] {
        window.answered(now, 1, MessageId(1), answer).unwrap();
        assert_eq!(window.check(now, 1, MessageId(1)), Seen::Answered(answer));
        window.begin(now, 1, MessageId(other));
        check_consistency(&mut window);
    }
    assert_eq!(window.len(), 3);
}

#[test]
fn a_ring_that_does_not_divide_keeps_all_but_one() {
    let mut window = window(512, 64);
    let now = Instant::ZERO;
    for id in 0..1000_u16 {
        window.begin(now, 1, MessageId(id));
        window.answered(now, 1, MessageId(id), &[0x11; 23]).unwrap();
        // 512 / 39 is 13 and a rest.
        for old in id.saturating_sub(11)..=id {
            assert_ne!(window.check(now, 1, MessageId(old)), Seen::New);
        }
    }
}

#[test]
fn answers_out_of_order_keep_their_time() {
    let mut window = window(512, 64);
    let start = Instant::from_secs(1);
    let later = start + Duration::from_secs(200);
    window.begin(start, 1, MessageId(1));
    window.begin(start, 1, MessageId(2));
    window.answered(later, 1, MessageId(1), b"first").unwrap();
    assert_eq!(
        window.check(later, 1, MessageId(1)),
        Seen::Answered(b"first")
    );
    assert_eq!(window.check(later, 1, MessageId(2)), Seen::InProgress);
    let end = start + LIFETIME + SLACK + Duration::from_millis(1);
    assert_eq!(window.check(end, 1, MessageId(1)), Seen::New);
    assert_eq!(window.check(end, 1, MessageId(2)), Seen::New);
}

#[test]
fn a_message_id_used_again_after_the_lifetime_is_in_progress() {
    let mut window = window(512, 64);
    window.begin(Instant::ZERO, 1, MessageId(1));
    window
        .answered(Instant::ZERO, 1, MessageId(1), b"old")
        .unwrap();
    let later = Instant::from_secs(248);
    assert_eq!(window.check(later, 1, MessageId(1)), Seen::New);
    window.begin(later, 1, MessageId(1));
    assert_eq!(window.check(later, 1, MessageId(1)), Seen::InProgress);
    assert_eq!(window.len(), 1);
}

#[test]
fn an_answer_that_never_fits_is_refused_and_forgotten() {
    let mut window = window(100, 64);
    let now = Instant::ZERO;
    window.begin(now, 1, MessageId(1));
    assert_eq!(
        window.answered(now, 1, MessageId(1), &[0; 85]),
        Err(AnswerTooLong)
    );
    assert_eq!(window.check(now, 1, MessageId(1)), Seen::New);
    window.answered(now, 1, MessageId(1), &[0; 84]).unwrap();
    assert_eq!(window.check(now, 1, MessageId(1)), Seen::Answered(&[0; 84]));
    let mut large = DuplicateWindow::new(vec![0; 1 << 20], vec![0; 8], LIFETIME, 0);
    assert_eq!(
        large.answered(now, 1, MessageId(1), &vec![0; 0xffff]),
        Err(AnswerTooLong)
    );
    large
        .answered(now, 1, MessageId(1), &vec![3; 0xfffe])
        .unwrap();
    assert_eq!(
        large.check(now, 1, MessageId(1)),
        Seen::Answered(&vec![3; 0xfffe])
    );
}

#[test]
fn fifty_thousand_entries_answered_in_another_order() {
    const COUNT: u64 = 50_000;
    let mut window = window(4 << 20, 100_000);
    let start = Instant::from_secs(3);
    let key = |n: u64| (n * 7 % 1013, MessageId(u16::try_from(n % 65_536).unwrap()));
    // 7919 is coprime to the count: every message is answered once, far from where it was begun.
    for n in 0..COUNT {
        window.begin(start, key(n).0, key(n).1);
    }
    for n in 0..COUNT {
        let n = n * 7919 % COUNT;
        let (peer, id) = key(n);
        window.answered(start, peer, id, &n.to_be_bytes()).unwrap();
    }
    assert_eq!(window.len(), 50_000);
    for n in 0..COUNT {
        let (peer, id) = key(n);
        assert_eq!(
            window.check(start, peer, id),
            Seen::Answered(&n.to_be_bytes())
        );
    }
    check_consistency(&mut window);
    // All of them expire; their room is used again and nothing of them is left.
    let later = start + Duration::from_secs(300);
    for n in 0..COUNT {
        window.begin(later, 5000 + key(n).0, key(n).1);
    }
    assert_eq!(window.len(), 50_000);
    check_consistency(&mut window);
}

#[test]
fn keys_spread_over_the_table() {
    // One peer with consecutive ids, and many peers with one id: the chains that probing walks stay short.
    let mut slots = vec![index::EMPTY; 4096];
    let mut index = Index::new(&mut slots, index::multiplier(99), 1 << 20);
    let keys: Vec<Key> = (0..1024_u16)
        .map(|n| Key {
            peer: 1,
            id: MessageId(n),
        })
        .chain((0..1024_u64).map(|n| Key {
            peer: n << 16 | 0xc0a8,
            id: MessageId(1),
        }))
        .collect();
    for (n, key) in keys.iter().enumerate() {
        assert!(index.insert(*key, n));
    }
    let walked: usize = keys.iter().map(|key| index.walked(*key)).sum();
    assert!(
        walked < keys.len() * 6,
        "{walked} slots in chains of {} keys",
        keys.len()
    );
}

#[test]
fn clear_forgets_everything() {
    let mut window = window(512, 64);
    window.begin(Instant::ZERO, 1, MessageId(1));
    window.clear();
    assert_eq!(window.check(Instant::ZERO, 1, MessageId(1)), Seen::New);
    assert!(window.is_empty());
    check_consistency(&mut window);
}

#[test]
fn a_slot_finds_its_entry_with_many_and_with_no_bits_to_spare() {
    // The second length leaves no bit for the hash and the distance, so that records must be read.
    for ring in [1000, u32::MAX as usize] {
        // Three peers have homes all over, one slot in four is free, and distances go beyond what a slot can tell.
        let key = |i: usize| Key {
            peer: i as u64 % 3,
            id: MessageId(u16::try_from(i).unwrap()),
        };
        let mut slots = vec![index::EMPTY; 1000];
        let mut index = Index::new(&mut slots, index::multiplier(7), ring);
        let has = |index: &Index<'_>, i: usize| {
            let mut places = index.probe(key(i)).map(|(_, offset)| offset);
            places.any(|offset| offset == i)
        };
        for i in 0..750 {
            assert!(index.insert(key(i), i));
        }
        for i in (0..750).step_by(2) {
            let (slot, _) = index
                .probe(key(i))
                .find(|(_, offset)| *offset == i)
                .unwrap();
            index.remove(slot, |offset| Some(key(offset)));
            assert!(!has(&index, i), "{ring} {i}");
        }
        for i in 0..750 {
            assert_eq!(has(&index, i), i % 2 == 1, "{ring} {i}");
        }
        assert_eq!(index.filled(), 375);
    }
}

use super::*;
use proptest::prelude::*;
use std::vec::Vec;

type List = Observers<u64, u32, [Option<Observer<u64, u32>>; 4]>;

const _: () = assert!(size_of::<Observer<u64, u32>>() <= 48);
const _: () = assert!(size_of::<Observer<u8, u8>>() <= 40);

const CON: Type = Type::Confirmable;
const NON: Type = Type::NonConfirmable;
const A: Token = Token::EMPTY;

fn token(byte: u8) -> Token {
    Token::new(&[byte]).unwrap()
}

fn list() -> List {
    Observers::new([None; 4])
}

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// Polls with NSTART 1.
fn poll(
    observers: &mut List,
    now: Instant,
    policy: Policy,
    id: u16,
) -> Option<Notification<u64, u32>> {
    observers.poll(
        now,
        |_, outstanding| outstanding < 1,
        |_| policy,
        || MessageId(id),
    )
}

#[test]
fn keyed_by_client_and_token() {
    let mut observers = list();
    let first = observers.register(at(0), 1, A, 10).unwrap();
    assert!(!first.again);
    let again = observers.register(at(0), 1, A, 11).unwrap();
    assert!(again.again);
    // Strictly greater within the same millisecond too.
    assert_eq!(again.number.get(), first.number.get() + 1);
    for (peer, token) in [(2, A), (1, token(1)), (1, token(2))] {
        assert!(!observers.register(at(0), peer, token, 10).unwrap().again);
    }
    assert_eq!(observers.register(at(0), 3, A, 10), Err(Full));
    assert!(observers.register(at(0), 2, A, 12).unwrap().again);
    assert_eq!(observers.remove(&1, A), Some(11));
    assert_eq!(observers.remove(&1, A), None);
    assert_eq!(observers.register(at(0), 1, Token::EXTENDED, 10), Err(Full));
    assert_eq!(observers.remove_all(|_, resource| *resource == 10), 2);
    assert_eq!(observers.iter().count(), 1);
}

#[test]
fn confirmable_notifications_one_at_a_time() {
    let mut observers = list();
    let registered = observers.register(at(1000), 1, A, 10).unwrap();
    assert_eq!(poll(&mut observers, at(1000), Policy::CONFIRMABLE, 1), None);
    assert_eq!(observers.changed(|_| false), 0);
    assert_eq!(observers.changed(|resource| *resource == 10), 1);
    assert_eq!(observers.next_timeout(at(1000)), Some(at(1000)));
    let first = poll(&mut observers, at(1000), Policy::CONFIRMABLE, 1).unwrap();
    assert_eq!(
        (first.message_type, first.id, first.token),
        (Type::Confirmable, MessageId(1), A)
    );
    assert!(first.number.get() > registered.number.get());
    // Two changes while it is under way: one notification more.
    observers.changed(|_| true);
    observers.changed(|_| true);
    assert_eq!(poll(&mut observers, at(2000), Policy::CONFIRMABLE, 2), None);
    assert_eq!(observers.next_timeout(at(2000)), None);
    assert!(!observers.acknowledged(at(2000), &2, MessageId(1)));
    assert!(!observers.acknowledged(at(2000), &1, MessageId(9)));
    assert!(observers.acknowledged(at(2000), &1, MessageId(1)));
    let second = poll(&mut observers, at(2000), Policy::CONFIRMABLE, 2).unwrap();
    assert!(second.number.get() > first.number.get());
    assert!(observers.acknowledged(at(2000), &1, MessageId(2)));
    assert_eq!(poll(&mut observers, at(2000), Policy::CONFIRMABLE, 3), None);
}

#[test]
fn a_retransmission_sends_what_is_newer() {
    let mut observers = list();
    observers.register(at(0), 1, A, 10).unwrap();
    observers.changed(|_| true);
    let first = poll(&mut observers, at(0), Policy::CONFIRMABLE, 1).unwrap();
    let new = || MessageId(2);
    assert_eq!(observers.supersede(at(2000), &1, MessageId(1), new), None);
    observers.changed(|_| true);
    assert_eq!(observers.supersede(at(4000), &1, MessageId(7), new), None);
    let second = observers
        .supersede(at(4000), &1, MessageId(1), new)
        .unwrap();
    assert_eq!(
        (second.id, second.message_type),
        (MessageId(2), Type::Confirmable)
    );
    assert!(second.number.get() > first.number.get());
    // The old one's acknowledgement and reset come too late to mean anything.
    assert!(!observers.acknowledged(at(4000), &1, MessageId(1)));
    assert_eq!(observers.reset(&1, MessageId(1)), None);
    assert_eq!(
        observers.supersede(at(8000), &1, MessageId(2), || MessageId(3)),
        None
    );
    assert!(observers.acknowledged(at(8000), &1, MessageId(2)));
    assert_eq!(poll(&mut observers, at(8000), Policy::CONFIRMABLE, 3), None);
}

#[test]
fn non_confirmable_notifications_keep_a_distance() {
    let mut observers = list();
    let policy = Policy {
        confirm: Confirm::After(2),
        pause: NON_PAUSE,
    };
    observers.register(at(0), 1, A, 10).unwrap();
    let mut types = Vec::new();
    for step in 0..6 {
        let now = at(step * 3000);
        observers.changed(|_| true);
        let sent = poll(&mut observers, now, policy, 1).unwrap();
        types.push(sent.message_type);
        observers.changed(|_| true);
        if sent.message_type == Type::Confirmable {
            assert!(observers.acknowledged(now, &1, sent.id));
        } else {
            assert_eq!(
                poll(&mut observers, at(step * 3000 + 2999), policy, 2),
                None
            );
            assert_eq!(observers.next_timeout(now), Some(at(step * 3000 + 3000)));
        }
    }
    assert_eq!(types, [NON, NON, CON, NON, NON, CON]);
}

#[test]
fn once_a_day_a_client_confirms_its_interest() {
    const DAY: u64 = 24 * 60 * 60 * 1000;
    let mut observers = list();
    let policy = Policy::NON_CONFIRMABLE;
    observers.register(at(0), 1, A, 10).unwrap();
    observers.changed(|_| true);
    let first = poll(&mut observers, at(DAY - 5000), policy, 1).unwrap();
    assert_eq!(first.message_type, Type::NonConfirmable);
    assert_eq!(poll(&mut observers, at(DAY - 1), policy, 2), None);
    assert_eq!(observers.next_timeout(at(DAY - 1)), Some(at(DAY)));
    // Even without a change.
    let daily = poll(&mut observers, at(DAY), policy, 2).unwrap();
    assert_eq!(daily.message_type, Type::Confirmable);
    assert!(observers.acknowledged(at(DAY + 700), &1, MessageId(2)));
    assert_eq!(poll(&mut observers, at(DAY + 1000), policy, 3), None);
    assert_eq!(observers.next_timeout(at(DAY + 1000)), Some(at(2 * DAY)));
}

#[test]
fn a_reset_removes_whatever_the_type() {
    for policy in [Policy::CONFIRMABLE, Policy::NON_CONFIRMABLE] {
        let mut observers = list();
        observers.register(at(0), 1, A, 10).unwrap();
        assert_eq!(observers.reset(&1, MessageId(0)), None);
        observers.changed(|_| true);
        poll(&mut observers, at(0), policy, 7).unwrap();
        assert_eq!(observers.reset(&2, MessageId(7)), None);
        assert_eq!(observers.reset(&1, MessageId(8)), None);
        // Long after the pause too.
        assert_eq!(observers.reset(&1, MessageId(7)), Some((A, 10)));
        assert_eq!(observers.iter().count(), 0);
    }
    // Once acknowledged there is nothing to reject.
    let mut observers = list();
    observers.register(at(0), 1, A, 10).unwrap();
    observers.changed(|_| true);
    poll(&mut observers, at(0), Policy::CONFIRMABLE, 7).unwrap();
    observers.acknowledged(at(0), &1, MessageId(7));
    assert_eq!(observers.reset(&1, MessageId(7)), None);
}

#[test]
fn a_lost_client_is_removed_unless_it_has_registered_again() {
    for again in [false, true] {
        let mut observers = list();
        observers.register(at(0), 1, A, 10).unwrap();
        observers.changed(|_| true);
        poll(&mut observers, at(0), Policy::CONFIRMABLE, 7).unwrap();
        if again {
            assert!(observers.register(at(50_000), 1, A, 10).unwrap().again);
        }
        assert_eq!(observers.timed_out(&1, MessageId(8)), None);
        let removed = observers.timed_out(&1, MessageId(7));
        assert_eq!(removed, (!again).then_some((A, 10)));
        assert_eq!(observers.iter().count(), usize::from(again));
    }
}

#[test]
fn nstart_counts_all_observations_of_a_client() {
    let mut observers = list();
    for byte in 0..3 {
        observers.register(at(0), 1, token(byte), 10).unwrap();
    }
    observers.register(at(0), 2, A, 10).unwrap();
    observers.changed(|_| true);
    let mut served = Vec::new();
    for id in 0..4 {
        if let Some(sent) = poll(&mut observers, at(0), Policy::CONFIRMABLE, id) {
            served.push((sent.peer, sent.token, sent.id));
        }
    }
    assert_eq!(served.len(), 2);
    assert_eq!((served[0].0, served[1].0), (1, 2));
    assert!(observers.acknowledged(at(1), &1, served[0].2));
    let next = poll(&mut observers, at(1), Policy::CONFIRMABLE, 9).unwrap();
    assert_ne!(next.token, served[0].1);
    // No interaction is left for notifications.
    assert!(observers.acknowledged(at(2), &1, next.id));
    let none = observers.poll(
        at(2),
        |_, _| false,
        |_| Policy::CONFIRMABLE,
        || MessageId(0),
    );
    assert_eq!(none, None);
}

#[test]
fn all_get_their_turn() {
    let mut observers = list();
    for peer in 0..4 {
        observers.register(at(0), peer, A, 10).unwrap();
    }
    let mut order = Vec::new();
    for id in 0..8 {
        // Everything changes all the time.
        observers.changed(|_| true);
        let sent = poll(&mut observers, at(u64::from(id)), Policy::CONFIRMABLE, id).unwrap();
        observers.acknowledged(at(0), &sent.peer, sent.id);
        order.push(sent.peer);
    }
    assert_eq!(order, [0, 1, 2, 3, 0, 1, 2, 3]);
}

#[test]
fn numbers_follow_the_clock_across_its_wrap() {
    let mut previous = following(0, at(u64::from(u32::MAX) - 1));
    for millis in [0, 0, 1, 5, 5, 1000] {
        let next = following(previous, at(u64::from(u32::MAX) + millis));
        assert!(next.wrapping_sub(previous) > 0 && next.wrapping_sub(previous) < 2000);
        previous = next;
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Register(u64, u8),
    Deregister(u64, u8),
    Changed(u32),
    Poll,
    Acknowledge(bool),
    Reset,
    TimeOut,
    Wait(u64),
}

/// Client and token.
type Key = (u64, Token);
/// The newest number, the resource, the newest version told.
type Told = (SequenceNumber, u32, u32);

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3_u64, 0..2_u8).prop_map(|(peer, token)| Step::Register(peer, token)),
        (0..3_u64, 0..2_u8).prop_map(|(peer, token)| Step::Deregister(peer, token)),
        (0..3_u32).prop_map(Step::Changed),
        Just(Step::Poll),
        Just(Step::Poll),
        any::<bool>().prop_map(Step::Acknowledge),
        Just(Step::Reset),
        Just(Step::TimeOut),
        (0..4000_u64).prop_map(Step::Wait),
    ]
}

proptest! {
    /// Numbers rise, at most one notification is outstanding with a client, and once the network is quiet every
    /// observer has been told the newest state.
    #[test]
    fn every_observer_learns_the_newest_state(
        steps in prop::collection::vec(any_step(), 0..120),
        after in 0..3_u8,
    ) {
        let policy = Policy { confirm: Confirm::After(after), pause: NON_PAUSE };
        let mut observers = list();
        let mut now = at(0);
        let mut versions = [0_u32; 3];
        let mut told: Vec<(Key, Told)> = Vec::new();
        let mut under_way: Vec<(u64, MessageId)> = Vec::new();
        let mut id = 0;
        let steps = steps.into_iter().chain((0..40).flat_map(|_| {
            [Step::Wait(3000), Step::Poll, Step::Acknowledge(true), Step::Poll, Step::Acknowledge(false)]
        }));
        for step in steps {
            match step {
                Step::Register(peer, byte) => {
                    let resource = u32::from(byte);
                    let key = (peer, token(byte));
                    if let Ok(registered) = observers.register(now, peer, key.1, resource) {
                        told.retain(|(other, _)| *other != key);
                        told.push((key, (registered.number, resource, versions[usize::from(byte)])));
                    }
                }
                Step::Deregister(peer, byte) => {
                    let key = (peer, token(byte));
                    observers.remove(&peer, key.1);
                    told.retain(|(other, _)| *other != key);
                }
                Step::Changed(resource) => {
                    versions[usize::try_from(resource).unwrap()] += 1;
                    observers.changed(|observed| *observed == resource);
                }
                Step::Poll => {
                    id += 1;
                    let Some(sent) = poll(&mut observers, now, policy, id) else { continue };
                    let (_, told) = told.iter_mut().find(|(key, _)| *key == (sent.peer, sent.token)).unwrap();
                    prop_assert!(sent.number.get() > told.0.get());
                    *told = (sent.number, sent.resource, versions[usize::try_from(sent.resource).unwrap()]);
                    if sent.message_type == Type::Confirmable {
                        let other = under_way.iter().any(|(peer, id)| {
                            *peer == sent.peer
                                && observers.iter().any(|o| {
                                    o.flight == Flight::Confirmable && o.id == *id && o.peer == *peer
                                })
                        });
                        prop_assert!(!other);
                        under_way.push((sent.peer, sent.id));
                    }
                }
                Step::Acknowledge(newest) => {
                    let acknowledged = if newest { under_way.pop() } else { (!under_way.is_empty()).then(|| under_way.remove(0)) };
                    if let Some((peer, id)) = acknowledged {
                        observers.acknowledged(now, &peer, id);
                    }
                }
                Step::Reset => {
                    if let Some((peer, id)) = under_way.pop()
                        && let Some((token, _)) = observers.reset(&peer, id)
                    {
                        told.retain(|(key, _)| *key != (peer, token));
                    }
                }
                Step::TimeOut => {
                    // The transmission goes on, with the newer state where there is one.
                    let Some((peer, old)) = under_way.pop() else { continue };
                    id += 1;
                    match observers.supersede(now, &peer, old, || MessageId(id)) {
                        Some(sent) => {
                            let (_, told) = told.iter_mut().find(|(key, _)| *key == (peer, sent.token)).unwrap();
                            prop_assert!(sent.number.get() > told.0.get());
                            *told = (sent.number, sent.resource, versions[usize::try_from(sent.resource).unwrap()]);
                            under_way.push((peer, sent.id));
                        }
                        None => under_way.push((peer, old)),
                    }
                }
                Step::Wait(millis) => now += Duration::from_millis(millis),
            }
            for peer in 0..3 {
                prop_assert!(outstanding(&observers.slots, &peer, now) <= 1);
            }
        }
        prop_assert_eq!(observers.iter().count(), told.len());
        for ((peer, token), (_, resource, version)) in told {
            prop_assert_eq!(version, versions[usize::try_from(resource).unwrap()], "{} {:?}", peer, token);
        }
    }
}

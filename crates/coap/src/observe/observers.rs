//! The server's list of observers (RFC 7641 §4).

#[cfg(test)]
mod tests;

use core::fmt;
use core::marker::PhantomData;

use crate::observe::SequenceNumber;
use crate::time::{Duration, Instant};
use crate::{MessageId, Token, Type};

/// The least time between Non-confirmable notifications to one client whose round trip is not known
/// (RFC 7641 §4.5.1).
pub const NON_PAUSE: Duration = Duration::from_secs(3);

/// After this time a client must have confirmed its interest (RFC 7641 §4.5).
const CONFIRM_WITHIN_SECS: u32 = 24 * 60 * 60;

/// How the notifications of a resource are sent (RFC 7641 §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Policy {
    /// Which of them are Confirmable.
    pub confirm: Confirm,
    /// The least time between a Non-confirmable notification and the next to the same client: its round-trip time
    /// where that is known, else at least [`NON_PAUSE`].
    pub pause: Duration,
}

/// Which notifications are Confirmable. After 24 hours without a Confirmable one the next always is (RFC 7641 §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Confirm {
    /// All: for resources that change seldom.
    Always,
    /// One after this many Non-confirmable ones.
    After(u8),
    /// None but the one in 24 hours.
    Daily,
}

impl Policy {
    /// All notifications Confirmable.
    pub const CONFIRMABLE: Self = Self {
        confirm: Confirm::Always,
        pause: NON_PAUSE,
    };
    /// Notifications Non-confirmable but for one in 24 hours.
    pub const NON_CONFIRMABLE: Self = Self {
        confirm: Confirm::Daily,
        pause: NON_PAUSE,
    };
}

impl Default for Policy {
    fn default() -> Self {
        Self::CONFIRMABLE
    }
}

/// One entry in the list: 48 bytes where peer and resource have 8 and 4.
#[derive(Clone, Copy, Debug)]
pub struct Observer<P, R> {
    peer: P,
    resource: R,
    /// When another notification may follow a Non-confirmable one.
    pause_until: Instant,
    /// The number of the newest notification, from the clock: its low 24 bits go on the wire.
    number: u32,
    /// When the client last confirmed its interest, or is being asked to; in seconds.
    confirmed_at: u32,
    /// Of the newest notification.
    id: MessageId,
    token: Token,
    /// Non-confirmable ones since the last Confirmable one.
    unconfirmed: u8,
    flight: Flight,
    /// Whether the resource has changed since the newest notification.
    is_changed: bool,
}

/// What is known of the newest notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flight {
    /// None was sent but the response to the registration, or it was acknowledged.
    Landed,
    /// Confirmable and not acknowledged yet.
    Confirmable,
    /// Non-confirmable: outstanding until the pause is over, and later still a Reset may reject it.
    NonConfirmable,
}

impl<P, R> Observer<P, R> {
    /// The client.
    pub const fn peer(&self) -> &P {
        &self.peer
    }

    /// The token of the registration.
    pub const fn token(&self) -> Token {
        self.token
    }

    /// What is observed, as the owner has registered it.
    pub const fn resource(&self) -> &R {
        &self.resource
    }

    /// Whether a notification is outstanding (RFC 7641 §4.5.1).
    pub fn is_outstanding(&self, now: Instant) -> bool {
        match self.flight {
            Flight::Landed => false,
            Flight::Confirmable => true,
            Flight::NonConfirmable => now < self.pause_until,
        }
    }

    /// When the client is to be asked for its interest at the latest.
    const fn confirm_at(&self) -> Instant {
        Instant::from_secs(self.confirmed_at.saturating_add(CONFIRM_WITHIN_SECS) as u64)
    }

    fn wants(&self, now: Instant) -> bool {
        self.is_changed || self.confirm_at() <= now
    }

    /// Numbers a notification: greater than all before it, and with the clock, so that a client that has registered
    /// again after its removal is not given smaller ones.
    fn advance(&mut self, now: Instant) -> SequenceNumber {
        self.number = following(self.number, now);
        self.is_changed = false;
        SequenceNumber::new(self.number)
    }
}

/// A number for `now` in milliseconds, or the one after `previous` if that is greater. The clock alone raises numbers
/// by 256,000 in 256 seconds, of the 2^23 that are allowed (RFC 7641 §4.4).
fn following(previous: u32, now: Instant) -> u32 {
    let [_, _, _, _, a, b, c, d] = now.as_millis().to_be_bytes();
    let clock = u32::from_be_bytes([a, b, c, d]);
    let next = previous.wrapping_add(1);
    // 32 bits of milliseconds wrap too.
    if clock.wrapping_sub(next) < u32::MAX / 2 {
        clock
    } else {
        next
    }
}

fn seconds(now: Instant) -> u32 {
    u32::try_from(now.as_secs()).unwrap_or(u32::MAX)
}

/// The list of observers of a server, in slots that the owner provides: an array on a device, or a slice.
///
/// An entry is keyed by client and token. `P` is the owner's number or address of a client, `R` whatever tells the
/// resource and the form in which it is observed: all notifications must have the Content-Format of the first response
/// (RFC 7641 §4.2).
///
/// The list keeps no message. The owner
///
/// - [registers](Observers::register) and answers with the number that it gets,
/// - tells of [changes](Observers::changed) and [polls](Observers::poll) for notifications to build and send, those
///   that are Confirmable with a [`Transmission`](crate::Transmission) of their own,
/// - tells of [acknowledgements](Observers::acknowledged), of [resets](Observers::reset), and of the
///   [end of a transmission](Observers::timed_out) that was not acknowledged, as else it is outstanding for ever; before
///   each retransmission it asks whether there is [something newer](Observers::supersede) to send in its place,
/// - [removes](Observers::remove) a client that deregisters or has been sent a notification with an error code.
///
/// Every call looks at all slots: a server with very many observers keeps a list for each client.
#[derive(Clone, Copy, Debug)]
pub struct Observers<P, R, S> {
    slots: S,
    entries: PhantomData<fn() -> (P, R)>,
    /// The slot to look at first, so that all get their turn.
    turn: usize,
}

/// All slots are taken: the request is processed without its Observe option, as any other, and the absence of the
/// option in the response tells the client (RFC 7641 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// A client is in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// For the Observe option of the response.
    pub number: SequenceNumber,
    /// Whether it was in the list before, under the same token. A Confirmable notification that is still under way to it
    /// is older than this response: its transmission may be given up.
    pub again: bool,
}

/// A notification to be sent. When the current state is an error, send that without Observe option, then
/// [remove](Observers::remove) the observer (RFC 7641 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification<P, R> {
    /// The client.
    pub peer: P,
    /// The token of the registration.
    pub token: Token,
    /// What is observed.
    pub resource: R,
    /// Confirmable or Non-confirmable.
    pub message_type: Type,
    /// The message id.
    pub id: MessageId,
    /// For the Observe option.
    pub number: SequenceNumber,
}

impl<P, R, S> Observers<P, R, S>
where
    S: AsRef<[Option<Observer<P, R>>]> + AsMut<[Option<Observer<P, R>>]>,
    P: Copy + PartialEq,
    R: Copy,
{
    /// An empty list in these slots; what is in them counts as registered.
    pub const fn new(slots: S) -> Self {
        Self {
            slots,
            entries: PhantomData,
            turn: 0,
        }
    }

    /// The list in slots that are kept elsewhere, to be polled from `turn` on.
    pub(crate) const fn resumed(slots: S, turn: usize) -> Self {
        Self {
            slots,
            entries: PhantomData,
            turn,
        }
    }

    /// Where the next poll begins.
    pub(crate) const fn turn(&self) -> usize {
        self.turn
    }

    /// Adds a client, or registers it again when it is in the list under the same token (RFC 7641 §4.1).
    ///
    /// To be called once the request is known to be answered with a 2.xx response.
    ///
    /// # Errors
    ///
    /// [`Full`], unless it was in the list. Also for a token of more than eight bytes (RFC 8974), which does not fit.
    pub fn register(
        &mut self,
        now: Instant,
        peer: P,
        token: Token,
        resource: R,
    ) -> Result<Registered, Full> {
        if token.is_extended() {
            return Err(Full);
        }
        let slots = self.slots.as_mut();
        let known = slots
            .iter()
            .position(|slot| is_key(slot.as_ref(), &peer, token));
        let again = known.is_some();
        let slot = known
            .or_else(|| slots.iter().position(Option::is_none))
            .and_then(|index| slots.get_mut(index))
            .ok_or(Full)?;
        let number = match slot {
            Some(observer) => following(observer.number, now),
            None => following(0, now),
        };
        // What is under way to the client is older than the response: its end means nothing any more.
        *slot = Some(Observer {
            peer,
            resource,
            pause_until: now,
            number,
            confirmed_at: seconds(now),
            id: MessageId(0),
            token,
            unconfirmed: 0,
            flight: Flight::Landed,
            is_changed: false,
        });
        Ok(Registered {
            number: SequenceNumber::new(number),
            again,
        })
    }

    /// Removes a client: it has deregistered, or its last notification was an error. Returns what it observed.
    pub fn remove(&mut self, peer: &P, token: Token) -> Option<R> {
        self.take(|observer| observer.peer == *peer && observer.token == token)
            .map(|observer| observer.resource)
    }

    /// Removes all entries of which `is_gone` says so: those of a client or of a resource. Returns how many.
    pub fn remove_all(&mut self, mut is_gone: impl FnMut(&P, &R) -> bool) -> usize {
        let mut removed = 0_usize;
        for slot in self.slots.as_mut() {
            if slot
                .as_ref()
                .is_some_and(|observer| is_gone(&observer.peer, &observer.resource))
            {
                *slot = None;
                removed = removed.saturating_add(1);
            }
        }
        removed
    }

    /// Tells that resources have changed: those of which `has_changed` says so. Returns how many observers wait for a
    /// notification now.
    pub fn changed(&mut self, mut has_changed: impl FnMut(&R) -> bool) -> usize {
        let mut waiting = 0_usize;
        for observer in self.slots.as_mut().iter_mut().flatten() {
            observer.is_changed = observer.is_changed || has_changed(&observer.resource);
            waiting = waiting.saturating_add(usize::from(observer.is_changed));
        }
        waiting
    }

    /// The next notification to send: a resource has changed, or the client must confirm its interest.
    ///
    /// `may_send` tells whether a client with this many outstanding notifications may get another: it counts them
    /// together with the other interactions that [NSTART](crate::Parameters::nstart) limits (RFC 7641 §4.5.1). `id`
    /// gives a message id. Call it again until there is none.
    pub fn poll(
        &mut self,
        now: Instant,
        mut may_send: impl FnMut(&P, usize) -> bool,
        policy: impl FnOnce(&R) -> Policy,
        id: impl FnOnce() -> MessageId,
    ) -> Option<Notification<P, R>> {
        let slots = self.slots.as_ref();
        let ready = |index: &usize| {
            let Some(observer) = slots.get(*index).and_then(Option::as_ref) else {
                return false;
            };
            observer.wants(now)
                && !observer.is_outstanding(now)
                && may_send(&observer.peer, outstanding(slots, &observer.peer, now))
        };
        let index = (self.turn..slots.len())
            .chain(0..self.turn.min(slots.len()))
            .find(ready)?;
        self.turn = index.saturating_add(1);
        let observer = self.slots.as_mut().get_mut(index)?.as_mut()?;
        Some(observer.begin(now, policy(&observer.resource), id()))
    }

    /// When to poll again, if nothing else happens; `now` as long as a client waits for another interaction to end.
    pub fn next_timeout(&self, now: Instant) -> Option<Instant> {
        self.timeouts(now).min()
    }

    /// When to poll again after a poll has found nothing to send.
    pub(crate) fn next_timeout_after(&self, now: Instant) -> Option<Instant> {
        self.timeouts(now).filter(|at| *at > now).min()
    }

    fn timeouts(&self, now: Instant) -> impl Iterator<Item = Instant> {
        self.slots
            .as_ref()
            .iter()
            .flatten()
            .filter(|observer| observer.flight != Flight::Confirmable)
            .map(move |observer| {
                let outstanding = observer.is_outstanding(now);
                match (observer.wants(now), outstanding) {
                    (true, true) => observer.pause_until,
                    (true, false) => now,
                    (false, true) => observer.pause_until.max(observer.confirm_at()),
                    (false, false) => observer.confirm_at(),
                }
            })
    }

    /// An Acknowledgement has come. Whether it is that of the newest notification of an observer; one of an older
    /// notification means nothing (RFC 7641 §4.5.2).
    pub fn acknowledged(&mut self, now: Instant, peer: &P, id: MessageId) -> bool {
        match self.confirmable(peer, id) {
            Some(observer) => {
                observer.flight = Flight::Landed;
                observer.confirmed_at = seconds(now);
                true
            }
            None => false,
        }
    }

    /// A Reset has come: removes the observer whose newest notification, Confirmable or not, it rejects
    /// (RFC 7641 §4.5). Returns its token and what it observed.
    pub fn reset(&mut self, peer: &P, id: MessageId) -> Option<(Token, R)> {
        self.take(|observer| {
            observer.flight != Flight::Landed && observer.peer == *peer && observer.id == id
        })
        .map(|observer| (observer.token, observer.resource))
    }

    /// The last retransmission of a Confirmable notification has timed out: removes its observer (RFC 7641 §4.5), unless
    /// that has registered again since. Returns its token and what it observed.
    pub fn timed_out(&mut self, peer: &P, id: MessageId) -> Option<(Token, R)> {
        self.take(|observer| {
            observer.flight == Flight::Confirmable && observer.peer == *peer && observer.id == id
        })
        .map(|observer| (observer.token, observer.resource))
    }

    /// A Confirmable notification is to be sent again: what to send in its place when the resource has changed
    /// (RFC 7641 §4.5.2), with the message id `new`. The transmission goes on with its timeout and its counter.
    ///
    /// `None` when the same bytes are to be sent again.
    pub fn supersede(
        &mut self,
        now: Instant,
        peer: &P,
        old: MessageId,
        new: impl FnOnce() -> MessageId,
    ) -> Option<Notification<P, R>> {
        let observer = self
            .confirmable(peer, old)
            .filter(|observer| observer.is_changed)?;
        observer.id = new();
        let number = observer.advance(now);
        Some(observer.notification(Type::Confirmable, number))
    }

    /// All observers.
    pub fn iter<'a>(&'a self) -> impl Iterator<Item = &'a Observer<P, R>>
    where
        P: 'a,
        R: 'a,
    {
        self.slots.as_ref().iter().flatten()
    }

    fn take(&mut self, mut is_it: impl FnMut(&Observer<P, R>) -> bool) -> Option<Observer<P, R>> {
        self.slots
            .as_mut()
            .iter_mut()
            .find(|slot| slot.as_ref().is_some_and(&mut is_it))?
            .take()
    }

    /// The observer whose newest notification is Confirmable, outstanding, and has this id.
    fn confirmable(&mut self, peer: &P, id: MessageId) -> Option<&mut Observer<P, R>> {
        self.slots.as_mut().iter_mut().flatten().find(|observer| {
            observer.flight == Flight::Confirmable && observer.id == id && observer.peer == *peer
        })
    }
}

impl<P: Copy, R: Copy> Observer<P, R> {
    /// Takes note of a notification that is being sent.
    fn begin(&mut self, now: Instant, policy: Policy, id: MessageId) -> Notification<P, R> {
        let is_confirmable = self.confirm_at() <= now
            || match policy.confirm {
                Confirm::Always => true,
                Confirm::After(count) => self.unconfirmed >= count,
                Confirm::Daily => false,
            };
        self.id = id;
        let number = self.advance(now);
        let message_type = if is_confirmable {
            self.flight = Flight::Confirmable;
            self.unconfirmed = 0;
            Type::Confirmable
        } else {
            self.flight = Flight::NonConfirmable;
            self.unconfirmed = self.unconfirmed.saturating_add(1);
            self.pause_until = now.saturating_add(policy.pause);
            Type::NonConfirmable
        };
        self.notification(message_type, number)
    }

    fn notification(&self, message_type: Type, number: SequenceNumber) -> Notification<P, R> {
        Notification {
            peer: self.peer,
            token: self.token,
            resource: self.resource,
            message_type,
            id: self.id,
            number,
        }
    }
}

fn is_key<P: PartialEq, R>(slot: Option<&Observer<P, R>>, peer: &P, token: Token) -> bool {
    slot.is_some_and(|observer| observer.token == token && observer.peer == *peer)
}

/// How many notifications are outstanding with a client.
fn outstanding<P: PartialEq, R>(slots: &[Option<Observer<P, R>>], peer: &P, now: Instant) -> usize {
    slots
        .iter()
        .flatten()
        .filter(|observer| observer.peer == *peer && observer.is_outstanding(now))
        .count()
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the list of observers is full")
    }
}

impl core::error::Error for Full {}

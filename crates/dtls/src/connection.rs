//! One connection with one peer, of either role: its doors.

use dunlin_time::Instant;
use rand_core::CryptoRng;

use crate::alert::{Alert, Level};
use crate::association::{Association, Content, Role};
use crate::config::Config;
use crate::credentials::Credentials;
#[cfg(all(feature = "psk", feature = "server"))]
use crate::credentials::PskLookup;
use crate::error::{Dropped, Failure, ProtectError};
use crate::handshake::state::{Event, Phase, State, Turn};
use crate::handshake::{Fragment, kind};
use crate::reader::Reader;
use crate::record::{ContentType, Datagram, Record, write_plain};
use crate::session::Session;

/// How far ahead of the next message one may arrive to be kept.
const EARLY_AT_MOST: u16 = 8;

/// Records of the new epoch that cannot be read before the handshake is given up, when they come apart from the keys: one
/// may be a stranger's.
const UNREADABLE_AT_MOST: u8 = 2;

/// One connection with one peer: a handshake, and the association that comes of it (RFC 6347).
///
/// It has no clock, no socket, no random numbers and no secrets of its own: its owner gives datagrams and the time, lends
/// [`Credentials`] and a generator, and takes datagrams and events. After each call that takes `now`,
/// [`poll_output`](Self::poll_output) is to be called until it is [`Output::Idle`], and
/// [`handle_timeout`](Self::handle_timeout) when [`next_timeout`](Self::next_timeout) has come.
///
/// `P` is what the owner's credentials call a peer. `IN` is the room for handshake messages that arrive in fragments or too
/// early, `OUT` that for a flight of ours: with pre-shared keys 256 bytes each do, with raw public keys 512, with
/// certificates as much as the chains and half a kilobyte.
///
/// A server makes one when an [`Acceptor`](crate::Acceptor) has seen a good cookie, and may
/// [take the association](Self::take_association) out of it to let it rest in less room.
pub struct Connection<P, const IN: usize = 512, const OUT: usize = 512> {
    state: State<P>,
    inbox: [u8; IN],
    outbox: [u8; OUT],
}

/// One thing to do.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Output<'b> {
    /// A datagram to send to the peer.
    Transmit(&'b mut [u8]),
    /// Something for the owner to know.
    Event(Event),
    /// Nothing until the next call that takes `now`.
    Idle,
}

impl<P, const IN: usize, const OUT: usize> Connection<P, IN, OUT> {
    /// A client, which does nothing before [`connect`](Self::connect).
    #[cfg(feature = "client")]
    pub fn client(config: Config) -> Self {
        Self::new(Role::Client, config)
    }

    /// A server for one client, which waits for the ClientHello that an [`Acceptor`](crate::Acceptor) accepted.
    #[cfg(feature = "server")]
    pub fn server(config: Config) -> Self {
        Self::new(Role::Server, config)
    }

    fn new(role: Role, config: Config) -> Self {
        Self {
            state: State::new(role, config),
            inbox: [0; IN],
            outbox: [0; OUT],
        }
    }

    /// A client begins its handshake, with a session to resume if it has one.
    #[cfg(feature = "client")]
    pub fn connect<C: Credentials<Peer = P>, R: CryptoRng>(
        &mut self,
        now: Instant,
        session: Option<Session>,
        credentials: &mut C,
        rng: &mut R,
    ) {
        let config = self.state.config;
        self.state = State::new(Role::Client, config);
        self.state.offered = session;
        if let Err(failure) = self.turn(now, credentials, rng).start() {
            self.state.fail(failure);
        }
    }

    /// Takes a datagram, record by record: gives what the next record of application data carries, decrypted in place.
    /// To be called with the same datagram until it gives `None`.
    ///
    /// What is not authentic or has no place is dropped without a word (RFC 6347 §4.1.2.7).
    pub fn handle_input<'a, C: Credentials<Peer = P>, R: CryptoRng>(
        &mut self,
        now: Instant,
        datagram: &mut Datagram<'a>,
        credentials: &mut C,
        rng: &mut R,
    ) -> Option<&'a mut [u8]> {
        let id_len = match &self.state.association {
            Some(association) => association.own_id.len(),
            None => 0,
        };
        let had_keys = self.state.association.is_some();
        loop {
            let id_len = match &self.state.association {
                Some(association) => association.own_id.len(),
                None => id_len,
            };
            let record = datagram.next(id_len)?;
            if self.state.phase == Phase::Over {
                continue;
            }
            if record.epoch() == 0 {
                self.plain(now, &record, credentials, rng);
                continue;
            }
            let content = match self.state.open(record) {
                Some(Ok(opened)) => opened.content,
                Some(Err(Dropped::NotAuthentic)) if self.state.phase == Phase::Finished => {
                    self.unreadable(had_keys);
                    continue;
                }
                _ => continue,
            };
            match content {
                Content::Data(data) if self.state.phase == Phase::Established => {
                    // The peer has our last flight.
                    self.state.flight.clear();
                    return Some(data);
                }
                Content::Handshake(bytes) => {
                    self.fragments(now, 1, 0, bytes, credentials, rng);
                }
                Content::Alert(level, alert) => self.alerted(level, alert),
                _ => {}
            }
        }
    }

    /// Gives what a server's owner found out about the identity for which it asked to
    /// [wait](crate::PskLookup::Later). The transmission timer of the peer runs meanwhile.
    #[cfg(all(feature = "psk", feature = "server"))]
    pub fn provide_psk<C: Credentials<Peer = P>, R: CryptoRng>(
        &mut self,
        now: Instant,
        found: PskLookup<P>,
        credentials: &mut C,
        rng: &mut R,
    ) {
        if self.state.phase == Phase::Psk
            && let Err(failure) = self.turn(now, credentials, rng).take_psk(found)
        {
            self.state.fail(failure);
        }
    }

    /// The next thing to do; a datagram is written to `buffer`, which should have as many bytes as a datagram may have.
    ///
    /// Its answer changes after every call that takes `now`.
    pub fn poll_output<'b>(&mut self, buffer: &'b mut [u8]) -> Output<'b> {
        if let Some(len) = self.write(buffer)
            && let Some(datagram) = buffer.get_mut(..len)
        {
            return Output::Transmit(datagram);
        }
        match self.state.event.take() {
            Some(event) => Output::Event(event),
            None => Output::Idle,
        }
    }

    fn write(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let state = &mut self.state;
        if let Some((level, alert)) = state.alert.take() {
            let body = [level.number(), alert.0];
            let is_protected = state.phase == Phase::Established || state.is_closing;
            return match &mut state.association {
                Some(association) if is_protected => {
                    let record = association.protect_as(ContentType::ALERT, &body, buffer);
                    let len = record.ok()?.len();
                    if state.is_closing {
                        state.part();
                    }
                    Some(len)
                }
                _ => {
                    let sequence = state.flight.sequence;
                    state.flight.sequence = sequence.saturating_add(1);
                    write_plain(buffer, ContentType::ALERT, sequence, &[&body])
                }
            };
        }
        let mtu = usize::from(state.config.mtu);
        let limit = usize::from(state.limit);
        state
            .flight
            .poll(&self.outbox, state.association.as_mut(), mtu, limit, buffer)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called; asked after each call that takes `now`.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.state.flight.deadline
    }

    /// Tells the time: a flight without answer is sent again, or given up.
    pub fn handle_timeout(&mut self, now: Instant) {
        let state = &mut self.state;
        if state.flight.deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        if state.flight.sent >= state.config.transmissions {
            state.fail(match (state.unreadable, state.is_unknown) {
                (0, _) => Failure::TimedOut,
                (_, true) => Failure::UnknownIdentity,
                (_, false) => Failure::WrongKey,
            });
        } else {
            let longest = state.config.longest_timeout;
            state.flight.repeat(now, longest);
        }
    }

    /// Writes a record with `data` to `buffer` and gives it: a datagram to send.
    ///
    /// # Errors
    ///
    /// [`ProtectError`]; [`ProtectError::NotConnected`] before [`Event::Established`] and after the end.
    pub fn send<'b>(
        &mut self,
        data: &[u8],
        buffer: &'b mut [u8],
    ) -> Result<&'b mut [u8], ProtectError> {
        self.state.sender()?.protect(data, buffer)
    }

    /// Makes the `len` bytes that stand in `buffer` behind [`overhead_before`](Association::overhead_before) bytes into a
    /// record, in place, and gives it.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_in_place<'b>(
        &mut self,
        buffer: &'b mut [u8],
        len: usize,
    ) -> Result<&'b mut [u8], ProtectError> {
        self.state.sender()?.protect_in_place(buffer, len)
    }

    /// Closes the association: a `close_notify` is the last thing that [`poll_output`](Self::poll_output) gives.
    pub fn close(&mut self) {
        let state = &mut self.state;
        if state.phase == Phase::Established {
            state.alert = Some((Level::Warning, Alert::CLOSE_NOTIFY));
            state.is_closing = true;
        } else if !matches!(state.phase, Phase::Over | Phase::Start) {
            state.alert = Some((Level::Fatal, Alert::USER_CANCELED));
        }
        state.phase = Phase::Over;
        state.flight.answered();
        state.forget();
    }

    /// Whether data may be sent and received.
    pub fn is_established(&self) -> bool {
        self.state.phase == Phase::Established
    }

    /// Whether the handshake failed or the association ended: nothing more comes of it.
    pub fn is_over(&self) -> bool {
        self.state.phase == Phase::Over
    }

    /// The random number in the client's ClientHello, which tells one handshake from the next.
    pub fn client_random(&self) -> &[u8; 32] {
        &self.state.client_random
    }

    /// Who the peer is, once the handshake is over: what the credentials said of the one that has the key. A client with a
    /// pre-shared key learns nothing by this.
    pub fn peer(&self) -> Option<&P> {
        self.is_established().then_some(self.state.peer.as_ref())?
    }

    /// Takes what the credentials said of the peer.
    pub fn take_peer(&mut self) -> Option<P> {
        self.is_established().then(|| self.state.peer.take())?
    }

    /// The association, once the handshake is over.
    pub fn association(&mut self) -> Option<&mut Association> {
        self.is_established()
            .then_some(self.state.association.as_mut())?
    }

    /// Takes the association, once the handshake is over, and leaves nothing behind. A server should wait for the first
    /// data from the client, as only this connection can repeat the last flight if it was lost.
    pub fn take_association(&mut self) -> Option<Association> {
        let association = self.is_established().then(|| self.state.part())?;
        self.state.phase = Phase::Over;
        self.state.flight.answered();
        association
    }

    /// Goes on with an association that was [imported](Association::import).
    pub fn restore(&mut self, association: Association) {
        self.state = State::new(association.role, self.state.config);
        self.state.suite = Some(association.suite);
        self.state.phase = Phase::Established;
        self.state.association = Some(association);
    }

    /// Whether the peer has shown that our last flight reached it; a server's connection is of no more use then than its
    /// association.
    pub fn is_confirmed(&self) -> bool {
        self.is_established() && self.state.flight.is_empty()
    }

    /// Whether the handshake was a shorter one, of a session that was resumed.
    pub fn is_resumed(&self) -> bool {
        self.state.resumed
    }

    /// The session, for a later [`connect`](Self::connect); `None` where it may not be resumed.
    pub fn session(&self) -> Option<Session> {
        self.is_established().then(|| self.state.session())?
    }

    fn turn<'t, C: Credentials<Peer = P>, R: CryptoRng>(
        &'t mut self,
        now: Instant,
        credentials: &'t mut C,
        rng: &'t mut R,
    ) -> Turn<'t, C, R> {
        Turn {
            now,
            state: &mut self.state,
            outbox: &mut self.outbox,
            credentials,
            rng,
        }
    }

    /// A record of epoch 0: parts of the handshake, or an alert, which anyone may have sent.
    fn plain<C: Credentials<Peer = P>, R: CryptoRng>(
        &mut self,
        now: Instant,
        record: &Record<'_>,
        credentials: &mut C,
        rng: &mut R,
    ) {
        match record.content_type {
            ContentType::HANDSHAKE => {
                self.fragments(now, 0, record.sequence(), record.fragment, credentials, rng);
            }
            // Once there are keys, an alert without protection means nothing.
            ContentType::ALERT if self.state.phase != Phase::Established => {
                if let Some((level, alert)) = Level::read(record.fragment) {
                    self.alerted(level, alert);
                }
            }
            // What a ChangeCipherSpec says the epoch says too, and the Finished message proves.
            _ => {}
        }
    }

    fn fragments<C: Credentials<Peer = P>, R: CryptoRng>(
        &mut self,
        now: Instant,
        epoch: u16,
        record: u64,
        bytes: &[u8],
        credentials: &mut C,
        rng: &mut R,
    ) {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let Ok(fragment) = Fragment::read(&mut reader) else {
                return;
            };
            if self.state.phase == Phase::Over {
                return;
            }
            if let Err(failure) = self.fragment(now, epoch, record, &fragment, credentials, rng) {
                self.state.fail(failure);
            }
        }
    }

    fn fragment<C: Credentials<Peer = P>, R: CryptoRng>(
        &mut self,
        now: Instant,
        epoch: u16,
        record: u64,
        fragment: &Fragment<'_>,
        credentials: &mut C,
        rng: &mut R,
    ) -> Result<(), Failure> {
        let state = &mut self.state;
        if state.phase == Phase::ClientHello {
            // The cookie was checked on a ClientHello in one piece.
            if fragment.kind != kind::CLIENT_HELLO || !fragment.is_whole() || epoch != 0 {
                return Ok(());
            }
            // The numbers go on where the client's are (RFC 6347 §4.2.1).
            state.next_receive = fragment.sequence;
            state.flight.message = fragment.sequence;
            state.flight.sequence = record;
        }
        // The messages of a renegotiation are numbered from 0 again (RFC 6347 §4.2.2).
        let is_anew =
            fragment.sequence >= state.next_receive || fragment.kind == kind::CLIENT_HELLO;
        if state.phase == Phase::Established && epoch == 1 && is_anew
            || fragment.kind == kind::HELLO_REQUEST
        {
            // A renegotiation is refused (RFC 7925 §17), by a word where that is safe.
            if state.phase == Phase::Established
                && epoch == 1
                && fragment.kind <= kind::CLIENT_HELLO
            {
                state.alert = Some((Level::Warning, Alert::NO_RENEGOTIATION));
            }
            return Ok(());
        }
        if fragment.sequence < state.next_receive {
            if fragment.sequence < state.answered {
                state.flight.repeat_for_peer(now);
            }
            return Ok(());
        }
        let early = fragment.sequence.wrapping_sub(state.next_receive);
        let is_late_epoch = epoch == 1;
        if early > EARLY_AT_MOST
            || is_late_epoch != (fragment.kind == kind::FINISHED)
            || matches!(state.phase, Phase::Start | Phase::Established)
        {
            return Ok(());
        }
        if early == 0 && fragment.is_whole() {
            self.turn(now, credentials, rng)
                .message(epoch, fragment.kind, fragment.bytes)?;
            self.state.next_receive = self.state.next_receive.wrapping_add(1);
        } else {
            state
                .inbox
                .store(&mut self.inbox, state.next_receive, fragment)
                .map_err(|_| Failure::TooLong)?;
        }
        self.drain(now, credentials, rng)
    }

    /// Takes the messages that are complete now.
    fn drain<C: Credentials<Peer = P>, R: CryptoRng>(
        &mut self,
        now: Instant,
        credentials: &mut C,
        rng: &mut R,
    ) -> Result<(), Failure> {
        while let Some((kind, range)) = self.state.inbox.take(self.state.next_receive) {
            let body = self.inbox.get(range).unwrap_or_default();
            let mut turn = Turn {
                now,
                state: &mut self.state,
                outbox: &mut self.outbox,
                credentials,
                rng,
            };
            let epoch = u16::from(kind == kind::FINISHED);
            turn.message(epoch, kind, body)?;
            self.state.next_receive = self.state.next_receive.wrapping_add(1);
        }
        Ok(())
    }

    /// A record of the new epoch, while its first message is waited for, that our keys do not fit.
    fn unreadable(&mut self, had_keys: bool) {
        let state = &mut self.state;
        state.unreadable = state.unreadable.saturating_add(1);
        if !had_keys || state.unreadable >= UNREADABLE_AT_MOST {
            state.fail(if state.is_unknown {
                Failure::UnknownIdentity
            } else {
                Failure::WrongKey
            });
        }
    }

    fn alerted(&mut self, level: Level, alert: Alert) {
        if alert == Alert::CLOSE_NOTIFY {
            self.state.end(Event::Closed);
        } else if level == Level::Fatal {
            self.state.end(Event::Failed(Failure::Alerted(alert)));
        }
    }
}

impl<P, const IN: usize, const OUT: usize> core::fmt::Debug for Connection<P, IN, OUT> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Connection")
            .field("role", &self.state.role)
            .field("phase", &self.state.phase)
            .field("association", &self.state.association)
            .finish_non_exhaustive()
    }
}

#[cfg(all(
    test,
    feature = "client",
    feature = "server",
    feature = "psk",
    feature = "ccm8"
))]
mod tests;

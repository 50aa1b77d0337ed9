//! The first contact with a client: a cookie, and no memory before the client has shown it (RFC 6347 §4.2.1).

use dunlin_time::Instant;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::handshake::hello::ClientHello;
use crate::handshake::{Fragment, HEADER_LEN, header, kind};
use crate::prf::hmac_sha256;
use crate::reader::Reader;
use crate::record::{ContentType, Datagram, write_plain};
use crate::writer::Writer;

/// Bytes of a cookie.
const COOKIE_LEN: usize = 16;

/// How long a cookie is good for at least, in milliseconds; it is good for twice that at most.
const PERIOD: u64 = 60_000;

/// A server's door for strangers. It has no memory of them: a cookie that only this server can make shows that a client is
/// where its datagrams say, and what is sent to an address that did not show one is shorter than what came from it.
pub struct Acceptor {
    key: Zeroizing<[u8; 32]>,
}

/// What a datagram from a stranger is.
#[derive(Debug, PartialEq, Eq)]
pub enum Greeting<'b> {
    /// A ClientHello without a cookie: send these bytes back.
    Verify(&'b [u8]),
    /// A ClientHello with a good cookie: make a [`Connection::server`](crate::Connection::server) and give it the datagram,
    /// or give it to the one that this client already has, if that one's
    /// [`client_random`](crate::Connection::client_random) is this.
    Accepted([u8; 32]),
    /// No ClientHello, or a malformed one, or one in fragments: to be ignored, unless it belongs to a connection.
    Other,
}

impl Acceptor {
    /// A door with a key of its own. A server that restarts needs no old key: its clients get a new cookie.
    pub fn new<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        rng.fill_bytes(key.as_mut());
        Self { key }
    }

    /// Looks at a datagram. `address` is where it came from, as bytes; the answer is written to `buffer`, which needs
    /// [`Acceptor::ANSWER_LEN`] bytes.
    pub fn handle_input<'b>(
        &self,
        now: Instant,
        address: &[u8],
        bytes: &mut [u8],
        buffer: &'b mut [u8],
    ) -> Greeting<'b> {
        match self.look(now, address, bytes) {
            Some(Look::Accepted(random)) => Greeting::Accepted(random),
            Some(Look::Verify(cookie, sequence)) => {
                match write_verify_request(buffer, &cookie, sequence) {
                    Some(len) => Greeting::Verify(buffer.get(..len).unwrap_or_default()),
                    None => Greeting::Other,
                }
            }
            None => Greeting::Other,
        }
    }

    /// Bytes of an answer: fewer than the shortest ClientHello has.
    pub const ANSWER_LEN: usize = 13 + HEADER_LEN + 3 + COOKIE_LEN;

    fn look(&self, now: Instant, address: &[u8], bytes: &mut [u8]) -> Option<Look> {
        let record = Datagram::new(bytes).next(0)?;
        if record.content_type != ContentType::HANDSHAKE || record.epoch() != 0 {
            return None;
        }
        let fragment = Fragment::read(&mut Reader::new(record.fragment)).ok()?;
        if fragment.kind != kind::CLIENT_HELLO || !fragment.is_whole() {
            return None;
        }
        let hello = ClientHello::read(fragment.bytes).ok()?;
        let period = now.as_millis() / PERIOD;
        let current = self.cookie(period, address, &hello);
        let former = self.cookie(period.wrapping_sub(1), address, &hello);
        let is_good = current[..].ct_eq(hello.cookie) | former[..].ct_eq(hello.cookie);
        Some(if bool::from(is_good) {
            Look::Accepted(*hello.random)
        } else {
            Look::Verify(current, record.sequence())
        })
    }

    fn cookie(&self, period: u64, address: &[u8], hello: &ClientHello<'_>) -> [u8; COOKIE_LEN] {
        let [random, suites, compressions] = hello.vouched();
        // Each part has its length in front, so that no other parts make the same bytes.
        let lengths = [address, suites, compressions]
            .map(|part| u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
        let mac = hmac_sha256(
            self.key.as_ref(),
            &[
                &period.to_be_bytes(),
                lengths.as_flattened(),
                address,
                random,
                suites,
                compressions,
            ],
        );
        let mut cookie = [0; COOKIE_LEN];
        for (to, from) in cookie.iter_mut().zip(mac) {
            *to = from;
        }
        cookie
    }
}

enum Look {
    Accepted([u8; 32]),
    Verify([u8; COOKIE_LEN], u64),
}

/// Writes a HelloVerifyRequest, whose record has the number of the one that it answers. Its version is 1.0 and means
/// nothing (RFC 6347 §4.2.1).
fn write_verify_request(buffer: &mut [u8], cookie: &[u8], sequence: u64) -> Option<usize> {
    let mut body = [0; 3 + COOKIE_LEN];
    let mut writer = Writer::new(&mut body);
    writer.put(&[0xfe, 0xff]);
    writer.vec8(cookie);
    let len = writer.finish()?;
    let front = header(kind::HELLO_VERIFY_REQUEST, len, 0, 0, len);
    write_plain(buffer, ContentType::HANDSHAKE, sequence, &[&front, &body])
}

impl core::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Acceptor")
    }
}

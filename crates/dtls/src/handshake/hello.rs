//! ClientHello, ServerHello and HelloVerifyRequest (RFC 6347 §4.2.1, RFC 5246 §7.4.1).

use super::extensions::Extensions;
use crate::error::Malformed;
use crate::reader::Reader;
use crate::record::VERSION;
use crate::suite::CipherSuite;

/// The number that stands among the cipher suites for an empty `renegotiation_info` (RFC 5746 §3.3).
const EMPTY_RENEGOTIATION_INFO: u16 = 0x00ff;

/// A ClientHello, checked whole.
pub(crate) struct ClientHello<'a> {
    pub(crate) version: [u8; 2],
    pub(crate) random: &'a [u8; 32],
    pub(crate) session_id: &'a [u8],
    pub(crate) cookie: &'a [u8],
    suites: &'a [u8],
    compressions: &'a [u8],
    pub(crate) extensions: Extensions<'a>,
}

impl<'a> ClientHello<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let version = *reader.array()?;
        let random = reader.array()?;
        let session_id = reader.vec8()?;
        let cookie = reader.vec8()?;
        let suites = reader.vec16()?;
        let compressions = reader.vec8()?;
        if session_id.len() > 32
            || suites.is_empty()
            || !suites.len().is_multiple_of(2)
            || !compressions.contains(&0)
        {
            return Err(Malformed);
        }
        Ok(Self {
            version,
            random,
            session_id,
            cookie,
            suites,
            compressions,
            extensions: Extensions::read(reader, true)?,
        })
    }

    /// Whether the client speaks DTLS 1.2 or later; versions count downwards (RFC 6347 §4.1).
    pub(crate) fn speaks_dtls12(&self) -> bool {
        self.version[0] == 0xfe && self.version[1] <= VERSION[1]
    }

    pub(crate) fn offers(&self, suite: CipherSuite) -> bool {
        Extensions::lists(Some(self.suites), suite.number())
    }

    /// Whether the client knows of secure renegotiation (RFC 5746 §3.6).
    pub(crate) fn signals_renegotiation(&self) -> bool {
        self.extensions.renegotiation.is_some()
            || Extensions::lists(Some(self.suites), EMPTY_RENEGOTIATION_INFO)
    }

    /// What a cookie vouches for, beside the address (RFC 6347 §4.2.1).
    ///
    /// Not the session id, which a client may not change either: with a ticket, mbed TLS 2.28 draws another
    /// one for the second.
    pub(crate) fn vouched(&self) -> [&'a [u8]; 3] {
        [self.random, self.suites, self.compressions]
    }
}

/// A ServerHello, checked whole.
pub(crate) struct ServerHello<'a> {
    pub(crate) random: &'a [u8; 32],
    pub(crate) session_id: &'a [u8],
    pub(crate) suite: u16,
    pub(crate) extensions: Extensions<'a>,
}

impl<'a> ServerHello<'a> {
    /// `None` when the server chose another version.
    pub(crate) fn read(body: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let mut reader = Reader::new(body);
        let version: &[u8; 2] = reader.array()?;
        let random = reader.array()?;
        let session_id = reader.vec8()?;
        let suite = reader.u16()?;
        let compression = reader.u8()?;
        if session_id.len() > 32 || compression != 0 {
            return Err(Malformed);
        }
        let extensions = Extensions::read(reader, false)?;
        Ok((*version == VERSION).then_some(Self {
            random,
            session_id,
            suite,
            extensions,
        }))
    }
}

/// The cookie of a HelloVerifyRequest.
pub(crate) fn read_verify_request(body: &[u8]) -> Result<&[u8], Malformed> {
    let mut reader = Reader::new(body);
    let [major, _] = *reader.array()?;
    let cookie = reader.vec8()?;
    reader.finish()?;
    if major == 0xfe && !cookie.is_empty() {
        Ok(cookie)
    } else {
        Err(Malformed)
    }
}

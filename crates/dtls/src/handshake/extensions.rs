//! Extensions of ClientHello and ServerHello.

use crate::cid::ConnectionId;
use crate::error::Malformed;
use crate::reader::Reader;
use crate::writer::Writer;

/// The numbers of the extensions on the wire.
pub(crate) mod number {
    /// RFC 6066 §3.
    pub(crate) const SERVER_NAME: u16 = 0;
    /// RFC 6066 §4.
    pub(crate) const MAX_FRAGMENT_LENGTH: u16 = 1;
    /// RFC 8422 §5.1.1.
    pub(crate) const SUPPORTED_GROUPS: u16 = 10;
    /// RFC 8422 §5.1.2.
    pub(crate) const EC_POINT_FORMATS: u16 = 11;
    /// RFC 5246 §7.4.1.4.1.
    pub(crate) const SIGNATURE_ALGORITHMS: u16 = 13;
    /// RFC 7301.
    pub(crate) const ALPN: u16 = 16;
    /// RFC 7250 §3.
    pub(crate) const CLIENT_CERTIFICATE_TYPE: u16 = 19;
    /// RFC 7250 §3.
    pub(crate) const SERVER_CERTIFICATE_TYPE: u16 = 20;
    /// RFC 7627.
    pub(crate) const EXTENDED_MASTER_SECRET: u16 = 23;
    /// RFC 8449.
    pub(crate) const RECORD_SIZE_LIMIT: u16 = 28;
    /// RFC 5077 §3.2.
    pub(crate) const SESSION_TICKET: u16 = 35;
    /// RFC 9146 §3.
    pub(crate) const CONNECTION_ID: u16 = 54;
    /// RFC 5746 §3.2.
    pub(crate) const RENEGOTIATION_INFO: u16 = 0xff01;
}

#[cfg(feature = "_ecdhe")]
/// secp256r1 among the groups (RFC 8422 §5.1.1).
pub(crate) const P256: u16 = 23;
#[cfg(feature = "_ecdhe")]
/// ECDSA with SHA-256 among the signature algorithms (RFC 5246 §7.4.1.4.1).
pub(crate) const ECDSA_SHA256: u16 = 0x0403;

/// What the extensions of a hello say. `None` and false stand for an extension that is not there.
#[derive(Default, Clone, Copy)]
pub(crate) struct Extensions<'a> {
    pub(crate) server_name: Option<&'a [u8]>,
    pub(crate) max_fragment_length: Option<u8>,
    pub(crate) record_size_limit: Option<u16>,
    pub(crate) groups: Option<&'a [u8]>,
    pub(crate) point_formats: Option<&'a [u8]>,
    pub(crate) signatures: Option<&'a [u8]>,
    pub(crate) alpn: Option<&'a [u8]>,
    pub(crate) client_types: Option<&'a [u8]>,
    pub(crate) server_types: Option<&'a [u8]>,
    pub(crate) extended_master_secret: bool,
    pub(crate) ticket: Option<&'a [u8]>,
    pub(crate) connection_id: Option<ConnectionId>,
    pub(crate) renegotiation: Option<&'a [u8]>,
    /// The numbers of those that are there, of which a ServerHello may have none that was not asked for.
    pub(crate) unknown: bool,
}

impl<'a> Extensions<'a> {
    /// Reads the extensions of a ClientHello, or of a ServerHello, in which certificate types are single numbers. Unknown
    /// ones are passed over; one that comes twice is an error (RFC 5246 §7.4.1.4).
    pub(crate) fn read(reader: Reader<'a>, from_client: bool) -> Result<Self, Malformed> {
        let mut found = Self::default();
        if reader.is_empty() {
            return Ok(found);
        }
        let mut reader = reader;
        let mut list = Reader::new(reader.vec16()?);
        reader.finish()?;
        let mut seen = 0_u32;
        while !list.is_empty() {
            let number = list.u16()?;
            let mut body = Reader::new(list.vec16()?);
            let bit = match number {
                number::SERVER_NAME => {
                    found.server_name = Some(server_name(body)?);
                    0
                }
                number::MAX_FRAGMENT_LENGTH => {
                    found.max_fragment_length = Some(body.u8()?);
                    body.finish()?;
                    1
                }
                number::SUPPORTED_GROUPS => {
                    found.groups = Some(even(body.vec16()?)?);
                    body.finish()?;
                    2
                }
                number::EC_POINT_FORMATS => {
                    found.point_formats = Some(body.vec8()?);
                    body.finish()?;
                    3
                }
                number::SIGNATURE_ALGORITHMS => {
                    found.signatures = Some(even(body.vec16()?)?);
                    body.finish()?;
                    4
                }
                number::ALPN => {
                    found.alpn = Some(body.vec16()?);
                    body.finish()?;
                    5
                }
                number::CLIENT_CERTIFICATE_TYPE => {
                    found.client_types = Some(certificate_types(body, from_client)?);
                    6
                }
                number::SERVER_CERTIFICATE_TYPE => {
                    found.server_types = Some(certificate_types(body, from_client)?);
                    7
                }
                number::EXTENDED_MASTER_SECRET => {
                    body.finish()?;
                    found.extended_master_secret = true;
                    8
                }
                number::RECORD_SIZE_LIMIT => {
                    found.record_size_limit = Some(body.u16()?);
                    body.finish()?;
                    9
                }
                number::SESSION_TICKET => {
                    found.ticket = Some(body.rest());
                    10
                }
                number::CONNECTION_ID => {
                    let id = body.vec8()?;
                    body.finish()?;
                    // A peer whose ids are longer than ours may be gets none from us.
                    found.connection_id = ConnectionId::new(id);
                    found.unknown |= found.connection_id.is_none();
                    11
                }
                number::RENEGOTIATION_INFO => {
                    found.renegotiation = Some(body.vec8()?);
                    body.finish()?;
                    12
                }
                _ => {
                    found.unknown = true;
                    continue;
                }
            };
            let bit = 1_u32 << bit;
            if seen & bit != 0 {
                return Err(Malformed);
            }
            seen |= bit;
        }
        Ok(found)
    }

    /// Whether a list of two-byte numbers has this one; a list that is not there has none.
    pub(crate) fn lists(list: Option<&[u8]>, wanted: u16) -> bool {
        list.unwrap_or_default()
            .chunks_exact(2)
            .any(|number| number == wanted.to_be_bytes())
    }

    /// Whether the protocol `coap` is among those that ALPN offers (RFC 7301 §3.1, RFC 7252 §9.1 names it).
    pub(crate) fn offers_coap(&self) -> bool {
        let mut names = Reader::new(self.alpn.unwrap_or_default());
        while let Ok(name) = names.vec8() {
            if name == b"coap" {
                return true;
            }
        }
        false
    }
}

/// The host name of a ClientHello; a server's answer is empty.
fn server_name(mut body: Reader<'_>) -> Result<&[u8], Malformed> {
    if body.is_empty() {
        return Ok(&[]);
    }
    let mut list = Reader::new(body.vec16()?);
    body.finish()?;
    let mut host: &[u8] = &[];
    while !list.is_empty() {
        let (kind, name) = (list.u8()?, list.vec16()?);
        if kind == 0 && host.is_empty() {
            host = name;
        }
    }
    Ok(host)
}

fn certificate_types(mut body: Reader<'_>, is_list: bool) -> Result<&[u8], Malformed> {
    let types = if is_list { body.vec8()? } else { body.take(1)? };
    body.finish()?;
    Ok(types)
}

fn even(list: &[u8]) -> Result<&[u8], Malformed> {
    if list.len().is_multiple_of(2) {
        Ok(list)
    } else {
        Err(Malformed)
    }
}

/// Writes one extension.
pub(crate) fn extension(writer: &mut Writer<'_>, number: u16, body: impl FnOnce(&mut Writer<'_>)) {
    writer.u16(number);
    let open = writer.open(2);
    body(writer);
    writer.close(open);
}

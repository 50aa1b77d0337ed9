//! What follows the header of a message: token, options and payload, alike over every transport.

use crate::options::{PAYLOAD_MARKER, extension, small, split_option};
use crate::parse_error::ParseErrorKind;

/// Token, options and payload in the bytes of their message.
#[derive(Clone, Copy)]
pub(crate) struct Body<'a> {
    pub(crate) token: &'a [u8],
    /// Walked once without an error, without the payload marker.
    pub(crate) options: &'a [u8],
    pub(crate) payload: &'a [u8],
}

impl<'a> Body<'a> {
    /// Reads what follows a header with this TKL field (RFC 7252 §3).
    pub(crate) fn parse(token_length: u8, rest: &'a [u8]) -> Result<Self, ParseErrorKind> {
        if token_length > 8 {
            return Err(ParseErrorKind::ReservedTokenLength);
        }
        Self::split(usize::from(token_length), rest)
    }

    /// Takes a token of at most eight bytes and what follows it, but only where that is plain, as it nearly always is;
    /// `None` says nothing.
    ///
    /// Plain are options that need no extended delta and only short extended lengths, in so few bytes that their numbers
    /// need not be added up.
    #[inline]
    pub(crate) fn parse_plain(token: &'a [u8], body: &'a [u8]) -> Option<Self> {
        /// Each byte of options raises the number by at most 12.
        const MAX_LEN: usize = u16::MAX as usize / 12;

        if body.len() > MAX_LEN {
            return None;
        }
        // Where the next option begins: never more than 270 bytes behind the end.
        let mut at = 0_usize;
        while let Some(&first) = body.get(at) {
            let size = small(first);
            if size != 0 {
                at = at.wrapping_add(size);
            } else if first < 0xd0 && first & 0x0f == 13 {
                let extension = *body.get(at.wrapping_add(1))?;
                at = at.wrapping_add(15).wrapping_add(usize::from(extension));
            } else if first == PAYLOAD_MARKER {
                let (options, rest) = body.split_at_checked(at)?;
                let payload = rest.get(1..)?;
                return (!payload.is_empty()).then_some(Self {
                    token,
                    options,
                    payload,
                });
            } else {
                return None;
            }
        }
        (at == body.len()).then_some(Self {
            token,
            options: body,
            payload: &[],
        })
    }

    /// Reads what follows a header with this TKL field, where the token may be longer than eight bytes
    /// (RFC 8974 §2.1).
    pub(crate) fn parse_extended(token_length: u8, rest: &'a [u8]) -> Result<Self, ParseErrorKind> {
        if token_length > 14 {
            return Err(ParseErrorKind::ReservedTokenLength);
        }
        let (len, rest) =
            extension(token_length, rest).map_err(|_| ParseErrorKind::TruncatedToken)?;
        // At most 65804: what does not fit into a pointer's width is longer than any input.
        Self::split(usize::try_from(len).unwrap_or(usize::MAX), rest)
    }

    fn split(token_len: usize, rest: &'a [u8]) -> Result<Self, ParseErrorKind> {
        let (token, body) = rest
            .split_at_checked(token_len)
            .ok_or(ParseErrorKind::TruncatedToken)?;

        // 64 bits never overflow: each option adds at most 65804.
        let mut number = 0_u64;
        let mut walk = body;
        let mut payload: &[u8] = &[];
        let mut options = body;
        while let Some((&first, rest)) = walk.split_first() {
            if first == PAYLOAD_MARKER {
                if rest.is_empty() {
                    return Err(ParseErrorKind::MissingPayload);
                }
                // `walk` is a tail of `body`.
                let len = body.len().saturating_sub(walk.len());
                options = body.get(..len).unwrap_or_default();
                payload = rest;
                break;
            }
            let option = split_option(first, rest)?;
            // Numbers never fall: it is enough to look at the last.
            number = number.wrapping_add(u64::from(option.delta));
            walk = option.rest;
        }
        if number > u64::from(u16::MAX) {
            return Err(ParseErrorKind::OptionNumberTooLarge);
        }
        Ok(Self {
            token,
            options,
            payload,
        })
    }
}

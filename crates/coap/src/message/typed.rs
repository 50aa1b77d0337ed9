//! One accessor for each option that the specifications define.

use super::Message;
use crate::block::{Block, BlockError};
use crate::{OptionNumber, Values};

/// Accessors of options, in the order of their numbers.
impl<'a> Message<'a> {
    /// The entity tags on one of which a request depends; an empty one means any representation (If-Match,
    /// RFC 7252 §5.10.8.1).
    #[inline]
    pub const fn if_match(&self) -> Values<'a> {
        self.values(OptionNumber::IF_MATCH)
    }

    /// The host (Uri-Host).
    #[inline]
    pub fn uri_host(&self) -> Option<&'a str> {
        self.string(OptionNumber::URI_HOST)
    }

    /// The first `ETag`: in a response that of its representation.
    #[inline]
    pub fn etag(&self) -> Option<&'a [u8]> {
        self.option(OptionNumber::ETAG)
    }

    /// Every `ETag`: in a request those of the stored responses that may be confirmed (RFC 7252 §5.10.6.2).
    #[inline]
    pub const fn etags(&self) -> Values<'a> {
        self.values(OptionNumber::ETAG)
    }

    /// Whether a request depends on the absence of its target (If-None-Match, RFC 7252 §5.10.8.2).
    #[inline]
    pub fn if_none_match(&self) -> bool {
        self.option(OptionNumber::IF_NONE_MATCH).is_some()
    }

    /// The Observe option: 0 registers and 1 deregisters in a request, a sequence number in a notification
    /// (RFC 7641 §2).
    #[inline]
    pub fn observe(&self) -> Option<u32> {
        self.uint(OptionNumber::OBSERVE)
    }

    /// The port (Uri-Port).
    #[inline]
    pub fn uri_port(&self) -> Option<u16> {
        self.uint16(OptionNumber::URI_PORT)
    }

    /// The segments of the path of a created resource (Location-Path).
    #[inline]
    pub const fn location_path(&self) -> Values<'a> {
        self.values(OptionNumber::LOCATION_PATH)
    }

    /// The OSCORE option (RFC 8613 §6.1).
    #[inline]
    pub fn oscore(&self) -> Option<&'a [u8]> {
        self.option(OptionNumber::OSCORE)
    }

    /// The segments of the path (Uri-Path).
    #[inline]
    pub const fn uri_path(&self) -> Values<'a> {
        self.values(OptionNumber::URI_PATH)
    }

    /// The format of the payload (Content-Format).
    #[inline]
    pub fn content_format(&self) -> Option<u16> {
        self.uint16(OptionNumber::CONTENT_FORMAT)
    }

    /// The time in seconds for which a response is fresh (Max-Age).
    #[inline]
    pub fn max_age(&self) -> Option<u32> {
        self.uint(OptionNumber::MAX_AGE)
    }

    /// The time in seconds for which a response is fresh: 60 where it does not say (RFC 7252 §5.10.5).
    #[inline]
    pub fn freshness(&self) -> u32 {
        self.max_age().unwrap_or(60)
    }

    /// The arguments of the query (Uri-Query).
    #[inline]
    pub const fn uri_query(&self) -> Values<'a> {
        self.values(OptionNumber::URI_QUERY)
    }

    /// How many proxies may still forward the message (Hop-Limit, RFC 8768 §3).
    ///
    /// 0 is no value of this option: a server or proxy refuses it with 4.00 Bad Request.
    #[inline]
    pub fn hop_limit(&self) -> Option<u8> {
        self.uint8(OptionNumber::HOP_LIMIT)
    }

    /// The format wanted of the response (Accept).
    #[inline]
    pub fn accept(&self) -> Option<u16> {
        self.uint16(OptionNumber::ACCEPT)
    }

    /// The Q-Block1 option (RFC 9177 §4.1).
    ///
    /// # Errors
    ///
    /// The errors of [`Block::decode`].
    #[inline]
    pub fn q_block1(&self) -> Result<Option<Block>, BlockError> {
        self.block(OptionNumber::Q_BLOCK1)
    }

    /// The arguments of the query of a created resource (Location-Query).
    #[inline]
    pub const fn location_query(&self) -> Values<'a> {
        self.values(OptionNumber::LOCATION_QUERY)
    }

    /// Whether the payload begins with EDHOC data (RFC 9668 §3.1).
    #[inline]
    pub fn edhoc(&self) -> bool {
        self.option(OptionNumber::EDHOC).is_some()
    }

    /// The Block2 option (RFC 7959 §2.1).
    ///
    /// # Errors
    ///
    /// The errors of [`Block::decode`].
    #[inline]
    pub fn block2(&self) -> Result<Option<Block>, BlockError> {
        self.block(OptionNumber::BLOCK2)
    }

    /// The Block1 option (RFC 7959 §2.1).
    ///
    /// # Errors
    ///
    /// The errors of [`Block::decode`].
    #[inline]
    pub fn block1(&self) -> Result<Option<Block>, BlockError> {
        self.block(OptionNumber::BLOCK1)
    }

    /// The size in bytes of the whole response (Size2, RFC 7959 §4); in a request 0 asks for it.
    #[inline]
    pub fn size2(&self) -> Option<u32> {
        self.uint(OptionNumber::SIZE2)
    }

    /// The first Q-Block2 option; a request for missing blocks has several (RFC 9177 §4.1).
    ///
    /// # Errors
    ///
    /// The errors of [`Block::decode`].
    #[inline]
    pub fn q_block2(&self) -> Result<Option<Block>, BlockError> {
        self.block(OptionNumber::Q_BLOCK2)
    }

    /// The URI that a forward proxy is to ask (Proxy-Uri).
    #[inline]
    pub fn proxy_uri(&self) -> Option<&'a str> {
        self.string(OptionNumber::PROXY_URI)
    }

    /// The scheme of the URI that a forward proxy is to ask (Proxy-Scheme).
    #[inline]
    pub fn proxy_scheme(&self) -> Option<&'a str> {
        self.string(OptionNumber::PROXY_SCHEME)
    }

    /// The size in bytes of the whole request (Size1, RFC 7959 §4); in a 4.13 the greatest that is accepted
    /// (RFC 7252 §5.10.9).
    #[inline]
    pub fn size1(&self) -> Option<u32> {
        self.uint(OptionNumber::SIZE1)
    }

    /// The value that shows a request to be fresh (Echo, RFC 9175 §2.2).
    #[inline]
    pub fn echo(&self) -> Option<&'a [u8]> {
        self.option(OptionNumber::ECHO)
    }

    /// The classes of responses that the client does not want: 2 for 2.xx, 8 for 4.xx, 16 for 5.xx, added up; 0 wants
    /// all (No-Response, RFC 7967 §2.1).
    #[inline]
    pub fn no_response(&self) -> Option<u8> {
        self.uint8(OptionNumber::NO_RESPONSE)
    }

    /// The first Request-Tag, which tells block-wise transfers apart (RFC 9175 §3.2).
    #[inline]
    pub fn request_tag(&self) -> Option<&'a [u8]> {
        self.option(OptionNumber::REQUEST_TAG)
    }

    /// Every Request-Tag: transfers are the same only where all are (RFC 9175 §3.3).
    #[inline]
    pub const fn request_tags(&self) -> Values<'a> {
        self.values(OptionNumber::REQUEST_TAG)
    }

    #[inline]
    fn uint8(&self, number: OptionNumber) -> Option<u8> {
        self.uint(number).and_then(|value| u8::try_from(value).ok())
    }

    #[inline]
    fn uint16(&self, number: OptionNumber) -> Option<u16> {
        self.uint(number)
            .and_then(|value| u16::try_from(value).ok())
    }

    #[inline]
    fn block(&self, number: OptionNumber) -> Result<Option<Block>, BlockError> {
        self.values(number).next().map(Block::decode).transpose()
    }
}

//! One method for each option that the specifications define.

use super::MessageBuilder;
use crate::OptionNumber;
use crate::block::Block;

/// Options by their names, in the order of their numbers, which is the order to call these methods in.
impl MessageBuilder<'_> {
    /// 1: adds an If-Match option; an empty value means any representation.
    #[inline]
    pub fn if_match(&mut self, etag: &[u8]) -> &mut Self {
        self.option(OptionNumber::IF_MATCH, etag)
    }

    /// 3: adds the host (Uri-Host).
    #[inline]
    pub fn uri_host(&mut self, host: &str) -> &mut Self {
        self.option(OptionNumber::URI_HOST, host.as_bytes())
    }

    /// 4: adds an `ETag`.
    #[inline]
    pub fn etag(&mut self, etag: &[u8]) -> &mut Self {
        self.option(OptionNumber::ETAG, etag)
    }

    /// 5: makes the request depend on the absence of its target (If-None-Match).
    #[inline]
    pub fn if_none_match(&mut self) -> &mut Self {
        self.empty(OptionNumber::IF_NONE_MATCH)
    }

    /// 6: adds an Observe option; of a sequence number the low 24 bits are written (RFC 7641 §2).
    #[inline]
    pub fn observe(&mut self, value: u32) -> &mut Self {
        self.uint(OptionNumber::OBSERVE, value & 0x00ff_ffff)
    }

    /// 7: adds the port (Uri-Port).
    #[inline]
    pub fn uri_port(&mut self, port: u16) -> &mut Self {
        self.uint(OptionNumber::URI_PORT, u32::from(port))
    }

    /// 8: adds a Location-Path option for each segment.
    #[inline]
    pub fn location_path<S: AsRef<[u8]>>(
        &mut self,
        segments: impl IntoIterator<Item = S>,
    ) -> &mut Self {
        self.repeated(OptionNumber::LOCATION_PATH, segments)
    }

    /// 9: adds an OSCORE option (RFC 8613 §6.1).
    #[inline]
    pub fn oscore(&mut self, value: &[u8]) -> &mut Self {
        self.option(OptionNumber::OSCORE, value)
    }

    /// 11: adds a Uri-Path option for each segment.
    #[inline]
    pub fn path<S: AsRef<[u8]>>(&mut self, segments: impl IntoIterator<Item = S>) -> &mut Self {
        self.repeated(OptionNumber::URI_PATH, segments)
    }

    /// 12: adds the format of the payload (Content-Format).
    #[inline]
    pub fn content_format(&mut self, format: u16) -> &mut Self {
        self.uint(OptionNumber::CONTENT_FORMAT, u32::from(format))
    }

    /// 14: adds the time in seconds for which a response is fresh (Max-Age).
    #[inline]
    pub fn max_age(&mut self, seconds: u32) -> &mut Self {
        self.uint(OptionNumber::MAX_AGE, seconds)
    }

    /// 15: adds a Uri-Query option for each argument.
    #[inline]
    pub fn query<S: AsRef<[u8]>>(&mut self, arguments: impl IntoIterator<Item = S>) -> &mut Self {
        self.repeated(OptionNumber::URI_QUERY, arguments)
    }

    /// 16: adds how many proxies may forward the message: 1 to 255 (Hop-Limit, RFC 8768 §3).
    #[inline]
    pub fn hop_limit(&mut self, hops: core::num::NonZeroU8) -> &mut Self {
        self.option(OptionNumber::HOP_LIMIT, &[hops.get()])
    }

    /// 17: adds the format wanted of the response (Accept).
    #[inline]
    pub fn accept(&mut self, format: u16) -> &mut Self {
        self.uint(OptionNumber::ACCEPT, u32::from(format))
    }

    /// 19: adds a Q-Block1 option (RFC 9177 §4.1).
    #[inline]
    pub fn q_block1(&mut self, block: Block) -> &mut Self {
        self.uint(OptionNumber::Q_BLOCK1, block.to_uint())
    }

    /// 20: adds a Location-Query option for each argument.
    #[inline]
    pub fn location_query<S: AsRef<[u8]>>(
        &mut self,
        arguments: impl IntoIterator<Item = S>,
    ) -> &mut Self {
        self.repeated(OptionNumber::LOCATION_QUERY, arguments)
    }

    /// 21: tells that the payload begins with EDHOC data (RFC 9668 §3.1).
    #[inline]
    pub fn edhoc(&mut self) -> &mut Self {
        self.empty(OptionNumber::EDHOC)
    }

    /// 23: adds a Block2 option.
    #[inline]
    pub fn block2(&mut self, block: Block) -> &mut Self {
        self.uint(OptionNumber::BLOCK2, block.to_uint())
    }

    /// 27: adds a Block1 option.
    #[inline]
    pub fn block1(&mut self, block: Block) -> &mut Self {
        self.uint(OptionNumber::BLOCK1, block.to_uint())
    }

    /// 28: adds the size in bytes of the whole response; 0 in a request asks for it (Size2).
    #[inline]
    pub fn size2(&mut self, bytes: u32) -> &mut Self {
        self.uint(OptionNumber::SIZE2, bytes)
    }

    /// 31: adds a Q-Block2 option (RFC 9177 §4.1).
    #[inline]
    pub fn q_block2(&mut self, block: Block) -> &mut Self {
        self.uint(OptionNumber::Q_BLOCK2, block.to_uint())
    }

    /// 35: adds the URI that a forward proxy is to ask (Proxy-Uri).
    #[inline]
    pub fn proxy_uri(&mut self, uri: &str) -> &mut Self {
        self.option(OptionNumber::PROXY_URI, uri.as_bytes())
    }

    /// 39: adds the scheme of the URI that a forward proxy is to ask (Proxy-Scheme).
    #[inline]
    pub fn proxy_scheme(&mut self, scheme: &str) -> &mut Self {
        self.option(OptionNumber::PROXY_SCHEME, scheme.as_bytes())
    }

    /// 60: adds the size in bytes of the whole request; in a 4.13 the greatest that is accepted (Size1).
    #[inline]
    pub fn size1(&mut self, bytes: u32) -> &mut Self {
        self.uint(OptionNumber::SIZE1, bytes)
    }

    /// 252: adds the value that shows a request to be fresh (Echo, RFC 9175 §2.2).
    #[inline]
    pub fn echo(&mut self, value: &[u8]) -> &mut Self {
        self.option(OptionNumber::ECHO, value)
    }

    /// 258: adds the classes of responses that are not wanted: 2 for 2.xx, 8 for 4.xx, 16 for 5.xx, added up
    /// (No-Response, RFC 7967 §2.1).
    #[inline]
    pub fn no_response(&mut self, classes: u8) -> &mut Self {
        self.uint(OptionNumber::NO_RESPONSE, u32::from(classes))
    }

    /// 292: adds a Request-Tag (RFC 9175 §3.2).
    #[inline]
    pub fn request_tag(&mut self, tag: &[u8]) -> &mut Self {
        self.option(OptionNumber::REQUEST_TAG, tag)
    }

    #[inline]
    fn repeated<S: AsRef<[u8]>>(
        &mut self,
        number: OptionNumber,
        values: impl IntoIterator<Item = S>,
    ) -> &mut Self {
        for value in values {
            self.option(number, value.as_ref());
        }
        self
    }
}

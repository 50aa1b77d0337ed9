//! Method, response and signaling codes (RFC 7252 §12.1, RFC 8323 §5).

use core::fmt;

/// The code of a message: a class of 3 bits and a detail of 5 bits, written `c.dd` (RFC 7252 §3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Code(pub u8);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $class:literal . $detail:literal $text:literal;)*) => {
        impl Code {
            $($(#[$doc])* pub const $name: Self = Self(($class << 5) | $detail);)*

            /// The registered name, such as `Content` or `GET`; `None` for a code without one.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// 0.00 Empty message (RFC 7252 §4.1).
    EMPTY = 0 . 0 "Empty";
    /// 0.01 GET (RFC 7252 §5.8.1).
    GET = 0 . 1 "GET";
    /// 0.02 POST (RFC 7252 §5.8.2).
    POST = 0 . 2 "POST";
    /// 0.03 PUT (RFC 7252 §5.8.3).
    PUT = 0 . 3 "PUT";
    /// 0.04 DELETE (RFC 7252 §5.8.4).
    DELETE = 0 . 4 "DELETE";
    /// 0.05 FETCH (RFC 8132 §2).
    FETCH = 0 . 5 "FETCH";
    /// 0.06 PATCH (RFC 8132 §3).
    PATCH = 0 . 6 "PATCH";
    /// 0.07 iPATCH (RFC 8132 §3).
    IPATCH = 0 . 7 "iPATCH";
    /// 2.01 Created (RFC 7252 §5.9.1.1).
    CREATED = 2 . 1 "Created";
    /// 2.02 Deleted (RFC 7252 §5.9.1.2).
    DELETED = 2 . 2 "Deleted";
    /// 2.03 Valid (RFC 7252 §5.9.1.3).
    VALID = 2 . 3 "Valid";
    /// 2.04 Changed (RFC 7252 §5.9.1.4).
    CHANGED = 2 . 4 "Changed";
    /// 2.05 Content (RFC 7252 §5.9.1.5).
    CONTENT = 2 . 5 "Content";
    /// 2.31 Continue (RFC 7959 §2.9.1).
    CONTINUE = 2 . 31 "Continue";
    /// 4.00 Bad Request (RFC 7252 §5.9.2.1).
    BAD_REQUEST = 4 . 0 "Bad Request";
    /// 4.01 Unauthorized (RFC 7252 §5.9.2.2).
    UNAUTHORIZED = 4 . 1 "Unauthorized";
    /// 4.02 Bad Option (RFC 7252 §5.9.2.3).
    BAD_OPTION = 4 . 2 "Bad Option";
    /// 4.03 Forbidden (RFC 7252 §5.9.2.4).
    FORBIDDEN = 4 . 3 "Forbidden";
    /// 4.04 Not Found (RFC 7252 §5.9.2.5).
    NOT_FOUND = 4 . 4 "Not Found";
    /// 4.05 Method Not Allowed (RFC 7252 §5.9.2.6).
    METHOD_NOT_ALLOWED = 4 . 5 "Method Not Allowed";
    /// 4.06 Not Acceptable (RFC 7252 §5.9.2.7).
    NOT_ACCEPTABLE = 4 . 6 "Not Acceptable";
    /// 4.08 Request Entity Incomplete (RFC 7959 §2.9.2).
    REQUEST_ENTITY_INCOMPLETE = 4 . 8 "Request Entity Incomplete";
    /// 4.09 Conflict (RFC 8132 §3.4).
    CONFLICT = 4 . 9 "Conflict";
    /// 4.12 Precondition Failed (RFC 7252 §5.9.2.8).
    PRECONDITION_FAILED = 4 . 12 "Precondition Failed";
    /// 4.13 Request Entity Too Large (RFC 7252 §5.9.2.9, RFC 7959 §2.9.3).
    REQUEST_ENTITY_TOO_LARGE = 4 . 13 "Request Entity Too Large";
    /// 4.15 Unsupported Content-Format (RFC 7252 §5.9.2.10).
    UNSUPPORTED_CONTENT_FORMAT = 4 . 15 "Unsupported Content-Format";
    /// 4.22 Unprocessable Entity (RFC 8132 §3.4).
    UNPROCESSABLE_ENTITY = 4 . 22 "Unprocessable Entity";
    /// 4.29 Too Many Requests (RFC 8516 §3).
    TOO_MANY_REQUESTS = 4 . 29 "Too Many Requests";
    /// 5.00 Internal Server Error (RFC 7252 §5.9.3.1).
    INTERNAL_SERVER_ERROR = 5 . 0 "Internal Server Error";
    /// 5.01 Not Implemented (RFC 7252 §5.9.3.2).
    NOT_IMPLEMENTED = 5 . 1 "Not Implemented";
    /// 5.02 Bad Gateway (RFC 7252 §5.9.3.3).
    BAD_GATEWAY = 5 . 2 "Bad Gateway";
    /// 5.03 Service Unavailable (RFC 7252 §5.9.3.4).
    SERVICE_UNAVAILABLE = 5 . 3 "Service Unavailable";
    /// 5.04 Gateway Timeout (RFC 7252 §5.9.3.5).
    GATEWAY_TIMEOUT = 5 . 4 "Gateway Timeout";
    /// 5.05 Proxying Not Supported (RFC 7252 §5.9.3.6).
    PROXYING_NOT_SUPPORTED = 5 . 5 "Proxying Not Supported";
    /// 5.08 Hop Limit Reached (RFC 8768 §4).
    HOP_LIMIT_REACHED = 5 . 8 "Hop Limit Reached";
    /// 7.01 CSM: capabilities and settings, over a reliable transport only (RFC 8323 §5.3).
    CSM = 7 . 1 "CSM";
    /// 7.02 Ping, over a reliable transport only (RFC 8323 §5.4).
    PING = 7 . 2 "Ping";
    /// 7.03 Pong, over a reliable transport only (RFC 8323 §5.4).
    PONG = 7 . 3 "Pong";
    /// 7.04 Release, over a reliable transport only (RFC 8323 §5.5).
    RELEASE = 7 . 4 "Release";
    /// 7.05 Abort, over a reliable transport only (RFC 8323 §5.6).
    ABORT = 7 . 5 "Abort";
}

impl Code {
    /// The code `class.detail`; `None` when `class` is above 7 or `detail` above 31.
    #[inline]
    pub const fn new(class: u8, detail: u8) -> Option<Self> {
        if class > 7 || detail > 31 {
            return None;
        }
        Some(Self((class << 5) | detail))
    }

    /// The class, 0 to 7.
    #[inline]
    pub const fn class(self) -> u8 {
        self.0 >> 5
    }

    /// The detail, 0 to 31.
    #[inline]
    pub const fn detail(self) -> u8 {
        self.0 & 0x1f
    }

    /// Whether this is 0.00, the code of an Empty message.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this is a method: class 0 without 0.00.
    #[inline]
    pub const fn is_request(self) -> bool {
        self.class() == 0 && self.0 != 0
    }

    /// Whether this is a response code: class 2, 4 or 5.
    #[inline]
    pub const fn is_response(self) -> bool {
        matches!(self.class(), 2 | 4 | 5)
    }

    /// Whether this is a response code of class 2.
    #[inline]
    pub const fn is_success(self) -> bool {
        self.class() == 2
    }

    /// Whether this is a signaling code, of class 7 (RFC 8323 §5.1).
    ///
    /// It has a meaning over reliable transports only; over UDP the class is reserved like those of
    /// [`is_reserved`](Code::is_reserved).
    #[inline]
    pub const fn is_signaling(self) -> bool {
        self.class() == 7
    }

    /// Whether the class is reserved over every transport (1, 3 or 6).
    ///
    /// A message with such a code is well formed but must be rejected (RFC 7252 §4.2 and §4.3; class 3 has no meaning
    /// in CoAP over UDP either). [`Message::kind`](crate::Message::kind) takes it for neither request nor response.
    #[inline]
    pub const fn is_reserved(self) -> bool {
        matches!(self.class(), 1 | 3 | 6)
    }
}

impl fmt::Display for Code {
    /// `2.05`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.class(), self.detail())
    }
}

impl fmt::Debug for Code {
    /// `2.05 Content`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        match self.name() {
            Some(name) => write!(f, " {name}"),
            None => Ok(()),
        }
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Code {
    /// `2.05`.
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=u8}.{=u8:02}", self.class(), self.detail());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn class_and_detail() {
        assert_eq!(Code::CONTENT, Code(0x45));
        assert_eq!(Code::new(2, 5), Some(Code::CONTENT));
        assert_eq!(Code::new(8, 0), None);
        assert_eq!(Code::new(0, 32), None);
        assert_eq!(Code::CONTINUE.to_string(), "2.31");
        assert_eq!(Code::NOT_FOUND.to_string(), "4.04");
        assert_eq!(std::format!("{:?}", Code::BAD_OPTION), "4.02 Bad Option");
        assert_eq!(std::format!("{:?}", Code(0x3f)), "1.31");
    }

    #[test]
    fn every_code_is_of_exactly_one_sort() {
        for byte in 0..=255 {
            let code = Code(byte);
            let sorts = [
                code.is_empty(),
                code.is_request(),
                code.is_response(),
                code.is_signaling(),
                code.is_reserved(),
            ];
            assert_eq!(sorts.iter().filter(|sort| **sort).count(), 1, "{code}");
            assert_eq!(Code::new(code.class(), code.detail()), Some(code));
        }
    }
}

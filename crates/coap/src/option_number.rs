//! Option numbers and what their registry says of them (RFC 7252 §5.4, §5.10, §12.2).

use core::fmt;

/// The number of an option; its bits tell how to treat an unknown one (RFC 7252 §5.4.6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OptionNumber(pub u16);

/// The format of an option's value (RFC 7252 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Format {
    /// No bytes.
    Empty,
    /// Any bytes.
    Opaque,
    /// A non-negative integer in network byte order.
    Uint,
    /// UTF-8.
    String,
}

/// What the specification says of one option: the columns of RFC 7252 Table 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Definition {
    /// The format of the value.
    pub format: Format,
    /// The least length in bytes.
    pub min_len: u16,
    /// The greatest length in bytes.
    pub max_len: u16,
    /// Whether the option may occur more than once.
    pub repeatable: bool,
}

impl Definition {
    /// Whether a value of `len` bytes is inside the defined range (RFC 7252 §5.4.3).
    #[inline]
    pub const fn allows_len(&self, len: usize) -> bool {
        self.min_len as usize <= len && len <= self.max_len as usize
    }
}

macro_rules! options {
    ($($(#[$doc:meta])* $name:ident = $number:literal
        $text:literal $format:ident $min:literal ..= $max:literal $repeatable:literal;)*) => {
        impl OptionNumber {
            $($(#[$doc])* pub const $name: Self = Self($number);)*

            /// What the specification says of this option; `None` for a number that this crate does not know.
            #[cfg(not(target_os = "none"))]
            pub const fn definition(self) -> Option<&'static Definition> {
                match self {
                    $(Self::$name => Some(&Definition {
                        format: Format::$format,
                        min_len: $min,
                        max_len: $max,
                        repeatable: $repeatable,
                    }),)*
                    _ => None,
                }
            }

            /// What the specification says of this option; `None` for a number that this crate does not know.
            // In a list, which takes less room than a branch for each.
            #[cfg(target_os = "none")]
            pub fn definition(self) -> Option<&'static Definition> {
                static ALL: [(OptionNumber, Definition); [$($number),*].len()] = [
                    $((OptionNumber::$name, Definition {
                        format: Format::$format,
                        min_len: $min,
                        max_len: $max,
                        repeatable: $repeatable,
                    }),)*
                ];
                ALL.iter().find(|(number, _)| *number == self).map(|(_, definition)| definition)
            }

            /// The registered name, such as `Uri-Path`; `None` for a number that this crate does not know.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

options! {
    /// If-Match: critical (RFC 7252 §5.10.8.1).
    IF_MATCH = 1 "If-Match" Opaque 0..=8 true;
    /// Uri-Host: critical, unsafe to forward (RFC 7252 §5.10.1).
    URI_HOST = 3 "Uri-Host" String 1..=255 false;
    /// `ETag`: elective. Repeatable in a request only (RFC 7252 §5.10.6).
    ETAG = 4 "ETag" Opaque 1..=8 true;
    /// If-None-Match: critical (RFC 7252 §5.10.8.2).
    IF_NONE_MATCH = 5 "If-None-Match" Empty 0..=0 false;
    /// Observe: elective, unsafe to forward (RFC 7641 §2).
    OBSERVE = 6 "Observe" Uint 0..=3 false;
    /// Uri-Port: critical, unsafe to forward (RFC 7252 §5.10.1).
    URI_PORT = 7 "Uri-Port" Uint 0..=2 false;
    /// Location-Path: elective (RFC 7252 §5.10.7).
    LOCATION_PATH = 8 "Location-Path" String 0..=255 true;
    /// OSCORE: critical (RFC 8613 §2).
    OSCORE = 9 "OSCORE" Opaque 0..=255 false;
    /// Uri-Path: critical, unsafe to forward (RFC 7252 §5.10.1).
    URI_PATH = 11 "Uri-Path" String 0..=255 true;
    /// Content-Format: elective (RFC 7252 §5.10.3).
    CONTENT_FORMAT = 12 "Content-Format" Uint 0..=2 false;
    /// Max-Age: elective, unsafe to forward (RFC 7252 §5.10.5).
    MAX_AGE = 14 "Max-Age" Uint 0..=4 false;
    /// Uri-Query: critical, unsafe to forward (RFC 7252 §5.10.1).
    URI_QUERY = 15 "Uri-Query" String 0..=255 true;
    /// Hop-Limit: elective (RFC 8768 §3).
    HOP_LIMIT = 16 "Hop-Limit" Uint 1..=1 false;
    /// Accept: critical (RFC 7252 §5.10.4).
    ACCEPT = 17 "Accept" Uint 0..=2 false;
    /// Q-Block1: critical, unsafe to forward (RFC 9177 §4.1).
    Q_BLOCK1 = 19 "Q-Block1" Uint 0..=3 false;
    /// Location-Query: elective (RFC 7252 §5.10.7).
    LOCATION_QUERY = 20 "Location-Query" String 0..=255 true;
    /// EDHOC: critical (RFC 9668 §3.1).
    EDHOC = 21 "EDHOC" Empty 0..=0 false;
    /// Block2: critical, unsafe to forward (RFC 7959 §2.1).
    BLOCK2 = 23 "Block2" Uint 0..=3 false;
    /// Block1: critical, unsafe to forward (RFC 7959 §2.1).
    BLOCK1 = 27 "Block1" Uint 0..=3 false;
    /// Size2: elective (RFC 7959 §4).
    SIZE2 = 28 "Size2" Uint 0..=4 false;
    /// Q-Block2: critical, unsafe to forward (RFC 9177 §4.1).
    Q_BLOCK2 = 31 "Q-Block2" Uint 0..=3 true;
    /// Proxy-Uri: critical, unsafe to forward (RFC 7252 §5.10.2).
    PROXY_URI = 35 "Proxy-Uri" String 1..=1034 false;
    /// Proxy-Scheme: critical, unsafe to forward (RFC 7252 §5.10.2).
    PROXY_SCHEME = 39 "Proxy-Scheme" String 1..=255 false;
    /// Size1: elective (RFC 7252 §5.10.9, RFC 7959 §4).
    SIZE1 = 60 "Size1" Uint 0..=4 false;
    /// Echo: elective (RFC 9175 §2.2.1).
    ECHO = 252 "Echo" Opaque 1..=40 false;
    /// No-Response: elective, unsafe to forward (RFC 7967 §2).
    NO_RESPONSE = 258 "No-Response" Uint 0..=1 false;
    /// Request-Tag: elective (RFC 9175 §3.2.1).
    REQUEST_TAG = 292 "Request-Tag" Opaque 0..=8 true;
}

impl OptionNumber {
    /// Whether a message with this option must be rejected by who does not know it (RFC 7252 §5.4.1).
    #[inline]
    pub const fn is_critical(self) -> bool {
        self.0 & 0b1 != 0
    }

    /// Whether a proxy that does not know this option must not forward the message (RFC 7252 §5.4.2).
    #[inline]
    pub const fn is_unsafe(self) -> bool {
        self.0 & 0b10 != 0
    }

    /// Whether the option takes no part in the cache key (RFC 7252 §5.4.2).
    #[inline]
    pub const fn is_no_cache_key(self) -> bool {
        self.0 & 0x1e == 0x1c
    }
}

impl fmt::Display for OptionNumber {
    /// The registered name, or the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => self.0.fmt(f),
        }
    }
}

impl fmt::Debug for OptionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for OptionNumber {
    /// The registered name, or the number.
    fn format(&self, f: defmt::Formatter<'_>) {
        if let Some(name) = self.name() {
            defmt::write!(f, "{=str}", name);
        } else {
            defmt::write!(f, "{=u16}", self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_table_4() {
        // Number, critical, unsafe, no-cache-key: RFC 7252 Table 4 and RFC 7959 Table 1; for an unsafe option the
        // no-cache-key bit means nothing.
        let rows = [
            (1, true, false, false),
            (3, true, true, false),
            (4, false, false, false),
            (5, true, false, false),
            (6, false, true, false),
            (7, true, true, false),
            (8, false, false, false),
            (11, true, true, false),
            (12, false, false, false),
            (14, false, true, false),
            (15, true, true, false),
            (17, true, false, false),
            (20, false, false, false),
            (23, true, true, false),
            (27, true, true, false),
            (28, false, false, true),
            (35, true, true, false),
            (39, true, true, false),
            (60, false, false, true),
        ];
        for (number, critical, is_unsafe, no_cache_key) in rows {
            let option = OptionNumber(number);
            assert_eq!(option.is_critical(), critical, "{option}");
            assert_eq!(option.is_unsafe(), is_unsafe, "{option}");
            if !is_unsafe {
                assert_eq!(option.is_no_cache_key(), no_cache_key, "{option}");
            }
        }
    }

    #[test]
    fn unknown_numbers_print_as_numbers() {
        assert_eq!(std::format!("{}", OptionNumber(2049)), "2049");
        assert_eq!(std::format!("{:?}", OptionNumber::URI_PATH), "Uri-Path");
    }
}

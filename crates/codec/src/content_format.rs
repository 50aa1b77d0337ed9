//! CoAP content formats.

use core::fmt;
use core::str::FromStr;

/// The number of a content format: RFC 7252 §12.3, LwM2M Core §7.5.
///
/// Printed and parsed by its short name (`text`, `tlv`, `senml-cbor`), or by its number where it has no name here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ContentFormat(pub u16);

impl ContentFormat {
    /// `text/plain`: one resource, or the arguments of Execute.
    pub const TEXT: Self = Self(0);
    /// `application/link-format`: Register, Update, Discover (RFC 6690).
    pub const LINK_FORMAT: Self = Self(40);
    /// `application/octet-stream`: one opaque resource.
    pub const OPAQUE: Self = Self(42);
    /// `application/cbor`: one resource.
    pub const CBOR: Self = Self(60);
    /// `application/senml+json` (RFC 8428).
    pub const SENML_JSON: Self = Self(110);
    /// `application/senml+cbor` (RFC 8428).
    pub const SENML_CBOR: Self = Self(112);
    /// `application/senml-etch+json`, of composite requests (RFC 8790).
    pub const SENML_ETCH_JSON: Self = Self(320);
    /// `application/senml-etch+cbor`, of composite requests (RFC 8790).
    pub const SENML_ETCH_CBOR: Self = Self(322);
    /// `application/vnd.oma.lwm2m+tlv`.
    pub const TLV: Self = Self(11542);
    /// `application/vnd.oma.lwm2m+json`, of LwM2M 1.0 only.
    pub const LWM2M_JSON: Self = Self(11543);
    /// `application/vnd.oma.lwm2m+cbor`, since LwM2M 1.2.
    pub const LWM2M_CBOR: Self = Self(11544);

    const NAMES: [(Self, &'static str); 11] = [
        (Self::TEXT, "text"),
        (Self::LINK_FORMAT, "link-format"),
        (Self::OPAQUE, "opaque"),
        (Self::CBOR, "cbor"),
        (Self::SENML_JSON, "senml-json"),
        (Self::SENML_CBOR, "senml-cbor"),
        (Self::SENML_ETCH_JSON, "senml-etch-json"),
        (Self::SENML_ETCH_CBOR, "senml-etch-cbor"),
        (Self::TLV, "tlv"),
        (Self::LWM2M_JSON, "lwm2m-json"),
        (Self::LWM2M_CBOR, "lwm2m-cbor"),
    ];

    /// Gives the short name, if the format has one here.
    pub fn name(self) -> Option<&'static str> {
        Self::NAMES
            .iter()
            .find(|(format, _)| *format == self)
            .map(|(_, name)| *name)
    }

    /// Tells whether the format can be decoded and encoded as [`Record`](crate::Record)s in this build.
    #[allow(clippy::match_like_matches_macro, reason = "a row for each feature")]
    pub const fn is_supported(self) -> bool {
        match self {
            Self::TEXT => cfg!(feature = "text"),
            Self::OPAQUE => cfg!(feature = "opaque"),
            Self::CBOR => cfg!(feature = "cbor"),
            Self::SENML_JSON | Self::SENML_ETCH_JSON => cfg!(feature = "senml-json"),
            Self::SENML_CBOR | Self::SENML_ETCH_CBOR => cfg!(feature = "senml-cbor"),
            Self::TLV => cfg!(feature = "tlv"),
            Self::LWM2M_JSON => cfg!(feature = "lwm2m-json"),
            Self::LWM2M_CBOR => cfg!(feature = "lwm2m-cbor"),
            _ => false,
        }
    }

    /// Tells whether a payload of the format carries the one value of a resource or resource instance and nothing
    /// else, not even its path.
    pub const fn is_single(self) -> bool {
        matches!(self, Self::TEXT | Self::OPAQUE | Self::CBOR)
    }
}

impl From<u16> for ContentFormat {
    fn from(number: u16) -> Self {
        Self(number)
    }
}

impl fmt::Display for ContentFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => fmt::Display::fmt(&self.0, f),
        }
    }
}

/// The text is neither the name nor the number of a content format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ParseContentFormatError;

impl fmt::Display for ParseContentFormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a content format is a name such as text, tlv or senml-cbor, or a number")
    }
}

impl core::error::Error for ParseContentFormatError {}

impl FromStr for ContentFormat {
    type Err = ParseContentFormatError;

    fn from_str(text: &str) -> Result<Self, ParseContentFormatError> {
        if let Some((format, _)) = Self::NAMES.iter().find(|(_, name)| *name == text) {
            return Ok(*format);
        }
        text.parse().map(Self).map_err(|_| ParseContentFormatError)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn names_and_numbers() {
        assert_eq!(ContentFormat::SENML_CBOR.to_string(), "senml-cbor");
        assert_eq!("tlv".parse(), Ok(ContentFormat::TLV));
        assert_eq!(ContentFormat(9999).to_string(), "9999");
        assert_eq!("320".parse(), Ok(ContentFormat::SENML_ETCH_JSON));
        assert_eq!(
            "yaml".parse::<ContentFormat>(),
            Err(ParseContentFormatError)
        );
    }
}

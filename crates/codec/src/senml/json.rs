//! `application/senml+json`, `application/senml-etch+json` and the JSON of LwM2M 1.0: RFC 8428 §5, RFC 8790, LwM2M Core
//! 1.0.2 §6.4.4.

use super::{Kind, label};
use crate::ContentFormat;
use crate::base64::Variant;

mod decode;
mod encode;

pub(crate) use decode::Decoder;
pub(crate) use encode::Encoder;

/// How records stand in the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `[{"bn": …, "n": …, "vs": …}, …]`
    Senml(Kind),
    /// `{"bn": …, "e": [{"n": …, "sv": …}, …]}`
    #[cfg(feature = "lwm2m-json")]
    Old,
}

impl Form {
    /// The form that a content format is, if it is one.
    pub(crate) const fn of(format: ContentFormat) -> Option<Self> {
        Some(match format {
            #[cfg(feature = "senml-json")]
            ContentFormat::SENML_JSON => Self::Senml(Kind::Values),
            #[cfg(feature = "senml-json")]
            ContentFormat::SENML_ETCH_JSON => Self::Senml(Kind::Etch),
            #[cfg(feature = "lwm2m-json")]
            ContentFormat::LWM2M_JSON => Self::Old,
            _ => return None,
        })
    }

    /// What bytes are written in.
    const fn variant(self) -> Variant {
        match self {
            #[cfg(feature = "senml-json")]
            Self::Senml(_) => Variant::Url,
            #[cfg(not(feature = "senml-json"))]
            Self::Senml(_) => Variant::Padded,
            #[cfg(feature = "lwm2m-json")]
            Self::Old => Variant::Padded,
        }
    }

    /// Which field a label names.
    #[inline]
    fn label(self, label: &[u8]) -> Option<u8> {
        match self {
            Self::Senml(_) => Some(match label {
                b"n" => label::NAME,
                b"v" => label::VALUE,
                b"vs" => label::STRING_VALUE,
                b"vb" => label::BOOLEAN_VALUE,
                b"vd" => label::DATA_VALUE,
                b"t" => label::TIME,
                b"u" => label::UNIT,
                b"bn" => label::BASE_NAME,
                b"bt" => label::BASE_TIME,
                b"bu" => label::BASE_UNIT,
                b"bv" => label::BASE_VALUE,
                b"bs" => label::BASE_SUM,
                b"s" => label::SUM,
                b"ut" => label::UPDATE_TIME,
                b"vlo" => label::OBJECT_LINK_VALUE,
                b"bver" => label::BASE_VERSION,
                _ => return None,
            }),
            #[cfg(feature = "lwm2m-json")]
            Self::Old => Some(match label {
                b"n" => label::NAME,
                b"v" => label::VALUE,
                b"sv" => label::STRING_VALUE,
                b"bv" => label::BOOLEAN_VALUE,
                b"ov" => label::OBJECT_LINK_VALUE,
                b"t" => label::TIME,
                _ => return None,
            }),
        }
    }
}

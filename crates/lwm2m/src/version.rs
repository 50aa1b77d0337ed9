//! The version of the enabler that a client registers with.

use core::fmt;

use dunlin_coap::Code;
use dunlin_model::Version;

use crate::RequestError;

/// A version of the `LwM2M` enabler, the `lwm2m` parameter of Register (Core 1.2.2 §6.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LwM2mVersion {
    /// 1.0, also meant when the parameter is absent.
    #[default]
    V1_0,
    /// 1.1 and 1.1.1.
    V1_1,
    /// 1.2 to 1.2.2.
    V1_2,
}

impl LwM2mVersion {
    /// `1.0`, `1.1` or `1.2`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        }
    }

    /// Reads the value of the `lwm2m` parameter.
    ///
    /// # Errors
    ///
    /// 4.12 Precondition Failed for a well-formed version that is none of ours (Transport 1.2.2 §6.7), 4.00 for
    /// anything else.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        match text {
            "1.0" => Ok(Self::V1_0),
            "1.1" => Ok(Self::V1_1),
            "1.2" => Ok(Self::V1_2),
            _ => {
                let numeric =
                    |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
                match text.split_once('.') {
                    Some((major, minor)) if numeric(major) && numeric(minor) => {
                        Err(RequestError::new(
                            Code::PRECONDITION_FAILED,
                            "lwm2m: 1.0, 1.1 and 1.2 are supported",
                        ))
                    }
                    _ => Err(RequestError::bad_request(
                        "lwm2m: not a version such as 1.1",
                    )),
                }
            }
        }
    }
}

impl From<LwM2mVersion> for Version {
    fn from(version: LwM2mVersion) -> Self {
        match version {
            LwM2mVersion::V1_0 => Self::V1_0,
            LwM2mVersion::V1_1 => Self::V1_1,
            LwM2mVersion::V1_2 => Self::V1_2,
        }
    }
}

impl fmt::Display for LwM2mVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_own_text_and_tells_unsupported_from_malformed() {
        for version in [LwM2mVersion::V1_0, LwM2mVersion::V1_1, LwM2mVersion::V1_2] {
            assert_eq!(LwM2mVersion::parse(version.as_str()), Ok(version));
        }
        assert_eq!(
            LwM2mVersion::parse("2.0").unwrap_err().code(),
            Code::PRECONDITION_FAILED
        );
        for text in ["", "1", "1.", ".1", "1.x", "v1.1", "1.1.1"] {
            assert_eq!(
                LwM2mVersion::parse(text).unwrap_err().code(),
                Code::BAD_REQUEST,
                "{text}"
            );
        }
    }
}

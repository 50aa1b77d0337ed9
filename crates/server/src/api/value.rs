//! Values and records.

use core::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The data type of a resource's value (LwM2M Core, appendix C).
///
/// How each is written in JSON: strings and Core links as text; numbers and times (seconds since 1970) as numbers, with
/// `"NaN"`, `"Infinity"` and `"-Infinity"` as text; booleans as booleans; opaque values as base64 with padding; object links
/// as `"object:instance"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DataType {
    /// No value (an empty object instance, an executable resource).
    None,
    /// UTF-8 text.
    String,
    /// A signed 64-bit integer.
    Integer,
    /// An unsigned 64-bit integer.
    Unsigned,
    /// A floating point number.
    Float,
    /// True or false.
    Boolean,
    /// Bytes.
    Opaque,
    /// Seconds since 1970-01-01T00:00:00Z.
    Time,
    /// A link to an object instance.
    Objlnk,
    /// Links in CoRE link format.
    Corelnk,
}

impl DataType {
    /// The name that the API uses, such as `integer`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Unsigned => "unsigned",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Opaque => "opaque",
            Self::Time => "time",
            Self::Objlnk => "objlnk",
            Self::Corelnk => "corelnk",
        }
    }

    /// Whether the value is a number that a chart can show.
    pub const fn is_numeric(self) -> bool {
        matches!(self, Self::Integer | Self::Unsigned | Self::Float)
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One value of a device, with its path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Record {
    /// The path of the resource or resource instance.
    #[schema(example = "/3303/0/5700")]
    pub path: String,
    /// The type of the value.
    #[serde(rename = "type")]
    pub kind: DataType,
    /// The value as the type says.
    #[schema(example = 21.5)]
    pub value: serde_json::Value,
    /// When the device measured the value, where the device told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub time: Option<Timestamp>,
}

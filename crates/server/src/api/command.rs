//! Commands to a device: read, write, execute, create, discover.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DataType, Record};

/// A payload format that a read may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Plain text (content format 0), one resource only.
    Text,
    /// Bytes (content format 42), one opaque resource only.
    Opaque,
    /// OMA TLV (content format 11542).
    Tlv,
    /// `SenML` CBOR (content format 112).
    SenmlCbor,
}

/// What a device answered to a read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReadResponse {
    /// The path that was read.
    #[schema(example = "/3303/0/5700")]
    pub path: String,
    /// The values, in the order of their paths. Empty for an object without instances.
    pub records: Vec<Record>,
    /// When the answer arrived.
    #[schema(value_type = String, format = DateTime)]
    pub read_at: Timestamp,
}

/// What to write: either `value` for a resource, or `records` for several resources or resource instances.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteRequest {
    /// The new value of the resource that the URL names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "+01:00")]
    pub value: Option<serde_json::Value>,
    /// The type of `value`. Needed only for a resource whose definition the manager does not have.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<DataType>,
    /// The new values of nodes at or below the path that the URL names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<Vec<WriteRecord>>,
}

/// One value to write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteRecord {
    /// A whole path with a leading slash, or a path relative to the one that the URL names without (`5700`, `11/0`).
    #[schema(example = "5700")]
    pub path: String,
    /// The value; see [`DataType`] for how each type is written.
    pub value: serde_json::Value,
    /// The type of the value. Needed only where the manager does not have the definition.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<DataType>,
}

/// Arguments of an execute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecuteRequest {
    /// The arguments in LwM2M's text form, such as `0,2='10.3'`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "0,2='10.3'")]
    pub arguments: Option<String>,
}

/// A new object instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRequest {
    /// The id of the new instance. Without it the device picks one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 65534)]
    pub instance: Option<u16>,
    /// The first values; paths relative to the new instance (`5700`), or whole paths if `instance` is given.
    #[serde(default)]
    pub records: Vec<WriteRecord>,
}

/// Where the new object instance is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Created {
    /// The path of the new instance.
    #[schema(example = "/3303/1")]
    pub path: String,
}

/// What a device has at and below a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiscoverResponse {
    /// The links, in the order of their paths.
    pub links: Vec<Link>,
}

/// One node that a device announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Link {
    /// The path of the node.
    #[schema(example = "/3303/0/5700")]
    pub path: String,
    /// The attributes attached to the node, such as `pmin`, `ver` or `dim`; an attribute without a value has the value `""`.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

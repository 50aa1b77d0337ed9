//! What the registry knows of objects.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::DataType;

/// Where the manager has an object definition from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ObjectSource {
    /// It is in the program.
    BuiltIn,
    /// It is in the folder that the server was started with.
    File,
    /// It was uploaded.
    Upload,
    /// Something that this program does not know yet.
    #[serde(other)]
    Other,
}

/// An object of the registry in one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectSummary {
    /// The object id.
    #[schema(example = 3303)]
    pub id: u16,
    /// The version.
    #[schema(example = "1.1")]
    pub version: String,
    /// The name.
    #[schema(example = "Temperature")]
    pub name: String,
    /// The URN; absent where the definition is in the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "urn:oma:lwm2m:ext:3303:1.1")]
    pub urn: Option<String>,
    /// Whether several instances are possible.
    pub multiple: bool,
    /// Whether every device has the object.
    pub mandatory: bool,
    /// How many resources are defined.
    #[schema(example = 12)]
    pub resources: u32,
    /// Where the definition is from.
    pub source: ObjectSource,
}

/// A page of the registry, in the order of ids and versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectList {
    /// The objects of this page.
    pub objects: Vec<ObjectSummary>,
    /// How many objects and versions match in all.
    pub total: u64,
}

/// The definition of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectDetail {
    /// The id, version and name.
    #[serde(flatten)]
    pub summary: ObjectSummary,
    /// The lowest version of `LwM2M` that has the object.
    #[schema(example = "1.0")]
    pub lwm2m_version: String,
    /// What the object is for; absent where the definition is in the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The resources, in the order of their ids.
    pub definitions: Vec<ResourceDefinition>,
}

/// The definition of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResourceDefinition {
    /// The resource id.
    #[schema(example = 5700)]
    pub id: u16,
    /// The name.
    #[schema(example = "Sensor Value")]
    pub name: String,
    /// The operations: letters of `R`, `W` and `E`, or nothing.
    #[schema(example = "R")]
    pub operations: String,
    /// The type of the value.
    #[serde(rename = "type")]
    pub kind: DataType,
    /// Whether the resource has instances.
    pub multiple: bool,
    /// Whether every instance of the object has the resource.
    pub mandatory: bool,
    /// The unit, such as `s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Cel")]
    pub units: Option<String>,
    /// Which values are allowed, as the registry writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "0..100")]
    pub range: Option<String>,
    /// What the resource is for; absent where the definition is in the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What an upload has brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectsUploaded {
    /// The objects of the file.
    pub objects: Vec<ObjectSummary>,
}

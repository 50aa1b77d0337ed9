//! `serde` for definitions: any of them can be written, and what is read is on the heap and has been checked.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::{ObjectDefinition, Range, ResourceDefinition, Storage};

impl<S: Storage> Serialize for ObjectDefinition<S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let mut object = serializer.serialize_struct("ObjectDefinition", 6)?;
        object.serialize_field("id", &self.id)?;
        object.serialize_field("name", &*self.name)?;
        object.serialize_field("version", &self.version)?;
        object.serialize_field("multiple", &self.multiple)?;
        object.serialize_field("mandatory", &self.mandatory)?;
        object.serialize_field("resources", &*self.resources)?;
        object.end()
    }
}

impl<S: Storage> Serialize for ResourceDefinition<S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let mut resource = serializer.serialize_struct("ResourceDefinition", 8)?;
        resource.serialize_field("id", &self.id)?;
        resource.serialize_field("name", &*self.name)?;
        resource.serialize_field("operations", &self.operations)?;
        resource.serialize_field("multiple", &self.multiple)?;
        resource.serialize_field("mandatory", &self.mandatory)?;
        resource.serialize_field("type", &self.kind)?;
        resource.serialize_field("range", &*self.range)?;
        resource.serialize_field("units", &*self.units)?;
        resource.end()
    }
}

/// What a range looks like: `"any"`, `{"integer":[0,100]}`, `{"lengths":[16,32]}`.
#[derive(serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Written<'r> {
    Any,
    Integer(i64, i64),
    Integers(&'r [(i64, i64)]),
    Float(f64, f64),
    Length(u32, u32),
    Lengths(&'r [u32]),
}

impl<S: Storage> Serialize for Range<S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        match self {
            Self::Any => Written::Any,
            Self::Integer(min, max) => Written::Integer(*min, *max),
            Self::Integers(ranges) => Written::Integers(ranges),
            Self::Float(min, max) => Written::Float(*min, *max),
            Self::Length(min, max) => Written::Length(*min, *max),
            Self::Lengths(lengths) => Written::Lengths(lengths),
        }
        .serialize(serializer)
    }
}

#[cfg(feature = "alloc")]
mod owned {
    use alloc::boxed::Box;

    use serde::de::{Deserialize, Deserializer, Error};

    use crate::{
        ObjectDefinition, ObjectId, Operations, Owned, Range, ResourceDefinition, ResourceId,
        ValueType, Version,
    };

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Object {
        id: ObjectId,
        name: Box<str>,
        version: Version,
        multiple: bool,
        mandatory: bool,
        resources: Box<[ResourceDefinition<Owned>]>,
    }

    impl<'de> Deserialize<'de> for ObjectDefinition<Owned> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let object = Object::deserialize(deserializer)?;
            let object = Self {
                id: object.id,
                name: object.name,
                version: object.version,
                multiple: object.multiple,
                mandatory: object.mandatory,
                resources: object.resources,
            };
            object.check().map_err(D::Error::custom)?;
            Ok(object)
        }
    }

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Resource {
        id: ResourceId,
        name: Box<str>,
        operations: Operations,
        multiple: bool,
        mandatory: bool,
        r#type: ValueType,
        range: Box<Range<Owned>>,
        units: Box<str>,
    }

    impl<'de> Deserialize<'de> for ResourceDefinition<Owned> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let resource = Resource::deserialize(deserializer)?;
            Ok(Self {
                id: resource.id,
                name: resource.name,
                operations: resource.operations,
                multiple: resource.multiple,
                mandatory: resource.mandatory,
                kind: resource.r#type,
                range: resource.range,
                units: resource.units,
            })
        }
    }

    #[derive(serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Read {
        Any,
        Integer(i64, i64),
        Integers(Box<[(i64, i64)]>),
        Float(f64, f64),
        Length(u32, u32),
        Lengths(Box<[u32]>),
    }

    impl<'de> Deserialize<'de> for Range<Owned> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Ok(match Read::deserialize(deserializer)? {
                Read::Any => Self::Any,
                Read::Integer(min, max) => Self::Integer(min, max),
                Read::Integers(ranges) => Self::Integers(ranges),
                Read::Float(min, max) => Self::Float(min, max),
                Read::Length(min, max) => Self::Length(min, max),
                Read::Lengths(lengths) => Self::Lengths(lengths),
            })
        }
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    extern crate std;
    use super::*;
    use crate::{Owned, objects};
    use std::string::String;
    use std::vec::Vec;

    #[test]
    fn every_core_object_comes_back() {
        for object in objects::CORE {
            let json = serde_json::to_string(object).unwrap();
            let owned = ObjectDefinition::<Owned>::from(*object);
            assert_eq!(serde_json::to_string(&owned).unwrap(), json);
            assert_eq!(
                serde_json::from_str::<ObjectDefinition<Owned>>(&json).unwrap(),
                owned
            );
        }
    }

    #[test]
    fn a_resource_looks_like_this() {
        let level = objects::resource(&"/3/0/9".parse().unwrap()).unwrap();
        assert_eq!(
            serde_json::to_string(level).unwrap(),
            "{\"id\":9,\"name\":\"Battery Level\",\"operations\":\"R\",\"multiple\":false,\"mandatory\":false,\
             \"type\":\"integer\",\"range\":{\"integer\":[0,100]},\"units\":\"/100\"}"
        );
    }

    #[test]
    fn every_range_comes_back() {
        let ranges: [Range<Owned>; 6] = [
            Range::Any,
            Range::Integer(i64::MIN, i64::MAX),
            Range::Integers([(0, 3), (99, 99)].into()),
            Range::Float(-0.1, 1e300),
            Range::Length(0, u32::MAX),
            Range::Lengths([16, 32].into()),
        ];
        let texts: Vec<String> = ranges
            .iter()
            .map(|range| serde_json::to_string(range).unwrap())
            .collect();
        assert_eq!(texts[0], "\"any\"");
        assert_eq!(texts[2], "{\"integers\":[[0,3],[99,99]]}");
        for (range, text) in ranges.iter().zip(texts) {
            assert_eq!(&serde_json::from_str::<Range<Owned>>(&text).unwrap(), range);
        }
    }

    #[test]
    fn what_is_no_definition_does_not_come_in() {
        let object = |resources: &str| {
            let json = std::format!(
                "{{\"id\":9999,\"name\":\"x\",\"version\":\"1.0\",\"multiple\":true,\"mandatory\":false,\
                 \"resources\":[{resources}]}}"
            );
            serde_json::from_str::<ObjectDefinition<Owned>>(&json)
        };
        let resource = |id: u16, operations: &str, range: &str| {
            std::format!(
                "{{\"id\":{id},\"name\":\"y\",\"operations\":\"{operations}\",\"multiple\":false,\
                 \"mandatory\":false,\"type\":\"integer\",\"range\":{range},\"units\":\"\"}}"
            )
        };
        let good = resource(1, "RW", "\"any\"");
        assert!(object(&good).is_ok());
        // Twice, an Execute with a type, a range that suits no integer, an identifier that is none.
        assert!(object(&std::format!("{good},{good}")).is_err());
        assert!(object(&resource(1, "E", "\"any\"")).is_err());
        assert!(object(&resource(1, "R", "{\"length\":[1,2]}")).is_err());
        assert!(object(&resource(65535, "R", "\"any\"")).is_err());
        assert!(object(&good.replace("units", "unit")).is_err());
    }
}

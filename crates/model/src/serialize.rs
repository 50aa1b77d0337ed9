//! `serde` for what prints: paths, versions, links and sets of operations are text, identifiers are numbers. Definitions
//! are maps of those.

use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::{
    InstanceId, ObjectId, ObjectLink, Operations, Path, ResourceId, ResourceInstanceId, ValueType,
    Version,
};

mod definition;

struct Text<T>(&'static str, PhantomData<fn() -> T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

macro_rules! text {
    ($($type:ty, $what:literal;)*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text($what, PhantomData))
            }
        }
    )*};
}

text! {
    Path, "a path such as /3/0/9";
    Version, "a version such as 1.2";
    ObjectLink, "an object link such as 66:0";
    Operations, "operations: R, W, RW, E or nothing";
    ValueType, "a type such as integer";
}

macro_rules! number {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u16(self.get())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                u16::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
            }
        }
    )*};
}

number!(ObjectId, InstanceId, ResourceId, ResourceInstanceId);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccessRights, Attributes};
    use core::fmt::Debug;

    fn both_ways<T>(value: T, json: &str)
    where
        T: Serialize + for<'de> Deserialize<'de> + PartialEq + Debug,
    {
        assert_eq!(serde_json::to_string(&value).unwrap(), json);
        assert_eq!(serde_json::from_str::<T>(json).unwrap(), value);
    }

    #[test]
    fn values_come_back() {
        both_ways(Path::try_from((3, 0, 9)).unwrap(), "\"/3/0/9\"");
        both_ways(Version::V1_2, "\"1.2\"");
        both_ways(ObjectLink::new(66, 0), "\"66:0\"");
        both_ways(Operations::RW, "\"RW\"");
        both_ways(Operations::NONE, "\"\"");
        both_ways(ValueType::Unsigned, "\"unsigned\"");
        both_ways(ObjectId::of::<3>(), "3");
        both_ways(AccessRights::ALL, "31");
        both_ways(
            Attributes {
                pmin: Some(1),
                gt: Some(0.5),
                ..Attributes::NONE
            },
            r#"{"pmin":1,"gt":0.5}"#,
        );
    }

    #[test]
    fn what_is_not_allowed_does_not_come_in() {
        assert!(serde_json::from_str::<ObjectId>("65535").is_err());
        assert!(serde_json::from_str::<AccessRights>("32").is_err());
        assert!(serde_json::from_str::<Path>("\"3/0\"").is_err());
        assert!(serde_json::from_str::<Attributes>(r#"{"band":1}"#).is_err());
        assert!(serde_json::from_str::<ValueType>("\"int\"").is_err());
    }
}

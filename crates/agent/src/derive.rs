//! What the code that the derives write calls.

use dunlin_model::{ObjectDefinition, Operations, ResourceDefinition, ResourceId, ValueType};

use crate::{CollectionType, FieldType, ObjectType};

pub use crate::{Collection, Field, Object, Objects};
pub use dunlin_lwm2m::Arguments;
pub use dunlin_model::{ObjectId, Range, ResourceInstanceId, Value, Version};

/// A resource without unit and range. `declared` is the type that the attribute names, if it does.
pub const fn resource<T: FieldType>(
    id: ResourceId,
    name: &'static str,
    operations: Operations,
    declared: Option<ValueType>,
    mandatory: Option<bool>,
) -> ResourceDefinition {
    let kind = match declared {
        Some(kind) => kind,
        None => T::KIND,
    };
    let mandatory = match mandatory {
        Some(mandatory) => mandatory,
        None => !T::OPTIONAL,
    };
    let mut definition = ResourceDefinition::new(id, name, operations, kind);
    definition.multiple = T::MULTIPLE;
    definition.mandatory = mandatory;
    definition
}

/// Whether a field of type `T` is an executable resource.
pub const fn is_execute<T: FieldType>() -> bool {
    matches!(T::KIND, ValueType::None)
}

/// Whether a resource of type `T` may be declared as `kind`.
pub const fn is_declarable<T: FieldType>(kind: ValueType) -> bool {
    use ValueType::{Corelnk, Integer, String, Time, Unsigned};
    match T::KIND {
        Integer | Unsigned | Time => matches!(kind, Integer | Unsigned | Time),
        String | Corelnk => matches!(kind, String | Corelnk),
        ValueType::Float => matches!(kind, ValueType::Float),
        ValueType::Boolean => matches!(kind, ValueType::Boolean),
        ValueType::Opaque => matches!(kind, ValueType::Opaque),
        ValueType::Objlnk => matches!(kind, ValueType::Objlnk),
        ValueType::None => false,
    }
}

/// Whether values of type `T` have a unit and a range of numbers.
pub const fn is_number<T: FieldType>() -> bool {
    T::KIND.is_numeric()
}

/// Whether values of type `T` are floating point numbers.
pub const fn is_float<T: FieldType>() -> bool {
    matches!(T::KIND, ValueType::Float)
}

/// Whether values of type `T` have a length.
pub const fn has_length<T: FieldType>() -> bool {
    matches!(
        T::KIND,
        ValueType::String | ValueType::Opaque | ValueType::Corelnk
    )
}

/// The id of an object in a set.
pub const fn id<T: CollectionType>() -> u16 {
    T::DEFINITION.id.get()
}

/// The definition of an object, for the check that it compiles.
pub const fn definition<T: ObjectType>() -> &'static ObjectDefinition {
    T::DEFINITION
}

/// The places of `ids` in ascending order: the first number is the place of the smallest.
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "only evaluated by the compiler, which would refuse"
)]
pub const fn order<const N: usize>(ids: [u16; N]) -> [u8; N] {
    assert!(N <= 255, "a set holds at most 255 objects");
    let mut places = [0; N];
    let mut place = 0;
    while place < N {
        let mut smaller = 0;
        let mut other = 0;
        while other < N {
            if ids[other] < ids[place] {
                smaller += 1;
            }
            other += 1;
        }
        places[smaller] = place as u8;
        place += 1;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_ascend_by_id() {
        assert_eq!(order([3303, 3, 0, 1]), [2, 3, 1, 0]);
        assert_eq!(order([0, 1]), [0, 1]);
        assert_eq!(order([]), [0_u8; 0]);
    }
}

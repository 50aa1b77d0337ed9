use super::*;

const fn resource<const ID: u16>(operations: Operations, kind: ValueType) -> ResourceDefinition {
    ResourceDefinition::new(ResourceId::of::<ID>(), "Some", operations, kind)
}

const fn object(resources: &'static [ResourceDefinition]) -> ObjectDefinition {
    ObjectDefinition {
        id: ObjectId::of::<42769>(),
        name: "Test",
        version: Version::V1_0,
        multiple: true,
        mandatory: false,
        resources,
    }
}

const READ: ResourceDefinition = resource::<5>(Operations::R, ValueType::Integer);
const FOURTH: ResourceDefinition = resource::<4>(Operations::R, ValueType::Integer);
const TYPED: ResourceDefinition = resource::<0>(Operations::E, ValueType::Integer);
const UNTYPED: ResourceDefinition = resource::<0>(Operations::R, ValueType::None);
const RANGED: ResourceDefinition =
    resource::<0>(Operations::R, ValueType::Boolean).range(&crate::Range::Integer(0, 1));

#[test]
fn definitions_are_checked() {
    use DefinitionErrorKind::*;
    let wrong = |definition: ObjectDefinition| definition.check().unwrap_err().kind;
    assert_eq!(object(&[READ]).check(), Ok(()));
    assert_eq!(wrong(object(&[READ, READ])), Duplicate);
    let error = object(&[READ, FOURTH]).check().unwrap_err();
    assert_eq!((error.kind, error.resource), (Order, FOURTH.id));
    assert_eq!(wrong(object(&[TYPED])), Execute);
    assert_eq!(wrong(object(&[UNTYPED])), Execute);
    assert_eq!(wrong(object(&[RANGED])), Range);
}

#[test]
fn a_write_is_checked_by_type_range_and_number() {
    let ratio = resource::<0>(Operations::RW, ValueType::Float).range(&Range::Float(0.0, 1.0));
    assert_eq!(ratio.accept(Value::Integer(1)), Ok(Value::Float(1.0)));
    assert_eq!(ratio.accept(Value::Float(1.5)), Err(ValueError::Range));
    // In the one form that whoever writes the object by hand looks for.
    assert!(matches!(
        ratio.accept(Value::Single(0.5)),
        Ok(Value::Float(0.5))
    ));
    assert_eq!(
        ratio.accept(Value::Float(f64::NAN)),
        Err(ValueError::NotANumber)
    );
    assert_eq!(ratio.accept(Value::Opaque(b"1")), Err(ValueError::Type));
    let free = resource::<0>(Operations::RW, ValueType::Float);
    assert_eq!(
        free.accept(Value::Float(f64::NAN)),
        Err(ValueError::NotANumber)
    );
    assert_eq!(
        free.accept(Value::Float(f64::INFINITY)),
        Ok(Value::Float(f64::INFINITY))
    );
}

//! Objects and sets by `#[derive]`: what the definition says, and what the methods do.

#![cfg(feature = "derive")]

use dunlin_agent::heapless::{String, Vec};
use dunlin_agent::model::{
    InstanceId, ObjectLink, Operations, Range, ResourceId, ResourceInstanceId, Value, ValueType,
    Version,
};
use dunlin_agent::objects::{Device, Security, Server};
use dunlin_agent::{
    Arguments, Collection, Error, Execute, Instances, Object, ObjectType, Objects,
    ResourceInstances, Time,
};

const SINGLE: ResourceInstanceId = ResourceInstanceId::of::<0>();

fn id(id: u16) -> ResourceId {
    ResourceId::new(id).unwrap()
}

/// The example that the guide shows.
#[derive(Object)]
#[object(id = 3303, version = "1.1")]
struct Temperature {
    #[resource(5700, read, unit = "Cel")]
    value: f32,
    #[resource(5701, read)]
    units: &'static str,
    #[resource(5605, execute)]
    reset_min_max: Execute,
}

/// Every kind of resource, every item of the attributes, and every kind of parameter.
#[derive(Object, Default, Debug)]
#[object(id = 42769, name = "Rich", version = "2.3", single, mandatory, create)]
struct Rich<'a, T: dunlin_agent::ResourceValue + Default, const N: usize> {
    #[resource(9, read, write, name = "Name", length = 1..=8)]
    name: String<8>,
    #[resource(0, read, write, range = 0..=10, type = integer, unit = "/100")]
    level: u8,
    #[resource(1, read, write, range = [0..=3, 99])]
    class: Option<u32>,
    #[resource(2, read, write, range = -1.5..=1)]
    ratio: f64,
    #[resource(3, read, write, type = time)]
    since: Option<i64>,
    #[resource(4, read)]
    at: Option<Time>,
    #[resource(5, read, write, check = is_even)]
    even: i32,
    #[resource(6, execute = go)]
    go: Execute,
    #[resource(7, write, length = [2, 4])]
    key: Vec<u8, 4>,
    #[resource(8, read, write, mandatory)]
    voltages: ResourceInstances<i32, N>,
    #[resource(10, read)]
    borrowed: &'a str,
    #[resource(11, read)]
    generic: T,
    #[resource(12, read, write, type = corelnk)]
    links: Option<String<16>>,
    #[resource(13, read, write)]
    link: Option<ObjectLink>,
    #[resource(14, bootstrap, optional)]
    secret: [u8; 2],
    #[resource(15, read)]
    bytes: &'a [u8],
    #[resource(16, execute)]
    extra: Option<Execute>,
    #[resource(17, read, write)]
    on: bool,
    /// Of no concern to servers.
    went: u32,
}

impl<T: dunlin_agent::ResourceValue + Default, const N: usize> Rich<'_, T, N> {
    #[expect(clippy::unused_self, reason = "other checks look at the instance")]
    fn is_even(&self, value: &Value<'_>) -> Result<(), Error> {
        match value.as_i64() {
            Some(number) if number % 2 == 0 => Ok(()),
            _ => Err(Error::BadValue),
        }
    }

    fn go(&mut self, arguments: &Arguments<'_>) -> Result<(), Error> {
        if arguments.value(1).is_none() {
            return Err(Error::BadValue);
        }
        self.went += 1;
        Ok(())
    }
}

type Full<'a> = Rich<'a, u16, 2>;

#[test]
fn the_example_is_what_it_says() {
    let definition = Temperature::DEFINITION;
    assert_eq!(definition.id.get(), 3303);
    assert_eq!(definition.version, Version::V1_1);
    assert!(definition.multiple && !definition.mandatory);
    assert_eq!(definition.check(), Ok(()));
    let ids: std::vec::Vec<_> = definition
        .resources
        .iter()
        .map(|one| one.id.get())
        .collect();
    assert_eq!(ids, [5605, 5700, 5701]);
    let value = definition.resource(id(5700)).unwrap();
    assert_eq!((value.kind, value.units), (ValueType::Float, "Cel"));
    assert_eq!(value.operations, Operations::R);
    assert!(value.mandatory && !value.multiple);

    let mut sensor = Temperature {
        value: 21.5,
        units: "Cel",
        reset_min_max: Execute::new(),
    };
    assert_eq!(sensor.read(id(5700), SINGLE), Some(Value::Float(21.5)));
    assert_eq!(sensor.read(id(5701), SINGLE), Some(Value::String("Cel")));
    assert_eq!(sensor.read(id(5605), SINGLE), Some(Value::None));
    assert_eq!(sensor.read(id(5601), SINGLE), None);
    let none = Arguments::default();
    assert_eq!(sensor.execute(id(5605), &none), Ok(()));
    assert!(sensor.reset_min_max.take() && !sensor.reset_min_max.take());
    assert_eq!(sensor.execute(id(5700), &none), Err(Error::NotAllowed));
    assert_eq!(sensor.execute(id(1), &none), Err(Error::NotAllowed));
    assert!(<Temperature as ObjectType>::create().is_none());
}

#[test]
fn the_definition_has_every_item() {
    let definition = Full::DEFINITION;
    assert_eq!(definition.name, "Rich");
    assert_eq!(definition.version, Version::new(2, 3));
    assert!(!definition.multiple && definition.mandatory);
    assert_eq!(definition.check(), Ok(()));
    let find = |number| definition.resource(id(number)).unwrap();
    let level = find(0);
    assert_eq!((level.kind, level.units), (ValueType::Integer, "/100"));
    assert_eq!(level.range, &Range::Integer(0, 10));
    assert_eq!(find(1).range, &Range::integers(&[(0, 3), (99, 99)]));
    assert!(!find(1).mandatory && find(1).kind == ValueType::Unsigned);
    assert_eq!(find(2).range, &Range::Float(-1.5, 1.0));
    assert_eq!(
        (find(3).kind, find(4).kind),
        (ValueType::Time, ValueType::Time)
    );
    assert_eq!(find(6).operations, Operations::E);
    assert_eq!(find(7).range, &Range::lengths(&[2, 4]));
    assert!(find(8).multiple && find(8).mandatory);
    assert_eq!(
        (find(9).name, find(9).range),
        ("Name", &Range::Length(1, 8))
    );
    assert_eq!(find(11).kind, ValueType::Unsigned);
    assert_eq!(find(12).kind, ValueType::Corelnk);
    assert_eq!(find(14).operations, Operations::NONE);
    assert!(!find(14).mandatory && !find(16).mandatory);
    assert!(definition.resource(id(18)).is_none());
    assert!(<Full<'_> as ObjectType>::create().is_some());
}

#[test]
fn fields_are_read_written_and_cleared() {
    let mut rich = Full::default();
    let mut write = |number, value: Value<'_>| {
        rich.check(id(number), SINGLE, &value)?;
        rich.write(id(number), SINGLE, &value)
    };
    assert_eq!(write(9, Value::String("abcdefgh")), Ok(()));
    assert_eq!(write(9, Value::String("abcdefghi")), Err(Error::BadValue));
    assert_eq!(write(0, Value::Integer(7)), Ok(()));
    assert_eq!(write(0, Value::Integer(256)), Err(Error::BadValue));
    assert_eq!(write(1, Value::Unsigned(99)), Ok(()));
    assert_eq!(write(3, Value::Time(5)), Ok(()));
    assert_eq!(write(5, Value::Integer(3)), Err(Error::BadValue));
    assert_eq!(write(5, Value::Integer(4)), Ok(()));
    assert_eq!(write(7, Value::Opaque(b"1234")), Ok(()));
    assert_eq!(write(12, Value::Corelnk("</1>")), Ok(()));
    assert_eq!(write(13, Value::Objlnk(ObjectLink::NULL)), Ok(()));
    assert_eq!(write(17, Value::Boolean(true)), Ok(()));
    assert_eq!(write(10, Value::String("x")), Err(Error::NotAllowed));
    assert_eq!(write(6, Value::Integer(1)), Err(Error::NotAllowed));
    assert_eq!(write(18, Value::Integer(1)), Err(Error::NotFound));
    assert_eq!(
        (rich.name.as_str(), rich.level, rich.class),
        ("abcdefgh", 7, Some(99))
    );
    assert_eq!((rich.since, rich.even, rich.on), (Some(5), 4, true));
    assert_eq!(rich.links.as_deref(), Some("</1>"));
    assert_eq!(rich.key, b"1234");

    assert_eq!(rich.read(id(1), SINGLE), Some(Value::Unsigned(99)));
    assert_eq!(rich.read(id(16), SINGLE), None);
    for number in [1, 9, 12] {
        rich.clear(id(number));
    }
    assert_eq!(rich.read(id(1), SINGLE), None);
    assert_eq!(rich.read(id(12), SINGLE), None);
    assert_eq!(rich.name, "abcdefgh", "what cannot be missing stays");
}

#[test]
fn methods_and_absent_fields_are_executed_or_not() {
    let mut rich = Full::default();
    let some = Arguments::parse("1='x'").unwrap();
    let none = Arguments::default();
    assert_eq!(rich.execute(id(6), &none), Err(Error::BadValue));
    assert_eq!(rich.execute(id(6), &some), Ok(()));
    assert_eq!(rich.went, 1);
    assert_eq!(rich.execute(id(16), &none), Err(Error::NotFound));
    rich.extra = Some(Execute::new());
    assert_eq!(rich.execute(id(16), &none), Ok(()));
    assert!(rich.extra.as_mut().unwrap().take());
}

#[test]
fn multiple_resources_have_instances_and_limited_room() {
    let mut rich = Full {
        voltages: [3800].into(),
        ..Full::default()
    };
    let at = |index| ResourceInstanceId::new(index).unwrap();
    assert_eq!(rich.room(id(8)), 2);
    assert_eq!(rich.write(id(8), at(7), &Value::Integer(5)), Ok(()));
    assert_eq!(
        rich.write(id(8), at(8), &Value::Integer(5)),
        Err(Error::NoSpace)
    );
    assert_eq!(rich.read(id(8), at(7)), Some(Value::Integer(5)));
    assert_eq!(rich.next_index(id(8), 1), Some(at(7)));
    assert_eq!(rich.next_index(id(8), 8), None);
    rich.clear(id(8));
    assert!(rich.voltages.is_empty() && !rich.has(id(8)));
}

/// The fields are not in the order of the objects.
#[derive(Objects)]
struct Node<'a, const N: usize> {
    temperature: Instances<Temperature, N>,
    device: Device<'a>,
    security: Security<1>,
    #[objects(skip)]
    #[allow(dead_code, reason = "it shows that others may stand here")]
    restarts: u32,
    server: Server<1>,
}

#[test]
fn a_set_is_in_the_order_of_its_objects() {
    let mut node = Node::<2> {
        temperature: Instances::new(),
        device: Device::new("Dunlin", "Test", "1"),
        security: Security::no_sec(1, "coap://localhost").unwrap(),
        restarts: 0,
        server: Server::single(1, 60),
    };
    let ids: std::vec::Vec<_> = (0..)
        .map_while(|index| node.get(index))
        .map(|object| object.definition().id.get())
        .collect();
    assert_eq!(ids, [0, 1, 3, 3303]);
    let again: std::vec::Vec<_> = (0..5)
        .filter_map(|index| Some(node.get_mut(index)?.definition().id.get()))
        .collect();
    assert_eq!(again, ids);
    assert!(node.get(4).is_none() && node.get(usize::MAX).is_none());
    let device: &dyn Collection = &node.device;
    assert_eq!(device.next(0), InstanceId::new(0));
}

#[test]
fn what_is_wrong_is_said_with_the_name_of_the_field() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

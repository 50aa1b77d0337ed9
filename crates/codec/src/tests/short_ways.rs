//! The short ways that common records have give what the general ways give.

use proptest::prelude::*;

use super::*;

/// A value of the Device object that is of the resource's type, or of a type that can become it, or of neither.
fn device_value() -> impl Strategy<Value = (u16, Option<u16>, Value<'static>)> {
    let number = prop_oneof![
        any::<i8>().prop_map(i64::from),
        any::<i16>().prop_map(i64::from),
        any::<i64>(),
    ];
    let value = prop_oneof![
        4 => number.prop_map(Value::Integer),
        1 => any::<u64>().prop_map(Value::Unsigned),
        1 => (-1000_i16..1000).prop_map(|number| Value::Float(f64::from(number) / 8.0)),
        1 => any::<i8>().prop_map(|number| Value::Single(f32::from(number) / 10.0)),
        1 => any::<bool>().prop_map(Value::Boolean),
        1 => prop::sample::select(vec![
            Value::Opaque(b""),
            Value::Opaque(b"\x00\xff"),
            Value::Time(1_700_000_000),
            Value::Objlnk(dunlin_model::ObjectLink::new(3303, 0)),
        ]),
        4 => prop::sample::select(vec!["", "a", "Dunlin", "pl\u{f6}tzlich", "\"quoted\"", "twenty-four characters.."])
            .prop_map(Value::String),
    ];
    (0_u16..16, prop::option::weighted(0.2, 0_u16..3), value)
}

/// An identifier near one that has another number of bytes or digits than the next.
fn identifier() -> impl Strategy<Value = u16> {
    let near = prop::sample::select(vec![0_u16, 9, 23, 99, 255, 999, 9999, 65533]);
    (near, 0_u16..2).prop_map(|(near, by)| near + by)
}

/// An integer, or the length of a text.
fn short_value() -> impl Strategy<Value = Result<i64, usize>> {
    let numbers = vec![
        0,
        23,
        24,
        127,
        128,
        255,
        256,
        32_767,
        32_768,
        65_535,
        65_536,
        1 << 31,
        1 << 32,
    ];
    let number = (prop::sample::select(numbers), any::<bool>());
    prop_oneof![
        number.prop_map(|(number, minus)| Ok(if minus { -number } else { number })),
        (0_usize..40).prop_map(Err),
    ]
}

/// A NaN is not equal to itself, so its place is taken by another value.
fn comparable(
    next: Option<Result<Record<'_>, DecodeError>>,
) -> Option<Result<Record<'_>, DecodeError>> {
    next.map(|result| {
        result.map(|record| match record.value {
            Value::Float(number) if number.is_nan() => Record {
                value: Value::String("NaN"),
                ..record
            },
            _ => record,
        })
    })
}

/// What becomes of a byte: any other, or one near it, such as the identifier of the record before.
fn change() -> impl Strategy<Value = Result<u8, i8>> {
    prop_oneof![any::<u8>().prop_map(Ok), (-3_i8..=3).prop_map(Err)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// The short ways of the decoders give what the long ones give, for good payloads and broken ones.
    #[test]
    fn the_short_way_is_the_long_way(
        format in prop::sample::select(MANY[..5].to_vec()),
        base in prop::sample::select(vec!["/3", "/3/0", "/3/0", "/3/0", "/3/0/6", "/3/0/0", "/3/0/6/0", "/3/1", "/5"]),
        values in prop::collection::vec(device_value(), 0..12),
        changes in prop::collection::vec((any::<prop::sample::Index>(), change()), 0..3),
        open in any::<bool>(),
        typed in any::<bool>(),
    ) {
        let types: &dyn Types = if typed { &objects::CORE } else { &crate::Untyped };
        let mut records: Vec<_> = values
            .iter()
            .map(|(resource, instance, value)| {
                let node = path("/3/0").child(*resource).unwrap();
                let node = instance.map_or(node, |instance| node.child(instance).unwrap());
                Record::new(node, *value)
            })
            .collect();
        records.sort_by_key(|record| record.path);
        records.dedup_by_key(|record| record.path.truncate(dunlin_model::Level::Resource));
        let Ok(mut bytes) = encode(format, "/3/0", &records) else {
            return Ok(());
        };
        if open && format == ContentFormat::LWM2M_CBOR {
            // The outermost map, whose length is left open.
            bytes[0] = 0xbf;
            bytes.push(0xff);
        }
        if bytes.is_empty() {
            return Ok(());
        }
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte.unwrap_or_else(|by| bytes[place].wrapping_add_signed(by));
        }
        let (mut one, mut other) = ([0; 512], [0; 512]);
        let short = Decoder::new(format, path(base), &bytes, types, &mut one);
        let long = Decoder::new(format, path(base), &bytes, types, &mut other);
        let (Ok(mut short), Ok(mut long)) = (short, long) else {
            return Ok(());
        };
        loop {
            let next = short.next();
            prop_assert_eq!(comparable(next), comparable(long.next_the_long_way()));
            if next.is_none() {
                break;
            }
        }
        // The end stays the end.
        prop_assert_eq!(short.next(), None);
        prop_assert_eq!(long.next_the_long_way(), None);
    }

    /// So do those of the encoders, with identifiers and texts of every length that they treat in its own way.
    #[test]
    fn the_short_way_to_write_takes_any_identifier(
        format in prop::sample::select(MANY[..5].to_vec()),
        base in prop::sample::select(vec!["/3", "/3/0", "/3/0", "/9999/9", "/10000/10", "/65534/65534"]),
        values in prop::collection::vec((identifier(), prop::option::of(identifier()), short_value()), 0..30),
    ) {
        let instance = match base {
            "/3" => path("/3/0"),
            base => path(base),
        };
        let texts: Vec<_> = (0..40).map(|length| "x".repeat(length)).collect();
        let mut records: Vec<_> = values
            .iter()
            .map(|(resource, index, value)| {
                let node = instance.child(*resource).unwrap();
                let node = index.map_or(node, |index| node.child(index).unwrap());
                let value = match value {
                    Ok(number) => Value::Integer(*number),
                    Err(length) => Value::String(&texts[*length]),
                };
                Record::new(node, value)
            })
            .collect();
        records.sort_by_key(|record| record.path);
        records.dedup_by_key(|record| record.path);
        let write = |short: bool| {
            let mut buffer = vec![0; 4096];
            let mut encoder = Encoder::new(format, path(base), &mut buffer);
            records.iter().try_for_each(|record| {
                if short { encoder.push(record) } else { encoder.push_the_long_way(record) }
            })?;
            let length = encoder.finish()?;
            buffer.truncate(length);
            Ok::<_, EncodeError>(buffer)
        };
        prop_assert_eq!(write(true), write(false));
    }

    /// The same for records in order and not, in buffers too small and in parts.
    #[test]
    fn the_short_way_to_write_is_the_long_way(
        format in prop::sample::select(MANY[..5].to_vec()),
        base in prop::sample::select(vec!["/", "/3", "/3/0", "/3/0", "/3/0/6"]),
        values in prop::collection::vec((device_value(), 0_u16..2, prop::bool::weighted(0.1)), 0..12),
        in_order in prop::bool::weighted(0.9),
        room in prop_oneof![Just(512), 0_usize..100],
        skip in prop::option::weighted(0.3, 0_usize..100),
    ) {
        let mut records: Vec<_> = values
            .iter()
            .map(|((resource, instance, value), object_instance, timed)| {
                let node = path("/3").child(*object_instance).unwrap().child(*resource).unwrap();
                let node = instance.map_or(node, |instance| node.child(instance).unwrap());
                Record { path: node, value: *value, time: timed.then_some(1.5) }
            })
            .collect();
        if in_order {
            records.sort_by_key(|record| record.path);
            records.dedup_by_key(|record| record.path);
        }
        let write = |short: bool| -> Result<Vec<u8>, EncodeError> {
            let mut buffer = vec![0; room];
            let all = |encoder: &mut Encoder<'_>| records.iter().try_for_each(|record| {
                if short { encoder.push(record) } else { encoder.push_the_long_way(record) }
            });
            let length = if let Some(skip) = skip {
                crate::encode_part(format, path(base), skip, &mut buffer, all)?.length
            } else {
                let mut encoder = Encoder::new(format, path(base), &mut buffer);
                all(&mut encoder)?;
                encoder.finish()?
            };
            buffer.truncate(length);
            Ok(buffer)
        };
        prop_assert_eq!(
            write(true),
            write(false)
        );
    }
}

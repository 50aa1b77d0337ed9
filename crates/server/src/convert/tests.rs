use serde_json::json;

use super::*;

/// The types of the core objects.
fn built_in(path: Path) -> Option<ValueType> {
    dunlin_model::objects::resource(&path).map(|resource| resource.kind)
}

#[test]
fn values_survive_json() {
    for value in [
        OwnedValue::String("grün".into()),
        OwnedValue::Integer(i64::MIN),
        OwnedValue::Unsigned(u64::MAX),
        OwnedValue::Float(-0.5),
        OwnedValue::Float(f64::INFINITY),
        OwnedValue::Float(f64::NEG_INFINITY),
        OwnedValue::Boolean(true),
        OwnedValue::Opaque(vec![0, 255, 1]),
        OwnedValue::Time(1_795_369_996),
        OwnedValue::Objlnk(ObjectLink {
            object: 3,
            instance: 0,
        }),
        OwnedValue::Corelnk("</3/0>".into()),
    ] {
        let kind = data_type(value.kind());
        assert_eq!(from_json(&to_json(&value), Some(kind)), Ok(value));
    }
    let nan = from_json(
        &to_json(&OwnedValue::Float(f64::NAN)),
        Some(DataType::Float),
    );
    assert!(
        matches!(nan, Ok(OwnedValue::Float(number)) if number.is_nan()),
        "{nan:?}"
    );
}

#[test]
fn numbers_of_32_bits_have_their_own_digits() {
    for (number, shown) in [
        (f32::NAN, "\"NaN\""),
        (f32::NEG_INFINITY, "\"-Infinity\""),
        (0.1, "0.1"),
        (21.0, "21.0"),
        (16_777_216.0, "16777216.0"),
        (f32::MAX, "3.4028235e+38"),
        (-1e-45, "-1e-45"),
    ] {
        let value = OwnedValue::Single(number);
        assert_eq!(to_json(&value).to_string(), shown);
        if !number.is_nan() {
            assert_eq!(value, OwnedValue::Float(number.into()));
        }
    }
}

#[test]
fn json_of_the_wrong_shape_is_refused() {
    for (json, kind) in [
        (json!("21"), DataType::Integer),
        (json!(1.5), DataType::Integer),
        (json!(1e300), DataType::Time),
        (json!(-1), DataType::Unsigned),
        (json!("warm"), DataType::Float),
        (json!(1), DataType::Boolean),
        (json!("not base64!"), DataType::Opaque),
        (json!("3"), DataType::Objlnk),
        (json!(3), DataType::String),
        (json!(null), DataType::String),
    ] {
        assert!(from_json(&json, Some(kind)).is_err(), "{json} as {kind}");
    }
    assert!(from_json(&json!([1]), None).is_err());
    assert_eq!(
        from_json(&json!(21.0), Some(DataType::Integer)),
        Ok(OwnedValue::Integer(21))
    );
    assert_eq!(
        from_json(&json!(u64::MAX), None),
        Ok(OwnedValue::Unsigned(u64::MAX))
    );
}

#[test]
fn the_definition_decides_the_type() {
    let path = path("3303/0/5700").expect("a path");
    assert_eq!(
        write_value(built_in, path, &json!(21), None),
        Ok(OwnedValue::Float(21.0))
    );
    let problem = write_value(built_in, path, &json!("warm"), None).expect_err("no number");
    assert!(
        problem.detail.contains("/3303/0/5700") && problem.remedy.contains("float"),
        "{problem}"
    );
}

#[test]
fn record_paths_are_whole_or_relative() {
    let base = path("/3303/0").expect("a path");
    let record = |path: &str| api::WriteRecord {
        path: path.into(),
        value: json!(1),
        kind: None,
    };
    let paths = |text: &str| {
        write_records(built_in, base, &[record(text)]).map(|records| records[0].path.to_string())
    };
    assert_eq!(paths("5700").as_deref(), Ok("/3303/0/5700"));
    assert_eq!(paths("/3303/0/5700").as_deref(), Ok("/3303/0/5700"));
    // A value of this type would fit there.
    assert!(paths("/3/0/13").is_err());
    assert!(paths("70000").is_err());
    assert!(paths("1/2/3").is_err());
}

#[test]
fn paths_with_and_without_slashes() {
    assert_eq!(path("3/0/9"), path("/3/0/9"));
    assert_eq!(path("3/"), path("/3"));
    for text in ["x", "3//0", "65535", "3/0/9/1/2", "-1", "3/0x1"] {
        let problem = path(text).expect_err(text);
        assert_eq!(problem.status, 400);
    }
}

#[test]
fn record_times_beyond_the_calendar_are_left_out() {
    assert_eq!(
        record_time(1.5).map(|time| time.to_string()).as_deref(),
        Some("1970-01-01T00:00:01.5Z")
    );
    for seconds in [f64::NAN, f64::INFINITY, 1e300, -1e300, 1e13] {
        assert_eq!(record_time(seconds), None, "{seconds}");
    }
}

#[test]
fn a_command_that_may_have_been_carried_out_is_no_fault_of_the_server() {
    let problem = Problem::from(dunlin_manager::CommandError::Interrupted {
        path: path("/3/0/4").unwrap(),
        operation: "Execute",
    });
    assert_eq!(problem.status, 502);
    assert!(problem.detail.contains("/3/0/4"), "{}", problem.detail);
}

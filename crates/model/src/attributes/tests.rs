extern crate std;

use std::string::ToString;
use std::vec::Vec;

use super::*;

fn parse(query: &str) -> Result<Attributes, AttributeError> {
    Attributes::parse(query.split('&'))
}

#[test]
fn reads_the_examples_of_the_specification() {
    assert_eq!(
        parse("pmin=1"),
        Ok(Attributes {
            pmin: Some(1),
            ..Attributes::NONE
        })
    );
    assert_eq!(
        parse("gt=45&st=10"),
        Ok(Attributes {
            gt: Some(45.0),
            st: Some(10.0),
            ..Attributes::NONE
        })
    );
    let all = parse("lt=20&gt=85&st=10").unwrap();
    assert_eq!(
        (all.lt, all.gt, all.st),
        (Some(20.0), Some(85.0), Some(10.0))
    );
    assert!(parse("lt=42.2&gt=50").is_ok());
    assert_eq!(parse("lt=-110.5").unwrap().lt, Some(-110.5));
}

#[test]
fn refuses_what_is_wrong() {
    use AttributeError::*;
    for (query, error) in [
        ("band=1", Unknown),
        ("", Unknown),
        ("pmin", Value),
        ("pmin=", Value),
        ("pmin=-1", Value),
        ("pmin=+1", Value),
        ("pmin=1.5", Value),
        ("pmin=4294967296", Value),
        ("gt=1e3", Value),
        ("gt=.5", Value),
        ("gt=5.", Value),
        ("gt=inf", Value),
        ("gt=NaN", Value),
        ("pmin=1&pmin=2", Duplicate),
        ("st=0", Step),
        ("st=-1", Step),
        ("lt=5&gt=5", Order),
        ("lt=5&gt=4", Order),
        ("lt=20&gt=40&st=10", Order),
    ] {
        assert_eq!(parse(query), Err(error), "{query}");
    }
}

#[test]
fn pmax_below_pmin_is_ignored() {
    assert_eq!(parse("pmin=10&pmax=5").unwrap().effective_pmax(), None);
    assert_eq!(parse("pmin=10&pmax=10").unwrap().effective_pmax(), Some(10));
    assert_eq!(parse("pmax=0").unwrap().effective_pmax(), None);
}

#[test]
fn changes_are_all_or_nothing() {
    let now = parse("lt=20&gt=50").unwrap();
    let changes = AttributeChanges::parse(["pmin=3", "gt=10"]).unwrap();
    assert_eq!(changes.apply(now), Err(AttributeError::Order));
    let changes = AttributeChanges::parse(["pmin=3", "gt"]).unwrap();
    assert_eq!(changes.apply(now), parse("pmin=3&lt=20"));
    assert_eq!(changes.removed().collect::<Vec<_>>(), ["gt"]);
    assert_eq!(
        AttributeChanges::parse(["gt", "gt=1"]),
        Err(AttributeError::Duplicate)
    );
    assert_eq!(AttributeChanges::from(now).apply(Attributes::NONE), Ok(now));
}

#[test]
fn the_lowest_level_wins() {
    let (resource, object) = (parse("pmin=1").unwrap(), parse("pmin=10&pmax=60").unwrap());
    assert_eq!(resource.or(object), parse("pmin=1&pmax=60").unwrap());
}

#[test]
fn steps_need_a_number() {
    let step = parse("st=1").unwrap();
    assert_eq!(
        step.check_target(Level::Resource, Some(ValueType::Float)),
        Ok(())
    );
    assert_eq!(step.check_target(Level::Resource, None), Ok(()));
    assert_eq!(
        step.check_target(Level::Resource, Some(ValueType::String)),
        Err(AttributeError::Target)
    );
    assert_eq!(
        step.check_target(Level::Instance, None),
        Err(AttributeError::Target)
    );
    assert_eq!(
        parse("pmin=1").unwrap().check_target(Level::Object, None),
        Ok(())
    );
}

#[test]
fn prints_what_it_reads() {
    let query = "pmin=10&pmax=60&gt=50&lt=-42.2&st=0.000001";
    let printed: Vec<_> = parse(query)
        .unwrap()
        .iter()
        .map(|attribute| attribute.to_string())
        .collect();
    assert_eq!(printed.join("&"), query);
}

#[test]
fn evaluation_periods_flags_and_history_are_checked() {
    use AttributeError::*;
    let all = parse("pmin=1&epmin=2&epmax=3&con=1&hqmax=8").unwrap();
    assert_eq!((all.epmin, all.epmax), (Some(2), Some(3)));
    assert_eq!((all.con, all.hqmax), (Some(true), Some(8)));
    for (query, error) in [
        ("epmin=3&epmax=3", Evaluation),
        ("epmin=4&epmax=3", Evaluation),
        ("edge=2", Value),
        ("edge=true", Value),
        ("con=", Value),
        ("hqmax=-1", Value),
        ("con=1&con=1", Duplicate),
    ] {
        assert_eq!(parse(query), Err(error), "{query}");
    }
    let now = parse("epmin=5").unwrap();
    let changes = AttributeChanges::parse(["epmax=5"]).unwrap();
    assert_eq!(changes.apply(now), Err(Evaluation));
    let changes = AttributeChanges::parse(["epmin", "con=0"]).unwrap();
    assert_eq!(changes.apply(now), parse("con=0"));
    assert_eq!(all.or(now).epmin, Some(2));
    assert_eq!(parse("edge=1").unwrap().or(all).con, Some(true));
}

#[test]
fn edges_need_a_boolean() {
    let edge = parse("edge=0").unwrap();
    let check = |level, kind| edge.check_target(level, kind);
    assert_eq!(check(Level::Resource, Some(ValueType::Boolean)), Ok(()));
    assert_eq!(check(Level::ResourceInstance, None), Ok(()));
    for (level, kind) in [
        (Level::Resource, Some(ValueType::Integer)),
        (Level::Instance, None),
        (Level::Object, None),
    ] {
        assert_eq!(check(level, kind), Err(AttributeError::Target));
    }
    let con = parse("con=1").unwrap();
    assert_eq!(con.check_target(Level::Object, None), Ok(()));
    assert_eq!(
        con.check_target(Level::Root, None),
        Err(AttributeError::Target)
    );
}

#[test]
fn composite_observations_have_five_attributes() {
    let five = parse("pmin=1&pmax=2&epmin=1&epmax=2&con=1").unwrap();
    assert_eq!(five.check_composite(), Ok(()));
    for query in ["gt=1", "lt=1", "st=1", "edge=1", "hqmax=1"] {
        assert_eq!(
            parse(query).unwrap().check_composite(),
            Err(AttributeError::Composite),
            "{query}"
        );
    }
}

#[test]
fn prints_every_attribute() {
    let query = "pmin=1&pmax=2&gt=9&lt=3&st=0.5&epmin=1&epmax=2&edge=0&con=1&hqmax=7";
    let attributes = parse(query).unwrap();
    let printed: Vec<_> = attributes.iter().map(|one| one.to_string()).collect();
    assert_eq!(printed.join("&"), query);
    let changes = AttributeChanges::from(attributes);
    assert_eq!(changes.set(), attributes);
    let names: Vec<_> = query
        .split('&')
        .map(|item| &item[..item.find('=').unwrap()])
        .collect();
    let removal = AttributeChanges::parse(names.iter().copied()).unwrap();
    assert!(removal.removed().eq(names));
    assert_eq!(removal.apply(attributes), Ok(Attributes::NONE));
}

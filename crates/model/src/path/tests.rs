extern crate std;

use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec::Vec;

use super::*;

fn fault(text: &str) -> Option<(PathErrorKind, usize)> {
    text.parse::<Path>()
        .err()
        .map(|error| (error.kind, error.at))
}

#[test]
fn is_eight_bytes() {
    assert_eq!(size_of::<Path>(), 8);
}

#[test]
fn bits_are_four_parts() {
    let path = Path::try_from((3, 0, 65534)).unwrap();
    assert_eq!(path.to_bits(), 0x0004_0001_ffff_0000);
    assert_eq!(Path::ROOT.to_bits(), 0);
}

#[test]
fn reads_every_level() {
    for (text, level) in [
        ("/", Level::Root),
        ("/0", Level::Object),
        ("/65534/65534", Level::Instance),
        ("/3/0/9", Level::Resource),
        ("/3/0/6/10", Level::ResourceInstance),
    ] {
        let path: Path = text.parse().unwrap();
        assert_eq!(path.level(), level);
        assert_eq!(path.to_string(), text);
    }
}

#[test]
fn tells_what_is_wrong_and_where() {
    use PathErrorKind::*;
    assert_eq!(fault(""), Some((NoSlash, 0)));
    assert_eq!(fault("3/0"), Some((NoSlash, 0)));
    assert_eq!(fault("/3//0"), Some((EmptySegment, 3)));
    assert_eq!(fault("//"), Some((EmptySegment, 1)));
    assert_eq!(fault("/3/"), Some((EmptySegment, 3)));
    assert_eq!(fault("/3/x"), Some((NotANumber, 3)));
    assert_eq!(fault("/3 "), Some((NotANumber, 2)));
    assert_eq!(fault("/+3"), Some((NotANumber, 1)));
    assert_eq!(fault("/03"), Some((LeadingZero, 2)));
    assert_eq!(fault("/00"), Some((LeadingZero, 2)));
    assert_eq!(fault("/65535"), Some((TooLarge, 5)));
    assert_eq!(fault("/99999999999999999999"), Some((TooLarge, 5)));
    assert_eq!(fault("/1/2/3/4/5"), Some((TooDeep, 9)));
    assert_eq!(fault("/1/2/3/4/"), Some((EmptySegment, 9)));
    assert_eq!(
        Path::try_from((1, 65535, 2)),
        Err(PathError {
            kind: TooLarge,
            at: 1
        })
    );
    assert_eq!(
        Path::try_from([1, 2, 3, 4, 5].as_slice()),
        Err(PathError {
            kind: TooDeep,
            at: 4
        })
    );
}

#[test]
fn a_split_name_reads_as_the_whole() {
    let text = "/3303/10/5700";
    for cut in 0..=text.len() {
        let (base, name) = text.split_at(cut);
        let mut parser = PathParser::new();
        parser.feed(base).unwrap();
        parser.feed(name).unwrap();
        assert_eq!(parser.finish(), text.parse());
    }
}

#[test]
fn truncates_to_a_level() {
    let path = Path::try_from((3, 0, 6, 1)).unwrap();
    assert_eq!(path.truncate(Level::Instance).to_string(), "/3/0");
    assert_eq!(path.truncate(Level::Root), Path::ROOT);
    assert_eq!(Path::ROOT.truncate(Level::Resource), Path::ROOT);
}

fn segments() -> impl Strategy<Value = Vec<u16>> {
    proptest::collection::vec(prop_oneof![0..5u16, 0..=65534u16], 0..=4)
}

proptest! {
    #[test]
    fn text_and_numbers_come_back(numbers in segments()) {
        let path = Path::try_from(numbers.as_slice()).unwrap();
        prop_assert_eq!(path.segments().collect::<Vec<_>>(), numbers);
        prop_assert_eq!(path.to_string().parse::<Path>(), Ok(path));
    }

    #[test]
    fn order_is_that_of_the_numbers(left in segments(), right in segments()) {
        let (a, b) = (Path::try_from(left.as_slice()).unwrap(), Path::try_from(right.as_slice()).unwrap());
        prop_assert_eq!(a.cmp(&b), left.cmp(&right));
        prop_assert_eq!(a.to_bits().cmp(&b.to_bits()), left.cmp(&right));
        prop_assert_eq!(a.contains(&b), right.starts_with(&left));
    }

    #[test]
    fn a_child_has_its_parent(numbers in segments(), id in any::<u16>()) {
        let path = Path::try_from(numbers.as_slice()).unwrap();
        prop_assert_eq!(path.children().get(id), path.child(id));
        match path.child(id) {
            Some(child) => {
                prop_assert_eq!(child.parent(), Some(path));
                prop_assert!(path < child && path.contains(&child) && !child.contains(&path));
            }
            None => prop_assert!(id == u16::MAX || numbers.len() == 4),
        }
    }

    #[test]
    fn resources_and_their_instances_are_children(numbers in segments(), id in 0..u16::MAX) {
        let path = Path::try_from(numbers.as_slice()).unwrap();
        let (instance, resource) = (path.truncate(Level::Instance), path.truncate(Level::Resource));
        prop_assert_eq!(path.resources().is_some(), numbers.len() >= 2);
        if let Some(resources) = path.resources() {
            let resource = ResourceId::new(id).unwrap();
            prop_assert_eq!(Some(resources.get(resource)), instance.child(id));
            prop_assert_eq!(Some(resources.instances(resource).parent()), instance.child(id));
        }
        prop_assert_eq!(path.resource_instances().is_some(), numbers.len() >= 3);
        if let Some(instances) = path.resource_instances() {
            prop_assert_eq!(instances.parent(), resource);
            let instance = ResourceInstanceId::new(id).unwrap();
            prop_assert_eq!(Some(instances.get(instance)), resource.child(id));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[/0-9x]{0,20}") {
        if let Ok(path) = text.parse::<Path>() {
            prop_assert_eq!(path.to_string(), text);
        } else {
            let canonical: String = text;
            prop_assert!(fault(&canonical).is_some_and(|(_, at)| at <= canonical.len()));
        }
    }
}

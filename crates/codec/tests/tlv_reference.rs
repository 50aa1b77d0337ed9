//! TLV beside a decoder that was written from the words of LwM2M Core §7.5.5 alone: slow, recursive, and easy to check.

use dunlin_codec::{ContentFormat, Decoder, Untyped};
use dunlin_model::{Level, Path, Value};
use proptest::prelude::*;

/// What bits 7 and 6 of the type say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    ObjectInstance,
    ResourceInstance,
    MultipleResource,
    Resource,
}

/// Splits `bytes` into TLVs; `None` if they do not come out even.
fn split(mut bytes: &[u8]) -> Option<Vec<(Kind, u16, &[u8])>> {
    let mut tlvs = Vec::new();
    while !bytes.is_empty() {
        let type_field = bytes[0];
        let kind = match (type_field & 0b1000_0000 != 0, type_field & 0b0100_0000 != 0) {
            (false, false) => Kind::ObjectInstance,
            (false, true) => Kind::ResourceInstance,
            (true, false) => Kind::MultipleResource,
            (true, true) => Kind::Resource,
        };
        let id_bytes = if type_field & 0b0010_0000 == 0 { 1 } else { 2 };
        let length_bytes = usize::from((type_field & 0b0001_1000) >> 3);
        let header = 1 + id_bytes + length_bytes;
        if bytes.len() < header {
            return None;
        }
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0_usize, |number, byte| 256 * number + usize::from(*byte))
        };
        let id = u16::try_from(number(&bytes[1..=id_bytes])).ok()?;
        let length = if length_bytes == 0 {
            usize::from(type_field & 0b0000_0111)
        } else {
            number(&bytes[1 + id_bytes..header])
        };
        if bytes.len() < header + length {
            return None;
        }
        tlvs.push((kind, id, &bytes[header..header + length]));
        bytes = &bytes[header + length..];
    }
    Some(tlvs)
}

type Nodes = Vec<(Path, Option<Vec<u8>>)>;

/// The values of the resource instances in a multiple resource.
fn array(resource: Path, bytes: &[u8]) -> Option<Nodes> {
    let mut nodes = Vec::new();
    for (kind, id, value) in split(bytes)? {
        if kind != Kind::ResourceInstance {
            return None;
        }
        nodes.push((resource.child(id)?, Some(value.to_vec())));
    }
    if nodes.is_empty() {
        nodes.push((resource, None));
    }
    Some(nodes)
}

/// The resources of an instance.
fn resources(instance: Path, tlvs: Vec<(Kind, u16, &[u8])>) -> Option<Nodes> {
    let mut nodes = Vec::new();
    for (kind, id, value) in tlvs {
        let path = instance.child(id)?;
        match kind {
            Kind::Resource => nodes.push((path, Some(value.to_vec()))),
            Kind::MultipleResource => nodes.extend(array(path, value)?),
            _ => return None,
        }
    }
    Some(nodes)
}

/// The nodes in the answer to a Read of `base`, an object or an instance; `None` if it is none.
fn reference(base: Path, bytes: &[u8]) -> Option<Nodes> {
    let mut nodes = Vec::new();
    for (kind, id, value) in split(bytes)? {
        if kind == Kind::ObjectInstance {
            let object = base.truncate(Level::Object);
            let instance = object.child(id)?;
            if !base.contains(&instance) {
                return None;
            }
            let inner = resources(instance, split(value)?)?;
            if inner.is_empty() {
                nodes.push((instance, None));
            }
            nodes.extend(inner);
        } else if base.level() == Level::Instance {
            nodes.extend(resources(base, vec![(kind, id, value)])?);
        } else {
            return None;
        }
    }
    Some(nodes)
}

/// A TLV with `value` in it, its length in as few bytes as it takes or in `more`.
fn tlv(kind: u8, id: u16, value: &[u8], more: bool) -> Vec<u8> {
    let mut bytes = vec![kind << 6];
    match u8::try_from(id) {
        Ok(id) if !more => bytes.push(id),
        _ => {
            bytes[0] |= 0x20;
            bytes.extend(id.to_be_bytes());
        }
    }
    match u8::try_from(value.len()) {
        Ok(length @ 0..8) if !more => bytes[0] |= length,
        Ok(length) if !more => {
            bytes[0] |= 0x08;
            bytes.push(length);
        }
        _ => {
            bytes[0] |= 0x10;
            bytes.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        }
    }
    bytes.extend(value);
    bytes
}

fn tree() -> impl Strategy<Value = Vec<u8>> {
    let id = || prop_oneof![0..3_u16, 250..260_u16, Just(65535_u16), any::<u16>()];
    // Mostly the kind that may stand there.
    let kind = |usual: u8| prop_oneof![9 => Just(usual), 1 => 0..4_u8];
    let value = proptest::collection::vec(any::<u8>(), 0..12);
    let instance = (kind(1), id(), value.clone(), any::<bool>())
        .prop_map(|(kind, id, value, more)| tlv(kind, id, &value, more));
    let array = proptest::collection::vec(instance, 0..3);
    let resource = prop_oneof![
        (kind(3), id(), value, any::<bool>())
            .prop_map(|(kind, id, value, more)| tlv(kind, id, &value, more)),
        (kind(2), id(), array, any::<bool>()).prop_map(|(kind, id, array, more)| tlv(
            kind,
            id,
            &array.concat(),
            more
        )),
    ];
    let resources = proptest::collection::vec(resource, 0..4).prop_map(|all| all.concat());
    let wrapped = (kind(0), id(), resources.clone(), any::<bool>())
        .prop_map(|(kind, id, inner, more)| tlv(kind, id, &inner, more));
    let all = prop_oneof![
        resources,
        proptest::collection::vec(wrapped, 0..3).prop_map(|all| all.concat()),
    ];
    // And now and then a byte that is something else.
    (all, any::<prop::sample::Index>(), any::<u8>(), 0..4).prop_map(
        |(mut bytes, at, byte, odds)| {
            if odds == 0 && !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_decoders_read_the_same(bytes in tree()) {
        for base in ["/3", "/3/0", "/3/1"] {
            let base: Path = base.parse().unwrap();
            let decoder = Decoder::new(ContentFormat::TLV, base, &bytes, &Untyped, &mut []).unwrap();
            let ours: Result<Vec<_>, _> = decoder.collect();
            let ours = ours.ok().map(|records| {
                records
                    .into_iter()
                    .map(|record| match record.value {
                        Value::Opaque(bytes) => (record.path, Some(bytes.to_vec())),
                        _ => (record.path, None),
                    })
                    .collect::<Vec<_>>()
            });
            prop_assert_eq!(ours, reference(base, &bytes), "{:02x?} of {}", bytes, base);
        }
    }
}

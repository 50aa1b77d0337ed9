//! What must hold for every input, called by the properties here and by the fuzz targets of the workspace.

use core::ops::Range;

use dunlin_codec::{
    ContentFormat, DecodeError, Decoder, EncodeError, Encoder, Part, Record, encode_part, link,
};
use dunlin_model::{Level, Path, Value, objects};

/// The paths of requests that payloads are tried as answers to.
const BASES: [&str; 12] = [
    "/",
    "/0",
    "/1",
    "/3",
    "/3/0",
    "/3303",
    "/3303/0",
    "/3/0/6",
    "/3/0/6/1",
    "/3303/0/5700",
    "/9/0/7",
    "/9/0",
];

/// Takes the first byte of `input` as the choice of a request and the rest as a payload of `format`.
pub(crate) fn payload(format: ContentFormat, input: &[u8]) {
    let Some((&choice, bytes)) = input.split_first() else {
        return;
    };
    let base: Path = BASES[usize::from(choice) % BASES.len()].parse().unwrap();
    let mut scratch = vec![0; bytes.len()];
    let scratch_place = scratch.as_ptr_range();
    let Ok(records) = decode(format, base, bytes, &mut scratch) else {
        return;
    };

    for record in &records {
        assert!(base.contains(&record.path), "{record:?} is outside {base}");
        let place = match record.value {
            Value::String(text) | Value::Corelnk(text) => text.as_bytes().as_ptr_range(),
            Value::Opaque(bytes) => bytes.as_ptr_range(),
            _ => continue,
        };
        assert!(
            is_inside(&place, &bytes.as_ptr_range()) || is_inside(&place, &scratch_place),
            "{record:?} is not in the payload"
        );
    }

    // What was read is written in the one canonical form.
    let mut buffer = vec![0; 4 * bytes.len() + 1000];
    let length = match encode(format, base, &records, &mut buffer) {
        Ok(length) => length,
        Err(error) => {
            // Also a resource that is both single and multiple.
            let shuffled = !records.is_sorted_by(|left, right| {
                left.path < right.path
                    && !(left.path.level() == Level::Resource && left.path.contains(&right.path))
            });
            // Nodes without values are not told; of nothing but such nodes there is no canonical form.
            let empty = (records.is_empty() && error == EncodeError::Empty)
                || records.iter().any(|record| record.value == Value::None);
            assert!(
                error != EncodeError::NoSpace && (shuffled || empty),
                "{records:?}: {error}"
            );
            return;
        }
    };
    let canonical = &buffer[..length];
    // TLV names an instance only by what is in it, unless there is nothing.
    let named_only =
        |pair: &&[Record<'_>]| pair[0].value == Value::None && pair[0].path.contains(&pair[1].path);
    let implied = if format == ContentFormat::TLV {
        records.windows(2).filter(named_only).count()
    } else {
        0
    };
    let mut scratch = vec![0; length];
    let again = decode(format, base, canonical, &mut scratch).unwrap();
    if records.is_empty() && again == [Record::new(base, Value::None)] {
        // Of a node of which there is nothing to tell, it is told that it is there.
        return;
    }
    assert_eq!(again.len() + implied, records.len());
    if implied > 0 {
        return;
    }
    let mut buffer = vec![0; length];
    assert_eq!(encode(format, base, &again, &mut buffer), Ok(length));
    assert_eq!(&buffer[..length], canonical);

    // Block by block it is the same.
    let size = 1 + usize::from(choice) % 64;
    let mut block = vec![0; size];
    let mut whole: Vec<u8> = Vec::new();
    while whole.len() < length {
        let part = encode_part(format, base, whole.len(), &mut block, |encoder| {
            again.iter().try_for_each(|record| encoder.push(record))
        });
        let part: Part = part.map_err(|error: EncodeError| error).unwrap();
        assert_eq!(part.total, length);
        assert_eq!(part.length, size.min(length - whole.len()));
        whole.extend(&block[..part.length]);
    }
    assert_eq!(whole, canonical);
}

/// Takes `text` as a list of links.
pub(crate) fn links(text: &str) {
    let links: Result<Vec<_>, _> = link::parse(text).collect();
    let links = match links {
        Ok(links) => links,
        Err(error) => {
            assert!(error.offset <= text.len());
            return;
        }
    };
    let mut buffer = vec![0; 2 * text.len()];
    let mut writer = link::Writer::new(&mut buffer);
    for link in &links {
        if let Some(path) = link.path() {
            assert_eq!(
                path.to_string().len(),
                link.target.trim_end_matches('/').len().max(1)
            );
        }
        writer.target(link.target);
        for attribute in link.attributes() {
            match attribute.value {
                Some(_) if attribute.quoted => {
                    let value: String = attribute.unescaped().collect();
                    writer.quoted(attribute.name, &value);
                }
                Some(value) => drop(writer.attribute(attribute.name, value).finish()),
                None => drop(writer.flag(attribute.name).finish()),
            }
        }
    }
    let length = writer.finish().unwrap();
    let written = core::str::from_utf8(&buffer[..length]).unwrap();
    let again: Vec<_> = link::parse(written).map(Result::unwrap).collect();
    assert_eq!(again.len(), links.len());
    for (left, right) in again.iter().zip(&links) {
        assert_eq!(left.target, right.target);
        assert!(
            left.attributes()
                .map(|attribute| attribute.name)
                .eq(right.attributes().map(|attribute| attribute.name))
        );
    }
}

/// Takes `text` as a path.
pub(crate) fn path(text: &str) {
    match text.parse::<Path>() {
        Ok(path) => assert_eq!(path.to_string(), text),
        Err(error) => assert!(error.at <= text.len()),
    }
}

pub(crate) fn decode<'a>(
    format: ContentFormat,
    base: Path,
    bytes: &'a [u8],
    scratch: &'a mut [u8],
) -> Result<Vec<Record<'a>>, DecodeError> {
    let records: Result<Vec<_>, _> =
        Decoder::new(format, base, bytes, objects::CORE, scratch)?.collect();
    if let Err(error) = &records {
        assert!(error.offset <= bytes.len());
    }
    records
}

pub(crate) fn encode(
    format: ContentFormat,
    base: Path,
    records: &[Record<'_>],
    buffer: &mut [u8],
) -> Result<usize, EncodeError> {
    let mut encoder = Encoder::new(format, base, buffer);
    records.iter().try_for_each(|record| encoder.push(record))?;
    encoder.finish()
}

fn is_inside(part: &Range<*const u8>, whole: &Range<*const u8>) -> bool {
    whole.start <= part.start && part.end <= whole.end
}

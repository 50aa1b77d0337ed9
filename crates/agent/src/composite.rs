//! Operations on several nodes at once (Core 1.2.2 §6.3.8 to §6.3.10 and §6.4.6).

use dunlin_codec::ContentFormat;
use dunlin_model::{Level, Path};
use heapless::Vec;

use crate::content::{self, Sink};
use crate::features::{ACCESS_CONTROL, COMPOSITE, SEND};
use crate::write::{Author, Payload, Records};
use crate::{Error, Objects, access, set};

/// How many nodes a list may name.
pub(crate) const PATHS: usize = 8;

/// How many lists there may be, in answers that wait, observations and Sends.
const LISTS: usize = if COMPOSITE { 4 } else { SEND as usize };

/// The nodes of a composite operation, in the order of their paths, none within another.
pub(crate) type PathList = Vec<Path, PATHS>;

/// The lists in use.
#[derive(Debug)]
pub(crate) struct Lists([Option<PathList>; LISTS]);

impl Lists {
    pub(crate) const fn new() -> Self {
        Self([const { None }; LISTS])
    }

    /// Keeps a list and gives its number.
    pub(crate) fn keep(&mut self, list: PathList) -> Result<u8, Error> {
        let place = self.0.iter().position(Option::is_none);
        let place = place.ok_or(Error::NoSpace)?;
        if let Some(slot) = self.0.get_mut(place) {
            *slot = Some(list);
        }
        u8::try_from(place).map_err(|_| Error::NoSpace)
    }

    pub(crate) fn get(&self, number: u8) -> &[Path] {
        self.0
            .get(usize::from(number))
            .and_then(Option::as_ref)
            .map_or(&[], |list| list.as_slice())
    }

    pub(crate) fn free(&mut self, number: u8) {
        if let Some(slot) = self.0.get_mut(usize::from(number)) {
            *slot = None;
        }
    }
}

/// Puts `path` in its place in the list, unless a node of the list holds it already.
pub(crate) fn insert(list: &mut PathList, path: Path) -> Result<(), Error> {
    if list.iter().any(|known| known.contains(&path)) {
        return Ok(());
    }
    // Those within the new one are left out, and the greater of two is carried on to the next.
    let mut merged = PathList::new();
    let mut carried = path;
    for known in list.iter().filter(|known| !path.contains(known)) {
        let smaller = carried.min(*known);
        carried = carried.max(*known);
        merged.push(smaller).map_err(|_| Error::NoSpace)?;
    }
    merged.push(carried).map_err(|_| Error::NoSpace)?;
    *list = merged;
    Ok(())
}

/// Reads the list of nodes in the payload of a composite request.
pub(crate) fn read_list(payload: Payload<'_>) -> Result<PathList, Error> {
    let mut list = PathList::new();
    if !is_list(payload.format) {
        return Err(Error::UnsupportedFormat);
    }
    let records = Records {
        payload,
        base: Path::ROOT,
        definitions: &[],
    };
    records.visit(&mut |record| {
        if !record.value.is_none() {
            return Err(Error::BadValue);
        }
        insert(&mut list, record.path)
    })?;
    if list.is_empty() {
        return Err(Error::BadValue);
    }
    Ok(list)
}

/// SenML, ETCH or not, can name nodes without values.
fn is_list(format: ContentFormat) -> bool {
    format.is_supported()
        && matches!(
            format,
            ContentFormat::SENML_ETCH_CBOR
                | ContentFormat::SENML_ETCH_JSON
                | ContentFormat::SENML_CBOR
                | ContentFormat::SENML_JSON
        )
}

/// Whether a payload of `format` can hold nodes of several objects.
pub(crate) fn is_for_several(format: ContentFormat) -> bool {
    format.is_supported()
        && matches!(
            format,
            ContentFormat::SENML_CBOR | ContentFormat::SENML_JSON | ContentFormat::LWM2M_CBOR
        )
}

/// The format for nodes of several objects: `preferred`, if it can hold them.
pub(crate) fn format_for_several(preferred: ContentFormat) -> ContentFormat {
    if is_for_several(preferred) {
        preferred
    } else {
        ContentFormat::SENML_CBOR
    }
}

/// Gives what can be read at and below a node, unless it is not there or cannot be read.
pub(crate) fn node(
    objects: &dyn Objects,
    path: Path,
    sink: &mut Sink<'_, '_>,
) -> Result<(), Error> {
    if path.level() == Level::Root {
        for collection in objects.iter() {
            let object = Path::object(collection.definition().id);
            if !content::is_secret(object) {
                match content::node(objects, object, sink) {
                    Err(Error::Unauthorized) => {}
                    other => other?,
                }
            }
        }
        return Ok(());
    }
    match content::node(objects, path, sink) {
        Err(Error::NotFound | Error::NotAllowed | Error::Unauthorized) => Ok(()),
        other => other,
    }
}

/// Whether anything can be read of the nodes.
pub(crate) fn is_readable(objects: &dyn Objects, server: Option<u16>, paths: &[Path]) -> bool {
    // An empty pack of SenML CBOR is one byte.
    let part = content::encode(
        objects,
        server,
        Path::ROOT,
        Some(paths),
        ContentFormat::SENML_CBOR,
        0,
        &mut [],
    );
    part.is_ok_and(|part| part.total > 1)
}

/// Writes all that `payload` says, or nothing (Core 1.2.2 §6.3.9).
pub(crate) fn write(
    objects: &mut dyn Objects,
    server: Option<u16>,
    payload: Payload<'_>,
) -> Result<(), Error> {
    let etch = match payload.format {
        ContentFormat::SENML_ETCH_CBOR | ContentFormat::SENML_ETCH_JSON => true,
        format if is_for_several(format) => false,
        _ => return Err(Error::UnsupportedFormat),
    };
    let author = Author::Composer { etch };
    let mut definitions = set::Definitions::new();
    set::definitions(objects, &mut definitions)?;
    let records = Records {
        payload,
        base: Path::ROOT,
        definitions: &definitions,
    };
    if records.check(objects, author, false)? == 0 {
        return Err(Error::BadValue);
    }
    if ACCESS_CONTROL {
        records.visit(&mut |record| access::check(objects, server, record.path, access::WRITE))?;
    }
    records.apply(objects, author)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ascends_and_holds_nothing_twice() {
        let mut list = PathList::new();
        for path in ["/3/0/9", "/1/0", "/3/0/9", "/1/0/1", "/3", "/0"] {
            insert(&mut list, path.parse().unwrap()).unwrap();
        }
        let expected = ["/0", "/1/0", "/3"].map(|path| path.parse().unwrap());
        assert_eq!(list, expected);
        for object in 10..15 {
            insert(&mut list, Path::try_from((object,)).unwrap()).unwrap();
        }
        assert_eq!(
            insert(&mut list, Path::try_from((15,)).unwrap()),
            Err(Error::NoSpace)
        );
    }
}

//! Operations on several nodes at once (Core 1.2.2 §6.3.8 to §6.3.10 and §6.4.6).

use dunlin_codec::{ContentFormat, Part, encode_part};
use dunlin_model::{Level, Path};
use heapless::Vec;

use crate::content::{self, Sink};
use crate::features::{COMPOSITE, SEND};
use crate::table::Table;
use crate::write::{self, Author, Payload};
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
    list.retain(|known| !path.contains(known));
    if list.is_full() {
        return Err(Error::NoSpace);
    }
    // The greater ones move on by one, each into the place of the next: `insert` brings a general `memmove` along.
    let mut carried = path;
    for known in list.iter_mut().filter(|known| **known > path) {
        core::mem::swap(known, &mut carried);
    }
    list.push(carried).map_err(|_| Error::NoSpace)
}

/// Reads the list of nodes in the payload of a composite request.
pub(crate) fn read_list(payload: Payload<'_>) -> Result<PathList, Error> {
    let mut list = PathList::new();
    if !is_list(payload.format) {
        return Err(Error::UnsupportedFormat);
    }
    payload.visit_all(Path::ROOT, &[], &mut |record| {
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

/// Writes a part of what can be read of the nodes: those that are not there, or cannot be read, are left out.
pub(crate) fn encode(
    objects: &dyn Objects,
    server: Option<u16>,
    paths: &[Path],
    format: ContentFormat,
    skip: usize,
    buffer: &mut [u8],
) -> Result<Part, Error> {
    encode_part(format, Path::ROOT, skip, buffer, |encoder| {
        let mut sink = Sink::new(encoder, format, server);
        paths
            .iter()
            .try_for_each(|path| node(objects, *path, &mut sink))
    })
}

fn node(objects: &dyn Objects, path: Path, sink: &mut Sink<'_, '_>) -> Result<(), Error> {
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
    let part = encode(
        objects,
        server,
        paths,
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
    let definitions = set::definitions(objects)?;
    let mut table = Table::new(payload, Path::ROOT, &definitions, false);
    payload.visit_all(Path::ROOT, &definitions, &mut |record| {
        let target = content::target(objects, record.path)?;
        let (object, _) = target.resource()?;
        write::check(objects, object, target.definition, author, record)?;
        access::check(objects, server, record.path, access::WRITE)?;
        table.take(object, record)
    })?;
    if table.count == 0 {
        return Err(Error::BadValue);
    }
    write::apply_all(objects, Path::ROOT, &definitions, author, payload)
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

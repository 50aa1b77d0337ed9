//! The notification attributes that servers have attached.

use dunlin_model::{Attributes, Path};

use crate::Error;

/// The attributes that one server has attached to one node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attached {
    /// Which server, by its place among the agent's.
    server: usize,
    path: Path,
    attributes: Attributes,
}

/// What `server` has attached to the node itself.
pub(crate) fn attached(table: &[Option<Attached>], server: usize, path: Path) -> Attributes {
    table
        .iter()
        .flatten()
        .find(|entry| entry.server == server && entry.path == path)
        .map_or(Attributes::NONE, |entry| entry.attributes)
}

/// What holds for the node: its own attributes, and those of the nodes above where it has none (Core 1.2.2 §7.3.2).
pub(crate) fn effective(table: &[Option<Attached>], server: usize, path: Path) -> Attributes {
    let mut found = attached(table, server, path);
    let mut node = path.parent();
    while let Some(above) = node {
        found = found.or(attached(table, server, above));
        node = above.parent();
    }
    found
}

/// Attaches `attributes` to the node in place of those it has.
pub(crate) fn attach(
    table: &mut [Option<Attached>],
    server: usize,
    path: Path,
    attributes: Attributes,
) -> Result<(), Error> {
    let known = |slot: &&mut Option<Attached>| {
        slot.is_some_and(|entry| entry.server == server && entry.path == path)
    };
    let entry = Attached {
        server,
        path,
        attributes,
    };
    if let Some(slot) = table.iter_mut().find(known) {
        *slot = (!attributes.is_empty()).then_some(entry);
    } else if !attributes.is_empty() {
        *table
            .iter_mut()
            .find(|slot| slot.is_none())
            .ok_or(Error::NoSpace)? = Some(entry);
    }
    Ok(())
}

/// Forgets what is attached at and below `path`, which has been deleted.
pub(crate) fn forget(table: &mut [Option<Attached>], path: Path) {
    for slot in table {
        if slot.is_some_and(|entry| path.contains(&entry.path)) {
            *slot = None;
        }
    }
}

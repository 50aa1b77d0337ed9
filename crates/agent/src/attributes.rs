//! The notification attributes that servers have attached.

use dunlin_model::{AttributeSet, Path};

use crate::Error;
use crate::features::HISTORY;

/// The attributes that one server has attached to one node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attached {
    attributes: AttributeSet,
    path: Path,
    /// Which server, by its place among the agent's; or [`own`] of an observation.
    server: u8,
}

impl Attached {
    fn is_at(&self, server: usize, path: Path) -> bool {
        usize::from(self.server) == server && self.path == path
    }
}

/// Whether the agent acts on these. What it does not act on it does not take: histories.
pub(crate) fn is_supported(attributes: &AttributeSet) -> bool {
    HISTORY || attributes.hqmax().is_none()
}

/// What stands for the server where the attributes are those that an observation came with; they are at the root.
pub(crate) fn own(observation: usize) -> usize {
    observation.saturating_add(128)
}

/// Forgets all that `server` has attached.
pub(crate) fn detach(table: &mut [Option<Attached>], server: usize) {
    for slot in table {
        if slot.is_some_and(|entry| usize::from(entry.server) == server) {
            *slot = None;
        }
    }
}

/// Sets in `to`, where it is not set, what `server` has attached to the node itself.
pub(crate) fn fill(table: &[Option<Attached>], server: usize, path: Path, to: &mut AttributeSet) {
    let mut entries = table.iter().filter_map(Option::as_ref);
    if let Some(entry) = entries.find(|entry| entry.is_at(server, path)) {
        to.fill(&entry.attributes);
    }
}

/// What `server` has attached to the node itself.
pub(crate) fn attached(table: &[Option<Attached>], server: usize, path: Path) -> AttributeSet {
    let mut attributes = AttributeSet::NONE;
    fill(table, server, path, &mut attributes);
    attributes
}

/// All that `server` has attached, with the nodes.
#[cfg(feature = "persistence")]
pub(crate) fn all(
    table: &[Option<Attached>],
    server: usize,
) -> impl Iterator<Item = (Path, &AttributeSet)> {
    table
        .iter()
        .filter_map(Option::as_ref)
        .filter(move |entry| usize::from(entry.server) == server)
        .map(|entry| (entry.path, &entry.attributes))
}

/// Sets in `to`, where it is not set, what holds for the node: its own attributes, and those of the nodes above where it
/// has none (Core 1.2.2 §7.3.2).
pub(crate) fn fill_effective(
    table: &[Option<Attached>],
    server: usize,
    path: Path,
    to: &mut AttributeSet,
) {
    let mut node = Some(path);
    while let Some(path) = node {
        fill(table, server, path, to);
        node = path.parent();
    }
}

/// Whether `server` wants what is at or below the node confirmed (`con`).
pub(crate) fn confirms(table: &[Option<Attached>], server: usize, path: Path) -> bool {
    table.iter().filter_map(Option::as_ref).any(|entry| {
        let here = usize::from(entry.server) == server && path.contains(&entry.path);
        here && entry.attributes.con() == Some(true)
    })
}

/// Attaches `attributes` to the node in place of those it has.
pub(crate) fn attach(
    table: &mut [Option<Attached>],
    server: usize,
    path: Path,
    attributes: &AttributeSet,
) -> Result<(), Error> {
    let known =
        |slot: &&mut Option<Attached>| slot.as_ref().is_some_and(|entry| entry.is_at(server, path));
    let server = u8::try_from(server).map_err(|_| Error::NoSpace)?;
    let entry = Attached {
        attributes: *attributes,
        path,
        server,
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

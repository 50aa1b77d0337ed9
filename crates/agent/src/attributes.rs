//! The notification attributes that servers have attached.

use dunlin_model::{Attributes, Path};

use crate::Error;

/// The attributes that one server has attached to one node: those that the agent acts on, in little room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attached {
    path: Path,
    gt: Option<f64>,
    lt: Option<f64>,
    st: Option<f64>,
    pmin: Option<u32>,
    pmax: Option<u32>,
    edge: Option<bool>,
    con: Option<bool>,
    /// Which server, by its place among the agent's; or [`own`] of an observation.
    server: u8,
}

impl Attached {
    fn attributes(&self) -> Attributes {
        Attributes {
            pmin: self.pmin,
            pmax: self.pmax,
            gt: self.gt,
            lt: self.lt,
            st: self.st,
            edge: self.edge,
            con: self.con,
            ..Attributes::NONE
        }
    }

    fn is_at(&self, server: usize, path: Path) -> bool {
        usize::from(self.server) == server && self.path == path
    }
}

/// Whether the agent acts on these. What it does not act on it does not take: the periods of evaluation, because the
/// application decides when there is something to evaluate, and histories.
pub(crate) fn is_supported(attributes: &Attributes) -> bool {
    attributes.epmin.is_none() && attributes.epmax.is_none() && attributes.hqmax.is_none()
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

/// What `server` has attached to the node itself.
pub(crate) fn attached(table: &[Option<Attached>], server: usize, path: Path) -> Attributes {
    table
        .iter()
        .flatten()
        .find(|entry| entry.is_at(server, path))
        .map_or(Attributes::NONE, Attached::attributes)
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
    let known =
        |slot: &&mut Option<Attached>| slot.as_ref().is_some_and(|entry| entry.is_at(server, path));
    let entry = Attached {
        path,
        gt: attributes.gt,
        lt: attributes.lt,
        st: attributes.st,
        pmin: attributes.pmin,
        pmax: attributes.pmax,
        edge: attributes.edge,
        con: attributes.con,
        server: u8::try_from(server).map_err(|_| Error::NoSpace)?,
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

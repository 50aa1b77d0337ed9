//! The notification attributes that servers have attached.

use dunlin_model::{Attributes, Path};

use crate::Error;
use crate::features::HISTORY;

/// The attributes that one server has attached to one node: those that the agent acts on, in little room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attached {
    path: Path,
    /// `gt`, `lt`, `st`.
    numbers: [f64; 3],
    /// `pmin`, `pmax`, `epmin`, `epmax`, and `hqmax` where it is acted on.
    seconds: [u32; WHOLE],
    /// Which of them are set, in this order, then `edge` and its value, `con` and its value: a bit each.
    bits: u16,
    /// Which server, by its place among the agent's; or [`own`] of an observation.
    server: u8,
}

/// How many attributes are whole numbers.
const WHOLE: usize = if HISTORY { 5 } else { 4 };

const EDGE: u32 = 8;
const CON: u32 = 10;

impl Attached {
    fn new(server: u8, path: Path, attributes: &Attributes) -> Self {
        let numbers = [attributes.gt, attributes.lt, attributes.st];
        let whole = [
            attributes.pmin,
            attributes.pmax,
            attributes.epmin,
            attributes.epmax,
            attributes.hqmax.filter(|_| HISTORY),
        ];
        let mut bits = 0_u16;
        let mut place = 0_u32;
        let mut set = |is_set: bool| {
            bits |= u16::from(is_set) << place;
            place = place.wrapping_add(1);
        };
        for number in &numbers {
            set(number.is_some());
        }
        for number in &whole {
            set(number.is_some());
        }
        for flag in [attributes.edge, attributes.con] {
            set(flag.is_some());
            set(flag == Some(true));
        }
        let mut seconds = [0; WHOLE];
        for (slot, number) in seconds.iter_mut().zip(whole) {
            *slot = number.unwrap_or_default();
        }
        Self {
            path,
            numbers: numbers.map(Option::unwrap_or_default),
            seconds,
            bits,
            server,
        }
    }

    fn has(&self, bit: u32) -> bool {
        self.bits >> bit & 1 == 1
    }

    fn attributes(&self) -> Attributes {
        let [gt, lt, st] = self.numbers;
        let [pmin, pmax, epmin, epmax, ..] = self.seconds;
        let hqmax = self.seconds.get(4).copied().unwrap_or_default();
        let flag = |bit: u32| self.has(bit).then(|| self.has(bit.wrapping_add(1)));
        Attributes {
            gt: self.has(0).then_some(gt),
            lt: self.has(1).then_some(lt),
            st: self.has(2).then_some(st),
            pmin: self.has(3).then_some(pmin),
            pmax: self.has(4).then_some(pmax),
            epmin: self.has(5).then_some(epmin),
            epmax: self.has(6).then_some(epmax),
            edge: flag(EDGE),
            con: flag(CON),
            hqmax: self.has(7).then_some(hqmax),
        }
    }

    fn is_at(&self, server: usize, path: Path) -> bool {
        usize::from(self.server) == server && self.path == path
    }
}

/// Whether the agent acts on these. What it does not act on it does not take: histories.
pub(crate) fn is_supported(attributes: &Attributes) -> bool {
    HISTORY || attributes.hqmax.is_none()
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
        .filter_map(Option::as_ref)
        .find(|entry| entry.is_at(server, path))
        .map_or(Attributes::NONE, Attached::attributes)
}

/// All that `server` has attached, with the nodes.
#[cfg(feature = "persistence")]
pub(crate) fn all(
    table: &[Option<Attached>],
    server: usize,
) -> impl Iterator<Item = (Path, Attributes)> {
    table
        .iter()
        .filter_map(Option::as_ref)
        .filter(move |entry| usize::from(entry.server) == server)
        .map(|entry| (entry.path, entry.attributes()))
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
    let server = u8::try_from(server).map_err(|_| Error::NoSpace)?;
    let entry = Attached::new(server, path, &attributes);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_room_keeps_all() {
        let all = Attributes {
            pmin: Some(1),
            pmax: Some(2),
            gt: Some(3.5),
            lt: Some(-4.5),
            st: Some(0.25),
            epmin: Some(5),
            epmax: Some(6),
            edge: Some(true),
            con: Some(false),
            hqmax: Some(7),
        };
        let alone = |attributes: Attributes| Attached::new(1, Path::ROOT, &attributes).attributes();
        assert_eq!(alone(all), all);
        assert_eq!(alone(Attributes::NONE), Attributes::NONE);
        for one in [
            Attributes {
                pmin: Some(0),
                ..Attributes::NONE
            },
            Attributes {
                epmax: Some(u32::MAX),
                ..Attributes::NONE
            },
            Attributes {
                lt: Some(0.0),
                ..Attributes::NONE
            },
            Attributes {
                edge: Some(false),
                ..Attributes::NONE
            },
            Attributes {
                con: Some(true),
                ..Attributes::NONE
            },
        ] {
            assert_eq!(alone(one), one);
        }
    }
}

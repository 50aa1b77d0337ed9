//! The notification attributes that servers have attached.

use dunlin_model::{Attributes, Path};

use crate::Error;
use crate::features::HISTORY;

/// The attributes that one server has attached to one node, in little room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attached {
    path: Path,
    /// `gt`, `lt`, `st`, as their bits.
    numbers: [u64; 3],
    /// `pmin`, `pmax`, `epmin`, `epmax`, `hqmax`.
    whole: [u32; 5],
    /// A bit for each that is set, by its place, and from [`TRUE`] on for `edge` and `con` what they are set to.
    bits: u16,
    /// Which server, by its place among the agent's; or [`own`] of an observation.
    server: u8,
}

/// How many attributes there are: [`Attributes::bits`].
const PLACES: core::ops::Range<u16> = 0..10;

/// The place of `con`.
const CON: u16 = 8;

/// How far the value of a flag lies from its place.
const TRUE: u16 = 4;

/// Where the whole number is among those.
fn whole_place(place: u16) -> usize {
    usize::from(match place {
        0 | 1 => place,
        5 | 6 => place.wrapping_sub(3),
        _ => 4,
    })
}

impl Attached {
    fn new(server: u8, path: Path, attributes: &Attributes) -> Self {
        let mut attached = Self {
            path,
            numbers: [0; 3],
            whole: [0; 5],
            bits: 0,
            server,
        };
        for place in PLACES {
            let Some(bits) = attributes.bits(place) else {
                continue;
            };
            attached.bits |= 1 << place;
            if let 2..=4 = place {
                let at = usize::from(place.wrapping_sub(2));
                if let Some(slot) = attached.numbers.get_mut(at) {
                    *slot = bits;
                }
            } else if let 7 | 8 = place {
                attached.bits |= u16::from(bits != 0) << place << TRUE;
            } else if let Some(slot) = attached.whole.get_mut(whole_place(place)) {
                *slot = u32::try_from(bits).unwrap_or_default();
            }
        }
        attached
    }

    /// Sets in `to` each that is not set there.
    fn fill(&self, to: &mut Attributes) {
        for place in PLACES {
            if self.bits >> place & 1 == 0 || to.bits(place).is_some() {
                continue;
            }
            let bits = if let 2..=4 = place {
                let at = usize::from(place.wrapping_sub(2));
                self.numbers.get(at).copied()
            } else if let 7 | 8 = place {
                Some((self.bits >> place >> TRUE & 1).into())
            } else {
                let whole = self.whole.get(whole_place(place)).copied();
                whole.map(u64::from)
            };
            to.set_bits(place, bits);
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

/// Sets in `to`, where it is not set, what `server` has attached to the node itself.
pub(crate) fn fill(table: &[Option<Attached>], server: usize, path: Path, to: &mut Attributes) {
    let mut entries = table.iter().filter_map(Option::as_ref);
    if let Some(entry) = entries.find(|entry| entry.is_at(server, path)) {
        entry.fill(to);
    }
}

/// What `server` has attached to the node itself.
pub(crate) fn attached(table: &[Option<Attached>], server: usize, path: Path) -> Attributes {
    let mut attributes = Attributes::NONE;
    fill(table, server, path, &mut attributes);
    attributes
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
        .map(|entry| {
            let mut attributes = Attributes::NONE;
            entry.fill(&mut attributes);
            (entry.path, attributes)
        })
}

/// Sets in `to`, where it is not set, what holds for the node: its own attributes, and those of the nodes above where it
/// has none (Core 1.2.2 §7.3.2).
pub(crate) fn fill_effective(
    table: &[Option<Attached>],
    server: usize,
    path: Path,
    to: &mut Attributes,
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
        here && entry.bits >> CON >> TRUE & 1 == 1
    })
}

/// Attaches `attributes` to the node in place of those it has.
pub(crate) fn attach(
    table: &mut [Option<Attached>],
    server: usize,
    path: Path,
    attributes: &Attributes,
) -> Result<(), Error> {
    let known =
        |slot: &&mut Option<Attached>| slot.as_ref().is_some_and(|entry| entry.is_at(server, path));
    let server = u8::try_from(server).map_err(|_| Error::NoSpace)?;
    let entry = Attached::new(server, path, attributes);
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
        let alone = |attributes: Attributes| {
            let mut alone = Attributes::NONE;
            Attached::new(1, Path::ROOT, &attributes).fill(&mut alone);
            alone
        };
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

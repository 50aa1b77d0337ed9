//! The record of one server: the registration, the attributes that it has attached, and what it observes.

use dunlin_coap::Token;
use dunlin_coap::observe::SequenceNumber;
use dunlin_codec::ContentFormat;
use dunlin_lwm2m::{Binding, LwM2mVersion};
use dunlin_model::float::is_nan;
use dunlin_model::{AttributeSet, Attributes, Path};

use super::bytes::{Reader, Writer};
use super::{ExportError, ImportError, KIND_SERVER, mark, record};
use crate::attributes;
use crate::composite::PathList;
use crate::engine::Core;
use crate::features::OBSERVE;
use crate::observation::Observation;
use crate::registration::{Location, Registration, Slot, Told};

/// Numbers of notifications are reserved in steps of this many, so that not every notification is to be stored.
const RESERVED: u32 = 1024;

/// What there is of an observation: a list of nodes, and the number that its server was told last.
const SEVERAL: u8 = 1;
const TOLD: u8 = 2;

impl<P: Copy + Eq> Core<'_, P> {
    /// Writes the record of the server in this place; nothing without a registration and without attributes, which outlive it.
    pub(super) fn export_server<'b>(
        &mut self,
        place: usize,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], ExportError> {
        let slot = self.servers.get(place).and_then(Option::as_ref);
        let Some(slot) = slot else {
            return Ok(&[]);
        };
        let attached = attributes::all(self.attributes, place).next().is_some();
        if !slot.is_registered() && !attached {
            return Ok(&[]);
        }
        let Some(mark) = mark(&*self.objects, slot.short_server_id) else {
            return Ok(&[]);
        };
        record(buffer, KIND_SERVER, |writer| {
            writer.u16(slot.short_server_id)?;
            writer.u32(mark)?;
            registration(slot, writer)?;
            self.export_attributes(place, writer)?;
            self.export_observations(place, writer)
        })
    }

    fn export_attributes(&self, place: usize, writer: &mut Writer<'_>) -> Option<()> {
        let at = writer.later()?;
        let mut count = 0_u8;
        for (path, attached) in attributes::all(self.attributes, place) {
            writer.path(path)?;
            write_attributes(&Attributes::from(attached), writer)?;
            count = count.checked_add(1)?;
        }
        writer.set(at, count)
    }

    fn export_observations(&self, place: usize, writer: &mut Writer<'_>) -> Option<()> {
        let at = writer.later()?;
        let mut count = 0_u8;
        let all = self.observations.iter().enumerate();
        for (index, observation) in all.filter_map(|(index, found)| Some((index, found.as_ref()?)))
        {
            if observation.server != place {
                continue;
            }
            writer.vec8(observation.token.as_bytes())?;
            writer.u16(observation.format.0)?;
            let next = (observation.sequence() / RESERVED).wrapping_add(1);
            writer.u32(next.wrapping_mul(RESERVED))?;
            let paths = match observation.list {
                Some(list) => self.state.lists.get(list),
                None => core::slice::from_ref(&observation.path),
            };
            let told = observation.landmark(&self.ruling(index, observation));
            let several = observation.list.map_or(0, |_| SEVERAL);
            writer.u8(several | told.map_or(0, |_| TOLD))?;
            writer.u8(u8::try_from(paths.len()).ok()?)?;
            paths.iter().try_for_each(|path| writer.path(*path))?;
            let own = attributes::attached(self.attributes, attributes::own(index), Path::ROOT);
            write_attributes(&Attributes::from(&own), writer)?;
            if let Some(told) = told {
                writer.put(&told.to_be_bytes())?;
            }
            count = count.checked_add(1)?;
        }
        writer.set(at, count)
    }

    /// Goes on with what is in a record, as `slot`, which is new; all or nothing.
    pub(super) fn resume_server(
        &mut self,
        mut slot: Slot<P>,
        place: usize,
        mut reader: Reader<'_>,
    ) -> Result<(), ImportError> {
        let server = reader.u16().ok_or(ImportError::Damaged)?;
        let made_with = reader.u32().ok_or(ImportError::Damaged)?;
        if server != slot.short_server_id || mark(&*self.objects, server) != Some(made_with) {
            return Err(ImportError::OtherAccount);
        }
        let now = self.state.now;
        read_registration(&mut slot, &mut reader).ok_or(ImportError::Damaged)?;
        if slot.location.is_empty() {
            let delay = slot.first_delay(&*self.objects);
            slot.wait(now.saturating_add(delay));
        } else {
            slot.state = Registration::Registered;
            slot.until = now;
            slot.update = true;
            slot.is_resumed = true;
        }
        let known = |known: &Option<Slot<P>>| {
            known
                .as_ref()
                .is_some_and(|known| known.short_server_id == server)
        };
        let place = match self.servers.iter().position(known) {
            Some(place) => place,
            None if self.servers.get(place).is_some_and(Option::is_none) => place,
            None => self
                .servers
                .iter()
                .position(Option::is_none)
                .ok_or(ImportError::NoSpace)?,
        };
        self.end_observations(place);
        attributes::detach(self.attributes, place);
        let taken = self.read_all(place, &mut reader);
        if taken.is_err() {
            self.end_observations(place);
            attributes::detach(self.attributes, place);
            return taken;
        }
        if let Some(free) = self.servers.get_mut(place) {
            *free = Some(slot);
        }
        Ok(())
    }

    fn read_all(&mut self, place: usize, reader: &mut Reader<'_>) -> Result<(), ImportError> {
        for _ in 0..reader.u8().ok_or(ImportError::Damaged)? {
            let path = reader.path().ok_or(ImportError::Damaged)?;
            let attached = read_attributes(reader).ok_or(ImportError::Damaged)?;
            self.attach(place, path, attached)?;
        }
        for _ in 0..reader.u8().ok_or(ImportError::Damaged)? {
            self.read_observation(place, reader)?;
        }
        reader.is_empty().then_some(()).ok_or(ImportError::Damaged)
    }

    fn attach(
        &mut self,
        server: usize,
        path: Path,
        attached: Attributes,
    ) -> Result<(), ImportError> {
        if !OBSERVE {
            return Err(ImportError::Unknown);
        }
        attributes::attach(
            self.attributes,
            server,
            path,
            &AttributeSet::from(&attached),
        )?;
        Ok(())
    }

    fn read_observation(
        &mut self,
        place: usize,
        reader: &mut Reader<'_>,
    ) -> Result<(), ImportError> {
        const CUT: ImportError = ImportError::Damaged;
        let token = Token::new(reader.vec8().ok_or(CUT)?).ok_or(CUT)?;
        let format = ContentFormat(reader.u16().ok_or(CUT)?);
        let sequence = SequenceNumber::new(reader.u32().ok_or(CUT)?);
        let what = reader.u8().ok_or(CUT)?;
        let several = what & SEVERAL != 0;
        let mut list = PathList::new();
        for _ in 0..reader.u8().ok_or(CUT)? {
            let path = reader.path().ok_or(CUT)?;
            list.push(path).map_err(|_| ImportError::NoSpace)?;
        }
        let own = read_attributes(reader).ok_or(CUT)?;
        let told = if what & TOLD == 0 {
            None
        } else {
            Some(f64::from_bits(reader.u64().ok_or(CUT)?)).filter(|told| !is_nan(*told))
        };
        if !OBSERVE || !format.is_supported() {
            return Err(ImportError::Unknown);
        }
        let path = if several {
            Path::ROOT
        } else {
            list.first().copied().ok_or(CUT)?
        };
        let mut observation = Observation::new(place, token, path, format, self.state.now);
        if several {
            observation.list = Some(self.state.lists.keep(list)?);
        }
        let kept = observation.list;
        let Some(index) = self.observe(observation) else {
            if let Some(list) = kept {
                self.state.lists.free(list);
            }
            return Err(ImportError::NoSpace);
        };
        if let Some(Some(observation)) = self.observations.get_mut(index) {
            observation.resume(sequence, told);
        }
        self.attach(attributes::own(index), Path::ROOT, own)
    }
}

fn registration<P>(slot: &Slot<P>, writer: &mut Writer<'_>) -> Option<()> {
    writer.u8(match slot.version {
        LwM2mVersion::V1_0 => 0,
        LwM2mVersion::V1_1 => 1,
        LwM2mVersion::V1_2 => 2,
    })?;
    writer.u32(slot.told.lifetime)?;
    let mut text = [0; 7];
    let len = slot.told.binding.encode(&mut text);
    writer.vec8(text.get(..len)?)?;
    writer.u32(slot.told.list)?;
    let at = writer.later()?;
    let mut count = 0_u8;
    // None where there is no registration.
    let segments = slot.location.segments().filter(|_| slot.is_registered());
    for segment in segments {
        writer.vec8(segment)?;
        count = count.checked_add(1)?;
    }
    writer.set(at, count)
}

fn read_registration<P>(slot: &mut Slot<P>, reader: &mut Reader<'_>) -> Option<()> {
    slot.version = match reader.u8()? {
        0 => LwM2mVersion::V1_0,
        1 => LwM2mVersion::V1_1,
        2 => LwM2mVersion::V1_2,
        _ => return None,
    };
    let lifetime = reader.u32()?;
    let binding = Binding::parse(core::str::from_utf8(reader.vec8()?).ok()?).ok()?;
    let list = reader.u32()?;
    slot.told = Told {
        lifetime,
        binding,
        list,
    };
    let count = reader.u8()?;
    let mut segments = reader.clone();
    for _ in 0..count {
        reader.vec8()?;
    }
    if count > 0 {
        slot.location = Location::new((0..count).map_while(|_| segments.vec8()))?;
    }
    Some(())
}

/// Which attributes there are, then those.
fn write_attributes(attributes: &Attributes, writer: &mut Writer<'_>) -> Option<()> {
    let numbers = [attributes.gt, attributes.lt, attributes.st];
    let seconds = [
        attributes.pmin,
        attributes.pmax,
        attributes.epmin,
        attributes.epmax,
        attributes.hqmax,
    ];
    let flags = [attributes.edge, attributes.con];
    let mut bits = 0_u16;
    let there = numbers
        .iter()
        .map(Option::is_some)
        .chain(seconds.iter().map(Option::is_some))
        .chain(flags.iter().map(Option::is_some))
        .chain(flags.iter().map(|flag| *flag == Some(true)));
    for (place, is_there) in (0_u32..).zip(there) {
        bits |= u16::from(is_there).wrapping_shl(place);
    }
    writer.u16(bits)?;
    for number in numbers.into_iter().flatten() {
        writer.put(&number.to_be_bytes())?;
    }
    for number in seconds.into_iter().flatten() {
        writer.u32(number)?;
    }
    Some(())
}

fn read_attributes(reader: &mut Reader<'_>) -> Option<Attributes> {
    let bits = reader.u16()?;
    let has = |place: u32| bits.wrapping_shr(place) & 1 == 1;
    let number = |place, reader: &mut Reader<'_>| {
        if has(place) {
            reader.u64().map(|bits| Some(f64::from_bits(bits)))
        } else {
            Some(None)
        }
    };
    let seconds = |place, reader: &mut Reader<'_>| {
        if has(place) {
            reader.u32().map(Some)
        } else {
            Some(None)
        }
    };
    Some(Attributes {
        gt: number(0, reader)?,
        lt: number(1, reader)?,
        st: number(2, reader)?,
        pmin: seconds(3, reader)?,
        pmax: seconds(4, reader)?,
        epmin: seconds(5, reader)?,
        epmax: seconds(6, reader)?,
        hqmax: seconds(7, reader)?,
        edge: has(8).then(|| has(10)),
        con: has(9).then(|| has(11)),
    })
}

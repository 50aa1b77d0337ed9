//! What a payload brings, held against what it has brought before.

use dunlin_codec::Record;
use dunlin_model::{Level, ObjectDefinition, Path};

use crate::write::Payload;
use crate::{Error, Object, content};

/// What a payload has brought so far: nothing comes twice, and resource instances have room.
pub(crate) struct Table<'p> {
    payload: Payload<'p>,
    base: Path,
    definitions: &'p [&'static ObjectDefinition],
    /// The resource instances that there are go before the new ones come.
    replaces: bool,
    /// The path of the last record, and how many records came.
    last: Path,
    pub(crate) count: usize,
    /// Whether every record came after the one before, in the order of paths: then none comes twice.
    ascends: bool,
    /// The new resource instances of the resource of the last record.
    new: usize,
}

impl<'p> Table<'p> {
    pub(crate) fn new(
        payload: Payload<'p>,
        base: Path,
        definitions: &'p [&'static ObjectDefinition],
        replaces: bool,
    ) -> Self {
        Self {
            payload,
            base,
            definitions,
            replaces,
            last: Path::ROOT,
            count: 0,
            ascends: true,
            new: 0,
        }
    }

    /// Takes the next record, which has been checked otherwise.
    pub(crate) fn take(&mut self, object: &dyn Object, record: &Record<'_>) -> Result<(), Error> {
        let resource = record.path.truncate(Level::Resource);
        self.ascends &= self.last < record.path;
        if self.last.truncate(Level::Resource) != resource {
            self.new = 0;
        }
        if !self.ascends {
            self.look_back(object, record)?;
        }
        self.last = record.path;
        self.count = self.count.saturating_add(1);
        let (Some(id), Some(_)) = (resource.resource_id(), record.path.resource_instance_id())
        else {
            return Ok(());
        };
        if self.is_new(object, record) {
            self.new = self.new.saturating_add(1);
        }
        let kept = if self.replaces {
            0
        } else {
            content::indices(object, id).count()
        };
        if self.new.saturating_add(kept) > object.room(id) {
            return Err(Error::NoSpace);
        }
        Ok(())
    }

    /// Whether a resource instance takes room that it has not taken before.
    fn is_new(&self, object: &dyn Object, record: &Record<'_>) -> bool {
        let path = record.path;
        let known = path
            .resource_id()
            .zip(path.resource_instance_id())
            .is_some_and(|(id, index)| object.read(id, index).is_some());
        (self.replaces || !known) && !record.value.is_none()
    }

    /// Reads what came before `record` again, since it is out of order.
    fn look_back(&mut self, object: &dyn Object, record: &Record<'_>) -> Result<(), Error> {
        let resource = record.path.truncate(Level::Resource);
        let mut left = self.count;
        let mut new = 0_usize;
        let mut twice = false;
        let this = &*self;
        this.payload
            .visit_all(this.base, this.definitions, &mut |earlier| {
                if left > 0 {
                    left = left.saturating_sub(1);
                    twice |= earlier.path == record.path;
                    let counts = earlier.path != resource
                        && resource.contains(&earlier.path)
                        && this.is_new(object, earlier);
                    new = new.saturating_add(usize::from(counts));
                }
                Ok(())
            })?;
        self.new = new;
        if twice { Err(Error::BadValue) } else { Ok(()) }
    }
}

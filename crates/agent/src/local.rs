//! What the device's own program does by path, by the rules that hold for a server (Core 1.2.2 §6.3): a button, a console
//! or a script on the device reads, writes, executes and sets attributes as a server would, and servers are told of it as
//! their observations ask. Where the objects are at hand as Rust types, [`Agent::set`] is the shorter way.

use dunlin_model::{AttributeSet, Attributes, InstanceId, ObjectId, Path, Value};
use rand_core::Rng;

use crate::write::Payload;
use crate::{Agent, ContentFormat, Error, Objects, attributes, content, write};

impl<
    O: Objects,
    P: Copy + Eq,
    R: Rng,
    const SERVERS: usize,
    const OBSERVATIONS: usize,
    const REPLAY: usize,
    const UPLOAD: usize,
> Agent<'_, O, P, R, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>
{
    /// The value of a resource or a resource instance.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none, [`Error::NotAllowed`] for what cannot be read or has several values,
    /// [`Error::Unauthorized`] in an object with secrets.
    pub fn read(&self, path: Path) -> Result<Value<'_>, Error> {
        content::single(self.objects(), path)
    }

    /// Writes a resource or a resource instance. Access control is for servers and not asked.
    ///
    /// # Errors
    ///
    /// Those of a server's Write: [`Error::NotFound`], [`Error::NotAllowed`] for what cannot be written,
    /// [`Error::BadValue`] for another type or a value out of range, [`Error::NoSpace`] for one resource instance too many.
    pub fn write(&mut self, path: Path, value: Value<'_>) -> Result<(), Error> {
        self.set(|objects| write::put(objects, path, value))
    }

    /// Executes a resource: what it asks of the agent or of the owner follows as after a server's Execute, in events too.
    ///
    /// # Errors
    ///
    /// Those of a server's Execute.
    pub fn execute(&mut self, path: Path, arguments: &str) -> Result<(), Error> {
        self.core().execute(path, arguments)
    }

    /// Makes an instance of an object that servers may create, with the smallest free id and no more than the default
    /// values.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::NotAllowed`] where servers cannot create, [`Error::BadValue`] where a mandatory
    /// resource has no default, [`Error::NoSpace`].
    pub fn create(&mut self, object: ObjectId) -> Result<InstanceId, Error> {
        let nothing = Payload {
            format: ContentFormat::TLV,
            bytes: &[],
        };
        self.set(|objects| write::create(objects, object, nothing))
    }

    /// Deletes an instance that servers may delete, or a resource instance.
    ///
    /// # Errors
    ///
    /// Those of a server's Delete.
    pub fn delete(&mut self, path: Path) -> Result<(), Error> {
        self.core().remove(path, dunlin_lwm2m::LwM2mVersion::V1_2)
    }

    /// How often the servers who observe a node want it to be looked at: not again before so many seconds (`epmin`), and again
    /// after so many at the latest (`epmax`). A device that reads its sensor by itself goes by it; the agent looks at whatever
    /// is [set](Self::set), no sooner than the first of the two.
    pub fn evaluation_periods(&mut self, path: Path) -> (Option<u32>, Option<u32>) {
        self.core().evaluation(path)
    }

    /// The attributes that a server has attached to a node, or that were attached for it here.
    pub fn attributes(&self, server: u16, path: Path) -> Attributes {
        let place = self.place_of(server);
        place.map_or(Attributes::NONE, |place| {
            Attributes::from(&attributes::attached(self.attached(), place, path))
        })
    }

    /// Attaches attributes to a node in place of those it has, as a server's Write-Attributes would.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for a node that is not there or a server that is not connected, [`Error::BadValue`] for
    /// attributes that contradict one another or do not fit the node, [`Error::NoSpace`].
    pub fn set_attributes(
        &mut self,
        server: u16,
        path: Path,
        attributes: Attributes,
    ) -> Result<(), Error> {
        let place = self.place_of(server).ok_or(Error::NotFound)?;
        let attributes = AttributeSet::from(&attributes);
        attributes.check().map_err(|_| Error::BadValue)?;
        self.state.changed = true;
        self.core().set_attributes(place, path, &attributes)
    }
}

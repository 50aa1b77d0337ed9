//! What an object is to the agent: resources that can be read, written and executed, in one instance or several.

use dunlin_lwm2m::Arguments;
use dunlin_model::{InstanceId, MAX_ID, ObjectDefinition, ResourceId, ResourceInstanceId, Value};

use crate::features::PROVIDES;
use crate::{Error, Field};

/// The resources of one object instance.
///
/// `#[derive(Object)]` writes this for a struct whose fields are resources. By hand it is needed where values are
/// computed or lie elsewhere: then [`ObjectType`] says what the object is, and the methods here what is in an instance.
///
/// The agent does what the object's definition already says: it refuses operations that a resource does not have,
/// values of the wrong type or out of range, and payloads it cannot read. An implementation sees only what remains.
///
/// ```
/// use dunlin_agent::{Error, Object, ObjectType, model::*};
///
/// /// A relay on the IPSO On/Off Switch object.
/// struct Relay {
///     on: bool,
///     switched: i64,
/// }
///
/// impl ObjectType for Relay {
///     const DEFINITION: &'static ObjectDefinition = &ObjectDefinition::new(
///         ObjectId::of::<3342>(),
///         "On/Off switch",
///         const {
///             &[
///                 ResourceDefinition::new(ResourceId::of::<5500>(), "Digital Input State", Operations::R, ValueType::Boolean),
///                 ResourceDefinition::new(ResourceId::of::<5505>(), "Counter Reset", Operations::E, ValueType::None),
///             ]
///         },
///     );
/// }
///
/// impl Object for Relay {
///     fn read(&self, resource: ResourceId, _: ResourceInstanceId) -> Option<Value<'_>> {
///         match resource.get() {
///             5500 => Some(Value::Boolean(self.on)),
///             5505 => Some(Value::None),
///             _ => None,
///         }
///     }
///
///     fn execute(&mut self, _: ResourceId, _: &dunlin_agent::Arguments<'_>) -> Result<(), Error> {
///         self.switched = 0;
///         Ok(())
///     }
/// }
/// ```
pub trait Object {
    /// The resource as a field; `None` when the instance has none of this id. What the other methods do when they are
    /// not implemented, they do with it.
    fn field(&self, resource: ResourceId) -> Option<&dyn Field> {
        let _ = resource;
        None
    }

    /// The resource as a field.
    fn field_mut(&mut self, resource: ResourceId) -> Option<&mut dyn Field> {
        let _ = resource;
        None
    }

    /// The value of a resource, or of one resource instance of a multiple resource (`index` is 0 for a single one).
    ///
    /// `None` when this instance does not have it. A resource that has no value to read (an executable one) answers
    /// [`Value::None`] to say that it is there. The value must be of the defined type; a number may be of another type
    /// of number.
    fn read(&self, resource: ResourceId, index: ResourceInstanceId) -> Option<Value<'_>> {
        self.field(resource)?.read(index)
    }

    /// The smallest id at or above `from` among the resource instances of a multiple resource; `None` after the last.
    ///
    /// Never called for single resources.
    fn next_index(&self, resource: ResourceId, from: u16) -> Option<ResourceInstanceId> {
        self.field(resource)?.next_index(from)
    }

    /// Whether this instance has a multiple resource even while it has no resource instances. The default says yes
    /// when there is one.
    fn has(&self, resource: ResourceId) -> bool {
        self.next_index(resource, 0).is_some()
    }

    /// How many resource instances a multiple resource can have; the default knows no limit but that of its field.
    ///
    /// A Write that brings more is refused before anything is changed.
    fn room(&self, resource: ResourceId) -> usize {
        self.field(resource).map_or(usize::MAX, Field::room)
    }

    /// Whether [`write`](Self::write) would take `value`; type, range and the right to write are checked already.
    ///
    /// A Write of several resources asks this for each of them before the first is changed, so what `check` accepts
    /// `write` must take: this is what makes a Write all or nothing.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when this instance does not have the resource, [`Error::BadValue`] for a value that does
    /// not fit, any other error as it applies.
    fn check(
        &self,
        resource: ResourceId,
        index: ResourceInstanceId,
        value: &Value<'_>,
    ) -> Result<(), Error> {
        match self.field(resource) {
            Some(field) => field.check(value),
            None => self
                .read(resource, index)
                .map(|_| ())
                .ok_or(Error::NotFound),
        }
    }

    /// Sets a resource, or one resource instance of a multiple resource.
    ///
    /// # Errors
    ///
    /// None that [`check`](Self::check) has not given before. Without a field there is nothing to write.
    fn write(
        &mut self,
        resource: ResourceId,
        index: ResourceInstanceId,
        value: &Value<'_>,
    ) -> Result<(), Error> {
        self.field_mut(resource)
            .ok_or(Error::NotAllowed)?
            .write(index, value)
    }

    /// Takes a resource away: all resource instances of a multiple one before they are replaced, or an optional
    /// writable resource that a replacing Write of the instance leaves out. What cannot be missing stays.
    fn clear(&mut self, resource: ResourceId) {
        if let Some(field) = self.field_mut(resource) {
            field.clear();
        }
    }

    /// Takes one resource instance of a multiple resource away.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none, [`Error::NotAllowed`] where none can be taken away: without a field.
    fn remove(&mut self, resource: ResourceId, index: ResourceInstanceId) -> Result<(), Error> {
        self.field_mut(resource)
            .ok_or(Error::NotAllowed)?
            .remove(index)
    }

    /// Carries out an Execute.
    ///
    /// # Errors
    ///
    /// [`Error::BadValue`] for arguments that make no sense, [`Error::NotAllowed`] when the state forbids it. Without a
    /// field there is nothing to execute.
    fn execute(&mut self, resource: ResourceId, arguments: &Arguments<'_>) -> Result<(), Error> {
        self.field_mut(resource)
            .ok_or(Error::NotAllowed)?
            .execute(arguments)
    }
}

/// What an object is: its definition, and whether servers may make instances.
///
/// A type that implements this stands in an [`Objects`](crate::Objects) set as a single instance with id 0, or inside
/// [`Instances`] as one of several.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no object",
    label = "not an object",
    note = "derive `Object` for it, or implement `Object` and `ObjectType`"
)]
pub trait ObjectType: Object + Sized {
    /// The definition: its id, version, and the resources that an instance may have.
    const DEFINITION: &'static ObjectDefinition;

    /// A new instance for a Create of a server; `None`, the default, when servers cannot create (and so not delete)
    /// instances of this object.
    fn create() -> Option<Self> {
        None
    }

    /// A new instance for a Bootstrap-Server, which may make instances where servers cannot: those of the Security and
    /// the Server object. The default is that of [`create`](Self::create).
    fn provide() -> Option<Self> {
        Self::create()
    }

    /// Whether [`provide`](Self::provide) makes instances: then a Bootstrap-Server may remove them too. The default makes one to
    /// see.
    fn is_provided() -> bool {
        Self::provide().is_some()
    }
}

/// An object in a set, with the definition known when the program is compiled: an [`ObjectType`], or [`Instances`] of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no object of a set",
    label = "not an object",
    note = "derive `Object` for it, or use `Instances` of a type that does; `#[objects(skip)]` leaves a field out"
)]
pub trait CollectionType: Collection {
    /// The definition.
    const DEFINITION: &'static ObjectDefinition;
}

impl<T: ObjectType> CollectionType for T {
    const DEFINITION: &'static ObjectDefinition = T::DEFINITION;
}

impl<T: ObjectType, const N: usize> CollectionType for Instances<T, N> {
    const DEFINITION: &'static ObjectDefinition = T::DEFINITION;
}

/// An object with its instances: what the agent works with. Every [`ObjectType`] is one with the single instance 0, and
/// [`Instances`] is one of any, so it is seldom implemented by hand.
pub trait Collection {
    /// The definition.
    fn definition(&self) -> &'static ObjectDefinition;

    /// The smallest instance id at or above `from`; `None` after the last.
    fn next(&self, from: u16) -> Option<InstanceId>;

    /// The instance with this id.
    fn instance(&self, id: InstanceId) -> Option<&dyn Object>;

    /// The instance with this id.
    fn instance_mut(&mut self, id: InstanceId) -> Option<&mut dyn Object>;

    /// Makes an instance with this id, which is not in use.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`] when servers cannot create instances, [`Error::NoSpace`] when there is no room.
    fn create(&mut self, id: InstanceId) -> Result<(), Error> {
        let _ = id;
        Err(Error::NotAllowed)
    }

    /// Removes the instance with this id, which is in use.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`] when servers cannot delete it.
    fn delete(&mut self, id: InstanceId) -> Result<(), Error> {
        let _ = id;
        Err(Error::NotAllowed)
    }

    /// Makes an instance with this id, which is not in use, for a Bootstrap-Server.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    fn provide(&mut self, id: InstanceId) -> Result<(), Error> {
        self.create(id)
    }

    /// Removes the instance with this id, which is in use, for a Bootstrap-Server.
    ///
    /// # Errors
    ///
    /// As [`delete`](Self::delete).
    fn withdraw(&mut self, id: InstanceId) -> Result<(), Error> {
        self.delete(id)
    }
}

impl<T: ObjectType> Collection for T {
    fn definition(&self) -> &'static ObjectDefinition {
        T::DEFINITION
    }

    fn next(&self, from: u16) -> Option<InstanceId> {
        (from == 0).then_some(InstanceId::of::<0>())
    }

    fn instance(&self, id: InstanceId) -> Option<&dyn Object> {
        (id.get() == 0).then_some(self)
    }

    fn instance_mut(&mut self, id: InstanceId) -> Option<&mut dyn Object> {
        if id.get() == 0 { Some(self) } else { None }
    }
}

/// Up to `N` instances of an object, without a heap.
///
/// ```
/// use dunlin_agent::{Instances, objects::Temperature};
///
/// let mut rooms = Instances::<Temperature, 2>::new();
/// rooms.insert(0, Temperature::new("Cel"))?;
/// rooms.insert(7, Temperature::new("Cel"))?;
/// assert!(rooms.insert(8, Temperature::new("Cel")).is_err());
/// rooms.get_mut(7).unwrap().measure(21.5);
/// # Ok::<(), Temperature>(())
/// ```
#[derive(Debug, Clone)]
pub struct Instances<T, const N: usize> {
    /// The ids, in no order: what is asked for in order is looked for. [`MAX_ID`] is no id and stands for a free place.
    ids: [u16; N],
    places: [Option<T>; N],
}

/// The place of the instance with this id; of [`MAX_ID`], a free one.
fn place(ids: &[u16], id: u16) -> Option<usize> {
    ids.iter().position(|known| *known == id)
}

/// The smallest id at or above `from`.
fn next_id(ids: &[u16], from: u16) -> Option<InstanceId> {
    let mut next = MAX_ID;
    for id in ids {
        if *id >= from && *id < next {
            next = *id;
        }
    }
    InstanceId::new(next)
}

impl<T, const N: usize> Instances<T, N> {
    /// No instances.
    pub const fn new() -> Self {
        Self {
            ids: [MAX_ID; N],
            places: [const { None }; N],
        }
    }

    /// An instance with the id 0; nothing where there is no room.
    pub(crate) fn of(instance: T) -> Self {
        let mut first = Some(instance);
        let mut ids = [MAX_ID; N];
        if let Some(id) = ids.first_mut() {
            *id = 0;
        }
        Self {
            ids,
            places: core::array::from_fn(|_| first.take()),
        }
    }

    /// Puts an instance in, in place of one with the same id.
    ///
    /// # Errors
    ///
    /// Gives the instance back when all places are taken or when the id is 65535.
    pub fn insert(&mut self, id: u16, instance: T) -> Result<(), T> {
        match self.reserve(id) {
            Some(place) => {
                *place = Some(instance);
                Ok(())
            }
            None => Err(instance),
        }
    }

    /// The place of the instance with this id, or one for it.
    fn reserve(&mut self, id: u16) -> Option<&mut Option<T>> {
        let place = place(&self.ids, id).or_else(|| place(&self.ids, MAX_ID))?;
        if id == MAX_ID {
            return None;
        }
        *self.ids.get_mut(place)? = id;
        self.places.get_mut(place)
    }

    /// The instance with this id.
    pub fn get(&self, id: u16) -> Option<&T> {
        self.places.get(place(&self.ids, id)?)?.as_ref()
    }

    /// The instance with this id.
    pub fn get_mut(&mut self, id: u16) -> Option<&mut T> {
        self.places.get_mut(place(&self.ids, id)?)?.as_mut()
    }

    /// Takes the instance with this id out.
    pub fn remove(&mut self, id: u16) -> Option<T> {
        self.release(id)?.take()
    }

    /// The place of the instance with this id, which is free from now on.
    fn release(&mut self, id: u16) -> Option<&mut Option<T>> {
        let place = place(&self.ids, id)?;
        *self.ids.get_mut(place)? = MAX_ID;
        self.places.get_mut(place)
    }

    /// The instances in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (InstanceId, &T)> {
        let mut from = Some(0_u16);
        core::iter::from_fn(move || {
            let id = next_id(&self.ids, from?)?;
            from = id.get().checked_add(1);
            Some((id, self.get(id.get())?))
        })
    }

    /// The instances, in no particular order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (InstanceId, &mut T)> {
        let places = self.ids.iter().zip(&mut self.places);
        places.filter_map(|(id, place)| Some((InstanceId::new(*id)?, place.as_mut()?)))
    }

    /// How many instances there are.
    pub fn len(&self) -> usize {
        self.ids.iter().filter(|id| **id != MAX_ID).count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T, const N: usize, const M: usize> From<[T; M]> for Instances<T, N> {
    /// Instances 0 to `M` - 1; more than `N` do not compile.
    fn from(instances: [T; M]) -> Self {
        const { assert!(M <= N, "more instances than there is room for") };
        let mut all = Self::new();
        for (id, instance) in (0..).zip(instances) {
            let _ = all.insert(id, instance);
        }
        all
    }
}

impl<T, const N: usize> Default for Instances<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: ObjectType, const N: usize> Collection for Instances<T, N> {
    fn definition(&self) -> &'static ObjectDefinition {
        T::DEFINITION
    }

    fn next(&self, from: u16) -> Option<InstanceId> {
        next_id(&self.ids, from)
    }

    fn instance(&self, id: InstanceId) -> Option<&dyn Object> {
        Some(self.get(id.get())?)
    }

    fn instance_mut(&mut self, id: InstanceId) -> Option<&mut dyn Object> {
        Some(self.get_mut(id.get())?)
    }

    fn create(&mut self, id: InstanceId) -> Result<(), Error> {
        let instance = T::create();
        if instance.is_none() {
            return Err(Error::NotAllowed);
        }
        *self.reserve(id.get()).ok_or(Error::NoSpace)? = instance;
        Ok(())
    }

    fn delete(&mut self, id: InstanceId) -> Result<(), Error> {
        if T::create().is_none() {
            return Err(Error::NotAllowed);
        }
        *self.release(id.get()).ok_or(Error::NotFound)? = None;
        Ok(())
    }

    fn provide(&mut self, id: InstanceId) -> Result<(), Error> {
        let instance = if PROVIDES { T::provide() } else { None };
        if instance.is_none() {
            return Err(Error::NotAllowed);
        }
        *self.reserve(id.get()).ok_or(Error::NoSpace)? = instance;
        Ok(())
    }

    fn withdraw(&mut self, id: InstanceId) -> Result<(), Error> {
        if !PROVIDES || !T::is_provided() {
            return Err(Error::NotAllowed);
        }
        *self.release(id.get()).ok_or(Error::NotFound)? = None;
        Ok(())
    }
}

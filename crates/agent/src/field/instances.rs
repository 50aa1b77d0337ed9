//! Multiple resources.

use dunlin_model::{ResourceInstanceId, Value, ValueType};
use heapless::Vec;

use super::{Field, FieldType, ResourceValue};
use crate::Error;

/// Up to `N` resource instances of a multiple resource, ordered by id, without a heap.
///
/// ```
/// use dunlin_agent::ResourceInstances;
///
/// let mut voltages = ResourceInstances::<i32, 2>::new();
/// voltages.insert(0, 3800)?;
/// voltages.insert(7, 5000)?;
/// assert_eq!(voltages.insert(8, 1), Err(1));
/// assert_eq!(voltages.get(7), Some(&5000));
/// assert_eq!(ResourceInstances::<i32, 2>::from([3800, 5000]).get(1), Some(&5000));
/// # Ok::<(), i32>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceInstances<T, const N: usize> {
    items: Vec<(ResourceInstanceId, T), N>,
}

impl<T, const N: usize> ResourceInstances<T, N> {
    /// No resource instances.
    pub const fn new() -> Self {
        Self { items: Vec::new() }
    }

    fn place(&self, id: ResourceInstanceId) -> Result<usize, usize> {
        self.items.binary_search_by_key(&id, |(id, _)| *id)
    }

    /// Sets the resource instance `id`.
    ///
    /// # Errors
    ///
    /// Gives the value back when all places are taken or when the id is 65535.
    pub fn insert(&mut self, id: u16, value: T) -> Result<(), T> {
        let Some(id) = ResourceInstanceId::new(id) else {
            return Err(value);
        };
        match self.place(id) {
            Ok(at) => {
                if let Some((_, old)) = self.items.get_mut(at) {
                    *old = value;
                }
                Ok(())
            }
            Err(at) => self
                .items
                .insert(at, (id, value))
                .map_err(|(_, value)| value),
        }
    }

    /// The value of the resource instance `id`.
    pub fn get(&self, id: u16) -> Option<&T> {
        let at = self.place(ResourceInstanceId::new(id)?).ok()?;
        self.items.get(at).map(|(_, value)| value)
    }

    /// The value of the resource instance `id`.
    pub fn get_mut(&mut self, id: u16) -> Option<&mut T> {
        let at = self.place(ResourceInstanceId::new(id)?).ok()?;
        self.items.get_mut(at).map(|(_, value)| value)
    }

    /// Takes the resource instance `id` out.
    pub fn remove(&mut self, id: u16) -> Option<T> {
        let at = self.place(ResourceInstanceId::new(id)?).ok()?;
        (at < self.items.len()).then(|| self.items.remove(at).1)
    }

    /// Takes all resource instances out.
    pub fn clear(&mut self) {
        self.items.clear();
    }

    /// The resource instances in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (ResourceInstanceId, &T)> {
        self.items.iter().map(|(id, value)| (*id, value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl<T, const N: usize> Default for ResourceInstances<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize, const M: usize> From<[T; M]> for ResourceInstances<T, N> {
    /// Resource instances 0 to `M` - 1; more than `N` do not compile.
    fn from(values: [T; M]) -> Self {
        const { assert!(M <= N, "more values than the resource has room for") };
        let mut all = Self::new();
        for (id, value) in (0..).zip(values) {
            let _ = all.insert(id, value);
        }
        all
    }
}

impl<T: ResourceValue, const N: usize> Field for ResourceInstances<T, N> {
    fn read(&self, index: ResourceInstanceId) -> Option<Value<'_>> {
        self.get(index.get()).map(T::value)
    }

    fn next_index(&self, from: u16) -> Option<ResourceInstanceId> {
        self.items
            .iter()
            .map(|(id, _)| *id)
            .find(|id| id.get() >= from)
    }

    fn room(&self) -> usize {
        N
    }

    fn check(&self, value: &Value<'_>) -> Result<(), Error> {
        T::check(value)
    }

    fn write(&mut self, index: ResourceInstanceId, value: &Value<'_>) -> Result<(), Error> {
        let value = T::from_value(value).ok_or(Error::BadValue)?;
        self.insert(index.get(), value).map_err(|_| Error::NoSpace)
    }

    fn clear(&mut self) {
        self.items.clear();
    }

    fn remove(&mut self, index: ResourceInstanceId) -> Result<(), Error> {
        if !T::WRITABLE {
            return Err(Error::NotAllowed);
        }
        Self::remove(self, index.get())
            .map(|_| ())
            .ok_or(Error::NotFound)
    }
}

impl<T: ResourceValue, const N: usize> FieldType for ResourceInstances<T, N> {
    const KIND: ValueType = T::KIND;
    const MULTIPLE: bool = true;
    const OPTIONAL: bool = true;
    const WRITABLE: bool = T::WRITABLE;
}

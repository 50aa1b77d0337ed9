//! Values that nobody is to see: wiped when dropped, as well as safe code can, and without a word in `Debug`.

use core::fmt;

use dunlin_model::{Value, ValueType};
use heapless::{CapacityError, Vec};

use crate::ResourceValue;

/// Up to `N` secret bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretBytes<const N: usize>(Vec<u8, N>);

impl<const N: usize> SecretBytes<N> {
    /// These bytes.
    ///
    /// # Errors
    ///
    /// When there are more than there is room for.
    pub fn new(bytes: &[u8]) -> Result<Self, CapacityError> {
        Vec::from_slice(bytes).map(Self)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl<const N: usize> Drop for SecretBytes<N> {
    fn drop(&mut self) {
        self.0.clear();
        // All of the room. That nobody reads the zeros must not be found out.
        let _ = self.0.resize(N, 0);
        core::hint::black_box(&mut self.0);
    }
}

impl<const N: usize> fmt::Debug for SecretBytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes")
    }
}

impl<const N: usize> ResourceValue for SecretBytes<N> {
    const KIND: ValueType = ValueType::Opaque;

    fn value(&self) -> Value<'_> {
        Value::Opaque(&self.0)
    }

    fn from_value(value: &Value<'_>) -> Option<Self> {
        Self::new(value.as_opaque()?).ok()
    }
}

/// A secret text of up to `N` bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretText<const N: usize>(SecretBytes<N>);

impl<const N: usize> SecretText<N> {
    /// This text.
    ///
    /// # Errors
    ///
    /// When it is longer than there is room for.
    pub fn new(text: &str) -> Result<Self, CapacityError> {
        SecretBytes::new(text.as_bytes()).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.0.as_bytes()).unwrap_or_default()
    }
}

impl<const N: usize> fmt::Debug for SecretText<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText")
    }
}

impl<const N: usize> ResourceValue for SecretText<N> {
    const KIND: ValueType = ValueType::String;

    fn value(&self) -> Value<'_> {
        Value::String(self.as_str())
    }

    fn from_value(value: &Value<'_>) -> Option<Self> {
        Self::new(value.as_str()?).ok()
    }
}

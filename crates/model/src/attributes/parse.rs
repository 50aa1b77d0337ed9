//! Reading attributes from query items.

use super::set::{Kind, kind_of};
use super::{AttributeChanges, AttributeError, Attributes, NAMES};
use crate::decimal;

impl Attributes {
    /// Reads attributes from the items of a query, `name=value` each, and checks them.
    ///
    /// ```
    /// use dunlin_model::Attributes;
    ///
    /// let attributes = Attributes::parse("pmin=10&pmax=60".split('&'))?;
    /// assert_eq!((attributes.pmin, attributes.pmax), (Some(10), Some(60)));
    /// # Ok::<(), dunlin_model::AttributeError>(())
    /// ```
    ///
    /// # Errors
    /// The first thing wrong, see [`AttributeError`]; a name without a value is [`AttributeError::Value`].
    pub fn parse<'q>(items: impl IntoIterator<Item = &'q str>) -> Result<Self, AttributeError> {
        let changes = AttributeChanges::parse(items)?;
        if changes.removes_any() {
            return Err(AttributeError::Value);
        }
        Ok(changes.set())
    }
}

impl AttributeChanges {
    /// Reads what Write-Attributes asks for from the items of its query: `name=value` sets an attribute, `name` alone
    /// removes it.
    ///
    /// # Errors
    /// The first thing wrong, see [`AttributeError`]; the values that are set must agree with each other.
    pub fn parse<'q>(items: impl IntoIterator<Item = &'q str>) -> Result<Self, AttributeError> {
        let mut changes = Self::default();
        changes.read(items)?;
        Ok(changes)
    }

    /// Does what [`parse`](Self::parse) does, in place: what was there must be no change yet.
    ///
    /// # Errors
    /// Those of [`parse`](Self::parse), after which what is there is of no use.
    pub fn read<'q>(
        &mut self,
        items: impl IntoIterator<Item = &'q str>,
    ) -> Result<(), AttributeError> {
        for item in items {
            // Not `split_once`, whose search is made for long texts.
            let equals = item.bytes().position(|byte| byte == b'=');
            let (name, value) = match equals.and_then(|at| item.split_at_checked(at)) {
                Some((name, value)) => (name, value.get(1..)),
                None => (item, None),
            };
            self.change(name, value)?;
        }
        self.set.check()
    }

    /// Sets the attribute of this name to the value in this text, or removes it.
    pub(super) fn change(&mut self, name: &str, text: Option<&str>) -> Result<(), AttributeError> {
        let place = NAMES.iter().position(|known| *known == name);
        let place = place.and_then(|place| u32::try_from(place).ok());
        let place = place.ok_or(AttributeError::Unknown)?;
        if self.removes(place) || self.set.has(place) {
            return Err(AttributeError::Duplicate);
        }
        let Some(text) = text else {
            self.removed |= 1 << place;
            return Ok(());
        };
        let bits = match kind_of(place) {
            // `1*DIGIT ["." 1*DIGIT]`, and a leading minus, which the grammar forgot but limits of signal strength need.
            Kind::Number => decimal::parse_plain(text.as_bytes()).map(f64::to_bits),
            Kind::Flag => flag(text),
            Kind::Seconds | Kind::Count => whole(text),
        };
        if bits.is_none() {
            return Err(AttributeError::Value);
        }
        self.set.put(place, bits);
        Ok(())
    }
}

fn whole(text: &str) -> Option<u64> {
    decimal::natural(text.as_bytes()).filter(|number| u32::try_from(*number).is_ok())
}

fn flag(text: &str) -> Option<u64> {
    match text {
        "0" => Some(0),
        "1" => Some(1),
        _ => None,
    }
}

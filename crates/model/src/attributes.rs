//! Notification attributes: LwM2M Core §7.3.

use core::fmt;

use crate::{Level, ValueType};

mod parse;

/// The notification attributes of a node or of an observation: LwM2M Core §7.3.2.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Attributes {
    /// At least this many seconds lie between two notifications.
    pub pmin: Option<u32>,
    /// At most this many seconds lie between two notifications; 0 is no limit.
    pub pmax: Option<u32>,
    /// Notify when the value crosses this limit, in either direction.
    pub gt: Option<f64>,
    /// Notify when the value crosses this limit, in either direction.
    pub lt: Option<f64>,
    /// Notify when the value has moved by this much, above 0.
    pub st: Option<f64>,
}

/// What is wrong with attributes; each is answered 4.00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttributeError {
    /// The name is not one of `pmin`, `pmax`, `gt`, `lt` and `st`.
    Unknown,
    /// The value is missing or not a number of the attribute's kind.
    Value,
    /// The name came twice.
    Duplicate,
    /// `st` is not above 0.
    Step,
    /// `lt` is not below `gt`, or `lt + 2 * st` is not.
    Order,
    /// `gt`, `lt` or `st` on something that is not a numeric resource.
    Target,
}

impl fmt::Display for AttributeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown attribute",
            Self::Value => "attribute without a proper number",
            Self::Duplicate => "attribute given twice",
            Self::Step => "st must be above 0",
            Self::Order => "lt + 2 * st must be below gt",
            Self::Target => "gt, lt and st are for numeric resources",
        })
    }
}

impl core::error::Error for AttributeError {}

impl Attributes {
    /// No attribute.
    pub const NONE: Self = Self {
        pmin: None,
        pmax: None,
        gt: None,
        lt: None,
        st: None,
    };

    /// Tells whether no attribute is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// Checks that the attributes agree with each other: `st` above 0, `lt` below `gt`, `lt + 2 * st` below `gt`.
    ///
    /// `pmax` below `pmin` is no error; it is ignored (see [`Attributes::effective_pmax`]).
    ///
    /// # Errors
    /// [`AttributeError::Step`] or [`AttributeError::Order`].
    pub fn check(&self) -> Result<(), AttributeError> {
        if self.st.is_some_and(|st| st.is_nan() || st <= 0.0) {
            return Err(AttributeError::Step);
        }
        if let (Some(lt), Some(gt)) = (self.lt, self.gt) {
            let margin = 2.0 * self.st.unwrap_or(0.0);
            if !matches!(
                (lt + margin).partial_cmp(&gt),
                Some(core::cmp::Ordering::Less)
            ) {
                return Err(AttributeError::Order);
            }
        }
        Ok(())
    }

    /// Checks that the attributes may be attached to a node of `level` whose values are of type `kind`, if it is known.
    ///
    /// # Errors
    /// [`AttributeError::Target`] for `gt`, `lt` or `st` on an object, an instance or a value that is not a number.
    pub fn check_target(
        &self,
        level: Level,
        kind: Option<ValueType>,
    ) -> Result<(), AttributeError> {
        let numeric = level >= Level::Resource && kind.is_none_or(ValueType::is_numeric);
        if numeric || (self.gt.is_none() && self.lt.is_none() && self.st.is_none()) {
            Ok(())
        } else {
            Err(AttributeError::Target)
        }
    }

    /// Gives the longest time between two notifications in seconds, if there is one: `pmax` above 0 and not below
    /// `pmin`.
    pub fn effective_pmax(&self) -> Option<u32> {
        self.pmax
            .filter(|pmax| *pmax > 0 && *pmax >= self.pmin.unwrap_or(0))
    }

    /// Takes each attribute that is not set here from `above`, the next level up: the lowest level wins.
    #[must_use]
    pub fn or(self, above: Self) -> Self {
        Self {
            pmin: self.pmin.or(above.pmin),
            pmax: self.pmax.or(above.pmax),
            gt: self.gt.or(above.gt),
            lt: self.lt.or(above.lt),
            st: self.st.or(above.st),
        }
    }

    /// Walks over the attributes that are set, in the order `pmin`, `pmax`, `gt`, `lt`, `st`.
    pub fn iter(&self) -> impl Iterator<Item = Attribute> + use<> {
        let seconds = |name, value: Option<u32>| {
            value.map(|value| Attribute {
                name,
                value: value.into(),
            })
        };
        let number = |name, value: Option<f64>| {
            value.map(|value| Attribute {
                name,
                value: value.into(),
            })
        };
        [
            seconds("pmin", self.pmin),
            seconds("pmax", self.pmax),
            number("gt", self.gt),
            number("lt", self.lt),
            number("st", self.st),
        ]
        .into_iter()
        .flatten()
    }
}

/// One attribute; printed `pmin=10`, as a query of Write-Attributes and a link of Discover have it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attribute {
    /// The name.
    pub name: &'static str,
    /// The value.
    pub value: AttributeValue,
}

/// The value of an [`Attribute`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum AttributeValue {
    /// Seconds.
    Seconds(u32),
    /// A number, printed without exponent.
    Number(f64),
}

impl From<u32> for AttributeValue {
    fn from(seconds: u32) -> Self {
        Self::Seconds(seconds)
    }
}

impl From<f64> for AttributeValue {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seconds(seconds) => write!(f, "{seconds}"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

/// What Write-Attributes does to one attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Change<T> {
    /// Leaves it as it is.
    #[default]
    Keep,
    /// Removes it at this level.
    Remove,
    /// Sets it.
    Set(T),
}

impl<T: Copy> Change<T> {
    fn apply(self, to: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Remove => *to = None,
            Self::Set(value) => *to = Some(value),
        }
    }

    fn from_option(value: Option<T>) -> Self {
        value.map_or(Self::Keep, Self::Set)
    }
}

/// What Write-Attributes does to the attributes of a node: LwM2M Core §6.3.4.
///
/// ```
/// use dunlin_model::{AttributeChanges, Attributes};
///
/// let changes = AttributeChanges::parse(["pmin=10", "pmax"])?;
/// let attributes = changes.apply(Attributes { pmax: Some(60), ..Attributes::NONE })?;
/// assert_eq!(attributes, Attributes { pmin: Some(10), ..Attributes::NONE });
/// # Ok::<(), dunlin_model::AttributeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AttributeChanges {
    /// The change of `pmin`.
    pub pmin: Change<u32>,
    /// The change of `pmax`.
    pub pmax: Change<u32>,
    /// The change of `gt`.
    pub gt: Change<f64>,
    /// The change of `lt`.
    pub lt: Change<f64>,
    /// The change of `st`.
    pub st: Change<f64>,
}

impl AttributeChanges {
    /// Gives the attributes of the node after the change.
    ///
    /// # Errors
    /// As [`Attributes::check`] on the result: either every change is made or none.
    pub fn apply(&self, mut to: Attributes) -> Result<Attributes, AttributeError> {
        self.pmin.apply(&mut to.pmin);
        self.pmax.apply(&mut to.pmax);
        self.gt.apply(&mut to.gt);
        self.lt.apply(&mut to.lt);
        self.st.apply(&mut to.st);
        to.check()?;
        Ok(to)
    }

    /// Gives the attributes that the change sets, without those it keeps or removes.
    pub fn set(&self) -> Attributes {
        fn value<T: Copy>(change: Change<T>) -> Option<T> {
            match change {
                Change::Set(value) => Some(value),
                Change::Keep | Change::Remove => None,
            }
        }
        Attributes {
            pmin: value(self.pmin),
            pmax: value(self.pmax),
            gt: value(self.gt),
            lt: value(self.lt),
            st: value(self.st),
        }
    }

    /// Walks over the names of the attributes that the change removes.
    pub fn removed(&self) -> impl Iterator<Item = &'static str> + use<> {
        fn name<T: PartialEq>(name: &'static str, change: &Change<T>) -> Option<&'static str> {
            (*change == Change::Remove).then_some(name)
        }
        [
            name("pmin", &self.pmin),
            name("pmax", &self.pmax),
            name("gt", &self.gt),
            name("lt", &self.lt),
            name("st", &self.st),
        ]
        .into_iter()
        .flatten()
    }
}

impl From<Attributes> for AttributeChanges {
    /// Sets what is set and keeps the rest.
    fn from(attributes: Attributes) -> Self {
        Self {
            pmin: Change::from_option(attributes.pmin),
            pmax: Change::from_option(attributes.pmax),
            gt: Change::from_option(attributes.gt),
            lt: Change::from_option(attributes.lt),
            st: Change::from_option(attributes.st),
        }
    }
}

#[cfg(test)]
mod tests;

//! Notification attributes: LwM2M Core §7.3.

use core::fmt;

use crate::decimal::Decimal;
use crate::{Level, ValueType};

mod parse;
mod properties;
mod set;

pub use properties::{Properties, PropertyError};
pub use set::AttributeSet;

/// The notification attributes of a node or of an observation: LwM2M Core §7.3.2.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Attributes {
    /// At least this many seconds lie between two notifications.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub pmin: Option<u32>,
    /// At most this many seconds lie between two notifications; 0 is no limit.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub pmax: Option<u32>,
    /// Notify when the value crosses this limit, in either direction.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub gt: Option<f64>,
    /// Notify when the value crosses this limit, in either direction.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub lt: Option<f64>,
    /// Notify when the value has moved by this much, above 0.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub st: Option<f64>,
    /// At least this many seconds lie between two evaluations of the value.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub epmin: Option<u32>,
    /// At most this many seconds lie between two evaluations of the value, above `epmin`.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub epmax: Option<u32>,
    /// Notify only when a Boolean becomes true, or only when it becomes false.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub edge: Option<bool>,
    /// Whether notifications are sent confirmable.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub con: Option<bool>,
    /// How many values are kept while the server is out of reach.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub hqmax: Option<u32>,
}

/// What is wrong with attributes; each is answered 4.00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AttributeError {
    /// The name is no notification attribute's.
    Unknown,
    /// The value is missing or not a number of the attribute's kind.
    Value,
    /// The name came twice.
    Duplicate,
    /// `st` is not above 0.
    Step,
    /// `lt` is not below `gt`, or `lt + 2 * st` is not.
    Order,
    /// `epmin` is not below `epmax`.
    Evaluation,
    /// `gt`, `lt` or `st` on something that is not a numeric resource, or `edge` on one that is not a Boolean.
    Target,
    /// An attribute that an observation of several nodes cannot have.
    Composite,
}

impl fmt::Display for AttributeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown attribute",
            Self::Value => "attribute without a proper number",
            Self::Duplicate => "attribute given twice",
            Self::Step => "st must be above 0",
            Self::Order => "lt + 2 * st must be below gt",
            Self::Evaluation => "epmin must be below epmax",
            Self::Target => "gt, lt and st are for numeric resources, edge is for a Boolean",
            Self::Composite => {
                "observations of several nodes have pmin, pmax, epmin, epmax and con only"
            }
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
        epmin: None,
        epmax: None,
        edge: None,
        con: None,
        hqmax: None,
    };

    /// Tells whether no attribute is set.
    pub fn is_empty(&self) -> bool {
        AttributeSet::from(self).is_empty()
    }

    /// Checks that the attributes agree with each other: `st` above 0, `lt` below `gt`, `lt + 2 * st` below `gt`, and
    /// `epmin` below `epmax`.
    ///
    /// `pmax` below `pmin` is no error; it is ignored (see [`Attributes::effective_pmax`]).
    ///
    /// # Errors
    /// [`AttributeError::Step`], [`AttributeError::Order`] or [`AttributeError::Evaluation`].
    pub fn check(&self) -> Result<(), AttributeError> {
        AttributeSet::from(self).check()
    }

    /// Checks that the attributes may be attached to a node of `level` whose values are of type `kind`, if it is known.
    ///
    /// # Errors
    /// [`AttributeError::Target`] for `gt`, `lt` or `st` on an object, an instance or a value that is not a number, for
    /// `edge` on anything but a Boolean, and for any attribute on the whole device.
    pub fn check_target(
        &self,
        level: Level,
        kind: Option<ValueType>,
    ) -> Result<(), AttributeError> {
        AttributeSet::from(self).check_target(level, kind)
    }

    /// Checks that the attributes may be given to an observation of several nodes (Core §6.4.2): `pmin`, `pmax`,
    /// `epmin`, `epmax` and `con`.
    ///
    /// # Errors
    /// [`AttributeError::Composite`].
    pub fn check_composite(&self) -> Result<(), AttributeError> {
        AttributeSet::from(self).check_composite()
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
        let mut set = AttributeSet::from(&self);
        set.fill(&AttributeSet::from(&above));
        Self::from(&set)
    }

    /// Walks over the attributes that are set, in the order of the fields.
    pub fn iter(&self) -> impl Iterator<Item = Attribute> + use<> {
        AttributeSet::from(self).iter()
    }
}

/// The names in the order of the fields: the tables that follow from it are a fraction of the code that each field by
/// itself would be.
static NAMES: [&str; 10] = [
    "pmin", "pmax", "gt", "lt", "st", "epmin", "epmax", "edge", "con", "hqmax",
];

/// The places of the names.
const PLACES: core::ops::Range<u32> = 0..10;

/// One attribute; printed `pmin=10`, as a query of Write-Attributes and a link of Discover have it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Attribute {
    /// The name.
    pub name: &'static str,
    /// The value.
    pub value: AttributeValue,
}

/// The value of an [`Attribute`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AttributeValue {
    /// Seconds.
    Seconds(u32),
    /// A number, printed without exponent.
    Number(f64),
    /// Yes or no, printed `1` or `0`.
    Flag(bool),
    /// A number of things.
    Count(u32),
}

impl fmt::Display for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seconds(number) | Self::Count(number) => write!(f, "{number}"),
            Self::Number(number) => Decimal(*number).fmt(f),
            Self::Flag(yes) => f.write_str(if *yes { "1" } else { "0" }),
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

/// What Write-Attributes does to the attributes of a node (LwM2M Core §6.3.4): some are set, some are removed, the rest
/// is kept.
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
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AttributeChanges {
    set: AttributeSet,
    /// A bit for each name.
    removed: u16,
}

impl AttributeChanges {
    /// Gives the attributes of the node after the change.
    ///
    /// # Errors
    /// As [`Attributes::check`] on the result: either every change is made or none.
    pub fn apply(&self, to: Attributes) -> Result<Attributes, AttributeError> {
        let mut set = AttributeSet::from(&to);
        self.apply_to(&mut set)?;
        Ok(Attributes::from(&set))
    }

    /// Does what [`apply`](Self::apply) does, in place; on an error what is left there is of no use.
    ///
    /// # Errors
    /// Those of [`apply`](Self::apply).
    pub fn apply_to(&self, to: &mut AttributeSet) -> Result<(), AttributeError> {
        to.clear(self.removed | self.set.bits());
        to.fill(&self.set);
        to.check()
    }

    /// Gives the attributes that the change sets, without those it keeps or removes.
    pub fn set(&self) -> Attributes {
        Attributes::from(&self.set)
    }

    /// The same by reference, as a device keeps them.
    pub const fn as_set(&self) -> &AttributeSet {
        &self.set
    }

    /// Walks over the names of the attributes that the change removes.
    pub fn removed(&self) -> impl Iterator<Item = &'static str> + use<> {
        let all = *self;
        let places = PLACES.zip(&NAMES);
        places.filter_map(move |(place, name)| all.removes(place).then_some(*name))
    }

    /// Whether any attribute is removed.
    pub const fn removes_any(&self) -> bool {
        self.removed != 0
    }

    /// Whether nothing is set and nothing removed.
    pub const fn is_empty(&self) -> bool {
        self.removed == 0 && self.set.is_empty()
    }

    /// Removes the attribute of this name as well.
    ///
    /// # Errors
    /// [`AttributeError::Unknown`] for another name, [`AttributeError::Duplicate`] for one that is set or removed.
    pub fn remove(&mut self, name: &str) -> Result<(), AttributeError> {
        self.change(name, None)
    }

    const fn removes(&self, place: u32) -> bool {
        self.removed >> place & 1 == 1
    }
}

impl From<Attributes> for AttributeChanges {
    /// Sets what is set and keeps the rest.
    fn from(set: Attributes) -> Self {
        Self {
            set: AttributeSet::from(&set),
            removed: 0,
        }
    }
}

#[cfg(test)]
mod tests;

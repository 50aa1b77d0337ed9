//! Notification attributes: LwM2M Core §7.3.

use core::fmt;

use crate::decimal::Decimal;
use crate::{Level, ValueType};

mod parse;
mod properties;

pub use properties::{Properties, PropertyError};

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
        *self == Self::NONE
    }

    /// Checks that the attributes agree with each other: `st` above 0, `lt` below `gt`, `lt + 2 * st` below `gt`, and
    /// `epmin` below `epmax`.
    ///
    /// `pmax` below `pmin` is no error; it is ignored (see [`Attributes::effective_pmax`]).
    ///
    /// # Errors
    /// [`AttributeError::Step`], [`AttributeError::Order`] or [`AttributeError::Evaluation`].
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
        if let (Some(epmin), Some(epmax)) = (self.epmin, self.epmax)
            && epmin >= epmax
        {
            return Err(AttributeError::Evaluation);
        }
        Ok(())
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
        let value = level >= Level::Resource;
        let numeric = value && kind.is_none_or(ValueType::is_numeric);
        let boolean = value && kind.is_none_or(|kind| kind == ValueType::Boolean);
        let thresholds = self.gt.is_some() || self.lt.is_some() || self.st.is_some();
        if (thresholds && !numeric)
            || (self.edge.is_some() && !boolean)
            || (level == Level::Root && !self.is_empty())
        {
            return Err(AttributeError::Target);
        }
        Ok(())
    }

    /// Checks that the attributes may be given to an observation of several nodes (Core §6.4.2): `pmin`, `pmax`,
    /// `epmin`, `epmax` and `con`.
    ///
    /// # Errors
    /// [`AttributeError::Composite`].
    pub fn check_composite(&self) -> Result<(), AttributeError> {
        let allowed = Self {
            pmin: self.pmin,
            pmax: self.pmax,
            epmin: self.epmin,
            epmax: self.epmax,
            con: self.con,
            ..Self::NONE
        };
        if *self == allowed {
            Ok(())
        } else {
            Err(AttributeError::Composite)
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
            epmin: self.epmin.or(above.epmin),
            epmax: self.epmax.or(above.epmax),
            edge: self.edge.or(above.edge),
            con: self.con.or(above.con),
            hqmax: self.hqmax.or(above.hqmax),
        }
    }

    /// Walks over the attributes that are set, in the order of the fields.
    pub fn iter(&self) -> impl Iterator<Item = Attribute> + use<> {
        fn named<T>(
            name: &'static str,
            value: Option<T>,
            make: fn(T) -> AttributeValue,
        ) -> Option<Attribute> {
            value.map(|value| Attribute {
                name,
                value: make(value),
            })
        }
        use AttributeValue::{Count, Flag, Number, Seconds};
        [
            named("pmin", self.pmin, Seconds),
            named("pmax", self.pmax, Seconds),
            named("gt", self.gt, Number),
            named("lt", self.lt, Number),
            named("st", self.st, Number),
            named("epmin", self.epmin, Seconds),
            named("epmax", self.epmax, Seconds),
            named("edge", self.edge, Flag),
            named("con", self.con, Flag),
            named("hqmax", self.hqmax, Count),
        ]
        .into_iter()
        .flatten()
    }
}

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

/// What Write-Attributes does to one attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
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
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
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
    /// The change of `epmin`.
    pub epmin: Change<u32>,
    /// The change of `epmax`.
    pub epmax: Change<u32>,
    /// The change of `edge`.
    pub edge: Change<bool>,
    /// The change of `con`.
    pub con: Change<bool>,
    /// The change of `hqmax`.
    pub hqmax: Change<u32>,
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
        self.epmin.apply(&mut to.epmin);
        self.epmax.apply(&mut to.epmax);
        self.edge.apply(&mut to.edge);
        self.con.apply(&mut to.con);
        self.hqmax.apply(&mut to.hqmax);
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
            epmin: value(self.epmin),
            epmax: value(self.epmax),
            edge: value(self.edge),
            con: value(self.con),
            hqmax: value(self.hqmax),
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
            name("epmin", &self.epmin),
            name("epmax", &self.epmax),
            name("edge", &self.edge),
            name("con", &self.con),
            name("hqmax", &self.hqmax),
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
            epmin: Change::from_option(attributes.epmin),
            epmax: Change::from_option(attributes.epmax),
            edge: Change::from_option(attributes.edge),
            con: Change::from_option(attributes.con),
            hqmax: Change::from_option(attributes.hqmax),
        }
    }
}

#[cfg(test)]
mod tests;

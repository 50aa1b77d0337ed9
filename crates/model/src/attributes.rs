//! Notification attributes: LwM2M Core §7.3.

use core::fmt;

use crate::decimal::Decimal;
use crate::{Level, ValueType, float};

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
        !PLACES.into_iter().any(|place| self.bits(place).is_some())
    }

    /// Checks that the attributes agree with each other: `st` above 0, `lt` below `gt`, `lt + 2 * st` below `gt`, and
    /// `epmin` below `epmax`.
    ///
    /// `pmax` below `pmin` is no error; it is ignored (see [`Attributes::effective_pmax`]).
    ///
    /// # Errors
    /// [`AttributeError::Step`], [`AttributeError::Order`] or [`AttributeError::Evaluation`].
    pub fn check(&self) -> Result<(), AttributeError> {
        if self
            .st
            .is_some_and(|st| float::is_nan(st) || float::order(st, 0.0).is_le())
        {
            return Err(AttributeError::Step);
        }
        if let (Some(lt), Some(gt)) = (self.lt, self.gt) {
            let step = self.st.unwrap_or(0.0);
            let is_wider = float::order_of_distance(gt, lt, step, 2).is_gt();
            if float::order(lt, gt).is_ge() || !is_wider {
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
        let thresholds = self.gt.is_some() || self.lt.is_some() || self.st.is_some();
        if thresholds || self.edge.is_some() || self.hqmax.is_some() {
            return Err(AttributeError::Composite);
        }
        Ok(())
    }

    /// Gives the longest time between two notifications in seconds, if there is one: `pmax` above 0 and not below
    /// `pmin`.
    pub fn effective_pmax(&self) -> Option<u32> {
        self.pmax
            .filter(|pmax| *pmax > 0 && *pmax >= self.pmin.unwrap_or(0))
    }

    /// Takes each attribute that is not set here from `above`, the next level up: the lowest level wins.
    #[must_use]
    pub fn or(mut self, above: Self) -> Self {
        self.fill(&above);
        self
    }

    /// Does what [`or`](Self::or) does, in place.
    pub fn fill(&mut self, above: &Self) {
        for place in PLACES {
            if self.bits(place).is_none() {
                self.set_bits(place, above.bits(place));
            }
        }
    }

    /// Walks over the attributes that are set, in the order of the fields.
    pub fn iter(&self) -> impl Iterator<Item = Attribute> + use<> {
        let all = *self;
        PLACES.filter_map(move |place| {
            let value = all.get(place)?;
            Some(Attribute {
                name: NAMES.get(usize::from(place))?,
                value,
            })
        })
    }

    fn get(&self, place: u16) -> Option<AttributeValue> {
        let bits = self.bits(place)?;
        Some(match place {
            2..=4 => AttributeValue::Number(f64::from_bits(bits)),
            7 | 8 => AttributeValue::Flag(bits != 0),
            9 => AttributeValue::Count(low(bits)),
            _ => AttributeValue::Seconds(low(bits)),
        })
    }

    /// Gives the attribute at a place from 0 to 9, counted in the order of the fields, as the bits of its number: what
    /// keeps attributes in little room need not know each by name.
    #[inline(never)]
    pub fn bits(&self, place: u16) -> Option<u64> {
        let whole = match place {
            0 => self.pmin,
            1 => self.pmax,
            2 => return self.gt.map(f64::to_bits),
            3 => return self.lt.map(f64::to_bits),
            4 => return self.st.map(f64::to_bits),
            5 => self.epmin,
            6 => self.epmax,
            7 => self.edge.map(u32::from),
            8 => self.con.map(u32::from),
            9 => self.hqmax,
            _ => None,
        };
        whole.map(u64::from)
    }

    /// Sets or takes away the attribute at a place, by what [`bits`](Self::bits) gave.
    #[inline(never)]
    pub fn set_bits(&mut self, place: u16, bits: Option<u64>) {
        let whole = match place {
            0 => &mut self.pmin,
            1 => &mut self.pmax,
            5 => &mut self.epmin,
            6 => &mut self.epmax,
            9 => &mut self.hqmax,
            2..=4 => {
                let number = match place {
                    2 => &mut self.gt,
                    3 => &mut self.lt,
                    _ => &mut self.st,
                };
                *number = bits.map(f64::from_bits);
                return;
            }
            7 | 8 => {
                let flag = if place == 7 {
                    &mut self.edge
                } else {
                    &mut self.con
                };
                *flag = bits.map(|bits| bits != 0);
                return;
            }
            _ => return,
        };
        *whole = bits.map(low);
    }
}

/// The lower half.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what has 32 bits was widened"
)]
const fn low(bits: u64) -> u32 {
    bits as u32
}

/// The names in the order of the fields: the tables that follow from it are a fraction of the code that each field by
/// itself would be.
static NAMES: [&str; 10] = [
    "pmin", "pmax", "gt", "lt", "st", "epmin", "epmax", "edge", "con", "hqmax",
];

/// The places of the names.
const PLACES: core::ops::Range<u16> = 0..10;

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
    set: Attributes,
    /// A bit for each name.
    removed: u16,
}

impl AttributeChanges {
    /// Gives the attributes of the node after the change.
    ///
    /// # Errors
    /// As [`Attributes::check`] on the result: either every change is made or none.
    pub fn apply(&self, mut to: Attributes) -> Result<Attributes, AttributeError> {
        self.apply_to(&mut to)?;
        Ok(to)
    }

    /// Does what [`apply`](Self::apply) does, in place; on an error what is left there is of no use.
    ///
    /// # Errors
    /// Those of [`apply`](Self::apply).
    pub fn apply_to(&self, to: &mut Attributes) -> Result<(), AttributeError> {
        for place in PLACES {
            let bits = self.set.bits(place);
            if bits.is_some() || self.removes(place) {
                to.set_bits(place, bits);
            }
        }
        to.check()
    }

    /// Gives the attributes that the change sets, without those it keeps or removes.
    pub const fn set(&self) -> Attributes {
        self.set
    }

    /// The same by reference.
    pub const fn as_set(&self) -> &Attributes {
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
    pub fn is_empty(&self) -> bool {
        self.removed == 0 && self.set.is_empty()
    }

    /// Removes the attribute of this name as well.
    ///
    /// # Errors
    /// [`AttributeError::Unknown`] for another name, [`AttributeError::Duplicate`] for one that is set or removed.
    pub fn remove(&mut self, name: &str) -> Result<(), AttributeError> {
        self.change(name, None)
    }

    fn removes(&self, place: u16) -> bool {
        self.removed >> place & 1 == 1
    }
}

impl From<Attributes> for AttributeChanges {
    /// Sets what is set and keeps the rest.
    fn from(set: Attributes) -> Self {
        Self { set, removed: 0 }
    }
}

#[cfg(test)]
mod tests;

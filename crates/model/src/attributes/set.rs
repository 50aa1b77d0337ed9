//! Notification attributes in little room, and in little code.

use core::fmt;

use super::{Attribute, AttributeError, AttributeValue, Attributes, NAMES, PLACES};
use crate::{Level, ValueType, float};

/// What [`Attributes`] hold, as a device keeps and compares it: 48 bytes in place of 96, and each attribute known by its
/// place among them, so that what is done to all is a loop.
#[derive(Clone, Copy, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AttributeSet {
    /// The numbers, each in one word, but for `gt`, `lt` and `st`, which take two: [`OWNERS`] tells whose they are.
    words: [u32; 11],
    /// A bit for each attribute that is set.
    set: u16,
    /// A bit for each of `edge` and `con` that is true.
    truth: u16,
}

/// Which attribute a word belongs to.
static OWNERS: [u32; 11] = [PMIN, PMAX, GT, GT, LT, LT, ST, ST, EPMIN, EPMAX, HQMAX];

const PMIN: u32 = 0;
const PMAX: u32 = 1;
const GT: u32 = 2;
const LT: u32 = 3;
const ST: u32 = 4;
const EPMIN: u32 = 5;
const EPMAX: u32 = 6;
const EDGE: u32 = 7;
const CON: u32 = 8;
const HQMAX: u32 = 9;

/// A bit for each attribute that is a number with a fraction.
const NUMBERS: u16 = 1 << GT | 1 << LT | 1 << ST;

/// What kind of value an attribute has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Seconds,
    Number,
    Flag,
    Count,
}

/// The kind of the attribute at a place.
pub(super) const fn kind_of(place: u32) -> Kind {
    match place {
        GT..=ST => Kind::Number,
        EDGE | CON => Kind::Flag,
        HQMAX => Kind::Count,
        _ => Kind::Seconds,
    }
}

impl AttributeSet {
    /// No attribute.
    pub const NONE: Self = Self {
        words: [0; 11],
        set: 0,
        truth: 0,
    };

    /// `pmin`: at least this many seconds lie between two notifications.
    pub fn pmin(&self) -> Option<u32> {
        self.whole(PMIN)
    }

    /// `pmax`: at most this many seconds lie between two notifications; 0 is no limit.
    pub fn pmax(&self) -> Option<u32> {
        self.whole(PMAX)
    }

    /// `gt`: a limit that is told of when the value crosses it.
    pub fn gt(&self) -> Option<f64> {
        self.number(GT)
    }

    /// `lt`: a limit that is told of when the value crosses it.
    pub fn lt(&self) -> Option<f64> {
        self.number(LT)
    }

    /// `st`: a step of the value that is told of.
    pub fn st(&self) -> Option<f64> {
        self.number(ST)
    }

    /// `epmin`: at least this many seconds lie between two evaluations of the value.
    pub fn epmin(&self) -> Option<u32> {
        self.whole(EPMIN)
    }

    /// `epmax`: at most this many seconds lie between two evaluations of the value.
    pub fn epmax(&self) -> Option<u32> {
        self.whole(EPMAX)
    }

    /// `edge`: notify only when a Boolean becomes true, or only when it becomes false.
    pub fn edge(&self) -> Option<bool> {
        self.flag(EDGE)
    }

    /// `con`: whether notifications are sent confirmable.
    pub fn con(&self) -> Option<bool> {
        self.flag(CON)
    }

    /// `hqmax`: how many values are kept while the server is out of reach.
    pub fn hqmax(&self) -> Option<u32> {
        self.whole(HQMAX)
    }

    /// Sets `pmin`, or takes it away.
    pub fn set_pmin(&mut self, seconds: Option<u32>) {
        self.put(PMIN, seconds.map(u64::from));
    }

    /// Sets `pmax`, or takes it away.
    pub fn set_pmax(&mut self, seconds: Option<u32>) {
        self.put(PMAX, seconds.map(u64::from));
    }

    /// Sets `epmin`, or takes it away.
    pub fn set_epmin(&mut self, seconds: Option<u32>) {
        self.put(EPMIN, seconds.map(u64::from));
    }

    /// Sets `epmax`, or takes it away.
    pub fn set_epmax(&mut self, seconds: Option<u32>) {
        self.put(EPMAX, seconds.map(u64::from));
    }

    /// Sets `con`, or takes it away.
    pub fn set_con(&mut self, confirmable: Option<bool>) {
        self.put(CON, confirmable.map(u64::from));
    }

    /// Tells whether no attribute is set.
    pub const fn is_empty(&self) -> bool {
        self.set == 0
    }

    /// Whether `gt`, `lt` or `st` is set.
    pub const fn has_thresholds(&self) -> bool {
        self.set & NUMBERS != 0
    }

    /// As [`Attributes::check`].
    ///
    /// # Errors
    /// Those of [`Attributes::check`].
    pub fn check(&self) -> Result<(), AttributeError> {
        let st = self.st();
        if st.is_some_and(|st| float::is_nan(st) || float::order(st, 0.0).is_le()) {
            return Err(AttributeError::Step);
        }
        if let (Some(lt), Some(gt)) = (self.lt(), self.gt()) {
            let is_wider = float::order_of_distance(gt, lt, st.unwrap_or(0.0), 2).is_gt();
            if float::order(lt, gt).is_ge() || !is_wider {
                return Err(AttributeError::Order);
            }
        }
        if let (Some(epmin), Some(epmax)) = (self.epmin(), self.epmax())
            && epmin >= epmax
        {
            return Err(AttributeError::Evaluation);
        }
        Ok(())
    }

    /// As [`Attributes::check_target`].
    ///
    /// # Errors
    /// Those of [`Attributes::check_target`].
    pub fn check_target(
        &self,
        level: Level,
        kind: Option<ValueType>,
    ) -> Result<(), AttributeError> {
        let value = level >= Level::Resource;
        let numeric = value && kind.is_none_or(ValueType::is_numeric);
        let boolean = value && kind.is_none_or(|kind| kind == ValueType::Boolean);
        if (self.has_thresholds() && !numeric)
            || (self.has(EDGE) && !boolean)
            || (level == Level::Root && !self.is_empty())
        {
            return Err(AttributeError::Target);
        }
        Ok(())
    }

    /// As [`Attributes::check_composite`].
    ///
    /// # Errors
    /// Those of [`Attributes::check_composite`].
    pub const fn check_composite(&self) -> Result<(), AttributeError> {
        if self.set & (NUMBERS | 1 << EDGE | 1 << HQMAX) != 0 {
            return Err(AttributeError::Composite);
        }
        Ok(())
    }

    /// As [`Attributes::effective_pmax`].
    pub fn effective_pmax(&self) -> Option<u32> {
        self.pmax()
            .filter(|pmax| *pmax > 0 && *pmax >= self.pmin().unwrap_or(0))
    }

    /// Takes each attribute that is not set here from `above`, the next level up: the lowest level wins.
    pub fn fill(&mut self, above: &Self) {
        let taken = above.set & !self.set;
        for ((word, above), owner) in self.words.iter_mut().zip(&above.words).zip(&OWNERS) {
            if taken >> owner & 1 == 1 {
                *word = *above;
            }
        }
        self.set |= taken;
        self.truth = self.truth & !taken | above.truth & taken;
    }

    /// Takes away the attributes with these bits.
    pub(super) const fn clear(&mut self, bits: u16) {
        self.set &= !bits;
    }

    /// The bits of those that are set.
    pub(super) const fn bits(&self) -> u16 {
        self.set
    }

    /// Walks over the attributes that are set, in the order of the fields of [`Attributes`].
    pub fn iter(&self) -> impl Iterator<Item = Attribute> + use<> {
        let all = *self;
        PLACES.filter_map(move |place| {
            let value = match kind_of(place) {
                Kind::Number => AttributeValue::Number(all.number(place)?),
                Kind::Flag => AttributeValue::Flag(all.flag(place)?),
                Kind::Count => AttributeValue::Count(all.whole(place)?),
                Kind::Seconds => AttributeValue::Seconds(all.whole(place)?),
            };
            let name = NAMES.get(usize::try_from(place).ok()?)?;
            Some(Attribute { name, value })
        })
    }

    pub(super) const fn has(&self, place: u32) -> bool {
        self.set >> place & 1 == 1
    }

    /// The words of the attribute at a place, and others behind them.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn words(&self, place: u32) -> Option<&[u32]> {
        let at = OWNERS.iter().position(|owner| *owner == place)?;
        self.words.get(at..).filter(|_| self.has(place))
    }

    fn whole(&self, place: u32) -> Option<u32> {
        self.words(place)?.first().copied()
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn number(&self, place: u32) -> Option<f64> {
        let [low, high, ..] = self.words(place)? else {
            return None;
        };
        let bits = u64::from(*high) << 32 | u64::from(*low);
        Some(f64::from_bits(bits))
    }

    fn flag(&self, place: u32) -> Option<bool> {
        self.has(place).then_some(self.truth >> place & 1 == 1)
    }

    /// Sets the attribute at a place, or takes it away.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(super) fn put(&mut self, place: u32, bits: Option<u64>) {
        self.clear(1 << place);
        let Some(bits) = bits else {
            return;
        };
        self.set |= 1 << place;
        self.truth &= !(1 << place);
        if bits != 0 {
            self.truth |= 1 << place;
        }
        let mut left = bits;
        for (word, owner) in self.words.iter_mut().zip(&OWNERS) {
            if *owner == place {
                *word = low(left);
                left >>= 32;
            }
        }
    }
}

impl PartialEq for AttributeSet {
    fn eq(&self, other: &Self) -> bool {
        let mut words = self.words.iter().zip(&other.words).zip(&OWNERS);
        self.set == other.set
            && (self.truth ^ other.truth) & self.set == 0
            && words.all(|((ours, theirs), owner)| ours == theirs || !self.has(*owner))
    }
}

impl fmt::Debug for AttributeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Attributes::from(self).fmt(f)
    }
}

impl From<&Attributes> for AttributeSet {
    fn from(attributes: &Attributes) -> Self {
        let mut set = Self::NONE;
        let whole = |number: Option<u32>| number.map(u64::from);
        let number = |number: Option<f64>| number.map(f64::to_bits);
        let flag = |flag: Option<bool>| flag.map(u64::from);
        for (place, bits) in PLACES.zip([
            whole(attributes.pmin),
            whole(attributes.pmax),
            number(attributes.gt),
            number(attributes.lt),
            number(attributes.st),
            whole(attributes.epmin),
            whole(attributes.epmax),
            flag(attributes.edge),
            flag(attributes.con),
            whole(attributes.hqmax),
        ]) {
            set.put(place, bits);
        }
        set
    }
}

impl From<&AttributeSet> for Attributes {
    fn from(set: &AttributeSet) -> Self {
        Self {
            pmin: set.pmin(),
            pmax: set.pmax(),
            gt: set.gt(),
            lt: set.lt(),
            st: set.st(),
            epmin: set.epmin(),
            epmax: set.epmax(),
            edge: set.edge(),
            con: set.con(),
            hqmax: set.hqmax(),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_attributes() -> impl Strategy<Value = Attributes> {
        let whole = || any::<Option<u32>>();
        let number = || prop::option::of(-1e9..1e9_f64);
        let flag = || any::<Option<bool>>();
        let seconds = (whole(), whole(), whole(), whole(), whole());
        let numbers = (number(), number(), number());
        (seconds, numbers, (flag(), flag())).prop_map(|(seconds, numbers, flags)| Attributes {
            pmin: seconds.0,
            pmax: seconds.1,
            gt: numbers.0,
            lt: numbers.1,
            st: numbers.2,
            epmin: seconds.2,
            epmax: seconds.3,
            edge: flags.0,
            con: flags.1,
            hqmax: seconds.4,
        })
    }

    proptest! {
        #[test]
        fn little_room_keeps_all(all in any_attributes()) {
            let set = AttributeSet::from(&all);
            prop_assert_eq!(Attributes::from(&set), all);
            prop_assert_eq!(set.is_empty(), all == Attributes::NONE);
        }

        #[test]
        fn the_lower_level_wins(below in any_attributes(), above in any_attributes()) {
            let filled = Attributes {
                pmin: below.pmin.or(above.pmin),
                pmax: below.pmax.or(above.pmax),
                gt: below.gt.or(above.gt),
                lt: below.lt.or(above.lt),
                st: below.st.or(above.st),
                epmin: below.epmin.or(above.epmin),
                epmax: below.epmax.or(above.epmax),
                edge: below.edge.or(above.edge),
                con: below.con.or(above.con),
                hqmax: below.hqmax.or(above.hqmax),
            };
            prop_assert_eq!(below.or(above), filled);
        }

        /// What was there before and is no longer set does not show.
        #[test]
        fn what_is_taken_away_is_gone(before in any_attributes(), after in any_attributes(), bits in 0_u16..1024) {
            let mut set = AttributeSet::from(&before);
            set.clear(bits);
            let kept = Attributes::from(&set);
            prop_assert_eq!(set, AttributeSet::from(&kept));
            prop_assert_eq!(set.bits() & bits, 0);
            set.fill(&AttributeSet::from(&after));
            prop_assert_eq!(Attributes::from(&set), kept.or(after));
        }
    }
}

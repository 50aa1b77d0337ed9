//! Values kept while a server is out of reach (Core 1.2.2 §7.3.2, `hqmax`), and the notification that tells them.

use dunlin_coap::time::Instant;
use dunlin_codec::{ContentFormat, Part, Record, encode_part};
use dunlin_model::{Level, Path, Value};
use heapless::Vec;

use crate::Error;
use crate::features::HISTORY;

/// How many values are kept in all.
const VALUES: usize = if HISTORY { 16 } else { 0 };

/// A value of a fixed size: what has another one is not kept.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kept {
    Integer(i64),
    Unsigned(u64),
    Float(f64),
    Single(f32),
    Boolean(bool),
    Time(i64),
}

#[derive(Debug, Clone, Copy)]
struct Past {
    /// Which observation, by its place.
    observation: usize,
    at: Instant,
    value: Kept,
}

/// The values that have not been told, oldest first.
pub(crate) struct History(Vec<Past, VALUES>);

/// Whether what is observed can be kept: one value, in a format that has times.
pub(crate) fn is_kept(path: Path, format: ContentFormat) -> bool {
    HISTORY
        && path.level() >= Level::Resource
        && matches!(
            format,
            ContentFormat::SENML_CBOR | ContentFormat::SENML_JSON
        )
}

impl History {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Keeps a value of an observation, of which at most `limit` are kept; the oldest give way.
    pub(crate) fn keep(&mut self, observation: usize, limit: u32, at: Instant, value: Value<'_>) {
        if !HISTORY {
            return;
        }
        let value = match value {
            Value::Integer(number) => Kept::Integer(number),
            Value::Unsigned(number) => Kept::Unsigned(number),
            Value::Float(number) => Kept::Float(number),
            Value::Single(number) => Kept::Single(number),
            Value::Boolean(truth) => Kept::Boolean(truth),
            Value::Time(seconds) => Kept::Time(seconds),
            _ => return,
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if limit == 0 {
            return;
        }
        if self.of(observation).count() >= limit {
            self.drop_oldest(Some(observation));
        } else if self.0.is_full() {
            self.drop_oldest(None);
        }
        let _ = self.0.push(Past {
            observation,
            at,
            value,
        });
    }

    /// Takes out the oldest value, of one observation or of any.
    fn drop_oldest(&mut self, observation: Option<usize>) {
        let mut found = false;
        self.0.retain(|past| {
            let goes = !found && observation.is_none_or(|wanted| past.observation == wanted);
            found |= goes;
            !goes
        });
    }

    fn of(&self, observation: usize) -> impl Iterator<Item = &Past> {
        let all = self.0.iter();
        all.filter(move |past| past.observation == observation)
    }

    /// Whether anything of an observation has not been told.
    pub(crate) fn has(&self, observation: usize) -> bool {
        HISTORY && self.of(observation).next().is_some()
    }

    /// Forgets what has been told, or is to be told to nobody.
    pub(crate) fn forget(&mut self, observation: usize) {
        if HISTORY {
            self.0.retain(|past| past.observation != observation);
        }
    }

    /// Writes a part of the values of an observation, each with how long ago it was: times below 2^28 are relative to now
    /// (RFC 8428 §4.5.3).
    pub(crate) fn encode(
        &self,
        observation: usize,
        path: Path,
        format: ContentFormat,
        now: Instant,
        skip: usize,
        buffer: &mut [u8],
    ) -> Result<Part, Error> {
        encode_part(format, path, skip, buffer, |encoder| {
            for past in self.of(observation) {
                let value = match past.value {
                    Kept::Integer(number) => Value::Integer(number),
                    Kept::Unsigned(number) => Value::Unsigned(number),
                    Kept::Float(number) => Value::Float(number),
                    Kept::Single(number) => Value::Single(number),
                    Kept::Boolean(truth) => Value::Boolean(truth),
                    Kept::Time(seconds) => Value::Time(seconds),
                };
                let age = now.saturating_duration_since(past.at).as_millis();
                // Exact: no device runs for 2^32 seconds.
                let age = u32::try_from(age / 100).unwrap_or(u32::MAX);
                let mut record = Record::new(path, value);
                record.time = Some(0.0 - f64::from(age) / 10.0);
                encoder.push(&record)?;
            }
            Ok(())
        })
    }
}

#[cfg(all(test, feature = "history"))]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    fn numbers(history: &History, observation: usize) -> Vec<Kept> {
        history.of(observation).map(|past| past.value).collect()
    }

    #[test]
    fn the_oldest_give_way() {
        let mut history = History::new();
        for number in 0..5 {
            let at = Instant::from_secs(number.try_into().unwrap());
            history.keep(0, 3, at, Value::Integer(number));
            history.keep(1, 99, at, Value::Boolean(number > 2));
            history.keep(2, 0, at, Value::Boolean(true));
            history.keep(3, 9, at, Value::String("no number"));
        }
        assert_eq!(
            numbers(&history, 0),
            [Kept::Integer(2), Kept::Integer(3), Kept::Integer(4)]
        );
        assert_eq!(numbers(&history, 1).len(), 5);
        assert!(!history.has(2) && !history.has(3));
        // In all there is room for sixteen.
        for number in 0..20 {
            history.keep(1, 99, Instant::ZERO, Value::Unsigned(number));
        }
        assert_eq!(numbers(&history, 1).len(), VALUES);
        assert!(!history.has(0));
        history.forget(1);
        assert!(!history.has(1));
    }
}

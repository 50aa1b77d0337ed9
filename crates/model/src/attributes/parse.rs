//! Reading attributes from query items.

use super::{AttributeChanges, AttributeError, Attributes, Change};
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
        if changes.removed().next().is_some() {
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
        for item in items {
            let (name, value) = match item.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (item, None),
            };
            match name {
                "pmin" => put(&mut changes.pmin, value, seconds)?,
                "pmax" => put(&mut changes.pmax, value, seconds)?,
                "gt" => put(&mut changes.gt, value, number)?,
                "lt" => put(&mut changes.lt, value, number)?,
                "st" => put(&mut changes.st, value, number)?,
                "epmin" => put(&mut changes.epmin, value, seconds)?,
                "epmax" => put(&mut changes.epmax, value, seconds)?,
                "edge" => put(&mut changes.edge, value, flag)?,
                "con" => put(&mut changes.con, value, flag)?,
                "hqmax" => put(&mut changes.hqmax, value, seconds)?,
                _ => return Err(AttributeError::Unknown),
            }
        }
        changes.set().check()?;
        Ok(changes)
    }
}

fn put<T: PartialEq>(
    change: &mut Change<T>,
    value: Option<&str>,
    read: fn(&str) -> Option<T>,
) -> Result<(), AttributeError> {
    if *change != Change::Keep {
        return Err(AttributeError::Duplicate);
    }
    *change = match value {
        None => Change::Remove,
        Some(text) => Change::Set(read(text).ok_or(AttributeError::Value)?),
    };
    Ok(())
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn seconds(text: &str) -> Option<u32> {
    decimal::natural(text.as_bytes())?.try_into().ok()
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

/// `1*DIGIT ["." 1*DIGIT]`, and a leading minus, which the grammar forgot but limits of signal strength need.
fn number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    decimal::parse(text.as_bytes())
}

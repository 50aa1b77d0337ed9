//! Reading attributes from query items.

use super::{AttributeChanges, AttributeError, Attributes, Change};

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
        Self::parse_with(items, |text| text.parse().ok())
    }

    /// Does what [`parse`](Self::parse) does, with a function that reads decimal numbers (digits, perhaps a point and a
    /// minus sign, nothing else) in place of `core`'s, which takes much flash.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_with<'q>(
        items: impl IntoIterator<Item = &'q str>,
        number: fn(&str) -> Option<f64>,
    ) -> Result<Self, AttributeError> {
        let mut changes = Self::default();
        let decimal = |text: &str| {
            decimal(text)
                .then(|| number(text))
                .flatten()
                .filter(|number| number.is_finite())
        };
        for item in items {
            let (name, value) = match item.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (item, None),
            };
            match name {
                "pmin" => put(&mut changes.pmin, value, &seconds)?,
                "pmax" => put(&mut changes.pmax, value, &seconds)?,
                "gt" => put(&mut changes.gt, value, &decimal)?,
                "lt" => put(&mut changes.lt, value, &decimal)?,
                "st" => put(&mut changes.st, value, &decimal)?,
                "epmin" => put(&mut changes.epmin, value, &seconds)?,
                "epmax" => put(&mut changes.epmax, value, &seconds)?,
                "edge" => put(&mut changes.edge, value, &flag)?,
                "con" => put(&mut changes.con, value, &flag)?,
                "hqmax" => put(&mut changes.hqmax, value, &seconds)?,
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
    read: &dyn Fn(&str) -> Option<T>,
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
    // `u32::from_str` also takes a plus sign.
    if digits(text) {
        text.parse().ok()
    } else {
        None
    }
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

/// `1*DIGIT ["." 1*DIGIT]`, and a leading minus, which the grammar forgot but limits of signal strength need.
fn decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    digits(whole) && digits(fraction)
}

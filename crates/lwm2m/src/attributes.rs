//! Notification attributes in the query of Write-Attributes and Observe.

use dunlin_coap::{Code, Message, MessageBuilder, OptionNumber};
use dunlin_model::{AttributeChanges, AttributeError, AttributeValue};

use crate::RequestError;
use crate::query::Text;

/// Reads the Uri-Query options of `message` (Transport 1.2.2 §6.4.4).
pub(crate) fn read(
    message: &Message<'_>,
    changes: &mut AttributeChanges,
) -> Result<(), RequestError> {
    if !cfg!(feature = "attributes") {
        return Err(RequestError::new(
            Code::NOT_IMPLEMENTED,
            "no notification attributes here",
        ));
    }
    // What is not UTF-8 becomes the name of no attribute.
    let items = message
        .uri_query()
        .map(|item| core::str::from_utf8(item).unwrap_or("\u{fffd}"));
    changes.read(items).map_err(|error| {
        RequestError::bad_request(match error {
            AttributeError::Unknown => "an unknown attribute",
            AttributeError::Duplicate => "an attribute is given twice",
            AttributeError::Step => "st must be above 0",
            AttributeError::Order => "lt + 2 * st must be below gt",
            AttributeError::Evaluation => "epmin must be below epmax",
            AttributeError::Target => "gt, lt and st are for numbers, edge for a Boolean",
            _ => "an attribute's value is no number of its kind",
        })
    })
}

/// Reads the attributes that an Observe has as parameters (Core 1.2.2 §6.4.1): each with a value.
pub(crate) fn parameters(
    message: &Message<'_>,
    changes: &mut AttributeChanges,
) -> Result<(), RequestError> {
    if message.uri_query().next().is_none() {
        return Ok(());
    }
    read(message, changes)?;
    if changes.removes_any() {
        return Err(RequestError::bad_request(
            "an attribute of Observe needs a value",
        ));
    }
    Ok(())
}

/// Adds a Uri-Query option for each change.
pub(crate) fn write(builder: &mut MessageBuilder<'_>, changes: &AttributeChanges) {
    for attribute in changes.set().iter() {
        let mut text = Value::new();
        match attribute.value {
            AttributeValue::Seconds(number) | AttributeValue::Count(number) => {
                text.push_decimal(number)
            }
            AttributeValue::Number(number) => text.push_number(number),
            AttributeValue::Flag(yes) => text.push_decimal(u32::from(yes)),
            _ => continue,
        };
        builder.option_parts(
            OptionNumber::URI_QUERY,
            &[attribute.name.as_bytes(), b"=", text.as_bytes()],
        );
    }
    for name in changes.removed() {
        builder.option(OptionNumber::URI_QUERY, name.as_bytes());
    }
}

/// The text of a threshold: at most 309 digits before the point, or 326 characters of a fraction. A value that long
/// does not fit a Uri-Query option and the client will refuse it; it is not cut.
type Value = Text<340>;

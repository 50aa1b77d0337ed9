//! What is wrong with the attributes, as far as tokens show it.

use syn::Error;

use super::attributes::{Object, Resource};
use super::kind::Kind;

pub(super) fn object(object: &Object<'_>) -> Result<(), Error> {
    let mut errors: Option<Error> = None;
    let mut note = |result: Result<(), Error>| {
        if let Err(error) = result {
            match &mut errors {
                Some(errors) => errors.combine(error),
                None => errors = Some(error),
            }
        }
    };
    for pair in object.resources.windows(2) {
        if let [one, other] = pair
            && one.number == other.number
        {
            note(Err(other.wrong(
                &other.id,
                &format!("has the resource id {}, as `{}` has", one.number, one.field),
            )));
        }
    }
    for resource in &object.resources {
        note(operations(resource));
        note(values(resource));
    }
    errors.map_or(Ok(()), Err)
}

fn operations(resource: &Resource<'_>) -> Result<(), Error> {
    let values = resource.read || resource.write;
    if !(values || resource.execute || resource.bootstrap) {
        return Err(resource.wrong(
            &resource.id,
            "does not say what servers may do with it: `read`, `write`, `execute`, or `bootstrap` if nothing",
        ));
    }
    if resource.execute && values {
        return Err(resource.wrong(
            &resource.id,
            "is executed, so it is neither read nor written",
        ));
    }
    if resource.bootstrap && (values || resource.execute) {
        return Err(resource.wrong(
            &resource.id,
            "is for `bootstrap` only, so servers do nothing else with it",
        ));
    }
    match resource.shape.kind {
        Some(Kind::None) if !resource.execute => {
            Err(resource
                .wrong_type("is `Execute`, so `execute` is all that servers may do with it"))
        }
        Some(kind) if resource.execute && kind != Kind::None => Err(resource.wrong_type(&format!(
            "is executed, so its type is `Execute`, and this is {}",
            kind.noun()
        ))),
        _ if resource.write && resource.shape.borrowed => Err(resource.wrong_type(
            "is borrowed, so servers cannot write it: use `heapless::String` or `heapless::Vec`",
        )),
        _ => Ok(()),
    }
}

fn values(resource: &Resource<'_>) -> Result<(), Error> {
    let known = resource.shape.kind;
    if let Some((declared, ident)) = &resource.kind
        && known.is_some_and(|kind| !kind.is_declarable(*declared))
    {
        return Err(resource.wrong(
            ident,
            &format!(
                "is {}, which cannot be of type `{ident}`",
                known.map_or("a value", Kind::noun)
            ),
        ));
    }
    if let Some(unit) = &resource.unit {
        if known.is_some_and(|kind| !kind.is_number()) {
            return Err(resource.wrong(unit, &format!("is {}, which has no unit", noun(known))));
        }
        let text = unit.value();
        if text.is_empty() || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(resource.wrong(
                unit,
                "has a unit that is none: write it as the registry does, such as \"Cel\" or \"/100\"",
            ));
        }
    }
    if let Some(check) = &resource.check
        && !resource.write
    {
        return Err(resource.wrong(check, "is not written, so there is nothing to check"));
    }
    if let Some(range) = &resource.range {
        if known.is_some_and(|kind| !kind.is_number()) {
            return Err(resource.wrong(
                range,
                &format!(
                    "is {}, and a range is for numbers{}",
                    noun(known),
                    if known.is_some_and(Kind::has_length) {
                        ": write `length`"
                    } else {
                        ""
                    }
                ),
            ));
        }
        if known.is_some_and(Kind::is_whole) && !range.is_whole() {
            return Err(resource.wrong(range, "is a whole number, and its range has a fraction"));
        }
        if known == Some(Kind::Float) && (range.is_list() || !range.has_pair()) {
            return Err(resource.wrong(range, "is a float, whose range is `first..=last`"));
        }
        if known == Some(Kind::Unsigned) && range.has_negative() {
            return Err(resource.wrong(range, "is unsigned, and its range goes below 0"));
        }
        if let Some((min, max)) = limits(resource)
            && (range.ends().0 < min || range.ends().1 > max)
        {
            return Err(resource.wrong_type("does not hold all numbers of its range"));
        }
    }
    if let Some(length) = &resource.length {
        if known.is_some_and(|kind| !kind.has_length()) {
            return Err(resource.wrong(
                length,
                &format!("is {}, and a length is for text and bytes", noun(known)),
            ));
        }
        if !length.is_whole() || length.has_negative() {
            return Err(resource.wrong(length, "has a length that is no number of bytes"));
        }
        if length.is_list() && length.has_pair() {
            return Err(resource.wrong(
                length,
                "has lengths that are `first..=last` or `[one, other]`",
            ));
        }
    }
    Ok(())
}

fn noun(kind: Option<Kind>) -> &'static str {
    kind.map_or("a value", Kind::noun)
}

/// The least and the greatest number that a small type holds.
fn limits(resource: &Resource<'_>) -> Option<(f64, f64)> {
    let ty = resource.ty;
    let text = quote::quote!(#ty).to_string();
    let name = text
        .strip_prefix("Option < ")
        .and_then(|text| text.strip_suffix(" >"))
        .unwrap_or(&text);
    Some(match name {
        "i8" => (i8::MIN.into(), i8::MAX.into()),
        "i16" => (i16::MIN.into(), i16::MAX.into()),
        "i32" => (i32::MIN.into(), i32::MAX.into()),
        "u8" => (0.0, u8::MAX.into()),
        "u16" => (0.0, u16::MAX.into()),
        "u32" => (0.0, u32::MAX.into()),
        _ => return None,
    })
}

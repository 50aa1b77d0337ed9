//! Reading the grammar of RFC 6690 §2.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{char, satisfy};
use nom::combinator::{map, recognize};
use nom::multi::fold_many0;
use nom::sequence::{delimited, pair, preceded};
use nom::{IResult, Parser};

use super::{Attribute, Link, LinkError};

/// Walks over the links of `text`.
///
/// Reads what RFC 6690 §2 allows, and spaces after the commas, which the examples of LwM2M have. After an error the
/// iterator ends. Empty text is a list without links.
pub const fn parse(text: &str) -> Links<'_> {
    Links {
        text,
        rest: text,
        state: State::Start,
    }
}

/// An iterator over links, made by [`parse`].
#[derive(Clone, Debug)]
pub struct Links<'a> {
    text: &'a str,
    rest: &'a str,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    /// After a link.
    Link,
    End,
}

impl<'a> Iterator for Links<'a> {
    type Item = Result<Link<'a>, LinkError>;

    fn next(&mut self) -> Option<Self::Item> {
        let result = match self.state {
            State::End => return None,
            _ if self.rest.is_empty() => {
                self.state = State::End;
                return None;
            }
            State::Start => link(self.rest),
            State::Link => preceded(separator, link).parse(self.rest),
        };
        match result {
            Ok((rest, link)) => {
                self.rest = rest;
                self.state = State::Link;
                Some(Ok(link))
            }
            Err(error) => {
                self.state = State::End;
                let left = match error {
                    nom::Err::Error(error) | nom::Err::Failure(error) => error.input.len(),
                    nom::Err::Incomplete(_) => 0,
                };
                Some(Err(LinkError {
                    offset: self.text.len().saturating_sub(left),
                }))
            }
        }
    }
}

impl core::iter::FusedIterator for Links<'_> {}

/// An iterator over the attributes of a link, made by [`Link::attributes`].
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    rest: &'a str,
}

impl<'a> Attributes<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        // The text was read by `link`, so that only its end is an error.
        let (rest, attribute) = attribute(self.rest).ok()?;
        self.rest = rest;
        Some(attribute)
    }
}

impl core::iter::FusedIterator for Attributes<'_> {}

fn separator(input: &str) -> IResult<&str, &str> {
    recognize(pair(char(','), take_while(|character| character == ' '))).parse(input)
}

/// `"<" URI-Reference ">" *(";" link-param)`
fn link(input: &str) -> IResult<&str, Link<'_>> {
    let target = delimited(char('<'), take_while(is_uri), char('>'));
    let attributes = recognize(fold_many0(attribute, || (), |(), _| ()));
    let (rest, link) = map(pair(target, attributes), |(target, attributes)| Link {
        target,
        attributes,
    })
    .parse(input)?;
    // What is left of a broken attribute: give the error its place.
    if rest.starts_with(';') {
        attribute(rest)?;
    }
    Ok((rest, link))
}

/// `";" parmname ["=" (ptoken / quoted-string)]`
fn attribute(input: &str) -> IResult<&str, Attribute<'_>> {
    let quoted = map(
        delimited(
            char('"'),
            recognize(fold_many0(quoted_character, || (), |(), ()| ())),
            char('"'),
        ),
        |value| (value, true),
    );
    let token = map(take_while1(is_token), |value| (value, false));
    let (rest, name) = preceded(char(';'), take_while1(is_name)).parse(input)?;
    let (rest, value) = if rest.starts_with('=') {
        map(preceded(tag("="), alt((quoted, token))), Some).parse(rest)?
    } else {
        (rest, None)
    };
    let (value, quoted) = value.unzip();
    Ok((
        rest,
        Attribute {
            name,
            value,
            quoted: quoted.unwrap_or(false),
        },
    ))
}

fn quoted_character(input: &str) -> IResult<&str, ()> {
    let escaped = preceded(char('\\'), satisfy(|character| !character.is_control()));
    let plain =
        satisfy(|character| character != '"' && character != '\\' && !character.is_control());
    map(alt((escaped, plain)), drop).parse(input)
}

/// The characters of RFC 3986 §2.
const fn is_uri(character: char) -> bool {
    matches!(character, 'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' | '~' | ':' | '/' | '?' | '#' | '[' | ']')
        || matches!(
            character,
            '@' | '!' | '$' | '%' | '&' | '\'' | '(' | ')' | '*' | '+' | ',' | ';' | '='
        )
}

/// `parmname` of RFC 5987 §3.2.1, and the `*` that may end it.
const fn is_name(character: char) -> bool {
    matches!(character, 'a'..='z' | 'A'..='Z' | '0'..='9' | '!' | '#' | '$' | '&' | '+' | '-' | '.' | '^' | '_')
        || matches!(character, '`' | '|' | '~' | '*')
}

/// `ptokenchar`
pub(super) const fn is_token(character: char) -> bool {
    matches!(character, '!' | '#'..='+' | '-'..=':' | '<'..='[' | ']'..='~')
}

/// Whether `name` is a `parmname`.
pub(super) fn is_parameter_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(is_name)
}

/// Whether `target` is made of the characters of a URI.
pub(super) fn is_target(target: &str) -> bool {
    target.chars().all(is_uri)
}

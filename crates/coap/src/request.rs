//! What every server must refuse in a request before it looks at the rest.

use core::fmt;

use crate::{Format, Message, OptionNumber};

/// A critical option that the recipient must not ignore: a request with it gets 4.02 Bad Option, any other message is
/// rejected (RFC 7252 §5.4.1).
///
/// Its `Display` text serves as the diagnostic payload of the 4.02 (RFC 7252 §5.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BadOption {
    /// The option.
    pub number: OptionNumber,
    /// What is wrong with it.
    pub problem: OptionProblem,
}

/// Why a critical option counts as unrecognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum OptionProblem {
    /// The recipient does not know it (RFC 7252 §5.4.1).
    Unrecognized,
    /// The length of its value is outside the defined range (RFC 7252 §5.4.3).
    Length,
    /// It occurs again though it is not repeatable (RFC 7252 §5.4.5).
    Repeated,
    /// It is a string and its value is not UTF-8 (RFC 7252 §3.2).
    NotUtf8,
}

/// The first critical option that is not `known`, or is malformed or supernumerary (RFC 7252 §5.4).
///
/// `known` tells which critical options the recipient understands in this message; elective ones are not asked for.
/// The RFC leaves open what to do with a string that is not UTF-8: here it counts as malformed, so that nobody has to
/// handle such a path or query.
///
/// ```
/// use dunlin_coap::request::{OptionProblem, unknown_critical};
/// use dunlin_coap::{Message, OptionNumber};
///
/// // GET with Uri-Path "a" and the unknown critical option 2049.
/// let message = Message::parse(&[0x40, 1, 0, 1, 0xb1, b'a', 0xe0, 0x06, 0xe9])?;
/// let bad = unknown_critical(&message, |number| number == OptionNumber::URI_PATH).unwrap();
/// assert_eq!(bad.number, OptionNumber(2049));
/// assert_eq!(bad.problem, OptionProblem::Unrecognized);
/// # Ok::<(), dunlin_coap::ParseError>(())
/// ```
#[inline]
pub fn unknown_critical(
    message: &Message<'_>,
    known: impl Fn(OptionNumber) -> bool,
) -> Option<BadOption> {
    let mut previous = None;
    for (number, value) in message.options() {
        if number.is_critical() {
            let problem = if known(number) {
                malformed(number, value, previous == Some(number))
            } else {
                Some(OptionProblem::Unrecognized)
            };
            if let Some(problem) = problem {
                return Some(BadOption { number, problem });
            }
        }
        previous = Some(number);
    }
    None
}

#[inline]
fn malformed(number: OptionNumber, value: &[u8], repeated: bool) -> Option<OptionProblem> {
    // What the recipient knows and this crate does not, the recipient checks.
    let definition = number.definition()?;
    if !definition.allows_len(value.len()) {
        Some(OptionProblem::Length)
    } else if repeated && !definition.repeatable {
        Some(OptionProblem::Repeated)
    } else if definition.format == Format::String && core::str::from_utf8(value).is_err() {
        Some(OptionProblem::NotUtf8)
    } else {
        None
    }
}

impl fmt::Display for BadOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = match self.problem {
            OptionProblem::Unrecognized => "unrecognized option",
            OptionProblem::Length => "bad length of option",
            OptionProblem::Repeated => "repeated option",
            OptionProblem::NotUtf8 => "not UTF-8: option",
        };
        write!(f, "{problem} {}", self.number)
    }
}

impl core::error::Error for BadOption {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, MessageBuilder, MessageId, Token, Type};

    fn problem(write: impl FnOnce(&mut MessageBuilder<'_>)) -> Option<(u16, OptionProblem)> {
        let mut buffer = [0; 2048];
        let mut builder = MessageBuilder::new(
            &mut buffer,
            Type::Confirmable,
            Code::GET,
            MessageId(1),
            Token::EMPTY,
        );
        write(&mut builder);
        let message = Message::parse(builder.finish().unwrap()).unwrap();
        unknown_critical(&message, |number| {
            matches!(
                number,
                OptionNumber::URI_HOST
                    | OptionNumber::URI_PORT
                    | OptionNumber::URI_PATH
                    | OptionNumber::URI_QUERY
                    | OptionNumber::ACCEPT
                    | OptionNumber::BLOCK1
            )
        })
        .map(|bad| (bad.number.0, bad.problem))
    }

    #[test]
    fn known_and_elective_options_pass() {
        assert_eq!(
            problem(|m| {
                m.option(OptionNumber::URI_HOST, b"h")
                    .option(OptionNumber(4), b"far too long for an entity tag")
                    .path(["a", "", "a"])
                    .query(["a", "b"])
                    .accept(40)
                    .option(OptionNumber(65000), b"elective");
            }),
            None
        );
    }

    #[test]
    fn unknown_critical_options_are_found() {
        assert_eq!(
            problem(|m| {
                m.path(["a"]).empty(OptionNumber(2049));
            }),
            Some((2049, OptionProblem::Unrecognized))
        );
        assert_eq!(
            problem(|m| {
                m.empty(OptionNumber::IF_NONE_MATCH);
            }),
            Some((5, OptionProblem::Unrecognized))
        );
    }

    #[test]
    fn lengths_of_table_4() {
        let at = |number, len| {
            problem(move |m| {
                m.option(OptionNumber(number), &[b'0'; 2000][..len]);
            })
        };
        for (number, min, max) in [
            (3, 1, 255),
            (7, 0, 2),
            (11, 0, 255),
            (15, 0, 255),
            (17, 0, 2),
            (27, 0, 3),
        ] {
            assert_eq!(at(number, min), None);
            assert_eq!(at(number, max), None);
            assert_eq!(at(number, max + 1), Some((number, OptionProblem::Length)));
            if min > 0 {
                assert_eq!(at(number, min - 1), Some((number, OptionProblem::Length)));
            }
        }
    }

    #[test]
    fn supernumerary_and_malformed_options() {
        assert_eq!(
            problem(|m| {
                m.accept(40).accept(40);
            }),
            Some((17, OptionProblem::Repeated))
        );
        assert_eq!(
            problem(|m| {
                m.path([&[b'a'][..], &[0xff]]);
            }),
            Some((11, OptionProblem::NotUtf8))
        );
        let bad = BadOption {
            number: OptionNumber::URI_PATH,
            problem: OptionProblem::NotUtf8,
        };
        assert_eq!(std::format!("{bad}"), "not UTF-8: option Uri-Path");
    }
}

//! Arguments of Execute.

use core::fmt;

/// One argument of an Execute operation: a digit and, after `=`, a quoted value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argument<'a> {
    /// 0 to 9.
    pub digit: u8,
    /// The text between the quotes, without them; `None` when the argument is the digit alone.
    pub value: Option<&'a str>,
}

/// The arguments of an Execute operation, checked whole at construction (Core 1.2.2 §6.3.5):
/// `arglist = arg *("," arg)`, `arg = DIGIT ["=" "'" *CHAR "'"]`, each digit at most once, CHAR a visible ASCII
/// character other than a quote or a backslash.
///
/// ```
/// # use dunlin_lwm2m::Arguments;
/// let arguments = Arguments::parse("5,2='10.3'").unwrap();
/// assert_eq!(arguments.value(2), Some("10.3"));
/// assert!(arguments.has(5));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Arguments<'a> {
    text: &'a str,
}

/// What is wrong with the arguments of an Execute operation, and at which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ArgumentsError {
    /// A digit should stand here.
    ExpectedDigit(usize),
    /// A comma, or `=` and a quoted value, should stand here.
    ExpectedSeparator(usize),
    /// A quote should open or close a value here.
    ExpectedQuote(usize),
    /// The digit has been given before.
    Repeated(usize),
}

impl fmt::Display for ArgumentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExpectedDigit(at) => {
                write!(f, "a digit should stand at byte {at} of the arguments")
            }
            Self::ExpectedSeparator(at) => write!(
                f,
                "a comma or '=' should stand at byte {at} of the arguments"
            ),
            Self::ExpectedQuote(at) => {
                write!(f, "a quote should stand at byte {at} of the arguments")
            }
            Self::Repeated(at) => write!(
                f,
                "the digit at byte {at} of the arguments was given before"
            ),
        }
    }
}

impl core::error::Error for ArgumentsError {}

impl<'a> Arguments<'a> {
    /// No argument at all.
    pub const NONE: Arguments<'static> = Arguments { text: "" };

    /// Checks `text` against the grammar; the empty text has no arguments.
    ///
    /// # Errors
    ///
    /// Tells the first byte that does not fit.
    pub fn parse(text: &'a str) -> Result<Self, ArgumentsError> {
        let mut seen = 0_u16;
        let mut items = Items {
            rest: text.as_bytes(),
            text,
        };
        while let Some(item) = items.next_item() {
            let (at, argument) = item?;
            let bit = 1_u16.checked_shl(u32::from(argument.digit)).unwrap_or(0);
            if seen & bit != 0 {
                return Err(ArgumentsError::Repeated(at));
            }
            seen |= bit;
        }
        Ok(Self { text })
    }

    /// The arguments in their order.
    pub fn iter(&self) -> impl Iterator<Item = Argument<'a>> + use<'a> {
        let mut items = Items {
            rest: self.text.as_bytes(),
            text: self.text,
        };
        core::iter::from_fn(move || items.next_item()?.ok().map(|(_, argument)| argument))
    }

    /// Whether the argument `digit` is there, with or without a value.
    pub fn has(&self, digit: u8) -> bool {
        self.iter().any(|argument| argument.digit == digit)
    }

    /// The value of argument `digit`, if it is there and has one.
    pub fn value(&self, digit: u8) -> Option<&'a str> {
        self.iter().find(|argument| argument.digit == digit)?.value
    }

    /// The arguments as they stand in the payload.
    pub const fn as_str(&self) -> &'a str {
        self.text
    }
}

struct Items<'a> {
    rest: &'a [u8],
    text: &'a str,
}

impl<'a> Items<'a> {
    const fn position(&self) -> usize {
        self.text.len().saturating_sub(self.rest.len())
    }

    fn next_item(&mut self) -> Option<Result<(usize, Argument<'a>), ArgumentsError>> {
        if self.text.is_empty() {
            return None;
        }
        let first = self.position() == 0;
        if !first {
            match self.rest.split_first() {
                None => return None,
                Some((b',', rest)) => self.rest = rest,
                Some(_) => return Some(Err(ArgumentsError::ExpectedSeparator(self.position()))),
            }
        }
        let at = self.position();
        Some(self.argument(at).map(|argument| (at, argument)))
    }

    fn argument(&mut self, at: usize) -> Result<Argument<'a>, ArgumentsError> {
        let digit = match self.rest.split_first() {
            Some((digit @ b'0'..=b'9', rest)) => {
                self.rest = rest;
                digit.saturating_sub(b'0')
            }
            _ => return Err(ArgumentsError::ExpectedDigit(at)),
        };
        let Some((b'=', rest)) = self.rest.split_first() else {
            return Ok(Argument { digit, value: None });
        };
        self.rest = rest;
        let Some((b'\'', rest)) = self.rest.split_first() else {
            return Err(ArgumentsError::ExpectedQuote(self.position()));
        };
        self.rest = rest;
        let start = self.position();
        let allowed = |byte: &u8| matches!(byte, b'!' | 0x23..=0x26 | 0x28..=0x5b | 0x5d..=0x7e);
        let length = self.rest.iter().take_while(|byte| allowed(byte)).count();
        let end = start.saturating_add(length);
        match self.rest.split_at_checked(length) {
            Some((_, [b'\'', rest @ ..])) => {
                self.rest = rest;
                Ok(Argument {
                    digit,
                    value: self.text.get(start..end),
                })
            }
            _ => Err(ArgumentsError::ExpectedQuote(end)),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    #[test]
    fn reads_the_examples_of_the_specification() {
        let parse = |text| Arguments::parse(text).unwrap().iter().collect::<Vec<_>>();
        assert_eq!(parse(""), []);
        assert_eq!(
            parse("5"),
            [Argument {
                digit: 5,
                value: None
            }]
        );
        assert_eq!(
            parse("2='10.3'"),
            [Argument {
                digit: 2,
                value: Some("10.3")
            }]
        );
        assert_eq!(
            parse("7,0='https://www.omaspecworks.org'"),
            [
                Argument {
                    digit: 7,
                    value: None
                },
                Argument {
                    digit: 0,
                    value: Some("https://www.omaspecworks.org")
                }
            ]
        );
        assert_eq!(parse("0,1,2,3,4").len(), 5);
        assert_eq!(
            parse("1=''"),
            [Argument {
                digit: 1,
                value: Some("")
            }]
        );
    }

    #[test]
    fn names_the_byte_that_does_not_fit() {
        for (text, error) in [
            (",", ArgumentsError::ExpectedDigit(0)),
            ("a", ArgumentsError::ExpectedDigit(0)),
            ("1,", ArgumentsError::ExpectedDigit(2)),
            ("12", ArgumentsError::ExpectedSeparator(1)),
            ("1=x", ArgumentsError::ExpectedQuote(2)),
            ("1='x", ArgumentsError::ExpectedQuote(4)),
            ("1='a b'", ArgumentsError::ExpectedQuote(4)),
            ("1='\\'", ArgumentsError::ExpectedQuote(3)),
            ("1,2,1='x'", ArgumentsError::Repeated(4)),
        ] {
            assert_eq!(Arguments::parse(text), Err(error), "{text}");
        }
    }
}

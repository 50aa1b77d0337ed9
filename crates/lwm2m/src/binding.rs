//! The transports that a client announces.

use core::fmt;

use crate::RequestError;

/// The transports in the `b` parameter and in resource /1/x/7 (Core 1.2.2 §6.2.1.2): a set of the letters
/// `U` (UDP), `M` (MQTT), `H` (HTTP), `T` (TCP), `S` (SMS) and `N` (non-IP).
///
/// In LwM2M 1.0 the letter `Q` in the same text asks for queue mode; it is kept beside the letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Binding {
    letters: u8,
    queue_mode: bool,
}

const LETTERS: [u8; 6] = *b"UMHTSN";

impl Binding {
    /// UDP alone, the default.
    pub const U: Self = Self {
        letters: 1,
        queue_mode: false,
    };

    /// UDP in the queue mode of LwM2M 1.0.
    pub const UQ: Self = Self {
        letters: 1,
        queue_mode: true,
    };

    /// TCP alone.
    pub const T: Self = Self {
        letters: 1 << 3,
        queue_mode: false,
    };

    /// Reads a binding such as `U`, `UQ` (1.0) or `UTS`.
    ///
    /// # Errors
    ///
    /// 4.00 for an empty text, an unknown letter or one given twice.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        const ERROR: RequestError =
            RequestError::bad_request("b: not a set of the letters U, M, H, T, S, N (and Q)");
        let mut binding = Self {
            letters: 0,
            queue_mode: false,
        };
        for letter in text.bytes() {
            let fresh = if letter == b'Q' {
                !core::mem::replace(&mut binding.queue_mode, true)
            } else {
                let bit = Self::bit(letter).ok_or(ERROR)?;
                let fresh = binding.letters & bit == 0;
                binding.letters |= bit;
                fresh
            };
            if !fresh {
                return Err(ERROR);
            }
        }
        if binding.letters == 0 {
            Err(ERROR)
        } else {
            Ok(binding)
        }
    }

    /// Whether the set holds `letter`, one of `UMHTSN`.
    pub fn has(self, letter: char) -> bool {
        u8::try_from(letter)
            .ok()
            .and_then(Self::bit)
            .is_some_and(|bit| self.letters & bit != 0)
    }

    /// Whether the binding asks for queue mode (LwM2M 1.0; from 1.1 on the `Q` parameter does).
    pub const fn queue_mode(self) -> bool {
        self.queue_mode
    }

    /// Writes the text, at most seven letters, and gives its length.
    pub fn encode(self, out: &mut [u8; 7]) -> usize {
        let mut length = 0_usize;
        let mut left = self.letters | u8::from(self.queue_mode) << LETTERS.len();
        for letter in LETTERS.iter().chain(b"Q") {
            if left & 1 == 1
                && let Some(slot) = out.get_mut(length)
            {
                *slot = *letter;
                length = length.wrapping_add(1);
            }
            left >>= 1;
        }
        length
    }

    fn bit(letter: u8) -> Option<u8> {
        let position = LETTERS.iter().position(|known| *known == letter)?;
        1_u8.checked_shl(u32::try_from(position).ok()?)
    }
}

impl Default for Binding {
    fn default() -> Self {
        Self::U
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 7];
        let length = self.encode(&mut text);
        let text = text
            .get(..length)
            .and_then(|text| core::str::from_utf8(text).ok());
        f.write_str(text.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn reads_every_binding_of_1_0_and_sets_of_1_1() {
        for (text, printed) in [
            ("U", "U"),
            ("UQ", "UQ"),
            ("S", "S"),
            ("UQS", "USQ"),
            ("TU", "UT"),
            ("NSTHMU", "UMHTSN"),
        ] {
            assert_eq!(Binding::parse(text).unwrap().to_string(), printed);
        }
        assert!(Binding::parse("UQ").unwrap().queue_mode());
        assert!(Binding::parse("UT").unwrap().has('T'));
        assert_eq!(Binding::parse("T"), Ok(Binding::T));
        assert!(!Binding::parse("UT").unwrap().has('S'));
        assert!(!Binding::parse("U").unwrap().has('€'));
    }

    #[test]
    fn refuses_what_is_no_set_of_letters() {
        for text in ["", "Q", "X", "u", "UU", "UQQ", "U "] {
            assert!(Binding::parse(text).is_err(), "{text:?}");
        }
    }
}

//! The client's side of the Echo option (RFC 9175 §2.3).

use core::fmt;

use crate::{Code, Message, MessageBuilder, OptionNumber};

/// How often a request is repeated with a new Echo value: once where the first was missing, and once more where it has
/// grown old on the way.
const MAX_REPEATS: u8 = 2;

/// The newest Echo value of one server, security association included: it must not be sent to any other
/// (RFC 9175 §2.3).
///
/// It goes into all requests that follow until the server gives another, so that the server need not ask again.
/// [`forget`](EchoMemory::forget) it, or do not [write](EchoMemory::write) it, where requests are not to be linked to
/// each other (RFC 9175 §6).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EchoMemory {
    /// Bytes beyond `len` are zero.
    value: [u8; Self::MAX_LEN],
    len: u8,
}

/// What a response with an Echo option means for the request that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ChallengeAnswer {
    /// Send the request again, with a new token, a new message id and the Echo value.
    Repeat,
    /// Nothing: hand the response on.
    HandOn,
}

impl EchoMemory {
    /// The greatest length of a value (RFC 9175 §2.2.1).
    pub const MAX_LEN: usize = 40;

    /// No value.
    pub const NEW: Self = Self {
        value: [0; Self::MAX_LEN],
        len: 0,
    };

    /// Takes a response of the server. `repeats` tells how often the request was repeated because of this function: after
    /// two times the 4.01 is handed on.
    pub fn on_response(&mut self, response: &Message<'_>, repeats: u8) -> ChallengeAnswer {
        // Absent also where its length is not allowed.
        let Some(value) = response.option(OptionNumber::ECHO) else {
            return ChallengeAnswer::HandOn;
        };
        let mut memory = Self::NEW;
        if let Some(space) = memory.value.get_mut(..value.len())
            && let Ok(len) = u8::try_from(value.len())
        {
            space.copy_from_slice(value);
            memory.len = len;
            *self = memory;
        }
        if response.code() == Code::UNAUTHORIZED && repeats < MAX_REPEATS {
            ChallengeAnswer::Repeat
        } else {
            ChallengeAnswer::HandOn
        }
    }

    /// The value, if there is one.
    pub fn value(&self) -> Option<&[u8]> {
        self.value
            .get(..usize::from(self.len))
            .filter(|value| !value.is_empty())
    }

    /// Adds the Echo option (252), if there is a value.
    pub fn write(&self, message: &mut MessageBuilder<'_>) {
        if let Some(value) = self.value() {
            message.option(OptionNumber::ECHO, value);
        }
    }

    /// Forgets the value.
    pub const fn forget(&mut self) {
        *self = Self::NEW;
    }
}

impl Default for EchoMemory {
    fn default() -> Self {
        Self::NEW
    }
}

impl fmt::Debug for EchoMemory {
    /// The length alone: without a security protocol the value is as good as a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EchoMemory")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

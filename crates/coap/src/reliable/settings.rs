//! What the two ends of a connection tell each other about themselves (RFC 8323 §5.3).

use super::signal::unknown_critical;
use crate::{Message, MessageBuilder, OptionNumber, decode_uint};

// The numbers are specific to CSM messages: RFC 8323 Table 2 and RFC 8974 Table 1.
const MAX_MESSAGE_SIZE: OptionNumber = OptionNumber(2);
const BLOCK_WISE_TRANSFER: OptionNumber = OptionNumber(4);
const EXTENDED_TOKEN_LENGTH: OptionNumber = OptionNumber(6);

/// The capabilities of one end of a connection, as its Capabilities and Settings Messages announce them (RFC 8323
/// §5.3).
///
/// ```
/// use dunlin_coap::reliable::Settings;
///
/// let settings = Settings::BASE.with_max_message_size(8192 + 256).with_block_wise_transfer();
/// assert!(settings.bert());
/// assert_eq!(settings.bert_len(256), Some(8192));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(from = "Unchecked")
)]
pub struct Settings {
    max_message_size: u32,
    /// 8 to 65804.
    extended_token_length: u32,
    block_wise_transfer: bool,
}

/// Settings as they are written, perhaps by hand.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct Unchecked {
    max_message_size: u32,
    extended_token_length: u32,
    block_wise_transfer: bool,
}

#[cfg(feature = "serde")]
impl From<Unchecked> for Settings {
    fn from(unchecked: Unchecked) -> Self {
        Self {
            block_wise_transfer: unchecked.block_wise_transfer,
            ..Self::BASE
        }
        .with_max_message_size(unchecked.max_message_size)
        .with_extended_token_length(unchecked.extended_token_length)
    }
}

impl Settings {
    /// What holds before a CSM says otherwise: messages of 1152 bytes, nothing known of block-wise transfer, tokens of
    /// 8 bytes (RFC 8323 §5.3, RFC 8974 §2.2.1).
    pub const BASE: Self = Self {
        max_message_size: 1152,
        extended_token_length: 8,
        block_wise_transfer: false,
    };

    /// The greatest length of a token that can be written, in bytes (RFC 8974 §2.1).
    pub const MAX_TOKEN_LENGTH: u32 = 65804;

    /// The same with Max-Message-Size: the size in bytes of the greatest message that this end takes, header and all
    /// (RFC 8323 §5.3.1).
    #[must_use]
    pub const fn with_max_message_size(mut self, bytes: u32) -> Self {
        self.max_message_size = bytes;
        self
    }

    /// The same with Block-Wise-Transfer: this end supports RFC 7959, and BERT when it takes messages of more than
    /// 1152 bytes (RFC 8323 §5.3.2).
    #[must_use]
    pub const fn with_block_wise_transfer(mut self) -> Self {
        self.block_wise_transfer = true;
        self
    }

    /// The same with Extended-Token-Length: the length in bytes of the greatest token that this end takes in a request
    /// (RFC 8974 §2.2.1).
    ///
    /// Less than 8 means 8, more than 65804 means 65804.
    #[must_use]
    pub const fn with_extended_token_length(mut self, bytes: u32) -> Self {
        self.extended_token_length = match bytes {
            0..8 => 8,
            Self::MAX_TOKEN_LENGTH.. => Self::MAX_TOKEN_LENGTH,
            bytes => bytes,
        };
        self
    }

    /// Max-Message-Size: the size in bytes of the greatest message that this end takes (RFC 8323 §5.3.1).
    #[inline]
    pub const fn max_message_size(&self) -> u32 {
        self.max_message_size
    }

    /// Extended-Token-Length: the length in bytes of the greatest token that this end takes in a request (RFC 8974
    /// §2.2.1).
    #[inline]
    pub const fn extended_token_length(&self) -> u32 {
        self.extended_token_length
    }

    /// Block-Wise-Transfer: whether this end said that it supports RFC 7959. If not, nothing is known (RFC 8323
    /// §5.3.2).
    #[inline]
    pub const fn block_wise_transfer(&self) -> bool {
        self.block_wise_transfer
    }

    /// Whether this end takes BERT blocks: it supports block-wise transfer and messages of more than 1152 bytes
    /// (RFC 8323 §5.3.2, §6).
    #[inline]
    pub const fn bert(&self) -> bool {
        self.block_wise_transfer && self.max_message_size > Self::BASE.max_message_size
    }

    /// The length of the greatest BERT block that this end takes beside `overhead` bytes of header, token, options and
    /// payload marker: a multiple of 1024.
    ///
    /// `None` when it takes none, or none of 1024 bytes fits.
    pub const fn bert_len(&self, overhead: u32) -> Option<u32> {
        let room = self.max_message_size.saturating_sub(overhead);
        if self.bert() && room >= 1024 {
            // Clears the low ten bits.
            Some(room & !0x3ff)
        } else {
            None
        }
    }

    /// Writes the options of a CSM: those that differ from the base values.
    pub(super) fn write(&self, builder: &mut MessageBuilder<'_>) {
        if self.max_message_size != Self::BASE.max_message_size {
            builder.uint(MAX_MESSAGE_SIZE, self.max_message_size);
        }
        if self.block_wise_transfer {
            builder.empty(BLOCK_WISE_TRANSFER);
        }
        if self.extended_token_length != Self::BASE.extended_token_length {
            builder.uint(EXTENDED_TOKEN_LENGTH, self.extended_token_length);
        }
    }

    /// Takes a CSM over what was told before: options are cumulative (RFC 8323 §5.3).
    ///
    /// # Errors
    ///
    /// The number of an option that cannot be processed: an unknown critical one, or one whose value is too long; to
    /// be answered with an Abort that has it as Bad-CSM-Option (RFC 8323 §5.6). Nothing is taken then.
    pub(super) fn read(&mut self, csm: &Message<'_>) -> Result<(), OptionNumber> {
        if let Some(number) = unknown_critical(csm) {
            return Err(number);
        }
        let mut settings = *self;
        let mut previous = None;
        for (number, value) in csm.options() {
            // None is repeatable: a second one counts as unknown and is elective (RFC 7252 §5.4.5).
            if previous == Some(number) {
                continue;
            }
            previous = Some(number);
            settings = match number {
                MAX_MESSAGE_SIZE => settings.with_max_message_size(uint(number, value, 4)?),
                BLOCK_WISE_TRANSFER if value.is_empty() => settings.with_block_wise_transfer(),
                BLOCK_WISE_TRANSFER => return Err(number),
                EXTENDED_TOKEN_LENGTH => match uint(number, value, 3)? {
                    0..8 => settings,
                    length => settings.with_extended_token_length(length),
                },
                _ => settings,
            };
        }
        *self = settings;
        Ok(())
    }
}

fn uint(number: OptionNumber, value: &[u8], max_len: usize) -> Result<u32, OptionNumber> {
    if value.len() > max_len {
        return Err(number);
    }
    decode_uint(value).ok_or(number)
}

impl Default for Settings {
    /// [`Settings::BASE`].
    fn default() -> Self {
        Self::BASE
    }
}

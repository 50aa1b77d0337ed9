//! Signaling messages other than CSMs: Ping, Pong, Release and Abort (RFC 8323 §5.4 to §5.6).

use crate::{BuildError, Message, MessageBuilder, OptionNumber, Values, decode_uint};

// The numbers are specific to the code of the message: RFC 8323 Table 2.
const CUSTODY: OptionNumber = OptionNumber(2);
const ALTERNATIVE_ADDRESS: OptionNumber = OptionNumber(2);
const HOLD_OFF: OptionNumber = OptionNumber(4);
const BAD_CSM_OPTION: OptionNumber = OptionNumber(2);

/// The greatest Hold-Off in seconds: three bytes.
const MAX_HOLD_OFF: u32 = 0xff_ffff;

/// A Ping or a Pong (RFC 8323 §5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ping<'a> {
    /// Pairs a Pong with its Ping.
    pub token: &'a [u8],
    /// In a Ping: the sender asks that the Pong wait until all messages before the Ping are processed. In a Pong: they
    /// are (RFC 8323 §5.4.1).
    pub custody: bool,
}

/// A Release: the sender will not go on with the connection and leaves the closing to its peer (RFC 8323 §5.5).
#[derive(Clone, Copy, Debug)]
pub struct Release<'a>(Message<'a>);

/// An Abort: the sender shuts the connection down at once (RFC 8323 §5.6).
#[derive(Clone, Copy, Debug)]
pub struct Abort<'a>(Message<'a>);

/// What a Release tells the peer; all of it optional (RFC 8323 §5.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Goodbye<'a> {
    /// Transport addresses to connect to instead, each the authority of a URI of 1 to 255 bytes; one of another length
    /// fails with [`BuildError::ValueTooLong`].
    pub alternative_addresses: &'a [&'a str],
    /// Seconds for which the peer should not connect again; at most 2^24-1, more is written as that.
    pub hold_off: Option<u32>,
    /// A text for people.
    pub diagnostic: &'a str,
}

/// The first critical option: no critical option of a signaling message is defined, so each is unknown and makes the
/// recipient abort the connection (RFC 8323 §5.2).
pub(super) fn unknown_critical(signal: &Message<'_>) -> Option<OptionNumber> {
    signal
        .options()
        .map(|(number, _)| number)
        .find(|number| number.is_critical())
}

impl<'a> Ping<'a> {
    pub(super) fn read(message: &Message<'a>) -> Self {
        Self {
            token: message.token_bytes(),
            // One with a value is treated like an unknown elective option (RFC 7252 §5.4.3).
            custody: message.values(CUSTODY).next().is_some_and(<[u8]>::is_empty),
        }
    }

    pub(super) fn write(self, builder: &mut MessageBuilder<'_>) {
        if self.custody {
            builder.empty(CUSTODY);
        }
    }
}

impl<'a> Release<'a> {
    pub(super) const fn read(message: Message<'a>) -> Self {
        Self(message)
    }

    /// The addresses that the sender asks to connect to instead, each an authority such as `example.org:5683`
    /// (Alternative-Address).
    ///
    /// A connection to one of them inherits no trust from this one (RFC 8323 §10.1).
    pub fn alternative_addresses(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let values: Values<'a> = self.0.values(ALTERNATIVE_ADDRESS);
        values
            .filter(|value| (1..=255).contains(&value.len()))
            .filter_map(|value| core::str::from_utf8(value).ok())
    }

    /// For how many seconds the sender asks not to be connected to again (Hold-Off).
    pub fn hold_off(&self) -> Option<u32> {
        self.0
            .values(HOLD_OFF)
            .next()
            .filter(|value| value.len() <= 3)
            .and_then(decode_uint)
    }

    /// A text for people; empty when there is none or it is not UTF-8.
    pub fn diagnostic(&self) -> &'a str {
        core::str::from_utf8(self.0.payload()).unwrap_or_default()
    }
}

impl Goodbye<'_> {
    pub(super) fn write(&self, builder: &mut MessageBuilder<'_>) {
        for address in self.alternative_addresses {
            if !(1..=255).contains(&address.len()) {
                return builder.fail(BuildError::ValueTooLong);
            }
            builder.option(ALTERNATIVE_ADDRESS, address.as_bytes());
        }
        if let Some(seconds) = self.hold_off {
            builder.uint(HOLD_OFF, seconds.min(MAX_HOLD_OFF));
        }
        builder.payload(self.diagnostic.as_bytes());
    }
}

impl<'a> Abort<'a> {
    pub(super) const fn read(message: Message<'a>) -> Self {
        Self(message)
    }

    /// The option of our CSM that the sender cannot process (Bad-CSM-Option).
    pub fn bad_csm_option(&self) -> Option<u16> {
        self.0
            .values(BAD_CSM_OPTION)
            .next()
            .filter(|value| value.len() <= 2)
            .and_then(decode_uint)
            .and_then(|number| u16::try_from(number).ok())
    }

    /// A text for people; empty when there is none or it is not UTF-8.
    pub fn diagnostic(&self) -> &'a str {
        core::str::from_utf8(self.0.payload()).unwrap_or_default()
    }
}

/// Writes the options of an Abort.
pub(super) fn write_abort(
    builder: &mut MessageBuilder<'_>,
    bad_csm_option: Option<u16>,
    diagnostic: &str,
) {
    if let Some(number) = bad_csm_option {
        builder.uint(BAD_CSM_OPTION, u32::from(number));
    }
    builder.payload(diagnostic.as_bytes());
}

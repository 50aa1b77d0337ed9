//! What the agent says of itself to a log: by `defmt` on a device, by `log` elsewhere, to nobody without these features.
//!
//! Values are not said, nor is anything out of the Security object.

use dunlin_coap::Code;

use crate::Event;

/// The owner is told of an event.
pub(crate) fn event(event: &Event) {
    #[cfg(feature = "defmt")]
    defmt::debug!("{}", event);
    #[cfg(feature = "log")]
    log::debug!("{event:?}");
    let _ = event;
}

/// A request is refused.
pub(crate) fn refused(code: Code) {
    #[cfg(feature = "defmt")]
    defmt::debug!("refused with {}", code);
    #[cfg(feature = "log")]
    log::debug!("refused with {code}");
    let _ = code;
}

/// A datagram is no message.
pub(crate) fn malformed(len: usize) {
    #[cfg(feature = "defmt")]
    defmt::debug!("{} bytes are no message", len);
    #[cfg(feature = "log")]
    log::debug!("{len} bytes are no message");
    let _ = len;
}

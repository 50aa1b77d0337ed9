//! Base64 with padding, the plain text of opaque values: RFC 4648 §4, LwM2M Core Appendix C.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeSliceError, EncodeSliceError, Engine as _};

use crate::{DecodeErrorKind, EncodeError};

/// Decodes `text` into `scratch`.
pub(crate) fn decode<'a>(text: &[u8], scratch: &'a mut [u8]) -> Result<&'a [u8], DecodeErrorKind> {
    let length = STANDARD
        .decode_slice(text, scratch)
        .map_err(|error| match error {
            DecodeSliceError::OutputSliceTooSmall => DecodeErrorKind::NoSpace,
            DecodeSliceError::DecodeError(_) => DecodeErrorKind::Base64,
        })?;
    scratch.get(..length).ok_or(DecodeErrorKind::NoSpace)
}

/// Encodes `bytes` into `buffer` and gives the length.
pub(crate) fn encode(bytes: &[u8], buffer: &mut [u8]) -> Result<usize, EncodeError> {
    STANDARD
        .encode_slice(bytes, buffer)
        .map_err(|EncodeSliceError::OutputSliceTooSmall| EncodeError::NoSpace)
}

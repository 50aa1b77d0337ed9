//! Errors.

use core::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of failure it is; for programs that decide by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The request is not well formed or makes no sense for its target (400).
    #[serde(rename = "urn:dunlin:problem:bad-request")]
    BadRequest,
    /// No token, or not the right one (401).
    #[serde(rename = "urn:dunlin:problem:unauthorized")]
    Unauthorized,
    /// The request comes from a foreign web page or host name (403).
    #[serde(rename = "urn:dunlin:problem:foreign-origin")]
    ForeignOrigin,
    /// No such page or route (404).
    #[serde(rename = "urn:dunlin:problem:not-found")]
    NotFound,
    /// The device is not registered (404).
    #[serde(rename = "urn:dunlin:problem:not-registered")]
    NotRegistered,
    /// The route does not have this method (405).
    #[serde(rename = "urn:dunlin:problem:method-not-allowed")]
    MethodNotAllowed,
    /// The request body is too large (413).
    #[serde(rename = "urn:dunlin:problem:too-large")]
    TooLarge,
    /// The request body is not JSON (415).
    #[serde(rename = "urn:dunlin:problem:unsupported-media-type")]
    UnsupportedMediaType,
    /// A fault in the manager (500).
    #[serde(rename = "urn:dunlin:problem:internal")]
    Internal,
    /// The device answered with an error code, given in `code` (502).
    #[serde(rename = "urn:dunlin:problem:refused-by-device")]
    RefusedByDevice,
    /// The device's answer is not understood (502).
    #[serde(rename = "urn:dunlin:problem:bad-answer")]
    BadAnswer,
    /// The device is known, but no datagram reaches it (503).
    #[serde(rename = "urn:dunlin:problem:not-connected")]
    NotConnected,
    /// The manager has too much to do (503).
    #[serde(rename = "urn:dunlin:problem:overloaded")]
    Overloaded,
    /// The store does not take changes (503).
    #[serde(rename = "urn:dunlin:problem:store-failed")]
    StoreFailed,
    /// The device did not answer in time (504).
    #[serde(rename = "urn:dunlin:problem:timed-out")]
    TimedOut,
    /// A kind that this program does not know yet.
    #[serde(other)]
    #[serde(rename = "about:blank")]
    Other,
}

/// Why a request failed, in the form of RFC 9457 (`application/problem+json`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The kind of failure.
    #[serde(rename = "type")]
    pub kind: ProblemKind,
    /// The kind of failure in a few words.
    #[schema(example = "Refused by the device")]
    pub title: String,
    /// The HTTP status code.
    #[schema(example = 502, minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened, in a sentence.
    #[schema(example = "The device refused the write of /3/0/0: 4.05 Method Not Allowed.")]
    pub detail: String,
    /// What to do about it, in a sentence.
    #[schema(example = "The resource does not allow this operation.")]
    pub remedy: String,
    /// The CoAP code of the device's answer, where the device refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "4.05")]
    pub code: Option<String>,
    /// The line of an uploaded file that is wrong, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 17, minimum = 1)]
    pub line: Option<u32>,
    /// The character in that line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 5, minimum = 1)]
    pub column: Option<u32>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.detail, self.remedy)
    }
}

impl core::error::Error for Problem {}

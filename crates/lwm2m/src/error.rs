//! Why a request is refused, and with which code.

use core::fmt;

use dunlin_coap::Code;

/// A request that cannot be carried out as it stands: the response code that says so to the peer, and a short
/// sentence for its diagnostic payload (RFC 7252 §5.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RequestError {
    code: Code,
    diagnostic: &'static str,
}

impl RequestError {
    /// A refusal with `code`, explained by `diagnostic`.
    pub const fn new(code: Code, diagnostic: &'static str) -> Self {
        let diagnostic = if cfg!(feature = "diagnostics") {
            diagnostic
        } else {
            ""
        };
        Self { code, diagnostic }
    }

    /// 4.00 Bad Request.
    pub const fn bad_request(diagnostic: &'static str) -> Self {
        Self::new(Code::BAD_REQUEST, diagnostic)
    }

    /// 4.05 Method Not Allowed.
    pub const fn method_not_allowed(diagnostic: &'static str) -> Self {
        Self::new(Code::METHOD_NOT_ALLOWED, diagnostic)
    }

    /// 4.04 Not Found.
    pub const fn not_found(diagnostic: &'static str) -> Self {
        Self::new(Code::NOT_FOUND, diagnostic)
    }

    /// The response code that answers the request.
    pub const fn code(self) -> Code {
        self.code
    }

    /// What was wrong, in a few words of UTF-8; empty without the feature `diagnostics`.
    pub const fn diagnostic(self) -> &'static str {
        self.diagnostic
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.diagnostic)
    }
}

impl core::error::Error for RequestError {}

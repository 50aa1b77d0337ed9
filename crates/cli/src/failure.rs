//! What a command says when it cannot do its work.

use core::fmt;

use serde::Serialize;

/// Why a command failed and what to do about it: two sentences for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Failure {
    /// What happened.
    #[serde(rename = "error")]
    pub(crate) detail: String,
    /// What to do about it, if there is something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
    /// The CoAP code, where a device refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// Whether the command was called in a wrong way, as against could not do what it should.
    #[serde(skip)]
    pub(crate) usage: bool,
}

impl Failure {
    /// A failure without a remedy.
    pub(crate) fn new(detail: impl fmt::Display) -> Self {
        Self {
            detail: detail.to_string(),
            remedy: None,
            code: None,
            usage: false,
        }
    }

    /// A command line that makes no sense.
    pub(crate) fn usage(detail: impl fmt::Display) -> Self {
        Self {
            usage: true,
            ..Self::new(detail)
        }
    }

    /// Says what to do about it.
    #[must_use]
    pub(crate) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }

    /// The exit status of the program: 2 for a wrong call as with every other usage error, 1 for everything else.
    pub(crate) const fn exit_code(&self) -> u8 {
        if self.usage { 2 } else { 1 }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n  {}", remedy.replace('\n', "\n  ")),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Failure {}

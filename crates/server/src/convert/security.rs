//! Credentials.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dunlin_manager::{CredentialInfo, CredentialKind};

use crate::api;

/// What may be shown of a credential.
pub(crate) fn credential(info: &CredentialInfo) -> api::Credential {
    let mut shown = api::Credential {
        endpoint: info.endpoint.to_string(),
        kind: api::CredentialKind::Psk,
        identity: None,
        public_key: None,
        fingerprint: None,
    };
    match info.kind {
        CredentialKind::RawPublicKey => {
            shown.kind = api::CredentialKind::Rpk;
            shown.public_key = Some(BASE64.encode(&info.identity));
        }
        CredentialKind::Certificate | CredentialKind::Authority => {
            shown.kind = match info.kind {
                CredentialKind::Authority => api::CredentialKind::X509Ca,
                _ => api::CredentialKind::X509,
            };
            let digits = info.identity.iter().map(|byte| format!("{byte:02x}"));
            shown.fingerprint = Some(digits.collect());
        }
        _ => {
            shown.identity = core::str::from_utf8(&info.identity).ok().map(str::to_owned);
        }
    }
    shown
}

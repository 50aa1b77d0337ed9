//! Credentials of devices.

use core::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// What a device proves itself by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CredentialKind {
    /// A pre-shared key (RFC 4279).
    Psk,
    /// A raw public key (RFC 7250).
    Rpk,
    /// An X.509 certificate.
    X509,
    /// Any X.509 certificate of an authority that names the device.
    #[serde(rename = "x509-ca")]
    X509Ca,
}

impl CredentialKind {
    /// The name that the API uses, such as `psk`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Psk => "psk",
            Self::Rpk => "rpk",
            Self::X509 => "x509",
            Self::X509Ca => "x509-ca",
        }
    }
}

/// A credential of a device, without what is secret of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Credential {
    /// The endpoint name of the device.
    #[schema(example = "urn:imei:490154203237518")]
    pub endpoint: String,
    /// Which kind it is.
    pub kind: CredentialKind,
    /// The PSK identity, where it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "urn:imei:490154203237518")]
    pub identity: Option<String>,
    /// The public key: a `SubjectPublicKeyInfo` in DER, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// The SHA-256 of the certificate in DER, the device's or the authority's, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// A page of credentials, in the order of endpoint names and kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CredentialList {
    /// The credentials of this page.
    pub credentials: Vec<Credential>,
    /// How many match in all.
    pub total: u64,
    /// The server's own public key, which devices with raw public keys need: a `SubjectPublicKeyInfo` in DER, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_public_key: Option<String>,
}

/// A credential to be kept: `identity` and `key`, or `public_key`, or `certificate`, or `authority`, as its kind needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialRequest {
    /// Of a PSK: the identity that the device gives, 1 to 128 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "urn:imei:490154203237518")]
    pub identity: Option<String>,
    /// Of a PSK: the key, 16 to 64 bytes in base64. It is never shown again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, write_only, example = "c2l4dGVlbiBzZWNyZXRzIQ==")]
    pub key: Option<Secret>,
    /// Of a raw public key: its `SubjectPublicKeyInfo` in DER, in base64; on the curve P-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// Of a certificate: its DER, in base64. The device is taken with this very certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Of a certificate of an authority: the authority's own certificate in DER, in base64. The device is taken with any
    /// certificate that leads there and whose subject's common name is the endpoint name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
}

/// A text that is wiped when dropped and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A secret text.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)
            .map(Self::new)
            // What it was instead may be the secret in another form.
            .map_err(|_| serde::de::Error::custom("the key is text in base64"))
    }
}

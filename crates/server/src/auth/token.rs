//! The API token and its hash.

use core::fmt;
use core::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The secret that opens the API. `Debug` does not show it, and its memory is cleared.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiToken(Zeroizing<String>);

impl ApiToken {
    /// The shortest token that is accepted, in bytes.
    pub const MIN_LEN: usize = 16;
    /// The longest token that is accepted, in bytes.
    pub const MAX_LEN: usize = 512;

    /// Takes a token that the operator chose.
    ///
    /// # Errors
    /// [`TokenError`] if it is too short to be a secret, too long, or could not stand in an HTTP header.
    pub fn new(token: impl Into<String>) -> Result<Self, TokenError> {
        let token = Zeroizing::new(token.into());
        if token.len() < Self::MIN_LEN {
            return Err(TokenError::TooShort);
        }
        if token.len() > Self::MAX_LEN {
            return Err(TokenError::TooLong);
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Character);
        }
        Ok(Self(token))
    }

    /// Makes a token of 256 random bits.
    pub fn generate() -> Self {
        let bytes = Zeroizing::new(rand::random::<[u8; 32]>());
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
    }

    /// The secret itself, to show it once to the operator or to send it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken(hidden)")
    }
}

impl<'de> Deserialize<'de> for ApiToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Why a text is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is shorter than [`ApiToken::MIN_LEN`].
    #[error("an API token needs at least {} characters", ApiToken::MIN_LEN)]
    TooShort,
    /// It is longer than [`ApiToken::MAX_LEN`].
    #[error("an API token has at most {} characters", ApiToken::MAX_LEN)]
    TooLong,
    /// It has a character that an HTTP header cannot carry.
    #[error("an API token has only printable ASCII characters and no spaces")]
    Character,
    /// It is not the hash of a token.
    #[error("the hash of an API token is 64 hexadecimal digits")]
    Hash,
}

/// The SHA-256 of a token: what a server needs to recognise it, and all that need be stored.
///
/// Prints and parses as 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a token.
    pub fn of(token: &ApiToken) -> Self {
        Self(Sha256::digest(token.expose()).into())
    }

    /// Whether this is the hash of `token`; takes the same time for every wrong token.
    pub fn matches(&self, token: &str) -> bool {
        let other: [u8; 32] = Sha256::digest(token).into();
        self.0.ct_eq(&other).into()
    }
}

impl From<&ApiToken> for TokenHash {
    fn from(token: &ApiToken) -> Self {
        Self::of(token)
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(hidden)")
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for TokenHash {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let text = text.trim().as_bytes();
        let mut bytes = [0; 32];
        if text.len() != 64 {
            return Err(TokenError::Hash);
        }
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            let digit = |at: usize| char::from(pair[at]).to_digit(16).ok_or(TokenError::Hash);
            *byte = u8::try_from(digit(0)? * 16 + digit(1)?).map_err(|_| TokenError::Hash)?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_recognises_its_token_only_and_survives_text() {
        let token = ApiToken::generate();
        let hash = TokenHash::of(&token);
        assert!(hash.matches(token.expose()));
        assert!(!hash.matches(""));
        assert!(!hash.matches(&token.expose()[1..]));
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!("zz".repeat(32).parse::<TokenHash>(), Err(TokenError::Hash));
        assert_ne!(ApiToken::generate(), ApiToken::generate());
    }

    #[test]
    fn hash_is_sha256() {
        let hash = TokenHash::of(&ApiToken::new("0123456789abcdef").expect("valid"));
        assert_eq!(
            hash.to_string(),
            "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f"
        );
    }

    #[test]
    fn weak_tokens_are_refused() {
        assert_eq!(ApiToken::new("short"), Err(TokenError::TooShort));
        assert_eq!(ApiToken::new("x".repeat(513)), Err(TokenError::TooLong));
        assert_eq!(
            ApiToken::new("has a space in the middle"),
            Err(TokenError::Character)
        );
    }

    #[test]
    fn debug_hides_the_secret() {
        let token = ApiToken::new("a-very-secret-token").expect("valid");
        assert!(!format!("{token:?}").contains("secret"));
        let hash = TokenHash::of(&token);
        assert!(!format!("{hash:?}").contains(&hash.to_string()));
    }
}

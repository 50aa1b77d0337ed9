//! A token is serialised as its bytes.

use core::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Token;

impl Serialize for Token {
    /// Fails for [`Token::EXTENDED`], which stands for bytes that it does not have.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_extended() {
            return Err(S::Error::custom("the place of an extended token"));
        }
        serializer.serialize_bytes(self.as_bytes())
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Bytes)
    }
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = Token;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token of at most 8 bytes")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Token, E> {
        Token::new(bytes).ok_or_else(|| E::invalid_length(bytes.len(), &self))
    }

    /// Formats without bytes, such as JSON, have a list.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Token, A::Error> {
        let mut bytes = [0; Token::MAX_LEN];
        let mut len = 0_usize;
        while let Some(byte) = list.next_element()? {
            match bytes.get_mut(len) {
                Some(space) => *space = byte,
                None => return Err(A::Error::invalid_length(len.saturating_add(1), &self)),
            }
            len = len.saturating_add(1);
        }
        self.visit_bytes(bytes.get(..len).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use super::*;
    use crate::{Code, MessageId, OptionNumber, Type};

    #[test]
    fn tokens_come_back_and_keep_their_bound() {
        for len in 0..=8 {
            let token = Token::new(&[1, 2, 3, 0, 5, 6, 7, 8][..len]).unwrap();
            let text = serde_json::to_string(&token).unwrap();
            assert_eq!(serde_json::from_str::<Token>(&text).unwrap(), token);
        }
        assert!(serde_json::from_str::<Token>("[1,2,3,4,5,6,7,8,9]").is_err());
        assert!(serde_json::from_str::<Token>("[256]").is_err());
        assert!(serde_json::to_string(&Token::EXTENDED).is_err());
    }

    #[test]
    fn plain_values_come_back() {
        let values = (
            Type::Acknowledgement,
            Code::CONTENT,
            MessageId(7),
            OptionNumber::BLOCK2,
        );
        let text: String = serde_json::to_string(&values).unwrap();
        assert_eq!(text, r#"["Acknowledgement",69,7,23]"#);
        assert_eq!(
            serde_json::from_str::<(Type, Code, MessageId, OptionNumber)>(&text).unwrap(),
            values
        );
    }
}

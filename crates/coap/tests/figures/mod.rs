//! A message that a specification shows, and its bytes.

use dunlin_coap::{Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type};

/// What a figure tells of a message.
pub(crate) struct Figure<'a> {
    pub(crate) message_type: Type,
    pub(crate) code: Code,
    pub(crate) id: u16,
    pub(crate) token: &'a [u8],
    pub(crate) options: &'a [(OptionNumber, &'a [u8])],
    pub(crate) payload: &'a [u8],
}

impl Figure<'_> {
    /// Reads the fields from the bytes, which are given in parts, and writes the bytes from the fields.
    #[track_caller]
    pub(crate) fn check(&self, parts: &[&[u8]]) {
        let bytes = parts.concat();
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.message_type(), self.message_type);
        assert_eq!(message.code(), self.code);
        assert_eq!(message.id(), MessageId(self.id));
        assert_eq!(message.token_bytes(), self.token);
        assert!(message.options().eq(self.options.iter().copied()));
        assert_eq!(message.payload(), self.payload);

        let mut buffer = [0; 256];
        let mut builder = MessageBuilder::new(
            &mut buffer,
            self.message_type,
            self.code,
            MessageId(self.id),
            Token::new(self.token).unwrap(),
        );
        for (number, value) in self.options {
            builder.option(*number, value);
        }
        assert_eq!(builder.payload(self.payload).finish().unwrap(), bytes);
    }
}

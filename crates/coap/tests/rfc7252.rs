//! The messages and encodings of RFC 7252: those of Appendix A and §3 from the shared vectors, those of §2.2 from here.

mod figures;

use dunlin_coap::{Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type, empty_ack};
use figures::Figure;
use serde_json::Value;

/// The vectors; `None`, with a printed line, where they are not beside the repository.
fn vectors() -> Option<Value> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/vectors/coap-rfc7252.json"
    );
    match std::fs::read_to_string(path) {
        Ok(text) => Some(serde_json::from_str(&text).unwrap()),
        Err(error) => {
            println!("skipped: {path}: {error}");
            None
        }
    }
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn number(value: &Value) -> u16 {
    value.as_u64().unwrap().try_into().unwrap()
}

fn options_of(vector: &Value) -> Vec<(OptionNumber, Vec<u8>)> {
    let options = vector["options"].as_array().unwrap();
    options
        .iter()
        .map(|option| {
            (
                OptionNumber(number(&option["number"])),
                hex(&option["value_hex"]),
            )
        })
        .collect()
}

#[test]
fn the_messages_of_appendix_a() {
    let Some(vectors) = vectors() else { return };
    let messages = vectors["messages"].as_array().unwrap();
    assert!(!messages.is_empty());
    for vector in messages {
        let name = &vector["id"];
        let bytes = hex(&vector["hex"]);
        let message_type = match vector["type"].as_str().unwrap() {
            "CON" => Type::Confirmable,
            "NON" => Type::NonConfirmable,
            "ACK" => Type::Acknowledgement,
            _ => Type::Reset,
        };
        let id = MessageId(number(&vector["message_id"]));
        let token = hex(&vector["token"]);
        let options = options_of(vector);
        let payload = hex(&vector["payload_hex"]);

        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.message_type(), message_type, "{name}");
        assert_eq!(message.code().to_string(), vector["code"].as_str().unwrap());
        assert_eq!(message.id(), id, "{name}");
        assert_eq!(message.token().as_bytes(), token, "{name}");
        let read: Vec<_> = message
            .options()
            .map(|(number, value)| (number, value.to_vec()))
            .collect();
        assert_eq!(read, options, "{name}");
        assert_eq!(message.payload(), payload, "{name}");

        let mut buffer = [0; 64];
        let token = Token::new(&token).unwrap();
        let mut builder = MessageBuilder::new(&mut buffer, message_type, message.code(), id, token);
        for (number, value) in &options {
            builder.option(*number, value);
        }
        assert_eq!(builder.payload(&payload).finish().unwrap(), bytes, "{name}");
    }
}

#[test]
fn option_headers_of_section_3_1() {
    let Some(vectors) = vectors() else { return };
    let rows = vectors["option_encoding"]["vectors"].as_array().unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        let previous = OptionNumber(number(&row["previous_number"]));
        let option = OptionNumber(number(&row["number"]));
        let value = vec![0x5a; usize::from(number(&row["length"]))];
        let header = hex(&row["header_hex"]);

        let mut buffer = [0; 2048];
        let id = MessageId(1);
        let mut builder =
            MessageBuilder::new(&mut buffer, Type::Confirmable, Code::GET, id, Token::EMPTY);
        if previous.0 > 0 {
            builder.empty(previous);
        }
        let bytes = builder.option(option, &value).finish().unwrap();
        let start = bytes.len() - value.len() - header.len();
        assert_eq!(bytes[start..start + header.len()], header, "{row}");
        let message = Message::parse(bytes).unwrap();
        assert_eq!(
            message.options().last(),
            Some((option, &value[..])),
            "{row}"
        );
    }
}

#[test]
fn uint_values_of_section_3_2() {
    let Some(vectors) = vectors() else { return };
    let rows = vectors["uint_option"]["vectors"].as_array().unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        let value = u32::try_from(row["value"].as_u64().unwrap()).unwrap();
        let encoded = hex(&row["hex"]);
        assert_eq!(dunlin_coap::decode_uint(&encoded), Some(value), "{row}");
        let zeros = [&[0; 6][..], &encoded].concat();
        assert_eq!(dunlin_coap::decode_uint(&zeros), Some(value), "{row}");

        let mut buffer = [0; 16];
        let id = MessageId(1);
        let bytes =
            MessageBuilder::new(&mut buffer, Type::Confirmable, Code::GET, id, Token::EMPTY)
                .uint(OptionNumber::SIZE1, value)
                .finish()
                .unwrap();
        let message = Message::parse(bytes).unwrap();
        assert_eq!(message.option(OptionNumber::SIZE1), Some(&encoded[..]));
    }
}

/// A GET of the temperature as in Figures 4 to 6.
#[track_caller]
fn get(message_type: Type, id: u16, token: u8, header: [u8; 4]) {
    Figure {
        message_type,
        code: Code::GET,
        id,
        token: &[token],
        options: &[(OptionNumber::URI_PATH, b"temperature")],
        payload: b"",
    }
    .check(&[&header, &[token, 0xbb], b"temperature"]);
}

/// Its response.
#[track_caller]
fn response(message_type: Type, code: Code, id: u16, token: u8, header: [u8; 4], payload: &[u8]) {
    Figure {
        message_type,
        code,
        id,
        token: &[token],
        options: &[],
        payload,
    }
    .check(&[&header, &[token, 0xff], payload]);
}

#[test]
fn figure_4_piggybacked_responses() {
    let ack = Type::Acknowledgement;
    get(Type::Confirmable, 0xbc90, 0x71, [0x41, 0x01, 0xbc, 0x90]);
    let header = [0x61, 0x45, 0xbc, 0x90];
    response(ack, Code::CONTENT, 0xbc90, 0x71, header, b"22.5 C");
    get(Type::Confirmable, 0xbc91, 0x72, [0x41, 0x01, 0xbc, 0x91]);
    let header = [0x61, 0x84, 0xbc, 0x91];
    response(ack, Code::NOT_FOUND, 0xbc91, 0x72, header, b"Not found");
}

#[test]
fn figure_5_a_separate_response() {
    get(Type::Confirmable, 0x7a10, 0x73, [0x41, 0x01, 0x7a, 0x10]);
    assert_eq!(empty_ack(MessageId(0x7a10)), [0x60, 0, 0x7a, 0x10]);
    let header = [0x41, 0x45, 0x23, 0xbb];
    response(
        Type::Confirmable,
        Code::CONTENT,
        0x23bb,
        0x73,
        header,
        b"22.5 C",
    );
    assert_eq!(empty_ack(MessageId(0x23bb)), [0x60, 0, 0x23, 0xbb]);
}

#[test]
fn figure_6_non_confirmable_messages() {
    get(Type::NonConfirmable, 0x7a11, 0x74, [0x51, 0x01, 0x7a, 0x11]);
    let header = [0x51, 0x45, 0x23, 0xbc];
    response(
        Type::NonConfirmable,
        Code::CONTENT,
        0x23bc,
        0x74,
        header,
        b"22.5 C",
    );
}

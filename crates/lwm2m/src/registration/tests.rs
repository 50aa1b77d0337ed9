extern crate std;

use super::*;
use crate::Uplink;
use dunlin_coap::{MessageId, Token, Type};
use std::vec::Vec;

fn request(
    code: Code,
    path: &[&str],
    format: Option<u16>,
    queries: &[&str],
    payload: &[u8],
) -> Vec<u8> {
    let mut buffer = [0; 1200];
    let mut builder = MessageBuilder::new(
        &mut buffer,
        Type::Confirmable,
        code,
        MessageId(1),
        Token::EMPTY,
    );
    builder.path(path);
    if let Some(format) = format {
        builder.content_format(format);
    }
    builder.query(queries);
    builder.payload(payload).finish().unwrap().to_vec()
}

fn register(queries: &[&str]) -> Result<(), RequestError> {
    let bytes = request(Code::POST, &["rd"], Some(40), queries, b"</1/0>,</3/0>");
    Register::from_message(&Message::parse(&bytes).unwrap()).map(|_| ())
}

#[test]
fn reads_all_parameters_of_a_1_2_client() {
    let queries = [
        "ep=urn:dev:os:1-7",
        "lt=300",
        "lwm2m=1.2",
        "b=UT",
        "Q",
        "sms=4912345",
        "pid=6:27354b9a",
    ];
    let bytes = request(Code::POST, &["rd"], Some(40), &queries, b"</1/0>,</3/0>");
    let message = Message::parse(&bytes).unwrap();
    let register = Register::from_message(&message).unwrap();
    assert_eq!(register.endpoint, Some("urn:dev:os:1-7"));
    assert_eq!(register.lifetime, 300);
    assert_eq!(register.version, LwM2mVersion::V1_2);
    assert!(register.binding.has('T') && register.binding.has('U'));
    assert!(register.queue_mode);
    assert_eq!(register.sms, Some("4912345"));
    assert_eq!(register.profile_ids, Some("6:27354b9a"));
    assert_eq!(register.links, b"</1/0>,</3/0>");
    assert_eq!(
        Uplink::from_message(&message),
        Ok(Uplink::Register(register))
    );
}

#[test]
fn a_1_0_client_may_leave_out_all_but_its_name() {
    let bytes = request(Code::POST, &["rd"], None, &["ep=a"], b"</3/0>");
    let register = Register::from_message(&Message::parse(&bytes).unwrap()).unwrap();
    assert_eq!(register.version, LwM2mVersion::V1_0);
    assert_eq!(register.lifetime, DEFAULT_LIFETIME);
    assert_eq!(register.binding, Binding::U);
}

#[test]
fn q_in_the_binding_is_queue_mode() {
    let bytes = request(Code::POST, &["rd"], None, &["ep=a", "b=UQ"], b"");
    assert!(
        Register::from_message(&Message::parse(&bytes).unwrap())
            .unwrap()
            .queue_mode
    );
}

#[test]
fn each_wrong_parameter_is_a_bad_request() {
    assert_eq!(register(&["ep=a", "lt=60", "lwm2m=1.1"]), Ok(()));
    for queries in [
        &["ep=a", "lwm2m=1.1"] as &[&str], // lt is required from 1.1 on
        &["ep=a", "lt=", "lwm2m=1.1"],
        &["ep=a", "lt=-1", "lwm2m=1.1"],
        &["ep=a", "lt=60s", "lwm2m=1.1"],
        &["ep=a", "lt=4294967296", "lwm2m=1.1"],
        &["ep=a", "lt", "lwm2m=1.1"],
        &["ep=a", "lt=0"], // never is a word of 1.1
        &["ep=a", "lt=60", "lt=60", "lwm2m=1.1"],
        &["ep=", "lt=60", "lwm2m=1.1"],
        &["ep=a\u{7}b", "lt=60", "lwm2m=1.1"],
        &["ep=a", "lt=60", "lwm2m=x"],
        &["ep=a", "lt=60", "lwm2m=1.1", "b=Z"],
        &["ep=a", "lt=60", "lwm2m=1.1", "Q=1"],
        &["ep=a", "lt=60", "lwm2m=1.1", "sms=+49"],
        &["ep=a", "lt=60", "lwm2m=1.1", "colour=red"],
    ] {
        assert_eq!(
            register(queries).unwrap_err().code(),
            Code::BAD_REQUEST,
            "{queries:?}"
        );
    }
    assert_eq!(
        register(&["ep=a", "lt=60", "lwm2m=3.0"])
            .unwrap_err()
            .code(),
        Code::PRECONDITION_FAILED
    );
    let long = std::format!("ep={}", "x".repeat(253));
    assert_eq!(
        register(&[&long, "lt=60", "lwm2m=1.1"]).unwrap_err().code(),
        Code::BAD_REQUEST
    );
}

#[test]
fn a_payload_in_another_format_is_refused() {
    let bytes = request(Code::POST, &["rd"], Some(0), &["ep=a"], b"</3/0>");
    let error = Register::from_message(&Message::parse(&bytes).unwrap()).unwrap_err();
    assert_eq!(error.code(), Code::UNSUPPORTED_CONTENT_FORMAT);
}

#[test]
fn a_name_that_is_not_utf8_is_refused() {
    let mut buffer = [0; 64];
    let bytes = MessageBuilder::new(
        &mut buffer,
        Type::Confirmable,
        Code::POST,
        MessageId(1),
        Token::EMPTY,
    )
    .option(OptionNumber::URI_PATH, b"rd")
    .option(OptionNumber::URI_QUERY, b"ep=\xff\xfe")
    .finish()
    .unwrap();
    // Refused either as a malformed message or as a bad request, never taken.
    if let Ok(message) = Message::parse(bytes) {
        assert_eq!(
            Register::from_message(&message).unwrap_err().code(),
            Code::BAD_REQUEST
        );
    }
}

#[test]
fn an_update_says_only_what_has_changed() {
    let bytes = request(Code::POST, &["rd", "5a3f"], None, &[], b"");
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(
        Uplink::from_message(&message),
        Ok(Uplink::Update {
            location: b"5a3f",
            update: Update::default()
        })
    );
    let bytes = request(
        Code::POST,
        &["rd", "5a3f"],
        Some(40),
        &["lt=600000", "b=U"],
        b"</3/0>",
    );
    let update = Update::from_message(&Message::parse(&bytes).unwrap()).unwrap();
    assert_eq!(update.lifetime, Some(600_000));
    assert_eq!(update.binding, Some(Binding::U));
    assert_eq!(update.links, b"</3/0>");
    for query in ["ep=b", "lwm2m=1.2", "lt=x"] {
        let bytes = request(Code::POST, &["rd", "5a3f"], None, &[query], b"");
        assert!(
            Update::from_message(&Message::parse(&bytes).unwrap()).is_err(),
            "{query}"
        );
    }
}

#[test]
fn written_parameters_read_back_the_same() {
    let mut register = Register::new("urn:dev:os:1-7", 0, LwM2mVersion::V1_1);
    register.queue_mode = true;
    register.sms = Some("491");
    register.binding = Binding::parse("UT").unwrap();
    register.links = b"</1/0>";
    let mut buffer = [0; 256];
    let mut builder = MessageBuilder::new(
        &mut buffer,
        Type::Confirmable,
        Code::POST,
        MessageId(1),
        Token::EMPTY,
    );
    register.write(&mut builder);
    let bytes = builder.payload(register.links).finish().unwrap();
    assert_eq!(
        Register::from_message(&Message::parse(bytes).unwrap()),
        Ok(register)
    );

    let update = Update {
        lifetime: Some(7),
        binding: Some(Binding::UQ),
        queue_mode: true,
        links: b"</3/0>",
        ..Update::default()
    };
    let mut buffer = [0; 256];
    let mut builder = MessageBuilder::new(
        &mut buffer,
        Type::Confirmable,
        Code::POST,
        MessageId(1),
        Token::EMPTY,
    );
    update.write(&mut builder, ["rd", "x"], true);
    let bytes = builder.payload(update.links).finish().unwrap();
    let message = Message::parse(bytes).unwrap();
    assert_eq!(
        Uplink::from_message(&message),
        Ok(Uplink::Update {
            location: b"x",
            update
        })
    );
}

#[test]
fn methods_and_paths_of_the_registration_interface_are_told_apart() {
    let ask = |code, path: &[&str]| {
        let bytes = request(code, path, None, &[], b"");
        Uplink::from_message(&Message::parse(&bytes).unwrap())
            .map(|_| ())
            .map_err(RequestError::code)
    };
    assert_eq!(ask(Code::DELETE, &["rd", "a"]), Ok(()));
    assert_eq!(ask(Code::GET, &["rd"]), Err(Code::METHOD_NOT_ALLOWED));
    assert_eq!(ask(Code::PUT, &["rd", "a"]), Err(Code::METHOD_NOT_ALLOWED));
    assert_eq!(ask(Code::DELETE, &["rd"]), Err(Code::METHOD_NOT_ALLOWED));
    assert_eq!(ask(Code::POST, &["rd", "a", "b"]), Err(Code::NOT_FOUND));
    assert_eq!(ask(Code::POST, &["x"]), Err(Code::NOT_FOUND));
    assert_eq!(ask(Code::GET, &[]), Err(Code::NOT_FOUND));
}

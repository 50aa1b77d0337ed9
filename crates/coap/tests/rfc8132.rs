//! The examples of RFC 8132: FETCH of a part of a document (§2.7), iPATCH and PATCH of the same (§3.1).
//!
//! The RFC gives methods, options and payloads; message ids and tokens are ours.

mod figures;

use dunlin_coap::{Code, OptionNumber, Type};
use figures::Figure;

/// Options 3 and 11: `coap://www.example.com/object`.
const URI: &[u8] = b"\x3d\x02www.example.com\x86object";

/// A Confirmable request to the object.
#[track_caller]
fn request(id: u16, code: Code, content_format: &[u8], accept: Option<&[u8]>, payload: &[u8]) {
    let mut options = vec![
        (OptionNumber::URI_HOST, &b"www.example.com"[..]),
        (OptionNumber::URI_PATH, b"object"),
        (OptionNumber::CONTENT_FORMAT, content_format),
    ];
    let mut wanted = Vec::new();
    let format: &[u8] = match content_format.len() {
        1 => &[0x11],
        _ => &[0x12],
    };
    if let Some(accept) = accept {
        options.push((OptionNumber::ACCEPT, accept));
        wanted = [&[0x51], accept].concat();
    }
    let [high, low] = id.to_be_bytes();
    Figure {
        message_type: Type::Confirmable,
        code,
        id,
        token: &[7],
        options: &options,
        payload,
    }
    .check(&[
        &[0x41, code.0, high, low, 7],
        URI,
        format,
        content_format,
        &wanted,
        &[0xff],
        payload,
    ]);
}

/// Its response; one without options and payload is the code alone.
#[track_caller]
fn response(id: u16, code: Code, options: &[(OptionNumber, &[u8])], after_token: &[&[u8]]) {
    let [high, low] = id.to_be_bytes();
    let payload = after_token.last().copied().unwrap_or_default();
    let header = [0x61, code.0, high, low, 7];
    let parts: Vec<_> = [&header[..]]
        .into_iter()
        .chain(after_token.iter().copied())
        .collect();
    Figure {
        message_type: Type::Acknowledgement,
        code,
        id,
        token: &[7],
        options,
        payload,
    }
    .check(&parts);
}

#[test]
fn fetch_of_one_key() {
    // The format of the example's request is hypothetical (NNN): here 65000, for experiments (RFC 7252 §12.3).
    request(1, Code(0x05), &[0xfd, 0xe8], Some(&[50]), br#"["foo"]"#);
    response(
        1,
        Code(0x45),
        &[(OptionNumber::CONTENT_FORMAT, &[50])],
        &[b"\xc1\x32\xff", br#"{"foo": ["bar","baz"]}"#],
    );
    assert_eq!(Code::FETCH, Code(0x05));
}

#[test]
fn ipatch_that_is_idempotent() {
    let patch = br#"[{ "op":"replace", "path":"x-coord", "value":45}]"#;
    request(2, Code(0x07), &[51], None, patch);
    response(2, Code(0x44), &[], &[]);
    request(3, Code(0x07), &[52], None, br#"{ "x-coord":45}"#);
    response(3, Code(0x44), &[], &[]);
    assert_eq!(Code::IPATCH, Code(0x07));
}

#[test]
fn patch_that_is_not_idempotent() {
    let patch = br#"[{ "op":"add","path":"foo/1","value":"bar"}]"#;
    request(4, Code(0x07), &[51], None, patch);
    response(
        4,
        Code(0x80),
        &[],
        &[b"\xff", b"Patch format not idempotent"],
    );
    request(5, Code(0x06), &[51], None, patch);
    response(5, Code(0x44), &[], &[]);
    assert_eq!(Code::PATCH, Code(0x06));
}

#[test]
fn response_codes() {
    // RFC 8132 §6 and, for overload, RFC 8516 §5 and RFC 8768 §6.
    for (code, byte, text) in [
        (Code::CONFLICT, 0x89, "4.09 Conflict"),
        (
            Code::UNPROCESSABLE_ENTITY,
            0x96,
            "4.22 Unprocessable Entity",
        ),
        (Code::TOO_MANY_REQUESTS, 0x9d, "4.29 Too Many Requests"),
        (Code::HOP_LIMIT_REACHED, 0xa8, "5.08 Hop Limit Reached"),
    ] {
        assert_eq!(code, Code(byte));
        assert_eq!(format!("{code:?}"), text);
    }
}

#[test]
fn too_many_requests_with_and_without_a_time() {
    // RFC 8516 §4: without Max-Age the client waits 60 seconds.
    let message = [0x60, 0x9d, 0, 1, 0xd1, 0x01, 10];
    let message = dunlin_coap::Message::parse(&message).unwrap();
    assert_eq!(
        (message.code(), message.freshness()),
        (Code::TOO_MANY_REQUESTS, 10)
    );
    let message = dunlin_coap::Message::parse(&[0x60, 0x9d, 0, 1]).unwrap();
    assert_eq!(message.freshness(), 60);
}

#[test]
fn hop_limit_is_one_byte() {
    // RFC 8768 §3: the length is 1, and leading zeros of a uint are no excuse.
    for (option, hops) in [
        (&[0xd1, 3, 16][..], Some(16)),
        (&[0xd0, 3], None),
        (&[0xd2, 3, 0, 1], None),
    ] {
        let bytes = [&[0x40, 1, 0, 1], option].concat();
        let message = dunlin_coap::Message::parse(&bytes).unwrap();
        assert_eq!(message.hop_limit(), hops);
    }
}

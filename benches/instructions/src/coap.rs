//! Reading and writing messages.

use core::hint::black_box;

use crate::{Case, measured, messages};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "coap/parse/get",
        goal: Some(150),
        run: |times| parse("get", times),
    },
    Case {
        name: "coap/parse/register",
        goal: Some(400),
        run: |times| parse("register", times),
    },
    Case {
        name: "coap/parse/content",
        goal: None,
        run: |times| parse("content", times),
    },
    Case {
        name: "coap/serialise/get",
        goal: None,
        run: |times| serialise("get", messages::get, times),
    },
    Case {
        name: "coap/serialise/register",
        goal: Some(600),
        run: |times| serialise("register", messages::register, times),
    },
    Case {
        name: "coap/serialise/content",
        goal: None,
        run: |times| serialise("content", messages::content, times),
    },
];

fn message(name: &str) -> Vec<u8> {
    let mut messages = messages::cases().into_iter();
    let (_, bytes) = messages
        .find(|(case, _)| *case == name)
        .expect("the shared vectors are there");
    bytes
}

fn parse(name: &str, times: u32) {
    let bytes = message(name);
    for _ in 0..times {
        let bytes = black_box(&bytes[..]);
        black_box(measured(|| messages::read(bytes)));
    }
}

#[inline]
fn serialise(name: &str, build: impl for<'b> Fn(&'b mut [u8], &[u8]) -> &'b [u8], times: u32) {
    let bytes = message(name);
    let payload = dunlin_coap::Message::parse(&bytes)
        .expect("well formed")
        .payload();
    let mut buffer = [0; 1152];
    for _ in 0..times {
        let (buffer, payload) = black_box((&mut buffer[..], payload));
        black_box(measured(|| build(buffer, payload).len()));
    }
    assert_eq!(build(&mut buffer, payload), bytes);
}

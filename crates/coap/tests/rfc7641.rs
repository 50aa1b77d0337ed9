//! The observations of RFC 7641 §1.2 and Appendix A, message by message, with their clocks.

use dunlin_coap::cache_key::{CacheKey, fresh_for, max_age_left};
use dunlin_coap::observe::{
    self, Action, Delivery, Freshness, Observation, Observer, Observers, Policy, SequenceNumber,
};
use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::uri::{RequestUri, Scheme, Uri};
use dunlin_coap::{
    Code, Kind, Message, MessageBuilder, MessageId, OptionNumber, Token, Type, empty_ack, reset,
};

const ETAG: [u8; 5] = [0x78, 0x79, 0x7a, 0x7a, 0x79];

/// A registration as the figures draw it: header, token and entity tag.
fn register(header: [u8; 4], token: u8, etag: Option<&[u8]>) {
    let mut buffer = [0; 64];
    let token = Token::new(&[token]).unwrap();
    let id = MessageId(u16::from_be_bytes([header[2], header[3]]));
    let mut builder = MessageBuilder::new(&mut buffer, Type::Confirmable, Code::GET, id, token);
    if let Some(etag) = etag {
        builder.etag(etag);
    }
    let bytes = builder
        .observe(observe::REGISTER)
        .path(["temperature"])
        .finish()
        .unwrap();
    assert_eq!(bytes[..4], header);
    let message = Message::parse(bytes).unwrap();
    assert_eq!(message.kind(), Kind::Request);
    assert_eq!(message.observe(), Some(0));
    assert_eq!(message.etag(), etag);
}

/// A notification as the figures draw it, written and read again: its number.
fn notification(
    header: [u8; 4],
    token: u8,
    etag: Option<&[u8]>,
    number: u32,
    payload: &str,
) -> SequenceNumber {
    let mut buffer = [0; 64];
    let message_type = match header[0] >> 4 {
        0x4 => Type::Confirmable,
        0x5 => Type::NonConfirmable,
        _ => Type::Acknowledgement,
    };
    let id = MessageId(u16::from_be_bytes([header[2], header[3]]));
    let token = Token::new(&[token]).unwrap();
    let mut builder = MessageBuilder::new(&mut buffer, message_type, Code(header[1]), id, token);
    if let Some(etag) = etag {
        builder.etag(etag);
    }
    let bytes = builder
        .observe(number)
        .max_age(15)
        .payload(payload.as_bytes())
        .finish()
        .unwrap();
    assert_eq!(bytes[..4], header);
    let message = Message::parse(bytes).unwrap();
    assert_eq!(message.kind(), Kind::Response);
    assert_eq!(message.token(), token);
    assert_eq!(message.uint(dunlin_coap::OptionNumber::MAX_AGE), Some(15));
    assert_eq!(message.payload(), payload.as_bytes());
    SequenceNumber::new(message.observe().unwrap())
}

#[test]
fn figures_3_to_6() {
    let at = Instant::from_secs;

    // Figure 3: registration and a new state. Figure 4: a notification is lost, the client registers again.
    register([0x41, 0x01, 0x16, 0x33], 0x4a, None);
    let first = notification([0x61, 0x45, 0x16, 0x33], 0x4a, None, 9, "18.5 Cel");
    let mut freshness = Freshness::new(first, at(9));
    let second = notification([0x51, 0x45, 0x7b, 0x50], 0x4a, None, 16, "19.2 Cel");
    assert!(freshness.accept(second, at(16)));
    register([0x41, 0x01, 0x16, 0x34], 0xb2, None);
    let again = notification([0x61, 0x45, 0x16, 0x34], 0xb2, Some(&ETAG), 44, "19.7 Cel");
    assert!(freshness.accept(again, at(44)));
    // The notification that seemed lost was only late.
    let late = notification([0x51, 0x45, 0x7b, 0x51], 0x4a, None, 25, "19.7 Cel");
    assert!(!freshness.accept(late, at(45)));

    // Figure 5: after its crash the client begins anew with a stored response, and is told that it is valid again.
    register([0x41, 0x01, 0x16, 0x35], 0xf9, Some(&ETAG));
    let anew = notification([0x61, 0x45, 0x16, 0x35], 0xf9, None, 74, "20.0 Cel");
    let mut freshness = Freshness::new(anew, at(74));
    let valid = notification([0x51, 0x43, 0xaa, 0x0c], 0xf9, Some(&ETAG), 81, "");
    assert!(freshness.accept(valid, at(81)));

    // Figure 6: the client has forgotten the observation and rejects a Confirmable notification.
    notification([0x41, 0x45, 0xaa, 0x0f], 0xf9, None, 91, "19.3 Cel");
    let reject = reset(MessageId(0xaa0f));
    assert_eq!(reject, [0x70, 0x00, 0xaa, 0x0f]);
    assert_eq!(Message::parse(&reject).unwrap().kind(), Kind::Reset);
}

/// Builds a message with the header that a figure shows.
fn message(header: [u8; 4], token: u8, write: impl Fn(&mut MessageBuilder<'_>)) -> Vec<u8> {
    let mut buffer = [0; 128];
    let message_type = match header[0] >> 4 {
        0x4 => Type::Confirmable,
        0x5 => Type::NonConfirmable,
        _ => Type::Acknowledgement,
    };
    let id = MessageId(u16::from_be_bytes([header[2], header[3]]));
    let token = Token::new(&[token]).unwrap();
    let mut builder = MessageBuilder::new(&mut buffer, message_type, Code(header[1]), id, token);
    write(&mut builder);
    let bytes = builder.finish().unwrap();
    assert_eq!(bytes[..4], header);
    bytes.to_vec()
}

#[test]
fn figure_2_with_the_list_of_observers() {
    // The figure has no headers: the notifications are taken as Non-confirmable ones of a server that has counted its
    // clock in seconds.
    let mut observers = Observers::new([None::<Observer<u8, u8>>; 1]);
    let mut observation = Observation::new();
    let request = message([0x41, 0x01, 0, 1], 0x4a, |m| {
        m.observe(observe::REGISTER).path(["temperature"]);
    });
    let request = Message::parse(&request).unwrap();
    assert_eq!(Action::of(&request), Some(Action::Register));

    let registered = observers
        .register(Instant::from_millis(12), 7, request.token(), 0)
        .unwrap();
    assert_eq!(registered.number.get(), 12);
    let response = message([0x61, 0x45, 0, 1], 0x4a, |m| {
        m.observe(registered.number.get()).payload(b"22.9 Cel");
    });
    let response = Message::parse(&response).unwrap();
    assert_eq!(
        observation.on_response(Instant::ZERO, &response, 0),
        Delivery::Fresh
    );
    let policy = Policy {
        pause: Duration::ZERO,
        ..Policy::NON_CONFIRMABLE
    };
    for (number, payload) in [(44, "22.8 Cel"), (60, "23.1 Cel")] {
        assert_eq!(observers.changed(|resource| *resource == 0), 1);
        let sent = observers
            .poll(
                Instant::from_millis(number),
                |_, outstanding| outstanding < 1,
                |_| policy,
                || MessageId(2),
            )
            .unwrap();
        assert_eq!(u64::from(sent.number.get()), number);
        assert_eq!(sent.token, request.token());
        let response = message([0x51, 0x45, 0, 2], 0x4a, |m| {
            m.observe(sent.number.get()).payload(payload.as_bytes());
        });
        let response = Message::parse(&response).unwrap();
        assert_eq!(
            observation.on_response(Instant::ZERO, &response, 0),
            Delivery::Fresh
        );
    }
}

/// The request for `coap://sensor.example/status` to the server, and to the proxy.
fn status_requests(header: [u8; 4], token: u8, observe: Option<u32>) -> [Vec<u8>; 2] {
    const URI: &str = "coap://sensor.example/status";
    let destination = "192.0.2.1:5683".parse::<core::net::SocketAddr>().unwrap();
    let uri = Uri::parse(URI).unwrap();
    let to_server = message(header, token, |m| {
        uri.write_host(m, &destination.into());
        if let Some(value) = observe {
            m.observe(value);
        }
        uri.write_port(m, &destination.into());
        uri.write_path(m);
    });
    let composed = RequestUri::of(
        &Message::parse(&to_server).unwrap(),
        Scheme::Coap,
        &destination.into(),
    );
    assert_eq!(composed.unwrap().to_string(), URI);
    let to_proxy = message(header, token, |m| {
        if let Some(value) = observe {
            m.observe(value);
        }
        m.option(OptionNumber::PROXY_URI, URI.as_bytes());
    });
    [to_server, to_proxy]
}

fn status(header: [u8; 4], token: u8, number: Option<u32>, max_age: u32, payload: &str) -> Vec<u8> {
    message(header, token, |m| {
        if let Some(number) = number {
            m.observe(number);
        }
        m.max_age(max_age).payload(payload.as_bytes());
    })
}

#[test]
fn figure_7_a_proxy_answers_from_its_cache() {
    let mut observation = Observation::new();
    let [registration, _] =
        status_requests([0x41, 0x01, 0x5f, 0xb8], 0x1a, Some(observe::REGISTER));
    let [_, asked] = status_requests([0x41, 0x01, 0x16, 0x33], 0x9a, None);
    let [_, again] = status_requests([0x41, 0x01, 0x16, 0x34], 0x9b, None);
    let [registration, asked, again] =
        [&registration, &asked, &again].map(|bytes| Message::parse(bytes).unwrap());
    assert_eq!(Action::of(&registration), Some(Action::Register));
    assert_eq!(CacheKey::of(&asked), CacheKey::of(&again));

    let rows = [
        // Notification, its arrival, the request, the answer.
        (
            [0x61, 0x45, 0x5f, 0xb8],
            42,
            "ready",
            0,
            7,
            [0x61, 0x45, 0x16, 0x33],
            0x9a,
            53,
        ),
        // The header of the figure, 0x514505fc0, has a digit too many.
        (
            [0x51, 0x45, 0x5f, 0xc0],
            135,
            "busy",
            30,
            41,
            [0x61, 0x45, 0x16, 0x34],
            0x9b,
            49,
        ),
    ];
    for (header, number, payload, came, asked, answer, token, left) in rows {
        let stored = status(header, 0x1a, Some(number), 60, payload);
        let stored = Message::parse(&stored).unwrap();
        let delivery = observation.on_response(Instant::from_secs(came), &stored, 0);
        assert_eq!(delivery, Delivery::Fresh);
        assert!(observation.is_fresh(Instant::from_secs(asked)));
        assert_eq!(fresh_for(&stored), Some(Duration::from_secs(60)));
        assert_eq!(
            max_age_left(&stored, Duration::from_secs(asked - came)),
            left
        );
        let answer = status(answer, token, None, left, payload);
        assert_eq!(Message::parse(&answer).unwrap().observe(), None);
    }
}

#[test]
fn figure_8_an_observation_through_a_proxy() {
    let [_, to_proxy] = status_requests([0x41, 0x01, 0x16, 0x35], 0x6a, Some(observe::REGISTER));
    let [to_server, _] = status_requests([0x41, 0x01, 0xaf, 0x90], 0xaa, Some(observe::REGISTER));
    for request in [&to_proxy, &to_server] {
        let request = Message::parse(request).unwrap();
        assert_eq!(Action::of(&request), Some(Action::Register));
    }
    assert_eq!(empty_ack(MessageId(0x1635)), [0x60, 0x00, 0x16, 0x35]);

    // The client's and the proxy's.
    let mut observations = [Observation::new(), Observation::new()];
    let now = Instant::ZERO;
    for (side, header, token, number, payload) in [
        (1, [0x61, 0x45, 0xaf, 0x90], 0xaa, 67, "ready"),
        (0, [0x41, 0x45, 0xaf, 0x94], 0x6a, 17346, "ready"),
        (1, [0x51, 0x45, 0x5a, 0x20], 0xaa, 157, "busy"),
        (0, [0x51, 0x45, 0xaf, 0x9b], 0x6a, 17436, "busy"),
    ] {
        let notification = status(header, token, Some(number), 60, payload);
        let notification = Message::parse(&notification).unwrap();
        assert_eq!(notification.kind(), Kind::Response);
        assert_eq!(
            observations[side].on_response(now, &notification, 0),
            Delivery::Fresh
        );
    }
    assert_eq!(empty_ack(MessageId(0xaf94)), [0x60, 0x00, 0xaf, 0x94]);
}

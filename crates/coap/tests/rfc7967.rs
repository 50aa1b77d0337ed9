//! The requests of RFC 7967 §4.1, Figures 1 to 3: none is answered.

use dunlin_coap::no_response::is_suppressed;
use dunlin_coap::{
    Code, Kind, Message, MessageBuilder, MessageId, NoResponse, OptionNumber, Token, Type,
};

/// Identification, latitude, longitude and time of the two updates in each figure.
const UPDATES: [[&str; 5]; 2] = [
    [
        "VehID=00",
        "RouteID=DN47",
        "Lat=22.5658745",
        "Long=88.4107966667",
        "Time=2013-01-13T11:24:31",
    ],
    [
        "VehID=00",
        "RouteID=DN47",
        "Lat=22.5649015",
        "Long=88.4103511667",
        "Time=2013-01-13T11:24:51",
    ],
];

#[test]
fn figures_1_to_3() {
    for (code, path) in [
        (Code::PUT, "vehicle-stat-00"),
        (Code::POST, "vehicle-stat-00"),
        (Code::POST, "updateOrInsertInfo"),
    ] {
        let in_query = path == "updateOrInsertInfo";
        for (token, (id, update)) in (0x53..).zip((0x7d38..).zip(UPDATES)) {
            let mut buffer = [0; 256];
            let token = Token::new(&[token]).unwrap();
            let mut builder = MessageBuilder::new(
                &mut buffer,
                Type::NonConfirmable,
                code,
                MessageId(id),
                token,
            );
            builder.path([path]);
            if in_query {
                builder.query(update);
            } else {
                builder.content_format(0);
            }
            builder.uint(OptionNumber::NO_RESPONSE, 26);
            if !in_query {
                builder.payload(update.join("&").as_bytes());
            }
            let bytes = builder.finish().unwrap();
            assert_eq!(
                bytes[..5],
                [
                    0x51,
                    code.0,
                    0x7d,
                    u8::try_from(id & 0xff).unwrap(),
                    token.as_bytes()[0]
                ]
            );

            let message = Message::parse(bytes).unwrap();
            assert_eq!(message.kind(), Kind::Request);
            assert_eq!(NoResponse::of(&message), Some(NoResponse::ALL));
            for code in [
                Code::CHANGED,
                Code::CREATED,
                Code::NOT_FOUND,
                Code::INTERNAL_SERVER_ERROR,
            ] {
                assert!(is_suppressed(&message, code, false));
            }
        }
    }
}

use std::vec::Vec;

use super::*;
use crate::BuildError;
use crate::reliable::Framing::{Stream, WebSocket};

const ALL: Settings = Settings::BASE
    .with_max_message_size(8448)
    .with_block_wise_transfer()
    .with_extended_token_length(20);

/// What the connection wants to send.
fn output(connection: &mut Connection) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = [0; Connection::OUTPUT_LEN];
    while let Some(bytes) = connection.poll_output(&mut buffer) {
        all.extend(bytes);
    }
    all
}

/// A connection on which both CSMs were exchanged; the peer's is empty.
fn open(framing: Framing, own: Settings) -> Connection {
    let mut connection = Connection::new(framing, own);
    output(&mut connection);
    let input = connection.handle_input(&[0x00, 0xe1]);
    assert!(matches!(input.event, Event::Settings));
    assert!(connection.is_open());
    connection
}

/// Takes a signaling message with these options, each a first byte and a value.
fn csm(options: &[u8]) -> Vec<u8> {
    let len = u8::try_from(options.len()).unwrap();
    assert!(len < 13);
    [&[len << 4, 0xe1], options].concat()
}

fn fails(connection: &mut Connection, bytes: &[u8], expected: Failure, abort: &[u8]) {
    let input = connection.handle_input(bytes);
    let Event::Failed(failure) = input.event else {
        panic!("{:?}", input.event);
    };
    assert_eq!(failure, expected);
    assert_eq!(input.consumed, bytes.len());
    assert!(connection.is_closed());
    let output = output(connection);
    let Ok(Next::Message { message, consumed }) = Framer::new(1152).next(&output) else {
        panic!("{output:x?}");
    };
    assert_eq!(consumed, output.len());
    assert_eq!(message.code(), Code::ABORT);
    assert!(!message.payload().is_empty());
    assert_eq!(
        output[output.len() - message.payload().len() - 1 - abort.len()..][..abort.len()],
        *abort
    );

    // It is over.
    let input = connection.handle_input(&[0x00, 0xe2, 1, 2, 3]);
    assert_eq!(input.consumed, 5);
    assert!(matches!(input.event, Event::Ignored));
    let mut buffer = [0; 64];
    assert_eq!(
        connection
            .message(&mut buffer, Code::CONTENT, &[])
            .unwrap_err(),
        SendError::Closed
    );
    connection.abort("again");
    assert_eq!(connection.poll_output(&mut buffer), None);
}

#[test]
fn the_csm_goes_first() {
    let mut connection = Connection::new(Stream, ALL);
    let mut buffer = [0; 64];
    assert_eq!(
        connection.message(&mut buffer, Code::GET, &[]).unwrap_err(),
        SendError::CsmFirst
    );
    // Max-Message-Size 8448, Block-Wise-Transfer, Extended-Token-Length 20.
    assert_eq!(
        output(&mut connection),
        [0x60, 0xe1, 0x22, 0x21, 0x00, 0x20, 0x21, 20]
    );
    assert!(connection.message(&mut buffer, Code::GET, &[]).is_ok());
    assert!(!connection.is_open());

    // Over WebSockets with Len 0.
    let mut connection = Connection::new(WebSocket, ALL);
    assert_eq!(
        output(&mut connection),
        [0x00, 0xe1, 0x22, 0x21, 0x00, 0x20, 0x21, 20]
    );

    // Also when the peer's first message is an offence already.
    let mut connection = Connection::new(Stream, Settings::BASE);
    connection.handle_input(&[0x00, 0x01]);
    let mut buffer = [0; Connection::OUTPUT_LEN];
    assert_eq!(connection.poll_output(&mut buffer), Some(&[0x00, 0xe1][..]));
    assert_eq!(connection.poll_output(&mut buffer).unwrap()[2], 0xe5);
    assert_eq!(connection.poll_output(&mut buffer), None);
}

#[test]
fn the_peer_must_begin_with_a_csm() {
    for first in [
        &[0x00, 0x01][..],
        &[0x00, 0x45],
        &[0x00, 0xe2],
        &[0x00, 0xe4],
        &[0x00, 0xe9],
    ] {
        let mut connection = Connection::new(Stream, Settings::BASE);
        output(&mut connection);
        fails(&mut connection, first, Failure::MissingCsm, &[]);
    }
    // An Empty message is ignored at any time, an Abort ends at any time.
    let mut connection = Connection::new(Stream, Settings::BASE);
    assert!(matches!(
        connection.handle_input(&[0x00, 0x00]).event,
        Event::Ignored
    ));
    assert!(!connection.is_open() && !connection.is_closed());
    assert!(matches!(
        connection.handle_input(&[0x00, 0xe5]).event,
        Event::Abort(_)
    ));
    assert!(connection.is_closed());
    assert!(output(&mut connection).is_empty());
}

#[test]
fn settings_are_cumulative() {
    let mut connection = open(Stream, ALL);
    assert_eq!(*connection.peer(), Settings::BASE);
    connection.handle_input(&csm(&[0x22, 0x21, 0x00]));
    assert_eq!(connection.peer().max_message_size(), 0x2100);
    assert!(!connection.peer().bert());
    connection.handle_input(&csm(&[0x40]));
    assert_eq!(connection.peer().max_message_size(), 0x2100);
    assert!(connection.peer().bert());
    assert_eq!(connection.peer().bert_len(256), Some(8192));
    assert_eq!(connection.peer().bert_len(257), Some(7168));
    assert_eq!(connection.peer().bert_len(u32::MAX), None);
    // A token length of 100 in more bytes than needed, then the unknown elective option 12.
    connection.handle_input(&csm(&[0x63, 0, 0, 100, 0x61, 7]));
    assert_eq!(connection.peer().extended_token_length(), 100);
    // Less than 8 is ignored, more than 65804 is 65804 (RFC 8974 §2.2.1).
    connection.handle_input(&csm(&[0x61, 7]));
    assert_eq!(connection.peer().extended_token_length(), 100);
    connection.handle_input(&csm(&[0x63, 1, 1, 0x0d]));
    assert_eq!(connection.peer().extended_token_length(), 65804);
    // BERT ends with a Max-Message-Size of 1152 (RFC 8323 §5.3.2); of two options the first counts.
    connection.handle_input(&csm(&[0x22, 0x04, 0x80, 0x02, 0x20, 0x00]));
    assert_eq!(connection.peer().max_message_size(), 1152);
    assert!(!connection.peer().bert());
    assert!(connection.peer().block_wise_transfer());
}

#[test]
fn a_bad_csm_option_is_named() {
    for (options, number) in [
        (&[0x10][..], 1_u16),
        (&[0x25, 0, 0, 0, 0, 1], 2),
        (&[0x41, 0], 4),
        (&[0x64, 0, 0, 0, 9], 6),
        (&[0xe0, 0x00, 0x00], 269),
    ] {
        let mut connection = open(Stream, Settings::BASE);
        let abort = match u8::try_from(number) {
            Ok(number) => [0x21, number].to_vec(),
            Err(_) => [&[0x22][..], &number.to_be_bytes()].concat(),
        };
        let failure = Failure::BadCsmOption(number);
        fails(&mut connection, &csm(options), failure, &abort);
        assert_eq!(*connection.peer(), Settings::BASE);
    }
}

#[test]
fn critical_options_abort_and_elective_ones_do_not() {
    for code in [0xe2, 0xe3, 0xe4, 0xff] {
        let mut connection = open(Stream, Settings::BASE);
        // Option 8, then option 9.
        connection.handle_input(&[0x10, code, 0x80]);
        assert!(!connection.is_closed());
        fails(
            &mut connection,
            &[0x20, code, 0x80, 0x10],
            Failure::CriticalOption(9),
            &[],
        );
    }
}

#[test]
fn reserved_codes_and_long_tokens_are_offences() {
    for code in [0x20, 0x7f, 0xc5] {
        let mut connection = open(Stream, Settings::BASE);
        fails(
            &mut connection,
            &[0x00, code],
            Failure::ReservedCode(Code(code)),
            &[],
        );
    }
    let request = [&[0x09, 0x01], &[7; 9][..]].concat();
    fails(
        &mut open(Stream, Settings::BASE),
        &request,
        Failure::TokenTooLong,
        &[],
    );
    let input = open(Stream, ALL).handle_input(&request).event;
    assert!(matches!(input, Event::Request(request) if request.token_bytes() == [7; 9]));
    // The announcement is about requests only (RFC 8974 §2.2.1).
    let response = [&[0x09, 0x45], &[7; 9][..]].concat();
    let input = open(Stream, Settings::BASE).handle_input(&response).event;
    assert!(matches!(input, Event::Response(_)));
    // Signaling of a kind to come.
    let input = open(Stream, Settings::BASE)
        .handle_input(&[0x00, 0xff])
        .event;
    assert!(matches!(input, Event::Ignored));
}

#[test]
fn messages_too_large_are_refused_both_ways() {
    let mut connection = open(Stream, Settings::BASE);
    fails(
        &mut connection,
        &[0xe0, 0x03, 0x70, 0x45],
        Failure::Frame(FrameError::TooLarge(1153)),
        &[],
    );
    let mut connection = open(WebSocket, Settings::BASE);
    let long = [&[0x00, 0x45, 0xff], &[0; 1150][..]].concat();
    assert!(matches!(
        connection.handle_input(&long[..1152]).event,
        Event::Response(_)
    ));
    assert!(matches!(
        connection.handle_input(&long).event,
        Event::Failed(Failure::Frame(FrameError::TooLarge(1153)))
    ));

    let mut connection = open(Stream, Settings::BASE);
    connection.handle_input(&csm(&[0x21, 16]));
    let mut buffer = [0; 64];
    let mut payload = |len| {
        let mut builder = connection
            .message(&mut buffer, Code::CONTENT, &[1])
            .unwrap();
        builder.payload(&[0; 64][..len]).finish().map(<[u8]>::len)
    };
    assert_eq!(payload(12 - 1), Ok(15));
    assert_eq!(payload(12), Err(BuildError::NoSpace));
    assert_eq!(
        connection
            .message(&mut buffer, Code::GET, &[0; 9])
            .unwrap_err(),
        SendError::TokenTooLong
    );
    assert!(
        connection
            .message(&mut buffer, Code::CONTENT, &[0; 9])
            .is_ok()
    );
}

#[test]
fn ping_and_pong() {
    let mut connection = open(Stream, Settings::BASE);
    let mut buffer = [0; 64];
    for (ping, pong) in [
        (&[0x01, 0xe2, 0x42][..], &[0x01, 0xe3, 0x42][..]),
        (&[0x10, 0xe2, 0x20], &[0x10, 0xe3, 0x20]),
        // A Custody with a value and an unknown elective option count for nothing.
        (&[0x32, 0xe2, 1, 2, 0x21, 0, 0x20], &[0x02, 0xe3, 1, 2]),
    ] {
        let Event::Ping(asked) = connection.handle_input(ping).event else {
            panic!();
        };
        assert_eq!(
            connection.pong(&mut buffer, asked).unwrap().finish(),
            Ok(pong)
        );
        let Event::Pong(told) = connection.handle_input(pong).event else {
            panic!();
        };
        assert_eq!(told, asked);
    }
    let ping = Ping {
        token: &[0x42],
        custody: true,
    };
    assert_eq!(
        connection.ping(&mut buffer, ping).unwrap().finish(),
        Ok(&[0x11, 0xe2, 0x42, 0x20][..])
    );
}

#[test]
fn a_release_ends_requests_on_both_sides() {
    let mut leaving = open(Stream, Settings::BASE);
    let mut staying = open(Stream, Settings::BASE);
    let mut buffer = [0; 128];
    let addresses = ["[2001:db8::1]", "example.org:5683"];
    let goodbye = Goodbye {
        alternative_addresses: &addresses,
        hold_off: Some(600),
        diagnostic: "maintenance",
    };
    let bytes = leaving
        .release(&mut buffer, &goodbye)
        .unwrap()
        .finish()
        .unwrap()
        .to_vec();
    let Event::Release(release) = staying.handle_input(&bytes).event else {
        panic!();
    };
    assert!(release.alternative_addresses().eq(addresses));
    assert_eq!(release.hold_off(), Some(600));
    assert_eq!(release.diagnostic(), "maintenance");
    for connection in [&leaving, &staying] {
        assert_eq!(
            connection.message(&mut buffer, Code::GET, &[]).unwrap_err(),
            SendError::Released
        );
        assert!(connection.message(&mut buffer, Code::CONTENT, &[]).is_ok());
        assert!(connection.is_open() && !connection.takes_requests());
    }
    // Requests from the peer are still taken: "the peer is not obligated to check".
    assert!(matches!(
        staying.handle_input(&[0x00, 0x01]).event,
        Event::Request(_)
    ));

    let too_long = ["x".repeat(256)];
    let goodbye = Goodbye {
        alternative_addresses: &[&too_long[0]],
        ..Goodbye::default()
    };
    let mut buffer = [0; 512];
    assert_eq!(
        open(Stream, Settings::BASE)
            .release(&mut buffer, &goodbye)
            .unwrap()
            .finish(),
        Err(BuildError::ValueTooLong)
    );
}

#[test]
fn aborts_are_read_and_written() {
    let mut connection = open(Stream, Settings::BASE);
    connection.abort("a reason that is longer than what an Abort has room for here");
    let bytes = output(&mut connection);
    let mut peer = open(Stream, Settings::BASE);
    let Event::Abort(abort) = peer.handle_input(&bytes).event else {
        panic!();
    };
    assert_eq!(abort.bad_csm_option(), None);
    assert_eq!(
        abort.diagnostic(),
        "a reason that is longer than what an Abort has roo"
    );
    assert!(peer.is_closed());
    assert!(output(&mut peer).is_empty());

    let mut peer = open(Stream, Settings::BASE);
    let Event::Abort(abort) = peer.handle_input(&[0x30, 0xe5, 0x22, 1, 13]).event else {
        panic!();
    };
    assert_eq!(abort.bad_csm_option(), Some(269));
}

#[test]
fn a_peer_that_takes_little_gets_a_short_abort() {
    let mut connection = open(Stream, Settings::BASE);
    connection.handle_input(&csm(&[0x21, 10]));
    connection.handle_input(&csm(&[0x10]));
    assert_eq!(output(&mut connection), [0x20, 0xe5, 0x21, 1]);
}

#[test]
fn a_connection_is_small() {
    assert!(size_of::<Connection>() <= 80, "{}", size_of::<Connection>());
}

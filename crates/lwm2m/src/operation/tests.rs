extern crate std;

use super::*;
use dunlin_coap::{MessageId, Token, Type};
use proptest::prelude::*;
use std::vec::Vec;

fn path(text: &str) -> Path {
    Path::try_from(text).unwrap()
}

/// What a client reads from the request that a server writes for `operation`.
fn over_the_wire(operation: &Operation<'_>, check: impl Fn(Result<Operation<'_>, RequestError>)) {
    let mut buffer = [0; 1024];
    let mut builder = MessageBuilder::new(
        &mut buffer,
        Type::Confirmable,
        operation.method(),
        MessageId(1),
        Token::EMPTY,
    );
    operation.write(&mut builder);
    let bytes = builder.payload(operation.payload()).finish().unwrap();
    check(Operation::from_request(&Message::parse(bytes).unwrap()));
}

#[test]
fn every_operation_reads_back_as_itself() {
    let changes = AttributeChanges::parse(["pmin=10", "pmax", "gt=-70.5", "st=0.25"]).unwrap();
    let tlv = ContentFormat::TLV;
    for operation in [
        Operation::Read {
            path: path("/3/0/9"),
            accept: Some(ContentFormat::SENML_CBOR),
        },
        Operation::Read {
            path: path("/3"),
            accept: None,
        },
        Operation::Read {
            path: path("/65534/65534/65534/65534"),
            accept: None,
        },
        Operation::Discover {
            path: path("/3/0"),
            depth: None,
        },
        Operation::Discover {
            path: path("/3"),
            depth: Some(3),
        },
        Operation::Discover {
            path: Path::ROOT,
            depth: None,
        },
        Operation::Write {
            path: path("/3/0"),
            mode: WriteMode::Replace,
            format: tlv,
            payload: b"x",
        },
        Operation::Write {
            path: path("/3/0"),
            mode: WriteMode::Partial,
            format: tlv,
            payload: b"x",
        },
        Operation::Write {
            path: path("/3/0/6"),
            mode: WriteMode::Partial,
            format: tlv,
            payload: b"x",
        },
        Operation::Write {
            path: path("/3/0/15"),
            mode: WriteMode::Replace,
            format: ContentFormat::TEXT,
            payload: b"",
        },
        Operation::WriteAttributes {
            path: path("/3/0/9"),
            changes,
        },
        Operation::Execute {
            path: path("/3/0/4"),
            arguments: "",
        },
        Operation::Execute {
            path: path("/3/0/4"),
            arguments: "1='x'",
        },
        Operation::Create {
            object: ObjectId::new(3303).unwrap(),
            format: tlv,
            payload: b"x",
        },
        Operation::Delete {
            path: path("/3303/1"),
        },
        Operation::Delete {
            path: path("/3/0/6/1"),
        },
        Operation::Observe {
            path: path("/3/0/9"),
            accept: Some(tlv),
            attributes: Attributes::NONE,
        },
        Operation::Observe {
            path: path("/3"),
            accept: None,
            attributes: changes.set(),
        },
        Operation::CancelObserve {
            path: path("/3/0/9"),
            accept: Some(tlv),
        },
        Operation::ReadComposite {
            format: ContentFormat::SENML_ETCH_CBOR,
            accept: Some(ContentFormat::SENML_CBOR),
            payload: b"x",
        },
        Operation::ObserveComposite {
            format: ContentFormat::SENML_ETCH_CBOR,
            accept: None,
            payload: b"x",
            attributes: Attributes {
                pmin: Some(5),
                ..Attributes::NONE
            },
        },
        Operation::CancelObserveComposite {
            format: ContentFormat::SENML_ETCH_CBOR,
            accept: None,
            payload: b"x",
        },
        Operation::WriteComposite {
            format: ContentFormat::SENML_CBOR,
            payload: b"x",
        },
    ] {
        over_the_wire(&operation, |read| assert_eq!(read, Ok(operation)));
    }
}

fn ask(
    code: Code,
    segments: &[&str],
    format: Option<u16>,
    queries: &[&str],
    payload: &[u8],
) -> Result<(), Code> {
    let mut buffer = [0; 1024];
    let mut builder = MessageBuilder::new(
        &mut buffer,
        Type::Confirmable,
        code,
        MessageId(1),
        Token::EMPTY,
    );
    builder.path(segments);
    if let Some(format) = format {
        builder.content_format(format);
    }
    builder.query(queries);
    let bytes = builder.payload(payload).finish().unwrap();
    Operation::from_request(&Message::parse(bytes).unwrap())
        .map(|_| ())
        .map_err(RequestError::code)
}

#[test]
fn what_no_operation_is_gets_the_code_that_says_so() {
    assert_eq!(ask(Code::GET, &["3", "0", ""], None, &[], b""), Ok(()));
    for segments in [
        &["x"] as &[&str],
        &["3", "x"],
        &["65535"],
        &["03"],
        &["3", "", "0"],
        &["1", "2", "3", "4", "5"],
    ] {
        assert_eq!(
            ask(Code::GET, segments, None, &[], b""),
            Err(Code::NOT_FOUND),
            "{segments:?}"
        );
    }
    assert_eq!(
        ask(Code::GET, &[], None, &[], b""),
        Err(Code::METHOD_NOT_ALLOWED)
    );
    assert_eq!(
        ask(Code::POST, &[], None, &[], b""),
        Err(Code::METHOD_NOT_ALLOWED)
    );
    assert_eq!(
        ask(Code::DELETE, &["3"], None, &[], b""),
        Err(Code::METHOD_NOT_ALLOWED)
    );
    assert_eq!(
        ask(Code::DELETE, &["3", "0", "9"], None, &[], b""),
        Err(Code::METHOD_NOT_ALLOWED)
    );
    assert_eq!(
        ask(Code::POST, &["3", "0", "6", "0"], None, &[], b""),
        Err(Code::METHOD_NOT_ALLOWED)
    );
    for code in [Code::FETCH, Code::IPATCH] {
        assert_eq!(
            ask(code, &["3"], Some(112), &[], b"x"),
            Err(Code::METHOD_NOT_ALLOWED)
        );
        assert_eq!(
            ask(code, &[], None, &[], b"x"),
            Err(Code::UNSUPPORTED_CONTENT_FORMAT)
        );
    }
    assert_eq!(
        ask(Code::PUT, &["3", "0", "15"], None, &[], b"x"),
        Err(Code::UNSUPPORTED_CONTENT_FORMAT)
    );
    assert_eq!(
        ask(Code::PUT, &["3", "0", "15"], None, &[], b""),
        Err(Code::BAD_REQUEST)
    );
    assert_eq!(
        ask(Code::POST, &["3", "0", "4"], Some(0), &[], b"\xff"),
        Err(Code::BAD_REQUEST)
    );
    for query in [
        "pmin=x",
        "pmin=-1",
        "gt=1e3",
        "gt=.5",
        "gt=",
        "st=NaN",
        "colour=red",
        "pmin=1.5",
    ] {
        assert_eq!(
            ask(Code::PUT, &["3", "0", "9"], None, &[query], b""),
            Err(Code::BAD_REQUEST),
            "{query}"
        );
    }
    assert_eq!(
        ask(
            Code::PUT,
            &["3", "0", "9"],
            None,
            &["pmin=1", "pmin=2"],
            b""
        ),
        Err(Code::BAD_REQUEST)
    );
}

proptest! {
    #[test]
    fn any_message_is_an_operation_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
        if let Ok(message) = Message::parse(&bytes) {
            let _ = Operation::from_request(&message);
            let _ = crate::Uplink::from_message(&message);
        }
    }

    #[test]
    fn thresholds_of_many_digits_survive(gt in 0.0_f64..1e99, lt in -1e99_f64..0.0, pmin in any::<u32>()) {
        let changes = AttributeChanges::from(Attributes { pmin: Some(pmin), gt: Some(gt), lt: Some(lt), ..Attributes::NONE });
        let operation = Operation::WriteAttributes { path: path("/3/0/9"), changes };
        over_the_wire(&operation, |read| assert_eq!(read, Ok(operation)));
    }

    #[test]
    fn any_path_survives(ids in proptest::collection::vec(0_u16..65535, 1..=4)) {
        let path = ids.iter().fold(Path::ROOT, |path, id| path.child(*id).unwrap());
        let operation = Operation::Read { path, accept: None };
        over_the_wire(&operation, |read| assert_eq!(read, Ok(operation)));
    }

    #[test]
    fn any_arguments_are_read_or_refused(text in "[0-9=',a-z ]{0,24}") {
        if let Ok(arguments) = crate::Arguments::parse(&text) {
            let again: Vec<_> = arguments.iter().collect();
            prop_assert_eq!(again.is_empty(), text.is_empty());
        }
    }
}

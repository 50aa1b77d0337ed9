use super::*;
use crate::{Code, Message, MessageId, Token, Type};
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec::Vec;

const ADDRESS: &str = "[2001:db8::2:1]:5683";

fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn segments(uri: &Uri<'_>) -> Vec<String> {
    uri.path().map(|segment| segment.to_string()).collect()
}

fn arguments(uri: &Uri<'_>) -> Vec<String> {
    uri.query().map(|argument| argument.to_string()).collect()
}

/// The options that a URI gives in a request to `destination`.
fn options(uri: &str, destination: &Destination<'_>) -> Vec<(u16, Vec<u8>)> {
    let mut buffer = [0; 4096];
    let mut builder = MessageBuilder::new(
        &mut buffer,
        Type::Confirmable,
        Code::GET,
        MessageId(1),
        Token::EMPTY,
    );
    Uri::parse(uri)
        .unwrap()
        .write_options(&mut builder, destination);
    Message::parse(builder.finish().unwrap())
        .unwrap()
        .options()
        .map(|(number, value)| (number.0, value.to_vec()))
        .collect()
}

/// The URI of a request with these options.
fn compose(
    scheme: Scheme,
    destination: &Destination<'_>,
    options: &[(u16, &[u8])],
) -> Result<String, ComposeError> {
    let mut buffer = [0; 4096];
    let mut builder = MessageBuilder::new(
        &mut buffer,
        Type::Confirmable,
        Code::GET,
        MessageId(1),
        Token::EMPTY,
    );
    for (number, value) in options {
        builder.option(OptionNumber(*number), value);
    }
    let message = Message::parse(builder.finish().unwrap()).unwrap();
    RequestUri::of(&message, scheme, destination).map(|uri| uri.to_string())
}

#[test]
fn equivalent_uris_of_section_6_3() {
    let destination = socket(ADDRESS).into();
    let uris = [
        "coap://example.com:5683/~sensors/temp.xml",
        "coap://EXAMPLE.com/%7Esensors/temp.xml",
        "coap://EXAMPLE.com:/%7esensors/temp.xml",
    ];
    let expected = [
        (3, b"example.com".to_vec()),
        (11, b"~sensors".to_vec()),
        (11, b"temp.xml".to_vec()),
    ];
    for uri in uris {
        assert_eq!(options(uri, &destination), expected, "{uri}");
        assert!(
            Uri::parse(uri)
                .unwrap()
                .is_equivalent(&Uri::parse(uris[0]).unwrap())
        );
    }
    for other in [
        "coaps://example.com:5683/~sensors/temp.xml",
        "coap://example.com:5684/~sensors/temp.xml",
        "coap://example.org/~sensors/temp.xml",
        "coap://example.com/~Sensors/temp.xml",
        "coap://example.com/~sensors/temp.xml?",
        "coap://192.0.2.1/~sensors/temp.xml",
    ] {
        assert!(
            !Uri::parse(uris[0])
                .unwrap()
                .is_equivalent(&Uri::parse(other).unwrap())
        );
    }
}

#[test]
fn examples_of_appendix_b() {
    type Row<'a> = (&'a Destination<'a>, &'a [(u16, &'a [u8])], &'a str);

    let here = socket(ADDRESS).into();
    let there = socket("198.51.100.1:61616").into();
    let hello = "こんにちは";
    let rows: [Row<'_>; 5] = [
        (&here, &[], "coap://[2001:db8::2:1]/"),
        (&here, &[(3, b"example.net")], "coap://example.net/"),
        (
            &here,
            &[(3, b"example.net"), (11, b".well-known"), (11, b"core")],
            "coap://example.net/.well-known/core",
        ),
        (
            &here,
            &[(3, b"xn--18j4d.example"), (11, hello.as_bytes())],
            "coap://xn--18j4d.example/%E3%81%93%E3%82%93%E3%81%AB%E3%81%A1%E3%81%AF",
        ),
        // The appendix shows the slashes of the query percent-encoded, against §6.5 step 8, which excepts them.
        (
            &there,
            &[
                (11, b""),
                (11, b"/"),
                (11, b""),
                (11, b""),
                (15, b"//"),
                (15, b"?&"),
            ],
            "coap://198.51.100.1:61616//%2F//?//&?%26",
        ),
    ];
    for (destination, expected, uri) in rows {
        assert_eq!(compose(Scheme::Coap, destination, expected).unwrap(), uri);
        let read = options(uri, destination);
        assert!(
            read.iter()
                .map(|(number, value)| (*number, &value[..]))
                .eq(expected.iter().copied()),
            "{uri}"
        );
    }
    // The form that the appendix shows is equivalent for a server.
    assert_eq!(
        options("coap://198.51.100.1:61616//%2F//?%2F%2F&?%26", &there),
        options("coap://198.51.100.1:61616//%2F//?//&?%26", &there)
    );
}

#[test]
fn host_and_port_are_left_out_where_they_are_the_destination() {
    let at = |text: &str| Destination::from(socket(text));
    let none: [(u16, Vec<u8>); 0] = [];
    assert_eq!(options("coap://[2001:DB8::2:1]", &at(ADDRESS)), none);
    assert_eq!(
        options("coap://192.0.2.1:61616/", &at("192.0.2.1:61616")),
        none
    );
    assert_eq!(
        options("coap://192.0.2.1/", &at("[::ffff:192.0.2.1]:5683")),
        none
    );
    assert_eq!(
        options("coap://[::ffff:192.0.2.1]/", &at("192.0.2.1:5683")),
        none
    );
    assert_eq!(
        options("coap://[fe80::1%25eth0]/", &at("[fe80::1]:5683")),
        none
    );
    // To a proxy, or where a firewall translates.
    assert_eq!(
        options("coap://192.0.2.1/", &at("192.0.2.2:5684")),
        [
            (3, b"192.0.2.1".to_vec()),
            (7, 5683_u16.to_be_bytes().to_vec())
        ]
    );
    assert_eq!(
        options("coap://[2001:DB8::1]/", &at(ADDRESS)),
        [(3, b"[2001:db8::1]".to_vec())]
    );
    // The Host header field or the name of SNI (RFC 8323 §8.5).
    let named = Destination::named("Example.org", 80);
    assert_eq!(
        options("coap+ws://example.org/sensors/temperature?u=Cel", &named),
        [
            (11, b"sensors".to_vec()),
            (11, b"temperature".to_vec()),
            (15, b"u=Cel".to_vec())
        ]
    );
    assert_eq!(
        options("coap+ws://example.com", &named),
        [(3, b"example.com".to_vec())]
    );
}

#[test]
fn parts_of_a_uri() {
    let uri = Uri::parse("COAPS+WS://Example.ORG:/a//b/?x=1&&y").unwrap();
    assert_eq!(uri.scheme(), Scheme::CoapsWs);
    assert!(matches!(uri.host(), Host::Name(name) if name == "example.org"));
    assert_eq!(uri.host().address(), None);
    assert_eq!((uri.port(), uri.authority()), (443, "Example.ORG:"));
    assert_eq!(segments(&uri), ["a", "", "b", ""]);
    assert_eq!(arguments(&uri), ["x=1", "", "y"]);

    let uri = Uri::parse("coap://[fe80::1%25eth0]:1?").unwrap();
    let Host::Ipv6 { address, zone } = uri.host() else {
        panic!("no IPv6 address")
    };
    assert_eq!((address, zone), ("fe80::1".parse().unwrap(), Some("eth0")));
    assert_eq!(
        (segments(&uri).len(), arguments(&uri)),
        (0, std::vec![String::new()])
    );
    // What is not quite an IPv4 address is a name.
    for name in ["010.0.0.1", "1.2.3", "1.2.3.4.5", "256.0.0.1"] {
        let text = std::format!("coap://{name}");
        assert!(
            matches!(Uri::parse(&text).unwrap().host(), Host::Name(_)),
            "{name}"
        );
    }
    // Lower case first, then decoded (RFC 7252 §6.4 step 5).
    let uri = Uri::parse("coap://A%42%c3%A4").unwrap();
    assert!(matches!(uri.host(), Host::Name(name) if name == "aBä"));
    for scheme in Scheme::ALL {
        let text = std::format!("{scheme}://h");
        let uri = Uri::parse(&text).unwrap();
        assert_eq!((uri.scheme(), uri.port()), (scheme, scheme.default_port()));
        assert_eq!(scheme.is_secure(), scheme.name().starts_with("coaps"));
        assert_eq!(scheme.is_datagram(), !scheme.name().contains('+'));
    }
}

#[test]
fn dot_segments_are_resolved() {
    for (path, expected) in [
        ("", &[][..]),
        ("/", &[]),
        ("//", &["", ""]),
        ("/a/b/c/./../../g", &["a", "g"]),
        ("/a/./b", &["a", "b"]),
        ("/a/.", &["a", ""]),
        ("/a/..", &[]),
        ("/a/b/..", &["a", ""]),
        ("/.", &[]),
        ("/..", &[]),
        ("/../../a", &["a"]),
        ("/..//a", &["", "a"]),
        ("/a//../b", &["a", "b"]),
        ("/a/%2e%2E/b/%2e", &["b", ""]),
        ("/.../.a/..b", &["...", ".a", "..b"]),
        ("/a/b/../../..", &[]),
        ("/a/../../b/../c/d", &["c", "d"]),
    ] {
        let text = std::format!("coap://h{path}");
        assert_eq!(segments(&Uri::parse(&text).unwrap()), expected, "{path}");
    }
}

#[test]
fn errors_say_where() {
    use UriProblem::*;
    let long = std::format!("coap://h/ab/{}", "%41".repeat(256));
    let too_long = "a".repeat(MAX_LEN + 1);
    for (text, position, problem) in [
        ("", 0, NotAbsolute),
        ("/a/b", 0, NotAbsolute),
        ("//h/a", 0, NotAbsolute),
        ("4coap://h", 0, NotAbsolute),
        ("http://h", 0, UnknownScheme),
        ("coap+tls://h", 0, UnknownScheme),
        ("coap:/h", 5, MissingHost),
        ("coap:h", 5, MissingHost),
        ("coap://", 7, MissingHost),
        ("coap:///a", 7, MissingHost),
        ("coap://:5683/", 7, MissingHost),
        ("coap://u@h/", 7, UserInfo),
        ("coap://u:p@h/", 7, UserInfo),
        ("coap://[::1", 7, BadAddress),
        ("coap://[::g]", 7, BadAddress),
        ("coap://[192.0.2.1]", 7, BadAddress),
        ("coap://[v1.a]", 7, BadAddress),
        ("coap://[fe80::1%25]", 7, BadAddress),
        ("coap://[fe80::1%eth0]", 7, BadAddress),
        ("coap://[::1]a", 12, BadCharacter),
        ("coap://h:65536", 9, BadPort),
        ("coap://h:5a/", 10, BadPort),
        ("coap://h:-1/", 9, BadPort),
        ("coap://h/a%2", 10, BadPercentEncoding),
        ("coap://h%zz/", 8, BadPercentEncoding),
        ("coap://%", 7, BadPercentEncoding),
        ("coap://h/a b", 10, BadCharacter),
        ("coap://h/ä", 9, BadCharacter),
        ("coap://h/a[", 10, BadCharacter),
        ("coap://h/?a|b", 11, BadCharacter),
        ("coap:// h", 7, BadCharacter),
        ("coap://h/a#b", 10, Fragment),
        ("coap://h#", 8, Fragment),
        ("coap://h/a?b#", 12, Fragment),
        (&long, 12, ComponentTooLong),
        ("coap://h/a/%ff?", 11, NotUtf8),
        ("coap://h/?%c3&%a4", 10, NotUtf8),
        ("coap://%80", 7, NotUtf8),
        (&too_long, MAX_LEN, TooLong),
    ] {
        assert_eq!(
            Uri::parse(text).map(|uri| segments(&uri)),
            Err(UriError { position, problem }),
            "{text}"
        );
    }
    assert_eq!(
        Uri::parse("coap://h/%").unwrap_err().to_string(),
        "percent sign without two hexadecimal digits in URI at byte 9"
    );
}

#[test]
fn what_no_uri_can_be_composed_from() {
    let here = socket(ADDRESS).into();
    let long = [b'a'; 256];
    for (number, value, error) in [
        (3, &b""[..], ComposeError::Host),
        (3, b"a b", ComposeError::Host),
        (3, b"a%41", ComposeError::Host),
        (3, b"a/b", ComposeError::Host),
        (3, b"[::1", ComposeError::Host),
        (3, b"[::g]", ComposeError::Host),
        (3, b"\xff", ComposeError::Host),
        (3, &long, ComposeError::Host),
        (7, b"\x01\x02\x03", ComposeError::Port),
        (11, b".", ComposeError::Path),
        (11, b"..", ComposeError::Path),
        (11, b"\xff", ComposeError::Path),
        (11, &long, ComposeError::Path),
        (15, b"\xff", ComposeError::Query),
        (15, &long, ComposeError::Query),
    ] {
        assert_eq!(compose(Scheme::Coap, &here, &[(number, value)]), Err(error));
    }
    assert_eq!(
        compose(
            Scheme::CoapTcp,
            &here,
            &[(3, b"[::1]"), (7, &[]), (11, b"a%b")]
        )
        .unwrap(),
        "coap+tcp://[::1]:0/a%25b"
    );
    assert_eq!(
        compose(Scheme::Coaps, &here, &[(3, "ä".as_bytes())]).unwrap(),
        "coaps://%C3%A4:5683/"
    );
}

/// The algorithm of RFC 3986 §5.2.4 as it is written there, for a path that begins with a slash.
fn remove_dot_segments(path: &str) -> String {
    let mut input = path.to_string();
    let mut output = String::new();
    while !input.is_empty() {
        if input.starts_with("/./") || input == "/." {
            input = std::format!("/{}", input.get(3..).unwrap_or_default());
        } else if input.starts_with("/../") || input == "/.." {
            input = std::format!("/{}", input.get(4..).unwrap_or_default());
            output.truncate(output.rfind('/').unwrap_or(0));
        } else {
            let end = input[1..].find('/').map_or(input.len(), |at| at + 1);
            output.push_str(&input[..end]);
            input.drain(..end);
        }
    }
    output
}

prop_compose! {
    fn any_host()(
        name in "[a-z0-9._~!$&'()*+,;=äß-]{1,60}",
        v4 in any::<[u8; 4]>(),
        v6 in any::<[u8; 16]>(),
        kind in 0..3,
    ) -> String {
        match kind {
            0 => name,
            1 => Ipv4Addr::from(v4).to_string(),
            _ => std::format!("[{}]", Ipv6Addr::from(v6)),
        }
    }
}

proptest! {
    #[test]
    fn decompose_undoes_compose(
        scheme in 0..6_usize,
        host in any_host(),
        port: u16,
        path in prop::collection::vec(".{0,20}", 0..6),
        query in prop::collection::vec(".{0,20}", 0..6),
    ) {
        prop_assume!(path != [""] && !path.iter().any(|segment| segment == "." || segment == ".."));
        let scheme = Scheme::ALL[scheme];
        let authority = Destination::named(&host, port);
        let text = ComposedUri::new(scheme, &authority, path.iter(), query.iter()).unwrap().to_string();
        let uri = Uri::parse(&text).unwrap();
        prop_assert_eq!(uri.scheme(), scheme);
        prop_assert_eq!(uri.uri_host(&authority), None);
        let elsewhere = Destination::named("elsewhere", 1);
        prop_assert_eq!(uri.uri_host(&elsewhere).unwrap().to_string(), host.clone());
        prop_assert_eq!(uri.port(), port);
        prop_assert_eq!(segments(&uri), path);
        prop_assert_eq!(arguments(&uri), query);
    }

    #[test]
    fn compose_gives_the_normal_form(
        uri in "coaps?(\\+tcp|\\+ws)?://[a-zA-Z.]{1,9}(:[0-9]{0,4})?(/[a-c.%2eF/:@]{0,3}){0,8}(\\?[a-c&%2fF/?]{0,9})?",
    ) {
        let Ok(parsed) = Uri::parse(&uri) else { return Ok(()) };
        let host = parsed.uri_host(&Destination::named("", 0)).unwrap().to_string();
        let authority = Destination::named(&host, parsed.port());
        let (path, query) = (segments(&parsed), arguments(&parsed));
        let normal = ComposedUri::new(parsed.scheme(), &authority, path.iter(), query.iter())
            .unwrap()
            .to_string();
        let again = Uri::parse(&normal).unwrap();
        prop_assert!(again.is_equivalent(&parsed), "{} {}", uri, normal);
        prop_assert_eq!(segments(&again), path);
    }

    #[test]
    fn dot_segments_go_as_rfc_3986_has_it(path in "(/(a|b||\\.|\\.\\.)){1,12}") {
        let text = std::format!("coap://h{path}");
        let resolved = remove_dot_segments(&path);
        let expected: Vec<_> = if resolved == "/" { Vec::new() } else { resolved[1..].split('/').collect() };
        prop_assert_eq!(segments(&Uri::parse(&text).unwrap()), expected);
    }

    #[test]
    fn no_text_makes_it_panic(text in "(coap://)?[\\[\\]a-f0-9:.%/?#@&é ]{0,40}") {
        match Uri::parse(&text) {
            Ok(uri) => {
                segments(&uri);
                arguments(&uri);
            }
            Err(error) => prop_assert!(error.position <= text.len()),
        }
    }
}

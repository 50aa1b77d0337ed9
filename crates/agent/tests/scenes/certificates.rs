//! Servers with certificates, and accounts that a Bootstrap-Server gives: the test is the server. Numbers are those of the
//! ETS 1.2.

use dunlin_agent::model::Value;
use dunlin_agent::objects::{SecurityAccount, SecurityMode};
use dunlin_agent::{Code, Event, Failure, Instances, SecurityFailure};
use dunlin_coap::{Message, MessageBuilder, MessageId, Token, Type};
use dunlin_dtls::PrivateKey;

use crate::bench::{Peer, SERVER};
use crate::bootstrap::tlv;
use crate::secure::{Bench, IDENTITY, KEY, read};

const BOOTSTRAP: Peer = 9;

fn file(name: &str) -> Vec<u8> {
    let path = format!("{}/../dtls/tests/pki/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

/// The server has a certificate for `server.example.com`, and so has the device; the account has this URI.
fn bench(uri: &str, account: impl FnOnce(&mut SecurityAccount)) -> Bench {
    let mut bench = Bench::new(|security| {
        let (own, key) = (file("client.der"), file("client.pkcs8"));
        let mode = SecurityMode::Certificate;
        *security = SecurityAccount::keys(1, uri, mode, &own, &key, &file("server.der")).unwrap();
        account(security);
    });
    with_certificates(&mut bench);
    bench
}

fn with_certificates(bench: &mut Bench) {
    let chain = vec![file("server.der"), file("intermediate.der")];
    bench.known.certificates = Some((chain, file("client.der")));
    bench.known.private = PrivateKey::from_bytes(&file("server.pkcs8")).unwrap();
}

#[track_caller]
fn is_read(bench: &mut Bench) {
    bench.say(&read());
    let answer = bench.heard.pop().unwrap();
    assert_eq!(Message::parse(&answer).unwrap().payload(), b"Dunlin");
}

/// An authority in place of the server's own certificate.
fn authority(account: &mut SecurityAccount) {
    account.certificate_usage = Some(2);
    account.server_public_key.clear();
    account
        .server_public_key
        .extend_from_slice(&file("intermediate.der"))
        .unwrap();
}

#[test]
fn ets_402_registers_and_is_read_with_certificates() {
    for setup in [|_: &mut SecurityAccount| (), authority] {
        let mut bench = bench("coaps://server.example.com", setup);
        bench.connect();
        bench.register();
        is_read(&mut bench);
        assert_eq!(bench.known.asked.as_deref(), Some("server.example.com"));
    }
}

#[test]
fn ets_403_a_certificate_with_another_name_is_refused() {
    for setup in [|_: &mut SecurityAccount| (), authority] {
        let mut bench = bench("coaps://server-fail.example.com", setup);
        bench.connect();
        assert!(bench.heard.is_empty());
        assert!(
            matches!(
                bench.events.pop(),
                Some(Event::RegistrationFailed {
                    reason: Failure::Security(SecurityFailure::NotTrusted),
                    ..
                })
            ),
            "{:?}",
            bench.events
        );
    }
}

#[test]
fn the_name_may_be_another_than_the_host_of_the_uri() {
    let mut bench = bench("coaps://192.0.2.1:5684", |account| {
        account.server_name = "server.example.com".try_into().unwrap();
    });
    bench.connect();
    bench.register();
    assert_eq!(bench.known.asked.as_deref(), Some("server.example.com"));
    // An address is no name that could be asked for, nor is it in the certificate.
    let mut bench = self::bench("coaps://192.0.2.1:5684", |_| ());
    bench.connect();
    assert_eq!(bench.known.asked, None);
    assert!(bench.heard.is_empty() && !bench.events.is_empty());
}

/// A bootstrap over DTLS with a pre-shared key: the Bootstrap-Server writes this account and one of object 1.
fn bootstrap(values: &[(&str, Value<'_>)]) -> Bench {
    let mut bench = Bench::new(|account| {
        account.bootstrap = true;
        account.uri = "coaps://bootstrap.example".try_into().unwrap();
    });
    bench.peer = BOOTSTRAP;
    bench.agent.agent_mut().set(|node| {
        let account = node.security.remove(0).unwrap();
        node.security.insert(1, account).unwrap();
        node.server = Instances::new();
    });
    bench.agent.bootstrap(bench.now, BOOTSTRAP).unwrap();
    bench.turn();
    let request = bench.heard.pop().expect("a Bootstrap-Request");
    let request = Message::parse(&request).unwrap();
    assert!(request.uri_path().eq([b"bs"]));
    let mut buffer = [0; 32];
    let (id, token) = (request.id(), request.token());
    let kind = Type::Acknowledgement;
    let answer = MessageBuilder::new(&mut buffer, kind, Code::CHANGED, id, token)
        .finish()
        .unwrap()
        .to_vec();
    bench.say(&answer);
    for (number, (path, value)) in (1..).zip(values) {
        ask(
            &mut bench,
            number,
            Code::PUT,
            path,
            &tlv(path, &[(path, *value)]),
        );
    }
    let server = [
        ("/1/0/0", Value::Integer(1)),
        ("/1/0/1", Value::Integer(86400)),
    ];
    ask(&mut bench, 90, Code::PUT, "/1/0", &tlv("/1/0", &server));
    ask(&mut bench, 91, Code::POST, "/bs", b"");
    assert_eq!(bench.events.pop(), Some(Event::Bootstrapped));
    // The server is another one, who does not know the association.
    bench.peer = SERVER;
    bench.server = None;
    bench
}

/// A request of the Bootstrap-Server that is done.
#[track_caller]
fn ask(bench: &mut Bench, id: u16, code: Code, path: &str, payload: &[u8]) {
    let mut buffer = [0; 1300];
    let token = Token::new(&id.to_be_bytes()).unwrap();
    let kind = Type::Confirmable;
    let mut builder = MessageBuilder::new(&mut buffer, kind, code, MessageId(id), token);
    builder.path(path.split('/').skip(1));
    if !payload.is_empty() {
        builder.content_format(11542).payload(payload);
    }
    let bytes = builder.finish().unwrap().to_vec();
    bench.say(&bytes);
    let answer = bench.heard.pop().expect("an answer");
    assert_eq!(
        Message::parse(&answer).unwrap().code(),
        Code::CHANGED,
        "{path}"
    );
}

#[test]
fn ets_1_bootstraps_to_a_server_with_a_pre_shared_key() {
    let mut bench = bootstrap(&[
        ("/0/0/0", Value::String("coaps://server.example")),
        ("/0/0/1", Value::Boolean(false)),
        ("/0/0/2", Value::Integer(0)),
        ("/0/0/3", Value::Opaque(IDENTITY)),
        ("/0/0/5", Value::Opaque(KEY)),
        ("/0/0/10", Value::Integer(1)),
    ]);
    bench.connect();
    bench.register();
    is_read(&mut bench);
}

#[test]
fn ets_2_bootstraps_to_a_server_with_certificates() {
    let (own, key, server) = (file("client.der"), file("client.pkcs8"), file("server.der"));
    let mut bench = bootstrap(&[
        ("/0/0/0", Value::String("coaps://server.example.com")),
        ("/0/0/1", Value::Boolean(false)),
        ("/0/0/2", Value::Integer(2)),
        ("/0/0/3", Value::Opaque(&own)),
        ("/0/0/4", Value::Opaque(&server)),
        ("/0/0/5", Value::Opaque(&key)),
        ("/0/0/10", Value::Integer(1)),
    ]);
    with_certificates(&mut bench);
    bench.connect();
    bench.register();
    is_read(&mut bench);
}

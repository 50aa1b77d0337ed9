//! A device with access control that goes on after a restart, and knows nothing of bootstrap.

use std::sync::Mutex;

use dunlin_agent::keep::Key;
use dunlin_agent::objects::{
    AccessControl, AccessRule, Device, Security, SecurityAccount, Server, ServerAccount,
    Temperature,
};
use dunlin_agent::{Agent, Code, Config, Instances, Instant, Objects, Output};
use dunlin_coap::{Message, MessageBuilder, MessageId, OptionNumber, Token, Type};
use rand::SeedableRng as _;
use rand::rngs::SmallRng;

#[derive(Objects)]
struct Node {
    security: Security<2>,
    server: Server<2>,
    access: AccessControl<4>,
    device: Device<'static>,
    temperature: Instances<Temperature, 2>,
}

type Subject = Agent<'static, Node, u16, SmallRng, 2>;

fn device() -> Subject {
    let (mut security, mut server) = (Security::new(), Server::new());
    for (instance, id) in [(0, 1), (1, 2)] {
        let account = SecurityAccount::no_sec(id, "coap://192.0.2.1").expect("short");
        security.insert(instance, account).expect("room");
        let account = ServerAccount::new(id, 300);
        server.insert(instance, account).expect("room");
    }
    let node = Node {
        security,
        server,
        access: AccessControl::new(),
        device: Device::new("Dunlin", "Lean", "1"),
        temperature: [Temperature::new("Cel")].into(),
    };
    Agent::with_capacity(
        node,
        Config::new("urn:dev:os:1-7"),
        SmallRng::seed_from_u64(7),
    )
}

/// Gives the agent a datagram, and gives what it sends.
fn exchange(agent: &mut Subject, input: Option<(u16, &[u8])>) -> Vec<(u16, Vec<u8>)> {
    let now = Instant::from_secs(100);
    if let Some((from, bytes)) = input {
        agent.handle_input(now, from, bytes);
    }
    agent.handle_timeout(now);
    let (mut sent, mut buffer) = (Vec::new(), [0; 1152]);
    loop {
        match agent.poll_output(&mut buffer) {
            Output::Transmit { to, bytes } => sent.push((to, bytes.to_vec())),
            Output::Event(_) => {}
            _ => return sent,
        }
    }
}

/// Answers a request of the agent.
fn answer(agent: &mut Subject, to: u16, request: &[u8], code: Code) -> Vec<(u16, Vec<u8>)> {
    let request = Message::parse(request).expect("a message");
    let mut buffer = [0; 64];
    let (id, token) = (request.id(), request.token());
    let mut builder = MessageBuilder::new(&mut buffer, Type::Acknowledgement, code, id, token);
    if code == Code::CREATED {
        builder.location_path(["rd", "1"]);
    }
    let bytes = builder.finish().expect("it fits").to_vec();
    exchange(agent, Some((to, &bytes)))
}

/// A device that is registered at both servers, whose addresses are their ids.
fn registered(agent: &mut Subject) {
    for server in [1, 2] {
        agent
            .connect(Instant::from_secs(100), server, server)
            .expect("an account");
        let sent = exchange(agent, None);
        answer(agent, server, &sent[0].1, Code::CREATED);
        assert!(agent.is_registered(server));
    }
}

/// A request of a server, and the code of its answer.
fn ask(
    agent: &mut Subject,
    server: u16,
    id: u16,
    code: Code,
    path: &[&str],
    payload: &[u8],
) -> Code {
    let mut buffer = [0; 256];
    let token = Token::new(&id.to_be_bytes()).expect("short");
    let mut builder =
        MessageBuilder::new(&mut buffer, Type::Confirmable, code, MessageId(id), token);
    builder.path(path.iter().copied());
    if !payload.is_empty() {
        let format = if payload.starts_with(b"[") { 110 } else { 112 };
        builder.option(OptionNumber::CONTENT_FORMAT, &[format]);
        builder.payload(payload);
    }
    let request = builder.finish().expect("it fits").to_vec();
    let sent = exchange(agent, Some((server, &request)));
    let find = |(_, bytes): &(u16, Vec<u8>)| {
        let message = Message::parse(bytes).expect("a message");
        (message.token() == token).then_some(message.code())
    };
    // Updates that follow are left alone.
    sent.iter().find_map(find).expect("an answer")
}

#[test]
fn what_a_server_has_made_is_its_own_after_a_restart() {
    let mut old = device();
    registered(&mut old);
    // On what no rule is about nobody has rights.
    assert_eq!(
        ask(&mut old, 1, 1, Code::GET, &["3", "0"], b""),
        Code::UNAUTHORIZED
    );
    old.set(|node| {
        let rule = AccessRule::new(3303, 65535, 65535).allow(1, 16);
        node.access.insert(0, rule).expect("room");
    });
    // [{0: "/3303/1/5601", 2: 1}]
    let payload = b"\x81\xa2\x00\x6c/3303/1/5601\x02\x01";
    assert_eq!(
        ask(&mut old, 2, 2, Code::POST, &["3303"], payload),
        Code::UNAUTHORIZED
    );
    assert_eq!(
        ask(&mut old, 1, 3, Code::POST, &["3303"], payload),
        Code::CREATED
    );
    let mut buffer = [0; 1024];
    let accounts = old
        .export(Key::Accounts, &mut buffer)
        .expect("room")
        .to_vec();

    let mut new = device();
    new.set(|node| {
        let inserted = node.temperature.insert(1, Temperature::new("Cel"));
        assert!(inserted.is_ok());
    });
    new.import(&accounts).expect("a record");
    registered(&mut new);
    assert_eq!(
        ask(&mut new, 1, 1, Code::GET, &["3303", "1"], b""),
        Code::CONTENT
    );
    assert_eq!(
        ask(&mut new, 2, 2, Code::GET, &["3303", "1"], b""),
        Code::UNAUTHORIZED
    );
    assert_eq!(
        ask(&mut new, 2, 3, Code::DELETE, &["3303", "1"], b""),
        Code::UNAUTHORIZED
    );
    assert_eq!(
        ask(&mut new, 1, 4, Code::DELETE, &["3303", "1"], b""),
        Code::DELETED
    );
}

#[test]
fn times_are_passed_over_and_base_values_are_added_or_refused() {
    let mut agent = device();
    registered(&mut agent);
    agent.set(|node| {
        let inserted = node.access.insert(0, AccessRule::new(1, 0, 1));
        assert!(inserted.is_ok());
    });
    // [{-2: "/1/0/", -3: 1700000000, 0: "1", 2: 500, 6: 5, 7: -1}]
    let timed =
        b"\x81\xa6\x21\x65/1/0/\x22\x1a\x65\x53\xf1\x00\x00\x611\x02\x19\x01\xf4\x06\x05\x07\x20";
    assert_eq!(
        ask(&mut agent, 1, 1, Code::POST, &["1", "0"], timed),
        Code::CHANGED
    );
    assert_eq!(lifetime(&agent), Some(500));
    // A time that is no number is none of SenML.
    let wrong = b"\x81\xa3\x00\x66/1/0/1\x02\x18\x64\x06\x611";
    assert_eq!(
        ask(&mut agent, 1, 2, Code::POST, &["1", "0"], wrong),
        Code::BAD_REQUEST
    );
    // [{-2: "/1/0/", -5: 10, 0: "1", 2: 600}], which is 610 for who can add, and never 600.
    let binary = b"\x81\xa4\x21\x65/1/0/\x24\x0a\x00\x611\x02\x19\x02\x58";
    let json = br#"[{"bn":"/1/0/","bv":10,"n":"1","v":600}]"#;
    for (id, based) in [(3, &binary[..]), (4, json)] {
        let code = ask(&mut agent, 1, id, Code::POST, &["1", "0"], based);
        assert!(matches!(
            (code, lifetime(&agent)),
            (Code::BAD_REQUEST, Some(500)) | (Code::CHANGED, Some(610))
        ));
    }
}

fn lifetime(agent: &Subject) -> Option<u32> {
    Some(agent.objects().server.get(0)?.lifetime)
}

/// What has been said.
struct Ear(Mutex<Vec<String>>);

impl log::Log for Ear {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = record.args().to_string();
        self.0.lock().expect("not poisoned").push(line);
    }

    fn flush(&self) {}
}

static EAR: Ear = Ear(Mutex::new(Vec::new()));

#[test]
fn events_refusals_and_noise_are_logged() {
    log::set_logger(&EAR).expect("the only one");
    log::set_max_level(log::LevelFilter::Trace);
    let mut agent = device();
    registered(&mut agent);
    ask(&mut agent, 1, 1, Code::GET, &["0"], b"");
    exchange(&mut agent, Some((1, b"noise")));
    let lines = EAR.0.lock().expect("not poisoned").join("\n");
    for part in [
        "Registered { server: 2 }",
        "refused with 4.01",
        "5 bytes are no message",
    ] {
        assert!(lines.contains(part), "{part}: {lines}");
    }
}

//! Two servers with different rights. Numbers are those of the enabler test specification (ETS) 1.2.

use dunlin_agent::model::{ResourceId, ResourceInstanceId};
use dunlin_agent::objects::{
    AccessControl, AccessRule, Device, Security, SecurityAccount, Server, ServerAccount,
    Temperature,
};
use dunlin_agent::{Agent, Code, Config, Instances, Instant, Object, Objects, Output};
use dunlin_coap::{Message, MessageBuilder, MessageId, OptionNumber, Token, Type};
use rand::SeedableRng;
use rand::rngs::SmallRng;

#[derive(Objects)]
struct Node {
    security: Security<3>,
    server: Server<3>,
    access: AccessControl<6>,
    device: Device<'static>,
    temperature: Instances<Temperature, 3>,
}

struct Bench {
    agent: Agent<'static, Node, u16, SmallRng, 2>,
    id: u16,
    sent: Vec<(u16, Vec<u8>)>,
}

const NOW: Instant = Instant::from_secs(1000);

impl Bench {
    /// The ETS' configuration C.14, and a sensor that belongs to server 1; both servers may make sensors.
    fn new() -> Self {
        let mut security = Security::no_sec(1, "coap://one.example").unwrap();
        let second = SecurityAccount::no_sec(2, "coap://two.example").unwrap();
        security.insert(1, second).unwrap();
        let mut server = Server::single(1, 0);
        server.insert(1, ServerAccount::new(2, 0)).unwrap();
        let mut temperature = Instances::new();
        temperature.insert(0, Temperature::new("Cel")).unwrap();
        let node = Node {
            security,
            server,
            access: [
                AccessRule::new(1, 0, 1).allow(1, 15),
                AccessRule::new(1, 1, 2).allow(2, 15),
                AccessRule::new(3, 0, 65535).allow(1, 15).allow(2, 1),
                AccessRule::new(3303, 0, 1).allow(0, 1),
                AccessRule::new(3303, 65535, 65535).allow(0, 16),
            ]
            .into(),
            device: Device::new("Dunlin", "Bench", "007"),
            temperature,
        };
        let rng = SmallRng::seed_from_u64(7);
        let mut bench = Self {
            agent: Agent::with_capacity(node, Config::new("urn:dev:os:1-7"), rng),
            id: 0,
            sent: Vec::new(),
        };
        for server in [1, 2] {
            bench.agent.connect(NOW, server, server).unwrap();
            bench.turn();
            let (to, register) = bench.sent.pop().unwrap();
            assert_eq!(to, server);
            let register = Message::parse(&register).unwrap();
            let mut buffer = [0; 32];
            let (id, token) = (register.id(), register.token());
            let kind = Type::Acknowledgement;
            let answer = MessageBuilder::new(&mut buffer, kind, Code::CREATED, id, token)
                .option(OptionNumber::LOCATION_PATH, b"7")
                .finish()
                .unwrap()
                .to_vec();
            bench.agent.handle_input(NOW, server, &answer);
        }
        bench.turn();
        bench.sent.clear();
        bench
    }

    fn turn(&mut self) {
        self.agent.handle_timeout(NOW);
        let mut buffer = [0; 1200];
        loop {
            match self.agent.poll_output(&mut buffer) {
                Output::Transmit { to, bytes } => self.sent.push((to, bytes.to_vec())),
                Output::Event(_) => {}
                _ => return,
            }
        }
    }

    /// Asks as a server; gives the code and the payload of the answer.
    fn ask(&mut self, server: u16, code: Code, path: &str, text: Option<&str>) -> (Code, Vec<u8>) {
        self.id += 1;
        let mut buffer = [0; 128];
        let token = Token::new(&self.id.to_be_bytes()).unwrap();
        let id = MessageId(self.id);
        let mut request = MessageBuilder::new(&mut buffer, Type::Confirmable, code, id, token);
        request.path(path.split('/').filter(|part| !part.is_empty()));
        match text {
            Some(text) => {
                request.content_format(0).payload(text.as_bytes());
            }
            None if code == Code::GET => {
                request.accept(11542);
            }
            None => {}
        }
        let request = request.finish().unwrap().to_vec();
        self.agent.handle_input(NOW, server, &request);
        self.turn();
        let answer = self.sent.iter().position(|(to, bytes)| {
            *to == server && Message::parse(bytes).unwrap().token() == token
        });
        let (_, answer) = self.sent.remove(answer.expect("an answer"));
        self.sent.clear();
        let answer = Message::parse(&answer).unwrap();
        (answer.code(), answer.payload().to_vec())
    }

    /// A Bootstrap-Server takes these instances away.
    fn remove_accounts(&mut self, paths: &[&str]) {
        let bootstrap = 9;
        self.agent.bootstrap(NOW, bootstrap);
        self.turn();
        let (_, request) = self.sent.pop().unwrap();
        let request = Message::parse(&request).unwrap();
        let mut buffer = [0; 32];
        let (id, token) = (request.id(), request.token());
        let kind = Type::Acknowledgement;
        let answer = MessageBuilder::new(&mut buffer, kind, Code::CHANGED, id, token)
            .finish()
            .unwrap()
            .to_vec();
        self.agent.handle_input(NOW, bootstrap, &answer);
        for path in paths {
            self.expect(bootstrap, Code::DELETE, path, None, Code::DELETED);
        }
        self.expect(bootstrap, Code::POST, "/bs", None, Code::CHANGED);
    }

    #[track_caller]
    fn expect(&mut self, server: u16, code: Code, path: &str, text: Option<&str>, answer: Code) {
        assert_eq!(
            self.ask(server, code, path, text).0,
            answer,
            "{server} {code} {path}"
        );
    }
}

#[test]
fn each_server_does_what_the_rules_say() {
    let mut bench = Bench::new();
    for (server, code, path, text, answer) in [
        (1, Code::GET, "/3/0/0", None, Code::CONTENT),
        (2, Code::GET, "/3/0/0", None, Code::CONTENT),
        (1, Code::POST, "/3/0/4", None, Code::CHANGED),
        (2, Code::POST, "/3/0/4", None, Code::UNAUTHORIZED),
        (1, Code::PUT, "/1/0/3", Some("60"), Code::CHANGED),
        (2, Code::PUT, "/1/0/3", Some("60"), Code::UNAUTHORIZED),
        (2, Code::GET, "/1/0", None, Code::UNAUTHORIZED),
        (2, Code::GET, "/1/1", None, Code::CONTENT),
        // The owner without an entry of its own has all rights, the other what is everybody's.
        (1, Code::PUT, "/3303/0/5750", Some("x"), Code::CHANGED),
        (2, Code::PUT, "/3303/0/5750", Some("x"), Code::UNAUTHORIZED),
        (2, Code::GET, "/3303/0", None, Code::CONTENT),
        (2, Code::DELETE, "/3303/0", None, Code::UNAUTHORIZED),
        // What is not there is not found, and secrets are nobody's.
        (2, Code::GET, "/3303/7", None, Code::NOT_FOUND),
        (1, Code::GET, "/0", None, Code::UNAUTHORIZED),
    ] {
        bench.expect(server, code, path, text, answer);
    }
}

#[test]
fn reading_an_object_gives_what_may_be_read() {
    let mut bench = Bench::new();
    // Object Instance TLVs: 0 for server 1 and 1 for server 2.
    let (code, payload) = bench.ask(1, Code::GET, "/1", None);
    assert_eq!((code, payload[1]), (Code::CONTENT, 0));
    let (code, payload) = bench.ask(2, Code::GET, "/1", None);
    assert_eq!((code, payload[1]), (Code::CONTENT, 1));
    bench.agent.set(|node| drop(node.access.remove(1)));
    bench.expect(2, Code::GET, "/1", None, Code::UNAUTHORIZED);
}

#[test]
fn who_makes_an_instance_owns_it() {
    let mut bench = Bench::new();
    bench.expect(2, Code::POST, "/3303", None, Code::CREATED);
    let rule = bench.agent.objects().access.get(5).unwrap().clone();
    assert_eq!((rule.object, rule.instance, rule.owner), (3303, 1, 2));
    bench.expect(1, Code::GET, "/3303/1", None, Code::UNAUTHORIZED);
    bench.expect(2, Code::PUT, "/3303/1/5750", Some("x"), Code::CHANGED);
    // Only the owner changes the rule, and everybody sees it.
    bench.expect(1, Code::GET, "/2/5", None, Code::CONTENT);
    bench.expect(1, Code::PUT, "/2/5/3", Some("1"), Code::UNAUTHORIZED);
    bench.expect(2, Code::PUT, "/2/5/2/1", Some("1"), Code::CHANGED);
    bench.expect(1, Code::GET, "/3303/1", None, Code::CONTENT);
    // There is no room for another rule, so there is none for another instance.
    bench.expect(1, Code::POST, "/3303", None, Code::INTERNAL_SERVER_ERROR);
    assert_eq!(bench.agent.objects().temperature.len(), 2);
    bench.expect(2, Code::DELETE, "/3303/1", None, Code::DELETED);
    assert!(bench.agent.objects().access.get(5).is_none());
    // Rules themselves are for a Bootstrap-Server to make and to take away.
    bench.expect(1, Code::DELETE, "/2/3", None, Code::UNAUTHORIZED);
    bench.agent.set(|node| drop(node.access.remove(4)));
    bench.expect(1, Code::POST, "/3303", None, Code::UNAUTHORIZED);
}

#[test]
fn one_server_alone_has_all_rights() {
    let mut bench = Bench::new();
    bench.agent.set(|node| drop(node.server.remove(0)));
    bench.expect(2, Code::PUT, "/3303/0/5750", Some("x"), Code::CHANGED);
}

#[test]
fn ets_951_each_server_has_attributes_of_its_own() {
    let mut bench = Bench::new();
    for (server, query) in [(1, "pmin=2"), (2, "pmin=15")] {
        bench.id += 1;
        let mut buffer = [0; 64];
        let id = MessageId(bench.id);
        let request =
            MessageBuilder::new(&mut buffer, Type::Confirmable, Code::PUT, id, Token::EMPTY)
                .path(["3", "0"])
                .query([query])
                .finish()
                .unwrap()
                .to_vec();
        bench.agent.handle_input(NOW, server, &request);
        bench.turn();
        let (_, answer) = bench.sent.pop().unwrap();
        assert_eq!(Message::parse(&answer).unwrap().code(), Code::CHANGED);
    }
    for (server, shown) in [(1, "</3/0>;pmin=2,"), (2, "</3/0>;pmin=15,")] {
        bench.id += 1;
        let mut buffer = [0; 64];
        let id = MessageId(bench.id);
        let request =
            MessageBuilder::new(&mut buffer, Type::Confirmable, Code::GET, id, Token::EMPTY)
                .path(["3", "0"])
                .accept(40)
                .finish()
                .unwrap()
                .to_vec();
        bench.agent.handle_input(NOW, server, &request);
        bench.turn();
        let (_, answer) = bench.sent.pop().unwrap();
        let answer = Message::parse(&answer).unwrap();
        assert!(answer.payload().starts_with(shown.as_bytes()));
    }
}

/// Core 1.2.2 §8.3: rights of a server whose account is gone are forgotten, and what only it owned goes.
#[test]
fn what_a_server_owned_goes_with_its_account() {
    let mut bench = Bench::new();
    let (code, _) = bench.ask(2, Code::POST, "/3303", None);
    assert_eq!(code, Code::CREATED);
    assert_eq!(bench.agent.objects().temperature.len(), 2);
    bench.remove_accounts(&["/0/1", "/1/1"]);
    let node = bench.agent.objects();
    let ids: Vec<u16> = node.temperature.iter().map(|(id, _)| id.get()).collect();
    assert_eq!(ids, [0]);
    let mut rules = Vec::new();
    for (_, rule) in node.access.iter() {
        let allowed: Vec<u16> = (0..4)
            .filter(|server| {
                let index = ResourceInstanceId::new(*server).unwrap();
                rule.read(ResourceId::of::<2>(), index).is_some()
            })
            .collect();
        let of = |resource| rule.read(resource, ResourceInstanceId::of::<0>());
        let number = |resource| of(resource).unwrap().as_i64().unwrap();
        let about = (number(ResourceId::of::<0>()), number(ResourceId::of::<1>()));
        rules.push((about, allowed));
    }
    assert_eq!(
        rules,
        [
            ((1, 0), vec![1]),
            ((3, 0), vec![1]),
            ((3303, 0), vec![0]),
            ((3303, 65535), vec![0]),
        ]
    );
}

/// Core 1.2.2 §8.3: what other servers have rights on stays, and belongs to the one with the most rights to write and to
/// delete.
#[test]
fn what_others_may_use_passes_to_the_one_with_the_most_rights() {
    let mut bench = Bench::new();
    bench.agent.set(|node| {
        let third = SecurityAccount::no_sec(3, "coap://three.example").unwrap();
        node.security.insert(2, third).unwrap();
        node.server.insert(2, ServerAccount::new(3, 0)).unwrap();
        node.access.remove(4);
        let sensor = node.access.get_mut(3).unwrap();
        *sensor = AccessRule::new(3303, 0, 1).allow(2, 3).allow(3, 11);
        for (instance, rule) in [
            // Everybody reads it: the first of all others has it.
            (1, AccessRule::new(3303, 1, 1).allow(0, 1)),
            // Nobody else has anything of it.
            (2, AccessRule::new(3303, 2, 1).allow(1, 31).allow(2, 0)),
        ] {
            let sensor = Temperature::new("Cel");
            node.temperature.insert(instance, sensor).unwrap();
            node.access.insert(instance + 3, rule).unwrap();
        }
    });
    bench.remove_accounts(&["/0/0", "/1/0"]);
    let node = bench.agent.objects();
    let ids: Vec<u16> = node.temperature.iter().map(|(id, _)| id.get()).collect();
    assert_eq!(ids, [0, 1]);
    let rules: Vec<_> = node.access.iter().map(|(_, rule)| rule).collect();
    let owners: Vec<_> = rules
        .iter()
        .filter(|rule| rule.object == 3303)
        .map(|rule| (rule.instance, rule.owner))
        .collect();
    assert_eq!(owners, [(0, 3), (1, 2)]);
}

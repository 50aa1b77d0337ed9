//! An agent on a bench: a clock that the test turns, and a server that is the test itself.

use std::collections::VecDeque;

use dunlin_agent::objects::{Device, PowerSource, Security, Server, Temperature};
use dunlin_agent::{Agent, Code, Config, Duration, Event, Instances, Instant, Objects, Output};
use dunlin_coap::{Message, MessageBuilder, MessageId, OptionNumber, Token, Type};
use rand::SeedableRng;
use rand::rngs::SmallRng;

/// A peer's address.
pub(crate) type Peer = u16;

/// Where the server is.
pub(crate) const SERVER: Peer = 5683;

#[derive(Objects)]
pub(crate) struct Node {
    pub(crate) security: Security<3>,
    pub(crate) server: Server<2>,
    pub(crate) device: Device<'static>,
    pub(crate) temperature: Instances<Temperature, 3>,
    pub(crate) rich: Instances<crate::rich::Rich, 4>,
}

/// A node with everything in it that the tests ask for.
pub(crate) fn node() -> Node {
    let mut device = Device::new("Dunlin", "Bench", "007");
    device.firmware_version = "1.0";
    device.battery_level = Some(80);
    device.utc_offset = "UTC+0".try_into().unwrap();
    for (kind, voltage) in [(1, 3800), (5, 5000)] {
        device
            .power_sources
            .push(PowerSource {
                kind,
                voltage,
                current: 100,
            })
            .unwrap();
    }
    let mut temperature = Instances::new();
    let mut sensor = Temperature::new("Cel");
    sensor.measure(20.5);
    temperature.insert(0, sensor).unwrap();
    Node {
        security: Security::no_sec(1, "coap://server.example:5683").unwrap(),
        server: Server::single(1, 300),
        device,
        temperature,
        rich: Instances::new(),
    }
}

pub(crate) struct Bench<const SERVERS: usize = 1, N = Node> {
    pub(crate) agent: Agent<'static, N, Peer, SmallRng, SERVERS>,
    pub(crate) now: Instant,
    pub(crate) sent: VecDeque<(Peer, Vec<u8>)>,
    pub(crate) events: VecDeque<Event>,
    pub(crate) buffer: Vec<u8>,
    /// Whose part the test plays.
    pub(crate) peer: Peer,
    id: u16,
}

impl Bench {
    /// An agent that has not been connected.
    pub(crate) fn new() -> Self {
        Self::with(node(), Config::new("urn:dev:os:1-7"))
    }

    /// An agent whose registration has just been accepted.
    pub(crate) fn registered() -> Self {
        Self::registered_with(node(), Config::new("urn:dev:os:1-7"))
    }
}

impl<const SERVERS: usize> Bench<SERVERS> {
    pub(crate) fn measure(&mut self, value: f64) {
        self.set(|node| node.temperature.get_mut(0).unwrap().measure(value));
    }
}

impl<N: Objects> Bench<1, N> {
    pub(crate) fn registered_with(node: N, config: Config<'static>) -> Self {
        let mut bench = Self::with(node, config);
        bench.connect();
        bench.accept_registration();
        bench
    }
}

impl<const SERVERS: usize, N: Objects> Bench<SERVERS, N> {
    pub(crate) fn with(node: N, config: Config<'static>) -> Self {
        let mut bench = Self {
            agent: Agent::with_capacity(node, config, SmallRng::seed_from_u64(7)),
            now: Instant::from_secs(1000),
            sent: VecDeque::new(),
            events: VecDeque::new(),
            buffer: vec![0; 1280],
            peer: SERVER,
            id: 100,
        };
        bench.turn();
        bench
    }

    pub(crate) fn connect(&mut self) {
        self.agent.connect(self.now, 1, SERVER).unwrap();
        self.turn();
    }

    /// Polls until idle.
    pub(crate) fn turn(&mut self) {
        self.agent.handle_timeout(self.now);
        self.drain();
    }

    fn drain(&mut self) {
        for _ in 0..1000 {
            match self.agent.poll_output(&mut self.buffer) {
                Output::Transmit { to, bytes } => self.sent.push_back((to, bytes.to_vec())),
                Output::Event(event) => self.events.push_back(event),
                _ => return,
            }
        }
        panic!("never idle");
    }

    /// Lets the clock run, stopping wherever the agent has asked for it.
    pub(crate) fn advance(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..10_000 {
            match self.agent.next_timeout() {
                Some(due) if due <= end => {
                    assert!(due > self.now || self.agent.next_timeout() == Some(due));
                    self.now = self.now.max(due);
                    self.turn();
                }
                _ => {
                    self.now = end;
                    self.turn();
                    return;
                }
            }
        }
        panic!("the agent asks for its timeout again and again");
    }

    pub(crate) fn seconds(&mut self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }

    /// Changes the objects, and lets the agent act on it.
    pub(crate) fn set(&mut self, change: impl FnOnce(&mut N)) {
        self.agent.set(change);
        self.turn();
    }

    pub(crate) fn deliver_from(&mut self, peer: Peer, bytes: &[u8]) {
        self.agent.handle_input(self.now, peer, bytes);
        self.drain();
    }

    pub(crate) fn deliver(&mut self, bytes: &[u8]) {
        self.deliver_from(self.peer, bytes);
    }

    /// The next message that the agent has sent to the one whose part the test plays.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Received {
        let (to, bytes) = self.sent.pop_front().expect("a message");
        assert_eq!(to, self.peer);
        Received(bytes)
    }

    #[track_caller]
    pub(crate) fn expect_silence(&mut self) {
        assert!(
            self.sent.is_empty(),
            "sent: {:?}",
            Message::parse(&self.sent[0].1)
        );
    }

    #[track_caller]
    pub(crate) fn expect_event(&mut self, event: Event) {
        assert_eq!(self.events.pop_front(), Some(event));
    }

    /// Answers a request of the agent in its Acknowledgement.
    pub(crate) fn answer(
        &mut self,
        request: &Received,
        code: Code,
        options: &[(OptionNumber, &[u8])],
    ) {
        let request = request.message();
        let mut buffer = [0; 256];
        let mut builder = MessageBuilder::new(
            &mut buffer,
            Type::Acknowledgement,
            code,
            request.id(),
            request.token(),
        );
        for (number, value) in options {
            builder.option(*number, value);
        }
        let bytes = builder.finish().unwrap().to_vec();
        self.deliver(&bytes);
    }

    #[track_caller]
    pub(crate) fn accept_registration(&mut self) -> Received {
        let register = self.next();
        assert_eq!(register.message().code(), Code::POST);
        self.answer(
            &register,
            Code::CREATED,
            &[
                (OptionNumber::LOCATION_PATH, b"rd"),
                (OptionNumber::LOCATION_PATH, b"7"),
            ],
        );
        self.expect_event(Event::Registered { server: 1 });
        register
    }

    /// A fresh message id.
    pub(crate) fn id(&mut self) -> MessageId {
        self.id += 1;
        MessageId(self.id)
    }

    /// A request of the server.
    pub(crate) fn request(&mut self, code: Code, path: &str) -> Request {
        let id = self.id();
        let token = Token::new(&id.0.to_be_bytes()).unwrap();
        let mut options = Vec::new();
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            options.push((OptionNumber::URI_PATH, segment.as_bytes().to_vec()));
        }
        Request {
            message_type: Type::Confirmable,
            code,
            id,
            token,
            options,
            payload: Vec::new(),
        }
    }

    /// Sends a request and gives the one answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, request: &Request) -> Received {
        self.expect_silence();
        self.deliver(&request.bytes());
        let answer = self.next();
        {
            let message = answer.message();
            assert_eq!(message.token(), request.token);
            if request.message_type == Type::Confirmable {
                assert_eq!(
                    (message.message_type(), message.id()),
                    (Type::Acknowledgement, request.id)
                );
            } else {
                assert_eq!(message.message_type(), Type::NonConfirmable);
            }
        }
        answer
    }

    #[track_caller]
    pub(crate) fn ask_code(&mut self, request: &Request, code: Code) {
        let answer = self.ask(request);
        assert_eq!(answer.message().code(), code, "{}", answer.text());
    }

    #[track_caller]
    pub(crate) fn get(&mut self, path: &str) -> Received {
        let request = self.request(Code::GET, path);
        self.ask(&request)
    }

    /// The text of a single resource.
    #[track_caller]
    pub(crate) fn read(&mut self, path: &str) -> String {
        let request = self.request(Code::GET, path).uint(OptionNumber::ACCEPT, 0);
        let answer = self.ask(&request);
        assert_eq!(answer.message().code(), Code::CONTENT, "{}", answer.text());
        answer.text()
    }
}

/// A request in the making.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) message_type: Type,
    pub(crate) code: Code,
    pub(crate) id: MessageId,
    pub(crate) token: Token,
    options: Vec<(OptionNumber, Vec<u8>)>,
    payload: Vec<u8>,
}

impl Request {
    pub(crate) fn option(mut self, number: OptionNumber, value: &[u8]) -> Self {
        self.options.push((number, value.to_vec()));
        self
    }

    pub(crate) fn uint(self, number: OptionNumber, value: u32) -> Self {
        let bytes = value.to_be_bytes();
        let start = bytes
            .iter()
            .position(|byte| *byte != 0)
            .unwrap_or(bytes.len());
        self.option(number, &bytes[start..])
    }

    pub(crate) fn query(self, query: &str) -> Self {
        query.split('&').fold(self, |request, item| {
            request.option(OptionNumber::URI_QUERY, item.as_bytes())
        })
    }

    pub(crate) fn payload(mut self, format: u16, payload: &[u8]) -> Self {
        self.payload = payload.to_vec();
        self.uint(OptionNumber::CONTENT_FORMAT, format.into())
    }

    pub(crate) fn non(mut self) -> Self {
        self.message_type = Type::NonConfirmable;
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut buffer = [0; 2048];
        let mut builder = MessageBuilder::new(
            &mut buffer,
            self.message_type,
            self.code,
            self.id,
            self.token,
        );
        let mut options = self.options.clone();
        options.sort_by_key(|(number, _)| number.0);
        for (number, value) in &options {
            builder.option(*number, value);
        }
        builder.payload(&self.payload);
        builder.finish().unwrap().to_vec()
    }
}

/// A message of the agent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Received(pub(crate) Vec<u8>);

impl Received {
    #[track_caller]
    pub(crate) fn message(&self) -> Message<'_> {
        Message::parse(&self.0).expect("the agent sends well-formed messages")
    }

    pub(crate) fn code(&self) -> Code {
        self.message().code()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.message().payload()).into_owned()
    }

    pub(crate) fn path(&self) -> String {
        let mut path = String::new();
        for segment in self.message().uri_path() {
            path.push('/');
            path.push_str(&String::from_utf8_lossy(segment));
        }
        path
    }

    pub(crate) fn query(&self) -> Vec<String> {
        self.message()
            .uri_query()
            .map(|item| String::from_utf8_lossy(item).into_owned())
            .collect()
    }
}

//! An agent over SMS: datagrams of 140 bytes at most, of which some are lost, and a program that is woken by them.
#![cfg(all(feature = "derive", feature = "other-transports"))]

use std::collections::VecDeque;

use dunlin_agent::channel::{Channel, turn};
use dunlin_agent::model::Path;
use dunlin_agent::objects::{Device, Security, Server, Temperature};
use dunlin_agent::{
    Agent, Binding, BlockSize, Code, Config, ContentFormat, Event, Instances, Instant, ObjectType,
    Objects,
};
use dunlin_coap::{Message, MessageBuilder, MessageId, OptionNumber, Token, Type};
use dunlin_codec::Decoder;
use rand::SeedableRng as _;
use rand::rngs::SmallRng;

/// What a binary SMS holds (3GPP TS 23.040 §9.2.3.24).
const SMS: usize = 140;

#[derive(Objects)]
struct Node {
    security: Security<1>,
    server: Server<1>,
    device: Device<'static>,
    temperature: Instances<Temperature, 12>,
}

/// A network with a server in it, at the number 7.
#[derive(Default)]
struct Network {
    to_device: VecDeque<Vec<u8>>,
    /// How many messages the device has sent.
    sent: usize,
    /// The object list so far.
    list: Vec<u8>,
    query: Vec<String>,
    answers: Vec<(Code, Vec<u8>, Option<u32>)>,
}

impl Channel for Network {
    type Peer = u64;

    fn send(&mut self, to: u64, datagram: &[u8]) {
        assert_eq!(to, 7);
        assert!(datagram.len() <= SMS, "{} bytes", datagram.len());
        self.sent += 1;
        // Every third is lost.
        if !self.sent.is_multiple_of(3) {
            self.serve(datagram);
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Option<(usize, u64)> {
        let datagram = self.to_device.pop_front()?;
        buffer[..datagram.len()].copy_from_slice(&datagram);
        Some((datagram.len(), 7))
    }
}

impl Network {
    fn serve(&mut self, datagram: &[u8]) {
        let message = Message::parse(datagram).expect("a message");
        if message.code() != Code::POST {
            let block = message.block2().expect("well-formed").map(|block| {
                (block.number() << 4)
                    | (u32::from(block.more()) << 3)
                    | u32::from(block.size().szx())
            });
            let answer = (message.code(), message.payload().to_vec(), block);
            self.answers.push(answer);
            return;
        }
        self.query = message
            .uri_query()
            .map(|item| String::from_utf8_lossy(item).into_owned())
            .collect();
        let block = message.block1().expect("well-formed").expect("a long list");
        let at = usize::try_from(block.number()).expect("small") * block.size().bytes();
        self.list.truncate(at);
        self.list.extend_from_slice(message.payload());
        let code = if block.more() {
            Code::CONTINUE
        } else {
            Code::CREATED
        };
        let mut buffer = [0; SMS];
        let (id, token) = (message.id(), message.token());
        let mut builder = MessageBuilder::new(&mut buffer, Type::Acknowledgement, code, id, token);
        if code == Code::CREATED {
            builder.location_path(["rd", "7"]);
        }
        builder.block1(block);
        let answer = builder.finish().expect("it fits").to_vec();
        self.to_device.push_back(answer);
    }

    /// A Read of the whole Temperature object, from this block on.
    fn read(&mut self, id: u16, block: u32) {
        let mut buffer = [0; SMS];
        let token = Token::new(b"r").expect("short");
        let kind = Type::NonConfirmable;
        let mut builder = MessageBuilder::new(&mut buffer, kind, Code::GET, MessageId(id), token);
        builder.path(["3303"]).accept(112);
        builder.option(OptionNumber::BLOCK2, &[u8::try_from(block).expect("small")]);
        let request = builder.finish().expect("it fits").to_vec();
        self.to_device.push_back(request);
    }
}

#[test]
fn registers_and_is_read_over_sms() {
    let mut temperature = Instances::new();
    for instance in 0..12 {
        let inserted = temperature.insert(instance, Temperature::new("Cel"));
        assert!(inserted.is_ok());
    }
    let mut device = Device::new("Dunlin", "SMS", "1");
    device.supported_bindings = "S";
    let node = Node {
        security: Security::no_sec(1, "tel:+15550107").expect("short"),
        server: Server::single(1, 0),
        device,
        temperature,
    };
    let config = Config::new("urn:dev:os:1-7")
        .transport(Binding::parse("S").expect("a letter"))
        .block_size(BlockSize::at_most(64).expect("a size"));
    let mut agent: Agent<'_, Node, u64, _> = Agent::new(node, config, SmallRng::seed_from_u64(7));
    let (mut network, mut buffer) = (Network::default(), [0; 320]);
    let mut now = Instant::from_secs(10);
    agent.connect(now, 1, 7).expect("an account");
    let mut registered = false;
    for _ in 0..40 {
        let wake = turn(&mut agent, &mut network, now, &mut buffer, |_, event| {
            registered |= event == Event::Registered { server: 1 };
        });
        if registered {
            break;
        }
        // The program sleeps until then.
        now = now.max(wake.expect("something is to be done"));
    }
    assert!(registered);
    assert!(
        network.query.contains(&"b=S".to_owned()),
        "{:?}",
        network.query
    );
    let list = String::from_utf8_lossy(&network.list).into_owned();
    assert!(list.len() > SMS, "a list of {} bytes", list.len());
    assert!(list.ends_with("</3303/11>"), "{list}");

    // The whole object, in as many messages as it takes; what is lost is asked for again.
    let (mut content, mut number, mut id) = (Vec::new(), 0, 500);
    loop {
        id += 1;
        assert!(id < 600, "never ends");
        network.read(id, (number << 4) | 2);
        turn(&mut agent, &mut network, now, &mut buffer, |_, _| ());
        let Some((code, payload, block)) = network.answers.pop() else {
            continue;
        };
        assert_eq!(code, Code::CONTENT);
        content.extend_from_slice(&payload);
        number += 1;
        if block.expect("blocks") & 8 == 0 {
            break;
        }
    }
    assert!(number > 3, "{number} blocks");
    let types = [<Temperature as ObjectType>::DEFINITION];
    let base: Path = "/3303".parse().expect("a path");
    let format = ContentFormat::SENML_CBOR;
    let decoder = Decoder::new(format, base, &content, &types[..], &mut []).expect("a format");
    let last = decoder.last().expect("records").expect("well-formed");
    assert_eq!(
        last.path
            .instance_id()
            .map(dunlin_agent::model::InstanceId::get),
        Some(11)
    );
}

#[test]
fn a_flood_does_not_keep_the_program_from_its_work() {
    let node = Node {
        security: Security::no_sec(1, "tel:+15550107").expect("short"),
        server: Server::single(1, 0),
        device: Device::new("Dunlin", "SMS", "1"),
        temperature: Instances::new(),
    };
    let mut agent: Agent<'_, Node, u64, _> =
        Agent::new(node, Config::new("x"), SmallRng::seed_from_u64(7));
    let mut network = Network {
        to_device: vec![vec![0; 3]; 40].into(),
        ..Network::default()
    };
    let now = Instant::from_secs(1);
    let wake = turn(&mut agent, &mut network, now, &mut [0; SMS], |_, _| ());
    assert_eq!((wake, network.to_device.len()), (Some(now), 24));
    for _ in 0..2 {
        turn(&mut agent, &mut network, now, &mut [0; SMS], |_, _| ());
    }
    assert!(network.to_device.is_empty());
}

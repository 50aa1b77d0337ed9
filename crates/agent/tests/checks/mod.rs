//! What must hold whatever happens to an agent: run on chosen bytes by the tests, on any by the fuzzer.

use core::convert::Infallible;

use dunlin_agent::model::Path;
use dunlin_agent::objects::{
    AccessControl, Device, Security, SecurityAccount, Server, ServerAccount, Temperature,
};
use dunlin_agent::rand_core::TryRng;
use dunlin_agent::{Agent, Config, Duration, Instances, Instant, Objects, Output};
use dunlin_coap::{Message, Type};

#[derive(Objects)]
struct Node {
    security: Security<3>,
    server: Server<2>,
    access: AccessControl<2>,
    device: Device<'static>,
    temperature: Instances<Temperature, 2>,
}

struct Counter(u64);

impl TryRng for Counter {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        Ok(u32::from_be_bytes(
            *self.0.to_be_bytes().first_chunk().unwrap(),
        ))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok((u64::from(self.try_next_u32()?) << 32) | u64::from(self.try_next_u32()?))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            *byte = self.try_next_u32()?.to_be_bytes()[0];
        }
        Ok(())
    }
}

type Subject = Agent<'static, Node, u8, Counter, 2, 3, 128, 64>;

/// Plays the steps that `script` spells: `a` answers the agent's last confirmable message with a code and options,
/// `d` delivers a datagram, `t` lets tenths of seconds pass, `m` measures, `x` de-registers, `c` connects, `b` bootstraps,
/// `s` sends. Server 1 is peer 0, server 2 is peer 1, and the Bootstrap-Server, whose datagrams come by `B`, peer 2. Lengths
/// stand in one byte before their bytes. Checks that the agent comes to rest after each step, sends only well-formed
/// messages that fit, asks for the clock only where that brings something about, and keeps its bounds.
pub(crate) fn engine(script: &[u8]) {
    let mut security = Security::no_sec(1, "coap://192.0.2.1").unwrap();
    let second = SecurityAccount::no_sec(2, "coap://192.0.2.2").unwrap();
    let bootstrap = SecurityAccount::no_sec_bootstrap("coap://192.0.2.3").unwrap();
    assert!(security.insert(1, second).is_ok() && security.insert(2, bootstrap).is_ok());
    let mut server = Server::single(1, 100);
    server.get_mut(0).unwrap().mute_send = Some(false);
    server.insert(1, ServerAccount::new(2, 90)).unwrap();
    let node = Node {
        security,
        server,
        access: Instances::new(),
        device: Device::new("a", "b", "c"),
        temperature: Instances::new(),
    };
    let mut agent: Subject = Agent::with_capacity(node, Config::new("e"), Counter(1));
    let mut now = Instant::from_secs(1);
    let mut last = (0, Vec::new());
    agent.connect(now, 1, 0).unwrap();
    settle(&mut agent, &mut last);
    let mut rest = script.iter().copied();
    while let Some(step) = rest.next() {
        match step {
            b'a' => {
                let code = rest.next().unwrap_or(0);
                let options = counted(&mut rest);
                let (peer, last) = &last;
                if let Ok(message) = Message::parse(last) {
                    let token = message.token();
                    let length = u8::try_from(token.as_bytes().len()).unwrap();
                    let [high, low] = message.id().0.to_be_bytes();
                    let mut bytes = vec![0x60 | length, code, high, low];
                    bytes.extend(token.as_bytes());
                    bytes.extend(options);
                    agent.handle_input(now, *peer, &bytes);
                }
            }
            b'd' => agent.handle_input(now, 0, &counted(&mut rest)),
            b't' => {
                let tenths =
                    u64::from(rest.next().unwrap_or(0)) * u64::from(rest.next().unwrap_or(0));
                let end = now + Duration::from_millis(tenths * 100);
                while let Some(due) = agent.next_timeout().filter(|due| *due <= end) {
                    now = now.max(due);
                    agent.handle_timeout(now);
                    settle(&mut agent, &mut last);
                    assert_ne!(
                        agent.next_timeout().filter(|due| *due <= now),
                        Some(due),
                        "the clock stands still"
                    );
                }
                now = end;
                agent.handle_timeout(now);
            }
            b'm' => {
                let value = rest.next().unwrap_or(0);
                agent.set(|node| {
                    if let Some(sensor) = node.temperature.get_mut(0) {
                        sensor.measure(value.into());
                    } else {
                        node.temperature.insert(0, Temperature::new("Cel")).unwrap();
                    }
                });
            }
            b'x' => agent.deregister(1),
            // A bootstrap may have taken the accounts away.
            b'c' => {
                let _ = agent.connect(now, 1, 0);
                let _ = agent.connect(now, 2, 1);
            }
            b'b' => agent.bootstrap(now, 2),
            b'B' => agent.handle_input(now, 2, &counted(&mut rest)),
            b's' => {
                let object = rest.next().unwrap_or(3);
                let path = Path::try_from((u16::from(object),)).unwrap();
                let _ = agent.send(1, &[path]);
            }
            _ => agent.handle_input(now, 1, &counted(&mut rest)),
        }
        settle(&mut agent, &mut last);
        assert!(agent.observations() <= 3);
        assert!(agent.objects().temperature.len() <= 2);
    }
}

fn counted(rest: &mut impl Iterator<Item = u8>) -> Vec<u8> {
    let length = rest.next().unwrap_or(0);
    rest.take(length.into()).collect()
}

/// Polls until idle.
fn settle(agent: &mut Subject, last: &mut (u8, Vec<u8>)) {
    let mut buffer = [0; 400];
    for _ in 0..100 {
        match agent.poll_output(&mut buffer) {
            Output::Transmit { to, bytes } => {
                let message = Message::parse(bytes).expect("a well-formed message");
                if message.message_type() == Type::Confirmable {
                    *last = (to, bytes.to_vec());
                }
            }
            Output::Event(_) => {}
            _ => return,
        }
    }
    panic!("never idle");
}

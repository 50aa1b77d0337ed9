//! Power cuts of a device behind DTLS: whatever write or erase of its flash they come at, the association that it kept goes on,
//! and no number of a record serves twice under one key.
#![cfg(all(feature = "storage", feature = "derive", feature = "psk"))]

mod flash;

use std::collections::{HashSet, VecDeque};

use dunlin_agent::keep::{Key, RESERVED_RECORDS};
use dunlin_agent::objects::{Device, Security, SecurityAccount, Server};
use dunlin_agent::storage::{Blocking, Kept, Storage, StorageError};
use dunlin_agent::{Agent, Code, Config, Doors, Duration, Instant, Objects, Output, Secure};
use dunlin_coap::{Message, MessageBuilder, MessageId, OptionNumber, Token, Type};
use dunlin_dtls::{
    Acceptor, Config as DtlsConfig, Connection, Credentials, Datagram, Greeting,
    Output as DtlsOutput, PskKey, PskLookup,
};
use embedded_storage::nor_flash::NorFlashErrorKind;
use flash::{Cut, Flash, LOG, RECORDS, records};
use rand::SeedableRng;
use rand::rngs::StdRng;

const SERVER: u8 = 1;

/// More than one reservation's worth of answers.
const READS: usize = RESERVED_RECORDS as usize + 60;

#[derive(Objects)]
struct Node {
    security: Security<1>,
    server: Server<1>,
    device: Device<'static>,
}

type Subject = Kept<Secure<'static, Node, u8, StdRng>, Flash>;

/// A device as the factory made it, with what its flash holds, switched on for the `boot`th time.
fn start(flash: &Flash, boot: u64) -> Result<Subject, StorageError<NorFlashErrorKind>> {
    let uri = "coaps://server.example";
    let mut security = Security::new();
    let account = SecurityAccount::psk(1, uri, b"urn:dev:os:1", b"a key of sixteen").unwrap();
    security.insert(0, account).unwrap();
    let node = Node {
        security,
        server: Server::single(1, 86_400),
        device: Device::new("Dunlin", "Kept", "1"),
    };
    let rng = StdRng::seed_from_u64(boot);
    let agent = Agent::new(node, Config::new("urn:dev:os:1"), rng);
    let storage = Storage::new(Blocking(flash.clone()), RECORDS, LOG)?;
    Kept::new(Secure::new(agent), storage)
}

struct Shop;

impl Credentials for Shop {
    type Peer = ();

    fn has_psks(&self) -> bool {
        true
    }

    fn psk(&mut self, identity: &[u8]) -> PskLookup<()> {
        assert_eq!(identity, b"urn:dev:os:1");
        PskLookup::Found(PskKey::new(b"a key of sixteen").unwrap(), ())
    }
}

/// The server, which remembers every association that it ever had, whatever happens to the device.
struct World {
    now: Instant,
    flash: Flash,
    rng: StdRng,
    acceptor: Acceptor,
    associations: Vec<Connection<(), 256, 256>>,
    /// Which numbers were used under the keys of which association.
    numbers: HashSet<(usize, u64)>,
    to_device: VecDeque<Vec<u8>>,
    registered: usize,
    updated: usize,
    /// How many answers there were, and whether one is awaited.
    read: usize,
    asked: bool,
}

impl World {
    fn new(flash: &Flash) -> Self {
        let mut rng = StdRng::seed_from_u64(99);
        Self {
            now: Instant::from_secs(100),
            flash: flash.clone(),
            acceptor: Acceptor::new(&mut rng),
            rng,
            associations: Vec::new(),
            numbers: HashSet::new(),
            to_device: VecDeque::new(),
            registered: 0,
            updated: 0,
            read: 0,
            asked: false,
        }
    }

    /// A datagram of the device arrives.
    fn receive(&mut self, bytes: &mut [u8]) {
        let mut answer = [0; Acceptor::ANSWER_LEN];
        let greeting = self
            .acceptor
            .handle_input(self.now, b"device", bytes, &mut answer);
        match greeting {
            Greeting::Verify(answer) => return self.to_device.push_back(answer.to_vec()),
            Greeting::Accepted(random) => {
                let known = self.associations.last();
                if known.is_none_or(|server| *server.client_random() != random) {
                    self.associations
                        .push(Connection::server(DtlsConfig::DEFAULT));
                }
            }
            Greeting::Other => {}
        }
        // One record of data, or a flight of the handshake, which is the newest association's.
        let (epoch, number) = (
            bytes[4],
            u64::from_be_bytes(bytes[3..11].try_into().unwrap()),
        );
        if bytes[0] == 23 {
            let mut given = None;
            for (at, server) in self.associations.iter_mut().enumerate() {
                let mut copy = bytes.to_vec();
                let mut datagram = Datagram::new(&mut copy);
                let (now, rng) = (self.now, &mut self.rng);
                if let Some(data) = server.handle_input(now, &mut datagram, &mut Shop, rng) {
                    given = Some((at, data.to_vec()));
                }
            }
            // A record with a number of before would have been dropped as a replay.
            let (at, data) = given.expect("a record that no association takes");
            assert!(self.numbers.insert((at, number)), "a number served twice");
            self.understand(at, &data);
            return;
        }
        assert!(epoch == 0 || bytes[0] != 25, "there are no connection ids");
        let mut copy = bytes.to_vec();
        if let Some(server) = self.associations.last_mut() {
            let mut datagram = Datagram::new(&mut copy);
            let data = server.handle_input(self.now, &mut datagram, &mut Shop, &mut self.rng);
            assert_eq!(data, None);
            let mut buffer = [0; 1152];
            loop {
                match server.poll_output(&mut buffer) {
                    DtlsOutput::Transmit(bytes) => self.to_device.push_back(bytes.to_vec()),
                    DtlsOutput::Event(_) => {}
                    DtlsOutput::Idle => break,
                }
            }
        }
        // Finished, the last of a flight, has the number 0 of the new epoch.
        let newest = self.associations.len() - 1;
        if self.associations[newest].is_established() {
            self.numbers.insert((newest, 1 << 48));
        }
    }

    fn understand(&mut self, association: usize, data: &[u8]) {
        let message = Message::parse(data).unwrap();
        let path: Vec<_> = message
            .uri_path()
            .map(|part| String::from_utf8_lossy(part).into_owned())
            .collect();
        match (message.code(), path.join("/").as_str()) {
            (Code::POST, "rd") => {
                self.registered += 1;
                self.answer(association, &message, Code::CREATED);
            }
            (Code::POST, "rd/x") => {
                self.updated += 1;
                self.answer(association, &message, Code::CHANGED);
            }
            (Code::CONTENT, "") => (self.read, self.asked) = (self.read + 1, false),
            other => panic!("{other:?}"),
        }
        if !self.asked && self.read < READS {
            self.asked = true;
            let id = u16::try_from(self.read).unwrap();
            let mut buffer = [0; 64];
            let token = Token::new(&id.to_be_bytes()).unwrap();
            let mut builder = MessageBuilder::new(
                &mut buffer,
                Type::Confirmable,
                Code::GET,
                MessageId(self.rng_id()),
                token,
            );
            for part in ["3", "0", "0"] {
                builder.option(OptionNumber::URI_PATH, part.as_bytes());
            }
            let bytes = builder.finish().unwrap().to_vec();
            self.send(association, &bytes);
        }
    }

    fn rng_id(&mut self) -> u16 {
        use rand::RngExt as _;
        self.rng.random()
    }

    fn answer(&mut self, association: usize, message: &Message<'_>, code: Code) {
        let mut buffer = [0; 64];
        let (id, token) = (message.id(), message.token());
        let mut builder = MessageBuilder::new(&mut buffer, Type::Acknowledgement, code, id, token);
        if code == Code::CREATED {
            builder.location_path(["rd", "x"]);
        }
        let bytes = builder.finish().unwrap().to_vec();
        self.send(association, &bytes);
    }

    fn send(&mut self, association: usize, data: &[u8]) {
        let mut buffer = [0; 256];
        let record = self.associations[association].send(data, &mut buffer);
        self.to_device.push_back(record.unwrap().to_vec());
    }

    /// Lets the device live until all is read; whether its flash has lived as long.
    fn live(&mut self, device: &mut Subject) -> bool {
        self.to_device.clear();
        self.asked = false;
        device.connect(self.now, 1, SERVER).unwrap();
        let mut buffer = [0; 1300];
        for _ in 0..10 * READS {
            if self.flash.is_dead() {
                return false;
            }
            match device.poll_output(&mut buffer) {
                // What is given in the moment of the cut is never sent.
                _ if self.flash.is_dead() => return false,
                Output::Transmit { bytes, .. } => {
                    let mut bytes = bytes.to_vec();
                    self.receive(&mut bytes);
                    continue;
                }
                Output::Event(_) => continue,
                _ => {}
            }
            if let Some(mut bytes) = self.to_device.pop_front() {
                device.handle_input(self.now, SERVER, &mut bytes);
                continue;
            }
            if self.read == READS {
                return true;
            }
            let due = device.next_timeout().expect("something is to be done");
            self.now = self.now.max(due) + Duration::from_millis(1);
            device.handle_timeout(self.now);
        }
        panic!("never done: {} of {READS}", self.read);
    }
}

#[test]
fn an_association_that_was_kept_survives_a_power_cut_at_every_single_write() {
    let flash = Flash::new();
    let mut world = World::new(&flash);
    let mut device = start(&flash, 0).unwrap();
    assert!(world.live(&mut device));
    assert_eq!((world.associations.len(), world.registered), (1, 1));
    // Each number of it was used, none was left out, and its record was written anew several times.
    assert!(world.numbers.len() > READS);
    let total = flash.operations();
    assert!(total > 20, "{total}");
    let mut went_on = 0;
    for at in 0..total {
        for cut in [Cut::Before, Cut::Within, Cut::After] {
            let label = format!("{cut:?} operation {at}");
            let flash = Flash::new();
            flash.0.borrow_mut().cut = Some((at, cut));
            let mut world = World::new(&flash);
            match start(&flash, 0) {
                Ok(mut device) => assert!(!world.live(&mut device), "{label}"),
                Err(error) => assert!(flash.is_dead(), "{label}: {error}"),
            }
            // The power is back.
            let flash = Flash::of(flash.image());
            world.flash = flash.clone();
            let mut device = start(&flash, 1).unwrap_or_else(|error| panic!("{label}: {error}"));
            let is_kept = records(&flash).contains_key(&Key::Association(0).number());
            let before = world.associations.len();
            assert!(world.live(&mut device), "{label}");
            // `receive` has looked at every number.
            assert_eq!(
                world.associations.len(),
                before + usize::from(!is_kept),
                "{label}"
            );
            assert!(before == 0 || is_kept || world.read == READS, "{label}");
            assert_eq!(device.error(), None, "{label}");
            went_on += usize::from(is_kept);
        }
    }
    assert!(went_on > total, "{went_on} of {total}");
}

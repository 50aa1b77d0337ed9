//! Power cuts: a device lives on a flash that dies at every single write and erase of its life, and comes up again each
//! time with the old or the new state of each record, and ends as it would have without.
#![cfg(all(
    feature = "storage",
    feature = "derive",
    feature = "bootstrap",
    feature = "tlv"
))]

mod flash;

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use dunlin_agent::keep::Key;
use dunlin_agent::model::{Path, Value};
use dunlin_agent::objects::{Device, Security, SecurityAccount, Server, Temperature};
use dunlin_agent::storage::{Blocking, Happening, Kept, Storage, StorageError};
use dunlin_agent::{
    Agent, Code, Config, ContentFormat, Doors, Duration, Event, Instances, Instant, Objects, Output,
};
use dunlin_coap::{Message, MessageBuilder, MessageId, OptionNumber, Token, Type};
use dunlin_codec::{Encoder, Record};
use embedded_storage::nor_flash::NorFlashErrorKind;
use flash::{Cut, Flash, LOG, PAGE, RECORDS, at_once, records};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use sequential_storage::cache::Cache;
use sequential_storage::map::{MapConfig, MapStorage};

const SERVER: u8 = 1;
const BOOTSTRAP: u8 = 2;

#[derive(Objects)]
struct Node {
    security: Security<2>,
    server: Server<1>,
    device: Device<'static>,
    temperature: Instances<Temperature, 1>,
}

type Subject = Kept<Agent<'static, Node, u8, SmallRng>, Flash>;

/// A device as the factory made it, with what its flash holds.
fn start(flash: &Flash) -> Result<Subject, StorageError<NorFlashErrorKind>> {
    let mut security = Security::new();
    let bootstrap = SecurityAccount::no_sec_bootstrap("coap://bs.example").unwrap();
    security.insert(0, bootstrap).unwrap();
    let node = Node {
        security,
        server: Server::new(),
        device: Device::new("Dunlin", "Kept", "1"),
        temperature: [Temperature::new("Cel")].into(),
    };
    let agent = Agent::new(
        node,
        Config::new("urn:dev:os:1-7"),
        SmallRng::seed_from_u64(7),
    );
    Kept::new(agent, Storage::new(Blocking(flash.clone()), RECORDS, LOG)?)
}

/// Both servers. They remember what they were told, whatever happens to the device.
struct World {
    now: Instant,
    flash: Flash,
    to_device: VecDeque<(u8, Vec<u8>)>,
    id: u16,
    registered: bool,
    /// How much of the script is done, and whether an answer to its next request is awaited.
    done: usize,
    asked: bool,
    updates: usize,
    notifications: usize,
    /// How many notifications are waited for.
    wanted: usize,
    /// The records after each step that changed any, with the number of flash operations up to then.
    history: Vec<(usize, BTreeMap<u16, Vec<u8>>)>,
}

impl World {
    fn new(flash: &Flash) -> Self {
        Self {
            now: Instant::from_secs(100),
            flash: flash.clone(),
            to_device: VecDeque::new(),
            id: 0,
            registered: false,
            done: 0,
            asked: false,
            updates: 0,
            notifications: 0,
            wanted: 0,
            history: vec![(0, records(flash))],
        }
    }

    fn request(
        &mut self,
        from: u8,
        code: Code,
        path: &str,
        options: &[(OptionNumber, &[u8])],
        payload: &[u8],
    ) {
        self.id += 1;
        let token = Token::new(&self.id.to_be_bytes()).unwrap();
        let mut buffer = [0; 1024];
        let id = MessageId(self.id);
        let mut builder = MessageBuilder::new(&mut buffer, Type::Confirmable, code, id, token);
        let mut all: Vec<(OptionNumber, &[u8])> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(|part| (OptionNumber::URI_PATH, part.as_bytes()))
            .chain(options.iter().copied())
            .collect();
        all.sort_by_key(|(number, _)| number.0);
        for (number, value) in all {
            builder.option(number, value);
        }
        builder.payload(payload);
        let bytes = builder.finish().unwrap().to_vec();
        self.to_device.push_back((from, bytes));
    }

    fn answer(&mut self, from: u8, message: &Message<'_>, code: Code, location: bool) {
        let mut buffer = [0; 64];
        let (id, token) = (message.id(), message.token());
        let mut builder = MessageBuilder::new(&mut buffer, Type::Acknowledgement, code, id, token);
        if location {
            builder.location_path(["rd", "x"]);
        }
        let bytes = builder.finish().unwrap().to_vec();
        self.to_device.push_back((from, bytes));
    }

    /// The next request of the server, if all before are answered.
    fn go_on(&mut self) {
        const TLV: (OptionNumber, &[u8]) = (OptionNumber::CONTENT_FORMAT, b"\x2d\x16");
        if self.asked || !self.registered {
            return;
        }
        let lifetime = |seconds| tlv("/1/0", &[("/1/0/1", Value::Integer(seconds))]);
        let pmin = |query: &'static [u8]| [(OptionNumber::URI_QUERY, query)];
        match self.done {
            0 => self.request(SERVER, Code::POST, "/1/0", &[TLV], &lifetime(700)),
            1 => self.request(SERVER, Code::PUT, "/3303/0", &pmin(b"pmin=2"), &[]),
            2 => {
                let observe = [(OptionNumber::OBSERVE, &b""[..])];
                self.request(SERVER, Code::GET, "/3303/0/5700", &observe, &[]);
            }
            3 => self.request(SERVER, Code::PUT, "/3303/0/5700", &pmin(b"gt=30"), &[]),
            4..10 => {
                let seconds = 710 + i64::try_from(self.done).unwrap();
                self.request(SERVER, Code::POST, "/1/0", &[TLV], &lifetime(seconds));
            }
            _ => return,
        }
        self.asked = true;
    }

    fn is_done(&self) -> bool {
        let heard = self.notifications >= self.wanted;
        self.registered && self.done == 10 && heard && self.to_device.is_empty()
    }

    /// A message of the device arrives.
    fn receive(&mut self, to: u8, bytes: &[u8]) {
        let message = Message::parse(bytes).unwrap();
        let path: Vec<_> = message
            .uri_path()
            .map(|part| String::from_utf8_lossy(part).into_owned())
            .collect();
        match (to, message.code(), path.join("/").as_str()) {
            (BOOTSTRAP, Code::POST, "bs") => {
                self.answer(BOOTSTRAP, &message, Code::CHANGED, false);
                let account = [
                    ("/0/1/0", Value::String("coap://server.example")),
                    ("/0/1/1", Value::Boolean(false)),
                    ("/0/1/2", Value::Integer(3)),
                    ("/0/1/10", Value::Integer(1)),
                ];
                let server = [
                    ("/1/0/0", Value::Integer(1)),
                    ("/1/0/1", Value::Integer(600)),
                    ("/1/0/6", Value::Boolean(false)),
                    ("/1/0/7", Value::String("U")),
                ];
                let format = [(OptionNumber::CONTENT_FORMAT, &b"\x2d\x16"[..])];
                self.request(
                    BOOTSTRAP,
                    Code::PUT,
                    "/0/1",
                    &format,
                    &tlv("/0/1", &account),
                );
                self.request(BOOTSTRAP, Code::PUT, "/1/0", &format, &tlv("/1/0", &server));
                self.request(BOOTSTRAP, Code::POST, "/bs", &[], &[]);
            }
            (SERVER, Code::POST, "rd") => {
                self.registered = true;
                self.answer(SERVER, &message, Code::CREATED, true);
                // What was observed is over.
                (self.done, self.asked) = (0, false);
                self.go_on();
            }
            (SERVER, Code::POST, "rd/x") => {
                self.updates += 1;
                let code = if self.registered {
                    Code::CHANGED
                } else {
                    Code::NOT_FOUND
                };
                self.answer(SERVER, &message, code, false);
                self.go_on();
            }
            (SERVER, Code::CONTENT | Code::CHANGED, "") => {
                if message.message_type() == Type::Acknowledgement {
                    assert!(self.asked, "{message:?}");
                    (self.done, self.asked) = (self.done + 1, false);
                    self.go_on();
                } else {
                    self.notifications += 1;
                }
            }
            (BOOTSTRAP, Code::CHANGED | Code::CREATED, "") => {}
            other => panic!("{other:?}"),
        }
    }

    fn connect(&mut self, device: &mut Subject) {
        let servers: Vec<_> = device.accounts().map(|(server, _)| server).collect();
        for server in &servers {
            device.connect(self.now, *server, SERVER).unwrap();
        }
        if servers.is_empty() {
            device.bootstrap(self.now, BOOTSTRAP).unwrap();
        }
    }

    /// Lets the device live until the script is done; whether its flash has lived as long.
    fn live(&mut self, device: &mut Subject) -> bool {
        self.to_device.clear();
        self.asked = false;
        self.connect(device);
        let mut buffer = [0; 1152];
        for _ in 0..2000 {
            self.look();
            if self.flash.is_dead() {
                return false;
            }
            match device.poll_output(&mut buffer) {
                // What is given in the moment of the cut is never sent.
                _ if self.flash.is_dead() => return false,
                Output::Transmit { to, bytes } => {
                    self.look();
                    self.receive(to, bytes);
                    continue;
                }
                Output::Event(Event::Bootstrapped) => {
                    self.connect(device);
                    continue;
                }
                Output::Event(_) => continue,
                _ => {}
            }
            if let Some((from, mut bytes)) = self.to_device.pop_front() {
                device.handle_input(self.now, from, &mut bytes);
                continue;
            }
            if self.is_done() {
                return true;
            }
            let due = device.next_timeout().expect("something is to be done");
            self.now = self.now.max(due) + Duration::from_millis(1);
            device.handle_timeout(self.now);
        }
        panic!("never done: {} of the script", self.done);
    }

    /// Notes what is in the flash.
    fn look(&mut self) {
        let operations = self.flash.operations();
        if self.flash.is_dead() || self.history.last().unwrap().0 == operations {
            return;
        }
        self.history.push((operations, records(&self.flash)));
    }
}

/// One exchange of all that there is to tell; whether a bootstrap has failed.
fn step(world: &mut World, device: &mut Subject) -> bool {
    let (mut buffer, mut failed) = ([0; 1152], false);
    loop {
        match device.poll_output(&mut buffer) {
            Output::Transmit { to, bytes } if to == BOOTSTRAP => {
                let message = Message::parse(bytes).unwrap();
                if message.code() == Code::POST {
                    world.answer(BOOTSTRAP, &message, Code::CHANGED, false);
                }
            }
            Output::Transmit { .. } => {}
            Output::Event(event) => failed |= matches!(event, Event::BootstrapFailed { .. }),
            _ => break,
        }
    }
    while let Some((from, mut bytes)) = world.to_device.pop_front() {
        device.handle_input(world.now, from, &mut bytes);
    }
    failed
}

/// A Bootstrap-Server has written other accounts, whole as they are, and comes to no end.
fn leave_half_done(world: &mut World, device: &mut Subject) {
    device.bootstrap(world.now, BOOTSTRAP).unwrap();
    device.handle_timeout(world.now);
    step(world, device);
    let format = [(OptionNumber::CONTENT_FORMAT, &b"\x2d\x16"[..])];
    world.request(
        BOOTSTRAP,
        Code::PUT,
        "/0/1/0",
        &format,
        &tlv(
            "/0/1/0",
            &[("/0/1/0", Value::String("coap://thief.example"))],
        ),
    );
    world.request(
        BOOTSTRAP,
        Code::PUT,
        "/1/0/1",
        &format,
        &tlv("/1/0/1", &[("/1/0/1", Value::Integer(5))]),
    );
    step(world, device);
    step(world, device);
    assert_eq!(
        device.accounts().collect::<Vec<_>>(),
        [(1, "coap://thief.example")]
    );
    world.now += Duration::from_secs(248);
}

#[test]
fn a_bootstrap_that_ends_in_the_middle_leads_back_to_what_is_stored() {
    let flash = Flash::new();
    let mut device = start(&flash).unwrap();
    let mut world = World::new(&flash);
    assert!(world.live(&mut device));
    let stored = records(&flash);
    leave_half_done(&mut world, &mut device);
    device.handle_timeout(world.now);
    assert!(step(&mut world, &mut device));
    assert_eq!(
        device.accounts().collect::<Vec<_>>(),
        [(1, "coap://server.example")]
    );
    assert_eq!(
        device.agent().objects().server.get(0).unwrap().lifetime,
        719
    );
    let accounts = Key::Accounts.number();
    assert_eq!(records(&flash).get(&accounts), stored.get(&accounts));
}

#[test]
fn what_is_stored_and_cannot_be_read_is_an_error_once() {
    let flash = Flash::new();
    let mut device = start(&flash).unwrap();
    let mut world = World::new(&flash);
    assert!(world.live(&mut device));
    leave_half_done(&mut world, &mut device);
    let mut map = MapStorage::<u16, _, _>::new(
        Blocking(flash.clone()),
        MapConfig::new(RECORDS),
        Cache::new_uncached(),
    );
    let mut buffer = [0; 256];
    at_once(map.store_item(&mut buffer, &Key::Accounts.number(), &&b"\x07nonsense"[..])).unwrap();
    assert!(device.error().is_none());
    device.handle_timeout(world.now);
    assert!(step(&mut world, &mut device));
    assert!(matches!(
        device.error(),
        Some(StorageError::Record(Key::Accounts, _))
    ));
    for _ in 0..3 {
        world.now += Duration::from_secs(1);
        device.handle_timeout(world.now);
        step(&mut world, &mut device);
        assert!(device.error().is_none());
    }
}

fn tlv(base: &str, values: &[(&str, Value<'_>)]) -> Vec<u8> {
    let mut buffer = [0; 512];
    let base: Path = base.parse().unwrap();
    let mut encoder = Encoder::new(ContentFormat::TLV, base, &mut buffer);
    for (path, value) in values {
        let record = Record::new(path.parse().unwrap(), *value);
        encoder.push(&record).unwrap();
    }
    let length = encoder.finish().unwrap();
    buffer[..length].to_vec()
}

fn log(device: &mut Subject) -> Vec<Happening> {
    let mut all = Vec::new();
    device.entries(|entry| all.push(entry.happening)).unwrap();
    all
}

fn lifetime(device: &Subject) -> u32 {
    device.agent().objects().server.get(0).unwrap().lifetime
}

#[test]
fn a_restarted_device_goes_on_where_it_was() {
    let flash = Flash::new();
    let mut world = World::new(&flash);
    let mut device = start(&flash).unwrap();
    assert!(world.live(&mut device));
    assert_eq!((world.updates, lifetime(&device)), (7, 719));
    assert_eq!(
        log(&mut device),
        [
            Happening::Started,
            Happening::Bootstrapped,
            Happening::Registered(1)
        ]
    );
    assert_eq!(device.error(), None);
    drop(device);

    // Nobody asks for it in vain: it is registered, tells so, and notifies, as a limit has been crossed meanwhile.
    let mut device = start(&Flash(Rc::clone(&flash.0))).unwrap();
    device.agent_mut().set(|node| {
        node.temperature.get_mut(0).unwrap().measure(31.0);
    });
    world.wanted = world.notifications + 1;
    assert!(world.live(&mut device));
    assert!(device.is_registered(1));
    assert_eq!((world.updates, lifetime(&device)), (8, 719));
    assert_eq!(device.agent().observations(), 1);
    assert_eq!(
        log(&mut device),
        [
            Happening::Started,
            Happening::Bootstrapped,
            Happening::Registered(1),
            Happening::Started
        ]
    );
}

#[test]
fn a_power_cut_at_every_single_write_leaves_each_record_old_or_new() {
    let flash = Flash::new();
    let mut world = World::new(&flash);
    let mut device = start(&flash).unwrap();
    assert!(world.live(&mut device));
    let total = flash.operations();
    let history = world.history;
    let (told, mut longest) = (log(&mut device), 0);
    assert_eq!(told.len(), 3);
    assert!(total > 60, "{total}");
    let mut resumed = 0;
    for at in 0..total {
        for cut in [Cut::Before, Cut::Within, Cut::After] {
            let label = format!("{cut:?} operation {at}");
            let flash = Flash::new();
            flash.0.borrow_mut().cut = Some((at, cut));
            let mut world = World::new(&flash);
            match start(&flash) {
                Ok(mut device) => assert!(!world.live(&mut device), "{label}"),
                Err(error) => assert!(flash.is_dead(), "{label}: {error}"),
            }
            // The power is back.
            let flash = Flash::of(flash.image());
            world.flash = flash.clone();
            let mut device = start(&flash).unwrap_or_else(|error| panic!("{label}: {error}"));
            let after = records(&flash);
            let old = history.iter().rev().find(|(done, _)| *done <= at);
            let new = history.iter().find(|(done, _)| *done > at);
            let (old, new) = (&old.unwrap().1, &new.unwrap().1);
            for key in [Key::Accounts, Key::Server(0)] {
                let key = key.number();
                let found = after.get(&key);
                assert!(
                    found == old.get(&key) || found == new.get(&key),
                    "{label}: record {key:#x}"
                );
            }
            // Of the log all up to some entry, and then that it has started again.
            let mut entries = log(&mut device);
            assert_eq!(entries.pop(), Some(Happening::Started), "{label}");
            assert!(told.starts_with(&entries), "{label}: {entries:?}");
            longest = longest.max(entries.len());
            let before = world.updates;
            let known = world.registered;
            assert!(world.live(&mut device), "{label}");
            resumed += usize::from(known && world.updates > before);
            assert!(device.is_registered(1), "{label}");
            assert_eq!(lifetime(&device), 719, "{label}");
            assert_eq!(device.agent().observations(), 1, "{label}");
            assert_eq!(device.error(), None, "{label}");
            // And all of it is stored: the accounts to the byte.
            let (end, wanted) = (records(&flash), &history.last().unwrap().1);
            let accounts = Key::Accounts.number();
            assert_eq!(end.get(&accounts), wanted.get(&accounts), "{label}");
            let server = Key::Server(0).number();
            // But what `gt` goes by, where it came after the cut: a resumed observation has that with its first notification.
            let (end, wanted) = (end[&server].len(), wanted[&server].len());
            assert!(end == wanted || end + 8 == wanted, "{label}");
        }
    }
    assert!(resumed > total, "{resumed} of {total}");
    assert_eq!(longest, 3, "entries of before the cut");
}

#[test]
fn a_factory_reset_forgets_all_but_the_log() {
    let flash = Flash::new();
    let mut world = World::new(&flash);
    let mut device = start(&flash).unwrap();
    assert!(world.live(&mut device));
    device.forget().unwrap();
    // What it still does is not stored any more.
    device
        .agent_mut()
        .set(|node| node.server.get_mut(0).unwrap().lifetime = 9);
    device.handle_timeout(world.now);
    let mut buffer = [0; 1152];
    while !matches!(device.poll_output(&mut buffer), Output::Idle) {}
    drop(device);
    let mut device = start(&flash).unwrap();
    assert_eq!(device.accounts().count(), 0);
    assert!(device.bootstrap_account().is_some());
    assert_eq!(log(&mut device).len(), 4);
}

#[test]
fn a_flash_with_something_else_in_it_is_named_and_can_be_erased() {
    for (byte, expected) in [(0x00, true), (0x5a, true)] {
        let flash = Flash::of(vec![byte; LOG.end as usize]);
        let error = start(&flash).err();
        let refused = matches!(error, Some(StorageError::Damaged));
        // Or it has been repaired, and the factory's accounts are there.
        assert!(
            refused || error.is_none() == expected,
            "{byte:#x}: {error:?}"
        );
        let mut storage: Storage<_> = Storage::new(Blocking(flash.clone()), RECORDS, LOG).unwrap();
        at_once(storage.erase()).unwrap();
        assert!(start(&flash).is_ok());
    }
    for (records, log) in [
        (0..PAGE, LOG),
        (0..3 * PAGE, 2 * PAGE..5 * PAGE),
        (0..3 * PAGE, LOG.start..6 * PAGE),
        (1..3 * PAGE, LOG),
    ] {
        let storage: Result<Storage<_>, _> = Storage::new(Blocking(Flash::new()), records, log);
        assert_eq!(storage.err(), Some(StorageError::Ranges));
    }
}

#[test]
fn an_account_of_another_device_is_refused_and_the_factorys_stays() {
    let flash = Flash::new();
    let config = MapConfig::new(RECORDS);
    let mut map =
        MapStorage::<u16, _, _>::new(Blocking(flash.clone()), config, Cache::new_uncached());
    let mut buffer = [0; 256];
    at_once(map.store_item(&mut buffer, &Key::Accounts.number(), &&b"\x07nonsense"[..])).unwrap();
    let error = start(&flash).err().unwrap();
    assert!(
        matches!(error, StorageError::Record(Key::Accounts, _)),
        "{error}"
    );
}

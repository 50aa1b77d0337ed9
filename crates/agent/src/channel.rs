//! Whatever carries datagrams: SMS, a non-IP channel of NB-IoT or `LoRaWAN`, a radio, a socket. And one turn of an agent over
//! it, for programs without a runtime that are woken by interrupts.
//!
//! A transport needs no more than to take and give whole datagrams, which may be lost, doubled and reordered: all the rest
//! is the agent's. What it should know of a narrow one is said in two places:
//! [`Config::block_size`](crate::Config::block_size) is what leaves room for options in a datagram (64 bytes in a binary SMS of
//! 140, with an endpoint name of up to 24), and with the feature `other-transports` `Config::transport` names it (`S` for SMS,
//! `N` for non-IP; Core 1.2.2 §6.2.1.2). The buffer given to [`turn`] is the agent's workshop and larger than a datagram: by 128 bytes
//! and the endpoint name, beside a block.
//!
//! ```
//! # use std::collections::VecDeque;
//! # use dunlin_agent::objects::{Device, Security, Server};
//! # use dunlin_agent::{Agent, Config, Event, Instant, Objects};
//! # #[derive(Objects)]
//! # struct Node { security: Security<1>, server: Server<1>, device: Device<'static> }
//! # let node = Node { security: Security::no_sec(1, "tel:+15550100").unwrap(), server: Server::single(1, 300), device: Device::new("a", "b", "c") };
//! use dunlin_agent::channel::{Channel, turn};
//!
//! /// A modem: what an interrupt has put there is taken out of `inbox`.
//! #[derive(Default)]
//! struct Modem {
//!     inbox: VecDeque<Vec<u8>>,
//!     outbox: VecDeque<Vec<u8>>,
//! }
//!
//! impl Channel for Modem {
//!     /// There is one number to talk to.
//!     type Peer = ();
//!
//!     fn send(&mut self, (): (), datagram: &[u8]) {
//!         self.outbox.push_back(datagram.to_vec());
//!     }
//!
//!     fn receive(&mut self, buffer: &mut [u8]) -> Option<(usize, ())> {
//!         let datagram = self.inbox.pop_front()?;
//!         buffer.get_mut(..datagram.len())?.copy_from_slice(&datagram);
//!         Some((datagram.len(), ()))
//!     }
//! }
//!
//! let rng: rand::rngs::StdRng = rand::make_rng();
//! let mut agent = Agent::new(node, Config::new("urn:dev:os:32473-1"), rng);
//! let (mut modem, mut buffer) = (Modem::default(), [0; 512]);
//! # let now = || Instant::ZERO;
//! agent.connect(now(), 1, ())?;
//! // The main loop; the processor sleeps in between, until then or until an interrupt.
//! # for _ in 0..2 {
//! let wake = turn(&mut agent, &mut modem, now(), &mut buffer, |_, event| println!("{event:?}"));
//! # assert!(wake.is_some());
//! # }
//! assert_eq!(modem.outbox.len(), 1);
//! # Ok::<(), dunlin_agent::ConnectError>(())
//! ```

use dunlin_coap::time::Instant;

use crate::{Doors, Event, Output};

/// How many datagrams are taken in one turn, so that a flood does not keep the program from its other work.
const DATAGRAMS: usize = 16;

/// What carries datagrams.
pub trait Channel {
    /// The address of a peer: a telephone number, the address of a socket, nothing where there is only one.
    type Peer;

    /// Sends a datagram, or loses it. It does not wait for long.
    fn send(&mut self, to: Self::Peer, datagram: &[u8]);

    /// Takes the oldest datagram that has come: its length in `buffer`, and where it came from. `None` when there is none:
    /// it does not wait. One that is longer than the buffer is to be thrown away.
    fn receive(&mut self, buffer: &mut [u8]) -> Option<(usize, Self::Peer)>;
}

/// One turn: tells the time, takes in what has come, sends what is to be sent, and gives each event to `each`. Gives when
/// there is to be another one at the latest; `None` when only a datagram or a change brings something to do. At once, where
/// it may be that not everything has been taken in.
///
/// A change of the objects, or a wish such as [`Agent::send`](crate::Agent::send), is to be followed by a turn.
pub fn turn<C: Channel, A: Doors<C::Peer>>(
    agent: &mut A,
    channel: &mut C,
    now: Instant,
    buffer: &mut [u8],
    mut each: impl FnMut(&mut A, Event),
) -> Option<Instant> {
    for _ in 0..DATAGRAMS {
        flush(agent, channel, now, buffer, &mut each);
        let Some((len, peer)) = channel.receive(buffer) else {
            return agent.next_timeout();
        };
        let datagram = buffer.get_mut(..len).unwrap_or_default();
        agent.handle_input(now, peer, datagram);
    }
    flush(agent, channel, now, buffer, &mut each);
    Some(now)
}

fn flush<C: Channel, A: Doors<C::Peer>>(
    agent: &mut A,
    channel: &mut C,
    now: Instant,
    buffer: &mut [u8],
    each: &mut impl FnMut(&mut A, Event),
) {
    agent.handle_timeout(now);
    loop {
        match agent.poll_output(buffer) {
            Output::Transmit { to, bytes } => channel.send(to, bytes),
            Output::Event(event) => {
                each(agent, event);
                // What the program has done about it may have something to send.
                agent.handle_timeout(now);
            }
            Output::Idle => return,
        }
    }
}

//! What is kept of single peers.

use core::hash::Hash;

use super::core::Core;
use crate::time::Instant;
use crate::{Parameters, RtoEstimator, Transmission};

/// A peer with parameters of its own, or whose round trip was measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer<P> {
    address: P,
    parameters: Option<Parameters>,
    rto: RtoEstimator,
    /// When something was sent to it last.
    used: Instant,
}

/// The parameters of its own that a peer has.
pub(super) fn parameters_in<'p, P: Eq>(
    peers: &'p [Option<Peer<P>>],
    peer: &P,
) -> Option<&'p Parameters> {
    let mut known = peers.iter().flatten();
    known
        .find(|known| known.address == *peer)?
        .parameters
        .as_ref()
}

impl<P: Copy + Eq + Hash> Core<'_, P> {
    /// The parameters towards a peer.
    pub(super) fn parameters(&self, peer: P) -> &Parameters {
        parameters_in(self.peers, &peer).unwrap_or(&self.state.config.parameters)
    }

    /// Gives a peer parameters of its own, or none; false when there is no room.
    pub(super) fn set_parameters(&mut self, peer: P, parameters: Option<Parameters>) -> bool {
        match self.peer(peer) {
            Some(known) => {
                known.parameters = parameters;
                true
            }
            None => parameters.is_none(),
        }
    }

    /// The place of a peer: its own, a free one, or that of the one which was not used for longest.
    fn peer(&mut self, peer: P) -> Option<&mut Peer<P>> {
        let now = self.state.now;
        let place = |slot: &&mut Option<Peer<P>>| match slot {
            Some(known) if known.address == peer => (0, Instant::ZERO),
            None => (1, Instant::ZERO),
            Some(known) if known.parameters.is_none() => (2, known.used),
            Some(_) => (3, Instant::ZERO),
        };
        let slot = self.peers.iter_mut().min_by_key(place)?;
        match slot {
            Some(known) if known.address == peer => known.used = now,
            Some(known) if known.parameters.is_some() => return None,
            _ => {
                *slot = Some(Peer {
                    address: peer,
                    parameters: None,
                    rto: RtoEstimator::new(),
                    used: now,
                });
            }
        }
        slot.as_mut()
    }

    /// Starts the timer of a Confirmable message.
    pub(super) fn start_timer(&mut self, peer: P) -> Transmission {
        let (now, random) = (self.state.now, self.rng.next_u32());
        let parameters = *self.parameters(peer);
        if self.state.config.measure_rto
            && let Some(known) = self.peer(peer)
        {
            return known.rto.start(now, &parameters, random);
        }
        Transmission::start(now, &parameters, random)
    }

    /// A message was acknowledged whose timer this is.
    pub(super) fn measure(&mut self, peer: P, timer: &Transmission) {
        if self.state.config.measure_rto {
            let (now, parameters) = (self.state.now, *self.parameters(peer));
            if let Some(known) = self.peer(peer) {
                known.rto.on_acknowledged(now, timer, &parameters);
            }
        }
    }
}

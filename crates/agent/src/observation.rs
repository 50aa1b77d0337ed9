//! Observations: which notification is due when (RFC 7641, Core 1.2.2 §7.3.2 and §6.4.2).

use core::cmp::Ordering;

use dunlin_coap::observe::SequenceNumber;
use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{MessageId, Token, Transmission};
use dunlin_codec::ContentFormat;
use dunlin_model::float::{is_nan, order, order_of_distance};
use dunlin_model::{AttributeSet, Path, Value};

use crate::engine::Core;
use crate::features::{COMPOSITE, HISTORY, OBSERVE};
use crate::registration::Slot;
use crate::reply::{About, Payload, Source};
use crate::{Event, attributes, content, history};

/// The longest time without a confirmable notification: RFC 7641 §4.5.
const MAX_UNCONFIRMED: Duration = Duration::from_secs(24 * 60 * 60);

/// One observation of one server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observation {
    /// Which server, by its place among the agent's.
    pub(crate) server: usize,
    pub(crate) token: Token,
    /// The node; the root where it is about several.
    pub(crate) path: Path,
    pub(crate) format: ContentFormat,
    /// The list of several nodes: by [`list`](Self::list) where there can be one.
    pub(crate) list: Option<u8>,
    /// Something may have changed since the last notification.
    pub(crate) check: bool,
    pub(crate) sequence: SequenceNumber,
    /// The message of the last notification.
    pub(crate) last_id: MessageId,
    pub(crate) last_at: Instant,
    /// When the content was last looked at.
    pub(crate) evaluated_at: Instant,
    pub(crate) confirmed_at: Instant,
    /// The fingerprint of the content last sent.
    pub(crate) content: u32,
    /// The number last sent, or NaN: see [`Content`]; of a Boolean with an `edge` the one last seen.
    pub(crate) number: f64,
    /// The number that the server has been told for all we know: of a confirmable notification once it is acknowledged.
    #[cfg(feature = "persistence")]
    pub(crate) told: Option<f64>,
}

/// A confirmable notification under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unconfirmed {
    /// Which observation, by its place.
    pub(crate) observation: usize,
    pub(crate) id: MessageId,
    pub(crate) transmission: Transmission,
}

impl Unconfirmed {
    pub(crate) fn deadline(&self) -> Instant {
        self.transmission.deadline()
    }
}

impl Observation {
    pub(crate) fn new(
        server: usize,
        token: Token,
        path: Path,
        format: ContentFormat,
        now: Instant,
    ) -> Self {
        Self {
            server,
            token,
            path,
            format,
            list: None,
            check: false,
            sequence: SequenceNumber::default(),
            last_id: MessageId(0),
            last_at: now,
            evaluated_at: now,
            confirmed_at: now,
            content: 0,
            number: f64::NAN,
            #[cfg(feature = "persistence")]
            told: None,
        }
    }
}

#[cfg(feature = "persistence")]
impl Observation {
    /// The number of the last notification.
    pub(crate) fn sequence(&self) -> u32 {
        self.sequence.get()
    }

    /// The server has what was sent last.
    pub(crate) fn heard(&mut self) {
        self.told = Some(self.number).filter(|number| !is_nan(*number));
    }

    /// What `gt`, `lt` and `st` go by over a restart; `None` where none of them rules. A step goes from the number last told.
    /// For `gt` and `lt` it only matters on which side of them that was: then one number stands for all on its side, so that
    /// not every notification is to be stored.
    pub(crate) fn landmark(&self, attributes: &AttributeSet) -> Option<f64> {
        let told = self.told.filter(|_| attributes.edge().is_none())?;
        if attributes.st().is_some() {
            return Some(told);
        }
        let is = |limit: Option<f64>, side| limit.is_some_and(|limit| order(told, limit) == side);
        let above = is(attributes.gt(), Ordering::Greater);
        let below = is(attributes.lt(), Ordering::Less);
        match (above, below) {
            (true, false) => Some(f64::INFINITY),
            (false, true) => Some(f64::NEG_INFINITY),
            // On neither side is each limit itself.
            (false, false) => attributes.gt().or(attributes.lt()),
            (true, true) => Some(told),
        }
    }

    /// Goes on behind this notification, with a look at the content as soon as may be. Without what was told last, or where
    /// only that matters which is not kept, that leads to a notification.
    pub(crate) fn resume(&mut self, sequence: SequenceNumber, told: Option<f64>) {
        self.sequence = sequence;
        self.number = told.unwrap_or(f64::NAN);
        self.told = told;
        self.check = true;
    }
}

impl Observation {
    /// The list of several nodes, where there are composite observations.
    pub(crate) fn list(&self) -> Option<u8> {
        self.list.filter(|_| COMPOSITE)
    }

    /// What was kept for it.
    pub(crate) fn past(&self, index: usize) -> Source {
        Source {
            about: About::Past,
            format: self.format,
            path: self.path,
            server: index,
        }
    }

    /// What a notification tells.
    pub(crate) fn source(&self) -> Source {
        Source {
            about: self.list().map_or(About::Node, About::Paths),
            format: self.format,
            path: self.path,
            server: self.server,
        }
    }
}

/// What to do about an observation whose content may have changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Content {
    pub(crate) fingerprint: u32,
    /// The number that it is, of a Boolean 0 or 1; NaN where it is none.
    pub(crate) number: f64,
}

impl Observation {
    /// Whether `content` differs from what was sent last in the way that `attributes` ask for.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn is_news(&self, content: Content, attributes: &AttributeSet) -> bool {
        let (old, new) = (self.number, content.number);
        if let Some(rising) = attributes.edge()
            && !is_nan(new)
        {
            // What was before a restart is not known: then it may have been the other.
            let truth = |number| order(number, 0.5).is_gt();
            return (is_nan(old) || truth(old) != rising) && truth(new) == rising;
        }
        if !attributes.has_thresholds() || is_nan(old) || is_nan(new) {
            return content.fingerprint != self.content;
        }
        let crossed = |limit: Option<f64>, side: Ordering| {
            limit.is_some_and(|limit| (order(old, limit) == side) != (order(new, limit) == side))
        };
        let stepped = |step| order_of_distance(new, old, step, 1).is_ge();
        crossed(attributes.gt(), Ordering::Greater)
            || crossed(attributes.lt(), Ordering::Less)
            || attributes.st().is_some_and(stepped)
    }
}

impl<P: Copy + Eq> Core<'_, P> {
    /// Keeps a new observation, in place of one with the same token or of the same path; gives its place, or `None`
    /// when there is no room.
    pub(crate) fn observe(&mut self, mut observation: Observation) -> Option<usize> {
        let lists = &self.state.lists;
        let paths = |of: &Observation| of.list().map(|list| lists.get(list));
        let same = |known: &Observation| {
            known.server == observation.server
                && (known.token == observation.token
                    || (known.path == observation.path
                        && paths(known) == paths(&observation)
                        && known.format == observation.format))
        };
        let known = self
            .observations
            .iter()
            .position(|slot| slot.as_ref().is_some_and(same));
        let place = known.or_else(|| self.observations.iter().position(Option::is_none))?;
        let slot = self.observations.get_mut(place)?;
        if let Some(known) = slot {
            // The numbers go on, or a client that renews its interest would take what follows for old (RFC 7641 §3.4).
            observation.sequence = known.sequence;
            if let Some(list) = known.list() {
                self.state.lists.free(list);
            }
        } else {
            self.state.tell(Event::Observed {
                path: observation.path,
            });
        }
        *slot = Some(observation);
        self.forget_unconfirmed(place);
        Some(place)
    }

    /// Ends an observation.
    pub(crate) fn end_observation(&mut self, index: usize) {
        if let Some(observation) = self.observations.get_mut(index).and_then(Option::take) {
            self.state.tell(Event::Unobserved {
                path: observation.path,
            });
            if let Some(list) = observation.list() {
                self.state.lists.free(list);
            }
            attributes::detach(self.attributes, attributes::own(index));
            self.state.history.forget(index);
        }
        self.forget_unconfirmed(index);
    }

    /// Ends the observation of `server` with this token; whether there was one.
    pub(crate) fn cancel(&mut self, server: usize, token: Token) {
        let found = self.find_observation(|known| known.server == server && known.token == token);
        if let Some(index) = found {
            self.end_observation(index);
        }
    }

    /// Forgets all observations of `server`, as its registration begins anew or is over (Core 1.2.2 §6.2.1).
    pub(crate) fn end_observations(&mut self, server: usize) {
        if !OBSERVE {
            return;
        }
        while let Some(index) = self.find_observation(|known| known.server == server) {
            self.end_observation(index);
        }
    }

    fn find_observation(&self, wanted: impl Fn(&Observation) -> bool) -> Option<usize> {
        self.observations
            .iter()
            .position(|slot| slot.as_ref().is_some_and(&wanted))
    }

    pub(crate) fn forget_unconfirmed(&mut self, index: usize) {
        for slot in self.servers.iter_mut().filter_map(Option::as_mut) {
            if slot
                .unconfirmed
                .is_some_and(|unconfirmed| unconfirmed.observation == index)
            {
                slot.unconfirmed = None;
            }
        }
    }

    /// An Acknowledgement of a notification; whether `id` is one's.
    pub(crate) fn notification_acknowledged(&mut self, server: usize, id: MessageId) -> bool {
        if !OBSERVE {
            return false;
        }
        let now = self.state.now;
        let Some(slot) = self.servers.get_mut(server).and_then(Option::as_mut) else {
            return false;
        };
        let Some(unconfirmed) = slot.unconfirmed.filter(|unconfirmed| unconfirmed.id == id) else {
            return false;
        };
        slot.unconfirmed = None;
        self.state.history.forget(unconfirmed.observation);
        if let Some(Some(observation)) = self.observations.get_mut(unconfirmed.observation) {
            observation.confirmed_at = now;
            #[cfg(feature = "persistence")]
            observation.heard();
        }
        true
    }

    /// A Reset in answer to a notification: the server has lost interest (RFC 7641 §3.6).
    pub(crate) fn notification_rejected(&mut self, server: usize, id: MessageId) -> bool {
        if !OBSERVE {
            return false;
        }
        let found = self.find_observation(|known| {
            known.server == server
                && known.last_id == id
                && known.sequence != SequenceNumber::default()
        });
        if let Some(index) = found {
            self.end_observation(index);
        }
        found.is_some()
    }

    /// The answer to Observe goes out with `payload`: it counts as the first notification.
    pub(crate) fn begin_observation(
        &mut self,
        index: usize,
        id: MessageId,
        payload: Payload,
    ) -> Option<u32> {
        let path = self.observations.get(index)?.as_ref()?.path;
        let content = self.content(path, payload);
        let now = self.state.now;
        let observation = self.observations.get_mut(index)?.as_mut()?;
        observation.sent(now, id, content);
        #[cfg(feature = "persistence")]
        observation.heard();
        Some(observation.sequence.get())
    }

    pub(crate) fn content(&self, path: Path, payload: Payload) -> Content {
        let number = match content::value(&*self.objects, path) {
            Some(Value::Boolean(truth)) => Some(if truth { 1.0 } else { 0.0 }),
            value => value.and_then(|value| value.as_f64()),
        };
        Content {
            fingerprint: payload.fingerprint,
            number: number.unwrap_or(f64::NAN),
        }
    }

    /// The attributes that rule an observation: those it came with, those of its nodes, then the server's defaults (/1/x/2 and /1/x/3).
    pub(crate) fn ruling(&self, index: usize, observation: &Observation) -> AttributeSet {
        let mut ruling = AttributeSet::NONE;
        let table = &*self.attributes;
        attributes::fill(table, attributes::own(index), Path::ROOT, &mut ruling);
        let con = ruling.con();
        let mut confirms = false;
        let mut fill = |path, to: &mut _| {
            confirms |= attributes::confirms(table, observation.server, path);
            attributes::fill_effective(table, observation.server, path, to);
        };
        match observation.list() {
            None => fill(observation.path, &mut ruling),
            // With attributes of its own, it does without those of its nodes (Core 1.2.2 §6.4.6).
            Some(_) if !ruling.is_empty() => {}
            // The node that is to be told of most often rules.
            Some(list) => {
                let mut all = AttributeSet::NONE;
                for path in self.state.lists.get(list) {
                    let mut one = AttributeSet::NONE;
                    fill(*path, &mut one);
                    all.set_pmin(all.pmin().max(one.pmin()));
                    let (ours, theirs) = (all.pmax(), one.pmax());
                    all.set_pmax(ours.min(theirs).or(ours).or(theirs));
                    all.set_epmin(all.epmin().max(one.epmin()));
                    let (ours, theirs) = (all.epmax(), one.epmax());
                    all.set_epmax(ours.min(theirs).or(ours).or(theirs));
                    all.set_con(all.con().max(one.con()));
                }
                ruling.fill(&all);
            }
        }
        // One part that is to be confirmed is enough (Core 1.2.2 §7.3.2).
        if con.is_none() && confirms {
            ruling.set_con(Some(true));
        }
        let slot = self.servers.get(observation.server);
        if let Some(slot) = slot.and_then(Option::as_ref) {
            let (pmin, pmax) = slot.default_periods(&*self.objects);
            ruling.set_pmin(ruling.pmin().or(pmin));
            ruling.set_pmax(ruling.pmax().or(pmax));
        }
        ruling
    }

    /// The shortest `epmin` and `epmax` of the observations that tell of a node.
    pub(crate) fn evaluation(&self, path: Path) -> (Option<u32>, Option<u32>) {
        let mut shortest = (None, None);
        let least = |known: Option<u32>, new: Option<u32>| known.min(new).or(known).or(new);
        for (index, slot) in self.observations.iter().enumerate() {
            let Some(observation) = slot else {
                continue;
            };
            let paths = match observation.list() {
                Some(list) => self.state.lists.get(list),
                None => core::slice::from_ref(&observation.path),
            };
            if OBSERVE
                && paths
                    .iter()
                    .any(|of| of.contains(&path) || path.contains(of))
            {
                let ruling = self.ruling(index, observation);
                shortest.0 = least(shortest.0, ruling.epmin());
                shortest.1 = least(shortest.1, ruling.epmax());
            }
        }
        shortest
    }

    /// When an observation is to be looked at; `None` when only a change or an answer can bring that about.
    pub(crate) fn observation_due(&self, index: usize) -> Option<Instant> {
        let observation = self.observations.get(index)?.as_ref()?;
        let slot = self.servers.get(observation.server)?.as_ref()?;
        if !slot.is_registered() {
            return None;
        }
        // A server would refuse what comes from an address that it does not know.
        #[cfg(feature = "persistence")]
        if slot.is_resumed {
            return None;
        }
        let attributes = self.ruling(index, observation);
        if slot.is_away && !self.is_kept(slot, observation, &attributes) {
            return None;
        }
        let past = !slot.is_away && self.state.history.has(index);
        let waits = past || self.is_confirmable(observation, slot, &attributes);
        if let Some(unconfirmed) = &slot.unconfirmed {
            if unconfirmed.observation == index {
                return Some(unconfirmed.deadline());
            }
            if waits {
                return None;
            }
        } else if slot.state.is_busy() && waits {
            return None;
        }
        if past {
            return Some(self.state.now);
        }
        let after = |seconds: u32| {
            observation
                .last_at
                .saturating_add(Duration::from_secs(seconds.into()))
        };
        let at_latest = attributes.effective_pmax().map(after);
        if observation.check {
            // A change is looked at when both periods are over (Core 1.2.2 §7.3.2).
            let period = Duration::from_secs(attributes.epmin().unwrap_or(0).into());
            let at_earliest = after(attributes.pmin().unwrap_or(0))
                .max(observation.evaluated_at.saturating_add(period));
            return Some(at_latest.map_or(at_earliest, |at_latest| at_latest.min(at_earliest)));
        }
        at_latest
    }

    /// Whether values are kept while the server is out of reach.
    fn is_kept(
        &self,
        slot: &Slot<P>,
        observation: &Observation,
        attributes: &AttributeSet,
    ) -> bool {
        HISTORY
            && attributes.hqmax().is_some_and(|limit| limit > 0)
            && history::is_kept(observation.path, observation.format)
            && slot.keeps_notifications(&*self.objects)
    }

    /// Whether the next notification is confirmable: by the attribute `con`, which can only ask for it, or by /1/x/26
    /// (Core 1.2.2 §7.3.2), and once a day anyway.
    pub(crate) fn is_confirmable(
        &self,
        observation: &Observation,
        slot: &Slot<P>,
        attributes: &AttributeSet,
    ) -> bool {
        attributes.con() == Some(true)
            || slot.notifies_confirmably(&*self.objects)
            || self.must_confirm(observation)
    }

    fn must_confirm(&self, observation: &Observation) -> bool {
        self.state
            .now
            .saturating_duration_since(observation.confirmed_at)
            >= MAX_UNCONFIRMED
    }
}

impl Observation {
    /// What was sent, or kept, last.
    pub(crate) fn content(&self) -> Content {
        Content {
            fingerprint: self.content,
            number: self.number,
        }
    }

    pub(crate) fn sent(&mut self, now: Instant, id: MessageId, content: Content) {
        self.check = false;
        self.sequence = self.sequence.next();
        self.last_id = id;
        self.last_at = now;
        self.evaluated_at = now;
        self.content = content.fingerprint;
        self.number = content.number;
    }
}

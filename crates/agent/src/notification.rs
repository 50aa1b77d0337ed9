//! Notifications: what is sent, kept or taken back for an observation (RFC 7641 §4, Core 1.2.2 §6.4.2).

use dunlin_coap::time::Duration;
use dunlin_coap::{Retry, Transmission, Type};
use dunlin_model::AttributeSet;

use crate::engine::Core;
use crate::event::count;
use crate::features::HISTORY;
use crate::observation::{Content, Unconfirmed};
use crate::reply::{Body, Head};
use crate::{Error, content};

impl<P: Copy + Eq> Core<'_, P> {
    /// Sends what is due for an observation.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn poll_observation(
        &mut self,
        index: usize,
        buffer: &mut [u8],
    ) -> Option<(P, usize)> {
        let now = self.state.now;
        if self.observation_due(index)? > now {
            return None;
        }
        let observation = *self.observations.get(index)?.as_ref()?;
        let slot = self.servers.get_mut(observation.server)?.as_mut()?;
        let (to, is_away) = (slot.peer, slot.is_away);
        // The message that has not been acknowledged in time.
        let mut again = None;
        if let Some(unconfirmed) = &mut slot.unconfirmed
            && unconfirmed.observation == index
        {
            let transmission = &mut unconfirmed.transmission;
            if transmission.on_timeout(now, &self.config.parameters) == Retry::GiveUp {
                self.end_observation(index);
                return None;
            }
            again = Some(unconfirmed.id);
        }
        let attributes = self.ruling(index, &observation);
        let slot = self.servers.get(observation.server)?.as_ref()?;
        // What was kept is told until it has been heard.
        let past = !is_away && self.state.history.has(index);
        let confirmable =
            again.is_some() || past || self.is_confirmable(&observation, slot, &attributes);
        let source = if past {
            observation.past(index)
        } else {
            observation.source()
        };
        let payload = match self.prepare(source, buffer) {
            Ok(payload) => payload,
            Err(error) => return self.notify_end(index, error, buffer),
        };
        let content = if past {
            observation.content()
        } else {
            self.content(observation.path, payload)
        };
        let overdue = attributes.effective_pmax().is_some_and(|pmax| {
            now.saturating_duration_since(observation.last_at) >= Duration::from_secs(pmax.into())
        });
        let is_news = past || observation.is_news(content, &attributes);
        if again.is_none() && !overdue && !is_news {
            let stored = self.observations.get_mut(index)?.as_mut()?;
            stored.check = false;
            stored.evaluated_at = now;
            if attributes.edge().is_some() {
                stored.number = content.number;
            }
            return None;
        }
        if HISTORY && is_away {
            self.keep_value(index, &attributes, content);
            return None;
        }
        // A repetition is the same message, unless there is newer content to send in its place (RFC 7641 §4.5.2).
        let id = match again {
            Some(id) if !past && content.fingerprint == observation.content => id,
            _ => self.state.ids.next(),
        };
        let message_type = if confirmable {
            Type::Confirmable
        } else {
            Type::NonConfirmable
        };
        let stored = self.observations.get_mut(index)?.as_mut()?;
        if again.is_none() || id != stored.last_id {
            stored.sent(now, id, content);
            #[cfg(feature = "persistence")]
            if !confirmable {
                stored.heard();
            }
            // What has changed since then is looked at afterwards.
            stored.check = past;
        }
        let sequence = stored.sequence.get();
        if again.is_some() {
            count(&mut self.state.counters.retransmitted);
        } else {
            count(&mut self.state.counters.notifications);
        }
        if confirmable && let Some(Some(slot)) = self.servers.get_mut(observation.server) {
            match &mut slot.unconfirmed {
                Some(unconfirmed) if again.is_some() => unconfirmed.id = id,
                place => {
                    let parameters = &self.config.parameters;
                    *place = Some(Unconfirmed {
                        observation: index,
                        id,
                        transmission: Transmission::start(now, parameters, self.rng.next_u32()),
                    });
                }
            }
        }
        let head = Head {
            message_type,
            id,
            token: observation.token,
        };
        match self.present(head, payload, None, Some(sequence), buffer) {
            Ok(len) => Some((to, len)),
            Err(error) => self.notify_end(index, error, buffer),
        }
    }

    /// Keeps the value of an observation whose server is out of reach, in place of a notification.
    fn keep_value(
        &mut self,
        index: usize,
        attributes: &AttributeSet,
        content: Content,
    ) -> Option<()> {
        let now = self.state.now;
        let observation = self.observations.get_mut(index)?.as_mut()?;
        observation.check = false;
        observation.last_at = now;
        observation.evaluated_at = now;
        observation.content = content.fingerprint;
        observation.number = content.number;
        let path = observation.path;
        let limit = attributes.hqmax().unwrap_or(0);
        let value = content::value(&*self.objects, path)?;
        self.state.history.keep(index, limit, now, value);
        Some(())
    }

    /// A notification under way will not be acknowledged, since its server is out of reach: what it told is news again.
    pub(crate) fn take_back(&mut self, notification: Unconfirmed) {
        let index = notification.observation;
        if let Some(Some(observation)) = self.observations.get_mut(index)
            && !self.state.history.has(index)
        {
            observation.content = !observation.content;
            observation.number = f64::NAN;
        }
        self.forget_unconfirmed(index);
    }

    /// Ends an observation whose content can no longer be told, with an error as the last word (RFC 7641 §4.2).
    fn notify_end(&mut self, index: usize, error: Error, buffer: &mut [u8]) -> Option<(P, usize)> {
        let observation = self.observations.get(index)?.as_ref()?;
        let (server, token) = (observation.server, observation.token);
        let to = self.slot(server)?.peer;
        self.end_observation(index);
        let head = Head {
            message_type: Type::NonConfirmable,
            id: self.state.ids.next(),
            token,
        };
        let len = head
            .write(error.code(), Body::Diagnostic(error.diagnostic()), buffer)
            .ok()?;
        Some((to, len))
    }
}

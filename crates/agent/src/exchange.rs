//! A request of the agent under way: when it is sent again, and which answer is its own (RFC 7252 §4.2 and §5.3).

use dunlin_coap::block::BlockSender;
#[cfg(feature = "echo")]
use dunlin_coap::echo::{ChallengeAnswer, EchoMemory};
use dunlin_coap::time::Instant;
use dunlin_coap::{Message, MessageId, Parameters, Retry, Token, Transmission, Type};

use crate::Counters;
use crate::event::count;
use crate::registration::Told;

/// A request of the agent under way.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) id: MessageId,
    pub(crate) token: Token,
    /// When its first message was sent: the lifetime counts from here at the latest.
    pub(crate) begun: Instant,
    pub(crate) wait: Wait,
    /// What the request tells the server, as far as it differs from what was told before.
    pub(crate) telling: Told,
    /// Which block of the object list the message carries.
    pub(crate) blocks: Option<BlockSender>,
    /// What the server wants to find in requests, to know that they are fresh.
    #[cfg(feature = "echo")]
    pub(crate) echo: EchoMemory,
    /// How often the request was repeated for that.
    #[cfg(feature = "echo")]
    pub(crate) repeats: u8,
}

/// What a request under way waits for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wait {
    /// Its turn to be sent.
    Turn,
    /// An Acknowledgement, with or without the answer in it.
    Acknowledgement(Transmission),
    /// The answer, until this time.
    Answer(Instant),
}

impl Exchange {
    /// No request.
    pub(crate) const NONE: Self = Self {
        id: MessageId(0),
        token: Token::EMPTY,
        begun: Instant::ZERO,
        wait: Wait::Turn,
        telling: Told::NOTHING,
        blocks: None,
        #[cfg(feature = "echo")]
        echo: EchoMemory::NEW,
        #[cfg(feature = "echo")]
        repeats: 0,
    };

    /// The request goes on with another message, at once.
    pub(crate) fn again(&mut self, id: MessageId) {
        self.id = id;
        self.wait = Wait::Turn;
    }

    /// Makes way for the next request to the same server.
    pub(crate) fn follow(&mut self, next: Self) {
        #[cfg(feature = "echo")]
        let next = Self {
            echo: self.echo,
            ..next
        };
        *self = next;
    }

    /// Takes an Echo value out of a response; whether the request is to be sent again with it, as another message
    /// (RFC 9175 §2.3).
    #[cfg(feature = "echo")]
    pub(crate) fn is_challenged(&mut self, response: &Message<'_>) -> bool {
        let challenged = self.echo.on_response(response, self.repeats) == ChallengeAnswer::Repeat;
        self.repeats = self.repeats.saturating_add(challenged.into());
        challenged
    }

    /// The message has been acknowledged: its answer is to come until `deadline`.
    pub(crate) fn acknowledged(&mut self, deadline: Instant) {
        if let Wait::Acknowledgement(_) = self.wait {
            self.wait = Wait::Answer(deadline);
        }
    }

    /// What is to be done about a request whose time has come: its message is sent, once more or for the first time, or
    /// nothing more.
    pub(crate) fn step(
        &mut self,
        now: Instant,
        parameters: &Parameters,
        random: u32,
        counters: &mut Counters,
    ) -> Retry {
        match &mut self.wait {
            Wait::Turn => {
                self.wait = Wait::Acknowledgement(Transmission::start(now, parameters, random));
                Retry::Again
            }
            Wait::Acknowledgement(transmission) => {
                let next = transmission.on_timeout(now, parameters);
                if next == Retry::Again {
                    count(&mut counters.retransmitted);
                }
                next
            }
            Wait::Answer(_) => Retry::GiveUp,
        }
    }

    /// Whether `message`, a response, is the one to this request.
    pub(crate) fn expects(&self, message: &Message<'_>) -> bool {
        self.token == message.token()
            && (message.message_type() != Type::Acknowledgement || self.id == message.id())
    }

    pub(crate) fn deadline(&self) -> Instant {
        match self.wait {
            Wait::Turn => Instant::ZERO,
            Wait::Acknowledgement(transmission) => transmission.deadline(),
            Wait::Answer(deadline) => deadline,
        }
    }
}

//! What a server does with what it gets, and which faults it feigns for those who test a client.

use std::num::NonZeroU64;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// What a server does with what it gets.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    /// Who gets what.
    pub answer: Answer,
    /// How long a message waits before it is answered.
    pub delay: Duration,
    /// What is lost on purpose.
    pub loss: Loss,
}

/// Who gets what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Each message goes back to its sender.
    Echo,
    /// Each message goes to everybody, its sender included.
    Broadcast,
    /// Messages are passed over; everybody is told how many are connected, whenever one comes or goes.
    Count,
}

/// What is lost on purpose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Nothing.
    Nothing,
    /// This share of the messages, from 0 to 1, gets no answer; which ones is the same for every client and in every run.
    Share(f64),
    /// After so many messages are answered the connection is cut, without a close frame.
    CutAfter(NonZeroU64),
}

impl Answer {
    /// What a server that answers so does, as its users are told.
    #[must_use]
    pub const fn what_it_does(self) -> &'static str {
        match self {
            Self::Echo => "sends back what it gets",
            Self::Broadcast => "sends what it gets to everybody",
            Self::Count => "says how many are connected to it",
        }
    }
}

impl Behaviour {
    /// Answers at once, and loses nothing.
    #[must_use]
    pub const fn new(answer: Answer) -> Self {
        Self {
            answer,
            delay: Duration::ZERO,
            loss: Loss::Nothing,
        }
    }
}

/// Decides for one client's messages, in turn.
#[derive(Debug)]
pub(super) struct Losses {
    loss: Loss,
    /// Only where it is asked.
    random: Option<Box<StdRng>>,
}

impl Losses {
    /// Where all who test begin: what is lost is the same in every run.
    const SEED: u64 = 0;

    pub(super) fn new(loss: Loss) -> Self {
        let is_random = matches!(loss, Loss::Share(_));
        Self {
            loss,
            random: is_random.then(|| Box::new(StdRng::seed_from_u64(Self::SEED))),
        }
    }

    /// Whether the next message gets no answer.
    pub(super) fn loses_next(&mut self) -> bool {
        match (self.loss, &mut self.random) {
            (Loss::Share(share), Some(random)) => random.random_bool(share.clamp(0.0, 1.0)),
            _ => false,
        }
    }

    /// Whether the connection is to be cut after so many messages.
    pub(super) fn cuts_after(&self, messages: u64) -> bool {
        matches!(self.loss, Loss::CutAfter(count) if messages >= count.get())
    }
}

//! Where what is sent comes from: `-m`, the same again and again, stdin, or somebody typing.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior};

use super::editor::Editor;
use super::message::Recipe;
use super::slash::{Order, understand};
use crate::cli::exit::Failure;
use crate::ws::Data;

/// The source of what is sent.
#[derive(Debug)]
pub(super) enum Input {
    /// The messages of `-m`, once; there may be none.
    Once(VecDeque<Recipe>),
    /// The messages of `-m`, round after round.
    Rounds(Rounds),
    /// Stdin, cut into messages.
    Stdin(mpsc::Receiver<Result<Data, Failure>>),
    /// A person.
    Typed { editor: Editor, is_binary: bool },
}

#[derive(Debug)]
pub(super) struct Rounds {
    recipes: Vec<Recipe>,
    interval: Interval,
    round: u64,
    /// How many messages of this round are sent.
    sent: usize,
}

impl Rounds {
    pub(super) fn every(period: Duration, recipes: Vec<Recipe>) -> Self {
        let mut interval = tokio::time::interval(period);
        // A server that is slow for a while is not flooded afterwards.
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            sent: recipes.len(),
            recipes,
            interval,
            round: 0,
        }
    }

    async fn next(&mut self) -> Data {
        if self.sent == self.recipes.len() {
            self.interval.tick().await;
            self.round += 1;
            self.sent = 0;
        }
        self.sent += 1;
        self.recipes[self.sent - 1].make(self.round)
    }
}

impl Input {
    /// What is to be done next; `None` at the end. Cancel-safe.
    ///
    /// What a person has typed wrong is shown to that person; elsewhere it is a failure.
    pub(super) async fn next(&mut self) -> Result<Option<Order>, Failure> {
        match self {
            Self::Once(recipes) => {
                let recipe = recipes.pop_front();
                Ok(recipe.map(|recipe| Order::Send(recipe.make(1))))
            }
            Self::Rounds(rounds) => Ok(Some(Order::Send(rounds.next().await))),
            Self::Stdin(messages) => {
                let data = messages.recv().await.transpose()?;
                Ok(data.map(Order::Send))
            }
            Self::Typed { editor, is_binary } => match editor.line().await? {
                None => Ok(None),
                Some(line) => Ok(understand(&line, *is_binary)
                    .unwrap_or_else(|failure| Some(Order::Say(failure.told())))),
            },
        }
    }

    /// Whether it has no end of its own that is worth waiting for.
    pub(super) const fn is_open_ended(&self) -> bool {
        match self {
            Self::Once(_) => false,
            Self::Rounds(_) | Self::Stdin(_) | Self::Typed { .. } => true,
        }
    }

    pub(super) const fn is_typed(&self) -> bool {
        matches!(self, Self::Typed { .. })
    }
}

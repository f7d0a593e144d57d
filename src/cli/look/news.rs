//! Meta events that wait while the router is asked about them.
//!
//! A session reads nothing further as long as nobody takes its events, answers included: who asks has to take them
//! meanwhile.

use std::collections::VecDeque;

use crate::cli::client::Client;
use crate::cli::console::printable;
use crate::cli::exit::{Exit, Failure};
use crate::node::connect::{SubscriptionEnd, Subscriptions};
use crate::protocol::SubscribeOptions;
use crate::protocol::message::Event;

/// How many events wait. bound: with more, a question is given up.
const WAITING_MAX: usize = 4096;

type Arrived = (usize, Result<Event, SubscriptionEnd>);

/// The events of some topics, in the order in which they came.
#[derive(Debug)]
pub(super) struct News {
    subscriptions: Subscriptions,
    waiting: VecDeque<Arrived>,
}

impl News {
    pub(super) fn new(client: &Client<'_>) -> Self {
        Self {
            subscriptions: Subscriptions::new(client.peer.clone()),
            waiting: VecDeque::new(),
        }
    }

    /// Subscribes to a topic; they count from 0.
    pub(super) async fn of(&mut self, client: &Client<'_>, topic: &str) -> Result<(), Failure> {
        let options = SubscribeOptions::default();
        let subscribe = self.subscriptions.subscribe(topic, options);
        client.answer(&format!("topic {topic:?}"), subscribe).await
    }

    /// The next event, and which topic it is of.
    pub(super) async fn next(&mut self) -> Result<(usize, Event), Failure> {
        let (topic, event) = match self.waiting.pop_front() {
            Some(arrived) => arrived,
            None => self.subscriptions.next_event().await,
        };
        let event =
            event.map_err(|end| Failure::new(Exit::SessionLost, printable(&end.to_string())))?;
        Ok((topic, event))
    }

    /// Whether anything has come, all of which is forgotten by that.
    pub(super) fn take_all(&mut self) -> bool {
        let has_any = !self.waiting.is_empty();
        self.waiting.clear();
        has_any
    }

    /// The answer to a question, while events come; `None` if they are too many.
    pub(super) async fn meanwhile<T>(&mut self, question: impl Future<Output = T>) -> Option<T> {
        let mut question = std::pin::pin!(question);
        while self.waiting.len() < WAITING_MAX {
            tokio::select! {
                biased;
                answer = &mut question => return Some(answer),
                arrived = self.subscriptions.next_event() => self.waiting.push_back(arrived),
            }
        }
        None
    }
}

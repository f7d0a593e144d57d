//! The load of events: one publisher, some subscribers, and a bound on what is in flight.
//!
//! A publication is in flight until every subscriber has received it. Publications are not
//! acknowledged, so only the counts can tell that nothing was lost.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::json;

use crate::meter::{Meter, Plan, Sample};
use crate::server::Server;
use crate::session::{self, show};
use crate::wamp::{self, EVENT, PUBLISH, SUBSCRIBE, SUBSCRIBED, Serializer, Template};
use crate::wire::Wires;

const TOPIC: &str = "com.yardstick.topic";
const WINDOW_MAX: usize = 256;
/// In flight to all subscribers together.
const EVENTS_MAX: usize = 4096;
/// In flight to one subscriber, below what a router holds for one before it drops.
const BYTES_MAX: usize = 2 << 20;

/// Runs the load once.
pub(crate) fn run(server: &Server, plan: &Plan, subscribers: usize) -> Result<Sample> {
    Load::open(server, plan, subscribers)?.run(&mut Meter::start(server, plan))
}

#[derive(Debug)]
struct Load {
    wires: Wires,
    serializer: Serializer,
    publish: Template,
    event_code: u64,
    window: usize,
    published: usize,
    /// Publications that every subscriber has received.
    completed: usize,
    /// Events that came, over all subscribers.
    received: u64,
    /// By subscriber: how many events it has received.
    counts: Vec<usize>,
    /// By publication, modulo the window: how many subscribers it has yet to reach.
    missing: Vec<usize>,
}

impl Load {
    fn open(server: &Server, plan: &Plan, subscribers: usize) -> Result<Self> {
        let serializer = plan.serializer;
        let mut paths = vec![format!("/cast/events/{subscribers}/leaf"); subscribers];
        paths.push(format!("/cast/events/{subscribers}/hub"));
        let mut sessions = session::open(server, serializer, &paths)?;
        if server.is_router() {
            let subscribe = Template::new(serializer, SUBSCRIBE, &[json!({}), json!(TOPIC)]);
            for session in &mut sessions[..subscribers] {
                session.request(&subscribe, SUBSCRIBED)?;
            }
        }
        let publish = [json!({}), json!(TOPIC), plan.payload()];
        let window = window(subscribers, plan.size);
        Ok(Self {
            wires: Wires::new(sessions)?,
            serializer,
            publish: Template::new(serializer, PUBLISH, &publish),
            event_code: if server.is_router() { EVENT } else { PUBLISH },
            window,
            published: 0,
            completed: 0,
            received: 0,
            counts: vec![0; subscribers],
            missing: vec![0; window],
        })
    }

    fn run(mut self, meter: &mut Meter<'_>) -> Result<Sample> {
        let mut ready = Vec::new();
        while !meter.over((self.published - self.completed) as u64)? {
            if meter.sending(self.received)? {
                self.fill()?;
            }
            self.wires.wait(&mut ready)?;
            for &index in &ready {
                self.take_events(index)?;
            }
        }
        meter.sample(Duration::ZERO)
    }

    /// Publishes as many as the window has room for.
    fn fill(&mut self) -> Result<()> {
        let publisher = self.counts.len();
        self.wires.send(publisher, |out| {
            while self.published - self.completed < self.window {
                self.missing[self.published % self.window] = self.counts.len();
                self.published += 1;
                self.publish.put(out, self.published as u64);
            }
        })
    }

    fn take_events(&mut self, index: usize) -> Result<()> {
        let Some(count) = self.counts.get_mut(index) else {
            return self.wires.read(index, |message, _| {
                bail!("the publisher got {}", show(message))
            });
        };
        self.wires.read(index, |message, _| {
            if wamp::head(self.serializer, message).code != self.event_code {
                bail!("a subscriber got {}", show(message));
            }
            ensure!(*count < self.published, "an event came twice");
            let missing = &mut self.missing[*count % self.window];
            *missing -= 1;
            *count += 1;
            self.received += 1;
            self.completed += usize::from(*missing == 0);
            Ok(())
        })
    }
}

fn window(subscribers: usize, payload_bytes: usize) -> usize {
    let window = (EVENTS_MAX / subscribers).min(BYTES_MAX / payload_bytes.max(1));
    window.clamp(2, WINDOW_MAX)
}

//! Event history: events that were published, to be asked for later.
//!
//! What is kept, and who may see it, is decided here; where it lies is behind [`EventStore`]. Spec:
//! ap#pubsub-event-history.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::audience::{Filter, names_sessions};
use super::publication::{Kept, Publication};
use crate::protocol::{MatchPolicy, PublicationId, Uri};
use crate::router::identity::Identity;
use crate::router::settings::HistoryRule;

/// What an event takes beside itself: its place in a ring, its number and time, what allocations cost.
const OVERHEAD_BYTES: usize = 128;

/// An event that was published.
#[derive(Debug)]
pub(super) struct Stored {
    /// Counts up with each event.
    number: u64,
    pub(super) time: Timestamp,
    pub(super) publication: Kept,
}

impl Stored {
    /// Bytes that it takes under one rule.
    fn bytes(&self) -> usize {
        self.publication.bytes() + OVERHEAD_BYTES
    }
}

/// Where events lie, in the order in which they came.
///
/// A durable store implements it as the one in memory does; both are asked under the realm's lock, so that reading
/// must not wait for anything.
pub(super) trait EventStore: fmt::Debug + Send {
    /// Keeps an event under each of these rules, by their place among the settings' rules.
    /// Says whether others were forgotten for want of room.
    fn append(&mut self, rules: &[usize], event: Arc<Stored>) -> bool;
    /// The events under a rule, the oldest first.
    fn events(&self, rule: usize) -> Box<dyn Iterator<Item = &Arc<Stored>> + '_>;
}

/// The history of one realm.
#[derive(Debug)]
pub(super) struct History {
    rules: Vec<HistoryRule>,
    store: Box<dyn EventStore>,
    last: u64,
}

/// Which events somebody asks for; every condition must hold.
#[derive(Debug, Default)]
pub(in crate::router) struct Wanted {
    /// The newest first.
    pub(in crate::router) reverse: bool,
    pub(in crate::router) limit: Option<usize>,
    pub(in crate::router) from_time: Option<Timestamp>,
    pub(in crate::router) after_time: Option<Timestamp>,
    pub(in crate::router) before_time: Option<Timestamp>,
    pub(in crate::router) until_time: Option<Timestamp>,
    pub(in crate::router) topic: Option<Uri>,
    pub(in crate::router) from_publication: Option<PublicationId>,
    pub(in crate::router) after_publication: Option<PublicationId>,
    pub(in crate::router) before_publication: Option<PublicationId>,
    pub(in crate::router) until_publication: Option<PublicationId>,
}

impl History {
    pub(super) fn new(rules: &[HistoryRule], bytes_max: usize) -> Self {
        let events_max = rules.iter().map(|rule| rule.events_max).collect();
        Self {
            rules: rules.to_vec(),
            store: Box::new(InMemory::new(events_max, bytes_max)),
            last: 0,
        }
    }

    /// Keeps an event if a rule asks for its topic. One for named sessions is not kept: their ids mean nothing later.
    /// Says whether older ones were forgotten for want of room.
    pub(super) fn keep(
        &mut self,
        publication: &Publication<'_>,
        now: impl FnOnce() -> Timestamp,
    ) -> bool {
        if publication.audience.is_some_and(names_sessions) {
            return false;
        }
        let asks = |(at, rule): (usize, &HistoryRule)| {
            rule.topics.matches(publication.topic).then_some(at)
        };
        let rules: Vec<usize> = self.rules.iter().enumerate().filter_map(asks).collect();
        if rules.is_empty() {
            return false;
        }
        self.last += 1;
        let stored = Stored {
            number: self.last,
            time: now(),
            publication: publication.kept(),
        };
        self.store.append(&rules, Arc::new(stored))
    }

    /// The events under a pattern that somebody may see and wants, in the order wanted; `limit` is not applied.
    ///
    /// Cost: O(stored events x log of it).
    pub(super) fn events(
        &self,
        (policy, pattern): (MatchPolicy, &str),
        identity: &Identity,
        wanted: &Wanted,
    ) -> Vec<Arc<Stored>> {
        let rules = 0..self.rules.len();
        let all = rules.flat_map(|rule| self.store.events(rule));
        let matching = all.filter(|it| policy.matches(pattern, it.publication.topic.as_str()));
        let mut events: Vec<Arc<Stored>> = matching.cloned().collect();
        events.sort_unstable_by_key(|event| event.number);
        events.dedup_by_key(|event| event.number);
        let Some(bounds) = Bounds::of(wanted, &events) else {
            return Vec::new();
        };
        events
            .retain(|event| bounds.hold(event) && wants(wanted, event) && is_for(event, identity));
        if wanted.reverse {
            events.reverse();
        }
        events
    }
}

/// The numbers between which events are wanted.
struct Bounds {
    from: Option<u64>,
    after: Option<u64>,
    before: Option<u64>,
    until: Option<u64>,
}

impl Bounds {
    /// `None` where a publication is named that is not there: nothing can be said to come before or after it.
    fn of(wanted: &Wanted, events: &[Arc<Stored>]) -> Option<Self> {
        let number = |publication: Option<PublicationId>| match publication {
            None => Some(None),
            Some(id) => {
                let mut events = events.iter();
                let found = events.find(|event| event.publication.id == id)?;
                Some(Some(found.number))
            }
        };
        Some(Self {
            from: number(wanted.from_publication)?,
            after: number(wanted.after_publication)?,
            before: number(wanted.before_publication)?,
            until: number(wanted.until_publication)?,
        })
    }

    fn hold(&self, event: &Stored) -> bool {
        self.from.is_none_or(|from| event.number >= from)
            && self.after.is_none_or(|after| event.number > after)
            && self.before.is_none_or(|before| event.number < before)
            && self.until.is_none_or(|until| event.number <= until)
    }
}

fn wants(wanted: &Wanted, event: &Stored) -> bool {
    wanted.from_time.is_none_or(|from| event.time >= from)
        && wanted.after_time.is_none_or(|after| event.time > after)
        && wanted.before_time.is_none_or(|before| event.time < before)
        && wanted.until_time.is_none_or(|until| event.time <= until)
        && wanted
            .topic
            .as_ref()
            .is_none_or(|topic| event.publication.topic == *topic)
}

/// Whether the publication's filters let somebody see it. Spec: ap#pubsub-event-history, security aspects.
fn is_for(event: &Stored, identity: &Identity) -> bool {
    let audience = event.publication.audience.as_ref();
    audience.is_none_or(|audience| Filter::of_kept(audience).admits_identity(identity))
}

/// A store that ends with the process.
#[derive(Debug)]
struct InMemory {
    /// By rule.
    rings: Vec<VecDeque<Arc<Stored>>>,
    events_max: Vec<usize>,
    bytes: usize,
    bytes_max: usize,
}

impl InMemory {
    fn new(events_max: Vec<usize>, bytes_max: usize) -> Self {
        Self {
            rings: events_max.iter().map(|_| VecDeque::new()).collect(),
            events_max,
            bytes: 0,
            bytes_max,
        }
    }

    /// Forgets the oldest event of a rule.
    fn forget(&mut self, rule: usize) {
        let forgotten = self.rings.get_mut(rule).and_then(VecDeque::pop_front);
        self.bytes -= forgotten.map_or(0, |event| event.bytes());
    }

    /// The rule whose oldest event is the oldest of all.
    fn oldest(&self) -> Option<usize> {
        let firsts = self.rings.iter().enumerate();
        let firsts = firsts.filter_map(|(rule, ring)| Some((ring.front()?.number, rule)));
        firsts.min().map(|(_, rule)| rule)
    }
}

impl EventStore for InMemory {
    fn append(&mut self, rules: &[usize], event: Arc<Stored>) -> bool {
        for &rule in rules {
            let Some(ring) = self.rings.get_mut(rule) else {
                continue;
            };
            ring.push_back(Arc::clone(&event));
            // Counted once for each rule: then a bound on all is one on what is really held.
            self.bytes += event.bytes();
            if ring.len() > self.events_max.get(rule).copied().unwrap_or_default() {
                self.forget(rule);
            }
        }
        let is_full = self.bytes > self.bytes_max;
        while self.bytes > self.bytes_max
            && let Some(rule) = self.oldest()
        {
            self.forget(rule);
        }
        is_full
    }

    fn events(&self, rule: usize) -> Box<dyn Iterator<Item = &Arc<Stored>> + '_> {
        Box::new(self.rings.get(rule).into_iter().flatten())
    }
}

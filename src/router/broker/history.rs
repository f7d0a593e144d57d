//! Event history: events that were published, to be asked for later.
//!
//! What is kept, and who may see it, is decided here; where it lies is behind [`EventStore`]. Spec:
//! ap#pubsub-event-history.

use std::borrow::Cow;
use std::iter;
use std::ops::RangeInclusive;

use jiff::Timestamp;

use super::audience::{Filter, names_sessions};
use super::publication::Publication;
use super::store::{EventStore, StoredEvent};
use crate::protocol::{MatchPolicy, PublicationId, Uri};
use crate::router::identity::Identity;
use crate::router::settings::HistoryRule;

/// The history of one realm.
#[derive(Debug)]
pub(super) struct History {
    /// Each about other topics.
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
    /// The history that a store holds, and will.
    pub(super) fn new(rules: &[HistoryRule], store: Box<dyn EventStore>) -> Self {
        Self {
            rules: distinct(rules),
            last: store.last_number(),
            store,
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
        let rules = self.rules.iter();
        let rules: Vec<&HistoryRule> = rules
            .filter(|rule| rule.topics.matches(publication.topic))
            .collect();
        if rules.is_empty() {
            return false;
        }
        self.last += 1;
        let event = StoredEvent {
            number: self.last,
            time: now(),
            publication: publication.kept(),
        };
        self.store.append(&rules, event)
    }

    /// The first events under a pattern that somebody may see and wants, in the order wanted, so many at most.
    ///
    /// Cost: O(events up to the last of them x rules), from the wanted publication on where one is named.
    pub(super) fn events(
        &self,
        (policy, pattern): (MatchPolicy, &str),
        identity: &Identity,
        wanted: &Wanted,
        events_max: usize,
    ) -> Vec<Cow<'_, StoredEvent>> {
        let is_under = |event: &StoredEvent| policy.matches(pattern, event.topic());
        let Some(numbers) = self.numbers(wanted, is_under) else {
            return Vec::new();
        };
        let events = self.ordered(numbers, wanted.reverse);
        events
            .filter(|it| is_under(it) && wants(wanted, it) && is_for(it, identity))
            .take(events_max)
            .collect()
    }

    /// The numbers between which events are wanted. `None` where a publication is named that is not there: nothing can
    /// be said to come before or after it.
    fn numbers(
        &self,
        wanted: &Wanted,
        is_under: impl Fn(&StoredEvent) -> bool,
    ) -> Option<RangeInclusive<u64>> {
        let number = |publication: PublicationId| {
            let found = self.store.find(publication);
            found.filter(|it| is_under(it)).map(|it| it.number)
        };
        let (mut first, mut last) = (0, u64::MAX);
        if let Some(from) = wanted.from_publication {
            first = first.max(number(from)?);
        }
        if let Some(after) = wanted.after_publication {
            first = first.max(number(after)? + 1);
        }
        if let Some(before) = wanted.before_publication {
            last = last.min(number(before)?.saturating_sub(1));
        }
        if let Some(until) = wanted.until_publication {
            last = last.min(number(until)?);
        }
        Some(first..=last)
    }

    /// The events of all rules, each once, the oldest or the newest first.
    fn ordered(
        &self,
        numbers: RangeInclusive<u64>,
        newest_first: bool,
    ) -> impl Iterator<Item = Cow<'_, StoredEvent>> {
        let events = |rule: &HistoryRule| {
            let events = self.store.events(&rule.topics, numbers.clone());
            let events: Box<dyn Iterator<Item = _>> = if newest_first {
                Box::new(events.rev())
            } else {
                events
            };
            events.peekable()
        };
        let mut rings: Vec<_> = self.rules.iter().map(events).collect();
        iter::from_fn(move || {
            let heads = rings
                .iter_mut()
                .filter_map(|ring| Some(ring.peek()?.number));
            let next = if newest_first {
                heads.max()
            } else {
                heads.min()
            }?;
            // Of an event under several rules, one.
            rings.iter_mut().fold(None, |found, ring| {
                ring.next_if(|event| event.number == next).or(found)
            })
        })
    }
}

/// Of rules about the same topics, the one that keeps most.
fn distinct(rules: &[HistoryRule]) -> Vec<HistoryRule> {
    let mut distinct: Vec<HistoryRule> = Vec::new();
    for rule in rules {
        match distinct.iter_mut().find(|it| it.topics == rule.topics) {
            Some(same) => same.events_max = same.events_max.max(rule.events_max),
            None => distinct.push(rule.clone()),
        }
    }
    distinct
}

fn wants(wanted: &Wanted, event: &StoredEvent) -> bool {
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
fn is_for(event: &StoredEvent, identity: &Identity) -> bool {
    let audience = event.publication.audience.as_ref();
    audience.is_none_or(|audience| Filter::of_kept(audience).admits_identity(identity))
}

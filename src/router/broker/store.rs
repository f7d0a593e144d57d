//! Where events of a history lie: what a store must do, and the one in memory.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::publication::KeptPublication;
use crate::protocol::PublicationId;
use crate::router::settings::{HistoryRule, UriPattern};

/// What an event takes beside itself: its places in a ring and a map, what allocations cost.
const OVERHEAD_BYTES: usize = 128;

/// An event that was published.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// Counts up with each event of a realm, from 1.
    pub number: u64,
    /// When, in whole milliseconds.
    pub time: Timestamp,
    /// What.
    pub publication: KeptPublication,
}

impl StoredEvent {
    /// Bytes that it takes of memory under one rule, with all that keeping it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.publication.bytes() + OVERHEAD_BYTES
    }

    pub(super) fn topic(&self) -> &str {
        self.publication.topic.as_str()
    }
}

/// Where the events of one realm lie, in the order in which they came.
///
/// A durable store implements it as the one in memory does. It is asked under the realm's lock: neither reading nor
/// writing may wait for a disk, or all sessions of the realm do.
pub trait EventStore: fmt::Debug + Send {
    /// The number of the newest event that was ever kept, 0 where none was. The next one has the number behind it.
    fn last_number(&self) -> u64;

    /// Keeps an event under each of these rules, of each no more than its newest `events_max`.
    ///
    /// A rule is known again by its topics, also when its realm is made anew.
    ///
    /// Says whether others were forgotten for want of room.
    fn append(&mut self, rules: &[&HistoryRule], event: StoredEvent) -> bool;

    /// The events under the rule about these topics that have such numbers, the oldest first.
    fn events(
        &self,
        topics: &UriPattern,
        numbers: RangeInclusive<u64>,
    ) -> Box<dyn DoubleEndedIterator<Item = Cow<'_, StoredEvent>> + '_>;

    /// The event of a publication, if it is kept under any rule.
    fn find(&self, publication: PublicationId) -> Option<Cow<'_, StoredEvent>>;
}

/// A store that ends with the process.
#[derive(Debug)]
pub(in crate::router) struct InMemory {
    /// By the topics of the rule.
    rings: IndexMap<UriPattern, VecDeque<Arc<StoredEvent>>, FxBuildHasher>,
    /// Every event that is in a ring.
    all: FxHashMap<PublicationId, Arc<StoredEvent>>,
    last: u64,
    bytes: usize,
    bytes_max: usize,
}

impl InMemory {
    /// Keeps events that take so many bytes.
    pub(in crate::router) fn new(bytes_max: usize) -> Self {
        Self {
            rings: IndexMap::default(),
            all: FxHashMap::default(),
            last: 0,
            bytes: 0,
            bytes_max,
        }
    }

    /// Forgets the oldest event of the ring at this place.
    fn forget(&mut self, at: usize) {
        let ring = self.rings.get_index_mut(at).map(|(_, ring)| ring);
        let Some(event) = ring.and_then(VecDeque::pop_front) else {
            return;
        };
        self.bytes -= event.bytes();
        // Beside this one, there is the one among all.
        if Arc::strong_count(&event) == 2 {
            self.all.remove(&event.publication.id);
        }
    }

    /// The place of the ring whose oldest event is the oldest of all.
    fn oldest(&self) -> Option<usize> {
        let firsts = self.rings.values().enumerate();
        let firsts = firsts.filter_map(|(at, ring)| Some((ring.front()?.number, at)));
        firsts.min().map(|(_, at)| at)
    }
}

impl EventStore for InMemory {
    fn last_number(&self) -> u64 {
        self.last
    }

    fn append(&mut self, rules: &[&HistoryRule], event: StoredEvent) -> bool {
        self.last = event.number;
        let event = Arc::new(event);
        self.all.insert(event.publication.id, Arc::clone(&event));
        for rule in rules {
            let entry = self.rings.entry(rule.topics.clone());
            let at = entry.index();
            let ring = entry.or_default();
            ring.push_back(Arc::clone(&event));
            let is_over = ring.len() > rule.events_max;
            // Counted once for each rule: then a bound on all is one on what is really held.
            self.bytes += event.bytes();
            if is_over {
                self.forget(at);
            }
        }
        drop(event);
        let is_full = self.bytes > self.bytes_max;
        while self.bytes > self.bytes_max
            && let Some(at) = self.oldest()
        {
            self.forget(at);
        }
        is_full
    }

    fn events(
        &self,
        topics: &UriPattern,
        numbers: RangeInclusive<u64>,
    ) -> Box<dyn DoubleEndedIterator<Item = Cow<'_, StoredEvent>> + '_> {
        let Some(ring) = self.rings.get(topics) else {
            return Box::new(std::iter::empty());
        };
        let begin = ring.partition_point(|event| event.number < *numbers.start());
        let end = ring.partition_point(|event| event.number <= *numbers.end());
        let events = ring.range(begin..end.max(begin));
        Box::new(events.map(|event| Cow::Borrowed(&**event)))
    }

    fn find(&self, publication: PublicationId) -> Option<Cow<'_, StoredEvent>> {
        self.all.get(&publication).map(|it| Cow::Borrowed(&**it))
    }
}

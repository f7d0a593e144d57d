//! Events that topics keep for subscribers to come.
//!
//! A topic keeps the last event that was for everybody, and a few newer ones that were for some only.
//! Spec: ap#event-retention.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::time::Instant;

use super::audience::{Filter, KeptAudience, is_for_some};
use super::publication::{KeptPublication, Publication};
use super::subscription::Subscription;
use crate::protocol::{MatchPolicy, SessionId};
use crate::router::identity::Identity;
use crate::router::limits::LimitName;
use crate::router::limits::Limits;
use crate::router::settings::RetentionRule;
use crate::router::shard::Key;

/// What an event takes beside itself and its topics: its places in the maps, what allocations cost.
const OVERHEAD_BYTES: usize = 320;
/// Beyond so many nodes looked at to find the owners of resource keys, an answer ends. bound: the realm waits meanwhile;
/// it is a few milliseconds.
const NODE_LOOKS_MAX: usize = 1_000_000;

/// The retained events of one realm, by topic.
#[derive(Debug, Default)]
pub(super) struct Retention {
    topics: BTreeMap<Box<str>, VecDeque<Retained>>,
    /// Topics in the order in which they were last written to, with that write's number; old numbers are passed over.
    order: VecDeque<(u64, Box<str>)>,
    writes: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Retained {
    publication: KeptPublication,
    /// Its publisher, where it does not hear itself.
    excluded: Option<SessionId>,
    /// Which write it was.
    write: u64,
    expires: Option<Instant>,
    /// Its resource key.
    key: Option<Key>,
}

/// Who asks for what is kept, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker<'a> {
    pub(super) now: Instant,
    pub(super) session: SessionId,
    pub(super) identity: &'a Identity,
    /// What it has just subscribed to.
    pub(super) subscription: &'a Subscription,
}

/// What a subscriber gets of what is kept.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) events: Vec<Publication<'a>>,
    /// Whether that is not all.
    pub(super) is_cut: bool,
}

impl Retained {
    /// Whether somebody would have got it, subscribed as he is now.
    fn is_for(&self, asker: &Asker<'_>) -> bool {
        let (session, subscription) = (asker.session, asker.subscription);
        let is_fresh = self.expires.is_none_or(|expires| asker.now < expires);
        let owner = || subscription.owner(self.key);
        let audience = self.publication.audience.as_ref();
        is_fresh
            && self.excluded != Some(session)
            && audience.is_none_or(|it| Filter::of_kept(it).admits(session, asker.identity))
            && (self.key.is_none() || subscription.is_addressed(session, owner()))
    }

    fn bytes(&self) -> usize {
        // Its topic is a key, too, and twice in the order at most.
        self.publication.bytes() + 3 * self.publication.topic.as_str().len() + OVERHEAD_BYTES
    }
}

impl Retention {
    /// How many topics keep an event.
    pub(super) fn len(&self) -> usize {
        self.topics.len()
    }

    /// Keeps an event, if a rule lets its topic keep any; returns the limit for whose sake others were forgotten.
    pub(super) fn keep(
        &mut self,
        rules: &[RetentionRule],
        limits: &Limits,
        now: Instant,
        publication: &Publication<'_>,
    ) -> Option<LimitName> {
        let rule = rules
            .iter()
            .find(|rule| rule.topics.matches(publication.topic));
        let rule = rule?;
        let rkey = publication.audience.and_then(|it| it.rkey.as_deref());
        self.writes += 1;
        let retained = Retained {
            publication: publication.kept(),
            excluded: publication.excluded,
            write: self.writes,
            // A time beyond what a clock can count is for ever.
            expires: rule.lifetime.and_then(|lifetime| now.checked_add(lifetime)),
            key: rkey.map(Key::new),
        };
        let topic = publication.topic.as_str();
        self.bytes += retained.bytes();
        self.order.push_back((self.writes, topic.into()));
        let is_for_some = publication.audience.is_some_and(is_for_some);
        let kept = self.topics.entry(topic.into());
        // Most topics keep one event, and a queue has room for four from its first on.
        let kept = kept.or_insert_with(|| VecDeque::with_capacity(1));
        if !is_for_some {
            self.bytes -= kept.drain(..).map(|it| it.bytes()).sum::<usize>();
        }
        kept.push_back(retained);
        let mut reached = None;
        if kept.iter().filter(|it| is_for_some_only(it)).count() > limits.retained_filtered
            && let Some(oldest) = kept.iter().position(is_for_some_only)
        {
            reached = Some(LimitName::retained_filtered);
            self.bytes -= kept.remove(oldest).map_or(0, |it| it.bytes());
        }
        if self.topics.len() > limits.retained_topics {
            reached = Some(LimitName::retained_topics);
        } else if self.bytes > limits.retained_bytes {
            reached = Some(LimitName::retained_bytes);
        }
        self.shrink(limits);
        reached
    }

    /// Forgets topics until the bounds hold, the one first that was written to longest ago.
    fn shrink(&mut self, limits: &Limits) {
        let is_over = |it: &Self| {
            it.topics.len() > limits.retained_topics || it.bytes > limits.retained_bytes
        };
        // Each topic is in the order once for each write, so old writes are passed over.
        while is_over(self) || self.order.len() > 2 * self.topics.len() + 16 {
            let Some((write, topic)) = self.order.pop_front() else {
                return;
            };
            let is_newest = self
                .topics
                .get(&topic)
                .and_then(|kept| kept.back())
                .is_some_and(|last| last.write == write);
            if is_newest && is_over(self) {
                if let Some(kept) = self.topics.remove(&topic) {
                    self.bytes -= kept.iter().map(Retained::bytes).sum::<usize>();
                }
            } else if is_newest {
                self.order.push_back((write, topic));
            }
        }
    }

    /// Topic by topic, in their order, the newest event that somebody would have got; so many at most.
    ///
    /// Cost: O(log topics) for an exact topic, else all topics that begin as the pattern does.
    pub(super) fn answer(
        &self,
        (policy, pattern): (MatchPolicy, &str),
        asker: &Asker<'_>,
        events_max: usize,
    ) -> Answer<'_> {
        let mut answer = Answer {
            events: Vec::new(),
            is_cut: false,
        };
        let rivals = asker.subscription.rivals(asker.session);
        let mut looks = 0;
        for kept in self.matching(policy, pattern) {
            let found = kept.iter().rev().find(|it| {
                looks += it.key.map_or(0, |_| rivals);
                it.is_for(asker)
            });
            if looks > NODE_LOOKS_MAX || (found.is_some() && answer.events.len() == events_max) {
                answer.is_cut = true;
                break;
            }
            let found = found.map(|it| it.publication.publication());
            answer.events.extend(found);
        }
        answer
    }

    /// What the topics keep that a pattern matches.
    fn matching<'a>(
        &'a self,
        policy: MatchPolicy,
        pattern: &str,
    ) -> impl Iterator<Item = &'a VecDeque<Retained>> {
        let known = match policy {
            MatchPolicy::Exact | MatchPolicy::Prefix => pattern,
            // Up to the first part that the pattern leaves open.
            MatchPolicy::Wildcard => literal_start(pattern),
        };
        let begins = self
            .topics
            .range::<str, _>((Bound::Included(known), Bound::Unbounded));
        let begins = begins.take_while(move |(topic, _)| topic.starts_with(known));
        let limit = if policy == MatchPolicy::Exact {
            1
        } else {
            usize::MAX
        };
        let matching = begins
            .take(limit)
            .filter(move |(topic, _)| policy.matches(pattern, topic));
        matching.map(|(_, kept)| kept)
    }
}

fn is_for_some_only(retained: &Retained) -> bool {
    retained
        .publication
        .audience
        .as_ref()
        .is_some_and(KeptAudience::is_for_some)
}

/// What every topic that a wildcard matches begins with.
fn literal_start(pattern: &str) -> &str {
    let end = if pattern.starts_with('.') {
        Some(0)
    } else {
        pattern.find("..").map(|at| at + 1)
    };
    let end = end.unwrap_or_else(|| pattern.trim_end_matches('.').len());
    pattern.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::literal_start;

    #[test]
    fn a_wildcard_s_topics_begin_with_what_stands_before_its_first_open_part() {
        assert_eq!(literal_start("a.b..c"), "a.b.");
        assert_eq!(literal_start(".b.c"), "");
        assert_eq!(literal_start("a."), "a");
        assert_eq!(literal_start("a.b"), "a.b");
    }
}

//! Events that topics keep for subscribers to come.

use super::super::json::{json, with_payload};
use super::publish::Publication;
use super::{Router, uri};

/// An event that its topic keeps.
pub(super) struct Kept {
    publication: Publication,
    expires: Option<u64>,
}

impl Router {
    /// Keeps an event: the last for everybody, and some newer ones that are for some only.
    pub(super) fn retain(&mut self, publication: &Publication) {
        let topic = &publication.topic;
        let mut rules = self.profile.retention.iter();
        let Some(rule) = rules.find(|rule| uri::matches(rule.policy, rule.pattern, topic)) else {
            return;
        };
        let expires = rule.lifetime.map(|lifetime| self.now + lifetime);
        if !publication.is_filtered() {
            self.retained
                .retain(|kept| kept.publication.topic != *topic);
        }
        self.retained.push(Kept {
            publication: publication.clone(),
            expires,
        });
        let is_extra =
            |kept: &Kept| kept.publication.topic == *topic && kept.publication.is_filtered();
        if self.retained.iter().filter(|kept| is_extra(kept)).count()
            > self.profile.retained_filtered
        {
            self.reach("a topic forgets one of its events for some");
            let oldest = self.retained.iter().position(is_extra);
            self.retained.remove(oldest.expect("there are some"));
        }
        if self.retained_topics().len() > self.profile.retained_topics {
            self.reach("a topic forgets its event for another topic's");
            let forgotten = self.retained_topics()[0].clone();
            self.retained
                .retain(|kept| kept.publication.topic != forgotten);
        }
    }

    /// Topics that keep an event, the one last written to at the end.
    fn retained_topics(&self) -> Vec<String> {
        let mut topics: Vec<String> = Vec::new();
        for kept in &self.retained {
            topics.retain(|topic| *topic != kept.publication.topic);
            topics.push(kept.publication.topic.clone());
        }
        topics
    }

    /// Sends, topic by topic, the newest event that a new subscriber would have heard.
    pub(super) fn send_retained(&mut self, to: u64, subscription: u64) {
        let subscription = self.subscription(subscription);
        let (id, policy) = (subscription.id, subscription.policy.clone());
        let mut topics = self.retained_topics();
        topics.retain(|topic| uri::matches(&policy, &subscription.topic, topic));
        topics.sort();
        let mut sent = 0;
        for topic in topics {
            let is_over = |kept: &Kept| {
                kept.publication.topic == topic && kept.expires.is_some_and(|at| at <= self.now)
            };
            if self.retained.iter().any(is_over) {
                self.reach("a retained event is too old");
            }
            let is_his = |kept: &&Kept| {
                kept.publication.topic == topic
                    && kept.expires.is_none_or(|expires| self.now < expires)
                    && kept.publication.is_for(self.session(to))
                    && self.is_his_shard(to, id, &kept.publication)
            };
            let Some(kept) = self.retained.iter().rfind(is_his) else {
                continue;
            };
            let publication = kept.publication.clone();
            self.remember_shard(to, id, &publication);
            if publication.is_filtered() {
                self.reach("a retained event for some is heard");
            }
            if sent == self.profile.retained_answer_events {
                self.reach("a retained event is one too many");
                break;
            }
            sent += 1;
            let mut details = publication.details_under(&policy);
            details["retained"] = json!(true);
            let event = with_payload(
                json!([36, id, publication.id, details]),
                &publication.payload,
            );
            self.send(to, event);
        }
    }
    /// Whether a subscriber's node owns a publication's resource key, where both have one. Where several nodes may,
    /// the core says which.
    fn is_his_shard(&self, to: u64, id: u64, publication: &Publication) -> bool {
        let Some((key, nodes, node)) = self.shard(to, id, publication) else {
            return true;
        };
        let is_heard = self.oracle.heard(id, &publication.payload).contains(&to);
        let mut others = nodes.iter().filter(|other| **other != node);
        if is_heard {
            self.oracle.may_own(&key, &nodes, &node)
        } else {
            let is_another_s = others.any(|other| self.oracle.may_own(&key, &nodes, other));
            if is_another_s {
                self.reach("a retained event is another node's");
            }
            !is_another_s
        }
    }

    fn remember_shard(&mut self, to: u64, id: u64, publication: &Publication) {
        if let Some((key, nodes, node)) = self.shard(to, id, publication) {
            self.reach("a retained event is his node's");
            self.oracle.remember(&key, &nodes, &node);
        }
    }

    /// A publication's resource key, the nodes that may own it, and that of one of their subscribers.
    fn shard(
        &self,
        subscriber: u64,
        id: u64,
        publication: &Publication,
    ) -> Option<(String, Vec<String>, String)> {
        let key = format!("event {}", publication.options["rkey"].as_str()?);
        let subscribers = &self.subscription(id).subscribers;
        let mut of_his = subscribers.iter().filter(|(one, _)| *one == subscriber);
        let node = of_his.next()?.1.clone()?;
        Some((key, self.nodes(id), node))
    }
}

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
            };
            let Some(kept) = self.retained.iter().rfind(is_his) else {
                continue;
            };
            if kept.publication.is_filtered() {
                self.reach("a retained event for some is heard");
            }
            if sent == self.profile.retained_answer_events {
                self.reach("a retained event is one too many");
                break;
            }
            sent += 1;
            let mut details = kept.publication.details_under(&policy);
            details["retained"] = json!(true);
            let publication = kept.publication.id;
            let event = with_payload(
                json!([36, id, publication, details]),
                &kept.publication.payload,
            );
            self.send(to, event);
        }
    }
}

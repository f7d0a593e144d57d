//! Publications: who hears them, and what the event says.

use super::super::json::{Json, behind, copy_passthru, is_set, json, text, with_payload, word};
use super::session::Session;
use super::{Fault, PUBLICATIONS, Refusal, Router};

/// What is published.
#[derive(Clone)]
pub(super) struct Publication {
    pub(super) id: u64,
    pub(super) topic: String,
    /// The publisher, where it does not hear itself.
    excluded: Option<u64>,
    pub(super) options: Json,
    pub(super) details: Json,
    pub(super) payload: Vec<Json>,
}

impl Publication {
    /// Whether its filters let a session hear it.
    pub(super) fn is_for(&self, session: &Session) -> bool {
        self.excluded != Some(session.id)
            && !self.lists("exclude", &json!(session.id))
            && self.allows("eligible", &json!(session.id))
            && self.is_for_identity(session)
    }

    /// Whether its filters by name and role do.
    pub(super) fn is_for_identity(&self, session: &Session) -> bool {
        let (authid, authrole) = (json!(session.authid), json!(session.authrole));
        !self.lists("exclude_authid", &authid)
            && !self.lists("exclude_authrole", &authrole)
            && self.allows("eligible_authid", &authid)
            && self.allows("eligible_authrole", &authrole)
    }

    fn lists(&self, key: &str, value: &Json) -> bool {
        self.options[key]
            .as_array()
            .is_some_and(|listed| listed.contains(value))
    }

    fn allows(&self, key: &str, value: &Json) -> bool {
        self.options[key].is_null() || self.lists(key, value)
    }

    /// Whether it names sessions.
    pub(super) fn names_sessions(&self) -> bool {
        ["exclude", "eligible"]
            .iter()
            .any(|key| !self.options[*key].is_null())
    }

    /// Whether it is for some only.
    pub(super) fn is_filtered(&self) -> bool {
        let keys = [
            "rkey",
            "exclude_authid",
            "exclude_authrole",
            "eligible_authid",
            "eligible_authrole",
        ];
        self.names_sessions() || keys.iter().any(|key| !self.options[*key].is_null())
    }

    /// What an EVENT of a subscription says.
    pub(super) fn details_under(&self, policy: &str) -> Json {
        let mut details = self.details.clone();
        if policy != "exact" {
            details["topic"] = json!(self.topic);
        }
        details
    }
}

impl Router {
    pub(super) fn receive_publish(&mut self, from: u64, message: &Json) -> Result<(), Fault> {
        let options = &message[2];
        let is_opaque = word(options, "ppt_scheme").is_some();
        if is_opaque && !self.announces(from, "publisher", "payload_passthru_mode") {
            return Err(Fault::Broken);
        }
        let id = self.publish(from, options, text(&message[3]), &behind(message, 4))?;
        if is_set(options, "acknowledge") {
            self.send(from, json!([17, message[1], id]));
        }
        Ok(())
    }

    /// Publishes for a client; returns the publication.
    pub(super) fn publish(
        &mut self,
        from: u64,
        options: &Json,
        topic: &str,
        payload: &[Json],
    ) -> Result<u64, Refusal> {
        self.check_uri(topic, "exact")?;
        Self::check_not_reserved(topic)?;
        self.check_disclosure(is_set(options, "disclose_me"))?;
        let mut details = json!({});
        if let Some(level) = self.trust_level(from, topic) {
            details["trustlevel"] = json!(level);
        }
        if is_set(options, "disclose_me") {
            let publisher = self.session(from);
            details["publisher"] = json!(publisher.id);
            details["publisher_authid"] = json!(publisher.authid);
            details["publisher_authrole"] = json!(publisher.authrole);
        }
        copy_passthru(options, &mut details);
        let publication = Publication {
            id: self.fresh(PUBLICATIONS),
            topic: topic.to_owned(),
            excluded: (options["exclude_me"] != json!(false)).then_some(from),
            options: options.clone(),
            details,
            payload: payload.to_vec(),
        };
        self.deliver(&publication);
        self.store(&publication);
        if is_set(options, "retain") {
            self.retain(&publication);
        }
        Ok(publication.id)
    }

    /// Publishes for the router itself.
    pub(super) fn publish_happening(&mut self, topic: &str, args: &[Json]) {
        let publication = Publication {
            id: self.fresh(PUBLICATIONS),
            topic: topic.to_owned(),
            excluded: None,
            options: json!({}),
            details: json!({}),
            payload: vec![json!(args)],
        };
        self.deliver(&publication);
    }

    fn deliver(&mut self, publication: &Publication) {
        for id in self.matching(&publication.topic) {
            let owner = self.node_owner(id, publication);
            let subscription = self.subscription(id);
            let details = publication.details_under(&subscription.policy);
            let event = with_payload(
                json!([36, id, publication.id, details]),
                &publication.payload,
            );
            let is_addressed = |node: &Option<String>| match (&owner, node) {
                (Some(owner), Some(node)) => owner == node,
                _ => true,
            };
            let hears = |(session, node): &&(u64, Option<String>)| {
                is_addressed(node) && publication.is_for(self.session(*session))
            };
            let audience: Vec<u64> = subscription
                .subscribers
                .iter()
                .filter(hears)
                .map(|(session, _)| *session)
                .collect();
            for session in audience {
                self.send(session, event.clone());
            }
        }
    }

    /// The node of a subscription that alone gets what has this publication's resource key. Which one that is, is
    /// the core's to say.
    fn node_owner(&mut self, id: u64, publication: &Publication) -> Option<String> {
        let key = format!("event {}", publication.options["rkey"].as_str()?);
        let subscribers = self.subscription(id).subscribers.clone();
        let nodes = self.nodes(id);
        let heard = self.oracle.heard(id, &publication.payload);
        let hearing = |node: &String| {
            let of_node = |(session, held): &&(u64, Option<String>)| {
                held.as_ref() == Some(node) && publication.is_for(self.session(*session))
            };
            let mut of_node = subscribers.iter().filter(of_node);
            of_node.any(|(session, _)| heard.contains(session))
        };
        let may_hear = |node: &String| {
            subscribers.iter().any(|(session, held)| {
                held.as_ref() == Some(node) && publication.is_for(self.session(*session))
            })
        };
        if let Some(owner) = nodes.iter().find(|node| hearing(node)).cloned()
            && self.oracle.may_own(&key, &nodes, &owner)
        {
            if nodes.len() > 1 {
                self.reach("one of several nodes hears an event");
            }
            self.oracle.remember(&key, &nodes, &owner);
            return Some(owner);
        }
        // Nobody heard it: then it is a node that the filters leave nobody of.
        let mut others = nodes
            .iter()
            .filter(|node| self.oracle.may_own(&key, &nodes, node));
        others
            .find(|node| !may_hear(node))
            .or_else(|| nodes.first())
            .cloned()
    }
    /// The nodes of a subscription, each once.
    pub(super) fn nodes(&self, id: u64) -> Vec<String> {
        let subscribers = self.subscription(id).subscribers.iter();
        let mut nodes: Vec<String> = subscribers.filter_map(|(_, node)| node.clone()).collect();
        nodes.sort();
        nodes.dedup();
        nodes
    }
}

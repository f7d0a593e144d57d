//! A store of event history that is none of the router's own: lines of text, as a file has them, which outlive the realm.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};

use serde_json::{Value, from_str, json};
use wamp::protocol::message::{Event, Publish};
use wamp::protocol::{
    EventDetails, MatchPolicy, Message, PublicationId, PublishOptions, RequestId, SessionId,
    SubscriptionId,
};
use wamp::router::{
    Authenticator, EventStore, Handshake, HistoryRule, KeptAudience, KeptPublication, Limits,
    Occurrence, Output, Realm, Settings, Sources, Step, StoredEvent, Transport, UriPattern,
};
use wamp::serializer::Serializer;

/// Each line is an event, and the rules that keep it.
#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn read(&self) -> Vec<(Value, StoredEvent)> {
        let lines = self.0.lock().unwrap();
        lines.iter().map(|line| read(line)).collect()
    }
}

impl EventStore for Lines {
    fn last_number(&self) -> u64 {
        let last = self.read().pop();
        last.map_or(0, |(_, event)| event.number)
    }

    fn append(&mut self, rules: &[&HistoryRule], event: StoredEvent) -> bool {
        self.0.lock().unwrap().push(write(rules, &event));
        false
    }

    fn events(
        &self,
        topics: &UriPattern,
        numbers: RangeInclusive<u64>,
    ) -> Box<dyn DoubleEndedIterator<Item = Cow<'_, StoredEvent>> + '_> {
        let mut newest_first = self.read();
        newest_first.reverse();
        let under = |(rules, event): (Value, StoredEvent)| {
            let mut rules = rules.as_array().unwrap().iter();
            let max = rules.find(|rule| rule[0] == name(topics))?[1].as_u64();
            Some((max.unwrap(), event))
        };
        let under = newest_first.into_iter().filter_map(under);
        // As many as the rule said when the newest was kept.
        let mut kept: Vec<(u64, StoredEvent)> = under.collect();
        let max = kept.first().map_or(0, |(max, _)| *max);
        kept.truncate(max.try_into().unwrap());
        let events = kept.into_iter().map(|(_, event)| event).rev();
        Box::new(
            events
                .filter(move |event| numbers.contains(&event.number))
                .map(Cow::Owned),
        )
    }

    fn find(&self, publication: PublicationId) -> Option<Cow<'_, StoredEvent>> {
        let mut all = self.read().into_iter().map(|(_, event)| event);
        all.find(|event| event.publication.id == publication)
            .map(Cow::Owned)
    }
}

fn name(topics: &UriPattern) -> Value {
    let policy = match topics.policy {
        MatchPolicy::Exact => "exact",
        MatchPolicy::Prefix => "prefix",
        MatchPolicy::Wildcard => "wildcard",
    };
    json!([policy, topics.pattern.as_str()])
}

/// What the publisher asked for, and what subscribers hear, as messages.
fn write(rules: &[&HistoryRule], event: &StoredEvent) -> String {
    let kept = event.publication.clone();
    let audience = kept.audience.map(|it| Box::new(it.audience().clone()));
    let publish = Publish {
        request: RequestId::FIRST,
        options: PublishOptions {
            audience,
            ..PublishOptions::default()
        },
        topic: kept.topic.clone(),
        payload: kept.payload.clone(),
    };
    let heard = Event {
        subscription: SubscriptionId::FIRST,
        publication: kept.id,
        details: EventDetails {
            origin: kept.origin,
            passthru: kept.passthru.map(Box::new),
            ..EventDetails::default()
        },
        payload: kept.payload,
    };
    let rules = rules.iter();
    let rules = rules.map(|rule| json!([name(&rule.topics), rule.events_max]));
    let line = json!({
        "number": event.number,
        "time": event.time.to_string(),
        "rules": rules.collect::<Vec<_>>(),
        "publish": encoded(&publish.into()),
        "event": encoded(&heard.into()),
    });
    line.to_string()
}

fn read(line: &str) -> (Value, StoredEvent) {
    let line: Value = from_str(line).unwrap();
    let (publish, event) = (decoded(&line["publish"]), decoded(&line["event"]));
    let (Message::Publish(publish), Message::Event(event)) = (publish, event) else {
        panic!("{line}");
    };
    let audience = publish.options.audience.as_deref();
    let publication = KeptPublication {
        id: event.publication,
        topic: publish.topic,
        payload: event.payload,
        origin: event.details.origin,
        passthru: event.details.passthru.map(|it| *it),
        audience: audience.map(KeptAudience::new),
    };
    let event = StoredEvent {
        number: line["number"].as_u64().unwrap(),
        time: line["time"].as_str().unwrap().parse().unwrap(),
        publication,
    };
    (line["rules"].clone(), event)
}

fn encoded(message: &Message) -> String {
    String::from_utf8(Serializer::Json.encode(message).to_vec()).unwrap()
}

fn decoded(message: &Value) -> Message {
    let text = message.as_str().unwrap().to_owned();
    Serializer::Json.decode(&text.into()).unwrap()
}

/// One session in a realm whose history is in those lines.
struct Client {
    realm: Realm,
    session: SessionId,
    request: u64,
}

impl Client {
    /// The `run` tells the ids of one from those of others.
    fn join(lines: &Lines, rules: &[HistoryRule], run: u64) -> Self {
        let settings = Settings {
            history: rules.to_vec(),
            ..Settings::default()
        };
        let (limits, sources) = (Limits::default(), Sources::counting(run * 1_000));
        let store = Box::new(lines.clone());
        let mut realm = Realm::with_store("realm1".into(), settings, limits, sources, store);
        let hello = json!([1, "realm1", {"roles": {"caller": {}, "publisher": {}}}]);
        let hello = Serializer::Json.decode(&hello.to_string().into()).unwrap();
        let occurrence = Occurrence {
            session: SessionId::FIRST,
            time: jiff::Timestamp::UNIX_EPOCH,
            nonce: &[0; 32],
            channel: None,
            remembered: None,
        };
        let authenticator = Authenticator::default();
        let mut handshake = Handshake::default();
        let step = handshake.handle_message(hello, |_| true, &authenticator, &occurrence);
        let Step::Join(joining) = step else {
            panic!("it may join");
        };
        let transport = Transport {
            kind: "memory",
            protocol: Serializer::Json.subprotocol(),
            peer: "test".into(),
            is_local: true,
        };
        let session = realm.handle_join(&joining, transport).unwrap();
        let mut client = Self {
            realm,
            session,
            request: 0,
        };
        client.receive();
        client
    }

    /// Sends a request, and takes the answer.
    fn ask(&mut self, code: u64, rest: &Value) -> Value {
        self.request += 1;
        let mut message = vec![json!(code), json!(self.request)];
        message.extend(rest.as_array().unwrap().iter().cloned());
        let message = json!(message).to_string();
        let message = Serializer::Json.decode(&message.into()).unwrap();
        self.realm
            .handle_message(wamp::node::now(), self.session, message);
        self.receive()
    }

    fn receive(&mut self) -> Value {
        let Some(Output::Send { message, .. }) = self.realm.poll_output() else {
            panic!("an answer comes");
        };
        from_str(&encoded(&message)).unwrap()
    }

    /// The publication's id.
    fn publish(&mut self, options: &Value, topic: &str, args: &Value) -> Value {
        let mut options = options.clone();
        options["acknowledge"] = json!(true);
        self.ask(16, &json!([options, topic, args]))[2].clone()
    }

    fn call(&mut self, procedure: &str, args: &Value, kwargs: &Value) -> Value {
        let result = self.ask(48, &json!([{}, procedure, args, kwargs]));
        assert_eq!(result[0], json!(50), "{result}");
        result[3][0].clone()
    }

    /// What a prefix's history tells.
    fn history(&mut self, prefix: &str, wanted: &Value) -> Vec<Value> {
        let pattern = json!([prefix, {"match": "prefix"}]);
        let subscription = self.call("wamp.subscription.lookup", &pattern, &json!({}));
        let events = self.call(
            "wamp.subscription.get_events",
            &json!([subscription]),
            wanted,
        );
        events.as_array().unwrap().clone()
    }
}

fn args(events: &[Value]) -> Vec<Value> {
    each(events, "args")
}

fn each(events: &[Value], key: &str) -> Vec<Value> {
    events.iter().map(|event| event[key].clone()).collect()
}

fn rule(pattern: &'static str, events_max: usize) -> HistoryRule {
    HistoryRule {
        topics: UriPattern {
            policy: MatchPolicy::Prefix,
            pattern: pattern.into(),
        },
        events_max,
    }
}

#[test]
fn what_another_store_keeps_outlives_the_realm_and_is_gone_on_with() {
    let lines = Lines::default();
    let (all, some) = (rule("a.", 100), rule("a.b.", 2));
    let mut before = Client::join(&lines, &[all.clone(), some.clone()], 1);
    let first = before.publish(&json!({"disclose_me": true}), "a.x", &json!([1]));
    let staff = json!({"eligible_authrole": ["staff"], "rkey": "k"});
    before.publish(&staff, "a.b.x", &json!([2]));
    before.publish(&json!({}), "b", &json!(["kept nowhere"]));
    before.publish(&json!({}), "a.b.x", &json!([3]));
    before.publish(&json!({}), "a.b.y", &json!([4]));
    let told = before.history("a.", &json!({}));
    assert_eq!(args(&told), [json!([1]), json!([3]), json!([4])]);
    drop(before);

    // Its rules come in another order, and their events under their topics all the same.
    let mut after = Client::join(&lines, &[some, all], 2);
    let still_told = after.history("a.", &json!({}));
    for key in ["publication", "timestamp", "details", "args"] {
        assert_eq!(each(&still_told, key), each(&told, key));
    }
    let last = after.publish(&json!({}), "a.b.x", &json!([5]));
    assert_eq!(
        args(&after.history("a.b.", &json!({}))),
        [json!([3]), json!([4]), json!([5])]
    );
    let newest = json!({"reverse": true, "limit": 2});
    assert_eq!(
        args(&after.history("a.", &newest)),
        [json!([5]), json!([4])]
    );
    let page = json!({"after_publication": first, "before_publication": last});
    assert_eq!(args(&after.history("a.", &page)), [json!([3]), json!([4])]);
    let numbers: Vec<u64> = lines.read().iter().map(|(_, it)| it.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}

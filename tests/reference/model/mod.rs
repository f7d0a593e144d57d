//! A naive router for one realm: plain lists, searched from end to end, and messages as they are on the wire.
//!
//! It shares no code with the core. Its ids are its own, each kind in a range of its own; whoever compares finds
//! out which of the core's they stand for. Where a choice is the core's (chance, shards), it asks the [`Oracle`].
//!
//! | module | what it is |
//! |---|---|
//! | [`session`] | who is there, what they announced, which request is next, how a session ends |
//! | [`shape`], [`uri`] | what a message must look like; what a URI must, and what matches it |
//! | [`registrations`] | who offers what |
//! | [`calls`], [`choice`], [`answers`], [`endings`] | a call: made, given to a callee, answered, ended otherwise |
//! | [`subscriptions`], [`publish`], [`retained`], [`history`] | who hears what, now and later |
//! | [`meta`] | the procedures and events of the router itself |
//! | [`oracle`] | what is the core's to choose |

mod answers;
mod calls;
mod choice;
mod endings;
mod history;
mod meta;
mod oracle;
mod publish;
mod registrations;
mod retained;
mod session;
mod shape;
mod subscriptions;
mod uri;

use std::cell::RefCell;
use std::collections::BTreeSet;

pub(super) use calls::{Call, Place};
pub(super) use oracle::Oracle;
pub(super) use registrations::Registration;
pub(super) use session::Session;
pub(super) use subscriptions::Subscription;

use super::json::{ANY, Json, REST, json, number, text};
use super::profile::Profile;

/// Where the ids of each kind begin; above all that clients make up.
pub(super) const SESSIONS: u64 = 1_000_000_000_000;
pub(super) const PUBLICATIONS: u64 = 2_000_000_000_000;
pub(super) const REGISTRATIONS: u64 = 3_000_000_000_000;
pub(super) const SUBSCRIPTIONS: u64 = 4_000_000_000_000;

/// The realm.
pub(super) struct Router {
    pub(super) profile: Profile,
    /// Milliseconds since it began.
    pub(super) now: u64,
    pub(super) sessions: Vec<Session>,
    pub(super) registrations: Vec<Registration>,
    pub(super) calls: Vec<Call>,
    pub(super) subscriptions: Vec<Subscription>,
    retained: Vec<retained::Kept>,
    history: Vec<history::Stored>,
    definitions: Vec<meta::Definition>,
    last_id: u64,
    happenings: Vec<(Option<u64>, Happening)>,
    pub(super) oracle: Oracle,
    /// Whether sessions are ending together, in no order.
    ends_many: bool,
    /// Whether a session is just ending, with all its calls.
    is_ending: bool,
    chain: Option<u64>,
    out: Vec<Sent>,
    reached: RefCell<BTreeSet<&'static str>>,
}

/// A message to a session, or its end.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) to: u64,
    /// Messages of one chain come in their order; those of two chains that meet, in any.
    pub(super) chain: Option<u64>,
    pub(super) message: Json,
    /// Whether other messages may come before it that this reference does not tell of.
    pub(super) is_after_others: bool,
}

/// A meta event: topic and arguments.
type Happening = (&'static str, Vec<Json>);

/// A request that is refused, by its error.
pub(super) struct Refusal(pub(super) &'static str);

/// What becomes of a message.
pub(super) enum Fault {
    /// The request is refused.
    Refused(&'static str),
    /// A rule is broken.
    Broken,
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.0)
    }
}

pub(super) fn refuse<T>(error: &'static str) -> Result<T, Refusal> {
    Err(Refusal(error))
}

/// Refuses with an error where something does not hold.
pub(super) fn check(holds: bool, error: &'static str) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(Refusal(error)) }
}

impl Router {
    pub(super) fn new(profile: Profile) -> Self {
        let mut router = Self {
            profile,
            now: 0,
            sessions: Vec::new(),
            registrations: Vec::new(),
            calls: Vec::new(),
            subscriptions: Vec::new(),
            retained: Vec::new(),
            history: Vec::new(),
            definitions: Vec::new(),
            last_id: 0,
            happenings: Vec::new(),
            oracle: Oracle::default(),
            ends_many: false,
            is_ending: false,
            chain: None,
            out: Vec::new(),
            reached: RefCell::default(),
        };
        router.subscribe_history();
        router
    }

    /// Notes that something rare has happened.
    fn reach(&self, what: &'static str) {
        self.reached.borrow_mut().insert(what);
    }

    /// What rare things have happened.
    pub(super) fn take_reached(&self) -> BTreeSet<&'static str> {
        self.reached.take()
    }

    /// Takes what is to be sent.
    pub(super) fn take_sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.out)
    }

    /// Takes a message of a session.
    pub(super) fn receive(&mut self, from: u64, message: &Json) {
        if self.is_dismissed(from) {
            self.receive_after_goodbye(from, message);
        } else if self.is_there(from) {
            let outcome = if shape::is_sound(message) {
                self.route(from, message)
            } else {
                Err(Fault::Broken)
            };
            match outcome {
                Ok(()) => {}
                Err(Fault::Refused(error)) => self.send_error(from, message, error),
                Err(Fault::Broken) => self.abort(from),
            }
        }
        self.settle();
    }

    fn route(&mut self, from: u64, message: &Json) -> Result<(), Fault> {
        let request = number(&message[1]);
        let code = number(&message[0]);
        if matches!(code, 16 | 32 | 34 | 64 | 66) {
            self.take_request(from, request)?;
        }
        match code {
            3 => self.end(from, Some("aborted")),
            6 => {
                self.send(from, json!([6, {}, "wamp.close.goodbye_and_out"]));
                self.end(from, Some("left"));
            }
            8 => self.receive_error(from, message)?,
            16 => self.receive_publish(from, message)?,
            32 => self.subscribe(from, message)?,
            34 => self.unsubscribe(from, request, number(&message[2]))?,
            48 => self.receive_call(from, message)?,
            49 => self.cancel(from, request, text(&message[2]["mode"])),
            64 => self.register(from, message)?,
            66 => self.unregister(from, request, number(&message[2]))?,
            70 => self.receive_yield(from, message)?,
            _ => return Err(Fault::Broken),
        }
        Ok(())
    }

    /// Lets time pass, and does what is due by then, in the order in which it is.
    pub(super) fn advance(&mut self, milliseconds: u64) {
        self.now += milliseconds;
        loop {
            let calls = self.calls.iter().filter_map(|call| call.deadline);
            let sessions = self.sessions.iter().filter_map(|session| session.dismissed);
            match calls.chain(sessions).min() {
                Some(due) if due.0 <= self.now => self.do_what_is_due(due),
                _ => break,
            }
        }
        self.settle();
    }

    fn do_what_is_due(&mut self, due: (u64, u64)) {
        if let Some(key) = self.calls.iter().find(|call| call.deadline == Some(due)) {
            self.time_out(key.key);
        } else if let Some(session) = self.sessions.iter().find(|s| s.dismissed == Some(due)) {
            self.close(session.id);
        }
    }

    /// A moment from now, and a number that tells it from others at the same time.
    fn deadline(&mut self, milliseconds: u64) -> (u64, u64) {
        (self.now + milliseconds, self.fresh(0))
    }

    /// An id that was never there before.
    fn fresh(&mut self, kind: u64) -> u64 {
        self.last_id += 1;
        kind + self.last_id
    }

    /// Sends a message, unless its recipient has gone or is just going.
    fn send(&mut self, to: u64, message: Json) {
        if self
            .find_session(to)
            .is_some_and(|session| !session.is_mute)
        {
            let chain = self.chain;
            self.out.push(Sent {
                to,
                chain,
                message,
                is_after_others: false,
            });
        }
    }

    /// Tells that a session is over.
    fn send_end(&mut self, to: u64, how: &str) {
        let message = json!(["END", how]);
        self.out.push(Sent {
            to,
            chain: None,
            message,
            is_after_others: false,
        });
    }

    /// Says goodbye. One of many may have heard of the end of another that goes with it.
    fn send_goodbye(&mut self, to: u64, message: Json, is_after_others: bool) {
        self.out.push(Sent {
            to,
            chain: None,
            message,
            is_after_others,
        });
    }

    /// Notes what subscribers to meta events will be told.
    fn happen(&mut self, happening: Happening) {
        self.happenings
            .push((Some(self.chain.unwrap_or_default()), happening));
    }

    /// Notes what they will be told after all else.
    fn happen_last(&mut self, happening: Happening) {
        self.happenings.push((None, happening));
    }

    /// Who was the last to hold what ends with it. Of sessions that end together, any may have been.
    fn last_holder(&self, session: u64) -> Json {
        if self.ends_many {
            json!(ANY)
        } else {
            json!(session)
        }
    }

    /// Tells what has happened, and lets waiting calls go on.
    fn settle(&mut self) {
        for (chain, (topic, args)) in std::mem::take(&mut self.happenings) {
            self.chain = chain;
            self.publish_happening(topic, &args);
        }
        self.begin_chain();
        self.advance_queues();
        self.end_chains();
    }

    /// Begins a chain: what is sent from here on may come before or after what is sent in other chains.
    fn begin_chain(&mut self) {
        self.chain = Some(self.fresh(0));
    }

    fn end_chains(&mut self) {
        self.chain = None;
    }

    /// Answers a request with an ERROR of the router's own.
    fn send_error(&mut self, to: u64, message: &Json, error: &str) {
        let code = number(&message[0]);
        let is_acknowledged = code != 16 || message[2]["acknowledge"] == json!(true);
        if is_acknowledged {
            self.send(to, json!([8, code, message[1], {}, error, REST]));
        }
    }

    fn abort(&mut self, session: u64) {
        let message = json!([3, {"message": ANY}, "wamp.error.protocol_violation"]);
        self.send(session, message);
        self.end(session, Some("aborted"));
    }

    fn is_valid(&self, uri: &str, policy: &str) -> bool {
        uri::is_valid(uri, policy, self.profile.strict_uris)
    }

    /// Refuses a URI that is none.
    fn check_uri(&self, uri: &str, policy: &str) -> Result<(), Refusal> {
        check(self.is_valid(uri, policy), "wamp.error.invalid_uri")
    }

    fn check_not_reserved(uri: &str) -> Result<(), Refusal> {
        check(!uri::is_reserved(uri), "wamp.error.invalid_uri")
    }

    fn check_disclosure(&self, is_asked_for: bool) -> Result<(), Refusal> {
        let error = "wamp.error.option_disallowed.disclose_me";
        check(!is_asked_for || self.profile.disclosure, error)
    }

    /// How far what a session does with a URI is trusted.
    fn trust_level(&self, who: u64, uri: &str) -> Option<u64> {
        let role = self.session(who).authrole.as_str();
        let mut rules = self.profile.trust.iter();
        let rule = rules.find(|rule| {
            uri::matches(rule.policy, rule.pattern, uri)
                && rule.authrole.is_none_or(|wanted| wanted == role)
        });
        rule.map(|rule| rule.level)
    }

    /// What the clock showed so many milliseconds ago.
    pub(super) fn written_now(&self, ago: u64) -> String {
        Self::written(self.now.saturating_sub(ago))
    }

    /// A time of day, as the meta API writes it.
    fn written(milliseconds: u64) -> String {
        let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
        let (minutes, hours) = (seconds / 60 % 60, seconds / 3600 % 24);
        format!(
            "1970-01-01T{hours:02}:{minutes:02}:{:02}.{rest:03}Z",
            seconds % 60
        )
    }
}

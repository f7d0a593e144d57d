//! Authorizers: who is asked where no rule says what a session may do, and what waits for the answer.
//!
//! An authorizer is a procedure that somebody registered; the router calls it as Crossbar.io does:
//! `[details of the session, URI, action, options]`, and takes a boolean or a dict (`allow`, `disclose`, `cache`). Whoever
//! checks a message for what it needs finds no answer, gives up before anything has changed, and the message is taken
//! again once the answer is there. Meanwhile what the session sends waits behind it, in order and up to a bound. What
//! the rules say is in `authorizer/`, and who looks up a permission in `permission.rs`.

use std::collections::VecDeque;
use std::time::Instant;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::authorizer::Action;
use super::context::Refusal;
use super::dealer::CallKey;
use super::limits::LimitName;
use super::output::{End, Output};
use super::permission::Uris;
use super::realm::Realm;
use super::session::{RequestOrder, Session};
use super::violation::Violation;
use crate::protocol::{
    Dict, MatchPolicy, Message, MessageCode, Payload, RequestId, SessionId, Uri, Value, uris,
};
use crate::serializer::Serializer;

/// The router as a caller: no session has this id.
pub(super) const ROUTER: SessionId = SessionId::from_random(u64::MAX);

/// What an authorizer is asked about one session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Question {
    action: Action,
    policy: MatchPolicy,
    uri: Uri,
}

/// What it has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Said {
        is_allowed: bool,
        /// Whether it may be disclosed who calls or publishes.
        discloses: bool,
    },
    /// Nothing that counts, for this reason.
    Failed(Box<str>),
}

/// A question, and what was said.
pub(super) type Said = (Question, Verdict);

/// The questions of one realm on their way.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// What the message at hand cannot do without.
    pub(super) question: Option<Question>,
    /// RESULTs and ERRORs for the router.
    pub(super) answers: VecDeque<Message>,
    by: IndexMap<RequestId, SessionId, FxBuildHasher>,
    /// Questions from outside the realm.
    outside: IndexMap<RequestId, CallKey, FxBuildHasher>,
    last: Option<RequestId>,
    /// When the message at hand came.
    pub(super) now: Option<Instant>,
    /// Verdicts of an earlier one are not kept any longer.
    pub(super) epoch: u64,
}

/// What a session has sent that waits for an authorizer.
#[derive(Debug)]
pub(super) struct Undecided {
    /// The first is what is asked about.
    messages: VecDeque<(RequestOrder, Message)>,
    /// Bytes of these.
    bytes: usize,
    question: Question,
    /// The question's call.
    request: RequestId,
    key: Option<CallKey>,
    /// When it was asked; what is forgotten meanwhile is not kept.
    epoch: u64,
}

/// What authorizers have said of one session, as long as it holds.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    pub(super) epoch: u64,
    pub(super) kept: IndexMap<Question, (Verdict, Instant), FxBuildHasher>,
}

impl Asked {
    fn next_request(&mut self) -> RequestId {
        let next = |last: RequestId| last.next();
        let request = self.last.map_or(RequestId::FIRST, next);
        self.last = Some(request);
        request
    }

    /// When to settle what came out of order: a call of the router's own that failed while others were handed on.
    pub(super) fn due(&self) -> Option<Instant> {
        self.now.filter(|_| !self.answers.is_empty())
    }

    /// Lets go of all that authorizers have said before.
    pub(super) const fn forget_verdicts(&mut self) {
        self.epoch += 1;
    }
}

impl Question {
    pub(super) fn new(action: Action, (policy, uri): Uris<'_>) -> Self {
        Self {
            action,
            policy,
            uri: uri.detached(),
        }
    }
}

impl Realm {
    /// Calls a procedure on the router's own behalf, within `authorization_time`: its RESULT or an ERROR comes out as
    /// [`Output::Answer`] with the id that this returns.
    pub fn handle_question(&mut self, now: Instant, procedure: Uri, payload: Payload) -> RequestId {
        let request = self.context.asked.next_request();
        let called = if self.context.asked.outside.len() < self.context.limits.realm_sign_ins {
            let question = (request, procedure, payload);
            self.dealer.ask(&mut self.context, now, ROUTER, question)
        } else {
            let text = "too many clients wait to be let in";
            Err(Refusal::limit(LimitName::realm_sign_ins, text.into()))
        };
        match called {
            Ok(key) => drop(self.context.asked.outside.insert(request, key)),
            Err(refusal) => {
                let answer = refusal.error(MessageCode::Call, request).into();
                let output = Output::Answer { request, answer };
                self.context.outputs.push_back(output);
            }
        }
        self.settle(now);
        request
    }

    /// Takes back a question whose answer nobody waits for any more.
    pub fn handle_withdrawal(&mut self, now: Instant, question: RequestId) {
        if let Some(key) = self.context.asked.outside.swap_remove(&question) {
            self.dealer.withdraw(&mut self.context, key, question);
            self.settle(now);
        }
    }

    /// Takes what a procedure has answered that the router called.
    pub(super) fn take_answer(&mut self, now: Instant, answer: Message) {
        let request = if let Message::Result(result) = &answer {
            Some(result.request)
        } else if let Message::Error(error) = &answer {
            Some(error.request)
        } else {
            None
        };
        let asked = &mut self.context.asked;
        let outside = request.filter(|request| asked.outside.swap_remove(request).is_some());
        if let Some(request) = outside {
            let output = Output::Answer { request, answer };
            return self.context.outputs.push_back(output);
        }
        self.take_verdict(now, answer);
    }

    /// Routes a message of a session that may have to wait for an authorizer.
    pub(super) fn route_in_turn(
        &mut self,
        now: Instant,
        from: SessionId,
        order: RequestOrder,
        message: Message,
    ) -> Result<(), Violation> {
        self.context.asked.now = Some(now);
        // What answers somebody else's call needs no permission and waits for nothing: not even an authorizer of a
        // role that has one itself, and asks about it, is ever waited for by itself.
        if matches!(
            message,
            Message::Yield(_) | Message::Error(_) | Message::Abort(_)
        ) {
            return self.route(now, from, order, message);
        }
        let session = self.context.sessions.get_mut(&from);
        if let Some(session) = session
            && session.rare().is_some_and(|it| it.undecided.is_some())
        {
            self.put_behind(from, order, &message);
            return Ok(());
        }
        let kept = message.clone();
        self.route(now, from, order, message)?;
        if let Some(question) = self.context.asked.question.take()
            && let Some(session) = self.context.sessions.get_mut(&from)
        {
            let undecided = Undecided::new(question, order, &kept);
            session.rare_mut().undecided = Some(undecided.into());
            self.ask(now, from);
        }
        Ok(())
    }

    /// Lets a message wait behind one that is not decided; refuses it where as many wait as may.
    fn put_behind(&mut self, from: SessionId, order: RequestOrder, message: &Message) {
        let limits = self.context.limits_of(from);
        let (count_max, bytes_max) = (limits.session_undecided, limits.session_undecided_bytes);
        let Some(session) = self.context.sessions.get_mut(&from) else {
            return;
        };
        let Some(undecided) = &mut session.rare_mut().undecided else {
            return;
        };
        let bytes = weight(message);
        let has_room = undecided.messages.len() < count_max && undecided.bytes + bytes <= bytes_max;
        // One more does no harm: nothing follows it.
        if has_room || matches!(message, Message::Goodbye(_)) {
            undecided.bytes += bytes;
            undecided.messages.push_back((order, detached(message)));
            return;
        }
        self.refuse_waiting(from, order, message);
    }

    fn refuse_waiting(&mut self, from: SessionId, order: RequestOrder, message: &Message) {
        // A further part of a call, or a CANCEL: neither has an answer of its own.
        let Some(request) = message.request().filter(|_| order == RequestOrder::New) else {
            return;
        };
        let text = "too many messages of this session wait for an authorizer";
        let refusal = Refusal::limit(LimitName::session_undecided, text.into());
        if matches!(message, Message::Publish(publish) if publish.options.acknowledge != Some(true))
        {
            return self.context.drop_publish(from, refusal);
        }
        if matches!(message, Message::Call(call) if call.options.progress == Some(true)) {
            self.expect_late_parts(from, request);
        }
        self.context
            .send(from, refusal.error(message.code(), request));
    }

    /// Asks the authorizer of a session's role what its first message needs.
    fn ask(&mut self, now: Instant, from: SessionId) {
        let request = self.context.asked.next_request();
        self.context.asked.by.insert(request, from);
        let called = self.call_authorizer(now, from, request);
        let epoch = self.context.asked.epoch;
        if let Some(undecided) = self.undecided_mut(from) {
            undecided.request = request;
            undecided.key = called.as_ref().ok().copied();
            undecided.epoch = epoch;
        }
        if let Err(refusal) = called {
            let code = MessageCode::Call;
            self.context.send(ROUTER, refusal.error(code, request));
        }
    }

    fn call_authorizer(
        &mut self,
        now: Instant,
        about: SessionId,
        request: RequestId,
    ) -> Result<CallKey, Refusal> {
        let nobody = || Refusal::new(uris::NO_SUCH_PROCEDURE, "there is no authorizer".into());
        let session = self.context.sessions.get(&about).ok_or_else(nobody)?;
        let rare = session.rare().and_then(|it| it.undecided.as_ref());
        let question = &rare.ok_or_else(nobody)?.question;
        let authorizer = session.rights.authorizer().ok_or_else(nobody)?;
        let procedure = authorizer.procedure.clone();
        let mut details = session.identity.details(about, &session.transport);
        details.push("realm", self.name().as_str());
        let mut options = Dict::new();
        if question.policy != MatchPolicy::Exact {
            options.push("match", question.policy.name());
        }
        let args = [
            Value::from(details),
            question.uri.as_str().into(),
            question.action.name().into(),
            options.into(),
        ];
        let payload = Payload::from_values(Serializer::Json, &args, &Dict::new());
        self.dealer
            .ask(&mut self.context, now, about, (request, procedure, payload))
    }

    /// Takes what an authorizer has said, or why it has not, and goes on with what waited for it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a caller gets nothing else")]
    fn take_verdict(&mut self, now: Instant, answer: Message) {
        let (request, verdict, is_kept) = match answer {
            Message::Result(result) => {
                let (verdict, is_kept) = read(&result.payload);
                (result.request, verdict, is_kept)
            }
            Message::Error(error) => {
                let uri = Uri::quoted(&error.error);
                let why = format!("the authorizer did not answer: {uri}");
                (error.request, Verdict::Failed(why.into()), false)
            }
            _ => return,
        };
        let asked = &mut self.context.asked;
        let epoch = asked.epoch;
        let Some(about) = asked.by.swap_remove(&request) else {
            return;
        };
        let Some(session) = self.context.sessions.get_mut(&about) else {
            return;
        };
        let kept_max = session.limits.session_verdicts;
        let cache = session.rights.authorizer().and_then(|it| it.cache);
        let until = cache.and_then(|time| now.checked_add(time));
        let rare = session.rare_mut();
        let Some(undecided) = &mut rare.undecided else {
            return;
        };
        undecided.key = None;
        let question = undecided.question.clone();
        let is_kept = is_kept && undecided.epoch == epoch && kept_max > 0;
        if let Some(until) = until.filter(|_| is_kept) {
            let kept = (verdict.clone(), until);
            rare.verdicts.keep(epoch, question.clone(), kept, kept_max);
        }
        rare.said.push((question, verdict));
        self.resume(now, about);
    }

    /// Goes on with what a session has sent, until it must be asked about something again.
    fn resume(&mut self, now: Instant, from: SessionId) {
        self.context.asked.now = Some(now);
        while let Some(undecided) = self.undecided_mut(from) {
            let Some((order, message)) = undecided.messages.front().cloned() else {
                if let Some(session) = self.context.sessions.get_mut(&from) {
                    session.rare_mut().undecided = None;
                }
                return;
            };
            if let Err(violation) = self.route_waiting(now, from, order, message) {
                self.context.send(from, violation.abort());
                self.end(now, from, End::Aborted);
            }
            self.publish_happenings();
            let question = self.context.asked.question.take();
            let session = self.context.sessions.get_mut(&from);
            let Some(rare) = session.map(Session::rare_mut) else {
                return;
            };
            let Some(undecided) = &mut rare.undecided else {
                return;
            };
            if let Some(question) = question {
                undecided.question = question;
                return self.ask(now, from);
            }
            rare.said.clear();
            if let Some((_, message)) = undecided.messages.pop_front() {
                undecided.bytes = undecided.bytes.saturating_sub(weight(&message));
            }
        }
    }

    /// Routes a message that has waited: a call's id was free when it came, and may have been taken by one before it.
    fn route_waiting(
        &mut self,
        now: Instant,
        from: SessionId,
        order: RequestOrder,
        message: Message,
    ) -> Result<(), Violation> {
        if let (Message::Call(call), RequestOrder::New) = (&message, order)
            && let Some(session) = self.context.sessions.get(&from)
            && session.calls.contains_key(&call.request)
        {
            let request = call.request;
            return Err(Violation::NoContinuation { request });
        }
        self.route(now, from, order, message)
    }

    /// Decides anew about what waits, after its session's rights have changed.
    pub(super) fn reconsider(&mut self, now: Instant, from: SessionId) {
        let session = self.context.sessions.get_mut(&from);
        if let Some(session) = session
            && session.rare().is_some_and(|it| it.undecided.is_some())
        {
            session.rare_mut().said.clear();
        }
        if let Some(undecided) = self.undecided_mut(from) {
            let (request, key) = (undecided.request, undecided.key.take());
            self.withdraw(request, key);
            self.resume(now, from);
        }
    }

    /// Asks no longer about a session that has gone.
    pub(super) fn withdraw_question(&mut self, undecided: &Undecided) {
        self.withdraw(undecided.request, undecided.key);
    }

    fn withdraw(&mut self, request: RequestId, key: Option<CallKey>) {
        self.context.asked.by.swap_remove(&request);
        if let Some(key) = key {
            self.dealer.withdraw(&mut self.context, key, request);
        }
    }

    fn undecided_mut(&mut self, session: SessionId) -> Option<&mut Undecided> {
        let session = self.context.sessions.get_mut(&session)?;
        session.rare()?;
        session.rare_mut().undecided.as_deref_mut()
    }
}

impl Undecided {
    fn new(question: Question, order: RequestOrder, message: &Message) -> Self {
        Self {
            // Of the first the size does not count.
            bytes: 0,
            messages: VecDeque::from([(order, detached(message))]),
            question,
            request: RequestId::FIRST,
            key: None,
            epoch: 0,
        }
    }
}

impl Verdicts {
    fn keep(&mut self, epoch: u64, question: Question, kept: (Verdict, Instant), max: usize) {
        if self.epoch != epoch {
            self.kept.clear();
            self.epoch = epoch;
        }
        if self.kept.len() >= max && !self.kept.contains_key(&question) {
            // Any may go: it is asked for again.
            self.kept.swap_remove_index(0);
        }
        self.kept.insert(question, kept);
    }
}

/// Reads what an authorizer has answered, and whether it may be kept.
fn read(payload: &Payload) -> (Verdict, bool) {
    let args = payload.args().unwrap_or_default();
    let said = |is_allowed, discloses| Verdict::Said {
        is_allowed,
        discloses,
    };
    match args.first() {
        Some(Value::Bool(is_allowed)) => (said(*is_allowed, false), true),
        Some(Value::Dict(answer)) => {
            let flag = |name, default| match answer.get(name) {
                None | Some(Value::Null) => Some(default),
                Some(Value::Bool(flag)) => Some(*flag),
                Some(_) => None,
            };
            let allow = answer.get("allow").and_then(|_| flag("allow", false));
            match (allow, flag("disclose", false), flag("cache", true)) {
                (Some(allow), Some(disclose), Some(cache)) => (said(allow, disclose), cache),
                _ => (malformed(), false),
            }
        }
        _ => (malformed(), false),
    }
}

fn malformed() -> Verdict {
    Verdict::Failed(
        "the authorizer's answer is neither a boolean nor a dict with the boolean \"allow\"".into(),
    )
}

/// Bytes that a message takes while it waits.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all others are small, or never wait"
)]
fn weight(message: &Message) -> usize {
    use crate::protocol::{Audience, CallTerms, Passthru};
    let payload_bytes = message.payload().map_or(0, Payload::len);
    let passthru = |it: &Option<Box<Passthru>>| it.as_deref().map_or(0, Passthru::weight);
    let head_bytes = match message {
        Message::Publish(it) => {
            let audience = it.options.audience.as_deref();
            let options = passthru(&it.options.passthru) + audience.map_or(0, Audience::weight);
            it.topic.as_str().len() + options
        }
        Message::Call(it) => {
            let terms = it.options.terms.as_deref().map_or(0, CallTerms::weight);
            it.procedure.as_str().len() + passthru(&it.options.passthru) + terms
        }
        Message::Subscribe(it) => it.topic.as_str().len(),
        Message::Register(it) => it.procedure.as_str().len(),
        _ => 0,
    };
    size_of::<(RequestOrder, Message)>() + payload_bytes + head_bytes
}

/// A message to be kept: it does not hold on to the frame it came in.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "no others hold text, or they never wait"
)]
fn detached(message: &Message) -> Message {
    let mut kept = message.clone();
    match &mut kept {
        Message::Publish(it) => {
            it.topic = it.topic.detached();
            it.payload = it.payload.detached();
            let options = &mut it.options;
            options.links = None;
            options.passthru = options.passthru.take().map(|it| it.detached().into());
            options.audience = options.audience.take().map(|it| it.detached().into());
        }
        Message::Call(it) => {
            it.procedure = it.procedure.detached();
            it.payload = it.payload.detached();
            let options = &mut it.options;
            options.links = None;
            options.passthru = options.passthru.take().map(|it| it.detached().into());
            options.terms = options.terms.take().map(|it| it.detached().into());
        }
        Message::Subscribe(it) => {
            it.topic = it.topic.detached();
            it.options.nkey = it.options.nkey.take().map(|key| (*key).into());
        }
        Message::Register(it) => {
            it.procedure = it.procedure.detached();
            it.options.nkey = it.options.nkey.take().map(|key| (*key).into());
        }
        _ => {}
    }
    kept
}

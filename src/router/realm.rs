//! A realm: its sessions, and where each of their messages goes.
//!
//! The core of the router. Deterministic: time, ids and what arrives come in as arguments, what is to be done
//! comes out of [`Realm::poll_output`]; no IO, no clock, no lock, no log.

use std::sync::Arc;
use std::time::Instant;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::asking::ROUTER;
use super::authorizer::Action;
use super::bounds::Effective;
use super::broker::{Broker, EventStore, InMemory};
use super::context::{Context, Happening, Refusal};
use super::deadlines::Due;
use super::dealer::{Dealer, no_such_procedure};
use super::handshake::Joining;
use super::identity::Transport;
use super::leaving::{Manner, goodbye};
use super::limits::{LimitName, Limits};
use super::meta::{self, Definitions, Request};
use super::output::{End, Output};
use super::session::{RequestOrder, Session};
use super::settings::Settings;
use super::sources::Sources;
use super::violation::{Violation, abort};
use super::welcome::welcome_details;
use crate::protocol::message::{self, Abort, Call, Invocation, Publish, Published, Welcome};
use crate::protocol::{
    Feature, MatchPolicy, Message, MessageCode, Passthru, RequestId, ResultDetails, Role,
    SessionId, Uri, uris,
};

/// A realm. Feed it with `handle_*`, then do what [`poll_output`](Self::poll_output) says until it says
/// nothing, then come back no later than [`poll_timeout`](Self::poll_timeout).
#[derive(Debug)]
pub struct Realm {
    name: Uri,
    pub(super) bounds: Effective,
    pub(super) phase: Phase,
    pub(super) context: Context,
    pub(super) broker: Broker,
    pub(super) dealer: Dealer,
    /// What sessions have said of URIs.
    pub(super) definitions: Definitions,
    /// Sessions that were told GOODBYE and have not answered: they hold nothing any more. When they must answer, and
    /// how they end then.
    pub(super) dismissed: IndexMap<SessionId, (Instant, End), FxBuildHasher>,
}

/// How much a realm holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Open sessions, and those that have not answered GOODBYE.
    pub sessions: usize,
    /// Topics, each under one policy, that somebody subscribed to, or that have an event history.
    pub subscriptions: usize,
    /// Procedures that somebody registered.
    pub registrations: usize,
    /// Calls that wait for their answer.
    pub calls: usize,
    /// Topics that keep an event for subscribers to come.
    pub retained: usize,
    /// URIs that somebody has defined for reflection.
    pub definitions: usize,
}

/// Where the realm is on its way to an end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    Open,
    /// Nobody joins, no new call is taken; calls on their way have until then.
    Draining(Instant),
    /// Everybody was told GOODBYE.
    Down,
}

impl Realm {
    /// A realm with nobody in it. Its event history ends with it.
    #[must_use]
    pub fn new(name: Uri, settings: Settings, limits: Limits, sources: Sources) -> Self {
        let history_bytes = match &settings.bounds.limits {
            Some(own) => own.history_bytes,
            None => limits.history_bytes,
        };
        let store = Box::new(InMemory::new(history_bytes));
        Self::with_store(name, settings, limits, sources, store)
    }

    /// A realm with nobody in it, whose event history lies in this store, with what it holds already.
    #[must_use]
    pub fn with_store(
        name: Uri,
        settings: Settings,
        limits: Limits,
        sources: Sources,
        store: Box<dyn EventStore>,
    ) -> Self {
        let bounds = Effective::new(limits, &settings.bounds);
        let mut context = Context::new(settings, Arc::clone(bounds.realm()), sources);
        Self {
            name,
            bounds,
            phase: Phase::Open,
            broker: Broker::new(&mut context, store),
            context,
            dealer: Dealer::new(),
            definitions: Definitions::default(),
            dismissed: IndexMap::default(),
        }
    }

    /// The realm's name.
    #[must_use]
    pub const fn name(&self) -> &Uri {
        &self.name
    }

    /// How much the realm holds. Of what belongs to sessions nothing, once everybody has left.
    #[must_use]
    pub fn holdings(&self) -> Holdings {
        Holdings {
            sessions: self.context.sessions.len() + self.dismissed.len(),
            subscriptions: self.broker.subscriptions.len(),
            registrations: self.dealer.registrations.len(),
            calls: self.dealer.calls.len(),
            retained: self.broker.retained_count(),
            definitions: self.definitions.len(),
        }
    }

    /// Opens a session and sends it WELCOME.
    ///
    /// # Errors
    /// The ABORT to send where nobody may join any more, or this client may not.
    pub fn handle_join(
        &mut self,
        joining: &Joining,
        transport: Transport,
    ) -> Result<SessionId, Box<Abort>> {
        debug_assert_eq!(joining.realm, self.name);
        if !matches!(self.phase, Phase::Open) {
            return Err(abort(uris::SYSTEM_SHUTDOWN, "this router is going down").into());
        }
        self.check_room()?;
        let is_free = |id: &SessionId| self.is_free(*id);
        let session = joining.session.filter(is_free);
        let session = session.unwrap_or_else(|| self.fresh_session_id());
        let details = welcome_details(&self.name, &self.context.settings, joining);
        let rights = self.context.settings.roles.of(&joining.identity.authrole);
        let rights = Arc::clone(rights);
        let limits = self.bounds_of(&joining.identity.authrole).limits;
        let identity = joining.identity.clone();
        let joined = Session::new(identity, rights, limits, joining.roles, transport);
        self.context.sessions.insert(session, joined);
        let details = Box::new(details);
        self.context.send(session, Welcome { session, details });
        self.context.tell(Happening::Joined(session));
        self.publish_happenings();
        Ok(session)
    }

    fn fresh_session_id(&mut self) -> SessionId {
        loop {
            let id = self.context.sources.session();
            if self.is_free(id) {
                return id;
            }
        }
    }

    fn is_free(&self, id: SessionId) -> bool {
        id != ROUTER
            && !self.context.sessions.contains_key(&id)
            && !self.dismissed.contains_key(&id)
    }

    /// Takes a message of a session. One that the core has forgotten is ignored: its messages crossed its end.
    pub fn handle_message(&mut self, now: Instant, from: SessionId, message: Message) {
        let rule = self.context.settings.request_ids;
        let Some(session) = self.context.sessions.get_mut(&from) else {
            return self.handle_message_after_goodbye(from, &message);
        };
        let routed = match session.take(&message, rule) {
            Ok(order) if session.rights.authorizer().is_some() => {
                self.route_in_turn(now, from, order, message)
            }
            Ok(order) => self.route(now, from, order, message),
            Err(violation) => Err(violation),
        };
        if let Err(violation) = routed {
            self.handle_violation(now, from, violation);
        }
        self.settle(now);
    }

    /// Ends a session whose peer broke a rule, by its bytes or by its message.
    pub fn handle_violation(&mut self, now: Instant, from: SessionId, violation: Violation) {
        if !self.context.sessions.contains_key(&from) {
            // spec(bp#session-closing): nothing follows GOODBYE, not even ABORT.
            return self.forget_dismissed(from);
        }
        self.context.send(from, violation.abort());
        self.end(now, from, End::Aborted);
        self.settle(now);
    }

    /// Ends a session whose transport has gone.
    pub fn handle_lost(&mut self, now: Instant, session: SessionId) {
        if let Some((due, _)) = self.dismissed.swap_remove(&session) {
            self.context.deadlines.remove(due, Due::Goodbye(session));
        }
        self.take_out(now, session, Manner::Openly);
        self.settle(now);
    }

    /// Takes back an INVOCATION that did not fit its callee's outbox.
    pub fn handle_undeliverable(
        &mut self,
        now: Instant,
        callee: SessionId,
        invocation: Invocation,
    ) {
        self.dealer
            .handle_undeliverable(&mut self.context, callee, invocation);
        self.settle(now);
    }

    /// Begins to go down: nobody joins, no call is taken; calls on their way have the grace time.
    pub fn handle_shutdown(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Open) {
            self.phase = Phase::Draining(now + self.context.limits.grace_time);
            self.dismiss_all_if_drained(now);
        }
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(due) = self.context.deadlines.take_due(now) {
            match due {
                Due::Call(call) => self.dealer.expire(&mut self.context, call),
                Due::Goodbye(session) => self.forget_dismissed(session),
            }
        }
        if matches!(self.phase, Phase::Draining(deadline) if deadline <= now) {
            self.context.bites.note(LimitName::grace_time, None);
            self.dismiss_all(now);
        }
        self.settle(now);
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        while self.context.outputs.is_empty() && self.dealer.dispatch(&mut self.context) {}
        self.context.outputs.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let drained = match self.phase {
            Phase::Draining(deadline) => Some(deadline),
            Phase::Open | Phase::Down => None,
        };
        let due = self.context.deadlines.next();
        let asked = self.context.asked.due();
        drained.into_iter().chain(due).chain(asked).min()
    }

    /// Whether the realm has gone down: everybody has left.
    #[must_use]
    pub fn is_down(&self) -> bool {
        matches!(self.phase, Phase::Down) && self.dismissed.is_empty()
    }

    /// Does what a message asks for; `order` is what the id says of it, where it is a request.
    pub(super) fn route(
        &mut self,
        now: Instant,
        from: SessionId,
        order: RequestOrder,
        message: Message,
    ) -> Result<(), Violation> {
        let context = &mut self.context;
        match message {
            Message::Publish(publish) => self.publish(now, from, &publish)?,
            Message::Call(call) => self.call(now, from, order, call)?,
            Message::Yield(answer) => self.dealer.handle_yield(context, now, from, answer)?,
            Message::Error(error) => self.dealer.handle_error(context, from, error)?,
            Message::Cancel(cancel) => self.dealer.cancel(context, from, &cancel),
            Message::Subscribe(subscribe) => {
                let subscribed = self.broker.subscribe(context, now, from, &subscribe);
                self.answer(from, MessageCode::Subscribe, subscribe.request, subscribed);
            }
            Message::Unsubscribe(unsubscribe) => {
                let unsubscribed = self.broker.unsubscribe(context, from, &unsubscribe);
                self.answer(
                    from,
                    MessageCode::Unsubscribe,
                    unsubscribe.request,
                    unsubscribed,
                );
            }
            Message::Register(register) => {
                let registered = self.dealer.register(context, from, &register);
                self.answer(from, MessageCode::Register, register.request, registered);
            }
            Message::Unregister(unregister) => {
                let unregistered = self.dealer.unregister(context, from, &unregister);
                self.answer(
                    from,
                    MessageCode::Unregister,
                    unregister.request,
                    unregistered,
                );
            }
            Message::Goodbye(_) => {
                self.context.send(from, goodbye(uris::GOODBYE_AND_OUT));
                self.end(now, from, End::Left);
            }
            // spec(bp#abort-1): ABORT is never answered.
            Message::Abort(_) => self.end(now, from, End::Aborted),
            other @ (Message::Hello(_)
            | Message::Welcome(_)
            | Message::Challenge(_)
            | Message::Authenticate(_)
            | Message::Published(_)
            | Message::Subscribed(_)
            | Message::Unsubscribed(_)
            | Message::Event(_)
            | Message::Result(_)
            | Message::Registered(_)
            | Message::Unregistered(_)
            | Message::Invocation(_)
            | Message::Interrupt(_)
            | Message::EventReceived(_)) => {
                return Err(Violation::Unexpected {
                    got: other.code(),
                    when: "from a client in an open session",
                });
            }
        }
        Ok(())
    }

    /// Tells a client that its request was refused; one that was granted has its answer already.
    fn answer(
        &mut self,
        to: SessionId,
        request_type: MessageCode,
        request: RequestId,
        outcome: Result<(), Refusal>,
    ) {
        let Err(mut refusal) = outcome else { return };
        if let Some(question) = refusal.question.take() {
            self.context.asked.question = Some(*question);
            return;
        }
        self.context.note(to, &refusal);
        self.context.send(to, refusal.error(request_type, request));
    }

    fn publish(
        &mut self,
        now: Instant,
        from: SessionId,
        publish: &Publish,
    ) -> Result<(), Violation> {
        let request = publish.request;
        if Passthru::is_used(publish.options.passthru.as_deref()) {
            let (got, feature) = (MessageCode::Publish, Feature::PayloadPassthruMode);
            self.context
                .check_announced(from, got, feature, Role::Publisher)?;
        }
        // spec(bp#publish-1): without `acknowledge`, neither success nor failure is told.
        let acknowledge = publish.options.acknowledge.unwrap_or(false);
        match self.broker.publish(&mut self.context, now, from, publish) {
            Ok(publication) if acknowledge => self.context.send(
                from,
                Published {
                    request,
                    publication,
                },
            ),
            Ok(_) => {}
            Err(refusal) if acknowledge || refusal.question.is_some() => {
                self.answer(from, MessageCode::Publish, request, Err(refusal));
            }
            Err(refusal) => self.context.drop_publish(from, refusal),
        }
        Ok(())
    }

    fn call(
        &mut self,
        now: Instant,
        from: SessionId,
        order: RequestOrder,
        call: Call,
    ) -> Result<(), Violation> {
        let is_in_parts = call.options.progress == Some(true);
        let needs = [
            (is_in_parts, Feature::ProgressiveCallInvocations),
            (
                Passthru::is_used(call.options.passthru.as_deref()),
                Feature::PayloadPassthruMode,
            ),
        ];
        for (_, feature) in needs.into_iter().filter(|(is_needed, _)| *is_needed) {
            self.context
                .check_announced(from, MessageCode::Call, feature, Role::Caller)?;
        }
        if order == RequestOrder::Earlier {
            return self.dealer.continue_call(&mut self.context, from, call);
        }
        let request = call.request;
        let called = match self.phase {
            Phase::Open if call.procedure.is_reserved() => self.call_meta(now, from, &call),
            Phase::Open => self.dealer.call(&mut self.context, now, from, call),
            Phase::Draining(_) | Phase::Down => Err(Refusal::new(
                uris::UNAVAILABLE,
                "this router is going down".into(),
            )),
        };
        let is_refused = called.as_ref().is_err_and(|it| it.question.is_none());
        if is_refused && is_in_parts {
            self.expect_late_parts(from, request);
        }
        self.answer(from, MessageCode::Call, request, called);
        Ok(())
    }

    /// Remembers a call made in parts that has ended before its caller could know: it may have sent the rest.
    pub(super) fn expect_late_parts(&mut self, caller: SessionId, request: RequestId) {
        if let Some(session) = self.context.sessions.get_mut(&caller) {
            let ended_max = session.limits.session_ended_calls;
            session.rare_mut().ended.insert(request, (), ended_max);
        }
    }

    /// Answers a call of a procedure of the router's own.
    fn call_meta(&mut self, now: Instant, from: SessionId, call: &Call) -> Result<(), Refusal> {
        let context = &self.context;
        context.check_uri(&call.procedure, MatchPolicy::Exact)?;
        context.authorize(from, Action::Call, (MatchPolicy::Exact, &call.procedure))?;
        let procedure = meta::procedure(self, call.procedure.as_str())
            .ok_or_else(|| no_such_procedure(&call.procedure))?;
        let bytes_max = self.context.limits.meta_call_bytes;
        if call.payload.len() > bytes_max {
            let text = format!("the router's own procedures take at most {bytes_max} bytes");
            let refusal = Refusal::new(uris::PAYLOAD_SIZE_EXCEEDED, text);
            return Err(refusal.because_of(LimitName::meta_call_bytes));
        }
        let request = Request::new(now, from, call)?;
        let reply = procedure(self, &request)?;
        let details = ResultDetails::default();
        self.context.send(
            from,
            message::Result {
                request: call.request,
                details,
                payload: request.encode(&reply),
            },
        );
        Ok(())
    }

    /// Does what follows once a message is dealt with.
    pub(super) fn settle(&mut self, now: Instant) {
        while let Some(answer) = self.context.asked.answers.pop_front() {
            self.take_answer(now, answer);
        }
        if !self.context.happenings.is_empty() {
            self.publish_happenings();
        }
        self.dismiss_all_if_drained(now);
    }

    /// The sessions of which something holds, in the order in which they came. Cost: O(sessions).
    pub(super) fn sessions_where(
        &self,
        holds: impl Fn(SessionId, &Session) -> bool,
    ) -> Vec<SessionId> {
        let sessions = self.context.sessions.iter();
        let found = sessions.filter(|&(&id, session)| holds(id, session));
        found.map(|(&id, _)| id).collect()
    }

    /// Whether some topic has an event history.
    pub(super) fn has_history(&self) -> bool {
        !self.context.settings.history.is_empty()
    }
}

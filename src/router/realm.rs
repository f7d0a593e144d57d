//! A realm: its sessions, and where each of their messages goes.
//!
//! The core of the router. Deterministic: time, ids and what arrives come in as arguments, what is to be done
//! comes out of [`Realm::poll_output`]; no IO, no clock, no lock, no log.

use std::collections::VecDeque;
use std::time::Instant;

use indexmap::IndexMap;

use super::broker::Broker;
use super::context::{Context, Refusal};
use super::dealer::Dealer;
use super::handshake::Joining;
use super::identity::{Identity, Transport};
use super::limits::Limits;
use super::output::{End, Output};
use super::session::Session;
use super::settings::Settings;
use super::sources::Sources;
use super::violation::{Violation, abort};
use crate::protocol::message::{Abort, Goodbye, Publish, Published, Welcome};
use crate::protocol::{
    Feature, GoodbyeDetails, Message, MessageCode, RequestId, Role, Roles, SessionId, Uri,
    WelcomeDetails, uris,
};

/// A realm. Feed it with `handle_*`, then do what [`poll_output`](Self::poll_output) says until it says
/// nothing, then come back no later than [`poll_timeout`](Self::poll_timeout).
#[derive(Debug)]
pub struct Realm {
    name: Uri,
    phase: Phase,
    context: Context,
    broker: Broker,
    dealer: Dealer,
}

/// How much a realm holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Open sessions.
    pub sessions: usize,
    /// Topics, each under one policy, that somebody subscribed to.
    pub subscriptions: usize,
    /// Procedures that somebody registered.
    pub registrations: usize,
    /// Calls that wait for their answer.
    pub calls: usize,
}

/// Where the realm is on its way to an end.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Open,
    /// Nobody joins, no new call is taken; calls on their way have until then.
    Draining(Instant),
    /// Everybody was told GOODBYE, and has until then to answer.
    Dismissing(Instant),
}

impl Realm {
    /// A realm with nobody in it.
    #[must_use]
    pub fn new(name: Uri, settings: Settings, limits: Limits, sources: Sources) -> Self {
        let context = Context {
            limits,
            settings,
            sources,
            sessions: IndexMap::default(),
            outputs: VecDeque::new(),
        };
        Self {
            name,
            phase: Phase::Open,
            context,
            broker: Broker::new(),
            dealer: Dealer::new(),
        }
    }

    /// The realm's name.
    #[must_use]
    pub const fn name(&self) -> &Uri {
        &self.name
    }

    /// How much the realm holds. Nothing, once everybody has left.
    #[must_use]
    pub fn holdings(&self) -> Holdings {
        Holdings {
            sessions: self.context.sessions.len(),
            subscriptions: self.broker.subscription_count(),
            registrations: self.dealer.registration_count(),
            calls: self.dealer.calls_pending,
        }
    }

    /// Opens a session and sends it WELCOME.
    ///
    /// # Errors
    /// The ABORT to send where nobody may join any more.
    pub fn handle_join(
        &mut self,
        joining: &Joining,
        transport: Transport,
    ) -> Result<SessionId, Box<Abort>> {
        debug_assert_eq!(joining.realm, self.name);
        if !matches!(self.phase, Phase::Open) {
            return Err(abort(uris::SYSTEM_SHUTDOWN, "this router is going down").into());
        }
        let session = self.fresh_session_id();
        let identity = joining.identity.clone();
        let identity =
            identity.unwrap_or_else(|| Identity::anonymous(self.context.sources.authid()));
        let details = Box::new(welcome_details(&self.name, &identity));
        self.context
            .sessions
            .insert(session, Session::new(identity, joining.roles, transport));
        self.context.send(session, Welcome { session, details });
        Ok(session)
    }

    fn fresh_session_id(&mut self) -> SessionId {
        loop {
            let id = self.context.sources.session();
            if !self.context.sessions.contains_key(&id) {
                return id;
            }
        }
    }

    /// Takes a message of a session. One that the core has forgotten is ignored: its messages crossed its end.
    pub fn handle_message(&mut self, now: Instant, from: SessionId, message: Message) {
        if !self.context.sessions.contains_key(&from) {
            return;
        }
        if matches!(self.phase, Phase::Dismissing(_)) {
            return self.handle_message_after_goodbye(from, &message);
        }
        if let Err(violation) = self.route(from, message) {
            self.handle_violation(now, from, violation);
        }
        self.dismiss_if_drained(now);
    }

    /// Ends a session whose peer broke a rule, by its bytes or by its message.
    pub fn handle_violation(&mut self, now: Instant, from: SessionId, violation: Violation) {
        if !self.context.sessions.contains_key(&from) {
            return;
        }
        if matches!(self.phase, Phase::Dismissing(_)) {
            // spec(bp#session-closing): nothing follows GOODBYE, not even ABORT.
            return self.end(from, Some(End::Dismissed));
        }
        self.context.send(from, violation.abort());
        self.end(from, Some(End::Aborted));
        self.dismiss_if_drained(now);
    }

    /// Ends a session whose transport has gone.
    pub fn handle_lost(&mut self, now: Instant, session: SessionId) {
        self.end(session, None);
        self.dismiss_if_drained(now);
    }

    /// Takes back an INVOCATION that did not fit its callee's outbox.
    pub fn handle_undeliverable(&mut self, now: Instant, callee: SessionId, invocation: RequestId) {
        self.dealer
            .handle_undeliverable(&mut self.context, callee, invocation);
        self.dismiss_if_drained(now);
    }

    /// Begins to go down: nobody joins, no call is taken; calls on their way have the grace time.
    pub fn handle_shutdown(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Open) {
            self.phase = Phase::Draining(now + self.context.limits.grace_time);
            self.dismiss_if_drained(now);
        }
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.phase {
            Phase::Draining(deadline) if deadline <= now => self.dismiss(now),
            Phase::Dismissing(deadline) if deadline <= now => {
                while let Some(&session) = self.context.sessions.keys().next() {
                    self.end(session, Some(End::Dismissed));
                }
            }
            Phase::Open | Phase::Draining(_) | Phase::Dismissing(_) => {}
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.context.outputs.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Dismissing(_) if self.context.sessions.is_empty() => None,
            Phase::Draining(deadline) | Phase::Dismissing(deadline) => Some(deadline),
            Phase::Open => None,
        }
    }

    /// Whether the realm has gone down: everybody has left.
    #[must_use]
    pub fn is_down(&self) -> bool {
        matches!(self.phase, Phase::Dismissing(_)) && self.context.sessions.is_empty()
    }

    fn route(&mut self, from: SessionId, message: Message) -> Result<(), Violation> {
        let context = &mut self.context;
        match message {
            Message::Publish(publish) => self.publish(from, &publish)?,
            Message::Call(call) => {
                let request = self.take_request(from, call.request)?;
                let called = match self.phase {
                    Phase::Open => self.dealer.call(&mut self.context, from, call),
                    Phase::Draining(_) | Phase::Dismissing(_) => Err(Refusal::new(
                        uris::UNAVAILABLE,
                        "this router is going down".into(),
                    )),
                };
                self.answer(from, MessageCode::Call, request, called);
            }
            Message::Yield(answer) => self.dealer.handle_yield(context, from, answer)?,
            Message::Error(error) => self.dealer.handle_error(context, from, error)?,
            Message::Subscribe(subscribe) => {
                let request = self.take_request(from, subscribe.request)?;
                let subscribed = self.broker.subscribe(&mut self.context, from, &subscribe);
                self.answer(from, MessageCode::Subscribe, request, subscribed);
            }
            Message::Unsubscribe(unsubscribe) => {
                let request = self.take_request(from, unsubscribe.request)?;
                let unsubscribed = self
                    .broker
                    .unsubscribe(&mut self.context, from, &unsubscribe);
                self.answer(from, MessageCode::Unsubscribe, request, unsubscribed);
            }
            Message::Register(register) => {
                let request = self.take_request(from, register.request)?;
                let registered = self.dealer.register(&mut self.context, from, &register);
                self.answer(from, MessageCode::Register, request, registered);
            }
            Message::Unregister(unregister) => {
                let request = self.take_request(from, unregister.request)?;
                let unregistered = self.dealer.unregister(&mut self.context, from, &unregister);
                self.answer(from, MessageCode::Unregister, request, unregistered);
            }
            Message::Goodbye(_) => self.handle_goodbye(from),
            // spec(bp#abort-1): ABORT is never answered.
            Message::Abort(_) => self.end(from, Some(End::Aborted)),
            // The dealer does not announce `call_canceling`; a CANCEL all the same is without effect.
            Message::Cancel(_) => {}
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

    fn take_request(
        &mut self,
        from: SessionId,
        request: RequestId,
    ) -> Result<RequestId, Violation> {
        if let Some(session) = self.context.sessions.get_mut(&from) {
            session.take_request(request)?;
        }
        Ok(request)
    }

    /// Tells a client that its request was refused; one that was granted has its answer already.
    fn answer(
        &mut self,
        to: SessionId,
        request_type: MessageCode,
        request: RequestId,
        outcome: Result<(), Refusal>,
    ) {
        if let Err(refusal) = outcome {
            self.context.send(to, refusal.error(request_type, request));
        }
    }

    fn publish(&mut self, from: SessionId, publish: &Publish) -> Result<(), Violation> {
        let request = self.take_request(from, publish.request)?;
        // spec(bp#publish-1): without `acknowledge`, neither success nor failure is told.
        let acknowledge = publish.options.acknowledge.unwrap_or(false);
        match self.broker.publish(&mut self.context, from, publish) {
            Ok(publication) if acknowledge => self.context.send(
                from,
                Published {
                    request,
                    publication,
                },
            ),
            Err(refusal) if acknowledge => self
                .context
                .send(from, refusal.error(MessageCode::Publish, request)),
            Ok(_) | Err(_) => {}
        }
        Ok(())
    }

    fn handle_goodbye(&mut self, from: SessionId) {
        self.context.send(from, goodbye(uris::GOODBYE_AND_OUT));
        self.end(from, Some(End::Left));
    }

    /// Takes what was on its way when the router said GOODBYE: only GOODBYE and ABORT still count.
    fn handle_message_after_goodbye(&mut self, from: SessionId, message: &Message) {
        if matches!(message, Message::Goodbye(_) | Message::Abort(_)) {
            self.end(from, Some(End::Dismissed));
        }
    }

    /// Ends a session and everything it held: the one way out.
    fn end(&mut self, id: SessionId, how: Option<End>) {
        let Some(session) = self.context.sessions.swap_remove(&id) else {
            return;
        };
        for &subscription in &session.subscriptions {
            self.broker.drop_subscriber(subscription, id);
        }
        for &registration in &session.registrations {
            self.dealer.drop_registration(registration);
        }
        self.dealer
            .drop_caller(&mut self.context, session.calls.values().copied());
        self.dealer
            .drop_callee(&mut self.context, session.invocations.values().copied());
        if let Some(end) = how {
            self.context
                .outputs
                .push_back(Output::End { session: id, end });
        }
    }

    fn dismiss_if_drained(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Draining(_)) && self.dealer.calls_pending == 0 {
            self.dismiss(now);
        }
    }

    /// Says GOODBYE to everybody. spec(bp#session-closing): nothing follows it, so calls still on their way end here.
    fn dismiss(&mut self, now: Instant) {
        self.dealer.cancel_all(&mut self.context);
        self.phase = Phase::Dismissing(now + self.context.limits.goodbye_time);
        let everybody: Vec<SessionId> = self.context.sessions.keys().copied().collect();
        if !everybody.is_empty() {
            let message = goodbye(uris::SYSTEM_SHUTDOWN).into();
            self.context.outputs.push_back(Output::SendMany {
                to: everybody,
                message,
            });
        }
    }
}

fn goodbye(reason: Uri) -> Goodbye {
    Goodbye {
        details: GoodbyeDetails::default(),
        reason,
    }
}

/// What the router says of itself. Announced are exactly the features that work.
fn welcome_details(realm: &Uri, identity: &Identity) -> WelcomeDetails {
    let broker = [
        Feature::PatternBasedSubscription,
        Feature::PublisherExclusion,
    ];
    WelcomeDetails {
        roles: Some(
            Roles::default()
                .with(Role::Broker, &broker)
                .with(Role::Dealer, &[]),
        ),
        agent: Some(concat!("wamp/", env!("CARGO_PKG_VERSION")).into()),
        realm: Some(realm.clone()),
        authid: Some(identity.authid.clone()),
        authrole: Some(identity.authrole.clone()),
        authmethod: Some(identity.authmethod.clone()),
        authprovider: Some(identity.authprovider.clone()),
    }
}

//! A session's life from HELLO to the end, and what the router's messages mean in it.

use std::collections::{HashMap, HashSet, VecDeque};

use bytestring::ByteString;

use super::announced::roles;
use super::output::{Answer, End, ErrorReply, Output};
use super::pending::{Pending, Request};
use super::violation::Violation;
use crate::auth::{SignIn, SignInError};
use crate::protocol::message::{
    self, Abort, Challenge, Error, Event, Goodbye, Hello, Interrupt, Invocation, Registered,
    Subscribed, Unregistered, Unsubscribed, Welcome,
};
use crate::protocol::{
    AbortDetails, GoodbyeDetails, HelloDetails, Message, MessageCode, Payload, RegistrationId,
    RequestId, SubscriptionId, Uri, Value, uris,
};

/// How many subscriptions are remembered after their end, for events that crossed UNSUBSCRIBE.
const ENDED_MAX: usize = 256;

/// How many challenges are answered. bound: a router could ask for dear keys without end.
const CHALLENGES_MAX: u32 = 4;

/// What a session may grow to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests that wait for their answer.
    pub pending_max: usize,
    /// Subscriptions held or asked for.
    pub subscriptions_max: usize,
    /// Registrations held or asked for.
    pub registrations_max: usize,
    /// Invocations not answered yet; those beyond are refused as `wamp.error.unavailable`.
    pub invocations_max: usize,
}

/// The client side of one session.
///
/// ```text
///            WELCOME                leave()
/// joining ------------> established --------> leaving
///    | ABORT                | GOODBYE, ABORT     | GOODBYE, ABORT
///    +----------------------+--> closed <--------+
/// ```
/// A [`Violation`] leads from anywhere to closed, by an ABORT that tells the router.
#[derive(Debug)]
pub struct Session {
    pub(super) state: State,
    sign_in: SignIn,
    challenges: u32,
    pub(super) limits: Limits,
    pub(super) next_request: RequestId,
    pub(super) pending: Pending,
    /// Subscriptions held, with how often they were asked for.
    pub(super) subscriptions: HashMap<SubscriptionId, usize>,
    /// Those that nobody uses any more, until no SUBSCRIBE is on its way.
    pub(super) unused: Vec<SubscriptionId>,
    ended: VecDeque<SubscriptionId>,
    pub(super) registrations: HashSet<RegistrationId>,
    pub(super) invocations: HashSet<RequestId>,
    pub(super) output: VecDeque<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Joining,
    Established,
    Leaving,
    Closed,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pending_max: 10_000,
            subscriptions_max: 100_000,
            registrations_max: 100_000,
            invocations_max: 10_000,
        }
    }
}

impl State {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Joining => "joining",
            Self::Established => "open",
            Self::Leaving => "leaving",
            Self::Closed => "closed",
        }
    }
}

impl Session {
    /// Begins a session: HELLO is the first output.
    #[must_use]
    pub fn join(realm: Uri, agent: &str, sign_in: SignIn, limits: Limits) -> Self {
        let mut hello = HelloDetails {
            roles: Some(roles()),
            agent: Some(agent.into()),
            ..HelloDetails::default()
        };
        sign_in.announce(&mut hello);
        let mut session = Self {
            state: State::Joining,
            sign_in,
            challenges: 0,
            limits,
            next_request: RequestId::FIRST,
            pending: Pending::default(),
            subscriptions: HashMap::new(),
            unused: Vec::new(),
            ended: VecDeque::new(),
            registrations: HashSet::new(),
            invocations: HashSet::new(),
            output: VecDeque::new(),
        };
        session.send(Hello {
            realm,
            details: Box::new(hello),
        });
        session
    }

    /// The next thing to do or to know; `None` until a message or a command brings more.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.pop_front()
    }

    /// Takes what the router sent. What follows from it is in [`poll_output`](Self::poll_output).
    pub fn handle_message(&mut self, message: Message) {
        let outcome = match self.state {
            State::Closed => Ok(()),
            State::Joining => self.handle_joining(message),
            State::Established => self.handle_established(message),
            State::Leaving => {
                self.handle_leaving(message);
                Ok(())
            }
        };
        if let Err(violation) = outcome {
            self.abort(uris::PROTOCOL_VIOLATION, &violation.to_string());
            self.end(End::Violation(violation));
        }
    }

    /// Tells the router that what it sent is no message. The session is over; there is no [`Output::Ended`], because
    /// whoever calls this knows.
    pub fn handle_garbage(&mut self, why: &str) {
        if self.state != State::Closed {
            self.abort(uris::PROTOCOL_VIOLATION, why);
            self.close();
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all others break the same rule"
    )]
    fn handle_joining(&mut self, message: Message) -> Result<(), Violation> {
        match message {
            Message::Welcome(welcome) => self.handle_welcome(welcome),
            Message::Challenge(challenge) if self.challenges < CHALLENGES_MAX => {
                self.handle_challenge(challenge);
            }
            Message::Abort(abort) => self.end(End::Refused {
                message: abort_text(&abort),
                reason: abort.reason,
            }),
            other => return Err(self.unexpected(&other)),
        }
        Ok(())
    }

    fn handle_welcome(&mut self, welcome: Welcome) {
        match self.sign_in.check(&welcome.details) {
            Ok(()) => {
                self.state = State::Established;
                self.output.push_back(Output::Joined(welcome));
            }
            Err(error) => self.give_up(error),
        }
    }

    fn handle_challenge(&mut self, challenge: Challenge) {
        self.challenges += 1;
        match self.sign_in.answer(&challenge) {
            Some(Ok(authenticate)) => self.send(authenticate),
            Some(Err(error)) => self.give_up(error),
            None => {
                self.abort(
                    uris::NO_MATCHING_AUTH_METHOD,
                    "this client cannot sign in that way",
                );
                self.end(End::Challenged {
                    authmethod: challenge.authmethod,
                });
            }
        }
    }

    /// Ends the session before it is open: what the router asks for or shows is not to be trusted.
    fn give_up(&mut self, error: SignInError) {
        self.abort(uris::AUTHENTICATION_FAILED, &error.to_string());
        self.end(End::Mistrusted(error));
    }

    /// After our GOODBYE only the router's counts; what else was on its way is dropped. Spec: bp#goodbye-1.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are too late")]
    fn handle_leaving(&mut self, message: Message) {
        match message {
            Message::Goodbye(_) => self.end(End::Left),
            Message::Abort(abort) => self.handle_abort(abort),
            other => drop(other),
        }
    }

    fn handle_established(&mut self, message: Message) -> Result<(), Violation> {
        match message {
            Message::Abort(abort) => self.handle_abort(abort),
            Message::Goodbye(goodbye) => self.handle_goodbye(goodbye),
            Message::Error(error) => self.handle_error(error)?,
            Message::Published(published) => {
                let (got, asked) = (MessageCode::Published, MessageCode::Publish);
                let answer = Answer::Published(published.publication);
                self.answered(got, asked, published.request, answer)?;
            }
            Message::Result(result) => self.handle_result(result)?,
            Message::Subscribed(subscribed) => self.handle_subscribed(&subscribed)?,
            Message::Unsubscribed(unsubscribed) => self.handle_unsubscribed(unsubscribed)?,
            Message::Event(event) => self.handle_event(event)?,
            Message::Registered(registered) => self.handle_registered(&registered)?,
            Message::Unregistered(unregistered) => self.handle_unregistered(unregistered)?,
            Message::Invocation(invocation) => self.handle_invocation(invocation)?,
            Message::Interrupt(interrupt) => self.handle_interrupt(&interrupt),
            other @ (Message::Hello(_)
            | Message::Welcome(_)
            | Message::Challenge(_)
            | Message::Authenticate(_)
            | Message::Publish(_)
            | Message::Subscribe(_)
            | Message::Unsubscribe(_)
            | Message::Call(_)
            | Message::Cancel(_)
            | Message::Register(_)
            | Message::Unregister(_)
            | Message::Yield(_)
            | Message::EventReceived(_)) => return Err(self.unexpected(&other)),
        }
        Ok(())
    }

    fn handle_abort(&mut self, abort: Abort) {
        self.end(End::Aborted {
            message: abort_text(&abort),
            reason: abort.reason,
        });
    }

    fn handle_goodbye(&mut self, goodbye: Goodbye) {
        self.send(Goodbye {
            details: GoodbyeDetails::default(),
            reason: uris::GOODBYE_AND_OUT,
        });
        self.end(End::RouterLeft {
            reason: goodbye.reason,
            message: goodbye.details.message,
        });
    }

    fn handle_error(&mut self, error: Error) -> Result<(), Violation> {
        let asked = error.request_type;
        let request = self
            .pending
            .answer(MessageCode::Error, asked, error.request)?;
        match request {
            // Whatever the reason, the router does not hold it for us any more.
            Request::Unsubscribe(subscription) => self.forget_subscription(subscription),
            Request::Unregister(registration) => {
                self.registrations.remove(&registration);
            }
            Request::Subscribe => self.end_unused(),
            Request::Call { .. } | Request::Publish | Request::Register => {}
        }
        self.output.push_back(Output::Answered {
            request: error.request,
            answer: Err(ErrorReply {
                error: error.error,
                payload: error.payload,
            }),
        });
        Ok(())
    }

    /// A result with more to follow leaves the call pending. Spec: ap#rpc-progressive-call-results.
    fn handle_result(&mut self, result: message::Result) -> Result<(), Violation> {
        let request = result.request;
        let is_partial = result.details.progress == Some(true);
        let answer = Answer::Result(result);
        if is_partial && self.pending.is_progressive(request) {
            self.push_answer(request, answer);
            return Ok(());
        }
        self.answered(MessageCode::Result, MessageCode::Call, request, answer)
    }

    fn handle_subscribed(&mut self, subscribed: &Subscribed) -> Result<(), Violation> {
        let subscription = subscribed.subscription;
        self.answered(
            MessageCode::Subscribed,
            MessageCode::Subscribe,
            subscribed.request,
            Answer::Subscribed(subscription),
        )?;
        *self.subscriptions.entry(subscription).or_insert(0) += 1;
        self.end_unused();
        Ok(())
    }

    /// Unsubscribes from what nobody used any more while SUBSCRIBEs were on their way.
    fn end_unused(&mut self) {
        if self.pending.subscribes() > 0 {
            return;
        }
        for subscription in std::mem::take(&mut self.unused) {
            if self.subscriptions.get(&subscription) == Some(&0) {
                // Too much pending: the subscription stays, its events have no taker.
                let _ = self.send_unsubscribe(subscription);
            }
        }
    }

    fn handle_unsubscribed(&mut self, unsubscribed: Unsubscribed) -> Result<(), Violation> {
        let got = MessageCode::Unsubscribed;
        if let Some(id) = unsubscribed.request {
            let request = self.pending.answer(got, MessageCode::Unsubscribe, id)?;
            if let Request::Unsubscribe(subscription) = request {
                self.forget_subscription(subscription);
            }
            self.push_answer(id, Answer::Unsubscribed);
            return Ok(());
        }
        let details = unsubscribed.details.unwrap_or_default();
        let subscription = details
            .subscription
            .ok_or(Violation::RevokedNothing { got })?;
        if self.subscriptions.contains_key(&subscription) {
            self.forget_subscription(subscription);
            self.output.push_back(Output::SubscriptionRevoked {
                subscription,
                reason: details.reason,
            });
        }
        Ok(())
    }

    fn forget_subscription(&mut self, subscription: SubscriptionId) {
        self.subscriptions.remove(&subscription);
        if self.ended.len() == ENDED_MAX {
            self.ended.pop_front();
        }
        self.ended.push_back(subscription);
    }

    fn handle_event(&mut self, event: Event) -> Result<(), Violation> {
        if self.subscriptions.contains_key(&event.subscription) {
            self.output.push_back(Output::Event(event));
        } else if !self.ended.contains(&event.subscription) {
            return Err(Violation::UnknownSubscription(event.subscription));
        }
        Ok(())
    }

    fn handle_registered(&mut self, registered: &Registered) -> Result<(), Violation> {
        let registration = registered.registration;
        self.answered(
            MessageCode::Registered,
            MessageCode::Register,
            registered.request,
            Answer::Registered(registration),
        )?;
        self.registrations.insert(registration);
        Ok(())
    }

    fn handle_unregistered(&mut self, unregistered: Unregistered) -> Result<(), Violation> {
        let got = MessageCode::Unregistered;
        if let Some(id) = unregistered.request {
            let request = self.pending.answer(got, MessageCode::Unregister, id)?;
            if let Request::Unregister(registration) = request {
                self.registrations.remove(&registration);
            }
            self.push_answer(id, Answer::Unregistered);
            return Ok(());
        }
        let details = unregistered.details.unwrap_or_default();
        let registration = details
            .registration
            .ok_or(Violation::RevokedNothing { got })?;
        if self.registrations.remove(&registration) {
            self.output.push_back(Output::RegistrationRevoked {
                registration,
                reason: details.reason,
            });
        }
        Ok(())
    }

    fn handle_invocation(&mut self, invocation: Invocation) -> Result<(), Violation> {
        if !self.registrations.contains(&invocation.registration) {
            return Err(Violation::UnknownRegistration(invocation.registration));
        }
        let request = invocation.request;
        if !self.invocations.insert(request) {
            return Err(Violation::InvocationTwice(request));
        }
        if self.invocations.len() > self.limits.invocations_max {
            let text = "the callee has too many calls to answer";
            self.fail(request, ErrorReply::text(uris::UNAVAILABLE, text));
        } else {
            self.output.push_back(Output::Invocation(invocation));
        }
        Ok(())
    }

    /// One that was answered meanwhile is no mistake: the two crossed.
    fn handle_interrupt(&mut self, interrupt: &Interrupt) {
        if self.invocations.contains(&interrupt.request) {
            self.output
                .push_back(Output::Interrupted(interrupt.request));
        }
    }

    fn answered(
        &mut self,
        got: MessageCode,
        asked: MessageCode,
        request: RequestId,
        answer: Answer,
    ) -> Result<(), Violation> {
        self.pending.answer(got, asked, request)?;
        self.push_answer(request, answer);
        Ok(())
    }

    fn push_answer(&mut self, request: RequestId, answer: Answer) {
        self.output.push_back(Output::Answered {
            request,
            answer: Ok(answer),
        });
    }

    fn unexpected(&self, message: &Message) -> Violation {
        Violation::Unexpected {
            state: self.state.name(),
            got: message.code(),
        }
    }

    fn abort(&mut self, reason: Uri, text: &str) {
        self.send(Abort {
            details: AbortDetails {
                message: Some(text.into()),
            },
            reason,
            payload: Payload::empty(),
        });
    }

    fn end(&mut self, end: End) {
        self.close();
        self.output.push_back(Output::Ended(end));
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.pending.clear();
        self.subscriptions.clear();
        self.unused.clear();
        self.registrations.clear();
        self.invocations.clear();
    }
}

/// What an ABORT says to people: `Details.message`, else its first argument if that is a text.
fn abort_text(abort: &Abort) -> Option<ByteString> {
    let first_argument = || {
        let first = abort.payload.args().ok()?.into_iter().next()?;
        if let Value::Text(text) = first {
            Some(text)
        } else {
            None
        }
    };
    abort.details.message.clone().or_else(first_argument)
}

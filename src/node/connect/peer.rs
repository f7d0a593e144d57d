//! The handle.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use super::callees::{Handler, Progress, Registration, RegistrationState};
use super::command::{Command, LocalId, Offer, Reply};
use super::driver::Driver;
use super::establish::{Link, establish, establish_over};
use super::result_stream::{RESULTS_MAX, ResultStream};
use super::state::{Joined, SessionEnd, SessionState};
use super::subscription::{Delivery, EVENTS_MAX, Subscription};
use super::{ConnectError, ConnectOptions, RequestError};
use crate::client::{End, ErrorReply};
use crate::protocol::message::Invocation;
use crate::protocol::{
    CallOptions, Payload, PublicationId, PublishOptions, RegisterOptions, ResultDetails,
    SubscribeOptions, Uri,
};
use crate::transport::Connection;

/// How many commands wait for the task. bound: beyond, callers wait.
const COMMANDS_MAX: usize = 256;

/// How long leaving may take, with all that is still to be written before.
const LEAVE_PATIENCE: Duration = Duration::from_secs(3);

/// A session in use. Cheap to clone; the session lasts as long as one of the clones, or until somebody leaves.
#[derive(Clone, Debug)]
pub struct Peer {
    commands: mpsc::Sender<Command>,
    state: watch::Receiver<SessionState>,
}

/// A call's result.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What came with it.
    pub details: ResultDetails,
    /// What the callee answered.
    pub payload: Payload,
}

impl Peer {
    /// Connects to a router and joins a realm. Tried once: `retry` is for sessions lost later.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect(options: ConnectOptions) -> Result<Self, ConnectError> {
        let link = establish(&options).await?;
        Ok(Self::of(link, options))
    }

    /// The same over a connection that is there already; the realm is to be joined by `deadline`.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect_over(
        connection: Connection,
        options: ConnectOptions,
        deadline: Option<Instant>,
    ) -> Result<Self, ConnectError> {
        let link = establish_over(connection, &options, deadline).await?;
        Ok(Self::of(link, options))
    }

    fn of(link: Link, options: ConnectOptions) -> Self {
        let (commands, received) = mpsc::channel(COMMANDS_MAX);
        let joined = SessionState::Joined(Arc::new(link.joined(None)));
        let (reported, state) = watch::channel(joined);
        tokio::spawn(Driver::new(options, received, reported).run(link));
        Self { commands, state }
    }

    /// How the session is, now and as it changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<SessionState> {
        self.state.clone()
    }

    /// The session, if it is open.
    #[must_use]
    pub fn joined(&self) -> Option<Arc<Joined>> {
        match &*self.state.borrow() {
            SessionState::Joined(joined) => Some(Arc::clone(joined)),
            SessionState::Lost(_) | SessionState::Closed(_) => None,
        }
    }

    /// Calls a procedure. Dropping the future forgets the call.
    ///
    /// # Errors
    /// [`RequestError::Refused`] with what the callee, or the router, said; the others as they are.
    pub async fn call(
        &self,
        procedure: impl Into<Uri>,
        options: CallOptions,
        payload: Payload,
    ) -> Result<Outcome, RequestError> {
        let procedure = procedure.into();
        let command = |reply| Command::Call {
            procedure,
            options,
            payload,
            reply,
        };
        self.request(command).await
    }

    /// Calls a procedure, for who wants its results as they come, or may cancel it.
    ///
    /// # Errors
    /// [`RequestError`] where the call was not sent; what becomes of it is in the stream.
    pub async fn call_stream(
        &self,
        procedure: impl Into<Uri>,
        options: CallOptions,
        payload: Payload,
    ) -> Result<ResultStream, RequestError> {
        let procedure = procedure.into();
        let (sender, results) = mpsc::channel(RESULTS_MAX);
        let command = |reply| Command::Stream {
            procedure,
            options,
            payload,
            results: sender,
            reply,
        };
        let local = self.request(command).await?;
        Ok(ResultStream {
            peer: self.clone(),
            local,
            results,
        })
    }

    /// Publishes an event, and returns its id if it is acknowledged.
    ///
    /// Unacknowledged, it returns once the event is on its way to the router, and nobody tells if it was refused.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn publish(
        &self,
        topic: impl Into<Uri>,
        options: PublishOptions,
        payload: Payload,
    ) -> Result<Option<PublicationId>, RequestError> {
        let topic = topic.into();
        let command = |reply| Command::Publish {
            topic,
            options,
            payload,
            reply,
        };
        self.request(command).await
    }

    /// Asks for a topic's events.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn subscribe(
        &self,
        topic: impl Into<Uri>,
        options: SubscribeOptions,
    ) -> Result<Subscription, RequestError> {
        let (events, received) = mpsc::channel(EVENTS_MAX);
        let local = self.subscribe_into(topic.into(), options, events).await?;
        Ok(Subscription {
            local,
            events: received,
        })
    }

    pub(super) async fn subscribe_into(
        &self,
        topic: Uri,
        options: SubscribeOptions,
        events: mpsc::Sender<Delivery>,
    ) -> Result<LocalId, RequestError> {
        let command = |reply| Command::Subscribe {
            topic,
            options,
            events,
            reply,
        };
        self.request(command).await
    }

    /// Ends a subscription, and waits for the router to say so.
    ///
    /// # Errors
    /// [`RequestError`]; the subscription is gone all the same.
    pub async fn unsubscribe(&self, subscription: Subscription) -> Result<(), RequestError> {
        let local = subscription.local;
        // The task may be waiting for room in it.
        drop(subscription);
        self.unsubscribe_local(local).await
    }

    pub(super) async fn unsubscribe_local(&self, local: LocalId) -> Result<(), RequestError> {
        self.request(|reply| Command::Unsubscribe { local, reply })
            .await
    }

    /// Offers a procedure. `handler` runs up to `concurrency` times at once; other calls wait.
    ///
    /// What it sends as [`Progress`] comes before its answer. A handler that panics, or is cancelled by the router, answers by ERROR.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn register<H, F>(
        &self,
        procedure: impl Into<Uri>,
        options: RegisterOptions,
        concurrency: usize,
        handler: H,
    ) -> Result<Registration, RequestError>
    where
        H: Fn(Invocation, Progress) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Payload, ErrorReply>> + Send + 'static,
    {
        let handler: Handler =
            Arc::new(move |invocation, progress| Box::pin(handler(invocation, progress)));
        let procedure = procedure.into();
        let offer = Offer {
            procedure,
            options,
            concurrency,
            handler,
        };
        let (reported, state) = watch::channel(RegistrationState::Offered);
        let command = |reply| Command::Register {
            offer,
            state: reported,
            reply,
        };
        let local = self.request(command).await?;
        Ok(Registration { local, state })
    }

    /// Takes an offer back, and waits for the router to say so.
    ///
    /// # Errors
    /// [`RequestError`]; the registration is gone all the same.
    pub async fn unregister(&self, registration: Registration) -> Result<(), RequestError> {
        let local = registration.local;
        self.request(|reply| Command::Unregister { local, reply })
            .await
    }

    /// Leaves the realm and closes the connection. Takes three seconds at most, also where the router takes nothing
    /// any more.
    pub async fn leave(&self) {
        let (reply, left) = oneshot::channel();
        let leaving = async {
            if self.commands.send(Command::Leave { reply }).await.is_ok() {
                // An error means that the task has ended, which is what is wanted.
                drop(left.await);
            }
        };
        drop(timeout(LEAVE_PATIENCE, leaving).await);
    }

    /// Hands over what has no answer. Once the task has ended there is nothing left to be told.
    pub(super) async fn tell(&self, command: Command) {
        drop(self.commands.send(command).await);
    }

    async fn request<T>(
        &self,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> Result<T, RequestError> {
        let (reply, answer) = oneshot::channel();
        if self.commands.send(command(reply)).await.is_err() {
            return Err(self.lost());
        }
        answer.await.unwrap_or_else(|_| Err(self.lost()))
    }

    fn lost(&self) -> RequestError {
        RequestError::Lost(match &*self.state.borrow() {
            SessionState::Lost(end) | SessionState::Closed(end) => end.clone(),
            SessionState::Joined(_) => SessionEnd::Ended(End::Left),
        })
    }
}

//! One session of a peer, from WELCOME to its end: reads, writes, pings, answers.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::RequestError;
use super::callees::{Finished, RegistrationEnd, Said};
use super::command::{Command, LocalId, Offer, Reply};
use super::driver::Driver;
use super::establish::{Link, queue, trace_received};
use super::peer::Outcome;
use super::result_stream::Undelivered;
use super::state::SessionEnd;
use super::waiting::Waiting;
use crate::client::{Answer, CommandError, End, ErrorReply, Output, Session};
use crate::node::until;
use crate::protocol::{CancelMode, RequestId, uris};
use crate::transport::{Connection, Read, TransportError};

/// How many pings may stay without any sign of life.
const PINGS_UNHEARD_MAX: u32 = 2;
/// How many messages are read before what follows from them is written.
const BATCH_MAX: usize = 256;
/// How long the answer to GOODBYE may take.
const LEAVE_PATIENCE: Duration = Duration::from_secs(2);
/// How long the WebSocket may take to close.
const CLOSE_PATIENCE: Duration = Duration::from_millis(500);

/// A session in progress.
pub(super) struct Conversation<'a> {
    pub(super) driver: &'a mut Driver,
    connection: Connection,
    pub(super) session: Session,
    waiting: HashMap<RequestId, Waiting>,
    undelivered: Undelivered,
    leave_by: Option<Instant>,
    /// Procedures to register again, and when.
    pub(super) restores: Vec<(Instant, LocalId)>,
    pub(super) restore_attempts: HashMap<LocalId, u32>,
    next_ping: Instant,
    pings_unheard: u32,
    ended: Option<End>,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(driver: &'a mut Driver, link: Link) -> Self {
        let next_ping = Instant::now() + driver.options.ping_interval.unwrap_or_default();
        Self {
            driver,
            connection: link.connection,
            session: link.session,
            waiting: HashMap::new(),
            undelivered: Undelivered::default(),
            leave_by: None,
            restores: Vec::new(),
            restore_attempts: HashMap::new(),
            next_ping,
            pings_unheard: 0,
            ended: None,
        }
    }

    /// Runs to the session's end. `restoring` what an earlier session held.
    pub(super) async fn run(mut self, restoring: bool) -> SessionEnd {
        if restoring {
            self.restore_all();
        }
        let end = loop {
            self.settle();
            if let Some(end) = self.ended.take() {
                break SessionEnd::Ended(end);
            }
            if let Err(end) = self.turn().await {
                if let SessionEnd::Transport(
                    error @ (TransportError::Decode(_) | TransportError::FrameKind { .. }),
                ) = &end
                {
                    self.session.handle_garbage(&error.to_string());
                }
                // What the router said last counts for more than how its connection went.
                self.settle();
                break self.ended.take().map_or(end, SessionEnd::Ended);
            }
        };
        for (_, waiting) in self.waiting.drain() {
            // What somebody is told has failed is not asked for again; what is being restored is.
            match &waiting {
                Waiting::Subscribe(local, Some(_)) => drop(self.driver.subscribers.remove(*local)),
                Waiting::Register(local, Some(_)) | Waiting::Unregister(local, _) => {
                    self.driver.callees.remove(*local);
                }
                _ => {}
            }
            waiting.refuse(&end);
        }
        self.connection.close(CLOSE_PATIENCE).await;
        end
    }

    /// Waits for the next thing to happen, and takes it in.
    async fn turn(&mut self) -> Result<(), SessionEnd> {
        let reading = self.has_delivered();
        let room = self.connection.has_room();
        let is_leaving = self.leave_by.is_some();
        let restore_at = self.restores.iter().map(|&(at, _)| at).min();
        let driver = &mut *self.driver;
        tokio::select! {
            read = self.connection.read(reading) => {
                let read = read.map_err(SessionEnd::Transport)?;
                self.take_batch(read).map_err(SessionEnd::Transport)?;
            }
            () = self.undelivered.deliver_waiting(), if !self.undelivered.is_empty() => {}
            gone = driver.subscribers.deliver_waiting(), if !driver.subscribers.all_delivered() => {
                if let Some(local) = gone {
                    self.unsubscribe(local, None);
                }
            }
            command = driver.commands.recv(), if room && !is_leaving => self.take_commands(command),
            said = driver.callees.said(), if room => match said {
                Said::Part(part) => self.session.yield_progress(part.invocation, part.payload),
                Said::Finished(finished) => self.answer(finished),
            },
            () = sleep_until(self.next_ping), if driver.options.ping_interval.is_some() => {
                self.ping(reading)?;
            }
            () = until(restore_at), if restore_at.is_some() && !is_leaving => self.restore_due(),
            () = until(self.leave_by), if is_leaving => return Err(SessionEnd::LeftUnanswered),
        }
        Ok(())
    }

    /// Takes what came, and all that can be read at once, so that what follows is written once.
    fn take_batch(&mut self, first: Read) -> Result<(), TransportError> {
        self.take(first);
        for _ in 0..BATCH_MAX {
            self.settle();
            if self.ended.is_some() || !self.has_delivered() || !self.connection.has_room() {
                break;
            }
            match self.connection.read_ready()? {
                Some(read) => self.take(read),
                None => break,
            }
        }
        Ok(())
    }

    /// Whether all that came has found room.
    fn has_delivered(&self) -> bool {
        self.driver.subscribers.all_delivered() && self.undelivered.is_empty()
    }

    fn take(&mut self, read: Read) {
        match read {
            Read::Written => {}
            Read::Alive => self.pings_unheard = 0,
            Read::Message(message) => {
                self.pings_unheard = 0;
                trace_received(self.connection.serializer(), &message);
                self.session.handle_message(message);
            }
        }
    }

    /// Carries out what the session has come to.
    fn settle(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Send(message) => queue(&mut self.connection, &message),
                Output::Joined(_) => {}
                Output::Answered { request, answer } => self.answered(request, answer),
                Output::Event(event) => {
                    for gone in self.driver.subscribers.deliver(&event) {
                        self.unsubscribe(gone, None);
                    }
                }
                Output::Invocation(invocation) => {
                    if let Err(refused) = self.driver.callees.invoke(invocation) {
                        self.answer(refused);
                    }
                }
                Output::Interrupted(invocation) => {
                    self.driver.callees.interrupt(invocation);
                    self.session
                        .fail(invocation, ErrorReply::new(uris::CANCELED));
                }
                Output::SubscriptionRevoked {
                    subscription,
                    reason,
                } => {
                    let why = revoked("subscription", reason.as_deref());
                    for local in self.driver.subscribers.of(subscription) {
                        self.driver.subscribers.end(local, why.clone());
                    }
                }
                Output::RegistrationRevoked {
                    registration,
                    reason,
                } => {
                    let why = revoked("registration", reason.as_deref());
                    if let Some(local) = self.driver.callees.of(registration) {
                        let why = RegistrationEnd::Revoked(why);
                        self.driver.callees.end(local, why);
                    }
                }
                Output::Ended(end) => self.ended = Some(end),
            }
        }
    }

    /// Takes commands as long as there is room for what they send. `None`: nobody has a handle any more.
    fn take_commands(&mut self, first: Option<Command>) {
        let mut next = first;
        while let Some(command) = next {
            self.take_command(command);
            self.settle();
            let stop = self.leave_by.is_some() || !self.connection.has_room();
            next = if stop {
                return;
            } else {
                self.driver.commands.try_recv().ok()
            };
        }
        if self.driver.commands.is_closed() && self.driver.commands.is_empty() {
            self.leave();
        }
    }

    fn take_command(&mut self, command: Command) {
        match command {
            Command::Call {
                procedure,
                options,
                payload,
                reply,
            } => {
                let sent = self.session.call(procedure, options, payload);
                self.sent(sent, Waiting::Call(reply));
            }
            Command::Stream {
                procedure,
                options,
                payload,
                results,
                reply,
            } => match self.session.call(procedure, options, payload) {
                Ok(request) => {
                    let local = self.driver.next_local();
                    self.waiting
                        .insert(request, Waiting::Stream(local, results));
                    // Who no longer waits need not know.
                    drop(reply.send(Ok(local)));
                }
                Err(error) => drop(reply.send(Err(RequestError::Command(error)))),
            },
            Command::Cancel { local, mode } => self.cancel(local, mode),
            Command::Publish {
                topic,
                options,
                payload,
                reply,
            } => {
                let acknowledged = options.acknowledge == Some(true);
                match self.session.publish(topic, options, payload) {
                    // Who no longer waits need not know.
                    Ok(_) if !acknowledged => drop(reply.send(Ok(None))),
                    sent => self.sent(sent, Waiting::Publish(reply)),
                }
            }
            Command::Subscribe {
                topic,
                options,
                events,
                reply,
            } => {
                let local = self.driver.next_local();
                let sent = self.session.subscribe(topic.clone(), options.clone());
                self.driver.subscribers.add(local, topic, options, events);
                self.sent(sent, Waiting::Subscribe(local, Some(reply)));
            }
            Command::Unsubscribe { local, reply } => self.unsubscribe(local, Some(reply)),
            Command::Register {
                offer,
                state,
                reply,
            } => {
                let local = self.driver.next_local();
                let Offer {
                    procedure, options, ..
                } = &offer;
                let sent = self.session.register(procedure.clone(), options.clone());
                self.driver.callees.add(local, offer, state);
                self.sent(sent, Waiting::Register(local, Some(reply)));
            }
            Command::Unregister { local, reply } => self.unregister(local, reply),
            Command::Leave { reply } => {
                self.driver.leaving.push(reply);
                self.leave();
            }
        }
    }

    /// Notes who waits for a request, or tells them at once that it was not sent.
    pub(super) fn sent(&mut self, sent: Result<RequestId, CommandError>, waiting: Waiting) {
        match sent {
            Ok(request) => drop(self.waiting.insert(request, waiting)),
            Err(error) => self.failed(waiting, RequestError::Command(error)),
        }
    }

    /// Cost: O(requests that wait).
    fn cancel(&mut self, local: LocalId, mode: CancelMode) {
        let is_it = |waiting: &Waiting| matches!(waiting, Waiting::Stream(it, _) if *it == local);
        let call = self.waiting.iter().find(|(_, waiting)| is_it(waiting));
        if let Some((&request, _)) = call {
            self.session.cancel(request, mode);
        }
    }

    fn unsubscribe(&mut self, local: LocalId, reply: Option<Reply<()>>) {
        let subscription = self.driver.subscribers.remove(local);
        let sent = subscription.map(|subscription| self.session.unsubscribe(subscription));
        match (sent, reply) {
            (Some(Ok(Some(request))), Some(reply)) => {
                self.waiting.insert(request, Waiting::Unsubscribe(reply));
            }
            (_, Some(reply)) => drop(reply.send(Ok(()))),
            (_, None) => {}
        }
    }

    fn unregister(&mut self, local: LocalId, reply: Reply<()>) {
        let registration = self.driver.callees.registration(local);
        if let Some(registration) = registration {
            let sent = self.session.unregister(registration);
            self.sent(sent, Waiting::Unregister(local, reply));
        } else {
            self.driver.callees.remove(local);
            drop(reply.send(Ok(())));
        }
    }

    fn leave(&mut self) {
        while let Some(finished) = self.driver.callees.try_finished() {
            self.answer(finished);
        }
        if self.session.leave().is_ok() {
            self.leave_by = Some(Instant::now() + LEAVE_PATIENCE);
        }
    }

    fn answer(&mut self, finished: Finished) {
        // order: the parts of a result before its end.
        while let Some(part) = self.driver.callees.try_part() {
            self.session.yield_progress(part.invocation, part.payload);
        }
        match finished.answer {
            Ok(payload) => self.session.yield_result(finished.invocation, payload),
            Err(reply) => self.session.fail(finished.invocation, reply),
        }
    }

    fn answered(&mut self, request: RequestId, answer: Result<Answer, ErrorReply>) {
        let Some(waiting) = self.waiting.remove(&request) else {
            return;
        };
        match answer {
            Ok(Answer::Result(result)) if let Waiting::Stream(local, results) = waiting => {
                let is_partial = result.details.progress == Some(true);
                let (details, payload) = (result.details, result.payload);
                if is_partial && !results.is_closed() {
                    let waiting = Waiting::Stream(local, results.clone());
                    self.waiting.insert(request, waiting);
                }
                self.undelivered
                    .deliver(results, Ok(Outcome { details, payload }));
            }
            Ok(answer) => self.granted(waiting, answer),
            Err(reply) => self.refused(waiting, reply),
        }
    }

    /// Tells who waits. A caller that no longer does has forgotten the request: then so do we.
    fn granted(&mut self, waiting: Waiting, answer: Answer) {
        match (waiting, answer) {
            (Waiting::Call(reply), Answer::Result(result)) => {
                let (details, payload) = (result.details, result.payload);
                drop(reply.send(Ok(Outcome { details, payload })));
            }
            (Waiting::Publish(reply), Answer::Published(publication)) => {
                drop(reply.send(Ok(Some(publication))));
            }
            (Waiting::Subscribe(local, reply), Answer::Subscribed(subscription)) => {
                if !self.driver.subscribers.subscribed(local, subscription) {
                    // Given up while it was being restored. It was not asked for again, so nobody waits.
                    let _ = self.session.unsubscribe(subscription);
                }
                if reply.is_some_and(|reply| reply.send(Ok(local)).is_err()) {
                    self.unsubscribe(local, None);
                }
            }
            (Waiting::Register(local, reply), Answer::Registered(registration)) => {
                if !self.driver.callees.registered(local, registration) {
                    let _ = self.session.unregister(registration);
                }
                self.restore_attempts.remove(&local);
                if reply.is_some_and(|reply| reply.send(Ok(local)).is_err()) {
                    let (forgotten, _) = tokio::sync::oneshot::channel();
                    self.unregister(local, forgotten);
                }
            }
            (Waiting::Unsubscribe(reply), _) => drop(reply.send(Ok(()))),
            (Waiting::Unregister(local, reply), _) => {
                self.driver.callees.remove(local);
                drop(reply.send(Ok(())));
            }
            // The session answers each request in kind.
            (
                Waiting::Call(_)
                | Waiting::Stream(..)
                | Waiting::Publish(_)
                | Waiting::Subscribe(..)
                | Waiting::Register(..),
                _,
            ) => {}
        }
    }

    fn refused(&mut self, waiting: Waiting, reply: ErrorReply) {
        match waiting {
            Waiting::Subscribe(local, None) => {
                let why = format!("it could not be restored: {}", reply.error);
                self.driver.subscribers.end(local, why);
            }
            Waiting::Register(local, None) => self.restore_refused(local, reply),
            Waiting::Stream(_, results) => {
                let refused = Err(RequestError::Refused(reply));
                self.undelivered.deliver(results, refused);
            }
            waiting => self.failed(waiting, RequestError::Refused(reply)),
        }
    }

    fn failed(&mut self, waiting: Waiting, error: RequestError) {
        match &waiting {
            Waiting::Subscribe(local, _) => drop(self.driver.subscribers.remove(*local)),
            Waiting::Register(local, _) | Waiting::Unregister(local, _) => {
                self.driver.callees.remove(*local);
            }
            Waiting::Call(_)
            | Waiting::Stream(..)
            | Waiting::Publish(_)
            | Waiting::Unsubscribe(_) => {}
        }
        waiting.fail(error);
    }

    fn ping(&mut self, reading: bool) -> Result<(), SessionEnd> {
        let interval = self.driver.options.ping_interval.unwrap_or_default();
        if !reading {
            // We do not listen now, so silence says nothing.
            self.pings_unheard = 0;
        } else if self.pings_unheard >= PINGS_UNHEARD_MAX {
            let silence = interval * PINGS_UNHEARD_MAX;
            return Err(SessionEnd::Transport(TransportError::Dead(silence)));
        }
        self.pings_unheard += 1;
        self.connection.queue_ping();
        self.next_ping = Instant::now() + interval;
        Ok(())
    }
}

fn revoked(what: &str, reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!("the router took the {what} back: {reason}"),
        None => format!("the router took the {what} back"),
    }
}

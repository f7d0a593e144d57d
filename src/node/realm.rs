//! A realm shared by its connections: the core, its lock, and the way from its outputs to the outboxes.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use rustc_hash::FxHashMap;
use tokio::sync::{Notify, oneshot};
use tracing::{error, info, warn};

use super::clock::now;
use super::counters::Counters;
use super::outbox::{Delivery, Note, Outbox};
use super::shared::Shared;
use crate::protocol::message::Abort;
use crate::protocol::{Message, Payload, RequestId, SessionId, Uri};
use crate::router::{
    Identity, Joining, Joins, Output, Realm, Remark, Roles, SessionBounds, Transport, Violation,
};
use crate::transport::Address;

/// How much of what a client says of its software is logged.
const AGENT_CHARS_MAX: usize = 100;
/// After so many messages to recipients, others have their turn. bound: how long they wait for a batch, each message of
/// which may reach everybody: one or two milliseconds. A whole batch to a hundred recipients fits, for each is woken once
/// a turn, and pays a system call for it: at a twelfth of this, a fan-out to 100 had half the rate.
const WORK_MAX: usize = 16 * 1_024;
/// So many bytes of a payload are as much work as a message: what the router itself writes, lists above all, costs much more.
const WORK_BYTES: usize = 64;

/// How long deadlines rest after a panic.
const PANIC_REST: Duration = Duration::from_secs(1);

/// One realm and its connections.
#[derive(Debug)]
pub(super) struct SharedRealm {
    name: Uri,
    floor: Mutex<Floor>,
    counters: Arc<Counters>,
    /// Told when the core has another deadline than before.
    deadline_changed: Notify,
}

/// What the lock guards.
#[derive(Debug)]
struct Floor {
    core: Realm,
    joins: Joins,
    outboxes: FxHashMap<SessionId, Arc<Outbox>>,
    /// Who waits for what a procedure says that the router called.
    answers: FxHashMap<RequestId, oneshot::Sender<Message>>,
    deadline: Option<Instant>,
}

/// A procedure that was called on the router's own behalf; who lets go of it takes the call back.
#[derive(Debug)]
pub(super) struct Asking {
    realm: Arc<SharedRealm>,
    request: RequestId,
    answer: oneshot::Receiver<Message>,
}

impl Asking {
    /// The RESULT or the ERROR; nothing where there will be none.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        Pin::new(&mut self.answer).poll(cx).map(Result::ok)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut floor = self.realm.floor.lock();
        if floor.answers.remove(&self.request).is_some() {
            let now = now();
            floor.core.handle_withdrawal(now, self.request);
            self.realm.finish(floor, now, &mut Delivery::default());
        }
    }
}

/// What a connection received, in order.
#[derive(Debug)]
pub(super) enum Received {
    Message(Message),
    Violation(Violation),
}

impl SharedRealm {
    pub(super) fn new(core: Realm, joins: Joins, counters: Arc<Counters>) -> Self {
        let floor = Floor {
            core,
            joins,
            outboxes: FxHashMap::default(),
            answers: FxHashMap::default(),
            deadline: None,
        };
        Self {
            name: floor.core.name().clone(),
            floor: Mutex::new(floor),
            counters,
            deadline_changed: Notify::new(),
        }
    }

    pub(super) const fn name(&self) -> &Uri {
        &self.name
    }

    /// Opens a session whose messages go to `outbox`, WELCOME first. `address` is where it comes from, if that counts.
    ///
    /// Returns what holds for it as well.
    pub(super) fn join(
        &self,
        joining: &Joining,
        transport: Transport,
        address: Option<u128>,
        outbox: Arc<Outbox>,
    ) -> Result<(SessionId, SessionBounds), Box<Abort>> {
        let mut delivery = Delivery::default();
        let mut floor = self.floor.lock();
        let role = &joining.identity.authrole;
        if let Err(why) = floor.joins.take(now(), role, address) {
            self.counters.count_early_join(why);
            return Err(why.abort().into());
        }
        let bounds = floor.core.bounds_of(role);
        outbox.set_limits(&bounds.limits);
        let joined = floor.core.handle_join(joining, transport);
        let session = match joined {
            Ok(session) => session,
            Err(abort) => {
                self.finish(floor, now(), &mut delivery);
                return Err(abort);
            }
        };
        floor.outboxes.insert(session, outbox);
        self.finish(floor, now(), &mut delivery);
        Ok((session, bounds))
    }

    /// Routes a batch of one session's messages under one lock, as far as that is not too much work for once: what is
    /// left stays in the batch. `delivery` is scratch space.
    pub(super) fn receive(
        &self,
        from: SessionId,
        batch: &mut VecDeque<Received>,
        delivery: &mut Delivery,
    ) {
        let now = now();
        let mut floor = self.floor.lock();
        while let Some(received) = batch.pop_front() {
            match received {
                Received::Message(message) => floor.core.handle_message(now, from, message),
                Received::Violation(violation) => floor.core.handle_violation(now, from, violation),
            }
            floor.deliver(now, delivery);
            if delivery.work >= WORK_MAX {
                break;
            }
        }
        self.finish(floor, now, delivery);
    }

    /// Takes a session out whose connection has ended, in whatever way; false where the core ended it before.
    ///
    /// It does not panic: the connection may end in a panic, and a second one would end the process.
    pub(super) fn leave(&self, session: SessionId) -> bool {
        let taken_out = catch_unwind(AssertUnwindSafe(|| self.take_out(session)));
        taken_out.unwrap_or_else(|_| {
            let realm = self.name.as_str();
            error!(%session, ?realm, "a panic while a session was taken out: what it held may still be there");
            false
        })
    }

    fn take_out(&self, session: SessionId) -> bool {
        let mut floor = self.floor.lock();
        let now = now();
        let was_open = floor.outboxes.remove(&session).is_some();
        if was_open {
            floor.core.handle_lost(now, session);
        }
        self.finish(floor, now, &mut Delivery::default());
        was_open
    }

    /// Puts other roles in the place of those there are; what they do not grant is taken back.
    pub(super) fn set_roles(&self, roles: Roles) {
        let mut floor = self.floor.lock();
        let now = now();
        floor.core.set_roles(now, roles);
        self.finish(floor, now, &mut Delivery::default());
    }

    /// Calls a procedure on the router's own behalf.
    pub(super) fn ask(self: &Arc<Self>, procedure: Uri, payload: Payload) -> Asking {
        let mut floor = self.floor.lock();
        let now = now();
        let request = floor.core.handle_question(now, procedure, payload);
        let (waits, answer) = oneshot::channel();
        // order: before the outputs, of which one may be the answer.
        floor.answers.insert(request, waits);
        self.finish(floor, now, &mut Delivery::default());
        let realm = Arc::clone(self);
        Asking {
            realm,
            request,
            answer,
        }
    }

    /// Ends the sessions of those who may not be here any more; says how many.
    pub(super) fn expel(&self, is_unwanted: impl Fn(&Identity) -> bool) -> usize {
        let mut floor = self.floor.lock();
        let now = now();
        let ended = floor.core.handle_expulsion(now, is_unwanted);
        self.finish(floor, now, &mut Delivery::default());
        ended
    }

    pub(super) fn shut_down(&self) {
        let mut floor = self.floor.lock();
        let now = now();
        let held = floor.core.holdings();
        floor.core.handle_shutdown(now);
        self.finish(floor, now, &mut Delivery::default());
        let realm = self.name.as_str();
        info!(
            ?realm,
            sessions = held.sessions,
            calls = held.calls,
            "going down"
        );
    }

    /// Runs the core's deadlines, until the realm has gone down.
    pub(super) async fn run_deadlines(&self) {
        loop {
            let deadline = self.floor.lock().deadline;
            match deadline {
                None => self.deadline_changed.notified().await,
                Some(deadline) => {
                    tokio::select! {
                        () = self.deadline_changed.notified() => {}
                        () = tokio::time::sleep_until(deadline.into()) => self.time_out_or_rest().await,
                    }
                }
            }
            if self.floor.lock().core.is_down() {
                return;
            }
        }
    }

    /// Does what is due. A panic does not end the realm's deadlines, but it may come again at once.
    async fn time_out_or_rest(&self) {
        if catch_unwind(AssertUnwindSafe(|| self.time_out())).is_err() {
            let realm = self.name.as_str();
            error!(
                ?realm,
                "a panic while what was due was done: the deadlines go on in {PANIC_REST:?}"
            );
            tokio::time::sleep(PANIC_REST).await;
        }
    }

    fn time_out(&self) {
        let mut floor = self.floor.lock();
        let now = now();
        floor.core.handle_timeout(now);
        self.finish(floor, now, &mut Delivery::default());
    }

    /// The outbox that holds most bytes.
    pub(super) fn slowest(&self) -> Option<(SessionId, Arc<Outbox>)> {
        let floor = self.floor.lock();
        let slowest = floor
            .outboxes
            .iter()
            .max_by_key(|(_, outbox)| outbox.bytes());
        slowest.map(|(&session, outbox)| (session, Arc::clone(outbox)))
    }

    /// Delivers what is left, unlocks, then wakes: nobody is woken to find the lock taken.
    fn finish(&self, mut floor: MutexGuard<'_, Floor>, now: Instant, delivery: &mut Delivery) {
        floor.deliver(now, delivery);
        let deadline = floor.core.poll_timeout();
        let has_changed =
            std::mem::replace(&mut floor.deadline, deadline) != deadline || floor.core.is_down();
        let bites = floor.core.take_bites();
        drop(floor);
        if has_changed {
            self.deadline_changed.notify_one();
        }
        for bite in bites.into_iter().chain(delivery.bites.take()) {
            self.counters.note(bite);
        }
        tell(delivery);
    }
}

impl Floor {
    /// Appends the core's outputs to the outboxes, in order. order: under the lock, so that two batches
    /// cannot overtake each other on their way to one peer.
    fn deliver(&mut self, now: Instant, delivery: &mut Delivery) {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Send { to, message } => self.send(now, to, message, delivery),
                Output::SendMany { to, message } => self.send_many(&to, message, delivery),
                Output::Answer { request, answer } => {
                    if let Some(waits) = self.answers.remove(&request) {
                        // Who has gone meanwhile needs no answer.
                        let _ = waits.send(answer);
                    }
                }
                Output::End { session, end } => {
                    if let Some(outbox) = self.outboxes.remove(&session) {
                        outbox.push_end(end, delivery);
                    }
                }
                Output::Remark { session, remark } => {
                    delivery.notes.push(Note::Remark(session, remark));
                }
            }
        }
    }

    fn send(&mut self, now: Instant, to: SessionId, message: Message, delivery: &mut Delivery) {
        delivery.work += 1 + message.payload().map_or(0, Payload::len) / WORK_BYTES;
        let Some(outbox) = self.outboxes.get(&to) else {
            return;
        };
        if let Message::Abort(abort) = &message {
            let abort = Box::new(abort.clone());
            delivery.notes.push(Note::Abort(to, abort));
        }
        if let Some(Message::Invocation(invocation)) = outbox.push(message, delivery) {
            delivery.notes.push(Note::Undeliverable(to));
            self.core.handle_undeliverable(now, to, invocation);
        }
    }

    fn send_many(&self, to: &[SessionId], message: Message, delivery: &mut Delivery) {
        delivery.work += to.len();
        let shared = Shared::new(message);
        for outbox in to.iter().filter_map(|session| self.outboxes.get(session)) {
            outbox.push_shared(&shared, delivery);
        }
    }
}

/// Logs that a session has joined. Text from the peer is escaped and cut: a log is read in terminals.
pub(super) fn log_joined(session: SessionId, joining: &Joining, peer: Address, transport: &str) {
    let realm = joining.realm.as_str();
    let agent: String = joining
        .agent
        .iter()
        .flat_map(|agent| agent.chars())
        .take(AGENT_CHARS_MAX)
        .collect();
    info!(%session, ?realm, %peer, ?agent, transport, "session joined");
}

/// Tells of a delivery whom it concerns, and the log. The lock is not held.
fn tell(delivery: &mut Delivery) {
    delivery.work = 0;
    log_notes(&mut delivery.notes);
    for waker in delivery.wakers.drain(..) {
        waker.wake();
    }
}

/// One line for what a batch may have many of: invocations that did not fit, answers that were cut.
fn log_notes(notes: &mut Vec<Note>) {
    let mut undeliverable = None;
    let mut cut = None;
    for note in notes.drain(..) {
        match note {
            Note::Abort(session, abort) => log_abort(session, &abort),
            Note::Undeliverable(session) => {
                let (_, count) = undeliverable.unwrap_or((session, 0));
                undeliverable = Some((session, count + 1));
            }
            Note::Remark(session, Remark::RetainedCut { events }) => cut = Some((session, events)),
            Note::Remark(
                session,
                Remark::PublishesDropped {
                    count,
                    realm_count,
                    last,
                },
            ) => {
                let last = last.as_str();
                warn!(%session, dropped = count, realm_total = realm_count, last, "publications dropped: they were refused, and had asked for no answer");
            }
        }
    }
    if let Some((session, invocations)) = undeliverable {
        warn!(%session, invocations, "a callee's outbox is full: its calls go to others, or fail");
    }
    if let Some((session, events)) = cut {
        warn!(%session, events, "retained events left out: more topics match than one SUBSCRIBE is answered with (retained_answer_events)");
    }
}

/// The ABORT's words are ours, what they quote is escaped already.
fn log_abort(session: SessionId, abort: &Abort) {
    let why = abort.details.message.as_deref().unwrap_or_default();
    warn!(%session, reason = abort.reason.as_str(), "ABORT: {why}");
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use bytes::Bytes;

    use super::super::load::Total;
    use super::*;
    use crate::node::Router;
    use crate::node::time_of_day;
    use crate::router::{Authenticator, Handshake, Limits, Settings, Sources, Step};
    use crate::serializer::Serializer::Json;
    use crate::transport::Framing;

    /// A realm whose core panics once when it needs a number at random after `trap` was set.
    struct Trapped {
        realm: SharedRealm,
        trap: Arc<AtomicBool>,
    }

    struct Client {
        session: SessionId,
        outbox: Arc<Outbox>,
    }

    impl Trapped {
        fn new() -> Self {
            let trap = Arc::new(AtomicBool::new(false));
            let (sprung, mut last) = (Arc::clone(&trap), 0);
            let random = move || {
                assert!(!sprung.swap(false, Ordering::Relaxed), "the trap");
                last += 1;
                last
            };
            let sources = Sources::new(random, time_of_day);
            let core = Realm::new(
                "realm1".into(),
                Settings::default(),
                Limits::default(),
                sources,
            );
            Self {
                realm: SharedRealm::new(core, Joins::default(), Arc::new(Counters::new())),
                trap,
            }
        }

        fn join(&self) -> Client {
            let hello = br#"[1, "realm1", {"roles": {"caller": {}, "subscriber": {},
                "callee": {"features": {"call_canceling": true}}}}]"#;
            let hello = Json.decode(&Bytes::from_static(hello)).unwrap();
            let router = Router::new(
                [("realm1".into(), Settings::default())],
                Limits::default(),
                Authenticator::default(),
            );
            let arrival = crate::node::connection::Arrival {
                peer: Address::Unix(None),
                channel: None,
                cookie: None,
            };
            let step = router.handle_handshake(&mut Handshake::default(), hello, &arrival);
            let Step::Join(joining) = step else {
                panic!("it may join");
            };
            let transport = Transport {
                kind: "websocket",
                protocol: "wamp.2.json",
                peer: "127.0.0.1:1".into(),
                is_local: true,
            };
            let total = Arc::<Total>::default();
            let outbox = Arc::new(Outbox::new(
                &Limits::default(),
                Json,
                Framing::WebSocket,
                total,
            ));
            let session = self
                .realm
                .join(&joining, transport, None, Arc::clone(&outbox));
            Client {
                session: session.unwrap().0,
                outbox,
            }
        }

        fn send(&self, from: &Client, message: &'static str) {
            let message = Json
                .decode(&Bytes::from_static(message.as_bytes()))
                .unwrap();
            let mut batch = VecDeque::from([Received::Message(message)]);
            self.realm
                .receive(from.session, &mut batch, &mut Delivery::default());
        }
    }

    #[test]
    fn a_core_that_panics_while_a_connection_unwinds_does_not_end_the_process() {
        struct Connection<'a>(&'a Trapped, SessionId);
        impl Drop for Connection<'_> {
            fn drop(&mut self) {
                assert!(!self.0.realm.leave(self.1));
            }
        }
        let trapped = Trapped::new();
        let (leaving, watching) = (trapped.join(), trapped.join());
        trapped.send(&watching, r#"[32, 1, {}, "wamp.session.on_leave"]"#);
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _connection = Connection(&trapped, leaving.session);
            // Subscribers are told of it under a number at random.
            trapped.trap.store(true, Ordering::Relaxed);
            panic!("a connection's own");
        }));
        assert!(unwound.is_err());
        assert!(!trapped.trap.load(Ordering::Relaxed));
        // Others are served.
        let before = watching.outbox.bytes();
        trapped.send(&watching, r#"[32, 2, {}, "a.b"]"#);
        assert!(watching.outbox.bytes() > before);
    }

    #[tokio::test(start_paused = true)]
    async fn deadlines_go_on_after_a_panic_in_what_was_due() {
        let trapped = Trapped::new();
        let caller = trapped.join();
        let callees = [trapped.join(), trapped.join()];
        for callee in &callees {
            let options = r#"[64, 1, {"invoke": "random", "concurrency": 1}, "a.b"]"#;
            trapped.send(callee, options);
        }
        trapped.send(&caller, r#"[48, 1, {"timeout": 1000}, "a.b"]"#);
        trapped.send(&caller, r#"[48, 2, {"timeout": 9000}, "a.b"]"#);
        trapped.send(&caller, r#"[48, 3, {}, "a.b"]"#);
        // The first call's end frees a callee, and who gets the third is drawn by lot.
        trapped.trap.store(true, Ordering::Relaxed);
        let watched = async {
            tokio::time::sleep(Duration::from_secs(8)).await;
            assert!(!trapped.trap.load(Ordering::Relaxed));
            let before = caller.outbox.bytes();
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert!(caller.outbox.bytes() > before);
        };
        tokio::select! {
            () = trapped.realm.run_deadlines() => panic!("the realm is up"),
            () = watched => {}
        }
    }
}

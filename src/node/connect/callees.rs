//! Procedures offered, and the handlers that run for them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use super::command::{LocalId, Offer};
use crate::client::ErrorReply;
use crate::protocol::message::Invocation;
use crate::protocol::{Payload, RegisterOptions, RegistrationId, RequestId, Uri, uris};

/// How many parts of results wait to be sent. bound: beyond, handlers wait.
const PARTS_MAX: usize = 64;

/// Answers a call.
pub type Handler = Arc<
    dyn Fn(Invocation, Progress) -> BoxFuture<'static, Result<Payload, ErrorReply>> + Send + Sync,
>;

/// Sends the parts of a call's result as they are there, to a caller that asked for them.
#[derive(Clone, Debug)]
pub struct Progress {
    invocation: RequestId,
    parts: mpsc::Sender<Part>,
}

impl Progress {
    /// Sends a part. Waits while the connection is busy; does nothing once the session is lost.
    pub async fn send(&self, payload: Payload) {
        let part = Part {
            invocation: self.invocation,
            payload,
        };
        // Then nobody waits for it.
        drop(self.parts.send(part).await);
    }
}

/// A part of a result.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) invocation: RequestId,
    pub(super) payload: Payload,
}

/// A procedure that is offered. Dropping this changes nothing; it is taken back by
/// [`Peer::unregister`](super::Peer::unregister) and ends with the session.
#[derive(Debug)]
pub struct Registration {
    pub(super) local: LocalId,
    pub(super) state: watch::Receiver<RegistrationState>,
}

/// How an offer stands with the router.
#[derive(Clone, Debug)]
pub enum RegistrationState {
    /// The router holds it, or has not answered yet.
    Offered,
    /// After a re-join another session holds the procedure: the router may not have noticed that ours is gone.
    Contested {
        /// How long it is tried again.
        patience: Duration,
    },
    /// The router does not hold it any more.
    Ended(RegistrationEnd),
}

/// Why the router does not hold a registration any more.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationEnd {
    /// The router took it back.
    #[error("{0}")]
    Revoked(String),
    /// It was lost with a session, and the next one's router refused it.
    #[error("it could not be restored: {}", .0.error)]
    NotRestored(ErrorReply),
}

impl Registration {
    /// Waits until the offer stands differently; `None` where the session ended instead.
    pub async fn changed(&mut self) -> Option<RegistrationState> {
        self.state.changed().await.ok()?;
        Some(self.state.borrow_and_update().clone())
    }
}

struct Callee {
    offer: Offer,
    state: watch::Sender<RegistrationState>,
    registration: Option<RegistrationId>,
    running: usize,
    /// bound: the session refuses invocations beyond its limit.
    waiting: VecDeque<Invocation>,
}

/// A handler that has ended, and what it says.
pub(super) struct Finished {
    pub(super) invocation: RequestId,
    pub(super) answer: Answered,
}

/// What a handler says.
pub(super) enum Said {
    Part(Part),
    Finished(Finished),
}

type Answered = Result<Payload, ErrorReply>;

struct Running {
    invocation: RequestId,
    local: LocalId,
    handle: AbortHandle,
}

pub(super) struct Callees {
    offers: BTreeMap<LocalId, Callee>,
    by_registration: HashMap<RegistrationId, LocalId>,
    handlers: JoinSet<Answered>,
    running: HashMap<Id, Running>,
    /// Handlers of this session have the other end.
    parts: mpsc::Receiver<Part>,
    part_sender: mpsc::Sender<Part>,
}

impl Default for Callees {
    fn default() -> Self {
        let (part_sender, parts) = mpsc::channel(PARTS_MAX);
        Self {
            offers: BTreeMap::new(),
            by_registration: HashMap::new(),
            handlers: JoinSet::new(),
            running: HashMap::new(),
            parts,
            part_sender,
        }
    }
}

impl Callees {
    pub(super) fn add(
        &mut self,
        local: LocalId,
        offer: Offer,
        state: watch::Sender<RegistrationState>,
    ) {
        let callee = Callee {
            offer,
            state,
            registration: None,
            running: 0,
            waiting: VecDeque::new(),
        };
        self.offers.insert(local, callee);
    }

    /// Notes the router's answer.
    pub(super) fn registered(&mut self, local: LocalId, registration: RegistrationId) -> bool {
        let callee = self.offers.get_mut(&local);
        let is_wanted = callee.is_some();
        if let Some(callee) = callee {
            callee.registration = Some(registration);
            callee.state.send_if_modified(|state| {
                let is_news = matches!(state, RegistrationState::Contested { .. });
                *state = RegistrationState::Offered;
                is_news
            });
            self.by_registration.insert(registration, local);
        }
        is_wanted
    }

    pub(super) fn registration(&self, local: LocalId) -> Option<RegistrationId> {
        self.offers.get(&local)?.registration
    }

    /// Forgets an offer. Handlers that run for it end in their own time.
    pub(super) fn remove(&mut self, local: LocalId) {
        let callee = self.offers.remove(&local);
        if let Some(registration) = callee.and_then(|callee| callee.registration) {
            self.by_registration.remove(&registration);
        }
    }

    /// Ends an offer, telling its owner why.
    pub(super) fn end(&mut self, local: LocalId, why: RegistrationEnd) {
        let Some(callee) = self.offers.remove(&local) else {
            return;
        };
        if let Some(registration) = callee.registration {
            self.by_registration.remove(&registration);
        }
        // An owner who does not wait for it need not know.
        drop(callee.state.send(RegistrationState::Ended(why)));
    }

    /// Tells an offer's owner that somebody else holds the procedure, and that it is tried again.
    pub(super) fn contested(&self, local: LocalId, patience: Duration) {
        if let Some(callee) = self.offers.get(&local) {
            let contested = RegistrationState::Contested { patience };
            // An owner who does not wait for it need not know.
            drop(callee.state.send(contested));
        }
    }

    pub(super) fn of(&self, registration: RegistrationId) -> Option<LocalId> {
        self.by_registration.get(&registration).copied()
    }

    /// Runs the handler of a call, or lets the call wait for its turn.
    pub(super) fn invoke(&mut self, invocation: Invocation) -> Result<(), Finished> {
        let local = self.by_registration.get(&invocation.registration).copied();
        let Some((local, callee)) =
            local.and_then(|local| Some((local, self.offers.get_mut(&local)?)))
        else {
            let text = "the procedure is being taken back";
            let answer = Err(ErrorReply::text(uris::UNAVAILABLE, text));
            return Err(Finished {
                invocation: invocation.request,
                answer,
            });
        };
        if callee.running >= callee.offer.concurrency {
            callee.waiting.push_back(invocation);
        } else {
            self.start(local, invocation);
        }
        Ok(())
    }

    fn start(&mut self, local: LocalId, invocation: Invocation) {
        let Some(callee) = self.offers.get_mut(&local) else {
            return;
        };
        callee.running += 1;
        let request = invocation.request;
        let progress = Progress {
            invocation: request,
            parts: self.part_sender.clone(),
        };
        let handler = &callee.offer.handler;
        let handle = self.handlers.spawn(handler(invocation, progress));
        let running = Running {
            invocation: request,
            local,
            handle,
        };
        self.running.insert(running.handle.id(), running);
    }

    /// Waits for what a handler says. Cancel-safe; pending while none runs.
    pub(super) async fn said(&mut self) -> Said {
        loop {
            let ended = tokio::select! {
                biased;
                Some(part) = self.parts.recv() => return Said::Part(part),
                Some(ended) = self.handlers.join_next_with_id() => ended,
                else => std::future::pending().await,
            };
            if let Some(finished) = self.take(ended) {
                return Said::Finished(finished);
            }
        }
    }

    /// A part of a result that is there already: all of a handler that has ended are.
    pub(super) fn try_part(&mut self) -> Option<Part> {
        self.parts.try_recv().ok()
    }

    /// A handler that has ended already.
    pub(super) fn try_finished(&mut self) -> Option<Finished> {
        let ended = self.handlers.try_join_next_with_id()?;
        self.take(ended)
    }

    fn take(&mut self, ended: Result<(Id, Answered), JoinError>) -> Option<Finished> {
        let (id, answer) = match ended {
            Ok(ended) => ended,
            Err(error) => (error.id(), Err(died(&error))),
        };
        let Running {
            invocation, local, ..
        } = self.running.remove(&id)?;
        if let Some(callee) = self.offers.get_mut(&local) {
            callee.running -= 1;
            if let Some(next) = callee.waiting.pop_front() {
                self.start(local, next);
            }
        }
        Some(Finished { invocation, answer })
    }

    /// Cancels a call that is not wanted any more.
    pub(super) fn interrupt(&mut self, invocation: RequestId) {
        for callee in self.offers.values_mut() {
            callee
                .waiting
                .retain(|waiting| waiting.request != invocation);
        }
        let running = self.running.values();
        for running in running.filter(|running| running.invocation == invocation) {
            running.handle.abort();
        }
    }

    /// Stops all handlers and forgets the router's ids: the session is lost, nobody waits for answers.
    pub(super) fn reset(&mut self) {
        self.handlers = JoinSet::new();
        (self.part_sender, self.parts) = mpsc::channel(PARTS_MAX);
        self.running.clear();
        self.by_registration.clear();
        for callee in self.offers.values_mut() {
            callee.registration = None;
            callee.running = 0;
            callee.waiting.clear();
        }
    }

    pub(super) fn locals(&self) -> Vec<LocalId> {
        self.offers.keys().copied().collect()
    }

    /// What is to be registered again.
    pub(super) fn offer(&self, local: LocalId) -> Option<(Uri, RegisterOptions)> {
        let offer = &self.offers.get(&local)?.offer;
        Some((offer.procedure.clone(), offer.options.clone()))
    }
}

fn died(error: &JoinError) -> ErrorReply {
    if error.is_cancelled() {
        ErrorReply::new(uris::CANCELED)
    } else {
        ErrorReply::text(uris::RUNTIME_ERROR, "the callee failed unexpectedly")
    }
}

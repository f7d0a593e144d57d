//! A call whose results come one by one, and that can be cancelled.

use std::collections::VecDeque;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::Peer;
use super::command::{Command, LocalId};
use super::error::RequestError;
use super::peer::Outcome;
use crate::protocol::CancelMode;

/// How many results wait in a stream. bound: beyond, the connection is not read until some are taken.
pub(super) const RESULTS_MAX: usize = 64;

pub(super) type ResultSender = mpsc::Sender<Result<Outcome, RequestError>>;

/// The results of one call, in order: partial ones first, where they were asked for, then the last or an error.
///
/// Dropping this forgets the call; the callee goes on. [`cancel`](Self::cancel) tells it.
#[derive(Debug)]
pub struct ResultStream {
    pub(super) peer: Peer,
    pub(super) local: LocalId,
    pub(super) results: mpsc::Receiver<Result<Outcome, RequestError>>,
}

impl ResultStream {
    /// The next result; `None` after the last. Cancel-safe.
    pub async fn next_result(&mut self) -> Option<Result<Outcome, RequestError>> {
        self.results.recv().await
    }

    /// Asks for the end of the call, whose answer still comes: at once from the router, or with
    /// [`CancelMode::Kill`] when the callee has ended. Spec: ap#rpc-call-canceling.
    pub async fn cancel(&self, mode: CancelMode) {
        let local = self.local;
        self.peer.tell(Command::Cancel { local, mode }).await;
    }
}

/// Results for which there was no room yet.
#[derive(Default)]
pub(super) struct Undelivered {
    /// bound: while there are any, the connection is not read.
    waiting: VecDeque<(ResultSender, Result<Outcome, RequestError>)>,
}

impl Undelivered {
    /// Hands a result over, or keeps it until there is room.
    pub(super) fn deliver(&mut self, results: ResultSender, result: Result<Outcome, RequestError>) {
        // order: behind those that wait already.
        if !self.waiting.is_empty() {
            self.waiting.push_back((results, result));
            return;
        }
        match results.try_send(result) {
            // A caller that has gone does not want it.
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(result)) => self.waiting.push_back((results, result)),
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Waits for room, and hands over what waits. Cancel-safe.
    pub(super) async fn deliver_waiting(&mut self) {
        while let Some((results, _)) = self.waiting.front() {
            // A caller that has gone does not want it.
            let room = results.clone().reserve_owned().await.ok();
            if let Some((_, result)) = self.waiting.pop_front()
                && let Some(room) = room
            {
                room.send(result);
            }
        }
    }
}

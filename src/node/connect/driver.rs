//! The task behind a [`Peer`](super::Peer): from one session to the next.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout_at};

use super::callees::Callees;
use super::command::{Command, LocalId, Reply};
use super::conversation::Conversation;
use super::establish::{Link, establish};
use super::state::{Gap, SessionEnd, SessionState};
use super::subscribers::Subscribers;
use super::{ConnectError, ConnectOptions, RequestError, Retry};
use crate::client::End;
use crate::protocol::uris;

/// What outlives a session.
pub(super) struct Driver {
    pub(super) options: ConnectOptions,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) subscribers: Subscribers,
    pub(super) callees: Callees,
    state: watch::Sender<SessionState>,
    locals: u64,
    /// Who waits for the end.
    pub(super) leaving: Vec<oneshot::Sender<()>>,
}

impl Driver {
    pub(super) fn new(
        options: ConnectOptions,
        commands: mpsc::Receiver<Command>,
        state: watch::Sender<SessionState>,
    ) -> Self {
        Self {
            options,
            commands,
            subscribers: Subscribers::default(),
            callees: Callees::default(),
            state,
            locals: 0,
            leaving: Vec::new(),
        }
    }

    pub(super) fn next_local(&mut self) -> LocalId {
        self.locals += 1;
        LocalId(self.locals)
    }

    /// Runs session after session until one ends for good.
    pub(super) async fn run(mut self, mut link: Link) {
        let mut gaps = 0;
        let end = loop {
            let conversation = Conversation::new(&mut self, link);
            let end = conversation.run(gaps > 0).await;
            self.subscribers.reset();
            self.callees.reset();
            let Some(retry) = self.options.retry.filter(|_| end.is_lost()) else {
                break end;
            };
            gaps += 1;
            let lost_at = Instant::now();
            self.state.send_replace(SessionState::Lost(end.clone()));
            link = match self.join_again(retry, lost_at, &end).await {
                Ok(link) => link,
                Err(end) => break end,
            };
            let gap = Gap {
                end,
                duration: lost_at.elapsed(),
                count: gaps,
            };
            let joined = Arc::new(link.joined(Some(gap)));
            self.state.send_replace(SessionState::Joined(joined));
        };
        self.state.send_replace(SessionState::Closed(end));
        for waiting in self.leaving {
            // Who no longer waits need not know.
            let _ = waiting.send(());
        }
    }

    /// Tries until there is a session, the router refuses, or nobody wants it any more.
    async fn join_again(
        &mut self,
        retry: Retry,
        lost_at: Instant,
        end: &SessionEnd,
    ) -> Result<Link, SessionEnd> {
        let give_up = lost_at + retry.give_up_after;
        let mut attempt = 0;
        loop {
            let options = self.options.clone();
            let again = async {
                sleep(retry.delay(attempt)).await;
                timeout_at(give_up, establish(&options)).await
            };
            tokio::select! {
                // Commands first: whoever wants to leave does not wait for an attempt to end.
                biased;
                () = refuse_until_leave(&mut self.commands, &mut self.subscribers, &mut self.callees, end, &mut self.leaving) => {
                    return Err(end.clone());
                }
                joined = again => match joined {
                    Ok(Ok(link)) => return Ok(link),
                    Err(_) => return Err(end.clone()),
                    Ok(Err(error)) if is_final(&error) || Instant::now() >= give_up => {
                        return Err(SessionEnd::NotRejoined(Arc::new(error)));
                    }
                    Ok(Err(error)) => {
                        tracing::debug!(%error, attempt, "joining again failed");
                        attempt += 1;
                    }
                }
            }
        }
    }
}

/// A refused join is final, unless the router is just going down; so is a URL that cannot work.
fn is_final(error: &ConnectError) -> bool {
    use crate::transport::DialError;
    if let ConnectError::Join(End::Refused { reason, .. }) = error {
        return *reason != uris::SYSTEM_SHUTDOWN;
    }
    matches!(
        error,
        ConnectError::Join(_)
            | ConnectError::Dial(
                DialError::Url { .. }
                    | DialError::Subprotocol { .. }
                    | DialError::RawSocketRefused(_)
            )
    )
}

/// While there is no session: requests fail, what is given up is forgotten. Ends when somebody leaves, or all have gone.
async fn refuse_until_leave(
    commands: &mut mpsc::Receiver<Command>,
    subscribers: &mut Subscribers,
    callees: &mut Callees,
    end: &SessionEnd,
    leaving: &mut Vec<oneshot::Sender<()>>,
) {
    while let Some(command) = commands.recv().await {
        match command {
            Command::Call { reply, .. } => refuse(reply, end),
            Command::Publish { reply, .. } => refuse(reply, end),
            Command::Subscribe { reply, .. }
            | Command::Register { reply, .. }
            | Command::Stream { reply, .. } => refuse(reply, end),
            // What is to be cancelled has failed with the session.
            Command::Cancel { .. } => {}
            Command::Unsubscribe { local, reply } => {
                subscribers.remove(local);
                grant(reply);
            }
            Command::Unregister { local, reply } => {
                callees.remove(local);
                grant(reply);
            }
            Command::Leave { reply } => {
                leaving.push(reply);
                return;
            }
        }
    }
}

/// Answers a request that the session's end has overtaken. Who no longer waits need not know.
fn refuse<T>(reply: Reply<T>, end: &SessionEnd) {
    drop(reply.send(Err(RequestError::Lost(end.clone()))));
}

fn grant(reply: Reply<()>) {
    drop(reply.send(Ok(())));
}

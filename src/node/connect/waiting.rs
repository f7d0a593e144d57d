//! Who waits for the answer to a request, and how they learn that none will come.

use super::RequestError;
use super::command::{LocalId, Reply};
use super::peer::Outcome;
use super::result_stream::ResultSender;
use super::state::SessionEnd;
use crate::protocol::PublicationId;

/// Who waits for the answer to a request.
pub(super) enum Waiting {
    Call(Reply<Outcome>),
    Stream(LocalId, ResultSender),
    Publish(Reply<Option<PublicationId>>),
    Subscribe(LocalId, Option<Reply<LocalId>>),
    Unsubscribe(Reply<()>),
    Register(LocalId, Option<Reply<LocalId>>),
    Unregister(LocalId, Reply<()>),
}

impl Waiting {
    pub(super) fn refuse(self, end: &SessionEnd) {
        self.fail(RequestError::Lost(end.clone()));
    }

    /// Tells who waits. Who no longer does need not know.
    pub(super) fn fail(self, error: RequestError) {
        match self {
            Self::Call(reply) => drop(reply.send(Err(error))),
            Self::Stream(_, results) => {
                // Off the task: there may be no room in it now. It ends when the reader takes it, or goes.
                tokio::spawn(async move { results.send(Err(error)).await });
            }
            Self::Publish(reply) => drop(reply.send(Err(error))),
            Self::Subscribe(_, Some(reply)) | Self::Register(_, Some(reply)) => {
                drop(reply.send(Err(error)));
            }
            Self::Subscribe(_, None) | Self::Register(_, None) => {}
            Self::Unsubscribe(reply) | Self::Unregister(_, reply) => drop(reply.send(Err(error))),
        }
    }
}

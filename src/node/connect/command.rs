//! What a [`Peer`](super::Peer) hands to its task.

use tokio::sync::{mpsc, oneshot, watch};

use super::callees::{Handler, RegistrationState};
use super::error::RequestError;
use super::peer::Outcome;
use super::result_stream::ResultSender;
use super::subscription::Delivery;
use crate::protocol::{
    CallOptions, CancelMode, Payload, PublicationId, PublishOptions, RegisterOptions,
    SubscribeOptions, Uri,
};

/// Names a subscription or registration for as long as the peer lives; router ids change with each re-join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LocalId(pub(super) u64);

pub(super) type Reply<T> = oneshot::Sender<Result<T, RequestError>>;

pub(super) enum Command {
    Call {
        procedure: Uri,
        options: CallOptions,
        payload: Payload,
        reply: Reply<Outcome>,
    },
    /// As [`Call`](Self::Call), but it can be cancelled, and each of its results is handed over as it comes.
    Stream {
        procedure: Uri,
        options: CallOptions,
        payload: Payload,
        results: ResultSender,
        reply: Reply<LocalId>,
    },
    Cancel {
        local: LocalId,
        mode: CancelMode,
    },
    Publish {
        topic: Uri,
        options: PublishOptions,
        payload: Payload,
        reply: Reply<Option<PublicationId>>,
    },
    Subscribe {
        topic: Uri,
        options: SubscribeOptions,
        events: mpsc::Sender<Delivery>,
        reply: Reply<LocalId>,
    },
    Unsubscribe {
        local: LocalId,
        reply: Reply<()>,
    },
    Register {
        offer: Offer,
        state: watch::Sender<RegistrationState>,
        reply: Reply<LocalId>,
    },
    Unregister {
        local: LocalId,
        reply: Reply<()>,
    },
    Leave {
        reply: oneshot::Sender<()>,
    },
}

/// A procedure offered, and who runs it.
pub(super) struct Offer {
    pub(super) procedure: Uri,
    pub(super) options: RegisterOptions,
    /// How many of its calls run at a time; the others wait.
    pub(super) concurrency: usize,
    pub(super) handler: Handler,
}

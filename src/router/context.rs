//! What broker and dealer share: the sessions, the outputs, the limits.

use std::collections::VecDeque;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::limits::Limits;
use super::output::Output;
use super::session::Session;
use super::settings::Settings;
use super::sources::Sources;
use crate::protocol::message;
use crate::protocol::{
    ErrorDetails, MatchPolicy, Message, MessageCode, Payload, RequestId, SessionId, Uri, uris,
};

#[derive(Debug)]
pub(super) struct Context {
    pub(super) limits: Limits,
    pub(super) settings: Settings,
    pub(super) sources: Sources,
    pub(super) sessions: IndexMap<SessionId, Session, FxBuildHasher>,
    pub(super) outputs: VecDeque<Output>,
}

/// A request that cannot be granted: the session lives on, and gets an ERROR.
#[derive(Debug)]
pub(super) struct Refusal {
    error: Uri,
    text: String,
}

impl Refusal {
    pub(super) const fn new(error: Uri, text: String) -> Self {
        Self { error, text }
    }

    /// The ERROR that tells the client.
    pub(super) fn error(self, request_type: MessageCode, request: RequestId) -> message::Error {
        message::Error {
            request_type,
            request,
            details: ErrorDetails::default(),
            error: self.error,
            payload: Payload::text(&self.text),
        }
    }
}

impl Context {
    pub(super) fn send(&mut self, to: SessionId, message: impl Into<Message>) {
        self.outputs.push_back(Output::Send {
            to,
            message: message.into(),
        });
    }

    /// Checks a URI that a client wants to act on.
    pub(super) fn check_uri(&self, uri: &Uri, policy: MatchPolicy) -> Result<(), Refusal> {
        uri.check_pattern(self.settings.uri_rule, policy)
            .map_err(|why| {
                Refusal::new(
                    uris::INVALID_URI,
                    format!("{} is no valid URI: {why}", uri.quoted()),
                )
            })
    }

    /// Checks that a client may publish to a topic, or register a procedure, of this name.
    pub(super) fn check_not_reserved(uri: &Uri) -> Result<(), Refusal> {
        if uri.is_reserved() {
            let text = format!(
                "{} is reserved: clients do not register or publish there",
                uri.quoted()
            );
            return Err(Refusal::new(uris::INVALID_URI, text));
        }
        Ok(())
    }
}

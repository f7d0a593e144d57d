//! Who a session is, as whoever let it in says, and over what it came.

use bytestring::ByteString;

use crate::protocol::{Dict, SessionId, Value};

/// Who a session is. Never what the client claims: what an authenticator found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who it is.
    pub authid: ByteString,
    /// What it may do.
    pub authrole: ByteString,
    /// How it signed in.
    pub authmethod: ByteString,
    /// Who vouched for it.
    pub authprovider: ByteString,
}

/// Over what a session came. Spec: ap#session-metapi, `transport`, which is the router's own to define.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    /// As `websocket`.
    pub kind: &'static str,
    /// As `wamp.2.json`.
    pub protocol: &'static str,
    /// The other end's address.
    pub peer: ByteString,
    /// Whether that is this machine: without a config, only such peers may end other sessions.
    pub is_local: bool,
}

impl Transport {
    /// What is told of it.
    pub(super) fn details(&self) -> Dict {
        [
            ("type", Value::from(self.kind)),
            ("protocol", self.protocol.into()),
            ("peer", self.peer.clone().into()),
        ]
        .into_iter()
        .collect()
    }
}

impl Identity {
    /// Somebody who did not say who it is.
    #[must_use]
    pub fn anonymous(authid: impl Into<ByteString>) -> Self {
        Self {
            authid: authid.into(),
            authrole: ByteString::from_static("anonymous"),
            authmethod: ByteString::from_static("anonymous"),
            authprovider: ByteString::from_static("static"),
        }
    }

    /// What the meta API tells of a session. Spec: ap#session-metapi.
    pub(super) fn details(&self, session: SessionId, transport: &Transport) -> Dict {
        [
            ("session", Value::from(session.value())),
            ("authid", self.authid.clone().into()),
            ("authrole", self.authrole.clone().into()),
            ("authmethod", self.authmethod.clone().into()),
            ("authprovider", self.authprovider.clone().into()),
            ("transport", transport.details().into()),
        ]
        .into_iter()
        .collect()
    }
}

//! Who a session is, as whoever let it in says, and over what it came.

use std::fmt;

use bytestring::ByteString;

use crate::protocol::{Dict, SessionId, Uri, Value};

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

/// Who has signed in before with the browser that a client runs in, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The realm.
    pub realm: Uri,
    /// Who it was.
    pub identity: Identity,
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

/// What TLS tells of the channel that a client comes through.
#[derive(Clone, PartialEq, Eq)]
pub struct Channel {
    /// What both ends of this channel know, and nobody else: `tls-exporter`. Spec: RFC 9266.
    pub binding: [u8; 32],
    /// The certificate that the client has shown and holds the key of.
    pub certificate: Option<Certificate>,
}

/// A client's certificate, signed by an authority that the router trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of it.
    pub fingerprint: [u8; 32],
    /// The common name of its subject, where it has one.
    pub common_name: Option<ByteString>,
}

/// What both ends know is not for logs.
impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certificate = &self.certificate;
        f.debug_struct("Channel")
            .field("certificate", certificate)
            .finish_non_exhaustive()
    }
}

impl Certificate {
    /// What is told of it to who decides who it is.
    pub(super) fn details(&self) -> Dict {
        let name = self.common_name.clone();
        [
            ("sha256", Value::from(hex::encode(self.fingerprint))),
            ("common_name", name.map_or(Value::Null, Value::Text)),
        ]
        .into_iter()
        .collect()
    }
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

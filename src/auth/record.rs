//! The router's side of signing in: what is kept of one principal, the challenge made of it, and the check of its answer.

use std::fmt;

use bytestring::ByteString;

use super::SignInError;
use super::cryptosign::{self, PublicKey};
use super::scram::{Keys, Server};
use super::sign_in::Method;
use super::ticket::Ticket;
use super::wampcra::CraKey;
use crate::protocol::message::{Authenticate, Challenge};
use crate::protocol::{Dict, SessionId, Value};
use crate::serializer::Serializer;

/// What is kept to check one way of signing in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The digest of a ticket.
    Ticket(Ticket),
    /// A secret, or a key derived from it.
    WampCra(CraKey),
    /// The two keys of a password.
    Scram(Keys),
    /// A public key.
    Cryptosign(PublicKey),
}

/// What a challenge is made of, beside the record. All of it is new for each.
#[derive(Clone, Debug)]
pub struct Occasion<'a> {
    /// Whom the client claims to be.
    pub authid: &'a str,
    /// What it will be, if that is true.
    pub authrole: &'a str,
    /// Who says so.
    pub authprovider: &'a str,
    /// `HELLO.Details.authextra`.
    pub authextra: &'a Dict,
    /// The session that will be opened.
    pub session: SessionId,
    /// When it began, in ISO 8601.
    pub time: &'a str,
    /// Random bytes.
    pub nonce: &'a [u8; 32],
    /// What the TLS connection exports for channel binding, where there is one.
    pub channel_id: Option<&'a [u8; 32]>,
}

/// A challenge that was sent, and what its answer must be.
pub struct Challenged(Expected);

enum Expected {
    Ticket(Ticket),
    WampCra(CraKey, String),
    Scram(Server),
    Cryptosign(PublicKey, cryptosign::Challenge),
}

impl Record {
    /// The method that it is for.
    #[must_use]
    pub const fn method(&self) -> Method {
        match self {
            Self::Ticket(_) => Method::Ticket,
            Self::WampCra(_) => Method::WampCra,
            Self::Scram(keys) => Method::Scram(keys.form),
            Self::Cryptosign(_) => Method::Cryptosign,
        }
    }

    /// Makes a challenge.
    ///
    /// # Errors
    /// A HELLO that lacks what the method needs.
    pub fn challenge(
        &self,
        occasion: &Occasion<'_>,
    ) -> Result<(Challenged, Challenge), SignInError> {
        let (expected, extra) = match self {
            Self::Ticket(ticket) => (Expected::Ticket(ticket.clone()), Dict::new()),
            Self::WampCra(key) => {
                let text = occasion.text();
                let extra = key.challenge_extra(&text);
                (Expected::WampCra(key.clone(), text), extra)
            }
            Self::Scram(keys) => {
                let [nonce, _] = halves(occasion.nonce);
                let (authid, authextra) = (occasion.authid, occasion.authextra);
                let (server, extra) = Server::challenge(keys.clone(), authid, authextra, &nonce)?;
                (Expected::Scram(server), extra)
            }
            Self::Cryptosign(key) => {
                let challenge = cryptosign::Challenge {
                    bytes: *occasion.nonce,
                    channel: cryptosign::channel(occasion.authextra, occasion.channel_id)?,
                };
                (Expected::Cryptosign(*key, challenge), challenge.extra())
            }
        };
        let authmethod = ByteString::from_static(self.method().name());
        Ok((Challenged(expected), Challenge { authmethod, extra }))
    }
}

impl Challenged {
    /// Checks AUTHENTICATE: what WELCOME has to prove in `authextra`, where the client has proved who it is.
    ///
    /// The time it takes tells nothing of what is kept.
    #[must_use]
    pub fn verify(&self, answer: &Authenticate) -> Option<Dict> {
        let signature: &str = &answer.signature;
        let is_right = match &self.0 {
            Expected::Ticket(ticket) => ticket.verify(signature),
            Expected::WampCra(key, text) => key.verify(text, signature),
            Expected::Cryptosign(key, challenge) => key.verify(challenge, signature),
            Expected::Scram(server) => return server.verify(signature, &answer.extra),
        };
        is_right.then(Dict::new)
    }
}

impl fmt::Debug for Challenged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenged(…)")
    }
}

impl Occasion<'_> {
    /// The text that WAMP-CRA signs. Spec: ap#wampcra.
    fn text(&self) -> String {
        let fields: Dict = [
            ("authid", Value::from(self.authid)),
            ("authrole", self.authrole.into()),
            ("authmethod", Method::WampCra.name().into()),
            ("authprovider", self.authprovider.into()),
            ("nonce", hex::encode(self.nonce).into()),
            ("timestamp", self.time.into()),
            ("session", self.session.value().into()),
        ]
        .into_iter()
        .collect();
        let json = Serializer::Json.encode_value(&fields.into());
        String::from_utf8_lossy(&json).into_owned()
    }
}

fn halves(bytes: &[u8; 32]) -> [[u8; 16]; 2] {
    let mut halves = [[0; 16]; 2];
    for (half, bytes) in halves.iter_mut().zip(bytes.chunks_exact(16)) {
        half.copy_from_slice(bytes);
    }
    halves
}

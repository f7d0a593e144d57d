//! From HELLO to WELCOME: who may join which realm.
//!
//! Decides only; the realm then opens the session. Spec: bp#session-establishment.

use bytestring::ByteString;

use super::violation::{Violation, abort};
use crate::protocol::message::{Abort, Hello};
use crate::protocol::{Message, Role, Roles, Uri, uris};

/// A client that may join: where, and as whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Joining {
    /// The realm, which exists.
    pub realm: Uri,
    /// What the client announced.
    pub roles: Roles,
    /// The client's software, as it says.
    pub agent: Option<ByteString>,
}

/// What a message before WELCOME leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The client may join: open its session.
    Join(Joining),
    /// Send this, then close the transport.
    Refuse(Box<Abort>),
    /// Close the transport: the client gave up.
    Close,
}

/// Takes a client's first message; `realm_exists` says which realms there are.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else comes before HELLO is refused alike"
)]
pub fn handshake(message: Message, realm_exists: impl Fn(&Uri) -> bool) -> Step {
    match message {
        Message::Hello(hello) => match admit(hello, realm_exists) {
            Ok(joining) => Step::Join(joining),
            Err(refusal) => Step::Refuse(refusal),
        },
        // spec(bp#abort-1): ABORT is never answered.
        Message::Abort(_) => Step::Close,
        other => Step::Refuse(
            Violation::Unexpected {
                got: other.code(),
                when: "before HELLO",
            }
            .abort()
            .into(),
        ),
    }
}

fn admit(hello: Hello, realm_exists: impl Fn(&Uri) -> bool) -> Result<Joining, Box<Abort>> {
    let Hello { realm, details } = hello;
    if !realm_exists(&realm) {
        return Err(abort(
            uris::NO_SUCH_REALM,
            &format!("this router has no realm {}", realm.quoted()),
        )
        .into());
    }
    let roles = details
        .roles
        .filter(announces_a_client)
        .ok_or_else(|| Box::new(Violation::NoRole.abort()))?;
    let is_anonymous = details
        .authmethods
        .is_none_or(|methods| methods.is_empty() || methods.iter().any(|m| m == "anonymous"));
    if !is_anonymous {
        return Err(abort(
            uris::NO_MATCHING_AUTH_METHOD,
            "this router knows the method \"anonymous\" only",
        )
        .into());
    }
    Ok(Joining {
        realm,
        roles,
        agent: details.agent,
    })
}

fn announces_a_client(roles: &Roles) -> bool {
    [
        Role::Caller,
        Role::Callee,
        Role::Publisher,
        Role::Subscriber,
    ]
    .iter()
    .any(|&role| roles.features(role).is_some())
}

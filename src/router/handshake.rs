//! From HELLO to WELCOME: who may join which realm.
//!
//! Decides only; the realm then opens the session. Spec: bp#session-establishment.

use std::fmt;

use bytestring::ByteString;

use super::identity::Identity;
use super::violation::{Violation, abort};
use crate::protocol::message::{Abort, Hello};
use crate::protocol::{HelloDetails, Message, Role, Roles, Uri, uris};

/// Decides who a client is. Everybody may be anonymous.
#[derive(Default)]
pub struct Authenticator {
    #[expect(clippy::type_complexity, reason = "it has a name: the field's")]
    identify: Option<Box<dyn Fn(&HelloDetails) -> Option<Identity> + Send + Sync>>,
}

/// A client that may join: where, and as whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Joining {
    /// The realm, which exists.
    pub realm: Uri,
    /// Who the client is; the realm finds a name for who did not say.
    pub identity: Option<Identity>,
    /// What the client announced.
    pub roles: Roles,
    /// The client's software, as it says.
    pub agent: Option<ByteString>,
}

/// What a message before WELCOME leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The client may join: open its session.
    Join(Box<Joining>),
    /// Send this, then close the transport.
    Refuse(Box<Abort>),
    /// Close the transport: the client gave up.
    Close,
}

impl Authenticator {
    /// Asks `identify` first; whom it does not know may still be anonymous.
    pub fn new(
        identify: impl Fn(&HelloDetails) -> Option<Identity> + Send + Sync + 'static,
    ) -> Self {
        Self {
            identify: Some(Box::new(identify)),
        }
    }

    fn identify(&self, details: &HelloDetails) -> Result<Option<Identity>, Box<Abort>> {
        let identity = self
            .identify
            .as_ref()
            .and_then(|identify| identify(details));
        let may_be_anonymous = details
            .authmethods
            .as_ref()
            .is_none_or(|methods| methods.is_empty() || methods.iter().any(|m| m == "anonymous"));
        if identity.is_none() && !may_be_anonymous {
            return Err(abort(
                uris::NO_MATCHING_AUTH_METHOD,
                "this router knows the method \"anonymous\" only",
            )
            .into());
        }
        Ok(identity)
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authenticator")
    }
}

/// Takes a client's first message; `realm_exists` says which realms there are.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else comes before HELLO is refused alike"
)]
pub fn handshake(
    message: Message,
    realm_exists: impl Fn(&Uri) -> bool,
    authenticator: &Authenticator,
) -> Step {
    match message {
        Message::Hello(hello) => match admit(hello, realm_exists, authenticator) {
            Ok(joining) => Step::Join(joining.into()),
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

fn admit(
    hello: Hello,
    realm_exists: impl Fn(&Uri) -> bool,
    authenticator: &Authenticator,
) -> Result<Joining, Box<Abort>> {
    let Hello { realm, details } = hello;
    if !realm_exists(&realm) {
        return Err(abort(
            uris::NO_SUCH_REALM,
            &format!("this router has no realm {}", realm.quoted()),
        )
        .into());
    }
    let identity = authenticator.identify(&details);
    let roles = details
        .roles
        .filter(announces_a_client)
        .ok_or_else(|| Box::new(Violation::NoRole.abort()))?;
    Ok(Joining {
        realm,
        identity: identity?,
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

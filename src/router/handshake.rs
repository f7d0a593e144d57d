//! From HELLO to WELCOME: who may join which realm, and as whom.
//!
//! Decides only; the realm then opens the session. Spec: bp#session-establishment, ap#authentication.
//!
//! ```text
//!  HELLO ---> join                      AUTHENTICATE ---> join
//!    |------> refuse, close                 |-----------> deny, close
//!    +------> challenge ------------------->+
//! ```

use bytestring::ByteString;

use super::authenticator::{Authenticator, Entry, Occurrence};
use super::identity::Identity;
use super::violation::{Violation, abort};
use crate::auth::{Candidate, Challenged};
use crate::protocol::message::{Abort, Authenticate, Challenge, Hello};
use crate::protocol::{Dict, Message, Role, Roles, SessionId, Uri, uris};

/// A client that may join: where, and as whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Joining {
    /// The realm, which exists.
    pub realm: Uri,
    /// Who the client is.
    pub identity: Identity,
    /// The session to open, if its id is free: a challenge may have named it.
    pub session: Option<SessionId>,
    /// What the router proves in WELCOME.
    pub authextra: Option<Dict>,
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
    /// Send this; the answer comes to the same handshake.
    Challenge(Box<Challenge>),
    /// Send this, then close the transport.
    Refuse(Box<Abort>),
    /// The same, and whoever it is has tried to be somebody without the proof.
    Deny(Box<Abort>),
    /// Close the transport: the client gave up.
    Close,
}

/// One client's way to a session.
#[derive(Debug, Default)]
pub struct Handshake {
    challenged: Option<Box<Pending>>,
}

/// What was asked of the client, and what follows if its answer is right.
#[derive(Debug)]
struct Pending {
    challenged: Challenged,
    candidate: Candidate,
    joining: Joining,
}

impl Handshake {
    /// Takes a message; `realm_exists` says which realms there are, `occurrence` is new for each message.
    pub fn handle_message(
        &mut self,
        message: Message,
        realm_exists: impl Fn(&Uri) -> bool,
        authenticator: &Authenticator,
        occurrence: &Occurrence<'_>,
    ) -> Step {
        let outcome = match (self.challenged.take(), message) {
            (None, Message::Hello(hello)) => {
                self.handle_hello(hello, realm_exists, authenticator, occurrence)
            }
            (Some(pending), Message::Authenticate(answer)) => {
                Ok(pending.check(&answer, authenticator))
            }
            // spec(bp#abort-1): ABORT is never answered.
            (_, Message::Abort(_)) => return Step::Close,
            (challenged, other) => Err(unexpected(challenged.is_some(), &other).into()),
        };
        outcome.unwrap_or_else(Step::Refuse)
    }

    fn handle_hello(
        &mut self,
        hello: Hello,
        realm_exists: impl Fn(&Uri) -> bool,
        authenticator: &Authenticator,
        occurrence: &Occurrence<'_>,
    ) -> Result<Step, Box<Abort>> {
        let Hello { realm, details } = hello;
        if !realm_exists(&realm) {
            let message = format!("this router has no realm {}", realm.quoted());
            return Err(abort(uris::NO_SUCH_REALM, &message).into());
        }
        let entry = authenticator.admit(&realm, &details, occurrence)?;
        let roles = details
            .roles
            .filter(announces_a_client)
            .ok_or_else(|| Box::new(Violation::NoRole.abort()))?;
        let joining = |identity, session| Joining {
            realm,
            identity,
            session,
            authextra: None,
            roles,
            agent: details.agent,
        };
        Ok(match entry {
            Entry::Free(identity) => Step::Join(joining(identity, None).into()),
            Entry::Challenged(asked) => {
                let session = Some(occurrence.session);
                let joining = joining(asked.identity, session);
                self.challenged = Some(Box::new(Pending {
                    challenged: asked.challenged,
                    candidate: asked.candidate,
                    joining,
                }));
                Step::Challenge(asked.challenge.into())
            }
        })
    }
}

impl Pending {
    /// Whether the client has proved who it is. Wrong or unknown is the same, in the same words; so is who was taken off
    /// the list meanwhile.
    fn check(mut self, answer: &Authenticate, authenticator: &Authenticator) -> Step {
        let proved = self.challenged.verify(answer);
        let principals = authenticator.principals(&self.joining.realm);
        let is_known = principals.is_some_and(|it| it.still_has(&self.candidate));
        let Some(authextra) = proved.filter(|_| is_known) else {
            return Step::Deny(denied().into());
        };
        self.joining.authextra = (!authextra.is_empty()).then_some(authextra);
        Step::Join(self.joining.into())
    }
}

/// What is said to whoever is not who it claims to be.
#[must_use]
pub fn denied() -> Abort {
    let message = "the proof of identity is wrong, or nobody is called that";
    abort(uris::AUTHENTICATION_DENIED, message)
}

fn unexpected(is_challenged: bool, message: &Message) -> Abort {
    let when = if is_challenged {
        "before AUTHENTICATE"
    } else {
        "before HELLO"
    };
    let got = message.code();
    Violation::Unexpected { got, when }.abort()
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

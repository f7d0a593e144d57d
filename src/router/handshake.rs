//! From HELLO to WELCOME: who may join which realm, and as whom.
//!
//! Decides only; the realm then opens the session. Spec: bp#session-establishment, ap#authentication.
//!
//! ```text
//!  HELLO ---> join                      AUTHENTICATE ---> join
//!    |------> refuse, close                 |-----------> deny, close
//!    |------> challenge ------------------->+-----------> ask ---> join, deny
//!    +------> ask ---> refuse, deny, or challenge
//! ```

use std::time::Duration;

use bytestring::ByteString;

use super::authenticator::{Asked, Authenticator, Entry, Occurrence};
use super::dynamic::{Applicant, Question, Verdict};
use super::identity::Identity;
use super::violation::{Violation, abort};
use crate::auth::{Candidate, Challenged, Method};
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
    /// Call a procedure, and hand its answer to the same handshake.
    Ask(Box<Question>),
    /// Send this, then close the transport.
    Refuse(Box<Abort>),
    /// The same, and whoever it is has tried to be somebody without the proof.
    Deny(Box<Abort>),
    /// Close the transport: the client gave up.
    Close,
}

/// One client's way to a session.
#[derive(Debug, Default)]
pub struct Handshake(State);

/// What the client, or somebody else, is to say next.
#[derive(Debug, Default)]
enum State {
    #[default]
    Hello,
    /// AUTHENTICATE, as the challenge asks for it.
    Proof(Box<Pending>),
    /// AUTHENTICATE with a ticket, about which a procedure is asked.
    Ticket(Box<Applicant>),
    /// What a procedure says.
    Answer(Box<Applicant>),
}

/// What was asked of the client, and what follows if its answer is right.
#[derive(Debug)]
struct Pending {
    challenged: Challenged,
    /// Who may be taken off the list meanwhile; none of whom a procedure told.
    listed: Option<Candidate>,
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
        let outcome = match (std::mem::take(&mut self.0), message) {
            (State::Hello, Message::Hello(hello)) => {
                self.handle_hello(hello, realm_exists, authenticator, occurrence)
            }
            (State::Proof(pending), Message::Authenticate(answer)) => {
                Ok(pending.check(&answer, authenticator))
            }
            (State::Ticket(mut applicant), Message::Authenticate(answer)) => {
                applicant.ticket = Some(answer.signature);
                Ok(self.ask(applicant))
            }
            // spec(bp#abort-1): ABORT is never answered.
            (_, Message::Abort(_)) => return Step::Close,
            (State::Hello, other) => Err(unexpected("before HELLO", &other).into()),
            (_, other) => Err(unexpected("before AUTHENTICATE", &other).into()),
        };
        outcome.unwrap_or_else(Step::Refuse)
    }

    /// Takes the RESULT or the ERROR of the procedure that was asked; nothing, where it does not answer.
    pub fn handle_answer(&mut self, answer: Option<Message>, occurrence: &Occurrence<'_>) -> Step {
        let State::Answer(applicant) = std::mem::take(&mut self.0) else {
            return Step::Close;
        };
        let outcome = applicant.judge(answer);
        let outcome =
            outcome.and_then(|verdict| self.handle_verdict(*applicant, verdict, occurrence));
        outcome.unwrap_or_else(Step::Refuse)
    }

    fn handle_hello(
        &mut self,
        hello: Hello,
        realm_exists: impl Fn(&Uri) -> bool,
        authenticator: &Authenticator,
        occurrence: &Occurrence<'_>,
    ) -> Result<Step, Box<Abort>> {
        let realm = &hello.realm;
        if !realm_exists(realm) {
            let message = format!("this router has no realm {}", realm.quoted());
            return Err(abort(uris::NO_SUCH_REALM, &message).into());
        }
        let entry = authenticator.admit(realm, &hello.details, occurrence)?;
        if !hello.details.roles.as_ref().is_some_and(announces_a_client) {
            return Err(Violation::NoRole.abort().into());
        }
        match entry {
            Entry::Free(identity) => Ok(Step::Join(joining(hello, identity).into())),
            Entry::Challenged(asked) => {
                let listed = Some(asked.candidate.clone());
                Ok(self.challenge(hello, *asked, listed, occurrence.session))
            }
            Entry::Asked(authenticator, offers) => {
                let applicant = Box::new(Applicant {
                    hello,
                    offers,
                    authenticator,
                    session: occurrence.session,
                    ticket: None,
                    certificate: occurrence.certificate().cloned(),
                });
                if applicant.method() != Some(Method::Ticket) {
                    return Ok(self.ask(applicant));
                }
                self.0 = State::Ticket(applicant);
                Ok(Step::Challenge(Box::new(Challenge {
                    authmethod: ByteString::from_static(Method::Ticket.name()),
                    extra: Dict::new(),
                })))
            }
        }
    }

    fn ask(&mut self, applicant: Box<Applicant>) -> Step {
        let question = applicant.question();
        self.0 = State::Answer(applicant);
        Step::Ask(Box::new(question))
    }

    fn handle_verdict(
        &mut self,
        applicant: Applicant,
        verdict: Verdict,
        occurrence: &Occurrence<'_>,
    ) -> Result<Step, Box<Abort>> {
        let method = applicant.method().unwrap_or(Method::Ticket);
        let Applicant { hello, session, .. } = applicant;
        match verdict {
            Verdict::Refused => Ok(Step::Deny(denied().into())),
            Verdict::Proved(principal, authextra) => {
                let identity = Identity {
                    authid: principal.authid,
                    authrole: principal.authrole,
                    authmethod: ByteString::from_static(method.name()),
                    authprovider: principal.authprovider,
                };
                Ok(Step::Join(Box::new(Joining {
                    session: Some(session),
                    authextra,
                    ..joining(hello, identity)
                })))
            }
            Verdict::Candidate(candidate, authextra) => {
                let occurrence = Occurrence {
                    session,
                    ..*occurrence
                };
                let asked = super::authenticator::ask(*candidate, &hello.details, &occurrence)?;
                let step = self.challenge(hello, asked, None, session);
                if let State::Proof(pending) = &mut self.0 {
                    pending.joining.authextra = authextra;
                }
                Ok(step)
            }
        }
    }

    fn challenge(
        &mut self,
        hello: Hello,
        asked: Asked,
        listed: Option<Candidate>,
        session: SessionId,
    ) -> Step {
        self.0 = State::Proof(Box::new(Pending {
            challenged: asked.challenged,
            listed,
            joining: Joining {
                session: Some(session),
                ..joining(hello, asked.identity)
            },
        }));
        Step::Challenge(asked.challenge.into())
    }
}

fn joining(hello: Hello, identity: Identity) -> Joining {
    Joining {
        realm: hello.realm,
        identity,
        session: None,
        authextra: None,
        roles: hello.details.roles.unwrap_or_default(),
        agent: hello.details.agent,
    }
}

impl Pending {
    /// Whether the client has proved who it is. Wrong or unknown is the same, in the same words; so is who was taken off
    /// the list meanwhile.
    fn check(mut self, answer: &Authenticate, authenticator: &Authenticator) -> Step {
        let proved = self.challenged.verify(answer);
        let principals = authenticator.principals(&self.joining.realm);
        let is_known = (self.listed.as_ref())
            .is_none_or(|it| principals.is_some_and(|principals| principals.still_has(it)));
        let Some(proof) = proved.filter(|_| is_known) else {
            return Step::Deny(denied().into());
        };
        let mut authextra = self.joining.authextra.take().unwrap_or_default();
        for (name, value) in proof.iter() {
            authextra.push(name.clone(), value.clone());
        }
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

/// What is said to whoever comes from where too many tries have failed, whoever it is.
#[must_use]
pub fn denied_for_now(wait: Duration) -> Abort {
    let seconds = wait.as_secs() + 1;
    let message = format!(
        "too many tries to sign in have failed from this address: try again in {seconds} s"
    );
    abort(uris::AUTHENTICATION_DENIED, &message)
}

fn unexpected(when: &'static str, message: &Message) -> Abort {
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

//! Authenticators that are procedures: what they are asked about a client, and what their answer comes to.
//!
//! Asked as Crossbar.io asks: `[realm, authid, details]`. Who asks, and how long that may take, is not decided here.

use bytestring::ByteString;

use super::identity::{Certificate, Transport};
use super::violation::abort;
use crate::auth::{Candidate, Method, Principal, Record, Told};
use crate::protocol::message::{Abort, Hello};
use crate::protocol::{Dict, Message, Payload, SessionId, Uri, Value, uris};
use crate::serializer::Serializer;

/// ERRORs by which a procedure says, in the specification's own words, that somebody is not let in; so does every ERROR of
/// an application, and what Autobahn makes of an exception. All others are about the procedure.
const REFUSALS: [Uri; 7] = [
    uris::AUTHENTICATION_DENIED,
    uris::AUTHENTICATION_FAILED,
    uris::NOT_AUTHORIZED,
    uris::INVALID_ARGUMENT,
    uris::RUNTIME_ERROR,
    Uri::from_static("wamp.error.no_such_principal"),
    Uri::from_static("wamp.error.no_such_role"),
];

/// A procedure that knows who may sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynamicAuthenticator {
    /// Its URI.
    pub procedure: Uri,
    /// The realm that it is registered in; none for the one that the client wants to join.
    pub realm: Option<Uri>,
}

/// What is asked of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The realm to ask in.
    pub realm: Uri,
    /// The procedure to call.
    pub procedure: Uri,
    joins: Uri,
    authid: Value,
    details: Dict,
}

/// A client about whom one is asked.
#[derive(Debug)]
pub(super) struct Applicant {
    pub(super) hello: Hello,
    pub(super) offers: Vec<Method>,
    pub(super) authenticator: DynamicAuthenticator,
    pub(super) session: SessionId,
    /// What it has sent as its ticket.
    pub(super) ticket: Option<ByteString>,
    /// What TLS has shown of it.
    pub(super) certificate: Option<Certificate>,
}

/// What an answer comes to.
pub(super) enum Verdict {
    /// It is this, if it proves it; whoever has shown a ticket or a certificate has.
    Candidate(Box<Candidate>, Option<Dict>),
    Proved(Box<Principal>, Option<Dict>),
    /// The procedure knows it, and does not let it in.
    Refused,
}

impl Applicant {
    /// How it would prove who it is, if it were up to it.
    pub(super) fn method(&self) -> Option<Method> {
        let mut offers = self.offers.iter();
        offers.find(|it| **it != Method::Anonymous).copied()
    }

    pub(super) fn question(&self) -> Question {
        let hello = &self.hello.details;
        let text = |text: &Option<ByteString>| text.clone().map_or(Value::Null, Value::Text);
        let names = self.offers.iter().map(|it| Value::from(it.name()));
        let method = self.method().map_or(Value::Null, |it| it.name().into());
        let authextra = hello.authextra.clone().map_or(Value::Null, Value::Dict);
        let mut details: Dict = [
            ("session", Value::from(self.session.value())),
            ("authmethod", method),
            ("authmethods", Value::List(names.collect())),
            ("authid", text(&hello.authid)),
            ("authrole", text(&hello.authrole)),
            ("authextra", authextra),
        ]
        .into_iter()
        .collect();
        if let Some(ticket) = &self.ticket {
            details.push("ticket", ticket.clone());
        }
        if let Some(certificate) = &self.certificate {
            details.push("certificate", certificate.details());
        }
        let joins = self.hello.realm.clone();
        let realm = self.authenticator.realm.as_ref();
        Question {
            realm: realm.unwrap_or(&joins).clone(),
            procedure: self.authenticator.procedure.clone(),
            joins,
            authid: text(&hello.authid),
            details,
        }
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// What is told to the client where nobody has decided.
    pub(super) fn judge(&self, answer: Option<Message>) -> Result<Verdict, Box<Abort>> {
        let payload = match answer {
            Some(Message::Result(result)) => result.payload,
            Some(Message::Error(error)) if is_refusal(&error.error) => return Ok(Verdict::Refused),
            _ => {
                return Err(
                    undecided("the procedure that decides who may join does not answer").into(),
                );
            }
        };
        let args = payload.args().unwrap_or_default();
        let answer = args.into_iter().next().unwrap_or_default();
        let (told, extra) = Told::read(&answer).map_err(|_| Box::new(unusable()))?;
        self.verdict(told, extra)
    }

    fn verdict(&self, told: Told, extra: Option<Dict>) -> Result<Verdict, Box<Abort>> {
        let Told {
            authid,
            authrole,
            realm,
            records,
        } = told;
        let joins = self.hello.realm.as_str();
        if realm.is_some_and(|realm| realm != joins) {
            return Err(unusable().into());
        }
        let claimed = || self.hello.details.authid.clone();
        let authid = authid
            .or_else(claimed)
            .ok_or_else(|| Box::new(unusable()))?;
        if crate::auth::check_name(&authid).is_err() {
            return Ok(Verdict::Refused);
        }
        let principal = Principal {
            authid,
            authrole,
            authprovider: ByteString::from_static("dynamic"),
            records,
            certificates: Vec::new(),
        };
        // What there is to prove TLS has proved; the procedure has seen it.
        if self.method() == Some(Method::Tls) && self.certificate.is_some() {
            return Ok(Verdict::Proved(principal.into(), extra));
        }
        if let Some(ticket) = &self.ticket {
            let kept = principal.records.iter().find_map(|record| match record {
                Record::Ticket(kept) => Some(kept),
                Record::WampCra(_) | Record::Scram(_) | Record::Cryptosign(_) => None,
            });
            // The procedure has looked at the ticket if it names nothing to prove. One that answers whatever it is asked
            // with a secret or a key has not: then no ticket will do.
            let is_right = kept.map_or(principal.records.is_empty(), |kept| kept.verify(ticket));
            return Ok(if is_right {
                Verdict::Proved(principal.into(), extra)
            } else {
                Verdict::Refused
            });
        }
        let record = principal.record_for(&self.offers, &self.hello.details);
        let record = record.cloned().ok_or_else(|| Box::new(unusable()))?;
        let candidate = Candidate { principal, record };
        Ok(Verdict::Candidate(candidate.into(), extra))
    }
}

impl Question {
    /// The arguments of the call, about a client that came over this.
    #[must_use]
    pub fn payload(mut self, transport: &Transport) -> Payload {
        self.details.push("transport", transport.details());
        let args = [self.joins.as_str().into(), self.authid, self.details.into()];
        Payload::from_values(Serializer::Json, &args, &Dict::new())
    }
}

fn is_refusal(error: &Uri) -> bool {
    !error.as_str().starts_with("wamp.") || REFUSALS.contains(error)
}

fn unusable() -> Abort {
    undecided("the procedure that decides who may join says nothing of use")
}

fn undecided(why: &str) -> Abort {
    abort(uris::AUTHENTICATION_FAILED, why)
}

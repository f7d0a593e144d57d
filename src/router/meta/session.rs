//! `wamp.session.*`: who is there, and who shall be there no longer. Spec: ap#session-metapi.

use bytestring::ByteString;

use super::{Reply, Request};
use crate::protocol::message::Goodbye;
use crate::protocol::{GoodbyeDetails, MatchPolicy, SessionId, Uri, Value, uris};
use crate::router::context::Refusal;
use crate::router::realm::Realm;
use crate::router::session::Session;

/// Why sessions are ended, as they are told.
#[derive(Clone, Debug)]
pub(in crate::router) struct Farewell {
    pub(in crate::router) reason: Uri,
    pub(in crate::router) message: Option<ByteString>,
}

impl Farewell {
    /// The GOODBYE that tells them.
    pub(in crate::router) fn goodbye(&self) -> Goodbye {
        Goodbye {
            details: GoodbyeDetails {
                message: self.message.clone(),
            },
            reason: self.reason.clone(),
        }
    }
}

pub(super) fn count(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    Ok(Reply::value(with_roles(realm, request)?.len() as u64))
}

/// Cost: O(sessions).
pub(super) fn list(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    Ok(Reply::value(ids(&with_roles(realm, request)?)))
}

/// The sessions with one of the roles asked for; all where none is.
fn with_roles(realm: &Realm, request: &Request) -> Result<Vec<SessionId>, Refusal> {
    let mut roles = request.texts(0)?;
    if let Some(roles) = &mut roles {
        // A list may be as long as a call, and is looked into for each session.
        roles.sort_unstable();
    }
    let is_wanted = |session: &Session| {
        let role = &session.identity.authrole;
        let is_named = |roles: &Vec<_>| roles.binary_search(&role).is_ok();
        roles.as_ref().is_none_or(is_named)
    };
    Ok(realm.sessions_where(|_, session| is_wanted(session)))
}

pub(super) fn get(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let id = request.session(0)?;
    let session = realm
        .context
        .sessions
        .get(&id)
        .ok_or_else(|| no_such_session(id))?;
    Ok(Reply::value(
        session.identity.details(id, &session.transport),
    ))
}

pub(super) fn kill(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let farewell = farewell(realm, request)?;
    let id = request.session(0)?;
    // spec(ap#session-metapi): to oneself, there is no *other* session of that id.
    if id == request.caller || !realm.context.sessions.contains_key(&id) {
        return Err(no_such_session(id));
    }
    realm.kill(request.now, id, &farewell);
    Ok(Reply::default())
}

pub(super) fn kill_by_authid(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let authid = request.text(0)?;
    let victims = kill_where(realm, request, |session| session.identity.authid == *authid)?;
    Ok(Reply::value(ids(&victims)))
}

pub(super) fn kill_by_authrole(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let authrole = request.text(0)?;
    let victims = kill_where(realm, request, |session| {
        session.identity.authrole == *authrole
    })?;
    Ok(Reply::value(victims.len() as u64))
}

fn kill_where(
    realm: &mut Realm,
    request: &Request,
    is_meant: impl Fn(&Session) -> bool,
) -> Result<Vec<SessionId>, Refusal> {
    let farewell = farewell(realm, request)?;
    let victims = realm.sessions_where(|id, session| id != request.caller && is_meant(session));
    for &victim in &victims {
        realm.kill(request.now, victim, &farewell);
    }
    Ok(victims)
}

pub(super) fn kill_all(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let farewell = farewell(realm, request)?;
    let victims = realm.sessions_where(|id, _| id != request.caller);
    realm.kill_quietly(request.now, &victims, &farewell);
    Ok(Reply::value(victims.len() as u64))
}

/// What the victims are told, after the check that the caller may have any.
fn farewell(realm: &Realm, request: &Request) -> Result<Farewell, Refusal> {
    realm
        .context
        .check_may_kill(request.caller, &request.procedure)?;
    let reason = match request.keyword_text("reason")? {
        None => uris::KILLED,
        Some(text) => {
            let reason = Uri::new(text.clone());
            realm.context.check_uri(&reason, MatchPolicy::Exact)?;
            reason
        }
    };
    Ok(Farewell {
        reason,
        message: request.keyword_text("message")?.cloned(),
    })
}

fn ids(sessions: &[SessionId]) -> Vec<Value> {
    sessions.iter().map(|id| id.value().into()).collect()
}

pub(super) fn no_such_session(id: SessionId) -> Refusal {
    let text = format!("there is no other session {id} in this realm");
    Refusal::new(uris::NO_SUCH_SESSION, text)
}

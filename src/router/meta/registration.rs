//! `wamp.registration.*`: what is offered, and by whom. Spec: ap#rpc-reg-metapi.

#![expect(
    clippy::unnecessary_wraps,
    reason = "every meta procedure has the same type"
)]

use super::session::no_such_session;
use super::{Reply, Request};
use crate::protocol::{Dict, MatchPolicy, RegisterOptions, RegistrationId, Value, uris};
use crate::router::context::Refusal;
use crate::router::dealer::Registration;
use crate::router::realm::Realm;
use crate::router::sources::written;

/// Cost: O(registrations).
pub(super) fn list(realm: &mut Realm, _: &Request) -> Result<Reply, Refusal> {
    let all = realm.dealer.registrations.all();
    let ids = all.into_iter().map(|held| (held.policy, held.id.value()));
    Ok(Reply::value(by_policy(ids)))
}

pub(super) fn lookup(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let procedure = request.uri(0)?;
    let options: RegisterOptions = request.options(1)?;
    let policy = options.match_policy.unwrap_or_default();
    let found = realm.dealer.registrations.at(policy, procedure.as_str());
    Ok(nullable(found))
}

pub(super) fn match_uri(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let procedure = request.uri(0)?;
    let found = realm.dealer.registrations.best_match(procedure.as_str());
    // What is reserved goes to nobody, whatever pattern it matches.
    Ok(nullable(found.filter(|_| !procedure.is_reserved())))
}

fn nullable(found: Option<&Registration>) -> Reply {
    Reply::value(found.map_or(Value::Null, |found| found.id.value().into()))
}

pub(super) fn get(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let id = request.registration(0)?;
    let details = details(realm, id).ok_or_else(|| no_such_registration(id))?;
    Ok(Reply::value(details))
}

/// What is told of a registration.
pub(super) fn details(realm: &Realm, id: RegistrationId) -> Option<Dict> {
    let held = realm.dealer.registrations.get(id)?;
    let details = [
        ("id", Value::from(id.value())),
        ("created", written(held.created).into()),
        ("uri", held.procedure.as_ref().into()),
        ("match", held.policy.name().into()),
        ("invoke", held.invoke.name().into()),
    ];
    Some(details.into_iter().collect())
}

/// Cost: O(callees).
pub(super) fn list_callees(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let registration = held(realm, request)?;
    let callees = registration.callees.keys().map(|id| id.value());
    Ok(Reply::value(callees.collect::<Vec<_>>()))
}

pub(super) fn count_callees(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    Ok(Reply::value(held(realm, request)?.callees.len() as u64))
}

/// Takes a registration back from a callee. Of Crossbar.io's catalogue.
///
/// Its `reason` is any text, as the specification has it; Autobahn's callees take nothing but a URI.
pub(super) fn remove_callee(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    realm
        .context
        .check_may_kill(request.caller, &request.procedure)?;
    let id = held(realm, request)?.id;
    let callee = request.session(1)?;
    let reason = request.keyword_text("reason")?.map(|reason| &**reason);
    if realm.dealer.revoke(&mut realm.context, id, callee, reason) {
        Ok(Reply::default())
    } else if realm.context.sessions.contains_key(&callee) {
        let text = format!("session {callee} is no callee of registration {id}");
        Err(Refusal::new(uris::NO_SUCH_REGISTRATION, text))
    } else {
        Err(no_such_session(callee))
    }
}

fn held<'a>(realm: &'a Realm, request: &Request) -> Result<&'a Registration, Refusal> {
    let id = request.registration(0)?;
    let held = realm.dealer.registrations.get(id);
    held.ok_or_else(|| no_such_registration(id))
}

/// Ids by match policy, each policy there also where it has none.
pub(super) fn by_policy(ids: impl Iterator<Item = (MatchPolicy, u64)>) -> Dict {
    let mut lists = MatchPolicy::ALL.map(|policy| (policy, Vec::new()));
    for (policy, id) in ids {
        for (_, list) in lists.iter_mut().filter(|(of, _)| *of == policy) {
            list.push(id);
        }
    }
    let lists = lists
        .into_iter()
        .map(|(policy, ids)| (policy.name(), Value::from(ids)));
    lists.collect()
}

fn no_such_registration(id: RegistrationId) -> Refusal {
    let text = format!("there is no registration {id} in this realm");
    Refusal::new(uris::NO_SUCH_REGISTRATION, text)
}

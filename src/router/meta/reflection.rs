//! Reflection: what procedures, topics and errors there are, and what clients say of them.
//!
//! A sketch in the specification, which names procedures and topics and leaves their arguments open; what they are
//! here is said at each of them. Spec: ap#interface-reflection.

#![expect(
    clippy::unnecessary_wraps,
    reason = "every meta procedure has the same type"
)]

use std::collections::HashMap;

use indexmap::IndexSet;
use rustc_hash::FxHashMap;

use super::{PROCEDURES, Reply, Request, procedure, registration, subscription};
use crate::protocol::{Dict, MatchPolicy, Payload, SessionId, Uri, Value, uris};
use crate::router::context::{Context, Happening, Refusal};
use crate::router::limits::LimitName;
use crate::router::realm::Realm;

/// What clients have said of URIs.
#[derive(Debug, Default)]
pub(in crate::router) struct Definitions {
    by_uri: HashMap<Uri, Definition>,
    /// Who defined what.
    of: FxHashMap<SessionId, IndexSet<Uri>>,
}

#[derive(Debug)]
struct Definition {
    by: SessionId,
    kind: Kind,
    /// One dict, encoded: it is kept for long.
    said: Payload,
}

/// What a URI names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Procedure,
    Topic,
    Error,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Procedure, Self::Topic, Self::Error];

    const fn name(self) -> &'static str {
        match self {
            Self::Procedure => "procedure",
            Self::Topic => "topic",
            Self::Error => "error",
        }
    }
}

impl Definitions {
    /// Forgets what a session has said, which has ended; returns of what.
    pub(in crate::router) fn remove_all_of(&mut self, session: SessionId) -> Vec<Uri> {
        let theirs = self.of.remove(&session).unwrap_or_default();
        for uri in &theirs {
            self.by_uri.remove(uri);
        }
        theirs.into_iter().collect()
    }

    pub(in crate::router) fn len(&self) -> usize {
        self.by_uri.len()
    }

    fn uris(&self, kind: Kind) -> impl Iterator<Item = &str> {
        let of_kind = self.by_uri.iter().filter(move |(_, it)| it.kind == kind);
        of_kind.map(|(uri, _)| uri.as_str())
    }

    fn said(&self, uri: &Uri, kind: Option<Kind>) -> Option<Value> {
        let definition = self.by_uri.get(uri)?;
        let is_meant = kind.is_none_or(|kind| kind == definition.kind);
        let said = definition.said.args().ok().filter(|_| is_meant);
        said?.into_iter().next()
    }
}

/// `define(uri, definition)`: says what a URI is. The definition is a dict; its `kind` is `procedure` (the default),
/// `topic` or `error`. Without one, what the session said before is taken back. It ends with the session.
pub(super) fn define(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let uri = request.uri(0)?.detached();
    realm.context.check_uri(&uri, MatchPolicy::Exact)?;
    Context::check_not_reserved(&uri)?;
    let caller = request.caller;
    let before = realm.definitions.by_uri.get(&uri).map(|it| it.by);
    if before.is_some_and(|by| by != caller) {
        let text = format!("another session has defined {}", uri.quoted());
        return Err(Refusal::new(uris::NOT_AUTHORIZED, text));
    }
    let Some(said) = request.argument(1) else {
        return Ok(undefine(realm, caller, &uri));
    };
    let definition = definition(&realm.context, request, said)?;
    let held = realm.definitions.of.entry(caller).or_default();
    let held_max = realm.context.limits_of(caller).session_definitions;
    if before.is_none() && held.len() >= held_max {
        let text = format!("a session defines at most {held_max} URIs");
        return Err(Refusal::limit(LimitName::session_definitions, text));
    }
    held.insert(uri.clone());
    realm.definitions.by_uri.insert(uri.clone(), definition);
    realm.context.tell(Happening::Defined(caller, uri));
    Ok(Reply::default())
}

fn definition(context: &Context, request: &Request, said: &Value) -> Result<Definition, Refusal> {
    let Value::Dict(dict) = said else {
        return Err(super::request::wrong(1, "a dict"));
    };
    let kind = match dict.get("kind") {
        None => Kind::default(),
        Some(value) => kind(value)?,
    };
    let bytes_max = context.limits_of(request.caller).definition_bytes;
    let said = request.keep(std::slice::from_ref(said), &Dict::new());
    if said.len() > bytes_max {
        let text = format!("a definition holds at most {bytes_max} bytes");
        let refusal = Refusal::new(uris::PAYLOAD_SIZE_EXCEEDED, text);
        return Err(refusal.because_of(LimitName::definition_bytes));
    }
    Ok(Definition {
        by: request.caller,
        kind,
        said,
    })
}

fn kind(value: &Value) -> Result<Kind, Refusal> {
    let found = Kind::ALL
        .into_iter()
        .find(|kind| *value == Value::from(kind.name()));
    found.ok_or_else(|| {
        Refusal::argument("a definition's kind must be \"procedure\", \"topic\" or \"error\"")
    })
}

fn undefine(realm: &mut Realm, caller: SessionId, uri: &Uri) -> Reply {
    let definitions = &mut realm.definitions;
    if definitions.by_uri.remove(uri).is_some() {
        if let Some(held) = definitions.of.get_mut(&caller) {
            held.swap_remove(uri);
        }
        realm
            .context
            .tell(Happening::Undefined(caller, uri.clone()));
    }
    Reply::default()
}

/// `describe(uri)`: what a session has said of a URI.
pub(super) fn describe(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let uri = request.uri(0)?;
    let said = realm.definitions.said(&uri, None);
    said.map(Reply::value)
        .ok_or_else(|| Refusal::argument(format!("nobody has defined {}", uri.quoted())))
}

/// The URIs of all procedures: the router's own, those registered (patterns as they are), those defined.
/// Cost: O(registrations).
pub(super) fn list_procedures(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let own = PROCEDURES.iter().map(|(name, _)| *name);
    let own = own.filter(|name| procedure(realm, name).is_some());
    let registered = realm.dealer.registrations.procedures();
    let defined = realm.definitions.uris(Kind::Procedure);
    Ok(list(
        realm,
        request.caller,
        own.chain(registered).chain(defined),
    ))
}

/// The URIs of all topics: those subscribed to (patterns as they are), those defined. Cost: O(subscriptions).
pub(super) fn list_topics(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let subscribed = realm.broker.subscriptions.topics();
    let defined = realm.definitions.uris(Kind::Topic);
    Ok(list(realm, request.caller, subscribed.chain(defined)))
}

/// The URIs of all errors: those of the router, those defined.
pub(super) fn list_errors(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let own: Vec<Uri> = uris::errors().collect();
    let defined = realm.definitions.uris(Kind::Error);
    let all = own.iter().map(Uri::as_str).chain(defined);
    Ok(list(realm, request.caller, all))
}

/// What is known of a procedure: its registrations, and its definition.
pub(super) fn describe_procedure(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let uri = request.uri(0)?;
    let registrations = MatchPolicy::ALL.into_iter().filter_map(|policy| {
        let found = realm.dealer.registrations.at(policy, uri.as_str())?;
        registration::details(realm, found.id)
    });
    let registrations: Vec<Value> = registrations.map(Value::from).collect();
    let is_own = procedure(realm, uri.as_str()).is_some();
    described(
        realm,
        &uri,
        Kind::Procedure,
        ("registrations", registrations),
        is_own,
    )
    .ok_or_else(|| Refusal::new(uris::NO_SUCH_PROCEDURE, unknown(&uri)))
}

/// What is known of a topic: its subscriptions, and its definition.
pub(super) fn describe_topic(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let uri = request.uri(0)?;
    let subscriptions = MatchPolicy::ALL.into_iter().filter_map(|policy| {
        let found = realm.broker.subscriptions.at(policy, uri.as_str())?;
        subscription::details(realm, found.id)
    });
    let subscriptions: Vec<Value> = subscriptions.map(Value::from).collect();
    described(
        realm,
        &uri,
        Kind::Topic,
        ("subscriptions", subscriptions),
        false,
    )
    .ok_or_else(|| Refusal::new(uris::NO_SUCH_SUBSCRIPTION, unknown(&uri)))
}

/// What is known of an error: whether it is the router's, and its definition.
pub(super) fn describe_error(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let uri = request.uri(0)?;
    let is_own = uris::errors().any(|own| own == uri);
    described(realm, &uri, Kind::Error, ("raised_by", Vec::new()), is_own)
        .ok_or_else(|| Refusal::argument(unknown(&uri)))
}

/// A description; `None` where nothing is known.
fn described(
    realm: &Realm,
    uri: &Uri,
    kind: Kind,
    (name, found): (&'static str, Vec<Value>),
    is_own: bool,
) -> Option<Reply> {
    let said = realm.definitions.said(uri, Some(kind));
    if found.is_empty() && said.is_none() && !is_own {
        return None;
    }
    let mut description = Dict::new();
    description.push("uri", uri.as_str());
    description.push("router", is_own);
    if !found.is_empty() {
        description.push(name, Value::List(found));
    }
    if let Some(said) = said {
        description.push("definition", said);
    }
    Some(Reply::value(description))
}

fn unknown(uri: &Uri) -> String {
    format!("nothing is known of {}", uri.quoted())
}

/// URIs in order, as far as one answer may hold them; `more` says that there are others.
fn list<'a>(realm: &Realm, asker: SessionId, uris: impl Iterator<Item = &'a str>) -> Reply {
    let mut uris: Vec<&str> = uris.collect();
    uris.sort_unstable();
    uris.dedup();
    let mut bytes_left = realm.context.limits.reflection_answer_bytes;
    let fits = |uri: &&str| {
        let left = bytes_left.checked_sub(uri.len());
        bytes_left = left.unwrap_or_default();
        left.is_some()
    };
    let told: Vec<Value> = uris
        .iter()
        .copied()
        .take_while(fits)
        .map(Value::from)
        .collect();
    let is_cut = told.len() < uris.len();
    let reply = Reply::value(told);
    if is_cut {
        let limit = LimitName::reflection_answer_bytes;
        realm.context.bite(limit, asker);
        reply.with("more", true)
    } else {
        reply
    }
}

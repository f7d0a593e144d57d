//! Testaments: events that a session leaves, to be published when it ends. Spec: ap#session-testament.

use super::request::{options_from, wrong, wrong_keyword};
use super::{Reply, Request};
use crate::protocol::message::Publish;
use crate::protocol::{
    Audience, Dict, MatchPolicy, Passthru, Payload, PublishOptions, RequestId, Uri, Value, uris,
};
use crate::router::asking::Said;
use crate::router::authorizer::Action;
use crate::router::context::{Context, Refusal};
use crate::router::limits::LimitName;
use crate::router::realm::Realm;

/// What a session leaves, by scope.
#[derive(Debug, Default)]
pub(in crate::router) struct Testaments([Vec<Testament>; Scope::ALL.len()]);

/// An event that a session leaves.
#[derive(Debug)]
struct Testament {
    topic: Uri,
    options: PublishOptions,
    payload: Payload,
    /// What an authorizer said of it when it was left.
    said: Option<Said>,
}

/// At whose end a testament is published. There is no session resumption, so both come with the session's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::router) enum Scope {
    Detached,
    #[default]
    Destroyed,
}

impl Scope {
    /// In the order in which they are published.
    const ALL: [Self; 2] = [Self::Detached, Self::Destroyed];

    const fn name(self) -> &'static str {
        match self {
            Self::Detached => "detached",
            Self::Destroyed => "destroyed",
        }
    }
}

impl Testament {
    fn bytes(&self) -> usize {
        let audience = self.options.audience.as_deref();
        let passthru = self.options.passthru.as_deref();
        self.payload.len()
            + self.topic.as_str().len()
            + audience.map_or(0, Audience::weight)
            + passthru.map_or(0, Passthru::weight)
    }
}

impl Testaments {
    /// What is to be published, in order.
    pub(in crate::router) fn into_publications(
        self,
    ) -> impl Iterator<Item = (Publish, Option<Said>)> {
        let publication = |testament: Testament| {
            let publish = Publish {
                // Nobody waits for an answer.
                request: RequestId::FIRST,
                options: testament.options,
                topic: testament.topic,
                payload: testament.payload,
            };
            (publish, testament.said)
        };
        self.0.into_iter().flatten().map(publication)
    }

    fn of(&mut self, scope: Scope) -> &mut Vec<Testament> {
        let [detached, destroyed] = &mut self.0;
        match scope {
            Scope::Detached => detached,
            Scope::Destroyed => destroyed,
        }
    }
}

pub(super) fn add(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let scope = scope(request)?;
    let testament = testament(&realm.context, request)?;
    let limits = realm.context.limits_of(request.caller);
    let (count_max, bytes_max) = (limits.session_testaments, limits.testament_bytes);
    if testament.bytes() > bytes_max {
        let text = format!("a testament holds at most {bytes_max} bytes");
        let refusal = Refusal::new(uris::PAYLOAD_SIZE_EXCEEDED, text);
        return Err(refusal.because_of(LimitName::testament_bytes));
    }
    if let Some(session) = realm.context.sessions.get_mut(&request.caller) {
        let testaments = session.rare_mut().testaments.of(scope);
        if testaments.len() >= count_max {
            let text = format!("a session leaves at most {count_max} testaments in one scope");
            return Err(Refusal::limit(LimitName::session_testaments, text));
        }
        testaments.push(testament);
    }
    Ok(Reply::default())
}

fn testament(context: &Context, request: &Request) -> Result<Testament, Refusal> {
    let topic = request.uri(0)?;
    context.check_uri(&topic, MatchPolicy::Exact)?;
    Context::check_not_reserved(&topic)?;
    let args: &[Value] = match request.argument(1) {
        None => &[],
        Some(Value::List(args)) => args,
        Some(_) => return Err(wrong(1, "a list")),
    };
    let no_kwargs = Dict::new();
    let kwargs = match request.argument(2) {
        None => &no_kwargs,
        Some(Value::Dict(kwargs)) => kwargs,
        Some(_) => return Err(wrong(2, "a dict")),
    };
    let options: PublishOptions = match request.keyword("publish_options") {
        None => PublishOptions::default(),
        Some(Value::Dict(options)) => options_from(options.clone())?,
        Some(_) => return Err(wrong_keyword("publish_options", "a dict")),
    };
    let uris = (MatchPolicy::Exact, &topic);
    context.authorize(request.caller, Action::Publish, uris)?;
    context.check_disclosure(request.caller, options.disclose_me, Action::Publish, uris)?;
    let (audience, passthru) = (options.audience.as_deref(), options.passthru.as_deref());
    Ok(Testament {
        topic: topic.detached(),
        options: PublishOptions {
            audience: audience.map(|it| Box::new(it.detached())),
            passthru: passthru.map(|it| Box::new(it.detached())),
            links: None,
            ..options
        },
        payload: request.keep(args, kwargs),
        said: context.said(request.caller, Action::Publish, uris),
    })
}

pub(super) fn flush(realm: &mut Realm, request: &Request) -> Result<Reply, Refusal> {
    let scope = scope(request)?;
    if let Some(session) = realm.context.sessions.get_mut(&request.caller) {
        session.rare_mut().testaments.of(scope).clear();
    }
    Ok(Reply::default())
}

fn scope(request: &Request) -> Result<Scope, Refusal> {
    let Some(text) = request.keyword_text("scope")? else {
        return Ok(Scope::default());
    };
    let mut all = Scope::ALL.into_iter();
    all.find(|scope| *text == scope.name())
        .ok_or_else(|| wrong_keyword("scope", "\"detached\" or \"destroyed\""))
}

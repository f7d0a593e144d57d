//! Questions to a router's meta API, and what it says that there is.
//!
//! Spec: ap#session-metapi, ap#rpc-reg-metapi, ap#pubsub-sub-metapi. Routers add details of their own, which are kept.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::cli::argument::Arguments;
use crate::cli::client::Client;
use crate::cli::exit::{Exit, Failure};
use crate::cli::{hints, json};
use crate::node::connect::RequestError;
use crate::protocol::{CallOptions, Dict, Value, uris};

/// How many questions are on their way at a time.
const QUESTIONS_MAX: usize = 32;

/// What a realm has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Kind {
    Session,
    Procedure,
    Topic,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Session, Self::Procedure, Self::Topic];

    pub(in crate::cli) const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Procedure => "procedure",
            Self::Topic => "topic",
        }
    }

    /// How the meta API calls it, as in `wamp.registration.list`.
    pub(super) const fn chapter(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Procedure => "registration",
            Self::Topic => "subscription",
        }
    }

    /// Those who hold it, as in `wamp.registration.list_callees`.
    pub(super) const fn holders(self) -> &'static str {
        match self {
            Self::Session => "",
            Self::Procedure => "callees",
            Self::Topic => "subscribers",
        }
    }
}

/// Asks a router about itself.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Meta<'a>(pub(in crate::cli) &'a Client<'a>);

impl Meta<'_> {
    /// The answer to a question. A router that answers nothing says `null`.
    pub(super) async fn ask(self, procedure: &str, args: Vec<Value>) -> Result<Value, Failure> {
        let answer = self.call(procedure, args, Dict::new()).await?;
        answer.map_err(|error| self.refused(procedure, &error))
    }

    /// The answer about something that may be gone by now, or may never have been: then `None`.
    pub(super) async fn find(
        self,
        procedure: &str,
        args: Vec<Value>,
    ) -> Result<Option<Value>, Failure> {
        match self.call(procedure, args, Dict::new()).await? {
            Ok(Value::Null) => Ok(None),
            Ok(value) => Ok(Some(value)),
            Err(RequestError::Refused(reply)) if is_nothing(reply.error.as_str()) => Ok(None),
            Err(error) => Err(self.refused(procedure, &error)),
        }
    }

    /// What the router answers, whatever it is.
    pub(super) async fn call(
        self,
        procedure: &str,
        args: Vec<Value>,
        kwargs: Dict,
    ) -> Result<Result<Value, RequestError>, Failure> {
        let payload = Arguments { args, kwargs }.payload(self.0.serializer());
        let call = self.0.peer.call(procedure, CallOptions::default(), payload);
        let answered = self.0.reply(&what(procedure), call).await?;
        let outcome = match answered {
            Ok(outcome) => outcome,
            Err(error) => return Ok(Err(error)),
        };
        let values = outcome.payload.args();
        let values = values.map_err(|_| unreadable(procedure))?;
        Ok(Ok(values.into_iter().next().unwrap_or_default()))
    }

    /// A question that got no answer, and what that says about the router.
    pub(super) fn refused(self, procedure: &str, error: &RequestError) -> Failure {
        match error {
            RequestError::Refused(reply) if reply.error == uris::NO_SUCH_PROCEDURE => Failure::new(
                Exit::Refused,
                format!("the router has no {procedure} ({})", reply.error),
            )
            .hint("it lacks this part of the meta API; wamp doctor says what it announces"),
            error => hints::failed(&what(procedure), self.0.realm(), error),
        }
    }

    /// All there is of a kind, in the router's order; what goes while it is being listed is left out.
    pub(super) async fn all(self, kind: Kind) -> Result<Vec<Dict>, Failure> {
        let ids = self.ids(kind).await?;
        let records = stream::iter(ids.into_iter().map(|id| self.record(kind, id)));
        let records = records.buffered(QUESTIONS_MAX);
        records
            .try_filter_map(|found| std::future::ready(Ok(found)))
            .try_collect()
            .await
    }

    /// The URIs of all of a kind, which is not sessions; what goes meanwhile is left out.
    pub(in crate::cli) async fn uris(self, kind: Kind) -> Result<Vec<String>, Failure> {
        let get = format!("wamp.{}.get", kind.chapter());
        let questions = self.ids(kind).await?.into_iter();
        let questions = questions.map(|id| self.find(&get, vec![id]));
        let found = stream::iter(questions).buffered(QUESTIONS_MAX);
        let uri = |details| match details {
            Some(Value::Dict(details)) => Some(cell(&details, "uri")),
            _ => None,
        };
        found
            .try_filter_map(|details| std::future::ready(Ok(uri(details))))
            .try_collect()
            .await
    }

    /// The ids of all of a kind: a list of sessions, or of what is registered or subscribed by each policy.
    pub(super) async fn ids(self, kind: Kind) -> Result<Vec<Value>, Failure> {
        let procedure = format!("wamp.{}.list", kind.chapter());
        match self.ask(&procedure, Vec::new()).await? {
            Value::List(ids) => Ok(ids),
            Value::Dict(by_policy) => {
                let lists = by_policy.iter().map(|(_, ids)| match ids {
                    Value::List(ids) => ids.clone(),
                    _ => Vec::new(),
                });
                Ok(lists.flatten().collect())
            }
            _ => Err(unreadable(&procedure)),
        }
    }

    /// What there is to say of one of them, its kind first; `None` if it is gone.
    pub(super) async fn record(self, kind: Kind, id: Value) -> Result<Option<Dict>, Failure> {
        let get = format!("wamp.{}.get", kind.chapter());
        let Some(Value::Dict(details)) = self.find(&get, vec![id.clone()]).await? else {
            return Ok(None);
        };
        let mut record = Dict::new();
        record.push("kind", kind.name());
        for (name, value) in details.iter() {
            record.push(name.clone(), value.clone());
        }
        if kind == Kind::Session {
            if id.whole_number() == Some(self.own_session().into()) {
                record.push("self", Value::Bool(true));
            }
            return Ok(Some(record));
        }
        let count = format!("wamp.{}.count_{}", kind.chapter(), kind.holders());
        let Some(count) = self.find(&count, vec![id]).await? else {
            return Ok(None);
        };
        record.push(kind.holders(), count);
        Ok(Some(record))
    }

    /// The sessions that hold a registration or subscription.
    pub(super) async fn holders(self, kind: Kind, id: Value) -> Result<Vec<Value>, Failure> {
        let list = format!("wamp.{}.list_{}", kind.chapter(), kind.holders());
        match self.find(&list, vec![id]).await? {
            Some(Value::List(ids)) => Ok(ids),
            _ => Ok(Vec::new()),
        }
    }

    /// The id of the session that asks.
    pub(super) fn own_session(self) -> u64 {
        let joined = self.0.peer.joined();
        joined.map_or(0, |joined| joined.welcome.session.value())
    }
}

/// A detail as it stands in a table; nothing where there is none.
pub(super) fn cell(record: &Dict, name: &str) -> String {
    match record.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(value) => json::plain(value),
    }
}

fn what(procedure: &str) -> String {
    format!("procedure {procedure:?}")
}

/// Whether an error says that there is none of what was asked about.
fn is_nothing(error: &str) -> bool {
    error.starts_with("wamp.error.no_such_") && error != uris::NO_SUCH_PROCEDURE.as_str()
}

fn unreadable(procedure: &str) -> Failure {
    let message = format!("what {procedure} answered is not what the specification says");
    Failure::new(Exit::SessionLost, message)
}

//! The router's own procedures and events.

mod directory;
mod reflection;
mod sessions;
mod testaments;

pub(super) use reflection::Definition;
pub(super) use testaments::Testament;

use super::super::json::{Json, behind, json, number, text};
use super::{Refusal, Router, refuse};

/// What a meta procedure is called with.
struct Arguments {
    args: Vec<Json>,
    kwargs: Json,
}

impl Router {
    /// Answers a call of a meta procedure: its payload, or why not. `None` for any other procedure.
    pub(super) fn call_meta(
        &mut self,
        from: u64,
        message: &Json,
    ) -> Option<Result<Vec<Json>, Refusal>> {
        let payload = behind(message, 4);
        let args = payload
            .first()
            .and_then(Json::as_array)
            .cloned()
            .unwrap_or_default();
        let kwargs = payload.get(1).cloned().unwrap_or_else(|| json!({}));
        let given = Arguments { args, kwargs };
        let procedure = text(&message[3]).strip_prefix("wamp.")?;
        let (group, name) = procedure.split_once('.')?;
        let given = &given;
        match group {
            "session" if name.ends_with("testament") || name.ends_with("testaments") => {
                self.call_testaments(from, name, given)
            }
            "session" => self.call_sessions(from, name, given),
            "registration" => self.call_registrations(from, name, given),
            "subscription" => self.call_subscriptions(from, name, given),
            "reflection" | "reflect" => self.call_reflection(from, procedure, given),
            _ => None,
        }
    }
}

/// One argument for a result.
#[expect(clippy::unnecessary_wraps, reason = "it is what procedures return")]
fn result(value: impl Into<Json>) -> Result<Vec<Json>, Refusal> {
    Ok(vec![Json::Array(vec![value.into()])])
}

fn invalid<T>() -> Result<T, Refusal> {
    refuse("wamp.error.invalid_argument")
}

impl Arguments {
    /// A text among the arguments.
    fn text(&self, at: usize) -> Result<&str, Refusal> {
        match self.args.get(at) {
            Some(Json::String(text)) => Ok(text),
            _ => invalid(),
        }
    }

    /// An id among the arguments.
    fn id(&self, at: usize) -> Result<u64, Refusal> {
        match self.args.get(at).map(number) {
            Some(id) if id > 0 => Ok(id),
            _ => invalid(),
        }
    }
}

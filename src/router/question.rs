//! Questions from outside a realm to a procedure in it: who may join is one.
//!
//! What is asked, and what the answer means, is not decided here. What a realm asks about its own sessions is in `asking`.

use std::time::Instant;

use super::asking::ROUTER;
use super::context::Refusal;
use super::output::Output;
use super::realm::Realm;
use crate::protocol::{Message, MessageCode, Payload, RequestId, Uri};

impl Realm {
    /// Calls a procedure on the router's own behalf, within `authorization_time`: its RESULT or an ERROR comes out as
    /// [`Output::Answer`] with the id that this returns.
    pub fn handle_question(&mut self, now: Instant, procedure: Uri, payload: Payload) -> RequestId {
        let request = self.context.asked.next_request();
        let called = if self.context.asked.outside.len() < self.context.limits.realm_sign_ins {
            let question = (request, procedure, payload);
            self.dealer.ask(&mut self.context, now, ROUTER, question)
        } else {
            let text = "too many clients wait to be let in";
            Err(Refusal::limit(text.into()))
        };
        match called {
            Ok(key) => drop(self.context.asked.outside.insert(request, key)),
            Err(refusal) => {
                let answer = refusal.error(MessageCode::Call, request).into();
                let output = Output::Answer { request, answer };
                self.context.outputs.push_back(output);
            }
        }
        self.settle(now);
        request
    }

    /// Takes back a question whose answer nobody waits for any more.
    pub fn handle_withdrawal(&mut self, now: Instant, question: RequestId) {
        if let Some(key) = self.context.asked.outside.swap_remove(&question) {
            self.dealer.withdraw(&mut self.context, key, question);
            self.settle(now);
        }
    }

    /// Takes what a procedure has answered that the router called.
    pub(super) fn take_answer(&mut self, now: Instant, answer: Message) {
        let request = if let Message::Result(result) = &answer {
            Some(result.request)
        } else if let Message::Error(error) = &answer {
            Some(error.request)
        } else {
            None
        };
        let asked = &mut self.context.asked;
        let outside = request.filter(|request| asked.outside.swap_remove(request).is_some());
        if let Some(request) = outside {
            let output = Output::Answer { request, answer };
            return self.context.outputs.push_back(output);
        }
        self.take_verdict(now, answer);
    }
}

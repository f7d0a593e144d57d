//! After a re-join: subscribing and registering again what the lost session held.

use std::time::Duration;

use tokio::time::Instant;

use super::callees::RegistrationEnd;
use super::command::LocalId;
use super::conversation::Conversation;
use super::waiting::Waiting;
use crate::client::ErrorReply;
use crate::protocol::uris;

/// How often a procedure is registered again that, after a re-join, still belongs to our lost session.
const RESTORE_INTERVAL: Duration = Duration::from_secs(1);
/// How many times: until a router that pings every ten seconds has surely noticed.
const RESTORE_ATTEMPTS_MAX: u32 = 60;

impl Conversation<'_> {
    pub(super) fn restore_all(&mut self) {
        for (local, topic, options) in self.driver.subscribers.all() {
            let sent = self.session.subscribe(topic, options);
            self.sent(sent, Waiting::Subscribe(local, None));
        }
        for local in self.driver.callees.locals() {
            self.restore(local);
        }
    }

    fn restore(&mut self, local: LocalId) {
        if let Some((procedure, options)) = self.driver.callees.offer(local) {
            let sent = self.session.register(procedure, options);
            self.sent(sent, Waiting::Register(local, None));
        }
    }

    /// A router that has not noticed our loss yet says that the procedure exists: of our own last session.
    pub(super) fn restore_refused(&mut self, local: LocalId, reply: ErrorReply) {
        let attempts = self.restore_attempts.entry(local).or_insert(0);
        *attempts += 1;
        let is_first = *attempts == 1;
        if reply.error == uris::PROCEDURE_ALREADY_EXISTS && *attempts < RESTORE_ATTEMPTS_MAX {
            self.restores
                .push((Instant::now() + RESTORE_INTERVAL, local));
            if is_first {
                let patience = RESTORE_INTERVAL * RESTORE_ATTEMPTS_MAX;
                self.driver.callees.contested(local, patience);
            }
        } else {
            let why = RegistrationEnd::NotRestored(reply);
            self.driver.callees.end(local, why);
        }
    }

    pub(super) fn restore_due(&mut self) {
        let now = Instant::now();
        let due = self.restores.extract_if(.., |&mut (at, _)| at <= now);
        for (_, local) in due.collect::<Vec<_>>() {
            self.restore(local);
        }
    }
}

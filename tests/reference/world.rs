//! Both routers side by side: what a client does is done to both, and what they send compared.

use super::compare::{Bindings, Mismatch, compare};
use super::core::{Core, Received};
use super::coverage::Coverage;
use super::hello;
use super::json::{Json, json, number};
use super::model::{REGISTRATIONS, Router, SUBSCRIPTIONS, Sent};
use super::operations::{Move, Operation, SESSIONS, Sequence};
use super::profile::Profile;
use super::requests::Client;
use super::transcript::Transcript;

const NAMES: [&str; SESSIONS] = ["ann", "bob", "cat", "dan", "eve"];

struct World {
    core: Core,
    router: Router,
    bindings: Bindings,
    /// The reference's session of each name.
    sessions: [Option<u64>; SESSIONS],
    /// As whom each joins, unless it says.
    kinds: [u8; SESSIONS],
    serial: u64,
    transcript: Transcript,
    coverage: Coverage,
}

/// Does all of a sequence. Returns what it met, and the transcript. Errors: where the core and the reference differ, as a transcript.
pub(super) fn run(sequence: &Sequence) -> Result<(Coverage, String), String> {
    let profile = Profile::new(sequence.profile);
    let mut world = World {
        core: Core::new(&profile),
        transcript: Transcript::new(sequence.profile),
        router: Router::new(profile),
        bindings: Bindings::default(),
        sessions: [None; SESSIONS],
        kinds: sequence.kinds,
        serial: 0,
        coverage: Coverage::default(),
    };
    // The history's own subscriptions, which nobody is told of: the first there are.
    for (permanent, actual) in world.router.subscriptions.iter().zip(1..) {
        world.bindings.bind(permanent.id, actual);
    }
    for one in &sequence.moves {
        world.make(one)?;
    }
    world.finish()?;
    world.coverage.note_reached(world.router.take_reached());
    Ok((world.coverage, world.transcript.text()))
}

impl World {
    fn make(&mut self, Move { who, operation }: &Move) -> Result<(), String> {
        if let Operation::Wait(milliseconds) = operation {
            let milliseconds = u64::from(*milliseconds);
            self.core.advance(milliseconds);
            self.transcript.wait(milliseconds);
            return self.compare(|router| router.advance(milliseconds));
        }
        let who = self.someone(*who, operation);
        match (self.sessions[who], operation) {
            (None, Operation::Join(kind)) => self.join(who, *kind),
            (None, Operation::Lose) | (Some(_), Operation::Join(_)) => Ok(()),
            (None, operation) => {
                self.join(who, self.kinds[who])?;
                self.act(who, operation)
            }
            (Some(_), operation) => self.act(who, operation),
        }
    }

    /// Whoever is meant; for what needs something to be there, the next who has it.
    fn someone(&self, who: usize, operation: &Operation) -> usize {
        let mut others = (who..who + SESSIONS).map(|one| one % SESSIONS);
        let has = |one: &usize| {
            let Some(session) = self.sessions[*one].filter(|id| self.router.is_there(*id)) else {
                return false;
            };
            let calls = &mut self.router.calls.iter();
            match operation {
                Operation::Yield { .. } | Operation::Fail { .. } => self.is_asked(session),
                Operation::Cancel { .. } => calls.any(|call| call.caller == session),
                Operation::Continue { .. } => {
                    calls.any(|call| call.caller == session && call.expects_parts())
                }
                Operation::Unregister(_) => !self.router.offered_by(session).is_empty(),
                Operation::Unsubscribe(_) => !self.router.subscribed_by(session).is_empty(),
                _ => true,
            }
        };
        others.find(has).unwrap_or(who)
    }

    fn is_asked(&self, session: u64) -> bool {
        !self.router.asked_of(session).is_empty() || !self.router.session(session).late.is_empty()
    }

    fn join(&mut self, who: usize, kind: u8) -> Result<(), String> {
        let (name, hello, is_local) = (NAMES[who], hello::hello(kind), hello::is_local(kind));
        let actual = self.core.join(name, &hello, is_local);
        self.transcript.join(name, &hello, is_local);
        let received = self.core.receive();
        let session = self.router.join(name, &hello, is_local);
        self.bindings.bind(session, actual);
        self.sessions[who] = Some(session);
        self.check(received)
    }

    fn act(&mut self, who: usize, operation: &Operation) -> Result<(), String> {
        let Some(session) = self.sessions[who] else {
            return Ok(());
        };
        let actual = self.bindings.id(session).expect("it has joined");
        if let Operation::Lose = operation {
            self.core.lose(actual);
            self.sessions[who] = None;
            self.transcript.lose(NAMES[who]);
            return self.compare(|router| router.lose(session));
        }
        self.serial += 1;
        let client = Client {
            router: &self.router,
            session,
            serial: self.serial,
            is_known: &|id| self.bindings.id(id).is_some(),
        };
        let Some(message) = client.message(operation) else {
            return Ok(());
        };
        self.core.send(actual, &self.bindings.translate(&message));
        self.transcript.send(NAMES[who], &message);
        self.coverage.note_sent(&message);
        self.compare(|router| router.receive(session, &message))
    }

    /// Compares what the core has sent with what the reference sends for the same.
    fn compare(&mut self, act: impl FnOnce(&mut Router)) -> Result<(), String> {
        let received = self.core.receive();
        self.router.oracle.seen = self.seen(&received);
        act(&mut self.router);
        self.check(received)
    }

    /// What the oracle may look at: INVOCATIONs, EVENTs and ERRORs, in the reference's terms.
    fn seen(&self, received: &Received) -> Vec<(u64, Json)> {
        let mut seen = Vec::new();
        for (to, messages) in received {
            let Some(to) = self.bindings.session(*to) else {
                continue;
            };
            for message in messages {
                let (place, kind) = match number(&message[0]) {
                    36 => (1, SUBSCRIPTIONS),
                    68 => (2, REGISTRATIONS),
                    3 | 8 => {
                        seen.push((to, message.clone()));
                        continue;
                    }
                    _ => continue,
                };
                if let Some(id) = self.bindings.reverse(kind, number(&message[place])) {
                    let mut message = message.clone();
                    message[place] = json!(id);
                    seen.push((to, message));
                }
            }
        }
        seen
    }

    fn check(&mut self, mut received: Received) -> Result<(), String> {
        let sent = self.router.take_sent();
        let mut recipients: Vec<u64> = sent.iter().map(|sent| sent.to).collect();
        // Who got what is not for it, too.
        recipients.extend(received.keys().filter_map(|to| self.bindings.session(*to)));
        recipients.sort_unstable();
        recipients.dedup();
        for session in recipients {
            let actual = self
                .bindings
                .id(session)
                .and_then(|id| received.remove(&id));
            let actual = actual.unwrap_or_default();
            self.check_one(session, &sent, &actual)?;
        }
        match received.keys().next() {
            Some(stranger) => Err(self.transcript.fail(
                "nobody",
                &format!("{stranger} is sent {:?}", received[stranger]),
            )),
            None => Ok(()),
        }
    }

    fn check_one(&mut self, session: u64, sent: &[Sent], actual: &[Json]) -> Result<(), String> {
        let at = self.sessions.iter().position(|one| *one == Some(session));
        let name = at.map_or("somebody who has left", |at| NAMES[at]);
        let (matched, outcome) = compare(session, sent, actual, &mut self.bindings);
        for (message, actual) in matched.iter().zip(actual) {
            self.coverage.note_received(actual);
            self.transcript.receive(name, message);
        }
        if let Err(Mismatch { came, expected }) = outcome {
            let (came, expected) = (shown(came.as_slice()), shown(&expected));
            return Err(self.transcript.fail(
                name,
                &format!("the core sends {came}, the reference {expected}"),
            ));
        }
        let has_ended = actual.last().is_some_and(|last| last[0] == json!("END"));
        if let (true, Some(at)) = (has_ended, at) {
            self.sessions[at] = None;
        }
        Ok(())
    }

    /// Lets everybody leave, after which nothing is left.
    fn finish(&mut self) -> Result<(), String> {
        for who in 0..SESSIONS {
            self.act(who, &Operation::Lose)?;
        }
        let holdings = self.core.holdings();
        let held = [holdings.sessions, holdings.registrations, holdings.calls];
        let permanent = self.router.subscriptions.len();
        if held != [0; 3] || holdings.subscriptions != permanent || self.core.is_waiting() {
            let why = format!("everybody has left, and the core holds {holdings:?}");
            return Err(self.transcript.fail("nobody", &why));
        }
        Ok(())
    }
}

fn shown(messages: &[Json]) -> String {
    let texts: Vec<String> = messages.iter().map(Json::to_string).collect();
    if texts.is_empty() {
        "nothing".to_owned()
    } else {
        texts.join(" or ")
    }
}

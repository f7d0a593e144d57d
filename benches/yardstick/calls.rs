//! The load of calls: callers that keep some calls in flight, and who answers them.
//!
//! With the router one callee serves all callers; in the relay each caller has a connection that
//! answers it, and the frames are the CALL and the YIELD that would be sent to a router.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde_json::json;

use crate::meter::{Meter, Plan, Sample, median};
use crate::server::Server;
use crate::session::{self, show};
use crate::wamp::{
    self, CALL, INVOCATION, REGISTER, REGISTERED, RESULT, Serializer, Template, YIELD,
};
use crate::wire::Wires;

const PROCEDURE: &str = "com.yardstick.echo";

/// How many callers, and how many calls each keeps in flight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) callers: usize,
    pub(crate) window: u64,
}

/// One caller's side of the account. Request ids are 1, 2, 3 and so on.
#[derive(Debug, Default)]
struct Caller {
    sent: u64,
    done: u64,
    /// Sums of request ids: equal once every call has had its own answer, and only one.
    sent_ids: u64,
    done_ids: u64,
}

/// Runs the load once.
pub(crate) fn run(server: &Server, plan: &Plan, shape: Shape) -> Result<Sample> {
    Load::open(server, plan, shape)?.run(&mut Meter::start(server, plan))
}

#[derive(Debug)]
struct Load {
    wires: Wires,
    serializer: Serializer,
    call: Template,
    reply: Template,
    /// The answer as the caller sees it, and the question as the callee does.
    answer_code: u64,
    question_code: u64,
    /// The first connections are the callers', in the same order.
    callers: Vec<Caller>,
    window: u64,
    round_trips: Option<RoundTrips>,
}

/// Times single calls.
#[derive(Debug)]
struct RoundTrips {
    asked: Instant,
    taken: Vec<Duration>,
}

impl Load {
    fn open(server: &Server, plan: &Plan, shape: Shape) -> Result<Self> {
        let serializer = plan.serializer;
        let paths = |role| (0..shape.callers).map(move |i| format!("/pair/{i}/1/{role}"));
        let mut callers = session::open(server, serializer, &paths("hub").collect::<Vec<_>>())?;
        if server.is_router() {
            let mut callees = session::open(server, serializer, &[String::new()])?;
            let register = Template::new(serializer, REGISTER, &[json!({}), json!(PROCEDURE)]);
            callees[0].request(&register, REGISTERED)?;
            callers.append(&mut callees);
        } else {
            let leaves: Vec<_> = paths("leaf").collect();
            callers.append(&mut session::open(server, serializer, &leaves)?);
        }
        let payload = plan.payload();
        let call = [json!({}), json!(PROCEDURE), payload.clone()];
        let alone = shape.callers == 1 && shape.window == 1;
        Ok(Self {
            wires: Wires::new(callers)?,
            serializer,
            call: Template::new(serializer, CALL, &call),
            reply: Template::new(serializer, YIELD, &[json!({}), payload]),
            answer_code: if server.is_router() { RESULT } else { YIELD },
            question_code: if server.is_router() { INVOCATION } else { CALL },
            callers: (0..shape.callers).map(|_| Caller::default()).collect(),
            window: shape.window,
            round_trips: alone.then(|| RoundTrips {
                asked: Instant::now(),
                taken: Vec::new(),
            }),
        })
    }

    fn run(mut self, meter: &mut Meter<'_>) -> Result<Sample> {
        let mut ready = Vec::new();
        for index in 0..self.callers.len() {
            let caller = &mut self.callers[index];
            self.wires.send(index, |out| {
                for _ in 0..self.window {
                    caller.ask(&self.call, out);
                }
            })?;
        }
        let mut sending = true;
        while !meter.over(self.under_way())? {
            self.wires.wait(&mut ready)?;
            for &index in &ready {
                if index < self.callers.len() {
                    self.take_results(index, sending)?;
                } else {
                    self.answer(index)?;
                }
            }
            sending = meter.sending(self.callers.iter().map(|caller| caller.done).sum())?;
        }
        for caller in &self.callers {
            ensure!(
                caller.sent_ids == caller.done_ids,
                "a call was answered twice and another not at all"
            );
        }
        let mut taken = self
            .round_trips
            .map(|trips| trips.taken)
            .unwrap_or_default();
        meter.sample(median(&mut taken).unwrap_or_default())
    }

    fn under_way(&self) -> u64 {
        let in_flight = |caller: &Caller| caller.sent - caller.done;
        self.callers.iter().map(in_flight).sum()
    }

    /// Counts results and asks again for each.
    fn take_results(&mut self, index: usize, sending: bool) -> Result<()> {
        let caller = &mut self.callers[index];
        if let Some(trips) = &mut self.round_trips {
            trips.taken.push(trips.asked.elapsed());
            trips.asked = Instant::now();
        }
        self.wires.read(index, |message, out| {
            let head = wamp::head(self.serializer, message);
            if head.code != self.answer_code {
                bail!("a caller got {}", show(message));
            }
            caller.done += 1;
            caller.done_ids += head.id;
            ensure!(caller.done <= caller.sent, "a result nobody asked for");
            if sending {
                caller.ask(&self.call, out);
            }
            Ok(())
        })
    }

    fn answer(&mut self, index: usize) -> Result<()> {
        self.wires.read(index, |message, out| {
            let head = wamp::head(self.serializer, message);
            if head.code != self.question_code {
                bail!("a callee got {}", show(message));
            }
            self.reply.put(out, head.id);
            Ok(())
        })
    }
}

impl Caller {
    fn ask(&mut self, call: &Template, out: &mut Vec<u8>) {
        self.sent += 1;
        self.sent_ids += self.sent;
        call.put(out, self.sent);
    }
}

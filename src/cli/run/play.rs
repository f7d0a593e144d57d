//! Doing steps: one session offers and hears, the other calls and publishes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::step::{Action, Arguments, Expected, Step};
use super::value::{self, Captured};
use crate::cli::argument::Arguments as Given;
use crate::cli::client::Client;
use crate::cli::exit::{Failure, error_text};
use crate::cli::printer::shape;
use crate::cli::{hints, json};
use crate::client::ErrorReply;
use crate::node::connect::{RequestError, Subscription};
use crate::protocol::message::Event;
use crate::protocol::{Dict, Options, Payload, PublishOptions, Value};

/// What came of a step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) name: String,
    pub(super) time: Duration,
    /// Why it failed.
    pub(super) why: Option<String>,
}

/// Why a step did not go well.
enum Trouble {
    /// It differs.
    Differs(String),
    /// There is no going on.
    Lost(Failure),
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Self::Differs(why)
    }
}

/// A subscription, and what is expected of its first event where the step itself says it.
struct Heard {
    topic: String,
    events: Subscription,
    expected: Option<(String, Expected, Duration)>,
}

/// A procedure offered: what was wrong with its calls.
struct Offered {
    name: String,
    wrong: Arc<Mutex<Option<String>>>,
}

/// Plays steps.
pub(super) struct Player<'a> {
    offers: &'a Client<'a>,
    asks: &'a Client<'a>,
    captured: Captured,
    heard: Vec<Heard>,
    offered: Vec<Offered>,
}

impl<'a> Player<'a> {
    pub(super) const fn new(offers: &'a Client<'a>, asks: &'a Client<'a>) -> Self {
        Self {
            offers,
            asks,
            captured: Captured::new(),
            heard: Vec::new(),
            offered: Vec::new(),
        }
    }

    /// Plays a step. With its verdict comes why there is no going on, if there is none.
    pub(super) async fn play(&mut self, step: &Step) -> (Verdict, Option<Failure>) {
        let began = Instant::now();
        let played = self.act(step).await;
        let (why, lost) = match played {
            Ok(()) => (None, None),
            Err(Trouble::Differs(why)) => (Some(why), None),
            Err(Trouble::Lost(failure)) => (Some(failure.to_string()), Some(failure)),
        };
        let verdict = Verdict {
            name: step.name.clone(),
            time: began.elapsed(),
            why,
        };
        (verdict, lost)
    }

    /// What is left to be judged at the end: events and calls that steps expected to come.
    pub(super) async fn settle(&mut self) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        for mut heard in std::mem::take(&mut self.heard) {
            let Some((name, expected, within)) = heard.expected.take() else {
                continue;
            };
            let began = Instant::now();
            let came = next_event(&mut heard, within).await;
            let judged = came.and_then(|event| self.judge(&expected, given(&event.payload)?));
            verdicts.push(Verdict {
                name: format!("{name}: its event"),
                time: began.elapsed(),
                why: judged.err(),
            });
        }
        for offered in &self.offered {
            let wrong = offered
                .wrong
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(why) = wrong {
                verdicts.push(Verdict {
                    name: format!("{}: its call", offered.name),
                    time: Duration::ZERO,
                    why: Some(why),
                });
            }
        }
        verdicts
    }

    async fn act(&mut self, step: &Step) -> Result<(), Trouble> {
        match &step.action {
            Action::Register { procedure, answer } => {
                self.register(step, procedure, answer.as_ref()).await
            }
            Action::Call {
                procedure,
                arguments,
            } => {
                let arguments = value::fill_arguments(arguments, &self.captured)?;
                let payload = payload(arguments, self.asks);
                let call = self
                    .asks
                    .peer
                    .call(procedure.as_str(), options(step)?, payload);
                let outcome = self.answer(step, call).await?;
                match outcome {
                    None => Ok(()),
                    Some(outcome) => Ok(self.judge(&step.expected, given(&outcome.payload)?)?),
                }
            }
            Action::Subscribe { topic } => {
                let subscribe = self.offers.peer.subscribe(topic.as_str(), options(step)?);
                if let Some(events) = self.answer(step, subscribe).await? {
                    let expects = step.expected != Expected::default();
                    let expected = (step.name.clone(), step.expected.clone(), step.within);
                    self.heard.push(Heard {
                        topic: topic.clone(),
                        events,
                        expected: expects.then_some(expected),
                    });
                }
                Ok(())
            }
            Action::Publish { topic, arguments } => {
                let arguments = value::fill_arguments(arguments, &self.captured)?;
                let payload = payload(arguments, self.asks);
                let mut options: PublishOptions = options(step)?;
                options.acknowledge = options.acknowledge.or(Some(true));
                let publish = self.asks.peer.publish(topic.as_str(), options, payload);
                self.answer(step, publish).await.map(drop)
            }
            Action::Event { topic } => {
                let heard = self.heard.iter_mut().find(|heard| heard.topic == *topic);
                let heard =
                    heard.ok_or_else(|| format!("no step before subscribes to {topic:?}"))?;
                let event = next_event(heard, step.within).await?;
                Ok(self.judge(&step.expected, given(&event.payload)?)?)
            }
        }
    }

    async fn register(
        &mut self,
        step: &Step,
        procedure: &str,
        answer: Option<&Arguments>,
    ) -> Result<(), Trouble> {
        let answer = answer.map(|answer| value::fill_arguments(answer, &self.captured));
        let answer = answer
            .transpose()?
            .map(|answer| payload(answer, self.offers));
        let wrong = Arc::new(Mutex::new(None));
        let noted = Arc::clone(&wrong);
        let expected = step.expected.arguments.clone();
        let handler = move |invocation: crate::protocol::message::Invocation, _| {
            let came = given(&invocation.payload);
            let differs = match (&expected, came) {
                (_, Err(why)) => Some(why),
                (Some(expected), Ok(came)) => differs_in_arguments(expected, &came),
                (None, Ok(_)) => None,
            };
            if let Some(why) = differs {
                *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            }
            let answer = answer.clone().unwrap_or(invocation.payload);
            async move { Ok::<Payload, ErrorReply>(answer) }
        };
        let register = self
            .offers
            .peer
            .register(procedure, options(step)?, 1, handler);
        if self.answer(step, register).await?.is_some() {
            self.offered.push(Offered {
                name: step.name.clone(),
                wrong,
            });
        }
        Ok(())
    }

    /// The good answer to a request; `None` where an error was expected, and came.
    async fn answer<T>(
        &self,
        step: &Step,
        request: impl Future<Output = Result<T, RequestError>>,
    ) -> Result<Option<T>, Trouble> {
        let answered = timeout(step.within, request).await;
        let within = humantime::format_duration(step.within);
        let answered = answered.map_err(|_| format!("no answer within {within}"))?;
        match (answered, &step.expected.error) {
            (Ok(answer), None) => Ok(Some(answer)),
            (Ok(_), Some(error)) => Err(format!("expected {error}, and it went well").into()),
            (Err(RequestError::Refused(reply)), Some(error)) if reply.error.as_str() == error => {
                Ok(None)
            }
            (Err(RequestError::Refused(reply)), Some(error)) => {
                Err(format!("expected {error}, got {}", error_text(&reply)).into())
            }
            (Err(RequestError::Refused(reply)), None) => Err(error_text(&reply).into()),
            (Err(error), _) => {
                let failure = hints::failed(&step.name, self.asks.realm(), &error);
                Err(Trouble::Lost(failure))
            }
        }
    }

    /// Compares what came, and captures of it what is asked for.
    fn judge(&mut self, expected: &Expected, came: Given) -> Result<(), String> {
        if let Some(arguments) = &expected.arguments {
            let arguments = value::fill_arguments(arguments, &self.captured)?;
            if let Some(why) = differs_in_arguments(&arguments, &came) {
                return Err(why);
            }
        }
        let came = shape(came).unwrap_or_default();
        if let Some(value) = &expected.value {
            let value = value::fill(value, &self.captured)?;
            if !value::is_same(&value, &came) {
                return Err(differs("expected", &value, &came));
            }
        }
        if let Some(part) = &expected.part {
            let part = value::fill(part, &self.captured)?;
            if !value::has_part(&part, &came) {
                return Err(differs("expected somewhere in it", &part, &came));
            }
        }
        for (name, pointer) in &expected.captures {
            let found = value::at(&came, pointer);
            let found = found.ok_or_else(|| {
                format!(
                    "nothing to capture at {pointer:?} in {}",
                    json::to_line(&came)
                )
            })?;
            self.captured.insert(name.clone(), found.clone());
        }
        Ok(())
    }
}

async fn next_event(heard: &mut Heard, within: Duration) -> Result<Event, String> {
    let deadline = Instant::now() + within;
    match timeout_at(deadline, heard.events.next_event()).await {
        Ok(Some(Ok(event))) => Ok(event),
        Ok(Some(Err(end))) => Err(end.to_string()),
        Ok(None) => Err("the session was lost".to_owned()),
        Err(_) => {
            let within = humantime::format_duration(within);
            Err(format!("no event of {:?} within {within}", heard.topic))
        }
    }
}

fn options<O: Options>(step: &Step) -> Result<O, Trouble> {
    O::from_dict(step.options.clone()).map_err(|error| Trouble::Differs(error.to_string()))
}

fn payload(arguments: Arguments, client: &Client<'_>) -> Payload {
    let Arguments { args, kwargs } = arguments;
    Given { args, kwargs }.payload(client.serializer())
}

fn given(payload: &Payload) -> Result<Given, String> {
    Given::from_payload(payload).map_err(|error| error.to_string())
}

fn differs_in_arguments(expected: &Arguments, came: &Given) -> Option<String> {
    let both = |args: &[Value], kwargs: &Dict| {
        let parts = [
            ("args", Value::List(args.to_vec())),
            ("kwargs", kwargs.clone().into()),
        ];
        Value::Dict(Dict::from_iter(parts))
    };
    let expected = both(&expected.args, &expected.kwargs);
    let came = both(&came.args, &came.kwargs);
    (!value::is_same(&expected, &came)).then(|| differs("expected", &expected, &came))
}

fn differs(what: &str, expected: &Value, came: &Value) -> String {
    format!(
        "{what} {}, got {}",
        json::to_line(expected),
        json::to_line(came)
    )
}

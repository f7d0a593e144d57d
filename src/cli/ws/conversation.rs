//! One open WebSocket, from the first message to the close: what is sent, what comes, and when it is enough.

use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use tokio::time::Instant;

use super::failure;
use super::input::Input;
use super::screen::Screen;
use super::slash::Order;
use crate::cli::exit::{Exit, Failure};
use crate::cli::printer::stdout_closed;
use crate::cli::signal::Signals;
use crate::node::until;
use crate::ws::{Client, Closing, Data, End, Incoming};

/// How long the server may take to answer our close.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);
/// When a terminal is told that nothing has come yet.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many pings may go unanswered.
const PINGS_MISSED_MAX: u32 = 2;

/// When it is enough, and what is done meanwhile.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// How many messages are to come; without it, as many as are sent, if `wait` is not given either.
    pub(super) count: Option<u64>,
    /// How long nothing has to come for it to be enough.
    pub(super) wait: Option<Duration>,
    /// Whether what is sent will be answered, one by one, so that there is a number of answers to wait for.
    pub(super) is_answered: bool,
    /// Send back what comes.
    pub(super) mirrors: bool,
    /// How often to ask for a sign of life.
    pub(super) ping_interval: Option<Duration>,
    /// What our close says.
    pub(super) closing: Closing,
}

/// A conversation under way.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    client: Client,
    input: Input,
    screen: Screen<'a>,
    plan: Plan,
    sent: u64,
    received: u64,
    input_ended: bool,
    /// A message waits to be written.
    is_unwritten: bool,
    /// Our close is on its way, and the server's has to come by then.
    close_by: Option<Instant>,
    /// When a message last came or was written.
    active_at: Instant,
    next_ping: Option<Instant>,
    pings_missed: u32,
    /// When a person is told that we wait.
    patience_ends: Option<Instant>,
}

/// How it ended.
enum Outcome {
    /// As was wished.
    Enough,
    /// Nothing came for as long as was wished.
    Idle,
    /// The server, or what is in between, ended it.
    Ended(End),
    /// Our close was not answered.
    Unanswered,
    Signal(Exit),
}

impl<'a> Conversation<'a> {
    pub(super) fn new(client: Client, input: Input, screen: Screen<'a>, plan: Plan) -> Self {
        let now = Instant::now();
        Self {
            client,
            input,
            screen,
            sent: 0,
            received: 0,
            input_ended: false,
            is_unwritten: false,
            close_by: None,
            active_at: now,
            next_ping: plan.ping_interval.map(|interval| now + interval),
            pings_missed: 0,
            patience_ends: None,
            plan,
        }
    }

    /// Runs it to its end, and gives the terminal back.
    pub(super) async fn run(mut self, signals: &mut Signals) -> Result<Exit> {
        let outcome = self.talk(signals).await;
        let exit = match &outcome {
            Ok(outcome) => self.exit(outcome),
            Err(_) => Ok(Exit::Done),
        };
        let end = match &outcome {
            Ok(Outcome::Ended(end)) => Some(end),
            _ => None,
        };
        let is_ours = end.is_none() && self.close_by.is_none();
        if is_ours {
            self.client.close(&self.plan.closing);
        }
        let finishing = self.client.finish(end, CLOSE_PATIENCE);
        let answer = if self.input.is_typed() {
            // The terminal has to be given back first, however often somebody interrupts.
            finishing.await
        } else {
            signals.or_exit(finishing).await
        };
        // What is still to be printed above the line comes first, what is said from now on is below it.
        let console = self.screen.into_console();
        if let Input::Typed { editor, .. } = self.input {
            editor.close().await;
        }
        match (&outcome, answer) {
            (Ok(Outcome::Ended(End::Closed(closing))), _) if exit.is_ok() => {
                let whose = if self.close_by.is_some() {
                    ""
                } else {
                    " by the server"
                };
                console.note(&format!("closed{whose}{}", code(closing.as_ref())));
            }
            (_, Some(closing)) if is_ours => console.note(&format!("closed: {closing}")),
            (Ok(Outcome::Ended(_)), _) => {}
            _ => console.note("closed; the server did not answer that"),
        }
        outcome?;
        Ok(exit?)
    }

    async fn talk(&mut self, signals: &mut Signals) -> Result<Outcome> {
        let mut unread = std::pin::pin!(stdout_closed());
        loop {
            if self.close_by.is_none() && self.is_enough() {
                return Ok(Outcome::Enough);
            }
            let idle_at = self.idle_at();
            let may_send = self.close_by.is_none() && !self.input_ended && self.client.has_room();
            let is_full = !self.screen.has_room();
            let may_read = !is_full && (!self.plan.mirrors || self.client.has_room());
            tokio::select! {
                order = self.input.next(), if may_send => {
                    let order = order?;
                    if order.is_none() && self.input.is_typed() {
                        return Ok(Outcome::Enough);
                    }
                    self.obey(order);
                }
                heard = self.client.next(may_read) => match heard {
                    Ok(incoming) => self.take(incoming)?,
                    Err(end) => return Ok(Outcome::Ended(end)),
                },
                () = self.screen.room(), if is_full => {}
                () = until(self.next_ping) => {
                    if self.pings_missed == PINGS_MISSED_MAX {
                        return Ok(Outcome::Ended(End::Dead));
                    }
                    self.ping();
                }
                () = until(idle_at) => return Ok(Outcome::Idle),
                () = until(self.close_by) => return Ok(Outcome::Unanswered),
                () = until(self.patience_ends) => self.say_waiting(),
                exit = signals.next() => return Ok(Outcome::Signal(exit)),
                () = &mut unread => {
                    return Err(Failure::new(Exit::PipeClosed, "stdout is closed").into());
                }
            }
        }
    }

    fn is_enough(&self) -> bool {
        match (self.plan.count, self.plan.wait) {
            (Some(0), _) => self.input_ended,
            (Some(count), _) => {
                (self.input_ended || self.input.is_open_ended()) && self.received >= count
            }
            (None, Some(_)) => false,
            (None, None) => self.plan.is_answered && self.input_ended && self.received >= self.sent,
        }
    }

    /// When it is enough if nothing comes.
    fn idle_at(&self) -> Option<Instant> {
        let is_counting = self.input_ended || matches!(self.input, Input::Rounds(_));
        self.plan
            .wait
            .filter(|_| is_counting)
            .map(|wait| self.active_at + wait)
    }

    fn obey(&mut self, order: Option<Order>) {
        match order {
            None => {
                self.input_ended = true;
                self.active_at = Instant::now();
                self.patience_ends = Some(self.active_at + PATIENCE);
            }
            Some(Order::Send(data)) => self.send(data),
            Some(Order::Ping(payload)) => self.client.ping(payload),
            Some(Order::Pong(payload)) => self.client.pong(&payload),
            Some(Order::Close(closing)) => {
                let closing = closing.as_ref().unwrap_or(&self.plan.closing);
                self.client.close(closing);
                self.close_by = Some(Instant::now() + CLOSE_PATIENCE);
            }
            Some(Order::Say(lines)) => self.screen.say(&lines),
            Some(Order::Nothing) => {}
        }
    }

    fn send(&mut self, data: Data) {
        self.client.send(data);
        self.sent += 1;
        self.is_unwritten = true;
    }

    fn take(&mut self, incoming: Incoming) -> Result<()> {
        if incoming != Incoming::Written {
            self.pings_missed = 0;
        }
        match incoming {
            Incoming::Data(data) => {
                self.received += 1;
                self.active_at = Instant::now();
                self.screen.answer(&data)?;
                if self.plan.mirrors && self.close_by.is_none() {
                    self.send(data);
                }
            }
            Incoming::Pong(_, Some(after)) => {
                let ms = after.as_secs_f64() * 1000.0;
                self.screen.note(&format!("pong after {ms:.1} ms"));
            }
            Incoming::Pong(payload, None) => self.screen.fact(&unasked("pong", &payload)),
            Incoming::Ping(payload) => self.screen.fact(&unasked("ping", &payload)),
            Incoming::Written if self.is_unwritten => {
                self.is_unwritten = false;
                self.active_at = Instant::now();
            }
            // Pings and the like, which are no conversation.
            Incoming::Written => {}
        }
        Ok(())
    }

    fn ping(&mut self) {
        self.client.ping(None);
        self.pings_missed += 1;
        self.next_ping = self
            .plan
            .ping_interval
            .map(|interval| Instant::now() + interval);
    }

    fn say_waiting(&mut self) {
        self.patience_ends = None;
        let awaited = match (self.plan.count, self.plan.wait) {
            (Some(count), _) => count,
            (None, None) if self.plan.is_answered => self.sent,
            (None, None) if self.received == 0 => {
                return self.screen.patience("nothing has come yet (Ctrl-C stops)");
            }
            _ => return,
        };
        let missing = awaited.saturating_sub(self.received);
        self.screen.patience(&format!(
            "{missing} more to come (Ctrl-C stops, --wait 2s once none come, -n 0 waits for none)"
        ));
    }

    fn exit(&self, outcome: &Outcome) -> Result<Exit, Failure> {
        let unmet = self.plan.count.filter(|count| self.received < *count);
        match (outcome, unmet) {
            (Outcome::Signal(exit), _) => Ok(*exit),
            (Outcome::Idle, Some(count)) => {
                let wait = self.plan.wait.unwrap_or_default();
                let why = format!("then none for {}", humantime::format_duration(wait));
                Err(failure::too_few(self.received, count, &why))
            }
            (Outcome::Ended(End::Closed(_)), _) if self.close_by.is_some() => Ok(Exit::Done),
            (Outcome::Ended(end), unmet) => {
                failure::ended(end)?;
                match unmet {
                    Some(count) => Err(failure::too_few(
                        self.received,
                        count,
                        "then the server closed the connection",
                    )),
                    None => Ok(Exit::Done),
                }
            }
            (Outcome::Enough | Outcome::Idle | Outcome::Unanswered, _) => Ok(Exit::Done),
        }
    }
}

fn unasked(what: &str, payload: &Bytes) -> String {
    if payload.is_empty() {
        format!("{what} came")
    } else {
        format!("{what} came: {:?}", String::from_utf8_lossy(payload))
    }
}

fn code(closing: Option<&Closing>) -> String {
    closing.map_or_else(String::new, |closing| format!(": {closing}"))
}

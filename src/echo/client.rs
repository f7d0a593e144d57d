//! One client's connection: a single task that reads, answers and writes, and waits for nobody.
//!
//! What it is owed and does not take is bounded: over budget it is not read from, and who takes nothing for the stall
//! time is closed. Deadlines (ping, stall, close, delayed answers) share one timer.

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

use super::behaviour::{Answer, Losses};
use super::delay::Delayed;
use super::mailbox::Mail;
use super::note::{Ending, Note};
use super::server::Seat;
use crate::transport::{CloseCode, FrameType, Incoming, ReadError, Upgraded, WebSocket};

/// How many messages are read, or answered late, before what they led to is written.
const BATCH_MESSAGES_MAX: usize = 128;
/// How many bytes of messages are read before that.
const BATCH_BYTES_MAX: usize = 256 * 1024;
/// How many bytes of others' messages are handed to the socket before it must have taken some.
const WRITE_BYTES_MAX: usize = 64 * 1024;
/// How often one poll goes round before other connections of this thread get their turn.
const TURNS_MAX: usize = 8;
/// Pings that may stay without any sign of life.
const MISSED_PINGS_MAX: u32 = 2;

/// The close code that stands for: there was no close frame.
const NO_CLOSE_FRAME: u16 = 1006;
/// The close code that stands for: there was no code in the close frame.
const NO_CODE: u16 = 1005;
/// What happened where there was no close frame.
const LOST: &str = "the connection was lost";

/// A client, from its upgrade to its end.
#[derive(Debug)]
pub struct Client<S> {
    seat: Seat,
    socket: WebSocket<S>,
    losses: Losses,
    delayed: Delayed,
    phase: Phase,
    /// How it closed, as far as that is known.
    ending: Ending,
    is_ending_told: bool,
    timer: Pin<Box<Sleep>>,
    ping_due: Instant,
    pings_missed: u32,
    /// Since when the socket has taken nothing of what waits.
    stalled_since: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Open,
    /// To be cut once what it is owed is written; nothing is read.
    Cutting,
    /// A close frame is on its way, or was answered; until then the peer may close its side.
    Closing {
        deadline: Instant,
        reads: bool,
    },
}

/// The connection is over; there is nothing left to do for it.
struct Over;

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(super) fn new(seat: Seat, upgraded: Upgraded<S>) -> Self {
        let limits = seat.server.limits();
        let behaviour = seat.server.behaviour();
        let ping_due = Instant::now() + limits.ping_interval;
        Self {
            socket: WebSocket::new(upgraded, limits.message_bytes),
            losses: Losses::new(behaviour.loss),
            delayed: Delayed::new(behaviour.delay),
            phase: Phase::Open,
            ending: Ending {
                code: NO_CLOSE_FRAME,
                reason: Cow::Borrowed(""),
                is_clean: false,
                is_ours: false,
                messages: 0,
            },
            is_ending_told: false,
            timer: Box::pin(sleep_until(ping_due)),
            ping_due,
            pings_missed: 0,
            stalled_since: None,
            seat,
        }
    }

    /// Runs the connection to its end.
    pub async fn run(mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.turns(cx) {
            Ok(()) => Poll::Pending,
            Err(Over) => Poll::Ready(()),
        }
    }

    /// Takes turns until nothing is left to do, or others must have theirs.
    fn turns(&mut self, cx: &mut Context<'_>) -> Result<(), Over> {
        for _ in 0..TURNS_MAX {
            if !self.turn(cx)? && !self.check_deadlines(cx)? {
                return Ok(());
            }
        }
        // Who never stops sending must not put off its deadlines by that.
        self.check_deadlines(cx)?;
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Reads, answers, writes. False where there was nothing to do.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<bool, Over> {
        let has_read = self.read(cx);
        let has_answered = self.answer_delayed();
        let has_written = self.write(cx)?;
        if !matches!(self.phase, Phase::Closing { .. }) {
            let owed = self.socket.unwritten() + self.delayed.bytes();
            self.seat.account(owed);
        }
        Ok(has_read || has_answered || has_written)
    }

    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        let mut frames = 0;
        let mut bytes = 0;
        while self.may_read() && frames < BATCH_MESSAGES_MAX && bytes < BATCH_BYTES_MAX {
            match self.socket.poll_read(cx) {
                Poll::Pending => break,
                Poll::Ready(Ok(incoming)) => {
                    self.pings_missed = 0;
                    frames += 1;
                    match incoming {
                        Incoming::Data(frame_type, message) => {
                            bytes += message.len();
                            self.handle_message(frame_type, &message);
                        }
                        Incoming::Alive => {}
                        Incoming::Close(frame) => {
                            let said = frame.map(|it| (it.code, it.reason.as_str().to_owned()));
                            self.handle_close(said);
                        }
                    }
                }
                Poll::Ready(Err(error)) => {
                    self.handle_read_error(error);
                    return true;
                }
            }
        }
        frames > 0
    }

    /// Whether more may be asked for. bound: what the peer is owed, pongs included.
    fn may_read(&self) -> bool {
        let limits = self.seat.server.limits();
        match self.phase {
            Phase::Cutting | Phase::Closing { reads: false, .. } => false,
            // What comes now is passed over, pings included: nothing grows by it.
            Phase::Closing { .. } => true,
            Phase::Open => {
                let is_broadcast = self.seat.server.behaviour().answer == Answer::Broadcast;
                self.socket.unwritten() + self.delayed.bytes() < limits.outbox_bytes
                    && self.delayed.len() < limits.outbox_messages
                    && !(is_broadcast && self.seat.mailbox.is_full())
            }
        }
    }

    fn handle_message(&mut self, frame_type: FrameType, message: &Bytes) {
        if !matches!(self.phase, Phase::Open) {
            return;
        }
        self.ending.messages += 1;
        self.seat.tell(&Note::Data(frame_type, message));
        let behaviour = self.seat.server.behaviour();
        if self.losses.loses_next() {
            self.seat.tell(&Note::Unanswered);
        } else if behaviour.delay.is_zero() {
            self.answer(frame_type, message);
        } else {
            self.delayed.push(Instant::now(), frame_type, message);
        }
        if self.losses.cuts_after(self.ending.messages) {
            self.phase = Phase::Cutting;
        }
    }

    fn answer(&mut self, frame_type: FrameType, message: &[u8]) {
        match self.seat.server.behaviour().answer {
            Answer::Echo => self.socket.push(frame_type, message),
            Answer::Broadcast => self.seat.server.broadcast(frame_type, message),
            Answer::Count => {}
        }
    }

    fn answer_delayed(&mut self) -> bool {
        if self.delayed.len() == 0 || matches!(self.phase, Phase::Closing { .. }) {
            return false;
        }
        let now = Instant::now();
        for answered in 0..BATCH_MESSAGES_MAX {
            let Some((frame_type, message)) = self.delayed.pop_due(now) else {
                return answered > 0;
            };
            self.answer(frame_type, &message);
        }
        true
    }

    fn handle_close(&mut self, said: Option<(CloseCode, String)>) {
        self.ending.is_clean = true;
        if matches!(self.phase, Phase::Closing { .. }) {
            // The answer to ours.
            return;
        }
        let (code, reason) = said.map_or_else(
            || (NO_CODE, String::new()),
            |(code, reason)| (code.into(), reason),
        );
        self.ending.code = code;
        self.ending.reason = reason.into();
        self.begin_closing(true);
    }

    fn handle_read_error(&mut self, error: ReadError) {
        let is_closing = matches!(self.phase, Phase::Closing { .. });
        match error {
            // Behind both close frames, or without any.
            ReadError::Closed if is_closing => {}
            ReadError::Closed => self.ending.reason = LOST.into(),
            ReadError::TooLarge { max } => {
                let why = format!("a message of more than {max} bytes");
                self.fail(CloseCode::Size, "message too large", why);
            }
            ReadError::Broken { code, why } => self.fail(code, "against RFC 6455", why),
            ReadError::FrameType => {}
        }
        self.begin_closing(false);
    }

    /// The peer has broken a rule: says so on both sides.
    fn fail(&mut self, code: CloseCode, reason: &'static str, why: String) {
        if matches!(self.phase, Phase::Open) {
            self.ending.code = code.into();
            self.ending.reason = why.into();
            self.ending.is_ours = true;
            self.socket.push_close(code, reason);
        }
        self.ending.is_clean = false;
    }

    /// Says good-bye, and gives the peer time to do so too.
    fn close(&mut self, code: CloseCode, reason: &'static str) {
        self.ending.code = code.into();
        self.ending.reason = reason.into();
        self.ending.is_ours = true;
        self.socket.push_close(code, reason);
        self.begin_closing(true);
    }

    fn begin_closing(&mut self, reads: bool) {
        self.seat.leave();
        let limits = self.seat.server.limits();
        let deadline = match self.phase {
            Phase::Closing { deadline, .. } => deadline,
            // What it is owed already it gets, if it takes it in that time.
            _ if self.socket.unwritten() > WRITE_BYTES_MAX => Instant::now() + limits.stall_time,
            Phase::Open | Phase::Cutting => Instant::now() + limits.goodbye_time,
        };
        self.phase = Phase::Closing { deadline, reads };
    }

    /// Hands the socket what waits for it, as long as it takes it.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<bool, Over> {
        let mut has_written = false;
        loop {
            self.take_mail(cx)?;
            if self.socket.unwritten() == 0 {
                self.stalled_since = None;
                self.finish(cx)?;
                return Ok(has_written);
            }
            let (written, outcome) = self.socket.poll_write(cx);
            has_written |= written > 0;
            match outcome {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => {
                    if matches!(self.phase, Phase::Open) {
                        self.ending.reason = LOST.into();
                    }
                    return Err(Over);
                }
                Poll::Pending => {
                    if has_written || self.stalled_since.is_none() {
                        self.stalled_since = Some(Instant::now());
                    }
                    return Ok(has_written);
                }
            }
        }
    }

    fn take_mail(&mut self, cx: &Context<'_>) -> Result<(), Over> {
        // Nothing follows a close frame.
        while !matches!(self.phase, Phase::Closing { .. }) {
            let has_room = self.socket.unwritten() < WRITE_BYTES_MAX;
            match self.seat.mailbox.take(has_room, cx) {
                Mail::Cut => {
                    let why = "too much waits for all clients, and most for this one";
                    return Err(self.give_up(why.to_owned()));
                }
                Mail::Close => self.close(CloseCode::Away, "the server is going down"),
                Mail::Count(count) => {
                    let text = count.to_string();
                    self.socket.push(FrameType::Text, text.as_bytes());
                }
                Mail::Frame(frame) => self.socket.push_shared_frame(&frame),
                Mail::Missed(count) => self.seat.tell(&Note::Missed(count)),
                Mail::Nothing => break,
            }
        }
        Ok(())
    }

    /// Once the last bytes are out: waits for the peer to close its side, so that no reset overtakes them.
    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Over> {
        match self.phase {
            Phase::Cutting if self.delayed.len() == 0 => {
                self.ending.reason = "cut on purpose".into();
                self.ending.is_ours = true;
                Err(Over)
            }
            Phase::Closing { reads: false, .. } => {
                self.tell_ending();
                let is_over = self.socket.poll_end(cx).is_ready();
                if is_over { Err(Over) } else { Ok(()) }
            }
            Phase::Open | Phase::Cutting | Phase::Closing { .. } => Ok(()),
        }
    }

    /// Does what is due; where nothing is, registers for when something will be, and says false.
    fn check_deadlines(&mut self, cx: &mut Context<'_>) -> Result<bool, Over> {
        let deadline = self.deadline();
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        // Unconstrained: a timer that shared the budget of what is read would not fire in a flood.
        let is_due = pin!(unconstrained(self.timer.as_mut())).poll(cx).is_ready();
        if is_due {
            self.handle_deadline(Instant::now())?;
        }
        Ok(is_due)
    }

    fn deadline(&self) -> Instant {
        let stall_time = self.seat.server.limits().stall_time;
        let stall = self.stalled_since.map(|since| since + stall_time);
        let (phase, delayed) = match self.phase {
            Phase::Closing { deadline, .. } => (deadline, None),
            Phase::Open | Phase::Cutting => (self.ping_due, self.delayed.due()),
        };
        let soonest = [stall, delayed].into_iter().flatten().min();
        soonest.map_or(phase, |soonest| soonest.min(phase))
    }

    fn handle_deadline(&mut self, now: Instant) -> Result<(), Over> {
        let limits = self.seat.server.limits();
        let stall_time = limits.stall_time;
        if self
            .stalled_since
            .is_some_and(|since| since + stall_time <= now)
        {
            return Err(self.give_up(format!("it has taken nothing for {stall_time:?}")));
        }
        match self.phase {
            Phase::Closing { deadline, .. } if deadline <= now => Err(Over),
            Phase::Open | Phase::Cutting if self.ping_due <= now => self.ping(now),
            // A delayed answer, which the next turn gives.
            Phase::Open | Phase::Cutting | Phase::Closing { .. } => Ok(()),
        }
    }

    fn ping(&mut self, now: Instant) -> Result<(), Over> {
        self.socket.release_buffer();
        // While it has bytes to take, taking them is the sign of life: a ping would wait behind them. And who is not
        // read from cannot be heard.
        if self.stalled_since.is_none() && self.may_read() {
            if self.pings_missed >= MISSED_PINGS_MAX {
                return Err(self.give_up(format!("no sign of life for {MISSED_PINGS_MAX} pings")));
            }
            self.pings_missed += 1;
            self.socket.push_ping();
        }
        self.ping_due = now + self.seat.server.limits().ping_interval;
        Ok(())
    }

    /// The connection is of no use any more, and a close frame would not arrive.
    fn give_up(&mut self, why: String) -> Over {
        if !matches!(self.phase, Phase::Closing { .. }) {
            self.ending.reason = why.into();
            self.ending.is_ours = true;
        }
        Over
    }
}

impl<S> Client<S> {
    fn tell_ending(&mut self) {
        if !std::mem::replace(&mut self.is_ending_told, true) {
            self.seat.tell(&Note::Closed(&self.ending));
        }
    }
}

/// However the connection ends, a panic included, that is told.
impl<S> Drop for Client<S> {
    fn drop(&mut self) {
        self.seat.leave();
        self.tell_ending();
    }
}

//! What a connection does when time passes: deadlines of its phase, pings, stalls. One timer for all.

use std::pin::pin;
use std::task::Context;
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::coop::unconstrained;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tracing::warn;

use super::{Connection, Over, Phase};
use crate::node::clock::now;
use crate::router::LimitName;

/// Pings that may stay without any sign of life.
const MISSED_PINGS_MAX: u32 = 2;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Does what is due; where nothing is, registers for when something will be, and says false.
    pub(super) fn check_deadlines(&mut self, cx: &mut Context<'_>) -> Result<bool, Over> {
        let deadline = self.deadline();
        if self.timer.deadline().into_std() != deadline {
            self.timer.as_mut().reset(deadline.into());
        }
        // Unconstrained: a timer that shared the budget of what is read would not fire in a flood.
        let is_due = pin!(unconstrained(self.timer.as_mut())).poll(cx).is_ready();
        if is_due {
            self.handle_deadline(now())?;
        }
        Ok(is_due)
    }

    fn deadline(&self) -> Instant {
        let phase = match self.phase {
            Phase::Joining { deadline, .. } | Phase::Closing { deadline } => deadline,
            Phase::Waiting(ref waiting) => waiting.until(),
            Phase::Joined { .. } => self.ping_due,
        };
        let stall = self
            .stalled_since
            .map(|since| since + self.limits.stall_time);
        let early = self.pace.time();
        [stall, early]
            .into_iter()
            .flatten()
            .fold(phase, Instant::min)
    }

    fn handle_deadline(&mut self, now: Instant) -> Result<(), Over> {
        let stall_time = self.limits.stall_time;
        if self
            .stalled_since
            .is_some_and(|since| since + stall_time <= now)
        {
            self.router.counters().count(LimitName::stall_time);
            warn!(peer = %self.arrival.peer, "closed: the peer has taken nothing for {stall_time:?}");
            return Err(Over);
        }
        match self.phase {
            Phase::Joining { deadline, .. } if deadline <= now => {
                self.router.counters().count(LimitName::join_time);
                warn!(peer = %self.arrival.peer, "closed: no HELLO in time");
                self.close(CloseCode::Policy, "no HELLO in time");
                Ok(())
            }
            Phase::Closing { deadline } if deadline <= now => {
                let limit = LimitName::goodbye_time;
                self.router.counters().note_peer(limit, self.arrival.peer);
                Err(Over)
            }
            Phase::Joined { .. } if self.ping_due <= now => self.ping(now),
            Phase::Waiting(ref waiting) if waiting.until() <= now => {
                self.go_on();
                Ok(())
            }
            Phase::Joining { .. }
            | Phase::Waiting(_)
            | Phase::Joined { .. }
            | Phase::Closing { .. } => Ok(()),
        }
    }

    /// Asks for a sign of life, and does what else is due now and then.
    fn ping(&mut self, now: Instant) -> Result<(), Over> {
        self.release_buffers();
        // While it has bytes to take, taking them is the sign of life: a ping would wait behind them. While it is not read
        // from, its answer would.
        if self.stalled_since.is_none() && !self.pace.is_held() {
            if self.pings_missed >= MISSED_PINGS_MAX {
                self.router.counters().count(LimitName::ping_interval);
                warn!(peer = %self.arrival.peer, "closed: no sign of life for {MISSED_PINGS_MAX} pings");
                return Err(Over);
            }
            self.pings_missed += u32::from(self.wire.push_ping());
        }
        self.ping_due = now + self.limits.ping_interval;
        self.log_dropped_events();
        Ok(())
    }
}

impl<S> Connection<S> {
    /// The session sends faster than it may.
    pub(super) fn note_early_message(&self) {
        if let Phase::Joined { session, .. } = &self.phase {
            self.router.counters().note_early_message(*session);
        }
    }

    /// The peer sends a message that is too large: that is logged as why it goes.
    pub(super) fn note_too_large(&self) {
        let limit = match self.phase {
            Phase::Joining { .. } | Phase::Waiting(_) => LimitName::message_bytes_before_welcome,
            Phase::Joined { .. } | Phase::Closing { .. } => LimitName::message_bytes,
        };
        self.router.counters().count(limit);
    }

    pub(super) fn log_dropped_events(&mut self) {
        let dropped = self.outbox.events_dropped();
        if let (Phase::Joined { session, .. }, true) =
            (&self.phase, dropped > self.events_dropped_logged)
        {
            let more = dropped - self.events_dropped_logged;
            warn!(%session, dropped = more, total = dropped, "events dropped: the session does not take them fast enough");
            self.events_dropped_logged = dropped;
        }
    }
}

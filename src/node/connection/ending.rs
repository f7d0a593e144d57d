//! How a connection's session ends with it, and how the log is told. Not when: that is decided in its turns.

use tokio::io::{AsyncRead, AsyncWrite};
use tracing::{debug, info};

use super::pace::Pace;
use super::{Connection, Phase, Reading};
use crate::node::clock::now;
use crate::router::End;
use crate::transport::CloseCode;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Says good-bye on the transport's level, and gives the peer time to do so too.
    pub(super) fn close(&mut self, code: CloseCode, reason: &'static str) {
        self.begin_closing("closed");
        self.wire.push_close(code, reason);
        if self.reading == Reading::Messages && !self.wire.has_close_frames() {
            // Nothing but the end of the stream tells the peer.
            self.reading = Reading::Garbage;
        }
    }

    pub(super) fn begin_closing(&mut self, how: &str) {
        self.leave(how);
        self.pace = Pace::default();
        let deadline = now() + self.limits.goodbye_time;
        self.phase = Phase::Closing { deadline };
    }
}

impl<S> Connection<S> {
    /// Takes the session, if there is one, out of its realm.
    pub(super) fn leave(&mut self, lost: &str) {
        let Phase::Joined { realm, session, .. } = &self.phase else {
            return;
        };
        if realm.leave(*session) {
            self.log_end(lost);
        } else if let Some(end) = self.outbox.waiting_end(&self.pending) {
            // The core has ended it, and the peer did not wait to be told.
            self.log_end(how(end));
        }
    }

    pub(super) fn log_end(&mut self, how: &str) {
        self.log_dropped_events();
        if let Phase::Joined { realm, session, .. } = &self.phase {
            info!(%session, realm = ?realm.name().as_str(), "session {how}");
        }
    }
}

/// However the connection ends, a panic included, its session ends with it.
impl<S> Drop for Connection<S> {
    fn drop(&mut self) {
        self.leave("lost");
        debug!(peer = %self.arrival.peer, "disconnected");
    }
}

pub(super) const fn how(end: End) -> &'static str {
    match end {
        End::Left => "left",
        End::Dismissed => "dismissed",
        End::Killed => "killed",
        End::Aborted => "aborted",
    }
}

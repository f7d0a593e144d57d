//! What a connection gives back that has nothing to do: buffers and queues.
//!
//! Not the read buffer, which is the socket's for as long as it lives.

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, Phase};

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Once WELCOME is out: gives back what it took, for most sessions never get anything as large, and rest first.
    pub(super) fn settle_in(&mut self) {
        if let Phase::Joined { is_fresh, .. } = &mut self.phase
            && std::mem::take(is_fresh)
        {
            self.release_buffers();
        }
    }

    /// Gives back what a connection at rest does not need.
    pub(super) fn release_buffers(&mut self) {
        self.wire.release_buffer();
        self.outbox.release_buffers();
        self.pending.shrink_to_fit();
        self.spare = BytesMut::new();
    }
}

//! Pings on their way, and how long their pongs took.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

/// How many pings may be unanswered before the oldest is forgotten.
const PENDING_MAX: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Pings {
    sent: u64,
    pending: VecDeque<(Bytes, Instant)>,
}

impl Pings {
    /// A payload that no other ping of this connection has.
    pub(super) fn next_payload(&mut self) -> Bytes {
        self.sent += 1;
        Bytes::from(self.sent.to_string())
    }

    pub(super) fn sent(&mut self, payload: Bytes) {
        if self.pending.len() == PENDING_MAX {
            self.pending.pop_front();
        }
        self.pending.push_back((payload, Instant::now()));
    }

    /// The round trip of the ping that this pong answers; those before it will get no answer any more.
    pub(super) fn answered(&mut self, payload: &Bytes) -> Option<Duration> {
        let at = self.pending.iter().position(|(sent, _)| sent == payload)?;
        let (_, since) = self.pending.drain(..=at).next_back()?;
        Some(since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pong_answers_its_ping_and_those_before_it() {
        let mut pings = Pings::default();
        let [one, two, three] = std::array::from_fn(|_| pings.next_payload());
        for payload in [&one, &two, &three] {
            pings.sent(payload.clone());
        }
        assert!(pings.answered(&two).is_some());
        assert_eq!(pings.answered(&one), None);
        assert!(pings.answered(&three).is_some());
        assert_eq!(pings.answered(&Bytes::from_static(b"unasked")), None);
    }

    #[test]
    fn a_server_that_never_answers_costs_no_memory() {
        let mut pings = Pings::default();
        for _ in 0..1000 {
            let payload = pings.next_payload();
            pings.sent(payload);
        }
        assert_eq!(pings.pending.len(), PENDING_MAX);
    }
}

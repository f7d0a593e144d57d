//! How fast a session's messages are taken: what comes before its time waits, and nothing is read behind it.
//!
//! Backpressure, not loss: the peer's own socket fills, and who sends too fast waits for itself alone.

use std::time::Instant;

use bytes::Bytes;

use crate::node::clock::now;
use crate::router::{Bucket, Rate};

/// The pace of one session. The default is any; then it takes no room.
#[derive(Debug, Default)]
pub(super) struct Pace(Option<Box<Paced>>);

#[derive(Debug)]
struct Paced {
    bucket: Bucket,
    /// The message that came before its time, and when that is. bound: one message.
    early: Option<(Bytes, Instant)>,
}

impl Pace {
    pub(super) fn new(rate: Option<Rate>) -> Self {
        let paced = |rate| Paced {
            bucket: Bucket::new(rate),
            early: None,
        };
        Self(rate.map(paced).map(Box::new))
    }

    /// Hands a message back whose time has come; keeps it otherwise.
    pub(super) fn admit(&mut self, frame: Bytes) -> Option<Bytes> {
        let Some(paced) = &mut self.0 else {
            return Some(frame);
        };
        match paced.bucket.take(now()) {
            Ok(()) => Some(frame),
            Err(time) => {
                paced.early = Some((frame, time));
                None
            }
        }
    }

    /// Whether a message waits for its time.
    pub(super) fn is_held(&self) -> bool {
        self.time().is_some()
    }

    /// When the one that waits may go on.
    pub(super) fn time(&self) -> Option<Instant> {
        let early = self.0.as_ref()?.early.as_ref();
        early.map(|(_, time)| *time)
    }

    /// Takes the message that has waited until now.
    pub(super) fn take_due(&mut self) -> Option<Bytes> {
        let Paced { bucket, early } = &mut **self.0.as_mut()?;
        let now = now();
        let due = early.take_if(|(_, time)| *time <= now && bucket.take(now).is_ok());
        due.map(|(frame, _)| frame)
    }
}

//! What waits for one client from elsewhere: messages of others, the count, and the word to close or to be cut.
//!
//! Nobody waits for a client that does not take what is there: of messages the oldest are dropped and counted, of counts
//! only the last is kept.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use bytes::Bytes;

/// The mailbox of one client.
#[derive(Debug)]
pub(super) struct Mailbox {
    bytes_max: usize,
    frames_max: usize,
    state: Mutex<State>,
    /// What the client was owed when it said so last.
    owed: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Bytes>,
    bytes: usize,
    count: Option<usize>,
    missed: u64,
    is_to_close: bool,
    is_cut: bool,
    waker: Option<Waker>,
}

/// What a client finds when it looks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mail {
    /// It is owed too much, and ends at once.
    Cut,
    /// The server goes down.
    Close,
    /// How many are connected.
    Count(usize),
    /// A message for everybody, framed.
    Frame(Bytes),
    /// So many messages were dropped since this was told last.
    Missed(u64),
    /// Nothing: the client's task is woken when there is something.
    Nothing,
}

impl Mailbox {
    pub(super) fn new(bytes_max: usize, frames_max: usize) -> Self {
        Self {
            bytes_max,
            frames_max,
            state: Mutex::default(),
            owed: AtomicUsize::new(0),
        }
    }

    /// Adds a message, and drops the oldest where there are too many; an empty mailbox takes any one.
    pub(super) fn push(&self, frame: Bytes) {
        let mut state = self.lock();
        state.bytes += frame.len();
        state.frames.push_back(frame);
        while state.frames.len() > 1
            && (state.bytes > self.bytes_max || state.frames.len() > self.frames_max)
        {
            state.pop();
            state.missed += 1;
        }
        state.wake();
    }

    pub(super) fn set_count(&self, count: usize) {
        let mut state = self.lock();
        state.count = Some(count);
        state.wake();
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_to_close = true;
        state.wake();
    }

    pub(super) fn cut(&self) {
        let mut state = self.lock();
        state.is_cut = true;
        state.wake();
    }

    /// Takes what is first in turn. A client whose socket is full `takes_messages` not, but has to hear of its end.
    pub(super) fn take(&self, takes_messages: bool, cx: &Context<'_>) -> Mail {
        let mut state = self.lock();
        let mail = if state.is_cut {
            Mail::Cut
        } else if state.is_to_close {
            Mail::Close
        } else if !takes_messages {
            Mail::Nothing
        } else if state.missed > 0 {
            Mail::Missed(std::mem::take(&mut state.missed))
        } else if let Some(count) = state.count.take() {
            Mail::Count(count)
        } else {
            state.pop().map_or(Mail::Nothing, Mail::Frame)
        };
        if mail == Mail::Nothing {
            state.register(cx);
        }
        mail
    }

    /// How many bytes wait.
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Notes what the client is owed; returns what it was before.
    pub(super) fn note_owed(&self, bytes: usize) -> usize {
        self.owed.swap(bytes, Ordering::Relaxed)
    }

    /// What the client was owed when it said so last.
    pub(super) fn owed(&self) -> usize {
        self.owed.load(Ordering::Relaxed)
    }

    /// Whether so much waits that the client should not add to it.
    pub(super) fn is_full(&self) -> bool {
        let state = self.lock();
        state.bytes >= self.bytes_max || state.frames.len() >= self.frames_max
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pop(&mut self) -> Option<Bytes> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.len();
        Some(frame)
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn register(&mut self, cx: &Context<'_>) {
        if self
            .waker
            .as_ref()
            .is_none_or(|waker| !waker.will_wake(cx.waker()))
        {
            self.waker = Some(cx.waker().clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(mailbox: &Mailbox) -> Mail {
        mailbox.take(true, &Context::from_waker(Waker::noop()))
    }

    #[test]
    fn of_too_many_messages_the_oldest_are_dropped_and_counted() {
        let mailbox = Mailbox::new(10, 3);
        for frame in ["aaaa", "bbbb", "cccc"] {
            mailbox.push(Bytes::from(frame));
        }
        assert_eq!(take(&mailbox), Mail::Missed(1));
        assert_eq!(take(&mailbox), Mail::Frame("bbbb".into()));
        for frame in ["1", "2", "3"] {
            mailbox.push(Bytes::from(frame));
        }
        assert_eq!(take(&mailbox), Mail::Missed(1));
        assert_eq!(take(&mailbox), Mail::Frame("1".into()));
    }

    #[test]
    fn an_empty_mailbox_takes_any_one_message() {
        let mailbox = Mailbox::new(10, 3);
        mailbox.push(Bytes::from("longer than it may be"));
        assert!(mailbox.is_full());
        assert_eq!(take(&mailbox), Mail::Frame("longer than it may be".into()));
        assert!(!mailbox.is_full());
        assert_eq!(take(&mailbox), Mail::Nothing);
    }

    #[test]
    fn of_counts_only_the_last_is_kept_and_the_word_to_close_comes_first() {
        let mailbox = Mailbox::new(10, 3);
        mailbox.set_count(1);
        mailbox.set_count(2);
        assert_eq!(take(&mailbox), Mail::Count(2));
        assert_eq!(take(&mailbox), Mail::Nothing);
        mailbox.push(Bytes::from("a"));
        mailbox.close();
        assert_eq!(take(&mailbox), Mail::Close);
    }
}

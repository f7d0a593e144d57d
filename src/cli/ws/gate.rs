//! When messages may be printed on the terminal.
//!
//! rustyline prints above the line only while it edits one; in between, what is printed goes straight to the
//! terminal, where it would tear the line that was just sent.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustyline::ExternalPrinter;

/// How long a line that was sent waits for somebody who is just about to print.
const PRINTING_PATIENCE: Duration = Duration::from_millis(2);

/// Lets texts through to the terminal only while a line is edited.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    is_editing: bool,
    is_printing: bool,
}

impl Gate {
    /// A line is being edited from now on, and on the screen at once.
    pub(super) fn open(&self) {
        let mut state = self.lock();
        if !state.is_editing {
            state.is_editing = true;
            self.changed.notify_all();
        }
    }

    /// The line is about to be left.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_editing = false;
        // Who is printing either gets through at once, or waits for us to take what was printed before it. The
        // latter may go on waiting: its text comes above the next line.
        let is_printing = |state: &mut GateState| state.is_printing;
        let waited = self
            .changed
            .wait_timeout_while(state, PRINTING_PATIENCE, is_printing);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn print(&self, printer: &mut impl ExternalPrinter, text: String) {
        let is_closed = |state: &mut GateState| !state.is_editing;
        let waited = self.changed.wait_while(self.lock(), is_closed);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_printing = true;
        drop(state);
        // With the terminal gone there is nobody to tell.
        drop(printer.print(text));
        self.lock().is_printing = false;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

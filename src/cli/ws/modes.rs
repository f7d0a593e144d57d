//! The terminal's modes between two lines, while we are stopped, and in the end. While a line is edited they are
//! rustyline's.

use std::io;
use std::time::Duration;

use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// How long a process that stops itself may take to do so.
const STOP_TIME: Duration = Duration::from_millis(50);

/// Keeps the terminal from echoing what is typed between two lines.
#[derive(Debug)]
pub(super) struct Modes {
    before: Termios,
}

impl Modes {
    /// `None` where the terminal has none.
    pub(super) fn quiet() -> Option<Self> {
        let modes = Self {
            before: tcgetattr(io::stdin()).ok()?,
        };
        modes.silence();
        Some(modes)
    }

    /// Stops the process, as Ctrl-Z does where nobody edits; returns when it goes on.
    pub(super) fn suspend(&self) {
        self.give_back();
        // The whole group, as the terminal would: whoever started us may wait for us. A shell that has no jobs does
        // not let us stop, and we go on.
        let _ = kill_current_process_group(Signal::TSTP);
        // This thread may go on for a moment after the signal was sent.
        std::thread::sleep(STOP_TIME);
        self.silence();
    }

    /// Gives the terminal back as it was.
    pub(super) fn give_back(&self) {
        set(&self.before);
    }

    fn silence(&self) {
        let mut quiet = self.before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        set(&quiet);
    }
}

fn set(modes: &Termios) {
    // At once: a terminal that takes no more would never have taken all. One that is gone has no modes.
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, modes);
}

//! Lines for stderr that nobody waits for: a thread of its own writes them, and where they are not taken, they are left
//! out and counted.

use std::fmt::{self, Write as _};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::tz::TimeZone;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use super::console::{printable, say, stderr_palette};
use super::printer::local_time;
use crate::node::time_of_day;

/// How many bytes of lines wait to be written.
const WAITING_BYTES_MAX: usize = 1024 * 1024;

/// Where lines for stderr go.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    shared: Arc<Shared>,
    is_quiet: bool,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    text: String,
    left_out: u64,
    is_writing: bool,
}

impl Lines {
    /// Starts the thread that writes; quiet ones are for the log alone.
    ///
    /// # Errors
    /// The system's own, where it has no thread to give.
    pub(super) fn start(is_quiet: bool) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let writing = Arc::clone(&shared);
        thread::Builder::new()
            .name("stderr".to_owned())
            .spawn(move || writing.write_for_ever())?;
        Ok(Self { shared, is_quiet })
    }

    /// Says what is going on.
    pub(super) fn note(&self, text: &str) {
        if !self.is_quiet {
            let line = format!("-- {}", printable(text));
            self.push(&format!("{}\n", stderr_palette().note(&line)));
        }
    }

    /// Adds a line, its end included. Never waits for whoever reads stderr.
    pub(super) fn push(&self, line: &str) {
        let mut waiting = self.shared.lock();
        if waiting.text.len() + line.len() > WAITING_BYTES_MAX {
            waiting.left_out += 1;
        } else {
            waiting.text.push_str(line);
            self.shared.changed.notify_all();
        }
    }

    /// Waits until all is written, at most that long.
    pub(super) fn flush(&self, at_most: Duration) {
        let waiting = self.shared.lock();
        let has_some = |waiting: &mut Waiting| waiting.is_writing || !waiting.text.is_empty();
        // Who does not read has had its time.
        drop(
            self.shared
                .changed
                .wait_timeout_while(waiting, at_most, has_some),
        );
    }
}

impl Shared {
    fn write_for_ever(&self) {
        loop {
            let mut waiting = self
                .changed
                .wait_while(self.lock(), |waiting| waiting.text.is_empty())
                .unwrap_or_else(PoisonError::into_inner);
            let mut text = std::mem::take(&mut waiting.text);
            let left_out = std::mem::take(&mut waiting.left_out);
            waiting.is_writing = true;
            drop(waiting);
            if left_out > 0 {
                let _ = writeln!(
                    text,
                    "-- {left_out} lines left out: stderr does not take them fast enough"
                );
            }
            say(&text);
            self.lock().is_writing = false;
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For the log, which writes one line at once.
impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(&String::from_utf8_lossy(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The time of day, as each line begins.
#[derive(Clone, Debug)]
pub(super) struct Clock(TimeZone);

impl Clock {
    pub(super) fn new() -> Self {
        Self(TimeZone::system())
    }

    pub(super) fn now(&self) -> String {
        local_time(time_of_day(), &self.0)
    }
}

impl FormatTime for Clock {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        writer.write_str(&self.now())
    }
}

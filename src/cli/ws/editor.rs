//! The line being typed, on a thread of its own, while messages are printed above it by another.
//!
//! rustyline prints above the line only while it edits one; in between, what is printed goes straight to the
//! terminal, where it would tear the line that was just sent. So the [`Gate`] lets it print only while a line is
//! edited, and a line is edited only when the conversation asks for one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc as threads;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Cmd, ConditionalEventHandler, Config, Context, Event, EventContext, EventHandler,
    ExternalPrinter, Helper, KeyEvent, Movement, RepeatCount,
};
use serde::de::IgnoredAny;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use super::history;
use crate::cli::exit::Failure;

/// What stands in front of the line.
const PROMPT: &str = "> ";
/// How many messages wait to be printed before no more are read from the server.
const UNPRINTED_MAX: usize = 64;
/// How much of that is kept for notes.
const RESERVED: usize = 16;
/// How many lines the history keeps.
const HISTORY_MAX: usize = 1000;
/// How long a line that was sent waits for somebody who is just about to print.
const PRINTING_PATIENCE: Duration = Duration::from_millis(2);
/// How long the last messages may take to be printed, and the terminal to be given back.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);
/// How often the thread that edits is told to stop.
const INTERRUPT_INTERVAL: Duration = Duration::from_millis(10);
/// Up and down again: prints nothing. Once it is taken, all that was printed before it is on the screen.
const BARRIER: &str = "\x1b[A\n";

/// Somebody typing.
#[derive(Debug)]
pub(super) struct Editor {
    /// Asks for one line.
    ask: threads::Sender<()>,
    lines: mpsc::Receiver<Result<Option<String>, Failure>>,
    is_asked: bool,
    /// Tells that all is printed.
    printed: Option<oneshot::Receiver<()>>,
    /// Last, so that it is dropped last.
    _quiet: Quiet,
}

/// What is to be printed above the line.
#[derive(Clone, Debug)]
pub(super) struct Above {
    queue: mpsc::Sender<String>,
}

type Rustyline = rustyline::Editor<Typing, FileHistory>;

/// Starts the two threads. There is no [`Above`] on a terminal that cannot print above a line.
pub(super) fn start() -> Result<(Editor, Option<Above>), Failure> {
    let quiet = Quiet::start();
    let gate = Arc::new(Gate::default());
    let (mut rustyline, history) = rustyline(&gate).map_err(|error| failed(&error))?;
    let (above, printed) = match rustyline.create_external_printer() {
        Ok(printer) => {
            let (queue, texts) = mpsc::channel(UNPRINTED_MAX);
            let (done, printed) = oneshot::channel();
            let gate = Arc::clone(&gate);
            std::thread::spawn(move || {
                print_all(printer, &gate, texts);
                // Nobody may want to know.
                let _ = done.send(());
            });
            (Some(Above { queue }), Some(printed))
        }
        Err(_) => (None, None),
    };
    let (ask, asked) = threads::channel();
    let (lines, received) = mpsc::channel(1);
    std::thread::spawn(move || edit(rustyline, history.as_deref(), &asked, &lines));
    let editor = Editor {
        ask,
        lines: received,
        is_asked: false,
        printed,
        _quiet: quiet,
    };
    Ok((editor, above))
}

impl Editor {
    /// The next line; `None` where the person leaves. Cancel-safe.
    pub(super) async fn line(&mut self) -> Result<Option<String>, Failure> {
        if !self.is_asked {
            self.is_asked = self.ask.send(()).is_ok();
        }
        let line = self.lines.recv().await;
        self.is_asked = false;
        line.unwrap_or(Ok(None))
    }

    /// Waits until what is to be printed is printed, then gives the terminal back as it was. Whoever holds an
    /// [`Above`] has to drop it first.
    pub(super) async fn close(mut self) {
        let Some(mut printed) = self.printed.take() else {
            return;
        };
        if self.is_asked {
            let printing = async {
                loop {
                    tokio::select! {
                        _ = &mut printed => break,
                        // What is typed now comes too late.
                        _ = self.line() => {}
                    }
                }
            };
            // A terminal that takes nothing more is left alone.
            drop(timeout(CLOSE_PATIENCE, printing).await);
        }
        if self.is_asked {
            drop(timeout(CLOSE_PATIENCE, self.interrupt()).await);
        }
    }

    /// Ends the editing of a line. While it lasts, rustyline takes SIGINT for Ctrl-C; before and after, it is ours.
    async fn interrupt(&mut self) {
        loop {
            let own = rustix::process::getpid();
            if rustix::process::kill_process(own, rustix::process::Signal::INT).is_err() {
                return;
            }
            tokio::select! {
                _ = self.lines.recv() => return,
                () = sleep(INTERRUPT_INTERVAL) => {}
            }
        }
    }
}

impl Above {
    /// Whether more messages should come.
    pub(super) fn has_room(&self) -> bool {
        self.queue.capacity() > RESERVED
    }

    /// Waits until more messages may come.
    pub(super) async fn room(&self) {
        // A printer that is gone takes everything.
        drop(self.queue.reserve_many(RESERVED + 1).await);
    }

    /// Prints lines, each with its end. bound: see [`has_room`](Self::has_room).
    pub(super) fn print(&self, lines: String) {
        // With the reserve used up, what is lost is a note.
        drop(self.queue.try_send(lines));
    }
}

fn rustyline(gate: &Arc<Gate>) -> rustyline::Result<(Rustyline, Option<PathBuf>)> {
    let config = Config::builder()
        .max_history_size(HISTORY_MAX)?
        .history_ignore_space(true)
        .history_ignore_dups(true)?
        .build();
    let mut rustyline = Rustyline::with_config(config)?;
    rustyline.set_helper(Some(Typing {
        gate: Arc::clone(gate),
    }));
    rustyline.bind_sequence(
        KeyEvent::ctrl('C'),
        EventHandler::Conditional(Box::new(ClearFirst)),
    );
    let history = history::file();
    if let Some(file) = &history {
        // The first time there is none.
        drop(rustyline.load_history(file));
    }
    Ok((rustyline, history))
}

/// Reads a line whenever one is asked for.
fn edit(
    mut rustyline: Rustyline,
    history: Option<&Path>,
    asked: &threads::Receiver<()>,
    lines: &mpsc::Sender<Result<Option<String>, Failure>>,
) {
    while asked.recv().is_ok() {
        let line = match rustyline.readline(PROMPT) {
            Ok(line) => {
                let is_new = rustyline.add_history_entry(line.as_str());
                if let (Ok(true), Some(file)) = (is_new, history) {
                    // A history that cannot be written is not worth a word at every line.
                    drop(rustyline.append_history(file));
                }
                Ok(Some(line))
            }
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => Ok(None),
            Err(error) => Err(failed(&error)),
        };
        if lines.blocking_send(line).is_err() {
            return;
        }
    }
}

/// Prints what comes until nothing will.
fn print_all(mut printer: impl ExternalPrinter, gate: &Gate, mut texts: mpsc::Receiver<String>) {
    while let Some(mut text) = texts.blocking_recv() {
        // One redrawing of the line for all that is there.
        for _ in 1..UNPRINTED_MAX {
            let Ok(more) = texts.try_recv() else { break };
            text.push_str(&more);
        }
        gate.print(&mut printer, text);
    }
    gate.print(&mut printer, BARRIER.to_owned());
}

fn failed(error: &ReadlineError) -> Failure {
    match error {
        ReadlineError::Io(error) => {
            let why = crate::transport::io_text(error);
            Failure::local(format!("cannot read from the terminal: {why}"))
        }
        error => Failure::local(format!("cannot read from the terminal: {error}")),
    }
}

/// Keeps the terminal from echoing what is typed between two lines, and gives it back as it was in the end.
#[derive(Debug)]
struct Quiet {
    /// `None` where the terminal does not tell.
    before: Option<Termios>,
}

impl Quiet {
    fn start() -> Self {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHO);
            // It echoes then, as before.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &quiet);
        }
        Self { before }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // A terminal that is gone has no modes.
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, before);
        }
    }
}

/// Lets texts through to the terminal only while a line is edited.
#[derive(Debug, Default)]
struct Gate {
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
    fn open(&self) {
        let mut state = self.lock();
        if !state.is_editing {
            state.is_editing = true;
            self.changed.notify_all();
        }
    }

    /// The line is about to be sent.
    fn close(&self) {
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

    fn print(&self, printer: &mut impl ExternalPrinter, text: String) {
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

/// What rustyline asks while a line is typed.
#[derive(Debug)]
struct Typing {
    gate: Arc<Gate>,
}

impl Helper for Typing {}
impl Completer for Typing {
    type Candidate = String;
}
impl Highlighter for Typing {}

impl Hinter for Typing {
    type Hint = String;

    /// Asked each time the line is drawn, the first time included.
    fn hint(&self, _line: &str, _position: usize, _context: &Context<'_>) -> Option<String> {
        self.gate.open();
        None
    }
}

impl Validator for Typing {
    /// Goes on with JSON that is not closed yet. An empty line sends it as it is.
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        if is_unfinished(context.input()) {
            return Ok(ValidationResult::Incomplete);
        }
        self.gate.close();
        Ok(ValidationResult::Valid(None))
    }
}

fn is_unfinished(input: &str) -> bool {
    input.starts_with(['{', '['])
        && !input.ends_with('\n')
        && serde_json::from_str::<IgnoredAny>(input).is_err_and(|error| error.is_eof())
}

/// Ctrl-C: clears the line; where there is none, it ends.
struct ClearFirst;

impl ConditionalEventHandler for ClearFirst {
    fn handle(
        &self,
        _event: &Event,
        _count: RepeatCount,
        _is_positive: bool,
        context: &EventContext<'_>,
    ) -> Option<Cmd> {
        (!context.line().is_empty()).then_some(Cmd::Kill(Movement::WholeBuffer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_continued_until_it_closes() {
        for input in ["{", "[1,", "{\"a\": [", "[\"x", "{\n\"a\":"] {
            assert!(is_unfinished(input), "{input:?}");
        }
        for input in ["{}", "[1]", "[10:20] hi", "{a", "x {", "", "{\"a\":\n"] {
            assert!(!is_unfinished(input), "{input:?}");
        }
    }
}

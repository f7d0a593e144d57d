//! The line being typed, on a thread of its own, while messages are printed above it by another.
//!
//! A line is edited only when the conversation asks for one, so that it can be told to end. When the terminal may be
//! printed on is the [`Gate`]'s business, what the keys do [`Typing`]'s.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc as threads;
use std::time::Duration;

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, EventHandler, ExternalPrinter, KeyEvent};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use super::gate::{Gate, Quiet};
use super::history;
use super::typing::{ClearFirst, Typing};
use crate::cli::exit::Failure;

/// What stands in front of the line.
const PROMPT: &str = "> ";
/// How many messages wait to be printed before no more are read from the server.
const UNPRINTED_MAX: usize = 64;
/// How much of that is kept for notes.
const RESERVED: usize = 16;
/// How many lines the history keeps.
const HISTORY_MAX: usize = 1000;
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
    rustyline.set_helper(Some(Typing::new(Arc::clone(gate))));
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

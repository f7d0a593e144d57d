//! The line being typed, on a thread of its own, while messages are printed above it by another.
//!
//! A line is edited only when the conversation asks for one, so that it can be told to end. When the terminal may be
//! printed on is the [`Gate`]'s business, what the keys do [`Typing`]'s.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc as threads;
use std::time::Duration;

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, EventHandler, ExternalPrinter, KeyEvent};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use super::gate::Gate;
use super::history;
use super::modes::Modes;
use super::typing::{ClearFirst, Suspending, Typing};
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
    modes: Option<Arc<Modes>>,
}

/// What is to be printed above the line.
#[derive(Clone, Debug)]
pub(super) struct Above {
    queue: mpsc::Sender<String>,
}

/// Starts the two threads. There is no [`Above`] on a terminal that cannot print above a line.
pub(super) fn start() -> Result<(Editor, Option<Above>), Failure> {
    let gate = Arc::new(Gate::default());
    let mut editing = Editing::new(&gate).map_err(|error| failed(&error))?;
    let (above, printed) = match editing.rustyline.create_external_printer() {
        Ok(printer) => {
            editing.modes = Modes::quiet().map(Arc::new);
            let (queue, texts) = mpsc::channel(UNPRINTED_MAX);
            let (done, printed) = oneshot::channel();
            std::thread::spawn(move || {
                print_all(printer, &gate, texts);
                // Nobody may want to know.
                let _ = done.send(());
            });
            (Some(Above { queue }), Some(printed))
        }
        Err(_) => (None, None),
    };
    let modes = editing.modes.clone();
    let (ask, asked) = threads::channel();
    let (lines, received) = mpsc::channel(1);
    std::thread::spawn(move || editing.run(&asked, &lines));
    let editor = Editor {
        ask,
        lines: received,
        is_asked: false,
        printed,
        modes,
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

impl Drop for Editor {
    fn drop(&mut self) {
        if let Some(modes) = &self.modes {
            modes.give_back();
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

/// What one thread needs to edit lines.
struct Editing {
    rustyline: rustyline::Editor<Typing, FileHistory>,
    suspending: Suspending,
    history: Option<PathBuf>,
    /// `None` where nothing can be printed above a line, and the terminal echoes.
    modes: Option<Arc<Modes>>,
}

impl Editing {
    fn new(gate: &Arc<Gate>) -> rustyline::Result<Self> {
        let config = Config::builder()
            .max_history_size(HISTORY_MAX)?
            .history_ignore_space(true)
            .history_ignore_dups(true)?
            .build();
        let mut rustyline = rustyline::Editor::with_config(config)?;
        rustyline.set_helper(Some(Typing::new(Arc::clone(gate))));
        let suspending = Suspending::new(Arc::clone(gate));
        let on_suspend = EventHandler::Conditional(Box::new(suspending.clone()));
        rustyline.bind_sequence(KeyEvent::ctrl('Z'), on_suspend);
        let on_interrupt = EventHandler::Conditional(Box::new(ClearFirst));
        rustyline.bind_sequence(KeyEvent::ctrl('C'), on_interrupt);
        let history = history::file();
        if let Some(file) = &history {
            // The first time there is none.
            drop(rustyline.load_history(file));
        }
        Ok(Self {
            rustyline,
            suspending,
            history,
            modes: None,
        })
    }

    /// Reads a line whenever one is asked for.
    fn run(
        mut self,
        asked: &threads::Receiver<()>,
        lines: &mpsc::Sender<Result<Option<String>, Failure>>,
    ) {
        while asked.recv().is_ok() {
            let line = match self.line() {
                Ok(line) => {
                    self.remember(&line);
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

    fn line(&mut self) -> rustyline::Result<String> {
        let mut line = (String::new(), String::new());
        loop {
            let initial = (line.0.as_str(), line.1.as_str());
            let read = self.rustyline.readline_with_initial(PROMPT, initial);
            match (self.suspending.take(), &self.modes) {
                (Some(left), Some(modes)) => {
                    modes.suspend();
                    line = left;
                }
                _ => return read,
            }
        }
    }

    fn remember(&mut self, line: &str) {
        let is_new = self.rustyline.add_history_entry(line);
        if let (Ok(true), Some(file)) = (is_new, &self.history) {
            // A history that cannot be written is not worth a word at every line.
            drop(self.rustyline.append_history(file));
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

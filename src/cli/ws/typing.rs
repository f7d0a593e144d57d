//! What the keys do while a line is typed, beyond what rustyline has for them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Cmd, ConditionalEventHandler, Context, Event, EventContext, Helper, Movement, RepeatCount,
};
use serde::de::IgnoredAny;

use super::gate::Gate;
use super::slash::COMMANDS;

/// What rustyline asks while a line is typed.
#[derive(Debug)]
pub(super) struct Typing {
    gate: Arc<Gate>,
}

impl Typing {
    pub(super) const fn new(gate: Arc<Gate>) -> Self {
        Self { gate }
    }
}

impl Helper for Typing {}

impl Completer for Typing {
    type Candidate = &'static str;

    /// Completes a command where only one is meant: while one chooses among several, rustyline prints nothing above.
    fn complete(
        &self,
        line: &str,
        position: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<&'static str>)> {
        let typed = &line[..position];
        let fitting = COMMANDS.into_iter().filter(|it| it.starts_with(typed));
        let fitting: Vec<_> = fitting.collect();
        Ok((
            0,
            if fitting.len() == 1 {
                fitting
            } else {
                Vec::new()
            },
        ))
    }
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
pub(super) struct ClearFirst;

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

/// Ctrl-Z: leaves the line, to come back to it. rustyline's own way takes for granted that a process has stopped once
/// the signal is sent, which one with several threads has not.
#[derive(Clone, Debug)]
pub(super) struct Suspending {
    gate: Arc<Gate>,
    /// The line, in front of the cursor and behind it.
    left: Arc<Mutex<Option<(String, String)>>>,
}

impl Suspending {
    pub(super) fn new(gate: Arc<Gate>) -> Self {
        Self {
            gate,
            left: Arc::default(),
        }
    }

    /// The line that was left by Ctrl-Z, if that is why it was.
    pub(super) fn take(&self) -> Option<(String, String)> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<(String, String)>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConditionalEventHandler for Suspending {
    fn handle(
        &self,
        _event: &Event,
        _count: RepeatCount,
        _is_positive: bool,
        context: &EventContext<'_>,
    ) -> Option<Cmd> {
        let (before, behind) = context.line().split_at(context.pos());
        *self.lock() = Some((before.to_owned(), behind.to_owned()));
        self.gate.close();
        Some(Cmd::Interrupt)
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

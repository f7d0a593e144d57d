//! Where what came goes, and the notes beside it: the streams, or above the line that somebody types.

use anyhow::Result;

use super::editor::Above;
use super::show::Layout;
use crate::cli::console::Console;
use crate::cli::printer::write_stdout;
use crate::ws::Data;

/// What is in front of a message above a line that is typed, to tell it from what was sent.
const RECEIVED: &str = "< ";

/// Shows what came.
#[derive(Debug)]
pub(super) struct Screen<'a> {
    console: &'a Console,
    layout: Layout,
    above: Option<Above>,
}

impl<'a> Screen<'a> {
    pub(super) const fn new(console: &'a Console, layout: Layout, above: Option<Above>) -> Self {
        Self {
            console,
            layout,
            above,
        }
    }

    /// Ends: nothing more will be printed above a line.
    pub(super) fn into_console(self) -> &'a Console {
        self.console
    }

    /// Shows a message.
    pub(super) fn answer(&self, data: &Data) -> Result<()> {
        if self.console.is_mute() {
            return Ok(());
        }
        let line = self.layout.bytes(data);
        let Some(above) = &self.above else {
            return write_stdout(&line);
        };
        let mark = self.layout.palette.note(RECEIVED);
        above.print(format!("{mark}{}", String::from_utf8_lossy(&line)));
        Ok(())
    }

    /// Says what is going on.
    pub(super) fn note(&self, text: &str) {
        match &self.above {
            Some(above) if self.console.stderr_is_terminal() => {
                if let Some(line) = self.console.note_line(text) {
                    above.print(line);
                }
            }
            _ => self.console.note(text),
        }
    }

    /// Says what only the curious want to know.
    pub(super) fn fact(&self, text: &str) {
        if self.console.is_verbose() {
            self.note(text);
        }
    }

    /// Says to a person who waits at the terminal why nothing happens.
    pub(super) fn patience(&self, text: &str) {
        if self.console.is_watched() {
            self.note(text);
        }
    }

    /// Answers somebody who types.
    pub(super) fn say(&self, lines: &str) {
        match &self.above {
            Some(above) => above.print(format!("{lines}\n")),
            None => crate::cli::console::say(&format!("{lines}\n")),
        }
    }

    /// Whether more messages should come: not while too many are not on the screen yet.
    pub(super) fn has_room(&self) -> bool {
        self.above.as_ref().is_none_or(Above::has_room)
    }

    /// Waits until more messages may come.
    pub(super) async fn room(&self) {
        if let Some(above) = &self.above {
            above.room().await;
        }
    }
}

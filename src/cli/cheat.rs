//! `wamp cheat`: one page of commands to copy.

use anyhow::Result;

use super::console::{Console, ConsoleArgs};
use super::exit::{Exit, Failure};
use super::printer::{OutputArgs, Printer};

/// Lines of `command   what it does` under titles.
const SHEET: &str = include_str!("cheat.txt");

/// Print commands to copy, by subject
#[derive(Debug, clap::Args)]
pub(super) struct CheatArgs {
    /// One subject only, as the titles have it
    subject: Option<String>,
}

impl CheatArgs {
    pub(super) fn run(self) -> Result<Exit> {
        let console = Console::new(&ConsoleArgs::default());
        let printer = Printer::new(&OutputArgs::default(), &console);
        let Some(subject) = self.subject else {
            printer.text(SHEET.trim_end())?;
            return Ok(Exit::Done);
        };
        let parts: Vec<&str> = SHEET.trim_end().split("\n\n").collect();
        let Some(part) = parts.iter().find(|part| title(part) == subject) else {
            let titles: Vec<&str> = parts.iter().map(|part| title(part)).collect();
            let failure = Failure::usage(format!("the sheet has nothing on {subject:?}"));
            return Err(failure.hint(format!("it has {}", titles.join(", "))).into());
        };
        printer.text(part)?;
        Ok(Exit::Done)
    }
}

fn title(part: &str) -> &str {
    part.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::SHEET;
    use crate::cli::Cli;

    #[test]
    fn every_command_of_the_sheet_is_one() {
        let commands = SHEET.lines().filter_map(|line| line.strip_prefix("  "));
        let mut count = 0;
        for line in commands {
            let command = line.split("  ").next().unwrap();
            // What stands before or behind a pipe, and where it goes on alone, is the shell's.
            let of_ours = command.split(" | ").find(|part| part.starts_with("wamp "));
            let of_ours = of_ours
                .unwrap_or_else(|| panic!("{line}"))
                .trim_end_matches(" &");
            let words = shell_words::split(of_ours).unwrap();
            if let Err(error) = Cli::try_parse_from(words) {
                panic!("{line}: {error}");
            }
            count += 1;
        }
        assert!(count > 20, "the sheet has lost its commands");
    }
}

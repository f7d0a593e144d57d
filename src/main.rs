//! The `wamp` command: parse, run, report, exit.

use std::process::ExitCode;

use wamp::cli::{Cli, report};

fn main() -> ExitCode {
    let exit = Cli::parse_process()
        .run()
        .unwrap_or_else(|error| report(&error));
    exit.raise();
    ExitCode::from(exit.code())
}

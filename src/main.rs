//! The `wamp` command: parse, run, report, exit.

use std::process::ExitCode;

use clap::Parser as _;
use wamp::cli::{Cli, report};

fn main() -> ExitCode {
    let exit = Cli::parse().run().unwrap_or_else(|error| report(&error));
    ExitCode::from(exit.code())
}

//! The runtime that a command gets: one thread starts fastest, a router wants them all.

use anyhow::{Context as _, Result};
use tokio::runtime::{Builder, Runtime};

/// Runs a client's command.
pub(super) fn one_thread<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    run(&mut Builder::new_current_thread(), command)
}

/// Runs a server.
pub(super) fn many_threads<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    run(&mut Builder::new_multi_thread(), command)
}

fn run<T>(builder: &mut Builder, command: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime: Runtime = builder.enable_all().build().context("cannot start")?;
    let done = runtime.block_on(command);
    // A name that is still being looked up must not keep the process.
    runtime.shutdown_background();
    done
}

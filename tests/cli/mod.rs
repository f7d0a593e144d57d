//! The binary as users type it: its client commands against its own router, and what it makes of a config.

mod arguments;
mod call;
mod check;
mod config;
mod contexts;
mod exit_codes;
mod explain;
mod formats;
mod help;
mod init;
mod jq;
mod keygen;
mod look;
mod output;
mod patterns;
mod publish;
mod reference;
mod register;
mod run;
#[cfg(test)]
mod sign_in;
mod signals;
mod stay;
mod subscribe;
#[cfg(test)]
mod ws;

use tempfile::TempDir;

use crate::support::{Program, Router, wamp};

/// Starts `wamp register` with `args`, and waits until it has registered.
#[track_caller]
fn callee<const N: usize>(router: &Router, args: [&str; N]) -> Program {
    let program = wamp(["register"]).args(args).to(router.url()).start();
    program.wait_for_line("-- registered");
    program
}

/// Starts `wamp sub` with `args`, and waits until it has subscribed.
#[track_caller]
fn subscriber<const N: usize>(router: &Router, args: [&str; N]) -> Program {
    let program = wamp(["sub"]).args(args).to(router.url()).start();
    program.wait_for_line("-- subscribed");
    program
}

/// Publishes with `args`.
#[track_caller]
fn publish<const N: usize>(router: &Router, args: [&str; N]) {
    let published = wamp(["pub"]).args(args).to(router.url()).run();
    published.stdout("").stderr("").exit_code(0);
}

/// A folder with a config in it, `wamp.toml`.
fn folder(config: impl AsRef<[u8]>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("wamp.toml"), config).unwrap();
    folder
}

/// A command whose output is read by one that takes a line and ends; the exit code is the command's own.
fn into_head(router: &Router, words: &str) -> Program {
    let line = format!(
        "'{}' {words} -u '{}' | head -n 1; exit ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_wamp"),
        router.url()
    );
    let mut command = std::process::Command::new("bash");
    command.args(["-c", &line]);
    Program::start(command)
}

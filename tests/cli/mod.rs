//! The client commands of the binary, against its own router.

mod arguments;
mod exit_codes;
mod help;
mod output;
mod patterns;
mod register;
mod signals;
mod stay;
#[cfg(test)]
mod ws;

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

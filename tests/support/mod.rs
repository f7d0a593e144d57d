//! What tests of the binary share: programs run as children, waited for by what they say.
//!
//! | name | what it is |
//! |---|---|
//! | [`wamp`] | our binary with arguments, as a user would type it |
//! | [`Router`] | `wamp router` on a free port |
//! | [`Proxy`] | what networks and broken peers do to a connection; with `WAMP_TEST_FAULT`, in front of every [`Router`] |
//! | [`relay`] | somebody in between who speaks TLS |
//! | [`Program`] | any running child: our binary, a Python or Node peer |
//! | [`Output`] | what a finished one said, and assertions on it |
//!
//! Nothing here sleeps, polls or picks a port: a test waits for a line, and a line that does not come within
//! [`DEADLINE`](program::DEADLINE) fails it with everything the program has said so far. A program still running when its test
//! ends is killed together with its children.

mod fault;
mod output;
mod program;
mod relay;
mod router;
#[cfg(test)]
mod tests;
mod wamp;

pub(crate) use fault::{Deed, Faults, Proxy};
pub(crate) use output::Output;
pub(crate) use program::Program;
pub(crate) use relay::relay;
pub(crate) use router::Router;
pub(crate) use wamp::{Wamp, wamp};

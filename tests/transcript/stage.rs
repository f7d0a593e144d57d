//! Where a conversation takes place: in memory against the core, or over sockets against a router.

use std::time::Duration;

use bytes::Bytes;
use wamp::protocol::Value;
use wamp::serializer::Serializer;

/// What a client has got, and not yet read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Received {
    Message(Value),
    /// The router has closed the transport.
    Closed,
}

/// What a client sends.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) bytes: Bytes,
    pub(super) is_text: bool,
}

/// Where a client comes from, and where it wants to go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'a> {
    pub(super) serializer: Serializer,
    /// The realm that the scenario is about: its router is connected to.
    pub(super) realm: &'a str,
    /// Whether it comes from this machine.
    pub(super) is_local: bool,
    /// How long a message it takes, where its transport lets it say so.
    pub(super) bytes_max: Option<usize>,
    /// What it puts behind each message, where its transport has a choice.
    pub(super) separator: Option<u8>,
}

/// A place for a conversation. Clients are told apart by their names.
///
/// What one step caused is to be had in the next: no step but [`await_next`](Self::await_next) waits for the clock.
pub(super) trait Stage {
    /// The serializer of whoever does not choose one.
    fn serializer(&self) -> Serializer;

    /// Whether scenarios for `place` alone run here.
    fn is(&self, place: &str) -> bool;

    /// The authentication method of whoever says who it is.
    fn authmethod(&self) -> &'static str {
        "harness"
    }

    fn connect(&mut self, name: &str, way: Way<'_>);

    fn send(&mut self, name: &str, frame: Frame);

    /// Takes the oldest thing that `name` has got; `None` where the router has nothing for it.
    fn receive(&mut self, name: &str) -> Option<Received>;

    /// Takes the next thing that `name` gets once time has passed; `None` where time changes nothing.
    fn await_next(&mut self, name: &str) -> Option<Received>;

    /// Takes what anybody has got.
    fn unread(&mut self) -> Vec<(String, Received)>;

    /// Ends a client's transport, with or without a word, and lets the router notice.
    fn leave(&mut self, name: &str, with_close: bool);

    fn advance(&mut self, by: Duration);

    fn stop(&mut self);

    fn is_down(&self) -> bool;

    /// What the router has said, for people who look for a failure's cause.
    fn log(&self) -> String;

    /// Ends everything, for the next conversation. Errors: what is still held although everybody has left.
    fn finish(&mut self) -> Result<(), String>;
}

//! Transcripts: what a router does, written down as conversations in the specification's own notation.
//!
//! Each file of `tests/transcripts` runs in memory against the core, and over every transport with each serializer:
//! against a real `wamp router`, or, where it needs realms or accounts that no command line gives, against a router
//! of this process, whole and byte by byte. A message nobody expected fails a scenario.
//!
//! | module | what it is |
//! |---|---|
//! | [`script`] | a file as written: scenarios and their lines; the table of the notation is there |
//! | [`notation`] | messages in it: what is sent, what is expected, what a name stands for |
//! | [`conversation`] | runs a scenario on a [`stage`]: in [`memory`] or over sockets ([`websocket`]), by any [`wire`] |
//! | [`hello`] | how somebody joins who says no HELLO |
//! | [`realms`] | the realms there are; a [`library`] has all of them on sockets |
//! | [`rules`] | what the scenarios together must show |
//! | [`multisession`] | the specification's own conversations |
//! | [`differences`] | where a real Crossbar.io goes otherwise, and why: a list that `tests/run` checks (`crossbar.rs`) |
//! | [`states`] | what each state does with each message, as a table that is checked in |
//!
//! A new file needs a word in one of the lists below; one that is not in it fails the tests.

mod conversation;
mod differences;
mod hello;
mod library;
mod memory;
mod multisession;
mod notation;
mod realms;
mod rules;
mod script;
mod stage;
mod states;
mod tests;
mod websocket;
mod wire;

use std::fs;

use script::Scenario;
use stage::Stage;

/// The tests of one file over each kind of connection, with each serializer, whole and byte by byte.
macro_rules! lines {
    ($name:ident, $host:ident, $($way:ident: $carried:ident $through:ident,)*) => {
        $(mod $way {
            use wamp::serializer::Serializer::{self, Cbor, Json, MsgPack};

            use crate::transcript::websocket::WebSockets;
            use crate::transcript::wire::Carried::$carried;
            use crate::transcript::wire::Line;
            use crate::transcript::wire::Through::$through;

            fn run(serializer: Serializer, is_split: bool) {
                let line = Line {
                    serializer,
                    carried: $carried,
                    through: $through,
                    is_split,
                };
                crate::transcript::run(stringify!($name), || WebSockets::$host(line));
            }

            #[test]
            fn in_json() {
                run(Json, false);
            }

            #[test]
            fn in_msgpack() {
                run(MsgPack, false);
            }

            #[test]
            fn in_cbor() {
                run(Cbor, false);
            }

            #[test]
            fn byte_by_byte_in_json() {
                run(Json, true);
            }

            #[test]
            fn byte_by_byte_in_msgpack() {
                run(MsgPack, true);
            }

            #[test]
            fn byte_by_byte_in_cbor() {
                run(Cbor, true);
            }
        })*
    };
}

macro_rules! transcripts {
    ($($host:ident { $($name:ident)* })*) => {
        const NAMES: &[&str] = &[$($(stringify!($name)),*),*];

        $($(mod $name {
            #[test]
            fn in_memory() {
                super::run(stringify!($name), super::memory::Memory::new);
            }

            lines! { $name, $host,
                over_websocket: WebSocket Tcp,
                over_websocket_through_tls: WebSocket Tls,
                over_websocket_through_a_unix_socket: WebSocket Unix,
                over_batched_websocket: Batched Tcp,
                over_batched_websocket_through_tls: Batched Tls,
                over_batched_websocket_through_a_unix_socket: Batched Unix,
                over_rawsocket: RawSocket Tcp,
                over_rawsocket_through_tls: RawSocket Tls,
                over_rawsocket_through_a_unix_socket: RawSocket Unix,
            }
        })*)*
    };
}

transcripts! {
    to_process {
        calls canceling found goodbye handshake malformed passthru patterns payload progressive_results pubsub
        registration_meta request_ids sharding shutdown subscription_meta uris violations
    }
    to_library {
        administration audience authorization bounds concurrency disclosure guarded history lenient pattern_registrations progressive_invocations reflection
        rerouting retention sessions shared_registrations signing_in testaments timeouts transports trust
    }
}

fn file(name: &str) -> String {
    format!("tests/transcripts/{name}.wamp")
}

fn scenarios(name: &str) -> Vec<Scenario> {
    let text = fs::read_to_string(script::folder().join(name).with_extension("wamp")).unwrap();
    script::parse(&text).unwrap_or_else(|why| panic!("{}:{why}", file(name)))
}

/// Runs a file's scenarios one after the other, and fails with all that went otherwise than written.
fn run<S: Stage>(name: &str, stage: impl Fn() -> S) {
    let file = file(name);
    let mut place = stage();
    let mut failures = Vec::new();
    for scenario in scenarios(name) {
        if scenario.only.as_deref().is_some_and(|only| !place.is(only)) {
            continue;
        }
        if let Err(failure) = conversation::run(&mut place, &scenario) {
            let log = last_lines(&place.log());
            failures.push(format!("{file}:{}: {failure}{log}", failure.line_number));
            place = stage();
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
}

/// The end of a router's log, if there is one.
fn last_lines(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    let last = &lines[lines.len().saturating_sub(20)..];
    if last.is_empty() {
        return String::new();
    }
    format!("\n--- the router's log\n{}", last.join("\n"))
}

#[test]
fn every_transcript_is_run() {
    let mut names: Vec<_> = fs::read_dir(script::folder())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut expected: Vec<_> = NAMES.iter().map(|name| format!("{name}.wamp")).collect();
    expected.sort();
    assert_eq!(names, expected);
}

//! A real Crossbar.io, started once for all tests that need it.

use std::net::TcpListener;
use std::process::Command;
use std::sync::OnceLock;

use crate::peer::{installed, script_path};
use crate::support::Program;

/// Its realms: one for all, where URIs must differ from test to test, and one for each test that looks at a whole realm.
const REALMS: [&str; 5] = [
    "realm1",
    "sessions",
    "registrations",
    "subscriptions",
    "testaments",
];

/// Returns the URL of a Crossbar.io that lets everybody do everything.
///
/// All tests share it, as it takes seconds to start. It ends with this process.
#[track_caller]
pub(crate) fn url() -> &'static str {
    static CROSSBAR: OnceLock<(Program, String)> = OnceLock::new();
    &CROSSBAR.get_or_init(start).1
}

fn start() -> (Program, String) {
    // It takes no port 0, and says which of a range it took: the first is free now and most likely still is then.
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut command = Command::new(script_path("crossbar.sh"));
    command
        .arg(installed("crossbar/bin/crossbar"))
        .arg(free.to_string())
        .args(REALMS);
    let crossbar = Program::start(command);
    let line = crossbar.wait_for_line("and listening on TCP port ");
    let (_, port) = line.rsplit_once(' ').unwrap();
    let url = format!("ws://127.0.0.1:{port}/ws");
    (crossbar, url)
}

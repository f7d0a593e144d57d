//! The first minute, with the default addresses: ports 8080 and 9000 are free inside a network namespace of the test's own.

use std::fs;
use std::process::Command;

use crate::support::Program;

/// What a newcomer types in two terminals.
const FIRST_MINUTE: &str = r#"
PATH=$PATH:/usr/sbin:/sbin ip link set lo up
exec 3< <(wamp router --demo)
read -r -u 3 url
echo "$url"
wamp call sum 3 5
wamp sub 'filewithext.*' -n 1
exec 4< <(wamp echo)
read -r -u 4 url
echo "$url"
exec 5<>/dev/tcp/127.0.0.1/9000
"#;

#[test]
fn a_newcomer_calls_the_demo_router_at_its_default_address() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("notes.txt"), "").unwrap();
    let binaries = std::path::Path::new(env!("CARGO_BIN_EXE_wamp"))
        .parent()
        .unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("unshare");
    command
        .args(["--net", "--map-root-user", "bash", "-c", FIRST_MINUTE])
        .current_dir(directory.path())
        .env("PATH", path);
    let program = Program::start(command);
    program.wait_for_line("ws://127.0.0.1:8080/ws");
    program.wait_for_line("8");
    program.wait_for_line("[1] connected: 127.0.0.1:");
    let event = program.wait_for_line(r#"{"topic""#);
    assert!(
        event.contains(r#""topic":"filewithext.txt","args":[["notes.txt"]]"#),
        "{event}"
    );
}

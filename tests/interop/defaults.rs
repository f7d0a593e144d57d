//! The default addresses, where their ports are free: in a network namespace of the test's own.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::peer::{installed, script_path};
use crate::support::Program;

/// What a newcomer types in two terminals.
const FIRST_MINUTE: &str = r#"
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

/// What one types who sets out to develop: a router with a config to change, and a client of one's own.
const SETTING_OUT: &str = r#"
wamp version
wamp init
exec 3< <(wamp router --config wamp.toml)
read -r -u 3 url
echo "$url"
: | "$PYTHON" "$CLIENT" ws://127.0.0.1:8080/ws msgpack
"#;

#[test]
fn a_newcomer_calls_the_demo_router_at_its_default_address() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("notes.txt"), "").unwrap();
    let program = Program::start(shell(FIRST_MINUTE, directory.path()));
    program.wait_for_line("ws://127.0.0.1:8080/ws");
    program.wait_for_line("8");
    program.wait_for_line("[1] connected: 127.0.0.1:");
    let event = program.wait_for_line(r#"{"topic""#);
    assert!(
        event.contains(r#""topic":"filewithext.txt","args":[["notes.txt"]]"#),
        "{event}"
    );
}

#[test]
fn a_router_with_the_config_of_wamp_init_says_where_it_is_and_who_comes_and_goes() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = shell(SETTING_OUT, directory.path());
    command
        .env("PYTHON", installed("autobahn/bin/python"))
        .env("CLIENT", script_path("autobahn_python.py"));
    let program = Program::start(command);
    for told in [
        "wamp ",
        "protocol: ",
        "serializers: ",
        "transports: ",
        "target: ",
    ] {
        program.wait_for_line(told);
    }
    program.wait_for_line("wrote wamp.toml");
    program.wait_for_line(r#"listening on ws://127.0.0.1:8080/ws, realm "realm1""#);
    let ready: Value = serde_json::from_str(&program.wait_for_line(r#"{"ready""#)).unwrap();
    let session = &ready["ready"];
    program.wait_for_line(&format!(
        r#"session joined session={session} realm="realm1""#
    ));
    program.wait_for_line(&format!(r#"session left session={session} realm="realm1""#));
}

/// Prepares a shell that finds our binary as `wamp`, in a network where nobody listens: its one link is loopback's.
pub(crate) fn shell(script: &str, directory: &Path) -> Command {
    let binaries = Path::new(env!("CARGO_BIN_EXE_wamp")).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let script = format!("PATH=$PATH:/usr/sbin:/sbin ip link set lo up\n{script}");
    let mut command = Command::new("unshare");
    command
        .args(["--net", "--map-root-user", "bash", "-c", &script])
        .current_dir(directory)
        .env("PATH", path);
    command
}

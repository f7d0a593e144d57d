//! A real Crossbar.io: one that all tests share, and more for those that need realms of their own.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::peer::{installed, script_path};
use crate::support::Program;

/// Realms of the one that is shared: one for all, where URIs must differ from test to test, and one for each test that
/// looks at a whole realm.
const REALMS: [&str; 5] = [
    "realm1",
    "sessions",
    "registrations",
    "subscriptions",
    "testaments",
];

/// A Crossbar.io, stopped when dropped; one that is not ends with this process.
#[derive(Debug)]
pub(crate) struct Crossbar {
    url: String,
    _program: Program,
    _node: TempDir,
}

impl Crossbar {
    /// Starts one with these realms, as its configuration has them. It takes seconds.
    #[track_caller]
    pub(crate) fn start(realms: &[Value]) -> Self {
        let auth = json!({
            "anonymous": {"type": "static", "role": "anonymous"},
            "ticket": {"type": "function", "create": "crossbar_tickets.create"},
        });
        Self::start_with(realms, &auth)
    }

    /// The same with ways to sign in of its own, as its configuration has them.
    #[track_caller]
    pub(crate) fn start_with(realms: &[Value], auth: &Value) -> Self {
        let node = TempDir::new().unwrap();
        let config = config(realms, auth).to_string();
        fs::write(node.path().join("config.json"), config).unwrap();
        let mut command = Command::new(script_path("crossbar.sh"));
        let program = installed("crossbar/bin/crossbar");
        command.arg(program).arg(node.path());
        let program = Program::start(command);
        // Its realms begin one after the other; a wait for each half has a deadline for each.
        program.wait_for_line("Native worker ready");
        let line = program.wait_for_line("listening on TCP port ");
        let (_, port) = line.rsplit_once(' ').unwrap();
        Self {
            url: format!("ws://127.0.0.1:{port}/ws"),
            _program: program,
            _node: node,
        }
    }

    /// Returns what clients connect to.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Returns the URL of the Crossbar.io that all tests share, where everybody may do everything and is disclosed.
#[track_caller]
pub(crate) fn url() -> &'static str {
    static CROSSBAR: OnceLock<Crossbar> = OnceLock::new();
    let start = || Crossbar::start(&REALMS.map(|name| realm(name, ["anonymous"], true)));
    CROSSBAR.get_or_init(start).url()
}

/// Returns a realm in which each of the roles may do everything. Whether they are disclosed is left to the configuration.
pub(crate) fn realm<'a>(
    name: &str,
    roles: impl IntoIterator<Item = &'a str>,
    is_disclosed: bool,
) -> Value {
    let role = |name| {
        json!({
            "name": name,
            "permissions": [{
                "uri": "",
                "match": "prefix",
                "allow": {"call": true, "register": true, "publish": true, "subscribe": true},
                "disclose": {"caller": is_disclosed, "publisher": is_disclosed},
            }],
        })
    };
    json!({"name": name, "roles": roles.into_iter().map(role).collect::<Vec<_>>()})
}

fn config(realms: &[Value], auth: &Value) -> Value {
    // It takes no port 0, and says which of a range it took: the first is free now and most likely still is then.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    json!({
        "version": 2,
        "workers": [{
            "type": "router",
            "options": {"pythonpath": [script_path("")]},
            "realms": realms,
            "transports": [{
                "type": "websocket",
                "endpoint": {
                    "type": "tcp",
                    "interface": "127.0.0.1",
                    "portrange": [port, port.saturating_add(99)],
                },
                "auth": auth,
            }],
        }],
    })
}

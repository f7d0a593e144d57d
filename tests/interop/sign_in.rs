//! Our commands sign in to a router that nobody here wrote: Crossbar.io.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;
use wamp::auth::{Cost, Kdf, PrivateKey, ScramForm, ScramKeys};

use crate::crossbar::{Crossbar, realm};
use crate::support::{Output, wamp};

const PASSWORD: &str = "pencil";
const TICKET: &str = "rosebud";
const SEED: [u8; 32] = [7; 32];

/// A Crossbar.io at which joe can sign in by every method it has, and peter with a salted secret.
fn crossbar() -> Crossbar {
    let cost = Cost {
        kdf: Kdf::Argon2id13,
        salt: vec![3; 16],
        iterations: 2,
        memory: 64,
    };
    let keys = ScramKeys::derive(ScramForm::Autobahn, PASSWORD, cost).unwrap();
    let scram = json!({
        "kdf": "argon2id-13",
        "iterations": keys.cost.iterations,
        "memory": keys.cost.memory,
        "salt": hex::encode(&keys.cost.salt),
        "stored-key": hex::encode(keys.stored),
        "server-key": hex::encode(keys.server),
        "role": "member",
    });
    let key = PrivateKey::from_seed(&SEED).public_key().to_hex();
    let salted = json!({
        "secret": PASSWORD, "role": "member", "salt": "salt123", "iterations": 100, "keylen": 32,
    });
    let auth = json!({
        "ticket": {"type": "static", "principals": {"joe": {"ticket": TICKET, "role": "member"}}},
        "wampcra": {
            "type": "static",
            "users": {"joe": {"secret": PASSWORD, "role": "member"}, "peter": salted},
        },
        "scram": {"type": "static", "principals": {"joe": scram}},
        "cryptosign": {
            "type": "static",
            "principals": {"joe": {"realm": "realm1", "role": "member", "authorized_keys": [key]}},
        },
    });
    Crossbar::start_with(&[realm("realm1", ["member"], false)], &auth)
}

/// Files with what joe knows, which nobody else can read.
fn secrets() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, secret) in [
        ("ticket", TICKET.to_owned()),
        ("secret", format!("{PASSWORD}\n")),
        ("wrong", "something else".to_owned()),
        ("key", hex::encode(SEED)),
        ("other-key", hex::encode([8; 32])),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, secret).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    }
    folder
}

/// Asks how many sessions there are, signing in with what the arguments say; names of files are below `folder`.
#[track_caller]
fn count_sessions(url: &str, folder: &Path, arguments: &str) -> Output {
    let arguments = arguments.split(' ').map(|argument| {
        let file = folder.join(argument);
        if file.is_file() {
            file.display().to_string()
        } else {
            argument.to_owned()
        }
    });
    wamp(["call", "wamp.session.count"])
        .to(url)
        .args(arguments)
        .run()
}

#[test]
fn our_commands_sign_in_to_crossbar_by_every_method_that_it_has() {
    let (crossbar, secrets) = (crossbar(), secrets());
    for arguments in [
        "--authid joe --ticket-file ticket",
        "--authid joe --secret-file secret",
        "--authid joe --secret-file secret --authmethod wampcra",
        "--authid joe --secret-file secret --authmethod scram",
        "--authid peter --secret-file secret --authmethod wampcra",
        "--key key",
        "--authid joe --key key --authmethod cryptosign",
    ] {
        let counted = count_sessions(crossbar.url(), secrets.path(), arguments);
        counted.stdout("1\n").stderr("").exit_code(0);
    }
    for arguments in [
        "--authid joe --ticket-file wrong",
        "--authid joe --secret-file wrong --authmethod wampcra",
        "--authid joe --secret-file wrong --authmethod scram",
        "--authid peter --secret-file wrong --authmethod wampcra",
        "--key other-key",
        "--authid nobody --secret-file secret",
    ] {
        let refused = count_sessions(crossbar.url(), secrets.path(), arguments);
        let refused = refused.stdout("").exit_code(4);
        refused.stderr_contains("the router refused to join");
    }
}

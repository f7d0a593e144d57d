//! Our commands sign in to a router that nobody here wrote, Crossbar.io, and others' clients to ours.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use wamp::auth::{Cost, Kdf, PrivateKey, ScramForm, ScramKeys};

use crate::crossbar::{Crossbar, realm};
use crate::peer::{SERIALIZERS, installed, node, script_path};
use crate::support::{Output, Program, Router, wamp};

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

/// Our router, at which joe can sign in by every method, and peter with a salted secret; ann by what a procedure says.
fn ours() -> (Router, TempDir) {
    let folder = TempDir::new().unwrap();
    let keygen = |way: &str| {
        let made = wamp(["keygen"]).args(way.split(' ')).stdin(PASSWORD).run();
        made.exit_code(0).stdout
    };
    let scram = keygen("--scram --kdf argon2id-13 --memory 64 --iterations 2");
    let salted = keygen("--wampcra --iterations 100");
    let key = PrivateKey::from_seed(&SEED).public_key().to_hex();
    let rule = |uri: &str, action: &str| {
        format!("[{{ uri = {uri:?}, match = \"prefix\", allow = [{action:?}] }}]")
    };
    let config = format!(
        r#"
[[realms]]
name = "realm1"
authenticator = "com.example.authenticate"
authenticator_realm = "guards"
roles = [{{ name = "member", rules = {} }}]
[[realms.principals]]
authid = "joe"
role = "member"
ticket = "{TICKET}"
secret = "{PASSWORD}"
public_keys = ["{key}"]
{scram}
[[realms.principals]]
authid = "peter"
role = "member"
{salted}
[[realms]]
name = "guards"
roles = [{{ name = "anonymous", rules = {} }}]
"#,
        rule("", "call"),
        rule("com.example.", "register"),
    );
    fs::write(folder.path().join("wamp.toml"), config).unwrap();
    let router = Router::start_in(folder.path(), ["--config", "wamp.toml"]);
    (router, folder)
}

/// A session of autobahn-python, where it has all that its methods need: with Crossbar.io.
fn python() -> Command {
    let mut command = Command::new(installed("crossbar/bin/python"));
    command.arg(script_path("sign_in.py"));
    command
}

/// What a library says of its signing in.
#[track_caller]
fn sign_in(library: fn() -> Command, url: &str, serializer: &str, known: &Value) -> Value {
    let mut command = library();
    command.args([url, serializer, &known.to_string()]);
    let line = Program::start(command).wait_for_line("{\"");
    serde_json::from_str(&line).unwrap()
}

/// Signs in with what is right, over each serializer, and with what is wrong.
#[track_caller]
fn try_each(library: fn() -> Command, url: &str, methods: &[(&str, &str, Value, Value)]) {
    for (method, authid, right, wrong) in methods {
        let known = |secret: &Value| {
            let mut known = secret.clone();
            known["authid"] = json!(authid);
            json!({*method: known})
        };
        for serializer in SERIALIZERS {
            assert_eq!(
                sign_in(library, url, serializer, &known(right)),
                json!({"authid": authid, "authrole": "member", "authmethod": method}),
                "{method} over {serializer}"
            );
        }
        assert_eq!(
            sign_in(library, url, "json", &known(wrong)),
            json!({"refused": "wamp.error.authentication_denied"}),
            "{method}"
        );
    }
}

fn ways() -> Vec<(&'static str, &'static str, Value, Value)> {
    let key = |seed: [u8; 32]| json!({"privkey": hex::encode(seed)});
    vec![
        (
            "ticket",
            "joe",
            json!({"ticket": TICKET}),
            json!({"ticket": "x"}),
        ),
        (
            "wampcra",
            "joe",
            json!({"secret": PASSWORD}),
            json!({"secret": "x"}),
        ),
        (
            "wampcra",
            "peter",
            json!({"secret": PASSWORD}),
            json!({"secret": "x"}),
        ),
        ("cryptosign", "joe", key(SEED), key([8; 32])),
    ]
}

#[test]
fn autobahn_python_signs_in_to_our_router_by_every_method_it_has() {
    let (router, _folder) = ours();
    let password =
        |password: &str| json!({"password": password, "nonce": "unused", "kdf": "argon2id13"});
    let mut ways = ways();
    ways.push(("scram", "joe", password(PASSWORD), password("x")));
    try_each(python, router.url(), &ways);
}

#[test]
fn autobahn_js_signs_in_to_our_router_by_every_method_it_has() {
    let (router, _folder) = ours();
    try_each(|| node("sign_in.cjs"), router.url(), &ways());
}

#[test]
fn a_dynamic_authenticator_as_crossbar_has_them_decides_who_joins_our_router() {
    let (router, _folder) = ours();
    let mut guard = Command::new(installed("crossbar/bin/python"));
    guard.args([
        script_path("authenticator.py").to_str().unwrap(),
        router.url(),
    ]);
    let guard = Program::start(guard);
    guard.wait_for_line("registered");
    let ways = [
        (
            "ticket",
            "ann",
            json!({"ticket": "ann's"}),
            json!({"ticket": "x"}),
        ),
        (
            "wampcra",
            "ann",
            json!({"secret": "ann's"}),
            json!({"secret": "x"}),
        ),
    ];
    try_each(python, router.url(), &ways);
    try_each(|| node("sign_in.cjs"), router.url(), &ways);
}

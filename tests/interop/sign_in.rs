//! Our commands sign in to a router that nobody here wrote, Crossbar.io, and others' clients to ours.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use wamp::auth::{Cost, Kdf, PrivateKey, ScramForm, ScramKeys};

use crate::crossbar::{Crossbar, realm};
use crate::doors::Doors;
use crate::peer::{SERIALIZERS, installed, node, script_path};
use crate::support::{Output, Program, wamp};

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
fn ours() -> Doors {
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
    Doors::open(&format!(
        r#"
[[realms]]
name = "realm1"
authenticator = "com.example.authenticate"
authenticator_realm = "guards"
roles = [{{ name = "member", rules = {} }}, {{ name = "anonymous" }}]
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
    ))
}

/// A library that signs in, again and again.
struct Signing<'doors> {
    program: Program,
    doors: &'doors Doors,
    /// The ways in that it has, and its serializers there.
    ways: &'static [(&'static str, &'static [&'static str])],
}

/// A method, who signs in by it, what is known, and what is not right.
type Method = (&'static str, &'static str, Value, Value);

impl<'doors> Signing<'doors> {
    /// autobahn-python, where it has all that its methods need: with Crossbar.io.
    #[track_caller]
    fn of_python(doors: &'doors Doors) -> Self {
        let mut command = Command::new(installed("crossbar/bin/python"));
        command.arg(script_path("sign_in.py"));
        Self {
            program: Program::start(doors.trusted_by(command)),
            doors,
            ways: &[
                ("ws", &SERIALIZERS),
                ("wss", &SERIALIZERS),
                ("rs", &SERIALIZERS),
                ("rss", &SERIALIZERS),
                ("unix", &SERIALIZERS),
            ],
        }
    }

    #[track_caller]
    fn of_js(doors: &'doors Doors) -> Self {
        Self {
            program: Program::start(doors.trusted_by(node("sign_in.cjs"))),
            doors,
            ways: &[
                ("ws", &SERIALIZERS),
                ("wss", &SERIALIZERS),
                ("rs", &["json"]),
                ("unix", &["json"]),
                ("http", &["json"]),
                ("https", &["json"]),
            ],
        }
    }

    /// What it says of its signing in once.
    #[track_caller]
    fn sign_in(&mut self, way: &str, serializer: &str, authentication: &Value) -> Value {
        let url = self.doors.url(way);
        let order = json!({"url": url, "serializer": serializer, "authentication": authentication});
        self.program.write(&format!("{order}\n"));
        serde_json::from_str(&self.program.next_line()).unwrap()
    }

    /// Signs in over each way and serializer, with what is right and with what is wrong.
    #[track_caller]
    fn try_each(&mut self, methods: &[Method]) {
        for (way, serializers) in self.ways {
            for serializer in *serializers {
                for (method, authid, right, wrong) in methods {
                    let known = |secret: &Value| {
                        let mut known = secret.clone();
                        known["authid"] = json!(authid);
                        json!({*method: known})
                    };
                    assert_eq!(
                        self.sign_in(way, serializer, &known(right)),
                        json!({"authid": authid, "authrole": "member", "authmethod": method}),
                        "{method} by {way} in {serializer}"
                    );
                    assert_eq!(
                        self.sign_in(way, serializer, &known(wrong)),
                        json!({"refused": "wamp.error.authentication_denied"}),
                        "{method} by {way} in {serializer}"
                    );
                }
            }
        }
    }

    /// Comes in over each way without saying who it is.
    #[track_caller]
    fn try_anonymous(&mut self) {
        for (way, serializers) in self.ways {
            for serializer in *serializers {
                let welcomed = self.sign_in(way, serializer, &json!({"anonymous": {}}));
                assert_eq!(
                    (&welcomed["authrole"], &welcomed["authmethod"]),
                    (&json!("anonymous"), &json!("anonymous")),
                    "by {way} in {serializer}: {welcomed}"
                );
            }
        }
    }
}

/// The methods that both have.
fn methods() -> Vec<Method> {
    let key = |seed: [u8; 32]| json!({"privkey": hex::encode(seed)});
    let ticket = |ticket: &str| json!({"ticket": ticket});
    let secret = |secret: &str| json!({"secret": secret});
    vec![
        ("ticket", "joe", ticket(TICKET), ticket("x")),
        ("wampcra", "joe", secret(PASSWORD), secret("x")),
        ("wampcra", "peter", secret(PASSWORD), secret("x")),
        ("cryptosign", "joe", key(SEED), key([8; 32])),
    ]
}

#[test]
fn autobahn_python_signs_in_to_our_router_by_every_method_over_every_transport_it_has() {
    let doors = ours();
    let mut python = Signing::of_python(&doors);
    let password =
        |password: &str| json!({"password": password, "nonce": "unused", "kdf": "argon2id13"});
    python.try_each(&methods());
    python.try_each(&[("scram", "joe", password(PASSWORD), password("x"))]);
    python.try_anonymous();
}

#[test]
fn autobahn_js_signs_in_to_our_router_by_every_method_over_every_transport_it_has() {
    let doors = ours();
    let mut js = Signing::of_js(&doors);
    js.try_each(&methods());
    js.try_anonymous();
}

#[test]
fn a_dynamic_authenticator_as_crossbar_has_them_decides_who_joins_our_router() {
    let doors = ours();
    let mut guard = Command::new(installed("crossbar/bin/python"));
    guard.args([
        script_path("authenticator.py").to_str().unwrap(),
        &doors.url("ws"),
    ]);
    let guard = Program::start(guard);
    guard.wait_for_line("registered");
    let (ticket, secret) = (json!({"ticket": "ann's"}), json!({"secret": "ann's"}));
    let methods = [
        ("ticket", "ann", ticket, json!({"ticket": "x"})),
        ("wampcra", "ann", secret, json!({"secret": "x"})),
    ];
    Signing::of_python(&doors).try_each(&methods);
    Signing::of_js(&doors).try_each(&methods);
}

//! `wamp keygen`: what it prints goes into a config, and lets in whoever has the secret or the key.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use crate::support::{Output, Router, wamp};

/// What members may do.
const ROLE: &str = r#"
[[realms.roles]]
name = "member"
rules = [{ uri = "wamp.", match = "prefix", allow = ["call"] }]
"#;

/// A router whose one principal, joe, signs in with what a line of a config says.
fn router(folder: &Path, line: &str) -> Router {
    let config = format!(
        "[[realms]]\nname = \"realm1\"\n[[realms.principals]]\nauthid = \"joe\"\nrole = \"member\"\n{line}\n{ROLE}"
    );
    fs::write(folder.join("wamp.toml"), config).unwrap();
    Router::start_in(folder, ["--config", "wamp.toml"])
}

/// A folder with a secret and a wrong one, which nobody else can read.
fn secrets() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, secret) in [("secret", "pencil\n"), ("wrong", "Pencil")] {
        let file = folder.path().join(name);
        fs::write(&file, secret).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    folder
}

/// Who a command is to the router, signing in with these arguments.
#[track_caller]
fn sign_in(router: &Router, folder: &Path, arguments: &str) -> Output {
    wamp(["call", "wamp.session.count", "--authid", "joe"])
        .args(arguments.split(' '))
        .to(router.url())
        .dir(folder)
        .run()
}

#[track_caller]
fn expect_denied(refused: Output) {
    let denied = "the proof of identity is wrong, or nobody is called that (wamp.error.authentication_denied)";
    refused.stdout("").stderr_contains(denied).exit_code(4);
}

#[test]
fn a_key_made_of_a_secret_lets_in_who_knows_the_secret() {
    let folder = secrets();
    let cheap = "--iterations 10";
    for (way, method) in [
        ("--ticket".to_owned(), "ticket"),
        (format!("--wampcra {cheap}"), "wampcra"),
        (format!("--scram {cheap} --memory 64"), "wamp-scram"),
        (format!("--scram --kdf pbkdf2 {cheap}"), "wamp-scram"),
        (
            format!("--scram --kdf argon2id-13 {cheap} --memory 64"),
            "scram",
        ),
    ] {
        let made = wamp(["keygen", "--secret-file", "secret"])
            .args(way.split(' '))
            .dir(folder.path())
            .run()
            .stderr("")
            .exit_code(0);
        assert!(!made.stdout.contains("pencil"), "{}", made.stdout);
        let router = router(folder.path(), &made.stdout);
        let flag = if method == "ticket" {
            "--ticket-file"
        } else {
            "--secret-file"
        };
        let with = |file| format!("--authmethod {method} {flag} {file}");
        sign_in(&router, folder.path(), &with("secret"))
            .stdout("1\n")
            .stderr("")
            .exit_code(0);
        expect_denied(sign_in(&router, folder.path(), &with("wrong")));
    }
}

#[test]
fn a_key_pair_has_a_private_half_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let keygen = |arguments: &[&str]| wamp(["keygen"]).args(arguments).dir(folder.path()).run();
    let made = keygen(&["key"]).exit_code(0);
    let made =
        made.stderr("-- the private key is in key; this is the public one, for public_keys\n");
    let file = folder.path().join("key");
    let mode = || file.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    let router = router(
        folder.path(),
        &format!("public_keys = [\"{}\"]", made.stdout.trim()),
    );
    sign_in(&router, folder.path(), "--key key")
        .stdout("1\n")
        .exit_code(0);
    let private = fs::read_to_string(&file).unwrap();
    keygen(&["key"])
        .stdout("")
        .stderr("error: cannot write key: file exists\nhint: --force puts a new key in its place\n")
        .exit_code(9);
    assert_eq!(fs::read_to_string(&file).unwrap(), private);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    keygen(&["key", "--force"]).exit_code(0);
    assert_ne!(fs::read_to_string(&file).unwrap(), private);
    assert_eq!(mode(), 0o600);
    expect_denied(sign_in(&router, folder.path(), "--key key"));
    keygen(&["nowhere/key"])
        .stderr_contains("cannot write nowhere/key: no such file or directory")
        .exit_code(9);
}

#[test]
fn a_secret_comes_from_a_file_or_from_stdin() {
    let ticket =
        "ticket_sha256 = \"13809668fb436386706f67dcb052ed584a04ba16a8c02a17d66d34c30fceda21\"\n";
    let made = wamp(["keygen", "--ticket"]).stdin("pencil\nand more").run();
    made.stdout(ticket).stderr("").exit_code(0);
    wamp(["keygen", "--ticket"])
        .stdin("\npencil")
        .run()
        .stderr("error: stdin holds no secret in its first line\n")
        .exit_code(9);
    let readable = secrets();
    let file = readable.path().join("secret");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    wamp(["keygen", "--ticket", "--secret-file", "secret"])
        .dir(readable.path())
        .run()
        .stderr_contains("others can read secret")
        .exit_code(9);
    for wrong in [
        "",
        "key --scram",
        "--ticket --scram",
        "--ticket --memory 64",
        "--scram --memory 1",
    ] {
        let arguments = wrong.split(' ').filter(|it| !it.is_empty());
        wamp(["keygen"])
            .args(arguments)
            .run()
            .stdout("")
            .exit_code(2);
    }
}

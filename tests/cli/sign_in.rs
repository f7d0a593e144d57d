//! Whom a command signs in as: what is missing, what others could read, and what a log may not say.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use tempfile::NamedTempFile;

use crate::support::{Router, wamp};

/// A file with this content and these permissions.
fn file(content: impl AsRef<[u8]>, mode: u32) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    fs::write(file.path(), content).unwrap();
    fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
    file
}

#[test]
fn a_secret_needs_a_name_and_a_method_what_it_works_with() {
    for (arguments, said) in [
        ("--secret x", "say whose with --authid NAME"),
        ("--ticket x", "say whose with --authid NAME"),
        (
            "--authmethod ticket --authid ann",
            "the method \"ticket\" needs --authid and --ticket-file",
        ),
        (
            "--authmethod scram --authid ann",
            "the method \"scram\" needs --authid and --secret-file",
        ),
        (
            "--authmethod cryptosign",
            "the method \"cryptosign\" needs --key",
        ),
        (
            "--authmethod tls",
            "the method \"tls\" needs --cert, --tls-key, and a URL with TLS",
        ),
        (
            "--authmethod magic",
            "one of tls, cryptosign, scram, wampcra, ticket, wamp-scram, anonymous",
        ),
        (
            "--authid ann --ask-secret",
            "--ask-secret needs a terminal to ask on",
        ),
    ] {
        let refused = wamp(["call", "sum"]).args(arguments.split(' ')).run();
        refused.stdout("").stderr_contains(said).exit_code(2);
    }
}

#[test]
fn a_file_with_a_secret_is_its_owners_alone() {
    let readable = file("pencil", 0o640);
    let refused = wamp(["call", "sum", "--authid", "ann", "--secret-file"])
        .arg(readable.path())
        .run();
    let refused = refused.stderr_contains("others can read").exit_code(9);
    refused.stderr_contains("chmod 600");
    let empty = file("\nsecond line", 0o600);
    let refused = wamp(["call", "sum", "--authid", "ann", "--ticket-file"])
        .arg(empty.path())
        .run();
    refused
        .stderr_contains("holds no secret in its first line")
        .exit_code(9);
    let refused = wamp(["call", "sum", "--key", "/nowhere/key"]).run();
    refused
        .stderr_contains("cannot read /nowhere/key")
        .exit_code(9);
    let no_key = file("pencil", 0o600);
    let refused = wamp(["call", "sum", "--key"]).arg(no_key.path()).run();
    let refused = refused
        .stderr_contains("holds no Ed25519 private key")
        .exit_code(9);
    refused.stderr_contains("PEM (PKCS#8), 64 hex digits, or 32 bytes");
}

#[test]
fn a_secret_on_the_command_line_is_noted_and_one_in_the_environment_is_not() {
    let router = Router::start();
    let refused = wamp(["call", "sum", "--authid", "ann", "--ticket", "rosebud"])
        .to(router.url())
        .run();
    let refused = refused.stderr_contains("others on this machine can see what --ticket holds");
    refused
        .stderr_contains("wamp.error.no_matching_auth_method")
        .exit_code(4);
    let refused = wamp(["call", "sum", "--authid", "ann"])
        .env("WAMP_TICKET", "rosebud")
        .to(router.url())
        .run();
    assert!(
        !refused.stderr.contains("others on this machine"),
        "{}",
        refused.stderr
    );
    refused
        .stderr_contains("wamp.error.no_matching_auth_method")
        .exit_code(4);
}

#[test]
fn who_would_rather_be_nobody_is_let_in_with_a_secret_at_hand() {
    let router = Router::start();
    let counted = wamp([
        "call",
        "wamp.session.count",
        "--authid",
        "ann",
        "--authmethod",
        "ticket,anonymous",
    ])
    .env("WAMP_TICKET", "rosebud")
    .to(router.url())
    .run();
    counted.stdout("1\n").stderr("").exit_code(0);
}

//! What the binary says of itself.

use crate::support::wamp;

#[test]
fn help_goes_to_stdout_and_shows_examples() {
    let help = wamp(["--help"]).run().exit_code(0).stderr("");
    help.stdout_contains("wamp call sum 3 5")
        .stdout_contains("WAMP_URL");
    for command in [
        "call",
        "pub",
        "publish",
        "sub",
        "subscribe",
        "register",
        "reg",
    ] {
        let help = wamp([command, "--help"]).run().exit_code(0);
        help.stdout_contains("--realm <REALM>");
    }
}

#[test]
fn help_is_also_a_command() {
    for (words, said) in [
        (&["help"] as &[&str], "wamp call sum 3 5"),
        (&["help", "call"], "Usage: wamp call"),
    ] {
        let help = wamp(words).run().exit_code(0).stderr("");
        help.stdout_contains(said);
    }
}

#[test]
fn version_tells_what_it_speaks() {
    let version = wamp(["version"]).run().exit_code(0).stderr("");
    let version = version.stdout_contains(concat!("wamp ", env!("CARGO_PKG_VERSION"), "\n"));
    let version = version.stdout_contains("\nserializers: json, msgpack, cbor\n");
    version.stdout_contains("\ntarget: ");
}

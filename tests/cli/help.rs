//! What the binary says of itself.

use serde_json::{Value, json};

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

#[test]
fn help_as_json_has_every_command_with_its_arguments() {
    let help = wamp(["help", "--json"]).run().exit_code(0).stderr("");
    let help: Value = serde_json::from_str(&help.stdout).unwrap();
    let commands = help["commands"].as_array().unwrap();
    let names: Vec<&str> = commands
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    for name in ["router", "call", "pub", "sub", "register", "ctx", "help"] {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
    assert!(names.iter().all(|name| !name.starts_with('_')), "{names:?}");
    let add = wamp(["help", "ctx", "add", "--json"]).run().exit_code(0);
    let add: Value = serde_json::from_str(&add.stdout).unwrap();
    assert_eq!(add["name"], json!("add"));
    let call = wamp(["help", "call", "--json"]).run().exit_code(0);
    let call: Value = serde_json::from_str(&call.stdout).unwrap();
    let arguments = call["arguments"].as_array().unwrap();
    let named = |name: &str| {
        let found = arguments.iter().find(|it| it["long"] == json!(name));
        found.unwrap_or_else(|| panic!("{name} is missing"))
    };
    assert_eq!(named("url")["env"], json!("WAMP_URL"));
    assert_eq!(named("kwarg")["repeatable"], json!(true));
    let unknown = wamp(["help", "clal", "--json"]).run().exit_code(2);
    assert!(unknown.stderr.contains("clal"), "{}", unknown.stderr);
}

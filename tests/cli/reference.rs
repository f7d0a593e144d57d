//! What the binary says of errors and commands without a router.

use crate::support::wamp;

#[test]
fn errors_says_what_an_error_means_who_sends_it_and_our_exit_code() {
    let of = |uri: &str| wamp(["errors", uri]).run().exit_code(0).stderr("");
    of("wamp.error.timeout").stdout(
        "{\"uri\":\"wamp.error.timeout\",\"from\":\"router\",\"exit\":5,\"meaning\":\"the call took longer than its caller allowed\"}\n",
    );
    of("wamp.error.no_such_realm").stdout_contains("\"exit\":4");
    of("wamp.error.invalid_argument").stdout_contains("\"from\":\"callee\",\"exit\":1");
    of("com.example.late").stdout_contains("an application's own");
    let all = wamp(["errors"]).run().exit_code(0);
    assert!(all.stdout.lines().count() > 30, "{all:?}");
}

#[test]
fn cheat_has_a_sheet_and_its_parts() {
    let sheet = wamp(["cheat"]).run().exit_code(0);
    let sheet = sheet.stdout_contains("wamp call sum 3 5");
    let part = wamp(["cheat", "look"]).run().exit_code(0);
    assert!(
        part.stdout.starts_with("look\n") && sheet.stdout.contains(&part.stdout),
        "{part:?}"
    );
    wamp(["cheat", "cooking"])
        .run()
        .stdout("")
        .stderr_contains("it has router, call, publish")
        .exit_code(2);
}

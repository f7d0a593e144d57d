//! `wamp router --config`: the file, and the flags over it.

use super::folder;
use crate::support::{Router, wamp};

/// Two realms that everybody may join, the second with other ids.
const TWO: &str = r#"
listen = ["127.0.0.1:0"]
path = "/wamp"
[[realms]]
name = "one"
roles = [{ name = "anonymous", rules = [{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"] }] }]
[[realms]]
name = "two"
call_timeout_unit = "s"
roles = [{ name = "anonymous", rules = [{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"] }] }]
"#;

/// The exit code of a call of nothing in a realm: 6 where it is there.
#[track_caller]
fn exit_of_call(url: &str, realm: &str) -> i32 {
    let call = wamp(["call", "no.such.procedure", "-R", realm]).to(url);
    call.run().code
}

#[test]
fn a_router_is_what_its_config_says() {
    let folder = folder(TWO);
    let mut router = wamp(["router", "--config", "wamp.toml"])
        .dir(folder.path())
        .start();
    let url = router.next_line();
    assert!(
        url.starts_with("ws://127.0.0.1:") && url.ends_with("/wamp"),
        "{url}"
    );
    router.wait_for_line("the config is read file=\"wamp.toml\"");
    let exits = ["one", "two", "realm1"].map(|realm| exit_of_call(&url, realm));
    assert_eq!(exits, [6, 6, 4]);
    router.terminate();
    router.finish().exit_code(0);
}

#[test]
fn flags_go_over_the_config() {
    let folder = folder(TWO);
    let start = |args: &[&str]| {
        let config = ["--config", "wamp.toml"];
        Router::start_in(folder.path(), config.iter().chain(args))
    };
    let router = start(&["--path", "/other", "--realm", "two"]);
    assert!(router.url().ends_with("/other"), "{}", router.url());
    let exits = ["one", "two"].map(|realm| exit_of_call(router.url(), realm));
    assert_eq!(exits, [4, 6]);
    assert!(!router.log().contains("WARN is not in the config"));

    // A realm that the config does not know is as without one, and said to be.
    let router = start(&["--realm", "three"]);
    let exits = ["one", "three"].map(|realm| exit_of_call(router.url(), realm));
    assert_eq!(exits, [4, 6]);
    router.wait_for_log("realm \"three\" is not in the config: it is open to everybody");
}

#[test]
fn a_broken_config_ends_with_9_and_nothing_is_started() {
    let folder = folder("listen = [\":0\"]\npath = 5\n[[realms]]\nname = \"x\"\nnam = 1\n");
    wamp(["router", "--config", "wamp.toml"])
        .dir(folder.path())
        .run()
        .exit_code(9)
        .stdout("")
        .stderr(
            "error: the config has 2 errors\n\
             wamp.toml:2:8: path: wants a text in quotes, not a whole number\n\
             wamp.toml:5:1: realms.nam: there is no such setting; did you mean `name`?\n",
        );
    wamp(["router", "--config", "nowhere.toml"])
        .dir(folder.path())
        .run()
        .exit_code(9)
        .stdout("")
        .stderr("error: cannot read nowhere.toml: no such file or directory\n");
}

#[test]
fn a_config_that_nobody_asked_for_is_not_read_and_the_start_says_how() {
    // It would be refused.
    let folder = folder("listen = 5");
    let router = Router::start_in(folder.path(), [] as [&str; 0]);
    router.wait_for_log(
        "wamp.toml is here, and is read only if told so: wamp router --config wamp.toml",
    );
    assert_eq!(exit_of_call(router.url(), "realm1"), 6);
}

#[test]
fn who_listens_beyond_loopback_is_warned_where_everybody_may_join() {
    let warning = "is reachable from other machines, and everybody who reaches it may call";
    let everywhere = ["--listen", "0.0.0.0:0"];
    Router::start_with(everywhere).wait_for_log(warning);
    let folder = folder("[[realms]]\nname = \"closed\"\n");
    let config = ["--config", "wamp.toml"];
    let router = Router::start_in(folder.path(), everywhere.iter().chain(&config));
    router.wait_for_log("listening on");
    assert!(!router.log().contains(warning), "{}", router.log());
}

//! Sessions lost and regained.

use crate::support::{Program, wamp};

/// Starts a router, and tells its URL. Each test has an address to itself, so that nobody takes its port meanwhile.
#[track_caller]
fn router(address: &str, realm: &str) -> (Program, String) {
    let mut router = wamp(["router", "--listen", address, "--realm", realm]).start();
    let url = router.next_line();
    (router, url)
}

/// Starts a router at the address of one that is gone.
#[track_caller]
fn restart(url: &str, realm: &str) -> Program {
    let address = url.trim_start_matches("ws://").trim_end_matches("/ws");
    router(address, realm).0
}

/// Starts a command that stays, and waits until it says that it is ready.
#[track_caller]
fn started(url: &str, words: &[&str], ready: &str) -> Program {
    let program = wamp(words).to(url).start();
    program.wait_for_line(ready);
    program
}

#[test]
fn subscriptions_and_registrations_survive_their_router() {
    let (router, url) = router("127.77.0.1:0", "realm1");
    let mut events = started(&url, &["sub", "t.", "-n", "2"], "-- subscribed");
    let echo = started(
        &url,
        &["register", "echo", "--echo", "-n", "1"],
        "-- registered",
    );
    wamp(["pub", "t.1", "1"]).to(&url).run().exit_code(0);
    assert!(events.next_line().contains("\"args\":[1]"));
    drop(router);
    events.wait_for_line("-- session lost: ");
    let _router = restart(&url, "realm1");
    events.wait_for_line("-- joined again after ");
    echo.wait_for_line("-- joined again after ");
    let called = wamp(["call", "echo", "7", "-n", "1"]).to(&url).run();
    called.stdout("7\n").exit_code(0);
    echo.finish().exit_code(0);
    wamp(["pub", "t.2", "2"]).to(&url).run().exit_code(0);
    assert!(events.next_line().contains("\"args\":[2]"));
    events.finish().exit_code(0);
}

#[test]
fn a_refused_join_is_final() {
    let (router, url) = router("127.77.0.2:0", "other");
    let events = started(&url, &["sub", "t", "-R", "other"], "-- subscribed");
    drop(router);
    events.wait_for_line("-- session lost: ");
    let _router = restart(&url, "realm1");
    let output = events.finish().exit_code(7);
    output
        .stderr_contains("cannot join again: ")
        .stderr_contains("wamp.error.no_such_realm");
}

#[test]
fn joining_again_can_be_interrupted() {
    let (router, url) = router("127.77.0.3:0", "realm1");
    let events = started(&url, &["sub", "t"], "-- subscribed");
    drop(router);
    events.wait_for_line("-- session lost: ");
    events.interrupt();
    events.finish().exit_code(130).stdout("");
}

#[test]
fn a_procedure_that_somebody_else_took_meanwhile_is_named_and_tried_again() {
    let (router, url) = router("127.77.0.4:0", "realm1");
    let ours = started(&url, &["register", "dup", "--echo"], "-- registered");
    drop(router);
    ours.wait_for_line("-- session lost: ");
    ours.signal("STOP");
    let _router = restart(&url, "realm1");
    let theirs = started(&url, &["register", "dup", "--echo"], "-- registered");
    ours.signal("CONT");
    ours.wait_for_line("-- \"dup\" is held by another session; trying again for 60 s");
    theirs.interrupt();
    theirs.finish().exit_code(130);
    ours.wait_for_line("-- registered \"dup\" again");
}

//! Ctrl-C and SIGTERM.

use super::{callee, subscriber};
use crate::support::{Router, wamp};

#[test]
fn an_interrupted_subscriber_leaves_and_ends_as_by_the_signal() {
    let router = Router::start();
    let program = wamp(["sub", "t", "-vv"]).to(router.url()).start();
    program.wait_for_line("-- subscribed");
    program.interrupt();
    let output = program.finish().exit_code(130).stdout("");
    output
        .stderr_contains("> UNSUBSCRIBE")
        .stderr_contains("< GOODBYE");
    let program = subscriber(&router, ["t"]);
    program.terminate();
    program.finish().exit_code(143).stdout("");
}

#[test]
fn an_interrupted_callee_takes_its_offer_back() {
    let router = Router::start();
    let program = callee(&router, ["p", "--echo"]);
    program.interrupt();
    program.finish().exit_code(130).stdout("");
    wamp(["call", "p"]).to(router.url()).run().exit_code(6);
}

#[test]
fn an_interrupted_call_is_given_up() {
    let router = Router::start();
    let _slow = callee(&router, ["slow", "--exec", "sleep 60"]);
    let call = wamp(["call", "slow", "-vv"]).to(router.url()).start();
    call.wait_for_line("> CALL");
    call.interrupt();
    call.finish()
        .exit_code(130)
        .stdout("")
        .stderr_contains("> GOODBYE");
}

#[test]
fn a_second_interrupt_ends_at_once() {
    // It accepts and says nothing, so there is nobody to say goodbye to.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/ws", silent.local_addr().unwrap());
    let call = wamp(["call", "x"]).to(&url).start();
    let connection = silent.accept().unwrap();
    call.interrupt();
    call.finish().exit_code(130).stdout("").stderr("");
    drop(connection);
}

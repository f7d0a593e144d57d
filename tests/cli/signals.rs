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

#[test]
fn who_started_it_sees_the_signal_itself() {
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::process::ExitStatusExt as _;
    let router = Router::start();
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_wamp"))
        .args(["sub", "t", "-u", router.url()])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(program.stderr.take().unwrap());
    let mut said = stderr.lines().map(Result::unwrap);
    assert!(said.any(|line| line.starts_with("-- subscribed")));
    let pid = rustix::process::Pid::from_child(&program);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    // A number alone would not end a loop of a shell.
    assert_eq!(program.wait().unwrap().signal(), Some(2));
}

//! Starting: what is said on stdout and stderr, and every reason why it cannot be.

use std::net::TcpListener;
use std::process::Command;

use super::peer::Peer;
use crate::support::{Program, Router, wamp};

#[test]
fn one_url_a_listener_is_printed_and_nothing_else() {
    let addresses = [
        "--listen",
        ":0",
        "--listen",
        "127.0.0.2:0",
        "--listen",
        "[::1]:0",
    ];
    let mut router = wamp(["router"]).args(addresses).start();
    let urls = [router.next_line(), router.next_line(), router.next_line()];
    for (url, start) in urls
        .iter()
        .zip(["ws://127.0.0.1:", "ws://127.0.0.2:", "ws://[::1]:"])
    {
        assert!(url.starts_with(start), "{url}");
        let port = url
            .strip_prefix(start)
            .unwrap()
            .strip_suffix("/ws")
            .unwrap();
        assert_ne!(port.parse::<u16>().unwrap(), 0);
        Peer::join(url).publish("a.b", &serde_json::json!([]));
    }
    router.terminate();
    let output = router.finish().exit_code(0);
    assert_eq!(output.stdout.lines().collect::<Vec<_>>(), urls);
    for url in urls {
        assert!(output.stderr.contains(&url), "{}", output.stderr);
    }
}

#[test]
fn each_realm_is_one_of_its_own() {
    let router = Router::start_with(["--realm", "one", "--realm", "two", "--path", "/wamp"]);
    assert!(router.url().ends_with("/wamp"));
    let url = router.url().replace("/wamp", "/ws");
    let mut peer = Peer::connect(&url);
    peer.write(super::peer::handshake(&url, "wamp.2.json").as_bytes());
    assert!(peer.http_response().0.starts_with("http/1.1 404 "));
    for realm in ["one", "two"] {
        wamp(["call", "no.such.procedure", "-R", realm])
            .to(router.url())
            .run()
            .exit_code(6);
    }
    // A realm that is named takes the place of the default.
    wamp(["call", "no.such.procedure"])
        .to(router.url())
        .run()
        .exit_code(4);
}

#[test]
fn an_address_in_use_ends_with_9_and_says_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let free_too = ["--listen", ":0", "--listen", &address];
    for args in [&["--listen", &address][..], &free_too] {
        wamp(["router"])
            .args(args)
            .run()
            .exit_code(9)
            .stdout("")
            .stderr(&format!(
                "error: cannot listen on {address}: address already in use\n\
                 hint: is another router running there? choose another port, or let one be picked: \
                 --listen :0\n"
            ));
    }
}

#[test]
fn an_address_of_another_machine_ends_with_9() {
    // An address for documentation: nobody has it.
    wamp(["router", "--listen", "192.0.2.1:0"])
        .run()
        .exit_code(9)
        .stdout("")
        .stderr_contains("cannot listen on 192.0.2.1:0: ")
        .stderr_contains("hint: that is no address of this machine");
}

#[test]
fn a_port_for_the_privileged_ends_with_9() {
    // As somebody else than root, whoever runs the tests; 1023 is one that no service of a container has.
    let mut command = Command::new("setpriv");
    command.args([
        "--inh-caps=-all",
        "--bounding-set=-all",
        env!("CARGO_BIN_EXE_wamp"),
    ]);
    command.args(["router", "--listen", "127.0.0.1:1023"]);
    let output = Program::start(command).finish();
    if output.code == 0 || !output.stderr.contains("permission denied") {
        // Where every port is for everybody (`ip_unprivileged_port_start`), there is nothing to refuse.
        return;
    }
    output
        .exit_code(9)
        .stdout("")
        .stderr_contains("cannot listen on 127.0.0.1:1023")
        .stderr_contains("hint: ports below 1024");
}

#[test]
fn what_is_no_address_realm_or_path_ends_with_2_and_says_what_one_is() {
    for (flag, value, why) in [
        ("--listen", "8080", "write it as 127.0.0.1:9000"),
        ("--listen", "", "write it as 127.0.0.1:9000"),
        ("--listen", "localhost:", "\"\" is no port"),
        ("--listen", "localhost:http", "\"http\" is no port"),
        ("--listen", ":65536", "\"65536\" is no port"),
        ("--listen", "::1:8080", "[::1]:9000"),
        ("--listen", "http://:80", "write it as 127.0.0.1:9000"),
        ("--realm", "", "no valid realm name"),
        ("--realm", "a b", "no valid realm name"),
        ("--path", "ws", "a path begins with a slash: /ws"),
        ("--path", "/echo", "--demo has a raw WebSocket at /echo"),
        ("--path", "/count", "speak WAMP at another path: --path /ws"),
    ] {
        wamp(["router", "--demo", flag, value])
            .run()
            .exit_code(2)
            .stdout("")
            .stderr_contains(why);
    }
}

#[test]
fn on_all_addresses_what_is_printed_and_logged_can_be_opened() {
    let mut router = wamp(["router", "--listen", "0.0.0.0:0"]).start();
    let url = router.next_line();
    let host = url.strip_prefix("ws://").unwrap().strip_suffix("/ws");
    assert!(host.unwrap().starts_with("127.0.0.1:"), "{url}");
    router.wait_for_line(&format!("pages for browsers: http://{}/", host.unwrap()));
}

#[test]
fn a_name_is_looked_up_and_one_that_nobody_has_ends_with_9() {
    let router = Router::start_with(["--listen", "localhost:0"]);
    router.interrupt().exit_code(0);
    wamp(["router", "--listen", "no-such-host.invalid:0"])
        .run()
        .exit_code(9)
        .stderr_contains("cannot listen on no-such-host.invalid:0: ");
}

#[test]
fn a_router_that_cannot_say_where_it_is_ends_with_9_and_one_that_need_not_serves() {
    let with_stdout = |redirected: &str| {
        let mut command = Command::new("sh");
        let script = format!("exec \"$0\" router --listen 127.0.0.1:0 {redirected}");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_wamp")]);
        Program::start(command)
    };
    with_stdout("> /dev/full")
        .finish()
        .exit_code(9)
        .stderr_contains("error: cannot write to stdout: no space left on device");
    let router = with_stdout(">&-");
    let line = router.wait_for_line("listening on");
    let url = line
        .split([' ', ','])
        .find(|word| word.starts_with("ws://"));
    Peer::join(url.unwrap()).subscribe("a.b");
}

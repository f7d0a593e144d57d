//! What the handshake says: headers, subprotocols, who we are.

use super::server::Server;
use super::ws;

#[test]
fn headers_go_along_one_a_flag() {
    let server = Server::echo();
    let args = [
        "-n",
        "0",
        "-H",
        "X-One: a: b",
        "-H",
        "Cookie: c=d",
        "-H",
        "x-one: again",
    ];
    ws(&server.url(), args)
        .args(["--origin", "http://here"])
        .run()
        .exit_code(0);
    let request = server.request();
    let header = |name: &str| {
        let values = request.headers().get_all(name).into_iter();
        values
            .map(|value| value.to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(header("x-one"), ["a: b", "again"]);
    assert_eq!(header("cookie"), ["c=d"]);
    assert_eq!(header("origin"), ["http://here"]);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("headers"), "Cookie: a=b\nX-Two: 2\n\n").unwrap();
    let run = ws(&server.url(), ["-n", "0", "-H", "@headers", "-q"])
        .dir(dir.path())
        .run();
    run.exit_code(0).stderr("");
    let request = server.request();
    assert_eq!(request.headers()["cookie"], "a=b");
    assert_eq!(request.headers()["x-two"], "2");
    ws(&server.url(), ["-n", "0", "-H", "Host: elsewhere"])
        .run()
        .exit_code(0);
    assert_eq!(server.request().headers()["host"], "elsewhere");
}

#[test]
fn the_subprotocol_chosen_is_said() {
    let server = Server::echo();
    let args = ["-n", "0", "--subprotocol", "other", "--subprotocol", "chat"];
    let output = ws(&server.url(), args).run().exit_code(0);
    output.stderr_contains(&format!("-- open {}, subprotocol chat\n", server.url()));
    assert_eq!(
        server.request().headers()["sec-websocket-protocol"],
        "other, chat"
    );
}

#[test]
fn passwords_and_tokens_come_from_files_and_variables() {
    let server = Server::echo();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("pair"), "ann:s3cret\n").unwrap();
    for (flag, word, header) in [
        ("--basic", "@pair", "Basic YW5uOnMzY3JldA=="),
        ("--bearer", "@env:TOKEN", "Bearer s3cret"),
    ] {
        let output = ws(&server.url(), ["-n", "0", "-v", flag, word])
            .dir(dir.path())
            .env("TOKEN", "s3cret")
            .run()
            .exit_code(0);
        assert_eq!(server.request().headers()["authorization"], header);
        assert!(
            !output.stderr.contains("can be seen by all"),
            "{}",
            output.stderr
        );
        assert!(!output.stderr.contains("s3cret") && !output.stderr.contains("YW5u"));
        output.stderr_contains("-- > authorization: …");
    }
    let output = ws(&server.url(), ["-n", "0", "-H", "authorization: s3cret"]).run();
    output.stderr_contains("-- what follows -H can be seen by all users of this machine");
    server.request();
    let output = ws(&server.url(), ["-n", "0", "--basic", "ann:s3cret"])
        .run()
        .exit_code(0);
    output.stderr_contains("-- what follows --basic can be seen by all users of this machine");
    assert_eq!(
        server.request().headers()["authorization"],
        "Basic YW5uOnMzY3JldA=="
    );
}

#[test]
fn the_curious_are_told_the_whole_handshake() {
    let server = Server::echo();
    let output = ws(&server.url(), ["-n", "0", "-v"])
        .run()
        .exit_code(0)
        .stdout("");
    output
        .stderr_contains("-- connected to 127.0.0.1:")
        .stderr_contains("-- > GET / HTTP/1.1\n")
        .stderr_contains("-- < HTTP/1.1 101 Switching Protocols\n");
}

#[test]
fn a_url_needs_no_scheme_and_no_host() {
    let server = Server::echo();
    let url = server.url();
    let short = url.strip_prefix("ws://127.0.0.1").unwrap();
    let output = ws(short, ["-m", "x"]).run().stdout("x\n").exit_code(0);
    output.stderr_contains(&format!("-- open ws://localhost{short}\n"));
    ws(url.strip_prefix("ws://").unwrap(), ["-m", "x"])
        .run()
        .stdout("x\n");
}

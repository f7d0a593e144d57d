//! The commands that look at a router, and act on it: on ours, and on what is none.

use serde_json::Value;

use super::{callee, subscriber};
use crate::support::{Output, Program, Router, Wamp, wamp};

/// The lines of JSON that a command printed.
fn records(output: &Output) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap();
    output.stdout.lines().map(parse).collect()
}

fn next_record(program: &mut Program) -> Value {
    serde_json::from_str(&program.next_line()).unwrap()
}

/// A command of ours, to this router.
fn words<const N: usize>(router: &Router, words: [&str; N]) -> Wamp {
    wamp(words).to(router.url())
}

#[test]
fn ls_lists_sessions_procedures_and_topics_a_line_each() {
    let router = Router::start();
    let _echo = callee(&router, ["com.a.echo", "--echo"]);
    let _sub = subscriber(&router, ["com.b."]);
    let all = words(&router, ["ls"]).run().exit_code(0).stderr("");
    let all = records(&all);
    let kinds: Vec<&str> = all.iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["session", "session", "session", "procedure", "topic"]
    );
    assert_eq!(
        all.iter().filter(|it| it["self"] == true).count(),
        1,
        "{all:?}"
    );

    let procedures = words(&router, ["ls", "procs"]).run().exit_code(0);
    let procedure = &records(&procedures)[0];
    assert_eq!(procedure["uri"], "com.a.echo");
    assert_eq!(
        (&procedure["match"], &procedure["callees"]),
        (&"exact".into(), &1.into())
    );
    let topics = records(&words(&router, ["ls", "topics"]).run());
    assert_eq!(
        (&topics[0]["uri"], &topics[0]["match"]),
        (&"com.b.".into(), &"prefix".into())
    );
    words(&router, ["ls", "procs", "no-such"])
        .run()
        .stdout("")
        .exit_code(0);
    let table = words(&router, ["ls", "procs", "-o", "table"])
        .run()
        .exit_code(0);
    let lines: Vec<&str> = table.stdout.lines().collect();
    assert!(
        lines[0].starts_with("procedure   match  invoke  callees  id"),
        "{table:?}"
    );
    assert!(
        lines[1].starts_with("com.a.echo  exact  single  1 "),
        "{table:?}"
    );
    words(&router, ["ls", "procs", "--tree"])
        .run()
        .stdout("└─ com\n   └─ a\n      └─ echo  1 callee\n");
    words(&router, ["ls", "--tree"]).run().exit_code(2);
}

#[test]
fn info_tells_of_a_session_a_procedure_a_topic_and_the_router() {
    let router = Router::start();
    let _echo = callee(&router, ["com.a.echo", "--echo"]);
    let _sub = subscriber(&router, ["com.a."]);
    let of_uri = words(&router, ["info", "com.a.echo"]).run().exit_code(0);
    let of_uri = records(&of_uri);
    assert_eq!(of_uri.len(), 2, "as a procedure and as a topic: {of_uri:?}");
    let session = of_uri[0]["callees"][0].as_u64().unwrap().to_string();
    let of_session = records(&words(&router, ["info", &session]).run());
    assert_eq!(of_session[0]["authrole"], "anonymous");
    let of_router = records(&words(&router, ["info"]).run());
    assert_eq!(
        (&of_router[0]["kind"], &of_router[0]["realm"]),
        (&"router".into(), &"realm1".into())
    );
    words(&router, ["info", "com.nobody"])
        .run()
        .stdout("")
        .stderr_contains("realm1 knows nothing of \"com.nobody\"")
        .exit_code(6);
}

#[test]
fn a_tree_of_nothing_is_nothing() {
    let router = Router::start();
    let topics = words(&router, ["ls", "topics", "--tree"]).run();
    topics.stdout("").stderr("-- no topics\n").exit_code(0);
}

#[test]
fn describe_says_what_a_procedure_is() {
    let router = Router::start();
    let _echo = callee(&router, ["com.a.echo", "--echo"]);
    let described = words(&router, ["describe", "com.a.echo"])
        .run()
        .exit_code(0);
    assert_eq!(records(&described)[0]["uri"], "com.a.echo");
    let error = words(&router, ["describe", "wamp.error.timeout"]).run();
    assert_eq!(
        records(&error.exit_code(0))[0]["meaning"],
        "the call took longer than its caller allowed"
    );
    let own = words(&router, ["describe", "wamp.session.count"])
        .run()
        .exit_code(0);
    assert_eq!(
        (&records(&own)[0]["kind"], &records(&own)[0]["router"]),
        (&"procedure".into(), &true.into())
    );
    words(&router, ["describe", "com.nobody"])
        .run()
        .stdout("")
        .exit_code(6);
}

#[test]
fn watch_tells_who_comes_and_goes_and_what_is_offered() {
    let router = Router::start();
    let mut watch = words(&router, ["watch"]).start();
    watch.wait_for_line("-- watching");
    let echo = callee(&router, ["com.a.echo", "--echo"]);
    let mut events = Vec::new();
    for _ in 0..3 {
        events.push(next_record(&mut watch));
    }
    let names: Vec<&str> = events
        .iter()
        .map(|it| it["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "session.on_join",
            "registration.on_create",
            "registration.on_register"
        ]
    );
    assert_eq!(events[2]["uri"], "com.a.echo");
    assert_eq!(events[0]["session"], events[2]["session"]);
    echo.interrupt();
    echo.finish();
    let unregistered = next_record(&mut watch);
    assert_eq!(
        (&unregistered["event"], &unregistered["uri"]),
        (&"registration.on_unregister".into(), &"com.a.echo".into())
    );
    watch.interrupt();
    watch.finish().exit_code(130);
}

#[test]
fn watch_shows_one_kind_and_ends_after_as_many_as_were_asked_for() {
    let router = Router::start();
    let watch = words(&router, ["watch", "topics", "-n", "1"]).start();
    watch.wait_for_line("-- watching");
    let _echo = callee(&router, ["com.a.echo", "--echo"]);
    let _sub = subscriber(&router, ["com.b"]);
    let seen = records(&watch.finish().exit_code(0));
    assert_eq!(
        (&seen[0]["event"], &seen[0]["uri"]),
        (&"subscription.on_create".into(), &"com.b".into())
    );
}

#[test]
fn kill_ends_the_sessions_that_are_meant_and_says_how_many() {
    let router = Router::start();
    let echo = callee(&router, ["com.a.echo", "--echo"]);
    let info = records(&words(&router, ["info", "com.a.echo"]).run());
    let session = info[0]["callees"][0].as_u64().unwrap().to_string();
    let kill = |words: &[&str]| wamp(["kill"]).args(words).to(router.url()).run();
    kill(&[&session, "--message", "moved"])
        .stdout("")
        .stderr_contains("--yes")
        .exit_code(2);
    kill(&[&session, "--message", "moved", "--yes"])
        .stdout("1\n")
        .exit_code(0);
    echo.finish().stderr_contains("moved").exit_code(7);
    kill(&[&session, "--yes"])
        .stderr_contains("wamp.error.no_such_session")
        .exit_code(6);
    let echoes = ["com.b", "com.c"].map(|uri| callee(&router, [uri, "--echo"]));
    kill(&["--by-authrole", "nobody", "--yes"]).stdout("0\n");
    kill(&["--by-authid", "nobody", "--yes"]).stdout("0\n");
    kill(&["--by-authrole", "anonymous", "--yes"]).stdout("2\n");
    for echo in echoes {
        echo.finish().exit_code(7);
    }
    kill(&["--all", "--yes"]).stdout("0\n");
    kill(&["--yes"])
        .exit_code(2)
        .stderr_contains("--by-authid NAME");
}

#[test]
fn wait_ends_once_a_procedure_is_offered_or_a_topic_heard() {
    let router = Router::start();
    let waits = [
        words(&router, ["wait", "com.a", "-v"]).start(),
        words(&router, ["wait", "--topic", "com.a", "-v"]).start(),
    ];
    for wait in &waits {
        wait.wait_for_line("-- waiting for \"com.a\"");
    }
    let _echo = callee(&router, ["com.a", "--echo"]);
    let _sub = subscriber(&router, ["com."]);
    for wait in waits {
        wait.finish().stdout("").exit_code(0);
    }
    words(&router, ["wait", "com.a"]).run().exit_code(0);
    words(&router, ["wait", "com.b", "-T", "50ms"])
        .run()
        .stderr_contains("\"com.b\" did not come within 50ms")
        .exit_code(5);
}

#[test]
fn wait_waits_for_the_router_itself() {
    // Nothing listens there any more, and nothing else has got the port yet.
    let gone = Router::start();
    let url = gone.url().to_owned();
    gone.interrupt();
    let wait = wamp(["wait", "sum", "-u", &url]).start();
    wait.wait_for_line("trying again");
    let port = url
        .trim_start_matches("ws://127.0.0.1:")
        .trim_end_matches("/ws");
    let listen = format!("127.0.0.1:{port}");
    let router = wamp(["router", "--demo", "--listen", &listen]).start();
    router.wait_for_line("ws://");
    wait.finish().exit_code(0);
}

#[test]
fn ping_times_each_answer() {
    let router = Router::start();
    let ping = words(&router, ["ping", "-n", "3", "--every", "0"])
        .run()
        .exit_code(0);
    let times = records(&ping);
    assert_eq!(times.len(), 3);
    assert!(
        times.iter().all(|it| it["rtt_ms"].as_f64().unwrap() > 0.0),
        "{times:?}"
    );
    ping.stderr_contains("-- 3 answers in ");
}

#[test]
fn doctor_passes_every_stage_of_a_good_way() {
    let router = Router::start();
    let doctor = words(&router, ["doctor"]).run().exit_code(0);
    let stages = records(&doctor);
    let names: Vec<&str> = stages
        .iter()
        .map(|it| it["stage"].as_str().unwrap())
        .collect();
    let expected = [
        "dns",
        "tcp",
        "upgrade",
        "subprotocol",
        "hello",
        "welcome",
        "features",
        "features",
        "answer",
        "meta api",
    ];
    assert_eq!(names, expected);
    assert!(stages.iter().all(|it| it["ok"] == true), "{stages:?}");
}

#[test]
fn doctor_goes_the_way_of_a_rawsocket_too() {
    let router = Router::start();
    let url = router.url().replace("ws://", "tcp://").replace("/ws", "");
    let doctor = wamp(["doctor", "-u", &url]).run().exit_code(0);
    let stages = records(&doctor);
    let names: Vec<&str> = stages
        .iter()
        .map(|it| it["stage"].as_str().unwrap())
        .collect();
    assert_eq!(names[..3], ["rawsocket", "hello", "welcome"]);
    let gone = wamp(["doctor", "-u", "tcp://127.0.0.1:1"])
        .run()
        .exit_code(3);
    assert_eq!(records(&gone)[0]["stage"], "tcp", "{gone:?}");
}

#[test]
fn doctor_names_the_stage_that_fails_why_and_what_would_help() {
    let router = Router::start_with(["--demo"]);
    let echo_url = router.url().replace("/ws", "/echo");
    let page_url = router.url().replace("/ws", "/nothing");
    for (url, realm, stage, hint, code) in [
        (
            "ws://no-such-host.invalid/ws",
            "realm1",
            "dns",
            "name another router",
            3,
        ),
        (
            "ws://127.0.0.1:1/ws",
            "realm1",
            "tcp",
            "start one: wamp router --listen :1",
            3,
        ),
        (
            page_url.as_str(),
            "realm1",
            "upgrade",
            "is the path right?",
            3,
        ),
        (
            router.url(),
            "nowhere",
            "welcome",
            "name another with -R",
            4,
        ),
    ] {
        let doctor = wamp(["doctor", "-u", url, "-R", realm]).run();
        let last = records(&doctor).pop().unwrap();
        assert_eq!(
            (&last["stage"], &last["ok"]),
            (&stage.into(), &false.into()),
            "{doctor:?}"
        );
        doctor
            .stderr_contains("error: ")
            .stderr_contains(hint)
            .exit_code(code);
    }
    let raw = wamp(["doctor", "-u", &echo_url]).run().exit_code(3);
    let last = records(&raw).pop().unwrap();
    assert_eq!(last["stage"], "welcome", "an echo is no router: {raw:?}");
    raw.stderr_contains("or a raw WebSocket?");
}

#[test]
fn probe_speaks_as_nagios_does() {
    let router = Router::start();
    let probe = |words: &[&str]| wamp(["probe"]).args(words).to(router.url()).run();
    let ok = probe(&[]).exit_code(0).stderr("");
    assert!(ok.stdout.starts_with("WAMP OK - joined in "), "{ok:?}");
    assert!(ok.stdout.contains(" | join=0."), "{ok:?}");
    assert!(
        ok.stdout
            .contains(" sessions=1;;;0 procedures=0;;;0 topics=0;;;0\n"),
        "{ok:?}"
    );
    probe(&["--warn", "1ns"])
        .stdout_contains("WAMP WARNING - ")
        .exit_code(1);
    probe(&["--warn", "1ns", "--crit", "1ns"])
        .stdout_contains("WAMP CRITICAL - ")
        .exit_code(2);
    probe(&["--proc", "com.x"])
        .stdout_contains("WAMP CRITICAL - nobody offers com.x | ")
        .exit_code(2);
    probe(&["-R", "nowhere"])
        .stdout_contains("WAMP CRITICAL - the router at ")
        .exit_code(2);
    probe(&["--secret-file", "/no/such/file", "--authid", "x"])
        .stdout_contains("WAMP UNKNOWN - cannot read /no/such/file")
        .exit_code(3);
    wamp(["probe", "--no-such-flag"])
        .run()
        .stdout("")
        .exit_code(3);
}

#[test]
fn probe_speaks_as_prometheus_does() {
    let router = Router::start();
    let up = words(&router, ["probe", "--prometheus"]).run().exit_code(0);
    let up = up.stdout_contains("# TYPE wamp_up gauge\nwamp_up 1\n");
    up.stdout_contains("\nwamp_sessions 1\n")
        .stdout_contains("\nwamp_answer_seconds 0.");
    let down = wamp(["probe", "--prometheus", "-u", "ws://127.0.0.1:1/ws"]).run();
    assert!(down.stdout.ends_with("wamp_up 0\n"), "{down:?}");
    down.exit_code(2);
}

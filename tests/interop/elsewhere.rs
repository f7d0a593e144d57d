//! Our four commands on a router that nobody here wrote: Crossbar.io.
//!
//! One Crossbar.io serves all tests: each has URIs of its own.

use serde_json::{Value, json};

use crate::crossbar;
use crate::peer::{Library::AutobahnPython, SERIALIZERS};
use crate::support::{Wamp, wamp};

/// Prepares one of our commands with a serializer and a URI.
fn command(name: &str, serializer: &str, uri: &str) -> Wamp {
    wamp([name, "-s", serializer, uri]).to(crossbar::url())
}

#[test]
fn wamp_call_reaches_wamp_register_through_crossbar() {
    for callee in SERIALIZERS {
        let uri = format!("com.elsewhere.call.{callee}");
        let registered = command("register", callee, &uri).arg("--echo").start();
        registered.wait_for_line(&format!("registered {uri:?}"));
        for caller in SERIALIZERS {
            let echoed = command("call", caller, &uri)
                .args(["grün", "2.5", "-7", "k=v", r#"b:="\u0000AAEC""#])
                .run()
                .exit_code(0);
            let expected = json!({"args": ["grün", 2.5, -7], "kwargs": {"k": "v", "b": "\0AAEC"}});
            assert_eq!(
                serde_json::from_str::<Value>(&echoed.stdout).unwrap(),
                expected,
                "{caller} to {callee}"
            );
        }
        registered.interrupt();
        registered.finish().exit_code(130);
        command("call", callee, &uri)
            .run()
            .stdout("")
            .stderr_contains("wamp.error.no_such_procedure")
            .exit_code(6);
    }
}

#[test]
fn wamp_register_answers_with_a_value_and_with_a_program_through_crossbar() {
    let value = command("register", "msgpack", "com.elsewhere.value")
        .args(["--value", r#"{"a":[1,"grün"]}"#])
        .start();
    let exec = command("register", "cbor", "com.elsewhere.exec")
        .args(["--exec", "printenv WAMP_ARG0"])
        .start();
    let broken = command("register", "json", "com.elsewhere.broken")
        .args(["--exec", "sh -c 'echo is broken >&2; exit 3'"])
        .start();
    for (program, uri) in [(&value, "value"), (&exec, "exec"), (&broken, "broken")] {
        program.wait_for_line(&format!("registered \"com.elsewhere.{uri}\""));
    }
    for caller in SERIALIZERS {
        command("call", caller, "com.elsewhere.value")
            .run()
            .stdout("{\"a\":[1,\"grün\"]}\n")
            .exit_code(0);
        command("call", caller, "com.elsewhere.exec")
            .arg("42")
            .run()
            .stdout("42\n")
            .exit_code(0);
        let refused = command("call", caller, "com.elsewhere.broken")
            .run()
            .stdout("")
            .exit_code(1);
        refused
            .stderr_contains("wamp.error.runtime_error")
            .stderr_contains("is broken");
    }
}

#[test]
fn wamp_sub_hears_wamp_pub_through_crossbar() {
    for subscriber in SERIALIZERS {
        let prefix = format!("com.elsewhere.pub.{subscriber}.");
        let topic = format!("{prefix}news");
        let mut heard = command("sub", subscriber, &prefix)
            .args(["-n", "3"])
            .start();
        heard.wait_for_line(&format!("subscribed prefix {prefix:?}"));
        for publisher in SERIALIZERS {
            command("pub", publisher, &topic)
                .args(["grün", "7", "k=v", r#"b:="\u0000AAEC""#])
                .run()
                .stdout("")
                .exit_code(0);
            let event: Value = serde_json::from_str(&heard.next_line()).unwrap();
            let who = format!("{publisher} to {subscriber}");
            assert_eq!(
                (&event["topic"], &event["args"]),
                (&json!(topic), &json!(["grün", 7])),
                "{who}"
            );
            assert_eq!(event["kwargs"], json!({"k": "v", "b": "\0AAEC"}), "{who}");
            assert!(event["publication"].is_u64(), "{who}: {event}");
        }
        heard.finish().exit_code(0);
    }
}

#[test]
fn our_four_commands_meet_autobahn_python_on_crossbar() {
    for serializer in SERIALIZERS {
        let uri = |name: &str| format!("com.elsewhere.python.{serializer}.{name}");
        let mut peer = AutobahnPython.join(crossbar::url(), serializer);
        peer.register(&uri("sum"), "sum");
        peer.register(&uri("refuse"), "refuse");
        peer.subscribe(&uri("ours"), "exact");
        let registered = command("register", serializer, &uri("echo"))
            .arg("--echo")
            .start();
        registered.wait_for_line("registered");
        let mut heard = command("sub", serializer, &uri("theirs"))
            .args(["-n", "1"])
            .start();
        heard.wait_for_line("subscribed exact");

        command("call", serializer, &uri("sum"))
            .args(["3", "5"])
            .run()
            .stdout("8\n")
            .exit_code(0);
        let refused = command("call", serializer, &uri("refuse"))
            .args(["closed", "why=late"])
            .run()
            .exit_code(1);
        refused
            .stderr_contains("com.example.refused")
            .stderr_contains("closed")
            .stderr_contains("late");
        let (args, kwargs) = (json!([1, "x", "\0AAEC"]), json!({"k": [null]}));
        assert_eq!(
            peer.call(&uri("echo"), &args, &kwargs),
            json!({"args": args, "kwargs": kwargs})
        );
        command("pub", serializer, &uri("ours"))
            .args(["1", "k=v"])
            .run()
            .exit_code(0);
        let event = peer.event();
        assert_eq!(
            (&event["args"], &event["kwargs"]),
            (&json!([1]), &json!({"k": "v"}))
        );
        let publication = peer.publish(&uri("theirs"), &args, &kwargs);
        let event: Value = serde_json::from_str(&heard.next_line()).unwrap();
        assert_eq!(
            (&event["args"], &event["kwargs"], &event["publication"]),
            (&args, &kwargs, &json!(publication))
        );
        heard.finish().exit_code(0);
        peer.leave();
    }
}

#[test]
fn crossbar_refuses_a_realm_that_it_does_not_know() {
    let refused = command("call", "json", "com.elsewhere.realm")
        .args(["-R", "nowhere"])
        .run();
    refused.stdout("").stderr_contains("nowhere").exit_code(4);
}

#[test]
fn partial_results_and_filters_work_through_crossbar() {
    for serializer in SERIALIZERS {
        let uri = |name: &str| format!("com.elsewhere.parts.{serializer}.{name}");
        let lines = command("register", serializer, &uri("lines"))
            .args(["--exec", "printf '1\\ntwo\\n'", "--out", "lines"])
            .start();
        let range = command("register", serializer, &uri("range"))
            .args(["--jq", "range($args[0])"])
            .start();
        for program in [&lines, &range] {
            program.wait_for_line("registered");
        }
        for caller in SERIALIZERS {
            let call = |name: &str, words: &[&str]| {
                command("call", caller, &uri(name))
                    .args(words)
                    .run()
                    .exit_code(0)
            };
            call("lines", &["--progress"]).stdout("1\n\"two\"\n");
            call("lines", &[]).stdout("[1,\"two\"]\n");
            call("range", &["2", "--progress"]).stdout("0\n1\n");
            call("range", &["3", "--jq", "add"]).stdout("3\n");
        }
    }
}

#[test]
fn a_call_through_crossbar_is_cancelled() {
    let uri = "com.elsewhere.slow";
    let slow = command("register", "cbor", uri)
        .args(["--exec", "sleep 600", "-vv"])
        .start();
    slow.wait_for_line("registered");
    for mode in ["kill", "killnowait"] {
        let call = command("call", "json", uri).args(["--cancel", mode, "-T", "500ms", "-vv"]);
        call.run()
            .exit_code(5)
            .stderr_contains(&format!("> CANCEL [49,1,{{\"mode\":\"{mode}\"}}]"))
            .stderr_contains("< ERROR [8,48,1,{},\"wamp.error.canceled\"");
    }
    slow.wait_for_lines("< INTERRUPT", 2);
}

#[test]
fn a_stream_of_events_goes_through_crossbar_to_whom_it_is_meant() {
    let topic = "com.elsewhere.stream";
    let start = || {
        let sub = command("sub", "msgpack", topic)
            .args(["-n", "1", "-v", "--data"])
            .start();
        sub.wait_for_line("subscribed");
        let joined = sub.wait_for_line("as session ");
        let (_, behind) = joined.split_once("as session ").unwrap();
        let id = behind.split_once(' ').unwrap().0.to_owned();
        (sub, id)
    };
    let ((ann, ann_id), (bob, bob_id)) = (start(), start());
    let publish = |flags: &[&str], input: &str| {
        let publish = wamp(["pub", "--each", "json"])
            .args(flags)
            .to(crossbar::url());
        publish.stdin(input).run().stdout("").exit_code(0);
    };
    publish(
        &["--eligible", &ann_id],
        "{\"topic\":\"com.elsewhere.stream\",\"args\":[1]}\n",
    );
    let both = format!("{ann_id},{bob_id}");
    publish(&["--eligible", &both, "--exclude", &ann_id, topic], "2\n");
    ann.finish().exit_code(0).stdout("1\n");
    bob.finish().exit_code(0).stdout("2\n");
}

#[test]
fn crossbar_keeps_an_event_and_gives_a_procedure_to_who_forces_it() {
    let topic = "com.elsewhere.kept";
    command("pub", "json", topic)
        .args(["old", "--retain"])
        .run()
        .exit_code(0);
    let retained = command("sub", "cbor", topic).args(["--retained", "-n", "1", "--data"]);
    retained.run().stdout("\"old\"\n").exit_code(0);
    let uri = "com.elsewhere.forced";
    let first = command("register", "json", uri)
        .args(["--value", "1"])
        .start();
    first.wait_for_line("registered");
    let second = command("register", "json", uri)
        .args(["--value", "2", "--force"])
        .start();
    second.wait_for_line("registered");
    command("call", "json", uri)
        .run()
        .stdout("2\n")
        .exit_code(0);
    command("call", "json", "com.elsewhere.late")
        .args(["--wait-for", "100ms"])
        .run()
        .exit_code(5);
}

#[test]
fn that_crossbar_remembers_no_events_is_said_so() {
    let sub =
        command("sub", "json", "com.elsewhere.forgotten").args(["--last", "3", "--for", "100ms"]);
    let sub = sub.run().stdout("").exit_code(0);
    sub.stderr_contains("no earlier events of \"com.elsewhere.forgotten\"");
}

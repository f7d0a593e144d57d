//! Our four commands meet other people's libraries on our router, each with every serializer.

use serde_json::{Value, json};

use crate::peer::{
    Library::{self, AutobahnJs, AutobahnPython, Wampy},
    SERIALIZERS,
};
use crate::support::{Program, Router, wamp};

#[test]
fn wamp_call_reaches_autobahn_python() {
    call_reaches(AutobahnPython);
}

#[test]
fn wamp_call_reaches_autobahn_js() {
    call_reaches(AutobahnJs);
}

#[test]
fn wamp_call_reaches_wampy() {
    call_reaches(Wampy);
}

#[test]
fn autobahn_python_calls_what_wamp_register_offers() {
    calls_what_we_register(AutobahnPython);
}

#[test]
fn autobahn_js_calls_what_wamp_register_offers() {
    calls_what_we_register(AutobahnJs);
}

#[test]
fn wampy_calls_what_wamp_register_offers() {
    calls_what_we_register(Wampy);
}

#[test]
fn autobahn_python_hears_wamp_pub() {
    hears_pub(AutobahnPython);
}

#[test]
fn autobahn_js_hears_wamp_pub() {
    hears_pub(AutobahnJs);
}

#[test]
fn wampy_hears_wamp_pub() {
    hears_pub(Wampy);
}

#[test]
fn wamp_sub_hears_autobahn_python() {
    sub_hears(AutobahnPython);
}

#[test]
fn wamp_sub_hears_autobahn_js() {
    sub_hears(AutobahnJs);
}

#[test]
fn wamp_sub_hears_wampy() {
    sub_hears(Wampy);
}

#[track_caller]
fn call_reaches(library: Library) {
    let router = Router::start();
    let mut callees = library.join_with_each(router.url());
    for (theirs, callee) in &mut callees {
        for behaviour in ["sum", "echo", "refuse"] {
            callee.register(&format!("com.example.{theirs}.{behaviour}"), behaviour);
        }
        for ours in SERIALIZERS {
            let call = |behaviour: &str, args: &[&str]| {
                let procedure = format!("com.example.{theirs}.{behaviour}");
                wamp(["call", "-s", ours, &procedure])
                    .args(args)
                    .to(router.url())
                    .run()
            };
            call("sum", &["3", "5"]).stdout("8\n").exit_code(0);
            let echoed = call(
                "echo",
                &[
                    "grün",
                    "2.5",
                    "null",
                    r#""\u0000AAEC""#,
                    "k=v",
                    r#"l:=[1,{"m":{}}]"#,
                ],
            )
            .exit_code(0);
            let expected = json!({"args": ["grün", 2.5, null, "\0AAEC"], "kwargs": {"k": "v", "l": [1, {"m": {}}]}});
            assert_eq!(
                serde_json::from_str::<Value>(&echoed.stdout).unwrap(),
                expected,
                "{ours} to {theirs}"
            );
            let refused = call("refuse", &["closed", "7", "why=late"])
                .stdout("")
                .exit_code(1);
            refused
                .stderr_contains("com.example.refused")
                .stderr_contains("closed")
                .stderr_contains("7")
                .stderr_contains("late");
        }
    }
    for (_, callee) in callees {
        callee.leave();
    }
}

#[track_caller]
fn calls_what_we_register(library: Library) {
    let router = Router::start();
    let register = |serializer: &str, procedure: &str, offer: &[&str]| {
        let program = wamp(["register", "-s", serializer, procedure])
            .args(offer)
            .to(router.url())
            .start();
        program.wait_for_line(&format!("registered {procedure:?}"));
        program
    };
    let echo = |serializer| {
        let procedure = format!("com.example.echo.{serializer}");
        register(serializer, &procedure, &["--echo"])
    };
    let mut ours: Vec<Program> = SERIALIZERS.map(echo).into();
    ours.push(register(
        "msgpack",
        "com.example.value",
        &["--value", r#"{"a":[1,"grün"]}"#],
    ));
    ours.push(register("cbor", "com.example.cat", &["--exec", "cat"]));
    ours.push(register(
        "json",
        "com.example.broken",
        &["--exec", "sh -c 'echo is broken >&2; exit 3'"],
    ));

    for (theirs, mut peer) in library.join_with_each(router.url()) {
        let (args, kwargs) = (
            json!([1, "grün", null, "\0AAEC", [true]]),
            json!({"k": {"deep": [2.5]}}),
        );
        for serializer in SERIALIZERS {
            let result = peer.call(&format!("com.example.echo.{serializer}"), &args, &kwargs);
            assert_eq!(
                result,
                json!({"args": args, "kwargs": kwargs}),
                "{theirs} to {serializer}"
            );
        }
        let result = peer.call("com.example.value", &json!([]), &json!({}));
        assert_eq!(
            result,
            json!({"args": [{"a": [1, "grün"]}], "kwargs": {}}),
            "{theirs}"
        );
        let result = peer.call("com.example.cat", &json!(["x"]), &json!({"k": 1}));
        let request = &result["args"][0];
        assert_eq!(
            (&request["args"], &request["kwargs"]),
            (&json!(["x"]), &json!({"k": 1})),
            "{theirs}: {result}"
        );
        let result = peer.call("com.example.broken", &json!([]), &json!({}));
        assert_eq!(
            result["error"], "wamp.error.runtime_error",
            "{theirs}: {result}"
        );
        assert!(
            result.to_string().contains("is broken"),
            "{theirs}: {result}"
        );
        peer.leave();
    }
    for program in ours {
        program.interrupt();
        program.finish().stdout("").exit_code(130);
    }
}

#[track_caller]
fn hears_pub(library: Library) {
    let router = Router::start();
    let mut subscribers = library.join_with_each(router.url());
    for (_, subscriber) in &mut subscribers {
        subscriber.subscribe("com.example.news", "exact");
        subscriber.subscribe("com.exa", "prefix");
    }
    for ours in SERIALIZERS {
        let args = [
            "grün",
            "7",
            r#""\u0000AAEC""#,
            "k=v",
            r#"deep:={"list":[true]}"#,
        ];
        wamp(["pub", "-s", ours, "com.example.news"])
            .args(args)
            .to(router.url())
            .run()
            .stdout("")
            .exit_code(0);
        wamp(["pub", "-s", ours, "com.other"])
            .to(router.url())
            .run()
            .exit_code(0);
        for (theirs, subscriber) in &mut subscribers {
            let events = subscriber.events(2);
            assert_eq!(
                events[0]["publication"], events[1]["publication"],
                "{ours} to {theirs}"
            );
            for (event, policy) in events.iter().zip(["exact", "prefix"]) {
                assert_eq!(
                    (&event["match"], &event["topic"]),
                    (&json!(policy), &json!("com.example.news"))
                );
                assert_eq!(
                    event["args"],
                    json!(["grün", 7, "\0AAEC"]),
                    "{ours} to {theirs}"
                );
                assert_eq!(
                    event["kwargs"],
                    json!({"k": "v", "deep": {"list": [true]}}),
                    "{ours} to {theirs}"
                );
            }
        }
    }
    for (_, subscriber) in subscribers {
        subscriber.leave();
    }
}

#[track_caller]
fn sub_hears(library: Library) {
    let router = Router::start();
    let mut ours = Vec::new();
    for serializer in SERIALIZERS {
        let patterns = [
            (
                "com.example.news",
                r#"exact "com.example.news""#,
                vec!["com.example.news"],
            ),
            (
                "com.example.*",
                r#"prefix "com.example.""#,
                vec!["com.example.news", "com.example.newest.of.all"],
            ),
            (
                "com.*.news",
                r#"wildcard "com..news""#,
                vec!["com.example.news", "com.other.news"],
            ),
        ];
        for (pattern, note, topics) in patterns {
            let count = (topics.len() * SERIALIZERS.len()).to_string();
            let program = wamp(["sub", "-s", serializer, "-n", &count, pattern])
                .to(router.url())
                .start();
            program.wait_for_line(&format!("subscribed {note}"));
            ours.push((serializer, pattern, topics, program));
        }
    }
    let (args, kwargs) = (
        json!(["grün", 1, null, "\0AAEC"]),
        json!({"deep": {"list": [true]}}),
    );
    for (theirs, mut publisher) in library.join_with_each(router.url()) {
        for topic in [
            "com.example.news",
            "com.example.newest.of.all",
            "com.other.news",
            "com.other.thing",
        ] {
            let publication = publisher.publish(topic, &args, &kwargs);
            for (serializer, pattern, topics, program) in &mut ours {
                if topics.contains(&topic) {
                    let event: Value = serde_json::from_str(&program.next_line()).unwrap();
                    let who = format!("{pattern} over {serializer}, published over {theirs}");
                    assert_eq!(
                        (&event["topic"], &event["publication"]),
                        (&json!(topic), &json!(publication)),
                        "{who}"
                    );
                    assert_eq!(
                        (&event["args"], &event["kwargs"]),
                        (&args, &kwargs),
                        "{who}"
                    );
                }
            }
        }
        publisher.leave();
    }
    for (_, _, topics, program) in ours {
        let output = program.finish().exit_code(0);
        assert_eq!(
            output.stdout.lines().count(),
            topics.len() * SERIALIZERS.len()
        );
    }
}

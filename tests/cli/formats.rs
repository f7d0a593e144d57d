//! `-o`, `--bin`, `--full`, and errors as JSON.

use super::{callee, publish, subscriber};
use crate::support::{Output, Router, wamp};

#[track_caller]
fn echoed(router: &Router, words: &[&str]) -> Output {
    wamp(["call", "echo"]).args(words).to(router.url()).run()
}

#[test]
fn every_format_shows_the_same_data() {
    let router = Router::start();
    let _echo = callee(&router, ["echo", "--echo"]);
    let value = "[{\"id\":1,\"name\":\"a b\"},{\"id\":2.0,\"tags\":[true,null]}]";
    for (format, shown) in [
        (
            "json",
            "[{\"id\":1,\"name\":\"a b\"},{\"id\":2.0,\"tags\":[true,null]}]\n",
        ),
        (
            "yaml",
            "---\n- id: 1\n  name: a b\n- id: 2.0\n  tags:\n    - true\n    - null\n",
        ),
        (
            "table",
            "id   name  tags\n1    a b\n2.0        [true, null]\n",
        ),
        (
            "raw",
            "[{\"id\":1,\"name\":\"a b\"},{\"id\":2.0,\"tags\":[true,null]}]\n",
        ),
        (
            "hex",
            "5b7b226964223a312c226e616d65223a22612062227d2c7b226964223a322e302c2274616773223a5b747275652c6e756c6c5d7d5d\n",
        ),
        ("none", ""),
    ] {
        echoed(&router, &[value, "-o", format])
            .stdout(shown)
            .exit_code(0);
    }
}

#[test]
fn binary_data_is_shown_as_it_is_wanted() {
    let router = Router::start();
    let _echo = callee(&router, ["echo", "--echo"]);
    for (flags, shown) in [
        (&[][..], "\"\\u0000aMOp\"\n"),
        (&["--bin", "hex"], "\"68c3a9\"\n"),
        (&["--bin", "base64"], "\"aMOp\"\n"),
        (&["--bin", "utf8"], "\"hé\"\n"),
        (&["-o", "hex"], "68c3a9\n"),
        (&["-o", "yaml"], "---\n!!binary \"aMOp\"\n"),
        (&["--bin", "hex", "-r"], "68c3a9\n"),
    ] {
        echoed(&router, &[&["@hex:68c3a9"], flags].concat()).stdout(shown);
    }
}

#[test]
fn full_shows_args_and_kwargs_whatever_they_hold() {
    let router = Router::start();
    let _echo = callee(&router, ["echo", "--echo"]);
    echoed(&router, &["--full"]).stdout("{\"args\":[],\"kwargs\":{}}\n");
    echoed(&router, &["1", "--full"]).stdout("{\"args\":[1],\"kwargs\":{}}\n");
}

#[test]
fn events_take_every_format_and_end_as_is_wanted() {
    let router = Router::start();
    let data = subscriber(&router, ["t", "-n", "2", "--data", "--null"]);
    let yaml = subscriber(&router, ["t", "-n", "1", "--data", "-o", "yaml"]);
    let raw = subscriber(&router, ["t", "-n", "1", "-r"]);
    publish(&router, ["t", "a\nb"]);
    publish(&router, ["t"]);
    data.finish().exit_code(0).stdout("\"a\\nb\"\0null\0");
    yaml.finish().exit_code(0).stdout("---\n\"a\\nb\"\n");
    raw.finish().exit_code(0).stdout("a\nb\n");
}

#[test]
fn errors_are_one_line_of_json_where_that_is_wanted() {
    let router = Router::start();
    let filter = "{\"$error\":\"com.x\",\"args\":[1],\"kwargs\":{\"b\":\"é\"}}";
    let _callee = callee(&router, ["x", "--jq", filter]);
    let error = |words: &[&str]| {
        let output = wamp(words).arg("--json-errors").run().stdout("");
        let error: serde_json::Value = serde_json::from_str(&output.stderr).unwrap();
        assert_eq!(error["code"], output.code, "{}", output.stderr);
        error
    };
    let url = router.url();
    let of_callee = error(&["call", "-u", url, "x"]);
    assert_eq!(of_callee["code"], 1);
    assert_eq!(of_callee["uri"], "com.x");
    assert_eq!(of_callee["args"], serde_json::json!([1]));
    assert_eq!(of_callee["kwargs"], serde_json::json!({"b": "é"}));
    let of_router = error(&["call", "-u", url, "nope"]);
    assert_eq!(of_router["uri"], "wamp.error.no_such_procedure");
    assert!(of_router["hint"].is_string());
    for words in [
        &["call"][..],
        &["call", "x", "[1"],
        &["call", "x", "--no-such-flag"],
    ] {
        let usage = error(words);
        assert_eq!(
            (&usage["code"], &usage["uri"]),
            (&2.into(), &serde_json::Value::Null)
        );
    }
}

#[test]
fn trace_shows_every_message_and_when() {
    let router = Router::start_with(["--demo"]);
    let call = wamp(["call", "sum", "3", "5", "--trace"])
        .to(router.url())
        .run();
    let call = call
        .stdout("8\n")
        .stderr_contains("s > CALL [48,1,{},\"sum\",[3,5]]");
    let times: Vec<f64> = call
        .stderr
        .lines()
        .map(|line| line.split_once("s ").unwrap().0.trim().parse().unwrap())
        .collect();
    assert!(times.len() >= 6 && times.is_sorted(), "{}", call.stderr);
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let router = Router::start_with(["--demo"]);
    let line = format!(
        "exec '{}' call -u '{}' sum 3 5 >/dev/full",
        env!("CARGO_BIN_EXE_wamp"),
        router.url()
    );
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &line]);
    let output = crate::support::Program::start(command)
        .finish()
        .exit_code(9);
    output.stderr_contains("error: cannot write to stdout: ");
}

//! What words mean, on their way to a callee and back.

use super::callee;
use crate::support::{Router, wamp};

/// Words, and what an echo of them prints.
const WORDS: &[(&[&str], &str)] = &[
    (&["3"], "3"),
    (&["-3"], "-3"),
    (&["3.0"], "3.0"),
    (&["-2.5"], "-2.5"),
    (&["0.1"], "0.1"),
    (&["18446744073709551615"], "18446744073709551615"),
    (&["-9223372036854775808"], "-9223372036854775808"),
    (&["--", "-1e-5"], "-0.00001"),
    (&["true"], "true"),
    (&["null"], "null"),
    (&["hello"], "\"hello\""),
    (&["007"], "\"007\""),
    (&["True"], "\"True\""),
    (&["nan"], "\"nan\""),
    (&["\"3\""], "\"3\""),
    (&["@str:3"], "\"3\""),
    (&["@@x"], "\"@x\""),
    (&["größe"], "\"größe\""),
    (&["[1,[2.0,{\"a\":null}]]"], "[1,[2.0,{\"a\":null}]]"),
    (&["@hex:00ff"], "\"\\u0000AP8=\""),
    (&["\"\\u0000AP8=\""], "\"\\u0000AP8=\""),
    (&["{\"b\":\"\\u0000AP8=\"}"], "{\"b\":\"\\u0000AP8=\"}"),
    (&["a=1"], "{\"a\":1}"),
    (&["a=b=c"], "{\"a\":\"b=c\"}"),
    (&["dGVzdA=="], "\"dGVzdA==\""),
    (&["a>=3"], "\"a>=3\""),
    (&["http://h/?a=b"], "\"http://h/?a=b\""),
    (&["@str:a=b"], "\"a=b\""),
    (&["t:=[1]"], "{\"t\":[1]}"),
    (&["-k", "x-y=1"], "{\"x-y\":1}"),
    (
        &["1", "two", "k=3"],
        "{\"args\":[1,\"two\"],\"kwargs\":{\"k\":3}}",
    ),
    (&["1", "2"], "[1,2]"),
];

#[test]
fn words_come_back_as_what_they_were_typed() {
    let router = Router::start();
    let _echo = callee(&router, ["echo", "--echo"]);
    for serializer in ["json", "msgpack", "cbor"] {
        for (words, printed) in WORDS {
            let call = wamp(["call", "-s", serializer, "echo"]).args(*words);
            let output = call.to(router.url()).run().exit_code(0);
            assert_eq!(
                output.stdout.trim_end(),
                *printed,
                "{words:?} over {serializer}"
            );
        }
    }
}

#[test]
fn nothing_sent_prints_nothing() {
    let router = Router::start();
    let _echo = callee(&router, ["echo", "--echo"]);
    let call = wamp(["call", "echo"]).to(router.url());
    call.run().stdout("").stderr("").exit_code(0);
}

#[test]
fn files_and_stdin_are_read_where_they_are_named() {
    let router = Router::start();
    let _echo = callee(&router, ["echo", "--echo"]);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("text"), "ü\n").unwrap();
    std::fs::write(dir.path().join("value.json"), "{\"a\": [1]}\n").unwrap();
    std::fs::write(dir.path().join("bytes"), [0, 255]).unwrap();
    let call = |word: &str| {
        let call = wamp(["call", "echo", word])
            .to(router.url())
            .dir(dir.path());
        call.env("WAMP_TEST_VALUE", "3").stdin("[1]").run()
    };
    call("@text").stdout("\"ü\\n\"\n");
    call("@json:value.json").stdout("{\"a\":[1]}\n");
    call("@bin:bytes").stdout("\"\\u0000AP8=\"\n");
    call("@-").stdout("\"[1]\"\n");
    call("@json:-").stdout("[1]\n");
    call("@env:WAMP_TEST_VALUE").stdout("\"3\"\n");
    call("x=@json:-").stdout("{\"x\":[1]}\n");
}

#[test]
fn what_looks_like_json_and_is_not_is_shown_with_a_caret() {
    let output = wamp(["call", "sum", r#"{"a":1 b}"#]).run();
    output.exit_code(2).stdout("").stderr(
        "error: this looks like JSON and is not: expected `,` or `}`\n  \
         {\"a\":1 b}\n         ^\n\
         hint: to send it as text, put @str: in front\n",
    );
}

#[test]
fn whole_numbers_over_64_bits_are_refused_with_the_way_out() {
    for word in ["99999999999999999999", "[{\"a\":99999999999999999999}]"] {
        let output = wamp(["pub", "t", word]).run().exit_code(2);
        let output = output.stderr_contains("99999999999999999999 does not fit into 64 bits");
        output.stderr_contains("as text: @str:99999999999999999999");
    }
}

#[test]
fn a_number_that_looks_like_a_flag_is_named_whole() {
    let output = wamp(["call", "sum", "-1e-5"]).run().exit_code(2);
    output.stderr_contains("'-- -1e-5'");
}

#[test]
fn a_thousand_values_come_back_as_they_were_typed_over_every_serializer() {
    use proptest::strategy::{Strategy as _, ValueTree as _};
    use proptest::test_runner::TestRunner;
    let router = Router::start();
    let _echo = callee(&router, ["echo", "--echo"]);
    let mut runner = TestRunner::deterministic();
    let lines: String = (0..1000)
        .map(|_| {
            let value = json_value().new_tree(&mut runner).unwrap().current();
            serde_json::to_string(&serde_json::json!({"args": [value]})).unwrap() + "\n"
        })
        .collect();
    let typed: Vec<serde_json::Value> = read(&lines);
    for serializer in ["json", "msgpack", "cbor"] {
        let call = [
            "call",
            "-s",
            serializer,
            "echo",
            "--each",
            "json",
            "--full",
            "--parallel",
            "16",
        ];
        let call = wamp(call).to(router.url()).stdin(lines.clone()).run();
        let printed = read(&call.exit_code(0).stdout);
        assert_eq!(printed.len(), typed.len());
        for (printed, typed) in printed.iter().zip(&typed) {
            assert_eq!(printed["args"], typed["args"], "over {serializer}");
        }
    }
}

fn read(lines: &str) -> Vec<serde_json::Value> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn json_value() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
    use proptest::prelude::*;
    use serde_json::Value;
    let text = any::<String>().prop_map(|text| text.trim_start_matches('\0').to_owned());
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 24, 4, move |inner| {
        let entries = prop::collection::btree_map(text.clone(), inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            entries.prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

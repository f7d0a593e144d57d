//! JSON's own rules.

use bytes::Bytes;

use crate::protocol::{Message, Value};
use crate::serializer::Serializer::{Json, MsgPack};
use crate::serializer::SyntaxError;

fn read(text: &str) -> Result<Value, SyntaxError> {
    read_bytes(text.as_bytes())
}

/// Reads a value, and checks that skipping it accepts as much.
fn read_bytes(text: &[u8]) -> Result<Value, SyntaxError> {
    let frame = Bytes::copy_from_slice(text);
    let value = Json.decode_value(&frame);
    let message = [b"[16,1,{},\"a\",[", text, b"]]"].concat().into();
    let is_item = !text.starts_with(b",") && !text.trim_ascii().is_empty();
    if is_item {
        assert_eq!(Json.decode(&message).is_ok(), value.is_ok(), "{text:?}");
    }
    value
}

fn written(value: impl Into<Value>) -> String {
    String::from_utf8(Json.encode_value(&value.into()).to_vec()).unwrap()
}

fn integer(number: i128) -> Value {
    Value::Integer(number)
}

fn float(number: f64) -> Value {
    Value::Float(number)
}

#[test]
fn white_space_may_stand_between_any_two_tokens() {
    let spaced = " \t\r\n[ 1 , { \"a\" : null , \"b\":[ ] } , { } ]\n ";
    assert_eq!(read(spaced), read("[1,{\"a\":null,\"b\":[]},{}]"));
    let message = b" [ 16 , 1 , { } , \"a.b\" , [ 1 , 2 ] , { } ] ";
    let Ok(Message::Publish(publish)) = Json.decode(&Bytes::from_static(message)) else {
        panic!("no PUBLISH");
    };
    assert_eq!(publish.payload.encoded(), b"[ 1 , 2 ] , { }");
}

#[test]
fn what_is_no_json_is_refused() {
    for text in [
        "",
        " ",
        "nul",
        "nulll",
        "True",
        "NaN",
        "Infinity",
        "-Infinity",
        "undefined",
        "'a'",
        "a",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "[1]]",
        "[1],",
        "[1]x",
        "{",
        "}",
        "{]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\" 1}",
        "{\"a\":1,}",
        "{,}",
        "{1:2}",
        "{a:1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1}}",
        "{\"a\"::1}",
        "\"",
        "\"a",
        "\"a\\",
        "\"\\\"",
        "\"\\x41\"",
        "\"\\a\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u+123\"",
        "\"\\U0041\"",
        "\"\u{1}\"",
        "\"\n\"",
        "\"\0\"",
        "\"\u{1f}\"",
        "[1]\0",
        "/**/1",
        "1//",
        "\u{feff}1",
        "\u{a0}1",
        "\u{c}1",
    ] {
        assert!(read(text).is_err(), "{text:?}");
    }
}

#[test]
fn numbers_are_spelled_in_one_way() {
    for text in [
        "007", "00", "-01", "+5", ".5", "5.", "-", "--1", "-.5", "1e", "1e+", "1.e1", "1.5e",
        "0x10", "1_000", "1,000", "1e1.5", "Inf", "-a", "0-1", "1-",
    ] {
        assert!(read(text).is_err(), "{text:?}");
    }
}

#[test]
fn numbers_without_fraction_and_exponent_are_integers_as_far_as_128_bits_go() {
    assert_eq!(read("0"), Ok(integer(0)));
    assert_eq!(read("-0"), Ok(integer(0)));
    assert_eq!(read("-7"), Ok(integer(-7)));
    assert_eq!(read("9007199254740993"), Ok(integer(9_007_199_254_740_993)));
    assert_eq!(read("18446744073709551615"), Ok(integer(u64::MAX.into())));
    assert_eq!(read("-9223372036854775808"), Ok(integer(i64::MIN.into())));
    assert_eq!(read(&i128::MAX.to_string()), Ok(integer(i128::MAX)));
    assert_eq!(read(&i128::MIN.to_string()), Ok(integer(i128::MIN)));
    assert_eq!(
        read("170141183460469231731687303715884105728"),
        Ok(float(2_f64.powi(127)))
    );
    for digits in 1..=38 {
        let nines = "9".repeat(digits);
        assert_eq!(read(&nines), Ok(integer(nines.parse().unwrap())));
    }
}

#[test]
fn other_numbers_are_floats() {
    assert_eq!(read("3.0"), Ok(float(3.0)));
    assert_eq!(read("1e2"), Ok(float(100.0)));
    assert_eq!(read("1E-2"), Ok(float(0.01)));
    assert_eq!(read("-1.5e+3"), Ok(float(-1500.0)));
    assert_eq!(read("5e-324"), Ok(float(5e-324)));
    assert_eq!(read("0.1"), Ok(float(0.1)));
    assert_eq!(read("1e999"), Ok(float(f64::INFINITY)));
    assert_eq!(read("1e-999"), Ok(float(0.0)));
    let Ok(Value::Float(zero)) = read("-0.0") else {
        panic!("no float");
    };
    assert!(zero == 0.0 && zero.is_sign_negative());
}

#[test]
fn floats_stay_floats_and_the_same() {
    assert_eq!(written(3.0), "3.0");
    assert_eq!(written(-0.0), "-0.0");
    assert_eq!(written(0.1), "0.1");
    assert_eq!(written(1e300), "1e300");
    assert_eq!(written(5e-324), "5e-324");
    assert_eq!(written(f64::MAX), "1.7976931348623157e308");
}

#[test]
fn numbers_that_json_does_not_have_are_written_as_null() {
    assert_eq!(written(f64::NAN), "null");
    assert_eq!(written(f64::INFINITY), "null");
    assert_eq!(written(vec![f64::NEG_INFINITY, 1.0]), "[null,1.0]");
}

#[test]
fn escapes_are_the_characters_they_stand_for() {
    assert_eq!(
        read(r#""\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC""#),
        Ok("\"\\/\u{8}\u{c}\n\r\tAé€".into())
    );
    assert_eq!(read(r#""\ud83d\ude00""#), Ok("😀".into()));
    assert_eq!(read(r#""a\u0000""#), Ok("a\0".into()));
    assert_eq!(
        read(r#"{"\u0061\n":1}"#).map(written),
        Ok(r#"{"a\n":1}"#.into())
    );
}

#[test]
fn half_of_a_surrogate_pair_is_no_character() {
    for text in [
        r#""\ud83d""#,
        r#""\ude00""#,
        r#""\ude00\ud83d""#,
        r#""\ud83d\ud83d""#,
        r#""\ud83d\u0041""#,
        r#""\ud83dx""#,
        r#""\ud83d\n""#,
        r#"{"\ud83d":1}"#,
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn invalid_utf_8_is_refused_wherever_it_stands() {
    let invalid: [&[u8]; 6] = [
        b"\xff",
        b"\x80",
        b"\xc3",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
    ];
    for bytes in invalid {
        let long = [&[b'a'; 200], bytes].concat();
        for bytes in [bytes, &long] {
            for (before, behind) in [
                ("\"", "\""),
                ("\"a", "\\n\""),
                ("\"\\n", "b\""),
                ("{\"", "\":1}"),
                ("[\"a\",\"", "\"]"),
                ("", "1"),
            ] {
                let text = [before.as_bytes(), bytes, behind.as_bytes()].concat();
                assert!(read_bytes(&text).is_err(), "{text:?}");
            }
        }
    }
    assert_eq!(read("\"é€😀\u{7f}\""), Ok("é€😀\u{7f}".into()));
}

#[test]
fn text_is_written_with_the_escapes_it_needs() {
    assert_eq!(written("a\"\\/\u{7f}é😀"), "\"a\\\"\\\\/\u{7f}é😀\"");
    assert_eq!(
        written("\u{1}\u{8}\t\n\u{b}\u{c}\r\u{1f} "),
        r#""\u0001\b\t\n\u000b\f\r\u001f ""#
    );
}

#[test]
fn commas_stand_between_items_alone() {
    let text = r#"[[],[[]],{},{"a":[],"b":{"c":1}},"[",":","{",1]"#;
    assert_eq!(read(text).map(written), Ok(text.to_owned()));
}

fn binary(bytes: &[u8]) -> Value {
    Value::Bytes(Bytes::copy_from_slice(bytes))
}

#[test]
fn binary_data_is_u0000_and_base64() {
    assert_eq!(
        written(Bytes::from_static(b"\0\x10\x83")),
        r#""\u0000ABCD""#
    );
    assert_eq!(written(Bytes::from_static(b"abcd")), r#""\u0000YWJjZA==""#);
    assert_eq!(written(Bytes::new()), r#""\u0000""#);
    assert_eq!(read(r#""\u0000YWJjZA==""#), Ok(binary(b"abcd")));
    assert_eq!(read(r#""\u0000""#), Ok(binary(b"")));
}

#[test]
fn base64_may_lack_padding_and_be_escaped() {
    assert_eq!(read(r#""\u0000YWJjZA""#), Ok(binary(b"abcd")));
    assert_eq!(read(r#""\u0000YWJjZA=""#), Ok(binary(b"abcd")));
    assert_eq!(read(r#""\u0000\/\/\/\u002f""#), Ok(binary(b"\xff\xff\xff")));
}

#[test]
fn what_is_no_base64_behind_u0000_is_refused() {
    for text in [
        r#""\u0000a""#,
        r#""\u0000abcd=""#,
        r#""\u0000ab===""#,
        r#""\u0000a=bc""#,
        r#""\u0000=""#,
        r#""\u0000ab c""#,
        r#""\u0000ab-_""#,
        r#""\u0000\u0000""#,
        r#""\u0000hé""#,
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn a_text_that_looks_like_binary_data_is_written_as_such() {
    assert_eq!(written("\0a"), written(Bytes::from_static(b"\0a")));
}

#[test]
fn keys_are_text_whatever_they_begin_with() {
    let text = r#"{"\u0000a":1}"#;
    assert_eq!(read(text).map(written), Ok(text.to_owned()));
}

#[test]
fn text_without_escapes_shares_the_frames_memory() {
    let frame = Bytes::from_static(b"\"com.example.topic\"");
    let Ok(Value::Text(text)) = Json.decode_value(&frame) else {
        panic!("no text");
    };
    assert_eq!(text.as_ptr(), frame[1..].as_ptr());
}

#[test]
fn errors_say_where() {
    assert_eq!(
        read("[1,\n 2 3]").unwrap_err().to_string(),
        "expected a comma or the end of the list or dict at byte 7"
    );
    assert_eq!(
        read("{\"a\" 1}").unwrap_err().to_string(),
        "expected a colon at byte 5"
    );
    assert_eq!(read("[1] x").unwrap_err().offset, 4);
}

#[test]
fn integers_beyond_64_bits_are_floats_in_messagepack() {
    let encoded = Bytes::from_static(b"[18446744073709551616]");
    let transcoded = Json.transcode(&encoded, MsgPack);
    assert_eq!(
        MsgPack.decode_value(&transcoded),
        Ok(vec![Value::Float(2_f64.powi(64))].into())
    );
}

//! Bytes that are to cost their reader more than they cost their writer.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{both, read_and_skip};
use crate::protocol::Value;
use crate::serializer::json::JsonReader;
use crate::serializer::levels::TOO_DEEP;
use crate::serializer::{DEPTH_MAX, DecodeError, Serializer, SyntaxError};

/// `levels` lists, one in the other.
fn nested_lists(serializer: Serializer, levels: usize) -> Bytes {
    match serializer {
        Serializer::Json => ["[".repeat(levels), "]".repeat(levels)].concat().into(),
        Serializer::MsgPack => [vec![0x91; levels - 1], vec![0x90]].concat().into(),
        Serializer::Cbor => [vec![0x81; levels - 1], vec![0x80]].concat().into(),
    }
}

/// `levels` dicts, one in the other.
fn nested_dicts(serializer: Serializer, levels: usize) -> Bytes {
    match serializer {
        Serializer::Json => ["{\"a\":".repeat(levels - 1), "{".into(), "}".repeat(levels)]
            .concat()
            .into(),
        Serializer::MsgPack => [b"\x81\xa1a".repeat(levels - 1), vec![0x80]]
            .concat()
            .into(),
        Serializer::Cbor => [b"\xa1\x61a".repeat(levels - 1), vec![0xa0]]
            .concat()
            .into(),
    }
}

#[test]
fn values_nest_as_deep_as_they_may_and_no_deeper() {
    for serializer in Serializer::ALL {
        for nested in [nested_lists, nested_dicts] {
            for depth_max in [1, 2, 63, 64] {
                let (read, skipped) =
                    read_and_skip(serializer, &nested(serializer, depth_max), depth_max);
                assert!(read.is_ok() && skipped.is_ok());

                let (read, skipped) =
                    read_and_skip(serializer, &nested(serializer, depth_max + 1), depth_max);
                assert_eq!(read.unwrap_err().expected, TOO_DEEP);
                assert_eq!(skipped.unwrap_err().expected, TOO_DEEP);
            }
        }
        let scalar = serializer.encode_value(&Value::from("no level"));
        let (read, skipped) = read_and_skip(serializer, &scalar, 0);
        assert!(read.is_ok() && skipped.is_ok());
    }
}

#[test]
fn the_list_of_the_message_is_the_first_level() {
    let publish = |levels| {
        let nested = nested_lists(Serializer::Json, levels);
        let text = format!(
            "[16,1,{{}},\"a.b\",{}]",
            std::str::from_utf8(&nested).unwrap()
        );
        Serializer::Json.decode(&text.into())
    };
    assert!(publish(63).is_ok());
    assert!(matches!(
        publish(64),
        Err(DecodeError::Syntax(SyntaxError {
            expected: TOO_DEEP,
            ..
        }))
    ));
}

#[test]
fn a_hundred_thousand_levels_fail_at_the_first_too_many() {
    for serializer in Serializer::ALL {
        for nested in [nested_lists, nested_dicts] {
            let (read, skipped) =
                read_and_skip(serializer, &nested(serializer, 100_000), DEPTH_MAX);
            assert!(read.unwrap_err().offset < 400);
            assert!(skipped.unwrap_err().offset < 400);
        }
    }
}

#[test]
fn a_hundred_thousand_tags_cost_their_bytes_alone() {
    for tag in [0xc1, 0xc2, 0xc3] {
        let tags = [vec![tag; 100_000], vec![0x41, 0x05]].concat().into();
        let (read, skipped) = read_and_skip(Serializer::Cbor, &tags, 0);
        assert_eq!(read.is_ok(), tag == 0xc1);
        assert_eq!(skipped.is_ok(), tag == 0xc1);
    }
}

/// Heads that claim lengths which nothing follows.
fn claims() -> Vec<(Serializer, Vec<u8>)> {
    let mut claims = Vec::new();
    for length in [0x7fff_ffff_u32, 0x8000_0000, 0xffff_ffff] {
        for first in [0xc6, 0xc9, 0xdb, 0xdd, 0xdf] {
            let head = [&[first], &length.to_be_bytes()[..]].concat();
            claims.push((Serializer::MsgPack, head));
        }
    }
    for length in [
        1_u64 << 31,
        (1 << 32) - 1,
        1 << 32,
        1 << 63,
        u64::MAX - 1,
        u64::MAX,
    ] {
        for major in [0x5b, 0x7b, 0x9b, 0xbb] {
            let head = [&[major], &length.to_be_bytes()[..]].concat();
            claims.push((Serializer::Cbor, head));
        }
        let chunk = [&[0x5f, 0x5b], &length.to_be_bytes()[..]].concat();
        claims.push((Serializer::Cbor, chunk));
    }
    claims
}

#[test]
fn claimed_lengths_are_believed_when_the_bytes_are_there() {
    for (serializer, head) in claims() {
        // The break is there for the greatest length, which is not to be taken for an open one.
        for behind in [&b""[..], &[0; 40], &[0xff; 40]] {
            let frame = [&head, behind].concat().into();
            let (read, skipped) = read_and_skip(serializer, &frame, DEPTH_MAX);
            assert!(
                read.is_err() && skipped.is_err(),
                "{serializer:?}: {head:x?}"
            );
        }
    }
}

#[test]
fn values_of_options_are_counted() {
    let hello = |values: usize| {
        let values = vec![Value::Null; values];
        let details = Value::Dict([("unknown", values)].into_iter().collect());
        let hello = vec![Value::from(1_u64), "realm1".into(), details];
        Serializer::MsgPack.decode(&Serializer::MsgPack.encode_value(&hello.into()))
    };
    assert!(hello(65_535).is_ok());
    assert!(hello(65_536).is_err());
}

#[test]
fn long_texts_are_read_in_linear_time() {
    let escapes = format!("\"{}\"", "\\n".repeat(1 << 20)).into();
    let binary = format!("\"\\u0000{}\"", "QUJD".repeat(1 << 20)).into();
    let spaces = format!("{}1{0}", " ".repeat(1 << 20)).into();
    #[expect(
        clippy::disallowed_methods,
        reason = "a test of time, with room for slow machines"
    )]
    let start = Instant::now();
    for frame in [escapes, binary, spaces] {
        let (read, skipped) = both(&frame, || JsonReader::new(&frame), DEPTH_MAX);
        assert!(read.is_ok() && skipped.is_ok());
    }
    assert!(start.elapsed() < Duration::from_secs(10));
}

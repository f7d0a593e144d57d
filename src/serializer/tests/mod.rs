//! What holds for every format, tried with values, messages and bytes that nobody chose.

mod any;
mod bombs;
mod messages;
mod spelling;

use proptest::collection::vec;
use proptest::prelude::*;

use super::binary::BinaryReader;
use super::cbor::Cbor;
use super::json::JsonReader;
use super::msgpack::MsgPack;
use super::*;
use crate::protocol::message::Yield;
use crate::protocol::{Payload, RequestId, YieldOptions};
use any::{any_text, values};

/// Failures are told, not kept in a file.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// What [`Reader::value`] and [`Reader::skip`] make of the same bytes, each with the bytes it read.
type Outcome = (
    Result<(Value, Bytes), SyntaxError>,
    Result<Bytes, SyntaxError>,
);

fn read_and_skip(serializer: Serializer, frame: &Bytes, depth_max: usize) -> Outcome {
    match serializer {
        Serializer::Json => both(frame, || JsonReader::new(frame), depth_max),
        Serializer::MsgPack => both(frame, || BinaryReader::<MsgPack>::new(frame), depth_max),
        Serializer::Cbor => both(frame, || BinaryReader::<Cbor>::new(frame), depth_max),
    }
}

fn both<R: Reader>(frame: &Bytes, reader: impl Fn() -> R, depth_max: usize) -> Outcome {
    let mut whole = reader();
    let start = whole.cursor().position();
    let value = whole.value(&mut Bounds::new(depth_max, usize::MAX));
    let skipped = reader().skip(depth_max);
    (
        value.map(|value| (value, frame.slice(start..whole.cursor().position()))),
        skipped.map(|(_, skipped)| frame.slice(skipped)),
    )
}

/// Fails where `skip` and `value` disagree, or where what they accept does not survive being forwarded.
fn check_any_bytes(serializer: Serializer, frame: &Bytes) {
    let _ = serializer.decode(frame);
    let (read, skipped) = read_and_skip(serializer, frame, DEPTH_MAX);
    match (read, skipped) {
        (Ok((value, extent)), Ok(skipped)) => {
            assert_eq!(extent, skipped);
            for other in Serializer::ALL {
                let encoded = other.encode_value(&value);
                let again = other.decode_value(&encoded);
                assert!(again.is_ok(), "{other:?} wrote {encoded:?}: {again:?}");
                assert_eq!(serializer.transcode(&skipped, other), encoded);
            }
        }
        (Err(_), Err(_)) => {}
        (read, skipped) => panic!("{serializer:?}: value: {read:?}, skip: {skipped:?}"),
    }
}

/// Bytes, some of them changed, taken out, put in, or cut off.
fn mutated(frame: &[u8], edits: &[(usize, u8, u8)]) -> Bytes {
    let mut frame = frame.to_vec();
    for &(position, edit, byte) in edits {
        let position = position % frame.len().max(1);
        match edit % 4 {
            0 if !frame.is_empty() => frame[position] = byte,
            1 if !frame.is_empty() => drop(frame.remove(position)),
            2 => frame.truncate(position),
            _ => frame.insert(position.min(frame.len()), byte),
        }
    }
    frame.into()
}

fn edits() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    vec((any::<usize>(), any::<u8>(), any::<u8>()), 1..4)
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn every_value_survives_every_format(value in values()) {
        for serializer in Serializer::ALL {
            let encoded = serializer.encode_value(&value);
            prop_assert_eq!(serializer.decode_value(&encoded), Ok(value.clone()), "{:?}", encoded);
        }
    }

    #[test]
    fn what_was_written_is_skipped_whole(value in values()) {
        for serializer in Serializer::ALL {
            let encoded = serializer.encode_value(&value);
            let (read, skipped) = read_and_skip(serializer, &encoded, DEPTH_MAX);
            prop_assert_eq!(read.map(|(_, extent)| extent), Ok(encoded.clone()));
            prop_assert_eq!(skipped, Ok(encoded));
        }
    }

    #[test]
    fn transcoding_writes_what_the_value_is(value in values()) {
        for from in Serializer::ALL {
            let encoded = from.encode_value(&value);
            for to in Serializer::ALL {
                prop_assert_eq!(from.transcode(&encoded, to), to.encode_value(&value));
            }
        }
    }

    #[test]
    fn any_text_is_written_as_something_that_can_be_read(text in any_text()) {
        for serializer in Serializer::ALL {
            let encoded = serializer.encode_value(&Value::from(&*text));
            let read = serializer.decode_value(&encoded).unwrap();
            let is_binary = serializer == Serializer::Json && text.starts_with('\0');
            let expected = if is_binary {
                Value::Bytes(text.clone().into())
            } else {
                Value::from(&*text)
            };
            prop_assert_eq!(read, expected);
        }
    }

    #[test]
    fn any_bytes_are_read_and_skipped_alike(bytes in vec(any::<u8>(), 0..200)) {
        for serializer in Serializer::ALL {
            check_any_bytes(serializer, &bytes.clone().into());
        }
    }

    #[test]
    fn broken_values_are_read_and_skipped_alike(value in values(), edits in edits()) {
        for serializer in Serializer::ALL {
            check_any_bytes(serializer, &mutated(&serializer.encode_value(&value), &edits));
        }
    }

    #[test]
    fn json_syntax_is_read_and_skipped_alike(
        text in r#"([\[\]{},: "]|\\u(0000|d83d|dc00)|\\[nx/"]|-|0|12|\.5|e[+-]?9|true|null|"a"|QQ=|é){0,20}"#,
    ) {
        check_any_bytes(Serializer::Json, &text.into());
    }
}

#[test]
fn one_key_twice_in_a_dict_of_the_payload_is_passed_on_as_it_came() {
    let twice: Dict = [("a", 1_u64), ("a", 2)].into_iter().collect();
    for serializer in Serializer::ALL {
        let payload = Payload::from_values(serializer, &[twice.clone().into()], &twice);
        let frame = serializer.encode(&Message::from(Yield {
            request: RequestId::FIRST,
            options: YieldOptions::default(),
            payload: payload.clone(),
        }));
        let Ok(Message::Yield(came)) = serializer.decode(&frame) else {
            panic!("{serializer:?} refuses it");
        };
        assert_eq!(came.payload, payload);
        // Of who reads it, the last counts.
        let kwargs = came.payload.kwargs().unwrap();
        assert_eq!(kwargs.get("a"), Some(&2_u64.into()));
    }
}

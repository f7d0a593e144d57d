//! What holds for every format, tried with values and bytes that nobody chose.

use proptest::collection::vec;
use proptest::prelude::*;

use super::binary::BinaryReader;
use super::cbor::Cbor;
use super::json::JsonReader;
use super::msgpack::MsgPack;
use super::*;

/// Any value that every format carries as it is.
fn values() -> impl Strategy<Value = Value> {
    let integers = prop_oneof![
        any::<i64>().prop_map(i128::from),
        any::<u64>().prop_map(i128::from),
        (-300_i128..70_000),
    ];
    let scalars = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        integers.prop_map(Value::Integer),
        finite_floats().prop_map(Value::Float),
        texts().prop_map(Value::from),
        vec(any::<u8>(), 0..80).prop_map(|bytes| Value::Bytes(bytes.into())),
    ];
    scalars.prop_recursive(6, 64, 8, |values| {
        prop_oneof![
            vec(values.clone(), 0..8).prop_map(Value::List),
            vec((any_text(), values), 0..8)
                .prop_map(|entries| Value::Dict(entries.into_iter().collect())),
        ]
    })
}

fn finite_floats() -> impl Strategy<Value = f64> {
    let whole = any::<i32>().prop_map(f64::from);
    let any_bits = any::<u64>().prop_map(f64::from_bits);
    prop_oneof![whole, any_bits].prop_filter("JSON has finite ones only", |float| float.is_finite())
}

fn any_text() -> impl Strategy<Value = String> {
    let mixed = vec(any::<char>(), 0..40).prop_map(String::from_iter);
    let escaped = "[\"\\\\/\u{0}-\u{1f}a]{0,20}";
    prop_oneof![mixed, escaped, "[a-z.]{0,300}"]
}

/// Texts that JSON can tell from binary data.
fn texts() -> impl Strategy<Value = String> {
    any_text().prop_map(|text| text.trim_start_matches('\0').to_owned())
}

/// What [`Reader::value`] and [`Reader::skip`] make of the same bytes, each with the bytes it read.
type Outcome = (
    Result<(Value, Bytes), SyntaxError>,
    Result<Bytes, SyntaxError>,
);

fn read_and_skip(serializer: Serializer, frame: &Bytes, depth_max: usize) -> Outcome {
    match serializer {
        Serializer::Json => both(|| JsonReader::new(frame), depth_max),
        Serializer::MsgPack => both(|| BinaryReader::<MsgPack>::new(frame), depth_max),
        Serializer::Cbor => both(|| BinaryReader::<Cbor>::new(frame), depth_max),
    }
}

fn both<R: Reader>(reader: impl Fn() -> R, depth_max: usize) -> Outcome {
    let mut whole = reader();
    let start = whole.cursor().position();
    let value = whole.value(depth_max);
    let skipped = reader().skip(depth_max);
    (
        value.map(|value| (value, whole.cursor().since(start))),
        skipped.map(|(_, skipped)| skipped),
    )
}

/// Fails where `skip` and `value` disagree, or where what they accept does not survive being written again.
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
            }
        }
        (Err(_), Err(_)) => {}
        (read, skipped) => panic!("value: {read:?}, skip: {skipped:?}"),
    }
}

/// Bytes, some of them changed, taken out or doubled.
fn mutated(frame: Vec<u8>, edits: &[(usize, u8, u8)]) -> Bytes {
    let mut frame = frame;
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

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
    fn any_bytes_are_read_and_skipped_alike(bytes in vec(any::<u8>(), 0..200)) {
        for serializer in Serializer::ALL {
            check_any_bytes(serializer, &bytes.clone().into());
        }
    }

    #[test]
    fn broken_values_are_read_and_skipped_alike(
        value in values(),
        edits in vec((any::<usize>(), any::<u8>(), any::<u8>()), 1..4),
    ) {
        for serializer in Serializer::ALL {
            let encoded = serializer.encode_value(&value);
            check_any_bytes(serializer, &mutated(encoded.to_vec(), &edits));
        }
    }

    #[test]
    fn json_syntax_is_read_and_skipped_alike(text in r#"([\[\]{},: "]|\\u(0000|d83d|dc00)|\\[nx/"]|-|0|12|\.5|e[+-]?9|true|null|"a"|QQ=|é){0,20}"#) {
        check_any_bytes(Serializer::Json, &text.into());
    }
}

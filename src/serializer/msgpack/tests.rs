//! MessagePack's own rules.

use bytes::Bytes;

use crate::protocol::{Dict, Value};
use crate::serializer::Serializer::MsgPack;
use crate::serializer::SyntaxError;

fn read(bytes: &[u8]) -> Result<Value, SyntaxError> {
    MsgPack.decode_value(&Bytes::copy_from_slice(bytes))
}

fn written(value: impl Into<Value>) -> Vec<u8> {
    MsgPack.encode_value(&value.into()).to_vec()
}

#[test]
fn integers_take_as_few_bytes_as_they_can() {
    let forms: [(i128, &[u8]); 18] = [
        (0, &[0x00]),
        (127, &[0x7f]),
        (128, &[0xcc, 0x80]),
        (255, &[0xcc, 0xff]),
        (256, &[0xcd, 0x01, 0x00]),
        (65_535, &[0xcd, 0xff, 0xff]),
        (65_536, &[0xce, 0, 1, 0, 0]),
        ((1 << 32) - 1, &[0xce, 0xff, 0xff, 0xff, 0xff]),
        (1 << 32, &[0xcf, 0, 0, 0, 1, 0, 0, 0, 0]),
        (
            u64::MAX.into(),
            &[0xcf, 255, 255, 255, 255, 255, 255, 255, 255],
        ),
        (-1, &[0xff]),
        (-32, &[0xe0]),
        (-33, &[0xd0, 0xdf]),
        (-128, &[0xd0, 0x80]),
        (-129, &[0xd1, 0xff, 0x7f]),
        (-32_769, &[0xd2, 0xff, 0xff, 0x7f, 0xff]),
        (
            -(1 << 31) - 1,
            &[0xd3, 255, 255, 255, 255, 0x7f, 255, 255, 255],
        ),
        (i64::MIN.into(), &[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]),
    ];
    for (number, form) in forms {
        assert_eq!(written(Value::Integer(number)), form);
        assert_eq!(read(form), Ok(Value::Integer(number)));
    }
    assert_eq!(read(&[0xd3, 0, 0, 0, 0, 0, 0, 0, 5]), Ok(Value::Integer(5)));
}

#[test]
fn integers_beyond_64_bits_are_written_as_floats() {
    assert_eq!(written(Value::Integer(1 << 64)), written(2_f64.powi(64)));
    assert_eq!(
        written(Value::Integer(-(1 << 64))),
        written(-(2_f64.powi(64)))
    );
}

#[test]
fn lengths_take_as_few_bytes_as_they_can() {
    let forms: [(usize, &[u8]); 6] = [
        (0, &[0xa0]),
        (31, &[0xbf]),
        (32, &[0xd9, 32]),
        (256, &[0xda, 1, 0]),
        (65_535, &[0xda, 255, 255]),
        (65_536, &[0xdb, 0, 1, 0, 0]),
    ];
    for (length, head) in forms {
        assert!(written("a".repeat(length)).starts_with(head));
    }
    assert!(written(Bytes::from(vec![0; 255])).starts_with(&[0xc4, 255]));
    assert!(written(Bytes::from(vec![0; 256])).starts_with(&[0xc5, 1, 0]));
    assert!(written(Bytes::from(vec![0; 65_536])).starts_with(&[0xc6, 0, 1, 0, 0]));
    assert!(written(vec![true; 15]).starts_with(&[0x9f]));
    assert!(written(vec![true; 16]).starts_with(&[0xdc, 0, 16]));
    assert!(written(vec![true; 65_536]).starts_with(&[0xdd, 0, 1, 0, 0]));
    let dict = |count: u64| -> Dict { (0..count).map(|key| (key.to_string(), true)).collect() };
    assert!(written(dict(15)).starts_with(&[0x8f]));
    assert!(written(dict(16)).starts_with(&[0xde, 0, 16]));
    assert!(written(dict(65_536)).starts_with(&[0xdf, 0, 1, 0, 0]));
}

#[test]
fn floats_are_read_in_both_widths_and_written_in_the_wider() {
    assert_eq!(read(&[0xca, 0x3f, 0x80, 0, 0]), Ok(Value::Float(1.0)));
    assert_eq!(written(1.0), [0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn extensions_are_the_bytes_they_hold() {
    let bytes = |bytes: &'static [u8]| Ok(Value::Bytes(Bytes::from_static(bytes)));
    assert_eq!(read(&[0xd4, 5, 1]), bytes(&[1]));
    assert_eq!(read(&[0xd6, 0xff, 1, 2, 3, 4]), bytes(&[1, 2, 3, 4]));
    assert_eq!(read(&[0xc7, 2, 5, 1, 2]), bytes(&[1, 2]));
    assert_eq!(read(&[0xc8, 0, 1, 5, 1]), bytes(&[1]));
    assert_eq!(read(&[0xc9, 0, 0, 0, 0, 5]), bytes(&[]));
    assert!(read(&[0xc7, 2, 5, 1]).is_err());
    assert!(read(&[0xd8, 5]).is_err());
    assert!(read(&[0xd4]).is_err());
}

#[test]
fn integer_keys_become_text_and_others_are_refused() {
    let dict = Dict::from_iter([("1", true), ("-1", false)]);
    assert_eq!(read(&[0x82, 0x01, 0xc3, 0xff, 0xc2]), Ok(Value::Dict(dict)));
    for key in [0xc0, 0xc3, 0x90, 0x80] {
        assert!(read(&[0x81, key, 0xc3]).is_err());
    }
    assert!(read(&[0x81, 0xc4, 1, b'a', 0xc3]).is_err());
}

#[test]
fn what_is_no_value_is_refused() {
    for bytes in [
        &[][..],
        &[0xc1],
        &[0x91],
        &[0x81, 0xa1],
        &[0xa1, 0xff],
        &[0xcd, 0],
    ] {
        assert!(read(bytes).is_err(), "{bytes:x?}");
    }
    assert_eq!(read(&[0xc0, 0xc0]).unwrap_err().offset, 1);
}

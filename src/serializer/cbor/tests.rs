//! CBOR's own rules; most examples are RFC 8949's.

use bytes::Bytes;

use super::half;
use crate::protocol::{Dict, Value};
use crate::serializer::Serializer::{Cbor, Json};
use crate::serializer::SyntaxError;

fn read(bytes: &[u8]) -> Result<Value, SyntaxError> {
    Cbor.decode_value(&Bytes::copy_from_slice(bytes))
}

fn written(value: impl Into<Value>) -> Vec<u8> {
    Cbor.encode_value(&value.into()).to_vec()
}

/// What JSON it is, for values whose text says it best.
fn as_json(bytes: &[u8]) -> String {
    let json = Json.encode_value(&read(bytes).unwrap());
    String::from_utf8(json.to_vec()).unwrap()
}

#[test]
fn integers_take_as_few_bytes_as_they_can() {
    let forms: [(i128, &[u8]); 16] = [
        (0, &[0x00]),
        (23, &[0x17]),
        (24, &[0x18, 24]),
        (255, &[0x18, 255]),
        (256, &[0x19, 1, 0]),
        (65_536, &[0x1a, 0, 1, 0, 0]),
        (
            1_000_000_000_000,
            &[0x1b, 0, 0, 0, 0xe8, 0xd4, 0xa5, 0x10, 0],
        ),
        (
            u64::MAX.into(),
            &[0x1b, 255, 255, 255, 255, 255, 255, 255, 255],
        ),
        (-1, &[0x20]),
        (-24, &[0x37]),
        (-25, &[0x38, 24]),
        (-1000, &[0x39, 0x03, 0xe7]),
        (-(1 << 64), &[0x3b, 255, 255, 255, 255, 255, 255, 255, 255]),
        (1 << 64, &[0xc2, 0x49, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        (-(1 << 64) - 1, &[0xc3, 0x49, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        (
            i128::MIN,
            &[
                0xc3, 0x50, 0x7f, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                255, 255,
            ],
        ),
    ];
    for (number, form) in forms {
        assert_eq!(written(Value::Integer(number)), form);
        assert_eq!(read(form), Ok(Value::Integer(number)));
    }
}

#[test]
fn big_integers_are_integers_as_far_as_128_bits_go() {
    let read_big = |tag, bytes: &[u8]| {
        let head = 0x40 | u8::try_from(bytes.len()).unwrap();
        read(&[&[tag, head], bytes].concat())
    };
    assert_eq!(read_big(0xc2, &[]), Ok(Value::Integer(0)));
    assert_eq!(read_big(0xc3, &[]), Ok(Value::Integer(-1)));
    assert_eq!(read_big(0xc2, &[0, 0, 0, 5]), Ok(Value::Integer(5)));
    assert_eq!(read_big(0xc2, &[0x7f; 17]), read_big(0xc2, &[0x7f; 17]));
    let power = [&[1][..], &[0; 16]].concat();
    assert_eq!(read_big(0xc2, &power), Ok(Value::Float(2_f64.powi(128))));
    assert_eq!(read_big(0xc3, &power), Ok(Value::Float(-(2_f64.powi(128)))));
    let chunks = [0xc2, 0x5f, 0x41, 1, 0x41, 0, 0xff];
    assert_eq!(read(&chunks), Ok(Value::Integer(256)));
    assert!(read(&[0xc2, 0x61, b'a']).is_err());
    assert!(read(&[0xc2, 0x05]).is_err());
}

#[test]
fn floats_are_read_in_three_widths() {
    let halves = [
        (0x0000, 0.0),
        (0x0001, 5.960_464_477_539_063e-8),
        (0x0400, 0.000_061_035_156_25),
        (0x3c00, 1.0),
        (0x3e00, 1.5),
        (0x7bff, 65504.0),
        (0xc400, -4.0),
        (0x7c00, f64::INFINITY),
        (0xfc00, f64::NEG_INFINITY),
    ];
    for (bits, number) in halves {
        assert_eq!(half(bits).to_bits(), f64::to_bits(number));
    }
    assert!(half(0x7e00).is_nan() && half(0x8000).is_sign_negative());
    assert_eq!(read(&[0xf9, 0x3c, 0x00]), Ok(Value::Float(1.0)));
    assert_eq!(
        read(&[0xfa, 0x47, 0xc3, 0x50, 0x00]),
        Ok(Value::Float(100_000.0))
    );
    assert_eq!(
        written(1.1),
        [0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a]
    );
}

#[test]
fn lengths_may_be_open() {
    assert_eq!(as_json(b"\x9f\xff"), "[]");
    assert_eq!(
        as_json(b"\x9f\x01\x82\x02\x03\x9f\x04\x05\xff\xff"),
        "[1,[2,3],[4,5]]"
    );
    assert_eq!(
        as_json(b"\xbf\x61a\x01\x61b\x9f\x02\x03\xff\xff"),
        r#"{"a":1,"b":[2,3]}"#
    );
    assert_eq!(as_json(b"\x7f\x65strea\x64ming\xff"), "\"streaming\"");
    assert_eq!(
        read(b"\x5f\x42\x01\x02\x41\x03\xff"),
        Ok(Bytes::from_static(&[1, 2, 3]).into())
    );
    assert_eq!(as_json(b"\x7f\xff"), "\"\"");
}

#[test]
fn chunks_are_of_one_kind_and_of_whole_characters() {
    for bytes in [
        &b"\x7f\x41a\xff"[..],
        b"\x5f\x61a\xff",
        b"\x7f\x7f\x61a\xff\xff",
        b"\x5f\x5f\xff\xff",
        b"\x7f\xc1\x61a\xff",
        b"\x7f\x61\xc3\x61\xa9\xff",
        b"\x7f\x61a",
        b"\x5f\x01\xff",
    ] {
        assert!(read(bytes).is_err(), "{bytes:x?}");
    }
}

#[test]
fn breaks_stand_where_an_item_would() {
    for bytes in [
        &b"\xff"[..],
        b"\x81\xff",
        b"\xbf\x61a\xff",
        b"\x9f",
        b"\x9f\xc1\xff",
        b"\xa1\xff",
    ] {
        assert!(read(bytes).is_err(), "{bytes:x?}");
    }
}

#[test]
fn tags_say_nothing_about_a_value() {
    assert_eq!(as_json(b"\xc1\x1a\x51\x4b\x67\xb0"), "1363896240");
    assert_eq!(as_json(b"\xd8\x20\x61a"), "\"a\"");
    assert_eq!(as_json(b"\xd9\xd9\xf7\xc1\x81\xc0\x00"), "[0]");
    assert_eq!(as_json(b"\xa1\xc0\x61a\xc0\x01"), r#"{"a":1}"#);
    assert!(read(b"\xc1").is_err());
}

#[test]
fn simple_values_are_null_true_and_false() {
    assert_eq!(as_json(b"\x84\xf4\xf5\xf6\xf7"), "[false,true,null,null]");
    for bytes in [
        &[0xe0][..],
        &[0xf0],
        &[0xf3],
        &[0xf8, 0x18],
        &[0xf8, 0xff],
        &[0xfc],
    ] {
        assert!(read(bytes).is_err(), "{bytes:x?}");
    }
}

#[test]
fn integer_keys_become_text_and_others_are_refused() {
    let dict = Dict::from_iter([("1", 2_u64), ("-2", 4)]);
    assert_eq!(read(&[0xa2, 0x01, 0x02, 0x21, 0x04]), Ok(Value::Dict(dict)));
    for key in [0xf6, 0xf5, 0x80, 0xa0, 0x40] {
        assert!(read(&[0xa1, key, 0x01]).is_err());
    }
}

#[test]
fn reserved_forms_are_refused() {
    for info in [0x1c, 0x1d, 0x1e] {
        for major in 0..8 {
            assert!(read(&[major << 5 | info, 0, 0, 0, 0]).is_err());
        }
    }
    for head in [0x1f, 0x3f, 0xdf] {
        assert!(read(&[head, 0x00, 0xff]).is_err());
    }
}

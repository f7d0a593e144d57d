//! Values that nobody chose.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::protocol::Value;

/// Any value that every format carries as it is.
pub(super) fn values() -> impl Strategy<Value = Value> {
    let scalars = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        integers().prop_map(Value::Integer),
        finite_floats().prop_map(Value::Float),
        texts().prop_map(Value::from),
        vec(any::<u8>(), 0..300).prop_map(|bytes| Value::Bytes(bytes.into())),
    ];
    scalars.prop_recursive(6, 64, 20, |values| {
        prop_oneof![
            vec(values.clone(), 0..20).prop_map(Value::List),
            vec((any_text(), values), 0..20)
                .prop_map(|entries| Value::Dict(entries.into_iter().collect())),
        ]
    })
}

/// Around every power of two that a format's widths end at, and anywhere.
fn integers() -> impl Strategy<Value = i128> {
    let edges = (0_u32..=64, -3_i128..=3, any::<bool>()).prop_map(|(bits, off, negative)| {
        let edge = (1_i128 << bits) + off;
        let edge = if negative { -edge } else { edge };
        edge.clamp(i64::MIN.into(), u64::MAX.into())
    });
    prop_oneof![
        edges,
        any::<i64>().prop_map(i128::from),
        any::<u64>().prop_map(i128::from),
    ]
}

fn finite_floats() -> impl Strategy<Value = f64> {
    let whole = any::<i32>().prop_map(f64::from);
    let any_bits = any::<u64>().prop_map(f64::from_bits);
    prop_oneof![whole, any_bits].prop_filter("JSON has finite ones only", |float| float.is_finite())
}

pub(super) fn any_text() -> impl Strategy<Value = String> {
    let mixed = vec(any::<char>(), 0..40).prop_map(String::from_iter);
    let escaped = "[\"\\\\/\u{0}-\u{1f}a]{0,20}";
    prop_oneof![mixed, escaped, "[a-z.]{0,300}"]
}

/// Texts that JSON can tell from binary data.
pub(super) fn texts() -> impl Strategy<Value = String> {
    any_text().prop_map(|text| text.trim_start_matches('\0').to_owned())
}

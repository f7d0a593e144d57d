//! Messages as plain lists: how parts of them are read, and the marks that stand for what is not known beforehand.

pub(super) use serde_json::{Value as Json, json};

/// Anything at all.
pub(super) const ANY: &str = "§any";
/// Whatever else there is at the end of a list.
pub(super) const REST: &str = "§rest";
/// The key of a dict whose value is a list in no order.
pub(super) const SET: &str = "§set";
/// How a text begins that stands for one text not known beforehand.
pub(super) const NAMED: &str = "§text ";

/// A number in a message, 0 where there is none.
pub(super) fn number(value: &Json) -> u64 {
    value.as_u64().unwrap_or_default()
}

/// A text in a message, empty where there is none.
pub(super) fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_default()
}

/// Whether an option is there and true.
pub(super) fn is_set(options: &Json, key: &str) -> bool {
    options[key] == json!(true)
}

/// An option that is a text and not empty.
pub(super) fn word<'a>(options: &'a Json, key: &str) -> Option<&'a str> {
    options[key].as_str().filter(|text| !text.is_empty())
}

/// What follows the first `count` elements: the payload, as it is.
pub(super) fn behind(message: &Json, count: usize) -> Vec<Json> {
    let elements = message.as_array().map(Vec::as_slice).unwrap_or_default();
    elements.get(count..).unwrap_or_default().to_vec()
}

/// A message of some elements and a payload.
pub(super) fn with_payload(head: Json, payload: &[Json]) -> Json {
    let Json::Array(mut elements) = head else {
        return head;
    };
    elements.extend_from_slice(payload);
    Json::Array(elements)
}

/// A list in no order.
pub(super) fn set(items: &[u64]) -> Json {
    json!({ SET: items })
}

/// Copies the keys that say what an opaque payload is.
pub(super) fn copy_passthru(from: &Json, to: &mut Json) {
    const KEYS: [&str; 7] = [
        "ppt_scheme",
        "ppt_serializer",
        "ppt_cipher",
        "ppt_keyid",
        "enc_algo",
        "enc_key",
        "enc_serializer",
    ];
    for key in KEYS {
        if !from[key].is_null() {
            to[key] = from[key].clone();
        }
    }
}

//! What a message must look like: the elements of each, and the types of the options that are known.

use super::super::json::Json;

#[derive(Clone, Copy)]
enum Kind {
    Id,
    Code,
    Dict,
    Text,
}
use Kind::{Code, Dict, Id, Text};

/// code, elements behind it, and whether a payload may follow them. What is not listed no client may send.
const SHAPES: &[(u64, &[Kind], bool)] = &[
    (3, &[Dict, Text], true),
    (6, &[Dict, Text], false),
    (8, &[Code, Id, Dict, Text], true),
    (16, &[Id, Dict, Text], true),
    (32, &[Id, Dict, Text], false),
    (34, &[Id, Id], false),
    (48, &[Id, Dict, Text], true),
    (49, &[Id, Dict], false),
    (64, &[Id, Dict, Text], false),
    (66, &[Id, Id], false),
    (70, &[Id, Dict], true),
];

const OPTIONS: &[(&[u64], &str, &[&str])] = &[
    (
        &[16],
        "boolean",
        &["acknowledge", "exclude_me", "disclose_me", "retain"],
    ),
    (&[16], "ids", &["exclude", "eligible"]),
    (
        &[16],
        "texts",
        &[
            "exclude_authid",
            "exclude_authrole",
            "eligible_authid",
            "eligible_authrole",
        ],
    ),
    (&[16, 48], "text", &["rkey"]),
    (&[32, 64], "text", &["nkey"]),
    (&[32, 64], "exact prefix wildcard", &["match"]),
    (&[32], "boolean", &["get_retained"]),
    (
        &[48],
        "boolean",
        &["receive_progress", "progress", "disclose_me"],
    ),
    (&[48, 64], "count", &["timeout", "concurrency"]),
    (&[48], "all partition", &["runmode"]),
    (&[49], "skip kill killnowait", &["mode"]),
    (&[64], "single roundrobin random first last", &["invoke"]),
    (
        &[64],
        "boolean",
        &["force_reregister", "disclose_caller", "forward_timeout"],
    ),
    (&[70], "boolean", &["progress"]),
    (
        &[8, 16, 48, 70],
        "text",
        &[
            "ppt_scheme",
            "ppt_serializer",
            "ppt_cipher",
            "ppt_keyid",
            "enc_key",
        ],
    ),
];

/// Whether a client may send this, as far as its shape goes.
pub(super) fn is_sound(message: &Json) -> bool {
    let Some([code, elements @ ..]) = message.as_array().map(Vec::as_slice) else {
        return false;
    };
    let Some((code, kinds, has_payload)) = SHAPES.iter().find(|(known, ..)| *code == *known) else {
        return false;
    };
    if elements.len() < kinds.len() {
        return false;
    }
    let (head, payload) = elements.split_at(kinds.len());
    let is_payload = match payload {
        [] => true,
        [args] => *has_payload && args.is_array(),
        [args, kwargs] => *has_payload && args.is_array() && kwargs.is_object(),
        _ => false,
    };
    is_payload
        && kinds
            .iter()
            .zip(head)
            .all(|(kind, element)| is_a(*kind, element))
        && head
            .iter()
            .filter(|element| element.is_object())
            .all(|dict| has_sound_options(*code, dict))
}

fn is_a(kind: Kind, element: &Json) -> bool {
    match kind {
        Id => is_id(element),
        Code => element
            .as_u64()
            .is_some_and(|code| matches!(code, 1..=70 | 337)),
        Dict => element.is_object(),
        Text => element.is_string(),
    }
}

fn is_id(value: &Json) -> bool {
    value.as_u64().is_some_and(|id| (1..=1 << 53).contains(&id))
}

/// Whether the options of a message have the types they must have.
pub(super) fn has_sound_options(code: u64, options: &Json) -> bool {
    OPTIONS.iter().all(|(codes, kind, keys)| {
        !codes.contains(&code)
            || keys
                .iter()
                .all(|key| options[*key].is_null() || is_option(kind, &options[*key]))
    })
}

fn is_option(kind: &str, value: &Json) -> bool {
    let all = |is: fn(&Json) -> bool| value.as_array().is_some_and(|items| items.iter().all(is));
    match kind {
        "boolean" => value.is_boolean(),
        "count" => value.is_u64(),
        "text" => value.is_string(),
        "ids" => all(is_id),
        "texts" => all(Json::is_string),
        words => value
            .as_str()
            .is_some_and(|text| words.split(' ').any(|word| word == text)),
    }
}

//! Who sessions join as: what they announce, and by which name.

use super::json::{Json, json};

const CALLER: [&str; 5] = [
    "progressive_call_results",
    "progressive_call_invocations",
    "call_canceling",
    "call_timeout",
    "payload_passthru_mode",
];
const CALLEE: [&str; 7] = [
    "progressive_call_results",
    "progressive_call_invocations",
    "call_canceling",
    "call_timeout",
    "call_reroute",
    "registration_revocation",
    "payload_passthru_mode",
];
const PUBLISHER: [&str; 1] = ["payload_passthru_mode"];
const SUBSCRIBER: [&str; 2] = ["subscription_revocation", "payload_passthru_mode"];

/// One of a few HELLOs.
pub(super) fn hello(kind: u8) -> Json {
    let (authid, authrole, without): (&str, &str, &[&str]) = match kind {
        0 => ("ann", "staff", &[]),
        1 => ("bob", "guest", &[]),
        2 => (
            "cat",
            "guest",
            &[
                "progressive",
                "call",
                "registration",
                "subscription",
                "payload",
            ],
        ),
        3 => ("ann", "guest", &["call_canceling"]),
        4 => ("", "", &[]),
        5 => ("bob", "staff", &["progressive", "payload"]),
        6 => (
            "cat",
            "staff",
            &[
                "call_reroute",
                "registration",
                "subscription",
                "call_timeout",
            ],
        ),
        _ => ("", "", &["progressive_call_invocations", "payload"]),
    };
    let features = |all: &[&str]| -> Json {
        let announced = all
            .iter()
            .filter(|key| !without.iter().any(|none| key.starts_with(none)));
        let entries = announced.map(|key| {
            // Some write it so; the specification itself does.
            let is_other = kind == 4 && *key == "call_canceling";
            (
                if is_other { "call_cancelling" } else { key }.to_owned(),
                json!(true),
            )
        });
        json!({"features": Json::Object(entries.collect())})
    };
    let roles = json!({
        "caller": features(&CALLER), "callee": features(&CALLEE),
        "publisher": features(&PUBLISHER), "subscriber": features(&SUBSCRIBER),
    });
    match authid {
        "" => json!([1, "realm1", {"roles": roles}]),
        _ => json!([1, "realm1", {
            "roles": roles, "authmethods": ["harness"], "authid": authid, "authrole": authrole,
        }]),
    }
}

/// Whether it comes from the router's own machine.
pub(super) fn is_local(kind: u8) -> bool {
    kind != 5
}

//! The HELLO of whoever says none in a transcript.

use std::fmt::Write as _;

/// What each role of a client's may announce. Spec: ap#features.
const FEATURES: [(&str, &[&str]); 4] = [
    (
        "caller",
        &[
            "call_canceling",
            "call_timeout",
            "caller_identification",
            "payload_passthru_mode",
            "progressive_call_invocations",
            "progressive_call_results",
            "sharded_registration",
        ],
    ),
    (
        "callee",
        &[
            "call_canceling",
            "call_reroute",
            "call_timeout",
            "call_trustlevels",
            "caller_identification",
            "pattern_based_registration",
            "payload_passthru_mode",
            "progressive_call_invocations",
            "progressive_call_results",
            "registration_revocation",
            "sharded_registration",
            "shared_registration",
        ],
    ),
    (
        "publisher",
        &[
            "payload_passthru_mode",
            "publisher_exclusion",
            "publisher_identification",
            "sharded_subscription",
            "subscriber_blackwhite_listing",
        ],
    ),
    (
        "subscriber",
        &[
            "event_history",
            "pattern_based_subscription",
            "payload_passthru_mode",
            "publication_trustlevels",
            "publisher_identification",
            "sharded_subscription",
            "subscription_revocation",
        ],
    ),
];

/// Which features somebody announces, all roles alike.
#[derive(Clone, Debug)]
pub(super) enum Announced {
    AllBut(Vec<String>),
    /// Roles alone: those of the Basic Profile.
    Basic,
}

/// What the harness's authenticator is told.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) authid: String,
    pub(super) authrole: String,
}

impl Default for Announced {
    fn default() -> Self {
        Self::AllBut(Vec::new())
    }
}

impl Announced {
    /// Reads `basic`, or `all but` and features. Errors: a feature that no client announces.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "basic" {
            return Ok(Self::Basic);
        }
        let features = text.strip_prefix("all but ");
        let features = features.ok_or_else(|| format!("what is it to announce {text:?}?"))?;
        let features: Vec<_> = features.split(',').map(|name| name.trim().into()).collect();
        let is_known = |name: &String| {
            let mut known = FEATURES.iter().flat_map(|(_, features)| *features);
            known.any(|feature| feature == name)
        };
        match features.iter().find(|name| !is_known(name)) {
            Some(unknown) => Err(format!("no client announces {unknown:?}")),
            None => Ok(Self::AllBut(features)),
        }
    }

    fn includes(&self, feature: &str) -> bool {
        match self {
            Self::AllBut(absent) => absent.iter().all(|name| name != feature),
            Self::Basic => false,
        }
    }
}

/// Writes a HELLO in a transcript's notation; a claim comes with its authentication method.
pub(super) fn hello(realm: &str, announced: &Announced, claim: Option<(&Claim, &str)>) -> String {
    let mut roles = Vec::new();
    for (role, features) in FEATURES {
        let features = features
            .iter()
            .filter(|feature| announced.includes(feature));
        let features: Vec<_> = features.map(|name| format!(r#""{name}": true"#)).collect();
        roles.push(match features.as_slice() {
            [] => format!(r#""{role}": {{}}"#),
            _ => format!(r#""{role}": {{"features": {{{}}}}}"#, features.join(", ")),
        });
    }
    let mut hello = format!(r#"[HELLO, "{realm}", {{"roles": {{{}}}"#, roles.join(", "));
    if let Some((Claim { authid, authrole }, authmethod)) = claim {
        let _ = write!(
            hello,
            r#", "authmethods": ["{authmethod}"], "authid": "{authid}", "authrole": "{authrole}""#
        );
    }
    hello + "}]"
}

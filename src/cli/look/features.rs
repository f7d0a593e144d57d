//! What a router announces of the Advanced Profile, and what there is beyond.

use crate::protocol::{Dict, Feature, Role, Value, WelcomeDetails};
use crate::router::ROUTER_FEATURES;

/// The features that a router announced, by role.
pub(super) fn announced(details: &WelcomeDetails) -> Value {
    let roles = ROUTER_FEATURES
        .iter()
        .map(|&(role, features)| (role.name(), keys(details, role, features, true)));
    Value::Dict(roles.collect::<Dict>())
}

/// For each role, how many features it announced, and the keys of those it did not.
pub(super) fn lacking(details: &WelcomeDetails) -> Vec<(&'static str, usize, Vec<&'static str>)> {
    let of_role = |&(role, features): &(Role, &[Feature])| {
        let lacking = keys(details, role, features, false);
        (role.name(), features.len() - lacking.len(), lacking)
    };
    ROUTER_FEATURES.iter().map(of_role).collect()
}

fn keys(
    details: &WelcomeDetails,
    role: Role,
    features: &[Feature],
    wanted: bool,
) -> Vec<&'static str> {
    let roles = details.roles.unwrap_or_default();
    let of_interest = features
        .iter()
        .filter(|&&feature| roles.has(role, feature) == wanted);
    of_interest.map(|feature| feature.key()).collect()
}

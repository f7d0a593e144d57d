//! Who owns a resource key: rendezvous hashing, so that keys stay where they are when somebody comes or goes.
//!
//! Spec: ap#rpc-sharded-registration, ap#pubsub-sharded-subscription; neither says how keys are spread.

use std::hash::{DefaultHasher, Hash, Hasher};

/// The one of `nodes` that owns a key; of equal ones the first. Cost: O(bytes of the key + nodes).
pub(super) fn owner<N: Hash>(key: &str, nodes: impl IntoIterator<Item = N>) -> Option<usize> {
    let mut hasher = DefaultHasher::new();
    // Once, for a key may be as long as a message.
    key.hash(&mut hasher);
    let weights = nodes.into_iter().map(|node| weight(hasher.clone(), &node));
    let mut best: Option<(usize, u64)> = None;
    for (at, weight) in weights.enumerate() {
        if best.is_none_or(|(_, greatest)| weight > greatest) {
            best = Some((at, weight));
        }
    }
    best.map(|(at, _)| at)
}

/// The weight of a node for the key that the hasher has taken. The same in every run and for every router: it has no seed.
fn weight(mut hasher: DefaultHasher, node: &impl Hash) -> u64 {
    node.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_with_their_node_when_another_leaves() {
        let keys: Vec<String> = (0..1000).map(|number| format!("key{number}")).collect();
        let all = ["a", "b", "c", "d"];
        let rest = ["a", "b", "d"];
        let node =
            |nodes: &[&'static str], key: &str| nodes.get(owner(key, nodes).unwrap()).copied();
        for key in &keys {
            let (before, after) = (node(&all, key), node(&rest, key));
            assert!(before == after || before == Some("c"));
        }
        for one in all {
            let owned = keys.iter().filter(|key| node(&all, key) == Some(one));
            assert!(owned.count() > 150, "{one} owns its share");
        }
        assert_eq!(owner("key", [] as [&str; 0]), None);
    }
}

//! Who owns a resource key: rendezvous hashing, so that keys stay where they are when somebody comes or goes.
//!
//! The hash is written out here, without a seed: all routers agree on the owner, whatever built them.
//!
//! Spec: ap#rpc-sharded-registration, ap#pubsub-sharded-subscription; neither says how keys are spread.

use crate::protocol::SessionId;

/// Who may own resource keys. Two names that hash alike are one node, as two equal ones are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node(u64);

impl Node {
    /// By a node key. Cost: O(bytes).
    pub(super) fn named(key: &str) -> Self {
        Self(mix(fnv1a(key)))
    }

    /// A session without a node key.
    pub(super) const fn of_session(session: SessionId) -> Self {
        Self(mix(session.value()))
    }
}

/// A resource key, hashed once: it may be as long as a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key(u64);

impl Key {
    /// Cost: O(bytes).
    pub(super) fn new(rkey: &str) -> Self {
        Self(fnv1a(rkey))
    }

    /// The node that owns it. Cost: O(nodes).
    pub(super) fn owner(self, nodes: impl IntoIterator<Item = Node>) -> Option<Node> {
        nodes
            .into_iter()
            .max_by_key(|&Node(node)| mix(self.0 ^ node))
    }
}

/// FNV-1a of 64 bits.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The last step of `SplitMix64`: one to one, and every bit of what it gives depends on every bit of what it takes.
const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(nodes: &[&'static str], key: &str) -> Option<&'static str> {
        let owner = Key::new(key).owner(nodes.iter().map(|node| Node::named(node)))?;
        nodes
            .iter()
            .find(|node| Node::named(node) == owner)
            .copied()
    }

    #[test]
    fn keys_stay_with_their_node_when_another_leaves() {
        let keys: Vec<String> = (0..1000).map(|number| format!("key{number}")).collect();
        let all = ["a", "b", "c", "d"];
        let rest = ["a", "b", "d"];
        for key in &keys {
            let (before, after) = (owner(&all, key), owner(&rest, key));
            assert!(before == after || before == Some("c"));
        }
        for one in all {
            let owned = keys.iter().filter(|key| owner(&all, key) == Some(one));
            assert!(owned.count() > 150, "{one} owns its share");
        }
        assert_eq!(owner(&[], "key"), None);
    }

    #[test]
    fn a_key_has_the_same_owner_in_every_router_that_was_ever_built() {
        let nodes = ["node1", "node2", "node3"];
        let owners = ["a", "b", "c", "e"].map(|key| owner(&nodes, key).unwrap());
        assert_eq!(owners, ["node3", "node3", "node2", "node1"]);
        // FNV-1a's own test vectors.
        assert_eq!(fnv1a(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
    }
}

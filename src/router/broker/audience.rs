//! Who gets an event among those who subscribed. Spec: ap#pubsub-bw-listing.

use std::collections::HashSet;
use std::hash::Hash;

use rustc_hash::FxHashSet;

use crate::protocol::{Audience, SessionId};
use crate::router::identity::Identity;

/// Beyond so many entries, a list is looked up by hash.
const LIST_MAX: usize = 8;

/// The conditions of one publication, ready to be asked about many sessions.
#[derive(Debug, Default)]
pub(super) struct Filter<'a> {
    exclude: Option<Set<'a, SessionId>>,
    exclude_authid: Option<Texts<'a>>,
    exclude_authrole: Option<Texts<'a>>,
    eligible: Option<Set<'a, SessionId>>,
    eligible_authid: Option<Texts<'a>>,
    eligible_authrole: Option<Texts<'a>>,
}

/// Some values: few as they are, many hashed. bound: a list may hold as many values as a message's options.
#[derive(Debug)]
enum Set<'a, T> {
    Few(&'a [T]),
    Many(FxHashSet<&'a T>),
}

/// Texts, which anybody may choose: hashed with a seed.
#[derive(Debug)]
enum Texts<'a> {
    Few(&'a [bytestring::ByteString]),
    Many(HashSet<&'a str>),
}

impl<'a, T: Eq + Hash> Set<'a, T> {
    fn new(list: &'a [T]) -> Self {
        if list.len() > LIST_MAX {
            Self::Many(list.iter().collect())
        } else {
            Self::Few(list)
        }
    }

    fn contains(&self, value: &T) -> bool {
        match self {
            Self::Few(list) => list.contains(value),
            Self::Many(set) => set.contains(value),
        }
    }
}

impl<'a> Texts<'a> {
    fn new(list: &'a [bytestring::ByteString]) -> Self {
        if list.len() > LIST_MAX {
            Self::Many(list.iter().map(|text| &**text).collect())
        } else {
            Self::Few(list)
        }
    }

    fn contains(&self, text: &str) -> bool {
        match self {
            Self::Few(list) => list.iter().any(|one| one == text),
            Self::Many(set) => set.contains(text),
        }
    }
}

impl<'a> Filter<'a> {
    pub(super) fn new(audience: &'a Audience) -> Self {
        let texts = |list: &'a Option<Vec<_>>| list.as_deref().map(Texts::new);
        Self {
            exclude: audience.exclude.as_deref().map(Set::new),
            exclude_authid: texts(&audience.exclude_authid),
            exclude_authrole: texts(&audience.exclude_authrole),
            eligible: audience.eligible.as_deref().map(Set::new),
            eligible_authid: texts(&audience.eligible_authid),
            eligible_authrole: texts(&audience.eligible_authrole),
        }
    }

    /// Whether all conditions hold for a session.
    pub(super) fn admits(&self, session: SessionId, identity: &Identity) -> bool {
        self.exclude
            .as_ref()
            .is_none_or(|set| !set.contains(&session))
            && self
                .eligible
                .as_ref()
                .is_none_or(|set| set.contains(&session))
            && self.admits_identity(identity)
    }

    /// Whether the conditions hold that are not about sessions, whose ids mean nothing later.
    /// Spec: ap#pubsub-event-history, security aspects.
    pub(super) fn admits_identity(&self, identity: &Identity) -> bool {
        let Identity {
            authid, authrole, ..
        } = identity;
        let lacks =
            |set: &Option<Texts<'_>>, text| set.as_ref().is_none_or(|it| !it.contains(text));
        let has = |set: &Option<Texts<'_>>, text| set.as_ref().is_none_or(|it| it.contains(text));
        lacks(&self.exclude_authid, authid)
            && lacks(&self.exclude_authrole, authrole)
            && has(&self.eligible_authid, authid)
            && has(&self.eligible_authrole, authrole)
    }
}

/// Whether an audience is about who subscribed at all, beyond the resource key.
pub(super) fn is_filtered(audience: &Audience) -> bool {
    names_sessions(audience)
        || audience.exclude_authid.is_some()
        || audience.exclude_authrole.is_some()
        || audience.eligible_authid.is_some()
        || audience.eligible_authrole.is_some()
}

/// Whether an audience names sessions.
pub(super) const fn names_sessions(audience: &Audience) -> bool {
    audience.exclude.is_some() || audience.eligible.is_some()
}

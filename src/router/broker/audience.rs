//! Who gets an event among those who subscribed. Spec: ap#pubsub-bw-listing.

use bytestring::ByteString;

use crate::protocol::{Audience, SessionId};
use crate::router::identity::Identity;

/// Beyond so many entries, a list is sorted to be looked up.
const LIST_MAX: usize = 8;

/// The conditions of one publication, ready to be asked about many sessions.
#[derive(Debug, Default)]
pub(super) struct Filter<'a> {
    exclude: Option<Set<'a, SessionId>>,
    exclude_authid: Option<Set<'a, ByteString>>,
    exclude_authrole: Option<Set<'a, ByteString>>,
    eligible: Option<Set<'a, SessionId>>,
    eligible_authid: Option<Set<'a, ByteString>>,
    eligible_authrole: Option<Set<'a, ByteString>>,
}

/// The conditions of a publication that is kept: sorted once, however often they are looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptAudience(Audience);

/// Some values: few as they are, many sorted. bound: a list may hold as many values as a message's options, and
/// whoever writes it could choose values that one hash makes equal.
#[derive(Debug)]
enum Set<'a, T> {
    Few(&'a [T]),
    Many(Vec<&'a T>),
    Sorted(&'a [T]),
}

impl<'a, T: Ord> Set<'a, T> {
    fn new(list: &'a [T]) -> Self {
        if list.len() <= LIST_MAX {
            return Self::Few(list);
        }
        let mut sorted: Vec<&T> = list.iter().collect();
        sorted.sort_unstable();
        Self::Many(sorted)
    }

    fn contains(&self, value: &T) -> bool {
        match self {
            Self::Few(list) => list.contains(value),
            Self::Many(sorted) => sorted.binary_search(&value).is_ok(),
            Self::Sorted(sorted) => sorted.binary_search(value).is_ok(),
        }
    }
}

impl<'a> Filter<'a> {
    pub(super) fn new(audience: &'a Audience) -> Self {
        Self {
            exclude: audience.exclude.as_deref().map(Set::new),
            exclude_authid: audience.exclude_authid.as_deref().map(Set::new),
            exclude_authrole: audience.exclude_authrole.as_deref().map(Set::new),
            eligible: audience.eligible.as_deref().map(Set::new),
            eligible_authid: audience.eligible_authid.as_deref().map(Set::new),
            eligible_authrole: audience.eligible_authrole.as_deref().map(Set::new),
        }
    }

    /// Those of a publication that is kept. Cost: O(1).
    pub(super) fn of_kept(KeptAudience(audience): &'a KeptAudience) -> Self {
        Self {
            exclude: audience.exclude.as_deref().map(Set::Sorted),
            exclude_authid: audience.exclude_authid.as_deref().map(Set::Sorted),
            exclude_authrole: audience.exclude_authrole.as_deref().map(Set::Sorted),
            eligible: audience.eligible.as_deref().map(Set::Sorted),
            eligible_authid: audience.eligible_authid.as_deref().map(Set::Sorted),
            eligible_authrole: audience.eligible_authrole.as_deref().map(Set::Sorted),
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
            |set: &Option<Set<'_, _>>, text| set.as_ref().is_none_or(|it| !it.contains(text));
        let has = |set: &Option<Set<'_, _>>, text| set.as_ref().is_none_or(|it| it.contains(text));
        lacks(&self.exclude_authid, authid)
            && lacks(&self.exclude_authrole, authrole)
            && has(&self.eligible_authid, authid)
            && has(&self.eligible_authrole, authrole)
    }
}

impl KeptAudience {
    /// A copy that holds no frame. Cost: O(bytes + values x log of it).
    #[must_use]
    pub fn new(audience: &Audience) -> Self {
        let mut kept = audience.detached();
        for ids in [&mut kept.exclude, &mut kept.eligible]
            .into_iter()
            .flatten()
        {
            ids.sort_unstable();
        }
        let texts = [
            &mut kept.exclude_authid,
            &mut kept.exclude_authrole,
            &mut kept.eligible_authid,
            &mut kept.eligible_authrole,
        ];
        for texts in texts.into_iter().flatten() {
            texts.sort_unstable();
        }
        Self(kept)
    }

    /// The conditions, their lists sorted.
    #[must_use]
    pub const fn audience(&self) -> &Audience {
        &self.0
    }

    /// Whether it leaves somebody out.
    pub(super) fn is_for_some(&self) -> bool {
        is_for_some(&self.0)
    }

    /// Bytes that it takes.
    pub(super) fn weight(&self) -> usize {
        self.0.weight()
    }
}

/// Whether an audience may leave somebody out who subscribed.
pub(super) fn is_for_some(audience: &Audience) -> bool {
    names_sessions(audience)
        || audience.rkey.is_some()
        || audience.exclude_authid.is_some()
        || audience.exclude_authrole.is_some()
        || audience.eligible_authid.is_some()
        || audience.eligible_authrole.is_some()
}

/// Whether an audience names sessions.
pub(super) const fn names_sessions(audience: &Audience) -> bool {
    audience.exclude.is_some() || audience.eligible.is_some()
}

//! Ids as types, so that a request is never taken for a registration.
//!
//! Spec: bp#ids. All are whole numbers from 1 to 2^53, the range a JSON number keeps exactly.

use std::fmt;

/// A number that is no WAMP id: 0, or above 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not an id between 1 and 2^53")]
pub struct InvalidId(pub u64);

/// The greatest id, 2^53.
const ID_MAX: u64 = 1 << 53;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// The first of a sequence.
            pub const FIRST: Self = Self(1);

            /// Takes a number that is an id.
            ///
            /// # Errors
            /// [`InvalidId`] outside 1..=2^53.
            pub const fn new(id: u64) -> Result<Self, InvalidId> {
                if id >= 1 && id <= ID_MAX { Ok(Self(id)) } else { Err(InvalidId(id)) }
            }

            /// Brings any random number into the range; uniform if `random` is.
            #[must_use]
            pub const fn from_random(random: u64) -> Self {
                Self((random & (ID_MAX - 1)) + 1)
            }

            /// The id after this one; after 2^53 comes 1.
            #[must_use]
            pub const fn next(self) -> Self {
                if self.0 == ID_MAX { Self::FIRST } else { Self(self.0 + 1) }
            }

            /// The number itself.
            #[must_use]
            pub const fn value(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// A session: global scope, drawn at random by the router.
    SessionId;
    /// A request: session scope, counts from 1 in each direction.
    RequestId;
    /// A subscription: router scope, shared by all who subscribed to one topic under one policy.
    SubscriptionId;
    /// A registration: router scope.
    RegistrationId;
    /// A publication: global scope, drawn at random by the router.
    PublicationId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_1_to_2_to_the_53() {
        assert_eq!(RequestId::new(0), Err(InvalidId(0)));
        assert_eq!(RequestId::new(1), Ok(RequestId::FIRST));
        assert_eq!(RequestId::new(1 << 53).map(RequestId::value), Ok(1 << 53));
        assert_eq!(RequestId::new((1 << 53) + 1), Err(InvalidId((1 << 53) + 1)));
    }

    #[test]
    fn random_ids_cover_the_range_and_stay_in_it() {
        assert_eq!(SessionId::from_random(0).value(), 1);
        assert_eq!(SessionId::from_random(u64::MAX).value(), 1 << 53);
    }

    #[test]
    fn after_the_last_id_comes_the_first() {
        assert_eq!(
            RequestId::new(1 << 53).map(RequestId::next),
            Ok(RequestId::FIRST)
        );
    }
}

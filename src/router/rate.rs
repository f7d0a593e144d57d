//! How often something may happen: rates, and what keeps them. Time comes in as an argument.
//!
//! Does not decide what becomes of what comes too early: messages wait, joins are refused, and `node` does both.

use std::fmt;
use std::time::{Duration, Instant};

use bytestring::ByteString;
use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::violation::abort;
use crate::protocol::message::Abort;
use crate::protocol::uris;

/// How many addresses are known by one role. bound: of more, those that have been quiet longest are forgotten.
const ADDRESSES_MAX: usize = 10_000;

/// So many in a period: all of them at once, then one each time that a part of the period has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: u32,
    period: Duration,
}

/// What keeps one rate.
///
/// Not tokens but the time at which all would be there again, which needs no refilling.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    rate: Rate,
    full_at: Option<Instant>,
}

/// What keeps the rates of joins: of each role, and of each address in it.
#[derive(Debug, Default)]
pub struct Joins {
    roles: IndexMap<ByteString, RoleJoins, FxBuildHasher>,
}

#[derive(Debug)]
struct RoleJoins {
    all: Option<Bucket>,
    by_address: Option<(Rate, IndexMap<u128, Bucket, FxBuildHasher>)>,
}

/// Which rate of joins is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooMany {
    /// The role's.
    OfRole(Rate),
    /// One address's.
    OfAddress(Rate),
}

impl TooMany {
    /// The ABORT that says so.
    #[must_use]
    pub fn abort(self) -> Abort {
        let message = match self {
            Self::OfRole(rate) => {
                format!("too many sessions of this role begin: at most {rate}; try again")
            }
            Self::OfAddress(rate) => {
                format!(
                    "too many sessions of this role begin from this address: at most {rate}; try again"
                )
            }
        };
        abort(uris::UNAVAILABLE, &message)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {} s", self.count, self.period.as_secs_f64())
    }
}

impl Rate {
    /// So many in a period; `None` where either is zero.
    #[must_use]
    pub fn new(count: u32, period: Duration) -> Option<Self> {
        (count > 0 && !period.is_zero()).then_some(Self { count, period })
    }

    /// How many.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.count
    }

    fn interval(self) -> Duration {
        self.period / self.count
    }
}

impl Bucket {
    /// One that nothing was taken from.
    #[must_use]
    pub const fn new(rate: Rate) -> Self {
        Self {
            rate,
            full_at: None,
        }
    }

    /// Takes one; where there is none, says when there will be.
    ///
    /// # Errors
    /// The time from which on one can be taken.
    pub fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let full_at = self.full_at.map_or(now, |at| at.max(now));
        let after = full_at + self.rate.interval();
        let from = after.checked_sub(self.rate.period);
        if let Some(from) = from.filter(|from| *from > now) {
            return Err(from);
        }
        self.full_at = Some(after);
        Ok(())
    }

    fn is_full(&self, now: Instant) -> bool {
        self.full_at.is_none_or(|at| at <= now)
    }
}

impl Joins {
    /// Nobody has joined yet. Of each role: how often in all, and from one address.
    pub fn new(rates: impl IntoIterator<Item = (ByteString, Option<Rate>, Option<Rate>)>) -> Self {
        let limited = rates
            .into_iter()
            .filter(|(_, all, by_address)| all.is_some() || by_address.is_some());
        let roles = limited.map(|(role, all, by_address)| {
            let joins = RoleJoins {
                all: all.map(Bucket::new),
                by_address: by_address.map(|rate| (rate, IndexMap::default())),
            };
            (role, joins)
        });
        Self {
            roles: roles.collect(),
        }
    }

    /// Takes one for somebody of a role, at an address (as a number) if it is one that counts.
    ///
    /// # Errors
    /// [`TooMany`]; then nothing is taken.
    pub fn take(&mut self, now: Instant, role: &str, address: Option<u128>) -> Result<(), TooMany> {
        let Some(joins) = self.roles.get_mut(role) else {
            return Ok(());
        };
        // order: the address first, so that one that comes too often leaves the role to others.
        if let (Some((rate, buckets)), Some(address)) = (&mut joins.by_address, address) {
            let bucket = bucket(buckets, *rate, now, address);
            bucket.take(now).map_err(|_| TooMany::OfAddress(*rate))?;
        }
        if let Some(all) = &mut joins.all {
            all.take(now).map_err(|_| TooMany::OfRole(all.rate))?;
        }
        Ok(())
    }
}

/// The bucket of an address. Where there are too many, full ones go first, then that of who came first. Cost: O(1) but for
/// once a thousand addresses.
fn bucket(
    buckets: &mut IndexMap<u128, Bucket, FxBuildHasher>,
    rate: Rate,
    now: Instant,
    address: u128,
) -> &mut Bucket {
    if buckets.len() >= ADDRESSES_MAX && !buckets.contains_key(&address) {
        buckets.retain(|_, bucket| !bucket.is_full(now));
        let over = (buckets.len() + ADDRESSES_MAX / 10).saturating_sub(ADDRESSES_MAX);
        buckets.drain(..over);
    }
    buckets.entry(address).or_insert_with(|| Bucket::new(rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn start() -> Instant {
        #[expect(clippy::disallowed_methods, reason = "any instant will do")]
        Instant::now()
    }

    fn rate(count: u32) -> Rate {
        Rate::new(count, SECOND).unwrap()
    }

    #[test]
    fn a_periods_worth_may_come_at_once_then_one_by_one() {
        let (now, mut bucket) = (start(), Bucket::new(rate(10)));
        for _ in 0..10 {
            assert_eq!(bucket.take(now), Ok(()));
        }
        let next = now + SECOND / 10;
        assert_eq!(bucket.take(now), Err(next));
        assert_eq!(bucket.take(next), Ok(()));
        assert!(bucket.take(next).is_err());
        // What is not taken does not add up beyond a period's worth.
        let later = now + 100 * SECOND;
        assert!((0..10).all(|_| bucket.take(later).is_ok()));
        assert!(bucket.take(later).is_err());
    }

    #[test]
    fn nothing_is_no_rate() {
        assert_eq!(Rate::new(0, SECOND), None);
        assert_eq!(Rate::new(1, Duration::ZERO), None);
    }

    #[test]
    fn an_address_that_comes_too_often_leaves_the_role_to_others() {
        let now = start();
        let mut joins = Joins::new([("guest".into(), Some(rate(5)), Some(rate(2)))]);
        let [one, other] = [Some(1), Some(2)];
        assert_eq!(joins.take(now, "guest", one), Ok(()));
        assert_eq!(joins.take(now, "guest", one), Ok(()));
        for _ in 0..10 {
            let refused = joins.take(now, "guest", one);
            assert_eq!(refused, Err(TooMany::OfAddress(rate(2))));
        }
        assert_eq!(joins.take(now, "guest", other), Ok(()));
        // Nobody's address counts against this machine, the role's rate does.
        assert!((0..2).all(|_| joins.take(now, "guest", None).is_ok()));
        let refused = joins.take(now, "guest", None);
        assert_eq!(refused, Err(TooMany::OfRole(rate(5))));
        assert_eq!(joins.take(now, "staff", one), Ok(()));
    }

    #[test]
    fn addresses_have_a_bound() {
        let (now, mut buckets) = (start(), IndexMap::default());
        for number in 0..3 * ADDRESSES_MAX {
            let taken = bucket(&mut buckets, rate(1), now, number as u128).take(now);
            assert_eq!(taken, Ok(()));
            assert!(buckets.len() <= ADDRESSES_MAX);
        }
    }
}

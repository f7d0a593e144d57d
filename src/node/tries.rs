//! Addresses from which somebody has tried to be whom it is not: who comes from there waits, the longer the more tries.
//!
//! What waits is the challenge, so that a guess costs time before it is looked at; and challenges of one address wait for
//! each other, so that many connections guess no faster than one. Nobody else waits. Who proves to be somebody is not
//! forgiven what others tried: an account of one's own would buy guesses.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// How much longer the next challenge waits for each failed try.
const STEP: Duration = Duration::from_millis(500);
/// As many failed tries as count.
const COUNT_MAX: u32 = 20;
/// How long a challenge waits at most, which is less than clients do; whoever would wait longer is told to come back.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// An address is forgotten when nobody there has failed for so long.
const MEMORY: Duration = Duration::from_mins(10);
/// bound: half of the addresses that are remembered. When so many have failed, the half that failed before them is forgotten.
const ADDRESSES_MAX: usize = 5_000;

/// The failed tries of all addresses.
#[derive(Debug, Default)]
pub(super) struct FailedTries {
    late: HashMap<IpAddr, Tries>,
    early: HashMap<IpAddr, Tries>,
    /// Of the whole router.
    total: u64,
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    count: u32,
    last: Instant,
    /// When the next challenge may go out.
    free: Instant,
}

/// What a failed try has led to, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failed {
    /// Tries of this address that count; none of loopback's do.
    pub(super) count: u32,
    /// Tries of all addresses since the start.
    pub(super) total: u64,
}

impl FailedTries {
    /// Takes a turn for a challenge: how long it waits.
    ///
    /// # Errors
    /// How long until there may be turns again, where too many wait.
    pub(super) fn wait(
        &mut self,
        now: Instant,
        peer: Option<IpAddr>,
    ) -> Result<Duration, Duration> {
        let Some(address) = peer.and_then(counted) else {
            return Ok(Duration::ZERO);
        };
        let late = self.late.get_mut(&address);
        let Some(tries) = late.or_else(|| self.early.get_mut(&address)) else {
            return Ok(Duration::ZERO);
        };
        let free = tries.free.max(now);
        let wait = free - now;
        if wait > WAIT_MAX {
            return Err(wait);
        }
        tries.free = free + STEP * tries.count;
        Ok(wait)
    }

    /// Counts a failed try.
    pub(super) fn fail(&mut self, now: Instant, peer: Option<IpAddr>) -> Failed {
        self.total += 1;
        let total = self.total;
        let Some(address) = peer.and_then(counted) else {
            return Failed { count: 0, total };
        };
        let before = self.early.remove(&address).unwrap_or(Tries {
            count: 0,
            last: now,
            free: now,
        });
        if self.late.len() >= ADDRESSES_MAX && !self.late.contains_key(&address) {
            self.early = std::mem::take(&mut self.late);
        }
        let tries = self.late.entry(address).or_insert(before);
        if tries.last + MEMORY <= now {
            tries.count = 0;
        }
        tries.count = COUNT_MAX.min(tries.count + 1);
        tries.last = now;
        tries.free = tries.free.max(now + STEP * tries.count);
        let count = tries.count;
        Failed { count, total }
    }
}

/// What is counted of an address: of IPv6, the network that one customer has. Nothing of this machine's.
fn counted(peer: IpAddr) -> Option<IpAddr> {
    let peer = peer.to_canonical();
    let address = match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            Ipv6Addr::from(network).into()
        }
    };
    (!peer.is_loopback()).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::clock::now;

    fn address(last: u8) -> Option<IpAddr> {
        Some([192, 0, 2, last].into())
    }

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn each_failed_try_makes_the_next_challenge_of_its_address_wait_longer_and_nobody_elses() {
        let (mut tries, mut now) = (FailedTries::default(), now());
        assert_eq!(tries.wait(now, address(1)), Ok(Duration::ZERO));
        for count in 1..=30 {
            let failed = tries.fail(now, address(1));
            assert_eq!(failed.count, count.min(20));
            assert_eq!(failed.total, u64::from(count));
            let wait = millis(500) * count.min(20);
            let expected = if wait > WAIT_MAX { Err(wait) } else { Ok(wait) };
            assert_eq!(tries.wait(now, address(1)), expected);
            assert_eq!(tries.wait(now, address(2)), Ok(Duration::ZERO));
            now += wait;
            if expected.is_err() {
                // In its turn, it need not wait any more.
                assert_eq!(tries.wait(now, address(1)), Ok(Duration::ZERO));
            }
        }
    }

    #[test]
    fn challenges_of_one_address_wait_for_each_other_until_too_many_do() {
        let (mut tries, now) = (FailedTries::default(), now());
        for _ in 0..4 {
            tries.fail(now, address(1));
        }
        let waits: Vec<_> = (0..4).map(|_| tries.wait(now, address(1))).collect();
        let seconds = Duration::from_secs;
        assert_eq!(waits[..2], [Ok(seconds(2)), Ok(seconds(4))]);
        assert_eq!(waits[2..], [Err(seconds(6)), Err(seconds(6))]);
        // Who was refused has taken no turn.
        assert_eq!(tries.wait(now + seconds(2), address(1)), Ok(seconds(4)));
    }

    #[test]
    fn tries_are_forgotten_in_time() {
        let (mut tries, now) = (FailedTries::default(), now());
        for _ in 0..9 {
            tries.fail(now, address(1));
        }
        assert_eq!(
            tries
                .fail(now + (Duration::from_secs(599)), address(1))
                .count,
            10
        );
        assert_eq!(tries.fail(now + 2 * MEMORY, address(1)).count, 1);
    }

    #[test]
    fn nobody_on_this_machine_waits() {
        let (mut tries, now) = (FailedTries::default(), now());
        for local in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            let local = Some(local.parse().unwrap());
            for _ in 0..50 {
                assert_eq!(tries.fail(now, local).count, 0);
            }
            assert_eq!(tries.wait(now, local), Ok(Duration::ZERO));
        }
        // Nor anybody at a Unix socket.
        assert_eq!(tries.fail(now, None).count, 0);
        assert!(tries.late.is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_so_is_one_written_as_ipv6() {
        let (mut tries, now) = (FailedTries::default(), now());
        let parse = |text: &str| -> Option<IpAddr> { Some(text.parse().unwrap()) };
        tries.fail(now, parse("2001:db8::1"));
        assert_eq!(tries.fail(now, parse("2001:db8::ffff:2")).count, 2);
        assert_eq!(tries.fail(now, parse("2001:db8:0:1::1")).count, 1);
        tries.fail(now, parse("192.0.2.1"));
        assert_eq!(tries.fail(now, parse("::ffff:192.0.2.1")).count, 2);
    }

    #[test]
    fn so_many_addresses_are_remembered_and_the_latest_of_them() {
        let (mut tries, now) = (FailedTries::default(), now());
        for number in 0..20_000_u32 {
            let address = Some(IpAddr::from((0x0a00_0000 + number).to_be_bytes()));
            tries.fail(now + millis(number.into()), address);
        }
        assert_eq!(tries.late.len() + tries.early.len(), 2 * ADDRESSES_MAX);
        let at = |number: u32| Some(IpAddr::from((0x0a00_0000 + number).to_be_bytes()));
        for (number, count) in [(19_999, 2), (10_000, 2), (0, 1)] {
            let failed = tries.fail(now + millis(20_000), at(number));
            assert_eq!(failed.count, count, "{number}");
        }
    }
}

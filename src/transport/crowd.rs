//! How many connections there may be, in all and from one address.
//!
//! Does not tell who is one too many: [`door`](super::door) does.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;

use super::address::Address;
use crate::router::{LimitName, Limits};

/// The connections of one server.
#[derive(Clone, Debug)]
pub(super) struct Crowd(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    state: Mutex<State>,
    connections_max: usize,
    address_connections_max: usize,
    proxies: Vec<IpNet>,
}

#[derive(Debug, Default)]
struct State {
    count: usize,
    /// By [`network`]; those of this machine and of proxies are not in it. bound: the connections.
    networks: HashMap<u128, usize>,
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    crowd: Crowd,
    network: Option<u128>,
}

impl Crowd {
    pub(super) fn new(limits: &Limits, proxies: Vec<IpNet>) -> Self {
        Self(Arc::new(Inside {
            state: Mutex::default(),
            connections_max: limits.connections,
            address_connections_max: limits.address_connections,
            proxies,
        }))
    }

    /// Takes a place.
    ///
    /// # Errors
    /// The limit that leaves none.
    pub(super) fn enter(&self, peer: Address) -> Result<Seat, LimitName> {
        let mut state = self.lock();
        if state.count >= self.0.connections_max {
            return Err(LimitName::connections);
        }
        let is_exempt =
            |ip: &IpAddr| peer.is_local() || self.0.proxies.iter().any(|proxy| proxy.contains(ip));
        let network = peer.ip().filter(|ip| !is_exempt(ip)).map(network);
        if let Some(network) = network {
            let count = state.networks.entry(network).or_default();
            // At least one may be there, so no entry is left at zero.
            if *count >= self.0.address_connections_max {
                return Err(LimitName::address_connections);
            }
            *count += 1;
        }
        state.count += 1;
        drop(state);
        let crowd = self.clone();
        Ok(Seat { crowd, network })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.crowd.lock();
        state.count -= 1;
        if let Some(network) = self.network
            && let Some(count) = state.networks.get_mut(&network)
        {
            *count -= 1;
            if *count == 0 {
                state.networks.remove(&network);
            }
        }
    }
}

/// Whom an address stands for, as a number: of IPv6 everybody has a whole network of 64 bits to choose from.
pub(crate) fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits() & !u128::from(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn crowd(connections: usize, address_connections: usize) -> Crowd {
        let limits = Limits {
            connections,
            address_connections,
            ..Limits::default()
        };
        Crowd::new(&limits, vec!["198.51.100.0/24".parse().unwrap()])
    }

    fn from(ip: &str) -> Address {
        SocketAddr::new(ip.parse().unwrap(), 1).into()
    }

    #[test]
    fn an_address_has_so_many_connections_and_this_machine_as_many_as_it_likes() {
        let crowd = crowd(100, 2);
        let first = crowd.enter(from("192.0.2.1")).unwrap();
        let _second = crowd.enter(from("::ffff:192.0.2.1")).unwrap();
        let refused = crowd.enter(from("192.0.2.1")).unwrap_err();
        assert_eq!(refused, LimitName::address_connections);
        let _other = crowd.enter(from("192.0.2.2")).unwrap();
        let local: Vec<Seat> = (0..10)
            .map(|_| crowd.enter(from("127.0.0.1")).unwrap())
            .collect();
        let _behind: Vec<Seat> = (0..10)
            .map(|_| crowd.enter(from("198.51.100.7")).unwrap())
            .collect();
        drop(first);
        let _again = crowd.enter(from("192.0.2.1")).unwrap();
        drop(local);
        assert_eq!(crowd.lock().networks.len(), 2);
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let crowd = crowd(100, 1);
        let _seat = crowd.enter(from("2001:db8::1")).unwrap();
        assert!(crowd.enter(from("2001:db8::2")).is_err());
        assert!(crowd.enter(from("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn a_place_that_is_given_back_is_free() {
        let crowd = crowd(1, 1);
        let seat = crowd.enter(from("127.0.0.1")).unwrap();
        let refused = crowd.enter(from("127.0.0.1")).unwrap_err();
        assert_eq!(refused, LimitName::connections);
        drop(seat);
        assert!(crowd.enter(from("127.0.0.1")).is_ok());
        assert_eq!(crowd.lock().count, 0);
    }
}

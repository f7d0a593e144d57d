//! How many connections there may be, in all and from one address; and how one too many is told.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::ending::end;
use crate::framing::rawsocket::{MAGIC, Refusal};
use crate::router::{LimitName, Limits};

/// How many are told at once that there is no room. bound: they hold a descriptor each; others are just closed.
const TOLD_MAX: usize = 64;

const NO_ROOM: &str = "this server has as many connections as it may have; try again later\n";

/// The connections of one server.
#[derive(Clone, Debug)]
pub(super) struct Crowd(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    state: Mutex<State>,
    limits: Arc<Limits>,
    telling: Semaphore,
}

#[derive(Debug, Default)]
struct State {
    count: usize,
    /// By [`network`]; this machine's are not in it. bound: the connections.
    networks: HashMap<u128, usize>,
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    crowd: Crowd,
    network: Option<u128>,
}

impl Crowd {
    pub(super) fn new(limits: Arc<Limits>) -> Self {
        Self(Arc::new(Inside {
            state: Mutex::default(),
            limits,
            telling: Semaphore::new(TOLD_MAX),
        }))
    }

    /// Takes a place.
    ///
    /// # Errors
    /// The limit that leaves none.
    pub(super) fn enter(&self, peer: SocketAddr) -> Result<Seat, LimitName> {
        let mut state = self.lock();
        if state.count >= self.0.limits.connections {
            return Err(LimitName::connections);
        }
        let is_local = peer.ip().to_canonical().is_loopback();
        let network = (!is_local).then(|| network(peer.ip()));
        if let Some(network) = network {
            let count = state.networks.entry(network).or_default();
            // At least one may be there, so no entry is left at zero.
            if *count >= self.0.limits.address_connections {
                return Err(LimitName::address_connections);
            }
            *count += 1;
        }
        state.count += 1;
        drop(state);
        let crowd = self.clone();
        Ok(Seat { crowd, network })
    }

    /// Tells a peer that there is no room for it, in the protocol that it begins to speak.
    pub(super) async fn turn_away(self, mut stream: TcpStream) {
        let Ok(_permit) = self.0.telling.try_acquire() else {
            return;
        };
        let limits = &self.0.limits;
        let Ok(Ok(first)) = timeout(limits.upgrade_time, stream.read_u8()).await else {
            return;
        };
        let answer = if first == MAGIC {
            Refusal::Connections.octets().to_vec()
        } else if first.is_ascii_uppercase() {
            let length = NO_ROOM.len();
            format!(
                "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\
                 Retry-After: 10\r\nConnection: close\r\n\r\n{NO_ROOM}"
            )
            .into_bytes()
        } else {
            return;
        };
        if stream.write_all(&answer).await.is_ok() {
            end(&mut stream, limits.goodbye_time).await;
        }
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
    use super::*;

    fn crowd(connections: usize, address_connections: usize) -> Crowd {
        Crowd::new(Arc::new(Limits {
            connections,
            address_connections,
            ..Limits::default()
        }))
    }

    fn from(ip: &str) -> SocketAddr {
        SocketAddr::new(ip.parse().unwrap(), 1)
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

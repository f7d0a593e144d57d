//! Where the two ends of a connection are.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Where one end of a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// On a network; loopback is one.
    Ip(SocketAddr),
    /// At a Unix socket of this machine, in this process where that is known.
    Unix(Option<i32>),
}

/// The two ends of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// Ours: what the peer connected to.
    pub local: Address,
    /// The peer's.
    pub peer: Address,
}

impl Address {
    /// The IP address, without the form that IPv6 gives to those of IPv4.
    #[must_use]
    pub const fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Ip(address) => Some(address.ip().to_canonical()),
            Self::Unix(_) => None,
        }
    }

    /// Whether it is on this machine for sure.
    #[must_use]
    pub fn is_local(self) -> bool {
        self.ip().is_none_or(|ip| ip.is_loopback())
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix(Some(process)) => write!(f, "unix:process-{process}"),
            Self::Unix(None) => f.write_str("unix"),
        }
    }
}

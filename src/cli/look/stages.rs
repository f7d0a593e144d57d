//! The way to a session, stage by stage, each with its time and what came of it.
//!
//! ```text
//! dns -> tcp -> tls -> upgrade -> subprotocol -> hello -> welcome      a WebSocket
//!                    handshake -> hello -> welcome                     a RawSocket
//! ```
//! Each stage is done as every other command does it, on one connection.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::Instant;
use url::{Host, Url};

use crate::cli::client::{ClientArgs, Stay};
use crate::cli::console::Console;
use crate::cli::exit::Failure;
use crate::cli::hints;
use crate::node::connect::{ConnectError, ConnectOptions, Joined, Peer};
use crate::transport::{Connection, DialError, Reached, Stage, within};

/// What came of a stage.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) stage: &'static str,
    pub(super) time: Duration,
    /// What is worth knowing of it.
    pub(super) said: String,
}

/// A stage that was not passed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) stage: &'static str,
    pub(super) time: Duration,
    pub(super) failure: Failure,
}

/// Goes from stage to stage, and tells of each that is passed.
pub(super) struct Way<'a> {
    args: &'a ClientArgs,
    options: ConnectOptions,
    deadline: Option<Instant>,
    began: Instant,
    told: &'a mut dyn FnMut(Passed) -> Result<()>,
}

/// Why the way ends before there is a session.
#[derive(Debug)]
pub(super) enum Stop {
    Failed(Failed),
    /// What was passed could not be told.
    Untold(anyhow::Error),
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Untold(error)
    }
}

impl<'a> Way<'a> {
    pub(super) fn new(
        args: &'a ClientArgs,
        console: &Console,
        told: &'a mut dyn FnMut(Passed) -> Result<()>,
    ) -> Result<Self> {
        let options = args.connect_options(console, Stay::Brief)?;
        let began = Instant::now();
        Ok(Self {
            args,
            deadline: options.timeout.map(|limit| began + limit),
            options,
            began,
            told,
        })
    }

    /// Goes it to its end.
    pub(super) async fn walk(mut self) -> Result<Peer, Stop> {
        let connection = if self.options.dialer.speaks_rawsocket() {
            self.dial().await?
        } else {
            let addresses = self.resolve().await?;
            let reached = self.reach(&addresses).await?;
            self.upgrade(reached).await?
        };
        self.join(connection).await
    }

    async fn resolve(&mut self) -> Result<Vec<SocketAddr>, Stop> {
        let url = &self.options.dialer.url;
        let port = url.port_or_known_default().unwrap_or_default();
        let (addresses, said) = match url.host() {
            Some(Host::Ipv4(ip)) => (vec![(ip, port).into()], "an address, no name".to_owned()),
            Some(Host::Ipv6(ip)) => (vec![(ip, port).into()], "an address, no name".to_owned()),
            Some(Host::Domain(name)) => {
                let looked_up = async {
                    let found = lookup_host((name, port)).await;
                    found.map_err(|source| DialError::Resolve {
                        host: name.to_owned(),
                        source,
                    })
                };
                let found = within(self.deadline, Stage::Resolve, looked_up).await;
                let found = found.map(Iterator::collect::<Vec<SocketAddr>>);
                let found = found.map_err(|error| self.dial_failed("dns", error))?;
                let ips: Vec<String> = found.iter().map(|found| found.ip().to_string()).collect();
                (found, ips.join(", "))
            }
            None => (Vec::new(), String::new()),
        };
        self.passed("dns", said)?;
        Ok(addresses)
    }

    /// A RawSocket's stages are passed in one: each serializer is asked for over a connection of its own.
    async fn dial(&mut self) -> Result<Connection, Stop> {
        match self.options.dialer.dial(self.deadline).await {
            Ok(connection) => {
                let name = connection.serializer().name();
                self.passed("rawsocket", format!("{name}, {}", self.options.dialer.url))?;
                Ok(connection)
            }
            Err(error) => {
                let stage = match error {
                    DialError::Resolve { .. } => "dns",
                    DialError::Connect { .. } => "tcp",
                    DialError::Tls(_) | DialError::TlsPort => "tls",
                    _ => "rawsocket",
                };
                Err(self.dial_failed(stage, error))
            }
        }
    }

    async fn reach(&mut self, addresses: &[SocketAddr]) -> Result<Reached, Stop> {
        let connecting = async {
            let tcp = TcpStream::connect(addresses).await;
            let tcp = tcp.and_then(|tcp| tcp.set_nodelay(true).map(|()| tcp));
            tcp.map_err(|source| DialError::Connect { source })
        };
        let tcp = within(self.deadline, Stage::Connect, connecting).await;
        let tcp = tcp.map_err(|error| self.dial_failed("tcp", error))?;
        let address = tcp.peer_addr().ok();
        let said = address.map_or_else(String::new, |it| it.to_string());
        self.passed("tcp", said)?;
        let dialer = &self.options.dialer;
        let host = dialer.url.host().map(|host| host.to_owned());
        let (Some(tls), Some(host)) = (&dialer.tls, host) else {
            return Ok(Reached {
                stream: Box::new(tcp),
                address,
                tls: None,
            });
        };
        let handshake = async { Ok(tls.connect(&host.to_owned(), tcp).await?) };
        let shaken = within(self.deadline, Stage::Tls, handshake).await;
        let (stream, session) = shaken.map_err(|error| self.dial_failed("tls", error))?;
        let said = format!("{}, {}", session.version, session.cipher_suite);
        self.passed("tls", said)?;
        Ok(Reached {
            stream: Box::new(stream),
            address,
            tls: Some(session),
        })
    }

    async fn upgrade(&mut self, reached: Reached) -> Result<Connection, Stop> {
        let upgrading = self.options.dialer.upgrade(reached);
        let upgraded = within(self.deadline, Stage::Upgrade, upgrading).await;
        match upgraded {
            Ok(connection) => {
                self.passed("upgrade", "HTTP 101, a WebSocket".to_owned())?;
                let name = connection.serializer().subprotocol();
                self.passed("subprotocol", name.to_owned())?;
                Ok(connection)
            }
            Err(error @ DialError::Subprotocol { .. }) => {
                self.passed("upgrade", "HTTP 101, a WebSocket".to_owned())?;
                Err(self.dial_failed("subprotocol", error))
            }
            Err(error) => Err(self.dial_failed("upgrade", error)),
        }
    }

    async fn join(mut self, connection: Connection) -> Result<Peer, Stop> {
        let realm = self.options.realm.to_string();
        let methods = self.options.credentials.methods.len();
        let who = match (&self.options.credentials.authid, methods) {
            (Some(authid), _) => format!("realm {realm:?}, as {authid:?}"),
            (None, _) => format!("realm {realm:?}"),
        };
        self.passed("hello", who)?;
        let joining = Peer::connect_over(connection, self.options.clone(), self.deadline);
        let peer = match joining.await {
            Ok(peer) => peer,
            Err(error) => return Err(self.failed("welcome", &error)),
        };
        let said = peer.joined().map(|joined| welcome(&joined));
        self.passed("welcome", said.unwrap_or_default())?;
        Ok(peer)
    }

    fn passed(&mut self, stage: &'static str, said: String) -> Result<()> {
        let time = self.lap();
        (self.told)(Passed { stage, time, said })
    }

    fn dial_failed(&mut self, stage: &'static str, error: DialError) -> Stop {
        self.failed(stage, &ConnectError::Dial(error))
    }

    fn failed(&mut self, stage: &'static str, error: &ConnectError) -> Stop {
        let limit = self.options.timeout;
        let url: &Url = &self.options.dialer.url;
        let failure = hints::not_connected(error, url, self.args.realm(), limit);
        Stop::Failed(Failed {
            stage,
            time: self.lap(),
            failure,
        })
    }

    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.began, now)
    }
}

fn welcome(joined: &Joined) -> String {
    let details = &joined.welcome.details;
    let mut said = format!("session {}", joined.welcome.session);
    for (name, value) in [
        ("router", &details.agent),
        ("authid", &details.authid),
        ("authrole", &details.authrole),
        ("authmethod", &details.authmethod),
    ] {
        if let Some(value) = value {
            let _ = write!(said, ", {name} {value}");
        }
    }
    said
}

//! A proxy in the test process that does to a connection what networks and broken peers do, by direction and byte.
//!
//! Owns the listener, its connections and a thread for each direction. Does not know what the bytes mean.
//!
//! The same bytes meet the same faults in every run. Only where the kernel puts together what was written apart does a
//! peer see less splitting than was asked for; `tests/transcript/library.rs` splits without a kernel.

use std::env;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Which faults [`Router`](super::Router) puts in front of itself, so that whole suites run behind them.
const VARIABLE: &str = "WAMP_TEST_FAULT";
/// So many bytes of each direction go one by one; a megabyte more would be a million system calls.
const SPLIT_BYTES_MAX: u64 = 256 * 1024;
/// How much of an answer to a handshake goes at once where all clients must take it: tungstenite's takes one that comes in
/// more than 64 pieces for an attack.
const ANSWER_BYTES: u64 = 150;

/// What happens to the bytes of one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// From who connects to who listens.
    pub(crate) to_server: Course,
    /// The other way.
    pub(crate) to_client: Course,
}

/// What happens to the bytes of one direction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Course {
    /// From where on every byte goes alone; none does where it is `None`.
    pub(crate) split_from: Option<u64>,
    /// What happens behind so many bytes, in their order.
    pub(crate) deeds: Vec<(u64, Deed)>,
}

/// Something bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Nothing moves for so long.
    Delay(Duration),
    /// What follows is taken and lost, its end included: a cut link.
    Drop,
    /// Nothing more is taken, and nothing is closed.
    Stall,
    /// This direction ends; the other goes on.
    HalfClose,
    /// Both directions end.
    Truncate,
}

/// A running proxy; it ends with all of its connections when dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    shared: Arc<Shared>,
    url: String,
}

/// What the threads of a proxy share.
#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_over: bool,
    /// Every link is cut, whatever else was to happen.
    is_dark: bool,
    streams: Vec<Stream>,
}

/// A stream of either kind.
#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Faults {
    /// None.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// Every byte alone, both ways.
    pub(crate) fn split() -> Self {
        Self::split_from(0, 0)
    }

    fn split_from(to_server: u64, to_client: u64) -> Self {
        let course = |from| Course {
            split_from: Some(from),
            deeds: Vec::new(),
        };
        Self {
            to_server: course(to_server),
            to_client: course(to_client),
        }
    }

    /// One thing, behind so many bytes on their way to the server.
    pub(crate) fn to_server(at: u64, deed: Deed) -> Self {
        Self {
            to_server: Course::once(at, deed),
            to_client: Course::default(),
        }
    }

    /// One thing, behind so many bytes on their way to the client.
    pub(crate) fn to_client(at: u64, deed: Deed) -> Self {
        Self {
            to_server: Course::default(),
            to_client: Course::once(at, deed),
        }
    }

    /// What the environment asks for: `WAMP_TEST_FAULT=split1` is every byte alone, `delay` a short wait in each direction
    /// behind the WebSocket's handshake.
    pub(crate) fn of_environment() -> Option<Self> {
        match env::var(VARIABLE).ok()?.as_str() {
            "split1" => Some(Self::split_from(0, ANSWER_BYTES)),
            "delay" => {
                let course = Course::once(300, Deed::Delay(Duration::from_millis(20)));
                Some(Self {
                    to_server: course.clone(),
                    to_client: course,
                })
            }
            other => panic!("{VARIABLE} is split1 or delay, not {other:?}"),
        }
    }
}

impl Course {
    fn once(at: u64, deed: Deed) -> Self {
        Self {
            split_from: None,
            deeds: vec![(at, deed)],
        }
    }

    /// How many bytes pass as they come; none where a deed is due.
    fn room(&self, passed: u64, done: usize) -> usize {
        let deed = self.deeds.get(done).map(|(at, _)| *at);
        let split = self.split_from.filter(|from| passed < *from);
        let left = deed
            .into_iter()
            .chain(split)
            .min()
            .map(|at| at.saturating_sub(passed));
        left.map_or(usize::MAX, |left| {
            usize::try_from(left).unwrap_or(usize::MAX)
        })
    }

    /// How many bytes go at once.
    fn piece(&self, passed: u64) -> usize {
        let is_split =
            self.split_from.is_some_and(|from| passed >= from) && passed < SPLIT_BYTES_MAX;
        if is_split { 1 } else { usize::MAX }
    }
}

impl Proxy {
    /// Stands in front of a server at a `ws://` URL; its own URL differs in the port alone. Connection `n`, counted from 0,
    /// has the faults that `faults` says.
    #[track_caller]
    pub(crate) fn tcp(url: &str, faults: impl Fn(usize) -> Faults + Send + 'static) -> Self {
        let (scheme, rest) = url.split_once("://").expect("a URL");
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, _) = authority.rsplit_once(':').expect("a port");
        let listener = TcpListener::bind((host, 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let server = authority.to_owned();
        let connect = move || TcpStream::connect(&server).map(Stream::Tcp);
        let accept = move || listener.accept().map(|(stream, _)| Stream::Tcp(stream));
        Self::start(
            format!("{scheme}://{host}:{port}{path}"),
            accept,
            connect,
            faults,
        )
    }

    /// Stands at `path` in front of a server at another.
    #[track_caller]
    pub(crate) fn unix(
        path: &Path,
        server: &Path,
        faults: impl Fn(usize) -> Faults + Send + 'static,
    ) -> Self {
        let listener = UnixListener::bind(path).expect("a free path");
        let server = server.to_owned();
        let connect = move || UnixStream::connect(&server).map(Stream::Unix);
        let accept = move || listener.accept().map(|(stream, _)| Stream::Unix(stream));
        Self::start(path.display().to_string(), accept, connect, faults)
    }

    fn start(
        url: String,
        accept: impl Fn() -> io::Result<Stream> + Send + 'static,
        connect: impl Fn() -> io::Result<Stream> + Send + 'static,
        faults: impl Fn(usize) -> Faults + Send + 'static,
    ) -> Self {
        let shared = Arc::<Shared>::default();
        let sharing = Arc::clone(&shared);
        // It waits in `accept` to the end of the test process, unless somebody connects: nothing joins it.
        thread::spawn(move || {
            for number in 0.. {
                let (Ok(client), false) = (accept(), sharing.lock().is_over) else {
                    break;
                };
                // Without a server it closes, as who connects there would see.
                if let Ok(server) = connect() {
                    sharing.join(client, server, faults(number));
                }
            }
        });
        Self { shared, url }
    }

    /// Where to connect.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Cuts every link from now on: what is sent is lost, and nobody is told.
    pub(crate) fn go_dark(&self) {
        self.shared.lock().is_dark = true;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.is_over = true;
        for stream in state.streams.drain(..) {
            stream.shut_down(Shutdown::Both);
        }
        drop(state);
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to carry bytes both ways.
    fn join(self: &Arc<Self>, client: Stream, server: Stream, faults: Faults) {
        let ends = [
            client.share(),
            server.share(),
            client.share(),
            server.share(),
        ];
        let [
            Some(from_client),
            Some(to_server),
            Some(to_client),
            Some(from_server),
        ] = ends
        else {
            return;
        };
        self.lock().streams.extend([client, server]);
        let directions = [
            (from_client, to_server, faults.to_server),
            (from_server, to_client, faults.to_client),
        ];
        for (from, to, course) in directions {
            let sharing = Arc::clone(self);
            thread::spawn(move || sharing.carry(from, to, &course));
        }
    }

    /// Carries the bytes of one direction to their end.
    fn carry(&self, mut from: Stream, mut to: Stream, course: &Course) {
        let (mut passed, mut done) = (0, 0);
        let mut chunk = vec![0; 64 * 1024];
        loop {
            // No further than to the next deed: what is stalled stays with its sender.
            let room = course.room(passed, done).min(chunk.len());
            if room == 0 {
                if !self.commit(course.deeds[done].1, &mut from, &to) {
                    return;
                }
                done += 1;
                continue;
            }
            let count = from.read(&mut chunk[..room]).unwrap_or(0);
            if self.lock().is_dark {
                return from.lose_the_rest();
            }
            if count == 0 {
                return to.shut_down(Shutdown::Write);
            }
            for piece in chunk[..count].chunks(course.piece(passed)) {
                if to.write_all(piece).is_err() {
                    // As a peer that has closed: whoever still sends is told.
                    return from.shut_down(Shutdown::Both);
                }
            }
            passed += count as u64;
        }
    }

    /// Does something bad; says whether bytes are carried on.
    fn commit(&self, deed: Deed, from: &mut Stream, to: &Stream) -> bool {
        match deed {
            Deed::Delay(time) => thread::sleep(time),
            Deed::Stall => drop(self.changed.wait_while(self.lock(), |it| !it.is_over)),
            Deed::Drop => from.lose_the_rest(),
            Deed::HalfClose => {
                to.shut_down(Shutdown::Write);
                from.lose_the_rest();
            }
            Deed::Truncate => {
                to.shut_down(Shutdown::Both);
                from.shut_down(Shutdown::Both);
            }
        }
        matches!(deed, Deed::Delay(_))
    }
}

impl Stream {
    /// Another handle on it.
    fn share(&self) -> Option<Self> {
        match self {
            Self::Tcp(stream) => {
                // Or the kernel puts together what was written apart.
                stream.set_nodelay(true).ok()?;
                stream.try_clone().ok().map(Self::Tcp)
            }
            Self::Unix(stream) => stream.try_clone().ok().map(Self::Unix),
        }
    }

    /// Reads to the end, for nobody.
    fn lose_the_rest(&mut self) {
        let _ = io::copy(self, &mut io::sink());
    }

    /// It may be closed already.
    fn shut_down(&self, how: Shutdown) {
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(how),
            Self::Unix(stream) => stream.shutdown(how),
        };
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(bytes),
            Self::Unix(stream) => stream.read(bytes),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.flush(),
            Self::Unix(stream) => stream.flush(),
        }
    }
}

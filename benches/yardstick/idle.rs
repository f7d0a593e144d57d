//! The load of doing nothing: what a joined session costs in memory, and how fast they join.

use std::io::{ErrorKind, Read as _};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::server::Server;
use crate::session::{self, ECHO_PATH, Session};
use crate::wamp::Serializer;

/// Time for the server to come to rest before it is weighed.
const SETTLE: Duration = Duration::from_millis(500);

/// What idle sessions cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) bytes_each: f64,
    pub(crate) joins_per_second: f64,
    pub(crate) join_cpu_us: f64,
}

/// Joins `count` sessions on a server that nobody has used yet.
pub(crate) fn run(server: &Server, serializer: Serializer, count: u32) -> Result<Cost> {
    let before = server.rss_bytes()?;
    let cpu_before = server.cpu()?;
    let started = Instant::now();
    let paths = vec![ECHO_PATH.to_owned(); usize::try_from(count)?];
    let sessions = session::open(server, serializer, &paths)?;
    let seconds = started.elapsed().as_secs_f64();
    thread::sleep(SETTLE);
    let grown = server.rss_bytes()?.saturating_sub(before);
    let cpu = server.cpu()?.saturating_sub(cpu_before);
    for mut session in sessions {
        check_open(&mut session)?;
    }
    Ok(Cost {
        bytes_each: f64::from(u32::try_from(grown / 1024)?) * 1024.0 / f64::from(count),
        joins_per_second: f64::from(count) / seconds,
        join_cpu_us: cpu.as_secs_f64() * 1e6 / f64::from(count),
    })
}

/// A session is open if there is nothing to read, or something.
fn check_open(session: &mut Session) -> Result<()> {
    session.stream.set_nonblocking(true)?;
    match session.stream.read(&mut [0; 256]) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
        got => {
            ensure!(
                got.context("an idle session")? > 0,
                "an idle session was closed"
            );
            Ok(())
        }
    }
}

//! Non-blocking connections under load: one read and one write for many messages.
//!
//! Edge-triggered: a read that leaves room in the buffer has taken all there was. One large buffer
//! serves every connection; only the start of an unfinished frame is kept by its own.

use std::io::{ErrorKind, Read as _, Write as _};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::frame;
use crate::session::Session;

/// How many connections one wait can report.
const READY_MAX: usize = 2048;
const SCRATCH_BYTES: usize = 512 * 1024;
/// Short enough that a phase of a measurement never ends late by much.
const WAIT_MAX: Duration = Duration::from_millis(10);

/// The connections of one load, by index.
#[derive(Debug)]
pub(crate) struct Wires {
    poll: Poll,
    events: Events,
    all: Vec<Wire>,
    scratch: Vec<u8>,
}

impl Wires {
    pub(crate) fn new(sessions: Vec<Session>) -> Result<Self> {
        let poll = Poll::new()?;
        let all = sessions
            .into_iter()
            .enumerate()
            .map(|(index, session)| Wire::new(session, &poll, Token(index)))
            .collect::<Result<_>>()?;
        Ok(Self {
            poll,
            events: Events::with_capacity(READY_MAX),
            all,
            scratch: vec![0; SCRATCH_BYTES],
        })
    }

    /// Waits and puts into `ready` the connections that can be read.
    pub(crate) fn wait(&mut self, ready: &mut Vec<usize>) -> Result<()> {
        ready.clear();
        match self.poll.poll(&mut self.events, Some(WAIT_MAX)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            polled => polled.context("waiting for the sockets")?,
        }
        for event in &self.events {
            let Token(index) = event.token();
            if event.is_writable() {
                self.all[index].flush()?;
            }
            if event.is_readable() || event.is_read_closed() {
                ready.push(index);
            }
        }
        Ok(())
    }

    /// Hands every message that is there to `each`, then sends at once what `each` put out.
    pub(crate) fn read(
        &mut self,
        index: usize,
        each: impl FnMut(&[u8], &mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        self.all[index].read(&mut self.scratch, each)
    }

    /// Sends what `fill` appends.
    pub(crate) fn send(&mut self, index: usize, fill: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        fill(&mut self.all[index].out);
        self.all[index].flush()
    }
}

#[derive(Debug)]
struct Wire {
    stream: TcpStream,
    /// The start of a frame whose end has not come.
    left: Vec<u8>,
    out: Vec<u8>,
    /// How much of `out` has been written.
    written: usize,
}

impl Wire {
    fn new(session: Session, poll: &Poll, token: Token) -> Result<Self> {
        ensure!(
            session.left.is_empty(),
            "the server sent something nobody asked for"
        );
        session.stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(session.stream);
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, token, interest)?;
        Ok(Self {
            stream,
            left: Vec::new(),
            out: Vec::new(),
            written: 0,
        })
    }

    fn read(
        &mut self,
        scratch: &mut Vec<u8>,
        mut each: impl FnMut(&[u8], &mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        loop {
            let kept = self.left.len();
            if scratch.len() < 2 * kept {
                scratch.resize(4 * kept, 0);
            }
            let got = match self.stream.read(&mut scratch[kept..]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                got => got.context("reading")?,
            };
            ensure!(got > 0, "the server closed a connection");
            scratch[..kept].copy_from_slice(&self.left);
            let bytes = &scratch[..kept + got];
            let used = self.take(bytes, &mut each)?;
            self.left.clear();
            self.left.extend_from_slice(&bytes[used..]);
            if kept + got < scratch.len() {
                break;
            }
        }
        self.flush()
    }

    /// Takes whole frames off the front; returns how many bytes they were.
    fn take(
        &mut self,
        bytes: &[u8],
        each: &mut impl FnMut(&[u8], &mut Vec<u8>) -> Result<()>,
    ) -> Result<usize> {
        let mut used = 0;
        while let Some(found) = frame::first(&bytes[used..])? {
            let payload = &bytes[used + found.start..used + found.end];
            match found.opcode {
                frame::TEXT | frame::BINARY => each(payload, &mut self.out)?,
                frame::PING => frame::put(&mut self.out, frame::PONG, payload),
                frame::CLOSE => bail!("the server sent a close frame"),
                _ => {}
            }
            used += found.end;
        }
        Ok(used)
    }

    fn flush(&mut self) -> Result<()> {
        while self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                written => self.written += written.context("writing")?,
            }
        }
        self.out.clear();
        self.written = 0;
        Ok(())
    }
}

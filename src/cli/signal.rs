//! Ctrl-C and SIGTERM: the first ends the command in good order, the second at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::{Exit, Failure};

/// Listens for signals that end a command.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, Failure> {
        let listen =
            |kind| signal(kind).map_err(|error| Failure::io("listen for", "signals", &error));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for a signal, and says how the process is to end.
    pub(super) async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
        }
    }

    /// Does what has to be done at the end, unless another signal comes: then the process ends at once.
    pub(super) async fn or_exit<T>(&mut self, last: impl Future<Output = T>) -> T {
        tokio::select! {
            done = last => done,
            exit = self.next() => exit_now(exit),
        }
    }
}

#[expect(
    clippy::exit,
    reason = "who presses Ctrl-C twice does not want to wait for anything"
)]
fn exit_now(exit: Exit) -> ! {
    super::group::kill_all();
    exit.raise();
    std::process::exit(exit.code().into())
}

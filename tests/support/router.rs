//! `wamp router` on a free port.

use std::ffi::OsStr;
use std::path::Path;

use super::{Faults, Output, Program, Proxy, wamp};

/// A running `wamp router`; killed when dropped.
#[derive(Debug)]
pub(crate) struct Router {
    program: Program,
    url: String,
    /// What `WAMP_TEST_FAULT` puts before it.
    _proxy: Option<Proxy>,
}

impl Router {
    /// Starts `wamp router` as it is without a config, on a free port of loopback.
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self::start_with([] as [&str; 0])
    }

    /// Starts it with more arguments.
    #[track_caller]
    pub(crate) fn start_with<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        Self::start_in(".", args)
    }

    /// Starts it in a folder, which `--demo` then lists.
    #[track_caller]
    pub(crate) fn start_in<A: AsRef<OsStr>>(
        dir: impl AsRef<Path>,
        args: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut program = wamp(["router", "--listen", "127.0.0.1:0"])
            .args(args)
            .dir(dir)
            .start();
        let url = program.next_line();
        assert!(
            url.starts_with("ws"),
            "the first line of `wamp router` is no URL: {url:?}"
        );
        let proxy =
            Faults::of_environment().map(|faults| Proxy::tcp(&url, move |_| faults.clone()));
        let url = proxy.as_ref().map_or(url, |proxy| proxy.url().to_owned());
        Self {
            program,
            url,
            _proxy: proxy,
        }
    }

    /// Returns where to reach it, such as `ws://127.0.0.1:40123/ws`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns its process, to look at it or to send it a signal.
    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// Returns what it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.program.stderr()
    }

    /// Returns the first line of the log that contains `pattern`; waits for it if need be.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, pattern: &str) -> String {
        self.program.wait_for_line(pattern)
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn finish(self) -> Output {
        self.program.finish()
    }

    /// Sends SIGINT, as Ctrl-C does, and waits for the end.
    #[track_caller]
    pub(crate) fn interrupt(self) -> Output {
        self.program.interrupt();
        self.program.finish()
    }

    /// Sends SIGTERM, as a service manager does, and waits for the end.
    #[track_caller]
    pub(crate) fn terminate(self) -> Output {
        self.program.terminate();
        self.program.finish()
    }
}

//! Our binary, as a user would type it.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

use super::{Output, Program};

/// Prepares `wamp` with `args`: `wamp(["call", "sum", "3", "5"]).to(&router.url()).run().stdout("8\n")`.
pub(crate) fn wamp<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Wamp {
    let args = args
        .into_iter()
        .map(|arg| arg.as_ref().to_owned())
        .collect();
    Wamp {
        command: Command::new(env!("CARGO_BIN_EXE_wamp")),
        args,
        stdin: Vec::new(),
    }
}

/// A command line of ours that has not been run yet.
#[derive(Debug)]
#[must_use = "nothing happens before `run` or `start`"]
pub(crate) struct Wamp {
    command: Command,
    args: Vec<OsString>,
    stdin: Vec<u8>,
}

impl Wamp {
    /// Adds one more argument at the end.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds more arguments at the end.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Names the router: puts `-u URL` behind the subcommand.
    pub(crate) fn to(mut self, url: &str) -> Self {
        self.args.splice(1..1, ["-u".into(), url.into()]);
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs in this folder.
    pub(crate) fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// What [`run`](Self::run) gives it to read; without this, an end of file at once.
    pub(crate) fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.stdin = input.into();
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn run(mut self) -> Output {
        let input = std::mem::take(&mut self.stdin);
        let mut program = self.start();
        program.feed(input);
        program.finish()
    }

    /// Starts it and leaves it running, its stdin open.
    #[track_caller]
    pub(crate) fn start(mut self) -> Program {
        self.command.args(self.args);
        Program::start(self.command)
    }
}

//! A running child process whose streams are read as they come.
//!
//! Owns the child, its two reader threads and the thread that waits for its end.
//! Does not judge what was said: see [`Output`].

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use super::Output;

/// How long a program may take to say what a test waits for. Generous: CI shares its two cores.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);

/// Variables of the developer's own shell that would change what a program says.
const UNWANTED_PREFIXES: &[&str] = &[
    "WAMP_",
    "WICK_",
    "CLICOLOR",
    "NO_COLOR",
    "FORCE_COLOR",
    "RUST_LOG",
    "RUST_BACKTRACE",
];

/// One of the two streams a program speaks on.
#[derive(Clone, Copy, Debug)]
enum Stream {
    Stdout,
    Stderr,
}

/// What a program has said and how it ended, filled by the threads that watch it.
#[derive(Debug, Default)]
struct Said {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    open_streams: usize,
    exit: Option<ExitStatus>,
}

impl Said {
    fn of(&self, stream: Stream) -> &[u8] {
        match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        }
    }

    /// Returns the lines that are complete; once the program has ended, also a last one without line end.
    fn lines(&self, stream: Stream) -> Vec<String> {
        let bytes = self.of(stream);
        let end = if self.ended() {
            bytes.len()
        } else {
            bytes
                .iter()
                .rposition(|&byte| byte == b'\n')
                .map_or(0, |at| at + 1)
        };
        String::from_utf8_lossy(&bytes[..end])
            .lines()
            .map(str::to_owned)
            .collect()
    }

    fn matches(&self, pattern: &str) -> Vec<String> {
        let mut lines = self.lines(Stream::Stdout);
        lines.extend(self.lines(Stream::Stderr));
        lines.retain(|line| line.contains(pattern));
        lines
    }

    fn ended(&self) -> bool {
        self.exit.is_some() && self.open_streams == 0
    }
}

type Shared = Arc<(Mutex<Said>, Condvar)>;

/// A running child process; killed with its whole process group when dropped.
#[derive(Debug)]
pub(crate) struct Program {
    command_line: String,
    pid: u32,
    stdin: Option<ChildStdin>,
    said: Shared,
    lines_taken: usize,
}

impl Program {
    /// Starts `command` in a process group of its own, with a cleaned environment and all three streams piped.
    ///
    /// Variables that the command sets itself are kept.
    #[track_caller]
    pub(crate) fn start(mut command: Command) -> Self {
        clean_environment(&mut command);
        command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let command_line = command_line(&command);
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start `{command_line}`: {error}"));
        let pid = child.id();
        let stdin = child.stdin.take();
        let said = watch(child);
        Self {
            command_line,
            pid,
            stdin,
            said,
            lines_taken: 0,
        }
    }

    /// Returns the first line, on either stream and from the start on, that contains `pattern`; waits for it if need be.
    #[track_caller]
    pub(crate) fn wait_for_line(&self, pattern: &str) -> String {
        self.wait_for_lines(pattern, 1).remove(0)
    }

    /// Returns the first `count` lines that contain `pattern`, once there are so many; those of stdout come first.
    #[track_caller]
    pub(crate) fn wait_for_lines(&self, pattern: &str, count: usize) -> Vec<String> {
        let wish = format!("{count} line(s) with {pattern:?}");
        let mut lines = self
            .wait(&wish, |said| said.matches(pattern).len() >= count)
            .matches(pattern);
        lines.truncate(count);
        lines
    }

    /// Takes the next line of stdout; waits for it if need be. Each line is taken once.
    #[track_caller]
    pub(crate) fn next_line(&mut self) -> String {
        let at = self.lines_taken;
        let wish = format!("line {} on stdout", at + 1);
        let line = self
            .wait(&wish, |said| said.lines(Stream::Stdout).len() > at)
            .lines(Stream::Stdout)
            .remove(at);
        self.lines_taken += 1;
        line
    }

    /// Returns how many lines of stdout have been taken.
    pub(crate) fn lines_taken(&self) -> usize {
        self.lines_taken
    }

    /// Returns what was said on stderr so far.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.lock().stderr).into_owned()
    }

    /// Returns its process id, to look at it in `/proc`.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Writes `text` to the program's stdin, which stays open.
    #[track_caller]
    pub(crate) fn write(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is still open");
        let written = stdin
            .write_all(text.as_bytes())
            .and_then(|()| stdin.flush());
        written.unwrap_or_else(|error| {
            panic!("cannot write to the stdin of {}: {error}", self.report())
        });
    }

    /// Closes the program's stdin: it reads an end of file.
    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Hands the program all of `input` on a thread of its own, then an end of file.
    pub(crate) fn feed(&mut self, input: Vec<u8>) {
        if let Some(mut stdin) = self.stdin.take() {
            // A program may end without having read everything; what it then says is the test's business.
            thread::spawn(move || stdin.write_all(&input).ok());
        }
    }

    /// Sends SIGINT, as Ctrl-C does.
    #[track_caller]
    pub(crate) fn interrupt(&self) {
        self.signal("INT");
    }

    /// Sends SIGTERM, as a service manager does.
    #[track_caller]
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends a signal by its name, without the `SIG`, to the program but not to its children.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        let sent = kill(name, &self.pid.to_string());
        assert!(sent, "cannot send SIG{name} to {}", self.report());
    }

    /// Closes stdin and waits for the end.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Output {
        self.stdin = None;
        let said = self.wait("its end", Said::ended);
        let status = said.exit.unwrap_or_default();
        Output {
            command_line: self.command_line.clone(),
            code: status
                .code()
                .or_else(|| status.signal().map(|signal| 128 + signal))
                .unwrap_or_default(),
            stdout: String::from_utf8_lossy(&said.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&said.stderr).into_owned(),
            stdout_bytes: said.stdout.clone(),
        }
    }

    /// Waits until `wish` holds; fails when it does not within [`DEADLINE`], or no longer can.
    #[track_caller]
    fn wait(&self, wish: &str, holds: impl Fn(&Said) -> bool) -> MutexGuard<'_, Said> {
        let goes_on = |said: &mut Said| !holds(said) && !said.ended();
        let waited = self
            .said
            .1
            .wait_timeout_while(self.lock(), DEADLINE, goes_on);
        let (said, _) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        if !holds(&said) {
            let why = if said.ended() {
                "it ended without".to_owned()
            } else {
                format!("nothing within {DEADLINE:?} of waiting")
            };
            drop(said);
            panic!("waited for {wish}: {why}\n{}", self.report());
        }
        said
    }

    /// Shows everything the program has said so far, on both streams.
    fn report(&self) -> String {
        let said = self.lock();
        let state = said
            .exit
            .map_or_else(|| "still running".to_owned(), |status| status.to_string());
        let [stdout, stderr] =
            [&said.stdout, &said.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        format!(
            "`{}` ({state})\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---",
            self.command_line
        )
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        // A failed wait panics in the test's own thread; what was said stays readable.
        self.said
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // With its streams closed it has left no children behind, and its number may be another's by now.
        let ended = self.lock().ended();
        if !ended {
            kill("KILL", &format!("-{}", self.pid));
        }
    }
}

/// Starts the threads that collect what `child` says on each stream and note its end.
fn watch(mut child: Child) -> Shared {
    let shared = Shared::default();
    shared.0.lock().unwrap().open_streams = 2;
    let stdout = child.stdout.take().expect("stdout is piped");
    let stderr = child.stderr.take().expect("stderr is piped");
    collect(Arc::clone(&shared), Stream::Stdout, stdout);
    collect(Arc::clone(&shared), Stream::Stderr, stderr);
    let waiting = Arc::clone(&shared);
    thread::spawn(move || {
        let status = child.wait().expect("a child can be waited for");
        note(&waiting, |said| said.exit = Some(status));
    });
    shared
}

fn collect(shared: Shared, stream: Stream, mut from: impl Read + Send + 'static) {
    thread::spawn(move || {
        let mut chunk = [0; 8192];
        while let Ok(count @ 1..) = from.read(&mut chunk) {
            note(&shared, |said| match stream {
                Stream::Stdout => said.stdout.extend_from_slice(&chunk[..count]),
                Stream::Stderr => said.stderr.extend_from_slice(&chunk[..count]),
            });
        }
        note(&shared, |said| said.open_streams -= 1);
    });
}

fn note(shared: &Shared, change: impl FnOnce(&mut Said)) {
    let mut said = shared
        .0
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    change(&mut said);
    shared.1.notify_all();
}

/// Runs the `kill` command, the one way to send a signal without unsafe code; tells whether it could.
fn kill(signal: &str, target: &str) -> bool {
    let done = Command::new("kill")
        .args(["-s", signal, "--", target])
        .stderr(Stdio::null())
        .status();
    done.is_ok_and(|status| status.success())
}

/// Where the developer's own contexts are looked for instead; nobody has a folder there.
const NO_FOLDER: &str = "/nonexistent";
/// The variables that say where.
const FOLDERS: [&str; 3] = ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"];

fn clean_environment(command: &mut Command) {
    let set: Vec<_> = command
        .get_envs()
        .map(|(name, _)| name.to_owned())
        .collect();
    for name in FOLDERS
        .iter()
        .filter(|name| !set.iter().any(|own| own == *name))
    {
        command.env(name, NO_FOLDER);
    }
    for (name, _) in std::env::vars_os() {
        let unwanted = name.to_str().is_some_and(|name| {
            UNWANTED_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix))
        });
        if unwanted && !set.contains(&name) {
            command.env_remove(name);
        }
    }
}

fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    shell_words::join(words.map(OsStr::to_string_lossy))
}

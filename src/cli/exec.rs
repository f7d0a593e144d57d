//! `--exec`: a program answers a call, or is told of an event.
//!
//! The program runs as it was written, without a shell unless `--sh` asks for one; what came is on its stdin and in its
//! environment, never on its command line.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader,
};
use tokio::process::Command;
use tokio::time::timeout;

use super::argument::Arguments;
use super::exit::Failure;
use super::group::Group;
use super::json;
use super::pace::parse_pause;
use crate::client::ErrorReply;
use crate::node::connect::Progress;
use crate::protocol::{Dict, Payload, Value, uris};
use crate::serializer::Serializer;
use crate::transport::io_text;

/// The most that a program may say on stdout; of a line, where each goes on its way alone.
const STDOUT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How much of the end of its stderr goes into an ERROR.
const STDERR_TAIL_BYTES: usize = 2048;

/// How `--exec` runs its program.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct ExecArgs {
    /// Run CMD in a shell: sh -c CMD
    #[arg(long, requires = "exec")]
    sh: bool,
    /// End the program, and all that it has started, after so long
    #[arg(long, value_name = "DURATION", value_parser = parse_pause, requires = "exec")]
    exec_timeout: Option<Duration>,
}

/// What a program's output is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Out {
    /// JSON if it is, else text, else bytes.
    #[default]
    Value,
    /// Each line by itself, as it comes.
    Lines,
    /// Bytes, whatever they are.
    Bytes,
}

/// A program that has not answered.
pub(super) struct Failed {
    /// What its owner is told, in one line.
    pub(super) note: String,
    /// What its caller is told.
    pub(super) reply: ErrorReply,
}

/// A program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    name: String,
    args: Vec<String>,
    limit: Option<Duration>,
}

/// What a program is run for.
#[derive(Debug)]
pub(super) struct Request {
    /// One line of JSON.
    stdin: String,
    variables: Vec<(String, String)>,
}

impl ExecArgs {
    /// Whether anything is said of how the program runs.
    pub(super) const fn is_given(&self) -> bool {
        self.sh || self.exec_timeout.is_some()
    }
}

impl Program {
    /// Splits a command line as a shell would, and checks that its program is there.
    pub(super) fn parse(command_line: &str, args: &ExecArgs) -> Result<Self, Failure> {
        let limit = args.exec_timeout;
        if args.sh {
            let (name, args) = (
                "sh".to_owned(),
                vec!["-c".to_owned(), command_line.to_owned()],
            );
            check_program(&name)?;
            return Ok(Self { name, args, limit });
        }
        let words = shell_words::split(command_line)
            .map_err(|error| Failure::usage(format!("--exec {command_line:?}: {error}")))?;
        let mut words = words.into_iter();
        let name = words
            .next()
            .ok_or_else(|| Failure::usage("--exec names no program"))?;
        check_program(&name)?;
        let args = words.collect();
        Ok(Self { name, args, limit })
    }

    /// Runs the program for one call. Dropping the future kills it, and all that it has started.
    pub(super) async fn answer(
        &self,
        request: Request,
        out: Out,
        progress: Option<&Progress>,
    ) -> Result<Payload, Failed> {
        let mut command = self.command(&request);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let group = self.spawn(command)?;
        let hearing = Hearing { out, progress };
        let said = self
            .within_limit(talk(group, request.stdin, hearing))
            .await?;
        let said = said.map_err(|error| self.io_failed(&error))?;
        let Some(said) = said else {
            let text = format!("{:?} said more than {STDOUT_BYTES_MAX} bytes", self.name);
            return Err(Failed::new(text));
        };
        if !said.status.success() {
            return Err(self.failed(said.status, &said.stderr));
        }
        Ok(said.stdout)
    }

    /// Runs the program for an event; what it says goes where ours does.
    ///
    /// # Errors
    /// How it failed, in one line.
    pub(super) async fn hear(&self, request: Request) -> Result<(), String> {
        let mut command = self.command(&request);
        command.stdout(Stdio::inherit()).stderr(Stdio::inherit());
        let mut group = self.spawn(command).map_err(|failed| failed.note)?;
        let heard = async {
            feed(group.child().stdin.take(), &request.stdin).await;
            group.wait().await
        };
        let status = self
            .within_limit(heard)
            .await
            .map_err(|failed| failed.note)?;
        let status = status.map_err(|error| self.io_failed(&error).note)?;
        if status.success() {
            Ok(())
        } else {
            Err(self.failed(status, &[]).note)
        }
    }

    fn command(&self, request: &Request) -> Command {
        let mut command = Command::new(&self.name);
        command.args(&self.args).stdin(Stdio::piped());
        // The system has no variables with NUL in them; stdin has them all.
        let variables = request.variables.iter();
        command.envs(
            variables
                .filter(|(_, value)| !value.contains('\0'))
                .map(|(name, value)| (name, value)),
        );
        command.process_group(0).kill_on_drop(true);
        command
    }

    fn spawn(&self, mut command: Command) -> Result<Group, Failed> {
        let child = command.spawn().map_err(|error| {
            let text = format!("cannot run {:?}: {}", self.name, io_text(&error));
            Failed::new(text)
        })?;
        Ok(Group::new(child))
    }

    async fn within_limit<T>(&self, running: impl Future<Output = T>) -> Result<T, Failed> {
        let Some(limit) = self.limit else {
            return Ok(running.await);
        };
        timeout(limit, running).await.map_err(|_| {
            let limit = humantime::format_duration(limit);
            let note = format!("{:?} did not end within {limit}", self.name);
            let reply = ErrorReply::text(uris::TIMEOUT, &note);
            Failed { note, reply }
        })
    }

    fn io_failed(&self, error: &std::io::Error) -> Failed {
        Failed::new(format!("{:?}: {}", self.name, io_text(error)))
    }

    fn failed(&self, status: std::process::ExitStatus, stderr: &[u8]) -> Failed {
        use std::os::unix::process::ExitStatusExt as _;
        let how = match (status.code(), status.signal()) {
            (Some(code), _) => format!("exited with {code}"),
            (None, Some(signal)) => format!("was ended by signal {signal}"),
            (None, None) => "failed".to_owned(),
        };
        let stderr = String::from_utf8_lossy(stderr);
        let text = format!("{:?} {how}", self.name);
        let last_line = stderr.trim_end().lines().next_back().unwrap_or_default();
        let note = match last_line {
            "" => text.clone(),
            said => format!("{text}: {said}"),
        };
        let code = status
            .code()
            .map_or(Value::Null, |code| i64::from(code).into());
        let kwargs = Dict::from_iter([("code", code), ("stderr", stderr.trim_end().into())]);
        let reply = ErrorReply {
            error: uris::RUNTIME_ERROR,
            payload: Payload::from_values(Serializer::Json, &[text.into()], &kwargs),
        };
        Failed { note, reply }
    }
}

impl Failed {
    fn new(text: String) -> Self {
        Self {
            reply: ErrorReply::text(uris::RUNTIME_ERROR, &text),
            note: text,
        }
    }
}

impl Request {
    /// A call: `WAMP_PROCEDURE`, `WAMP_CALLER` where that is disclosed, `WAMP_ARG0` and so on.
    pub(super) fn call(procedure: &str, caller: Option<u64>, arguments: Arguments) -> Self {
        let mut variables = scalars(&arguments);
        variables.push(("WAMP_PROCEDURE".to_owned(), procedure.to_owned()));
        variables.extend(caller.map(|caller| ("WAMP_CALLER".to_owned(), caller.to_string())));
        let request = Dict::from_iter([
            ("procedure", Value::from(procedure)),
            ("args", Value::List(arguments.args)),
            ("kwargs", Value::Dict(arguments.kwargs)),
        ]);
        Self::new(&Value::Dict(request), variables)
    }

    /// An event, `told` as it is printed: `WAMP_TOPIC`, `WAMP_ARG0` and so on.
    pub(super) fn event(topic: &str, arguments: &Arguments, told: &Value) -> Self {
        let mut variables = scalars(arguments);
        variables.push(("WAMP_TOPIC".to_owned(), topic.to_owned()));
        Self::new(told, variables)
    }

    fn new(request: &Value, variables: Vec<(String, String)>) -> Self {
        let stdin = json::to_line(request) + "\n";
        Self { stdin, variables }
    }
}

/// Those arguments that are no lists and dicts, as `WAMP_ARG0`, `WAMP_ARG1`, ...
fn scalars(arguments: &Arguments) -> Vec<(String, String)> {
    let is_scalar =
        |value: &Value| !matches!(value, Value::List(_) | Value::Dict(_) | Value::Bytes(_));
    let args = arguments.args.iter().enumerate();
    args.filter(|(_, value)| is_scalar(value))
        .map(|(index, value)| (format!("WAMP_ARG{index}"), json::plain(value)))
        .collect()
}

/// Refuses at the start what no call could run.
fn check_program(name: &str) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let found: Vec<_> = if name.contains('/') {
        std::fs::metadata(name).into_iter().collect()
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path);
        folders
            .filter_map(|folder| std::fs::metadata(folder.join(name)).ok())
            .collect()
    };
    let is_executable = |file: &std::fs::Metadata| file.permissions().mode() & 0o111 != 0;
    if found
        .iter()
        .any(|file| file.is_file() && is_executable(file))
    {
        return Ok(());
    }
    Err(if found.iter().any(std::fs::Metadata::is_file) {
        let message = format!("the file {name:?} is not executable");
        Failure::local(message).hint(format!("chmod +x {}", shell_words::quote(name)))
    } else if found.iter().any(std::fs::Metadata::is_dir) {
        Failure::local(format!("{name:?} is a directory, not a program"))
    } else {
        let message = format!("there is no program {name:?}");
        let hint = "no shell runs it; for one, add --sh";
        Failure::local(message).hint(hint)
    })
}

/// Why a program was not heard out.
enum Unheard {
    TooMuch,
    Io(std::io::Error),
}

impl From<std::io::Error> for Unheard {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

struct Said {
    status: std::process::ExitStatus,
    stdout: Payload,
    stderr: Vec<u8>,
}

/// What becomes of what a program says.
#[derive(Clone, Copy)]
struct Hearing<'a> {
    out: Out,
    progress: Option<&'a Progress>,
}

/// Feeds the program, and listens to both its streams at once, so that none of them fills up. `None`: it says too
/// much, and what becomes of it does not matter any more.
async fn talk(
    mut group: Group,
    request: String,
    hearing: Hearing<'_>,
) -> std::io::Result<Option<Said>> {
    let child = group.child();
    let stdin = child.stdin.take();
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let fed = async {
        feed(stdin, &request).await;
        Ok(())
    };
    let heard = async {
        match stdout {
            Some(stdout) => hearing.hear(stdout).await,
            None => Ok(Payload::empty()),
        }
    };
    let stderr = async { Ok(tail(stderr).await?) };
    // Too much ends all three: whoever goes on talking is not waited for.
    let ((), stdout, stderr) = match tokio::try_join!(fed, heard, stderr) {
        Ok(said) => said,
        Err(Unheard::TooMuch) => return Ok(None),
        Err(Unheard::Io(error)) => return Err(error),
    };
    let status = group.wait().await?;
    Ok(Some(Said {
        status,
        stdout,
        stderr,
    }))
}

/// Hands a program what it is to know. It need not read it.
async fn feed(stdin: Option<tokio::process::ChildStdin>, request: &str) {
    if let Some(mut stdin) = stdin {
        drop(stdin.write_all(request.as_bytes()).await);
    }
}

impl Hearing<'_> {
    async fn hear(self, stdout: impl AsyncRead + Unpin) -> Result<Payload, Unheard> {
        match self.out {
            Out::Value => Ok(payload(value(head(stdout).await?))),
            Out::Bytes => Ok(payload(Some(Value::Bytes(head(stdout).await?.into())))),
            Out::Lines => self.lines(BufReader::new(stdout)).await,
        }
    }

    /// Sends each line on its way where they are waited for; else they are a list in the end.
    async fn lines(
        self,
        mut stdout: BufReader<impl AsyncRead + Unpin>,
    ) -> Result<Payload, Unheard> {
        let mut values = Vec::new();
        let mut kept_bytes = 0;
        loop {
            let mut line = Vec::new();
            let mut limited = (&mut stdout).take(over(STDOUT_BYTES_MAX - kept_bytes));
            if limited.read_until(b'\n', &mut line).await? == 0 {
                break;
            }
            if kept_bytes + line.len() > STDOUT_BYTES_MAX {
                return Err(Unheard::TooMuch);
            }
            if line.pop_if(|last| *last == b'\n').is_some() {
                line.pop_if(|last| *last == b'\r');
            }
            if let Some(progress) = self.progress {
                progress.send(payload(value(line))).await;
            } else {
                kept_bytes += line.len();
                values.push(value(line).unwrap_or_else(|| "".into()));
            }
        }
        Ok(match self.progress {
            Some(_) => Payload::empty(),
            None => payload(Some(Value::List(values))),
        })
    }
}

/// One byte more than is allowed.
fn over(bytes_max: usize) -> u64 {
    u64::try_from(bytes_max)
        .unwrap_or(u64::MAX)
        .saturating_add(1)
}

/// All that is said.
async fn head(stream: impl AsyncRead + Unpin) -> Result<Vec<u8>, Unheard> {
    let mut said = Vec::new();
    stream
        .take(over(STDOUT_BYTES_MAX))
        .read_to_end(&mut said)
        .await?;
    if said.len() > STDOUT_BYTES_MAX {
        return Err(Unheard::TooMuch);
    }
    Ok(said)
}

/// The end of what is said.
async fn tail(stream: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut said = Vec::new();
    let Some(mut stream) = stream else {
        return Ok(said);
    };
    while stream.read_buf(&mut said).await? > 0 {
        let surplus = said.len().saturating_sub(STDERR_TAIL_BYTES);
        said.drain(..surplus);
    }
    Ok(said)
}

/// What a program said: JSON if it is, else text, bytes if it is not even that, and `None` if it said nothing.
fn value(said: Vec<u8>) -> Option<Value> {
    match str::from_utf8(&said).map(str::trim) {
        Ok("") => None,
        Ok(text) => Some(json::parse(text).unwrap_or_else(|_| text.into())),
        Err(_) => Some(Value::Bytes(said.into())),
    }
}

fn payload(value: Option<Value>) -> Payload {
    match value {
        None => Payload::empty(),
        Some(value) => Payload::from_values(Serializer::Json, &[value], &Dict::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::exit::Exit;
    use super::*;

    fn parse(command_line: &str) -> Result<Program, Failure> {
        Program::parse(command_line, &ExecArgs::default())
    }

    #[test]
    fn command_lines_are_split_once_and_checked() {
        let program = parse("sh -c 'echo \"$1\"' x").unwrap();
        assert_eq!(program.args, ["-c", "echo \"$1\"", "x"]);
        assert_eq!(parse("sh 'x").unwrap_err().exit(), Exit::Usage);
        assert_eq!(parse(" ").unwrap_err().exit(), Exit::Usage);
        assert_eq!(
            parse("no-such-program-here").unwrap_err().exit(),
            Exit::Local
        );
        assert_eq!(parse("./no/such/file").unwrap_err().exit(), Exit::Local);
    }

    #[test]
    fn scalars_go_into_the_environment() {
        let args = vec!["a b".into(), Value::Integer(3), Value::List(vec![])];
        let arguments = Arguments {
            args,
            kwargs: Dict::new(),
        };
        let request = Request::call("p", Some(7), arguments);
        let expected = [
            ("WAMP_ARG0", "a b"),
            ("WAMP_ARG1", "3"),
            ("WAMP_PROCEDURE", "p"),
            ("WAMP_CALLER", "7"),
        ];
        assert_eq!(
            request.variables,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }
}

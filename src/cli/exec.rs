//! `register --exec`: answers a call with what a program says.
//!
//! The program runs as it was written, without a shell; what the caller sent is on its stdin and in its environment,
//! never on its command line.

use std::process::Stdio;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use super::argument::Arguments;
use super::exit::Failure;
use super::group::Group;
use super::json;
use crate::client::ErrorReply;
use crate::protocol::{Dict, Payload, Value, uris};
use crate::serializer::Serializer;
use crate::transport::io_text;

/// The most that a program may say on stdout.
const STDOUT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How much of the end of its stderr goes into an ERROR.
const STDERR_TAIL_BYTES: usize = 2048;

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
}

impl Program {
    /// Splits a command line as a shell would, and checks that its program is there.
    pub(super) fn parse(command_line: &str) -> Result<Self, Failure> {
        let words = shell_words::split(command_line)
            .map_err(|error| Failure::usage(format!("--exec {command_line:?}: {error}")))?;
        let mut words = words.into_iter();
        let name = words
            .next()
            .ok_or_else(|| Failure::usage("--exec names no program"))?;
        check_program(&name)?;
        Ok(Self {
            name,
            args: words.collect(),
        })
    }

    /// Runs the program for one call. Dropping the future kills it, and all that it has started.
    pub(super) async fn answer(
        &self,
        procedure: &str,
        arguments: Arguments,
    ) -> Result<Payload, Failed> {
        let mut command = Command::new(&self.name);
        command
            .args(&self.args)
            .envs(environment(procedure, &arguments));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.process_group(0).kill_on_drop(true).spawn();
        let child = child.map_err(|error| {
            let text = format!("cannot run {:?}: {}", self.name, io_text(&error));
            Failed::new(text)
        })?;
        let said = talk(Group::new(child), request(procedure, arguments))
            .await
            .map_err(|error| Failed::new(format!("{:?}: {}", self.name, io_text(&error))))?;
        let Some(said) = said else {
            let text = format!("{:?} said more than {STDOUT_BYTES_MAX} bytes", self.name);
            return Err(Failed::new(text));
        };
        if !said.status.success() {
            return Err(self.failed(&said));
        }
        Ok(payload(said.stdout))
    }

    fn failed(&self, said: &Said) -> Failed {
        use std::os::unix::process::ExitStatusExt as _;
        let how = match (said.status.code(), said.status.signal()) {
            (Some(code), _) => format!("exited with {code}"),
            (None, Some(signal)) => format!("was ended by signal {signal}"),
            (None, None) => "failed".to_owned(),
        };
        let stderr = String::from_utf8_lossy(&said.stderr);
        let text = format!("{:?} {how}", self.name);
        let last_line = stderr.trim_end().lines().next_back().unwrap_or_default();
        let note = match last_line {
            "" => text.clone(),
            said => format!("{text}: {said}"),
        };
        let code = said
            .status
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
        let hint = "no shell runs it; for one, write --exec \"sh -c '...'\"";
        Failure::local(message).hint(hint)
    })
}

/// What the program reads: one JSON object.
fn request(procedure: &str, arguments: Arguments) -> String {
    let request = Dict::from_iter([
        ("procedure", Value::from(procedure)),
        ("args", Value::List(arguments.args)),
        ("kwargs", Value::Dict(arguments.kwargs)),
    ]);
    json::to_line(&Value::Dict(request)) + "\n"
}

/// `WAMP_PROCEDURE`, and those arguments that are no lists and dicts as `WAMP_ARG0`, `WAMP_ARG1`, ...
fn environment(procedure: &str, arguments: &Arguments) -> Vec<(String, String)> {
    let mut variables = vec![("WAMP_PROCEDURE".to_owned(), procedure.to_owned())];
    for (index, value) in arguments.args.iter().enumerate() {
        let is_scalar = !matches!(value, Value::List(_) | Value::Dict(_) | Value::Bytes(_));
        if is_scalar {
            variables.push((format!("WAMP_ARG{index}"), json::plain(value)));
        }
    }
    // The system has no variables with NUL in them; stdin has them all.
    variables.retain(|(_, value)| !value.contains('\0'));
    variables
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
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Feeds the program, and listens to both its streams at once, so that none of them fills up. `None`: it says too
/// much, and what becomes of it does not matter any more.
async fn talk(mut group: Group, request: String) -> std::io::Result<Option<Said>> {
    let child = group.child();
    let stdin = child.stdin.take();
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let fed = async {
        if let Some(mut stdin) = stdin {
            // A program need not read what it is given.
            drop(stdin.write_all(request.as_bytes()).await);
        }
        Ok(())
    };
    let heard = async {
        match head(stdout).await? {
            said if said.len() > STDOUT_BYTES_MAX => Err(Unheard::TooMuch),
            said => Ok(said),
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

/// All that is said, up to one byte more than is allowed.
async fn head(stream: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut said = Vec::new();
    if let Some(stream) = stream {
        let limit = u64::try_from(STDOUT_BYTES_MAX + 1).unwrap_or(u64::MAX);
        stream.take(limit).read_to_end(&mut said).await?;
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

/// What a program said, as a result: JSON if it is, else text, bytes if it is not even that, and nothing if it
/// said nothing.
fn payload(stdout: Vec<u8>) -> Payload {
    let value = match std::str::from_utf8(&stdout).map(str::trim) {
        Ok("") => return Payload::empty(),
        Ok(text) => json::parse(text).unwrap_or_else(|_| text.into()),
        Err(_) => Value::Bytes(stdout.into()),
    };
    Payload::from_values(Serializer::Json, &[value], &Dict::new())
}

#[cfg(test)]
mod tests {
    use super::super::exit::Exit;
    use super::*;

    #[test]
    fn command_lines_are_split_once_and_checked() {
        let program = Program::parse("sh -c 'echo \"$1\"' x").unwrap();
        assert_eq!(program.args, ["-c", "echo \"$1\"", "x"]);
        assert_eq!(Program::parse("sh 'x").unwrap_err().exit(), Exit::Usage);
        assert_eq!(Program::parse(" ").unwrap_err().exit(), Exit::Usage);
        assert_eq!(
            Program::parse("no-such-program-here").unwrap_err().exit(),
            Exit::Local
        );
        assert_eq!(
            Program::parse("./no/such/file").unwrap_err().exit(),
            Exit::Local
        );
    }

    #[test]
    fn scalars_go_into_the_environment() {
        let args = vec![
            "a b".into(),
            Value::Integer(3),
            Value::List(vec![]),
            "x\0y".into(),
        ];
        let arguments = Arguments {
            args,
            kwargs: Dict::new(),
        };
        let variables = environment("p", &arguments);
        let expected = [
            ("WAMP_PROCEDURE", "p"),
            ("WAMP_ARG0", "a b"),
            ("WAMP_ARG1", "3"),
        ];
        assert_eq!(
            variables,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }
}

//! `--jq`: filters over values.
//!
//! A filter can loop or allocate without end, and values come from peers. So it runs in processes of its own, which
//! limit themselves (in `child`); one that ends before it has answered is an error of that one value.

mod child;
mod value;

use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::argument::with_caret;
use super::exit::{Exit, Failure};
use super::group::Group;
use super::json;
use crate::protocol::{Dict, Value};
use crate::transport::io_text;

pub(super) use child::JqChildArgs;

/// How the child is told from what people call.
pub(super) const CHILD_COMMAND: &str = "_jq";
/// How much time of a processor one value may take.
const CPU_SECONDS_MAX: u64 = 2;
/// How long one value may take by the clock, where the processor is busy with others.
const PATIENCE: Duration = Duration::from_mins(1);
/// How much memory the process may have.
const MEMORY_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// A filter, and the processes that run it.
#[derive(Debug)]
pub(super) struct Jq {
    /// The expression and the names of its variables, as the child reads it.
    program: String,
    /// bound: as many as values were filtered at a time.
    idle: Mutex<Vec<Worker>>,
}

/// A process that runs the filter. Dropping it kills it.
#[derive(Debug)]
struct Worker {
    group: Group,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// Why a value has not been filtered.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Unfiltered {
    /// The filter says so.
    Error(Value),
    /// The filter, or its process, was stopped.
    Stopped(String),
}

/// What the child says, one line each.
#[derive(Debug, PartialEq)]
enum Answer {
    Outputs(Vec<Value>),
    Error(Value),
    /// The expression is none.
    Refused {
        what: String,
        offset: usize,
    },
}

impl Jq {
    /// Starts a filter. `variables` are names with their `$`.
    ///
    /// # Errors
    /// An expression that does not parse, or names what there is not: a usage error with a caret.
    pub(super) async fn start(expression: &str, variables: &[&str]) -> Result<Self, Failure> {
        let words = [&[expression], variables].concat();
        let jq = Self {
            program: serde_json::to_string(&words).unwrap_or_default() + "\n",
            idle: Mutex::new(Vec::new()),
        };
        let worker = jq.worker().await.map_err(|unstarted| match unstarted {
            Unstarted::Refused { what, offset } => {
                let caret = with_caret(expression, offset);
                Failure::usage(format!("--jq: {what}\n{caret}"))
            }
            Unstarted::Failed(text) => Failure::local(text),
        })?;
        jq.put_back(worker);
        Ok(jq)
    }

    /// Filters one value; `variables` in the order of their names. Dropping the future stops the filter.
    pub(super) async fn run(
        &self,
        input: Value,
        variables: Vec<Value>,
    ) -> Result<Vec<Value>, Unfiltered> {
        let request = [vec![input], variables].concat();
        let request = json::to_line(&Value::List(request)) + "\n";
        let idle = self.idle().pop();
        let mut worker = match idle {
            Some(worker) => worker,
            None => self.worker().await.map_err(|unstarted| match unstarted {
                Unstarted::Refused { what, .. } | Unstarted::Failed(what) => {
                    Unfiltered::Stopped(what)
                }
            })?,
        };
        let answer = timeout(PATIENCE, worker.ask(&request)).await;
        match answer {
            Ok(Some(Answer::Outputs(outputs))) => {
                self.put_back(worker);
                Ok(outputs)
            }
            Ok(Some(Answer::Error(error))) => {
                self.put_back(worker);
                Err(Unfiltered::Error(error))
            }
            Ok(_) => Err(Unfiltered::Stopped(worker.death().await)),
            Err(_) => {
                let text = format!("it took more than {} s", PATIENCE.as_secs());
                Err(Unfiltered::Stopped(text))
            }
        }
    }

    async fn worker(&self) -> Result<Worker, Unstarted> {
        let failed = |error: std::io::Error| {
            Unstarted::Failed(format!("cannot start a filter: {}", io_text(&error)))
        };
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command
            .arg(CHILD_COMMAND)
            .process_group(0)
            .kill_on_drop(true);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut group = Group::new(command.spawn().map_err(failed)?);
        let child = group.child();
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Unstarted::Failed("a filter without pipes".to_owned()));
        };
        let stdout = BufReader::new(stdout);
        let mut worker = Worker {
            group,
            stdin,
            stdout,
        };
        match worker.ask(&self.program).await {
            Some(Answer::Outputs(_)) => Ok(worker),
            Some(Answer::Refused { what, offset }) => Err(Unstarted::Refused { what, offset }),
            _ => Err(Unstarted::Failed(format!(
                "the filter cannot be read: {}",
                worker.death().await
            ))),
        }
    }

    fn put_back(&self, worker: Worker) {
        self.idle().push(worker);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Unstarted {
    Refused { what: String, offset: usize },
    Failed(String),
}

impl Worker {
    /// Asks, and waits for the answer; `None` if there is none. Large values must not fill both pipes, so the two go
    /// side by side.
    async fn ask(&mut self, request: &str) -> Option<Answer> {
        let mut line = Vec::new();
        let (written, read) = tokio::join!(
            self.stdin.write_all(request.as_bytes()),
            // bound: the child's memory.
            self.stdout.read_until(b'\n', &mut line),
        );
        written.ok()?;
        read.ok()?;
        Answer::parse(str::from_utf8(&line).ok()?)
    }

    /// What it died of.
    async fn death(self) -> String {
        drop(self.stdin);
        match timeout(PATIENCE, self.group.wait()).await {
            Ok(Ok(status)) => cause(status),
            _ => "its process does not answer".to_owned(),
        }
    }
}

fn cause(status: ExitStatus) -> String {
    use rustix::process::Signal;
    use std::os::unix::process::ExitStatusExt as _;
    let signal = status.signal();
    if signal == Some(Signal::XCPU.as_raw()) {
        return format!("it did not end within {CPU_SECONDS_MAX} s");
    }
    let is_memory = [Signal::ABORT, Signal::SEGV, Signal::KILL].map(|it| Some(it.as_raw()));
    if is_memory.contains(&signal) {
        let mebibytes = MEMORY_BYTES_MAX / (1024 * 1024);
        return format!("it needs more than {mebibytes} MiB, or calls itself without end");
    }
    format!("its process ended: {status}")
}

impl Unfiltered {
    /// In one line.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Error(error) => json::plain(error),
            Self::Stopped(text) => text.clone(),
        }
    }

    /// For a command that ends with it.
    pub(super) fn failure(&self) -> Failure {
        let text = super::console::printable(&self.text());
        Failure::new(Exit::CheckFailed, format!("--jq: {text}"))
    }
}

impl Answer {
    fn error(text: &str) -> Self {
        Self::Error(text.into())
    }

    fn to_line(&self) -> String {
        let entry = match self {
            Self::Outputs(outputs) => ("outputs", Value::List(outputs.clone())),
            Self::Error(error) => ("error", error.clone()),
            Self::Refused { what, offset } => {
                let offset = u64::try_from(*offset).unwrap_or_default();
                let refused = [
                    ("what", Value::from(what.as_str())),
                    ("offset", offset.into()),
                ];
                ("refused", Value::Dict(Dict::from_iter(refused)))
            }
        };
        json::to_line(&Value::Dict(Dict::from_iter([entry]))) + "\n"
    }

    fn parse(line: &str) -> Option<Self> {
        let Ok(Value::Dict(dict)) = json::parse_lossy(line) else {
            return None;
        };
        if let Some(Value::List(outputs)) = dict.get("outputs") {
            return Some(Self::Outputs(outputs.clone()));
        }
        if let Some(error) = dict.get("error") {
            return Some(Self::Error(error.clone()));
        }
        let Some(Value::Dict(refused)) = dict.get("refused") else {
            return None;
        };
        Some(Self::Refused {
            what: refused.get("what")?.as_text()?.to_string(),
            offset: refused
                .get("offset")
                .and_then(Value::whole_number)?
                .try_into()
                .ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_survive_the_pipe() {
        for answer in [
            Answer::Outputs(vec![Value::Null, Value::Bytes(vec![1].into())]),
            Answer::Error("x".into()),
            Answer::Refused {
                what: "expected term".into(),
                offset: 3,
            },
        ] {
            assert_eq!(Answer::parse(&answer.to_line()), Some(answer));
        }
    }
}

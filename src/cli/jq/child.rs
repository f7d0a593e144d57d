//! The process that runs a filter: reads values from stdin, one line each, and writes what the filter makes of them.
//!
//! It limits itself, since a filter can loop or allocate without end: memory once, time anew for each value.

use std::io::{self, BufRead as _, Write as _};

use anyhow::{Context as _, Result};
use jaq_core::data::JustLut;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Vars};
use jaq_json::Val;
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::value::{from_jaq, to_jaq};
use super::{Answer, CPU_SECONDS_MAX, MEMORY_BYTES_MAX};
use crate::cli::exit::Exit;
use crate::cli::json;
use crate::protocol::Value;

type Compiled = Filter<JustLut<Val>>;

/// Runs a filter in this process, for the one that started it
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct JqChildArgs {}

impl JqChildArgs {
    /// The first line has the filter and the names of its variables; each other a value for it, and for each of them.
    #[expect(clippy::unused_self, reason = "as all commands have it")]
    pub(in crate::cli) fn run(self) -> Result<Exit> {
        limit_memory()?;
        let mut lines = io::stdin().lock().lines();
        let Some(first) = lines.next() else {
            return Ok(Exit::Done);
        };
        let words: Vec<String> = serde_json::from_str(&first?)?;
        let (expression, names) = words.split_first().context("no filter")?;
        let compiled = match compile(expression, names) {
            Ok(compiled) => compiled,
            Err(refused) => {
                tell(&refused)?;
                return Ok(Exit::Usage);
            }
        };
        tell(&Answer::Outputs(Vec::new()))?;
        for line in lines {
            limit_time()?;
            tell(&answer(&compiled, &line?))?;
        }
        Ok(Exit::Done)
    }
}

fn limit_memory() -> io::Result<()> {
    setrlimit(Resource::Core, limit(0))?;
    Ok(setrlimit(Resource::As, limit(MEMORY_BYTES_MAX))?)
}

/// Gives the next value its time, whatever those before it took.
fn limit_time() -> io::Result<()> {
    let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec;
    let used = u64::try_from(used).unwrap_or_default();
    // A second that has begun counts as one.
    let current = Some(used + 1 + CPU_SECONDS_MAX);
    let maximum = None;
    Ok(setrlimit(Resource::Cpu, Rlimit { current, maximum })?)
}

const fn limit(maximum: u64) -> Rlimit {
    Rlimit {
        current: Some(maximum),
        maximum: Some(maximum),
    }
}

fn tell(answer: &Answer) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(answer.to_line().as_bytes())?;
    stdout.flush()
}

fn compile(expression: &str, names: &[String]) -> Result<Compiled, Answer> {
    let arena = Arena::default();
    let defs = jaq_core::defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs());
    let funs = jaq_core::funs()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs());
    let program = File {
        code: expression,
        path: (),
    };
    let modules = Loader::new(defs)
        .load(&arena, program)
        .map_err(|errors| refused(expression, syntax(errors)))?;
    Compiler::default()
        .with_funs(funs)
        .with_global_vars(names.iter().map(String::as_str))
        .compile(modules)
        .map_err(|errors| refused(expression, undefined(errors)))
}

/// What is wrong, and the part of the filter that it is about.
type Wrong<'a> = Option<(String, &'a str)>;

fn syntax(errors: load::Errors<&str, ()>) -> Wrong<'_> {
    let (_, error) = errors.into_iter().next()?;
    match error {
        load::Error::Io(errors) => {
            let (part, _) = errors.into_iter().next()?;
            Some(("modules cannot be loaded here".to_owned(), part))
        }
        load::Error::Lex(errors) => {
            let (expected, part) = errors.into_iter().next()?;
            Some((format!("expected {}", expected.as_str()), part))
        }
        load::Error::Parse(errors) => {
            let (expected, part) = errors.into_iter().next()?;
            Some((format!("expected {}", expected.as_str()), part))
        }
    }
}

fn undefined(errors: jaq_core::compile::Errors<&str, ()>) -> Wrong<'_> {
    let (_, errors) = errors.into_iter().next()?;
    let (part, what) = errors.into_iter().next()?;
    Some((format!("there is no {} {part:?}", what.as_str()), part))
}

fn refused(expression: &str, wrong: Wrong<'_>) -> Answer {
    let (what, part) = wrong.unwrap_or_else(|| ("it is no filter".to_owned(), expression));
    // A part of the filter; what is not, as of the definitions, is as good as its end.
    let start = (part.as_ptr() as usize).wrapping_sub(expression.as_ptr() as usize);
    Answer::Refused {
        what,
        offset: start.min(expression.len()),
    }
}

fn answer(compiled: &Compiled, line: &str) -> Answer {
    let Ok(Value::List(mut values)) = json::parse_lossy(line) else {
        return Answer::error("it cannot work on this value");
    };
    let variables = values.split_off(1.min(values.len()));
    let input = values.pop().unwrap_or_default();
    let variables = Vars::new(variables.into_iter().map(to_jaq));
    let context = Ctx::<JustLut<Val>>::new(&compiled.lut, variables);
    let mut outputs = Vec::new();
    for output in compiled.id.run((context, to_jaq(input))) {
        let output = match output {
            Ok(output) => from_jaq(&output),
            Err(exception) => match exception.get_err() {
                Ok(error) => {
                    return match from_jaq(&error.into_val()) {
                        Ok(error) => Answer::Error(error),
                        Err(text) => Answer::error(&text),
                    };
                }
                Err(_) => Err("it was halted".to_owned()),
            },
        };
        match output {
            Ok(output) => outputs.push(output),
            Err(text) => return Answer::error(&text),
        }
    }
    Answer::Outputs(outputs)
}

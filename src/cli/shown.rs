//! What `sub` does with an event: prints it, filters it, runs a program for it, or counts it.

use std::sync::Arc;

use anyhow::Result;
use clap::ValueEnum;
use tokio::task::JoinSet;

use super::console::Console;
use super::exec::{ExecArgs, Program, Request};
use super::exit::{Exit, Failure};
use super::jq::Jq;
use super::printer::{OutputArgs, Printer, ShownEvent, envelope, shape};
use super::top::{Graph, Top};
use crate::protocol::Value;

/// What becomes of events.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags are")]
pub(super) struct ShowArgs {
    /// Show the payload alone
    #[arg(long)]
    data: bool,
    /// Show what else the router says of the event
    #[arg(long, conflicts_with = "data")]
    details: bool,
    /// End each event with a zero byte instead of a line's end
    #[arg(long)]
    null: bool,
    /// Print what this filter makes of the event, as jq has it; $args $kwargs $n
    #[arg(long, value_name = "EXPR", conflicts_with = "exec")]
    jq: Option<String>,
    /// Run a program for each event, which has it as JSON on stdin
    #[arg(long, value_name = "CMD")]
    exec: Option<String>,
    #[command(flatten)]
    how: ExecArgs,
    /// Run so many programs at a time
    #[arg(long, value_name = "COUNT", default_value_t = 1, requires = "exec")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..), hide_default_value = true)]
    jobs: u16,
    /// When all of them run: block lets events wait, drop leaves them out
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        default_value_t,
        hide_possible_values = true
    )]
    #[arg(hide_default_value = true, requires = "exec")]
    overflow: Overflow,
    /// End at the first event for which the program, or the filter, fails
    #[arg(long)]
    strict: bool,
    /// Count events by topic instead
    #[arg(long, conflicts_with_all = ["data", "details", "jq", "exec", "graph"])]
    top: bool,
    /// Draw how many events come
    #[arg(long, conflicts_with_all = ["data", "details", "jq", "exec"])]
    graph: bool,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Overflow {
    #[default]
    Block,
    Drop,
}

/// Takes events, one after the other.
pub(super) struct Shower<'a> {
    args: &'a ShowArgs,
    console: &'a Console,
    printer: Printer,
    sink: Sink,
    taken: u64,
}

enum Sink {
    Print,
    Jq(Jq),
    Exec(Hooks),
    Top(Top),
    Graph(Graph),
}

/// The programs that run for events.
struct Hooks {
    program: Arc<Program>,
    /// bound: `--jobs`.
    running: JoinSet<Result<(), String>>,
    left_out: u64,
}

impl ShowArgs {
    /// Gets ready.
    ///
    /// # Errors
    /// A filter that makes no sense, a program that is not there, no terminal to draw on.
    pub(super) async fn shower<'a>(&'a self, console: &'a Console) -> Result<Shower<'a>, Failure> {
        let sink = if let Some(expression) = &self.jq {
            Sink::Jq(Jq::start(expression, &["$args", "$kwargs", "$n"]).await?)
        } else if let Some(command_line) = &self.exec {
            Sink::Exec(Hooks {
                program: Arc::new(Program::parse(command_line, &self.how)?),
                running: JoinSet::new(),
                left_out: 0,
            })
        } else if self.top {
            Sink::Top(Top::new(console))
        } else if self.graph {
            Sink::Graph(Graph::new(console)?)
        } else {
            Sink::Print
        };
        let mut printer = Printer::new(&self.output, console);
        if self.null {
            printer.end_with_null();
        }
        Ok(Shower {
            args: self,
            console,
            printer,
            sink,
            taken: 0,
        })
    }
}

impl Shower<'_> {
    pub(super) async fn take(&mut self, event: ShownEvent) -> Result<()> {
        self.taken += 1;
        match &mut self.sink {
            Sink::Print if self.args.data => {
                let payload = shape(event.arguments).unwrap_or_default();
                self.printer.value(&payload)
            }
            Sink::Print => self.printer.event(event, self.args.details),
            Sink::Top(top) => {
                top.add(&event.topic);
                Ok(())
            }
            Sink::Graph(graph) => {
                graph.add();
                Ok(())
            }
            Sink::Jq(_) => self.filter(event).await,
            Sink::Exec(_) => self.run(event).await,
        }
    }

    /// Does what is due between events. Cancel-safe; pending where there is nothing.
    pub(super) async fn idle(&mut self) -> Result<()> {
        match &mut self.sink {
            Sink::Top(top) => top.draw().await,
            Sink::Graph(graph) => graph.draw().await,
            Sink::Exec(hooks) => match hooks.running.join_next().await {
                Some(Ok(ended)) => self.ended(ended),
                Some(Err(_)) => Ok(()),
                None => std::future::pending().await,
            },
            Sink::Print | Sink::Jq(_) => std::future::pending().await,
        }
    }

    /// Waits for programs that still run, and says what is to be said in the end.
    pub(super) async fn finish(&mut self) -> Result<()> {
        match &mut self.sink {
            Sink::Top(top) => top.finish(&self.printer),
            Sink::Graph(_) => Graph::finish(),
            Sink::Exec(hooks) => {
                let left_out = hooks.left_out;
                while let Sink::Exec(hooks) = &mut self.sink
                    && let Some(ended) = hooks.running.join_next().await
                {
                    if let Ok(ended) = ended {
                        self.ended(ended)?;
                    }
                }
                if left_out > 0 {
                    let note = format!("{left_out} events left out: the programs were busy");
                    self.console.note(&note);
                }
                Ok(())
            }
            Sink::Print | Sink::Jq(_) => Ok(()),
        }
    }

    async fn filter(&mut self, event: ShownEvent) -> Result<()> {
        let Sink::Jq(jq) = &self.sink else {
            return Ok(());
        };
        let variables = vec![
            Value::List(event.arguments.args.clone()),
            Value::Dict(event.arguments.kwargs.clone()),
            self.taken.into(),
        ];
        let input = if self.args.data {
            shape(event.arguments).unwrap_or_default()
        } else {
            envelope(event, self.args.details)
        };
        match jq.run(input, variables).await {
            Ok(outputs) => outputs
                .iter()
                .try_for_each(|output| self.printer.value(output)),
            Err(unfiltered) if self.args.strict => Err(unfiltered.failure().into()),
            Err(unfiltered) => {
                let note = format!("event {} left out: --jq: {}", self.taken, unfiltered.text());
                self.console.note(&note);
                Ok(())
            }
        }
    }

    async fn run(&mut self, event: ShownEvent) -> Result<()> {
        let (jobs, overflow) = (usize::from(self.args.jobs), self.args.overflow);
        while let Sink::Exec(hooks) = &mut self.sink
            && hooks.running.len() >= jobs
        {
            if let Some(ended) = hooks.running.try_join_next() {
                self.ended(ended.unwrap_or(Ok(())))?;
            } else if overflow == Overflow::Drop {
                hooks.left_out += 1;
                return Ok(());
            } else if let Some(ended) = hooks.running.join_next().await {
                self.ended(ended.unwrap_or(Ok(())))?;
            }
        }
        if let Sink::Exec(hooks) = &mut self.sink {
            let (topic, arguments) = (event.topic.clone(), event.arguments.clone());
            let told = envelope(event, self.args.details);
            let request = Request::event(&topic, &arguments, &told);
            let program = Arc::clone(&hooks.program);
            hooks
                .running
                .spawn(async move { program.hear(request).await });
        }
        Ok(())
    }

    /// Tells how a program ended.
    fn ended(&self, ended: Result<(), String>) -> Result<()> {
        match ended {
            Ok(()) => Ok(()),
            Err(note) if self.args.strict => {
                let note = super::console::printable(&note);
                Err(Failure::new(Exit::CheckFailed, format!("--exec: {note}")).into())
            }
            Err(note) => {
                self.console.note(&format!("--exec: {note}"));
                Ok(())
            }
        }
    }
}

//! The yardstick: our router beside a bare relay, under the same load, with the ratios.
//!
//! `cargo bench --bench yardstick` runs every test on both in turn and prints a table; `-- --help`
//! lists the options. A message lost, a message twice, an ERROR, an ABORT or a connection closed
//! fails the bench. The budgets are ratios, so that they hold on any machine; compare only figures
//! of one run, and look at `others` first: cores that something else used meanwhile. With a busy
//! neighbour generator and server come to share a core, and the rates may even rise.

#![expect(clippy::print_stdout, reason = "the table is the product")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]

mod calls;
mod descriptors;
mod events;
mod frame;
mod idle;
mod meter;
mod relay;
mod report;
mod server;
mod session;
mod wamp;
mod wire;

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, ValueEnum};
use url::Url;

use calls::Shape;
use meter::{Plan, Sample};
use report::{Figure, Limits};
use server::Server;
use wamp::Serializer;

/// Between two runs, so that the connections of the last one are gone.
const PAUSE: Duration = Duration::from_millis(100);
/// Descriptors a process has beside its connections.
const DESCRIPTORS_SPARE: u32 = 100;

/// Measures the router beside a bare relay.
#[derive(Debug, Parser)]
struct Options {
    /// Runs of each test on each server
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Measured time of a run, after 0.3 s of warm-up
    #[arg(long, default_value = "1", value_name = "SECONDS", value_parser = parse_seconds)]
    seconds: Duration,
    /// Run only this test; repeatable
    #[arg(long, value_name = "NAME")]
    only: Vec<Test>,
    #[arg(long, value_enum, default_value_t = Serializer::Json)]
    serializer: Serializer,
    /// Bytes of text in the payload
    #[arg(long, default_value_t = 16)]
    size: usize,
    /// Idle sessions of the memory test
    #[arg(long, default_value_t = 10_000)]
    sessions: u32,
    /// Another router binary, started as `BINARY router --listen 127.0.0.1:0`
    #[arg(long, value_name = "BINARY", env = "YARDSTICK_ROUTER", default_value = env!("CARGO_BIN_EXE_wamp"))]
    router: PathBuf,
    /// A router that runs already; the memory test is left out
    #[arg(long, value_name = "URL")]
    router_url: Option<Url>,
    /// Its process, for the CPU it uses
    #[arg(long, value_name = "PID", requires = "router_url")]
    router_pid: Option<u32>,
    /// Measure the relay alone
    #[arg(long)]
    relay_only: bool,
    /// What cargo passes
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    inner: Option<Inner>,
}

/// What the bench starts of itself.
#[derive(Debug, clap::Subcommand)]
enum Inner {
    #[command(hide = true)]
    Relay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Test {
    #[value(name = "calls-4x16")]
    Calls,
    #[value(name = "call-1x1")]
    OneCall,
    Events,
    #[value(name = "fanout-100")]
    Fanout100,
    #[value(name = "fanout-1000")]
    Fanout1000,
    Memory,
}

/// All but the memory test, which has fresh servers of its own.
const LOADS: [Test; 5] = [
    Test::Calls,
    Test::OneCall,
    Test::Events,
    Test::Fanout100,
    Test::Fanout1000,
];

impl Test {
    fn run(self, server: &Server, plan: &Plan) -> Result<Sample> {
        let (callers, window) = if self == Self::Calls { (4, 16) } else { (1, 1) };
        match self {
            Self::Calls | Self::OneCall => calls::run(server, plan, Shape { callers, window }),
            Self::Events | Self::Memory => events::run(server, plan, 1),
            Self::Fanout100 => events::run(server, plan, 100),
            Self::Fanout1000 => events::run(server, plan, 1000),
        }
    }

    fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn figure(self) -> Figure {
        match self {
            Self::OneCall => Figure::RoundTrip,
            _ => Figure::PerSecond,
        }
    }

    /// Floor and budget: ratios to the relay, for memory bytes.
    fn limits(self) -> Limits {
        let at_least = |floor, budget| Limits::AtLeast { floor, budget };
        let at_most = |floor, budget| Limits::AtMost { floor, budget };
        match self {
            Self::Calls => at_least(0.5, 0.8),
            Self::OneCall => at_most(1.6, 1.3),
            Self::Events => at_least(0.4, 0.6),
            Self::Fanout100 | Self::Fanout1000 => at_least(0.6, 0.8),
            Self::Memory => at_most(12.0 * 1024.0, 8.0 * 1024.0),
        }
    }
}

/// Bounded below by what the kernel's CPU clock can tell, above so that a slip does not run for hours.
fn parse_seconds(text: &str) -> Result<Duration> {
    let seconds: f64 = text.parse()?;
    ensure!((0.1..=60.0).contains(&seconds), "not within 0.1 and 60");
    Ok(Duration::from_secs_f64(seconds))
}

fn main() -> Result<()> {
    let options = Options::parse();
    if let Some(Inner::Relay) = options.inner {
        return relay::run();
    }
    descriptors::raise()?;
    if LOADS.iter().any(|&test| options.wants(test)) {
        options.run_loads()?;
    }
    if options.wants(Test::Memory) {
        options.weigh()?;
    }
    Ok(())
}

impl Options {
    fn wants(&self, test: Test) -> bool {
        self.only.is_empty() || self.only.contains(&test)
    }

    fn start_router(&self) -> Result<Option<Server>> {
        match &self.router_url {
            _ if self.relay_only => Ok(None),
            Some(url) => Server::running(url, self.router_pid).map(Some),
            None => Server::router(&self.router).map(Some),
        }
    }

    /// Runs each test on relay and router in turn, and the other way round in every second round.
    fn run_loads(&self) -> Result<()> {
        let plan = Plan {
            serializer: self.serializer,
            size: self.size,
            measured: self.seconds,
        };
        let servers = [Some(Server::relay()?), self.start_router()?];
        report::print_header();
        for test in LOADS.into_iter().filter(|&test| self.wants(test)) {
            let mut samples = [Vec::new(), Vec::new()];
            for round in 0..self.rounds {
                for which in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
                    if let Some(server) = &servers[which] {
                        let sample = test.run(server, &plan);
                        let place = || format!("{} on {}", test.name(), server.name());
                        samples[which].push(sample.with_context(place)?);
                        thread::sleep(PAUSE);
                    }
                }
            }
            let [relay, router] = samples;
            report::print_test(&test.name(), test.figure(), test.limits(), &relay, &router);
        }
        Ok(())
    }

    /// Weighs idle sessions, each server fresh.
    fn weigh(&self) -> Result<()> {
        let room = descriptors::available()?.saturating_sub(DESCRIPTORS_SPARE);
        let sessions = self.sessions.min(room);
        let relay = idle::run(&Server::relay()?, self.serializer, sessions)?;
        let router = match &self.router_url {
            Some(_) => None,
            None => self.start_router()?,
        };
        let router = router
            .map(|router| idle::run(&router, self.serializer, sessions))
            .transpose()?;
        report::print_cost(sessions, Test::Memory.limits(), relay, router);
        Ok(())
    }
}

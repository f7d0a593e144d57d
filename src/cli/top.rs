//! `sub --top` and `--graph`: how many events come, by topic and by time.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, Interval, interval};

use super::console::{Console, printable};
use super::exit::Failure;
use super::printer::{Printer, write_stdout};
use super::table;
use crate::protocol::{Dict, Value};

/// How many topics are told apart; others are counted together.
const TOPICS_MAX: usize = 10_000;
/// How many of them a terminal shows.
const LINES_MAX: usize = 20;
/// How often it is drawn.
const DRAWN_EVERY: Duration = Duration::from_secs(1);
/// Of how many seconds the graph tells.
const GRAPH_SECONDS: usize = 60;
/// From the fewest to the most.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Events counted by topic: on a terminal drawn each second, else printed at the end.
#[derive(Debug)]
pub(super) struct Top {
    topics: HashMap<String, Count>,
    others: Count,
    begin: Instant,
    tick: Option<Interval>,
    drawn_lines: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    all: u64,
    /// Those since it was drawn last.
    lately: u64,
}

impl Count {
    const fn add(&mut self) {
        self.all += 1;
        self.lately += 1;
    }
}

impl Top {
    pub(super) fn new(console: &Console) -> Self {
        Self {
            topics: HashMap::new(),
            others: Count::default(),
            begin: Instant::now(),
            tick: console.stdout_is_terminal().then(|| interval(DRAWN_EVERY)),
            drawn_lines: 0,
        }
    }

    pub(super) fn add(&mut self, topic: &str) {
        if let Some(count) = self.topics.get_mut(topic) {
            count.add();
        } else if self.topics.len() < TOPICS_MAX {
            self.topics.entry(topic.to_owned()).or_default().add();
        } else {
            self.others.add();
        }
    }

    /// Draws when it is time to. Cancel-safe; pending where nothing is drawn.
    pub(super) async fn draw(&mut self) -> Result<()> {
        match &mut self.tick {
            Some(tick) => drop(tick.tick().await),
            None => std::future::pending().await,
        }
        let mut rows: Vec<Value> = Vec::new();
        for (topic, count) in self.sorted().into_iter().take(LINES_MAX) {
            rows.push(row(topic, count.all, count.lately));
        }
        for count in self.topics.values_mut().chain([&mut self.others]) {
            count.lately = 0;
        }
        let text = table::of(&Value::List(rows), None);
        let up = match self.drawn_lines {
            0 => String::new(),
            lines => format!("\x1b[{lines}A\x1b[J"),
        };
        self.drawn_lines = text.lines().count();
        write_stdout(format!("{up}{text}\n").as_bytes())
    }

    /// Prints a line for each topic, the most frequent first, where it was not drawn all the time.
    pub(super) fn finish(&self, printer: &Printer) -> Result<()> {
        if self.tick.is_some() {
            return Ok(());
        }
        let seconds = self.begin.elapsed().as_secs_f64();
        for (topic, count) in self.sorted() {
            #[expect(clippy::cast_precision_loss, reason = "for people")]
            let rate = (count.all as f64 / seconds.max(0.001) * 10.0).round() / 10.0;
            printer.value(&Value::Dict(Dict::from_iter([
                ("topic", Value::from(topic)),
                ("events", count.all.into()),
                ("rate", rate.into()),
            ])))?;
        }
        Ok(())
    }

    fn sorted(&self) -> Vec<(&str, Count)> {
        let topics = self.topics.iter();
        let mut counts: Vec<(&str, Count)> = topics
            .map(|(topic, count)| (topic.as_str(), *count))
            .collect();
        counts.sort_by(|(a, x), (b, y)| y.all.cmp(&x.all).then_with(|| a.cmp(b)));
        if self.others.all > 0 {
            counts.push(("(others)", self.others));
        }
        counts
    }
}

fn row(topic: &str, events: u64, rate: u64) -> Value {
    Value::Dict(Dict::from_iter([
        ("topic", Value::from(printable(topic))),
        ("events", events.into()),
        ("per second", rate.into()),
    ]))
}

/// How many events came in each of the last seconds, as a line of bars on a terminal.
#[derive(Debug)]
pub(super) struct Graph {
    seconds: VecDeque<u64>,
    now: u64,
    tick: Interval,
}

impl Graph {
    /// # Errors
    /// There is no terminal to draw on.
    pub(super) fn new(console: &Console) -> Result<Self, Failure> {
        if !console.stdout_is_terminal() {
            let failure = Failure::usage("--graph draws on a terminal, and stdout is none");
            return Err(failure.hint("--top counts on a pipe, too"));
        }
        Ok(Self {
            seconds: VecDeque::new(),
            now: 0,
            tick: interval(DRAWN_EVERY),
        })
    }

    pub(super) const fn add(&mut self) {
        self.now += 1;
    }

    /// Draws when it is time to. Cancel-safe.
    pub(super) async fn draw(&mut self) -> Result<()> {
        self.tick.tick().await;
        self.seconds.push_back(std::mem::take(&mut self.now));
        if self.seconds.len() > GRAPH_SECONDS {
            self.seconds.pop_front();
        }
        write_stdout(format!("\r\x1b[K{}", self.line()).as_bytes())
    }

    /// Leaves the line.
    pub(super) fn finish() -> Result<()> {
        write_stdout(b"\n")
    }

    fn line(&self) -> String {
        let most = self.seconds.iter().copied().max().unwrap_or_default();
        let last = self.seconds.back().copied().unwrap_or_default();
        let bars: String = self.seconds.iter().map(|count| bar(*count, most)).collect();
        format!("{bars}  {last}/s, most {most}/s")
    }
}

fn bar(count: u64, most: u64) -> char {
    let last = BARS.len() - 1;
    let height = usize::try_from(count * 7 / most.max(1)).unwrap_or(last);
    BARS.get(height).copied().unwrap_or('█')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_the_most_allows() {
        let bars: String = [0, 1, 5, 10].map(|count| bar(count, 10)).iter().collect();
        assert_eq!(bars, "▁▁▄█");
        assert_eq!(bar(0, 0), '▁');
    }
}

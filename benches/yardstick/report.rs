//! The table: what the relay did, what the router did, and how that stands to the budgets.

use crate::idle::Cost;
use crate::meter::{Sample, median};

/// What a ratio is held against, and which way is better.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limits {
    AtLeast { floor: f64, budget: f64 },
    AtMost { floor: f64, budget: f64 },
}

impl Limits {
    fn verdict(self, figure: f64) -> &'static str {
        let (meets_floor, meets_budget) = match self {
            Self::AtLeast { floor, budget } => (figure >= floor, figure >= budget),
            Self::AtMost { floor, budget } => (figure <= floor, figure <= budget),
        };
        match (meets_floor, meets_budget) {
            (_, true) => "budget met",
            (true, false) => "floor met",
            (false, false) => "BELOW FLOOR",
        }
    }

    fn floor_and_budget(self) -> (f64, f64) {
        let (Self::AtLeast { floor, budget } | Self::AtMost { floor, budget }) = self;
        (floor, budget)
    }
}

/// Which figure of a sample a test is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Figure {
    PerSecond,
    RoundTrip,
}

/// Cores used by others beyond which a row says little.
const OTHERS_MAX: f64 = 0.2;
const NOISY: &str = " (noisy: something else ran)";

/// The samples of one server in one test, one for each round.
pub(crate) type Rounds = Vec<Sample>;

pub(crate) fn print_header() {
    println!(
        "{:<12} {:>14} {:>14} {:>6} {:>13} {:>6} {:>6} {:>9} {:>9} {:>5} {:>6}  verdict",
        "test",
        "relay",
        "router",
        "ratio",
        "(rounds)",
        "floor",
        "budget",
        "relay us",
        "router us",
        "gen",
        "others"
    );
}

/// Prints the medians of one test; without a router only the relay's.
pub(crate) fn print_test(
    name: &str,
    figure: Figure,
    limits: Limits,
    relay: &Rounds,
    router: &Rounds,
) {
    let value = |sample: &Sample| match figure {
        Figure::PerSecond => sample.per_second,
        Figure::RoundTrip => sample.round_trip_us,
    };
    let show = |rounds: &Rounds| match (figure, rounds.is_empty()) {
        (_, true) => "-".to_owned(),
        (Figure::PerSecond, _) => format!("{}/s", thousands(middle(rounds, value))),
        (Figure::RoundTrip, _) => format!("{:.1} us p50", middle(rounds, value)),
    };
    let ratio = middle(router, value) / middle(relay, value);
    let (floor, budget) = limits.floor_and_budget();
    let both: Rounds = relay.iter().chain(router).copied().collect();
    let (ratio, range, verdict) = if router.is_empty() {
        ("-".to_owned(), "-".to_owned(), "")
    } else {
        (
            format!("{ratio:.2}"),
            range(relay, router, value),
            limits.verdict(ratio),
        )
    };
    let others = middle(&both, |sample| sample.others);
    let noise = if others > OTHERS_MAX { NOISY } else { "" };
    println!(
        "{name:<12} {:>14} {:>14} {ratio:>6} {range:>13} {floor:>6} {budget:>6} {:>9.2} {:>9} \
         {:>4.0}% {others:>6.2}  {verdict}{noise}",
        show(relay),
        show(router),
        middle(relay, |sample| sample.cpu_us),
        if router.is_empty() {
            "-".to_owned()
        } else {
            format!("{:.2}", middle(router, |sample| sample.cpu_us))
        },
        100.0
            * both
                .iter()
                .map(|sample| sample.generator)
                .fold(0.0, f64::max),
    );
}

/// The memory test has budgets in bytes and no ratio.
pub(crate) fn print_cost(sessions: u32, limits: Limits, relay: Cost, router: Option<Cost>) {
    let show = |cost: Cost| {
        format!(
            "{} B each, {} joins/s, {:.0} us CPU a join",
            thousands(cost.bytes_each),
            thousands(cost.joins_per_second),
            cost.join_cpu_us
        )
    };
    let (floor, budget) = limits.floor_and_budget();
    println!("memory, {} idle sessions", thousands(f64::from(sessions)));
    println!("  relay   {}", show(relay));
    if let Some(router) = router {
        let verdict = limits.verdict(router.bytes_each);
        println!("  router  {}", show(router));
        println!("  floor {floor} B, budget {budget} B: {verdict}");
    }
}

/// The least and the greatest ratio of two runs side by side.
fn range(relay: &Rounds, router: &Rounds, value: impl Fn(&Sample) -> f64) -> String {
    let ratios = relay
        .iter()
        .zip(router)
        .map(|(relay, router)| value(router) / value(relay));
    let (least, greatest) = ratios.fold((f64::INFINITY, 0.0_f64), |(least, greatest), ratio| {
        (least.min(ratio), greatest.max(ratio))
    });
    format!("({least:.2}-{greatest:.2})")
}

fn middle(rounds: &Rounds, value: impl Fn(&Sample) -> f64) -> f64 {
    median(&mut rounds.iter().map(value).collect::<Vec<_>>()).unwrap_or(f64::NAN)
}

/// Groups the digits of a whole number.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

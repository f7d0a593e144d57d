//! What the transcripts must show: every rule of `rules.txt`, and how bad input is refused.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use wamp::protocol::{MessageCode, Value};

use super::notation::Pattern;
use super::script::{Content, Scenario, Step};
use super::{NAMES, scenarios};

/// How many scenarios must show a refusal over every serializer.
const REFUSALS_MIN: usize = 150;

/// Errors that no input causes: they tell of a call's fate.
const FATES: [&str; 4] = [
    "wamp.error.canceled",
    "wamp.error.timeout",
    "wamp.error.unavailable",
    "wamp.error.no_available_callee",
];

#[test]
fn each_rule_has_a_scenario_that_names_it() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcript/rules.txt");
    let text = fs::read_to_string(file).unwrap();
    let mut rules = BTreeSet::new();
    let mut of_transports = BTreeSet::new();
    // The head of the file ends with an empty line.
    for line in text.lines().skip_while(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let Some(rule) = words.next() else { continue };
        if words.next() == Some("only:") {
            of_transports.insert((rule, words.next().unwrap()));
        } else {
            rules.insert(rule);
        }
    }
    assert!(rules.len() > 50, "the rules are not where this test looks");

    let all: Vec<_> = NAMES.iter().flat_map(|name| scenarios(name)).collect();
    let named: BTreeSet<_> = rules_of(all.iter()).collect();
    let everywhere = all.iter().filter(|it| it.only.is_none());
    let everywhere: BTreeSet<_> = rules_of(everywhere).collect();
    let missing: Vec<_> = rules.difference(&everywhere).collect();
    assert!(
        missing.is_empty(),
        "no scenario that runs everywhere names {missing:?}"
    );
    for (rule, place) in of_transports {
        let there = all.iter().filter(|it| it.only.as_deref() == Some(place));
        assert!(
            rules_of(there).any(|it| it == rule),
            "no scenario for {place} names {rule}"
        );
        rules.insert(rule);
    }
    let unknown: Vec<_> = named.difference(&rules).collect();
    assert!(unknown.is_empty(), "rules.txt does not have {unknown:?}");
}

#[test]
fn bad_input_is_refused_in_many_ways_over_every_serializer() {
    let all = NAMES.iter().flat_map(|name| scenarios(name));
    let refusals = all
        .filter(|it| is_on_every_stage(it) && shows_a_refusal(it))
        .count();
    assert!(
        refusals >= REFUSALS_MIN,
        "{refusals} scenarios show a refusal"
    );
}

fn rules_of<'a>(scenarios: impl Iterator<Item = &'a Scenario>) -> impl Iterator<Item = &'a str> {
    scenarios.flat_map(|it| &it.rules).map(|rule| &**rule)
}

fn is_on_every_stage(scenario: &Scenario) -> bool {
    let mut steps = scenario.lines.iter().map(|line| &line.step);
    scenario.only.is_none() && !steps.any(|step| matches!(step, Step::Speaks(..)))
}

/// Whether somebody gets ABORT, or the router's own ERROR: not a callee's, and none that tells of a call's fate.
fn shows_a_refusal(scenario: &Scenario) -> bool {
    let mut from_callees = BTreeSet::new();
    for line in &scenario.lines {
        match &line.step {
            Step::Sends(_, Content::Message(sent)) => {
                from_callees.extend(reason(sent, MessageCode::Error, 4));
            }
            Step::Gets(_, got) => {
                if reason(got, MessageCode::Abort, 2).is_some() {
                    return true;
                }
                if let Some(error) = reason(got, MessageCode::Error, 4)
                    && error.starts_with("wamp.error.")
                    && !FATES.contains(&error)
                    && !from_callees.contains(error)
                {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

/// The URI at one place of a message with that code.
fn reason(message: &Pattern, code: MessageCode, at: usize) -> Option<&str> {
    let Pattern::List { items, .. } = message else {
        return None;
    };
    let is_it = items.first() == Some(&Pattern::Value(Value::Integer(code as i128)));
    match items.get(at) {
        Some(Pattern::Value(Value::Text(uri))) if is_it => Some(uri),
        _ => None,
    }
}

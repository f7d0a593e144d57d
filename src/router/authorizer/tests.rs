//! Generated decisions, held against a reference that knows patterns and precedence from the text of the specification.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use MatchPolicy::{Exact, Prefix, Wildcard};

/// The reference: rules as they are written, walked one by one. It shares nothing with the code beside it but names.
mod reference {
    #[derive(Clone, Debug)]
    pub(super) struct Rule {
        pub(super) policy: &'static str,
        pub(super) pattern: String,
        pub(super) allow: Vec<&'static str>,
        pub(super) from: &'static str,
    }

    pub(super) fn matches(policy: &str, pattern: &str, uri: &str) -> bool {
        match policy {
            "exact" => pattern == uri,
            "prefix" => uri.starts_with(pattern),
            _ => {
                let (pattern, uri): (Vec<_>, Vec<_>) =
                    (pattern.split('.').collect(), uri.split('.').collect());
                let mut both = pattern.iter().zip(&uri);
                pattern.len() == uri.len()
                    && both.all(|(part, named)| part.is_empty() || part == named)
            }
        }
    }

    /// Greater is better; of the wildcards, who names the first part that only one of them names.
    fn rank(rule: &Rule, some_prefix_ends_a_part: bool) -> (u8, usize, Vec<bool>) {
        let named = rule
            .pattern
            .split('.')
            .map(|part| !part.is_empty())
            .collect();
        match rule.policy {
            "exact" => (3, 0, vec![]),
            "prefix" if some_prefix_ends_a_part => (2, rule.pattern.len(), vec![]),
            "prefix" => (0, rule.pattern.len(), vec![]),
            _ => (1, 0, named),
        }
    }

    fn ends_a_part(rule: &Rule, uri: &str) -> bool {
        let (begin, rest) = uri.split_at(rule.pattern.len());
        begin.is_empty() || begin.ends_with('.') || rest.is_empty() || rest.starts_with('.')
    }

    /// Yes, no, or nothing.
    pub(super) fn decide(rules: &[Rule], action: &str, uri: &str, is_local: bool) -> Option<bool> {
        let matching = rules
            .iter()
            .filter(|it| matches(it.policy, &it.pattern, uri));
        let matching: Vec<&Rule> = matching.collect();
        let mut prefixes = matching.iter().filter(|it| it.policy == "prefix");
        let ends = prefixes.any(|it| ends_a_part(it, uri));
        let best = matching.iter().map(|it| rank(it, ends)).max()?;
        let mut best = matching.iter().filter(|it| rank(it, ends) == best);
        Some(best.any(|it| it.allow.contains(&action) && (is_local || it.from == "any")))
    }
}

/// URIs of up to four parts of these: as many as any pattern here has, one more, and text that none of them names, alone
/// and behind whatever a prefix may end with.
fn universe() -> Vec<String> {
    let parts = ["a", "b", "ab", "abb", "bz", "z"];
    let mut all: Vec<String> = parts.map(str::to_owned).into();
    let mut longest = all.clone();
    for _ in 1..4 {
        let next = longest
            .iter()
            .flat_map(|uri| parts.map(|part| format!("{uri}.{part}")));
        longest = next.collect();
        all.extend(longest.iter().cloned());
    }
    all
}

fn policy_of(name: &str) -> MatchPolicy {
    match name {
        "exact" => Exact,
        "prefix" => Prefix,
        _ => Wildcard,
    }
}

fn pattern() -> impl Strategy<Value = (&'static str, String)> {
    let named = prop::collection::vec(prop::sample::select(vec!["a", "b", "ab"]), 1..4);
    let open = prop::collection::vec(prop::sample::select(vec!["a", "b", ""]), 1..4);
    prop_oneof![
        named.clone().prop_map(|parts| ("exact", parts.join("."))),
        (named, any::<bool>(), any::<bool>()).prop_map(|(parts, ends, is_empty)| {
            let end = if ends { "." } else { "" };
            let pattern = format!("{}{end}", parts.join("."));
            ("prefix", if is_empty { String::new() } else { pattern })
        }),
        open.prop_map(|parts| ("wildcard", parts.join("."))),
    ]
}

fn rule() -> impl Strategy<Value = reference::Rule> {
    let names = Action::ALL.map(Action::name).to_vec();
    let allow = prop::sample::subsequence(names, 0..=7);
    let from = prop::sample::select(vec!["any", "any", "loopback"]);
    (pattern(), allow, from).prop_map(|((policy, pattern), allow, from)| reference::Rule {
        policy,
        pattern,
        allow,
        from,
    })
}

fn rights(rules: &[reference::Rule]) -> Rights {
    let rule = |it: &reference::Rule| Rule {
        uris: UriPattern {
            policy: policy_of(it.policy),
            pattern: it.pattern.as_str().into(),
        },
        allow: Action::ALL
            .into_iter()
            .filter(|action| it.allow.contains(&action.name()))
            .collect(),
        from: if it.from == "any" {
            Reach::Any
        } else {
            Reach::Loopback
        },
    };
    Rights::new(rules.iter().map(rule).collect(), None)
}

fn expected(said: Option<bool>) -> Decision {
    match said {
        Some(true) => Decision::Allowed,
        Some(false) => Decision::Denied,
        None => Decision::Unruled,
    }
}

#[test]
fn a_generated_matrix_of_roles_actions_policies_and_uris_agrees_with_the_reference() {
    let universe = universe();
    let mut decisions = 0_u32;
    let mut told = [0_u32; 3];
    let mut check = |rules: &[reference::Rule], asked: &(&str, String)| {
        let rights = rights(rules);
        let (policy, pattern) = (asked.0, asked.1.as_str());
        let of_it = universe
            .iter()
            .filter(|uri| reference::matches(policy, pattern, uri));
        let of_it: Vec<&String> = of_it.collect();
        for (action, is_local) in Action::ALL
            .into_iter()
            .flat_map(|it| [(it, true), (it, false)])
        {
            let said: Vec<_> = of_it
                .iter()
                .map(|uri| reference::decide(rules, action.name(), uri, is_local))
                .collect();
            // No where one is denied, else nothing where nothing is said of one.
            let all = if said.contains(&Some(false)) {
                Some(false)
            } else {
                said.iter().copied().fold(Some(true), Option::and)
            };
            let decision = rights.decide(action, (policy_of(policy), pattern), is_local);
            assert_eq!(
                decision,
                expected(all),
                "{action:?} {is_local} {asked:?} {rules:?}"
            );
            let [allowed, denied, unruled] = &mut told;
            *match decision {
                Decision::Allowed => allowed,
                Decision::Denied => denied,
                Decision::Unruled => unruled,
            } += 1;
            decisions += 1;
        }
    };
    let mut runner = TestRunner::new(Config::default());
    let drawn = (prop::collection::vec(rule(), 0..7), pattern());
    for _ in 0..700 {
        let (rules, asked) = drawn.new_tree(&mut runner).unwrap().current();
        check(&rules, &asked);
    }
    assert!(decisions >= 9_000, "{decisions}");
    // Each answer was there often: the matrix is none of denials alone.
    assert!(told.iter().all(|&count| count > 300), "{told:?}");
}

#[test]
fn what_begins_with_wamp_does_not_matter_to_who_registers_everything() {
    let rule = |prefix: &'static str, allow: &[Action]| Rule {
        uris: UriPattern {
            policy: Prefix,
            pattern: prefix.into(),
        },
        allow: allow.iter().copied().collect(),
        from: Reach::Any,
    };
    let rules = vec![
        rule("", &[Action::Register, Action::Subscribe]),
        rule("wamp.", &[Action::Call]),
    ];
    let rights = Rights::new(rules, None);
    let everything = (Prefix, "");
    let decide = |action| rights.decide(action, everything, false);
    assert_eq!(decide(Action::Register), Decision::Allowed);
    assert_eq!(decide(Action::Subscribe), Decision::Denied);
}

#[test]
fn a_wildcard_below_a_prefix_never_decides_and_is_told() {
    let rule = |policy, pattern: &'static str| Rule {
        uris: UriPattern {
            policy,
            pattern: pattern.into(),
        },
        allow: Actions::default(),
        from: Reach::Any,
    };
    let rules = vec![
        rule(Prefix, "com."),
        rule(Wildcard, "com..x"),
        rule(Wildcard, "org..x"),
        rule(Exact, "com.a.x"),
    ];
    let rights = Rights::new(rules, None);
    assert_eq!(rights.idle_rules().collect::<Vec<_>>(), [1]);
}

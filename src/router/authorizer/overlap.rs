//! What two patterns have in common, by URIs that stand for all of it.
//!
//! A pattern matches more URIs than can be tried. But rules cannot tell apart two URIs that differ only in text that no
//! rule names: so it is enough to try, for each rule, a URI of the pattern that this rule matches, and as few of the
//! others as can be. Text that no rule names is `#`, which no valid URI and so no rule has.

use crate::protocol::MatchPolicy;

/// Text that no rule names.
const ANY: &str = "#";
/// As many parts as no wildcard has that can match.
const BEYOND: usize = 33;

/// A part of all URIs that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    Named(&'a str),
    Any,
    /// It begins with this.
    Begins(&'a str),
}

/// What matches: URIs with these parts, and others behind them where it is open.
#[derive(Debug, PartialEq, Eq)]
struct Form<'a> {
    parts: Vec<Part<'a>>,
    is_open: bool,
}

impl<'a> Form<'a> {
    fn new((policy, pattern): (MatchPolicy, &'a str)) -> Self {
        let part = |text: &'a str| match (policy, text) {
            (MatchPolicy::Wildcard, "") => Part::Any,
            (_, text) => Part::Named(text),
        };
        let mut parts: Vec<_> = pattern.split('.').map(part).collect();
        let is_open = policy == MatchPolicy::Prefix;
        if let (true, Some(Part::Named(last))) = (is_open, parts.last().copied()) {
            parts.pop();
            parts.push(Part::Begins(last));
        }
        Self { parts, is_open }
    }

    /// What matches both.
    fn meet(&self, other: &Self) -> Option<Self> {
        let count = self.parts.len().max(other.parts.len());
        let reaches = |it: &Self| it.parts.len() == count || it.is_open;
        if !reaches(self) || !reaches(other) {
            return None;
        }
        let part = |it: &Self, at: usize| it.parts.get(at).copied().unwrap_or(Part::Any);
        let parts = (0..count).map(|at| part(self, at).meet(part(other, at)));
        Some(Self {
            parts: parts.collect::<Option<_>>()?,
            is_open: self.is_open && other.is_open,
        })
    }
}

impl Part<'_> {
    fn meet(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Any, part) | (part, Self::Any) => Some(part),
            (Self::Named(one), Self::Named(other)) => (one == other).then_some(self),
            (Self::Named(text), Self::Begins(begin)) | (Self::Begins(begin), Self::Named(text)) => {
                text.starts_with(begin).then_some(Self::Named(text))
            }
            (Self::Begins(one), Self::Begins(other)) if one.starts_with(other) => Some(self),
            (Self::Begins(one), Self::Begins(text)) => text.starts_with(one).then_some(other),
        }
    }
}

/// URIs that stand for all that both patterns match; none where there is no such URI.
///
/// They are more than one where a part may end with what is named of it, or go on: a prefix that ends within a part
/// comes after wildcards.
pub(super) fn representatives(
    one: (MatchPolicy, &str),
    other: (MatchPolicy, &str),
) -> impl Iterator<Item = String> {
    let common = Form::new(one).meet(&Form::new(other));
    let written = common.map(|common| {
        let begin = |text: &str, goes_on: bool| {
            let end = if goes_on || text.is_empty() { ANY } else { "" };
            format!("{text}{end}")
        };
        [true, false].map(|goes_on| {
            let part = |part: &Part<'_>| match part {
                Part::Named(text) => (*text).to_owned(),
                Part::Any => ANY.to_owned(),
                Part::Begins(text) => begin(text, goes_on),
            };
            let behind = if common.is_open { BEYOND } else { 0 };
            let behind = std::iter::repeat_n(ANY.to_owned(), behind);
            let parts: Vec<String> = common.parts.iter().map(part).chain(behind).collect();
            parts.join(".")
        })
    });
    written.into_iter().flatten()
}

/// Such a URI as people are shown it: parts that were put behind it to have many are one.
pub(super) fn shown(uri: &str) -> String {
    let behind = format!(".{ANY}").repeat(BEYOND);
    uri.strip_suffix(&behind)
        .map_or_else(|| uri.to_owned(), |begin| format!("{begin}.{ANY}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use MatchPolicy::{Exact, Prefix, Wildcard};

    fn all(one: (MatchPolicy, &str), other: (MatchPolicy, &str)) -> Vec<String> {
        let mut all: Vec<_> = representatives(one, other).map(|it| shown(&it)).collect();
        all.dedup();
        all
    }

    #[test]
    fn what_two_patterns_share_has_a_uri_that_stands_for_it() {
        for (one, other, expected) in [
            ((Prefix, ""), (Prefix, "com."), vec!["com.#.#"]),
            (
                (Prefix, "com.a"),
                (Prefix, "com"),
                vec!["com.a#.#", "com.a.#"],
            ),
            ((Prefix, "com."), (Exact, "com.x.y"), vec!["com.x.y"]),
            (
                (Prefix, "com.x"),
                (Wildcard, "..y"),
                vec!["com.x#.y", "com.x.y"],
            ),
            ((Prefix, "com.x"), (Wildcard, ".xy."), vec!["com.xy.#"]),
            ((Wildcard, "com..z"), (Wildcard, ".y."), vec!["com.y.z"]),
            ((Wildcard, "com."), (Exact, "com.x"), vec!["com.x"]),
            ((Prefix, "a.b.c"), (Wildcard, "a."), vec![]),
            ((Prefix, "a"), (Prefix, "b"), vec![]),
            ((Wildcard, "a."), (Wildcard, "a.."), vec![]),
            ((Exact, "a"), (Exact, "a"), vec!["a"]),
        ] {
            assert_eq!(all(one, other), expected, "{one:?} {other:?}");
            assert_eq!(all(other, one), expected, "{other:?} {one:?}");
        }
    }
}

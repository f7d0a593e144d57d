//! What a pattern as people type it means to a router, which knows exact, prefix and wildcard only.
//!
//! | typed | policy | URI |
//! |---|---|---|
//! | `a.b` | exact | `a.b` |
//! | `a.b.`, and `a.*`, `a.**`, `a.>`, `a.#` at the end | prefix | `a.b.`, `a.` |
//! | `a.b*` | prefix | `a.b` |
//! | `a.*.c`, `a..c`, `a.+.c`, `a.+` | wildcard | `a..c`, `a.` |
//! | `*` | prefix | the empty one: everything |
//! | anything else with `*` and `?` | prefix, and a [`Filter`] here | what comes before |
//! | `{a,b}.c` | one of each | |

use super::brace;
use super::exit::Failure;
use crate::protocol::MatchPolicy;

/// A policy named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum MatchChoice {
    Exact,
    Prefix,
    Wildcard,
}

/// One subscription, or registration, that a typed pattern leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) policy: MatchPolicy,
    pub(super) uri: String,
    /// What is left to be done here, where the router's policies do not suffice.
    pub(super) filter: Option<Filter>,
}

/// A glob over the parts of a URI: `*` and `+` are any one part, `**` is one or more, a `*` within a part is any
/// part of it, `?` is one character. What ends in `*` goes on to the end of the URI, dots included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    typed: String,
}

/// What one part of a typed pattern is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    Literal(&'a str),
    /// Exactly one part: nothing, or `+`.
    One,
    /// `*`: one part, or, at the end, all that follow.
    Star,
    /// `**`, and `>` or `#` at the end.
    Rest,
    /// `b*`, nothing else special in it.
    Begins(&'a str),
    /// Any other with `*` or `?` in it.
    Glob,
}

impl MatchChoice {
    /// What words lead to: as they are under a policy that was named, else as patterns.
    pub(super) fn patterns(
        choice: Option<Self>,
        words: &[String],
    ) -> Result<Vec<Pattern>, Failure> {
        let policy = match choice {
            None => {
                let parsed: Result<Vec<_>, _> =
                    words.iter().map(|word| Pattern::parse(word)).collect();
                return Ok(parsed?.concat());
            }
            Some(Self::Exact) => MatchPolicy::Exact,
            Some(Self::Prefix) => MatchPolicy::Prefix,
            Some(Self::Wildcard) => MatchPolicy::Wildcard,
        };
        let verbatim = |word: &String| Pattern::verbatim(policy, word.clone());
        Ok(words.iter().map(verbatim).collect())
    }
}

impl Pattern {
    /// A URI as it is, under a policy that was named.
    pub(super) const fn verbatim(policy: MatchPolicy, uri: String) -> Self {
        Self {
            policy,
            uri,
            filter: None,
        }
    }

    /// All that a typed pattern leads to.
    pub(super) fn parse(typed: &str) -> Result<Vec<Self>, Failure> {
        let expanded = brace::expand(typed).map_err(|error| {
            let failure = Failure::usage(format!("pattern {typed:?}: {error}"));
            failure.hint("for a URI with braces in it, say how it matches: --match exact")
        })?;
        expanded
            .iter()
            .map(|typed| Self::parse_one(typed))
            .collect()
    }

    fn parse_one(typed: &str) -> Result<Self, Failure> {
        if typed.is_empty() {
            let failure = Failure::usage("the pattern is empty");
            return Err(failure.hint("'*' stands for everything"));
        }
        let parts = parts(typed);
        let Some((last, front)) = parts.split_last() else {
            return Ok(Self::verbatim(MatchPolicy::Exact, typed.to_owned()));
        };
        let literal = |part: &Part<'_>| matches!(part, Part::Literal(_));
        let single = |part: &Part<'_>| matches!(part, Part::Literal(_) | Part::One | Part::Star);
        let front_is_literal = front.iter().all(literal);
        let native = match last {
            Part::Literal(_) if front_is_literal => Some((MatchPolicy::Exact, typed.to_owned())),
            Part::Star | Part::Rest if front_is_literal => {
                Some((MatchPolicy::Prefix, prefix(front)))
            }
            // A dot at the end is a prefix; `a.+` is not.
            Part::One if front_is_literal && typed.ends_with('.') => {
                Some((MatchPolicy::Prefix, typed.to_owned()))
            }
            Part::Begins(text) if front_is_literal => {
                Some((MatchPolicy::Prefix, prefix(front) + text))
            }
            // `+` alone would be the empty URI, which not every router takes for a wildcard.
            Part::Literal(_) | Part::One if front.iter().all(single) && typed != "+" => {
                Some((MatchPolicy::Wildcard, wildcard(&parts)))
            }
            _ => None,
        };
        Ok(match native {
            Some((policy, uri)) => Self {
                policy,
                uri,
                filter: None,
            },
            None => Self::filtered(typed, &parts),
        })
    }

    /// Asks for all that begins as the pattern does, and sorts it out here.
    fn filtered(typed: &str, parts: &[Part<'_>]) -> Self {
        let literal = |part: &&Part<'_>| matches!(part, Part::Literal(_));
        let count = parts.iter().take_while(literal).count();
        Self {
            policy: MatchPolicy::Prefix,
            uri: prefix(parts.get(..count).unwrap_or_default()),
            filter: Some(Filter {
                typed: typed.to_owned(),
            }),
        }
    }

    /// Whether an event of this subscription is one that was meant.
    pub(super) fn wants(&self, topic: &str) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| filter.matches(topic))
    }

    /// The policy to ask for; exact is what routers take without being asked.
    pub(super) fn policy_option(&self) -> Option<MatchPolicy> {
        (self.policy != MatchPolicy::Exact).then_some(self.policy)
    }

    /// The policy and URI as notes say them.
    pub(super) fn describe(&self) -> String {
        let filter = match &self.filter {
            Some(filter) => format!(", filtered here by {:?}", filter.typed),
            None if self.uri.is_empty() => ", which is everything".to_owned(),
            None => String::new(),
        };
        format!("{} {:?}{filter}", self.policy, self.uri)
    }
}

fn parts(typed: &str) -> Vec<Part<'_>> {
    let last = typed.split('.').count() - 1;
    let texts = typed.split('.').enumerate();
    texts
        .map(|(index, text)| part(text, index == last))
        .collect()
}

fn part(text: &str, is_last: bool) -> Part<'_> {
    match text {
        "" | "+" => Part::One,
        "*" => Part::Star,
        "**" => Part::Rest,
        ">" | "#" if is_last => Part::Rest,
        _ if !text.contains(['*', '?']) => Part::Literal(text),
        _ => match text.strip_suffix('*') {
            Some(begin) if !begin.contains(['*', '?']) => Part::Begins(begin),
            _ => Part::Glob,
        },
    }
}

fn prefix(parts: &[Part<'_>]) -> String {
    let mut uri = String::new();
    for part in parts {
        if let Part::Literal(text) = part {
            uri.push_str(text);
        }
        uri.push('.');
    }
    uri
}

fn wildcard(parts: &[Part<'_>]) -> String {
    let text = |part: &Part<'_>| match *part {
        Part::Literal(text) => text.to_owned(),
        _ => String::new(),
    };
    parts.iter().map(text).collect::<Vec<_>>().join(".")
}

impl Filter {
    pub(super) fn matches(&self, topic: &str) -> bool {
        let pattern: Vec<&str> = self.typed.split('.').collect();
        let topic: Vec<&str> = topic.split('.').collect();
        parts_match(&pattern, &topic)
    }
}

/// Cost: exponential in the number of `**` at worst, which people type.
fn parts_match(pattern: &[&str], topic: &[&str]) -> bool {
    let Some((first, pattern_left)) = pattern.split_first() else {
        return topic.is_empty();
    };
    let Some((part, topic_left)) = topic.split_first() else {
        return false;
    };
    let is_last = pattern_left.is_empty();
    match *first {
        // A dot at the end: everything below.
        "" | "*" | "**" | ">" | "#" if is_last => true,
        "**" => (1..=topic.len()).any(|count| parts_match(pattern_left, &topic[count..])),
        "" | "+" | "*" => parts_match(pattern_left, topic_left),
        glob if is_last && glob.ends_with('*') => glob_matches(glob, &topic.join(".")),
        glob => glob_matches(glob, part) && parts_match(pattern_left, topic_left),
    }
}

/// `*` is any run of characters, `?` any one. Cost: O(pattern x text).
fn glob_matches(glob: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    // Which beginnings of the text the glob read so far can be.
    let mut reached = vec![false; text.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for wanted in glob.chars() {
        let mut next = vec![false; text.len() + 1];
        for (position, &is_reached) in reached.iter().enumerate() {
            if !is_reached {
                continue;
            }
            if wanted == '*' {
                next[position..].fill(true);
                break;
            }
            if text
                .get(position)
                .is_some_and(|&c| wanted == '?' || wanted == c)
            {
                next[position + 1] = true;
            }
        }
        reached = next;
    }
    reached.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::super::exit::Exit;
    use super::*;

    fn one(typed: &str) -> (&'static str, String, bool) {
        let pattern = Pattern::parse(typed).unwrap().remove(0);
        (pattern.policy.name(), pattern.uri, pattern.filter.is_some())
    }

    #[test]
    fn patterns_map_as_the_table_says() {
        for (typed, policy, uri) in [
            ("a.b", "exact", "a.b"),
            ("a", "exact", "a"),
            ("a.b.", "prefix", "a.b."),
            ("a.*", "prefix", "a."),
            ("a.**", "prefix", "a."),
            ("a.>", "prefix", "a."),
            ("a.#", "prefix", "a."),
            ("filewithext.*", "prefix", "filewithext."),
            ("a.b*", "prefix", "a.b"),
            ("ab*", "prefix", "ab"),
            ("a.*.c", "wildcard", "a..c"),
            ("a..c", "wildcard", "a..c"),
            ("a.+.c", "wildcard", "a..c"),
            ("a.+", "wildcard", "a."),
            ("a.*.", "wildcard", "a.."),
            ("*.c", "wildcard", ".c"),
            (".c", "wildcard", ".c"),
            ("a..b.", "wildcard", "a..b."),
            ("*", "prefix", ""),
            ("**", "prefix", ""),
        ] {
            assert_eq!(one(typed), (policy, uri.to_owned(), false), "{typed}");
        }
    }

    #[test]
    fn what_routers_cannot_express_is_filtered_here() {
        for (typed, uri, wanted, unwanted) in [
            (
                "a.*.c.**",
                "a.",
                vec!["a.x.c.d", "a.x.c.d.e"],
                vec!["a.x.c", "a.x.d.c"],
            ),
            (
                "a.x*y",
                "a.",
                vec!["a.xy", "a.x1y"],
                vec!["a.x1yz", "a.x.y", "b.xy"],
            ),
            ("a.?", "a.", vec!["a.b", "a.ü"], vec!["a.bc", "a.", "a.b.c"]),
            ("a.*.*", "a.", vec!["a.b.c", "a.b.c.d"], vec!["a.b"]),
            (
                "a.**.z",
                "a.",
                vec!["a.b.z", "a.b.c.z"],
                vec!["a.z", "a.b.zz"],
            ),
            ("a.*.b*", "a.", vec!["a.x.b", "a.x.bc.d"], vec!["a.x.c"]),
            ("?.b", "", vec!["a.b"], vec!["ab.b"]),
            ("a.**.", "a.", vec!["a.b.c"], vec!["a.b"]),
            ("+", "", vec!["a"], vec!["a.b"]),
        ] {
            let pattern = Pattern::parse(typed).unwrap().remove(0);
            assert!(pattern.filter.is_some(), "{typed}");
            assert_eq!(
                (pattern.policy, pattern.uri.as_str()),
                (MatchPolicy::Prefix, uri),
                "{typed}"
            );
            for topic in wanted {
                assert!(pattern.wants(topic), "{typed} wants {topic}");
            }
            for topic in unwanted {
                assert!(!pattern.wants(topic), "{typed} does not want {topic}");
            }
        }
    }

    #[test]
    fn braces_lead_to_one_subscription_each() {
        let patterns = Pattern::parse("{a,b}.*").unwrap();
        let uris: Vec<_> = patterns
            .iter()
            .map(|pattern| pattern.uri.as_str())
            .collect();
        assert_eq!(uris, ["a.", "b."]);
    }

    #[test]
    fn no_pattern_is_a_usage_error() {
        assert_eq!(Pattern::parse("").unwrap_err().exit(), Exit::Usage);
        assert_eq!(Pattern::parse("{a,b").unwrap_err().exit(), Exit::Usage);
    }
}

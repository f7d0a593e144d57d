//! What a valid URI is, and what matches it, letter by letter as the specification says.

/// Whether a text may be a URI under a policy (`exact`, `prefix`, `wildcard`).
pub(super) fn is_valid(text: &str, policy: &str, is_strict: bool) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let is_letter = |c: char| {
        if is_strict {
            c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'
        } else {
            !c.is_whitespace() && !"#\0\u{1c}\u{1d}\u{1e}\u{1f}\u{feff}".contains(c)
        }
    };
    let may_be_empty = |place: usize| match policy {
        "wildcard" => true,
        "prefix" => place + 1 == parts.len(),
        _ => false,
    };
    let is_part = |(place, part): (usize, &&str)| {
        part.chars().all(is_letter) && (!part.is_empty() || may_be_empty(place))
    };
    text.len() <= 1024 && parts.len() <= 32 && parts.iter().enumerate().all(is_part)
}

/// Whether clients may neither publish nor register there.
pub(super) fn is_reserved(text: &str) -> bool {
    let first = text.split('.').next().unwrap_or_default();
    first == "wamp" || first == "_router"
}

/// Whether a pattern matches a URI under a policy.
pub(super) fn matches(policy: &str, pattern: &str, uri: &str) -> bool {
    match policy {
        "exact" => pattern == uri,
        "prefix" => uri.as_bytes().starts_with(pattern.as_bytes()),
        _ => {
            let (wanted, had): (Vec<_>, Vec<_>) =
                (pattern.split('.').collect(), uri.split('.').collect());
            wanted.len() == had.len()
                && (0..had.len()).all(|at| wanted[at].is_empty() || wanted[at] == had[at])
        }
    }
}

/// Which of some patterns takes a call of `uri`: exact, then the longest prefix, then the wildcard with the longest
/// runs of parts. Prefixes none of which ends with a part come after wildcards.
pub(super) fn best(patterns: &[(&str, &str)], uri: &str) -> Option<usize> {
    let matching = |policy: &'static str| {
        let all = patterns.iter().enumerate();
        all.filter(move |(_, (p, pattern))| *p == policy && matches(policy, pattern, uri))
    };
    if let Some((exact, _)) = matching("exact").next() {
        return Some(exact);
    }
    let longest = matching("prefix").max_by_key(|(_, (_, pattern))| pattern.len());
    if matching("prefix").any(|(_, (_, pattern))| ends_with_part(pattern, uri)) {
        return longest.map(|(at, _)| at);
    }
    let wildcard = matching("wildcard").max_by_key(|(_, (_, pattern))| named_parts(pattern));
    wildcard.or(longest).map(|(at, _)| at)
}

/// Whether a prefix of `uri` is whole parts of it, with or without the dot behind.
fn ends_with_part(prefix: &str, uri: &str) -> bool {
    let rest = &uri[prefix.len()..];
    prefix.is_empty() || prefix.ends_with('.') || rest.is_empty() || rest.starts_with('.')
}

/// For each part of a wildcard, whether it is named. Of two that match one URI, the one with the longer run of
/// named parts at the first difference is the greater list.
fn named_parts(pattern: &str) -> Vec<bool> {
    pattern.split('.').map(|part| !part.is_empty()).collect()
}

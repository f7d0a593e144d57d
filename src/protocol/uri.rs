//! URIs, what makes one valid, and the ways a pattern matches.
//!
//! A [`Uri`] inside a message is text as it came: a request with an invalid one is answered by ERROR, so
//! decoding must not refuse it. Whoever acts on a URI checks it first.

use std::borrow::Borrow;
use std::fmt;

use bytestring::ByteString;

/// The greatest length of a URI, in bytes.
const URI_BYTES_MAX: usize = 1024;
/// The greatest number of a URI's parts. bound: what a wildcard look-up can cost grows with it.
const URI_PARTS_MAX: usize = 32;

/// The first parts that are not for clients.
const RESERVED_PARTS: [&str; 2] = ["wamp", "_router"];

/// How much of a URI is quoted.
const QUOTED_CHARS_MAX: usize = 100;

/// The name of a topic, a procedure, a realm, an error or a reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uri(ByteString);

/// How much a valid URI may hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UriRule {
    /// Parts of anything but white space, `.` and `#`.
    #[default]
    Loose,
    /// Parts of `a-z`, `0-9` and `_`.
    Strict,
}

/// How the URI of a subscription or registration is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchPolicy {
    /// Letter by letter.
    #[default]
    Exact,
    /// The URI begins with the pattern, whether or not at a part's end.
    Prefix,
    /// As many parts, those that the pattern leaves empty being anything.
    Wildcard,
}

/// Why a text is no valid URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// No text at all.
    #[error("it is empty")]
    Empty,
    /// Two dots in a row, or one at an end.
    #[error("it has an empty part (a dot at an end, or two in a row)")]
    EmptyPart,
    /// A character that the rule forbids.
    #[error("it contains {0:?}")]
    Character(char),
    /// Longer than 1,024 bytes.
    #[error("it is longer than 1024 bytes")]
    TooLong,
    /// More than 32 parts.
    #[error("it has more than 32 parts")]
    TooManyParts,
}

impl Uri {
    /// Takes a text for a URI, unchecked.
    #[must_use]
    pub fn new(text: impl Into<ByteString>) -> Self {
        Self(text.into())
    }

    /// Names one of the specification's own URIs.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(ByteString::from_static(text))
    }

    /// A copy that does not hold on to the memory of the frame it came in.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(ByteString::from(self.as_str()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as messages quote it: escaped, and cut after 100 characters.
    #[must_use]
    pub fn quoted(&self) -> String {
        let mut chars = self.0.chars();
        let excerpt: String = chars.by_ref().take(QUOTED_CHARS_MAX).collect();
        let ellipsis = if chars.next().is_some() { "…" } else { "" };
        format!("{excerpt:?}{ellipsis}")
    }

    /// Checks that this names one thing: a topic published to, a procedure called.
    ///
    /// Cost: O(bytes). Spec: bp#uris.
    ///
    /// # Errors
    /// The first [`UriError`] met.
    pub fn check(&self, rule: UriRule) -> Result<(), UriError> {
        self.check_pattern(rule, MatchPolicy::Exact)
    }

    /// Checks that this may stand in a subscription or registration under `policy`.
    ///
    /// A prefix may end in a dot, or be empty; a wildcard may have empty parts anywhere, its only one included.
    ///
    /// # Errors
    /// The first [`UriError`] met.
    pub fn check_pattern(&self, rule: UriRule, policy: MatchPolicy) -> Result<(), UriError> {
        let text = self.as_str();
        if text.is_empty() && policy == MatchPolicy::Exact {
            return Err(UriError::Empty);
        }
        if text.len() > URI_BYTES_MAX {
            return Err(UriError::TooLong);
        }
        let plain = rule.plain();
        let mut bytes = text.as_bytes().iter();
        let (mut part_at, mut parts_count) = (0, 1);
        while let Some(&byte) = bytes.find(|&&byte| !plain[usize::from(byte)]) {
            let at = text.len() - bytes.len() - 1;
            if byte != b'.' {
                check_character(text, at, rule)?;
                continue;
            }
            if at == part_at && policy != MatchPolicy::Wildcard {
                return Err(UriError::EmptyPart);
            }
            parts_count += 1;
            part_at = at + 1;
        }
        if part_at == text.len() && policy == MatchPolicy::Exact {
            return Err(UriError::EmptyPart);
        }
        if parts_count > URI_PARTS_MAX {
            return Err(UriError::TooManyParts);
        }
        Ok(())
    }

    /// Whether the first part is one that clients may neither register nor publish under.
    ///
    /// `wamp` belongs to the specification, `_router` to this router.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        RESERVED_PARTS.iter().any(|reserved| {
            let rest = self.as_str().strip_prefix(reserved);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

impl UriRule {
    /// By byte, whether it is a character that is allowed within a part; false also where more must be looked at.
    const fn plain(self) -> &'static [bool; 256] {
        match self {
            Self::Loose => &LOOSE,
            Self::Strict => &STRICT,
        }
    }
}

/// Without some controls, which are allowed as well.
static LOOSE: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        plain[byte as usize] = !matches!(byte, b'#' | b'.');
        byte += 1;
    }
    plain
};

static STRICT: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = b'0';
    while byte <= b'z' {
        plain[byte as usize] = matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'_');
        byte += 1;
    }
    plain
};

/// Checks the character that begins at a byte; nothing for one within a character.
fn check_character(text: &str, at: usize, rule: UriRule) -> Result<(), UriError> {
    let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else {
        return Ok(());
    };
    let is_allowed = match rule {
        // In JSON, a text that begins with U+0000 is binary data and no URI.
        UriRule::Loose => c != '#' && c != '\0' && !is_white_space(c),
        UriRule::Strict => false,
    };
    if is_allowed {
        Ok(())
    } else {
        Err(UriError::Character(c))
    }
}

/// Whether the specification's regular expression has it for white space, `\s`, in any language: Python counts four
/// controls as well, JavaScript the byte order mark, and clients end over a URI that breaks theirs.
fn is_white_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}' | '\u{feff}')
}

impl MatchPolicy {
    /// All policies, in the order in which they precede each other for calls.
    pub const ALL: [Self; 3] = [Self::Exact, Self::Prefix, Self::Wildcard];

    /// The word in `Options.match`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Prefix => "prefix",
            Self::Wildcard => "wildcard",
        }
    }

    /// Whether `pattern` matches `uri` under this policy. For one pair; many patterns are an index's work.
    #[must_use]
    pub fn matches(self, pattern: &str, uri: &str) -> bool {
        match self {
            Self::Exact => pattern == uri,
            Self::Prefix => uri.starts_with(pattern),
            Self::Wildcard => {
                pattern.split('.').count() == uri.split('.').count()
                    && pattern
                        .split('.')
                        .zip(uri.split('.'))
                        .all(|(p, u)| p.is_empty() || p == u)
            }
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&str> for Uri {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Uri {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl Borrow<str> for Uri {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for Uri {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl fmt::Display for MatchPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loose_uris_refuse_white_space_hashes_and_empty_parts() {
        let check = |text: &str| Uri::from(text).check(UriRule::Loose);
        assert_eq!(check("com.Ex-ample.größe.1"), Ok(()));
        assert_eq!(check(""), Err(UriError::Empty));
        assert_eq!(check("a..b"), Err(UriError::EmptyPart));
        assert_eq!(check(".a"), Err(UriError::EmptyPart));
        assert_eq!(check("a."), Err(UriError::EmptyPart));
        assert_eq!(check("a b"), Err(UriError::Character(' ')));
        assert_eq!(check("a\u{2003}b"), Err(UriError::Character('\u{2003}')));
        for c in ['\u{1c}', '\u{1f}', '\u{feff}'] {
            assert_eq!(check(&format!("a{c}b")), Err(UriError::Character(c)));
        }
        assert_eq!(check("a\u{1b}\u{7f}b"), Ok(()));
        assert_eq!(check("a#b"), Err(UriError::Character('#')));
        assert_eq!(check("\0a"), Err(UriError::Character('\0')));
        assert_eq!(check(&"a".repeat(1025)), Err(UriError::TooLong));
        assert_eq!(check(&["a"; 33].join(".")), Err(UriError::TooManyParts));
    }

    #[test]
    fn strict_uris_hold_lower_case_letters_digits_and_underscores() {
        let check = |text: &str| Uri::from(text).check(UriRule::Strict);
        assert_eq!(check("com.example_1.x"), Ok(()));
        assert_eq!(check("com.Example"), Err(UriError::Character('E')));
    }

    #[test]
    fn patterns_may_have_empty_parts_where_their_policy_reads_them() {
        let check = |text: &str, policy| Uri::from(text).check_pattern(UriRule::Loose, policy);
        assert_eq!(check("", MatchPolicy::Prefix), Ok(()));
        assert_eq!(check("a.", MatchPolicy::Prefix), Ok(()));
        assert_eq!(check("a..b", MatchPolicy::Prefix), Err(UriError::EmptyPart));
        assert_eq!(check("a..b", MatchPolicy::Wildcard), Ok(()));
        assert_eq!(check(".", MatchPolicy::Wildcard), Ok(()));
        assert_eq!(check("", MatchPolicy::Wildcard), Ok(()));
        assert_eq!(check("", MatchPolicy::Exact), Err(UriError::Empty));
        assert_eq!(check("a..b", MatchPolicy::Exact), Err(UriError::EmptyPart));
    }

    #[test]
    fn policies_match_as_the_specification_shows() {
        use MatchPolicy::{Prefix, Wildcard};
        assert!(Prefix.matches("com.myapp.topic.emergency", "com.myapp.topic.emergency-low"));
        assert!(Prefix.matches(
            "com.myapp.topic.emergency",
            "com.myapp.topic.emergency.category.severe"
        ));
        assert!(!Prefix.matches("com.myapp.topic.emergency", "com.myapp.topic.emerge"));
        assert!(Wildcard.matches("com.myapp..userevent", "com.myapp.foo.userevent"));
        assert!(!Wildcard.matches("com.myapp..userevent", "com.myapp.foo.userevent.bar"));
        assert!(!Wildcard.matches("com.myapp..userevent", "com.myapp2.foo.userevent"));
    }

    #[test]
    fn the_first_part_makes_a_uri_reserved() {
        assert!(Uri::from("wamp.session.on_join").is_reserved());
        assert!(Uri::from("_router.traffic").is_reserved());
        assert!(!Uri::from("wampum.x").is_reserved());
    }
}

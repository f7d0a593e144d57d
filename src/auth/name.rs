//! Names of principals and roles, which rules and URIs may be made of.

/// bound: the bytes of a name.
const BYTES_MAX: usize = 256;
/// What URIs take for a pattern somewhere, or texts for a place to fill in: a name that holds it could become more than a
/// name in a rule.
const PATTERN_CHARS: &[char] = &['*', '#', '<', '>', '{', '}', '$', '%'];

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A space, a control character, or one that stands for others.
    #[error("a name holds no {0:?}")]
    Char(char),
    /// In a URI it would be a wildcard.
    #[error("a name has no empty part: no dot at an end, no two in a row")]
    EmptyPart,
    /// Longer than any name is.
    #[error("a name has at most {BYTES_MAX} bytes")]
    TooLong,
}

/// Checks that a text is a name, and nothing more than that wherever it is put.
///
/// # Errors
/// Why it is none.
pub fn check_name(text: &str) -> Result<(), NameError> {
    let is_bad = |c: char| c.is_whitespace() || c.is_control() || PATTERN_CHARS.contains(&c);
    if let Some(bad) = text.chars().find(|c| is_bad(*c)) {
        return Err(NameError::Char(bad));
    }
    if text.split('.').any(str::is_empty) {
        return Err(NameError::EmptyPart);
    }
    if text.len() > BYTES_MAX {
        return Err(NameError::TooLong);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_nothing_else_in_a_uri() {
        for name in ["ann", "ann@example.com", "Jörg", "a.b", "a+b", "0"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for bad in ["a b", "a*", "#", "{a}", "<a>", "$x", "%s", "a\u{1b}"] {
            assert!(matches!(check_name(bad), Err(NameError::Char(_))), "{bad}");
        }
        for bad in ["", ".a", "a.", "a..b"] {
            assert_eq!(check_name(bad), Err(NameError::EmptyPart), "{bad}");
        }
        assert_eq!(check_name(&"a".repeat(257)), Err(NameError::TooLong));
    }
}

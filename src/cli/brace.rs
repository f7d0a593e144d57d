//! `{a,b}.c` as `a.c` and `b.c`.

/// The most patterns that one word may stand for.
const PATTERNS_MAX: usize = 64;

/// Why braces make no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BraceError {
    #[error("a brace is not closed")]
    Open,
    #[error("a brace is closed that was not opened")]
    Close,
    #[error("the braces stand for more than {PATTERNS_MAX} patterns")]
    TooMany,
}

/// All that a pattern with braces stands for, from left to right.
pub(super) fn expand(pattern: &str) -> Result<Vec<String>, BraceError> {
    let Some(open) = pattern.find('{') else {
        let closes = pattern.contains('}');
        return if closes {
            Err(BraceError::Close)
        } else {
            Ok(vec![pattern.to_owned()])
        };
    };
    let (before, rest) = pattern.split_at(open);
    if before.contains('}') {
        return Err(BraceError::Close);
    }
    let (alternatives, after) = alternatives(&rest[1..])?;
    let mut expanded = Vec::new();
    for alternative in alternatives {
        expanded.extend(expand(&format!("{before}{alternative}{after}"))?);
        if expanded.len() > PATTERNS_MAX {
            return Err(BraceError::TooMany);
        }
    }
    Ok(expanded)
}

/// Splits at the commas of this brace, not of those within it; returns what follows its end too.
fn alternatives(rest: &str) -> Result<(Vec<&str>, &str), BraceError> {
    let mut alternatives = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (position, c) in rest.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' => {
                alternatives.push(&rest[start..position]);
                return Ok((alternatives, &rest[position + 1..]));
            }
            ',' if depth == 0 => {
                alternatives.push(&rest[start..position]);
                start = position + 1;
            }
            _ => {}
        }
    }
    Err(BraceError::Open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_stand_for_each_of_their_parts() {
        assert_eq!(expand("a.b").unwrap(), ["a.b"]);
        assert_eq!(expand("{a,b}.c").unwrap(), ["a.c", "b.c"]);
        assert_eq!(
            expand("x.{a,{b,c}d}{1,2}").unwrap(),
            ["x.a1", "x.a2", "x.bd1", "x.bd2", "x.cd1", "x.cd2"]
        );
    }

    #[test]
    fn braces_must_match_and_stay_few() {
        assert_eq!(expand("{a,b"), Err(BraceError::Open));
        assert_eq!(expand("a}"), Err(BraceError::Close));
        assert_eq!(expand("a}{b}"), Err(BraceError::Close));
        assert_eq!(expand(&"{a,b}".repeat(10)), Err(BraceError::TooMany));
    }
}

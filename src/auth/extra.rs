//! What `CHALLENGE.Extra`, `AUTHENTICATE.Extra` and `authextra` hold, read with their types.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::protocol::{Dict, Value};

/// A member of a dictionary that is missing or of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtraError {
    /// It is not there.
    #[error("holds no {0:?}")]
    Missing(&'static str),
    /// It is of another type, or cannot be decoded.
    #[error("holds a {name:?} that is no {expected}")]
    Invalid {
        /// The member's name.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

/// A text; `null` counts as absent.
pub(super) fn text<'a>(extra: &'a Dict, name: &'static str) -> Result<&'a str, ExtraError> {
    match extra.get(name) {
        None | Some(Value::Null) => Err(ExtraError::Missing(name)),
        Some(Value::Text(text)) => Ok(text),
        Some(_) => Err(invalid(name, "text")),
    }
}

/// A text that may be absent or `null`.
pub(super) fn optional_text<'a>(
    extra: &'a Dict,
    name: &'static str,
) -> Result<Option<&'a str>, ExtraError> {
    match text(extra, name) {
        Ok(text) => Ok(Some(text)),
        Err(ExtraError::Missing(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A whole number from 0 to 2^32 - 1.
pub(super) fn number(extra: &Dict, name: &'static str) -> Result<u32, ExtraError> {
    let value = extra.get(name).ok_or(ExtraError::Missing(name))?;
    let number = value
        .whole_number()
        .and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| invalid(name, "number of 32 bits"))
}

/// Bytes in base64.
pub(super) fn base64(extra: &Dict, name: &'static str) -> Result<Vec<u8>, ExtraError> {
    let text = text(extra, name)?;
    BASE64_STANDARD
        .decode(text)
        .map_err(|_| invalid(name, "base64"))
}

pub(super) const fn invalid(name: &'static str, expected: &'static str) -> ExtraError {
    ExtraError::Invalid { name, expected }
}

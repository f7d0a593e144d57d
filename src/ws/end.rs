//! How a WebSocket ends.

use std::fmt;

use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::transport::io_text;

/// What a close frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The code.
    pub code: u16,
    /// Why; at most 123 bytes.
    pub reason: String,
}

impl Closing {
    /// All is done.
    pub const NORMAL: u16 = 1000;
    /// The longest reason, in bytes: a control frame holds 125 bytes, and the code is two.
    pub const REASON_BYTES_MAX: usize = 123;

    /// Whether a close frame may hold this code. Spec: RFC 6455, 7.4.
    #[must_use]
    pub const fn may_send(code: u16) -> bool {
        matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    /// Whether it says that all is well: done, or going away.
    #[must_use]
    pub const fn is_in_order(&self) -> bool {
        matches!(self.code, 1000 | 1001)
    }

    /// The code's meaning, of those that have one.
    #[must_use]
    pub const fn meaning(&self) -> Option<&'static str> {
        Some(match self.code {
            1000 => "normal",
            1001 => "going away",
            1002 => "protocol error",
            1003 => "unsupported data",
            1007 => "invalid data",
            1008 => "policy violation",
            1009 => "message too big",
            1010 => "extension missing",
            1011 => "internal error",
            1012 => "service restart",
            1013 => "try again later",
            1014 => "bad gateway",
            _ => return None,
        })
    }

    pub(super) fn to_frame(&self) -> Frame {
        Frame::Close(Some(CloseFrame {
            code: self.code.into(),
            reason: self.reason.as_str().into(),
        }))
    }

    pub(super) fn of_frame(frame: Option<CloseFrame>) -> Option<Self> {
        frame.map(|frame| Self {
            code: frame.code.into(),
            reason: frame.reason.as_str().to_owned(),
        })
    }
}

impl fmt::Display for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(meaning) = self.meaning() {
            write!(f, " ({meaning})")?;
        }
        if !self.reason.is_empty() {
            write!(f, " {:?}", self.reason)?;
        }
        Ok(())
    }
}

/// Why nothing more will come.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum End {
    /// The server closed in order, with a code or without.
    #[error("the server closed the connection{}", code(.0.as_ref()))]
    Closed(Option<Closing>),
    /// The stream ended without a close frame.
    #[error("the server is gone: it ended the connection without closing it")]
    Gone,
    /// The stream broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// A message above the limit.
    #[error("the server sent a message of {size} bytes, and {max} are taken")]
    TooLarge {
        /// How long it is, as far as it is known.
        size: usize,
        /// The limit.
        max: usize,
    },
    /// The server broke a rule of RFC 6455.
    #[error("the server breaks the protocol: {why}")]
    Violation {
        /// The code to close with.
        code: u16,
        /// What it did.
        why: String,
    },
    /// Nothing was heard for too long.
    #[error("the server answers no pings")]
    Dead,
}

impl End {
    /// What our close frame says about it; `None` where there is nobody to say it to.
    pub(super) fn closing(&self) -> Option<Closing> {
        let code = match self {
            Self::Closed(_) | Self::Gone | Self::Broken(_) | Self::Dead => return None,
            Self::TooLarge { .. } => 1009,
            Self::Violation { code, .. } => *code,
        };
        Some(Closing {
            code,
            reason: String::new(),
        })
    }
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        match error {
            Error::ConnectionClosed | Error::AlreadyClosed => Self::Closed(None),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Gone,
            Error::Io(error) => Self::Broken(io_text(&error)),
            Error::Capacity(CapacityError::MessageTooLong { size, max_size }) => Self::TooLarge {
                size,
                max: max_size,
            },
            Error::Utf8(why) => Self::Violation { code: 1007, why },
            error => Self::Violation {
                code: 1002,
                why: error.to_string(),
            },
        }
    }
}

fn code(closing: Option<&Closing>) -> String {
    closing.map_or_else(String::new, |closing| format!(": {closing}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_codes_are_told_with_their_meaning() {
        let closing = |code, reason: &str| {
            let reason = reason.to_owned();
            Closing { code, reason }.to_string()
        };
        assert_eq!(closing(1000, ""), "1000 (normal)");
        assert_eq!(closing(4000, "by\u{1b}e"), r#"4000 "by\u{1b}e""#);
        assert_eq!(closing(1011, "x"), "1011 (internal error) \"x\"");
    }

    #[test]
    fn codes_that_only_describe_are_never_sent() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
            assert!(!Closing::may_send(code), "{code}");
        }
        for code in [1000, 1001, 1003, 1007, 1014, 3000, 4999] {
            assert!(Closing::may_send(code), "{code}");
        }
    }
}

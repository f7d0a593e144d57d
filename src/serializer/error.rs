//! Why bytes are no message.

use crate::protocol::{MessageCode, OptionError};

/// Bytes that are not well-formed, or nest too deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} at byte {offset}")]
pub struct SyntaxError {
    /// Where, counted from 0.
    pub offset: usize,
    /// What would be right there.
    pub expected: &'static str,
}

impl SyntaxError {
    pub(super) const fn at(offset: usize, expected: &'static str) -> Self {
        Self { offset, expected }
    }
}

/// Bytes that are no WAMP message. Every one of them breaks the protocol. Spec: `bp#protocol_errors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not well-formed, or too deep.
    #[error("not well-formed: {0}")]
    Syntax(#[from] SyntaxError),
    /// Well-formed, but no list that begins with an integer.
    #[error("a message is a list that begins with its code")]
    NoMessage,
    /// No message has this code.
    #[error("no message has the code {0}")]
    UnknownCode(i128),
    /// An element is missing, or of another type.
    #[error("{}: {element} must be {expected}", message.name())]
    Element {
        /// In which message.
        message: MessageCode,
        /// Which element, as the message's field is called.
        element: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A known option has a value of the wrong type.
    #[error("{}: {error}", message.name())]
    Option {
        /// In which message.
        message: MessageCode,
        /// Which option.
        error: OptionError,
    },
    /// The list goes on after the message's last element.
    #[error("{}: too many elements", message.name())]
    TooManyElements {
        /// In which message.
        message: MessageCode,
    },
    /// A payload that is binary data where its values were asked for. Spec: `ap#payload_passthru_mode`.
    #[error("the payload is binary data, not a list of arguments")]
    OpaquePayload,
}

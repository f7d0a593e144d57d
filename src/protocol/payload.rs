//! Payload: a message's arguments, kept as the bytes they came in.
//!
//! The router checks that they are well-formed and hands them on; only the two ends, and a recipient of
//! another serializer, need their values.

use bytes::Bytes;

use super::value::{Dict, Value};
use crate::serializer::{DecodeError, Serializer};

/// `Arguments|list` and `ArgumentsKw|dict` of a message, encoded.
///
/// Equality is of the bytes, not of what they mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    serializer: Serializer,
    args: Option<Bytes>,
    kwargs: Option<Bytes>,
}

impl Payload {
    /// No arguments.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            serializer: Serializer::Json,
            args: None,
            kwargs: None,
        }
    }

    /// Arguments that are already encoded, and were checked when they were read.
    pub(crate) const fn from_encoded(
        serializer: Serializer,
        args: Option<Bytes>,
        kwargs: Option<Bytes>,
    ) -> Self {
        Self {
            serializer,
            args,
            kwargs,
        }
    }

    /// Encodes values. Empty `args` and `kwargs` are left out. Spec: bp#messages.
    #[must_use]
    pub fn from_values(serializer: Serializer, args: &[Value], kwargs: &Dict) -> Self {
        let has_kwargs = !kwargs.is_empty();
        let has_args = has_kwargs || !args.is_empty();
        if !has_args {
            return Self::empty();
        }
        Self {
            serializer,
            args: Some(serializer.encode_list(args)),
            kwargs: has_kwargs.then(|| serializer.encode_dict(kwargs)),
        }
    }

    /// One text, for ERRORs that this program makes itself.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::from_values(Serializer::Json, &[text.into()], &Dict::new())
    }

    /// The serializer whose bytes these are.
    #[must_use]
    pub const fn serializer(&self) -> Serializer {
        self.serializer
    }

    /// The encoded list of arguments, as it came.
    #[must_use]
    pub const fn encoded_args(&self) -> Option<&Bytes> {
        self.args.as_ref()
    }

    /// The encoded dict of keyword arguments, as it came.
    #[must_use]
    pub const fn encoded_kwargs(&self) -> Option<&Bytes> {
        self.kwargs.as_ref()
    }

    /// How many bytes the payload takes as it is.
    #[must_use]
    pub fn len(&self) -> usize {
        [&self.args, &self.kwargs]
            .into_iter()
            .flatten()
            .map(Bytes::len)
            .sum()
    }

    /// Whether there are no arguments of either kind.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.args.is_none() && self.kwargs.is_none()
    }

    /// Decodes the arguments.
    ///
    /// # Errors
    /// [`DecodeError`] where the payload is one binary string (payload passthru) instead of a list.
    pub fn args(&self) -> Result<Vec<Value>, DecodeError> {
        self.args
            .as_ref()
            .map_or(Ok(Vec::new()), |args| self.serializer.decode_list(args))
    }

    /// Decodes the keyword arguments.
    ///
    /// # Errors
    /// None for a payload that came in a message: it was checked then.
    pub fn kwargs(&self) -> Result<Dict, DecodeError> {
        self.kwargs.as_ref().map_or(Ok(Dict::new()), |kwargs| {
            self.serializer.decode_dict(kwargs)
        })
    }

    /// The same payload in another serializer's bytes. Cost: O(bytes), unless it is that already.
    #[must_use]
    pub fn transcoded(&self, serializer: Serializer) -> Self {
        if serializer == self.serializer || self.is_empty() {
            return self.clone();
        }
        let transcode = |encoded: &Bytes| self.serializer.transcode(encoded, serializer);
        Self {
            serializer,
            args: self.args.as_ref().map(transcode),
            kwargs: self.kwargs.as_ref().map(transcode),
        }
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self::empty()
    }
}

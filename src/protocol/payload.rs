//! Payload: a message's arguments, kept as the bytes they came in.
//!
//! The router checks that they are well-formed and hands them on; only the two ends, and a recipient of
//! another serializer, need their values.

use bytes::Bytes;

use super::value::{Dict, Value};
use crate::serializer::{DecodeError, Serializer};

/// `Arguments|list` and `ArgumentsKw|dict` of a message, encoded.
///
/// One piece of memory, shared with the frame it came in. Equality is of the bytes, not of what they mean.
#[derive(Clone, Debug, Eq)]
pub struct Payload {
    serializer: Serializer,
    /// The list, and behind it the dict if there is one; between them what the format has there.
    encoded: Bytes,
    args_bytes: usize,
    /// 0 where there is no dict: the list comes first.
    kwargs_at: usize,
    /// See [`Payload::held_bytes`].
    held_bytes: usize,
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        let shape = |it: &Self| (it.serializer, it.args_bytes, it.kwargs_at);
        shape(self) == shape(other) && self.encoded == other.encoded
    }
}

impl Payload {
    /// No arguments.
    #[must_use]
    pub const fn empty() -> Self {
        Self::from_encoded(Serializer::Json, Bytes::new(), 0, 0)
    }

    /// Arguments that are already encoded, and were checked when they were read.
    pub(crate) const fn from_encoded(
        serializer: Serializer,
        encoded: Bytes,
        args_bytes: usize,
        kwargs_at: usize,
    ) -> Self {
        Self {
            serializer,
            held_bytes: encoded.len(),
            encoded,
            args_bytes,
            kwargs_at,
        }
    }

    /// Says that it came in a frame of so many bytes.
    pub(crate) const fn in_frame(mut self, frame_bytes: usize) -> Self {
        self.held_bytes = frame_bytes;
        self
    }

    /// Puts a list and a dict together that are encoded each for itself.
    pub(crate) fn join(serializer: Serializer, args: &[u8], kwargs: Option<&[u8]>) -> Self {
        let Some(kwargs) = kwargs else {
            return Self::from_encoded(serializer, Bytes::copy_from_slice(args), args.len(), 0);
        };
        let between = serializer.between_items();
        let encoded = [args, between, kwargs].concat();
        let kwargs_at = args.len() + between.len();
        Self::from_encoded(serializer, encoded.into(), args.len(), kwargs_at)
    }

    /// Encodes values. Empty `args` and `kwargs` are left out. Spec: bp#messages.
    #[must_use]
    pub fn from_values(serializer: Serializer, args: &[Value], kwargs: &Dict) -> Self {
        if args.is_empty() && kwargs.is_empty() {
            return Self::empty();
        }
        let kwargs = (!kwargs.is_empty()).then(|| serializer.encode_dict(kwargs));
        Self::join(serializer, &serializer.encode_list(args), kwargs.as_deref())
    }

    /// A copy that does not hold on to the memory of the frame it came in. Cost: O(bytes).
    #[must_use]
    pub fn detached(&self) -> Self {
        Self {
            encoded: Bytes::copy_from_slice(&self.encoded),
            held_bytes: self.len(),
            ..*self
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

    /// All of it, encoded as it came.
    pub(crate) fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// How many of a message's elements it is: none, the list, or the list and the dict.
    pub(crate) fn count(&self) -> usize {
        usize::from(!self.is_empty()) + usize::from(self.kwargs_at > 0)
    }

    /// How many bytes the payload takes as it is.
    #[must_use]
    pub fn len(&self) -> usize {
        self.encoded.len()
    }

    /// How many bytes of memory its message holds on to: those of the frame it came in, however little of it the
    /// payload is, for the message's texts lie there too.
    pub(crate) const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Whether there are no arguments of either kind.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.encoded.is_empty()
    }

    fn encoded_args(&self) -> Option<Bytes> {
        (!self.is_empty()).then(|| self.encoded.slice(..self.args_bytes))
    }

    fn encoded_kwargs(&self) -> Option<Bytes> {
        (self.kwargs_at > 0).then(|| self.encoded.slice(self.kwargs_at..))
    }

    /// Decodes the arguments.
    ///
    /// # Errors
    /// [`DecodeError`] where the payload is one binary string (payload passthru) instead of a list.
    pub fn args(&self) -> Result<Vec<Value>, DecodeError> {
        self.encoded_args()
            .map_or(Ok(Vec::new()), |args| self.serializer.decode_list(&args))
    }

    /// Decodes the arguments, also where they are one binary string instead of a list.
    #[must_use]
    pub fn values(&self) -> Value {
        let args = self.encoded_args();
        // What came in a message was checked then.
        let decoded = args.map(|args| self.serializer.decode_value(&args).unwrap_or_default());
        decoded.unwrap_or(Value::List(Vec::new()))
    }

    /// Decodes the keyword arguments.
    ///
    /// # Errors
    /// None for a payload that came in a message: it was checked then.
    pub fn kwargs(&self) -> Result<Dict, DecodeError> {
        self.encoded_kwargs().map_or(Ok(Dict::new()), |kwargs| {
            self.serializer.decode_dict(&kwargs)
        })
    }

    /// The same payload in another serializer's bytes. Cost: O(bytes), unless it is that already.
    #[must_use]
    pub fn transcoded(&self, serializer: Serializer) -> Self {
        if serializer == self.serializer || self.is_empty() {
            return self.clone();
        }
        let transcode = |encoded: Bytes| self.serializer.transcode(&encoded, serializer);
        let args = self.encoded_args().map(transcode).unwrap_or_default();
        let kwargs = self.encoded_kwargs().map(transcode);
        Self::join(serializer, &args, kwargs.as_deref())
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self::empty()
    }
}

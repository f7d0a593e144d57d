//! Several messages in one WebSocket message. Spec: ap#batchedwebsocket.
//!
//! JSON: each message is followed by a separator; the others have their length in front, in 32 bits.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use crate::serializer::Serializer;

/// What follows each message in JSON. Spec: ap#batchedwebsocket.
pub const SEPARATOR: u8 = 0x1E;
/// What Autobahn and Crossbar.io write there: the specification's `\30` read as octal.
pub const SEPARATOR_OF_AUTOBAHN: u8 = 0x18;
/// Bytes of a length.
pub const LENGTH_BYTES: usize = 4;

/// A batch that is none; the transport has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// It holds no message.
    #[error("a batch without a message")]
    Empty,
    /// Its last message is not all there, or nothing separates it.
    #[error("a batch that ends inside a message")]
    CutOff,
}

/// Appends a message to a batch. `separator` is for JSON: what the peer's first batch used.
pub fn append(out: &mut BytesMut, serializer: Serializer, separator: u8, message: &[u8]) {
    out.reserve(LENGTH_BYTES + message.len());
    if serializer.is_text() {
        out.extend_from_slice(message);
        out.put_u8(separator);
    } else {
        append_length(out, message.len());
        out.extend_from_slice(message);
    }
}

/// Appends what is in front of a message of so many bytes that is not in JSON.
pub fn append_length(out: &mut BytesMut, message_bytes: usize) {
    // A message is far shorter than 4 GiB: `Limits::message_bytes`.
    out.put_u32(u32::try_from(message_bytes).unwrap_or(u32::MAX));
}

/// The messages of one batch, in order.
#[derive(Clone, Debug)]
pub struct Batch {
    rest: Bytes,
    is_text: bool,
    has_begun: bool,
}

impl Batch {
    /// Of a whole WebSocket message.
    #[must_use]
    pub const fn new(serializer: Serializer, bytes: Bytes) -> Self {
        Self {
            rest: bytes,
            is_text: serializer.is_text(),
            has_begun: false,
        }
    }

    /// The separator that a batch in JSON ends with, where it is one.
    #[must_use]
    pub fn separator(&self) -> Option<u8> {
        let last = self.rest.last().copied();
        last.filter(|&byte| self.is_text && is_separator(byte))
    }

    fn take(&mut self) -> Option<Bytes> {
        if self.is_text {
            // Neither octet can be part of JSON: inside a text they are written as escapes.
            let end = self.rest.iter().position(|&byte| is_separator(byte))?;
            let message = self.rest.split_to(end);
            self.rest.advance(1);
            return Some(message);
        }
        let length = u32::from_be_bytes(*self.rest.first_chunk()?);
        let length = usize::try_from(length).ok()?;
        let end = LENGTH_BYTES.checked_add(length)?;
        if self.rest.len() < end {
            return None;
        }
        self.rest.advance(LENGTH_BYTES);
        Some(self.rest.split_to(length))
    }
}

impl Iterator for Batch {
    type Item = Result<Bytes, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            let is_empty = !std::mem::replace(&mut self.has_begun, true);
            return is_empty.then_some(Err(BatchError::Empty));
        }
        self.has_begun = true;
        let message = self.take();
        if message.is_none() {
            self.rest = Bytes::new();
        }
        Some(message.ok_or(BatchError::CutOff))
    }
}

const fn is_separator(byte: u8) -> bool {
    matches!(byte, SEPARATOR | SEPARATOR_OF_AUTOBAHN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(serializer: Serializer, bytes: &[u8]) -> Result<Vec<Bytes>, BatchError> {
        Batch::new(serializer, Bytes::copy_from_slice(bytes)).collect()
    }

    #[test]
    fn what_is_appended_comes_out_again() {
        for serializer in Serializer::ALL {
            for separator in [SEPARATOR, SEPARATOR_OF_AUTOBAHN] {
                let sent = ["[1]", "[2,\"x\"]", ""].map(|text| Bytes::from_static(text.as_bytes()));
                let mut batch = BytesMut::new();
                for message in &sent {
                    append(&mut batch, serializer, separator, message);
                }
                assert_eq!(messages(serializer, &batch), Ok(sent.to_vec()));
                let batch = Batch::new(serializer, batch.freeze());
                let expected = serializer.is_text().then_some(separator);
                assert_eq!(batch.separator(), expected);
            }
        }
    }

    #[test]
    fn a_batch_without_a_message_is_none() {
        for serializer in Serializer::ALL {
            assert_eq!(messages(serializer, b""), Err(BatchError::Empty));
        }
    }

    #[test]
    fn a_batch_that_ends_inside_a_message_is_none() {
        let cut: [&[u8]; 4] = [
            b"\0",
            b"\0\0\0\x02x",
            b"\0\0\0\x01x\0",
            b"\xff\xff\xff\xffx",
        ];
        for bytes in cut {
            assert_eq!(
                messages(Serializer::Cbor, bytes),
                Err(BatchError::CutOff),
                "{bytes:?}"
            );
        }
        let unseparated = messages(Serializer::Json, b"[1]\x1e[2]");
        assert_eq!(unseparated, Err(BatchError::CutOff));
    }
}

//! A position in a frame: forward only, never past its end.
//!
//! All formats read through it, so that no reader counts bytes itself. It knows no format.

use std::ops::Range;

use bytes::Bytes;

use super::SyntaxError;

/// What is left of a frame. A copy of it is a look ahead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    frame: &'a Bytes,
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(frame: &'a Bytes) -> Self {
        Self { frame, rest: frame }
    }

    /// Where it stands, counted from the frame's first byte.
    pub(super) fn position(&self) -> usize {
        self.frame.len() - self.rest.len()
    }

    /// How long the whole frame is.
    pub(super) fn frame_bytes(&self) -> usize {
        self.frame.len()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next byte, without moving.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Moves behind the next byte if it is this one.
    pub(super) fn pass(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Moves behind as many bytes and returns them. A claimed length is checked here, before anyone trusts it.
    pub(super) fn take(&mut self, count: u64) -> Result<&'a [u8], SyntaxError> {
        let taken = usize::try_from(count)
            .ok()
            .and_then(|count| self.rest.split_at_checked(count));
        let (taken, rest) = taken.ok_or_else(|| self.expected(MORE))?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes; `None`, without moving, where there are fewer.
    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*taken)
    }

    /// The next number of `N` bytes, the highest first.
    #[inline]
    pub(super) fn number<const N: usize>(&mut self) -> Option<u64> {
        let bytes: [u8; N] = self.array()?;
        Some(
            bytes
                .iter()
                .fold(0, |number, &byte| number << 8 | u64::from(byte)),
        )
    }

    /// A part of the frame, sharing its memory.
    pub(super) fn share(&self, part: &[u8]) -> Bytes {
        self.frame.slice_ref(part)
    }

    /// What lies between two positions, sharing the frame's memory.
    pub(super) fn between(&self, positions: Range<usize>) -> Bytes {
        self.frame.slice(positions)
    }

    /// Checks that nothing is left.
    pub(super) fn end(&self) -> Result<(), SyntaxError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.expected("the end"))
        }
    }

    /// The error of having found something else here.
    pub(super) fn expected(&self, what: &'static str) -> SyntaxError {
        SyntaxError::at(self.position(), what)
    }
}

/// What a [`SyntaxError`] says of a frame that ends too early.
const MORE: &str = "more bytes";

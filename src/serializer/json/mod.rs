//! JSON, strictly RFC 8259: a [`reader`] and a [`writer`] of our own, as both share memory with the frame.
//!
//! Binary data is a text of U+0000 and base64 (bp#binary-conversion-of-json-strings). What the format leaves
//! open is decided here:
//!
//! - A number without fraction and exponent is an integer, as far as 128 bits hold it; `-0` is the integer 0.
//!   Anything else is a float; one too great for 64 bits is infinite.
//! - A float is written so that it reads back as the same float, with a fraction or an exponent (`3.0`).
//!   JSON has no infinities and no NaN: they are written as null.
//! - A text that begins with U+0000 cannot be told from binary data, so it is written as the binary data of
//!   its UTF-8. Keys are always text.

mod number;
mod reader;
mod scan;
mod writer;

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

pub(super) use reader::JsonReader;
pub(super) use writer::JsonWriter;

/// leniency: other writers leave out the padding, or leave bits behind the last byte.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

#[cfg(test)]
mod tests;

//! The elements of a message by position: each type that can stand there, to and from any format.

use bytestring::ByteString;

use super::read::{Kind, Reader};
use super::write::{Encode, Writer};
use super::{DEPTH_MAX, DecodeError};
use crate::protocol::{
    Dict, MessageCode, Options, Payload, PublicationId, RegistrationId, RequestId,
    RevocationDetails, SessionId, SubscriptionId, Uri,
};

/// How deep a single element may nest: the message's own list is the first level.
const ELEMENT_DEPTH_MAX: usize = DEPTH_MAX - 1;

/// A message's list, read from the code on.
pub(crate) struct Elements<R: Reader> {
    reader: R,
    items: R::Items,
    /// Whether the last element has been read: elements may be missing, and are still asked for.
    is_at_end: bool,
    message: MessageCode,
}

impl<R: Reader> Elements<R> {
    /// Reads the code, and stops before the element behind it.
    pub(super) fn open(mut reader: R) -> Result<Self, DecodeError> {
        if reader.kind()? != Kind::List {
            return Err(DecodeError::NoMessage);
        }
        let mut items = reader.begin_list()?;
        if !reader.next(&mut items)? {
            return Err(DecodeError::NoMessage);
        }
        let number = whole_number(&mut reader)?.ok_or(DecodeError::NoMessage)?;
        let known = u64::try_from(number)
            .ok()
            .and_then(MessageCode::from_number);
        let message = known.ok_or(DecodeError::UnknownCode(number))?;
        Ok(Self {
            reader,
            items,
            is_at_end: false,
            message,
        })
    }

    pub(super) fn message(&self) -> MessageCode {
        self.message
    }

    /// Checks that the message's list ends here, and the frame with it.
    pub(super) fn close(mut self) -> Result<(), DecodeError> {
        if self.next()? {
            return Err(DecodeError::TooManyElements {
                message: self.message,
            });
        }
        Ok(self.reader.end()?)
    }

    fn next(&mut self) -> Result<bool, DecodeError> {
        self.is_at_end = self.is_at_end || !self.reader.next(&mut self.items)?;
        Ok(!self.is_at_end)
    }

    /// Moves to an element that must be there, and must be of a kind.
    fn require(
        &mut self,
        element: &'static str,
        kind: Kind,
        expected: &'static str,
    ) -> Result<(), DecodeError> {
        if self.next()? && self.reader.kind()? == kind {
            Ok(())
        } else {
            Err(self.wrong(element, expected))
        }
    }

    fn wrong(&self, element: &'static str, expected: &'static str) -> DecodeError {
        DecodeError::Element {
            message: self.message,
            element,
            expected,
        }
    }

    fn number(
        &mut self,
        element: &'static str,
        expected: &'static str,
    ) -> Result<u64, DecodeError> {
        let number = if self.next()? {
            whole_number(&mut self.reader)?
        } else {
            None
        };
        number
            .and_then(|number| u64::try_from(number).ok())
            .ok_or_else(|| self.wrong(element, expected))
    }
}

/// Reads an integer, or a float that is whole; `None` where something else stands.
///
/// leniency: wampy's MessagePack and CBOR write ids above 2^32 as floats.
fn whole_number<R: Reader>(reader: &mut R) -> Result<Option<i128>, DecodeError> {
    match reader.kind()? {
        Kind::Integer => Ok(Some(reader.integer()?)),
        Kind::Float => Ok(whole(reader.float()?)),
        Kind::Null | Kind::Bool | Kind::Text | Kind::Bytes | Kind::List | Kind::Dict => Ok(None),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
fn whole(number: f64) -> Option<i128> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT_MAX).then_some(number as i128)
}

/// A type that can be an element, or several, of a message.
pub(crate) trait Element: Sized {
    /// Reads it; `element` is its name, for errors.
    fn read<R: Reader>(
        element: &'static str,
        elements: &mut Elements<R>,
    ) -> Result<Self, DecodeError>;
    fn write<W: Writer>(&self, writer: &mut W);
    /// How many elements it takes.
    fn count(&self) -> usize {
        1
    }
}

macro_rules! id_elements {
    ($($name:ident)*) => {$(
        impl Element for $name {
            fn read<R: Reader>(element: &'static str, elements: &mut Elements<R>) -> Result<Self, DecodeError> {
                let number = elements.number(element, ID)?;
                Self::new(number).map_err(|_| elements.wrong(element, ID))
            }

            fn write<W: Writer>(&self, writer: &mut W) {
                writer.integer(self.value().into());
            }
        }
    )*};
}

const ID: &str = "an id between 1 and 2^53";

id_elements! { SessionId RequestId SubscriptionId RegistrationId PublicationId }

/// The request of UNSUBSCRIBED and UNREGISTERED: 0 where the router took something back.
impl Element for Option<RequestId> {
    fn read<R: Reader>(
        element: &'static str,
        elements: &mut Elements<R>,
    ) -> Result<Self, DecodeError> {
        match elements.number(element, ID)? {
            0 => Ok(None),
            number => RequestId::new(number)
                .map(Some)
                .map_err(|_| elements.wrong(element, ID)),
        }
    }

    fn write<W: Writer>(&self, writer: &mut W) {
        writer.integer(self.map_or(0, RequestId::value).into());
    }
}

impl Element for Option<RevocationDetails> {
    fn read<R: Reader>(
        element: &'static str,
        elements: &mut Elements<R>,
    ) -> Result<Self, DecodeError> {
        if !elements.next()? {
            return Ok(None);
        }
        if elements.reader.kind()? != Kind::Dict {
            return Err(elements.wrong(element, "a dict"));
        }
        read_options(elements).map(Some)
    }

    fn write<W: Writer>(&self, writer: &mut W) {
        if let Some(details) = self {
            Encode::write(&details.to_dict(), writer);
        }
    }

    fn count(&self) -> usize {
        usize::from(self.is_some())
    }
}

impl Element for MessageCode {
    fn read<R: Reader>(
        element: &'static str,
        elements: &mut Elements<R>,
    ) -> Result<Self, DecodeError> {
        let number = elements.number(element, "a message's code")?;
        Self::from_number(number).ok_or_else(|| elements.wrong(element, "a message's code"))
    }

    fn write<W: Writer>(&self, writer: &mut W) {
        writer.integer(*self as i128);
    }
}

impl Element for Uri {
    fn read<R: Reader>(
        element: &'static str,
        elements: &mut Elements<R>,
    ) -> Result<Self, DecodeError> {
        elements.require(element, Kind::Text, "a URI")?;
        Ok(Self::new(elements.reader.text()?))
    }

    fn write<W: Writer>(&self, writer: &mut W) {
        writer.text(self.as_str());
    }
}

impl Element for ByteString {
    fn read<R: Reader>(
        element: &'static str,
        elements: &mut Elements<R>,
    ) -> Result<Self, DecodeError> {
        elements.require(element, Kind::Text, "a text")?;
        Ok(elements.reader.text()?)
    }

    fn write<W: Writer>(&self, writer: &mut W) {
        writer.text(self);
    }
}

impl Element for Dict {
    fn read<R: Reader>(
        element: &'static str,
        elements: &mut Elements<R>,
    ) -> Result<Self, DecodeError> {
        elements.require(element, Kind::Dict, "a dict")?;
        Ok(elements.reader.dict(ELEMENT_DEPTH_MAX)?)
    }

    fn write<W: Writer>(&self, writer: &mut W) {
        Encode::write(self, writer);
    }
}

impl<O: Options> Element for O {
    fn read<R: Reader>(
        element: &'static str,
        elements: &mut Elements<R>,
    ) -> Result<Self, DecodeError> {
        elements.require(element, Kind::Dict, "a dict")?;
        read_options(elements)
    }

    fn write<W: Writer>(&self, writer: &mut W) {
        Encode::write(&self.to_dict(), writer);
    }
}

fn read_options<O: Options, R: Reader>(elements: &mut Elements<R>) -> Result<O, DecodeError> {
    let dict = elements.reader.dict(ELEMENT_DEPTH_MAX)?;
    O::from_dict(dict).map_err(|error| DecodeError::Option {
        message: elements.message,
        error,
    })
}

/// The last elements of a message: none, the list, or the list and the dict.
impl Element for Payload {
    fn read<R: Reader>(_: &'static str, elements: &mut Elements<R>) -> Result<Self, DecodeError> {
        let serializer = R::SERIALIZER;
        if !elements.next()? {
            return Ok(Self::empty());
        }
        let args = match elements.reader.kind()? {
            Kind::List | Kind::Bytes => Some(elements.reader.skip(ELEMENT_DEPTH_MAX)?),
            // leniency: kwargs without args, as some clients write them.
            Kind::Dict => {
                let kwargs = elements.reader.skip(ELEMENT_DEPTH_MAX)?;
                return Ok(Self::from_encoded(serializer, None, Some(kwargs)));
            }
            Kind::Null => {
                elements.reader.null()?;
                None
            }
            Kind::Bool | Kind::Integer | Kind::Float | Kind::Text => {
                return Err(elements.wrong("arguments", "a list"));
            }
        };
        if !elements.next()? {
            return Ok(Self::from_encoded(serializer, args, None));
        }
        let kwargs = match elements.reader.kind()? {
            Kind::Dict => Some(elements.reader.skip(ELEMENT_DEPTH_MAX)?),
            Kind::Null => {
                elements.reader.null()?;
                None
            }
            _ => return Err(elements.wrong("keyword arguments", "a dict")),
        };
        Ok(Self::from_encoded(serializer, args, kwargs))
    }

    fn write<W: Writer>(&self, writer: &mut W) {
        if self.is_empty() {
            return;
        }
        let payload = self.transcoded(W::SERIALIZER);
        if let Some(args) = payload.encoded_args() {
            writer.encoded(args);
        } else {
            writer.begin_list(0);
            writer.end_list();
        }
        if let Some(kwargs) = payload.encoded_kwargs() {
            writer.encoded(kwargs);
        }
    }

    fn count(&self) -> usize {
        match (self.encoded_args(), self.encoded_kwargs()) {
            (_, Some(_)) => 2,
            (Some(_), None) => 1,
            (None, None) => 0,
        }
    }
}

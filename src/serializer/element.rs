//! The elements of a message by position: each type that can stand there, to and from any format.

use std::ops::Range;

use bytestring::ByteString;

use super::read::{Bounds, Kind, Reader, Token};
use super::write::{Encode, Writer};
use super::{DEPTH_MAX, DecodeError, SyntaxError};
use crate::protocol::{
    Dict, MessageCode, Options, Payload, PublicationId, RegistrationId, RequestId,
    RevocationDetails, SessionId, SubscriptionId, Uri, whole,
};

/// How deep a single element may nest: the message's own list is the first level.
const ELEMENT_DEPTH_MAX: usize = DEPTH_MAX - 1;
/// How many values the options of a message may hold. bound: what decoding them takes of memory.
const OPTION_VALUES_MAX: usize = 1 << 16;

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
        let Token::List(mut items) = reader.token()? else {
            return Err(DecodeError::NoMessage);
        };
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

    /// Reads an element; `None` where the list has ended.
    fn token(&mut self) -> Result<Option<Token<R::Items>>, DecodeError> {
        if self.next()? {
            Ok(Some(self.reader.token()?))
        } else {
            Ok(None)
        }
    }

    fn text(
        &mut self,
        element: &'static str,
        expected: &'static str,
    ) -> Result<ByteString, DecodeError> {
        match self.token()? {
            Some(Token::Text(text)) => Ok(text),
            _ => Err(self.wrong(element, expected)),
        }
    }

    fn dict(&mut self, element: &'static str) -> Result<Dict, DecodeError> {
        match self.token()? {
            Some(Token::Dict(items)) => self.dict_behind(items),
            _ => Err(self.wrong(element, DICT)),
        }
    }

    fn dict_behind(&mut self, items: R::Items) -> Result<Dict, DecodeError> {
        let mut bounds = Bounds::new(ELEMENT_DEPTH_MAX, OPTION_VALUES_MAX);
        Ok(self.reader.dict(items, &mut bounds)?)
    }

    /// Passes over an element, and says what it is; `None` where the list has ended.
    fn skip(&mut self) -> Result<Option<(Kind, Range<usize>)>, DecodeError> {
        if self.next()? {
            Ok(Some(self.reader.skip(ELEMENT_DEPTH_MAX)?))
        } else {
            Ok(None)
        }
    }

    /// The payload that lies there, in the frame's memory.
    fn payload(&self, args: Option<Range<usize>>, kwargs: Option<Range<usize>>) -> Payload {
        let cursor = self.reader.cursor();
        let payload = match (args, kwargs) {
            (None, None) => Payload::empty(),
            (Some(args), None) => {
                let args_bytes = args.len();
                Payload::from_encoded(R::SERIALIZER, cursor.between(args), args_bytes, 0)
            }
            (Some(args), Some(kwargs)) => {
                let (args_bytes, kwargs_at) = (args.len(), kwargs.start - args.start);
                let encoded = cursor.between(args.start..kwargs.end);
                Payload::from_encoded(R::SERIALIZER, encoded, args_bytes, kwargs_at)
            }
            (None, Some(kwargs)) => {
                let args = R::SERIALIZER.encode_list(&[]);
                Payload::join(R::SERIALIZER, &args, Some(&cursor.between(kwargs)))
            }
        };
        payload.in_frame(cursor.frame_bytes())
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
        if !self.next()? {
            return Err(self.wrong(element, expected));
        }
        let number = whole_number(&mut self.reader)?;
        number
            .and_then(|number| u64::try_from(number).ok())
            .ok_or_else(|| self.wrong(element, expected))
    }
}

/// Reads an integer, or a float that is whole; `None` where anything else stands.
///
/// leniency: wampy's MessagePack and CBOR write ids above 2^32 as floats.
fn whole_number<R: Reader>(reader: &mut R) -> Result<Option<i128>, SyntaxError> {
    if let Some(number) = reader.plain_number() {
        return Ok(Some(number.into()));
    }
    Ok(match reader.token()? {
        Token::Integer(number) => Some(number),
        Token::Float(number) => whole(number),
        _ => None,
    })
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

const DICT: &str = "a dict";
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
        match elements.token()? {
            None => Ok(None),
            Some(Token::Dict(items)) => {
                let dict = elements.dict_behind(items)?;
                options(elements.message, dict).map(Some)
            }
            Some(_) => Err(elements.wrong(element, DICT)),
        }
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
        elements.text(element, "a URI").map(Self::new)
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
        elements.text(element, "a text")
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
        elements.dict(element)
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
        let dict = elements.dict(element)?;
        options(elements.message, dict)
    }

    fn write<W: Writer>(&self, writer: &mut W) {
        if self.is_empty() {
            writer.begin_dict(0);
            writer.end_dict();
        } else {
            Encode::write(&self.to_dict(), writer);
        }
    }
}

fn options<O: Options>(message: MessageCode, dict: Dict) -> Result<O, DecodeError> {
    if dict.is_empty() {
        return Ok(O::default());
    }
    O::from_dict(dict).map_err(|error| DecodeError::Option { message, error })
}

/// The last elements of a message: none, the list, or the list and the dict.
impl Element for Payload {
    fn read<R: Reader>(_: &'static str, elements: &mut Elements<R>) -> Result<Self, DecodeError> {
        let args = match elements.skip()? {
            None => return Ok(elements.payload(None, None)),
            Some((Kind::List | Kind::Bytes, args)) => Some(args),
            // leniency: kwargs without args, as some clients write them.
            Some((Kind::Dict, kwargs)) => return Ok(elements.payload(None, Some(kwargs))),
            Some((Kind::Null, _)) => None,
            Some((Kind::Scalar, _)) => return Err(elements.wrong("arguments", "a list")),
        };
        let kwargs = match elements.skip()? {
            Some((Kind::Dict, kwargs)) => Some(kwargs),
            None | Some((Kind::Null, _)) => None,
            Some(_) => return Err(elements.wrong("keyword arguments", DICT)),
        };
        Ok(elements.payload(args, kwargs))
    }

    fn write<W: Writer>(&self, writer: &mut W) {
        if self.is_empty() {
            return;
        }
        if self.serializer() == W::SERIALIZER {
            writer.encoded(self.encoded());
        } else {
            writer.encoded(self.transcoded(W::SERIALIZER).encoded());
        }
    }

    fn count(&self) -> usize {
        Self::count(self)
    }
}

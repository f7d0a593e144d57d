//! RawSocket: a handshake of four octets each way, then messages behind a head of four octets. Spec: ap#rawsocket.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use crate::serializer::Serializer;

/// The first octet of a handshake; no HTTP request begins with it.
pub const MAGIC: u8 = 0x7F;
/// Octets of a handshake, of its reply, and of the head of a frame.
pub const HEAD_BYTES: usize = 4;
/// The longest message that RawSocket can carry, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 1 << 24;
/// The shortest limit that a handshake can name, in bytes.
const MESSAGE_BYTES_MIN: usize = 1 << 9;
/// The 25th bit of a length, which only 16 MiB has.
const LENGTH_BIT_25: u32 = 1 << 27;
/// The bits of a head that mean nothing yet.
const RESERVED: u32 = 0xF000_0000;

/// What one side says of itself in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// How the messages are written.
    pub serializer: Serializer,
    /// How long a message it takes, in bytes: a power of two from 2^9 to 2^24.
    pub message_bytes_max: usize,
}

/// Why a router does not speak with a client, as its reply says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 1
    #[error("the serializer is not supported")]
    Serializer,
    /// 2
    #[error("the maximum message length is not acceptable")]
    Length,
    /// 3
    #[error("reserved bits are used")]
    Reserved,
    /// 4
    #[error("there are as many connections as there may be")]
    Connections,
}

/// A handshake, or the reply to one, that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// It does not begin with [`MAGIC`].
    #[error("no RawSocket handshake")]
    Magic,
    /// A client asks for what there is not; the router replies so.
    #[error("{0}")]
    Refused(Refusal),
    /// A router refuses, and for no reason that is known.
    #[error("refused for the unknown reason {0}")]
    Unknown(u8),
    /// A router agreed to what it was not asked for.
    #[error("the router agreed to another serializer")]
    OtherSerializer,
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A WAMP message.
    Message(Bytes),
    /// To be answered by a PONG with the same bytes.
    Ping(Bytes),
    /// The answer to a PING.
    Pong(Bytes),
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 0
    Message,
    /// 1
    Ping,
    /// 2
    Pong,
}

/// Bytes that are no frame; the connection has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than this side said that it takes.
    #[error("a message of {length} bytes, where at most {max} were agreed on")]
    TooLong {
        /// How long it says it is.
        length: usize,
        /// How long it may be.
        max: usize,
    },
    /// A kind of frame that there is not, reserved bits, or a length that cannot be.
    #[error("a frame with the head {0:#010x}, which means nothing")]
    Head(u32),
}

impl Handshake {
    /// Says that messages of up to so many bytes are taken: the greatest power of two that is not above, within
    /// what the handshake can say.
    #[must_use]
    pub fn new(serializer: Serializer, message_bytes_max: usize) -> Self {
        let bytes = message_bytes_max.clamp(MESSAGE_BYTES_MIN, MESSAGE_BYTES_MAX);
        Self {
            serializer,
            message_bytes_max: 1 << bytes.ilog2(),
        }
    }

    /// A client's handshake, or a router's agreement.
    #[must_use]
    pub fn octets(self) -> [u8; HEAD_BYTES] {
        // 2^9 is 0, 2^24 is 15.
        let exponent = self.message_bytes_max.ilog2().saturating_sub(9).min(15);
        let exponent = u8::try_from(exponent).unwrap_or(15);
        [MAGIC, exponent << 4 | code(self.serializer), 0, 0]
    }

    /// What a client says.
    ///
    /// # Errors
    /// What the router replies, or that it says nothing to who speaks something else.
    pub fn of_client(octets: [u8; HEAD_BYTES]) -> Result<Self, HandshakeError> {
        let [MAGIC, second, reserved @ ..] = octets else {
            return Err(HandshakeError::Magic);
        };
        if reserved != [0, 0] {
            return Err(HandshakeError::Refused(Refusal::Reserved));
        }
        let serializer = serializer(second).ok_or(HandshakeError::Refused(Refusal::Serializer))?;
        Ok(Self {
            serializer,
            message_bytes_max: message_bytes_max(second),
        })
    }

    /// What a router says to a client that asked for `serializer`.
    ///
    /// # Errors
    /// Its refusal, or that it is no reply.
    pub fn of_router(
        octets: [u8; HEAD_BYTES],
        serializer: Serializer,
    ) -> Result<Self, HandshakeError> {
        let [MAGIC, second, _, _] = octets else {
            return Err(HandshakeError::Magic);
        };
        let (upper, lower) = (second >> 4, second & 0x0F);
        if lower == 0 {
            let refused = Refusal::of_code(upper).map(HandshakeError::Refused);
            return Err(refused.unwrap_or(HandshakeError::Unknown(upper)));
        }
        if lower != code(serializer) {
            return Err(HandshakeError::OtherSerializer);
        }
        Ok(Self {
            serializer,
            message_bytes_max: message_bytes_max(second),
        })
    }
}

impl Refusal {
    const ALL: [Self; 4] = [
        Self::Serializer,
        Self::Length,
        Self::Reserved,
        Self::Connections,
    ];

    const fn code(self) -> u8 {
        match self {
            Self::Serializer => 1,
            Self::Length => 2,
            Self::Reserved => 3,
            Self::Connections => 4,
        }
    }

    fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.code() == code)
    }

    /// A router's reply.
    #[must_use]
    pub const fn octets(self) -> [u8; HEAD_BYTES] {
        [MAGIC, self.code() << 4, 0, 0]
    }
}

const fn code(serializer: Serializer) -> u8 {
    match serializer {
        Serializer::Json => 1,
        Serializer::MsgPack => 2,
        Serializer::Cbor => 3,
    }
}

fn serializer(second_octet: u8) -> Option<Serializer> {
    Serializer::ALL
        .into_iter()
        .find(|&serializer| code(serializer) == second_octet & 0x0F)
}

const fn message_bytes_max(second_octet: u8) -> usize {
    MESSAGE_BYTES_MIN << (second_octet >> 4)
}

/// Appends a frame; `payload` is at most [`MESSAGE_BYTES_MAX`] bytes long, and no longer than the peer takes.
pub fn append_frame(out: &mut BytesMut, kind: Kind, payload: &[u8]) {
    out.reserve(HEAD_BYTES + payload.len());
    append_head(out, kind, payload.len());
    out.extend_from_slice(payload);
}

/// Appends the head of a frame, behind which so many bytes follow: no more than [`MESSAGE_BYTES_MAX`].
pub fn append_head(out: &mut BytesMut, kind: Kind, payload_bytes: usize) {
    let kind: u32 = match kind {
        Kind::Message => 0,
        Kind::Ping => 1,
        Kind::Pong => 2,
    };
    // 16 MiB does not fit 24 bits; it is the one length with the 25th.
    let length = match u32::try_from(payload_bytes) {
        Ok(length) if payload_bytes < MESSAGE_BYTES_MAX => length,
        _ => LENGTH_BIT_25,
    };
    out.put_u32(kind << 24 | length);
}

/// How many bytes more the frame needs that has begun, as far as its head says.
#[must_use]
pub fn bytes_missing(received: &[u8]) -> usize {
    let head = received.first_chunk().map(|head| u32::from_be_bytes(*head));
    let length = head.and_then(|head| read_head(head).ok());
    length.map_or(0, |(_, length)| {
        (HEAD_BYTES + length).saturating_sub(received.len())
    })
}

/// Takes the next frame from what has been received; `None` until there is more. Where a frame has begun, room for
/// no more is needed than has come: a length that is claimed allocates nothing.
///
/// # Errors
/// [`FrameError`], after which the stream means nothing.
pub fn take_frame(
    received: &mut BytesMut,
    message_bytes_max: usize,
) -> Result<Option<Frame>, FrameError> {
    let Some(&[a, b, c, d]) = received.first_chunk() else {
        return Ok(None);
    };
    let head = u32::from_be_bytes([a, b, c, d]);
    let (kind, length) = read_head(head)?;
    if length > message_bytes_max {
        return Err(FrameError::TooLong {
            length,
            max: message_bytes_max,
        });
    }
    if received.len() < HEAD_BYTES + length {
        return Ok(None);
    }
    received.advance(HEAD_BYTES);
    let payload = received.split_to(length).freeze();
    Ok(Some(match kind {
        Kind::Message => Frame::Message(payload),
        Kind::Ping => Frame::Ping(payload),
        Kind::Pong => Frame::Pong(payload),
    }))
}

fn read_head(head: u32) -> Result<(Kind, usize), FrameError> {
    let error = FrameError::Head(head);
    let kind = match head >> 24 & 0b111 {
        0 => Kind::Message,
        1 => Kind::Ping,
        2 => Kind::Pong,
        _ => return Err(error),
    };
    let low = head & 0x00FF_FFFF;
    let has_bit_25 = head & LENGTH_BIT_25 != 0;
    if head & RESERVED != 0 || (has_bit_25 && low != 0) {
        return Err(error);
    }
    let length = if has_bit_25 { 1 << 24 } else { low };
    Ok((kind, usize::try_from(length).map_err(|_| error)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_all(bytes: &[u8], max: usize) -> Vec<Frame> {
        let mut received = BytesMut::new();
        let mut frames = Vec::new();
        for byte in bytes {
            received.put_u8(*byte);
            frames.extend(take_frame(&mut received, max).unwrap());
        }
        assert!(received.is_empty());
        frames
    }

    #[test]
    fn handshakes_say_serializer_and_length() {
        for (serializer, bytes, octets) in [
            (Serializer::Json, 512, [0x7F, 0x01, 0, 0]),
            (Serializer::MsgPack, 1 << 24, [0x7F, 0xF2, 0, 0]),
            (Serializer::Cbor, 1 << 16, [0x7F, 0x73, 0, 0]),
        ] {
            let handshake = Handshake::new(serializer, bytes);
            assert_eq!(handshake.octets(), octets);
            assert_eq!(Handshake::of_client(octets), Ok(handshake));
            assert_eq!(Handshake::of_router(octets, serializer), Ok(handshake));
        }
        assert_eq!(Handshake::new(Serializer::Json, 0).message_bytes_max, 512);
        let odd = Handshake::new(Serializer::Json, 1000);
        assert_eq!(odd.message_bytes_max, 512);
        let huge = Handshake::new(Serializer::Json, usize::MAX);
        assert_eq!(huge.message_bytes_max, MESSAGE_BYTES_MAX);
    }

    #[test]
    fn handshakes_that_cannot_be_agreed_to_get_the_specifications_reply() {
        for (octets, refusal, reply) in [
            ([0x7F, 0xF0, 0, 0], Refusal::Serializer, [0x7F, 0x10, 0, 0]),
            ([0x7F, 0xF4, 0, 0], Refusal::Serializer, [0x7F, 0x10, 0, 0]),
            ([0x7F, 0xFF, 0, 0], Refusal::Serializer, [0x7F, 0x10, 0, 0]),
            ([0x7F, 0xF1, 1, 0], Refusal::Reserved, [0x7F, 0x30, 0, 0]),
            ([0x7F, 0xF1, 0, 1], Refusal::Reserved, [0x7F, 0x30, 0, 0]),
        ] {
            let refused = HandshakeError::Refused(refusal);
            assert_eq!(Handshake::of_client(octets), Err(refused));
            assert_eq!(refusal.octets(), reply);
            let heard = Handshake::of_router(reply, Serializer::Json);
            assert_eq!(heard, Err(refused));
        }
        let http = Handshake::of_client(*b"GET ");
        assert_eq!(http, Err(HandshakeError::Magic));
        let unknown = Handshake::of_router([0x7F, 0x90, 0, 0], Serializer::Json);
        assert_eq!(unknown, Err(HandshakeError::Unknown(9)));
        let other = Handshake::of_router([0x7F, 0xF2, 0, 0], Serializer::Json);
        assert_eq!(other, Err(HandshakeError::OtherSerializer));
    }

    #[test]
    fn frames_come_whole_however_they_are_cut() {
        let mut bytes = BytesMut::new();
        append_frame(&mut bytes, Kind::Message, b"[1]");
        append_frame(&mut bytes, Kind::Ping, b"");
        append_frame(&mut bytes, Kind::Pong, &[7; 300]);
        assert_eq!(bytes[..4], [0, 0, 0, 3]);
        let frames = [
            Frame::Message(Bytes::from_static(b"[1]")),
            Frame::Ping(Bytes::new()),
            Frame::Pong(Bytes::from_static(&[7; 300])),
        ];
        assert_eq!(take_all(&bytes, 512), frames);
    }

    #[test]
    fn the_longest_message_has_a_bit_of_its_own() {
        let mut bytes = BytesMut::new();
        append_frame(&mut bytes, Kind::Message, &vec![7; MESSAGE_BYTES_MAX]);
        assert_eq!(bytes[..4], [0b1000, 0, 0, 0]);
        let Ok(Some(Frame::Message(message))) = take_frame(&mut bytes, MESSAGE_BYTES_MAX) else {
            panic!("no message");
        };
        assert_eq!(message.len(), MESSAGE_BYTES_MAX);
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_it_has_come() {
        let mut head = BytesMut::from(&[0, 0, 2, 1][..]);
        let refused = take_frame(&mut head, 512);
        assert_eq!(
            refused,
            Err(FrameError::TooLong {
                length: 513,
                max: 512
            })
        );
    }

    #[test]
    fn heads_that_mean_nothing_are_refused() {
        for head in [
            0x0300_0001_u32,
            0x0700_0001,
            0x1000_0001,
            0x8000_0001,
            0x0800_0001,
        ] {
            let mut bytes = BytesMut::from(&head.to_be_bytes()[..]);
            let refused = take_frame(&mut bytes, MESSAGE_BYTES_MAX);
            assert_eq!(refused, Err(FrameError::Head(head)));
        }
    }
}

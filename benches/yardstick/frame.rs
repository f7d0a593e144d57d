//! WebSocket frames as a client needs them: the upgrade, a header, the end of a frame.
//!
//! Owns no socket. Masks with a zero key, which is legal and costs the generator nothing; the
//! server unmasks all the same. Fragmented messages are refused: no server measured here sends any.

use anyhow::{Result, bail, ensure};

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
/// In place of a length: it follows in 16 or in 64 bits.
const LENGTH_16: u8 = 0x7e;
const LENGTH_64: u8 = 0x7f;
const MASK: [u8; 4] = [0; 4];

/// One whole frame at the start of some bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    /// Where the payload begins.
    pub(crate) start: usize,
    /// Where it ends, and the next frame begins.
    pub(crate) end: usize,
}

/// Writes the header of a masked frame; the payload follows as it is.
pub(crate) fn put_header(out: &mut Vec<u8>, opcode: u8, payload_bytes: usize) {
    let length = payload_bytes.to_be_bytes();
    out.push(FIN | opcode);
    match payload_bytes {
        0..126 => out.push(MASKED | length[7]),
        126..0x1_0000 => {
            out.push(MASKED | LENGTH_16);
            out.extend_from_slice(&length[6..]);
        }
        _ => {
            out.push(MASKED | LENGTH_64);
            out.extend_from_slice(&length);
        }
    }
    out.extend_from_slice(&MASK);
}

/// Writes a whole frame.
pub(crate) fn put(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    put_header(out, opcode, payload.len());
    out.extend_from_slice(payload);
}

/// Finds the frame that `bytes` start with; `None` while it is not complete.
///
/// Errors: a fragment, or a masked frame (servers never mask).
pub(crate) fn first(bytes: &[u8]) -> Result<Option<Frame>> {
    let [head, length, rest @ ..] = bytes else {
        return Ok(None);
    };
    let opcode = head & 0x0f;
    ensure!(
        head & FIN != 0 && opcode != 0,
        "the server sent a fragmented message"
    );
    let (start, payload_bytes) = match *length {
        short @ 0..LENGTH_16 => (2, usize::from(short)),
        LENGTH_16 => match rest.first_chunk() {
            Some(length) => (4, usize::from(u16::from_be_bytes(*length))),
            None => return Ok(None),
        },
        LENGTH_64 => match rest.first_chunk() {
            Some(length) => (10, usize::from_be_bytes(*length)),
            None => return Ok(None),
        },
        _ => bail!("the server sent a masked frame"),
    };
    let end = start + payload_bytes;
    Ok((end <= bytes.len()).then_some(Frame { opcode, start, end }))
}

/// The HTTP request that asks for a WebSocket.
pub(crate) fn upgrade(host: &str, path: &str, subprotocol: Option<&str>) -> String {
    let subprotocol = subprotocol.map_or_else(String::new, |name| {
        format!("Sec-WebSocket-Protocol: {name}\r\n")
    });
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eWFyZHN0aWNrIHlhcmRzdA==\r\n\
         {subprotocol}\r\n"
    )
}

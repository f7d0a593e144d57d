//! What happens to a client of `wamp echo`, in words.

use std::fmt::Write as _;

use tokio_tungstenite::tungstenite::http::HeaderValue;

use super::console::printable;
use super::render::hex;
use crate::echo::{Ending, Note};
use crate::transport::{FrameType, RawRequest};

/// How many characters of a text are shown.
const TEXT_CHARS_MAX: usize = 200;
/// How many bytes of binary data are shown.
const HEAD_BYTES: usize = 16;

/// A note as people read it: on one line, with nothing in it that a terminal obeys.
pub(super) fn described(note: &Note<'_>) -> String {
    match note {
        Note::Connected { peer } => format!("connected: {peer}"),
        Note::NoWebSocket => "left without a WebSocket".to_owned(),
        Note::Open { request, .. } => format!("open: {}", asked_for(request)),
        Note::Data(FrameType::Text, text) => format!("text received: {}", excerpt(text)),
        Note::Data(FrameType::Binary, bytes) => binary(bytes),
        Note::Unanswered => "gets no answer to it (--drop)".to_owned(),
        Note::Missed(count) => {
            format!("missed {count} messages: it does not take them fast enough")
        }
        Note::Closed(ending) => closed(ending),
    }
}

/// The path, and what else the client said of itself.
fn asked_for(request: &RawRequest) -> String {
    let query = request.query.iter().map(|query| format!("?{query}"));
    let target: String = std::iter::once(request.path.clone()).chain(query).collect();
    let mut said = excerpt(target.as_bytes());
    for (what, value) in [
        ("subprotocol", &request.subprotocol),
        ("origin", &request.origin),
        ("agent", &request.user_agent),
    ] {
        if let Some(value) = value.as_ref().map(HeaderValue::as_bytes) {
            let _ = write!(said, ", {what} {}", excerpt(value));
        }
    }
    said
}

/// The beginning of a text, and its size where that is not all.
fn excerpt(text: &[u8]) -> String {
    /// Enough for so many characters.
    const BYTES_MAX: usize = 4 * TEXT_CHARS_MAX;
    let head = String::from_utf8_lossy(&text[..text.len().min(BYTES_MAX + 4)]);
    match head.char_indices().nth(TEXT_CHARS_MAX) {
        None => printable(&head),
        Some((end, _)) => format!("{}… ({})", printable(&head[..end]), bytes_count(text.len())),
    }
}

fn binary(bytes: &[u8]) -> String {
    if bytes.len() == 16 {
        let groups = [0..4, 4..6, 6..8, 8..10, 10..16].map(|range| hex(&bytes[range]));
        return format!("UUID received: {}", groups.join("-"));
    }
    let head = match bytes {
        [] => String::new(),
        bytes if bytes.len() > HEAD_BYTES => format!(", {}…", hex(&bytes[..HEAD_BYTES])),
        bytes => format!(", {}", hex(bytes)),
    };
    format!("binary received: {}{head}", bytes_count(bytes.len()))
}

fn bytes_count(count: usize) -> String {
    if count == 1 {
        "1 byte".to_owned()
    } else {
        format!("{count} bytes")
    }
}

fn closed(ending: &Ending) -> String {
    let who = if ending.is_ours { " by us" } else { "" };
    let code = match ending.code {
        1005 => "no code (1005)".to_owned(),
        1006 => "no close frame (1006)".to_owned(),
        code => format!("code {code}"),
    };
    let reason = match printable(&ending.reason) {
        reason if reason.is_empty() => String::new(),
        happened if ending.is_ours || ending.code == 1006 => format!(", {happened}"),
        said => format!(", reason \"{said}\""),
    };
    let is_clean = if ending.is_clean {
        "clean"
    } else {
        "not clean"
    };
    let plural = if ending.messages == 1 { "" } else { "s" };
    format!(
        "closed{who}: {code}{reason}, {is_clean}; {} message{plural}",
        ending.messages
    )
}

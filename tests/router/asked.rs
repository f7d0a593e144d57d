//! One request on a connection of its own, and all of the answer to it.

use super::peer::{Peer, authority};

/// An answer, whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    head: String,
}

/// Asks for a page.
#[track_caller]
pub(super) fn get(url: &str, path: &str) -> Answer {
    ask(url, "GET", path, "")
}

/// Sends a request with these header lines beside the usual, each ended by `\r\n`.
#[track_caller]
pub(super) fn ask(url: &str, method: &str, path: &str, headers: &str) -> Answer {
    let host = authority(url);
    send(
        url,
        &format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"),
    )
}

/// Sends a request as it is.
#[track_caller]
pub(super) fn send(url: &str, request: &str) -> Answer {
    let mut peer = Peer::connect(url);
    peer.write(request.as_bytes());
    let answer = String::from_utf8(peer.read_to_end()).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect(request);
    Answer {
        status: head[9..12].parse().unwrap(),
        body: body.to_owned(),
        head: head.to_owned(),
    }
}

impl Answer {
    /// The value of a header; fails where there is none.
    #[track_caller]
    pub(super) fn header(&self, name: &str) -> &str {
        self.find_header(name)
            .unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }

    pub(super) fn find_header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(named, _)| named.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

//! WebSocket servers, blocking, a thread a connection. What they do is a test's own function.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message as Frame, WebSocket, accept_hdr_with_config};

/// How long a server may be kept waiting.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);

/// A server on a free port; it ends with the process.
pub(super) struct Server {
    port: u16,
    requests: Receiver<Request>,
}

impl Server {
    /// Starts one that does this with each connection. It agrees on the subprotocol `chat` where that is offered.
    pub(super) fn start(talk: impl Fn(WebSocket<TcpStream>) + Clone + Send + 'static) -> Self {
        let (sender, requests) = channel();
        let port = listen(move |stream| {
            if let Some(socket) = accept(stream, &sender) {
                talk(socket);
            }
        });
        Self { port, requests }
    }

    /// Starts one that sends back what comes.
    pub(super) fn echo() -> Self {
        Self::start(echo)
    }

    /// Starts one that closes at once.
    pub(super) fn closes_with(close: Option<(u16, &'static str)>) -> Self {
        Self::start(move |socket| close_with(socket, close))
    }

    pub(super) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port)
    }

    /// The next handshake that came.
    #[track_caller]
    pub(super) fn request(&self) -> Request {
        self.requests.recv_timeout(DEADLINE).unwrap()
    }
}

/// Does something with each connection to a port, which is returned.
pub(super) fn listen(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(DEADLINE)).unwrap();
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    port
}

/// A port where each request gets this answer, and the end.
pub(super) fn answers(answer: &'static [u8]) -> u16 {
    listen(move |mut stream| {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request);
        let _ = stream.write_all(answer);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        // Until the client has gone: a reset would overtake the answer.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    })
}

#[expect(clippy::result_large_err, reason = "the type is tungstenite's")]
pub(super) fn accept<S: Read + Write>(
    stream: S,
    requests: &Sender<Request>,
) -> Option<WebSocket<S>> {
    let callback = |request: &Request, mut response: Response| {
        let offered = request.headers().get("sec-websocket-protocol");
        if offered.is_some_and(|offered| offered.to_str().unwrap().contains("chat")) {
            let chosen = "chat".parse().unwrap();
            response
                .headers_mut()
                .insert("sec-websocket-protocol", chosen);
        }
        let _ = requests.send(request.clone());
        Ok(response)
    };
    let config = WebSocketConfig::default()
        .max_message_size(None)
        .max_frame_size(None);
    accept_hdr_with_config(stream, callback, Some(config)).ok()
}

pub(super) fn echo<S: Read + Write>(mut socket: WebSocket<S>) {
    while let Ok(frame) = socket.read() {
        if frame.is_text() || frame.is_binary() {
            let _ = socket.send(frame);
        }
    }
}

pub(super) fn close_with<S: Read + Write>(
    mut socket: WebSocket<S>,
    close: Option<(u16, &'static str)>,
) {
    let frame = close.map(|(code, reason)| CloseFrame {
        code: code.into(),
        reason: reason.into(),
    });
    let _ = socket.close(frame);
    drain(&mut socket);
}

/// Reads to the end.
pub(super) fn drain<S: Read + Write>(socket: &mut WebSocket<S>) {
    while socket.read().is_ok() {}
}

/// Tells the test what comes, up to the close frame, which is answered.
pub(super) fn report(mut socket: WebSocket<TcpStream>, to: &Sender<Frame>) {
    loop {
        match socket.read() {
            Ok(frame) => {
                let _ = to.send(frame);
            }
            Err(Error::ConnectionClosed | Error::Protocol(_) | Error::Io(_)) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

/// A server that tells the test what comes, and answers nothing.
pub(super) fn reporting() -> (Server, Receiver<Frame>) {
    let (sender, received) = channel();
    let server = Server::start(move |socket| report(socket, &sender));
    (server, received)
}

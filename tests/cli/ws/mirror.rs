//! `--mirror`: what comes goes back as it came.

use std::net::TcpStream;
use std::sync::mpsc::channel;

use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Message as Frame, WebSocket};

use super::server::{DEADLINE, Server, drain};
use super::ws;

/// Sends these, one after the other, and hands the test what comes back; then closes.
fn mirrored(frames: Vec<Frame>) -> Vec<Frame> {
    let (sender, received) = channel();
    let server = Server::start(move |mut socket: WebSocket<TcpStream>| {
        let mut back = Vec::new();
        for frame in &frames {
            socket.send(frame.clone()).unwrap();
            back.push(socket.read().unwrap());
        }
        sender.send(back).unwrap();
        socket.close(None).unwrap();
        drain(&mut socket);
    });
    let url = format!("{}runCase?case=1&agent=wamp", server.url());
    ws(&url, ["--mirror", "-qq"]).run().exit_code(0).stdout("");
    let request = server.request();
    assert_eq!(
        request.uri().path_and_query().unwrap(),
        "/runCase?case=1&agent=wamp"
    );
    received.recv_timeout(DEADLINE).unwrap()
}

#[test]
fn text_comes_back_as_text_and_bytes_as_bytes() {
    let frames = vec![
        Frame::text(""),
        Frame::text("Hellø\n\0"),
        Frame::binary(&[][..]),
        Frame::binary(&[0xff, 0, 0xc3][..]),
        Frame::binary("text"),
    ];
    assert_eq!(mirrored(frames.clone()), frames);
}

#[test]
fn what_came_in_pieces_comes_back_whole() {
    let (sender, received) = channel();
    let server = Server::start(move |mut socket: WebSocket<TcpStream>| {
        let piece = |opcode, text: &'static str, is_last| {
            Frame::Frame(RawFrame::message(text, OpCode::Data(opcode), is_last))
        };
        socket.send(piece(Data::Text, "one ", false)).unwrap();
        socket.send(Frame::Ping("alive".into())).unwrap();
        socket.send(piece(Data::Continue, "two ", false)).unwrap();
        socket.send(piece(Data::Continue, "three", true)).unwrap();
        sender
            .send([socket.read().unwrap(), socket.read().unwrap()])
            .unwrap();
        socket.close(None).unwrap();
        drain(&mut socket);
    });
    ws(&server.url(), ["--mirror"])
        .run()
        .exit_code(0)
        .stdout("one two three\n");
    let expected = [Frame::Pong("alive".into()), Frame::text("one two three")];
    assert_eq!(received.recv_timeout(DEADLINE).unwrap(), expected);
}

#[test]
fn large_messages_come_back_whole() {
    let frames = vec![
        Frame::text("ø".repeat(8 << 20)),
        Frame::binary(vec![7; (16 << 20) + 1]),
    ];
    assert!(mirrored(frames.clone()) == frames);
}

#[test]
fn a_server_that_breaks_the_protocol_is_told_so() {
    let (sender, received) = channel();
    let server = Server::start(move |mut socket: WebSocket<TcpStream>| {
        let text = RawFrame::message(&[0xc3, 0x28][..], OpCode::Data(Data::Text), true);
        socket.send(Frame::Frame(text)).unwrap();
        let _ = sender.send(socket.read());
    });
    let output = ws(&server.url(), ["--mirror"])
        .run()
        .exit_code(7)
        .stdout("");
    output.stderr_contains("error: the server breaks the protocol: ");
    let Ok(Frame::Close(Some(close))) = received.recv_timeout(DEADLINE).unwrap() else {
        panic!("no close frame");
    };
    assert_eq!(u16::from(close.code), 1007);
}

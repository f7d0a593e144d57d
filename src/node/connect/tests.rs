//! A peer and a router that a test plays, over a stream in memory.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::DuplexStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use super::{
    ConnectOptions, Peer, Progress, RequestError, SessionEnd, SessionState, Subscriptions,
};
use crate::protocol::{
    CallOptions, CancelMode, Dict, Payload, RegisterOptions, SubscribeOptions, Uri, uris,
};
use crate::serializer::Serializer;
use crate::transport::{ByteStream, Dialer, TransportError};

/// How many events the flood has. Many times what all buffers on the way hold.
const EVENTS: usize = 10_000;

/// The router's end, played by a test in JSON.
struct Played(WebSocketStream<DuplexStream>);

impl Played {
    #[expect(clippy::result_large_err, reason = "the handshake's own type")]
    async fn accept(stream: DuplexStream) -> Self {
        let choose = |_: &Request, mut response: Response| {
            let protocol = "wamp.2.json".parse().unwrap();
            response
                .headers_mut()
                .insert("Sec-WebSocket-Protocol", protocol);
            Ok(response)
        };
        Self(accept_hdr_async(stream, choose).await.unwrap())
    }

    async fn gets(&mut self, start: &str) {
        let Some(Ok(Frame::Text(text))) = self.0.next().await else {
            panic!("expected {start}");
        };
        assert!(text.starts_with(start), "expected {start}, got {text}");
    }

    async fn sends(&mut self, text: &str) {
        self.0.send(Frame::text(text)).await.unwrap();
    }

    async fn welcomes(&mut self) {
        self.gets("[1,").await;
        self.sends(r#"[2, 7, {"roles": {"broker": {}, "dealer": {}}}]"#)
            .await;
    }
}

/// A joined peer, and the router that it joined.
async fn joined() -> (Peer, Played) {
    let (ours, theirs) = tokio::io::duplex(8 * 1024);
    let ours = Arc::new(Mutex::new(Some(ours)));
    let opener = move || {
        let stream = ours.lock().unwrap().take();
        let opened = stream.map(|stream| Box::new(stream) as Box<dyn ByteStream>);
        let opened = opened.ok_or_else(|| std::io::ErrorKind::ConnectionRefused.into());
        Box::pin(std::future::ready(opened)) as _
    };
    let options = ConnectOptions {
        dialer: Dialer {
            url: "ws://localhost/ws".parse().unwrap(),
            tls: None,
            opener: Some(Arc::new(opener)),
            serializers: vec![Serializer::Json],
        },
        realm: Uri::from("realm1"),
        credentials: crate::auth::Credentials::default(),
        agent: "test".to_owned(),
        timeout: None,
        retry: None,
        ping_interval: None,
    };
    let playing = async {
        let mut router = Played::accept(theirs).await;
        router.welcomes().await;
        router
    };
    let (peer, router) = tokio::join!(Peer::connect(options), playing);
    (peer.unwrap(), router)
}

#[tokio::test]
async fn a_slow_reader_stops_the_connection_and_loses_nothing() {
    let (peer, mut router) = joined().await;
    let mut events = Subscriptions::new(peer);
    let answering = async {
        router.gets("[32,1,").await;
        router.sends("[33,1,4]").await;
    };
    let (subscribed, ()) = tokio::join!(
        events.subscribe("t", SubscribeOptions::default()),
        answering
    );
    subscribed.unwrap();
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let flood = tokio::spawn(async move {
        for number in 0..EVENTS {
            router
                .sends(&format!("[36,4,{},{{}},[{number}]]", number + 1))
                .await;
            counter.fetch_add(1, Ordering::Relaxed);
        }
        router
    });
    for _ in 0..EVENTS {
        tokio::task::yield_now().await;
    }
    assert!(
        sent.load(Ordering::Relaxed) < EVENTS / 2,
        "nothing stopped the flood"
    );
    for number in 0..EVENTS {
        let (_, event) = events.next_event().await;
        assert_eq!(event.unwrap().publication.value(), number as u64 + 1);
    }
    drop(flood.await.unwrap());
}

#[tokio::test]
async fn what_is_no_message_ends_the_session_by_abort() {
    let (peer, mut router) = joined().await;
    let call = peer.call("p", CallOptions::default(), Payload::empty());
    let answering = async {
        router.gets("[48,1,").await;
        router.sends("{}").await;
        router.gets("[3,").await;
    };
    let (answer, ()) = tokio::join!(call, answering);
    let lost = answer.unwrap_err();
    assert!(
        matches!(
            &lost,
            RequestError::Lost(SessionEnd::Transport(TransportError::Decode(_)))
        ),
        "{lost}"
    );
}

#[tokio::test]
async fn a_forgotten_call_is_no_harm_to_the_next() {
    let (peer, mut router) = joined().await;
    let call =
        |procedure: &'static str| peer.call(procedure, CallOptions::default(), Payload::empty());
    tokio::select! {
        _ = call("first") => panic!("nobody answered"),
        () = router.gets("[48,1,") => {}
    }
    let answering = async {
        router.gets("[48,2,").await;
        router.sends("[50,1,{},[1]]").await;
        router.sends("[50,2,{},[2]]").await;
    };
    let (answer, ()) = tokio::join!(call("second"), answering);
    assert_eq!(answer.unwrap().payload.args().unwrap(), [2_u64.into()]);
}

#[tokio::test]
async fn a_slow_caller_stops_the_connection_and_loses_no_part() {
    let (peer, mut router) = joined().await;
    let options = CallOptions {
        receive_progress: Some(true),
        ..CallOptions::default()
    };
    let calling = peer.call_stream("p", options, Payload::empty());
    let (results, ()) = tokio::join!(calling, router.gets("[48,1,"));
    let mut results = results.unwrap();
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let flood = tokio::spawn(async move {
        for number in 0..EVENTS {
            router
                .sends(&format!("[50,1,{{\"progress\":true}},[{number}]]"))
                .await;
            counter.fetch_add(1, Ordering::Relaxed);
        }
        router.sends("[50,1,{}]").await;
        router
    });
    for _ in 0..EVENTS {
        tokio::task::yield_now().await;
    }
    assert!(
        sent.load(Ordering::Relaxed) < EVENTS / 2,
        "nothing stopped the flood"
    );
    for number in 0..EVENTS {
        let part = results.next_result().await.unwrap().unwrap();
        assert_eq!(part.payload.args().unwrap(), [(number as u64).into()]);
    }
    let last = results.next_result().await.unwrap().unwrap();
    assert_eq!(last.details.progress, None);
    assert!(results.next_result().await.is_none());
    drop(flood.await.unwrap());
}

#[tokio::test]
async fn a_call_is_cancelled_by_its_stream() {
    let (peer, mut router) = joined().await;
    let calling = peer.call_stream("p", CallOptions::default(), Payload::empty());
    let (results, ()) = tokio::join!(calling, router.gets("[48,1,"));
    let mut results = results.unwrap();
    let answering = async {
        router.gets("[49,1,{\"mode\":\"skip\"}]").await;
        router
            .sends(r#"[8, 48, 1, {}, "wamp.error.canceled"]"#)
            .await;
    };
    let ((), ()) = tokio::join!(results.cancel(CancelMode::Skip), answering);
    let ended = results.next_result().await;
    assert!(
        matches!(&ended, Some(Err(RequestError::Refused(reply))) if reply.error == uris::CANCELED),
        "{ended:?}"
    );
    assert!(results.next_result().await.is_none());
}

#[tokio::test]
async fn the_parts_of_a_result_are_sent_before_it() {
    let (peer, mut router) = joined().await;
    let handler = |_, progress: Progress| async move {
        for number in 0..200_u64 {
            let part = Payload::from_values(Serializer::Json, &[number.into()], &Dict::new());
            progress.send(part).await;
        }
        Ok(Payload::empty())
    };
    let registering = peer.register("p", RegisterOptions::default(), 1, handler);
    let answering = async {
        router.gets("[64,1,").await;
        router.sends("[65,1,9]").await;
    };
    let (registered, ()) = tokio::join!(registering, answering);
    registered.unwrap();
    router
        .sends(r#"[68, 1, 9, {"receive_progress": true}]"#)
        .await;
    for number in 0..200 {
        let part = format!("[70,1,{{\"progress\":true}},[{number}]]");
        router.gets(&part).await;
    }
    router.gets("[70,1,{}]").await;
}

#[tokio::test]
async fn the_last_handle_to_go_leaves_the_realm() {
    let (peer, mut router) = joined().await;
    let mut state = peer.state();
    drop(peer);
    router.gets("[6,").await;
    router
        .sends(r#"[6, {}, "wamp.close.goodbye_and_out"]"#)
        .await;
    // It closes the WebSocket too.
    while router.0.next().await.is_some() {}
    while !matches!(*state.borrow_and_update(), SessionState::Closed(_)) {
        if state.changed().await.is_err() {
            break;
        }
    }
}

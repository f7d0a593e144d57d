//! Sessions of other people's libraries meet through our router, each over another of its transports.

use serde_json::{Value, json};

use crate::calls::{args, kwargs};
use crate::doors::Doors;
use crate::peer::{
    Library::{self, AutobahnJs, AutobahnPython},
    Peer, with_whole_numbers,
};

/// autobahn-python on asyncio has no RawSocket pings: one of the router's ends its session.
const EVERYBODY: &str = r#"
[limits]
ping_interval = "5m"
[[realms]]
name = "realm1"
[[realms.roles]]
name = "anonymous"
rules = [{ uri = "", match = "prefix", allow = ["call", "register", "publish", "subscribe"] }]
"#;

/// What each library has; autobahn-js has one serializer outside WebSockets.
const WAYS: [(Library, &str, &str); 14] = [
    (AutobahnPython, "ws", "json.batched"),
    (AutobahnPython, "ws", "msgpack.batched"),
    (AutobahnPython, "wss", "cbor.batched"),
    (AutobahnPython, "wss", "json"),
    (AutobahnPython, "rs", "json"),
    (AutobahnPython, "rs", "msgpack"),
    (AutobahnPython, "rs", "cbor"),
    (AutobahnPython, "rss", "msgpack"),
    (AutobahnJs, "ws", "cbor"),
    (AutobahnJs, "wss", "msgpack"),
    (AutobahnJs, "rs", "json"),
    (AutobahnJs, "unix", "json"),
    (AutobahnJs, "http", "json"),
    (AutobahnJs, "https", "json"),
];

/// More than one read takes.
const LARGE: usize = 200_000;

fn join_by_each(doors: &Doors) -> Vec<(String, Peer)> {
    let join = |(library, scheme, serializer): (Library, &str, &str)| {
        let command = library.command(&doors.url(scheme), "realm1", serializer);
        let way = format!("{library:?} by {scheme} in {serializer}");
        (way, Peer::start(library, doors.trusted_by(command)))
    };
    WAYS.into_iter().map(join).collect()
}

fn procedure(number: usize) -> String {
    format!("com.example.echo.n{number}")
}

#[test]
fn sessions_over_all_transports_call_each_other() {
    let doors = Doors::open(EVERYBODY);
    let mut peers = join_by_each(&doors);
    for (number, (_, peer)) in peers.iter_mut().enumerate() {
        peer.register(&procedure(number), "echo");
    }
    let large = json!(["x".repeat(LARGE)]);
    for number in 0..peers.len() {
        let callee = (number + 1) % peers.len();
        let who = format!("{} calls {}", peers[number].0, peers[callee].0);
        let mut echo = |args: &Value, kwargs: &Value| {
            with_whole_numbers(peers[number].1.call(&procedure(callee), args, kwargs))
        };
        assert_eq!(
            echo(&args(), &kwargs()),
            json!({"args": args(), "kwargs": kwargs()}),
            "{who}"
        );
        assert!(
            echo(&large, &json!({})) == json!({"args": large, "kwargs": {}}),
            "{who}: a large message is another one"
        );
    }
    for (_, peer) in peers {
        peer.leave();
    }
}

#[test]
fn sessions_over_all_transports_hear_each_other() {
    let doors = Doors::open(EVERYBODY);
    let mut peers = join_by_each(&doors);
    for (_, peer) in &mut peers {
        peer.subscribe("com.example.news", "exact");
    }
    for publisher in 0..peers.len() {
        let args = json!(["grün", publisher, null, "\0AAEC"]);
        let publication = peers[publisher]
            .1
            .publish("com.example.news", &args, &json!({}));
        let event = json!({"topic": "com.example.news", "match": "exact", "publication": publication, "args": args, "kwargs": {}});
        for subscriber in (0..peers.len()).filter(|&number| number != publisher) {
            let who = format!("{} hears {}", peers[subscriber].0, peers[publisher].0);
            assert_eq!(peers[subscriber].1.event(), event, "{who}");
        }
    }
    for (_, peer) in peers {
        peer.leave();
    }
}

//! Large messages: written from where they lie, once for all who get them.

use serde_json::{Value, json};
use wamp::router::Limits;

use super::link::{Link, NARROW, ROOMY, text};
use super::node::{Node, in_virtual_time};
use super::peer::{PING, PONG, Peer, frame_of};
use super::websocket::resident_bytes;
use crate::support::Router;

const MIB: usize = 1024 * 1024;

#[test]
fn what_many_peers_wait_for_counts_once_among_all_that_waits() {
    in_virtual_time(async {
        let limits = Limits {
            outbox_bytes: 1_000_000,
            outbox_bytes_total: 1_500_000,
            ..Limits::default()
        };
        let node = Node::start(limits).await;
        let mut publisher = Link::join(&node, ROOMY).await;
        let mut slow = Vec::new();
        for _ in 0..10 {
            let mut link = Link::join(&node, NARROW).await;
            link.subscribe("a.b").await;
            slow.push(link);
        }
        publisher.publish("a.b", &text(400_000)).await;
        // It counts until the last of them has it.
        for link in &mut slow {
            assert_eq!(link.receive().await[4], json!([text(400_000)]));
        }
        for number in 0..2 {
            publisher
                .publish("a.b", &json!([number, text(300_000)]))
                .await;
        }
        let mut received = 0;
        for link in &mut slow {
            received += usize::from(link.receive().await[4][0][0] == json!(0));
        }
        assert_eq!(received, 10);
    });
}

#[test]
fn a_large_message_comes_whole_with_what_was_said_before_and_behind_it() {
    in_virtual_time(async {
        let node = Node::start(Limits::default()).await;
        let mut slow = Link::join(&node, NARROW).await;
        slow.subscribe("a.b").await;
        let mut publisher = Link::join(&node, ROOMY).await;
        for number in 0..3 {
            publisher.publish("a.b", &json!(number)).await;
            publisher.publish("a.b", &text(100_000)).await;
        }
        // A pong that becomes due in the middle of a large one waits for its end.
        slow.write(&frame_of(PING, b"now")).await;
        let mut messages = Vec::new();
        let mut pongs = 0;
        while messages.len() < 6 {
            let frame = slow.frame().await.unwrap();
            if frame.opcode == PONG {
                pongs += 1;
            } else {
                messages
                    .push(serde_json::from_slice::<Value>(&frame.payload).unwrap()[4][0].clone());
            }
        }
        let large = text(100_000);
        assert_eq!(
            messages,
            [
                json!(0),
                large.clone(),
                json!(1),
                large.clone(),
                json!(2),
                large
            ]
        );
        assert_eq!(pongs, 1);
    });
}

#[test]
fn a_large_event_is_held_once_however_many_do_not_take_it() {
    let router = Router::start();
    let mut slow: Vec<Peer> = (0..30).map(|_| Peer::join(router.url())).collect();
    for peer in &mut slow {
        peer.subscribe("a.b");
    }
    let mut publisher = Peer::join(router.url());
    let before = resident_bytes(&router);
    let large = "x".repeat(8 * MIB);
    publisher.publish("a.b", &json!([large]));
    // One that takes it is served after the others have had their turn.
    assert_eq!(slow.pop().unwrap().expect_message(36)[4], json!([large]));
    let grown = resident_bytes(&router).saturating_sub(before);
    assert!(grown < 64 * MIB, "{grown} bytes more are resident");
}

//! The WebSocket: frames that are too large, too many, cut off or against RFC 6455.

use serde_json::json;

use super::bystander::Bystander;
use super::peer::{Peer, close_code, close_frame};
use crate::support::Router;

#[test]
fn what_a_peer_sends_right_before_it_closes_is_routed_as_its_own() {
    let router = Router::start();
    let bystanders: Vec<_> = (0..4)
        .map(|n| Bystander::start_as(router.url(), &format!("bystander.{n}")))
        .collect();
    let mut subscriber = Peer::join(router.url());
    subscriber.subscribe("last.words");
    for n in 0..50 {
        let mut peer = Peer::join(router.url());
        let mut bytes = Vec::new();
        for word in 0..10 {
            bytes.extend(peer.next_request(16, &json!([{}, "last.words", [n, word]])));
        }
        bytes.extend(close_frame(1000));
        peer.write(&bytes);
        for word in 0..10 {
            assert_eq!(subscriber.expect_message(36)[4], json!([n, word]));
        }
    }
    for bystander in bystanders {
        bystander.finish();
    }
}

#[test]
fn a_close_frame_is_answered_before_the_stream_ends() {
    let router = Router::start();
    let mut peer = Peer::join(router.url());
    peer.write(&close_frame(1000));
    let answer = peer.frame();
    assert_eq!(close_code(&answer), 1000);
    peer.expect_end();
}

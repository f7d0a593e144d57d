//! What fits an outbox, and what is cut for it.

use super::*;
use crate::protocol::message::{Published, Result};
use crate::protocol::{Dict, PublicationId, RequestId, ResultDetails};

const MIB: usize = 1024 * 1024;

fn result(bytes: usize) -> Message {
    let text = "x".repeat(bytes);
    let payload = Payload::from_values(Serializer::Json, &[text.into()], &Dict::new());
    let details = ResultDetails::default();
    Result {
        request: RequestId::FIRST,
        details,
        payload,
    }
    .into()
}

fn published() -> Message {
    Published {
        request: RequestId::FIRST,
        publication: PublicationId::FIRST,
    }
    .into()
}

fn outbox() -> Outbox {
    let limits = Limits::default();
    Outbox::new(
        &limits,
        Serializer::Json,
        Framing::WebSocket,
        Arc::default(),
    )
}

fn is_cut(outbox: &Outbox) -> bool {
    outbox.lock().is_cut
}

#[test]
fn a_message_beyond_the_budget_is_no_reason_to_cut_when_others_follow_it() {
    let outbox = outbox();
    let delivery = &mut Delivery::default();
    assert_eq!(outbox.push(result(10 * MIB), delivery), None);
    assert_eq!(outbox.push(published(), delivery), None);
    assert!(!is_cut(&outbox));
}

#[test]
fn twice_the_budget_is() {
    let outbox = outbox();
    let delivery = &mut Delivery::default();
    for _ in 0..8 {
        assert!(!is_cut(&outbox));
        outbox.push(result(MIB), delivery);
    }
    assert!(is_cut(&outbox));
}

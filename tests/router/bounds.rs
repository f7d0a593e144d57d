//! Every limit: what grows, how far, and what becomes of the peer that wanted more. Nobody else notices.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wamp::router::Limits;

use super::link::{Link, NARROW, ROOMY, text};
use super::node::{Node, in_real_time, in_virtual_time};
use super::peer::{PING, authority, close_code, close_frame, frame_of, frames, handshake};

#[test]
fn a_subscriber_that_reads_as_fast_as_it_is_sent_to_gets_everything_however_small_its_window() {
    in_virtual_time(async {
        let limits = Limits {
            outbox_messages: 10,
            ..Limits::default()
        };
        let node = Node::start(limits).await;
        let mut subscriber = Link::join(&node, NARROW).await;
        subscriber.subscribe("a.b").await;
        let mut publisher = Link::join(&node, ROOMY).await;
        // Never more than five wait, and never none: what is with the socket does not run empty.
        for number in 0..5 {
            publisher
                .publish("a.b", &json!([number, text(20_000)]))
                .await;
        }
        for number in 0..100 {
            assert_eq!(subscriber.receive().await[4][0][0], json!(number));
            let next = json!([number + 5, text(20_000)]);
            publisher.publish("a.b", &next).await;
        }
    });
}

#[test]
fn events_for_a_subscriber_that_does_not_read_are_dropped_and_others_get_each_in_order() {
    in_virtual_time(async {
        let limits = Limits {
            outbox_messages: 10,
            ..Limits::default()
        };
        let node = Node::start(limits).await;
        let mut slow = Link::join(&node, NARROW).await;
        let mut quick = Link::join(&node, ROOMY).await;
        let mut publisher = Link::join(&node, ROOMY).await;
        slow.subscribe("a.b").await;
        quick.subscribe("a.b").await;
        for number in 0..1_000 {
            publisher
                .publish("a.b", &json!([number, text(2_000)]))
                .await;
            assert_eq!(quick.receive().await[4][0][0], json!(number));
        }
        // What it gets is the beginning, without a gap; then what came once it read again.
        for number in 0..10 {
            assert_eq!(slow.receive().await[4][0][0], json!(number));
        }
        publisher.publish("a.b", &json!(["again"])).await;
        assert_eq!(slow.receive().await[4], json!([["again"]]));
    });
}

#[test]
fn what_waits_counts_with_all_of_the_frame_that_it_keeps_in_memory() {
    in_virtual_time(async {
        let limits = Limits {
            outbox_bytes: 1_000_000,
            ..Limits::default()
        };
        let node = Node::start(limits).await;
        let mut slow = Link::join(&node, NARROW).await;
        let mut publisher = Link::join(&node, ROOMY).await;
        slow.subscribe("a.b").await;
        // An option that nobody knows is left out of the event, which lies in the same frame.
        let options = json!({"acknowledge": true, "_unknown": text(100_000)});
        for number in 0..100 {
            let rest = [options.clone(), json!("a.b"), json!([number, text(5_000)])];
            assert_eq!(publisher.request(16, &rest).await[0], 17);
        }
        for number in 0..9 {
            assert_eq!(slow.receive().await[4][0], json!(number));
        }
        publisher.publish("a.b", &json!("again")).await;
        assert_eq!(slow.receive().await[4], json!(["again"]));
    });
}

#[test]
fn whoever_asks_for_much_at_once_gets_it_in_turns_with_others_and_to_the_end() {
    in_virtual_time(async {
        let node = Node::start(Limits::default()).await;
        let topic = "a".repeat(400);
        let mut subscriber = Link::join(&node, ROOMY).await;
        for length in 1..=topic.len() {
            let prefix = json!(topic[..length]);
            let options = json!({"match": "prefix"});
            assert_eq!(subscriber.request(32, &[options, prefix]).await[0], 33);
        }
        let mut observer = Link::join(&node, ROOMY).await;
        observer.subscribe(&topic).await;
        let mut busy = Link::join(&node, ROOMY).await;
        let mut modest = Link::join(&node, ROOMY).await;
        let mut batch = Vec::new();
        for number in 0..100 {
            let rest = [json!({}), json!(topic), json!([number])];
            batch.extend(busy.next_request(16, &rest));
        }
        let rest = [json!({}), json!(topic), json!(["modest"])];
        let one = modest.next_request(16, &rest);
        busy.write(&batch).await;
        modest.write(&one).await;
        // What it sent before it left counts.
        drop(busy);
        let mut seen = Vec::new();
        for _ in 0..=100 {
            seen.push(observer.receive().await[4][0].clone());
        }
        let at = seen.iter().position(|it| *it == json!("modest")).unwrap();
        assert!(at < 50, "{at}");
        seen.remove(at);
        let all: Vec<Value> = (0..100).map(Value::from).collect();
        assert_eq!(seen, all);
    });
}

#[test]
fn a_part_that_waits_takes_room_even_if_it_is_empty() {
    in_virtual_time(async {
        let limits = Limits {
            registration_queue_bytes: 10_000,
            ..Limits::default()
        };
        let node = Node::start(limits).await;
        let features = json!({"progressive_call_invocations": true, "call_canceling": true});
        let roles = json!({"caller": {"features": features}, "callee": {"features": features}});
        let mut callee = Link::upgrade(&node, ROOMY).await;
        callee.send(&json!([1, "realm1", {"roles": roles}])).await;
        assert_eq!(callee.receive().await[0], 2);
        let options = json!({"concurrency": 1});
        assert_eq!(callee.request(64, &[options, json!("a.b")]).await[0], 65);
        let mut caller = Link::upgrade(&node, ROOMY).await;
        caller.send(&json!([1, "realm1", {"roles": roles}])).await;
        assert_eq!(caller.receive().await[0], 2);
        caller.send(&json!([48, 1, {}, "a.b"])).await;
        for _ in 0..1_000 {
            caller
                .send(&json!([48, 2, {"progress": true}, "a.b"]))
                .await;
        }
        caller.send(&json!([48, 3, {}, "wamp.session.count"])).await;
        let refused = caller.receive().await;
        assert_eq!(
            (&refused[0], &refused[2], &refused[4]),
            (
                &json!(8),
                &json!(2),
                &json!("wamp.error.no_available_callee")
            )
        );
        assert_eq!(caller.receive().await[1], json!(3));
    });
}

#[test]
fn a_peer_that_takes_nothing_is_closed_after_the_stall_time() {
    in_virtual_time(async {
        let node = Node::start(Limits::default()).await;
        let mut slow = Link::join(&node, NARROW).await;
        slow.subscribe("a.b").await;
        let mut publisher = Link::join(&node, ROOMY).await;
        publisher.publish("a.b", &text(2 * NARROW)).await;
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert_eq!(slow.read_to_end().await.len(), NARROW);
    });
}

#[test]
fn a_peer_that_takes_a_little_now_and_then_is_neither_stalled_nor_silent() {
    in_virtual_time(async {
        let node = Node::start(Limits::default()).await;
        let mut slow = Link::join(&node, NARROW).await;
        slow.subscribe("a.b").await;
        let mut publisher = Link::join(&node, ROOMY).await;
        publisher.publish("a.b", &text(100 * NARROW)).await;
        publisher.publish("a.b", &json!("last")).await;
        // It answers no ping meanwhile: there is none, for it would wait behind all this.
        let mut bytes = Vec::new();
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_secs(9)).await;
            bytes.extend(slow.take(NARROW).await);
        }
        while !bytes.ends_with(br#"["last"]]"#) {
            bytes.extend(slow.take(1).await);
        }
        let events = frames(&bytes);
        assert_eq!(events.len(), 2, "two events and no ping");
    });
}

#[test]
fn a_peer_that_never_answers_a_ping_is_closed_after_two() {
    in_virtual_time(async {
        let node = Node::start(Limits::default()).await;
        let mut silent = Link::join(&node, ROOMY).await;
        silent.answers_pings = false;
        assert_eq!(silent.frame().await, None);
        assert_eq!(silent.pings, 2);
    });
}

#[test]
fn a_peer_that_only_receives_stays_as_long_as_it_answers_pings() {
    in_virtual_time(async {
        let node = Node::start(Limits::default()).await;
        let mut quiet = Link::join(&node, ROOMY).await;
        quiet.subscribe("a.b").await;
        let publishing = async {
            // A minute and a half: nine pings.
            tokio::time::sleep(Duration::from_secs(95)).await;
            let mut publisher = Link::join(&node, ROOMY).await;
            publisher.publish("a.b", &json!("still there")).await;
        };
        let (event, ()) = tokio::join!(quiet.receive(), publishing);
        assert_eq!(event[4], json!(["still there"]));
        assert_eq!(quiet.pings, 9);
    });
}

#[test]
fn a_flood_of_pings_whose_pongs_nobody_takes_is_not_read_on() {
    in_virtual_time(async {
        let node = Node::start(Limits::default()).await;
        let mut flooder = Link::join(&node, NARROW).await;
        let flood = frame_of(PING, &[b'x'; 125]).repeat(100_000);
        let taken = flooder.write_as_much_as_it_takes(&flood).await;
        assert!(taken < 256 * 1024, "{taken} bytes of pings were read");
    });
}

#[test]
fn who_sends_without_end_does_not_put_off_the_deadline_for_its_hello() {
    in_virtual_time(async {
        let node = Node::start(Limits::default()).await;
        let link = Link::upgrade(&node, ROOMY).await;
        let closed = link.flood_until_closed(&frame_of(PING, b"x")).await;
        assert_eq!(close_code(&closed), 1008);
    });
}

#[test]
fn no_reply_is_lost_to_a_caller_that_reads_late() {
    in_virtual_time(async {
        let limits = Limits {
            outbox_bytes: 100_000,
            ..Limits::default()
        };
        let node = Node::start(limits).await;
        let mut callee = Link::join(&node, ROOMY).await;
        callee.register("echo").await;
        tokio::spawn(echo(callee));
        let mut caller = Link::join(&node, 64 * 1024).await;
        let mut calls = Vec::new();
        for number in 0..1_000 {
            let args = json!([number, text(2_000)]);
            calls.extend(caller.next_request(48, &[json!({}), json!("echo"), args]));
        }
        // It is not read from while its replies wait, so that its calls wait with it.
        let (written, received) = caller.write_then_read(&calls, 1_000).await;
        assert!(written < calls.len() / 2, "{written} of {}", calls.len());
        for (number, reply) in received.iter().enumerate() {
            assert_eq!(reply[0], json!(50), "{reply}");
            assert_eq!(reply[1], json!(number + 1));
            assert_eq!(reply[3][0], json!(number));
        }
    });
}

#[test]
fn a_caller_that_never_reads_its_replies_is_closed_and_nobody_else_notices() {
    in_virtual_time(async {
        let limits = Limits {
            outbox_bytes: 100_000,
            ..Limits::default()
        };
        let node = Node::start(limits).await;
        let mut callee = Link::join(&node, ROOMY).await;
        callee.register("echo").await;
        tokio::spawn(echo(callee));
        let mut calls = Vec::new();
        let mut deaf = Link::join(&node, NARROW).await;
        for _ in 0..1_000 {
            let args = json!([text(2_000)]);
            calls.extend(deaf.next_request(48, &[json!({}), json!("echo"), args]));
        }
        let deaf = tokio::spawn(async move { deaf.write_as_much_as_it_takes(&calls).await });
        let mut caller = Link::join(&node, ROOMY).await;
        for number in 0..1_000 {
            let reply = caller.call("echo", &json!([number])).await;
            assert_eq!(reply[3], json!([number]));
        }
        let taken = deaf.await.unwrap();
        assert!(taken < 1_000_000, "{taken} bytes of calls were read");
        let reply = caller.call("echo", &json!(["still"])).await;
        assert_eq!(reply[3], json!(["still"]));
    });
}

#[test]
fn replies_beyond_twice_the_budget_close_their_caller_and_no_other() {
    in_virtual_time(async {
        let limits = Limits {
            outbox_bytes: 100_000,
            ..Limits::default()
        };
        let node = Node::start(limits).await;
        let mut callee = Link::join(&node, ROOMY).await;
        callee.register("echo").await;
        let mut caller = Link::join(&node, NARROW).await;
        let mut calls = Vec::new();
        for number in 0..50 {
            calls.extend(caller.next_request(48, &[json!({}), json!("echo"), json!([number])]));
        }
        caller.write(&calls).await;
        for _ in 0..50 {
            let invocation = callee.receive().await;
            callee
                .send(&json!([70, invocation[1], {}, [text(5_000)]]))
                .await;
        }
        // 250 kB for a budget of 100 kB; time stands still, so it was no deadline.
        let began = tokio::time::Instant::now();
        assert!(caller.read_to_end().await.len() <= NARROW);
        assert_eq!(began.elapsed(), Duration::ZERO);
        let other = callee.request(32, &[json!({}), json!("a.b")]).await;
        assert_eq!(other[0], json!(33));
    });
}

#[test]
fn beyond_the_budget_of_all_peers_together_the_slowest_is_closed_and_it_alone() {
    in_virtual_time(async {
        let limits = Limits {
            outbox_bytes: 1_000_000,
            outbox_bytes_total: 1_500_000,
            ..Limits::default()
        };
        let node = Node::start(limits).await;
        let mut publisher = Link::join(&node, ROOMY).await;
        let mut slow = Vec::new();
        for (name, events) in [("a", 4), ("b", 9), ("c", 3)] {
            let mut link = Link::join(&node, NARROW).await;
            link.subscribe(name).await;
            for number in 0..events {
                // 1.6 MB in the end, 0.9 MB of them for b.
                publisher
                    .publish(name, &json!([number, text(100_000)]))
                    .await;
            }
            slow.push((link, events));
        }
        for (index, (mut link, events)) in slow.into_iter().enumerate() {
            if index == 1 {
                assert!(link.read_to_end().await.len() <= NARROW);
                continue;
            }
            for number in 0..events {
                assert_eq!(link.receive().await[4][0][0], json!(number));
            }
        }
    });
}

#[test]
fn an_invocation_that_does_not_fit_is_its_callers_error_and_the_next_that_does_is_none() {
    in_virtual_time(async {
        let limits = Limits {
            outbox_bytes: 100_000,
            ..Limits::default()
        };
        let node = Node::start(limits).await;
        let mut callee = Link::join(&node, NARROW).await;
        callee.register("echo").await;
        let mut caller = Link::join(&node, ROOMY).await;
        for _ in 0..30 {
            let args = json!([text(5_000)]);
            let call = caller.next_request(48, &[json!({}), json!("echo"), args]);
            caller.write(&call).await;
        }
        let refused = caller.receive().await;
        assert_eq!(refused[4], json!("wamp.error.no_available_callee"));
        let first_refused = refused[2].as_u64().unwrap();
        for request in first_refused + 1..=30 {
            let refused = caller.receive().await;
            assert_eq!(refused[2], json!(request));
            assert_eq!(refused[4], json!("wamp.error.no_available_callee"));
        }
        for request in 1..first_refused {
            let invocation = callee.receive().await;
            assert_eq!(invocation[1], json!(request));
            callee.send(&json!([70, invocation[1], {}, ["done"]])).await;
            assert_eq!(caller.receive().await, json!([50, request, {}, ["done"]]));
        }
        let call = caller.next_request(48, &[json!({}), json!("echo"), json!(["fits"])]);
        caller.write(&call).await;
        assert_eq!(callee.receive().await[4], json!(["fits"]));
    });
}

#[test]
fn a_session_holds_so_many_subscriptions_registrations_and_calls_and_no_more() {
    in_virtual_time(async {
        let limits = Limits {
            session_subscriptions: 2,
            session_registrations: 2,
            session_calls: 2,
            session_invocations: 3,
            ..Limits::default()
        };
        let node = Node::start(limits).await;
        let mut peer = Link::join(&node, ROOMY).await;
        for (code, granted) in [(32, 33), (64, 65)] {
            for name in ["a.one", "a.two"] {
                let answer = peer.request(code, &[json!({}), json!(name)]).await;
                assert_eq!(answer[0], json!(granted));
            }
            let refused = peer.request(code, &[json!({}), json!("a.three")]).await;
            assert_eq!(refused[0], json!(8));
            assert_eq!(refused[1], json!(code));
            assert_eq!(refused[4], json!("wamp.error.unavailable"));
        }
        // One given back makes room for one.
        let back = peer.request(34, &[json!(1)]).await;
        assert_eq!(back[0], json!(35), "{back}");
        peer.subscribe("a.three").await;

        let mut callers = [
            Link::join(&node, ROOMY).await,
            Link::join(&node, ROOMY).await,
        ];
        for _ in 0..2 {
            let call = callers[0].next_request(48, &[json!({}), json!("a.one")]);
            callers[0].write(&call).await;
            assert_eq!(peer.receive().await[0], json!(68));
        }
        let third = callers[0].request(48, &[json!({}), json!("a.one")]).await;
        assert_eq!(third[4], json!("wamp.error.unavailable"));
        // The callee's own bound: three invocations, whoever asks.
        let call = callers[1].next_request(48, &[json!({}), json!("a.one")]);
        callers[1].write(&call).await;
        assert_eq!(peer.receive().await[0], json!(68));
        let fourth = callers[1].request(48, &[json!({}), json!("a.one")]).await;
        assert_eq!(fourth[4], json!("wamp.error.no_available_callee"));
    });
}

#[test]
fn beyond_the_limit_of_connections_none_is_served_until_one_ends() {
    in_real_time(async {
        let limits = Limits {
            connections: 1,
            ..Limits::default()
        };
        let node = Node::start(limits).await;
        let request = handshake(node.url(), "wamp.2.json");
        // Whether the router serves this connection.
        let serves = async |stream: &mut TcpStream| {
            let mut status = [0; 12];
            let is_sent = stream.write_all(request.as_bytes()).await.is_ok();
            is_sent && stream.read_exact(&mut status).await.is_ok() && status == *b"HTTP/1.1 101"
        };
        let connect = || TcpStream::connect(authority(node.url()));
        let mut first = connect().await.unwrap();
        assert!(serves(&mut first).await);
        for _ in 0..10 {
            assert!(!serves(&mut connect().await.unwrap()).await);
        }
        first.write_all(&close_frame(1000)).await.unwrap();
        // Its place is free when its task has ended, which nobody is told.
        while !serves(&mut connect().await.unwrap()).await {}
    });
}

/// Answers every call with its own arguments, to the end of the session.
async fn echo(mut callee: Link) {
    while let Some(frame) = callee.frame().await {
        let invocation: Value = serde_json::from_slice(&frame.payload).unwrap();
        callee
            .send(&json!([70, invocation[1], {}, invocation[4]]))
            .await;
    }
}

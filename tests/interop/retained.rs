//! Events that the broker keeps for those who subscribe later.
//!
//! All libraries can ask for them. wampy takes `retain` of a publisher and does not send it; nothing is published with it here.
//! Crossbar.io delivers a retained event under another publication id than it acknowledged.

use serde_json::{Value, json};

use crate::crossbar;
use crate::peer::Library::{AutobahnJs, AutobahnPython, Wampy};
use crate::support::Router;

#[test]
fn who_subscribes_later_gets_the_retained_event() {
    let router = Router::start();
    for match_policy in ["exact", "prefix", "wildcard"] {
        let kept = retains(router.url(), match_policy);
        assert!(
            kept.iter().all(|ids| ids[0] == ids[1]),
            "{match_policy}: {kept:?}"
        );
    }
}

#[test]
fn who_subscribes_later_gets_the_retained_event_on_crossbar() {
    retains(crossbar::url(), "exact");
}

/// Returns under which publication ids the events were acknowledged and delivered.
#[track_caller]
fn retains(url: &str, match_policy: &str) -> Vec<[Value; 2]> {
    let mut ids = Vec::new();
    for library in [AutobahnPython, AutobahnJs] {
        let base = format!("com.retained.{match_policy}.{library:?}");
        let topic = format!("{base}.news.last");
        let pattern = match match_policy {
            "prefix" => format!("{base}.news"),
            "wildcard" => format!("{base}..last"),
            _ => topic.clone(),
        };
        let mut publisher = library.join(url, "cbor");
        publisher.publish_with(&topic, &json!(["old"]), &json!({"retain": true}));
        let retained = publisher.publish_with(&topic, &json!(["kept"]), &json!({"retain": true}));
        publisher.publish(&topic, &json!(["passing"]), &json!({}));
        let subscribers = [
            (AutobahnPython, "json"),
            (AutobahnJs, "msgpack"),
            (Wampy, "json"),
        ];
        for (library, serializer) in subscribers {
            let mut late = library.join(url, serializer);
            let options = json!({"match": match_policy, "get_retained": true});
            late.subscribe_with(&pattern, &options);
            let event = late.event();
            assert_eq!(
                (&event["topic"], &event["args"], &event["retained"]),
                (&json!(topic), &json!(["kept"]), &json!(true)),
                "{library:?}"
            );
            if library != Wampy {
                ids.push([retained["published"].clone(), event["publication"].clone()]);
            }
            let mut uninterested = library.join(url, serializer);
            uninterested.subscribe(&pattern, match_policy);
            publisher.publish(&topic, &json!(["live"]), &json!({}));
            for mut peer in [late, uninterested] {
                let event = peer.event();
                assert_eq!(event["args"], json!(["live"]), "{library:?}");
                assert_eq!(event["retained"], Value::Null, "{library:?}");
                peer.leave();
            }
        }
        publisher.leave();
    }
    ids
}

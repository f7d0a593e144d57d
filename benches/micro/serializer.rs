//! Messages to and from bytes: heads of the busiest messages, with payload that hardly counts and much of it.

use std::hint::black_box;

use bytes::BytesMut;
use criterion::Criterion;
use wamp::protocol::message::{Call, Event, Publish};
use wamp::protocol::{
    CallOptions, Dict, EventDetails, Message, Payload, PublicationId, PublishOptions, RequestId,
    SubscriptionId, Value,
};
use wamp::serializer::Serializer;

/// Runs all of them.
pub(crate) fn bench(criterion: &mut Criterion) {
    for serializer in Serializer::ALL {
        for (size, bytes) in [("16 B", 16), ("64 KiB", 64 << 10)] {
            for message in messages(serializer, bytes) {
                let what = format!("{}/{} {size}", serializer.name(), message.code().name());
                // As a transport hands it over: memory that is already shared.
                let frame = BytesMut::from(&*serializer.encode(&message)).freeze();
                let _shared = frame.clone();
                criterion.bench_function(&format!("decode/{what}"), |bencher| {
                    bencher.iter(|| serializer.decode(black_box(&frame)));
                });
                criterion.bench_function(&format!("encode/{what}"), |bencher| {
                    bencher.iter(|| serializer.encode(black_box(&message)));
                });
            }
        }
    }
    transcode(criterion);
}

/// What a writer pays whose peer speaks another serializer than the message came in.
fn transcode(criterion: &mut Criterion) {
    for (from, to) in [
        (Serializer::Json, Serializer::MsgPack),
        (Serializer::MsgPack, Serializer::Json),
        (Serializer::Cbor, Serializer::Json),
    ] {
        let what = format!("transcode/{} to {}/EVENT 16 B", from.name(), to.name());
        let [.., message] = messages(from, 16);
        criterion.bench_function(&what, |bencher| {
            bencher.iter(|| to.encode(black_box(&message)));
        });
    }
}

/// CALL, PUBLISH and EVENT with one text of so many bytes.
fn messages(serializer: Serializer, bytes: usize) -> [Message; 3] {
    let args = [Value::from("0123456789abcdef".repeat(bytes / 16))];
    let payload = Payload::from_values(serializer, &args, &Dict::new());
    let call = Call {
        request: RequestId::from_random(239_714_734),
        options: CallOptions::default(),
        procedure: "com.example.procedure".into(),
        payload: payload.clone(),
    };
    let publish = Publish {
        request: RequestId::from_random(239_714_734),
        options: PublishOptions::default(),
        topic: "com.example.topic".into(),
        payload: payload.clone(),
    };
    let event = Event {
        subscription: SubscriptionId::from_random(5_512_315_355),
        publication: PublicationId::from_random(4_429_313_565_781_234),
        details: EventDetails::default(),
        payload,
    };
    [call.into(), publish.into(), event.into()]
}

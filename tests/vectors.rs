//! The specification's own messages: read from every serializer's bytes, and written back to the same ones.
//!
//! They are not part of this package. They lie where `WAMP_SPEC_VECTORS` says, else in `../shared/vectors`.
//! Samples about options have no bytes: they are written in each serializer's, and taken or refused as they say.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::Value as Json;
use wamp::protocol::{Dict, Message, Value};
use wamp::router::Violation;
use wamp::serializer::{DecodeError, Serializer};

/// One sample: its name, and the bytes that each serializer may have for it.
struct Sample {
    name: String,
    variants: Vec<(Serializer, Vec<Bytes>)>,
}

#[test]
fn the_specifications_messages_are_read_and_written_as_it_says() {
    let Some(files) = files() else { return };
    let samples: Vec<Sample> = files.iter().flat_map(|file| samples(file)).collect();
    let mut codes = BTreeSet::new();
    let mut exact = 0;
    for sample in &samples {
        let (message, is_exact) = check(sample);
        codes.insert(message.code());
        exact += usize::from(is_exact);
    }
    assert!(samples.len() >= 35, "{} samples", samples.len());
    assert!(codes.len() >= 25, "{} messages", codes.len());
    assert!(exact >= 25, "{exact} samples written back byte for byte");
}

#[test]
fn the_specifications_options_are_taken_and_refused_as_it_says() {
    let Some(files) = files() else { return };
    let (mut taken, mut refused) = (0, 0);
    for file in &files {
        let vector: Json = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        for sample in vector["samples"].as_array().unwrap() {
            if sample["wmsg"].is_null() {
                continue;
            }
            let description = sample["description"].as_str().unwrap();
            let message = message_of(&sample["wmsg"]);
            match sample["expected_error"]["contains"].as_str() {
                None => taken += 1,
                Some(_) => refused += 1,
            }
            for serializer in Serializer::ALL {
                let decoded = serializer.decode(&serializer.encode_value(&message));
                check_verdict(description, &sample["expected_error"], decoded);
            }
        }
    }
    assert!(
        taken >= 39 && refused >= 28,
        "{taken} taken, {refused} refused"
    );
}

/// Checks that a message was taken, or that its refusal ends the session and names what it is about.
fn check_verdict(sample: &str, expected_error: &Json, decoded: Result<Message, DecodeError>) {
    let Some(about) = expected_error["contains"].as_str() else {
        decoded.unwrap_or_else(|error| panic!("{sample}: {error}"));
        return;
    };
    let error = decoded.expect_err(sample);
    assert!(error.to_string().contains(about), "{sample}: {error}");
    let abort = Violation::from(error).abort();
    let reason = format!("wamp.error.{}", expected_error["type"].as_str().unwrap());
    assert_eq!(abort.reason.as_str(), reason, "{sample}");
}

/// A message of the samples. They write a payload that is binary in hexadecimal.
fn message_of(sample: &Json) -> Value {
    let json = serde_json::to_vec(sample).unwrap();
    let message = Serializer::Json.decode_value(&json.into()).unwrap();
    let Value::List(mut elements) = message else {
        panic!("no list: {sample}");
    };
    if let Some(payload) = elements.last_mut()
        && let (Value::Text(hex), true) = (&*payload, sample.to_string().contains("enc_algo"))
    {
        *payload = Value::Bytes(bytes_of_hex(hex));
    }
    Value::List(elements)
}

/// The files with single messages; `None` in a clone that has no vectors.
fn files() -> Option<Vec<PathBuf>> {
    let folder = folder()?;
    let mut files = Vec::new();
    for chapter in ["basic", "advanced"] {
        let chapter = folder.join("singlemessage").join(chapter);
        files.extend(
            fs::read_dir(chapter)
                .unwrap()
                .map(|file| file.unwrap().path()),
        );
    }
    files.sort();
    Some(files)
}

/// The folder of the vectors; `None`, and a word about it, in a clone that has none.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("WAMP_SPEC_VECTORS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors"),
        PathBuf::from,
    );
    if folder.join("singlemessage").is_dir() {
        return Some(folder);
    }
    let absent = format!(
        "the specification's vectors are not in {}: nothing was tested (set WAMP_SPEC_VECTORS)",
        folder.display()
    );
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "{absent}"
    );
    say(&absent);
    None
}

/// Says something on the screen, where the test passes too: only what the macros print is held back.
fn say(what: &str) {
    writeln!(io::stderr(), "{what}").unwrap();
}

/// The samples of a file that carry bytes of serializers we have.
fn samples(file: &Path) -> Vec<Sample> {
    let vector: Json = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let mut samples = Vec::new();
    for sample in vector["samples"].as_array().unwrap() {
        let variants: Vec<_> = Serializer::ALL
            .into_iter()
            .filter_map(|serializer| {
                let variants = sample["serializers"][serializer.name()].as_array()?;
                Some((serializer, variants.iter().map(bytes_of).collect()))
            })
            .collect();
        if !variants.is_empty() {
            let name = file.file_name().unwrap().display();
            samples.push(Sample {
                name: format!("{name}: {}", sample["description"]),
                variants,
            });
        }
    }
    samples
}

fn bytes_of(variant: &Json) -> Bytes {
    bytes_of_hex(variant["bytes_hex"].as_str().unwrap())
}

fn bytes_of_hex(hex: &str) -> Bytes {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    assert!(rest.is_empty());
    pairs
        .iter()
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Checks a sample, and says whether all that it holds was written back.
fn check(sample: &Sample) -> (Message, bool) {
    let name = &sample.name;
    let mut first: Option<(Message, Value)> = None;
    let mut is_exact = true;
    for (serializer, variants) in &sample.variants {
        for bytes in variants {
            let message = serializer
                .decode(bytes)
                .unwrap_or_else(|error| panic!("{name}: {serializer:?}: {error}"));
            let whole = serializer.decode_value(bytes).unwrap();
            let (_, meaning) = first.get_or_insert_with(|| (message.clone(), whole.clone()));
            assert_eq!(&whole, meaning, "{name}: {serializer:?}");

            for other in Serializer::ALL {
                let written = other.encode(&message);
                let written_whole = other.decode_value(&written).unwrap();
                is_exact &= written_whole == whole;
                check_written(name, &written_whole, &whole);
            }
            // Its payload is in the same serializer's bytes, and stays what it was.
            let written = serializer.encode(&message);
            assert!(
                !is_exact || variants.contains(&written),
                "{name}: {written:?}"
            );
        }
        let (message, _) = first.as_ref().unwrap();
        let transcoded = serializer.encode(message);
        assert!(
            !is_exact || variants.contains(&transcoded),
            "{name}: {transcoded:?}"
        );
    }
    let (message, _) = first.unwrap();
    (message, is_exact)
}

/// Fails where more is lost than options that nobody here knows.
fn check_written(name: &str, written: &Value, whole: &Value) {
    let (Value::List(written), Value::List(whole)) = (written, whole) else {
        panic!("{name}: no list");
    };
    assert_eq!(written.len(), whole.len(), "{name}");
    let mut options_seen = false;
    for (written, whole) in written.iter().zip(whole) {
        match (written, whole) {
            (Value::Dict(written), Value::Dict(whole)) if !options_seen => {
                options_seen = true;
                check_options(name, written, whole);
            }
            _ => assert_eq!(written, whole, "{name}"),
        }
    }
}

fn check_options(name: &str, written: &Dict, whole: &Dict) {
    for (key, value) in written.iter() {
        match (value, whole.get(key)) {
            (Value::Dict(written), Some(Value::Dict(whole))) => check_options(name, written, whole),
            (value, original) => assert_eq!(Some(value), original, "{name}: {key}"),
        }
    }
}

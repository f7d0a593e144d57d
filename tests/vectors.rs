//! The specification's own messages: read from every serializer's bytes, and written back to the same ones.
//!
//! They are not part of this package. They lie where `WAMP_SPEC_VECTORS` says, else in `../shared/vectors`.
//! Samples that are to be refused are another matter: they are about options, not about bytes.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::Value as Json;
use wamp::protocol::{Dict, Message, Value};
use wamp::serializer::Serializer;

/// One sample: its name, and the bytes that each serializer may have for it.
struct Sample {
    name: String,
    variants: Vec<(Serializer, Vec<Bytes>)>,
}

#[test]
fn the_specifications_messages_are_read_and_written_as_it_says() {
    let Some(folder) = folder() else { return };
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

/// The folder of the vectors; `None`, and a word about it, in a clone that has none.
fn folder() -> Option<PathBuf> {
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
    let hex = variant["bytes_hex"].as_str().unwrap().as_bytes();
    let (pairs, rest) = hex.as_chunks::<2>();
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

//! Who may sign in to a realm: tables of principals, in a config or in a users file of their own.
//!
//! What is said of them is what [`auth`](crate::auth) keeps: secrets as they are, or keys derived from them, which
//! `wamp keygen` prints as they stand here. No message about them quotes a secret.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytestring::ByteString;

use super::section::Section;
use crate::auth::{
    Cost, CraKey, Kdf, Principal, PublicKey, Record, Salting, ScramForm, ScramKeys, Ticket,
    check_name,
};

/// What clients work out at most.
const ITERATIONS_MAX: usize = 10_000_000;
const KEY_BYTES_MAX: usize = 1024;
const MEMORY_MAX: usize = 1024 * 1024;
/// The settings with which a principal can sign in.
const WAYS: [&str; 7] = [
    "ticket",
    "ticket_sha256",
    "secret",
    "wampcra",
    "scram",
    "public_keys",
    "certificates",
];

/// A file with principals, which the router reads again when it has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Users {
    /// Where it is.
    pub file: PathBuf,
    /// Who was in it when it was read.
    pub principals: Vec<Principal>,
    /// What tells it from what it will be.
    pub stamp: Stamp,
}

/// What tells a file from what it was before: device, number, length, time; nothing where there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(Option<(u64, u64, u64, i64, i64)>);

impl Stamp {
    /// That of a file as it is now.
    #[must_use]
    pub fn of(file: &Path) -> Self {
        let found = file.metadata().ok();
        Self(found.map(|it| (it.dev(), it.ino(), it.len(), it.mtime(), it.mtime_nsec())))
    }
}

/// Whether there is something among them that opens a door for who reads it, at once or by guessing.
pub(super) fn has_secrets(principals: &[Principal]) -> bool {
    let is_secret = |record: &Record| !matches!(record, Record::Cryptosign(_));
    let mut records = principals.iter().flat_map(|it| &it.records);
    records.any(is_secret)
}

/// Reads the principals of a realm, or of a users file; `others` are those who are there already.
pub(super) fn principals(
    section: &mut Section<'_>,
    others: &[Principal],
) -> Option<Vec<Principal>> {
    let mut authids: HashSet<ByteString> = others.iter().map(|it| it.authid.clone()).collect();
    let keys = others.iter().flat_map(|it| &it.records);
    let mut keys: HashSet<String> = keys.filter_map(public_key).collect();
    let certificates = others.iter().flat_map(|it| &it.certificates);
    let mut certificates: HashSet<[u8; 32]> = certificates.copied().collect();
    let principals = section.sections("principals", |table| {
        let principal = principal(table)?;
        if !authids.insert(principal.authid.clone()) {
            table.refuse_key("authid", "there is a principal of this name already");
        }
        let mut own = principal.records.iter().filter_map(public_key);
        if own.any(|key| !keys.insert(key)) {
            table.refuse_key("public_keys", "one of these is a principal's already");
        }
        let mut own = principal.certificates.iter();
        if own.any(|certificate| !certificates.insert(*certificate)) {
            table.refuse_key("certificates", "one of these is a principal's already");
        }
        Some(principal)
    })?;
    Some(principals.into_iter().flatten().collect())
}

fn public_key(record: &Record) -> Option<String> {
    match record {
        Record::Cryptosign(key) => Some(key.to_hex()),
        Record::Ticket(_) | Record::WampCra(_) | Record::Scram(_) => None,
    }
}

fn principal(table: &mut Section<'_>) -> Option<Principal> {
    let authid = table.text("authid", name);
    let authid = table.need("authid", authid);
    let authrole = table.text("role", name);
    let authrole = table.need("role", authrole);
    let ticket = table.text("ticket", |text| secret(text).map(Ticket::new));
    let digest = table.text("ticket_sha256", |text| hex32(text).map(Ticket::from_sha256));
    refuse_both(table, "ticket", "ticket_sha256");
    let plain = table.text("secret", |text| secret(text).map(CraKey::plain));
    let salted = table.section("wampcra", wampcra).flatten();
    refuse_both(table, "secret", "wampcra");
    let scram = table.sections("scram", scram).into_iter().flatten();
    let keys = table.texts("public_keys", |text| {
        PublicKey::from_hex(text).map_err(|_| "write an Ed25519 key in 64 hex digits".to_owned())
    });
    let certificates = table.texts("certificates", fingerprint);
    let ticket = ticket.or(digest).map(Record::Ticket);
    let wampcra = plain.or(salted).map(Record::WampCra);
    let keys = keys.into_iter().flatten().map(Record::Cryptosign);
    let records = ticket.into_iter().chain(wampcra);
    let records = records
        .chain(scram.flatten().map(Record::Scram))
        .chain(keys);
    if !WAYS.iter().any(|way| table.has(way)) {
        let ways = WAYS.join(", ");
        table.refuse(format!(
            "has nothing to sign in with, which is one or more of {ways}"
        ));
    }
    Some(Principal {
        authid: authid?,
        authrole: authrole?,
        authprovider: ByteString::from_static("static"),
        records: records.collect(),
        certificates: certificates.unwrap_or_default(),
    })
}

fn refuse_both(table: &Section<'_>, one: &str, other: &str) {
    if table.has(one) && table.has(other) {
        table.refuse_key(
            other,
            format!("there is `{one}` already, which is for the same"),
        );
    }
}

/// A key derived from a secret, as `wamp keygen --wampcra` prints it.
fn wampcra(table: &mut Section<'_>) -> Option<CraKey> {
    let key = table.text("key", |text| {
        let bytes = BASE64_STANDARD.decode(text);
        let bytes = bytes.map_err(|_| "write it in base64".to_owned())?;
        Ok((text.to_owned(), bytes.len()))
    });
    let key = table.need("key", key);
    let salt = table.text("salt", |text| secret(text).map(ByteString::from));
    let salt = table.need("salt", salt);
    let iterations = count(table, "iterations", ITERATIONS_MAX);
    let key_bytes = count(table, "keylen", KEY_BYTES_MAX);
    let (key, length) = key?;
    let salting = Salting {
        salt: salt?,
        iterations: iterations?,
        key_bytes: key_bytes?,
    };
    if length != salting.key_bytes as usize {
        table.refuse_key("key", format!("has {length} bytes, not those of `keylen`"));
    }
    Some(CraKey::salted(&key, salting))
}

/// Two keys derived from a password, as `wamp keygen --scram` prints them; how they were derived says for which method.
fn scram(table: &mut Section<'_>) -> Option<ScramKeys> {
    let kdf = table.choice(
        "kdf",
        &[
            ("argon2id13", (ScramForm::Specification, Kdf::Argon2id13)),
            ("pbkdf2", (ScramForm::Specification, Kdf::Pbkdf2)),
            ("argon2id-13", (ScramForm::Autobahn, Kdf::Argon2id13)),
        ],
    );
    let kdf = table.need("kdf", kdf);
    let salt = table.text("salt", |text| {
        hex::decode(text).map_err(|_| "write it in hex".to_owned())
    });
    let salt = table.need("salt", salt);
    let iterations = count(table, "iterations", ITERATIONS_MAX);
    let memory = match kdf {
        Some((_, Kdf::Argon2id13)) => count(table, "memory", MEMORY_MAX),
        Some((_, Kdf::Pbkdf2)) => Some(0),
        None => table.count("memory", &(0..=MEMORY_MAX)).map(|_| 0),
    };
    let [stored, server] = ["stored_key", "server_key"].map(|name| {
        let key = table.text(name, hex32);
        table.need(name, key)
    });
    let (form, kdf) = kdf?;
    let cost = Cost {
        kdf,
        salt: salt?,
        iterations: iterations?,
        memory: memory?,
    };
    if let Err(error) = cost.check() {
        table.refuse(format!("no client works this out: {error}"));
    }
    Some(ScramKeys {
        form,
        cost,
        stored: stored?,
        server: server?,
    })
}

/// A number that there must be.
fn count(table: &mut Section<'_>, key: &'static str, most: usize) -> Option<u32> {
    let count = table.count(key, &(1..=most));
    table.need(key, count)?.try_into().ok()
}

/// A name of a principal or a role.
pub(super) fn name(text: &str) -> Result<ByteString, String> {
    check_name(text).map_err(|why| why.to_string())?;
    Ok(text.into())
}

fn secret(text: &str) -> Result<&str, String> {
    if text.is_empty() {
        Err("there is nothing in it".to_owned())
    } else {
        Ok(text)
    }
}

/// SHA-256 of a certificate, also with colons between its bytes, as OpenSSL prints it.
fn fingerprint(text: &str) -> Result<[u8; 32], String> {
    hex32(&text.replace(':', ""))
        .map_err(|_| "write a certificate's SHA-256 in 64 hex digits".to_owned())
}

fn hex32(text: &str) -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    let decoded = hex::decode_to_slice(text, &mut bytes);
    decoded.map_err(|_| "write it in 64 hex digits".to_owned())?;
    Ok(bytes)
}

//! What a procedure says of a principal that it is asked about: Crossbar.io's answers of a dynamic authenticator.
//!
//! A text is a role. A dict has `role`, and what the method takes: `secret` (with `salt`, `iterations` and `keylen` where it
//! is to be salted), `pubkey`, SCRAM's keys, or `ticket`; `authid`, `realm` and `extra` where they are to be others.

use bytestring::ByteString;

use super::cryptosign::PublicKey;
use super::extra::{self, ExtraError};
use super::kdf::{Cost, Kdf};
use super::name::{NameError, check_name};
use super::record::Record;
use super::scram::{Form, Keys};
use super::ticket::Ticket;
use super::wampcra::{CraKey, Salting};
use crate::protocol::{Dict, Value};

/// How often a secret is hashed for a challenge. bound: the router does it, for whoever says HELLO.
const ITERATIONS_MAX: u32 = 100_000;

/// A principal as a procedure describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Who it is, where that is not what it claims.
    pub authid: Option<ByteString>,
    /// What it may do.
    pub authrole: ByteString,
    /// The realm it belongs to, where the procedure says so.
    pub realm: Option<ByteString>,
    /// How it proves who it is, by each method that there is something for.
    pub records: Vec<Record>,
}

/// An answer that says nothing of use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToldError {
    /// Neither a role nor a dict.
    #[error("it is {0}, neither a role nor a dict")]
    Kind(&'static str),
    /// Something is missing, or not what it should be.
    #[error("it {0}")]
    Extra(#[from] ExtraError),
    /// A name that is none.
    #[error("{0}")]
    Name(#[from] NameError),
    /// A key that no client works out, or this router does not.
    #[error("it asks for a key that is not worked out")]
    Dear,
}

impl Told {
    /// Reads an answer, and `extra` for WELCOME. Cost: 100,000 rounds of PBKDF2, where a secret is to be salted.
    ///
    /// # Errors
    /// [`ToldError`].
    pub fn read(answer: &Value) -> Result<(Self, Option<Dict>), ToldError> {
        let dict = match answer {
            Value::Text(role) => &[("role", Value::Text(role.clone()))].into_iter().collect(),
            Value::Dict(dict) => dict,
            other => return Err(ToldError::Kind(other.kind())),
        };
        let told = Self {
            authid: name(dict, "authid")?,
            authrole: name(dict, "role")?.ok_or(ExtraError::Missing("role"))?,
            realm: extra::optional_text(dict, "realm")?.map(Into::into),
            records: records(dict)?,
        };
        let extra = match dict.get("extra") {
            Some(Value::Dict(extra)) => Some(extra.clone()),
            _ => None,
        };
        Ok((told, extra))
    }
}

fn name(dict: &Dict, key: &'static str) -> Result<Option<ByteString>, ToldError> {
    let Some(name) = extra::optional_text(dict, key)? else {
        return Ok(None);
    };
    check_name(name)?;
    Ok(Some(name.into()))
}

fn records(dict: &Dict) -> Result<Vec<Record>, ToldError> {
    let mut records = Vec::new();
    if let Some(ticket) = extra::optional_text(dict, "ticket")? {
        records.push(Record::Ticket(Ticket::new(ticket)));
    }
    if let Some(secret) = extra::optional_text(dict, "secret")? {
        records.push(Record::WampCra(cra_key(secret, dict)?));
    }
    if dict.get("stored-key").is_some() {
        records.push(Record::Scram(scram(dict)?));
    }
    if let Some(key) = extra::optional_text(dict, "pubkey")? {
        records.push(Record::Cryptosign(PublicKey::from_hex(key)?));
    }
    Ok(records)
}

fn cra_key(secret: &str, dict: &Dict) -> Result<CraKey, ToldError> {
    let salt = extra::optional_text(dict, "salt")?;
    let is_salted = dict.get("iterations").is_some() && dict.get("keylen").is_some();
    let Some(salt) = salt.filter(|_| is_salted) else {
        return Ok(CraKey::plain(secret));
    };
    let salting = Salting {
        salt: salt.into(),
        iterations: extra::number(dict, "iterations")?,
        key_bytes: extra::number(dict, "keylen")?,
    };
    if salting.iterations > ITERATIONS_MAX {
        return Err(ToldError::Dear);
    }
    CraKey::derive(secret, salting).map_err(|_| ToldError::Dear)
}

fn scram(dict: &Dict) -> Result<Keys, ToldError> {
    let (form, kdf) = match extra::text(dict, "kdf")? {
        "argon2id-13" => (Form::Autobahn, Kdf::Argon2id13),
        "argon2id13" => (Form::Specification, Kdf::Argon2id13),
        "pbkdf2" => (Form::Specification, Kdf::Pbkdf2),
        _ => return Err(extra::invalid("kdf", "function that is known").into()),
    };
    let salt = extra::text(dict, "salt")?;
    let salt = hex::decode(salt).map_err(|_| extra::invalid("salt", "hex"))?;
    let memory = match kdf {
        Kdf::Argon2id13 => extra::number(dict, "memory")?,
        Kdf::Pbkdf2 => 0,
    };
    let cost = Cost {
        kdf,
        salt,
        iterations: extra::number(dict, "iterations")?,
        memory,
    };
    cost.check().map_err(|_| ToldError::Dear)?;
    Ok(Keys {
        form,
        cost,
        stored: key(dict, "stored-key")?,
        server: key(dict, "server-key")?,
    })
}

fn key(dict: &Dict, name: &'static str) -> Result<[u8; 32], ExtraError> {
    let mut key = [0; 32];
    let decoded = hex::decode_to_slice(extra::text(dict, name)?, &mut key);
    decoded.map_err(|_| extra::invalid(name, "key of 64 hex digits"))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dict<const N: usize>(entries: [(&'static str, Value); N]) -> Value {
        entries.into_iter().collect::<Dict>().into()
    }

    #[test]
    fn a_text_is_a_role() {
        let (told, extra) = Told::read(&"member".into()).unwrap();
        assert_eq!(told.authrole, "member");
        assert_eq!((told.authid, extra, told.records.len()), (None, None, 0));
    }

    #[test]
    fn a_dict_says_how_it_is_proved() {
        let salted = [
            ("role", Value::from("member")),
            ("secret", "pencil".into()),
            ("salt", "salt123".into()),
            ("iterations", 100_u64.into()),
            ("keylen", 32_u64.into()),
        ];
        let (told, _) = Told::read(&dict(salted)).unwrap();
        let salting = Salting {
            salt: "salt123".into(),
            iterations: 100,
            key_bytes: 32,
        };
        let key = CraKey::derive("pencil", salting).unwrap();
        assert_eq!(told.records, [Record::WampCra(key)]);
        let plain = dict([("role", "member".into()), ("secret", "pencil".into())]);
        let (told, _) = Told::read(&plain).unwrap();
        assert_eq!(told.records, [Record::WampCra(CraKey::plain("pencil"))]);
    }

    #[test]
    fn what_says_nothing_of_use_is_told_apart() {
        let role = || ("role", Value::from("member"));
        for (answer, why) in [
            (Value::Null, "it is null, neither a role nor a dict"),
            ("a b".into(), "a name holds no ' '"),
            (
                "".into(),
                "a name has no empty part: no dot at an end, no two in a row",
            ),
            (dict([]), "it holds no \"role\""),
            (
                dict([role(), ("authid", "*".into())]),
                "a name holds no '*'",
            ),
            (
                dict([role(), ("pubkey", "00".into())]),
                "it holds a \"pubkey\" that is no Ed25519 key of 64 hex digits",
            ),
            (
                dict([role(), ("stored-key", "00".into())]),
                "it holds no \"kdf\"",
            ),
            (
                dict([
                    role(),
                    ("secret", "x".into()),
                    ("salt", "s".into()),
                    ("iterations", 100_001_u64.into()),
                    ("keylen", 32_u64.into()),
                ]),
                "it asks for a key that is not worked out",
            ),
        ] {
            assert_eq!(
                Told::read(&answer).unwrap_err().to_string(),
                why,
                "{answer:?}"
            );
        }
    }
}

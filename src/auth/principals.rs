//! Who may sign in to a realm, and what those are shown whom nobody knows.
//!
//! An authid that nobody has is challenged like any other, in the same way each time, and refused in the same words:
//! who asks learns nothing of who there is. Spec: ap#wamp-scram, "mock CHALLENGE".

use std::collections::HashMap;

use bytestring::ByteString;
use hmac::Mac as _;

use super::cryptosign::{PrivateKey, PublicKey};
use super::hmac_sha256;
use super::record::Record;
use super::scram::Keys;
use super::sign_in::Method;
use super::ticket::Ticket;
use crate::protocol::{Dict, HelloDetails};

/// Somebody who may sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Who it is.
    pub authid: ByteString,
    /// What it may do.
    pub authrole: ByteString,
    /// Who vouches for it.
    pub authprovider: ByteString,
    /// How it proves who it is; several of one method are its keys.
    pub records: Vec<Record>,
    /// Certificates that are its own, by their SHA-256: TLS proves that it has them.
    pub certificates: Vec<[u8; 32]>,
}

/// Everybody who may sign in to a realm.
#[derive(Clone, Debug)]
pub struct Principals {
    by_authid: HashMap<ByteString, Principal>,
    /// Who signs in with a key need not say who it is.
    by_key: HashMap<String, ByteString>,
    by_certificate: HashMap<[u8; 32], ByteString>,
    /// The names of all, of whose records decoys take their shape. Ordered: a decoy stays the same.
    names: Vec<ByteString>,
    /// What decoys are made of; nobody may know it.
    secret: [u8; 32],
}

/// Whom a client is challenged as, and with what.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Who it is, if it proves that. A decoy's proof never succeeds.
    pub principal: Principal,
    /// What the proof is checked against.
    pub record: Record,
}

impl Principals {
    /// `secret` is random, and best the same after a restart: decoys are made of it.
    #[must_use]
    pub fn new(principals: impl IntoIterator<Item = Principal>, secret: [u8; 32]) -> Self {
        let by_authid: HashMap<_, _> = principals
            .into_iter()
            .map(|principal| (principal.authid.clone(), principal))
            .collect();
        let mut by_key = HashMap::new();
        let certificates = |it: &Principal| {
            let authid = it.authid.clone();
            let certificates = it.certificates.clone().into_iter();
            certificates.map(move |certificate| (certificate, authid.clone()))
        };
        let by_certificate = by_authid.values().flat_map(certificates).collect();
        let mut names: Vec<ByteString> = by_authid.keys().cloned().collect();
        names.sort();
        for principal in by_authid.values() {
            for record in &principal.records {
                if let Record::Cryptosign(key) = record {
                    by_key.insert(key.to_hex(), principal.authid.clone());
                }
            }
        }
        Self {
            by_authid,
            by_key,
            by_certificate,
            names,
            secret,
        }
    }

    /// The same secret for decoys, and others who may sign in: what was shown of nobody stays the same.
    #[must_use]
    pub fn replaced(&self, principals: impl IntoIterator<Item = Principal>) -> Self {
        Self::new(principals, self.secret)
    }

    /// Whether somebody of this name has this role.
    #[must_use]
    pub fn has(&self, authid: &str, authrole: &str) -> bool {
        let principal = self.by_authid.get(authid);
        principal.is_some_and(|principal| principal.authrole == authrole)
    }

    /// Whether a candidate is still what it was when it was challenged.
    #[must_use]
    pub fn still_has(&self, candidate: &Candidate) -> bool {
        let Candidate { principal, record } = candidate;
        let found = self.by_authid.get(&principal.authid);
        found.is_some_and(|found| {
            found.authrole == principal.authrole && found.records.contains(record)
        })
    }

    /// The methods by which somebody may sign in.
    #[must_use]
    pub fn methods(&self) -> Vec<Method> {
        let is_had = |method: &Method| {
            let mut principals = self.by_authid.values();
            principals.any(|principal| principal.shape_for(&[*method]).is_some())
                || (*method == Method::Tls && !self.by_certificate.is_empty())
        };
        Method::ALL.into_iter().filter(is_had).collect()
    }

    /// The first of the client's methods by which it can prove to be who it claims, or a decoy where there is no
    /// such principal or method. `None` where none of its methods is to be had here at all, or it does not say who
    /// it is. Cost: O(methods x records of the principal).
    #[must_use]
    pub fn candidate(&self, hello: &HelloDetails, methods: &[Method]) -> Option<Candidate> {
        let authid = self.claimed(hello, methods)?;
        // Made in any case, so that it takes no longer to find nobody.
        let decoy = self.decoy(&authid, methods);
        let known = self.by_authid.get(&authid).and_then(|principal| {
            Some(Candidate {
                record: principal.record_for(methods, hello)?.clone(),
                principal: principal.clone(),
            })
        });
        known.or(decoy)
    }

    /// Whose certificate this is, if that is who the client says it is, or it does not say.
    #[must_use]
    pub fn certified(&self, certificate: &[u8; 32], hello: &HelloDetails) -> Option<&Principal> {
        let authid = self.by_certificate.get(certificate)?;
        let is_claimed = hello
            .authid
            .as_ref()
            .is_none_or(|claimed| claimed == authid);
        self.by_authid.get(authid).filter(|_| is_claimed)
    }

    /// Whether a client says that it is somebody of these.
    #[must_use]
    pub fn lists(&self, hello: &HelloDetails, methods: &[Method]) -> bool {
        let claimed = self.claimed(hello, methods);
        claimed.is_some_and(|authid| self.by_authid.contains_key(&authid))
    }

    /// Who the client says it is, by name or by key.
    fn claimed(&self, hello: &HelloDetails, methods: &[Method]) -> Option<ByteString> {
        if let Some(authid) = &hello.authid {
            return Some(authid.clone());
        }
        let key = methods
            .contains(&Method::Cryptosign)
            .then(|| key_of(hello))??;
        let hex = key.to_hex();
        Some(self.by_key.get(&hex).cloned().unwrap_or_else(|| hex.into()))
    }

    /// What somebody is shown who is not on the list, or not by these methods: what one who is would be, always the same
    /// one; the next one where that one has none of the methods. So which methods are offered together tells nothing.
    fn decoy(&self, authid: &ByteString, methods: &[Method]) -> Option<Candidate> {
        let [index, ..] = *self.derived(authid, "shape").as_chunks::<8>().0 else {
            return None;
        };
        let count = u64::try_from(self.names.len()).ok()?;
        let index = u64::from_be_bytes(index).checked_rem(count)?;
        let (before, from) = self.names.split_at_checked(index.try_into().ok()?)?;
        let (shape, authrole) = from.iter().chain(before).find_map(|name| {
            let like = self.by_authid.get(name)?;
            Some((like.shape_for(methods)?, &like.authrole))
        })?;
        Some(Candidate {
            record: like(shape, &self.derived(authid, "record")),
            principal: Principal {
                authid: authid.clone(),
                authrole: authrole.clone(),
                authprovider: ByteString::from_static("static"),
                records: Vec::new(),
                certificates: Vec::new(),
            },
        })
    }

    fn derived(&self, authid: &str, what: &str) -> [u8; 32] {
        let mut mac = hmac_sha256(&self.secret);
        mac.update(what.as_bytes());
        mac.update(&[0]);
        mac.update(authid.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl Principal {
    /// What the first of the client's methods is checked against that there is something for.
    #[must_use]
    pub fn record_for(&self, methods: &[Method], hello: &HelloDetails) -> Option<&Record> {
        let mut methods = methods.iter();
        methods.find_map(|&method| self.record(method, hello))
    }

    /// The same, whatever the client's key.
    fn shape_for(&self, methods: &[Method]) -> Option<&Record> {
        let record = |method: &Method| self.records.iter().find(|it| it.method() == *method);
        methods.iter().find_map(record)
    }

    fn record(&self, method: Method, hello: &HelloDetails) -> Option<&Record> {
        let mut records = self.records.iter();
        if method == Method::Cryptosign {
            let key = key_of(hello)?;
            return records.find(|&record| *record == Record::Cryptosign(key));
        }
        records.find(|record| record.method() == method)
    }
}

fn key_of(hello: &HelloDetails) -> Option<PublicKey> {
    let extra: &Dict = hello.authextra.as_ref()?;
    PublicKey::from_authextra(extra).ok()
}

/// A record that looks like `shape` from outside, and that nobody can have anything for.
fn like(shape: &Record, bytes: &[u8; 32]) -> Record {
    let text = hex::encode(bytes);
    match shape {
        Record::Ticket(_) => Record::Ticket(Ticket::from_sha256(*bytes)),
        Record::WampCra(key) => Record::WampCra(key.like(&text)),
        Record::Scram(keys) => Record::Scram(Keys {
            stored: *bytes,
            server: *bytes,
            form: keys.form,
            cost: keys.cost.with_salt_of(bytes),
        }),
        Record::Cryptosign(_) => Record::Cryptosign(PrivateKey::from_seed(bytes).public_key()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Cost, CraKey, Credentials, Kdf, Occasion, Salting, ScramForm, SignIn};
    use crate::protocol::SessionId;

    const ALL: [Method; 8] = Method::ALL;

    fn principal(authid: &'static str, record: Record) -> Principal {
        Principal {
            authid: authid.into(),
            authrole: "user".into(),
            authprovider: "static".into(),
            records: vec![record],
            certificates: Vec::new(),
        }
    }

    fn scram(form: ScramForm) -> Record {
        let cost = Cost {
            kdf: Kdf::Pbkdf2,
            salt: vec![3; 16],
            iterations: 10,
            memory: 0,
        };
        Record::Scram(Keys::derive(form, "pencil", cost).unwrap())
    }

    fn key() -> PrivateKey {
        PrivateKey::from_seed(&[5; 32])
    }

    fn principals() -> Principals {
        let salting = Salting {
            salt: "salt123".into(),
            iterations: 10,
            key_bytes: 32,
        };
        let derived = CraKey::derive("pencil", salting).unwrap();
        let everybody = [
            principal("ticket", Record::Ticket(Ticket::new("pencil"))),
            principal("wampcra", Record::WampCra(CraKey::plain("pencil"))),
            principal("salted", Record::WampCra(derived)),
            principal("scram", scram(ScramForm::Autobahn)),
            principal("wamp-scram", scram(ScramForm::Specification)),
            principal("cryptosign", Record::Cryptosign(key().public_key())),
        ];
        Principals::new(everybody, [9; 32])
    }

    /// Whether a client with these credentials is let in, and as whom.
    fn signs_in(credentials: Credentials) -> Option<ByteString> {
        let mut sign_in = SignIn::new(credentials, &[1; 16]);
        let mut hello = HelloDetails::default();
        sign_in.announce(&mut hello);
        let names = hello.authmethods.clone().unwrap_or_default();
        let offers: Vec<Method> = names.iter().filter_map(|it| Method::named(it)).collect();
        let Candidate { principal, record } = principals().candidate(&hello, &offers)?;
        let nothing = Dict::new();
        let occasion = Occasion {
            authid: &principal.authid,
            authrole: &principal.authrole,
            authprovider: &principal.authprovider,
            authextra: hello.authextra.as_ref().unwrap_or(&nothing),
            session: SessionId::from_random(7),
            time: "2026-11-25T10:00:00.000Z",
            nonce: &[2; 32],
            channel_id: None,
        };
        let (challenged, challenge) = record.challenge(&occasion).unwrap();
        let answer = sign_in.answer(&challenge).unwrap().unwrap();
        challenged.verify(&answer).map(|_| principal.authid)
    }

    fn credentials(authid: &'static str, secret: &str) -> Credentials {
        Credentials {
            authid: Some(authid.into()),
            ticket: Some(secret.to_owned()),
            secret: Some(secret.to_owned()),
            ..Credentials::default()
        }
    }

    #[test]
    fn everybody_signs_in_by_the_method_that_there_is_a_record_for() {
        for authid in ["ticket", "wampcra", "salted", "scram", "wamp-scram"] {
            assert_eq!(signs_in(credentials(authid, "pencil")), Some(authid.into()));
            assert_eq!(signs_in(credentials(authid, "Pencil")), None, "{authid}");
        }
        assert_eq!(signs_in(credentials("nobody", "pencil")), None);
        assert_eq!(signs_in(credentials("cryptosign", "pencil")), None);
    }

    #[test]
    fn a_key_says_who_it_is() {
        let with = |authid: Option<&'static str>, key: PrivateKey| Credentials {
            authid: authid.map(Into::into),
            key: Some(key),
            ..Credentials::default()
        };
        let known = Some("cryptosign".into());
        assert_eq!(signs_in(with(None, key())), known);
        assert_eq!(signs_in(with(Some("cryptosign"), key())), known);
        assert_eq!(signs_in(with(Some("ticket"), key())), None);
        let other = PrivateKey::from_seed(&[6; 32]);
        assert_eq!(signs_in(with(None, other.clone())), None);
        assert_eq!(signs_in(with(Some("cryptosign"), other)), None);
    }

    #[test]
    fn nobody_looks_like_somebody_and_the_same_each_time() {
        let hello = |authid: &str| HelloDetails {
            authid: Some(authid.into()),
            authextra: Some([("nonce", "AAAA")].into_iter().collect()),
            ..HelloDetails::default()
        };
        let is_challenged =
            |it: &Method| !matches!(it, Method::Anonymous | Method::Tls | Method::Cookie);
        for method in ALL.into_iter().filter(is_challenged) {
            let decoy = |authid: &str| principals().candidate(&hello(authid), &[method]).unwrap();
            let (once, again) = (decoy("eve"), decoy("eve"));
            assert_eq!(once.record.method(), method);
            assert_eq!(once.record, again.record);
            assert_ne!(once.record, decoy("mallory").record);
            assert_eq!(once.principal.authrole, "user");
        }
        let ways: Vec<Method> = ["a", "b", "c", "d", "e", "f", "g", "h"]
            .map(|authid| principals().candidate(&hello(authid), &ALL).unwrap())
            .map(|candidate| candidate.record.method())
            .to_vec();
        assert!(ways.iter().any(|way| *way != ways[0]), "{ways:?}");
        assert!(
            principals()
                .candidate(&hello("eve"), &[Method::Anonymous])
                .is_none()
        );
        let empty = Principals::new([], [9; 32]);
        assert!(empty.candidate(&hello("eve"), &ALL).is_none());
    }

    #[test]
    fn which_methods_are_offered_together_does_not_tell_who_is_there() {
        let method = |authid: &'static str, methods: &[Method]| {
            let hello = HelloDetails {
                authid: Some(authid.into()),
                ..HelloDetails::default()
            };
            let candidate = principals().candidate(&hello, methods).unwrap();
            candidate.record.method()
        };
        let offers = [
            Method::Ticket,
            Method::WampCra,
            Method::Scram(ScramForm::Autobahn),
            Method::Scram(ScramForm::Specification),
        ];
        for authid in [
            "ticket", "scram", "eve", "mallory", "trudy", "oscar", "peggy",
        ] {
            // Who has one way keeps to it wherever it is offered.
            let only = method(authid, &offers);
            for other in offers {
                assert_eq!(method(authid, &[other, only]), only, "{authid}");
                assert_eq!(method(authid, &[only, other]), only, "{authid}");
            }
        }
    }

    #[test]
    fn the_router_derives_no_key_neither_for_whom_it_knows_nor_for_whom_not() {
        // Nobody works this out: whoever tried would fail.
        let cost = Cost {
            kdf: Kdf::Pbkdf2,
            salt: vec![3; 16],
            iterations: u32::MAX,
            memory: 0,
        };
        assert!(cost.derive(b"pencil").is_err());
        let keys = Keys {
            form: ScramForm::Specification,
            cost,
            stored: [4; 32],
            server: [5; 32],
        };
        let salting = Salting {
            salt: "salt123".into(),
            iterations: u32::MAX,
            key_bytes: 32,
        };
        assert!(CraKey::derive("pencil", salting.clone()).is_err());
        let mut ann = principal("ann", Record::Scram(keys));
        let key = CraKey::salted("bm8=", salting);
        ann.records.push(Record::WampCra(key));
        let principals = Principals::new([ann], [9; 32]);
        let nothing: Dict = [("nonce", "AAAA")].into_iter().collect();
        for method in [Method::Scram(ScramForm::Specification), Method::WampCra] {
            let extras = ["ann", "eve"].map(|authid| {
                let hello = HelloDetails {
                    authid: Some(authid.into()),
                    authextra: Some(nothing.clone()),
                    ..HelloDetails::default()
                };
                let Candidate { principal, record } =
                    principals.candidate(&hello, &[method]).unwrap();
                let occasion = Occasion {
                    authid: &principal.authid,
                    authrole: &principal.authrole,
                    authprovider: &principal.authprovider,
                    authextra: &nothing,
                    session: SessionId::from_random(7),
                    time: "2026-11-25T10:00:00.000Z",
                    nonce: &[2; 32],
                    channel_id: None,
                };
                let (challenged, challenge) = record.challenge(&occasion).unwrap();
                let answer = crate::protocol::message::Authenticate {
                    signature: "AAAA".into(),
                    extra: Dict::new(),
                };
                assert_eq!(challenged.verify(&answer), None);
                challenge.extra
            });
            // And both are asked for the same work.
            let [known, unknown] = extras.map(|extra| extra.get("iterations").cloned());
            assert_eq!(known, unknown);
            assert!(known.is_some());
        }
    }
}

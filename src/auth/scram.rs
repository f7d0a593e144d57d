//! SCRAM: both sides prove that they know a password which neither sends nor stores. Spec: ap#wamp-scram, RFC 5802.
//!
//! In two forms: the specification's (`wamp-scram`) and that of Autobahn and Crossbar.io (`scram`), written against an
//! early draft: with Argon2, HMAC is keyed with the base64 text of the hash; the channel binding is nothing at all where
//! the specification has `biws`; the server's signature has another name.

use std::fmt;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use bytestring::ByteString;
use hmac::Mac as _;
use sha2::{Digest as _, Sha256};
use stringprep::saslprep;
use subtle::ConstantTimeEq as _;

use super::extra::{self, ExtraError};
use super::kdf::{Cost, Kdf};
use super::{SignInError, hmac_sha256};
use crate::protocol::{Dict, Value};

/// The bytes of a nonce of ours.
const NONCE_BYTES: usize = 16;
/// How long a nonce in base64 may be. bound: it is kept, and sent back.
const NONCE_CHARS_MAX: usize = 256;
/// `c=` without channel binding: `n,,` in base64.
const UNBOUND: &str = "biws";

/// Which SCRAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Authmethod `wamp-scram`.
    Specification,
    /// Authmethod `scram`.
    Autobahn,
}

/// What the router keeps of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// For which form they were derived.
    pub form: Form,
    /// How.
    pub cost: Cost,
    /// Tells whether the client knows it.
    pub stored: [u8; 32],
    /// Shows the client that the router does.
    pub server: [u8; 32],
}

/// A client that has sent HELLO.
#[derive(Clone)]
pub struct ClientFirst {
    authid: String,
    password: String,
    nonce: ByteString,
}

/// A client that has sent AUTHENTICATE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientLast {
    form: Form,
    server_signature: [u8; 32],
}

/// A router that has sent CHALLENGE.
#[derive(Clone, Debug)]
pub struct Server {
    keys: Keys,
    nonce: String,
    auth_message: String,
}

impl Form {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Specification, Self::Autobahn];

    /// The `authmethod`.
    #[must_use]
    pub const fn authmethod(self) -> &'static str {
        match self {
            Self::Specification => "wamp-scram",
            Self::Autobahn => "scram",
        }
    }

    /// What this form calls a function.
    #[must_use]
    pub const fn kdf_name(self, kdf: Kdf) -> &'static str {
        match (self, kdf) {
            (Self::Specification, Kdf::Argon2id13) => "argon2id13",
            (Self::Autobahn, Kdf::Argon2id13) => "argon2id-13",
            (_, Kdf::Pbkdf2) => "pbkdf2",
        }
    }

    fn kdf(self, name: &str) -> Option<Kdf> {
        [Kdf::Argon2id13, Kdf::Pbkdf2]
            .into_iter()
            .find(|&kdf| self.kdf_name(kdf) == name)
    }

    /// What stands for `c=` in the message that is signed.
    const fn channel(self) -> &'static str {
        match self {
            Self::Specification => UNBOUND,
            Self::Autobahn => "",
        }
    }

    /// The name as it stands in the message that is signed.
    fn name(self, authid: &str) -> Result<String, SignInError> {
        let name = normalized(authid, "the authid")?;
        Ok(match self {
            // spec(RFC 5802, section 5.1): a comma or an equals sign would end the attribute.
            Self::Specification => name.replace('=', "=3D").replace(',', "=2C"),
            Self::Autobahn => name,
        })
    }

    /// What HMAC is keyed with, from a password.
    fn salted_password(self, password: &str, cost: &Cost) -> Result<Vec<u8>, SignInError> {
        match (self, cost.kdf) {
            (Self::Specification, _) => {
                let password = normalized(password, "the password")?;
                Ok(cost.derive(password.as_bytes())?.to_vec())
            }
            (Self::Autobahn, Kdf::Argon2id13) => {
                let hash = cost.derive(password.as_bytes())?;
                Ok(BASE64_STANDARD_NO_PAD.encode(hash).into_bytes())
            }
            (Self::Autobahn, Kdf::Pbkdf2) => Ok(cost.derive(password.as_bytes())?.to_vec()),
        }
    }

    /// Whether the router's nonce continues the client's. Crossbar.io joins the bytes and encodes them anew, which
    /// for most lengths is another text.
    fn continues(self, server_nonce: &str, client_nonce: &str) -> bool {
        let as_text =
            server_nonce.len() > client_nonce.len() && server_nonce.starts_with(client_nonce);
        let decoded = |text: &str| BASE64_STANDARD.decode(text).ok();
        let as_bytes = || {
            let (server, client) = (decoded(server_nonce)?, decoded(client_nonce)?);
            Some(server.len() > client.len() && server.starts_with(&client))
        };
        as_text || (self == Self::Autobahn && as_bytes() == Some(true))
    }
}

impl Keys {
    /// Derives them from a password. Cost: the KDF's.
    ///
    /// # Errors
    /// A password with no normal form, a cost out of bounds.
    pub fn derive(form: Form, password: &str, cost: Cost) -> Result<Self, SignInError> {
        let salted = form.salted_password(password, &cost)?;
        Ok(Self {
            form,
            cost,
            stored: Sha256::digest(hmac(&salted, b"Client Key")).into(),
            server: hmac(&salted, b"Server Key"),
        })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("form", &self.form)
            .field("cost", &self.cost)
            .finish_non_exhaustive()
    }
}

impl ClientFirst {
    /// Begins with random bytes, used once.
    #[must_use]
    pub fn new(authid: &str, password: &str, nonce: &[u8; NONCE_BYTES]) -> Self {
        Self {
            authid: authid.to_owned(),
            password: password.to_owned(),
            nonce: BASE64_STANDARD.encode(nonce).into(),
        }
    }

    /// `HELLO.Details.authextra`.
    #[must_use]
    pub fn authextra(&self) -> Dict {
        [
            ("nonce", Value::from(self.nonce.clone())),
            ("channel_binding", Value::Null),
        ]
        .into_iter()
        .collect()
    }

    /// Answers `CHALLENGE.Extra`: AUTHENTICATE's signature and extra, and what to expect of WELCOME. Cost: the KDF's.
    ///
    /// # Errors
    /// A challenge that lacks something, asks for too much, or does not continue our nonce.
    pub fn answer(
        &self,
        form: Form,
        challenge: &Dict,
    ) -> Result<(ByteString, Dict, ClientLast), SignInError> {
        let server_nonce = extra::text(challenge, "nonce")?;
        if !form.continues(server_nonce, &self.nonce) {
            return Err(SignInError::Nonce);
        }
        let cost = cost(form, challenge)?;
        let auth_message = AuthMessage {
            form,
            name: form.name(&self.authid)?,
            client_nonce: &self.nonce,
            server_nonce,
            salt: extra::text(challenge, "salt")?,
            iterations: cost.iterations,
        }
        .to_string();
        let salted = form.salted_password(&self.password, &cost)?;
        let client_key = hmac(&salted, b"Client Key");
        let stored_key: [u8; 32] = Sha256::digest(client_key).into();
        let proof = xor(client_key, hmac(&stored_key, auth_message.as_bytes()));
        let server_key = hmac(&salted, b"Server Key");
        let last = ClientLast {
            form,
            server_signature: hmac(&server_key, auth_message.as_bytes()),
        };
        let extra = [
            ("nonce", Value::from(server_nonce)),
            ("channel_binding", Value::Null),
            ("cbind_data", Value::Null),
        ];
        Ok((
            BASE64_STANDARD.encode(proof).into(),
            extra.into_iter().collect(),
            last,
        ))
    }
}

impl fmt::Debug for ClientFirst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientFirst")
            .field("authid", &self.authid)
            .finish_non_exhaustive()
    }
}

impl ClientLast {
    /// Checks that the router knew the password: `WELCOME.Details.authextra`.
    ///
    /// # Errors
    /// [`SignInError::Router`].
    pub fn check(&self, authextra: &Dict) -> Result<(), SignInError> {
        let signature = match self.form {
            Form::Specification => extra::text(authextra, "verifier")
                .ok()
                .and_then(|verifier| verifier.strip_prefix("v=")),
            Form::Autobahn => extra::text(authextra, "scram_server_signature").ok(),
        };
        let signature = signature.and_then(|text| BASE64_STANDARD.decode(text).ok());
        let is_right =
            signature.is_some_and(|signature| bool::from(signature.ct_eq(&self.server_signature)));
        is_right.then_some(()).ok_or(SignInError::Router)
    }
}

impl Server {
    /// Answers a HELLO: what to check AUTHENTICATE with, and `CHALLENGE.Extra`. `nonce` is random, used once.
    ///
    /// # Errors
    /// A HELLO without a usable nonce, with channel binding (of which none is offered), or an authid without a
    /// normal form.
    pub fn challenge(
        keys: Keys,
        authid: &str,
        authextra: &Dict,
        nonce: &[u8; NONCE_BYTES],
    ) -> Result<(Self, Dict), SignInError> {
        let Keys { form, ref cost, .. } = keys;
        let client_nonce = client_nonce(authextra)?;
        let nonce = match form {
            Form::Specification => format!("{client_nonce}{}", BASE64_STANDARD.encode(nonce)),
            Form::Autobahn => {
                let joined = [extra::base64(authextra, "nonce")?, nonce.to_vec()].concat();
                BASE64_STANDARD.encode(joined)
            }
        };
        let salt = BASE64_STANDARD.encode(&cost.salt);
        let auth_message = AuthMessage {
            form,
            name: form.name(authid)?,
            client_nonce,
            server_nonce: &nonce,
            salt: &salt,
            iterations: cost.iterations,
        }
        .to_string();
        let memory = match cost.kdf {
            Kdf::Argon2id13 => Value::from(u64::from(cost.memory)),
            Kdf::Pbkdf2 => Value::Null,
        };
        let mut extra: Dict = [
            ("nonce", Value::from(nonce.as_str())),
            ("kdf", form.kdf_name(cost.kdf).into()),
            ("salt", salt.into()),
            ("iterations", u64::from(cost.iterations).into()),
        ]
        .into_iter()
        .collect();
        // Autobahn's client reads any `memory` as a number, and knows no other keys than these.
        if form == Form::Specification || memory != Value::Null {
            extra.push("memory", memory);
        }
        let server = Self {
            keys,
            nonce,
            auth_message,
        };
        Ok((server, extra))
    }

    /// Checks AUTHENTICATE: `WELCOME.Details.authextra` where the client knows the password.
    ///
    /// The time it takes tells nothing of what is stored.
    #[must_use]
    pub fn verify(&self, signature: &str, extra: &Dict) -> Option<Dict> {
        let message = self.auth_message.as_bytes();
        let proof = BASE64_STANDARD.decode(signature).unwrap_or_default();
        let proof: [u8; 32] = proof.try_into().unwrap_or_default();
        let client_key = xor(hmac(&self.keys.stored, message), proof);
        let stored: [u8; 32] = Sha256::digest(client_key).into();
        let is_right = bool::from(stored.ct_eq(&self.keys.stored));
        if !is_right || !self.agrees(extra) {
            return None;
        }
        let signature = BASE64_STANDARD.encode(hmac(&self.keys.server, message));
        let (name, value) = match self.keys.form {
            Form::Specification => ("verifier", format!("v={signature}")),
            Form::Autobahn => ("scram_server_signature", signature),
        };
        Some([(name, value)].into_iter().collect())
    }

    /// Whether AUTHENTICATE repeats what was agreed on; Autobahn's form repeats nothing.
    fn agrees(&self, extra: &Dict) -> bool {
        let is_absent = |name| matches!(extra::optional_text(extra, name), Ok(None));
        self.keys.form == Form::Autobahn
            || (extra::text(extra, "nonce") == Ok(&self.nonce)
                && is_absent("channel_binding")
                && is_absent("cbind_data"))
    }
}

/// The client's nonce, in canonical base64.
fn client_nonce(authextra: &Dict) -> Result<&str, SignInError> {
    if let Some(_binding) = extra::optional_text(authextra, "channel_binding")? {
        return Err(extra::invalid("channel_binding", "binding that is offered").into());
    }
    let nonce = extra::text(authextra, "nonce")?;
    let bytes = extra::base64(authextra, "nonce")?;
    if bytes.is_empty() || nonce.len() > NONCE_CHARS_MAX {
        return Err(extra::invalid("nonce", "base64 of 1 to 192 bytes").into());
    }
    Ok(nonce)
}

/// How `CHALLENGE.Extra` says that the password was made a key.
fn cost(form: Form, challenge: &Dict) -> Result<Cost, ExtraError> {
    let kdf = form
        .kdf(extra::text(challenge, "kdf")?)
        .ok_or_else(|| extra::invalid("kdf", "function that is known"))?;
    Ok(Cost {
        kdf,
        salt: extra::base64(challenge, "salt")?,
        iterations: extra::number(challenge, "iterations")?,
        memory: match kdf {
            Kdf::Argon2id13 => extra::number(challenge, "memory")?,
            Kdf::Pbkdf2 => 0,
        },
    })
}

/// What both sides sign.
struct AuthMessage<'a> {
    form: Form,
    name: String,
    client_nonce: &'a str,
    server_nonce: &'a str,
    salt: &'a str,
    iterations: u32,
}

impl fmt::Display for AuthMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            form,
            name,
            client_nonce,
            server_nonce,
            salt,
            iterations,
        } = self;
        let channel = form.channel();
        write!(
            f,
            "n={name},r={client_nonce},r={server_nonce},s={salt},i={iterations},c={channel},r={server_nonce}"
        )
    }
}

fn normalized(text: &str, what: &'static str) -> Result<String, SignInError> {
    saslprep(text)
        .map(Into::into)
        .map_err(|_| SignInError::Normalization(what))
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = hmac_sha256(key);
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn xor(mut left: [u8; 32], right: [u8; 32]) -> [u8; 32] {
    for (left, right) in left.iter_mut().zip(right) {
        *left ^= right;
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT_NONCE: [u8; NONCE_BYTES] = [1; NONCE_BYTES];
    const SERVER_NONCE: [u8; NONCE_BYTES] = [2; NONCE_BYTES];

    fn pbkdf2() -> Cost {
        Cost {
            kdf: Kdf::Pbkdf2,
            salt: vec![7; 16],
            iterations: 10,
            memory: 0,
        }
    }

    fn costs() -> [Cost; 2] {
        let argon2 = Cost {
            kdf: Kdf::Argon2id13,
            iterations: 2,
            memory: 8,
            ..pbkdf2()
        };
        [pbkdf2(), argon2]
    }

    /// A whole exchange: what the client makes of the WELCOME, where there is one.
    fn exchange(
        form: Form,
        cost: &Cost,
        known: &str,
        claimed: &str,
    ) -> Result<Option<()>, SignInError> {
        let keys = Keys::derive(form, known, cost.clone())?;
        let client = ClientFirst::new("peter", claimed, &CLIENT_NONCE);
        let hello = client.authextra();
        let (server, challenge) = Server::challenge(keys, "peter", &hello, &SERVER_NONCE)?;
        let (signature, extra, last) = client.answer(form, &challenge)?;
        let welcome = server.verify(&signature, &extra);
        welcome.map(|authextra| last.check(&authextra)).transpose()
    }

    #[test]
    fn both_sides_prove_that_they_know_the_password() {
        for form in Form::ALL {
            for cost in costs() {
                assert_eq!(exchange(form, &cost, "pencil", "pencil"), Ok(Some(())));
                assert_eq!(exchange(form, &cost, "pencil", "Pencil"), Ok(None));
            }
        }
    }

    #[test]
    fn an_exchange_is_that_of_rfc_7677() {
        // Its nonces are no base64, so this goes by the parts. Spec: RFC 7677, section 3.
        let cost = Cost {
            salt: BASE64_STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap(),
            iterations: 4096,
            ..pbkdf2()
        };
        let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let auth_message = AuthMessage {
            form: Form::Specification,
            name: "user".to_owned(),
            client_nonce: "rOprNGfwEbeRWgbNEkqO",
            server_nonce: nonce,
            salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
            iterations: 4096,
        };
        let server = Server {
            keys: Keys::derive(Form::Specification, "pencil", cost).unwrap(),
            nonce: nonce.to_owned(),
            auth_message: auth_message.to_string(),
        };
        let extra = [("nonce", nonce)].into_iter().collect();
        let proof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        let verifier = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
        let welcome = [("verifier", verifier)].into_iter().collect();
        assert_eq!(server.verify(proof, &extra), Some(welcome));
    }

    #[test]
    fn a_router_that_does_not_know_the_password_is_found_out() {
        for form in Form::ALL {
            let keys = Keys::derive(form, "pencil", pbkdf2()).unwrap();
            let client = ClientFirst::new("peter", "pencil", &CLIENT_NONCE);
            let hello = client.authextra();
            let challenge = Server::challenge(keys, "peter", &hello, &SERVER_NONCE);
            let (_, _, last) = client.answer(form, &challenge.unwrap().1).unwrap();
            for text in ["", "v=", "v=AAAA", "AAAA"] {
                for name in ["verifier", "scram_server_signature"] {
                    let welcome = [(name, text)].into_iter().collect();
                    assert_eq!(last.check(&welcome), Err(SignInError::Router), "{text}");
                }
            }
        }
    }

    #[test]
    fn a_nonce_continues_as_text_or_once_decoded() {
        let joined = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
        let ours = joined(&CLIENT_NONCE);
        let decoded = joined(&[CLIENT_NONCE, SERVER_NONCE].concat());
        let text = format!("{ours}{}", joined(&SERVER_NONCE));
        assert!(Form::Specification.continues(&text, &ours));
        assert!(!Form::Specification.continues(&decoded, &ours));
        assert!(Form::Autobahn.continues(&text, &ours));
        assert!(Form::Autobahn.continues(&decoded, &ours));
        for other in [ours.clone(), joined(&SERVER_NONCE), String::new()] {
            assert!(!Form::Autobahn.continues(&other, &ours), "{other}");
        }
    }

    #[test]
    fn a_hello_that_cannot_be_challenged_is_refused() {
        let keys = || Keys::derive(Form::Specification, "pencil", pbkdf2()).unwrap();
        let long = "A".repeat(NONCE_CHARS_MAX + 4);
        for (name, value) in [
            ("nonce", Value::Null),
            ("nonce", "".into()),
            ("nonce", "no base64".into()),
            ("nonce", "AAAA====".into()),
            ("nonce", long.into()),
            ("nonce", 7_u64.into()),
            ("channel_binding", "tls-unique".into()),
        ] {
            let hello: Dict = [(name, value)].into_iter().collect();
            let refused = Server::challenge(keys(), "x", &hello, &SERVER_NONCE);
            assert!(
                matches!(refused, Err(SignInError::Challenge(_))),
                "{hello:?}"
            );
        }
    }

    #[test]
    fn an_answer_that_does_not_repeat_the_nonce_is_refused() {
        let form = Form::Specification;
        let keys = Keys::derive(form, "pencil", pbkdf2()).unwrap();
        let client = ClientFirst::new("peter", "pencil", &CLIENT_NONCE);
        let hello = client.authextra();
        let challenged = Server::challenge(keys, "peter", &hello, &SERVER_NONCE);
        let (server, challenge) = challenged.unwrap();
        let (signature, extra, _) = client.answer(form, &challenge).unwrap();
        assert!(server.verify(&signature, &extra).is_some());
        assert_eq!(server.verify(&signature, &Dict::new()), None);
        let bound = [
            ("nonce", server.nonce.as_str()),
            ("channel_binding", "tls-unique"),
        ];
        assert_eq!(
            server.verify(&signature, &bound.into_iter().collect()),
            None
        );
    }

    #[test]
    fn names_keep_their_commas_and_have_one_normal_form() {
        assert_eq!(
            Form::Specification.name("a,b=c"),
            Ok("a=2Cb=3Dc".to_owned())
        );
        assert_eq!(Form::Autobahn.name("a,b=c"), Ok("a,b=c".to_owned()));
        assert_eq!(Form::Specification.name("\u{2168}"), Ok("IX".to_owned()));
        let refused = Form::Specification.name("a\u{7}");
        assert_eq!(refused, Err(SignInError::Normalization("the authid")));
    }

    #[test]
    fn a_challenge_that_asks_for_too_much_is_refused() {
        let dear = [
            ("iterations", Value::from(10_000_001_u64)),
            ("iterations", 0_u64.into()),
            ("iterations", u64::MAX.into()),
            ("salt", "AAAA".into()),
            ("kdf", "md5".into()),
        ];
        for (name, value) in dear {
            let client = ClientFirst::new("peter", "pencil", &CLIENT_NONCE);
            let ours = BASE64_STANDARD.encode(CLIENT_NONCE);
            let mut challenge: Dict = [(name, value)].into_iter().collect();
            for (name, value) in [
                ("nonce", Value::from(format!("{ours}AAAA"))),
                ("salt", "AAAAAAAAAAAAAAAA".into()),
                ("kdf", "pbkdf2".into()),
                ("iterations", 10_u64.into()),
            ] {
                if challenge.get(name).is_none() {
                    challenge.push(name, value);
                }
            }
            let refused = client.answer(Form::Specification, &challenge);
            assert!(refused.is_err(), "{challenge:?}");
        }
    }
}

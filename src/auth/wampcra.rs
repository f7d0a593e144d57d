//! The method `wampcra`: the client signs a text with a shared secret that never travels. Spec: ap#wampcra.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytestring::ByteString;
use hmac::{Hmac, Mac as _};
use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;

use super::extra::{self, ExtraError};
use super::kdf::KdfError;
use super::{SignInError, hmac_sha256};
use crate::protocol::{Dict, Value};

/// How many rounds and how long a key a client works out at most. bound: the router sets them.
const ITERATIONS_MAX: u32 = 10_000_000;
const KEY_BYTES_MAX: u32 = 1024;
/// What the specification takes where a challenge does not say. Spec: ap#wampcra.
const ITERATIONS: u32 = 1000;
const KEY_BYTES: u32 = 32;

/// How a secret was made a key, so that the router need not keep the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salting {
    /// A text of this user's alone.
    pub salt: ByteString,
    /// Rounds of PBKDF2 with HMAC-SHA-256.
    pub iterations: u32,
    /// How many bytes of it are the key.
    pub key_bytes: u32,
}

/// What the router keeps of a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct CraKey {
    /// What HMAC is keyed with: the secret, or the base64 text of the derived key.
    key: String,
    salting: Option<Salting>,
}

impl CraKey {
    /// The secret itself.
    #[must_use]
    pub fn plain(secret: &str) -> Self {
        Self {
            key: secret.into(),
            salting: None,
        }
    }

    /// A key derived earlier, in base64 as it is stored.
    #[must_use]
    pub fn salted(derived: &str, salting: Salting) -> Self {
        Self {
            key: derived.into(),
            salting: Some(salting),
        }
    }

    /// Derives the key of a secret. Cost: the salting's iterations.
    ///
    /// # Errors
    /// More than 10,000,000 iterations or 1,024 bytes, or none.
    pub fn derive(secret: &str, salting: Salting) -> Result<Self, KdfError> {
        Ok(Self {
            key: derive(secret, &salting)?,
            salting: Some(salting),
        })
    }

    /// The key as it is stored.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.key
    }

    /// A key that is salted as this one is, with a salt of the same length, made of `text`: 64 hex digits.
    pub(super) fn like(&self, text: &str) -> Self {
        let salting = self.salting.as_ref().map(|salting| Salting {
            salt: text
                .chars()
                .cycle()
                .take(salting.salt.len())
                .collect::<String>()
                .into(),
            ..salting.clone()
        });
        Self {
            key: text.into(),
            salting,
        }
    }

    /// `CHALLENGE.Extra` for a text to be signed.
    #[must_use]
    pub fn challenge_extra(&self, challenge: &str) -> Dict {
        let mut extra: Dict = [("challenge", Value::from(challenge))]
            .into_iter()
            .collect();
        if let Some(salting) = &self.salting {
            extra.push("salt", salting.salt.clone());
            extra.push("iterations", u64::from(salting.iterations));
            extra.push("keylen", u64::from(salting.key_bytes));
        }
        extra
    }

    /// Whether a signature is of this challenge with this key. The time it takes tells nothing.
    #[must_use]
    pub fn verify(&self, challenge: &str, signature: &str) -> bool {
        // Compared in constant time by `verify_slice`; a signature that is no base64 is compared as nothing.
        let signature = BASE64_STANDARD.decode(signature).unwrap_or_default();
        mac(self.key.as_bytes(), challenge)
            .verify_slice(&signature)
            .is_ok()
    }
}

impl fmt::Debug for CraKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CraKey")
            .field("salting", &self.salting)
            .finish_non_exhaustive()
    }
}

/// The signature that a client answers `CHALLENGE.Extra` with. Cost: the challenge's iterations.
///
/// # Errors
/// Where the challenge lacks something or asks for too much.
pub fn sign(secret: &str, challenge_extra: &Dict) -> Result<ByteString, SignInError> {
    let challenge = extra::text(challenge_extra, "challenge")?;
    let key = match salting(challenge_extra)? {
        Some(salting) => derive(secret, &salting)?.into_bytes(),
        None => secret.into(),
    };
    let signature = mac(&key, challenge).finalize().into_bytes();
    Ok(BASE64_STANDARD.encode(signature).into())
}

fn salting(challenge_extra: &Dict) -> Result<Option<Salting>, ExtraError> {
    let Some(salt) = extra::optional_text(challenge_extra, "salt")? else {
        return Ok(None);
    };
    let number = |name, default| match extra::number(challenge_extra, name) {
        Err(ExtraError::Missing(_)) => Ok(default),
        number => number,
    };
    Ok(Some(Salting {
        salt: salt.into(),
        iterations: number("iterations", ITERATIONS)?,
        key_bytes: number("keylen", KEY_BYTES)?,
    }))
}

fn derive(secret: &str, salting: &Salting) -> Result<String, KdfError> {
    if salting.iterations == 0 || salting.key_bytes == 0 {
        return Err(KdfError::TooCheap("no iterations, or a key of no bytes"));
    }
    if salting.iterations > ITERATIONS_MAX || salting.key_bytes > KEY_BYTES_MAX {
        return Err(KdfError::TooDear(
            "more than 10,000,000 iterations, or a key of more than 1,024 bytes",
        ));
    }
    let mut key = vec![0; salting.key_bytes as usize];
    pbkdf2_hmac::<Sha256>(
        secret.as_bytes(),
        salting.salt.as_bytes(),
        salting.iterations,
        &mut key,
    );
    Ok(BASE64_STANDARD.encode(key))
}

fn mac(key: &[u8], challenge: &str) -> Hmac<Sha256> {
    let mut mac = hmac_sha256(key);
    mac.update(challenge.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &str = r#"{"nonce": "LHRTC9zeOIrt_9U3", "authid": "peter"}"#;

    fn salting(iterations: u32, key_bytes: u32) -> Salting {
        Salting {
            salt: "salt123".into(),
            iterations,
            key_bytes,
        }
    }

    #[test]
    fn who_knows_the_secret_signs_and_nobody_else() {
        for key in [
            CraKey::plain("secret"),
            CraKey::derive("secret", salting(100, 32)).unwrap(),
            CraKey::derive("secret", salting(7, 16)).unwrap(),
        ] {
            let extra = key.challenge_extra(CHALLENGE);
            let signature = sign("secret", &extra).unwrap();
            assert!(key.verify(CHALLENGE, &signature));
            assert!(!key.verify("another challenge", &signature));
            let wrong = sign("Secret", &extra).unwrap();
            assert!(!key.verify(CHALLENGE, &wrong));
            for garbage in ["", "A", "AAAA", &signature[1..]] {
                assert!(!key.verify(CHALLENGE, garbage), "{garbage:?}");
            }
        }
    }

    #[test]
    fn keys_and_signatures_are_those_of_autobahn_python() {
        // autobahn.wamp.auth: derive_key("secret123", "salt123", 100, 32), and compute_wcs with either key.
        let key = CraKey::derive("secret123", salting(100, 32)).unwrap();
        assert_eq!(key.text(), "DpHHRlQ6UNULJlP9J8WkPw+BpAnaZaPUGEgt7sjxXgs=");
        let sign = |key: &CraKey| sign("secret123", &key.challenge_extra(CHALLENGE)).unwrap();
        assert_eq!(sign(&key), "czPfXjUtghsq5nlHdpNuShnHXFqHQGw3dADWb8bifnQ=");
        let plain = CraKey::plain("secret123");
        assert_eq!(sign(&plain), "HlXIWcka2HrRXOkID0OdryAjpQsBAKEfYsLaABsJBoA=");
    }

    #[test]
    fn a_challenge_that_asks_for_too_much_is_refused() {
        for (iterations, key_bytes) in [(0, 32), (1, 0), (10_000_001, 32), (1, 1025)] {
            let key = CraKey::salted("", salting(iterations, key_bytes));
            let refused = sign("secret", &key.challenge_extra(CHALLENGE));
            assert!(matches!(refused, Err(SignInError::Kdf(_))), "{refused:?}");
        }
        let refused = sign("secret", &Dict::new());
        assert_eq!(
            refused,
            Err(SignInError::Challenge(ExtraError::Missing("challenge")))
        );
    }
}

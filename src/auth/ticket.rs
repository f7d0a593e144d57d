//! The method `ticket`: a secret sent as it is, so only over TLS or on one machine. Spec: ap#ticketauth.
//!
//! The client's half is the ticket itself, sent as AUTHENTICATE's signature.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// What the router keeps of a ticket: its digest, so that a stolen file does not open a door.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket([u8; 32]);

impl Ticket {
    /// Of the ticket as the client will send it.
    #[must_use]
    pub fn new(ticket: &str) -> Self {
        Self(Sha256::digest(ticket).into())
    }

    /// Of its SHA-256.
    #[must_use]
    pub const fn from_sha256(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Its SHA-256, in hex.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Whether this is the ticket. The time it takes tells nothing of what it should be.
    #[must_use]
    pub fn verify(&self, ticket: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(ticket).into();
        self.0.ct_eq(&digest).into()
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_the_one_or_not() {
        let ticket = Ticket::new("secret!!!");
        assert!(ticket.verify("secret!!!"));
        for other in ["", "secret!!", "secret!!!!", "Secret!!!"] {
            assert!(!ticket.verify(other), "{other:?}");
        }
        let digest = Sha256::digest("secret!!!").into();
        assert_eq!(Ticket::from_sha256(digest), ticket);
        assert!(!format!("{ticket:?}").contains("secret"));
    }
}

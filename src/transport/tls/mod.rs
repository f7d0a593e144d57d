//! TLS: our end of it as a client.
//!
//! rustls with ring; certificates and keys are PEM. Does not open connections.

mod client;
mod error;
mod verifier;

pub use client::{TlsClient, TlsOptions, TlsSession, TlsVersion};
pub use error::{TlsError, TlsSetupError};

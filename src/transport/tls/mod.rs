//! TLS: our end of it, as a client and as a server.
//!
//! rustls with ring; certificates and keys are PEM. Does not open connections.

mod client;
mod error;
mod files;
mod server;
mod verifier;

pub use client::{TlsClient, TlsOptions, TlsSession, TlsVersion};
pub use error::{TlsError, TlsSetupError};
pub use server::{TlsFiles, TlsServer};

/// What both ends make their channel's binding from. Spec: RFC 9266, 2.
const BINDING_LABEL: &[u8] = b"EXPORTER-Channel-Binding";
/// How long it is.
const BINDING_BYTES: usize = 32;

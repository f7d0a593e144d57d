//! What goes wrong with TLS, by what would help.

use std::io;
use std::path::PathBuf;

use rustls::{AlertDescription, CertificateError, Error};

use crate::transport::io_text;

/// Why TLS cannot be spoken at all: something on this machine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsSetupError {
    /// A file cannot be read.
    #[error("cannot read {file:?}: {}", io_text(.source))]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that does not hold what it should.
    #[error("{file:?} holds no {what} in PEM")]
    NotPem {
        /// The file.
        file: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// The machine trusts nobody.
    #[error("this machine has no certificates of authorities to trust")]
    NoRoots,
    /// No name that a certificate could bear.
    #[error("{name:?} is no name of a server")]
    Name {
        /// What was given.
        name: String,
    },
    /// A certificate and a key that do not belong together, or are of no use.
    #[error("{cert:?} and {key:?} are no certificate and its key: {why}")]
    Unfit {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's.
        key: PathBuf,
        /// Why.
        why: Error,
    },
    /// rustls does not take what the files hold.
    #[error("TLS does not take this: {0}")]
    Rejected(Error),
}

/// Why there is no TLS with this server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Nobody whom we trust vouches for the server.
    #[error("the server's certificate is not trusted: {0}")]
    Untrusted(String),
    /// An authority's own certificate, with which no server should speak.
    #[error(
        "the server's certificate is not one for a server: it says that it is an authority's (CA:TRUE)"
    )]
    Authority,
    /// The certificate is somebody else's.
    #[error("the server's certificate is for another name: {0}")]
    OtherName(String),
    /// What came is no TLS.
    #[error("the server does not speak TLS on this port")]
    NotTls,
    /// The connection ended in the middle of the handshake.
    #[error("the server closed the connection in the TLS handshake")]
    Closed,
    /// The server wants to know who we are.
    #[error("the server asks for a client certificate (TLS alert {0})")]
    WhoAreYou(String),
    /// The server does not take the certificate that we have shown.
    #[error("the server does not take this client's certificate: {0}")]
    Unwelcome(&'static str),
    /// The server said no.
    #[error("the server refuses TLS (alert {0})")]
    Alert(String),
    /// Anything else, in rustls' words.
    #[error("TLS failed: {0}")]
    Other(String),
}

impl TlsError {
    /// Of an error of a stream, if TLS is the cause.
    ///
    /// # Errors
    /// The error itself, where it has nothing to do with TLS.
    pub(in crate::transport) fn from_io(error: io::Error) -> Result<Self, io::Error> {
        let cause = error.get_ref().and_then(|error| error.downcast_ref());
        cause.map(Self::of).ok_or(error)
    }

    /// Of a handshake that failed, whatever the cause.
    pub(super) fn of_handshake(error: io::Error) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        Self::from_io(error).unwrap_or_else(|error| match error.kind() {
            BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof => Self::Closed,
            _ => Self::Other(io_text(&error)),
        })
    }

    fn of(error: &Error) -> Self {
        match error {
            Error::InvalidCertificate(error) => Self::of_certificate(error),
            Error::InvalidMessage(_) => Self::NotTls,
            Error::AlertReceived(
                alert @ (AlertDescription::CertificateRequired | AlertDescription::BadCertificate),
            ) => Self::WhoAreYou(format!("{alert:?}")),
            Error::AlertReceived(AlertDescription::CertificateExpired) => {
                Self::Unwelcome("it has expired, or is not valid yet")
            }
            Error::AlertReceived(AlertDescription::UnknownCA) => {
                Self::Unwelcome("nobody whom the server trusts has signed it")
            }
            Error::AlertReceived(alert) => Self::Alert(format!("{alert:?}")),
            error => Self::Other(error.to_string()),
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer => {
                Self::Untrusted("it is signed by nobody known here".to_owned())
            }
            CertificateError::BadSignature => {
                Self::Untrusted("the authority that it names has not signed it".to_owned())
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                Self::Untrusted("it has expired".to_owned())
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::Untrusted("it is not valid yet".to_owned())
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::OtherName(error.to_string())
            }
            // webpki's own words, which rustls has no type for.
            error if error.to_string().contains("CaUsedAsEndEntity") => Self::Authority,
            error => Self::Untrusted(error.to_string()),
        }
    }
}

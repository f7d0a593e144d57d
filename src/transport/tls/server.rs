//! How a server speaks TLS: who it is, which authorities of clients it trusts, and files that change.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{info, warn};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::error::TlsSetupError;
use super::files::{certificates, private_key};
use super::{BINDING_BYTES, BINDING_LABEL};
use crate::router::{Certificate, Channel};

/// How often the files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// What is spoken inside: browsers ask for it by name.
const ALPN: &[u8] = b"http/1.1";

/// Where a server's certificates are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, with its chain.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authorities that vouch for clients; none is asked for a certificate where there are none.
    pub client_ca: Option<PathBuf>,
}

/// A server's half of TLS. What its files hold counts for connections from then on; those that are open stay.
#[derive(Debug)]
pub struct TlsServer {
    files: TlsFiles,
    config: RwLock<Arc<ServerConfig>>,
}

/// How a file was when it was looked at: changed is what differs in any of these.
type Look = Option<(i64, i64, u64, u64)>;

impl TlsServer {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsSetupError`] names the file.
    pub fn new(files: TlsFiles) -> Result<Self, TlsSetupError> {
        let config = RwLock::new(Arc::new(read(&files)?));
        Ok(Self { files, config })
    }

    /// Shakes hands with a client, and tells what is known of it then.
    ///
    /// # Errors
    /// The stream's own, and those of TLS, which the client has been told; with the stream, to be ended.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> Result<(TlsStream<S>, Channel), (io::Error, S)> {
        let config = Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner));
        let accepting = TlsAcceptor::from(config).accept(stream).into_fallible();
        let stream = accepting.await?;
        match channel(stream.get_ref().1) {
            Ok(channel) => Ok((stream, channel)),
            Err(error) => Err((error, stream.into_inner().0)),
        }
    }

    /// Reads the files again whenever one changes. What cannot be used is logged, and what was stays.
    pub async fn watch(&self) {
        let mut seen = self.look();
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let now = self.look();
            if now == seen {
                continue;
            }
            seen = now;
            match read(&self.files) {
                Ok(config) => {
                    let mut current = self.config.write().unwrap_or_else(PoisonError::into_inner);
                    *current = Arc::new(config);
                    info!(cert = ?self.files.cert, "the certificate is read again, and holds for new connections");
                }
                Err(error) => {
                    warn!("{error}; the certificate stays as it was");
                }
            }
        }
    }

    fn look(&self) -> [Look; 3] {
        let TlsFiles {
            cert,
            key,
            client_ca,
        } = &self.files;
        [look(cert), look(key), client_ca.as_deref().and_then(look)]
    }
}

fn look(file: &Path) -> Look {
    let found = fs::metadata(file).ok()?;
    Some((found.mtime(), found.mtime_nsec(), found.ino(), found.size()))
}

fn read(files: &TlsFiles) -> Result<ServerConfig, TlsSetupError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsSetupError::Rejected)?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => builder.with_client_cert_verifier(verifier(file)?),
    };
    let mut config = builder
        .with_single_cert(certificates(&files.cert)?, private_key(&files.key)?)
        .map_err(|why| TlsSetupError::Unfit {
            cert: files.cert.clone(),
            key: files.key.clone(),
            why,
        })?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

/// Takes clients without a certificate, and those with one that an authority in the file has signed.
fn verifier(file: &Path) -> Result<Arc<dyn ClientCertVerifier>, TlsSetupError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(TlsSetupError::Rejected)?;
    }
    let provider = Arc::new(ring::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .allow_unauthenticated()
        .build()
        .map_err(|error| TlsSetupError::Rejected(rustls::Error::General(error.to_string())))
}

fn channel(connection: &ServerConnection) -> io::Result<Channel> {
    let binding = connection
        .export_keying_material([0; BINDING_BYTES], BINDING_LABEL, Some(&[]))
        .map_err(io::Error::other)?;
    let shown = connection.peer_certificates().and_then(<[_]>::first);
    Ok(Channel {
        binding,
        certificate: shown.map(|der| certificate(der)),
    })
}

fn certificate(der: &[u8]) -> Certificate {
    let parsed = X509Certificate::from_der(der).ok();
    let common_name = parsed.as_ref().and_then(|(_, parsed)| {
        let mut names = parsed.subject().iter_common_name();
        names.next()?.as_str().ok().map(Into::into)
    });
    Certificate {
        fingerprint: Sha256::digest(der).into(),
        common_name,
    }
}

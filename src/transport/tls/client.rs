//! How a client speaks TLS: whom it trusts, who it is, and which versions it takes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, KeyLogFile, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

use super::error::{TlsError, TlsSetupError};
use super::files::{certificates, private_key};
use super::verifier::TrustAll;
use super::{BINDING_BYTES, BINDING_LABEL};

/// What a client wants of TLS.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// Takes any certificate: whoever is in between can read and change everything.
    pub insecure: bool,
    /// A file of the certificates to trust, instead of the system's.
    pub ca: Option<PathBuf>,
    /// Files of our certificate, with its chain, and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The name that the server's certificate must bear, and that it is asked for, instead of the URL's host.
    pub name: Option<String>,
    /// The oldest version taken.
    pub version_min: TlsVersion,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    V1_2,
    /// TLS 1.3.
    V1_3,
}

/// A client's half of TLS, made once and used for every connection.
#[derive(Clone, Debug)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    is_insecure: bool,
    name: Option<ServerName<'static>>,
}

/// What a handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSession {
    /// The version, as `TLSv1_3`.
    pub version: String,
    /// The cipher suite, as `TLS13_AES_256_GCM_SHA384`.
    pub cipher_suite: String,
    /// What both ends of this channel know, and nobody else: `tls-exporter`. Spec: RFC 9266.
    pub binding: Option<[u8; BINDING_BYTES]>,
    /// Whether somebody whom we trust vouches for the server.
    pub is_verified: bool,
}

impl TlsClient {
    /// Reads the files that the options name, and the system's certificates where none are.
    ///
    /// # Errors
    /// [`TlsSetupError`] names the file or the option.
    pub fn new(options: &TlsOptions) -> Result<Self, TlsSetupError> {
        let name = options.name.clone().map(|name| {
            ServerName::try_from(name.clone()).map_err(|_| TlsSetupError::Name { name })
        });
        let provider = Arc::new(ring::default_provider());
        let versions: &[_] = match options.version_min {
            TlsVersion::V1_2 => &[&TLS13, &TLS12],
            TlsVersion::V1_3 => &[&TLS13],
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(TlsSetupError::Rejected)?;
        let builder = if options.insecure {
            builder
                .dangerous()
                .with_custom_certificate_verifier(trust_all(&provider))
        } else {
            builder.with_root_certificates(roots(options.ca.as_deref())?)
        };
        let mut config = match &options.identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder
                .with_client_auth_cert(certificates(chain)?, private_key(key)?)
                .map_err(TlsSetupError::Rejected)?,
        };
        // Writes keys only where SSLKEYLOGFILE says so, for who wants to read the traffic in Wireshark.
        config.key_log = Arc::new(KeyLogFile::new());
        Ok(Self {
            config: Arc::new(config),
            is_insecure: options.insecure,
            name: name.transpose()?,
        })
    }

    /// Shakes hands with the host.
    ///
    /// # Errors
    /// [`TlsError`]: why not.
    pub async fn connect(
        &self,
        host: &Host<String>,
        tcp: TcpStream,
    ) -> Result<(TlsStream<TcpStream>, TlsSession), TlsError> {
        let name = match (&self.name, host) {
            (Some(name), _) => name.clone(),
            (None, Host::Domain(name)) => ServerName::try_from(name.clone())
                .map_err(|_| TlsError::Other(format!("{name:?} is no name of a server")))?,
            (None, Host::Ipv4(ip)) => ServerName::IpAddress((*ip).into()),
            (None, Host::Ipv6(ip)) => ServerName::IpAddress((*ip).into()),
        };
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let stream = connector.connect(name, tcp).await;
        let stream = stream.map_err(TlsError::of_handshake)?;
        let session = TlsSession::of(&stream, !self.is_insecure);
        Ok((stream, session))
    }
}

impl TlsSession {
    fn of(stream: &TlsStream<TcpStream>, is_verified: bool) -> Self {
        let connection = stream.get_ref().1;
        let version = connection.protocol_version();
        let suite = connection.negotiated_cipher_suite();
        Self {
            version: version.map_or_else(String::new, |version| format!("{version:?}")),
            cipher_suite: suite.map_or_else(String::new, |suite| format!("{:?}", suite.suite())),
            binding: connection
                .export_keying_material([0; BINDING_BYTES], BINDING_LABEL, Some(&[]))
                .ok(),
            is_verified,
        }
    }
}

fn trust_all(provider: &Arc<CryptoProvider>) -> Arc<dyn ServerCertVerifier> {
    Arc::new(TrustAll::new(Arc::clone(provider)))
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, TlsSetupError> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = ca {
        for certificate in certificates(file)? {
            roots.add(certificate).map_err(TlsSetupError::Rejected)?;
        }
    } else {
        // A certificate of the system's that cannot be used vouches for nobody; the others still do.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(TlsSetupError::NoRoots);
        }
    }
    Ok(roots)
}

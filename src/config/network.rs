//! The settings about what is in front of HTTP: TLS, and proxies that say whom they bring.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use super::section::{Section, quoted};
use crate::transport::Plain;
use crate::transport::tls::{TlsFiles, TlsServer};

/// TLS on the listeners on networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// Certificates and keys; they were there, and of use, when the config was read.
    pub files: TlsFiles,
    /// Who may come without TLS.
    pub plain: Plain,
}

pub(super) fn tls(section: &mut Section<'_>, folder: &Path) -> Option<TlsConfig> {
    let path = |text: &str| -> Result<PathBuf, String> { Ok(folder.join(text)) };
    let cert = section.text("cert", path);
    let key = section.text("key", path);
    let files = TlsFiles {
        client_ca: section.text("client_ca", path),
        cert: section.need("cert", cert)?,
        key: section.need("key", key)?,
    };
    let plain = [
        ("never", Plain::Never),
        ("local", Plain::Local),
        ("always", Plain::Always),
    ];
    let plain = section.choice("plain", &plain).unwrap_or_default();
    if let Err(error) = TlsServer::new(files.clone()) {
        section.refuse(error.to_string());
        return None;
    }
    Some(TlsConfig { files, plain })
}

/// Reads a network as `10.0.0.0/8`, or one address.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let one = text.parse::<IpAddr>().map(IpNet::from);
    one.or_else(|_| text.parse()).map_err(|_| {
        format!(
            "{} is no network as 10.0.0.0/8, and no address",
            quoted(text)
        )
    })
}

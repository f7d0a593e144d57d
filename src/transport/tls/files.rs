//! Certificates and keys in PEM files.

use std::io;
use std::path::Path;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::error::TlsSetupError;

pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsSetupError> {
    let pem = read(file)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(TlsSetupError::NotPem {
            file: file.to_owned(),
            what: "certificate",
        }),
    }
}

pub(super) fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsSetupError> {
    PrivateKeyDer::from_pem_slice(&read(file)?).map_err(|_| TlsSetupError::NotPem {
        file: file.to_owned(),
        what: "private key",
    })
}

fn read(file: &Path) -> Result<Vec<u8>, TlsSetupError> {
    std::fs::read(file).map_err(|source: io::Error| TlsSetupError::Read {
        file: file.to_owned(),
        source,
    })
}

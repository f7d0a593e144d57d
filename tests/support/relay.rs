//! Somebody in between, who speaks TLS with a client, and with or without TLS to the server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use wamp::transport::tls::{TlsClient, TlsOptions};

/// Shows this certificate and passes on what is inside to the host and port of `url`, by TLS where
/// `url` says so, which may show any certificate. Returns the port; it ends with the test's process.
pub(crate) fn relay(cert: &Path, key: &Path, url: &str) -> u16 {
    let files: [PathBuf; 2] = [cert.to_owned(), key.to_owned()];
    let is_tls = url.starts_with("wss:");
    let (_, rest) = url.split_once("://").unwrap();
    let backend = rest.split('/').next().unwrap().to_owned();
    let (sender, port) = channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap().port()).unwrap();
            let acceptor = acceptor(&files);
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // Who does not like our certificate is gone.
                let Ok(mut inside) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut plain = TcpStream::connect(&backend).await.unwrap();
                if is_tls {
                    let insecure = TlsOptions {
                        insecure: true,
                        ..TlsOptions::default()
                    };
                    let host = url::Host::Domain("localhost".to_owned());
                    let connected = TlsClient::new(&insecure)
                        .unwrap()
                        .connect(&host, plain)
                        .await;
                    let (mut outside, _) = connected.unwrap();
                    let _ = copy_bidirectional(&mut inside, &mut outside).await;
                } else {
                    let _ = copy_bidirectional(&mut inside, &mut plain).await;
                }
            }
        });
    });
    port.recv().unwrap()
}

fn acceptor([cert, key]: &[PathBuf; 2]) -> TlsAcceptor {
    let provider = Arc::new(ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let chain = vec![CertificateDer::from_pem_file(cert).unwrap()];
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let config = builder
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key);
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

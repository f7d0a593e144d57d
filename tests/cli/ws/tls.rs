//! `wss://`: whom we trust, who we are, and what is said where it fails.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
};

use super::server::{Server, accept, answers, echo, listen};
use super::ws;
use crate::support::{Router, relay, wamp};

/// An authority and what it has signed, as files.
struct Authority {
    dir: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        // Two authorities of one name are another mistake.
        let name = dir.path().display().to_string();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(dir.path().join("ca.pem"), issuer.pem()).unwrap();
        fs::write(dir.path().join("ca.key"), issuer.key().serialize_pem()).unwrap();
        for name in ["localhost", "elsewhere.example", "ann"] {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new([name.to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &issuer).unwrap();
            fs::write(dir.path().join(format!("{name}.pem")), certificate.pem()).unwrap();
            fs::write(dir.path().join(format!("{name}.key")), key.serialize_pem()).unwrap();
        }
        Self { dir }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// An echo server with the certificate of this name; returns its URL, by the name `localhost`.
    fn serve(
        &self,
        name: &str,
        asks_for_client: bool,
        version: &'static SupportedProtocolVersion,
    ) -> String {
        let config = self.config(name, asks_for_client, version);
        let port = listen(move |stream: TcpStream| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let (requests, _) = channel();
            if let Some(socket) = accept(StreamOwned::new(connection, stream), &requests) {
                echo(socket);
            }
        });
        format!("wss://localhost:{port}/")
    }

    fn config(
        &self,
        name: &str,
        asks_for_client: bool,
        version: &'static SupportedProtocolVersion,
    ) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap();
        let builder = if asks_for_client {
            let mut roots = RootCertStore::empty();
            roots.add(self.certificate("ca")).unwrap();
            let provider = Arc::new(ring::default_provider());
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::from_pem_file(self.path().join(format!("{name}.key"))).unwrap();
        Arc::new(
            builder
                .with_single_cert(vec![self.certificate(name)], key)
                .unwrap(),
        )
    }

    fn certificate(&self, name: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.path().join(format!("{name}.pem"))).unwrap()
    }
}

#[test]
fn a_server_that_our_authority_vouches_for_is_talked_to() {
    let authority = Authority::new();
    for version in [&TLS12, &TLS13] {
        let url = authority.serve("localhost", false, version);
        let run = ws(&url, ["-m", "hello", "--ca", "ca.pem", "-v"])
            .dir(authority.path())
            .run();
        let run = run.stdout("hello\n").exit_code(0);
        run.stderr_contains(if version.version == TLS13.version {
            "-- TLSv1_3 with "
        } else {
            "-- TLSv1_2 with "
        });
    }
    // The variable that OpenSSL's programs know names the system's certificates.
    let url = authority.serve("localhost", false, &TLS13);
    let run = ws(&url, ["-m", "hello"])
        .env("SSL_CERT_FILE", authority.path().join("ca.pem"))
        .run();
    run.stdout("hello\n").exit_code(0);
}

#[test]
fn a_server_that_nobody_vouches_for_is_3_with_the_ways_out() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let url = theirs.serve("localhost", false, &TLS13);
    let run = ws(&url, ["-m", "hello", "--ca", "ca.pem"])
        .dir(ours.path())
        .run();
    run.exit_code(3)
        .stdout("")
        .stderr_contains(
            "the server's certificate is not trusted: it is signed by nobody known here\n",
        )
        .stderr_contains("--ca FILE; to check nothing at all: --insecure\n");
    let run = ws(&url, ["-m", "hello", "--insecure"]).run().exit_code(0);
    run.stdout("hello\n")
        .stderr_contains("-- the server's certificate is not checked (--insecure)\n");
}

#[test]
fn a_server_that_shows_an_authoritys_own_certificate_is_3() {
    let authority = Authority::new();
    let url = authority.serve("ca", false, &TLS13);
    let run = ws(&url, ["-m", "hello", "--ca", "ca.pem"])
        .dir(authority.path())
        .run();
    run.exit_code(3)
        .stderr_contains("it says that it is an authority's (CA:TRUE)\n")
        .stderr_contains("-addext basicConstraints=critical,CA:FALSE");
}

#[test]
fn a_certificate_for_another_name_is_3_unless_it_is_named() {
    let authority = Authority::new();
    let url = authority.serve("elsewhere.example", false, &TLS13);
    let run = ws(&url, ["-m", "hello", "--ca", "ca.pem"])
        .dir(authority.path())
        .run();
    run.exit_code(3)
        .stderr_contains("the server's certificate is for another name: ")
        .stderr_contains("--tls-name NAME");
    let args = [
        "-m",
        "hello",
        "--ca",
        "ca.pem",
        "--tls-name",
        "elsewhere.example",
    ];
    ws(&url, args)
        .dir(authority.path())
        .run()
        .stdout("hello\n")
        .exit_code(0);
}

#[test]
fn a_server_that_wants_to_know_who_we_are_is_shown_our_certificate() {
    let authority = Authority::new();
    for version in [&TLS12, &TLS13] {
        let url = authority.serve("localhost", true, version);
        let run = ws(&url, ["-m", "hello", "--ca", "ca.pem"])
            .dir(authority.path())
            .run();
        let run = run.exit_code(3).stdout("");
        run.stderr_contains("--cert");
        let args = [
            "-m", "hello", "--ca", "ca.pem", "--cert", "ann.pem", "--key", "ann.key",
        ];
        ws(&url, args)
            .dir(authority.path())
            .run()
            .stdout("hello\n")
            .exit_code(0);
    }
}

#[test]
fn an_old_version_is_refused_where_it_is_not_wanted() {
    let authority = Authority::new();
    let url = authority.serve("localhost", false, &TLS12);
    let args = ["-m", "hello", "--ca", "ca.pem", "--tls-min", "1.3"];
    let run = ws(&url, args).dir(authority.path()).run().exit_code(3);
    run.stderr_contains("the server refuses TLS (alert ")
        .stderr_contains("--tls-min");
}

#[test]
fn tls_and_none_are_told_apart() {
    // A server that answers what it does not understand, and one that hangs up.
    let plain = answers(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let run = ws(&format!("wss://127.0.0.1:{plain}"), ["--insecure"])
        .run()
        .exit_code(3);
    run.stderr_contains("the server does not speak TLS on this port\n")
        .stderr_contains(&format!(
            "hint: if it is a port without TLS: ws://127.0.0.1:{plain}/\n"
        ));
    let echo = Server::echo();
    let run = ws(&echo.url().replace("ws:", "wss:"), ["--insecure"])
        .run()
        .exit_code(3);
    run.stderr_contains("TLS")
        .stderr_contains("if it is a port without TLS: ws://");
    let tls = Authority::new().serve("localhost", false, &TLS13);
    let run = ws(&tls.replace("wss:", "ws:"), ["-m", "x"])
        .run()
        .exit_code(3);
    run.stderr_contains("the server speaks TLS on this port\n")
        .stderr_contains(&format!("hint: try {tls}\n"));
}

#[test]
fn files_that_hold_no_certificate_are_9() {
    let authority = Authority::new();
    fs::write(authority.path().join("empty"), "").unwrap();
    for (args, said) in [
        (
            ["--ca", "empty", "--tls-min", "1.2"],
            "\"empty\" holds no certificate in PEM",
        ),
        (
            ["--ca", "/no/such", "--tls-min", "1.2"],
            "cannot read \"/no/such\": no such file",
        ),
        (
            ["--cert", "ann.pem", "--key", "ann.pem"],
            "\"ann.pem\" holds no private key in PEM",
        ),
        (
            ["--cert", "ann.pem", "--key", "localhost.key"],
            "TLS does not take this: ",
        ),
    ] {
        let run = ws("wss://127.0.0.1:1", args).dir(authority.path()).run();
        run.exit_code(9).stderr_contains(said);
    }
    ws("wss://127.0.0.1:1", ["--tls-name", "a b"])
        .run()
        .exit_code(2);
}

#[test]
fn wamp_commands_speak_tls_with_the_same_flags() {
    let router = Router::start_with(["--demo"]);
    let authority = Authority::new();
    let [cert, key] = ["pem", "key"].map(|kind| authority.path().join(format!("localhost.{kind}")));
    let port = relay(&cert, &key, router.url());
    let url = format!("wss://localhost:{port}/ws");
    let call = wamp(["call", "sum", "3", "5", "--ca", "ca.pem"]).to(&url);
    call.dir(authority.path())
        .run()
        .stdout("8\n")
        .stderr("")
        .exit_code(0);
    let call = wamp(["call", "sum", "3", "5"])
        .to(&router.url().replace("ws:", "wss:"))
        .arg("--insecure");
    call.run().exit_code(3).stderr_contains("TLS");
}

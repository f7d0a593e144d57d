//! Signing in by what TLS knows: bound to the channel by cryptosign's `tls-exporter`, or by a certificate.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use wamp::auth::PrivateKey;

use super::peer::{Peer, authority, hello};
use super::rawsocket::{TLS, certify};
use crate::support::{Output, Router, relay, wamp};

const SEED: [u8; 32] = [7; 32];

/// A router at which joe signs in with a key, and its folder, with that key.
fn start(config: &str) -> (Router, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let key = folder.path().join("joe.key");
    fs::write(&key, hex::encode(SEED)).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let public = PrivateKey::from_seed(&SEED).public_key().to_hex();
    let config = format!(
        "{config}[[realms]]\nname = \"realm1\"\n\
         [[realms.principals]]\nauthid = \"joe\"\nrole = \"member\"\npublic_keys = [{public:?}]\n\
         [[realms.roles]]\nname = \"member\"\nrules = [{{ uri = \"wamp.\", match = \"prefix\", allow = [\"call\"] }}]\n"
    );
    fs::write(folder.path().join("wamp.toml"), config).unwrap();
    let router = Router::start_in(folder.path(), ["--config", "wamp.toml"]);
    (router, folder)
}

/// Asks how many sessions there are, with joe's key, and shows the frames.
fn count(folder: &Path, url: &str, trust: &[&str]) -> Output {
    wamp(["call", "wamp.session.count", "--key", "joe.key", "--trace"])
        .args(trust)
        .dir(folder)
        .to(url)
        .run()
}

const CA: &[&str] = &["--ca", "wamp.crt", "--tls-name", "localhost"];
const BOUND: &str = "\"channel_binding\":\"tls-exporter\"";

#[test]
fn a_key_signs_for_its_own_channel_wherever_there_is_one() {
    let (router, folder) = start(TLS);
    let (url, folder) = (router.url(), folder.path());
    let rawsocket = format!("rss://{}", authority(url));
    for url in [url, &rawsocket] {
        for trust in [CA, &["--insecure"]] {
            let counted = count(folder, url, trust).stdout("1\n").exit_code(0);
            assert_eq!(
                counted.stderr.matches(BOUND).count(),
                2,
                "{}",
                counted.stderr
            );
        }
    }
    let plain = url.replacen("wss:", "ws:", 1);
    let counted = count(folder, &plain, &[]).stdout("1\n").exit_code(0);
    assert!(!counted.stderr.contains(BOUND), "{}", counted.stderr);
}

#[test]
fn who_is_in_between_can_do_nothing_with_a_signature() {
    let (router, folder) = start(TLS);
    let folder = folder.path();
    let [cert, key] = ["wamp.crt", "wamp.key"].map(|name| folder.join(name));
    let port = relay(&cert, &key, router.url());
    // Whether it has the router's certificate or is let pass with any.
    for trust in [CA, &["--insecure"]] {
        let refused = count(folder, &format!("wss://localhost:{port}/ws"), trust);
        let refused = refused.stdout("").exit_code(4);
        refused.stderr_contains("wamp.error.authentication_denied");
    }
}

#[test]
fn a_router_that_binds_nothing_is_signed_in_to_if_its_certificate_is_checked() {
    let (router, folder) = start("");
    let folder = folder.path();
    let [cert, key] = ["wamp.crt", "wamp.key"].map(|name| folder.join(name));
    // What the router is told comes without TLS, which somebody before it speaks.
    let port = relay(&cert, &key, router.url());
    let url = format!("wss://localhost:{port}/ws");
    count(folder, &url, CA).stdout("1\n").exit_code(0);
    let refused = count(folder, &url, &["--insecure"]).stdout("").exit_code(4);
    refused.stderr_contains("tls-exporter takes a connection over TLS");
}

/// Writes an authority `<name>-ca`, and certificates with their keys that it has signed: `ann`, `bob`, and `late`, which
/// has expired.
fn sign(folder: &Path, authority: &str) {
    let mut params = CertificateParams::new([]).unwrap();
    // Two authorities of one name are another mistake.
    params
        .distinguished_name
        .push(DnType::CommonName, authority);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    write(&folder.join(format!("{authority}-ca.crt")), &issuer.pem());
    for name in ["ann", "bob", "late"] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        if name == "late" {
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let file = |kind: &str| folder.join(format!("{authority}-{name}.{kind}"));
        write(&file("crt"), &certificate.pem());
        write(&file("key"), &key.serialize_pem());
    }
}

fn write(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
    fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
}

fn fingerprint(file: &Path) -> String {
    hex::encode(Sha256::digest(CertificateDer::from_pem_file(file).unwrap()))
}

/// A router at which ann signs in with a certificate that our authority has signed, and whoever `asked` lets in.
fn start_certified(asked: &str) -> (Router, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    sign(folder.path(), "our");
    sign(folder.path(), "their");
    let ann = fingerprint(&folder.path().join("our-ann.crt"));
    let config = format!(
        "{TLS}client_ca = \"our-ca.crt\"\n[[realms]]\nname = \"realm1\"\n{asked}\
         [[realms.principals]]\nauthid = \"ann\"\nrole = \"member\"\ncertificates = [{ann:?}]\n\
         [[realms.principals]]\nauthid = \"root\"\nrole = \"member\"\nticket = \"root\"\n\
         [[realms.roles]]\nname = \"member\"\nrules = [{{ uri = \"\", match = \"prefix\", allow = [\"call\", \"register\"] }}]\n"
    );
    fs::write(folder.path().join("wamp.toml"), config).unwrap();
    let router = Router::start_in(folder.path(), ["--config", "wamp.toml"]);
    (router, folder)
}

/// Asks how many sessions there are, with this certificate.
fn count_certified(folder: &Path, url: &str, name: &str, more: &[&str]) -> Output {
    wamp(["call", "wamp.session.count", "--trace"])
        .args([
            "--cert",
            &format!("{name}.crt"),
            "--tls-key",
            &format!("{name}.key"),
        ])
        .args(CA)
        .args(more)
        .dir(folder)
        .to(url)
        .run()
}

#[test]
fn a_certificate_that_a_principal_has_lets_in_and_no_other_does() {
    let (router, folder) = start_certified("");
    let (url, folder) = (router.url(), folder.path());
    let rawsocket = format!("rss://{}", authority(url));
    for (url, more) in [(url, &[] as &[&str]), (&rawsocket, &["--authid", "ann"])] {
        let counted = count_certified(folder, url, "our-ann", more);
        let counted = counted.stdout("1\n").exit_code(0);
        let counted = counted.stderr_contains("\"authmethod\":\"tls\"");
        counted.stderr_contains("\"authid\":\"ann\"");
    }
    let bob = fingerprint(&folder.join("our-bob.crt"));
    let refused = count_certified(folder, url, "our-bob", &[]).exit_code(4);
    let refused = refused.stderr_contains("wamp.error.authentication_denied");
    refused.stderr_contains(&format!("nobody of this name has the certificate {bob}"));
    let refused = count_certified(folder, url, "our-ann", &["--authid", "root"]).exit_code(4);
    refused.stderr_contains("wamp.error.authentication_denied");
    // Who has something else to show may, too.
    let more = ["--authid", "root", "--ticket", "root"];
    let counted = count_certified(folder, url, "our-bob", &more).exit_code(0);
    counted.stderr_contains("\"authmethod\":\"ticket\"");
}

#[test]
fn a_certificate_that_has_expired_or_that_strangers_have_signed_is_no_way_in() {
    let (router, folder) = start_certified("");
    let (url, folder) = (router.url(), folder.path());
    let refused = count_certified(folder, url, "our-late", &[]).exit_code(3);
    refused.stderr_contains("the server does not take this client's certificate: it has expired");
    let refused = count_certified(folder, url, "their-ann", &[]).exit_code(3);
    refused.stderr_contains("nobody whom the server trusts has signed it");
    let others = folder.join("our-ann.key");
    fs::set_permissions(&others, Permissions::from_mode(0o644)).unwrap();
    let refused = count_certified(folder, url, "our-ann", &[]).exit_code(9);
    refused.stderr_contains("others can read our-ann.key");
}

#[test]
fn who_says_tls_and_shows_no_certificate_is_told_what_it_takes() {
    let (router, folder) = start_certified("");
    let mut peer = Peer::upgrade(&router.url().replacen("wss:", "ws:", 1), "wamp.2.json");
    let mut hello = hello("realm1");
    hello[2]["authmethods"] = json!(["tls"]);
    peer.send(&hello);
    let abort = peer.expect_message(3);
    assert_eq!(abort[2], "wamp.error.authentication_failed");
    let message = abort[1]["message"].as_str().unwrap();
    assert!(message.contains("none was shown"), "{message}");
    drop(folder);
}

#[test]
fn a_procedure_is_asked_about_a_certificate_that_no_principal_has() {
    let (router, folder) = start_certified("authenticator = \"com.example.authenticate\"\n");
    let (url, folder) = (router.url(), folder.path());
    let register = wamp(["register", "com.example.authenticate", "--jq"])
        .arg(r#"{authid: $args[2].certificate.sha256, role: "member"}"#)
        .args(["--authid", "root", "--ticket", "root"])
        .args(CA)
        .dir(folder)
        .to(url)
        .start();
    register.wait_for_line("registered");
    let bob = fingerprint(&folder.join("our-bob.crt"));
    let counted = count_certified(folder, url, "our-bob", &[]).exit_code(0);
    let counted = counted.stderr_contains(&format!("\"authid\":{bob:?}"));
    counted.stderr_contains("\"authprovider\":\"dynamic\"");
    register.interrupt();
}

//! Signing in that is bound to the channel: by cryptosign's `tls-exporter`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;
use wamp::auth::PrivateKey;

use super::peer::authority;
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

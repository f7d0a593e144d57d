//! Our router with every way in that it has, for programs that must trust its certificate.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{Router, wamp};

/// One port for WebSocket, RawSocket and long-poll, each with TLS and without, and a Unix socket.
#[derive(Debug)]
pub(crate) struct Doors {
    router: Router,
    folder: TempDir,
}

impl Doors {
    /// Opens them to what the config says of realms.
    #[track_caller]
    pub(crate) fn open(realms: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let made = wamp(["init", "--tls"]).dir(folder.path()).run();
        made.exit_code(0);
        let tls = "[tls]\ncert = \"wamp.crt\"\nkey = \"wamp.key\"\n";
        fs::write(folder.path().join("wamp.toml"), format!("{tls}{realms}")).unwrap();
        let socket = format!("unix:{}", folder.path().join("wamp.sock").display());
        let arguments = ["--config", "wamp.toml", "--listen", &socket];
        let router = Router::start_in(folder.path(), arguments);
        Self { router, folder }
    }

    /// Where to come in by `ws`, `wss`, `rs`, `rss`, `unix`, or by `http` and `https`, which are long-poll.
    pub(crate) fn url(&self, scheme: &str) -> String {
        let authority = self.router.url().split('/').nth(2).unwrap();
        match scheme {
            "unix" => format!("unix:{}", self.folder.path().join("wamp.sock").display()),
            "rs" | "rss" => format!("{scheme}://{authority}"),
            "http" | "https" => format!("{scheme}://{authority}/longpoll"),
            _ => format!("{scheme}://{authority}/ws"),
        }
    }

    /// Makes a program in Python or JavaScript trust the certificate.
    pub(crate) fn trusted_by(&self, mut command: Command) -> Command {
        let certificate = self.folder.path().join("wamp.crt");
        command.env("SSL_CERT_FILE", &certificate);
        command.env("NODE_EXTRA_CA_CERTS", &certificate);
        command
    }
}

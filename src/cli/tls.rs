//! The flags for `wss://` and `rss://`, wherever one connects.

use std::path::PathBuf;

use clap::ValueEnum;
use url::Url;

use super::console::Console;
use super::exit::Failure;
use crate::transport::tls::{TlsClient, TlsOptions, TlsSetupError, TlsVersion};

/// Whom to trust.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "TLS")]
pub(super) struct TlsArgs {
    /// Take any certificate: whoever is in between can read and change everything
    #[arg(long)]
    insecure: bool,
    /// Trust the certificates of this PEM file instead of the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Name that the server's certificate bears [default: the URL's host]
    #[arg(long, value_name = "NAME")]
    tls_name: Option<String>,
    /// Oldest version taken: 1.2 or 1.3
    #[arg(long, value_enum, value_name = "VERSION", default_value_t = Version::V1_2)]
    #[arg(hide_possible_values = true)]
    tls_min: Version,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Version {
    #[default]
    #[value(name = "1.2")]
    V1_2,
    #[value(name = "1.3")]
    V1_3,
}

impl TlsArgs {
    /// What a URL needs of TLS; `None` where it needs none. `identity` is the files of our certificate and its key.
    pub(super) fn client(
        &self,
        url: &Url,
        identity: Option<(PathBuf, PathBuf)>,
        console: &Console,
    ) -> Result<Option<TlsClient>, Failure> {
        if !["wss", "rss"].contains(&url.scheme()) {
            return Ok(None);
        }
        if self.insecure {
            console.note("the server's certificate is not checked (--insecure)");
        }
        let options = TlsOptions {
            insecure: self.insecure,
            ca: self.ca.clone(),
            identity,
            name: self.tls_name.clone(),
            version_min: match self.tls_min {
                Version::V1_2 => TlsVersion::V1_2,
                Version::V1_3 => TlsVersion::V1_3,
            },
        };
        TlsClient::new(&options).map(Some).map_err(|error| {
            let failure = match error {
                TlsSetupError::Name { .. } => Failure::usage(error.to_string()),
                _ => Failure::local(error.to_string()),
            };
            match error {
                TlsSetupError::NoRoots => failure.hint(
                    "install the package ca-certificates, name a file of them with --ca, or check none: --insecure",
                ),
                _ => failure,
            }
        })
    }
}

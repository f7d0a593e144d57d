//! The flags for `wss://` and `rss://`, wherever one connects.

use std::path::PathBuf;

use clap::ValueEnum;
use url::Url;

use super::console::Console;
use super::context::{Given, Key, Settled};
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
    /// Oldest version taken: 1.2 (if not given) or 1.3
    #[arg(long, value_enum, value_name = "VERSION", hide_possible_values = true)]
    tls_min: Option<Version>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Version {
    #[value(name = "1.2")]
    V1_2,
    #[value(name = "1.3")]
    V1_3,
}

impl TlsArgs {
    /// What the flags say.
    pub(super) fn given(&self, given: &mut Given) {
        let ca = self.ca.as_ref().map(|file| file.display().to_string());
        given.flag(Key::Ca, ca);
        given.flag(Key::TlsName, self.tls_name.clone());
        let version = self.tls_min.and_then(|version| version.to_possible_value());
        given.flag(
            Key::TlsMin,
            version.map(|version| version.get_name().to_owned()),
        );
        given.flag(Key::Insecure, self.insecure.then(|| "true".to_owned()));
    }

    /// Takes what else is in use.
    pub(super) fn fall_back(&mut self, settled: &Settled) {
        self.ca = settled.get(Key::Ca).map(PathBuf::from);
        self.tls_name = settled.get(Key::TlsName).map(str::to_owned);
        let version = settled.get(Key::TlsMin);
        self.tls_min = version.and_then(|version| Version::from_str(version, true).ok());
        self.insecure = settled.get(Key::Insecure) == Some("true");
    }

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
                None | Some(Version::V1_2) => TlsVersion::V1_2,
                Some(Version::V1_3) => TlsVersion::V1_3,
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

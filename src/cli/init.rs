//! `wamp init`: a config to begin with, and a certificate where that is wanted.

use std::ffi::OsStr;
use std::fs::{OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Result;
use rcgen::{CertificateParams, DnType, KeyPair};

use super::console::{Console, ConsoleArgs};
use super::exit::{Exit, Failure};
use super::printer::{OutputArgs, Printer};
use crate::config::{FILE_NAME, template, template_with_tls};

/// Who may read a config or a certificate, and who a key.
const FOR_ALL: u32 = 0o644;
const FOR_US: u32 = 0o600;
/// Whom a certificate is for: this machine, as it calls itself.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Write a commented config, which does what the router does without one
#[derive(Debug, clap::Args)]
pub(super) struct InitArgs {
    /// Where to write it
    #[arg(default_value = FILE_NAME)]
    file: PathBuf,
    /// Make a certificate for this machine beside it, signed by itself, and use it
    #[arg(long)]
    tls: bool,
    /// Write over files that are there
    #[arg(long)]
    force: bool,
    /// Print it, and write no file
    #[arg(long, conflicts_with_all = ["file", "force", "tls"])]
    stdout: bool,
}

impl InitArgs {
    pub(super) fn run(self) -> Result<Exit> {
        let console = Console::new(&ConsoleArgs::default());
        if self.stdout {
            let printer = Printer::new(&OutputArgs::default(), &console);
            printer.text(template().trim_end())?;
            return Ok(Exit::Done);
        }
        if self.tls {
            self.write_with_tls(&console)?;
        } else {
            self.write(&self.file, FOR_ALL, &template())?;
        }
        let name = self.file.display();
        console.note(&format!(
            "wrote {name}; run it: wamp router --config {name}"
        ));
        Ok(Exit::Done)
    }

    fn write_with_tls(&self, console: &Console) -> Result<(), Failure> {
        let (cert, key) = (
            self.file.with_extension("crt"),
            self.file.with_extension("key"),
        );
        let (cert_pem, key_pem) = certificate()
            .map_err(|error| Failure::local(format!("cannot make a certificate: {error}")))?;
        let config = template_with_tls(&name_of(&cert), &name_of(&key));
        self.write(&key, FOR_US, &key_pem)?;
        self.write(&cert, FOR_ALL, &cert_pem)?;
        self.write(&self.file, FOR_ALL, &config)?;
        let (cert, key) = (cert.display(), key.display());
        console.note(&format!(
            "wrote {cert} and {key}; clients trust it with --ca {cert}"
        ));
        Ok(())
    }

    fn write(&self, file: &Path, mode: u32, text: &str) -> Result<(), Failure> {
        let mut options = OpenOptions::new();
        options.write(true).mode(mode);
        if self.force {
            options.create(true).truncate(true);
        } else {
            options.create_new(true);
        }
        let written = options.open(file).and_then(|mut file| {
            if mode == FOR_US {
                // One that is written over may have been anybody's to read.
                file.set_permissions(Permissions::from_mode(mode))?;
            }
            file.write_all(text.as_bytes())
        });
        written.map_err(|error| {
            let failure = Failure::io("write", file.display(), &error);
            match error.kind() {
                io::ErrorKind::AlreadyExists if file.is_dir() => {
                    failure.hint("that is a folder; name a file in it")
                }
                io::ErrorKind::AlreadyExists => {
                    failure.hint("--force writes over it, --stdout prints instead")
                }
                _ => failure,
            }
        })
    }
}

/// A certificate for this machine, and its key, in PEM.
fn certificate() -> Result<(String, String), rcgen::Error> {
    let host = rustix::system::uname();
    let host = host.nodename().to_str().ok();
    // Not every machine is called by what is a name in a certificate.
    let host = host.filter(|name| rcgen::string::Ia5String::try_from(*name).is_ok());
    let names = NAMES.into_iter().chain(host).map(str::to_owned);
    let mut params = CertificateParams::new(names.collect::<Vec<_>>())?;
    let common_name = host.unwrap_or("wamp");
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// How the config calls a file beside it.
fn name_of(file: &Path) -> String {
    let name = file.file_name().unwrap_or_else(|| OsStr::new(""));
    name.to_string_lossy().into_owned()
}

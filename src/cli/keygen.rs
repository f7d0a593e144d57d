//! `wamp keygen`: a key pair for cryptosign, or keys derived from a secret, so that a config need not hold it.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::console::{Console, ConsoleArgs};
use super::exit::{Exit, Failure};
use super::printer::{OutputArgs, Printer};
use super::sign_in::{SECRET_BYTES_MAX, first_line, read_line};
use crate::auth::{Cost, CraKey, Kdf, PrivateKey, Salting, ScramForm, ScramKeys, Ticket};

/// The work that a guess at a key costs where nobody says otherwise: PBKDF2's as OWASP has it, half of that for what is
/// signed anew for each session; Argon2's as RFC 9106 has it for little memory.
const WAMPCRA_ITERATIONS: u32 = 100_000;
const PBKDF2_ITERATIONS: u32 = 600_000;
const ARGON2_ITERATIONS: u32 = 3;
const ARGON2_KIB: u32 = 64 * 1024;
const WAMPCRA_KEY_BYTES: u32 = 32;

/// Make a key pair to sign in with, or keys of a secret for a config
///
/// With FILE it makes an Ed25519 key for cryptosign, and prints the public
/// half. With --ticket, --wampcra or --scram it asks for a secret, or takes the
/// first line of stdin, and prints the setting for a principal in a config.
#[derive(Debug, Args)]
pub(super) struct KeygenArgs {
    /// Where the private key goes, for you alone to read
    #[arg(required_unless_present = "way")]
    file: Option<PathBuf>,
    /// Write over a key that is there
    #[arg(long, requires = "file")]
    force: bool,
    #[command(flatten)]
    way: Way,
    /// How the password becomes a key; argon2id-13 is for Autobahn's clients
    #[arg(long, value_enum, default_value = "argon2id13")]
    #[arg(conflicts_with_all = ["file", "ticket", "wampcra"])]
    kdf: Derivation,
    /// How often the function is applied
    #[arg(long, conflicts_with_all = ["file", "ticket"])]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    iterations: Option<u32>,
    /// How much memory Argon2 fills, in KiB
    #[arg(long, value_name = "KIB")]
    #[arg(conflicts_with_all = ["file", "ticket", "wampcra"])]
    #[arg(value_parser = clap::value_parser!(u32).range(8..=1_048_576))]
    memory: Option<u32>,
    /// File with the secret
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    secret_file: Option<PathBuf>,
}

/// Of what a setting is wanted.
#[derive(Debug, Args)]
#[group(id = "way", multiple = false, conflicts_with = "file")]
struct Way {
    /// The SHA-256 of a ticket
    #[arg(long)]
    ticket: bool,
    /// A key for WAMP-CRA
    #[arg(long)]
    wampcra: bool,
    /// The two keys for SCRAM
    #[arg(long)]
    scram: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Derivation {
    #[value(name = "argon2id13")]
    Argon2id13,
    #[value(name = "pbkdf2")]
    Pbkdf2,
    #[value(name = "argon2id-13")]
    Autobahn,
}

impl KeygenArgs {
    pub(super) fn run(self) -> Result<Exit> {
        let console = Console::new(&ConsoleArgs::default());
        let printer = Printer::new(&OutputArgs::default(), &console);
        if let Some(file) = &self.file {
            let key = PrivateKey::from_seed(&rand::random());
            write(file, self.force, &format!("{}\n", key.to_hex()))?;
            console.note(&format!(
                "the private key is in {}; this is the public one, for public_keys",
                file.display()
            ));
            printer.text(&key.public_key().to_hex())?;
            return Ok(Exit::Done);
        }
        let secret = self.secret()?;
        printer.text(&self.setting(&secret)?)?;
        Ok(Exit::Done)
    }

    fn secret(&self) -> Result<String, Failure> {
        if let Some(file) = &self.secret_file {
            return read_line(file);
        }
        if !io::stdin().is_terminal() {
            let mut bytes = Vec::new();
            let mut stdin = io::Read::take(io::stdin(), SECRET_BYTES_MAX);
            io::Read::read_to_end(&mut stdin, &mut bytes)
                .map_err(|error| Failure::io("read", "stdin", &error))?;
            return first_line(bytes, "stdin");
        }
        let ask = |prompt| {
            rpassword::prompt_password(prompt)
                .map_err(|error| Failure::io("ask for", "the secret", &error))
        };
        let secret = ask("Secret: ")?;
        if secret.is_empty() {
            return Err(Failure::new(Exit::Usage, "there is no secret"));
        }
        if ask("Once more: ")? != secret {
            return Err(Failure::new(Exit::Usage, "these are two secrets"));
        }
        Ok(secret)
    }

    /// The line of a config that says how to check a secret.
    fn setting(&self, secret: &str) -> Result<String> {
        let salt: [u8; 16] = rand::random();
        if self.way.ticket {
            let digest = Ticket::new(secret).to_hex();
            return Ok(format!("ticket_sha256 = \"{digest}\""));
        }
        if self.way.wampcra {
            let iterations = self.iterations.unwrap_or(WAMPCRA_ITERATIONS);
            let salt = hex::encode(salt);
            let salting = Salting {
                salt: salt.as_str().into(),
                iterations,
                key_bytes: WAMPCRA_KEY_BYTES,
            };
            let key = CraKey::derive(secret, salting)?;
            return Ok(format!(
                "wampcra = {{ key = \"{}\", salt = \"{salt}\", iterations = {iterations}, keylen = {WAMPCRA_KEY_BYTES} }}",
                key.text()
            ));
        }
        let keys = self.scram(secret, &salt)?;
        let memory = match keys.cost.kdf {
            Kdf::Argon2id13 => format!("memory = {}, ", keys.cost.memory),
            Kdf::Pbkdf2 => String::new(),
        };
        Ok(format!(
            "scram = [{{ kdf = \"{}\", {memory}iterations = {}, salt = \"{}\", stored_key = \"{}\", server_key = \"{}\" }}]",
            keys.form.kdf_name(keys.cost.kdf),
            keys.cost.iterations,
            hex::encode(salt),
            hex::encode(keys.stored),
            hex::encode(keys.server),
        ))
    }

    fn scram(&self, secret: &str, salt: &[u8]) -> Result<ScramKeys> {
        let (form, kdf) = match self.kdf {
            Derivation::Argon2id13 => (ScramForm::Specification, Kdf::Argon2id13),
            Derivation::Pbkdf2 => (ScramForm::Specification, Kdf::Pbkdf2),
            Derivation::Autobahn => (ScramForm::Autobahn, Kdf::Argon2id13),
        };
        let (iterations, memory) = match kdf {
            Kdf::Argon2id13 => (ARGON2_ITERATIONS, self.memory.unwrap_or(ARGON2_KIB)),
            Kdf::Pbkdf2 => (PBKDF2_ITERATIONS, 0),
        };
        let cost = Cost {
            kdf,
            salt: salt.to_vec(),
            iterations: self.iterations.unwrap_or(iterations),
            memory,
        };
        Ok(ScramKeys::derive(form, secret, cost)?)
    }
}

/// Writes a file that is its owner's alone from the start.
fn write(file: &Path, is_forced: bool, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    if is_forced {
        // Another file in its place, not its content: the old one may be for all to read.
        let _ = std::fs::remove_file(file);
    }
    let written = options.create_new(true).open(file);
    let written = written.and_then(|mut opened| opened.write_all(text.as_bytes()));
    written.map_err(|error| {
        let failure = Failure::io("write", file.display(), &error);
        match error.kind() {
            io::ErrorKind::AlreadyExists => failure.hint("--force puts a new key in its place"),
            _ => failure,
        }
    })
}

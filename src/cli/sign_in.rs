//! Whom a command signs in as: flags, environment, files and a prompt, and nothing secret where others see it.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;

use super::console::Console;
use super::context::{Given, Key, Settled, is_hex_key};
use super::exit::{Exit, Failure};
use crate::auth::{Credentials, Method, PrivateKey};
use crate::transport::io_text;

/// How long a file with a secret may be, in bytes.
pub(super) const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Who the client is, and how it proves that.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Signing in")]
pub(super) struct SignInArgs {
    /// Who to sign in as
    #[arg(long, env = "WAMP_AUTHID", hide_env_values = true, value_name = "NAME")]
    authid: Option<String>,
    /// Role to ask for
    #[arg(long, env = "WAMP_AUTHROLE", hide_env_values = true)]
    #[arg(value_name = "ROLE")]
    authrole: Option<String>,
    /// Methods to offer, in this order; default: all there is something for
    #[arg(long, env = "WAMP_AUTHMETHOD", hide_env_values = true)]
    #[arg(value_name = "METHOD", value_delimiter = ',', value_parser = method)]
    authmethod: Vec<Method>,
    /// Ticket; --ticket-file or the variable `WAMP_TICKET` keeps it from others
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
    /// File with the ticket
    #[arg(long, value_name = "FILE", conflicts_with = "ticket")]
    ticket_file: Option<PathBuf>,
    /// Secret for WAMP-CRA and SCRAM; better --secret-file or `WAMP_SECRET`
    #[arg(long, value_name = "SECRET")]
    secret: Option<String>,
    /// File with the secret
    #[arg(long, value_name = "FILE", conflicts_with = "secret")]
    secret_file: Option<PathBuf>,
    /// Ask for the secret, which is not shown
    #[arg(long, conflicts_with_all = ["secret", "secret_file"])]
    ask_secret: bool,
    /// File with the Ed25519 key for cryptosign: PEM, hex or 32 bytes
    #[arg(long, env = "WAMP_PRIVATE_KEY", hide_env_values = true)]
    #[arg(value_name = "FILE")]
    key: Option<PathBuf>,
    /// PEM file of our certificate and its chain, for tls
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    cert: Option<PathBuf>,
    /// PEM file of the certificate's private key
    #[arg(long, value_name = "FILE", requires = "cert")]
    tls_key: Option<PathBuf>,
    /// What a context has, where no flag or variable says anything.
    #[arg(skip)]
    fallback: Fallback,
}

/// What a context has to sign in with.
#[derive(Clone, Debug, Default)]
struct Fallback {
    ticket: Option<String>,
    ticket_command: Option<String>,
    secret: Option<String>,
    secret_command: Option<String>,
}

pub(super) fn method(name: &str) -> Result<Method, String> {
    let is_ours = |method: &Method| *method != Method::Cookie;
    Method::named(name).filter(is_ours).ok_or_else(|| {
        let ours = Method::ALL.into_iter().filter(is_ours).map(Method::name);
        format!("one of {}", ours.collect::<Vec<_>>().join(", "))
    })
}

impl SignInArgs {
    /// What flags and variables say.
    pub(super) fn given(&self, given: &mut Given) {
        let path = |file: &Option<PathBuf>| file.as_ref().map(|file| file.display().to_string());
        let methods: Vec<&str> = self.authmethod.iter().map(|method| method.name()).collect();
        given.flag_or_variable(Key::Authid, self.authid.clone());
        given.flag_or_variable(Key::Authrole, self.authrole.clone());
        given.flag_or_variable(Key::Authmethod, Some(methods.join(",")));
        given.flag_or_variable(
            Key::Ticket,
            self.ticket.clone().or_else(|| variable("WAMP_TICKET")),
        );
        given.flag(Key::TicketFile, path(&self.ticket_file));
        let secret = self
            .secret
            .clone()
            .or_else(|| self.ask_secret.then(|| "asked".to_owned()));
        given.flag_or_variable(Key::Secret, secret.or_else(|| variable("WAMP_SECRET")));
        given.flag(Key::SecretFile, path(&self.secret_file));
        given.flag_or_variable(Key::Cryptosign, path(&self.key));
        given.flag(Key::Cert, path(&self.cert));
        given.flag(Key::CertPrivate, path(&self.tls_key));
    }

    /// Whether nobody is asked, and no program run, for a secret.
    pub(super) const fn is_unattended(&self) -> bool {
        let runs = self.fallback.ticket_command.is_some() || self.fallback.secret_command.is_some();
        !self.ask_secret && !runs
    }

    /// Takes what else is in use.
    pub(super) fn fall_back(&mut self, settled: &Settled) {
        let text = |key| settled.get(key).map(str::to_owned);
        let has_proof = self.ticket.is_some()
            || self.ticket_file.is_some()
            || self.secret.is_some()
            || self.secret_file.is_some()
            || self.ask_secret
            || self.key.is_some()
            || self.cert.is_some();
        self.authid = text(Key::Authid);
        self.authrole = text(Key::Authrole);
        let methods = settled.get(Key::Authmethod).unwrap_or_default().split(',');
        self.authmethod = methods.filter_map(Method::named).collect();
        if has_proof {
            return;
        }
        self.ticket_file = text(Key::TicketFile).map(PathBuf::from);
        self.secret_file = text(Key::SecretFile).map(PathBuf::from);
        self.key = text(Key::Cryptosign).map(PathBuf::from);
        self.cert = text(Key::Cert).map(PathBuf::from);
        self.tls_key = text(Key::CertPrivate).map(PathBuf::from);
        self.fallback = Fallback {
            ticket: text(Key::Ticket),
            ticket_command: text(Key::TicketCommand),
            secret: text(Key::Secret),
            secret_command: text(Key::SecretCommand),
        };
    }

    /// Gathers what there is to sign in with. May ask on the terminal.
    ///
    /// # Errors
    /// A file that cannot be read, or that others can; a method for which something is missing.
    pub(super) fn credentials(
        &self,
        console: &Console,
        has_certificate: bool,
    ) -> Result<Credentials, Failure> {
        let credentials = Credentials {
            authid: set(self.authid.as_deref()).map(Into::into),
            authrole: set(self.authrole.as_deref()).map(Into::into),
            ticket: self.ticket(console)?,
            secret: self.secret(console)?,
            key: self.key()?,
            has_certificate,
            methods: self.authmethod.clone(),
        };
        check(&credentials)?;
        Ok(credentials)
    }

    fn ticket(&self, console: &Console) -> Result<Option<String>, Failure> {
        if let Some(ticket) = &self.ticket {
            note_visible(console, "--ticket", "--ticket-file or WAMP_TICKET");
            return Ok(Some(ticket.clone()));
        }
        let fallback = &self.fallback;
        let context = (&fallback.ticket, &fallback.ticket_command);
        unseen(self.ticket_file.as_deref(), "WAMP_TICKET", context)
    }

    fn secret(&self, console: &Console) -> Result<Option<String>, Failure> {
        if let Some(secret) = &self.secret {
            note_visible(console, "--secret", "--secret-file or WAMP_SECRET");
            return Ok(Some(secret.clone()));
        }
        if self.ask_secret {
            return ask().map(Some);
        }
        let fallback = &self.fallback;
        let context = (&fallback.secret, &fallback.secret_command);
        unseen(self.secret_file.as_deref(), "WAMP_SECRET", context)
    }

    /// The files of the certificate that TLS shows, and of its key.
    ///
    /// # Errors
    /// A key that others can read; one of the two without the other.
    pub(super) fn identity(&self) -> Result<Option<(PathBuf, PathBuf)>, Failure> {
        match (&self.cert, &self.tls_key) {
            (Some(cert), Some(key)) => {
                read_private(key)?;
                Ok(Some((cert.clone(), key.clone())))
            }
            (None, None) => Ok(None),
            _ => Err(Failure::local(
                "a certificate goes with its key: cert and tls_key",
            )),
        }
    }

    fn key(&self) -> Result<Option<PrivateKey>, Failure> {
        let Some(file) = self
            .key
            .as_deref()
            .filter(|file| !file.as_os_str().is_empty())
        else {
            return Ok(None);
        };
        let text = file.to_str().filter(|text| is_hex_key(text));
        let bytes = match text {
            Some(key) => key.as_bytes().to_vec(),
            None => read_private(file)?,
        };
        PrivateKey::from_file(&bytes).map(Some).ok_or_else(|| {
            let message = format!("{} holds no Ed25519 private key", file.display());
            Failure::local(message).hint("a key is PEM (PKCS#8), 64 hex digits, or 32 bytes")
        })
    }
}

/// Says what is missing before the router is asked, which would only refuse.
fn check(credentials: &Credentials) -> Result<(), Failure> {
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let has_proof = credentials.ticket.is_some() || credentials.secret.is_some();
    if has_proof && credentials.authid.is_none() {
        return Err(
            usage("a ticket or a secret is somebody's".into()).hint("say whose with --authid NAME")
        );
    }
    for &method in &credentials.methods {
        if !credentials.suffice_for(method) {
            let needed = match method {
                Method::Anonymous | Method::Cookie => "nothing",
                Method::Ticket => "--authid and --ticket-file",
                Method::WampCra | Method::Scram(_) => "--authid and --secret-file",
                Method::Cryptosign => "--key",
                Method::Tls => "--cert, --tls-key, and a URL with TLS: wss:// or rss://",
            };
            return Err(usage(format!(
                "the method {:?} needs {needed}",
                method.name()
            )));
        }
    }
    Ok(())
}

fn note_visible(console: &Console, flag: &str, better: &str) {
    console.note(&format!(
        "others on this machine can see what {flag} holds; use {better}"
    ));
}

/// A variable's value; one that is set to nothing is as good as none.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn set(value: Option<&str>) -> Option<&str> {
    value.filter(|value| !value.is_empty())
}

/// Asks on the terminal, whatever stdin is.
fn ask() -> Result<String, Failure> {
    if !io::stderr().is_terminal() {
        let failure = Failure::new(Exit::Usage, "--ask-secret needs a terminal to ask on");
        return Err(failure.hint("use --secret-file or WAMP_SECRET"));
    }
    rpassword::prompt_password("Secret: ")
        .map_err(|error| Failure::io("ask for", "the secret", &error))
}

/// What proves who one is, from where nobody sees it: a file, a variable, a context's text, or a context's program.
fn unseen(
    file: Option<&Path>,
    name: &str,
    (text, command): (&Option<String>, &Option<String>),
) -> Result<Option<String>, Failure> {
    let said = file.map(read_line).transpose()?;
    let said = said.or_else(|| variable(name)).or_else(|| text.clone());
    said.map_or_else(|| ask_program(command.as_deref()), |it| Ok(Some(it)))
}

/// The first line that a context's program prints, run without a shell.
fn ask_program(command: Option<&str>) -> Result<Option<String>, Failure> {
    let Some(command) = command else {
        return Ok(None);
    };
    let words = shell_words::split(command).unwrap_or_default();
    let Some((program, args)) = words.split_first() else {
        return Ok(None);
    };
    let mut asked = Command::new(program);
    asked
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let output = asked.output().map_err(|error| {
        Failure::local(format!(
            "cannot run {program:?} for the secret: {}",
            io_text(&error)
        ))
    })?;
    if !output.status.success() {
        let message = format!(
            "{program:?}, which should print the secret, ended with {}",
            output.status
        );
        return Err(Failure::local(message));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Some(line.to_owned())),
        _ => Err(Failure::local(format!(
            "{program:?}, which should print the secret, printed nothing"
        ))),
    }
}

/// The first line of a file with a secret.
pub(super) fn read_line(file: &Path) -> Result<String, Failure> {
    first_line(read_private(file)?, &file.display().to_string())
}

/// The first line of what was read from `name`, which must hold something.
pub(super) fn first_line(bytes: Vec<u8>, name: &str) -> Result<String, Failure> {
    let text =
        String::from_utf8(bytes).map_err(|_| Failure::local(format!("{name} holds no text")))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        let message = format!("{name} holds no secret in its first line");
        return Err(Failure::local(message));
    }
    Ok(line.to_owned())
}

/// Reads a file that is its owner's alone.
pub(super) fn read_private(file: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| Failure::io("read", file.display(), &error);
    let opened = File::open(file).map_err(failed)?;
    let metadata = opened.metadata().map_err(failed)?;
    if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
        let message = format!("others can read {}", file.display());
        let quoted = file.display().to_string();
        let quoted = shell_words::quote(&quoted);
        return Err(
            Failure::local(message).hint(format!("make it yours alone: chmod 600 {quoted}"))
        );
    }
    let mut bytes = Vec::new();
    opened
        .take(SECRET_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}

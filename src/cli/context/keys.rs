//! The settings that a context may have.

use clap::ValueEnum as _;

use crate::auth::Method;
use crate::cli::client::{SerializerChoice, parse_timeout, parse_url};
use crate::cli::tls::Version;
use crate::config::FlatKey;

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::cli) enum Key {
    Url,
    Realm,
    Serializer,
    Timeout,
    Authid,
    Authrole,
    Authmethod,
    Ticket,
    TicketFile,
    TicketCommand,
    Secret,
    SecretFile,
    SecretCommand,
    Cryptosign,
    Cert,
    CertPrivate,
    Ca,
    TlsName,
    TlsMin,
    Insecure,
}

/// What a setting is about, which decides where it is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// Anything.
    Session,
    /// Who we are to a certain router.
    Identity,
    /// What proves that.
    Proof,
    /// How far a certain router is trusted.
    Trust,
}

/// Every setting, in the order in which they are shown.
pub(in crate::cli) const KEYS: [Key; 20] = [
    Key::Url,
    Key::Realm,
    Key::Serializer,
    Key::Timeout,
    Key::Authid,
    Key::Authrole,
    Key::Authmethod,
    Key::Ticket,
    Key::TicketFile,
    Key::TicketCommand,
    Key::Secret,
    Key::SecretFile,
    Key::SecretCommand,
    Key::Cryptosign,
    Key::Cert,
    Key::CertPrivate,
    Key::Ca,
    Key::TlsName,
    Key::TlsMin,
    Key::Insecure,
];

impl Key {
    /// Its name in files.
    pub(in crate::cli) const fn name(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Realm => "realm",
            Self::Serializer => "serializer",
            Self::Timeout => "timeout",
            Self::Authid => "authid",
            Self::Authrole => "authrole",
            Self::Authmethod => "authmethod",
            Self::Ticket => "ticket",
            Self::TicketFile => "ticket_file",
            Self::TicketCommand => "ticket_command",
            Self::Secret => "secret",
            Self::SecretFile => "secret_file",
            Self::SecretCommand => "secret_command",
            Self::Cryptosign => "key",
            Self::Cert => "cert",
            Self::CertPrivate => "tls_key",
            Self::Ca => "ca",
            Self::TlsName => "tls_name",
            Self::TlsMin => "tls_min",
            Self::Insecure => "insecure",
        }
    }

    pub(in crate::cli) fn named(name: &str) -> Option<Self> {
        KEYS.into_iter().find(|key| key.name() == name)
    }

    /// The variable that says the same, where there is one.
    pub(in crate::cli) const fn variable(self) -> Option<&'static str> {
        Some(match self {
            Self::Url => "WAMP_URL",
            Self::Realm => "WAMP_REALM",
            Self::Serializer => "WAMP_SERIALIZER",
            Self::Timeout => "WAMP_TIMEOUT",
            Self::Authid => "WAMP_AUTHID",
            Self::Authrole => "WAMP_AUTHROLE",
            Self::Authmethod => "WAMP_AUTHMETHOD",
            Self::Ticket => "WAMP_TICKET",
            Self::Secret => "WAMP_SECRET",
            Self::Cryptosign => "WAMP_PRIVATE_KEY",
            _ => return None,
        })
    }

    /// Wick's variable for it, for those who come from there. Its private key is the key itself, not a file.
    pub(in crate::cli) const fn wick_variable(self) -> Option<&'static str> {
        Some(match self {
            Self::Url => "WICK_URL",
            Self::Realm => "WICK_REALM",
            Self::Serializer => "WICK_SERIALIZER",
            Self::Authid => "WICK_AUTHID",
            Self::Authrole => "WICK_AUTHROLE",
            Self::Authmethod => "WICK_AUTHMETHOD",
            Self::Ticket => "WICK_TICKET",
            Self::Secret => "WICK_SECRET",
            Self::Cryptosign => "WICK_PRIVATE_KEY",
            _ => return None,
        })
    }

    pub(super) const fn about(self) -> About {
        match self {
            Self::Url | Self::Realm | Self::Serializer | Self::Timeout => About::Session,
            Self::Authid | Self::Authrole | Self::Authmethod => About::Identity,
            Self::Ticket
            | Self::TicketFile
            | Self::TicketCommand
            | Self::Secret
            | Self::SecretFile
            | Self::SecretCommand
            | Self::Cryptosign
            | Self::Cert
            | Self::CertPrivate => About::Proof,
            Self::Ca | Self::TlsName | Self::TlsMin | Self::Insecure => About::Trust,
        }
    }

    /// Whether the setting itself is to be shown to nobody.
    pub(in crate::cli) const fn is_secret(self) -> bool {
        matches!(self, Self::Ticket | Self::Secret)
    }

    /// Whether it names a file, seen from the folder of what names it.
    pub(super) const fn is_file(self) -> bool {
        matches!(
            self,
            Self::TicketFile
                | Self::SecretFile
                | Self::Cryptosign
                | Self::Cert
                | Self::CertPrivate
                | Self::Ca
        )
    }

    /// How it stands in a file.
    pub(super) const fn in_file(self) -> FlatKey {
        FlatKey {
            name: self.name(),
            is_flag: matches!(self, Self::Insecure),
            check: self.check(),
        }
    }

    /// What says what is wrong with a value.
    pub(in crate::cli) const fn check(self) -> fn(&str) -> Result<(), String> {
        match self {
            Self::Url => |text| parse_url(text).map(drop),
            Self::Serializer => |text| SerializerChoice::from_str(text, true).map(drop),
            Self::Timeout => |text| parse_timeout(text).map(drop),
            Self::Authmethod => |text| methods(text).map(drop),
            Self::TicketCommand | Self::SecretCommand => |text| match shell_words::split(text) {
                Ok(words) if !words.is_empty() => Ok(()),
                Ok(_) => Err("it names no program".to_owned()),
                Err(error) => Err(error.to_string()),
            },
            Self::TlsMin => |text| Version::from_str(text, true).map(drop),
            Self::Insecure => |text| match text {
                "true" | "false" => Ok(()),
                _ => Err("true or false".to_owned()),
            },
            _ => |text| {
                if text.is_empty() || text.contains(char::is_control) {
                    Err("a text without line ends".to_owned())
                } else {
                    Ok(())
                }
            },
        }
    }
}

/// Methods of signing in, with commas between.
pub(super) fn methods(text: &str) -> Result<Vec<Method>, String> {
    text.split(',')
        .map(|name| crate::cli::sign_in::method(name.trim()))
        .collect()
}

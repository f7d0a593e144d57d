//! The client's side of signing in: what HELLO offers, and the answer to whichever method the router chose.

use std::fmt;

use bytestring::ByteString;

use super::cryptosign::{PrivateKey, TLS_EXPORTER};
use super::scram::{ClientFirst, ClientLast, Form};
use super::{SignInError, extra, wampcra};
use crate::protocol::message::{Authenticate, Challenge};
use crate::protocol::{Dict, HelloDetails, Value, WelcomeDetails};

/// A way to sign in that a client can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Without saying who it is.
    Anonymous,
    /// With a secret that is sent.
    Ticket,
    /// By signing with a shared secret.
    WampCra,
    /// By proving knowledge of a password.
    Scram(Form),
    /// By signing with a private key.
    Cryptosign,
    /// By the certificate that TLS has shown, and the key it took for that.
    Tls,
    /// By the cookie of a browser in which it has signed in before.
    Cookie,
}

/// What a client has to sign in with. The default is nothing: it joins without saying who it is.
#[derive(Clone, Default)]
pub struct Credentials {
    /// Who it is.
    pub authid: Option<ByteString>,
    /// What it wants to be there; the router decides.
    pub authrole: Option<ByteString>,
    /// For the method `ticket`.
    pub ticket: Option<String>,
    /// For WAMP-CRA and SCRAM.
    pub secret: Option<String>,
    /// For cryptosign.
    pub key: Option<PrivateKey>,
    /// Whether TLS shows a certificate, for `tls`.
    pub has_certificate: bool,
    /// The methods to offer, in this order. Empty: all that there is something for.
    pub methods: Vec<Method>,
}

/// What a client knows of its channel, to be bound to it. Spec: ap#channelbinding.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// What TLS exports as `tls-exporter`.
    pub id: [u8; 32],
    /// Whether to sign for no other channel either: nobody has looked who is at the other end of this one.
    pub is_required: bool,
}

/// One session's signing in.
#[derive(Clone, Debug)]
pub struct SignIn {
    credentials: Credentials,
    binding: Option<Binding>,
    scram: Option<ClientFirst>,
    /// What WELCOME has to prove.
    expected: Option<ClientLast>,
}

impl Method {
    /// All, in the order in which they are offered: those first that tell an eavesdropper or a false router least,
    /// but the specification's SCRAM late, for Crossbar.io refuses who offers what it does not know before it has
    /// found what it does.
    pub const ALL: [Self; 8] = [
        Self::Tls,
        Self::Cookie,
        Self::Cryptosign,
        Self::Scram(Form::Autobahn),
        Self::WampCra,
        Self::Ticket,
        Self::Scram(Form::Specification),
        Self::Anonymous,
    ];

    /// The `authmethod`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Ticket => "ticket",
            Self::WampCra => "wampcra",
            Self::Scram(form) => form.authmethod(),
            Self::Cryptosign => "cryptosign",
            Self::Tls => "tls",
            Self::Cookie => "cookie",
        }
    }

    /// The method of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

impl Credentials {
    /// Whether there is what a method needs.
    #[must_use]
    pub const fn suffice_for(&self, method: Method) -> bool {
        let has_name = self.authid.is_some();
        match method {
            Method::Anonymous => true,
            Method::Ticket => has_name && self.ticket.is_some(),
            Method::WampCra | Method::Scram(_) => has_name && self.secret.is_some(),
            // The key itself says who it is.
            Method::Cryptosign => self.key.is_some(),
            Method::Tls => self.has_certificate,
            // Browsers alone have it.
            Method::Cookie => false,
        }
    }

    /// The methods offered.
    #[must_use]
    pub fn offered(&self) -> Vec<Method> {
        if !self.methods.is_empty() {
            return self.methods.clone();
        }
        // Who has something to show does not want to be taken for nobody.
        let with_proof = |&method: &Method| method != Method::Anonymous && self.suffice_for(method);
        Method::ALL.into_iter().filter(with_proof).collect()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("authid", &self.authid)
            .field("authrole", &self.authrole)
            .field("methods", &self.methods)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding")
            .field("is_required", &self.is_required)
            .finish_non_exhaustive()
    }
}

impl SignIn {
    /// Begins with random bytes, used once.
    #[must_use]
    pub fn new(credentials: Credentials, nonce: &[u8; 16]) -> Self {
        let is_scram = |method: &Method| matches!(method, Method::Scram(_));
        let scram = match (&credentials.authid, &credentials.secret) {
            (Some(authid), Some(secret)) if credentials.offered().iter().any(is_scram) => {
                Some(ClientFirst::new(authid, secret, nonce))
            }
            _ => None,
        };
        Self {
            credentials,
            binding: None,
            scram,
            expected: None,
        }
    }

    /// Binds the signature of cryptosign to a channel. Not where SCRAM is offered as well: both would be bound by the
    /// same word in HELLO, and SCRAM's proof is not.
    #[must_use]
    pub fn bound_to(mut self, binding: Option<Binding>) -> Self {
        let is_alone =
            self.scram.is_none() && self.credentials.offered().contains(&Method::Cryptosign);
        self.binding = binding.filter(|_| is_alone);
        self
    }

    /// Whether a router that refuses what HELLO asks for may be asked without a binding.
    #[must_use]
    pub fn can_do_unbound(&self) -> bool {
        self.binding.is_some_and(|binding| !binding.is_required)
    }

    /// Says in HELLO who the client is and how it can prove that.
    pub fn announce(&self, hello: &mut HelloDetails) {
        let credentials = &self.credentials;
        let offered = credentials.offered();
        let mut extra = self
            .scram
            .as_ref()
            .map_or_else(Dict::new, ClientFirst::authextra);
        if let Some(key) = credentials
            .key
            .as_ref()
            .filter(|_| offered.contains(&Method::Cryptosign))
        {
            extra.push("pubkey", key.public_key().to_hex());
            if self.scram.is_none() {
                let binding = self.binding.map_or(Value::Null, |_| TLS_EXPORTER.into());
                extra.push("channel_binding", binding);
            }
        }
        let names = offered
            .iter()
            .map(|method| ByteString::from_static(method.name()));
        hello.authmethods = (!offered.is_empty()).then(|| names.collect());
        hello.authid.clone_from(&credentials.authid);
        hello.authrole.clone_from(&credentials.authrole);
        hello.authextra = (!extra.is_empty()).then_some(extra);
    }

    /// Answers a challenge; `None` where it is of a method that was not offered. Cost: with SCRAM and WAMP-CRA what
    /// the router asks for, some seconds at most.
    ///
    /// # Errors
    /// A challenge that cannot or should not be answered.
    pub fn answer(&mut self, challenge: &Challenge) -> Option<Result<Authenticate, SignInError>> {
        let method = Method::named(&challenge.authmethod)
            .filter(|&method| self.credentials.offered().contains(&method))?;
        let extra = &challenge.extra;
        let plain = |signature| Authenticate {
            signature,
            extra: Dict::new(),
        };
        let credentials = &self.credentials;
        Some(match method {
            Method::Anonymous | Method::Tls | Method::Cookie => return None,
            Method::Ticket => Ok(plain(credentials.ticket.as_deref()?.into())),
            Method::WampCra => wampcra::sign(credentials.secret.as_deref()?, extra).map(plain),
            Method::Cryptosign => {
                let key = credentials.key.as_ref()?;
                let channel = self.channel(extra);
                channel
                    .and_then(|channel| key.sign(extra, channel.as_ref()))
                    .map(plain)
            }
            Method::Scram(form) => {
                self.scram
                    .as_ref()?
                    .answer(form, extra)
                    .map(|(signature, extra, last)| {
                        self.expected = Some(last);
                        Authenticate { signature, extra }
                    })
            }
        })
    }

    /// The channel that a signature is for, as the router says in its challenge.
    fn channel(&self, challenge_extra: &Dict) -> Result<Option<[u8; 32]>, SignInError> {
        match (
            extra::optional_text(challenge_extra, "channel_binding")?,
            self.binding,
        ) {
            (Some(TLS_EXPORTER), Some(binding)) => Ok(Some(binding.id)),
            (Some(_), _) => Err(SignInError::Channel(
                "the router binds signing in to a channel, and not to what this client asked for",
            )),
            (
                None,
                Some(Binding {
                    is_required: true, ..
                }),
            ) => Err(SignInError::Channel(
                "the router does not bind signing in to this connection, and nobody has checked its certificate: \
                 what is signed here could be used by somebody in between",
            )),
            (None, _) => Ok(None),
        }
    }

    /// Checks that the router proved what it had to.
    ///
    /// # Errors
    /// [`SignInError::Router`].
    pub fn check(&self, welcome: &WelcomeDetails) -> Result<(), SignInError> {
        let Some(expected) = &self.expected else {
            return Ok(());
        };
        let extra = welcome.authextra.as_ref();
        extra.map_or(Err(SignInError::Router), |extra| expected.check(extra))
    }
}

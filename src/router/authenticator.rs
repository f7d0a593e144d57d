//! Who may be whom in which realm.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use bytestring::ByteString;
use jiff::Timestamp;

use super::dynamic::DynamicAuthenticator;
use super::identity::{Certificate, Channel, Identity, Remembered};
use super::sources::written;
use super::violation::abort;
use crate::auth::{Candidate, Challenged, Method, Occasion, Principal, Principals, SignInError};
use crate::protocol::message::{Abort, Challenge};
use crate::protocol::{Dict, HelloDetails, SessionId, Uri, uris};

/// The role of everybody, where nothing else is said.
const ANONYMOUS: ByteString = ByteString::from_static("anonymous");
/// The provider of whoever is on a list.
const STATIC: &str = "static";

/// Decides who a client is. Where nothing is said of a realm, everybody may join it as `anonymous`.
#[derive(Clone, Default)]
pub struct Authenticator {
    #[expect(clippy::type_complexity, reason = "it has a name: the field's")]
    identify: Option<Arc<dyn Fn(&HelloDetails) -> Option<Identity> + Send + Sync>>,
    realms: HashMap<Uri, SignInRules>,
}

/// How clients sign in to one realm.
#[derive(Clone, Debug)]
pub struct SignInRules {
    /// The role of those who do not say who they are; they are not let in where there is none.
    pub anonymous: Option<ByteString>,
    /// Who may sign in otherwise.
    pub principals: Arc<Principals>,
    /// Who is asked about all others.
    pub authenticator: Option<DynamicAuthenticator>,
}

/// What is new with each message of a handshake.
#[derive(Clone, Copy, Debug)]
pub struct Occurrence<'a> {
    /// A session id that nobody can guess.
    pub session: SessionId,
    /// The time of day.
    pub time: Timestamp,
    /// Random bytes.
    pub nonce: &'a [u8; 32],
    /// What TLS tells of the client's channel; `None` where it has none.
    pub channel: Option<&'a Channel>,
    /// Whom its cookie tells.
    pub remembered: Option<&'a Remembered>,
}

/// How a client comes in.
pub(super) enum Entry {
    /// Without a proof.
    Free(Identity),
    /// If it proves who it is.
    Challenged(Box<Asked>),
    /// If a procedure says so, which is asked with what the client offers.
    Asked(DynamicAuthenticator, Vec<Method>),
}

/// What a client has to prove.
pub(super) struct Asked {
    pub(super) challenge: Challenge,
    pub(super) challenged: Challenged,
    /// Of what the challenge was made.
    pub(super) candidate: Candidate,
    /// Who it is then.
    pub(super) identity: Identity,
}

impl<'a> Occurrence<'a> {
    /// The certificate that the client has shown.
    pub(super) fn certificate(&self) -> Option<&'a Certificate> {
        self.channel?.certificate.as_ref()
    }
}

impl Entry {
    fn challenged(asked: Asked) -> Self {
        Self::Challenged(Box::new(asked))
    }
}

impl Authenticator {
    /// Asks `identify` first; whom it does not know may still be anonymous.
    pub fn new(
        identify: impl Fn(&HelloDetails) -> Option<Identity> + Send + Sync + 'static,
    ) -> Self {
        Self {
            identify: Some(Arc::new(identify)),
            realms: HashMap::new(),
        }
    }

    /// The same, but for these realms, which have rules.
    #[must_use]
    pub fn with_rules(mut self, realms: impl IntoIterator<Item = (Uri, SignInRules)>) -> Self {
        self.realms.extend(realms);
        self
    }

    /// Who may sign in to a realm, where rules say so.
    #[must_use]
    pub fn principals(&self, realm: &Uri) -> Option<&Arc<Principals>> {
        self.realms.get(realm).map(|rules| &rules.principals)
    }

    /// Whether whoever is this may still be: whom a list let in is still on it, with the same role. Of others, who let
    /// them in is not asked again.
    #[must_use]
    pub fn vouches_for(&self, realm: &Uri, identity: &Identity) -> bool {
        let is_listed = identity.authprovider == STATIC && identity.authmethod != ANONYMOUS;
        let principals = self.principals(realm).filter(|_| is_listed);
        principals.is_none_or(|it| it.has(&identity.authid, &identity.authrole))
    }

    /// Gives another role to whoever does not sign in to a realm that has rules, or none: then such are not let in.
    pub fn set_anonymous(&mut self, realm: &Uri, authrole: Option<ByteString>) {
        if let Some(rules) = self.realms.get_mut(realm) {
            rules.anonymous = authrole;
        }
    }

    /// Lets others than before sign in to a realm that has rules.
    pub fn set_principals(&mut self, realm: &Uri, principals: Arc<Principals>) {
        if let Some(rules) = self.realms.get_mut(realm) {
            rules.principals = principals;
        }
    }

    /// Decides on a HELLO.
    pub(super) fn admit(
        &self,
        realm: &Uri,
        hello: &HelloDetails,
        occurrence: &Occurrence<'_>,
    ) -> Result<Entry, Box<Abort>> {
        if let Some(identity) = self.identify.as_ref().and_then(|identify| identify(hello)) {
            return Ok(Entry::Free(identity));
        }
        let Some(rules) = self.realms.get(realm) else {
            let is_anonymous = offers(hello).contains(&Method::Anonymous);
            return if is_anonymous {
                Ok(anonymous(ANONYMOUS, occurrence))
            } else {
                Err(no_method(&[Method::Anonymous]).into())
            };
        };
        if let Some(identity) = self.recall(realm, hello, occurrence) {
            return Ok(Entry::Free(identity));
        }
        rules.admit(hello, occurrence)
    }

    /// Who a client's cookie says it is, if it wants to be known by that, and still may be.
    fn recall(
        &self,
        realm: &Uri,
        hello: &HelloDetails,
        occurrence: &Occurrence<'_>,
    ) -> Option<Identity> {
        let Remembered {
            realm: bound,
            identity,
        } = occurrence.remembered?;
        let claimed = hello.authid.as_ref();
        let is_meant = bound == realm
            && offers(hello).contains(&Method::Cookie)
            && claimed.is_none_or(|claimed| *claimed == identity.authid);
        let is_known = is_meant && self.vouches_for(realm, identity);
        is_known.then(|| Identity {
            authmethod: ByteString::from_static(Method::Cookie.name()),
            ..identity.clone()
        })
    }
}

impl SignInRules {
    fn admit(
        &self,
        hello: &HelloDetails,
        occurrence: &Occurrence<'_>,
    ) -> Result<Entry, Box<Abort>> {
        let mut offers = offers(hello);
        // Whoever could be known by its cookie is in already.
        let is_unknown = offers == [Method::Cookie];
        offers.retain(|offer| *offer != Method::Cookie);
        if is_unknown {
            let message = "nobody has signed in with this browser, or not lately";
            return Err(abort(uris::AUTHENTICATION_REQUIRED, message).into());
        }
        let role = self
            .anonymous
            .as_ref()
            .filter(|_| offers.contains(&Method::Anonymous));
        // The client's order counts: who offers to be nobody first means it.
        let rather_anonymous = role.filter(|_| offers.first() == Some(&Method::Anonymous));
        if let Some(role) = rather_anonymous {
            return Ok(anonymous(role.clone(), occurrence));
        }
        let shown = occurrence
            .certificate()
            .filter(|_| offers.contains(&Method::Tls));
        // order: what takes no challenge before what does.
        let certified = shown.and_then(|it| self.principals.certified(&it.fingerprint, hello));
        if let Some(principal) = certified {
            return Ok(Entry::Free(identity(principal, Method::Tls)));
        }
        if shown.is_none() || self.authenticator.is_none() {
            offers.retain(|offer| *offer != Method::Tls);
            if offers.is_empty() {
                return Err(uncertified(shown).into());
            }
        }
        let is_asked = !self.principals.lists(hello, &offers)
            && offers.iter().any(|offer| *offer != Method::Anonymous);
        if let Some(authenticator) = self.authenticator.as_ref().filter(|_| is_asked) {
            return Ok(Entry::Asked(authenticator.clone(), offers));
        }
        if let Some(candidate) = self.principals.candidate(hello, &offers) {
            return ask(candidate, hello, occurrence).map(Entry::challenged);
        }
        let role = role.ok_or_else(|| self.refuse(&offers))?;
        Ok(anonymous(role.clone(), occurrence))
    }

    /// Says what would let the client in, as far as that is no secret.
    fn refuse(&self, offers: &[Method]) -> Abort {
        let mut methods = match &self.authenticator {
            Some(_) => Method::ALL.to_vec(),
            None => self.principals.methods(),
        };
        methods.retain(|method| ![Method::Anonymous, Method::Cookie].contains(method));
        if self.anonymous.is_some() {
            methods.push(Method::Anonymous);
        }
        if methods.is_empty() {
            // spec(ap#ap-uris): no way to sign in that the client offered is accepted; the realm knows none.
            let message = "this realm lets nobody in: the router's config names no role for it";
            return abort(uris::NO_MATCHING_AUTH_METHOD, message);
        }
        if offers == [Method::Anonymous] {
            let message = format!(
                "this realm wants to know who joins it, by one of: {}",
                names(&methods)
            );
            return abort(uris::AUTHENTICATION_REQUIRED, &message);
        }
        no_method(&methods)
    }
}

/// The methods that a client offers; who offers none is anonymous.
fn offers(hello: &HelloDetails) -> Vec<Method> {
    let names = hello.authmethods.as_deref().unwrap_or_default();
    if names.is_empty() {
        return vec![Method::Anonymous];
    }
    names
        .iter()
        .filter_map(|name| Method::named(name))
        .collect()
}

/// Somebody who does not say who it is gets a name that nobody else has.
fn anonymous(authrole: ByteString, occurrence: &Occurrence<'_>) -> Entry {
    let (name, _) = occurrence.nonce.split_at(8);
    Entry::Free(Identity {
        authrole,
        ..Identity::anonymous(hex::encode(name))
    })
}

/// Challenges a client to prove who it is.
///
/// # Errors
/// What its HELLO lacks for that.
pub(super) fn ask(
    candidate: Candidate,
    hello: &HelloDetails,
    occurrence: &Occurrence<'_>,
) -> Result<Asked, Box<Abort>> {
    let Candidate { principal, record } = &candidate;
    let nothing = Dict::new();
    let asked = record.challenge(&Occasion {
        authid: &principal.authid,
        authrole: &principal.authrole,
        authprovider: &principal.authprovider,
        authextra: hello.authextra.as_ref().unwrap_or(&nothing),
        session: occurrence.session,
        time: &written(occurrence.time),
        nonce: occurrence.nonce,
        channel_id: occurrence.channel.map(|channel| &channel.binding),
    });
    let (challenged, challenge) = asked.map_err(|error| {
        let message = if let SignInError::Challenge(extra) = error {
            format!("HELLO.Details.authextra {extra}")
        } else {
            format!("HELLO.Details.authextra: {error}")
        };
        Box::new(abort(uris::AUTHENTICATION_FAILED, &message))
    })?;
    Ok(Asked {
        challenge,
        challenged,
        identity: identity(principal, record.method()),
        candidate,
    })
}

/// Who a principal is once it has proved it.
fn identity(principal: &Principal, method: Method) -> Identity {
    Identity {
        authid: principal.authid.clone(),
        authrole: principal.authrole.clone(),
        authmethod: ByteString::from_static(method.name()),
        authprovider: principal.authprovider.clone(),
    }
}

/// What is said to whoever would be known by its certificate, and is not.
fn uncertified(shown: Option<&Certificate>) -> Abort {
    let Some(certificate) = shown else {
        let message = "the method tls takes a certificate of the client's, and none was shown: it takes TLS, and \
                       [tls] client_ca in the router's config";
        return abort(uris::AUTHENTICATION_FAILED, message);
    };
    let fingerprint = hex::encode(certificate.fingerprint);
    let message = format!("nobody of this name has the certificate {fingerprint} (SHA-256) here");
    abort(uris::AUTHENTICATION_DENIED, &message)
}

fn no_method(methods: &[Method]) -> Abort {
    let message = format!(
        "none of the client's methods is to be had here, only: {}",
        names(methods)
    );
    abort(uris::NO_MATCHING_AUTH_METHOD, &message)
}

fn names(methods: &[Method]) -> String {
    let names: Vec<&str> = methods.iter().map(|method| method.name()).collect();
    names.join(", ")
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authenticator")
    }
}

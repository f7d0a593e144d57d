//! What broker and dealer share: sessions, settings, limits, deadlines; what comes out, and what has happened.

use std::collections::VecDeque;
use std::sync::Arc;

use bytestring::ByteString;
use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::asking::{Asked, Question, ROUTER};
use super::bites::Bites;
use super::deadlines::Deadlines;
use super::identity::Identity;
use super::limits::{LimitName, Limits};
use super::output::{Output, Remark};
use super::pattern::Shape;
use super::session::Session;
use super::settings::Settings;
use super::sources::Sources;
use super::violation::Violation;
use crate::protocol::message;
use crate::protocol::{
    ErrorDetails, Feature, MatchPolicy, Message, MessageCode, Payload, RegistrationId, RequestId,
    Role, SessionId, SubscriptionId, Uri, uris,
};

#[derive(Debug)]
pub(super) struct Context {
    /// The realm's; those of a session are with it.
    pub(super) limits: Arc<Limits>,
    pub(super) settings: Settings,
    pub(super) sources: Sources,
    pub(super) sessions: IndexMap<SessionId, Session, FxBuildHasher>,
    pub(super) deadlines: Deadlines,
    pub(super) outputs: VecDeque<Output>,
    /// What subscribers to meta events have not been told yet.
    pub(super) happenings: VecDeque<Happening>,
    /// Limits that were reached, and not told yet.
    pub(super) bites: Bites,
    /// How many publications were refused that had asked for no answer.
    publishes_dropped: u64,
    /// What authorizers are asked.
    pub(super) asked: Asked,
}

/// What subscribers to meta events are told. Spec: ap#session-metapi, ap#rpc-reg-metapi, ap#pubsub-sub-metapi.
#[derive(Debug)]
pub(super) enum Happening {
    Joined(SessionId),
    Left(SessionId, Box<Identity>),
    RegistrationCreated(SessionId, RegistrationId),
    Registered(SessionId, RegistrationId),
    Unregistered(SessionId, RegistrationId),
    RegistrationDeleted(SessionId, RegistrationId),
    SubscriptionCreated(SessionId, SubscriptionId),
    Subscribed(SessionId, SubscriptionId),
    Unsubscribed(SessionId, SubscriptionId),
    SubscriptionDeleted(SessionId, SubscriptionId),
    Defined(SessionId, Uri),
    Undefined(SessionId, Uri),
}

/// A request that cannot be granted: the session lives on, and gets an ERROR.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) error: Uri,
    text: String,
    /// The limit that is reached, if it is one.
    pub(super) limit: Option<LimitName>,
    /// What must be asked before it is known whether this is one.
    pub(super) question: Option<Box<Question>>,
}

impl Refusal {
    pub(super) const fn new(error: Uri, text: String) -> Self {
        Self {
            error,
            text,
            limit: None,
            question: None,
        }
    }

    /// It depends on what an authorizer says.
    pub(super) fn undecided(question: Question) -> Self {
        let text = "nobody is asked here".into();
        Self {
            question: Some(question.into()),
            ..Self::new(uris::AUTHORIZATION_FAILED, text)
        }
    }

    /// A limit is reached.
    pub(super) fn limit(limit: LimitName, text: String) -> Self {
        Self::new(uris::UNAVAILABLE, text).because_of(limit)
    }

    /// The same where another error tells it.
    pub(super) fn because_of(mut self, limit: LimitName) -> Self {
        self.limit = Some(limit);
        self
    }

    /// A meta procedure does not take these arguments.
    pub(super) fn argument(text: impl Into<String>) -> Self {
        Self::new(uris::INVALID_ARGUMENT, text.into())
    }

    /// The ERROR that tells the client.
    pub(super) fn error(self, request_type: MessageCode, request: RequestId) -> message::Error {
        message::Error {
            request_type,
            request,
            details: ErrorDetails::default(),
            error: self.error,
            payload: Payload::text(&self.text),
        }
    }
}

impl Context {
    /// What a realm begins with.
    pub(super) fn new(settings: Settings, limits: Arc<Limits>, sources: Sources) -> Self {
        Self {
            limits,
            settings,
            sources,
            sessions: IndexMap::default(),
            deadlines: Deadlines::default(),
            outputs: VecDeque::new(),
            happenings: VecDeque::new(),
            bites: Bites::default(),
            publishes_dropped: 0,
            asked: Asked::default(),
        }
    }

    pub(super) fn send(&mut self, to: SessionId, message: impl Into<Message>) {
        let message = message.into();
        if to == ROUTER {
            return self.asked.answers.push_back(message);
        }
        self.outputs.push_back(Output::Send { to, message });
    }

    /// The limits of a session, or the realm's where it has gone.
    pub(super) fn limits_of(&self, session: SessionId) -> &Limits {
        let session = self.sessions.get(&session);
        session.map_or(&self.limits, |session| &session.limits)
    }

    /// Notes the limit that a refusal is about, if it is one.
    pub(super) fn note(&self, whom: SessionId, refusal: &Refusal) {
        self.bites.note_if(refusal.limit, whom);
    }

    /// Notes that a session has reached a limit.
    pub(super) fn bite(&self, limit: LimitName, session: SessionId) {
        self.bites.note(limit, Some(session));
    }

    /// Tells subscribers to meta events, once the message at hand is dealt with.
    pub(super) fn tell(&mut self, happening: Happening) {
        self.happenings.push_back(happening);
    }

    /// Tells the operator what no message tells a peer.
    pub(super) fn remark(&mut self, session: SessionId, remark: Remark) {
        self.outputs.push_back(Output::Remark { session, remark });
    }

    /// Counts a refused PUBLISH that had asked for no answer.
    pub(super) fn drop_publish(&mut self, from: SessionId, refusal: Refusal) {
        self.note(from, &refusal);
        self.publishes_dropped += 1;
        if let Some(session) = self.sessions.get_mut(&from) {
            session.count_dropped_publish(refusal.error);
        }
    }

    /// Remarks how many a session that ends had.
    pub(super) fn remark_dropped_publishes(&mut self, id: SessionId, session: &Session) {
        let dropped = session.rare().and_then(|it| it.publishes_dropped.clone());
        if let Some((count, last)) = dropped {
            let realm_count = self.publishes_dropped;
            let remark = Remark::PublishesDropped {
                count,
                realm_count,
                last,
            };
            self.remark(id, remark);
        }
    }

    /// Checks a URI that a client wants to act on.
    pub(super) fn check_uri(&self, uri: &Uri, policy: MatchPolicy) -> Result<(), Refusal> {
        uri.check_pattern(self.settings.uri_rule, policy)
            .map_err(|why| {
                Refusal::new(
                    uris::INVALID_URI,
                    format!("{} is no valid URI: {why}", uri.quoted()),
                )
            })
    }

    /// Checks that a client may publish to a topic, or register a procedure, of this name.
    pub(super) fn check_not_reserved(uri: &Uri) -> Result<(), Refusal> {
        if uri.is_reserved() {
            let text = format!(
                "{} is reserved: clients do not register or publish there",
                uri.quoted()
            );
            return Err(Refusal::new(uris::INVALID_URI, text));
        }
        Ok(())
    }

    /// Checks the name under which a subscriber or callee owns resource keys: it is hashed while the realm waits.
    pub(super) fn check_node_key(&self, key: Option<&ByteString>) -> Result<(), Refusal> {
        let bytes_max = self.limits.node_key_bytes;
        if key.is_some_and(|key| key.len() > bytes_max) {
            let text = format!("a node key holds at most {bytes_max} bytes");
            return Err(Refusal::argument(text).because_of(LimitName::node_key_bytes));
        }
        Ok(())
    }

    /// Whether a session's client announced a feature for a role.
    pub(super) fn announces(&self, session: SessionId, role: Role, feature: Feature) -> bool {
        let session = self.sessions.get(&session);
        session.is_some_and(|session| session.announces(role, feature))
    }

    /// Checks that a client announced what its message needs.
    pub(super) fn check_announced(
        &self,
        from: SessionId,
        got: MessageCode,
        feature: Feature,
        role: Role,
    ) -> Result<(), Violation> {
        let client = self.sessions.get(&from);
        if client.is_some_and(|it| !it.announces(role, feature)) {
            return Err(Violation::NotAnnounced { got, feature, role });
        }
        Ok(())
    }

    /// Checks that one more wildcard makes no more shapes than may be. bound: what a look-up costs.
    pub(super) fn check_shape(
        &self,
        from: SessionId,
        shape: Shape,
        is_new: bool,
        shapes: usize,
    ) -> Result<(), Refusal> {
        let (session_max, realm_max) = (
            self.limits_of(from).session_wildcard_shapes,
            self.limits.realm_wildcard_shapes,
        );
        let held = self.sessions.get(&from).and_then(Session::rare);
        if held.is_some_and(|it| it.shapes.len() >= session_max && !it.shapes.contains_key(&shape))
        {
            return Err(Refusal::limit(
                LimitName::session_wildcard_shapes,
                format!(
                    "a session has wildcards of at most {session_max} shapes (how many parts, and which are empty)"
                ),
            ));
        }
        if is_new && shapes >= realm_max {
            return Err(Refusal::limit(
                LimitName::realm_wildcard_shapes,
                format!(
                    "this realm has wildcards of {realm_max} shapes (how many parts, and which are empty), as many as it may"
                ),
            ));
        }
        Ok(())
    }

    /// How far the router trusts what a session does with a URI; `None` where no rule says.
    /// Spec: ap#pubsub-pub-trustlevels, ap#rpc-call-trust-levels.
    pub(super) fn trust_level(&self, who: SessionId, uri: &Uri) -> Option<u64> {
        if self.settings.trust.is_empty() {
            return None;
        }
        let authrole = self.sessions.get(&who).map(|who| &who.identity.authrole);
        let mut rules = self.settings.trust.iter();
        let rule = rules.find(|rule| {
            let is_theirs = rule.authrole.is_none() || rule.authrole.as_ref() == authrole;
            is_theirs && rule.uris.matches(uri)
        });
        rule.map(|rule| rule.level)
    }
}

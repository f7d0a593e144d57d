//! What a session may do, as it is asked while its messages are dealt with: what rules say, else what an authorizer said.
//!
//! Only looks up: what rules mean is in `authorizer/`, and who is asked, and when, in `asking.rs`. Whoever checks a message
//! for a permission that nobody has decided about yet gets a [`Refusal`] that says so, and must not have changed anything.

use super::asking::{Question, Said, Verdict, Verdicts};
use super::authorizer::{Action, Decision};
use super::context::{Context, Refusal};
use super::session::Session;
use crate::protocol::{MatchPolicy, SessionId, Uri, uris};

/// Some URIs, as they are asked for.
pub(super) type Uris<'a> = (MatchPolicy, &'a Uri);

impl Context {
    /// Checks that a session may do something with these URIs.
    pub(super) fn authorize(
        &self,
        who: SessionId,
        action: Action,
        uris: Uris<'_>,
    ) -> Result<(), Refusal> {
        let session = self.sessions.get(&who);
        let decided = session.map_or(Decision::Denied, |session| session.decide(action, uris));
        match (decided, session) {
            (Decision::Allowed, _) => Ok(()),
            (Decision::Unruled, Some(session)) if session.rights.authorizer().is_some() => {
                self.authorize_by_verdict(session, action, uris)
            }
            (Decision::Unruled | Decision::Denied, _) => Err(not_authorized(session, action, uris)),
        }
    }

    fn authorize_by_verdict(
        &self,
        session: &Session,
        action: Action,
        uris: Uris<'_>,
    ) -> Result<(), Refusal> {
        let question = Question::new(action, uris);
        match self.verdict(session, &question) {
            None => Err(Refusal::undecided(question)),
            Some(Verdict::Said { is_allowed, .. }) if *is_allowed => Ok(()),
            Some(Verdict::Said { .. }) => Err(not_authorized(Some(session), action, uris)),
            Some(Verdict::Failed(why)) => {
                let refused = refused(session, action, uris);
                let text = format!("nobody said that {refused}, nor that it may: {why}");
                Err(Refusal::new(uris::AUTHORIZATION_FAILED, text))
            }
        }
    }

    /// What was said of something, to be kept with it.
    pub(super) fn said(&self, who: SessionId, action: Action, uris: Uris<'_>) -> Option<Said> {
        let session = self.sessions.get(&who)?;
        session.rights.authorizer()?;
        let question = Question::new(action, uris);
        let verdict = self.verdict(session, &question)?.clone();
        Some((question, verdict))
    }

    /// What was said of the message at hand, or of another before and still holds.
    fn verdict<'a>(&'a self, session: &'a Session, question: &Question) -> Option<&'a Verdict> {
        let rare = session.rare()?;
        let mut said = rare.said.iter();
        if let Some((_, verdict)) = said.find(|(asked, _)| asked == question) {
            return Some(verdict);
        }
        let Verdicts { epoch, kept } = &rare.verdicts;
        let (verdict, until) = kept.get(question).filter(|_| *epoch == self.asked.epoch)?;
        (self.asked.now? < *until).then_some(verdict)
    }

    /// Checks that who asks to be disclosed, or that others are, may ask that; for `action` it has been authorized.
    pub(super) fn check_disclosure(
        &self,
        who: SessionId,
        is_asked_for: Option<bool>,
        action: Action,
        uris: Uris<'_>,
    ) -> Result<(), Refusal> {
        if is_asked_for != Some(true) {
            return Ok(());
        }
        let Some(session) = self.sessions.get(&who) else {
            return Ok(());
        };
        let is_allowed = match session.decide(Action::Disclose, uris) {
            Decision::Allowed => true,
            Decision::Denied => false,
            Decision::Unruled => {
                let verdict = self.verdict(session, &Question::new(action, uris));
                matches!(verdict, Some(Verdict::Said { discloses, .. }) if *discloses)
            }
        };
        if is_allowed {
            return Ok(());
        }
        let text = refused(session, Action::Disclose, uris);
        Err(Refusal::new(uris::DISCLOSE_ME_DISALLOWED, text))
    }

    /// Checks that a session may end others, or take from them what they hold, by this procedure. No authorizer is asked.
    pub(super) fn check_may_kill(&self, who: SessionId, procedure: &Uri) -> Result<(), Refusal> {
        let uris = (MatchPolicy::Exact, procedure);
        match self.sessions.get(&who) {
            Some(session) if session.decide(Action::Kill, uris) == Decision::Allowed => Ok(()),
            session => Err(not_authorized(session, Action::Kill, uris)),
        }
    }

    /// Whether what a session was granted once would be granted now, as far as rules say: an authorizer said it then.
    pub(super) fn still_grants(&self, who: SessionId, action: Action, uris: Uris<'_>) -> bool {
        let session = self.sessions.get(&who);
        session.is_some_and(|session| match session.decide(action, uris) {
            Decision::Allowed => true,
            Decision::Denied => false,
            Decision::Unruled => session.rights.authorizer().is_some(),
        })
    }
}

impl Session {
    fn decide(&self, action: Action, (policy, uri): Uris<'_>) -> Decision {
        let is_local = self.transport.is_local;
        self.rights.decide(action, (policy, uri.as_str()), is_local)
    }
}

#[cold]
fn not_authorized(session: Option<&Session>, action: Action, uris: Uris<'_>) -> Refusal {
    let text = session.map_or_else(String::new, |session| refused(session, action, uris));
    Refusal::new(uris::NOT_AUTHORIZED, text)
}

/// Says that a session may not do something: by its role, for that is what decides.
fn refused(session: &Session, action: Action, (policy, uri): Uris<'_>) -> String {
    let role = Uri::new(session.identity.authrole.clone()).quoted();
    let all = match policy {
        MatchPolicy::Exact => String::new(),
        MatchPolicy::Prefix | MatchPolicy::Wildcard => format!("all of {policy} "),
    };
    let from = match session.rights.decide(action, (policy, uri.as_str()), true) {
        Decision::Allowed => ", except from the router's own machine",
        Decision::Denied | Decision::Unruled => "",
    };
    let (name, uri) = (action.name(), uri.quoted());
    format!("the role {role} may not {name} {all}{uri}{from}")
}

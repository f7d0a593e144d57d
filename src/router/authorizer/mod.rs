//! The authorizer: what a role may do with a URI. Rules decide here; who is asked where none does is in `asking.rs`.
//!
//! For one URI, the most specific rule that matches it decides, whatever the action: the exact one, else the longest
//! prefix, else the best wildcard, as a call finds its registration ([`PatternIndex::best_match`]). Rules about the
//! very same URIs add up. What no rule is about is denied. A pattern is granted if each URI that it can match is;
//! `overlap.rs` says which few stand for all of them.

mod overlap;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;

use super::pattern::PatternIndex;
use super::settings::UriPattern;
use crate::protocol::{MatchPolicy, Uri};
use overlap::representatives;

/// What a session wants to do with a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Call a procedure, the router's own ones too.
    Call,
    /// Register a procedure.
    Register,
    /// Publish to a topic, also by testament.
    Publish,
    /// Subscribe to a topic, or ask for its history.
    Subscribe,
    /// Be disclosed when calling or publishing, or have callers disclosed.
    Disclose,
    /// End other sessions, or take from them what they hold: by the meta procedure of this URI.
    Kill,
    /// Watch traffic.
    Watch,
}

impl Action {
    /// All there are.
    pub const ALL: [Self; 7] = [
        Self::Call,
        Self::Register,
        Self::Publish,
        Self::Subscribe,
        Self::Disclose,
        Self::Kill,
        Self::Watch,
    ];

    /// The word for it, as configs and authorizers know it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Register => "register",
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
            Self::Disclose => "disclose",
            Self::Kill => "kill",
            Self::Watch => "watch",
        }
    }
}

/// A set of actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actions(u8);

impl Actions {
    /// Whether an action is in it.
    #[must_use]
    pub const fn contains(self, action: Action) -> bool {
        self.0 & (1 << action as u8) != 0
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        let bits = actions.into_iter().map(|action| 1 << action as u8);
        Self(bits.fold(0, |set, bit: u8| set | bit))
    }
}

/// From where a session must come for a rule to grant it something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// From anywhere.
    #[default]
    Any,
    /// From the router's own machine. The rule decides for others, too: it grants them nothing.
    Loopback,
}

/// One rule of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it is about.
    pub uris: UriPattern,
    /// What it grants.
    pub allow: Actions,
    /// To whom.
    pub from: Reach,
}

/// Who decides where no rule does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynamicAuthorizer {
    /// The procedure that is asked; only a registration of exactly this URI is.
    pub procedure: Uri,
    /// For how long an answer holds; each question is asked anew where there is none.
    pub cache: Option<Duration>,
}

/// What one role may do.
#[derive(Debug)]
pub struct Rights {
    rules: Vec<Rule>,
    index: PatternIndex<Grant>,
    /// The one grant, where all rules are about every URI: then nothing is looked up.
    everywhere: Option<[Actions; 2]>,
    authorizer: Option<DynamicAuthorizer>,
}

/// What the rules about the same URIs grant together.
#[derive(Debug, Default)]
struct Grant {
    /// From elsewhere, and from the router's own machine.
    allowed: [Actions; 2],
    /// Their places in the list of rules.
    rules: Vec<usize>,
}

/// What the rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Allowed,
    /// No.
    Denied,
    /// Nothing: an authorizer is asked if the role has one, else it is a no.
    Unruled,
}

/// Why the rules say what they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What they say.
    pub decision: Decision,
    /// Where the question is about a pattern: a URI of it for which this holds, `#` standing for any text.
    pub example: Option<String>,
    /// The places of the rules that decide, in the order of the list; none where no rule does.
    pub rules: Vec<usize>,
}

/// What each role of a realm may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    named: BTreeMap<ByteString, Arc<Rights>>,
    /// What all others may.
    others: Arc<Rights>,
}

impl Rights {
    /// A role with these rules.
    #[must_use]
    pub fn new(rules: Vec<Rule>, authorizer: Option<DynamicAuthorizer>) -> Self {
        let mut index: PatternIndex<Grant> = PatternIndex::new();
        for (at, rule) in rules.iter().enumerate() {
            let (policy, pattern) = (rule.uris.policy, rule.uris.pattern.as_str());
            let grant = index.get_or_insert_with(policy, pattern, Grant::default);
            grant.add(at, rule);
        }
        let everything = UriPattern::everything();
        let only = index.get(everything.policy, everything.pattern.as_str());
        let everywhere = only.filter(|_| index.len() == 1).map(|it| it.allowed);
        Self {
            rules,
            index,
            everywhere,
            authorizer,
        }
    }

    /// Everything, but ending others and watching them only from the router's own machine.
    #[must_use]
    pub fn open() -> Self {
        let rule = |allow: &[Action], from| Rule {
            uris: UriPattern::everything(),
            allow: allow.iter().copied().collect(),
            from,
        };
        let among_all = [
            Action::Call,
            Action::Register,
            Action::Publish,
            Action::Subscribe,
            Action::Disclose,
        ];
        let local = [Action::Kill, Action::Watch];
        let rules = [(&among_all[..], Reach::Any), (&local, Reach::Loopback)];
        Self::new(rules.map(|(allow, from)| rule(allow, from)).into(), None)
    }

    /// The rules, as they were given.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Who is asked where no rule decides.
    #[must_use]
    pub const fn authorizer(&self) -> Option<&DynamicAuthorizer> {
        self.authorizer.as_ref()
    }

    /// The places of rules that decide about no URI, because there are better ones for each.
    pub fn idle_rules(&self) -> impl Iterator<Item = usize> {
        let is_idle = |&(at, rule): &(usize, &Rule)| {
            let uris = (rule.uris.policy, rule.uris.pattern.as_str());
            let mut uris = representatives(uris, uris);
            uris.all(|uri| {
                let best = self.index.best_match(&uri);
                best.is_none_or(|grant| !grant.rules.contains(&at))
            })
        };
        let rules = self.rules.iter().enumerate();
        rules.filter(is_idle).map(|(at, _)| at)
    }

    /// What the rules say of an action on a URI, or on each that a pattern matches.
    ///
    /// Cost: of a URI a look-up in the index, or none where all rules are about every URI; of a pattern that for each rule.
    #[must_use]
    pub(super) fn decide(
        &self,
        action: Action,
        (policy, uri): (MatchPolicy, &str),
        is_local: bool,
    ) -> Decision {
        if let Some(allowed) = self.everywhere {
            return decision(allowed, action, is_local);
        }
        match policy {
            MatchPolicy::Exact => self.decide_one(action, uri, is_local),
            MatchPolicy::Prefix | MatchPolicy::Wildcard => {
                self.decide_all(action, (policy, uri), is_local).0
            }
        }
    }

    fn decide_one(&self, action: Action, uri: &str, is_local: bool) -> Decision {
        let grant = self.index.best_match(uri);
        grant.map_or(Decision::Unruled, |grant| {
            decision(grant.allowed, action, is_local)
        })
    }

    /// What they say of a pattern, and one URI of which they say it: no where they deny one, else nothing where they
    /// say nothing of one.
    fn decide_all(
        &self,
        action: Action,
        (policy, pattern): (MatchPolicy, &str),
        is_local: bool,
    ) -> (Decision, String) {
        let patterns = self.rules.iter().map(|rule| &rule.uris);
        let patterns = patterns.map(|uris| (uris.policy, uris.pattern.as_str()));
        let mut found = (Decision::Allowed, String::new());
        // The pattern itself stands for what no rule is about more closely.
        for other in std::iter::once((policy, pattern)).chain(patterns) {
            for uri in representatives((policy, pattern), other) {
                // A call of the router's own procedures reaches no registration.
                if action == Action::Register && Uri::from(uri.as_str()).is_reserved() {
                    continue;
                }
                match self.decide_one(action, &uri, is_local) {
                    Decision::Denied => return (Decision::Denied, uri),
                    Decision::Unruled if found.0 == Decision::Allowed => {
                        found = (Decision::Unruled, uri);
                    }
                    Decision::Allowed if found.1.is_empty() => found.1 = uri,
                    Decision::Unruled | Decision::Allowed => {}
                }
            }
        }
        found
    }

    /// Says why the rules say what they say.
    #[must_use]
    pub fn explain(&self, action: Action, uris: &UriPattern, is_local: bool) -> Explanation {
        let asked = (uris.policy, uris.pattern.as_str());
        let (decision, example) = match uris.policy {
            MatchPolicy::Exact => (self.decide_one(action, asked.1, is_local), None),
            MatchPolicy::Prefix | MatchPolicy::Wildcard => {
                let (decision, uri) = self.decide_all(action, asked, is_local);
                (decision, Some(uri))
            }
        };
        let grant = self.index.best_match(example.as_deref().unwrap_or(asked.1));
        Explanation {
            decision,
            rules: grant.map(|grant| grant.rules.clone()).unwrap_or_default(),
            example: example.map(|uri| overlap::shown(&uri)),
        }
    }
}

impl PartialEq for Rights {
    fn eq(&self, other: &Self) -> bool {
        (&self.rules, &self.authorizer) == (&other.rules, &other.authorizer)
    }
}

impl Eq for Rights {}

impl Grant {
    fn add(&mut self, at: usize, rule: &Rule) {
        let [elsewhere, local] = &mut self.allowed;
        local.0 |= rule.allow.0;
        match rule.from {
            Reach::Any => elsewhere.0 |= rule.allow.0,
            Reach::Loopback => {}
        }
        self.rules.push(at);
    }
}

const fn decision([elsewhere, local]: [Actions; 2], action: Action, is_local: bool) -> Decision {
    let allowed = if is_local { local } else { elsewhere };
    if allowed.contains(action) {
        Decision::Allowed
    } else {
        Decision::Denied
    }
}

impl Roles {
    /// Roles by name; whoever has another may do nothing.
    #[must_use]
    pub fn new(named: impl IntoIterator<Item = (ByteString, Rights)>) -> Self {
        let named = named.into_iter();
        Self {
            named: named.map(|(name, it)| (name, Arc::new(it))).collect(),
            others: Arc::new(Rights::new(Vec::new(), None)),
        }
    }

    /// These by name; whoever has another may do what [`Rights::open`] says.
    #[must_use]
    pub fn open_but(named: impl IntoIterator<Item = (ByteString, Rights)>) -> Self {
        Self {
            others: Self::default().others,
            ..Self::new(named)
        }
    }

    /// One set of rights for everybody, whatever the role.
    #[must_use]
    pub fn same_for_all(rights: Rights) -> Self {
        Self {
            named: BTreeMap::new(),
            others: Arc::new(rights),
        }
    }

    /// The roles that have a name, in its order.
    pub fn iter(&self) -> impl Iterator<Item = (&ByteString, &Rights)> {
        self.named.iter().map(|(name, rights)| (name, &**rights))
    }

    /// What a role may do.
    #[must_use]
    pub fn of(&self, name: &ByteString) -> &Arc<Rights> {
        self.named.get(name).unwrap_or(&self.others)
    }

    /// Whether some role's authorizer is this procedure.
    pub(super) fn have_authorizer(&self, procedure: &str) -> bool {
        let all = self.named.values().chain([&self.others]);
        let mut authorizers = all.filter_map(|rights| rights.authorizer());
        authorizers.any(|it| it.procedure.as_str() == procedure)
    }
}

impl Default for Roles {
    /// Everybody may do what [`Rights::open`] says.
    fn default() -> Self {
        Self::same_for_all(Rights::open())
    }
}

#[cfg(test)]
mod tests;

//! `wamp check --explain`: whether a role may do something, which rule says so, and where it stands. Starts nothing.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Args, ValueEnum};

use super::check::granted;
use super::exit::{Exit, Failure};
use crate::config::{Config, rule_line, units};
use crate::protocol::{MatchPolicy, Uri};
use crate::router::{Action, Decision, Rights, UriPattern};

/// What is asked.
#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    /// Say whether a role may do something, and which rule says so; ends with 0 for yes, 1 for no
    #[arg(long, num_args = 4, value_names = ["REALM", "ROLE", "ACTION", "URI"])]
    explain: Option<Vec<String>>,
    /// Take the URI of --explain for a pattern
    #[arg(
        long = "match",
        value_enum,
        value_name = "POLICY",
        requires = "explain"
    )]
    policy: Option<PatternPolicy>,
    /// Ask for peers on the router's own machine, not for others
    #[arg(long, requires = "explain")]
    loopback: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PatternPolicy {
    Prefix,
    Wildcard,
}

/// The answer: how the command ends, and what is said.
pub(super) struct Explained {
    pub(super) exit: Exit,
    pub(super) text: String,
}

impl ExplainArgs {
    /// The answer to what is asked; `None` where nothing is.
    ///
    /// # Errors
    /// A question that makes no sense: there is no such realm or action, or the URI is none.
    pub(super) fn answer(
        &self,
        file: &Path,
        config: &Config,
    ) -> Result<Option<Explained>, Failure> {
        let Some([realm, role, action, uri]) = self.explain.as_deref() else {
            return Ok(None);
        };
        let names: Vec<String> = config.realms.iter().map(|it| it.name.quoted()).collect();
        let found = config.realms.iter().find(|it| it.name.as_str() == realm);
        let settings = &found
            .ok_or_else(|| {
                let text = format!("there is no realm {}", Uri::from(realm.as_str()).quoted());
                Failure::usage(text).hint(format!("there are {}", names.join(", ")))
            })?
            .settings;
        let action = action_of(action)?;
        let policy = self.policy.map_or(MatchPolicy::Exact, |it| match it {
            PatternPolicy::Prefix => MatchPolicy::Prefix,
            PatternPolicy::Wildcard => MatchPolicy::Wildcard,
        });
        if policy != MatchPolicy::Exact
            && !matches!(
                action,
                Action::Register | Action::Subscribe | Action::Disclose
            )
        {
            let text = "only who registers or subscribes names a pattern";
            return Err(Failure::usage(text).hint("leave out --match"));
        }
        let uris = UriPattern {
            policy,
            pattern: Uri::from(uri.as_str()),
        };
        let checked = uris.pattern.check_pattern(settings.uri_rule, policy);
        checked.map_err(|why| Failure::usage(format!("no valid URI: {why}")))?;
        let lines = |rule| rule_line(file, realm, role, rule);
        let named = settings.roles.iter().find(|(name, _)| *name == role);
        let Some((_, rights)) = named else {
            let text =
                format!("denied: the realm has no role {role:?}, and who has it may do nothing");
            let exit = Exit::Denied;
            return Ok(Some(Explained { exit, text }));
        };
        let file = file.display().to_string();
        Ok(Some(self.explain(rights, action, &uris, (&file, &lines))))
    }

    fn explain(
        &self,
        rights: &Rights,
        action: Action,
        uris: &UriPattern,
        (file, line_of): (&str, &dyn Fn(usize) -> Option<usize>),
    ) -> Explained {
        let explanation = rights.explain(action, uris, self.loopback);
        let decision = explanation.decision;
        let example = explanation
            .example
            .filter(|_| decision != Decision::Allowed);
        let about = example.map_or_else(
            || "it".to_owned(),
            |uri| format!("{uri:?}, which it matches"),
        );
        let asked = rights.authorizer().filter(|_| is_asked(action));
        let mut rules = explanation
            .rules
            .iter()
            .filter_map(|&at| Some((at, rights.rules().get(at)?)))
            .peekable();
        let (exit, mut text) = match (rules.peek(), asked) {
            (Some((_, rule)), _) if decision == Decision::Allowed => (
                Exit::Done,
                format!("allowed: {} decides about {about}", show(&rule.uris)),
            ),
            (Some((_, rule)), _) => (
                Exit::Denied,
                format!("denied: {} decides about {about}", show(&rule.uris)),
            ),
            (None, None) => (Exit::Denied, format!("denied: no rule is about {about}")),
            (None, Some(asked)) => {
                let (procedure, kept) =
                    (asked.procedure.quoted(), asked.cache.map(units::show_time));
                let kept = kept.map_or_else(String::new, |time| {
                    format!("; its answer is kept for {time}")
                });
                (
                    Exit::Denied,
                    format!("undecided: no rule is about {about}, so {procedure} is asked{kept}"),
                )
            }
        };
        for (at, rule) in rules {
            let line = line_of(at).map_or_else(String::new, |line| format!(":{line}"));
            let _ = write!(text, "\n{file}{line}: allows {}", granted(rule));
        }
        let is_allowed_here = || rights.explain(action, uris, true).decision == Decision::Allowed;
        if decision == Decision::Denied && is_allowed_here() {
            text += "\nfrom loopback it is allowed";
        }
        Explained { exit, text }
    }
}

/// Whether an authorizer is asked about it.
const fn is_asked(action: Action) -> bool {
    !matches!(action, Action::Kill | Action::Watch)
}

/// Some URIs, as people read them.
pub(super) fn show(uris: &UriPattern) -> String {
    let uri = uris.pattern.quoted();
    match uris.policy {
        MatchPolicy::Exact => uri,
        MatchPolicy::Prefix | MatchPolicy::Wildcard => format!("{} {uri}", uris.policy),
    }
}

fn action_of(word: &str) -> Result<Action, Failure> {
    let mut all = Action::ALL.into_iter();
    let found = all.find(|action| action.name() == word);
    found.ok_or_else(|| {
        let names = Action::ALL.map(Action::name);
        let text = format!("there is no action {word:?}");
        Failure::usage(text).hint(format!("there are {}", names.join(", ")))
    })
}

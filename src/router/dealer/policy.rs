//! Which callee of a registration gets a call.
//!
//! Spec: ap#rpc-shared-registration, ap#rpc-sharded-registration, ap#rpc-call-rerouting.

use super::registration::{Callee, Registration};
use crate::protocol::{
    CallOptions, Feature, InvocationPolicy, Passthru, Role, RunMode, SessionId, Uri, uris,
};
use crate::router::context::{Context, Refusal};
use crate::router::session::Session;
use crate::router::shard;

/// Who gets a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pick {
    /// This callee.
    Callee(Chosen),
    /// Whoever could take it is busy.
    Busy,
    /// Nobody announced what the call needs.
    Incapable,
    /// Nobody is left to be asked.
    Nobody,
}

/// The callee chosen, and its place among those of the registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) at: usize,
    pub(super) session: SessionId,
}

/// How one callee stands to a call.
enum Standing {
    Free,
    Busy,
    Incapable,
    Unavailable,
}

impl Pick {
    /// The ERROR for a call that neither goes to a callee nor waits.
    pub(super) fn refusal(self, procedure: &Uri) -> Refusal {
        let procedure = procedure.quoted();
        match self {
            Self::Incapable => Refusal::new(
                uris::FEATURE_NOT_SUPPORTED,
                format!("no callee of {procedure} announced the features that this call needs"),
            ),
            Self::Callee(..) | Self::Busy | Self::Nobody => Refusal::new(
                uris::NO_AVAILABLE_CALLEE,
                format!("no callee of {procedure} can take the call now"),
            ),
        }
    }
}

/// Chooses among the callees that were not asked before. Cost: O(1) while everybody is free, else O(callees).
pub(super) fn pick(
    registration: &Registration,
    context: &mut Context,
    options: &CallOptions,
    tried: &[SessionId],
) -> Pick {
    let count = registration.callees.len();
    if let Some(rkey) = options.terms.as_ref().and_then(|terms| terms.rkey.as_ref()) {
        let owner = shard::owner(rkey, registration.callees.iter().map(node));
        return first_of(registration, context, options, tried, owner.into_iter());
    }
    let begin = match registration.invoke {
        InvocationPolicy::RoundRobin => registration.cursor,
        InvocationPolicy::Random if count > 1 => context.sources.below(count),
        InvocationPolicy::Single
        | InvocationPolicy::First
        | InvocationPolicy::Last
        | InvocationPolicy::Random => 0,
    };
    if registration.invoke == InvocationPolicy::Last {
        return first_of(registration, context, options, tried, (0..count).rev());
    }
    let order = (begin..count).chain(0..begin.min(count));
    first_of(registration, context, options, tried, order)
}

/// Under which name a callee owns resource keys.
fn node<'a>((session, callee): (&SessionId, &'a Callee)) -> (Option<&'a str>, Option<SessionId>) {
    let key = callee.node_key.as_deref();
    (key, key.is_none().then_some(*session))
}

/// Takes the first that is free, in that order; else says what stands in the way.
fn first_of(
    registration: &Registration,
    context: &Context,
    options: &CallOptions,
    tried: &[SessionId],
    order: impl Iterator<Item = usize>,
) -> Pick {
    let (mut is_any_busy, mut is_any_capable) = (false, !tried.is_empty());
    for at in order {
        let Some((&session, callee)) = registration.callees.get_index(at) else {
            continue;
        };
        if tried.contains(&session) {
            continue;
        }
        match standing(context, options, session, callee) {
            Standing::Free => return Pick::Callee(Chosen { at, session }),
            Standing::Busy => is_any_busy = true,
            Standing::Unavailable => is_any_capable = true,
            Standing::Incapable => {}
        }
    }
    if is_any_busy {
        Pick::Busy
    } else if is_any_capable {
        Pick::Nobody
    } else {
        Pick::Incapable
    }
}

fn standing(
    context: &Context,
    options: &CallOptions,
    session: SessionId,
    callee: &Callee,
) -> Standing {
    let Some(session) = context.sessions.get(&session) else {
        return Standing::Unavailable;
    };
    if !is_capable(session, options) {
        Standing::Incapable
    } else if callee.is_busy() {
        Standing::Busy
    } else if session.invocations.len() >= context.limits.session_invocations {
        Standing::Unavailable
    } else {
        Standing::Free
    }
}

/// Whether a callee announced what a call needs.
/// Spec: ap#rpc-progressive-call-invocations, ap#payload-passthru-mode, feature announcement.
fn is_capable(callee: &Session, options: &CallOptions) -> bool {
    let has = |feature| callee.announces(Role::Callee, feature);
    let takes_parts = || has(Feature::ProgressiveCallInvocations) && has(Feature::CallCanceling);
    let is_opaque = Passthru::is_used(options.passthru.as_deref());
    (options.progress != Some(true) || takes_parts())
        && (!is_opaque || has(Feature::PayloadPassthruMode))
}

/// Checks what a caller says of shards.
pub(super) fn check_shard(options: &CallOptions) -> Result<(), Refusal> {
    let Some(terms) = &options.terms else {
        return Ok(());
    };
    match terms.runmode {
        Some(RunMode::All) => Err(Refusal::new(
            uris::FEATURE_NOT_SUPPORTED,
            "the specification does not say what runmode \"all\" does; this router has \"partition\"".into(),
        )),
        Some(RunMode::Partition) if terms.rkey.is_none() => {
            Err(Refusal::argument("runmode \"partition\" needs an rkey"))
        }
        Some(RunMode::Partition) | None => Ok(()),
    }
}

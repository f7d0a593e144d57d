//! Which callee of a registration gets a call.
//!
//! Spec: ap#rpc-shared-registration, ap#rpc-sharded-registration, ap#rpc-call-rerouting.

use bytestring::ByteString;

use super::call::Tried;
use super::registration::{Callee, Registration};
use crate::protocol::{
    CallOptions, Feature, InvocationPolicy, Passthru, Role, RunMode, SessionId, Uri, uris,
};
use crate::router::context::{Context, Refusal};
use crate::router::limits::LimitName;
use crate::router::session::Session;
use crate::router::shard::Key;

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
    tried: &Tried,
) -> Pick {
    let count = registration.callees.len();
    if let Some(rkey) = resource_key(options) {
        let mut nodes = registration.callees.values().map(|callee| callee.node);
        let owner = Key::new(rkey).owner(nodes.clone());
        // Of callees of one node the first.
        let owner = nodes.position(|node| Some(node) == owner);
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

/// Takes the first that is free, in that order; else says what stands in the way.
fn first_of(
    registration: &Registration,
    context: &mut Context,
    options: &CallOptions,
    tried: &Tried,
    order: impl Iterator<Item = usize>,
) -> Pick {
    let (mut is_any_busy, mut is_any_unavailable) = (false, false);
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
            Standing::Unavailable => is_any_unavailable = true,
            Standing::Incapable => {}
        }
    }
    if is_any_busy {
        if is_any_unavailable {
            await_room(registration, context);
        }
        Pick::Busy
    } else if is_any_unavailable || !tried.is_empty() {
        Pick::Nobody
    } else {
        Pick::Incapable
    }
}

/// Notes with the callees that have too many invocations that a call waits which they might take.
fn await_room(registration: &Registration, context: &mut Context) {
    for callee in registration.callees.keys() {
        if let Some(session) = context.sessions.get_mut(callee)
            && session.invocations.len() >= session.limits.session_invocations
        {
            session.rare_mut().awaited.insert(registration.id);
        }
    }
}

fn standing(
    context: &Context,
    options: &CallOptions,
    session: SessionId,
    callee: &Callee,
) -> Standing {
    let Some((&id, session)) = context.sessions.get_key_value(&session) else {
        return Standing::Unavailable;
    };
    if !is_capable(session, Needs::of(options)) {
        Standing::Incapable
    } else if callee.is_busy() {
        Standing::Busy
    } else if session.invocations.len() >= session.limits.session_invocations {
        context.bite(LimitName::session_invocations, id);
        Standing::Unavailable
    } else {
        Standing::Free
    }
}

/// Whether a callee announced what a call needs.
/// Spec: ap#rpc-progressive-call-invocations, ap#payload-passthru-mode, feature announcement.
fn is_capable(callee: &Session, needs: Needs) -> bool {
    let has = |feature| callee.announces(Role::Callee, feature);
    let takes_parts = || has(Feature::ProgressiveCallInvocations) && has(Feature::CallCanceling);
    (!needs.parts || takes_parts()) && (!needs.passthru || has(Feature::PayloadPassthruMode))
}

/// What a call needs its callee to announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needs {
    parts: bool,
    passthru: bool,
}

impl Needs {
    pub(super) fn of(options: &CallOptions) -> Self {
        Self {
            parts: options.progress == Some(true),
            passthru: Passthru::is_used(options.passthru.as_deref()),
        }
    }
}

fn resource_key(options: &CallOptions) -> Option<&ByteString> {
    options.terms.as_ref()?.rkey.as_ref()
}

/// Whether a call is for the owner of a resource key.
pub(super) fn has_resource_key(options: &CallOptions) -> bool {
    resource_key(options).is_some()
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

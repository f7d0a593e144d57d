//! Whose limits are whose: a realm may have others than the router, a role others than its realm, and rates.

use std::sync::Arc;

use bytestring::ByteString;
use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use super::bites::Bite;
use super::limits::{LimitName, Limits};
use super::rate::Rate;
use super::realm::Realm;
use super::violation::abort;
use crate::protocol::message::Abort;
use crate::protocol::uris;

/// What an operator decides of one realm's limits. The default is: nothing, the router's hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// All limits of the realm, where they are not the router's.
    pub limits: Option<Limits>,
    /// Roles that are told apart.
    pub roles: Vec<RoleBounds>,
}

/// What an operator decides of the limits of one role's sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleBounds {
    /// The role.
    pub authrole: ByteString,
    /// All limits of its sessions, where they are not the realm's.
    pub limits: Option<Limits>,
    /// How often its sessions do things.
    pub rates: Rates,
}

/// How often sessions of a role do things; any number of times where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Messages of one session. What comes too early waits where it is: nothing more is read.
    pub messages: Option<Rate>,
    /// Sessions that begin.
    pub joins: Option<Rate>,
    /// Sessions that begin from one address; this machine is exempt.
    pub address_joins: Option<Rate>,
}

/// What holds for one session.
#[derive(Clone, Debug)]
pub struct SessionBounds {
    /// Its limits.
    pub limits: Arc<Limits>,
    /// How often it may send a message.
    pub messages: Option<Rate>,
}

/// The limits in force in one realm.
#[derive(Debug)]
pub(super) struct Effective {
    realm: Arc<Limits>,
    roles: IndexMap<ByteString, SessionBounds, FxBuildHasher>,
}

impl Effective {
    /// A realm's own limits go over the router's, a role's over the realm's.
    pub(super) fn new(router: Limits, bounds: &Bounds) -> Self {
        let realm = Arc::new(bounds.limits.clone().unwrap_or(router));
        let role = |it: &RoleBounds| {
            let own = it.limits.clone().map(Arc::new);
            let bounds = SessionBounds {
                limits: own.unwrap_or_else(|| Arc::clone(&realm)),
                messages: it.rates.messages,
            };
            (it.authrole.clone(), bounds)
        };
        Self {
            roles: bounds.roles.iter().map(role).collect(),
            realm,
        }
    }

    /// The realm's limits.
    pub(super) const fn realm(&self) -> &Arc<Limits> {
        &self.realm
    }

    /// What holds for sessions of a role.
    pub(super) fn of_role(&self, authrole: &str) -> SessionBounds {
        let role = self.roles.get(authrole).cloned();
        role.unwrap_or_else(|| SessionBounds {
            limits: Arc::clone(&self.realm),
            messages: None,
        })
    }
}

impl Realm {
    /// Checks that one more session may join.
    pub(super) fn check_room(&self) -> Result<(), Box<Abort>> {
        let sessions_max = self.context.limits.realm_sessions;
        if self.context.sessions.len() < sessions_max {
            return Ok(());
        }
        self.context.bites.note(LimitName::realm_sessions, None);
        let message = format!("this realm has {sessions_max} sessions, as many as it may");
        Err(abort(uris::UNAVAILABLE, &message).into())
    }

    /// What holds for sessions of a role.
    #[must_use]
    pub fn bounds_of(&self, authrole: &str) -> SessionBounds {
        self.bounds.of_role(authrole)
    }

    /// Takes out which limits were reached since last asked; cheap where none was.
    pub fn take_bites(&mut self) -> Vec<Bite> {
        self.context.bites.take()
    }
}

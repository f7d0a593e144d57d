//! The router's realms, and what they share: limits, the bytes waiting for all peers, the way down.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng, make_rng};
use tokio::sync::Notify;
use tracing::warn;

use super::clock::time_of_day;
use super::counters::Counters;
use super::load::Total;
use super::outbox::Outbox;
use super::raw::RawServers;
use super::realm::SharedRealm;
use crate::protocol::{Message, SessionId, Uri};
use crate::router::{
    Authenticator, Handshake, Joins, LimitName, Limits, Occurrence, Realm, Settings, Sources, Step,
};

/// How often others have their turn until a connection that was cut has ended.
const CUT_TURNS_MAX: usize = 1_000;

/// The realms of one process.
#[derive(Debug)]
pub struct Router {
    realms: HashMap<Uri, Arc<SharedRealm>>,
    authenticator: Authenticator,
    limits: Arc<Limits>,
    counters: Arc<Counters>,
    raw: RawServers,
    total: Arc<Total>,
    /// Told when all outboxes together are over their limit.
    total_exceeded: Notify,
}

impl Router {
    /// Realms of these names, with nobody in them.
    #[must_use]
    pub fn new(
        realms: impl IntoIterator<Item = (Uri, Settings)>,
        limits: Limits,
        authenticator: Authenticator,
    ) -> Arc<Self> {
        let counters = Arc::new(Counters::new());
        let realm = |(name, settings): (Uri, Settings)| {
            let joins = Joins::new(settings.bounds.roles.iter().map(|role| {
                let rates = role.rates;
                (role.authrole.clone(), rates.joins, rates.address_joins)
            }));
            // Nobody may guess a session's id: numbers of a cryptographic generator, seeded by the system.
            let mut random: StdRng = make_rng();
            let sources = Sources::new(move || random.next_u64(), time_of_day);
            let core = Realm::new(name.clone(), settings, limits.clone(), sources);
            (
                name,
                Arc::new(SharedRealm::new(core, joins, Arc::clone(&counters))),
            )
        };
        let realms = realms.into_iter().map(realm).collect();
        Arc::new(Self {
            realms,
            authenticator,
            raw: RawServers::new(&limits),
            limits: Arc::new(limits),
            counters,
            total: Arc::default(),
            total_exceeded: Notify::new(),
        })
    }

    /// The limits in force.
    #[must_use]
    pub const fn limits(&self) -> &Arc<Limits> {
        &self.limits
    }

    /// How often each bound was reached.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Takes a message of a client that is not in a session yet.
    pub(super) fn handle_handshake(&self, handshake: &mut Handshake, message: Message) -> Step {
        let realm_exists = |realm: &Uri| self.realms.contains_key(realm);
        let occurrence = Occurrence {
            session: SessionId::from_random(rand::random()),
            time: time_of_day(),
            nonce: &rand::random(),
        };
        handshake.handle_message(message, realm_exists, &self.authenticator, &occurrence)
    }

    /// The realms' names, escaped, in alphabetical order.
    pub(super) fn realm_names(&self) -> Vec<String> {
        let quoted = |name: &Uri| format!("realm {:?}", name.as_str());
        let mut names: Vec<String> = self.realms.keys().map(quoted).collect();
        names.sort();
        names
    }

    pub(super) fn realm(&self, name: &Uri) -> Option<&Arc<SharedRealm>> {
        self.realms.get(name)
    }

    pub(super) const fn raw(&self) -> &RawServers {
        &self.raw
    }

    pub(super) const fn total(&self) -> &Arc<Total> {
        &self.total
    }

    /// Goes down: nobody joins, calls on their way get the grace time, then everybody is told GOODBYE.
    ///
    /// Returns when no session is left.
    pub async fn shut_down(&self) {
        self.raw.shut_down();
        for realm in self.realms.values() {
            realm.shut_down();
        }
        self.run_deadlines().await;
    }

    /// Does what is due in each realm when it is due, until all have gone down.
    pub(super) async fn run_deadlines(&self) {
        join_all(self.realms.values().map(|realm| realm.run_deadlines())).await;
    }

    /// Watches the bytes that wait for all peers, for as long as the router runs.
    pub(super) async fn shed_load(&self) {
        loop {
            self.total_exceeded.notified().await;
            while self.total.bytes() > self.limits.outbox_bytes_total {
                let Some(cut) = self.cut_slowest() else {
                    break;
                };
                // What it shares with others counts until its connection has ended, in a task of its own.
                for _ in 0..CUT_TURNS_MAX {
                    if Arc::strong_count(&cut) == 1 {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Tells that bytes were added; cheap while there is room.
    pub(super) fn check_total(&self) {
        if self.total.bytes() > self.limits.outbox_bytes_total {
            self.total_exceeded.notify_one();
        }
    }

    /// Closes the connection with most bytes waiting; `None` where nothing waits.
    fn cut_slowest(&self) -> Option<Arc<Outbox>> {
        let slowest = self
            .realms
            .values()
            .filter_map(|realm| realm.slowest())
            .max_by_key(|(_, outbox)| outbox.bytes());
        let (session, outbox) = slowest.filter(|(_, outbox)| outbox.bytes() > 0)?;
        self.counters.count(LimitName::outbox_bytes_total);
        warn!(%session, bytes = outbox.bytes(), "closed: too many bytes wait for all peers, and this one is the slowest");
        outbox.cut();
        Some(outbox)
    }
}

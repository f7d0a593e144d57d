//! The router's realms, and what they share: limits, the bytes waiting for all peers, the way down.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use bytestring::ByteString;
use futures_util::future::join_all;
use parking_lot::{Mutex, RwLock};
use rand::rngs::StdRng;
use rand::{Rng, make_rng};
use tokio::sync::Notify;
use tracing::warn;

use super::clock::time_of_day;
use super::connection::Arrival;
use super::counters::Counters;
use super::load::Total;
use super::outbox::Outbox;
use super::raw::RawServers;
use super::realm::{Asking, SharedRealm};
use super::tries::FailedTries;
use crate::auth::{Method, Principal};
use crate::protocol::message::Abort;
use crate::protocol::{Message, SessionId, Uri};
use crate::router::{
    Authenticator, Channel, Handshake, Joining, Joins, LimitName, Limits, Occurrence, Question,
    Realm, Roles, SessionBounds, Settings, Sources, Step, Transport, denied,
};
use crate::transport::{Cookies, Token};

/// How often others have their turn until a connection that was cut has ended.
const CUT_TURNS_MAX: usize = 1_000;

/// The realms of one process.
#[derive(Debug)]
pub struct Router {
    realms: HashMap<Uri, Arc<SharedRealm>>,
    /// Another one where a users file has changed; a handshake takes the one of its message.
    authenticator: RwLock<Arc<Authenticator>>,
    limits: Arc<Limits>,
    counters: Arc<Counters>,
    tries: Mutex<FailedTries>,
    raw: RawServers,
    cookies: OnceLock<Arc<Cookies>>,
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
            authenticator: RwLock::new(Arc::new(authenticator)),
            tries: Mutex::default(),
            raw: RawServers::new(&limits),
            cookies: OnceLock::new(),
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

    /// Lets whoever does not sign in to a realm in with this role from now on, or not at all.
    pub fn set_anonymous(&self, realm: &Uri, authrole: Option<&ByteString>) {
        let mut current = self.authenticator.write();
        Arc::make_mut(&mut current).set_anonymous(realm, authrole.cloned());
    }

    /// Puts other roles in the place of a realm's, at once: sessions lose what these do not grant. False where there is
    /// no such realm.
    pub fn set_roles(&self, realm: &Uri, roles: Roles) -> bool {
        let found = self.realms.get(realm);
        if let Some(found) = found {
            found.set_roles(roles);
        }
        found.is_some()
    }

    /// Knows browsers again by these.
    pub(super) fn set_cookies(&self, cookies: Arc<Cookies>) {
        // Once: a router is bound once.
        let _ = self.cookies.set(cookies);
    }

    /// Lets whoever has signed in be known by its cookie, but for those who were, and those who are nobody.
    pub(super) fn remember(&self, token: Token, joining: &Joining) {
        let method = Method::named(&joining.identity.authmethod);
        let is_proof = !matches!(method, None | Some(Method::Anonymous | Method::Cookie));
        let cookies = self.cookies.get().filter(|_| is_proof);
        if cookies.is_some_and(|it| !it.bind(token, &joining.realm, &joining.identity)) {
            self.counters.count(LimitName::cookies);
        }
    }

    /// Takes a message of a client that is not in a session yet.
    pub(super) fn handle_handshake(
        &self,
        handshake: &mut Handshake,
        message: Message,
        arrival: &Arrival,
    ) -> Step {
        let realm_exists = |realm: &Uri| self.realms.contains_key(realm);
        let shown = self.cookies.get().zip(arrival.cookie.as_ref());
        let remembered = shown.and_then(|(cookies, token)| cookies.remembered(token));
        let occurrence = Occurrence {
            session: SessionId::from_random(rand::random()),
            time: time_of_day(),
            nonce: &rand::random(),
            channel: arrival.channel.as_deref(),
            remembered: remembered.as_ref(),
        };
        let authenticator = Arc::clone(&self.authenticator.read());
        handshake.handle_message(message, realm_exists, &authenticator, &occurrence)
    }

    /// Takes what a procedure has said about a client that is not in a session yet; nothing, where it says nothing.
    pub(super) fn handle_answer(
        handshake: &mut Handshake,
        answer: Option<Message>,
        channel: Option<&Channel>,
    ) -> Step {
        let occurrence = Occurrence {
            session: SessionId::from_random(rand::random()),
            time: time_of_day(),
            nonce: &rand::random(),
            channel,
            remembered: None,
        };
        handshake.handle_answer(answer, &occurrence)
    }

    /// Asks a procedure about a client that came over this; nothing, where there is no such realm.
    pub(super) fn ask(&self, question: Question, transport: &Transport) -> Option<Asking> {
        let realm = self.realms.get(&question.realm)?;
        let procedure = question.procedure.clone();
        Some(realm.ask(procedure, question.payload(transport)))
    }

    /// Lets these sign in to a realm instead of those of before. Sessions of who is no longer among them, or has another
    /// role, are ended; all others stay as they are, also where it is another secret that opens the next one. Returns how
    /// many were ended.
    pub fn set_principals(&self, name: &Uri, principals: Vec<Principal>) -> usize {
        let Some(realm) = self.realms.get(name) else {
            return 0;
        };
        let authenticator = {
            let mut current = self.authenticator.write();
            let Some(before) = current.principals(name) else {
                return 0;
            };
            let principals = before.replaced(principals);
            Arc::make_mut(&mut current).set_principals(name, Arc::new(principals));
            Arc::clone(&current)
        };
        if let Some(cookies) = self.cookies.get() {
            cookies.retain(|it| it.realm != *name || authenticator.vouches_for(name, &it.identity));
        }
        // order: who joins from here on is judged by the new list; who has joined before is there to be found.
        realm.expel(|identity| !authenticator.vouches_for(name, identity))
    }

    /// Opens a session, if whoever let the client in still would.
    pub(super) fn join(
        &self,
        joining: &Joining,
        transport: Transport,
        address: Option<u128>,
        outbox: Arc<Outbox>,
    ) -> Result<(Arc<SharedRealm>, SessionId, SessionBounds), Box<Abort>> {
        // order: held until the session is there, so that it is either judged by the new list or found by who sets it.
        let authenticator = self.authenticator.read();
        let realm = self.realms.get(&joining.realm);
        let realm = realm.filter(|_| authenticator.vouches_for(&joining.realm, &joining.identity));
        let realm = realm.ok_or_else(|| Box::new(denied()))?;
        let (session, bounds) = realm.join(joining, transport, address, outbox)?;
        Ok((Arc::clone(realm), session, bounds))
    }

    /// The realms' names, escaped, in alphabetical order.
    pub(super) fn realm_names(&self) -> Vec<String> {
        let quoted = |name: &Uri| format!("realm {:?}", name.as_str());
        let mut names: Vec<String> = self.realms.keys().map(quoted).collect();
        names.sort();
        names
    }

    /// Failed tries to sign in. The lock is held for a look, nothing else.
    pub(super) const fn tries(&self) -> &Mutex<FailedTries> {
        &self.tries
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

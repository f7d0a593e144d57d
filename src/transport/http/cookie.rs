//! Browsers that are known again: a random value in a cookie, and who signed in with it.
//!
//! Nothing is kept of a value before somebody has signed in over the connection it was given to: no other page, and
//! nobody who plants a cookie, has one that will ever be somebody's. Who it lets in is decided elsewhere.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use hyper::header::{self, HeaderMap, HeaderValue};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::protocol::Uri;
use crate::router::{Identity, Remembered};

/// The cookie's name.
const NAME: &str = "wamp";

/// What a browser shows: 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token([u8; 16]);

/// Who has signed in with which.
#[derive(Debug)]
pub struct Cookies {
    max_age: Duration,
    /// bound: how many are remembered.
    count_max: usize,
    bound: Mutex<HashMap<Token, Bound>>,
}

#[derive(Debug)]
struct Bound {
    remembered: Remembered,
    until: Instant,
}

impl Cookies {
    /// Cookies that last for so long after a sign-in; at most so many at once.
    #[must_use]
    pub fn new(max_age: Duration, count_max: usize) -> Self {
        Self {
            max_age,
            count_max,
            bound: Mutex::default(),
        }
    }

    /// The value that a request shows, if somebody has signed in with it, or a new one, to be set in the answer.
    pub(super) fn at_upgrade(
        &self,
        headers: &HeaderMap,
        is_secure: bool,
    ) -> (Token, Option<HeaderValue>) {
        let shown = shown(headers).filter(|token| self.remembered(token).is_some());
        if let Some(token) = shown {
            return (token, None);
        }
        let token = Token(rand::random());
        let secure = if is_secure { "; Secure" } else { "" };
        let cookie = format!(
            "{NAME}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            hex::encode(token.0),
            self.max_age.as_secs()
        );
        (token, HeaderValue::try_from(cookie).ok())
    }

    /// Who has signed in with it, and where, not too long ago.
    #[must_use]
    pub fn remembered(&self, token: &Token) -> Option<Remembered> {
        let bound = self.bound.lock();
        let found = bound.get(token).filter(|it| Instant::now() < it.until);
        found.map(|it| it.remembered.clone())
    }

    /// Remembers who has signed in with it; false where too many are remembered.
    pub fn bind(&self, token: Token, realm: &Uri, identity: &Identity) -> bool {
        let mut bound = self.bound.lock();
        if bound.len() >= self.count_max {
            let now = Instant::now();
            bound.retain(|_, it| now < it.until);
        }
        let has_room = bound.len() < self.count_max || bound.contains_key(&token);
        if has_room {
            let remembered = Remembered {
                realm: realm.clone(),
                identity: identity.clone(),
            };
            let until = Instant::now() + self.max_age;
            bound.insert(token, Bound { remembered, until });
        }
        has_room
    }

    /// Forgets whoever is not to be known any more.
    pub fn retain(&self, mut is_known: impl FnMut(&Remembered) -> bool) {
        self.bound.lock().retain(|_, it| is_known(&it.remembered));
    }
}

/// Whoever has it is taken for somebody: not for logs.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

fn shown(headers: &HeaderMap) -> Option<Token> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    let mut pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == NAME)?;
    let mut bytes = [0; 16];
    hex::decode_to_slice(value, &mut bytes).ok()?;
    Some(Token(bytes))
}

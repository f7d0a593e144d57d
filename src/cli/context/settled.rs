//! What flags, variables and layers come to, and where each setting comes from.
//!
//! Who we are, what proves it, and how far a router is trusted belong to a router. A layer's are used only where its own
//! URL is the one in use, or where it says none and no layer over it does: else a project's file could have a secret
//! sent to a router of its choice.

use super::keys::{About, KEYS, Key};
use super::layers::{Layer, Layers};

/// What flags and variables say, which goes over everything else.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Given {
    pub(in crate::cli) settings: Vec<(Key, String, String)>,
}

impl Given {
    /// Adds what a flag says.
    pub(in crate::cli) fn flag(&mut self, key: Key, value: Option<String>) {
        let flag = format!("--{}", key.name().replace('_', "-"));
        self.add(key, value, flag);
    }

    /// Adds what a flag or its variable says; a variable that is set to nothing is as good as none.
    pub(in crate::cli) fn flag_or_variable(&mut self, key: Key, value: Option<String>) {
        let value = value.filter(|value| !value.is_empty());
        let variable = key
            .variable()
            .and_then(|name| Some((name, std::env::var(name).ok()?)));
        match variable {
            Some((name, said)) if value.is_some() && !said.is_empty() => {
                let flag = format!("--{} or {name}", key.name());
                let is_said = value.as_ref() == Some(&said);
                self.add(key, value, if is_said { name.to_owned() } else { flag });
            }
            _ => self.flag(key, value),
        }
    }

    fn add(&mut self, key: Key, value: Option<String>, origin: String) {
        if let Some(value) = value {
            self.settings.push((key, value, origin));
        }
    }

    fn get(&self, key: Key) -> Option<(&str, &str)> {
        let found = self.settings.iter().find(|(own, ..)| *own == key);
        found.map(|(_, value, origin)| (value.as_str(), origin.as_str()))
    }

    /// Whether something that proves who we are is given.
    fn has_proof(&self) -> bool {
        let is_proof = |(key, ..): &(Key, String, String)| key.about() == About::Proof;
        self.settings.iter().any(is_proof)
    }
}

/// A setting in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Setting {
    pub(in crate::cli) key: Key,
    pub(in crate::cli) value: String,
    pub(in crate::cli) origin: String,
}

/// All settings in use.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Settled {
    pub(in crate::cli) settings: Vec<Setting>,
    /// Layers whose identity is for another router, with what they are.
    pub(in crate::cli) left_out: Vec<String>,
}

impl Setting {
    /// The value as it may be shown.
    pub(in crate::cli) fn shown(&self) -> &str {
        let is_key_itself = self.key == Key::Cryptosign && is_hex_key(&self.value);
        if self.key.is_secret() || is_key_itself {
            "(set)"
        } else {
            &self.value
        }
    }
}

/// Whether what should name a file with a private key is that key: wick's variable holds it so.
pub(in crate::cli) fn is_hex_key(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Settled {
    pub(in crate::cli) fn of(given: &Given, layers: &Layers) -> Self {
        let urls: Vec<Option<&str>> = layers.0.iter().map(|layer| layer.get(Key::Url)).collect();
        let given_url = given.get(Key::Url).map(|(url, _)| url);
        let url = given_url.or_else(|| urls.iter().flatten().next().copied());
        let is_of_router = |index: usize| match urls.get(index).copied().flatten() {
            Some(own) => Some(own) == url,
            None => urls.iter().take(index).all(Option::is_none),
        };
        let mut settled = Self::default();
        for (index, layer) in layers.0.iter().enumerate() {
            let says_more = |(key, _): &(Key, String)| key.about() != About::Session;
            if !is_of_router(index) && layer.settings.iter().any(says_more) {
                settled.left_out.push(layer.origin.clone());
            }
        }
        for key in KEYS {
            if let Some((value, origin)) = given.get(key) {
                settled.push(key, value, origin);
                continue;
            }
            let authid = settled.get(Key::Authid);
            // What proves that one is joe proves nothing for ann.
            let is_of_same = |layer: &Layer| match (authid, layer.get(Key::Authid)) {
                (Some(authid), Some(own)) => authid == own,
                _ => true,
            };
            let may_say = |&(index, layer): &(usize, &Layer)| match key.about() {
                About::Session => true,
                About::Identity | About::Trust => is_of_router(index),
                About::Proof => is_of_router(index) && !given.has_proof() && is_of_same(layer),
            };
            let mut asked = layers.0.iter().enumerate().filter(may_say);
            let found = asked.find_map(|(_, layer)| Some((layer.get(key)?, &layer.origin)));
            if let Some((value, origin)) = found {
                settled.push(key, value, origin);
            }
        }
        settled
    }

    fn push(&mut self, key: Key, value: &str, origin: &str) {
        self.settings.push(Setting {
            key,
            value: value.to_owned(),
            origin: origin.to_owned(),
        });
    }

    pub(in crate::cli) fn get(&self, key: Key) -> Option<&str> {
        let found = self.settings.iter().find(|setting| setting.key == key);
        found.map(|setting| setting.value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(origin: &str, settings: &[(Key, &str)]) -> Layer {
        let settings = settings.iter().map(|&(key, value)| (key, value.to_owned()));
        Layer {
            origin: origin.to_owned(),
            settings: settings.collect(),
        }
    }

    fn given(settings: &[(Key, &str)]) -> Given {
        let settings = settings
            .iter()
            .map(|&(key, value)| (key, value.to_owned(), format!("--{}", key.name())));
        Given {
            settings: settings.collect(),
        }
    }

    const OWN: [(Key, &str); 3] = [
        (Key::Url, "ws://own"),
        (Key::Authid, "joe"),
        (Key::Secret, "s"),
    ];

    #[test]
    fn the_first_that_says_a_setting_is_believed() {
        let layers = Layers(vec![
            layer("project", &[(Key::Realm, "p")]),
            layer("context", &[(Key::Realm, "c"), (Key::Timeout, "3s")]),
        ]);
        let settled = Settled::of(&given(&[(Key::Url, "ws://x")]), &layers);
        let told: Vec<_> = settled
            .settings
            .iter()
            .map(|it| (it.key, it.origin.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (Key::Url, "--url"),
                (Key::Realm, "project"),
                (Key::Timeout, "context")
            ]
        );
    }

    #[test]
    fn a_secret_goes_to_no_router_but_its_own() {
        let context = || layer("context", &OWN);
        let secret = |given: &Given, layers| {
            Settled::of(given, &Layers(layers))
                .get(Key::Secret)
                .is_some()
        };
        assert!(secret(&given(&[]), vec![context()]));
        assert!(secret(&given(&[(Key::Url, "ws://own")]), vec![context()]));
        assert!(!secret(
            &given(&[(Key::Url, "ws://other")]),
            vec![context()]
        ));
        assert!(!secret(&given(&[(Key::Authid, "ann")]), vec![context()]));
        let project = || layer("project", &[(Key::Url, "ws://evil")]);
        assert!(!secret(&given(&[]), vec![project(), context()]));
        // Without a URL of its own it may be for any router that its user names, but for no project's.
        let anywhere = || layer("context", &OWN[1..]);
        assert!(secret(
            &given(&[(Key::Url, "ws://other")]),
            vec![anywhere()]
        ));
        assert!(!secret(&given(&[]), vec![project(), anywhere()]));
        let settled = Settled::of(&given(&[]), &Layers(vec![project(), context()]));
        assert_eq!(settled.left_out, ["context"]);
    }
}

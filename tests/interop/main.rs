//! Tests with programs nobody here wrote on the other side: `tests/run` sets them up below `target/peers`.
//!
//! | module | who meets whom |
//! |---|---|
//! | [`calls`] | autobahn-python, autobahn-js and wampy call each other through our router |
//! | [`events`] | they publish and subscribe to each other through our router |
//! | [`progress`], [`cancel`], [`timeouts`], [`registrations`] | what else a call and a registration can be, on both routers |
//! | [`disclosure`], [`receivers`], [`retained`], [`testaments`] | who is told, who receives, and what is kept, on both routers |
//! | [`passthru`] | a payload that only wampy's sessions understand, through our router |
//! | [`meta_sessions`], [`meta_registrations`], [`meta_subscriptions`] | they look at a realm, on both routers |
//! | [`commands`] | `wamp call`, `pub`, `sub` and `register` meet them on our router |
//! | [`demo`] | what `wamp router --demo` offers them |
//! | [`elsewhere`] | our four commands on a router that is not ours: Crossbar.io |
//! | [`sign_in`] | our commands sign in to Crossbar.io by each of its methods; both Autobahns to our router, over each transport |
//! | [`transports`] | both Autobahns call and hear each other, each session over another transport of our router ([`doors`]) |
//! | [`pages`] | the example pages in a real Chromium, with our library for pages and with autobahn-js in its place |
//! | [`defaults`] | the first minute at the default addresses, and the first with a config, in a network namespace |
//! | [`guesses`] | whoever guesses at secrets from another machine waits, in a network namespace |
//! | [`echo`] | `wamp echo` and `wamp ws` talk to autobahn-python's client and server over bare WebSockets |
//! | [`testsuite`] | the Autobahn\|Testsuite looks at all that echoes: `wamp echo`, the demo router, `wamp ws` as a mirror |
//! | [`readme`] | the README's client in Python, and its page, as they stand there |
//! | [`shells`] | bash, zsh and fish complete our command line, live procedures included |
//! | [`look`] | the commands that look at a router and act on it, on Crossbar.io |
//! | [`lister`] | the tutorial's directory lister, unchanged, on both routers; the demo router does the same |
//! | [`transcript`] | the transcripts, run against Crossbar.io: where it differs is a list |
//!
//! Not here: what needs Rust alone (`tests/main.rs`).

#[cfg(test)]
mod browser;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod cancel;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod crossbar;
#[cfg(test)]
mod defaults;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod disclosure;
#[cfg(test)]
mod doors;
#[cfg(test)]
mod echo;
#[cfg(test)]
mod elsewhere;
#[cfg(test)]
mod events;
#[cfg(test)]
mod guesses;
#[cfg(test)]
mod lister;
#[cfg(test)]
mod look;
#[cfg(test)]
mod meta_registrations;
#[cfg(test)]
mod meta_sessions;
#[cfg(test)]
mod meta_subscriptions;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod passthru;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod progress;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod receivers;
#[cfg(test)]
mod registrations;
#[cfg(test)]
mod retained;
#[cfg(test)]
mod shells;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the tests that need Rust alone use more of it")]
mod support;
#[cfg(test)]
mod testaments;
#[cfg(test)]
mod testsuite;
#[cfg(test)]
mod timeouts;
#[cfg(test)]
mod transports;
#[cfg(test)]
#[path = "../transcript"]
#[expect(dead_code, reason = "the tests that need Rust alone use more of it")]
mod transcript {
    mod conversation;
    mod crossbar;
    mod differences;
    mod hello;
    mod library;
    mod notation;
    mod realms;
    mod script;
    mod stage;
    mod websocket;
    mod wire;
}

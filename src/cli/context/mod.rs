//! Contexts: settings of a router that have a name, or lie in a project's folder, for who does not want to type them.
//!
//! ```text
//! flags > WAMP_* > --context, WAMP_CONTEXT > .wamp.toml upward > selected context > WICK_* > built-in
//! ```
//! | file | what |
//! |---|---|
//! | [`keys`] | the settings there are |
//! | [`store`] | the files of contexts, and which is selected |
//! | [`project`] | `.wamp.toml`, and whether it is trusted |
//! | [`layers`] | all of them, one over the other |
//! | [`settled`] | what they come to |

mod keys;
mod layers;
mod project;
mod settled;
mod store;

pub(super) use keys::Key;
pub(super) use layers::Layers;
pub(super) use project::Project;
pub(super) use settled::{Given, Setting, Settled, is_hex_key};
pub(super) use store::{Name, Store};

//! Tests that need Rust alone. Table of contents; new tests go where they fit.

/// Signing in, by published vectors.
#[cfg(test)]
mod auth;
/// The binary, as users type it: arguments, output, exit codes.
#[cfg(test)]
mod cli;
/// The raw WebSocket server, alone and beside the router.
#[cfg(test)]
mod echo;
/// Completions and manual pages, as the program writes them.
#[cfg(test)]
mod generated;
/// A store of event history that is none of the router's own.
#[cfg(test)]
mod history;
/// The README's commands.
#[cfg(test)]
mod readme;
/// Random sequences against the core and a naive reference.
#[cfg(test)]
mod reference;
/// Attacks on the router's process, and every limit of it.
#[cfg(test)]
mod router;
/// How programs are run and waited for.
#[cfg(test)]
mod support;
/// Rules about the source that no compiler checks.
#[cfg(test)]
mod tidy;
/// Conversations with the router, in the specification's notation: `transcripts/*.wamp`.
#[cfg(test)]
mod transcript;
/// The specification's own test vectors.
#[cfg(test)]
mod vectors;

//! Where the core does otherwise than this reference would: true follows the core, false the specification.
//!
//! Each is a bug that was reported. When it is mended, its line and its use go.

/// A time limit that a callee watched is watched by nobody while the call waits for the next one.
pub(super) const WAITING_CALLS_ARE_NOT_WATCHED: bool = false;
/// What one callee was asked for, results as they come, is taken from the next one too, which was not asked for it.
pub(super) const PROGRESS_IS_WANTED_OF_ALL: bool = false;
/// Decided: a queue goes on when a callee with a limit of its own is free again, not when a full one has room. Where
/// callees can be full, none has a limit of its own then.
pub(in super::super) const FULL_CALLEES_DO_NOT_WAKE: bool = true;

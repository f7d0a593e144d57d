//! Where the core does otherwise than this reference would: true follows the core, false the specification.
//!
//! Each is a bug that was reported. When it is mended, its line and its use go.

/// `kill_all` tells nobody of the registrations and subscriptions that end with its victims.
pub(super) const KILL_ALL_IS_SILENT: bool = false;
/// A call that went out while its registration had one callee goes to no other that has come since.
pub(super) const LATE_CALLEES_ARE_NOT_ASKED: bool = false;
/// A time limit that one callee watched is watched by nobody when the call goes on to one that does not.
pub(super) const FORWARDED_TIMEOUTS_ARE_LOST: bool = false;
/// A call that waits, all callees being at their limit or full, does not go on when a full one has room again. Where
/// callees can be full, none has a limit of its own then.
pub(in super::super) const FULL_CALLEES_DO_NOT_WAKE: bool = true;
/// Where the callee that could take a call is full and one behind it could not, the error says that none could.
pub(super) const FULL_CALLEES_ARE_FORGOTTEN: bool = false;
/// Calls of an earlier offer of a callee, when they end, make room for one more than its new offer takes at once.
/// So nobody with such calls gives a limit again.
pub(in super::super) const OLD_CALLS_MAKE_ROOM: bool = false;

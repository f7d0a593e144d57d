//! Looking at a router, and acting on it, through the meta API that every router has: one file a subcommand.
//!
//! What the meta API is asked, and what it means that a router lacks it, is in [`meta`].

mod describe;
mod doctor;
mod features;
mod info;
mod kill;
mod ls;
mod meta;
mod news;
mod ping;
mod probe;
mod stages;
mod table;
mod tree;
mod wait;
mod watch;

pub(super) use describe::DescribeArgs;
pub(super) use doctor::DoctorArgs;
pub(super) use info::InfoArgs;
pub(super) use kill::KillArgs;
pub(super) use ls::LsArgs;
pub(super) use meta::{Kind, Meta};
pub(super) use ping::{PingArgs, milliseconds, text};
pub(super) use probe::ProbeArgs;
pub(super) use table::table;
pub(super) use wait::WaitArgs;
pub(super) use watch::WatchArgs;

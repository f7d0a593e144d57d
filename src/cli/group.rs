//! Process groups of the programs that we run, ended with all their children when they are not wanted any more.
//!
//! Knows nothing of what they do; one that ended by itself may leave children behind.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;

/// The groups that run now, for an end that drops nothing. bound: the calls that run at a time.
static RUNNING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// A program, leading a process group. Dropping it kills the group.
#[derive(Debug)]
pub(super) struct Group {
    // Dropped before the child: as long as that has not been waited for, nobody else has its id.
    guard: Guard,
    child: Child,
}

#[derive(Debug)]
struct Guard(Option<i32>);

impl Group {
    /// Takes a child that was started with `process_group(0)`.
    pub(super) fn new(child: Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(id) = id {
            running(|groups| groups.insert(id));
        }
        Self {
            guard: Guard(id),
            child,
        }
    }

    /// The program itself, for its streams.
    pub(super) const fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits for the program's own end. What it has left to run on its own may do so.
    pub(super) async fn wait(mut self) -> std::io::Result<std::process::ExitStatus> {
        let status = self.child.wait().await;
        if let Some(id) = self.guard.0.take() {
            running(|groups| groups.remove(&id));
        }
        status
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(id) = self.0.take() {
            running(|groups| groups.remove(&id));
            kill(id);
        }
    }
}

/// Kills all groups, where the process ends at once.
pub(super) fn kill_all() {
    running(|groups| groups.iter().copied().for_each(kill));
}

fn kill(id: i32) {
    if let Some(group) = Pid::from_raw(id) {
        // An error means that nobody is left in it.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

fn running<T>(work: impl FnOnce(&mut BTreeSet<i32>) -> T) -> T {
    work(&mut RUNNING.lock().unwrap_or_else(PoisonError::into_inner))
}

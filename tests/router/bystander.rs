//! Two sessions that go about their business while a test attacks the router: they must notice nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use serde_json::json;

use super::peer::Peer;

/// A caller and a callee of `realm1`, on a thread each.
#[derive(Debug)]
pub(super) struct Bystander {
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicU64>,
    caller: JoinHandle<()>,
    callee: JoinHandle<()>,
}

impl Bystander {
    /// Joins both, and makes the first call.
    #[track_caller]
    pub(super) fn start(url: &str) -> Self {
        Self::start_as(url, "bystander.echo")
    }

    /// The same with a procedure of its own, for tests that want several.
    #[track_caller]
    pub(super) fn start_as(url: &str, procedure: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let calls = Arc::new(AtomicU64::new(0));
        let mut callee = Peer::join(url);
        callee.register(procedure);
        let mut caller = Peer::join(url);
        let procedure = procedure.to_owned();
        let callee = thread::spawn(move || {
            loop {
                let message = callee.receive();
                if message[0] == json!(6) {
                    return;
                }
                assert_eq!(message[0], json!(68), "{message}");
                callee.send(&json!([70, message[1], {}, message[4]]));
                if message[4] == json!(["last"]) {
                    return;
                }
            }
        });
        let thread = {
            let (stop, calls) = (Arc::clone(&stop), Arc::clone(&calls));
            thread::spawn(move || {
                loop {
                    let is_last = stop.load(Ordering::SeqCst);
                    let number = calls.load(Ordering::SeqCst);
                    let argument = if is_last {
                        json!("last")
                    } else {
                        json!(number)
                    };
                    let request = caller.call(&procedure, &json!([argument]));
                    assert_eq!(caller.receive(), json!([50, request, {}, [argument]]));
                    if is_last {
                        return;
                    }
                    calls.store(number + 1, Ordering::SeqCst);
                }
            })
        };
        let bystander = Self {
            stop,
            calls,
            caller: thread,
            callee,
        };
        bystander.keeps_calling();
        bystander
    }

    /// Waits until more calls have been answered than before.
    #[track_caller]
    pub(super) fn keeps_calling(&self) {
        let before = self.calls.load(Ordering::SeqCst);
        while self.calls.load(Ordering::SeqCst) < before + 2 {
            assert!(
                !self.caller.is_finished() && !self.callee.is_finished(),
                "the bystander has been disturbed"
            );
            thread::yield_now();
        }
    }

    /// Makes the last call; fails where any call before went wrong.
    #[track_caller]
    pub(super) fn finish(self) {
        self.keeps_calling();
        self.stop.store(true, Ordering::SeqCst);
        self.caller
            .join()
            .expect("the bystanding caller noticed nothing");
        self.callee
            .join()
            .expect("the bystanding callee noticed nothing");
    }
}

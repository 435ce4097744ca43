//! Bringing a run to the server while it goes on.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::super::push;
use super::super::server::Server;
use super::super::store::Store;

/// A thread that brings to the server what has been logged, at intervals, so that a long run can be watched.
#[derive(Debug)]
pub(super) struct Live {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Live {
    pub(super) fn start(store: &Store, server: &Server, uuid: &str, every: Duration) -> Live {
        let (stop, stopped) = channel();
        // one attempt: the next turn is the next attempt, and `finish` need not wait for more
        let (store, server, uuid) = (store.clone(), server.clone().attempts(1), uuid.to_owned());
        let thread = std::thread::spawn(move || {
            while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                // what fails now is tried again at the next turn, and at the end with its error told
                let _ = push::run(&store, &server, &uuid);
            }
        });
        Live {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

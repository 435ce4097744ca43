//! The processes of a kernel: what a cell's process is given, and how all of them end.

use crate::session::{self, Session};
use std::sync::OnceLock;

/// The session of this process: its folder goes with the process, however that ends.
static SESSION: OnceLock<Session> = OnceLock::new();

/// Prepares this process, which was started to run cells: gives it the environment from outside the session, and lets
/// it end when the kernel does, even in the middle of a cell.
///
/// # Safety
/// Changes the environment: to be called before any other thread exists.
pub unsafe fn become_cell() {
    for (name, value) in session::outer_env() {
        // Safety: the caller's promise.
        unsafe {
            match value {
                Some(value) => std::env::set_var(name, value),
                None => std::env::remove_var(name),
            }
        }
    }
    #[cfg(unix)]
    unix::follow_parent(unix::kill_self);
}

/// Prepares this process, which is to be the kernel of `session`: sets the environment, and sees to it that the
/// session's folder goes when the process ends, is told to, or loses the Jupyter that started it.
///
/// # Safety
/// Changes the environment: to be called before any other thread exists.
pub unsafe fn become_kernel(session: Session) {
    for (name, value) in session.env() {
        // Safety: the caller's promise.
        unsafe { std::env::set_var(name, value) };
    }
    let _ = SESSION.set(session);
    #[cfg(unix)]
    unix::end_with_signals();
}

/// Ends this process's session in order: what it has compiled is kept for the next, and its folder removed.
pub fn end_session() {
    if let Some(session) = SESSION.get() {
        session.hand_on();
        session::remove(&session.dir);
    }
}

#[cfg(unix)]
mod unix {
    use std::time::Duration;

    /// Jupyter tells its kernels by this variable who started them.
    const PARENT: &str = "JPY_PARENT_PID";

    extern "C" fn at_exit() {
        remove_folder();
    }

    fn remove_folder() {
        if let Some(session) = super::SESSION.get() {
            super::session::remove(&session.dir);
        }
    }

    pub(super) fn kill_self() {
        // Safety: kill and getpid have no preconditions.
        unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    }

    /// Runs `then` once the parent of this process is gone.
    pub(super) fn follow_parent(then: impl Fn() + Send + 'static) {
        // Safety: getppid has no preconditions.
        let parent = || unsafe { libc::getppid() };
        let first = parent();
        std::thread::spawn(move || {
            while parent() == first {
                std::thread::sleep(Duration::from_millis(500));
            }
            then();
        });
    }

    pub(super) fn end_with_signals() {
        // Safety: the set is initialised by sigemptyset, and at_exit is a function of the program itself.
        unsafe {
            libc::atexit(at_exit);
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
                libc::sigaddset(&raw mut set, signal);
            }
            // Blocked in every thread that comes; the processes that it starts get an empty mask.
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
            std::thread::spawn(move || {
                let mut signal = 0;
                if libc::sigwait(&raw const set, &raw mut signal) == 0 {
                    end(128 + signal);
                }
            });
        }
        let jupyter = std::env::var(PARENT).ok().and_then(|pid| pid.parse().ok());
        // Safety: getppid has no preconditions.
        if jupyter == Some(unsafe { libc::getppid() }) {
            follow_parent(|| end(1));
        }
    }

    /// Ends the kernel and what it started, and removes the folder.
    fn end(code: i32) {
        // Safety: plain system calls. SIGTERM is blocked here, so it reaches the others of the group alone.
        unsafe {
            if libc::getpgrp() == libc::getpid() {
                libc::kill(0, libc::SIGTERM);
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        remove_folder();
        // Safety: ends the process without running what other threads may be in the middle of.
        unsafe { libc::_exit(code) }
    }
}

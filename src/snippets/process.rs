//! Child processes with a time limit.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What a child printed, and how it ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status; `None` when it ran past the limit and was ended.
    pub status: Option<ExitStatus>,
    /// What it printed, at most [`KEPT`] bytes of it.
    pub stdout: String,
    /// What it wrote to stderr, at most [`KEPT`] bytes of it.
    pub stderr: String,
}

impl Ended {
    /// Whether it ended in time and with success.
    pub fn success(&self) -> bool {
        self.status.is_some_and(|s| s.success())
    }
}

/// How much of a stream is kept: a program that prints without end must not fill the memory.
pub const KEPT: usize = 4 << 20;

/// Runs a command to its end, or ends it and its children at the limit.
///
/// # Errors
/// When the program cannot be started.
pub fn run(mut command: Command, limit: Duration) -> std::io::Result<Ended> {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        command.process_group(0);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stdout = child.stdout.take().map(collect);
    let stderr = child.stderr.take().map(collect);
    let status = wait(&mut child, limit)?;
    let text = |reader: Option<std::thread::JoinHandle<Vec<u8>>>| {
        reader
            .and_then(|r| r.join().ok())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    };
    Ok(Ended {
        status,
        stdout: text(stdout),
        stderr: text(stderr),
    })
}

fn collect(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        let mut buffer = [0u8; 16 << 10];
        while let Ok(n) = from.read(&mut buffer) {
            if n == 0 {
                break;
            }
            let room = KEPT.saturating_sub(kept.len()).min(n);
            kept.extend_from_slice(&buffer[..room]);
        }
        kept
    })
}

fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let end = Instant::now() + limit;
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            kill_group(child);
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

fn kill_group(child: &mut Child) {
    #[cfg(unix)]
    if let Ok(id) = i32::try_from(child.id()) {
        // SAFETY: kill takes plain numbers; the group is the child's own, set when it was started
        unsafe {
            libc::kill(-id, libc::SIGKILL);
        }
    }
    let _ = child.kill();
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_and_status_come_back() {
        let ended = run(shell("echo a; echo b >&2; exit 3"), Duration::from_secs(10)).unwrap();
        assert_eq!(
            (ended.stdout.as_str(), ended.stderr.as_str()),
            ("a\n", "b\n")
        );
        assert_eq!(ended.status.unwrap().code(), Some(3));
        assert!(!ended.success());
    }

    #[test]
    fn past_the_limit_the_whole_group_ends() {
        let start = Instant::now();
        let ended = run(
            shell("sleep 60 & echo $!; wait"),
            Duration::from_millis(300),
        )
        .unwrap();
        assert!(ended.status.is_none());
        assert!(start.elapsed() < Duration::from_secs(10));
        let grandchild: i32 = ended.stdout.trim().parse().unwrap();
        let gone = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            let state = std::fs::read_to_string(format!("/proc/{grandchild}/stat"));
            state.map_or(true, |s| s.contains(") Z "))
        });
        assert!(gone, "process {grandchild} still runs");
    }

    #[test]
    fn endless_output_is_cut() {
        let ended = run(shell("yes"), Duration::from_millis(500)).unwrap();
        assert!(ended.status.is_none());
        assert!(ended.stdout.len() <= KEPT);
    }
}

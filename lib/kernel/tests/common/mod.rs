//! What the tests share: a cache folder and an environment of their own, small books, and a kernel to talk to.

#![allow(dead_code)]

use kernel::Workspace;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Set in the process that a test runs in on its own.
const ALONE: &str = "KERNEL_TEST_ALONE";

/// Runs the body of the test called `name` in a process of its own, with `env` and an empty cache folder: the crate
/// reads its places from the environment, which a process cannot change for one of its threads.
pub fn alone(name: &str, env: &[(&str, &Path)], body: fn(&Path)) {
    if let Some(folder) = std::env::var_os(ALONE) {
        return body(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    // Links resolved, as the crate resolves them.
    let path = folder.path().canonicalize().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(ALONE, &path)
        .env("XDG_CACHE_HOME", path.join("cache"))
        .env("XDG_DATA_HOME", path.join("data"))
        .env_remove("JUPYTER_DATA_DIR")
        .envs(env.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("1 passed"),
        "{name} is not a test here:\n{text}"
    );
    for line in text.lines().filter(|line| line.starts_with("skipped")) {
        println!("{line}");
    }
}

/// The book that this crate is part of.
pub fn book() -> Workspace {
    Workspace::find(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The kernel's binary. Without it the test is skipped, and says so; with COURSE_REQUIRE_ALL=1 it fails.
pub fn binary() -> Option<PathBuf> {
    let binary = kernel::kernel_binary(&book());
    if binary.is_file() {
        return Some(binary);
    }
    let how = "cargo build -p kernel --features evcxr --profile kernel";
    assert!(
        std::env::var_os("COURSE_REQUIRE_ALL").is_none_or(|value| value != "1"),
        "the kernel is not built: {how}"
    );
    println!("skipped: the kernel is not built; run `{how}`");
    None
}

/// Writes `text` to `path` and makes the folders that it needs.
pub fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Waits until `done`, for half a minute at most.
pub fn wait_until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..600 {
        if done() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("still not so after 30 s: {what}");
}

//! What can go wrong between a workspace and a running kernel.

use std::io;
use std::path::{Path, PathBuf};

/// An error of this crate, with the values that explain it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// No folder at or above `start` holds the book.
    #[error("no book at or above {}: looked for book.toml beside Cargo.lock", start.display())]
    NoWorkspace {
        /// Where the search began.
        start: PathBuf,
    },

    /// A tool of the Rust toolchain is not installed, or not on PATH.
    #[error(
        "`{tool}` was not found on PATH. Install Rust from https://rustup.rs, or activate the environment that holds it (conda activate ml-fullstack), and try again"
    )]
    NoTool {
        /// `cargo` or `rustc`.
        tool: &'static str,
    },

    /// A command could not do its work.
    #[error("{what} failed ({status}){}{}", tail(stderr), hint_line(hint))]
    Command {
        /// What was attempted, as a phrase: `building the kernel`.
        what: String,
        /// How the command ended.
        status: String,
        /// The last lines that it wrote to stderr.
        stderr: String,
        /// What to try next; empty if nothing better is known than the message.
        hint: String,
    },

    /// The kernel has not been built.
    #[error("the kernel is not built: {} does not exist. `cargo course kernel install` builds it, and so does `cargo build -p kernel --features evcxr --profile kernel`", path.display())]
    NoBinary {
        /// Where it would be.
        path: PathBuf,
    },

    /// A `:dep` line that cannot be read.
    #[error("cannot read `{line}`: expected `:dep NAME = \"VERSION\"` or `:dep NAME = {{ … }}`")]
    Dep {
        /// The line as it stands in the cell.
        line: String,
    },

    /// A kernelspec in the way, or asked to be removed, that this course did not write.
    #[error("{} was not written by this course; it is left as it is", path.display())]
    NotOurs {
        /// The folder of the kernelspec.
        path: PathBuf,
    },

    /// No folder for this user's cache or data can be named.
    #[error("no {kind} folder: set {variable}, or HOME")]
    NoFolder {
        /// `cache` or `data`.
        kind: &'static str,
        /// The environment variable that would name it.
        variable: &'static str,
    },

    /// Cargo answered something that this crate does not understand.
    #[error("cannot read the answer of {command}: {detail}")]
    Answer {
        /// The command that answered.
        command: String,
        /// What is wrong with it.
        detail: String,
    },

    /// A file or folder could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted: `read`, `write`, `create`, ….
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

fn tail(stderr: &str) -> String {
    if stderr.is_empty() {
        String::new()
    } else {
        format!(":\n{stderr}")
    }
}

fn hint_line(hint: &str) -> String {
    if hint.is_empty() {
        String::new()
    } else {
        format!("\nhint: {hint}")
    }
}

/// Adds what was attempted, and on which path, to an input or output error.
pub(crate) trait At<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, KernelError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, KernelError> {
        self.map_err(|source| KernelError::Io {
            action,
            path: path.to_owned(),
            source,
        })
    }
}

/// The last `n` lines of `text`, trimmed at the end.
pub(crate) fn last_lines(text: &str, n: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(n)..].join("\n")
}

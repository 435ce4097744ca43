//! What a build reports while it runs.

use crate::KernelError;
use crate::error::last_lines;
use crate::toolchain::not_started;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

/// What a build has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// Crates are being compiled.
    Compiling {
        /// The crate that was begun last.
        name: String,
        /// How many units are done.
        done: usize,
        /// How many there are.
        total: usize,
    },
    /// A step, in words.
    Message(String),
}

/// Runs a `cargo build`, reports its progress, and returns what it printed on stdout.
pub(crate) fn run(
    command: &mut Command,
    what: &str,
    progress: &mut dyn FnMut(Progress),
) -> Result<String, KernelError> {
    let program = command.get_program().to_owned();
    let mut child = command
        // cargo's own progress bar is the only place that tells how much there is to do
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "200")
        .env("CARGO_TERM_COLOR", "never")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_started(what, &program, &error))?;

    let mut stdout = child.stdout.take();
    let printed = std::thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(stdout) = &mut stdout {
            // A pipe that breaks ends the text; the exit status tells the rest.
            let _ = stdout.read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    });

    let mut log = String::new();
    let mut state = State::default();
    if let Some(stderr) = child.stderr.take() {
        let mut reader = BufReader::new(stderr);
        let mut line = Vec::new();
        while read_piece(&mut reader, &mut line) {
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end();
            if text.is_empty() {
                continue;
            }
            match state.read(text) {
                Piece::Bar => {}
                Piece::Line => {
                    log.push_str(text);
                    log.push('\n');
                }
            }
            if let Some(news) = state.news() {
                progress(news);
            }
        }
    }
    let status = child
        .wait()
        .map_err(|error| not_started(what, &program, &error))?;
    let printed = printed.join().unwrap_or_default();
    if status.success() {
        return Ok(printed);
    }
    Err(KernelError::Command {
        what: what.to_owned(),
        status: status.to_string(),
        hint: hint(&log),
        stderr: last_lines(&log, 30),
    })
}

/// What would most likely help, judged by what cargo wrote.
fn hint(log: &str) -> String {
    let has = |text: &str| log.contains(text);
    if has("linker") && has("not found") {
        "a C linker is missing: install gcc or clang (conda: the package c-compiler)".to_owned()
    } else if has("No space left on device") {
        "the disk is full; `cargo course doctor` shows what the build folders take".to_owned()
    } else if has("--offline was specified")
        || has("Could not resolve host")
        || has("failed to download")
    {
        "the crates are not all downloaded: run `cargo fetch --locked` once with a network"
            .to_owned()
    } else if has("rustc") && has("is not supported by the following package") {
        "this Rust is too old: `rustup update stable`, or a newer `rust` from conda-forge"
            .to_owned()
    } else {
        String::new()
    }
}

/// Reads up to the next line feed or carriage return.
fn read_piece(reader: &mut impl BufRead, piece: &mut Vec<u8>) -> bool {
    piece.clear();
    loop {
        let (used, ended) = match reader.fill_buf() {
            Ok([]) | Err(_) => return !piece.is_empty(),
            Ok(buffer) => match buffer.iter().position(|b| *b == b'\n' || *b == b'\r') {
                Some(at) => {
                    piece.extend_from_slice(&buffer[..at]);
                    (at + 1, true)
                }
                None => {
                    piece.extend_from_slice(buffer);
                    (buffer.len(), false)
                }
            },
        };
        reader.consume(used);
        if ended {
            return true;
        }
    }
}

enum Piece {
    Bar,
    Line,
}

#[derive(Default)]
struct State {
    name: String,
    done: usize,
    total: usize,
    told: Option<(String, usize)>,
    message: Option<String>,
}

impl State {
    fn read(&mut self, text: &str) -> Piece {
        let words = text.trim_start();
        if let Some(rest) = words.strip_prefix("Building [")
            && let Some((done, total)) = counts(rest)
        {
            self.done = done;
            self.total = total;
            return Piece::Bar;
        }
        if let Some(rest) = words.strip_prefix("Compiling ") {
            self.name = rest
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned();
        } else if words.starts_with("Downloading ")
            || words.starts_with("Downloaded ")
            || words.starts_with("Updating ")
            || words.starts_with("Blocking ")
        {
            self.message = Some(words.to_owned());
        }
        Piece::Line
    }

    fn news(&mut self) -> Option<Progress> {
        if let Some(message) = self.message.take() {
            return Some(Progress::Message(message));
        }
        let now = (self.name.clone(), self.done);
        if self.name.is_empty() || self.total == 0 || self.told.as_ref() == Some(&now) {
            return None;
        }
        self.told = Some(now);
        Some(Progress::Compiling {
            name: self.name.clone(),
            done: self.done,
            total: self.total,
        })
    }
}

/// Reads `=====>    ] 12/345: a, b`.
fn counts(bar: &str) -> Option<(usize, usize)> {
    let (_, rest) = bar.split_once("] ")?;
    let (done, rest) = rest.split_once('/')?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    Some((done.trim().parse().ok()?, rest[..end].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_progress_bar_is_read() {
        assert_eq!(counts("====>      ] 12/345: serde, syn"), Some((12, 345)));
        assert_eq!(counts("====>      ] x/345"), None);
    }

    #[test]
    fn the_name_and_the_counts_come_together() {
        let mut state = State::default();
        assert!(matches!(state.read("   Compiling syn v2.0.1"), Piece::Line));
        assert_eq!(state.news(), None);
        assert!(matches!(
            state.read("    Building [==>   ] 3/10: syn"),
            Piece::Bar
        ));
        assert_eq!(
            state.news(),
            Some(Progress::Compiling {
                name: "syn".to_owned(),
                done: 3,
                total: 10
            })
        );
        assert_eq!(state.news(), None);
    }

    #[test]
    fn pieces_end_at_either_kind_of_line_end() {
        let mut reader = std::io::Cursor::new(b"a\rb\n\nc".to_vec());
        let mut piece = Vec::new();
        let mut all = Vec::new();
        while read_piece(&mut reader, &mut piece) {
            all.push(String::from_utf8(piece.clone()).unwrap());
        }
        assert_eq!(all, ["a", "b", "", "c"]);
    }

    #[test]
    fn a_failed_build_tells_its_last_lines_and_a_hint() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo 'error: linker `cc` not found' >&2; exit 3"]);
        let error = run(&mut command, "building a thing", &mut |_| {}).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("building a thing failed"), "{text}");
        assert!(text.contains("linker `cc` not found"), "{text}");
        assert!(text.contains("hint: a C linker is missing"), "{text}");
    }
}

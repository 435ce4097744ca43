//! What a run says while it runs.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::chapter::Chapter;

/// A line of progress: a bar on a terminal, a line at the end elsewhere.
pub struct Progress {
    bar: ProgressBar,
    name: String,
    lines: bool,
    began: Instant,
    last: std::cell::RefCell<String>,
}

impl Progress {
    /// The progress of a chapter; nothing is shown when `quiet`.
    pub fn new(chapter: &Chapter, quiet: bool) -> Progress {
        Progress::named(&chapter.slug(), quiet)
    }

    /// The same for a step that is no chapter.
    pub fn named(name: &str, quiet: bool) -> Progress {
        let terminal = std::io::stderr().is_terminal();
        let bar = if quiet || !terminal {
            ProgressBar::hidden()
        } else {
            let style = ProgressStyle::with_template("{prefix}  {bar:20} {msg}  {elapsed}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(1)
                .with_style(style)
                .with_prefix(name.to_string());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        };
        Progress {
            bar,
            name: name.to_string(),
            lines: !quiet && !terminal,
            began: Instant::now(),
            last: std::cell::RefCell::new(String::new()),
        }
    }

    /// Cell `n` of `total` begins.
    pub fn at(&self, n: usize, total: usize, label: &str) {
        self.bar.set_length(total as u64);
        self.bar.set_position(n as u64 - 1);
        self.bar
            .set_message(format!("cell {n} of {total}, {label}"));
    }

    /// What is being done within the step.
    pub fn say(&self, text: &str) {
        self.bar.set_message(text.to_string());
        // where there is no bar, a line a minute shows that something goes on
        let key = format!("{} {}", self.name, self.began.elapsed().as_secs() / 60);
        if self.lines && self.began.elapsed().as_secs() >= 60 && *self.last.borrow() != key {
            eprintln!("{}: {text}", self.name);
            *self.last.borrow_mut() = key;
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Ends the bar, and leaves a line that says how it went.
    pub fn finish(&self, text: &str) {
        self.bar.finish_and_clear();
        if self.lines || !self.bar.is_hidden() {
            eprintln!("{}: {text}", self.name);
        }
    }
}

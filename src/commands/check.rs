//! `course check`: finds what can be wrong without running a cell.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use super::project;
use super::test::{chosen, report};
use crate::check;

/// Arguments of `course check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo course check\n  cargo course check foundations/linear-algebra"
)]
pub struct Args {
    /// Chapters such as foundations/linear-algebra; all when none is named
    pub chapters: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, args: Args) -> anyhow::Result<ExitCode> {
    let project = project(book)?;
    let start = Instant::now();
    let mut faults = Vec::new();
    let chapters = chosen(&project, &args.chapters, &mut faults);
    // an entry without a file is told once, at its line in SUMMARY.md
    faults.retain(|f| {
        f.line.is_some() || project.root.join(&f.path).exists() || !args.chapters.is_empty()
    });
    faults.extend(check::run(&project, &chapters));
    if faults.is_empty() {
        let s = if chapters.len() == 1 { "" } else { "s" };
        println!(
            "{} chapter{s} checked in {:.1} s: no faults",
            chapters.len(),
            start.elapsed().as_secs_f64()
        );
        return Ok(ExitCode::SUCCESS);
    }
    Ok(report(&faults))
}

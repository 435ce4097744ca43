//! `course check`: finds what can be wrong without running a cell.

use std::path::Path;
use std::process::ExitCode;

use super::project;

/// Arguments of `course check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo course check")]
pub struct Args {
    /// Chapters such as foundations/linear-algebra; all when none is named
    pub chapters: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, _args: Args) -> anyhow::Result<ExitCode> {
    let _project = project(book)?;
    anyhow::bail!("`course check` is not there yet")
}

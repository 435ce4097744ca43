//! `course sync`: carries edits between chapters and notebooks.

use std::path::Path;
use std::process::ExitCode;

use super::project;

/// Arguments of `course sync`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo course sync")]
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
    anyhow::bail!("`course sync` is not there yet")
}

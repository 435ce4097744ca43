//! `course status`: a row a chapter.

use std::path::Path;
use std::process::ExitCode;

use super::project;

/// Arguments of `course status`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo course status --json")]
pub struct Args {
    /// Print JSON: an array, one object a chapter
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, _args: Args) -> anyhow::Result<ExitCode> {
    let _project = project(book)?;
    anyhow::bail!("`course status` is not there yet")
}

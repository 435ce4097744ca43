//! `course new`: starts a chapter.

use std::path::Path;
use std::process::ExitCode;

use super::project;

/// Arguments of `course new`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo course new foundations/optimization")]
pub struct Args {
    /// PART/SLUG, such as foundations/optimization
    pub chapter: String,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, _args: Args) -> anyhow::Result<ExitCode> {
    let _project = project(book)?;
    anyhow::bail!("`course new` is not there yet")
}

//! `course doctor`: what this machine has and lacks.

use std::path::Path;
use std::process::ExitCode;

use super::project;

/// Arguments of `course doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo course doctor")]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, _args: Args) -> anyhow::Result<ExitCode> {
    let _project = project(book)?;
    anyhow::bail!("`course doctor` is not there yet")
}

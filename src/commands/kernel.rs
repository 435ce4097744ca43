//! `course kernel`: installs or removes the Jupyter kernel.

use std::path::Path;
use std::process::ExitCode;

use super::project;

/// Arguments of `course kernel`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo course kernel install --sys-prefix")]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, _args: Args) -> anyhow::Result<ExitCode> {
    let _project = project(book)?;
    anyhow::bail!("`course kernel` is not there yet")
}

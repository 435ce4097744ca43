//! `course exercise`: lists exercises and checks your solutions.

use std::path::Path;
use std::process::ExitCode;

use super::project;

/// Arguments of `course exercise`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo course exercise check linear-algebra.p-norm")]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, _args: Args) -> anyhow::Result<ExitCode> {
    let _project = project(book)?;
    anyhow::bail!("`course exercise` is not there yet")
}

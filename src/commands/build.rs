//! `course build`: renders the book into book/.

use std::path::Path;
use std::process::ExitCode;

use super::project;

/// Arguments of `course build`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo course build")]
pub struct Args {
    /// Where to write instead of book/
    #[arg(long, value_name = "DIR")]
    pub out: Option<std::path::PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, _args: Args) -> anyhow::Result<ExitCode> {
    let _project = project(book)?;
    anyhow::bail!("`course build` is not there yet")
}

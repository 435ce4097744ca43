//! `course preprocess`: the mdBook preprocessor.

use std::path::Path;
use std::process::ExitCode;

use super::project;

/// Arguments of `course preprocess`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo course preprocess supports html")]
pub struct Args {
    /// What mdBook asks: `supports RENDERER`, or nothing
    pub question: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, _args: Args) -> anyhow::Result<ExitCode> {
    let _project = project(book)?;
    anyhow::bail!("`course preprocess` is not there yet")
}

//! `course serve`: renders, serves on loopback, re-renders on change.

use std::path::Path;
use std::process::ExitCode;

use super::project;

/// Arguments of `course serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo course serve --port 0 --no-open")]
pub struct Args {
    /// The port; 0 picks a free one
    #[arg(long, default_value_t = 3000)]
    pub port: u16,
    /// Do not open a browser
    #[arg(long)]
    pub no_open: bool,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, _args: Args) -> anyhow::Result<ExitCode> {
    let _project = project(book)?;
    anyhow::bail!("`course serve` is not there yet")
}

//! `course test`: compiles and runs every cell against the library crates.

use std::path::Path;
use std::process::ExitCode;

use super::project;

/// Arguments of `course test`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo course test")]
pub struct Args {
    /// Chapters such as foundations/linear-algebra; all when none is named
    pub chapters: Vec<String>,
    /// Build the libraries and print the folder that stock `mdbook test -L` needs
    #[arg(long)]
    pub library_path: bool,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, _args: Args) -> anyhow::Result<ExitCode> {
    let _project = project(book)?;
    anyhow::bail!("`course test` is not there yet")
}

//! `course run`: runs chapters on the kernel.

use std::path::Path;
use std::process::ExitCode;

use super::project;

/// Arguments of `course run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo course run foundations/linear-algebra")]
pub struct Args {
    /// Chapters such as foundations/linear-algebra; all stale ones when none is named
    pub chapters: Vec<String>,
    /// Run every chapter, fresh or not, and compare each output with the stored one
    #[arg(long)]
    pub all: bool,
    /// A kernel of your own: the path of an evcxr_jupyter, or the name of an installed kernelspec
    #[arg(long, value_name = "PATH|NAME")]
    pub kernel: Option<String>,
    /// Seconds that one cell may take, once its dependencies are built
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    pub timeout: u64,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, _args: Args) -> anyhow::Result<ExitCode> {
    let _project = project(book)?;
    anyhow::bail!("`course run` is not there yet")
}

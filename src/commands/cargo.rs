//! `course cargo`: cargo on the book's workspace, with what cells depend on compiled once for both.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use kernel::{Shared, Workspace, shared_target};

use super::project;

/// Arguments of `course cargo`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo course cargo test -p tabular\n  cargo course cargo clippy -p tabular --all-targets"
)]
pub struct Args {
    /// A subcommand of cargo that compiles, such as build, test or run
    pub subcommand: String,
    /// What follows it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub rest: Vec<OsString>,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, args: Args) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::find(&project(book)?.root)?;
    let shared = Shared::open(&workspace, &shared_target(&workspace))?;
    let status = shared
        .cargo(&workspace.root, &args.subcommand)
        .args(&args.rest)
        .status()?;
    shared.hand_on(&[]);
    Ok(match status.code() {
        Some(0) => ExitCode::SUCCESS,
        code => ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
    })
}

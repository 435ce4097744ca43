//! The subcommands, one file each: arguments, and what is printed.

use std::path::Path;

use crate::error::Fault;
use crate::project::Project;

pub mod build;
pub mod cargo;
pub mod check;
pub mod data;
pub mod doctor;
pub mod exercise;
pub mod kernel;
pub mod new;
pub mod preprocess;
pub mod run;
pub mod serve;
pub mod status;
pub mod sync;
pub mod test;

/// The project named by `--book`, else the one around the current folder.
///
/// # Errors
/// A [`Fault`] when there is none.
pub fn project(book: Option<&Path>) -> Result<Project, Fault> {
    let start = match book {
        Some(dir) => dir.to_path_buf(),
        None => std::env::current_dir()
            .map_err(|e| Fault::file(".", format!("the current folder cannot be read: {e}")))?,
    };
    let start = start
        .canonicalize()
        .map_err(|e| Fault::file(&start, format!("cannot be opened: {e}")))?;
    Project::find(&start)
}

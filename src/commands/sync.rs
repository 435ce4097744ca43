//! `course sync`: carries edits between chapters and notebooks.

use std::path::Path;
use std::process::ExitCode;

use super::project;
use super::test::{chosen, report};
use crate::sync::{self, Take};

/// Arguments of `course sync`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo course sync\n  cargo course sync foundations/linear-algebra --take notebook"
)]
pub struct Args {
    /// Chapters such as foundations/linear-algebra; all when none is named
    pub chapters: Vec<String>,
    /// Where both sides changed a cell, keep this side's text and drop the other's
    #[arg(long, value_name = "SIDE")]
    pub take: Option<Take>,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, args: Args) -> anyhow::Result<ExitCode> {
    let project = project(book)?;
    let mut faults = Vec::new();
    let chapters = chosen(&project, &args.chapters, &mut faults);
    for chapter in &chapters {
        let shown = chapter.shown();
        match sync::sync(&project, &chapter.path, args.take) {
            Ok(None) => {
                if !chapter.cells.is_empty() {
                    println!("{}: no notebook yet; a run makes it", shown.display());
                }
            }
            Ok(Some(done)) if done == sync::Done::default() => {
                println!("{}: in step", shown.display());
            }
            Ok(Some(done)) => {
                println!("{}:", shown.display());
                for what in &done.to_chapter {
                    println!("  notebook → chapter: {what}");
                }
                for what in &done.to_notebook {
                    println!("  chapter → notebook: {what}");
                }
            }
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Ok(report(&faults))
}

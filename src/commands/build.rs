//! `course build`: renders the book into book/.

use std::path::Path;
use std::process::ExitCode;

use super::project;
use crate::chapter::Chapter;
use crate::error::{Fault, Faults};
use crate::project::Project;
use crate::render::{chapter, site};

/// Arguments of `course build`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo course build")]
pub struct Args {
    /// Where to write instead of book/
    #[arg(long, value_name = "DIR")]
    pub out: Option<std::path::PathBuf>,
    /// Render chapters whose outputs are older than their code, instead of refusing them
    #[arg(long)]
    pub allow_stale: bool,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, args: Args) -> anyhow::Result<ExitCode> {
    let project = project(book)?;
    if !args.allow_stale {
        let stale = stale(&project)?;
        if !stale.is_empty() {
            return Err(Faults(stale).into());
        }
    }
    let dest = args.out.unwrap_or_else(|| project.root.join("book"));
    let dest = std::path::absolute(&dest)?;
    let shown = project.shown(&dest);
    let parent = dest
        .parent()
        .ok_or_else(|| Fault::file(&shown, "cannot hold a site"))?;
    let unwritable = |e: std::io::Error| Fault::file(&shown, format!("cannot be written: {e}"));
    std::fs::create_dir_all(parent).map_err(unwritable)?;
    // rendered beside its place, then swapped in: a build that fails leaves the last good site
    let work = tempfile::Builder::new()
        .prefix(".book-")
        .tempdir_in(parent)
        .map_err(unwritable)?;
    let finished = work.path().join("site");
    site::render(&project, &finished)?;
    site::replace(&finished, &dest).map_err(|e| Fault::file(&shown, e))?;
    println!("the book stands in {}", shown.join("index.html").display());
    Ok(ExitCode::SUCCESS)
}

/// A fault for each chapter whose stored outputs are not those of its code.
fn stale(project: &Project) -> Result<Vec<Fault>, Faults> {
    let mut faults = Vec::new();
    for parsed in project.chapters()? {
        faults.extend(stale_fault(project, &parsed)?);
    }
    Ok(faults)
}

fn stale_fault(project: &Project, parsed: &Chapter) -> Result<Option<Fault>, Fault> {
    if parsed.cells.is_empty() {
        return Ok(None);
    }
    let reasons = chapter::stale_reasons(project, parsed)?;
    Ok((!reasons.is_empty()).then(|| {
        Fault::file(parsed.shown(), format!("stale: {}", reasons.join("; "))).with_detail(format!(
            "run it: cargo course run {}\nor render it as it is: cargo course build --allow-stale",
            parsed.slug()
        ))
    }))
}

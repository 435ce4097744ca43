//! `course build`: renders the book into book/.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::project;
use crate::error::{Fault, Faults};
use crate::project::Project;
use crate::render::{Kept, site};
use crate::{fresh, notebook};

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
    site::complete(&project)?;
    let stale = stale(&project)?;
    if !stale.is_empty() && !args.allow_stale {
        return Err(Faults(stale.values().map(|(fault, _)| fault.clone()).collect()).into());
    }
    let notes = stale
        .into_iter()
        .map(|(path, (_, reasons))| (path, reasons))
        .collect();
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
    site::render(&project, &finished, &notes, &Kept::default())?;
    site::replace(&finished, &dest).map_err(|e| Fault::file(&shown, e))?;
    println!("the book stands in {}", shown.join("index.html").display());
    Ok(ExitCode::SUCCESS)
}

/// The chapters whose stored outputs are not those of their code: the fault, and the reasons.
fn stale(project: &Project) -> Result<BTreeMap<PathBuf, (Fault, Vec<String>)>, Faults> {
    let mut found = BTreeMap::new();
    for chapter in project.chapters()? {
        let notebook = notebook::load(project, &chapter.path)?;
        let judged = fresh::of(project, &chapter, notebook.as_ref())?;
        if judged.fresh {
            continue;
        }
        let fault = Fault::file(
            chapter.shown(),
            format!("stale: {}", judged.reasons.join("; ")),
        )
        .with_detail(format!(
            "run it: cargo course run {}\nor render it as it is: cargo course build --allow-stale",
            chapter.slug()
        ));
        found.insert(chapter.path, (fault, judged.reasons));
    }
    Ok(found)
}

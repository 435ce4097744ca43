//! A chapter's notebook: there, fresh, and of the same text.

use nbformat::v4::Notebook;

use crate::chapter::Chapter;
use crate::error::Fault;
use crate::project::Project;
use crate::sync;

/// Checks the notebook of a chapter.
pub fn check(project: &Project, chapter: &Chapter, notebook: Option<&Notebook>) -> Vec<Fault> {
    let run = format!("`cargo course run {}`", chapter.slug());
    let Some(notebook) = notebook else {
        if chapter.cells.is_empty() {
            return Vec::new();
        }
        return vec![
            Fault::file(
                project.shown(&project.notebook_path(&chapter.path)),
                format!(
                    "missing: {} has cells that have not been run",
                    chapter.shown().display()
                ),
            )
            .with_detail(format!("{run} makes it")),
        ];
    };
    let mut faults = Vec::new();
    if let Some((line, message)) = sync::difference(chapter, notebook) {
        faults.push(chapter.fault(line, message).with_detail(
            "`cargo course sync` carries the edit over, to whichever side it is missing from",
        ));
    }
    match crate::fresh::of(project, chapter, Some(notebook)) {
        Ok(state) if !state.fresh => faults.push(
            Fault::file(
                chapter.shown(),
                format!("stale: {}", state.reasons.join("; ")),
            )
            .with_detail(format!("{run} runs it again")),
        ),
        Ok(_) => {}
        Err(fault) => faults.push(fault),
    }
    faults
}

//! A chapter's notebook: there, fresh, and of the same text.

use nbformat::v4::{Cell, Notebook};

use crate::chapter::{Chapter, Lines};
use crate::error::Fault;
use crate::notebook::{Segment, cell_text, segments, source, unbind};
use crate::project::Project;
use crate::results::Results;

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
    if let Some((line, message)) = difference(chapter, notebook) {
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

/// The first place where the texts differ: the chapter's line, and what it is.
pub(crate) fn difference(chapter: &Chapter, notebook: &Notebook) -> Option<(usize, String)> {
    let lines = Lines::of(&chapter.text);
    let none = Results::new();
    let segments = segments(chapter);
    let line = |segment: &Segment| match segment {
        Segment::Prose(range) => lines.at(range.start),
        Segment::Code(i) | Segment::Recheck { check: i, .. } => chapter.cells[*i].line,
    };
    for (i, segment) in segments.iter().enumerate() {
        let Some(cell) = notebook.cells.get(i) else {
            return Some((line(segment), "its notebook ends before this".to_string()));
        };
        // the chapter's own form: values in the notebook's prose are not compared
        let (code, ours) = source(chapter, segment, &none);
        let ours = if code { ours } else { unbind(&ours) };
        let theirs = match cell {
            Cell::Code { .. } => (true, cell_text(cell)),
            _ => (false, unbind(&cell_text(cell))),
        };
        if theirs != (code, ours) {
            let what = if code { "this cell" } else { "this prose" };
            return Some((
                line(segment),
                format!("{what} differs from the notebook's cell {}", i + 1),
            ));
        }
    }
    let extra = notebook.cells.len().saturating_sub(segments.len());
    (extra > 0).then(|| {
        let last = chapter.text.lines().count().max(1);
        (
            last,
            format!("its notebook has {extra} more cells after this"),
        )
    })
}

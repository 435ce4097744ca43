//! Exercises: whole, in order, and proved: the starter fails its check, the solution passes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::chapter::{Chapter, Role};
use crate::error::Fault;
use crate::exercise;
use crate::project::Project;
use crate::snippets::{libraries_for, program};

/// How many programs are compiled at a time.
const AT_A_TIME: usize = 2;
/// How long a check may run.
const LIMIT: Duration = Duration::from_secs(60);

/// Checks the exercises of these chapters.
pub fn check(project: &Project, chapters: &[Chapter]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut whole = Vec::new();
    for chapter in chapters {
        let found = shape(chapter, &mut whole);
        faults.extend(found);
    }
    if whole.is_empty() {
        return faults;
    }
    let with_exercises: Vec<Chapter> = chapters
        .iter()
        .filter(|c| whole.iter().any(|(of, _)| of.path == c.path))
        .cloned()
        .collect();
    let libraries = match libraries_for(project, &with_exercises) {
        Ok(libraries) => libraries,
        Err(found) => {
            faults.extend(found);
            return faults;
        }
    };
    let next = AtomicUsize::new(0);
    let proved = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(whole.len()) {
            scope.spawn(|| {
                while let Some((chapter, id)) = whole.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = program::prove(project, chapter, id, &libraries, LIMIT)
                        .unwrap_or_else(|fault| vec![fault]);
                    if let Ok(mut all) = proved.lock() {
                        all.extend(found);
                    }
                }
            });
        }
    });
    faults.extend(proved.into_inner().unwrap_or_default());
    faults
}

/// What is wrong without compiling; exercises that have all their parts go to `whole`.
fn shape<'a>(chapter: &'a Chapter, whole: &mut Vec<(&'a Chapter, String)>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let name = chapter
        .path
        .file_stem()
        .map(|s| s.to_string_lossy().into_owned())
        .unwrap_or_default();
    let exercises = exercise::of(chapter);
    for e in &exercises {
        let line = e.starter.line - 1;
        if !e.id.starts_with(&format!("{name}.")) {
            faults.push(chapter.fault(
                line,
                format!(
                    "exercise `{}`: an id begins with the chapter's name, `{name}.`",
                    e.id
                ),
            ));
        }
        for (part, there, how) in [
            (
                "hint",
                e.hint.is_some(),
                "<details class=\"hint\"><summary>Hint</summary> … </details> after the starter"
                    .to_string(),
            ),
            (
                "check",
                e.check.is_some(),
                format!("a ```rust,check={} cell", e.id),
            ),
            (
                "solution",
                e.solution.is_some(),
                format!("a ```rust,solution={} cell", e.id),
            ),
        ] {
            if !there {
                faults.push(chapter.fault(
                    line,
                    format!("exercise `{}` has no {part}: add {how}", e.id),
                ));
            }
        }
        if let (Some(check), Some(solution)) = (e.check, e.solution) {
            if check.index < e.starter.index || solution.index < check.index {
                faults.push(chapter.fault(
                    check.line - 1,
                    format!("exercise `{}`: the order is starter, check, solution", e.id),
                ));
            } else {
                whole.push((chapter, e.id.to_string()));
            }
        }
    }
    for cell in &chapter.cells {
        let (what, id) = match &cell.role {
            Role::Exercise(id) => ("exercise", id),
            Role::Check(id) => ("check", id),
            Role::Solution(id) => ("solution", id),
            _ => continue,
        };
        if !exercises.iter().any(|e| e.id == id) {
            faults.push(chapter.fault(
                cell.line - 1,
                format!("{what} of `{id}`, which is no exercise of this chapter"),
            ));
        }
        let first = chapter.cells.iter().find(|c| c.role == cell.role);
        if let Some(first) = first
            && first.index < cell.index
        {
            faults.push(chapter.fault(
                cell.line - 1,
                format!(
                    "a second {what} of `{id}`; the first is in line {}",
                    first.line - 1
                ),
            ));
        }
    }
    faults
}

//! Everything that can be wrong in the book without running a cell, one file a group of rules.

mod book;
mod cells;
mod exercises;
mod figures;
mod html;
mod links;
mod notebook;
mod numbers;
mod results;

use nbformat::v4::Notebook;

use crate::chapter::Chapter;
use crate::error::Fault;
use crate::notebook::load;
use crate::project::Project;

/// Checks these chapters, and what concerns the book as a whole; the faults in the order of the files.
pub fn run(project: &Project, chapters: &[Chapter]) -> Vec<Fault> {
    let mut faults = book::check(project, chapters);
    let contracts = match crate::contracts::all(project) {
        Ok(contracts) => Some(contracts),
        Err(fault) => {
            faults.push(fault);
            None
        }
    };
    for chapter in chapters {
        faults.extend(cells::check(project, chapter));
        faults.extend(links::check(project, chapter));
        faults.extend(figures::check(chapter));
        let notebook = match load(project, &chapter.path) {
            Ok(notebook) => notebook,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        faults.extend(notebook::check(project, chapter, notebook.as_ref()));
        if let Some(notebook) = &notebook {
            faults.extend(figures::stored(chapter, notebook));
            faults.extend(of_results(chapter, notebook, contracts.as_ref()));
        } else if let Err(found) = chapter.result_refs() {
            faults.extend(found);
        }
    }
    faults.extend(exercises::check(project, chapters));
    in_order(faults)
}

fn of_results(
    chapter: &Chapter,
    notebook: &Notebook,
    contracts: Option<&crate::contracts::Contracts>,
) -> Vec<Fault> {
    match crate::results::of_notebook(notebook) {
        Ok(given) => {
            let mut faults = results::check(chapter, &given, contracts);
            faults.extend(numbers::check(chapter, &given));
            faults
        }
        Err(message) => vec![Fault::file(chapter.shown(), message)],
    }
}

fn in_order(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    faults.dedup();
    faults
}

/// The first line of a chapter's front matter that holds a text, from 1; 1 where none does.
fn front_line(chapter: &Chapter, text: &str) -> usize {
    chapter.text[..chapter.body]
        .lines()
        .position(|l| l.contains(text))
        .map_or(1, |i| i + 1)
}

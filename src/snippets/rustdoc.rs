//! Runs a test chapter through rustdoc, and takes its messages back to the chapter's lines.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::chapter::{Cell, Chapter, Expect};
use crate::error::Fault;
use crate::project::Project;

use super::library::{Libraries, facade_name};
use super::markdown::{DID_NOT_PANIC, Snippet, Snippets, mark, of_chapter};
use super::process;

/// How many cells passed, and what is wrong with the others.
#[derive(Debug, Default)]
pub struct Tested {
    /// Cells that did what they must; the check of an exercise counts on the starter and on the solution.
    pub passed: usize,
    /// What is wrong with the others. Cells behind one that fails are not run.
    pub faults: Vec<Fault>,
}

/// Tests every cell of a chapter.
///
/// # Errors
/// Faults that come before any test: cells that are not Rust, rustdoc that cannot be run.
pub fn test(
    project: &Project,
    chapter: &Chapter,
    libraries: &Libraries,
    limit: Duration,
) -> Result<Tested, Vec<Fault>> {
    let snippets = of_chapter(chapter)?;
    if snippets.snippets.is_empty() {
        return Ok(Tested::default());
    }
    let io = |e: std::io::Error| {
        vec![Fault::file(
            chapter.shown(),
            format!("cannot be tested: {e}"),
        )]
    };
    let folder = tempfile::Builder::new()
        .prefix("course-test-")
        .tempdir()
        .map_err(io)?;
    let file = folder.path().join(chapter.shown());
    std::fs::create_dir_all(file.parent().unwrap_or(folder.path())).map_err(io)?;
    std::fs::write(&file, &snippets.markdown).map_err(io)?;
    let mut command = Command::new("rustdoc");
    command
        .current_dir(folder.path())
        .arg(chapter.shown())
        .args(["--test", "--edition", "2024", "-L"])
        .arg(&libraries.folder)
        .arg("--test-run-directory")
        .arg(&project.root)
        .env("RUST_BACKTRACE", "0");
    let ended = process::run(command, limit)
        .map_err(|e| vec![Fault::file("rustdoc", format!("cannot be run: {e}"))])?;
    let mut passed: usize = snippets.snippets.iter().map(|s| s.cells.len()).sum();
    let mut faults = Vec::new();
    for failure in failures(chapter, &snippets, &ended.stdout) {
        passed -= failure.lost;
        faults.extend(failure.faults.into_iter().map(|(_, fault)| fault));
    }
    if ended.status.is_none() {
        passed = 0;
        faults.push(
            Fault::file(
                chapter.shown(),
                format!(
                    "its snippets ran for more than {} s and were ended",
                    limit.as_secs()
                ),
            )
            .with_detail("--timeout SECONDS gives them longer"),
        );
    } else if !ended.success() && faults.is_empty() {
        passed = 0;
        faults.push(
            Fault::file(chapter.shown(), "rustdoc failed")
                .with_detail(format!("{}{}", ended.stdout, ended.stderr)),
        );
    }
    for snippet in &snippets.snippets {
        if snippet.expect == Expect::CompileError {
            let wrong = wrong_code(chapter, snippet, libraries, folder.path(), limit);
            passed = passed.saturating_sub(usize::from(wrong.is_some()));
            faults.extend(wrong);
        }
    }
    faults.sort_by_key(|f| f.line);
    Ok(Tested { passed, faults })
}

/// A program that failed.
struct Failure {
    /// How many of its cells have not passed.
    lost: usize,
    /// What is wrong, and whether it is in cells that the program is there for.
    faults: Vec<(bool, Fault)>,
}

/// The failures that rustdoc's output speaks of.
fn failures(chapter: &Chapter, snippets: &Snippets, output: &str) -> Vec<Failure> {
    let mut found = Vec::new();
    let mut lines = output.lines().peekable();
    while let Some(line) = lines.next() {
        // ---- chapters/part/a.md - Heading (line 12) stdout ----
        let Some(at) = line
            .strip_prefix("---- ")
            .filter(|l| l.ends_with(" stdout ----"))
            .and_then(|l| {
                l.rsplit_once("(line ")?
                    .1
                    .split(')')
                    .next()?
                    .parse::<usize>()
                    .ok()
            })
        else {
            continue;
        };
        let mut text = Vec::new();
        while let Some(next) = lines.next_if(|l| !l.starts_with("---- ") && *l != "failures:") {
            text.push(next);
        }
        let Some(snippet) = snippets.snippets.iter().find(|s| s.line == at) else {
            continue;
        };
        let body = text.join("\n");
        let compiler = compile_faults(chapter, snippet, body.trim());
        found.push(if compiler.is_empty() {
            run_fault(chapter, snippet, body.trim())
        } else {
            Failure {
                lost: snippet.cells.len(),
                faults: compiler,
            }
        });
    }
    // a cell that does not compile fails every program that it is part of: the first says enough
    if found.iter().any(|f| f.faults.iter().any(|(own, _)| *own)) {
        for failure in &mut found {
            failure.faults.retain(|(own, _)| *own);
        }
    }
    found
}

/// What the compiler says about a program: a fault for each error, at the chapter's line, and whether it lies in the
/// cells that the program is there for.
fn compile_faults(chapter: &Chapter, snippet: &Snippet, body: &str) -> Vec<(bool, Fault)> {
    let shown = chapter.shown();
    let head = snippet.line + 1;
    let mut faults = Vec::new();
    let mut lines = body.lines().peekable();
    while let Some(message) = lines.find(|l| l.starts_with("error")) {
        let mut detail = vec![message];
        while let Some(next) = lines.next_if(|l| !l.starts_with("error")) {
            detail.push(next);
        }
        let Some(line) = detail.iter().find_map(|l| {
            let (file, rest) = l.trim().strip_prefix("--> ")?.split_once(':')?;
            (Path::new(file) == shown).then(|| rest.split(':').next()?.parse::<usize>().ok())?
        }) else {
            continue;
        };
        let detail = detail.join("\n");
        let last = cell_of(chapter, snippet);
        let (own, cell, line) = if !alone(chapter, snippet) {
            let cells = snippet.cells.iter().map(|&index| &chapter.cells[index]);
            let cell = cells.rev().find(|cell| cell.line <= line).unwrap_or(last);
            (true, cell, line)
        } else if line > head {
            (true, last, last.line + (line - head - 1))
        } else {
            (false, last, last.line)
        };
        let label = label(cell, snippet);
        let said = match own {
            true => format!("{label}: {message}"),
            false => format!("{label}: a cell before it does not compile in its place"),
        };
        faults.push((own, chapter.fault(line, said).with_detail(detail)));
    }
    faults
}

/// Whether a snippet is a program below the chapter's last line.
fn alone(chapter: &Chapter, snippet: &Snippet) -> bool {
    snippet.line > chapter.text.lines().count()
}

/// The cell that a program is there for: the last of those that it tests.
fn cell_of<'a>(chapter: &'a Chapter, snippet: &Snippet) -> &'a Cell {
    &chapter.cells[snippet.cells[snippet.cells.len() - 1]]
}

fn label(cell: &Cell, snippet: &Snippet) -> String {
    if snippet.recheck {
        format!("{} after the solution", cell.label())
    } else {
        cell.label()
    }
}

/// What went wrong when a program ran.
fn run_fault(chapter: &Chapter, snippet: &Snippet, body: &str) -> Failure {
    // the cell that began last
    let begun = snippet
        .cells
        .iter()
        .enumerate()
        .filter_map(|(nth, &index)| Some((body.rfind(&mark(index))?, nth, index)))
        .max();
    let (said, nth, cell) = match begun {
        Some((at, nth, index)) => (&body[at..], nth, &chapter.cells[index]),
        None => (body, 0, cell_of(chapter, snippet)),
    };
    let message = match snippet.expect {
        Expect::Panic if body.contains("did not panic") || body.contains("didn't panic") => {
            DID_NOT_PANIC.to_string()
        }
        Expect::CompileError if body.contains("compiled successfully") => {
            "should not compile, and does".to_string()
        }
        _ if said.contains(DID_NOT_PANIC) => DID_NOT_PANIC.to_string(),
        _ => panic_message(said, body),
    };
    let fault = chapter
        .fault(cell.line, format!("{}: {message}", label(cell, snippet)))
        .with_detail(said.trim());
    Failure {
        lost: snippet.cells.len() - nth,
        faults: vec![(true, fault)],
    }
}

/// What a panic or an error says, in one line: the panic in what the cell wrote, the error wherever it stands.
fn panic_message(said: &str, body: &str) -> String {
    let mut lines = said.lines().skip_while(|l| !l.contains("panicked at"));
    if lines.next().is_some() {
        let said = lines.next().unwrap_or_default();
        return format!("panicked: {said}");
    }
    body.lines()
        .find_map(|l| l.strip_prefix("Error: "))
        .map_or_else(|| "failed".into(), |e| format!("returned the error {e}"))
}

/// rustdoc compares error codes on nightly alone: the codes of a `compile_fail` cell are compared here.
fn wrong_code(
    chapter: &Chapter,
    snippet: &Snippet,
    libraries: &Libraries,
    folder: &Path,
    limit: Duration,
) -> Option<Fault> {
    let cell = cell_of(chapter, snippet);
    let file = folder.join("compile_fail.rs");
    std::fs::write(&file, &snippet.program).ok()?;
    let mut command = Command::new("rustc");
    command
        .current_dir(folder)
        .arg(&file)
        .args([
            "--edition",
            "2024",
            "--crate-name",
            &facade_name(chapter).replace("snippets", "fails"),
        ])
        .args(["--emit=metadata", "--error-format=json", "-L"])
        .arg(&libraries.folder)
        .arg("--out-dir")
        .arg(folder);
    let ended = process::run(command, limit).ok()?;
    let found: Vec<String> = ended
        .stderr
        .lines()
        .filter_map(|l| serde_json::from_str::<Value>(l).ok())
        .filter(|m| m["level"] == "error")
        .filter_map(|m| Some(m["code"]["code"].as_str()?.to_string()))
        .collect();
    // compiled after all: rustdoc has said so
    if ended.success() || cell.codes.iter().all(|c| found.contains(c)) {
        return None;
    }
    let gave = if found.is_empty() {
        "no code at all".to_string()
    } else {
        found.join(", ")
    };
    Some(chapter.fault(
        cell.line,
        format!(
            "{} should fail with {}, and fails with {gave}",
            cell.label(),
            cell.codes.join(", ")
        ),
    ))
}

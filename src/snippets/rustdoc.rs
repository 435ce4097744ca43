//! Runs a test chapter through rustdoc, and takes its messages back to the chapter's lines.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::chapter::{Chapter, Expect};
use crate::error::Fault;
use crate::project::Project;

use super::library::{Libraries, facade_name};
use super::markdown::{Snippet, Snippets, of_chapter};
use super::process;

/// How many snippets passed, and what is wrong with the others.
#[derive(Debug, Default)]
pub struct Tested {
    /// Snippets that did what they must.
    pub passed: usize,
    /// One fault a snippet that did not.
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
    let mut faults = failures(chapter, &snippets, &ended.stdout);
    if ended.status.is_none() {
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
        faults.push(
            Fault::file(chapter.shown(), "rustdoc failed")
                .with_detail(format!("{}{}", ended.stdout, ended.stderr)),
        );
    }
    for snippet in &snippets.snippets {
        if snippet.expect == Expect::CompileError {
            faults.extend(wrong_code(
                chapter,
                snippet,
                libraries,
                folder.path(),
                limit,
            ));
        }
    }
    faults.sort_by_key(|f| f.line);
    Ok(Tested {
        passed: snippets.snippets.len().saturating_sub(faults.len()),
        faults,
    })
}

/// The faults that rustdoc's output speaks of.
fn failures(chapter: &Chapter, snippets: &Snippets, output: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
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
        faults.push(fault(chapter, snippet, &text));
    }
    // a cell that does not compile fails every snippet after it: the first says enough
    let in_place = faults.iter().any(|(own, _)| *own);
    faults.retain(|(own, _)| *own || !in_place);
    faults.into_iter().map(|(_, fault)| fault).collect()
}

/// One failed snippet: whether the fault lies in the cell's own lines, and the fault.
fn fault(chapter: &Chapter, snippet: &Snippet, text: &[&str]) -> (bool, Fault) {
    let cell = &chapter.cells[snippet.cell];
    let what = if snippet.recheck {
        format!("{} after the solution", cell.label())
    } else {
        cell.label()
    };
    let body = text.join("\n");
    let body = body.trim();
    let shown = chapter.shown();
    let place = body.lines().find_map(|l| {
        let (file, rest) = l.trim().strip_prefix("--> ")?.split_once(':')?;
        (Path::new(file) == shown).then(|| rest.split(':').next()?.parse::<usize>().ok())?
    });
    if let Some(line) = place {
        let head = snippet.line + 1;
        // a recheck stands below the chapter's last line: back to the check's own lines
        let line = if snippet.recheck && line > head {
            cell.line + (line - head - 1)
        } else {
            line
        };
        let message = body
            .lines()
            .find(|l| l.starts_with("error"))
            .unwrap_or("error: does not compile");
        if line <= head && !snippet.recheck {
            let fault = chapter.fault(
                cell.line,
                format!("{what}: a cell before it does not compile in its place"),
            );
            return (false, fault.with_detail(body));
        }
        let fault = chapter.fault(line, format!("{what}: {message}"));
        return (true, fault.with_detail(body));
    }
    let message = match snippet.expect {
        Expect::Panic if body.contains("did not panic") || body.contains("didn't panic") => {
            "should have panicked, and did not".to_string()
        }
        Expect::CompileError if body.contains("compiled successfully") => {
            "should not compile, and does".to_string()
        }
        _ => panic_message(body),
    };
    (
        true,
        chapter
            .fault(cell.line, format!("{what}: {message}"))
            .with_detail(body),
    )
}

/// What a panic or an error says, in one line.
fn panic_message(body: &str) -> String {
    let mut lines = body.lines().skip_while(|l| !l.contains("panicked at"));
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
    let cell = &chapter.cells[snippet.cell];
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

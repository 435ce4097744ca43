//! Programs that prove exercises: a version of an exercise, the chapter's setup cells, and its check.
//!
//! The program is one file in which every line of the chapter that it uses stands on its own number, and
//! all others are empty; what holds it together goes onto the lines of the fences. The file bears the
//! chapter's name. So the compiler's messages and a panic's place are the chapter's own, and those of a
//! reader's version, which is included, are the reader's.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use syn::Stmt;
use syn::spanned::Spanned;

use crate::chapter::{Cell, Chapter, Role};
use crate::error::{Fault, write_text};
use crate::notebook::hex;
use crate::project::Project;

use super::code::{self, Code, one_line};
use super::library::{self, Libraries};
use super::{markdown, process};

/// Which version of an exercise a program holds.
#[derive(Debug, Clone, Copy)]
pub enum Version<'a> {
    /// The starter, which the check must fail on.
    Starter,
    /// The solution, which must pass.
    Solution,
    /// A reader's own: the name of the file as messages show it, and its text.
    Reader(&'a str, &'a str),
}

/// A program, ready to be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The name of the main file: that of the chapter, from the root.
    name: PathBuf,
    /// Its text.
    text: String,
    /// The reader's file: its name for messages, and its text.
    reader: Option<(String, String)>,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The check found nothing wrong; what it printed.
    Passed(String),
    /// The check panicked.
    Panicked {
        /// What it said.
        message: String,
        /// The file and line.
        place: Option<(PathBuf, usize)>,
    },
    /// It returned an error, or was ended by a signal.
    Failed(String),
    /// It ran past the limit.
    Endless,
    /// It does not compile: what the compiler says, the first error first.
    NotCompiled(Vec<Diagnostic>),
}

/// An error of the compiler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The file that it speaks of: the chapter's or the reader's.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The first line of it, such as `error[E0308]: mismatched types`.
    pub message: String,
    /// The whole message as the compiler renders it.
    pub rendered: String,
}

/// The cells of an exercise.
struct Cells<'a> {
    starter: &'a Cell,
    check: &'a Cell,
    solution: &'a Cell,
}

fn cells<'a>(chapter: &'a Chapter, id: &str) -> Result<Cells<'a>, Vec<Fault>> {
    let find = |wanted: Role| chapter.cells.iter().find(|c| c.role == wanted);
    let starter = find(Role::Exercise(id.into()));
    let check = find(Role::Check(id.into()));
    let solution = find(Role::Solution(id.into()));
    match (starter, check, solution) {
        (Some(starter), Some(check), Some(solution)) => Ok(Cells {
            starter,
            check,
            solution,
        }),
        (Some(starter), check, _) => {
            let lacks = if check.is_none() { "check" } else { "solution" };
            Err(vec![chapter.fault(
                starter.line,
                format!("exercise `{id}` has no {lacks}: add a ```rust,{lacks}={id} cell"),
            )])
        }
        (None, ..) => Err(vec![Fault::file(
            chapter.shown(),
            format!("no exercise `{id}`"),
        )]),
    }
}

impl Program {
    /// The program of an exercise.
    ///
    /// # Errors
    /// Faults of the cells that it is made of: not Rust, or statements where items must be.
    pub fn new(chapter: &Chapter, id: &str, version: Version) -> Result<Program, Vec<Fault>> {
        let cells = cells(chapter, id)?;
        let shown = match version {
            Version::Solution => cells.solution,
            _ => cells.starter,
        };
        let first = shown.index.min(cells.check.index);
        let mut faults = Vec::new();
        let mut parse = |cell: &Cell| {
            code::parse(chapter, cell)
                .map_err(|fault| faults.push(fault))
                .ok()
        };
        let check = parse(cells.check);
        let own = parse(shown);
        let setups: Vec<(&Cell, Option<Code>)> = chapter
            .setup_cells()
            .filter(|c| c.index < first)
            .map(|c| (c, parse(c)))
            .collect();
        if let Some(own) = &own
            && let Some(statement) = own.statements.iter().find(|s| !matches!(s, Stmt::Item(_)))
        {
            faults.push(chapter.fault(
                shown.line + statement.span().start().line - 1,
                "a starter and a solution hold items alone (functions, types, `use`): put statements into the check",
            ));
        }
        let crates = markdown::crates(chapter).unwrap_or_else(|found| {
            faults.extend(found);
            String::new()
        });
        let (Some(check), Some(own), true) = (check, own, faults.is_empty()) else {
            return Err(faults);
        };

        let mut view = View(vec![String::new(); chapter.text.lines().count() + 2]);
        let mut statements = String::new();
        let mut path = String::new();
        let mut depth = 0;
        let mut head = crates;
        for (cell, code) in &setups {
            let Some(code) = code else { continue };
            if cell.index != setups[0].0.index {
                depth += 1;
                head.push_str(&format!("pub mod __setup{depth} {{ use super::*; "));
                path.push_str(&format!("__setup{depth}::"));
            }
            view.add(cell.line - 1, &std::mem::take(&mut head));
            view.lines(cell.line, &items(code, &mut statements));
        }
        head.push_str("pub mod __exercise { #[allow(unused_imports)] use super::*; ");
        let first = &chapter.cells[first];
        view.add(first.line - 1, &head);
        let reader = match version {
            Version::Reader(name, text) => {
                // from the chapter's folder up to the root of the program
                let up = "../".repeat(chapter.shown().components().count() - 1);
                view.add(shown.line, &format!("include!(\"{up}{READER}\");"));
                Some((name.to_string(), text.to_string()))
            }
            _ => {
                view.lines(shown.line, &own.text);
                None
            }
        };
        view.add(
            cells.check.line - 1,
            &format!(
                "pub fn __check() -> Result<(), Box<dyn std::error::Error>> {{ {}",
                one_line(&statements)
            ),
        );
        view.lines(cells.check.line, &check.bound(" Ok(()) }"));
        view.0.push(format!(
            "}} {} fn main() -> Result<(), Box<dyn std::error::Error>> {{ {path}__exercise::__check() }}",
            "} ".repeat(depth)
        ));
        Ok(Program {
            name: chapter.shown(),
            text: view.0.join("\n"),
            reader,
        })
    }

    /// What the program is, for a cache: its text and the libraries behind it.
    pub fn key(&self, libraries: &Libraries) -> String {
        let reader = self.reader.as_ref().map_or("", |(_, text)| text);
        hex(format!("{}\0{reader}\0{}", self.text, libraries.key).as_bytes())[..24].to_string()
    }

    /// Compiles the program and runs it.
    ///
    /// # Errors
    /// A [`Fault`] when the compiler cannot be started or a temporary file not be written.
    pub fn run(
        &self,
        project: &Project,
        libraries: &Libraries,
        limit: Duration,
    ) -> Result<Outcome, Fault> {
        let io = |e: std::io::Error| Fault::file(&self.name, format!("cannot be compiled: {e}"));
        let folder = tempfile::Builder::new()
            .prefix("course-exercise-")
            .tempdir()
            .map_err(io)?;
        let main = folder.path().join(&self.name);
        std::fs::create_dir_all(main.parent().unwrap_or(folder.path())).map_err(io)?;
        std::fs::write(&main, &self.text).map_err(io)?;
        if let Some((_, text)) = &self.reader {
            std::fs::write(folder.path().join(READER), text).map_err(io)?;
        }
        let binary = folder.path().join("exercise");
        let mut command = Command::new("rustc");
        command
            .current_dir(folder.path())
            .arg(&self.name)
            .args([
                "--edition",
                "2024",
                "--crate-name",
                "exercise",
                "--crate-type",
                "bin",
            ])
            .args(["--error-format=json", "-Awarnings", "-Cdebuginfo=0", "-L"])
            .arg(&libraries.folder)
            .arg("-o")
            .arg(&binary);
        if has_mold() {
            command.arg("-Clink-arg=-fuse-ld=mold");
        }
        let compiled = process::run(command, Duration::from_secs(600))
            .map_err(|e| Fault::file("rustc", format!("cannot be run: {e}")))?;
        if !compiled.success() {
            return Ok(Outcome::NotCompiled(self.diagnostics(&compiled.stderr)));
        }
        let mut command = Command::new(&binary);
        command
            .current_dir(&project.root)
            .env("RUST_BACKTRACE", "0");
        let ended = process::run(command, limit).map_err(io)?;
        Ok(self.outcome(&ended))
    }

    /// As [`Program::run`], but looked up where the same program ran before with the same libraries.
    ///
    /// # Errors
    /// As [`Program::run`].
    pub fn run_cached(
        &self,
        project: &Project,
        libraries: &Libraries,
        limit: Duration,
    ) -> Result<Outcome, Fault> {
        let proofs = library::home(project).join("proofs");
        let path = proofs.join(self.key(libraries));
        if let Some(known) = std::fs::read(&path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        {
            return Ok(known);
        }
        let outcome = self.run(project, libraries, limit)?;
        // a slow machine is no proof of an endless loop
        if outcome != Outcome::Endless
            && let Ok(text) = serde_json::to_string(&outcome)
        {
            write_text(&project.root, &path, &text)?;
        }
        Ok(outcome)
    }

    fn diagnostics(&self, stderr: &str) -> Vec<Diagnostic> {
        let mut found: Vec<Diagnostic> = stderr
            .lines()
            .filter_map(|l| serde_json::from_str::<Value>(l).ok())
            .filter(|m| m["level"] == "error")
            .filter_map(|m| {
                let rendered = self.show(m["rendered"].as_str()?);
                let spans = m["spans"].as_array()?;
                let span = spans.iter().find(|s| s["is_primary"] == true)?;
                Some(Diagnostic {
                    path: PathBuf::from(self.show(span["file_name"].as_str()?)),
                    line: usize::try_from(span["line_start"].as_u64()?).ok()?,
                    message: rendered.lines().next()?.to_string(),
                    rendered,
                })
            })
            .collect();
        if found.is_empty() {
            let text: String = stderr
                .lines()
                .map(|l| match serde_json::from_str::<Value>(l) {
                    Ok(m) => m["rendered"].as_str().unwrap_or_default().to_string(),
                    Err(_) => format!("{l}\n"),
                })
                .collect();
            found.push(Diagnostic {
                path: self.name.clone(),
                line: 1,
                message: text.lines().next().unwrap_or("rustc failed").to_string(),
                rendered: text,
            });
        }
        found
    }

    /// Puts the reader's own file name into a message.
    fn show(&self, text: &str) -> String {
        let Some((name, _)) = &self.reader else {
            return text.to_string();
        };
        let mut included = self
            .name
            .parent()
            .map(Path::to_path_buf)
            .unwrap_or_default();
        for _ in 1..self.name.components().count() {
            included.push("..");
        }
        text.replace(&*included.join(READER).to_string_lossy(), name)
    }

    fn outcome(&self, ended: &process::Ended) -> Outcome {
        let Some(status) = ended.status else {
            return Outcome::Endless;
        };
        if status.success() {
            return Outcome::Passed(ended.stdout.clone());
        }
        let stderr = self.show(&ended.stderr);
        let mut lines = stderr.lines();
        if let Some(head) = lines.by_ref().find(|l| l.contains(" panicked at ")) {
            let place = head.split_once(" panicked at ").and_then(|(_, rest)| {
                let mut parts = rest.trim_end_matches(':').rsplitn(3, ':');
                parts.next()?;
                let line = parts.next()?.parse().ok()?;
                Some((PathBuf::from(parts.next()?), line))
            });
            let message: Vec<&str> = lines
                .take_while(|l| {
                    !l.starts_with("note: run with") && !l.starts_with("stack backtrace")
                })
                .collect();
            return Outcome::Panicked {
                message: message.join("\n").trim_end().to_string(),
                place,
            };
        }
        Outcome::Failed(if stderr.trim().is_empty() {
            format!("ended with {status}")
        } else {
            stderr.trim().to_string()
        })
    }
}

/// The reader's file in the program's folder.
const READER: &str = "reader.rs";

fn has_mold() -> bool {
    cfg!(target_os = "linux")
        && std::env::var_os("PATH").is_some_and(|paths| {
            std::env::split_paths(&paths).any(|dir| dir.join("mold").is_file())
        })
}

/// The lines of the program, numbered as the chapter's.
struct View(Vec<String>);

impl View {
    /// Adds to the end of a line.
    fn add(&mut self, line: usize, text: &str) {
        self.0[line - 1].push_str(text);
    }

    /// Adds lines from `line` on.
    fn lines(&mut self, line: usize, text: &str) {
        for (i, text) in text.lines().enumerate() {
            if line - 1 + i >= self.0.len() {
                self.0.resize(line + i, String::new());
            }
            self.add(line + i, text);
        }
    }
}

/// The items of a setup cell in place; its statements are blanked out and added to `statements`.
fn items(code: &Code, statements: &mut String) -> String {
    let mut text = code.text.clone().into_bytes();
    for statement in &code.statements {
        if matches!(statement, Stmt::Item(_)) {
            continue;
        }
        let shown = code.text_of(statement);
        let trailing = code.trailing().is_some_and(|t| std::ptr::eq(t, statement));
        let (before, after) = if trailing {
            ("let _ = ", ";")
        } else {
            ("", "")
        };
        statements.push_str(&format!("{before}{shown}{after}\n"));
        let range = statement.span().byte_range();
        let end = range.end.min(text.len());
        for byte in &mut text[range.start.min(end)..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Proves an exercise: the starter compiles and its check fails, the solution passes.
///
/// # Errors
/// As [`Program::run`].
pub fn prove(
    project: &Project,
    chapter: &Chapter,
    id: &str,
    libraries: &Libraries,
    limit: Duration,
) -> Result<Vec<Fault>, Fault> {
    let mut faults = Vec::new();
    for version in [Version::Starter, Version::Solution] {
        let program = match Program::new(chapter, id, version) {
            Ok(program) => program,
            Err(found) => {
                // a cell that both versions share is reported once
                faults.extend(
                    found
                        .into_iter()
                        .filter(|f| !faults.contains(f))
                        .collect::<Vec<_>>(),
                );
                continue;
            }
        };
        let cell = match version {
            Version::Solution => Role::Solution(id.into()),
            _ => Role::Exercise(id.into()),
        };
        let line = chapter
            .cells
            .iter()
            .find(|c| c.role == cell)
            .map_or(1, |c| c.line);
        let outcome = program.run_cached(project, libraries, limit)?;
        let starter = matches!(version, Version::Starter);
        let fault = match outcome {
            Outcome::Passed(_) if starter => chapter
                .fault(line, format!("exercise `{id}`: the starter already passes its check"))
                .with_detail("the check must fail until the reader has done the work: test a property that the starter lacks"),
            Outcome::Passed(_) => continue,
            Outcome::Panicked { .. } if starter => continue,
            Outcome::Panicked { message, place } => {
                let line = place.map_or(line, |(_, line)| line);
                chapter
                    .fault(line, format!("exercise `{id}`: the solution fails its check"))
                    .with_detail(message)
            }
            Outcome::Failed(_) if starter => continue,
            Outcome::Failed(message) => chapter
                .fault(line, format!("exercise `{id}`: the solution fails its check"))
                .with_detail(message),
            Outcome::Endless => chapter.fault(
                line,
                format!(
                    "exercise `{id}`: the check of the {} ran for more than {} s",
                    if starter { "starter" } else { "solution" },
                    limit.as_secs()
                ),
            ),
            Outcome::NotCompiled(diagnostics) => {
                let first = diagnostics.into_iter().next();
                let what = if starter { "starter" } else { "solution" };
                let (line, message, rendered) = first.map_or_else(
                    || (line, String::new(), String::new()),
                    |d| (d.line, d.message, d.rendered),
                );
                chapter
                    .fault(
                        line,
                        format!("exercise `{id}`: the {what} does not compile with the setup cells alone: {message}"),
                    )
                    .with_detail(rendered)
            }
        };
        faults.push(fault);
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "---\nminutes: 1\n---\n# A\n\n```rust,setup\nuse std::fmt::Debug;\nlet n: i64 = 2; fn m() -> i64 { 2 }\n```\n\n```rust,setup\nuse std::fmt::Debug;\n```\n\n```rust,exercise=a.f\nfn f(x: i64) -> i64 {\n    todo!()\n}\n```\n\n```rust,check=a.f\nassert_eq!(f(3), 3 * n * m() / 2, \"f(3)\");\nprintln!(\"good\");\n```\n\n```rust,solution=a.f\nuse std::fmt::Debug;\nfn f(x: i64) -> i64 {\n    2 * x\n}\n```\n";

    fn chapter(text: &str) -> Chapter {
        Chapter::parse("p/a.md", text.to_string()).unwrap()
    }

    fn run(text: &str, version: Version) -> Outcome {
        let dir = tempfile::tempdir().unwrap();
        let project = Project {
            root: dir.path().into(),
        };
        let libraries = Libraries {
            folder: dir.path().into(),
            key: "none".into(),
        };
        Program::new(&chapter(text), "a.f", version)
            .unwrap()
            .run(&project, &libraries, Duration::from_secs(3))
            .unwrap()
    }

    #[test]
    fn the_starter_panics_at_its_own_line_and_the_solution_passes() {
        let Outcome::Panicked { message, place } = run(TEXT, Version::Starter) else {
            panic!("the starter did not panic")
        };
        assert_eq!(message, "not yet implemented");
        assert_eq!(place, Some((PathBuf::from("chapters/p/a.md"), 17)));
        assert_eq!(
            run(TEXT, Version::Solution),
            Outcome::Passed("good\n".into())
        );
    }

    #[test]
    fn a_readers_errors_stand_at_the_readers_lines() {
        let reader = |text| run(TEXT, Version::Reader("exercises/a.f.rs", text));
        assert!(matches!(
            reader("use std::fmt::Debug;\nfn f(x: i64) -> i64 { x + x }"),
            Outcome::Passed(_)
        ));
        let Outcome::Panicked { message, place } = reader("fn f(x: i64) -> i64 { x }") else {
            panic!("no panic")
        };
        assert!(
            message.contains("f(3)") && message.contains("left: 3"),
            "{message}"
        );
        assert_eq!(place.unwrap().1, 22);
        let Outcome::NotCompiled(found) = reader("// mine\nfn f(x: i64) -> i64 {\n    y\n}") else {
            panic!("it compiled")
        };
        assert_eq!(
            (found[0].path.to_str(), found[0].line),
            (Some("exercises/a.f.rs"), 3)
        );
        assert!(
            found[0].rendered.contains("--> exercises/a.f.rs:3:5"),
            "{}",
            found[0].rendered
        );
        // a wrong signature shows in the check, at the chapter's line
        let Outcome::NotCompiled(found) = reader("fn f(x: &str) -> i64 { 0 }") else {
            panic!("it compiled")
        };
        assert_eq!(
            (found[0].path.to_str(), found[0].line),
            (Some("chapters/p/a.md"), 22)
        );
        assert_eq!(reader("fn f(x: i64) -> i64 { loop {} }"), Outcome::Endless);
        let exits = reader("fn f(x: i64) -> i64 { std::process::exit(7) }");
        assert!(
            matches!(&exits, Outcome::Failed(m) if m.contains('7')),
            "{exits:?}"
        );
    }

    #[test]
    fn statements_have_no_place_in_a_starter() {
        let text = TEXT.replace(
            "fn f(x: i64) -> i64 {\n    todo!()",
            "let y: i64 = 1;\nfn f(x: i64) -> i64 {\n    todo!()",
        );
        let faults = Program::new(&chapter(&text), "a.f", Version::Starter).unwrap_err();
        assert_eq!(faults[0].line, Some(16));
        let missing = TEXT.replace("solution=a.f", "name=x");
        let faults = Program::new(&chapter(&missing), "a.f", Version::Starter).unwrap_err();
        assert!(faults[0].message.contains("no solution"));
    }
}

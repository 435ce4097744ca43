//! `course exercise`: lists exercises and checks your solutions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};

use super::project;
use super::test::report;
use crate::chapter::Chapter;
use crate::error::{Fault, Faults, read_text, write_text};
use crate::exercise::{self, Exercise};
use crate::notebook::{Segment, hex, load, source};
use crate::project::Project;
use crate::snippets::libraries_for;
use crate::snippets::program::{Outcome, Program, Version};

/// Arguments of `course exercise`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo course exercise list\n  cargo course exercise start linear-algebra.p-norm\n  cargo course exercise check linear-algebra.p-norm"
)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// All exercises: the chapter, the title, and whether yours is solved
    List,
    /// Write exercises/ID.rs with the task and the starter; never over a file that is there
    Start {
        /// The exercise, such as linear-algebra.p-norm
        id: String,
    },
    /// Print the hint
    Hint {
        /// The exercise, such as linear-algebra.p-norm
        id: String,
    },
    /// Compile your version with the chapter's setup and run the check against it
    Check {
        /// The exercise, such as linear-algebra.p-norm
        id: String,
        /// Your file, where it is not exercises/ID.rs
        #[arg(long, value_name = "F")]
        file: Option<PathBuf>,
        /// Seconds that the check may run
        #[arg(long, default_value_t = 20, value_name = "SECONDS")]
        timeout: u64,
    },
    /// Print a solution
    Solution {
        /// The exercise, such as linear-algebra.p-norm
        id: String,
    },
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, args: Args) -> anyhow::Result<ExitCode> {
    let project = project(book)?;
    match args.action {
        Action::List => list(&project),
        Action::Start { id } => with(&project, &id, start),
        Action::Hint { id } => with(&project, &id, hint),
        Action::Solution { id } => with(&project, &id, solution),
        Action::Check { id, file, timeout } => with(&project, &id, |project, chapter, exercise| {
            check(project, chapter, exercise, file.as_deref(), timeout)
        }),
    }
}

/// Looks an exercise up by its id.
fn with(
    project: &Project,
    id: &str,
    then: impl FnOnce(&Project, &Chapter, &Exercise) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    let chapters = readable(project)?;
    for chapter in &chapters {
        if let Some(exercise) = exercise::of(chapter).iter().find(|e| e.id == id) {
            return then(project, chapter, exercise);
        }
    }
    let known: Vec<String> = chapters
        .iter()
        .flat_map(|c| {
            c.exercises()
                .into_iter()
                .map(str::to_string)
                .collect::<Vec<_>>()
        })
        .collect();
    bail!("no exercise `{id}`; there are: {}", known.join(", "));
}

/// The chapters that parse: a fault in one must not keep a reader from the others' exercises.
fn readable(project: &Project) -> anyhow::Result<Vec<Chapter>> {
    let mut chapters = Vec::new();
    for entry in project.entries()? {
        match project.chapter(&entry.path) {
            Ok(chapter) => chapters.push(chapter),
            Err(Faults(faults)) => {
                for fault in faults {
                    eprintln!("{fault}");
                }
            }
        }
    }
    Ok(chapters)
}

fn list(project: &Project) -> anyhow::Result<ExitCode> {
    let solved = Solved::read(project);
    let chapters = readable(project)?;
    let mut rows = Vec::new();
    for chapter in &chapters {
        for exercise in exercise::of(chapter) {
            let state = match std::fs::read_to_string(file_of(project, exercise.id)) {
                Ok(text) if solved.holds(&exercise, &text) => "solved",
                Ok(_) => "started",
                Err(_) => "",
            };
            rows.push([
                exercise.id.to_string(),
                state.to_string(),
                chapter.slug(),
                exercise.title.clone(),
            ]);
        }
    }
    let widths: Vec<usize> = (0..3)
        .map(|i| rows.iter().map(|r| r[i].chars().count()).max().unwrap_or(0))
        .collect();
    for [id, state, chapter, title] in &rows {
        let [a, b, c] = [widths[0], widths[1], widths[2]];
        println!(
            "{}",
            format!("{id:a$}  {state:b$}  {chapter:c$}  {title}").trim_end()
        );
    }
    let count = rows.iter().filter(|r| r[1] == "solved").count();
    println!("{count} of {} solved", rows.len());
    Ok(ExitCode::SUCCESS)
}

/// Where a reader's version stands.
fn file_of(project: &Project, id: &str) -> PathBuf {
    project.root.join("exercises").join(format!("{id}.rs"))
}

fn start(project: &Project, chapter: &Chapter, exercise: &Exercise) -> anyhow::Result<ExitCode> {
    let file = file_of(project, exercise.id);
    let shown = project.shown(&file);
    if file.exists() {
        bail!("{} is there already, and is kept", shown.display());
    }
    let mut text = format!(
        "// {} ({})\n// {}:{}\n//\n",
        exercise.title,
        exercise.id,
        chapter.shown().display(),
        exercise.starter.line
    );
    for line in task(project, chapter, exercise).lines() {
        text.push_str(format!("// {line}").trim_end());
        text.push('\n');
    }
    let setup: Vec<&str> = chapter
        .setup_cells()
        .filter(|c| c.index < exercise.starter.index)
        .flat_map(|c| c.code.lines())
        .filter(|l| l.starts_with("use "))
        .collect();
    if !setup.is_empty() {
        text.push_str("//\n// The chapter's setup is there already:\n");
        for line in setup {
            text.push_str(&format!("//   {line}\n"));
        }
    }
    text.push_str(&format!("\n{}\n", exercise.starter.code));
    write_text(&project.root, &file, &text)?;
    println!("{} is ready", shown.display());
    println!("check it with: cargo course exercise check {}", exercise.id);
    Ok(ExitCode::SUCCESS)
}

/// The task in words, with the values of the results it refers to.
fn task(project: &Project, chapter: &Chapter, exercise: &Exercise) -> String {
    let results = load(project, &chapter.path)
        .ok()
        .flatten()
        .and_then(|n| crate::results::of_notebook(&n).ok())
        .unwrap_or_default();
    let Some(start) = chapter.text.find(exercise.task) else {
        return exercise.task.to_string();
    };
    let range = Segment::Prose(start..start + exercise.task.len());
    let (_, text) = source(chapter, &range, &results);
    plain(&text)
}

/// Takes the elements around bound values out of a text.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once("<span data-result=") {
        out.push_str(before);
        let Some((value, after)) = from
            .split_once('>')
            .and_then(|(_, inside)| inside.split_once("</span>"))
        else {
            rest = from;
            continue;
        };
        out.push_str(value);
        rest = after;
    }
    out.push_str(rest);
    out
}

fn hint(_: &Project, chapter: &Chapter, exercise: &Exercise) -> anyhow::Result<ExitCode> {
    match exercise.hint {
        Some(hint) => println!("{hint}"),
        None => bail!(chapter.fault(
            exercise.starter.line,
            format!("exercise `{}` has no hint", exercise.id)
        )),
    }
    Ok(ExitCode::SUCCESS)
}

fn solution(_: &Project, chapter: &Chapter, exercise: &Exercise) -> anyhow::Result<ExitCode> {
    match exercise.solution {
        Some(cell) => println!("{}", cell.code),
        None => bail!(chapter.fault(
            exercise.starter.line,
            format!("exercise `{}` has no solution", exercise.id)
        )),
    }
    Ok(ExitCode::SUCCESS)
}

fn check(
    project: &Project,
    chapter: &Chapter,
    exercise: &Exercise,
    file: Option<&Path>,
    timeout: u64,
) -> anyhow::Result<ExitCode> {
    let id = exercise.id;
    let own = file_of(project, id);
    let path = file.unwrap_or(&own);
    if !path.exists() {
        let shown = project.shown(path);
        let start = match file {
            Some(_) => String::new(),
            None => format!(": `cargo course exercise start {id}` writes it"),
        };
        bail!("there is no {}{start}", shown.display());
    }
    let text = read_text(&project.root, path)?;
    let shown = project.shown(path).display().to_string();
    let prepared = Program::new(chapter, id, Version::Reader(&shown, &text)).and_then(|program| {
        Ok((
            program,
            libraries_for(project, std::slice::from_ref(chapter))?,
        ))
    });
    let (program, libraries) = match prepared {
        Ok(prepared) => prepared,
        Err(faults) => return Ok(report(&faults)),
    };
    match program.run(project, &libraries, Duration::from_secs(timeout))? {
        Outcome::Passed(printed) => {
            print!("{printed}");
            println!("{id}: solved");
            if path == own {
                Solved::record(project, exercise, &text)?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        Outcome::Panicked { message, place } => {
            let at = place.map_or(String::new(), |(path, line)| {
                format!(" ({}:{line})", path.display())
            });
            eprintln!("{id}: not solved yet{at}\n");
            for line in message.lines() {
                eprintln!("    {line}");
            }
            eprintln!("\nhint: cargo course exercise hint {id}");
        }
        Outcome::Failed(message) => eprintln!("{id}: the check ended with an error\n{message}"),
        Outcome::Endless => eprintln!(
            "{id}: ended after {timeout} s: does a loop never end? (--timeout SECONDS gives it longer)"
        ),
        Outcome::NotCompiled(diagnostics) => {
            let count = diagnostics.len();
            for d in diagnostics.into_iter().take(5) {
                eprintln!("{}", Fault::at(d.path, d.line, d.message));
                let rest = d.rendered.split_once('\n').map_or("", |(_, rest)| rest);
                eprintln!("{}\n", rest.trim_end());
            }
            if count > 5 {
                eprintln!("… and {} more errors", count - 5);
            }
        }
    }
    Ok(ExitCode::FAILURE)
}

/// Which versions have passed: the hash of each with its check, in `exercises/.solved.json`.
struct Solved(BTreeMap<String, String>);

impl Solved {
    fn path(project: &Project) -> PathBuf {
        project.root.join("exercises/.solved.json")
    }

    fn read(project: &Project) -> Solved {
        let text = std::fs::read_to_string(Solved::path(project)).unwrap_or_default();
        Solved(serde_json::from_str(&text).unwrap_or_default())
    }

    fn key(exercise: &Exercise, text: &str) -> String {
        let check = exercise.check.map_or("", |c| c.code.as_str());
        hex(format!("{check}\0{text}").as_bytes())[..24].to_string()
    }

    fn holds(&self, exercise: &Exercise, text: &str) -> bool {
        self.0.get(exercise.id) == Some(&Solved::key(exercise, text))
    }

    fn record(project: &Project, exercise: &Exercise, text: &str) -> anyhow::Result<()> {
        let mut solved = Solved::read(project);
        solved
            .0
            .insert(exercise.id.to_string(), Solved::key(exercise, text));
        let json = serde_json::to_string_pretty(&solved.0).context("exercises/.solved.json")?;
        write_text(&project.root, &Solved::path(project), &format!("{json}\n"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bound_values_are_told_plainly() {
        let text = "a <span data-result=\"x\" data-format=\".2\">1.25</span> b <span data-result=\"y\">2</span>";
        assert_eq!(plain(text), "a 1.25 b 2");
        assert_eq!(plain("a <span data-result=\"x"), "a \"x");
    }
}

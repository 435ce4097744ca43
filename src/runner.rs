//! Runs chapters: each on a kernel of its own, cell by cell, and stores what the kernel answered.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use nbformat::v4::{MultilineString, Output};
use serde_json::json;

use crate::chapter::{Cell, Chapter, Expect, Role};
use crate::client::{self, ClientError, Event, Execution, Kernel, Launch, strip_ansi};
use crate::error::Fault;
use crate::notebook::{self, Answer, Segment, compose, expectation, segments};
use crate::progress::Progress;
use crate::project::Project;
use crate::{compare, fresh, provenance, results};

/// Beside the limit of a cell, the time that a cell with `:dep` lines may take to compile them.
const BUILD_PATIENCE: Duration = Duration::from_secs(45 * 60);
/// A kernel that has not answered by then never will.
const START_PATIENCE: Duration = Duration::from_secs(120);

/// How to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// A program's path or a kernelspec's name; the book's own kernel when `None`.
    pub kernel: Option<String>,
    /// The time one cell may take, once its dependencies are built.
    pub timeout: Duration,
    /// Compare with the stored outputs instead of replacing them.
    pub compare: bool,
    /// No progress, faults only in the report.
    pub quiet: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            kernel: None,
            timeout: Duration::from_secs(120),
            compare: false,
            quiet: false,
        }
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// The chapters that ran to their end, by their path below `chapters/`.
    pub ran: Vec<PathBuf>,
    /// What failed.
    pub faults: Vec<Fault>,
    /// A signal ended it.
    pub interrupted: bool,
}

/// Runs chapters one after the other. A chapter stops at its first failed cell and keeps its last good
/// notebook; the others go on.
pub fn run(project: &Project, chapters: &[Chapter], options: &Options) -> Report {
    let mut report = Report::default();
    let chapters: Vec<&Chapter> = chapters.iter().filter(|c| !c.cells.is_empty()).collect();
    if chapters.is_empty() {
        return report;
    }
    let _lock = match lock(project) {
        Ok(lock) => lock,
        Err(fault) => {
            report.faults.push(fault);
            return report;
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(e) => {
            report
                .faults
                .push(Fault::file(&project.root, format!("no runtime: {e}")));
            return report;
        }
    };
    let launch = match launch(project, &chapters, options, &runtime) {
        Ok(launch) => launch,
        Err(fault) => {
            report.faults.push(fault);
            return report;
        }
    };
    for chapter in chapters {
        let progress = Progress::new(chapter, options.quiet);
        let done = runtime.block_on(async {
            tokio::select! {
                done = run_chapter(project, chapter, &launch, options, &progress) => done,
                () = interrupted() => Err(vec![chapter.fault(1, ClientError::Interrupted.to_string())]),
            }
        });
        let stopped = matches!(&done, Err(f) if f.iter().any(|f| f.message == "interrupted"));
        match done {
            Ok(times) => {
                progress.finish(&format!("{} cells, {:.1} s", chapter.cells.len(), times));
                report.ran.push(chapter.path.clone());
            }
            Err(faults) => {
                progress.finish(if stopped { "interrupted" } else { "failed" });
                report.faults.extend(faults);
            }
        }
        if stopped {
            report.interrupted = true;
            break;
        }
    }
    report
}

/// One run at a time: two would write the same notebooks.
fn lock(project: &Project) -> Result<std::fs::File, Fault> {
    let folder = project.root.join("target");
    let path = folder.join("course-run.lock");
    let open = || -> std::io::Result<std::fs::File> {
        std::fs::create_dir_all(&folder)?;
        std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
    };
    let file =
        open().map_err(|e| Fault::file(project.shown(&path), format!("cannot be opened: {e}")))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Fault::file(
            project.shown(&path),
            "another `course run` is at work on this book: wait for it, or end it",
        )),
        Err(std::fs::TryLockError::Error(e)) => Err(Fault::file(
            project.shown(&path),
            format!("cannot be locked: {e}"),
        )),
    }
}

/// Resolves when the user or the system asks to end.
pub async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut term), Ok(mut hup)) = (
            signal(SignalKind::terminate()),
            signal(SignalKind::hangup()),
        ) else {
            let _ = tokio::signal::ctrl_c().await;
            return;
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = term.recv() => {}
            _ = hup.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
}

/// The kernel to start: the reader's own, or ours, built and warmed when it has to be.
fn launch(
    project: &Project,
    chapters: &[&Chapter],
    options: &Options,
    runtime: &tokio::runtime::Runtime,
) -> Result<Launch, Fault> {
    if let Some(name) = &options.kernel {
        return runtime
            .block_on(client::find(name))
            .map_err(|message| Fault::file("--kernel", message));
    }
    let bar = Progress::named("kernel", options.quiet);
    let mut show = |progress: kernel::Progress| match progress {
        kernel::Progress::Compiling { name, done, total } => {
            bar.say(&format!("compiling {name} ({done} of {total})"));
        }
        kernel::Progress::Message(text) => bar.say(&text),
        _ => {}
    };
    let fault = |e: kernel::KernelError| Fault::file("lib/kernel", e.to_string());
    let workspace = kernel::Workspace::find(&project.root).map_err(fault)?;
    let binary = kernel::build(&workspace, &mut show).map_err(fault)?;
    for chapter in chapters {
        let folder = project.notebook_path(&chapter.path);
        let folder = folder.parent().unwrap_or(&project.root);
        let mut deps = Vec::new();
        for dep in fresh::deps(chapter)? {
            let line = format!(":dep {}", dep.spec);
            deps.push(
                kernel::Dep::parse(&line, folder)
                    .map_err(|e| chapter.fault(dep.line, e.to_string()))?,
            );
        }
        kernel::warm(&workspace, &deps, &mut show)
            .map_err(|e| chapter.fault(chapter.cells[0].line, e.to_string()))?;
    }
    bar.clear();
    let mut launch = Launch::binary(&binary);
    launch
        .env
        .push(("COURSE_ROOT".into(), project.root.clone().into()));
    Ok(launch)
}

/// Runs one chapter and stores its notebook; gives the seconds from the kernel's start to the end.
async fn run_chapter(
    project: &Project,
    chapter: &Chapter,
    launch: &Launch,
    options: &Options,
    progress: &Progress,
) -> Result<f64, Vec<Fault>> {
    let previous = notebook::load(project, &chapter.path).map_err(|f| vec![f])?;
    if let Some(stored) = &previous
        && !options.compare
        && let Some(cell) = crate::sync::would_lose(chapter, stored)
    {
        let path = project.shown(&project.notebook_path(&chapter.path));
        return Err(vec![
            Fault::file(
                path,
                format!("cell {cell} was edited in Jupyter, and a run would lose the edit"),
            )
            .with_detail("`cargo course sync` carries it into the chapter"),
        ]);
    }
    let parts = fresh::parts(project, chapter).map_err(|f| vec![f])?;
    let path = project.notebook_path(&chapter.path);
    let folder = path.parent().unwrap_or(&project.root).to_path_buf();
    std::fs::create_dir_all(&folder).map_err(|e| {
        vec![Fault::file(
            project.shown(&folder),
            format!("cannot be made: {e}"),
        )]
    })?;

    let began = Instant::now();
    progress.say("starting the kernel");
    let first_line = chapter.cells[0].line;
    let mut kernel = Kernel::start(launch, &folder, START_PATIENCE)
        .await
        .map_err(|e| vec![chapter.fault(first_line, format!("{e}{}", without_toolchain()))])?;
    let mut answers: Vec<Option<Answer>> = Vec::new();
    let mut cold = 0.0;
    let mut cells = Vec::new();
    let all = segments(chapter);
    let total = all.iter().filter(|s| s.runs().is_some()).count();
    let mut faults = Vec::new();
    let mut n = 0;
    for segment in &all {
        let Some(index) = segment.runs() else {
            answers.push(None);
            continue;
        };
        n += 1;
        let cell = &chapter.cells[index];
        let expect = expectation(chapter, segment);
        progress.at(n, total, &cell.label());
        let limit = if cell.deps().is_empty() {
            options.timeout
        } else {
            options.timeout + BUILD_PATIENCE
        };
        let heard = kernel
            .execute(&cell.code, limit, |Event::Compiling(name)| {
                progress.say(&format!("cell {n} of {total}, compiling {name}"));
            })
            .await;
        match heard {
            Ok(execution) => {
                let verdict = judge(chapter, segment, cell, expect, &execution);
                if cold == 0.0 && cell.role != Role::Setup {
                    cold = began.elapsed().as_secs_f64();
                } else {
                    cells.push(execution.elapsed.as_secs_f64());
                }
                if let Err(fault) = verdict {
                    faults.push(fault);
                    break;
                }
                answers.push(Some(Answer {
                    execution_count: execution.execution_count,
                    outputs: execution.outputs.into_iter().map(tidy).collect(),
                }));
            }
            Err(e) => {
                faults.push(chapter.fault(cell.line, format!("{}: {e}", cell.label())));
                kernel.kill().await;
                return Err(faults);
            }
        }
    }
    if faults.is_empty() {
        match hears(&mut kernel).await {
            Ok(true) => {}
            Ok(false) => {
                let writer = chapter.cells.iter().find(|c| c.code.contains("stderr"));
                faults.push(chapter.fault(
                    writer.map_or(first_line, |c| c.line),
                    "a cell wrote bytes that are not UTF-8 text on stderr: the kernel hears no panic after that",
                ));
            }
            Err(e) => {
                let last = all.iter().rev().find_map(Segment::runs).unwrap_or(0);
                let cell = &chapter.cells[last];
                faults.push(chapter.fault(cell.line, format!("{}: {e}", cell.label())));
                kernel.kill().await;
                return Err(faults);
            }
        }
    }
    kernel.shutdown().await;
    if !faults.is_empty() {
        return Err(faults);
    }
    // composed twice: the prose holds results, and these are read from the outputs
    let bare = compose(
        chapter,
        previous.as_ref(),
        &answers,
        &results::Results::new(),
        None,
    );
    let named = results::of_notebook(&bare).map_err(|m| vec![chapter.fault(1, m)])?;
    let record = json!({
        "at": provenance::now(),
        "cells_s": round(cells.iter().sum()),
        "cold_s": round(cold),
        "cpu": provenance::cpu(),
        "kernel": provenance::kernel_name(launch),
        "key": parts.key(),
        "median_cell_s": round(median(&mut cells)),
        "os": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        "parts": parts.to_json(),
        "rustc": provenance::rustc(),
    });
    let new = compose(chapter, Some(&bare), &answers, &named, Some(record));
    if let (true, Some(stored)) = (options.compare, &previous) {
        let differences = compare::compare(chapter, stored, &new);
        if !differences.is_empty() {
            return Err(differences);
        }
        let fresh = fresh::of(project, chapter, Some(stored)).map_err(|f| vec![f])?;
        if fresh.fresh {
            return Ok(began.elapsed().as_secs_f64());
        }
    }
    notebook::save(project, &chapter.path, &new).map_err(|f| vec![f])?;
    Ok(began.elapsed().as_secs_f64())
}

/// Whether the kernel still reads what cells write on stderr, where it looks for panics. It stops for
/// good at bytes that are not UTF-8.
async fn hears(kernel: &mut Kernel) -> Result<bool, ClientError> {
    let limit = Duration::from_secs(60);
    let heard = |o: &Output| matches!(o, Output::Stream { name, text } if name == "stderr" && text.0.contains("heard"));
    // text on stderr may come late on a busy machine: a second and a third try tell late from never
    for _ in 0..3 {
        let answer = kernel
            .execute("eprintln!(\"heard\");", limit, |_| {})
            .await?;
        if answer.outputs.iter().any(heard) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What to add to a kernel's failure when there is no Rust toolchain for it.
fn without_toolchain() -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let here = |tool: &str| {
        let name = format!("{tool}{}", std::env::consts::EXE_SUFFIX);
        std::env::split_paths(&path).any(|dir| dir.join(&name).is_file())
    };
    match ["cargo", "rustc"].iter().find(|tool| !here(tool)) {
        Some(tool) => format!(
            "\n`{tool}` is not on PATH: install Rust, or activate the environment that holds it"
        ),
        None => String::new(),
    }
}

/// What a cell did.
#[derive(Debug, Clone, PartialEq)]
enum Did {
    Finish,
    Panic(String),
    ReturnError(String),
    NotCompile {
        codes: Vec<String>,
        line: usize,
        text: String,
    },
    EndProcess(String),
    BadText,
}

/// Whether a cell did what it must, else the fault.
fn judge(
    chapter: &Chapter,
    segment: &Segment,
    cell: &Cell,
    expect: Expect,
    execution: &Execution,
) -> Result<(), Fault> {
    let did = what_it_did(cell, execution);
    let label = cell.label();
    let at_cell = |message: String| chapter.fault(cell.line, message);
    match (&did, expect) {
        (Did::Finish, Expect::Success) => Ok(()),
        (Did::Panic(_) | Did::ReturnError(_), Expect::Panic) => Ok(()),
        (Did::NotCompile { codes, .. }, Expect::CompileError)
            if cell.codes.iter().all(|c| codes.contains(c)) =>
        {
            Ok(())
        }
        (Did::NotCompile { codes, line, text }, Expect::CompileError) => Err(chapter
            .fault(
                *line,
                format!(
                    "{label} should fail with {}, it fails with {}",
                    cell.codes.join(", "),
                    if codes.is_empty() {
                        "no code".into()
                    } else {
                        codes.join(", ")
                    }
                ),
            )
            .with_detail(on_chapter_lines(chapter, cell, text))),
        (Did::Finish, Expect::Panic) => Err(at_cell(match &cell.role {
            Role::Check(id) => {
                format!("the check of exercise `{id}` passes on the starter: it must fail there")
            }
            _ => format!("{label} should panic or return an error, it ran to its end"),
        })),
        (Did::Finish, Expect::CompileError) => Err(at_cell(format!(
            "{label} should not compile ({}), it ran to its end",
            cell.codes.join(", ")
        ))),
        (Did::Panic(text) | Did::ReturnError(text), _) => {
            let what = if matches!(did, Did::Panic(_)) {
                "panicked"
            } else {
                "returned an error"
            };
            let message = match (segment, &cell.role) {
                (Segment::Recheck { .. }, Role::Check(id)) => {
                    format!(
                        "the check of exercise `{id}` fails on the solution: it must pass there"
                    )
                }
                _ => format!("{label} {what}"),
            };
            Err(at_cell(message).with_detail(text.clone()))
        }
        (Did::NotCompile { line, text, .. }, _) => Err(chapter
            .fault(*line, format!("{label} does not compile"))
            .with_detail(on_chapter_lines(chapter, cell, text))),
        (Did::BadText, _) => Err(at_cell(format!(
            "{label} printed bytes that are not UTF-8 text: the kernel cannot read on"
        ))),
        (Did::EndProcess(text), _) => Err(at_cell(format!(
            "{label} ended the process that runs cells"
        ))
        .with_detail(text.clone())),
    }
}

fn what_it_did(cell: &Cell, execution: &Execution) -> Did {
    let mut stderr = String::new();
    let mut errors = Vec::new();
    for output in &execution.outputs {
        match output {
            Output::Stream { name, text } if name == "stderr" => stderr.push_str(&text.0),
            Output::Error(e) => errors.push(e),
            _ => {}
        }
    }
    if !execution.ok || !errors.is_empty() {
        let text: Vec<String> = errors
            .iter()
            .map(|e| {
                strip_ansi(if e.traceback.is_empty() {
                    &e.evalue
                } else {
                    ""
                }) + &strip_ansi(&e.traceback.join("\n"))
            })
            .collect();
        let text = text.join("\n\n");
        if text.contains("Subprocess terminated") {
            return Did::EndProcess(
                format!("{}\n{}", text.trim(), stderr.trim())
                    .trim()
                    .to_string(),
            );
        }
        if text.contains("stream did not contain valid UTF-8") {
            return Did::BadText;
        }
        if let Some(at) = text.find("panicked at") {
            return Did::Panic(text[at..].to_string());
        }
        return Did::NotCompile {
            codes: error_codes(&text),
            line: cell.line + first_line(&text).map_or(0, |l| l - 1),
            text,
        };
    }
    if let Some(message) = panic_message(&stderr) {
        return Did::Panic(message);
    }
    // the kernel answers "ok" to an `Err` out of `?`; what tells is the error on stderr
    if !stderr.trim().is_empty() && has_question_mark(cell) {
        return Did::ReturnError(stderr.trim().to_string());
    }
    Did::Finish
}

/// The message of a panic on stderr.
fn panic_message(stderr: &str) -> Option<String> {
    let tidied = tidy_stderr(stderr);
    let (_, message) = tidied.split_once("the cell panicked:\n")?;
    let panicked = stderr
        .lines()
        .any(|l| l.starts_with("thread '") && l.contains("panicked at "));
    panicked.then(|| message.trim().to_string())
}

/// Whether a cell uses `?` outside of functions and closures of its own.
fn has_question_mark(cell: &Cell) -> bool {
    struct Finder(bool);
    impl<'a> syn::visit::Visit<'a> for Finder {
        fn visit_expr_try(&mut self, _: &'a syn::ExprTry) {
            self.0 = true;
        }
        fn visit_expr_closure(&mut self, _: &'a syn::ExprClosure) {}
        fn visit_item(&mut self, _: &'a syn::Item) {}
    }
    match syn::parse_str::<syn::Block>(&format!("{{\n{}\n}}", cell.rust())) {
        Ok(block) => {
            let mut finder = Finder(false);
            syn::visit::Visit::visit_block(&mut finder, &block);
            finder.0
        }
        Err(_) => cell.code.contains('?'),
    }
}

/// The codes in a compiler's message: `[E0382]`.
fn error_codes(text: &str) -> Vec<String> {
    let mut codes = Vec::new();
    for (at, _) in text.match_indices("[E") {
        let code: String = text[at + 1..].chars().take_while(|&c| c != ']').collect();
        if code.len() == 5
            && code[1..].bytes().all(|b| b.is_ascii_digit())
            && !codes.contains(&code)
        {
            codes.push(code);
        }
    }
    codes
}

/// The first line of code that a report shows: ` 5 │ let …`, for the place in its head is that of the
/// whole cell.
fn first_line(text: &str) -> Option<usize> {
    text.lines().find_map(gutter).filter(|&l| l > 0)
}

/// The line number in a report's margin.
fn gutter(line: &str) -> Option<usize> {
    let (number, _) = line.trim_start().split_once(" │")?;
    number.parse().ok()
}

/// A compiler's report with the chapter's name and its lines in place of the cell's.
fn on_chapter_lines(chapter: &Chapter, cell: &Cell, text: &str) -> String {
    let shown = chapter.shown().display().to_string();
    let offset = cell.line - 1;
    let lines: Vec<&str> = text.lines().collect();
    let mut out = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        if let Some((before, _)) = line.split_once("command_") {
            let at = lines[i..].iter().find_map(|l| gutter(l)).unwrap_or(1);
            out.push(format!("{before}{shown}:{} ]", at + offset));
        } else if let Some(number) = gutter(line) {
            let (_, code) = line.split_once(" │").unwrap_or(("", ""));
            out.push(format!("{:>3} │{code}", number + offset));
        } else {
            out.push(line.to_string());
        }
    }
    out.join("\n")
}

/// An output without what differs from run to run though nothing changed: the thread, the place in
/// generated code and the backtrace that a panic names. Colours that a compiler's report repeats for
/// each letter are said once.
pub fn tidy(output: Output) -> Output {
    match output {
        Output::Stream { name, text } if name == "stderr" => Output::Stream {
            name,
            text: MultilineString(tidy_stderr(&text.0)),
        },
        Output::Error(mut error) => {
            error.traceback = error.traceback.iter().map(|l| merge_colours(l)).collect();
            Output::Error(error)
        }
        other => other,
    }
}

/// As [`tidy`], for the text of stderr.
pub fn tidy_stderr(text: &str) -> String {
    let mut out = String::new();
    let mut in_backtrace = false;
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "stack backtrace:" {
            in_backtrace = true;
        } else if in_backtrace && is_backtrace(line) {
            continue;
        } else if line.starts_with("thread '") && line.contains("panicked at ") {
            in_backtrace = false;
            out.push_str("the cell panicked:\n");
        } else if is_backtrace_note(line) || (out.is_empty() && line.trim().is_empty()) {
            continue;
        } else {
            in_backtrace = false;
            out.push_str(line);
        }
    }
    out
}

/// A frame of a backtrace: `   3: name`, or `             at place`.
fn is_backtrace(line: &str) -> bool {
    let rest = line.trim_start();
    let numbered = rest
        .split_once(": ")
        .is_some_and(|(n, _)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    line.starts_with(' ') && (numbered || rest.starts_with("at "))
}

fn is_backtrace_note(line: &str) -> bool {
    line.starts_with("note: run with `RUST_BACKTRACE")
        || line.starts_with("note: Some details are omitted, run with")
}

/// Drops a reset that is followed by the colour which it ended.
fn merge_colours(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut colour = "";
    let mut rest = line;
    while let Some(at) = rest.find("\u{1b}[") {
        out.push_str(&rest[..at]);
        let end = rest[at..].find('m').map_or(rest.len(), |i| at + i + 1);
        let code = &rest[at..end];
        rest = &rest[end..];
        if code == "\u{1b}[0m" && !colour.is_empty() && rest.starts_with(colour) {
            rest = &rest[colour.len()..];
            continue;
        }
        colour = if code == "\u{1b}[0m" { "" } else { code };
        out.push_str(code);
    }
    out.push_str(rest);
    out
}

fn round(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n => (values[(n - 1) / 2] + values[n / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(code: &str) -> (Chapter, Cell) {
        let chapter = Chapter::parse("a.md", format!("# A\n\n```rust\n{code}\n```\n")).unwrap();
        let cell = chapter.cells[0].clone();
        (chapter, cell)
    }

    fn stderr(text: &str) -> Execution {
        Execution {
            outputs: vec![Output::Stream {
                name: "stderr".into(),
                text: MultilineString(text.into()),
            }],
            ok: true,
            ..Execution::default()
        }
    }

    const PANIC: &str = "\nthread '<unnamed>' (123) panicked at src/lib.rs:9:1:\nno good\nstack backtrace:\n   0: a\n             at b\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n";

    #[test]
    fn a_panic_and_an_error_out_of_question_mark_are_failures_though_the_kernel_says_ok() {
        let (_, c) = cell("f();");
        assert_eq!(
            what_it_did(&c, &stderr(PANIC)),
            Did::Panic("no good".into())
        );
        let (_, c) = cell("let x: i32 = \"a\".parse()?;");
        assert_eq!(
            what_it_did(&c, &stderr("ParseIntError\n")),
            Did::ReturnError("ParseIntError".into())
        );
        let (_, c) = cell("fn f() -> Option<i32> { None?; None }\neprintln!(\"a note\");");
        assert_eq!(what_it_did(&c, &stderr("a note\n")), Did::Finish);
    }

    #[test]
    fn panics_are_stored_without_what_differs_between_runs() {
        assert_eq!(tidy_stderr(PANIC), "the cell panicked:\nno good\n");
    }

    #[test]
    fn compiler_reports_are_put_on_the_chapters_lines() {
        let (chapter, c) = cell("let a = 1;");
        let text = "[E0382] Error: x\n   ╭─[ command_3:1:1 ]\n   │\n 2 │ let b = a;\n";
        let mapped = on_chapter_lines(&chapter, &c, text);
        assert!(mapped.contains("[ chapters/a.md:5 ]"), "{mapped}");
        assert!(mapped.contains("  5 │ let"), "{mapped}");
        assert_eq!(error_codes(text), ["E0382"]);
        assert_eq!(first_line(text), Some(2));
    }

    #[test]
    fn colours_are_said_once() {
        let line = "\u{1b}[3m a\u{1b}[0m\u{1b}[3mb\u{1b}[0m\u{1b}[4mc\u{1b}[0m";
        assert_eq!(
            merge_colours(line),
            "\u{1b}[3m ab\u{1b}[0m\u{1b}[4mc\u{1b}[0m"
        );
        assert_eq!(strip_ansi(&merge_colours(line)), strip_ansi(line));
    }

    #[test]
    fn a_second_run_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let project = Project {
            root: dir.path().to_path_buf(),
        };
        let first = lock(&project).unwrap();
        assert!(
            lock(&project)
                .unwrap_err()
                .message
                .contains("another `course run`")
        );
        drop(first);
        lock(&project).unwrap();
    }
}

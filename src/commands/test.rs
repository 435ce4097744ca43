//! `course test`: compiles and runs every cell against the library crates.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::project;
use crate::chapter::Chapter;
use crate::error::Fault;
use crate::project::Project;
use crate::snippets::{self, rustdoc};

/// Arguments of `course test`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo course test\n  cargo course test foundations/linear-algebra\n  mdbook test -L \"$(cargo course test --library-path)\""
)]
pub struct Args {
    /// Chapters such as foundations/linear-algebra; all when none is named
    pub chapters: Vec<String>,
    /// Build the libraries and print the folder that stock `mdbook test -L` needs
    #[arg(long)]
    pub library_path: bool,
    /// Seconds that the snippets of one chapter may take
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    pub timeout: u64,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, args: Args) -> anyhow::Result<ExitCode> {
    let project = project(book)?;
    if args.library_path {
        return match snippets::libraries(&project) {
            Ok(folder) => {
                println!("{}", folder.display());
                Ok(ExitCode::SUCCESS)
            }
            Err(faults) => Ok(report(&faults)),
        };
    }
    let mut faults = Vec::new();
    let chapters = chosen(&project, &args.chapters, &mut faults);
    let libraries = match snippets::libraries_for(&project, &chapters) {
        Ok(libraries) => libraries,
        Err(found) => {
            faults.extend(found);
            return Ok(report(&faults));
        }
    };
    let limit = Duration::from_secs(args.timeout);
    // Two at a time: the snippets of a chapter are one program, which mostly keeps one core busy.
    let waiting = Mutex::new(chapters.iter().enumerate());
    let passed = AtomicUsize::new(0);
    let found: Mutex<Vec<(usize, Vec<Fault>)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some((place, chapter)) = held(&waiting).next() else {
                        return;
                    };
                    let start = Instant::now();
                    match rustdoc::test(&project, chapter, &libraries, limit) {
                        Ok(tested) => {
                            if tested.passed + tested.faults.len() > 0 {
                                println!(
                                    "{}: {} passed, {} failed in {:.1} s",
                                    chapter.shown().display(),
                                    tested.passed,
                                    tested.faults.len(),
                                    start.elapsed().as_secs_f64()
                                );
                            }
                            passed.fetch_add(tested.passed, Ordering::Relaxed);
                            held(&found).push((place, tested.faults));
                        }
                        Err(faults) => held(&found).push((place, faults)),
                    }
                }
            });
        }
    });
    let passed = passed.into_inner();
    let mut found = std::mem::take(&mut *held(&found));
    found.sort_by_key(|(place, _)| *place);
    faults.extend(found.into_iter().flat_map(|(_, faults)| faults));
    if faults.is_empty() {
        println!("{passed} snippets pass");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(report(&faults))
}

/// What a mutex holds, even where a thread panicked with it.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The chapters named on the command line, or all of them; what cannot be read goes to the faults.
pub(super) fn chosen(project: &Project, names: &[String], faults: &mut Vec<Fault>) -> Vec<Chapter> {
    let entries = if names.is_empty() {
        project.entries().unwrap_or_else(|fault| {
            faults.push(fault);
            Vec::new()
        })
    } else {
        let mut entries = Vec::new();
        for name in names {
            match project.resolve(name) {
                Ok(entry) if entries.contains(&entry) => {}
                Ok(entry) => entries.push(entry),
                Err(fault) => faults.push(fault),
            }
        }
        entries
    };
    let mut chapters = Vec::new();
    for entry in entries {
        match project.chapter(&entry.path) {
            Ok(chapter) => chapters.push(chapter),
            Err(found) => faults.extend(found.0),
        }
    }
    chapters
}

/// Prints faults and their number; the exit code of a failure.
pub(super) fn report(faults: &[Fault]) -> ExitCode {
    for fault in faults {
        eprintln!("{fault}");
    }
    let s = if faults.len() == 1 { "" } else { "s" };
    eprintln!("{} fault{s}", faults.len());
    ExitCode::FAILURE
}

//! `course run`: runs chapters on the kernel.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use super::project;
use crate::error::Faults;
use crate::{fresh, notebook, runner};

/// Arguments of `course run`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo course run                              every stale chapter\n  cargo course run foundations/linear-algebra   one chapter\n  cargo course run --all                        all, compared with the stored outputs"
)]
pub struct Args {
    /// Chapters such as foundations/linear-algebra; all stale ones when none is named
    pub chapters: Vec<String>,
    /// Run every chapter, fresh or not, and compare each output with the stored one
    #[arg(long)]
    pub all: bool,
    /// A kernel of your own: the path of an evcxr_jupyter, or the name of an installed kernelspec
    #[arg(long, value_name = "PATH|NAME")]
    pub kernel: Option<String>,
    /// Seconds that one cell may take, once its dependencies are built
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    pub timeout: u64,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, args: Args) -> anyhow::Result<ExitCode> {
    let project = project(book)?;
    let mut faults = Vec::new();
    let mut chapters = Vec::new();
    let paths = if args.chapters.is_empty() {
        project.entries()?.into_iter().map(|e| e.path).collect()
    } else {
        let named: Result<Vec<_>, _> = args
            .chapters
            .iter()
            .map(|n| project.resolve(n).map(|e| e.path))
            .collect();
        named?
    };
    for path in paths {
        let chapter = match project.chapter(&path) {
            Ok(chapter) => chapter,
            Err(Faults(found)) => {
                faults.extend(found);
                continue;
            }
        };
        if chapter.cells.is_empty() {
            continue;
        }
        if args.all || !args.chapters.is_empty() {
            chapters.push(chapter);
            continue;
        }
        let judged =
            notebook::load(&project, &path).and_then(|n| fresh::of(&project, &chapter, n.as_ref()));
        match judged {
            Ok(f) if f.fresh => {}
            Ok(f) => {
                eprintln!("{}: {}", chapter.slug(), f.reasons.join("; "));
                chapters.push(chapter);
            }
            Err(fault) => faults.push(fault),
        }
    }
    if chapters.is_empty() && faults.is_empty() {
        eprintln!("every chapter is fresh: nothing to run");
        return Ok(ExitCode::SUCCESS);
    }
    let report = runner::run(
        &project,
        &chapters,
        &runner::Options {
            kernel: args.kernel,
            timeout: Duration::from_secs(args.timeout),
            compare: args.all,
            quiet: false,
        },
    );
    faults.extend(report.faults);
    for fault in &faults {
        eprintln!("{fault}");
    }
    Ok(match (faults.is_empty(), report.interrupted) {
        (_, true) => ExitCode::from(130),
        (true, _) => ExitCode::SUCCESS,
        (false, _) => ExitCode::FAILURE,
    })
}

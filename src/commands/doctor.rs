//! `course doctor`: what this machine has and lacks.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use kernel::Target;
use serde_json::{Value, json};

use super::project;
use crate::disk::{free_space, size, size_of};
use crate::project::Project;
use crate::snippets::library;

/// Arguments of `course doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo course doctor")]
pub struct Args {
    /// Print JSON: an array, one object a finding
    #[arg(long)]
    pub json: bool,
}

/// How much free disk the book wants: the kernel, warm build folders, snippets.
const WANTED_DISK: u64 = 6 << 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// There.
    Good,
    /// Not there, and one can do without it.
    Without,
    /// Not there, and needed.
    Missing,
}

/// What was looked for and found.
#[derive(Debug, Clone)]
struct Finding {
    what: &'static str,
    state: State,
    found: String,
    /// What to do about it.
    fix: Option<String>,
}

impl Finding {
    fn good(what: &'static str, found: impl Into<String>) -> Finding {
        Finding {
            what,
            state: State::Good,
            found: found.into(),
            fix: None,
        }
    }

    fn without(what: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding {
            what,
            state: State::Without,
            found: found.into(),
            fix: Some(fix.into()),
        }
    }

    fn missing(what: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding {
            what,
            state: State::Missing,
            found: found.into(),
            fix: Some(fix.into()),
        }
    }

    fn to_json(&self) -> Value {
        let state = match self.state {
            State::Good => "good",
            State::Without => "without",
            State::Missing => "missing",
        };
        json!({ "what": self.what, "state": state, "found": self.found, "fix": self.fix })
    }
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, args: Args) -> anyhow::Result<ExitCode> {
    let project = project(book)?;
    let mut findings = toolchain(&project);
    findings.extend(linkers());
    findings.extend(jupyter());
    findings.extend(kernels(&project));
    findings.push(chromium());
    findings.extend(disk(&project));
    findings.extend(data());
    let missing = findings
        .iter()
        .filter(|f| f.state == State::Missing)
        .count();
    if args.json {
        let rows: Vec<Value> = findings.iter().map(Finding::to_json).collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        let width = findings.iter().map(|f| f.what.len()).max().unwrap_or(0);
        for f in &findings {
            let mark = match f.state {
                State::Good => "✓",
                State::Without => "–",
                State::Missing => "✗",
            };
            println!("{mark} {:width$}  {}", f.what, f.found);
            if let Some(fix) = &f.fix {
                println!("  {:width$}  fix: {fix}", "");
            }
        }
        match missing {
            0 => println!("\neverything that the book needs is here"),
            n => println!("\n{n} needed and not here (✗)"),
        }
    }
    Ok(if missing == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A program on PATH.
fn on_path(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

/// The first line of what a program prints.
fn first_line(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().next().map(str::to_string)
}

fn toolchain(project: &Project) -> Vec<Finding> {
    let install =
        "install Rust with rustup, or activate the conda environment: conda activate ml-fullstack";
    let wanted = wanted_rust(project);
    let Some(version) = first_line("rustc", &["--version"]) else {
        return vec![Finding::missing(
            "Rust",
            "no rustc on PATH that runs",
            install,
        )];
    };
    let number = version.split(' ').nth(1).unwrap_or_default().to_string();
    let mut findings = vec![match wanted {
        Some(wanted) if parts(&number) < parts(&wanted) => Finding::missing(
            "Rust",
            format!("{version}, and the book needs {wanted}"),
            "rustup update stable, or conda update rust",
        ),
        _ => Finding::good("Rust", version),
    }];
    findings.push(match first_line("cargo", &["--version"]) {
        Some(version) => Finding::good("Cargo", version),
        None => Finding::missing("Cargo", "no cargo on PATH that runs", install),
    });
    findings.push(match first_line("rustdoc", &["--version"]) {
        Some(version) => Finding::good("rustdoc", version),
        None => Finding::without("rustdoc", "not on PATH", "`course test` and `mdbook test` run it: rustup component add rust-docs, or conda install rust"),
    });
    let sources = first_line("rustc", &["--print", "sysroot"])
        .map(|root| Path::new(&root).join("lib/rustlib/src/rust/library"));
    findings.push(match sources {
        Some(folder) if folder.join("std/src/lib.rs").is_file() => {
            Finding::good("rust-src", folder.display().to_string())
        }
        _ => Finding::without(
            "rust-src",
            "not installed: types of standard-library values are not inferred in cells",
            "rustup component add rust-src, or conda install rust-src",
        ),
    });
    findings
}

/// The Rust version that the workspace asks for.
fn wanted_rust(project: &Project) -> Option<String> {
    let text = std::fs::read_to_string(project.root.join("Cargo.toml")).ok()?;
    let table: toml::Table = text.parse().ok()?;
    let package = table.get("workspace")?.get("package")?;
    Some(package.get("rust-version")?.as_str()?.to_string())
}

/// `1.95.0-nightly` as numbers.
fn parts(version: &str) -> Vec<u64> {
    version
        .split('-')
        .next()
        .unwrap_or_default()
        .split('.')
        .map(|n| n.parse().unwrap_or(0))
        .collect()
}

fn linkers() -> Vec<Finding> {
    let compiler = ["cc", "gcc", "clang", "cl.exe"]
        .iter()
        .find_map(|c| on_path(c));
    let linker = ["mold", "ld.lld", "lld"].iter().find_map(|l| on_path(l));
    vec![
        match compiler {
            Some(path) => Finding::good("C compiler", path.display().to_string()),
            None => Finding::missing(
                "C compiler",
                "none on PATH: Rust cannot link",
                "apt install build-essential, xcode-select --install, or conda install c-compiler",
            ),
        },
        match linker {
            Some(path) => Finding::good("fast linker", path.display().to_string()),
            None => Finding::without(
                "fast linker",
                "neither mold nor lld on PATH: every cell takes longer to link",
                "apt install mold, or conda install mold",
            ),
        },
    ]
}

fn jupyter() -> Vec<Finding> {
    let environment = std::env::var("CONDA_DEFAULT_ENV").ok();
    vec![
        match ["jupyter-lab", "jupyter"].iter().find_map(|j| on_path(j)) {
            Some(path) => Finding::good("Jupyter", path.display().to_string()),
            None => Finding::without(
                "Jupyter",
                "not on PATH: the book needs none, notebooks do",
                "pip install --require-hashes -r requirements.txt, or conda env create -f environment.yml",
            ),
        },
        match (
            ["conda", "mamba", "micromamba"]
                .iter()
                .find_map(|c| on_path(c)),
            environment,
        ) {
            (_, Some(name)) => Finding::good("conda", format!("environment `{name}` is active")),
            (Some(path), None) => Finding::without(
                "conda",
                format!("{}, no environment active", path.display()),
                "conda env create -f environment.yml && conda activate ml-fullstack",
            ),
            (None, None) => Finding::without(
                "conda",
                "not on PATH: one way to install everything, not the only one",
                "see README.md",
            ),
        },
    ]
}

fn kernels(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.push(match kernel::Workspace::find(&project.root) {
        Ok(workspace) => {
            let binary = kernel::kernel_binary(&workspace);
            if binary.is_file() {
                Finding::good("kernel", project.shown(&binary).display().to_string())
            } else {
                Finding::without(
                    "kernel",
                    "not built yet",
                    "the first run of a chapter builds it (about ten minutes), or `cargo course kernel install` now",
                )
            }
        }
        Err(e) => Finding::without("kernel", e.to_string(), "run `cargo generate-lockfile`"),
    });
    let places: Vec<PathBuf> = [Target::User, Target::SysPrefix]
        .iter()
        .filter_map(|target| kernel::kernelspec_folder(target).ok())
        .collect();
    let specs: Vec<(PathBuf, Result<PathBuf, String>)> = places
        .into_iter()
        .filter(|folder| folder.join("kernel.json").is_file())
        .map(|folder| {
            let program = spec_program(&folder);
            (folder, program)
        })
        .collect();
    let install =
        "cargo course kernel install, or with --sys-prefix in a conda or virtual environment";
    if specs.is_empty() {
        findings.push(Finding::without(
            "kernelspec",
            "`rust` is not installed: Jupyter cannot run the notebooks",
            install,
        ));
    }
    for (folder, program) in specs {
        findings.push(match program {
            Ok(program) => Finding::good(
                "kernelspec",
                format!("{} starts {}", folder.display(), program.display()),
            ),
            Err(why) => Finding::without(
                "kernelspec",
                format!("{}: {why}", folder.display()),
                install,
            ),
        });
    }
    findings
}

/// The program that a kernelspec starts, if it is there.
fn spec_program(folder: &Path) -> Result<PathBuf, String> {
    let text = std::fs::read_to_string(folder.join("kernel.json")).map_err(|e| e.to_string())?;
    let spec: Value = serde_json::from_str(&text).map_err(|e| format!("kernel.json: {e}"))?;
    let program = spec["argv"][0]
        .as_str()
        .ok_or("kernel.json names no program")?;
    let path = if Path::new(program).is_absolute() {
        Some(PathBuf::from(program)).filter(|p| p.is_file())
    } else {
        on_path(program)
    };
    path.ok_or_else(|| format!("it starts {program}, which is not there"))
}

fn chromium() -> Finding {
    let names = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
        "chrome",
        "chrome-headless-shell",
    ];
    match names.iter().find_map(|name| on_path(name)) {
        Some(path) => Finding::good("Chromium", path.display().to_string()),
        None => Finding::without(
            "Chromium",
            "not on PATH: only the tests of the pages need it",
            "apt install chromium, or conda install chromium",
        ),
    }
}

fn disk(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(free) = free_space(&project.root) {
        findings.push(if free < WANTED_DISK {
            Finding::without(
                "disk",
                format!("{} free where the book stands", size(free)),
                format!("make room: builds take up to {}", size(WANTED_DISK)),
            )
        } else {
            Finding::good("disk", format!("{} free where the book stands", size(free)))
        });
    }
    let folders = kernel::folders();
    let total: u64 = folders.iter().map(|f| f.bytes).sum();
    let cache = kernel::cache_folder().map_or_else(|e| e.to_string(), |p| p.display().to_string());
    let mut found = format!(
        "{} in {} build folders below {cache} (limit {}, COURSE_CACHE_LIMIT changes it)",
        size(total),
        folders.len(),
        size(kernel::limit())
    );
    for folder in folders.iter().take(5) {
        let used = if folder.in_use { ", in use" } else { "" };
        found.push_str(&format!(
            "\n    {:>9}  {:?}{used}  {}",
            size(folder.bytes),
            folder.kind,
            folder.path.display()
        ));
    }
    findings.push(Finding::good("kernel cache", found));
    let snippets = library::home(project);
    findings.push(Finding::good(
        "snippets",
        format!(
            "{} in {}",
            size(size_of(&snippets)),
            project.shown(&snippets).display()
        ),
    ));
    findings
}

fn data() -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut bytes = 0;
    let mut good = 0;
    for set in datasets::CATALOGUE {
        match set.read() {
            Ok(content) => {
                bytes += content.len() as u64;
                good += 1;
            }
            Err(e) => findings.push(Finding::missing(
                "data",
                format!("{}: {e}", set.name),
                "git checkout -- lib/datasets/data",
            )),
        }
    }
    if good > 0 {
        findings.push(Finding::good(
            "data",
            format!(
                "{good} sets, {}, each with the catalogue's sha256",
                size(bytes)
            ),
        ));
    }
    findings.push(fetched_data());
    findings
}

/// What of the larger data and the models was fetched.
fn fetched_data() -> Finding {
    let what = "fetched data";
    let mut there = Vec::new();
    let mut absent = Vec::new();
    for artefact in datasets::ARTEFACTS {
        match artefact.fetched() {
            Ok(_) => there.push(artefact.name),
            Err(datasets::DatasetError::NotFetched { .. }) => absent.push(artefact.name),
            Err(e) => {
                let fix = format!("cargo course data fetch {}", artefact.name);
                return Finding::without(what, e.to_string(), fix);
            }
        }
    }
    let place =
        datasets::cache_folder().map_or_else(|e| e.to_string(), |p| p.display().to_string());
    if absent.is_empty() {
        return Finding::good(what, format!("{} in {place}", there.join(", ")));
    }
    let found = match there.len() {
        0 => format!("none in {place}; not there: {}", absent.join(", ")),
        _ => format!(
            "{} in {place}; not there: {}",
            there.join(", "),
            absent.join(", ")
        ),
    };
    Finding::without(
        what,
        found + " (chapters show their stored outputs without)",
        format!("cargo course data fetch {}", absent.join(" ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_their_numbers() {
        assert!(parts("1.95.0") >= parts("1.95"));
        assert!(parts("1.94.1-nightly") < parts("1.95"));
        assert!(parts("1.100.0") > parts("1.95"));
    }

    #[test]
    fn a_kernelspec_must_start_something() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("kernel.json");
        for (text, want) in [
            ("{", "kernel.json"),
            ("{\"argv\":[]}", "names no program"),
            (
                "{\"argv\":[\"/nowhere/kernel\"]}",
                "/nowhere/kernel, which is not there",
            ),
        ] {
            std::fs::write(&file, text).unwrap();
            let said = spec_program(dir.path()).unwrap_err();
            assert!(said.contains(want), "{said}");
        }
        let spec = json!({ "argv": [file.to_string_lossy()] });
        std::fs::write(&file, spec.to_string()).unwrap();
        assert_eq!(spec_program(dir.path()), Ok(file));
    }
}

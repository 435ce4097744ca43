//! Real Jupyter: the installed kernelspec, nbclient, and JupyterLab's server through its REST and
//! WebSocket interface. The outputs are compared with those stored.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use course::chapter::Chapter;
use course::project::Project;
use course::{compare, notebook, runner};
use nbformat::v4::{Cell, MultilineString, Notebook, Output};

mod support;
use support::{Started, Venv};

fn project() -> Project {
    Project {
        root: support::root().to_path_buf(),
    }
}

/// The chapters that have cells.
fn chapters() -> Vec<Chapter> {
    let chapters = project().chapters().unwrap_or_else(|e| panic!("{e}"));
    let chapters: Vec<_> = chapters
        .into_iter()
        .filter(|c| !c.cells.is_empty())
        .collect();
    assert!(!chapters.is_empty(), "no chapter has a cell");
    chapters
}

/// The Python environment with the book's kernel registered in it; taken back when dropped.
struct Jupyter {
    venv: Venv,
    scratch: tempfile::TempDir,
}

impl Jupyter {
    fn get(what: &str) -> Option<Jupyter> {
        let venv = Venv::get(what)?;
        let scratch = tempfile::tempdir().expect("a temporary folder");
        // built here, so that its time is not a test's
        support::kernel();
        let prefix = venv.dir.to_string_lossy().into_owned();
        let mut install = support::tool();
        install
            .current_dir(support::root())
            .args(["kernel", "install", "--prefix", &prefix]);
        support::run(&mut install).succeeds();
        assert!(
            venv.dir
                .join("share/jupyter/kernels/rust/kernel.json")
                .is_file()
        );
        Some(Jupyter { venv, scratch })
    }

    fn command(&self, program: &str) -> std::process::Command {
        self.venv.command(program, self.scratch.path())
    }

    /// Runs one of the Python programs beside this test.
    fn python(&self, script: &str, args: &[&str]) -> support::Ran {
        let script = support::root().join("tests/jupyter").join(script);
        support::run(self.command("python").arg(script).args(args))
    }
}

impl Drop for Jupyter {
    fn drop(&mut self) {
        let prefix = self.venv.dir.to_string_lossy().into_owned();
        let mut uninstall = support::tool();
        uninstall
            .current_dir(support::root())
            .args(["kernel", "uninstall", "--prefix", &prefix]);
        let ran = support::run(&mut uninstall);
        let left = self.venv.dir.join("share/jupyter/kernels/rust").exists();
        assert!(
            std::thread::panicking() || (ran.code == Some(0) && !left),
            "uninstall:\n{}",
            ran.text()
        );
    }
}

/// A running JupyterLab server; ended when dropped.
struct Lab {
    server: Started,
    url: String,
}

const TOKEN: &str = "a-token-for-the-tests";

impl Lab {
    fn start(jupyter: &Jupyter, root: &Path) -> Lab {
        let mut command = jupyter.command("jupyter");
        command
            .current_dir(root)
            .args([
                "lab",
                "--no-browser",
                "--ip=127.0.0.1",
                "--port=0",
                "--allow-root",
            ])
            .arg(format!("--IdentityProvider.token={TOKEN}"))
            .arg(format!("--ServerApp.root_dir={}", root.display()));
        let mut server = Started::new(&mut command);
        let runtime = jupyter.scratch.path().join("runtime");
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            assert!(
                server.runs(),
                "the server ended: {}",
                server.wait(Duration::ZERO).text()
            );
            assert!(Instant::now() < deadline, "no server after two minutes");
            if let Some(url) = server_url(&runtime) {
                return Lab { server, url };
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn client(&self, jupyter: &Jupyter, args: &[&str]) -> support::Ran {
        jupyter.python("lab.py", &[&[self.url.as_str(), TOKEN], args].concat())
    }

    /// Ends the server as its page does, and asserts that nothing of it is left.
    fn stop(self, jupyter: &Jupyter) {
        self.client(jupyter, &["stop"]).succeeds();
        self.server.wait(Duration::from_secs(30)).leaves_nothing();
    }
}

/// The address that a server has noted in Jupyter's runtime folder, once it answers there.
fn server_url(runtime: &Path) -> Option<String> {
    let note = std::fs::read_dir(runtime)
        .ok()?
        .flatten()
        .map(|e| e.path())
        .find(|p| {
            let name = p.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("jpserver-") && name.ends_with(".json")
        })?;
    let note: serde_json::Value = serde_json::from_slice(&std::fs::read(note).ok()?).ok()?;
    let port = u16::try_from(note["port"].as_u64()?).ok()?;
    std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    Some(note["url"].as_str()?.to_string())
}

/// The outputs of a client that stores messages as they come, in the form that the book stores: text of
/// one kind together, and without what differs from run to run.
fn tidy(notebook: Notebook) -> Notebook {
    let cells = notebook.cells.into_iter().map(|cell| match cell {
        Cell::Code {
            id,
            metadata,
            execution_count,
            source,
            outputs,
        } => {
            let mut tidied = Vec::new();
            for kind in ["stdout", "stderr"] {
                let text: String = outputs
                    .iter()
                    .filter_map(|o| match o {
                        Output::Stream { name, text } if name == kind => Some(text.0.as_str()),
                        _ => None,
                    })
                    .collect();
                if !text.is_empty() {
                    tidied.push(Output::Stream {
                        name: kind.into(),
                        text: MultilineString(text),
                    });
                }
            }
            tidied.extend(
                outputs
                    .into_iter()
                    .filter(|o| !matches!(o, Output::Stream { .. })),
            );
            let outputs = tidied.into_iter().map(runner::tidy).collect();
            Cell::Code {
                id,
                metadata,
                execution_count,
                source,
                outputs,
            }
        }
        other => other,
    });
    Notebook {
        cells: cells.collect(),
        ..notebook
    }
}

/// Where a notebook run elsewhere has other outputs than the stored one.
fn differences(chapter: &Chapter, run: &Path) -> Vec<String> {
    let folder = run.parent().expect("a file");
    let stored = notebook::load(&project(), &chapter.path).unwrap_or_else(|e| panic!("{e}"));
    let stored = stored.unwrap_or_else(|| panic!("{} has no notebook", chapter.slug()));
    let new = tidy(notebook::load_file(folder, run).unwrap_or_else(|e| panic!("{e}")));
    let count = |n: &Notebook| {
        n.cells
            .iter()
            .filter(|c| matches!(c, Cell::Code { .. }))
            .count()
    };
    assert_eq!(count(&stored), count(&new), "{}: cells", chapter.slug());
    let differences = compare::compare(chapter, &stored, &new);
    differences.iter().map(ToString::to_string).collect()
}

#[test]
fn nbclient_gives_the_stored_outputs() {
    let Some(jupyter) = Jupyter::get("notebooks with nbclient") else {
        return;
    };
    // two at a time, since one computes while another compiles; the longest first
    let mut chapters = chapters();
    chapters.sort_by(|a, b| recorded_seconds(a).total_cmp(&recorded_seconds(b)));
    let waiting = Mutex::new(chapters);
    let faults = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(chapter) = waiting.lock().expect("a list").pop() else {
                        return;
                    };
                    let began = Instant::now();
                    let found = faults_with_nbclient(&jupyter, &chapter);
                    support::timing(&format!("{} with nbclient", chapter.slug()), began);
                    faults.lock().expect("a list").extend(found);
                }
            });
        }
    });
    let faults = faults.into_inner().expect("a list");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The seconds that the cells of a chapter took when its notebook was stored.
fn recorded_seconds(chapter: &Chapter) -> f64 {
    let notebook = std::fs::read(project().notebook_path(&chapter.path)).expect("a notebook");
    let notebook: serde_json::Value = serde_json::from_slice(&notebook).expect("JSON");
    notebook["metadata"]["course"]["run"]["cells_s"]
        .as_f64()
        .expect("a record of the run")
}

/// Runs a chapter's notebook with nbclient; what differs from the stored one.
fn faults_with_nbclient(jupyter: &Jupyter, chapter: &Chapter) -> Vec<String> {
    let notebook = project().notebook_path(&chapter.path);
    let folder = notebook.parent().expect("notebooks/ is above");
    let name = chapter.slug().replace('/', "-");
    let out = jupyter.scratch.path().join(format!("{name}.ipynb"));
    let args = [&notebook, &folder.to_path_buf(), &out].map(|p| p.to_string_lossy().into_owned());
    let ran = jupyter.python("execute.py", &args.each_ref().map(String::as_str));
    if ran.code != Some(0) {
        return vec![format!(
            "{}: {}\n{}",
            chapter.slug(),
            ran.stdout,
            ran.stderr
        )];
    }
    differences(chapter, &out)
}

#[test]
fn jupyterlab_gives_the_stored_outputs() {
    let Some(jupyter) = Jupyter::get("a notebook in JupyterLab") else {
        return;
    };
    let began = Instant::now();
    let lab = Lab::start(&jupyter, support::root());
    support::timing("JupyterLab's start", began);
    let chapters = chapters();
    let chapter = &chapters[0];
    let path = project().notebook_path(&chapter.path);
    let path = path
        .strip_prefix(support::root())
        .expect("in the book")
        .to_string_lossy()
        .into_owned();
    let before = std::fs::read(support::root().join(&path)).expect("a notebook");
    let out = jupyter.scratch.path().join("out.ipynb");
    let began = Instant::now();
    lab.client(&jupyter, &["execute", &path, &out.to_string_lossy()])
        .succeeds();
    support::timing(&format!("{} in JupyterLab", chapter.slug()), began);
    lab.stop(&jupyter);
    let faults = differences(chapter, &out);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(
        std::fs::read(support::root().join(&path)).expect("a notebook"),
        before,
        "nothing was saved"
    );
}

#[test]
fn an_edit_in_jupyter_reaches_its_cell_alone() {
    let Some(jupyter) = Jupyter::get("an edit in JupyterLab") else {
        return;
    };
    let book = tempfile::tempdir().expect("a temporary folder");
    for part in [
        "book.toml",
        "Cargo.toml",
        "Cargo.lock",
        "chapters",
        "notebooks",
    ] {
        copy(&support::root().join(part), &book.path().join(part));
    }
    let sync = || {
        let mut sync = support::tool();
        support::run(sync.current_dir(book.path()).arg("sync"))
    };
    sync().succeeds();
    let files = || -> HashSet<PathBuf> {
        files_below(&book.path().join("chapters"))
            .into_iter()
            .collect()
    };
    let before: Vec<(PathBuf, String)> = files()
        .into_iter()
        .map(|p| (p.clone(), std::fs::read_to_string(&p).expect("text")))
        .collect();

    // a line of code that stands once in the chapter, in a cell in its middle
    let chapters = chapters();
    let chapter = &chapters[0];
    let cell = &chapter.cells[chapter.cells.len() / 2];
    let line = cell
        .code
        .lines()
        .find(|l| l.len() > 8 && chapter.text.matches(*l).count() == 1)
        .unwrap_or_else(|| panic!("no line of {} stands once", cell.label()));
    let new = format!("{line} // a note from Jupyter");
    let lab = Lab::start(&jupyter, book.path());
    let path = format!("notebooks/{}.ipynb", chapter.slug());
    lab.client(&jupyter, &["edit", &path, line, &new])
        .succeeds();
    lab.stop(&jupyter);
    sync().succeeds();

    for (path, text) in &before {
        let now = std::fs::read_to_string(path).expect("text");
        if path.ends_with(&chapter.path) {
            assert_eq!(
                now,
                text.replace(line, &new),
                "the edited line alone changes"
            );
        } else {
            assert_eq!(&now, text, "{}", path.display());
        }
    }
    assert_eq!(files().len(), before.len(), "no file is added");
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        for file in files_below(from) {
            let below = file.strip_prefix(from).expect("below");
            copy(&file, &to.join(below));
        }
    } else {
        std::fs::create_dir_all(to.parent().expect("a file")).expect("a folder");
        std::fs::copy(from, to).unwrap_or_else(|e| panic!("{}: {e}", from.display()));
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .flatten()
    {
        if entry.path().is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files
}

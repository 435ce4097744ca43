//! The reference values of the libraries come out again from their scripts.
//!
//! A script whose first lines hold `# data: NAME …` gets the folders of these fetched artefacts as arguments.

use std::path::{Path, PathBuf};
use std::time::Instant;

mod support;

#[test]
fn golden_values_come_out_again() {
    let Some(venv) = support::Venv::get("golden values") else {
        return;
    };
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let mut scripts = Vec::new();
    for library in std::fs::read_dir(support::root().join("lib")).expect("lib/ is there") {
        let folder = library.expect("an entry").path().join("tests/golden");
        for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if file.path().extension().is_some_and(|e| e == "py") {
                scripts.push(file.path());
            }
        }
    }
    assert!(!scripts.is_empty(), "no script under lib/*/tests/golden");
    for script in scripts {
        let began = Instant::now();
        let Some(folders) = data(&script) else {
            continue;
        };
        let mut check = venv.command("python", scratch.path());
        check.arg("-B").arg(&script).arg("--check").args(folders);
        support::run(&mut check).succeeds();
        support::timing(&script.display().to_string(), began);
    }
}

/// The folders of the data that a script asks for; `None`, with a line that says so, where one is not fetched.
fn data(script: &Path) -> Option<Vec<PathBuf>> {
    let text = std::fs::read_to_string(script).expect("the script can be read");
    let names = text.lines().find_map(|line| line.strip_prefix("# data: "));
    let mut folders = Vec::new();
    for name in names.into_iter().flat_map(str::split_whitespace) {
        match datasets::fetched(name) {
            Ok(fetched) => folders.push(fetched.folder),
            Err(error) => {
                support::skip(&script.display().to_string(), &error.to_string());
                return None;
            }
        }
    }
    Some(folders)
}

//! The reference values of the libraries come out again from their scripts.

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
        let mut check = venv.command("python", scratch.path());
        check.arg("-B").arg(&script).arg("--check");
        support::run(&mut check).succeeds();
        support::timing(&script.display().to_string(), began);
    }
}

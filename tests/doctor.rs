//! `course doctor` on a small book.

mod small;

use serde_json::Value;
use small::{Book, Ran};

fn doctor(book: &Book, args: &[&str], environment: &[(&str, &str)]) -> Ran {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_course"))
        .arg("doctor")
        .args(args)
        .current_dir(book.root())
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    Ran::from(output)
}

fn find<'a>(rows: &'a [Value], what: &str) -> &'a Value {
    rows.iter()
        .find(|r| r["what"] == what)
        .unwrap_or_else(|| panic!("no finding {what}: {rows:?}"))
}

#[test]
fn what_is_here_is_said_as_text_and_as_json() {
    let book = Book::new(&[("part/a.md", "# A\n")]);
    let cache = book.path("cache");
    let environment = [
        ("XDG_CACHE_HOME", cache.to_str().unwrap()),
        ("COURSE_DATA_CACHE", ""),
    ];
    let text = doctor(&book, &[], &environment).ok().stdout;
    assert!(
        text.contains("✓ Rust") && text.contains("everything that the book needs is here"),
        "{text}"
    );
    let rows: Vec<Value> =
        serde_json::from_str(&doctor(&book, &["--json"], &environment).ok().stdout).unwrap();
    assert!(
        find(&rows, "Rust")["found"]
            .as_str()
            .unwrap()
            .starts_with("rustc 1.")
    );
    assert_eq!(find(&rows, "data")["state"], "good");
    let fetched = find(&rows, "fetched data");
    assert_eq!(fetched["state"], "without");
    let names: Vec<&str> = datasets::ARTEFACTS.iter().map(|a| a.name).collect();
    let fix = format!("cargo course data fetch {}", names.join(" "));
    assert_eq!(fetched["fix"], fix.as_str());
    assert!(
        find(&rows, "kernel cache")["found"]
            .as_str()
            .unwrap()
            .contains("0 B in 0 build folders")
    );
}

#[test]
fn what_is_needed_and_missing_fails_with_its_fix() {
    let book = Book::new(&[("part/a.md", "# A\n")]);
    let empty = book.path("empty");
    std::fs::create_dir(&empty).unwrap();
    let path = [("PATH", empty.to_str().unwrap())];
    let ran = doctor(&book, &["--json"], &path);
    assert_eq!(ran.code, Some(1));
    let rows: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
    for (what, fix) in [
        ("Rust", "conda activate ml-fullstack"),
        ("C compiler", "build-essential"),
    ] {
        let row = find(&rows, what);
        assert_eq!(row["state"], "missing");
        assert!(row["fix"].as_str().unwrap().contains(fix), "{row}");
    }
    for what in ["fast linker", "Jupyter", "Chromium"] {
        assert_eq!(find(&rows, what)["state"], "without");
    }

    // data that were altered
    let altered = book.path("data");
    std::fs::create_dir(&altered).unwrap();
    std::fs::write(altered.join("auto.csv"), "x").unwrap();
    let ran = doctor(&book, &[], &[("COURSE_DATA", altered.to_str().unwrap())]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stdout.contains("✗ data") && ran.stdout.contains("altered: sha256"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("git checkout -- lib/datasets/data"));
}

#[test]
fn an_older_compiler_than_the_book_asks_for_is_told() {
    let book = Book::new(&[("part/a.md", "# A\n")]);
    book.edit(
        "Cargo.toml",
        "[workspace]\n",
        "[workspace]\npackage.rust-version = \"9.1\"\n",
    );
    let ran = doctor(&book, &[], &[]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stdout.contains("and the book needs 9.1"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_kernelspec_that_starts_nothing_is_told() {
    let book = Book::new(&[("part/a.md", "# A\n")]);
    book.write(
        "jupyter/kernels/rust/kernel.json",
        "{\"argv\": [\"/nowhere/course-kernel\"]}",
    );
    let folder = book.path("jupyter");
    let ran = doctor(
        &book,
        &["--json"],
        &[("JUPYTER_DATA_DIR", folder.to_str().unwrap())],
    )
    .ok();
    let rows: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
    let row = find(&rows, "kernelspec");
    assert_eq!(row["state"], "without");
    assert!(
        row["found"]
            .as_str()
            .unwrap()
            .contains("/nowhere/course-kernel, which is not there")
    );
}

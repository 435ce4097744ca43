//! The catalogue, the files it describes, and what happens when they are not there or not the same.

use std::path::Path;
use std::process::Command;

use datasets::{CATALOGUE, DatasetError};

#[test]
fn every_entry_says_what_where_from_and_on_what_terms() {
    let mut names: Vec<&str> = CATALOGUE.iter().map(|set| set.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(
        names,
        CATALOGUE.iter().map(|set| set.name).collect::<Vec<_>>(),
        "sorted, no name twice"
    );
    for set in CATALOGUE {
        let texts = [
            set.title,
            set.package,
            set.version,
            set.licence,
            set.citation,
        ];
        assert!(texts.iter().all(|text| !text.trim().is_empty()), "{set:?}");
        assert!(
            set.sha256.len() == 64
                && set
                    .sha256
                    .bytes()
                    .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        );
        assert!(!set.citation.contains("  "), "{}", set.citation);
    }
}

#[test]
fn every_file_is_the_one_described_and_all_are_small() {
    let folder = datasets::data_folder();
    let mut total = 0;
    for set in CATALOGUE {
        total += set.read().unwrap().len();
    }
    assert!(total < 12 << 20, "{total} bytes");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            CATALOGUE.iter().any(|set| set.file == name),
            "{name} is not in the catalogue"
        );
    }
}

#[test]
fn shapes_are_those_of_the_files() {
    let shape = |name: &str| {
        let set = datasets::find(name).unwrap();
        (set.rows, set.columns)
    };
    let auto = datasets::auto().unwrap();
    assert_eq!(shape("auto"), (auto.len(), 9));
    let churn = datasets::churn().unwrap();
    assert_eq!(
        shape("churn"),
        (churn.customers, datasets::Churn::COLUMNS.len())
    );
    let diabetes = datasets::diabetes().unwrap();
    assert_eq!(
        shape("diabetes"),
        (diabetes.data.nrows(), diabetes.data.ncols() + 1)
    );
    let longley = datasets::longley().unwrap();
    assert_eq!(
        shape("longley"),
        (longley.data.nrows(), longley.data.ncols() + 1)
    );
    let mnist = datasets::mnist().unwrap();
    assert_eq!(shape("mnist"), (mnist.len(), mnist.images.ncols() + 1));
}

/// The README's table, made from the catalogue.
fn table() -> String {
    let mut table =
        String::from("| name | what | shape | from | licence |\n|---|---|---|---|---|\n");
    for set in CATALOGUE {
        table += &format!(
            "| `{}` | {} | {} × {} | {} {} | {} |\n",
            set.name, set.title, set.rows, set.columns, set.package, set.version, set.licence
        );
    }
    table += "\nCitations:\n\n";
    for set in CATALOGUE {
        table += &format!("- `{}`: {}\n", set.name, set.citation);
    }
    table
}

#[test]
fn every_licence_that_asks_for_its_notice_has_it() {
    for set in CATALOGUE {
        if set.licence.starts_with("Public domain") {
            continue;
        }
        let notice = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("licences")
            .join(format!("{}.txt", set.package.to_lowercase()));
        let text = std::fs::read_to_string(&notice)
            .unwrap_or_else(|error| panic!("{}: {error}", notice.display()));
        let terms = if set.licence.starts_with("MIT") {
            "Permission is hereby granted, free of charge"
        } else {
            "Redistribution and use in source and binary forms"
        };
        assert!(text.contains(terms), "{}", notice.display());
    }
}

#[test]
fn the_readme_agrees_with_the_catalogue() {
    let readme = include_str!("../README.md");
    assert!(
        readme.contains(&table()),
        "README.md should hold\n\n{}",
        table()
    );
}

#[test]
fn the_script_names_the_same_packages_and_files() {
    let script = include_str!("../scripts/fetch.py");
    for set in CATALOGUE {
        let package = format!("\"{}\": (\"{}\", ", set.package.to_lowercase(), set.version);
        assert!(script.contains(&package), "fetch.py has no {package}");
        assert!(
            script.contains(&format!("\"data/{}\": ", set.file)),
            "fetch.py does not make {}",
            set.file
        );
    }
}

/// Runs `reads_from_course_data` below in a process of its own, with that folder as COURSE_DATA.
fn read_in(folder: &Path) -> String {
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "reads_from_course_data", "--nocapture"])
        .env("COURSE_DATA", folder)
        .env("PRINT_WHAT_LONGLEY_READS", "1")
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    let printed = String::from_utf8(run.stdout).unwrap();
    let (_, found) = printed.split_once("found: ").unwrap();
    found.lines().next().unwrap().to_owned()
}

/// By itself: a folder of one's own is read. As the child of `read_in`: prints what is found there.
#[test]
fn reads_from_course_data() {
    if std::env::var_os("PRINT_WHAT_LONGLEY_READS").is_some() {
        match datasets::longley() {
            Ok(longley) => println!("found: {} years", longley.employed.len()),
            Err(error) => println!("found: {error}"),
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("longley.csv"),
        datasets::find("longley").unwrap().read().unwrap(),
    )
    .unwrap();
    assert_eq!(read_in(folder.path()), "16 years");
}

#[test]
fn a_missing_file_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let found = read_in(folder.path());
    let path = folder.path().join("longley.csv");
    assert!(
        found.starts_with(&format!(
            "{}: the data set `longley` is not there; restore it with",
            path.display()
        )),
        "{found}"
    );
    assert!(
        found.contains("scripts/fetch.py") && found.contains("COURSE_DATA"),
        "{found}"
    );
}

#[test]
fn an_altered_file_is_named_with_both_digests() {
    let folder = tempfile::tempdir().unwrap();
    let set = datasets::find("longley").unwrap();
    let path = folder.path().join("longley.csv");
    let mut bytes = set.read().unwrap();
    *bytes.last_mut().unwrap() = b' ';
    std::fs::write(&path, &bytes).unwrap();
    let found = read_in(folder.path());
    let start = format!("{}: altered: sha256 is ", path.display());
    assert!(
        found.starts_with(&start)
            && found.contains(&format!("but the catalogue says {}", set.sha256)),
        "{found}"
    );
    // A half-written file is an altered one.
    bytes.truncate(100);
    std::fs::write(&path, &bytes).unwrap();
    assert!(read_in(folder.path()).contains("altered"));
}

#[test]
fn a_folder_in_place_of_the_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("longley.csv")).unwrap();
    assert!(read_in(folder.path()).contains("cannot be read"));
}

#[test]
fn errors_can_be_sent_and_shared() {
    fn sendable<T: Send + Sync + std::error::Error + 'static>() {}
    sendable::<DatasetError>();
}

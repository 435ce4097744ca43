//! In a session, each dependency has the version of the book's lock file.

mod common;

use common::{alone, book, write};
use kernel::{Dep, Workspace, session};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// A manifest as evcxr writes it, while it checks a `:dep` line (`package` is then its own) and for a cell.
fn manifest(package: &str, deps: &[Dep]) -> String {
    let mut text = format!(
        "[package]\nname = \"{package}\"\nversion = \"0.0.1\"\nedition = \"2024\"\n[lib]\npath = \"src/lib.rs\"\n[dependencies]\n"
    );
    for dep in deps {
        text.push_str(&format!("{} = {}\n", dep.name, dep.spec));
    }
    text
}

fn cargo(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("cargo")
        .args(args)
        .current_dir(folder)
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo {args:?} in {}: {}",
        folder.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Every package from a registry that the package in `folder` reaches, with its versions.
fn versions(folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let answer = cargo(folder, &["metadata", "--format-version=1", "--offline"]);
    let metadata: Value = serde_json::from_str(&answer).unwrap();
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        if !package["source"].is_null() {
            versions
                .entry(package["name"].as_str().unwrap().to_owned())
                .or_default()
                .insert(package["version"].as_str().unwrap().to_owned());
        }
    }
    versions
}

/// Does in a session's folder what evcxr does until a cell names `deps`: none at its start, then each alone, then all.
fn name_deps(cell: &Path, deps: &[Dep]) -> BTreeMap<String, BTreeSet<String>> {
    let path = cell.join("Cargo.toml");
    write(&path, &manifest("ctx", &[]));
    versions(cell);
    for dep in deps {
        write(
            &path,
            &manifest("evcxr_dummy_validate_dep", std::slice::from_ref(dep)),
        );
        versions(cell);
    }
    write(&path, &manifest("ctx", deps));
    versions(cell)
}

#[test]
fn the_books_own_crates_resolve_to_its_lock_file() {
    alone("the_books_own_crates_resolve_to_its_lock_file", &[], |_| {
        let ws = book();
        let folder = ws.root.join("notebooks/foundations");
        let deps = Dep::all(
            ":dep foundations = { path = \"../../lib/foundations\" }\n\
             :dep datasets = { path = \"../../lib/datasets\" }\n\
             :dep display = { path = \"../../lib/display\" }\n\
             :dep ndarray = \"0.16\"\n",
            &folder,
        )
        .unwrap();
        let session = session::prepare(&ws, Path::new("/no/kernel/needed")).unwrap();
        let found = name_deps(&session.cell, &deps);
        assert!(found.contains_key("ndarray"), "{found:?}");

        let lock = std::fs::read_to_string(ws.lock_file()).unwrap();
        for (name, versions) in found {
            for version in versions {
                let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
                assert!(
                    lock.contains(&entry),
                    "{name} {version} is not in the lock file"
                );
            }
        }
    });
}

/// Puts a version of `a` into the registry.
fn publish(folder: &Path, version: &str) {
    let krate = folder.join(format!("registry/a-{version}"));
    write(
        &krate.join("Cargo.toml"),
        &format!("[package]\nname = \"a\"\nversion = \"{version}\"\nedition = \"2021\"\n"),
    );
    write(&krate.join("src/lib.rs"), "");
    let checksum = version.replace('.', "").repeat(22)[..64].to_owned();
    write(
        &krate.join(".cargo-checksum.json"),
        &format!("{{\"files\":{{}},\"package\":\"{checksum}\"}}"),
    );
}

/// A book with one crate, `x`, which depends on `a = "1"`; of the two versions of `a` that there are, the lock file
/// holds the older.
fn book_that_holds_back(folder: &Path) -> Workspace {
    write(
        &folder.join("cargo-home/config.toml"),
        &format!(
            "[source.crates-io]\nreplace-with = \"here\"\n[source.here]\ndirectory = \"{}\"\n",
            folder.join("registry").display()
        ),
    );
    let root = folder.join("book");
    write(&root.join("book.toml"), "");
    write(
        &root.join("Cargo.toml"),
        "[workspace]\nmembers = [\"lib/x\"]\nresolver = \"3\"\n",
    );
    write(
        &root.join("lib/x/Cargo.toml"),
        "[package]\nname = \"x\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[dependencies]\na = \"1\"\n",
    );
    write(&root.join("lib/x/src/lib.rs"), "pub fn one() -> u8 { 1 }\n");
    write(
        &root.join("chapters/p/c.md"),
        "```rust,setup\n:dep x = { path = \"../../lib/x\" }\n:dep a = \"1\"\n```\n",
    );
    write(&root.join("notebooks/p/c.ipynb"), "{}");
    publish(folder, "1.0.0");
    cargo(&root, &["generate-lockfile", "--offline"]);
    publish(folder, "1.1.0");
    Workspace::find(&root).unwrap()
}

#[test]
fn a_version_held_back_stays_so() {
    let home = tempfile::tempdir().unwrap();
    // The cargo home is in the environment before the process starts, and its content comes after.
    alone(
        "a_version_held_back_stays_so",
        &[("CARGO_HOME", &home.path().join("cargo-home"))],
        |_| {
            let home = std::env::var_os("CARGO_HOME").unwrap();
            let folder = Path::new(&home).parent().unwrap().canonicalize().unwrap();
            let ws = book_that_holds_back(&folder);
            let deps = ws.deps().unwrap();
            assert_eq!(deps.len(), 2);
            let older = BTreeSet::from(["1.0.0".to_owned()]);

            let session = session::prepare(&ws, Path::new("/no/kernel/needed")).unwrap();
            let found = name_deps(&session.cell, &deps);
            assert_eq!(found["a"], older);

            // The lock file alone does not do it: this is what the seed is for.
            let bare = folder.join("bare");
            write(&bare.join("src/lib.rs"), "");
            std::fs::copy(ws.lock_file(), bare.join("Cargo.lock")).unwrap();
            assert_ne!(name_deps(&bare, &deps)["a"], older);
        },
    );
}

#[test]
fn a_chapter_that_names_a_missing_crate_keeps_no_other_from_running() {
    let home = tempfile::tempdir().unwrap();
    alone(
        "a_chapter_that_names_a_missing_crate_keeps_no_other_from_running",
        &[("CARGO_HOME", &home.path().join("cargo-home"))],
        |_| {
            let home = std::env::var_os("CARGO_HOME").unwrap();
            let folder = Path::new(&home).parent().unwrap().canonicalize().unwrap();
            let ws = book_that_holds_back(&folder);
            let deps = ws.deps().unwrap();
            write(
                &ws.root.join("chapters/p/d.md"),
                ":dep gone = { path = \"../../lib/gone\" }\n:dep unheard-of = \"1\"\n",
            );
            let session = session::prepare(&ws, Path::new("/no/kernel/needed")).unwrap();
            assert!(name_deps(&session.cell, &deps).contains_key("a"));
        },
    );
}

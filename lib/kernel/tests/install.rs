//! The kernelspec: written, found by Jupyter's rules, and taken back.

mod common;

use common::{alone, book, write};
use kernel::{KernelError, Target, install_binary, kernelspec_folder, uninstall};
use serde_json::Value;
use std::path::Path;

fn spec(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("kernel.json")).unwrap()).unwrap()
}

#[test]
fn into_a_prefix_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let built = folder.path().join("course-kernel");
    write(&built, "a binary");
    let prefix = Target::Prefix(folder.path().join("env"));

    let placed = install_binary(&book(), &built, &prefix).unwrap();
    assert_eq!(placed, folder.path().join("env/share/jupyter/kernels/rust"));
    let written = spec(&placed);
    assert_eq!(written["display_name"], "Rust (ml-fullstack)");
    assert_eq!(written["language"], "rust");
    assert_eq!(written["interrupt_mode"], "message");
    assert_eq!(
        written["env"]["COURSE_ROOT"],
        book().root.to_string_lossy().as_ref()
    );
    assert_eq!(written["argv"][1], "--control_file");
    assert_eq!(written["argv"][2], "{connection_file}");

    // The binary does not depend on target/.
    std::fs::remove_file(&built).unwrap();
    let binary = written["argv"][0].as_str().unwrap();
    assert_eq!(std::fs::read_to_string(binary).unwrap(), "a binary");

    // Once more, with a newer binary.
    write(&built, "a newer binary");
    install_binary(&book(), &built, &prefix).unwrap();
    assert_eq!(std::fs::read_to_string(binary).unwrap(), "a newer binary");

    assert_eq!(uninstall(&prefix).unwrap(), placed);
    assert!(!placed.exists());
    assert!(matches!(uninstall(&prefix), Err(KernelError::Io { .. })));
}

#[test]
fn a_kernelspec_of_another_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let built = folder.path().join("course-kernel");
    write(&built, "a binary");
    let prefix = Target::Prefix(folder.path().to_owned());
    let place = kernelspec_folder(&prefix).unwrap();
    write(&place.join("kernel.json"), "{\"display_name\": \"Rust\"}");

    assert!(matches!(
        uninstall(&prefix),
        Err(KernelError::NotOurs { .. })
    ));
    install_binary(&book(), &built, &prefix).unwrap();
    assert_eq!(spec(&place)["display_name"], "Rust (ml-fullstack)");
    install_binary(&book(), &built, &prefix).unwrap();
    uninstall(&prefix).unwrap();
    assert_eq!(spec(&place)["display_name"], "Rust");
}

#[test]
fn without_a_binary_the_error_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("course-kernel");
    let error = install_binary(&book(), &missing, &Target::Prefix(folder.path().to_owned()))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("cargo build -p kernel --features evcxr"),
        "{error}"
    );
    assert!(!folder.path().join("share").exists());
}

#[test]
fn for_the_user() {
    alone("for_the_user", &[], |folder| {
        let built = folder.join("course-kernel");
        write(&built, "a binary");
        let placed = install_binary(&book(), &built, &Target::User).unwrap();
        assert!(
            placed.starts_with(folder.join("data")),
            "{}",
            placed.display()
        );
        uninstall(&Target::User).unwrap();
        assert!(!placed.exists());
    });
}

/// evcxr rewrites the kernelspec of the user, when it starts, if its version file is not what evcxr expects.
#[test]
fn evcxr_leaves_it_as_it_is() {
    alone("evcxr_leaves_it_as_it_is", &[], |folder| {
        let Some(built) = common::binary() else {
            return;
        };
        let placed = install_binary(&book(), &built, &Target::User).unwrap();
        let before = std::fs::read(placed.join("kernel.json")).unwrap();
        let start = || {
            let output = std::process::Command::new(&built)
                .args(["--control_file", "/no/such/file"])
                .env("COURSE_STOCK", "1")
                .current_dir(folder)
                .output()
                .unwrap();
            assert!(!output.status.success());
            std::fs::read(placed.join("kernel.json")).unwrap()
        };
        assert_eq!(start(), before);
        // It would have, had the file said something else.
        write(&placed.join("version.txt"), "0");
        assert_ne!(start(), before);
    });
}

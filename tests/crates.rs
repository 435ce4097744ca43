//! The crates that are long to compile: their own tests, built with what cells depend on, once for both.
//!
//! They are members of the workspace, but not default members, so that `cargo test` builds them here alone.

mod support;

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Instant;

/// The members of the workspace that `cargo test` leaves to this test.
fn long_to_compile() -> Vec<String> {
    let manifest = support::root().join("Cargo.toml");
    let text = std::fs::read_to_string(manifest).expect("the manifest can be read");
    let manifest: toml::Table = text.parse().expect("the manifest is TOML");
    let list = |key: &str| -> BTreeSet<String> {
        let list = manifest["workspace"][key].as_array().expect("a list");
        list.iter()
            .map(|path| path.as_str().expect("a path").to_owned())
            .collect()
    };
    list("members")
        .difference(&list("default-members"))
        .map(|path| {
            let name = path.strip_prefix("lib/").expect("a crate in lib/");
            name.to_owned()
        })
        .collect()
}

#[test]
fn crates_that_are_long_to_compile_pass_their_tests() {
    let names = long_to_compile();
    assert!(!names.is_empty());
    let mut failed = Vec::new();
    for name in names {
        let began = Instant::now();
        // one at a time: crates built together share features, and would then differ from those that cells use
        let output = Command::new(env!("CARGO_BIN_EXE_course"))
            .arg("--book")
            .arg(support::root())
            .args(["cargo", "test", "--locked", "--package", &name])
            .output()
            .expect("the tool starts");
        let (stdout, stderr) = (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        );
        support::timing(&format!("the tests of {name}"), began);
        if !output.status.success() {
            eprintln!("the tests of {name} fail\n{stdout}\n{stderr}");
            failed.push(name);
            continue;
        }
        let passed: usize = stdout
            .lines()
            .filter_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next())
            .filter_map(|count| count.parse::<usize>().ok())
            .sum();
        assert!(passed > 0, "no test of {name} ran\n{stdout}\n{stderr}");
        println!("{name}: {passed} tests passed");
        // what was left out for want of a program or a model says so
        for line in stdout.lines().chain(stderr.lines()) {
            if line.starts_with("skipped: ") {
                println!("{name}: {line}");
            }
        }
    }
    assert!(failed.is_empty(), "{} failed", failed.join(", "));
}

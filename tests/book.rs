//! The book itself, as it stands in the repository: `course check` finds nothing, and every cell passes as a snippet.

use std::process::Command;

/// Runs the tool on the repository; its stdout.
fn course(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_course"))
        .args(["--book", env!("CARGO_MANIFEST_DIR")])
        .args(args)
        .output()
        .expect("the tool starts");
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert!(
        output.status.success(),
        "course {args:?} fails\n{stdout}\n{stderr}"
    );
    stdout
}

/// The cells of all chapters, by `course status`.
fn cells() -> usize {
    let rows: Vec<serde_json::Value> =
        serde_json::from_str(&course(&["status", "--json"])).expect("status prints JSON");
    rows.iter()
        .map(|row| row["cells"].as_u64().expect("a count of cells") as usize)
        .sum()
}

#[test]
fn it_has_no_fault_and_every_cell_passes() {
    course(&["check"]);
    let printed = course(&["test"]);
    let passed: usize = printed
        .lines()
        .find_map(|line| line.strip_suffix(" snippets pass")?.parse().ok())
        .unwrap_or_else(|| panic!("no count of snippets in\n{printed}"));
    // a snippet for each cell but setup, and each check once more on its solution
    assert!(
        passed * 10 >= cells() * 9,
        "{passed} snippets for {} cells",
        cells()
    );
}

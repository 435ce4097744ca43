//! `course new` on a small book.

mod small;

use small::Book;

#[test]
fn a_new_chapter_passes_what_can_be_checked_before_it_is_written() {
    let book = Book::new(&[("tiny/first.md", "# First\n")]);
    let said = book.course(&["new", "tiny/k-means"]).ok().stdout;
    for file in [
        "chapters/tiny/k-means.md",
        "lib/tiny/src/k_means.rs",
        "lib/tiny/src/lib.rs",
        "lib/tiny/tests/k_means.rs",
        "chapters/SUMMARY.md",
    ] {
        assert!(said.contains(file), "{said}");
    }
    assert!(
        book.read("chapters/SUMMARY.md")
            .contains("- [tiny/first.md](tiny/first.md)\n- [K means](tiny/k-means.md)\n")
    );
    assert!(
        book.read("lib/tiny/src/lib.rs")
            .contains("pub mod k_means;\npub mod sums;\n")
    );
    // only the run is missing
    let ran = book
        .course(&["check"])
        .fails_with(&["notebooks/tiny/k-means.ipynb: missing", "\n1 fault"]);
    assert!(
        !ran.stderr.contains("chapters/tiny/k-means.md:"),
        "{}",
        ran.stderr
    );
    // its cells compile against the crate with its new module
    book.course(&["test"]).ok();
    let tests = std::process::Command::new("cargo")
        .args(["test", "-q", "--offline", "-p", "tiny"])
        .current_dir(book.root())
        .env("CARGO_TARGET_DIR", book.path("target"))
        .output()
        .unwrap();
    assert!(
        tests.status.success(),
        "{}",
        String::from_utf8_lossy(&tests.stderr)
    );
}

#[test]
fn names_that_are_none_are_refused_and_nothing_is_written() {
    let book = Book::new(&[("tiny/first.md", "# First\n")]);
    let before = book.read("chapters/SUMMARY.md");
    for (name, want) in [
        ("k-means", "a chapter is PART/SLUG"),
        ("tiny/k means", "a chapter is PART/SLUG"),
        ("tiny/K-means", "a chapter is PART/SLUG"),
        ("tiny/../k", "a chapter is PART/SLUG"),
        ("../tiny", "a chapter is PART/SLUG"),
        ("/etc/k", "a chapter is PART/SLUG"),
        ("tiny/k/m", "a chapter is PART/SLUG"),
        ("tiny/-k", "a chapter is PART/SLUG"),
        ("tiny/4k", "a chapter is PART/SLUG"),
        ("tiny/", "a chapter is PART/SLUG"),
        ("tiny/match", "cannot be the name of a Rust module"),
        ("tiny/first", "chapters/tiny/first.md is there already"),
        ("tiny/sums", "lib/tiny/src/sums.rs is there already"),
        (
            "modern-ai/agents",
            "lib/genai, and there is no such crate yet (lib/ has tiny)",
        ),
    ] {
        book.course(&["new", name]).fails_with(&[want]);
    }
    assert_eq!(book.read("chapters/SUMMARY.md"), before);
    assert!(!book.path("chapters/tiny/sums.md").exists());
}

#[test]
fn a_chapter_that_the_summary_already_lists_is_started_in_its_place() {
    let book = Book::new(&[("tiny/first.md", "# First\n")]);
    book.edit(
        "chapters/SUMMARY.md",
        "- [",
        "- [Planned](tiny/planned.md)\n- [",
    );
    let before = book.read("chapters/SUMMARY.md");
    book.course(&["new", "tiny/planned", "--title", "Planned, and now written"])
        .ok();
    assert_eq!(book.read("chapters/SUMMARY.md"), before);
    assert!(
        book.read("chapters/tiny/planned.md")
            .contains("# Planned, and now written\n")
    );
}

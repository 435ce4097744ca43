//! `course exercise` on a small book: a reader's way through an exercise.

mod small;

use small::{Book, SETUP};

fn book() -> Book {
    let text = format!(
        "# A\n\n{SETUP}\n## Exercises\n\n### Exercise: Half\n\nWrite `half`,\nfor even numbers.\n\n```rust,exercise=a.half\nfn half(x: i64) -> i64 {{\n    todo!(\"halve\")\n}}\n```\n\n<details class=\"hint\"><summary>Hint</summary>\n\nDivide *once*.\n\n</details>\n\n```rust,check=a.half\nfor x in [2, 8] {{\n    let got: i64 = half(double(x));\n    assert!(got == x, \"half({{}}) = {{got}}, but twice {{x}} is {{}}\", double(x), double(x));\n}}\nprintln!(\"half: all properties hold\");\n```\n\n```rust,solution=a.half\nfn half(x: i64) -> i64 {{\n    x / 2\n}}\n```\n"
    );
    Book::new(&[("part/a.md", &text), ("part/b.md", "# B\n")])
}

const FILE: &str = "exercises/a.half.rs";

#[test]
fn from_the_starter_to_the_solution() {
    let book = book();
    let listed = book.course(&["exercise", "list"]).ok().stdout;
    assert!(
        listed.contains("a.half") && listed.contains("part/a") && listed.contains("Half"),
        "{listed}"
    );
    assert!(listed.ends_with("0 of 1 solved\n"), "{listed}");

    book.course(&["exercise", "check", "a.half"])
        .fails_with(&["there is no exercises/a.half.rs", "exercise start a.half"]);
    book.course(&["exercise", "start", "a.half"]).ok();
    let started = book.read(FILE);
    assert!(started.starts_with("// Half (a.half)\n// chapters/part/a.md:16\n//\n// Write `half`,\n// for even numbers.\n"), "{started}");
    assert!(started.contains("//   use tiny::{double, p};"), "{started}");
    assert!(
        started.ends_with("\nfn half(x: i64) -> i64 {\n    todo!(\"halve\")\n}\n"),
        "{started}"
    );
    book.course(&["exercise", "check", "a.half"]).fails_with(&[
        "a.half: not solved yet (exercises/a.half.rs:11)",
        "not yet implemented: halve",
    ]);

    assert_eq!(
        book.course(&["exercise", "hint", "a.half"]).ok().stdout,
        "Divide *once*.\n"
    );
    book.edit(FILE, "todo!(\"halve\")", "x / 4");
    book.course(&["exercise", "check", "a.half"]).fails_with(&[
        "not solved yet (chapters/part/a.md:30)",
        "half(4) = 1, but twice 2 is 4",
        "exercise hint a.half",
    ]);
    let listed = book.course(&["exercise", "list"]).ok().stdout;
    assert!(
        listed.contains("started") && listed.contains("0 of 1 solved"),
        "{listed}"
    );

    let solution = book.course(&["exercise", "solution", "a.half"]).ok().stdout;
    assert_eq!(solution, "fn half(x: i64) -> i64 {\n    x / 2\n}\n");
    book.edit(FILE, "x / 4", "x / 2");
    let passed = book.course(&["exercise", "check", "a.half"]).ok().stdout;
    assert_eq!(passed, "half: all properties hold\na.half: solved\n");
    assert!(
        book.course(&["exercise", "list"])
            .ok()
            .stdout
            .ends_with("1 of 1 solved\n")
    );
    // an edit after the check, of either side, and it is no longer proved
    book.edit(FILE, "x / 2", "x / 3");
    assert!(
        book.course(&["exercise", "list"])
            .ok()
            .stdout
            .ends_with("0 of 1 solved\n")
    );
}

#[test]
fn starting_never_writes_over_a_file() {
    let book = book();
    book.write(FILE, "// mine\n");
    book.course(&["exercise", "start", "a.half"])
        .fails_with(&["is there already, and is kept"]);
    assert_eq!(book.read(FILE), "// mine\n");
}

#[test]
fn errors_name_the_readers_file_and_line() {
    let book = book();
    book.write("mine.rs", "// one\nfn half(x: i64) -> i64 {\n    y\n}\n");
    book.course(&["exercise", "check", "a.half", "--file", "mine.rs"])
        .fails_with(&["mine.rs:3: error[E0425]", "--> mine.rs:3:5"]);
    book.write("mine.rs", "fn half(x: i64) -> i64 {\n");
    book.course(&["exercise", "check", "a.half", "--file", "mine.rs"])
        .fails_with(&["mine.rs:"]);
    book.write("mine.rs", "fn half() {}\n");
    book.course(&["exercise", "check", "a.half", "--file", "mine.rs"])
        .fails_with(&["chapters/part/a.md:29: error[E0061]"]);
    book.course(&["exercise", "check", "a.half", "--file", "none.rs"])
        .fails_with(&["there is no none.rs"]);
}

#[test]
fn an_endless_loop_is_ended() {
    let book = book();
    book.write(FILE, "fn half(x: i64) -> i64 { loop {} }\n");
    book.course(&["exercise", "check", "a.half", "--timeout", "1"])
        .fails_with(&["ended after 1 s", "does a loop never end"]);
}

#[test]
fn an_unknown_exercise_is_answered_with_the_known_ones() {
    book()
        .course(&["exercise", "hint", "a.third"])
        .fails_with(&["no exercise `a.third`", "a.half"]);
}

//! `course test` on small books: every cell with the state of the cells before it.

mod small;

use small::{Book, SETUP};

fn chapter(cells: &str) -> String {
    format!("# A\n\nWords.\n\n{SETUP}\n## Steps\n\n{cells}")
}

const GOOD: &str = "```rust\nlet a: i64 = double(2); // four\na\n```\n\n```rust\nlet b: Vec<i64> = vec![a, tiny::sums::sum(&[1, 2])];\nassert_eq!(b, [4, 3]);\n```\n\n```rust,should_panic\nassert_eq!(a, 5);\n```\n\n```rust,compile_fail,E0382\nlet moved: Vec<i64> = b;\nprintln!(\"{b:?}\");\n```\n\n```rust\nuse tiny::double;\nlet a: i64 = double(a);\nlet n: i64 = \"8\".parse()?;\nassert_eq!(a, n);\n```\n\n```rust,exercise=a.half\nfn half(x: i64) -> i64 {\n    todo!(\"halve\")\n}\n```\n\n```rust,check=a.half\nassert_eq!(half(8), 4, \"half(8)\");\n```\n\n```rust,solution=a.half\nfn half(x: i64) -> i64 {\n    x / 2\n}\n```\n\n```rust\nassert_eq!(half(a), 4);\n```\n";

#[test]
fn every_cell_passes_with_the_state_before_it() {
    let book = Book::new(&[("part/a.md", &chapter(GOOD))]);
    let ran = book.course(&["test"]).ok();
    // ten cells, and the check once more after the solution
    assert!(ran.stdout.contains("11 snippets pass"), "{}", ran.stdout);
    let again = book.course(&["test", "part/a"]).ok();
    assert!(
        again.stdout.contains("11 passed, 0 failed"),
        "{}",
        again.stdout
    );
}

#[test]
fn faults_name_the_chapters_own_lines() {
    let text = chapter(
        "```rust\nlet a: i64 = 1;\nassert_eq!(a, 2, \"one is not two\");\n```\n\n```rust\nlet b: i64 = 1;\n```\n",
    );
    let line = 1 + text.lines().position(|l| l == "let a: i64 = 1;").unwrap();
    let book = Book::new(&[("part/a.md", &text)]);
    book.course(&["test"]).fails_with(&[
        &format!("chapters/part/a.md:{line}: cell 2: panicked"),
        "one is not two",
    ]);

    let text = chapter("```rust\nlet a: i64 = 1;\nlet c: i64 = \"x\";\n```\n\n```rust\na\n```\n");
    let line = 1 + text.lines().position(|l| l.contains("\"x\"")).unwrap();
    book.write("chapters/part/a.md", &text);
    let ran = book.course(&["test"]).fails_with(&[
        &format!("chapters/part/a.md:{line}: cell 2: error[E0308]"),
        "1 fault\n",
    ]);
    assert!(
        ran.stderr
            .contains(&format!("--> chapters/part/a.md:{line}:14")),
        "{}",
        ran.stderr
    );

    book.write("chapters/part/a.md", &chapter("```rust\nlet = 1;\n```\n"));
    book.course(&["test"]).fails_with(&["cell 2 is not Rust"]);
}

#[test]
fn expected_failures_must_happen() {
    let book = Book::new(&[("part/a.md", "")]);
    for (cell, want) in [
        (
            "```rust,should_panic\nlet a: i64 = 1;\n```\n",
            "should have panicked",
        ),
        (
            "```rust,compile_fail,E0382\nlet a: i64 = 1;\n```\n",
            "should not compile, and does",
        ),
        (
            "```rust,compile_fail,E0382\nlet a: i64 = \"\";\n```\n",
            "should fail with E0382, and fails with E0308",
        ),
        (
            "```rust,exercise=e\nfn f() -> i64 { 1 }\n```\n\n```rust,check=e\nassert_eq!(f(), 1);\n```\n\n```rust,solution=e\nfn f() -> i64 { 1 }\n```\n",
            "should have panicked",
        ),
        (
            "```rust,exercise=e\nfn f() -> i64 { todo!() }\n```\n\n```rust,check=e\nassert_eq!(f(), 1);\n```\n\n```rust,solution=e\nfn f() -> i64 { 2 }\n```\n",
            "after the solution: panicked",
        ),
    ] {
        book.write("chapters/part/a.md", &chapter(cell));
        book.course(&["test"]).fails_with(&[want]);
    }
}

#[test]
fn a_snippet_that_never_ends_is_ended() {
    let book = Book::new(&[("part/a.md", &chapter("```rust\nloop {}\n```\n"))]);
    let start = std::time::Instant::now();
    book.course(&["test", "--timeout", "8"])
        .fails_with(&["more than 8 s"]);
    assert!(start.elapsed().as_secs() < 60);
}

#[test]
fn crates_of_one_name_and_two_versions_do_not_clash() {
    let book = Book::new(&[(
        "part/a.md",
        "# A\n\n```rust,setup\n:dep twin = { path = \"../../lib/twin1\" }\n:dep uses = { path = \"../../lib/uses\" }\nuse twin::version;\n```\n\n```rust\nassert_eq!((version(), uses::version()), (1, 2));\n```\n",
    )]);
    for n in [1, 2] {
        book.write(
            &format!("lib/twin{n}/Cargo.toml"),
            &format!("[package]\nname = \"twin\"\nversion = \"{n}.0.0\"\nedition = \"2024\"\n[workspace]\n"),
        );
        book.write(
            &format!("lib/twin{n}/src/lib.rs"),
            &format!("pub fn version() -> i64 {{ {n} }}\n"),
        );
    }
    book.write(
        "lib/uses/Cargo.toml",
        "[package]\nname = \"uses\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[dependencies]\ntwin = { path = \"../twin2\" }\n[workspace]\n",
    );
    book.write(
        "lib/uses/src/lib.rs",
        "pub fn version() -> i64 { twin::version() }\n",
    );
    book.course(&["test"]).ok();
}

#[test]
fn libraries_are_linked_anew_when_a_crate_changes_and_kept_when_not() {
    let book = Book::new(&[(
        "part/a.md",
        &chapter("```rust\nassert_eq!(double(2), 4);\n```\n"),
    )]);
    let first = book.course(&["test", "--library-path"]).ok().stdout;
    let again = book.course(&["test", "--library-path"]).ok().stdout;
    assert_eq!(first, again);
    let names: Vec<String> = std::fs::read_dir(first.trim())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    book.edit("lib/tiny/src/lib.rs", "2 * x", "3 * x");
    book.course(&["test"]).fails_with(&["panicked"]);
    assert_ne!(book.course(&["test", "--library-path"]).ok().stdout, first);
    book.edit("lib/tiny/src/lib.rs", "3 * x", "3 * y");
    book.course(&["test"])
        .fails_with(&["do not build", "lib/tiny/src/lib.rs"]);
}

#[test]
fn a_dep_that_leads_nowhere_is_named_with_its_line() {
    let book = Book::new(&[(
        "part/a.md",
        "# A\n\n```rust,setup\n:dep gone = { path = \"../../lib/gone\" }\n```\n",
    )]);
    book.course(&["test"])
        .fails_with(&["chapters/part/a.md:4: `:dep gone`: there is no crate in lib/gone"]);
}

#[test]
fn mdbook_itself_passes_the_same_snippets() {
    let book = Book::new(&[("part/a.md", &chapter(GOOD))]);
    let toml = book.read("book.toml");
    let command = env!("CARGO_BIN_EXE_course");
    book.write(
        "book.toml",
        &format!("{toml}\n[preprocessor.course]\ncommand = \"{command} preprocess\"\nbefore = [\"links\"]\n"),
    );
    let folder = book.course(&["test", "--library-path"]).ok().stdout;
    let test = || {
        let mut driver = mdbook_driver::MDBook::load(book.root()).unwrap();
        driver.test(vec![folder.trim()])
    };
    test().unwrap();
    book.edit(
        "chapters/part/a.md",
        "assert_eq!(b, [4, 3])",
        "assert_eq!(b, [4, 4])",
    );
    assert!(test().is_err());
}

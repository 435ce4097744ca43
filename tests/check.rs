//! `course check` on small books: each rule finds its fault, and a book without faults passes.

mod small;

use serde_json::json;
use small::{Book, SETUP, results};

const EXERCISE: &str = "## Exercises\n\n### Exercise: Half\n\nWrite `half`.\n\n```rust,exercise=a.half\nfn half(x: i64) -> i64 {\n    todo!(\"halve\")\n}\n```\n\n<details class=\"hint\"><summary>Hint</summary>\n\nDivide.\n\n</details>\n\n```rust,check=a.half\nassert_eq!(half(double(4)), 4, \"half(8)\");\n```\n\n```rust,solution=a.half\nfn half(x: i64) -> i64 {\n    x / 2\n}\n```\n";

fn text() -> String {
    format!(
        "---\nminutes: 5\nlevel: 1\nroles: [data-scientist]\nmodules: [tiny::sums]\n---\n# A\n\nThe sum is {{{{result sum.all .1}}}}, see [below](#more) and [the other page](b.md#b).\n\n{SETUP}\n## More\n\n```rust,name=sum\nlet xs: Vec<i64> = vec![1, 2];\nResults::new().result(\"sum.all\", tiny::sums::sum(&xs))\n```\n\n{EXERCISE}"
    )
}

const TEST: &str = "#[test]\nfn sum_of_all() {\n    Notebook::open(\"part/a\").unwrap().assert(\"sum.all\", 41.75);\n}\n";

/// A book without a fault.
fn good() -> Book {
    let book = Book::new(&[("part/a.md", &text()), ("part/b.md", "# B\n\nWords.\n")]);
    book.write("lib/tiny/tests/contract.rs", TEST);
    store(&book);
    book
}

fn store(book: &Book) {
    book.store("part/a.md", &[(1, results(&[("sum.all", 41.75)]))]);
}

#[test]
fn a_book_without_faults_passes_and_proves_its_exercises_once() {
    let book = good();
    let ran = book.course(&["check"]).ok();
    assert!(ran.stdout.contains("2 chapters checked"), "{}", ran.stdout);
    // what was proved is looked up: a proof that is written over is believed
    let proofs: Vec<_> = std::fs::read_dir(book.path("target/snippets/proofs"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    assert_eq!(proofs.len(), 2, "{proofs:?}");
    for proof in proofs {
        std::fs::write(proof, "{\"Passed\":\"\"}").unwrap();
    }
    book.course(&["check", "part/a"])
        .fails_with(&["the starter already passes its check"]);
}

/// A change to the book, and what `check` must say of it.
struct Case {
    file: &'static str,
    from: &'static str,
    to: &'static str,
    wants: &'static [&'static str],
    /// The notebook is stored again after the change, so that it is fresh.
    fresh: bool,
}

const fn case(
    file: &'static str,
    from: &'static str,
    to: &'static str,
    wants: &'static [&'static str],
) -> Case {
    Case {
        file,
        from,
        to,
        wants,
        fresh: true,
    }
}

#[test]
fn each_rule_finds_its_fault() {
    let a = "chapters/part/a.md";
    let cases = [
        case(
            a,
            "Write `half`.",
            "```\ncode\n```",
            &["a.md:27: a fence without a language never runs"],
        ),
        case(
            a,
            "sum.all .1",
            "sum.alll",
            &["a.md:9: no cell gives the result `sum.alll`; did you mean `sum.all`?"],
        ),
        case(
            a,
            "sum.all .1",
            "sum.all x",
            &["a.md:9: {{result sum.all}}"],
        ),
        case(
            "lib/tiny/tests/contract.rs",
            "sum.all",
            "other",
            &[
                "a.md:20: the result `sum.all` has no test",
                "Notebook::open(\"part/a\")",
            ],
        ),
        case(
            "lib/tiny/tests/contract.rs",
            "part/a",
            "part/b",
            &["the result `sum.all` has no test"],
        ),
        case(
            a,
            "modules: [tiny::sums]",
            "modules: [tiny::summs]",
            &["a.md:5: module `tiny::summs` does not exist"],
        ),
        case(
            a,
            "modules: [tiny::sums]\n",
            "",
            &["`modules` in the front matter names no module"],
        ),
        case(a, "level: 1", "level: 7", &["a.md:3: `level` is 1, 2 or 3"]),
        case(
            a,
            "[data-scientist]",
            "[wizard]",
            &["a.md:4: unknown role `wizard`"],
        ),
        case(
            a,
            "level: 1",
            "data: [nowhere]",
            &["a.md:3: no data set `nowhere`", "mnist"],
        ),
        case(
            a,
            "level: 1",
            "author: me",
            &["a.md:3: front matter: unknown field `author`"],
        ),
        case(a, "(#more)", "(#less)", &["a.md:9: dead anchor #less"]),
        case(a, "(b.md#b)", "(b.md#c)", &["a.md:9: dead anchor b.md#c"]),
        case(
            a,
            "(b.md#b)",
            "(c.md)",
            &["a.md:9: dead link c.md: there is no chapters/part/c.md"],
        ),
        case(a, "(b.md#b)", "(../../../x)", &["leads out of the project"]),
        case(
            a,
            "Write `half`.",
            "![words](no.png)",
            &["a.md:27: dead image no.png"],
        ),
        case(
            a,
            "Write `half`.",
            "<img src=\"../SUMMARY.md\">",
            &["a.md:27: an `<img>` without alt text"],
        ),
        case(
            a,
            "Write `half`.",
            "See [it][nowhere].",
            &["a.md:27: `[nowhere]` is defined nowhere"],
        ),
        case(
            a,
            "Write `half`.",
            "It is 41.8 in all.",
            &[
                "a.md:27: `41.8` is typed, and the result `sum.all` has that value",
                "{{result sum.all .1}}",
            ],
        ),
        case(
            a,
            "let xs: Vec<i64> = vec![1, 2];",
            "let xs = &vec![1, 2];",
            &["a.md:19: `xs` is a borrow", "vec![1, 2].clone()"],
        ),
        case(
            a,
            "```rust,setup",
            "```rust,setup,name=sum",
            &["a.md:18: a second cell named `sum`; the first is in line 11"],
        ),
        case(
            a,
            "Write `half`.",
            "```rust\nlet = 3;\n```",
            &["a.md:28: cell 3 is not Rust"],
        ),
        case(
            a,
            "../../lib/tiny",
            "../lib/tiny",
            &["a.md:12: `:dep tiny`: there is no crate in chapters/lib/tiny"],
        ),
        case(
            a,
            "<details class=\"hint\">",
            "<details>",
            &["exercise `a.half` has no hint"],
        ),
        case(
            a,
            "rust,check=a.half",
            "rust",
            &["exercise `a.half` has no check"],
        ),
        case(
            a,
            "exercise=a.half",
            "exercise=a.other",
            &[
                "exercise `a.other` has no check",
                "solution of `a.half`, which is no exercise",
            ],
        ),
        case(
            a,
            "todo!(\"halve\")",
            "x / 2",
            &["a.md:30: exercise `a.half`: the starter already passes"],
        ),
        case(
            a,
            "    x / 2",
            "    x / 3",
            &["exercise `a.half`: the solution fails its check", "half(8)"],
        ),
        case(
            a,
            "    x / 2",
            "    y / 2",
            &[
                "a.md:47: exercise `a.half`: the solution does not compile",
                "E0425",
            ],
        ),
        case(
            a,
            "todo!(\"halve\")",
            "xs[0]",
            &["the starter does not compile with the setup cells alone"],
        ),
        case(
            "chapters/SUMMARY.md",
            "- [part/b.md](part/b.md)",
            "",
            &["chapters/part/b.md: chapters/SUMMARY.md does not list it"],
        ),
        case(
            "chapters/SUMMARY.md",
            "(part/b.md)",
            "(part/c.md)",
            &[
                "chapters/SUMMARY.md:4: there is no file chapters/part/c.md",
                "course new part/c",
            ],
        ),
    ];
    let book = good();
    for case in cases {
        let before = book.read(case.file);
        book.edit(case.file, case.from, case.to);
        if case.fresh && case.file == a && book.project().chapter("part/a.md".as_ref()).is_ok() {
            // a chapter whose crate is gone has no key: its notebook stays as it was
            let _ = std::panic::catch_unwind(|| store(&book));
        }
        let ran = book.course(&["check"]).fails_with(case.wants);
        assert!(
            ran.stderr.trim_end().ends_with("fault") || ran.stderr.trim_end().ends_with("faults")
        );
        book.write(case.file, &before);
        store(&book);
    }
    book.course(&["check"]).ok();
}

#[test]
fn notebooks_must_be_there_and_fresh_and_of_the_chapters_text() {
    let book = good();
    let notebook = "notebooks/part/a.ipynb";
    let stored = book.read(notebook);

    std::fs::remove_file(book.path(notebook)).unwrap();
    book.course(&["check"])
        .fails_with(&["notebooks/part/a.ipynb: missing", "course run part/a"]);

    book.write(notebook, "{ no json");
    book.course(&["check"])
        .fails_with(&["notebooks/part/a.ipynb:1: not a notebook"]);

    book.write(notebook, &stored);
    book.edit(
        "lib/tiny/src/sums.rs",
        "xs.iter().sum()",
        "xs.iter().copied().sum()",
    );
    book.course(&["check"])
        .fails_with(&["chapters/part/a.md: stale: lib/tiny changed"]);
    book.edit(
        "lib/tiny/src/sums.rs",
        "xs.iter().copied().sum()",
        "xs.iter().sum()",
    );

    book.edit("chapters/part/a.md", "Write `half`.", "Write it.");
    book.course(&["check"]).fails_with(&[
        "chapters/part/a.md:23: this prose differs from the notebook's cell 5",
        "course sync",
    ]);
    book.edit("chapters/part/a.md", "Write it.", "Write `half`.");

    book.edit(notebook, "vec![1, 2]", "vec![1, 3]");
    book.course(&["check"])
        .fails_with(&["chapters/part/a.md:19: this cell differs"]);
}

#[test]
fn stored_figures_need_words() {
    let book = good();
    for (html, fails) in [
        (
            "<figure><svg role=\"img\" viewBox=\"0 0 1 1\"></svg></figure>",
            true,
        ),
        (
            "<figure><svg role=\"img\" aria-label=\"A rising line\"></svg></figure>",
            false,
        ),
    ] {
        let mut bundle = results(&[("sum.all", 41.75)]);
        bundle["text/html"] = json!(html);
        book.store("part/a.md", &[(1, bundle)]);
        let ran = book.course(&["check"]);
        if fails {
            ran.fails_with(&["chapters/part/a.md:19: cell `sum` shows a figure without alt text"]);
        } else {
            ran.ok();
        }
    }
}

#[test]
fn a_figure_that_failed_to_display_is_found() {
    let book = good();
    for (plain, html, fails) in [
        ("Figure { title: \"a\", parts: [] }", None, true),
        ("Ok(Figure { title: \"a\", parts: [] })", None, true),
        // a display of one's own that is well
        ("Figure { title: \"a\" }", Some("<p>a</p>"), false),
        ("Figure 1", None, false),
    ] {
        let mut bundle = results(&[("sum.all", 41.75)]);
        bundle["text/plain"] = json!(plain);
        if let Some(html) = html {
            bundle["text/html"] = json!(html);
        }
        book.store("part/a.md", &[(1, bundle)]);
        let ran = book.course(&["check"]);
        if fails {
            ran.fails_with(&[
                "chapters/part/a.md:19: cell `sum` shows the fields of a `Figure` where it should be drawn",
            ]);
        } else {
            ran.ok();
        }
    }
}

#[test]
fn an_exercise_id_is_unique_in_the_book() {
    let book = good();
    let other = text().replace("a.half", "b.half");
    book.write("chapters/part/b.md", &other.replace("b.half", "a.half"));
    book.course(&["check"]).fails_with(&[
        "chapters/part/b.md:29: exercise `a.half` is also in chapters/part/a.md:29",
        "an id begins with the chapter's name, `b.`",
    ]);
}

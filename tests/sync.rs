//! `course sync` on a small book: edits of either side reach the other, and none is lost.

mod small;

use serde_json::{Value, json};
use small::{Book, results};

const TEXT: &str = "---\nminutes: 5\n---\n# A\n\nThe sum is {{result sum.all .1}}.\n\n```rust,name=one\nlet a: i64 = 1;\n```\n\nBetween.\n\n````rust,volatile\nlet b: i64 = 2;\n````\n\n\n```rust\nlet c: i64 = 3;\n```\n\n### Exercise: E\n\n```rust,exercise=a.e\nfn e() {}\n```\n\n```rust,check=a.e\ne();\n```\n\n```rust,solution=a.e\nfn e() { }\n```\n\nThe end.\n";

const CHAPTER: &str = "chapters/part/a.md";
const NOTEBOOK: &str = "notebooks/part/a.ipynb";

fn book() -> Book {
    let book = Book::new(&[("part/a.md", TEXT)]);
    let plain = |text: &str| json!({ "text/plain": text });
    book.store(
        "part/a.md",
        &[
            (0, results(&[("sum.all", 41.75)])),
            (1, plain("two")),
            (2, plain("three")),
            (5, plain("solved")),
        ],
    );
    book
}

/// Changes the notebook as JSON, and saves it as Jupyter does.
fn in_jupyter(book: &Book, edit: impl FnOnce(&mut Vec<Value>)) {
    let mut json: Value = serde_json::from_str(&book.read(NOTEBOOK)).unwrap();
    edit(json["cells"].as_array_mut().unwrap());
    json["metadata"]["language_info"]["version"] = json!("1.95.0");
    book.write(NOTEBOOK, &serde_json::to_string_pretty(&json).unwrap());
}

fn cells(book: &Book) -> Vec<Value> {
    let json: Value = serde_json::from_str(&book.read(NOTEBOOK)).unwrap();
    json["cells"].as_array().unwrap().clone()
}

fn source(cell: &Value) -> String {
    match &cell["source"] {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().unwrap_or_default().to_string(),
    }
}

/// The place of the cell that holds a text.
fn at(cells: &[Value], text: &str) -> usize {
    cells
        .iter()
        .position(|c| source(c).contains(text))
        .unwrap_or_else(|| panic!("no cell holds {text:?}"))
}

fn sync(book: &Book) -> String {
    let said = book.course(&["sync"]).ok().stdout;
    // and then both sides are the same, and nothing more is to do
    let project = book.project();
    let chapter = project.chapter("part/a.md".as_ref()).unwrap();
    let notebook = course::notebook::load(&project, &chapter.path)
        .unwrap()
        .unwrap();
    assert_eq!(course::sync::difference(&chapter, &notebook), None);
    assert_eq!(course::sync::would_lose(&chapter, &notebook), None);
    let (text, stored) = (book.read(CHAPTER), book.read(NOTEBOOK));
    assert_eq!(
        book.course(&["sync"]).ok().stdout,
        "chapters/part/a.md: in step\n"
    );
    assert_eq!((book.read(CHAPTER), book.read(NOTEBOOK)), (text, stored));
    said
}

#[test]
fn nothing_to_do_writes_nothing() {
    let book = book();
    let before = (book.read(CHAPTER), book.read(NOTEBOOK));
    assert_eq!(sync(&book), "chapters/part/a.md: in step\n");
    assert_eq!((book.read(CHAPTER), book.read(NOTEBOOK)), before);
}

#[test]
fn a_notebook_saved_by_jupyter_is_no_edit() {
    let book = book();
    in_jupyter(&book, |cells| {
        for (i, cell) in cells.iter_mut().enumerate() {
            cell["metadata"]["collapsed"] = json!(true);
            cell["metadata"]["scrolled"] = json!(false);
            cell["metadata"]["editable"] = json!(true);
            cell["metadata"]["slideshow"] = json!({ "slide_type": "" });
            cell["metadata"]["execution"] =
                json!({ "iopub.execute_input": "2026-01-01T00:00:00.000000Z" });
            if cell["cell_type"] == "code" {
                cell["execution_count"] = json!(i + 40);
            }
        }
        // Jupyter leaves an empty cell at the end
        cells.push(json!({ "cell_type": "code", "id": "0a1b2c3d", "metadata": {}, "execution_count": null, "source": [], "outputs": [] }));
    });
    let saved = book.read(NOTEBOOK);
    assert_eq!(
        book.course(&["sync"]).ok().stdout,
        "chapters/part/a.md: in step\n"
    );
    assert_eq!(book.read(CHAPTER), TEXT);
    assert_eq!(book.read(NOTEBOOK), saved);
    // what Jupyter added is still there when an edit is carried
    in_jupyter(&book, |cells| {
        let b = at(cells, "let b");
        cells[b]["source"] = json!(["let b: i64 = 20;"]);
    });
    sync(&book);
    let now = cells(&book);
    let b = &now[at(&now, "let b")];
    assert_eq!(b["metadata"]["slideshow"], json!({ "slide_type": "" }));
    assert_eq!(b["metadata"]["collapsed"], json!(true));
    let json: Value = serde_json::from_str(&book.read(NOTEBOOK)).unwrap();
    assert_eq!(json["metadata"]["language_info"]["version"], "1.95.0");
}

#[test]
fn an_edit_in_jupyter_changes_that_cell_of_the_chapter_alone() {
    let book = book();
    in_jupyter(&book, |cells| {
        let b = at(cells, "let b");
        cells[b]["source"] = json!(["let b: i64 = 20;\n", "let d: &'static str = \"```\";"]);
    });
    let said = sync(&book);
    assert!(
        said.contains("notebook → chapter: a code cell (line 15)"),
        "{said}"
    );
    let want = TEXT.replace(
        "let b: i64 = 2;",
        "let b: i64 = 20;\nlet d: &'static str = \"```\";",
    );
    assert_eq!(book.read(CHAPTER), want);

    in_jupyter(&book, |cells| {
        let prose = at(cells, "The sum");
        let text = source(&cells[prose]).replace("The sum is", "All of it is");
        assert!(
            text.contains(">41.8</span>") || text.contains("41.8"),
            "{text}"
        );
        cells[prose]["source"] = json!([text]);
    });
    sync(&book);
    assert_eq!(
        book.read(CHAPTER),
        want.replace("The sum is", "All of it is")
    );
    // the outputs of a run in Jupyter are Jupyter's: they stay
    assert_eq!(
        cells(&book)
            .iter()
            .filter(|c| c["outputs"].as_array().is_some_and(|o| !o.is_empty()))
            .count(),
        4
    );
}

#[test]
fn an_edit_of_the_chapter_drops_the_outputs_that_no_longer_stand() {
    let book = book();
    let before = cells(&book);
    book.edit(CHAPTER, "let b: i64 = 2;", "let b: i64 = 22;");
    book.edit(CHAPTER, "Between.", "In between.");
    book.edit(CHAPTER, "rust,name=one", "rust,name=one,hide");
    let said = sync(&book);
    assert!(
        said.contains("chapter → notebook: a code cell (line 15)"),
        "{said}"
    );
    let now = cells(&book);
    assert_eq!(source(&now[at(&now, "let b")]), "let b: i64 = 22;");
    assert_eq!(source(&now[at(&now, "between")]), "In between.");
    let ids = |cells: &[Value]| cells.iter().map(|c| c["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&now), ids(&before));
    let outputs = |text: &str| now[at(&now, text)]["outputs"].as_array().unwrap().len();
    assert_eq!(
        (outputs("let a"), outputs("let b"), outputs("let c")),
        (1, 0, 0)
    );
    assert_eq!(
        now[at(&now, "let a")]["metadata"]["course"]["fence"],
        "rust,name=one,hide"
    );
}

#[test]
fn cells_that_are_new_deleted_or_moved_in_jupyter() {
    let book = book();
    in_jupyter(&book, |cells| {
        let b = at(cells, "let b");
        let mut copy = cells[at(cells, "let a")].clone();
        copy["id"] = json!("copied");
        copy["source"] = json!("let a2: i64 = 4;");
        cells.insert(b + 1, copy);
        cells.insert(b + 2, json!({ "cell_type": "markdown", "id": "words", "metadata": {}, "source": "New words." }));
        cells.insert(b + 3, json!({ "cell_type": "code", "id": "deps", "metadata": {}, "execution_count": null, "source": ":dep tiny = { path = \"../../lib/tiny\" }", "outputs": [] }));
    });
    let said = sync(&book);
    assert!(
        said.contains("cell 5 added") && said.contains("cell 6 added"),
        "{said}"
    );
    let want = TEXT.replace(
        "````\n\n\n```rust\nlet c",
        "````\n\n```rust\nlet a2: i64 = 4;\n```\n\nNew words.\n\n```rust,setup\n:dep tiny = { path = \"../../lib/tiny\" }\n```\n\n```rust\nlet c",
    );
    assert_eq!(book.read(CHAPTER), want);

    in_jupyter(&book, |cells| {
        cells.remove(at(cells, "let a2"));
        cells.remove(at(cells, "New words"));
        cells.remove(at(cells, ":dep"));
        let b = cells.remove(at(cells, "let b"));
        let c = at(cells, "let c");
        cells.insert(c + 1, b);
    });
    sync(&book);
    let want = TEXT.replace(
        "````rust,volatile\nlet b: i64 = 2;\n````\n\n\n```rust\nlet c: i64 = 3;\n```",
        "```rust\nlet c: i64 = 3;\n```\n\n````rust,volatile\nlet b: i64 = 2;\n````",
    );
    assert_eq!(book.read(CHAPTER), want);
    let now = cells(&book);
    assert!(at(&now, "let c") < at(&now, "let b"));
    assert_eq!(
        now[at(&now, "let b")]["outputs"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn cells_that_are_new_deleted_or_moved_in_the_chapter() {
    let book = book();
    let before = cells(&book);
    book.edit(CHAPTER, "Between.\n", "```rust\nlet n: i64 = 9;\n```\n");
    book.edit(CHAPTER, "```rust\nlet c: i64 = 3;\n```\n\n", "");
    book.edit(CHAPTER, "The end.\n", "```rust\nlet c: i64 = 3;\n```\n");
    sync(&book);
    let now = cells(&book);
    let texts: Vec<String> = now.iter().map(source).collect();
    assert!(
        !texts
            .iter()
            .any(|t| t.contains("Between") || t.contains("The end")),
        "{texts:?}"
    );
    assert_eq!(at(&now, "let c"), now.len() - 1);
    // a moved cell is the same cell; what follows the new one has no output
    assert_eq!(
        now[at(&now, "let c")]["id"],
        before[at(&before, "let c")]["id"]
    );
    assert_eq!(now[at(&now, "let b")]["outputs"], json!([]));
    assert_eq!(
        now[at(&now, "let a")]["outputs"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn edits_of_both_sides_in_different_cells_meet() {
    let book = book();
    book.edit(CHAPTER, "let a: i64 = 1;", "let a: i64 = 10;");
    book.edit(CHAPTER, "The end.", "The very end.");
    in_jupyter(&book, |cells| {
        let c = at(cells, "let c");
        cells[c]["source"] = json!("let c: i64 = 30;");
        cells.insert(c + 1, json!({ "cell_type": "code", "id": "x", "metadata": {}, "execution_count": null, "source": "let x: i64 = 5;", "outputs": [] }));
    });
    sync(&book);
    let want = TEXT
        .replace("let a: i64 = 1;", "let a: i64 = 10;")
        .replace("The end.", "The very end.")
        .replace(
            "let c: i64 = 3;\n```\n",
            "let c: i64 = 30;\n```\n\n```rust\nlet x: i64 = 5;\n```\n",
        );
    assert_eq!(book.read(CHAPTER), want);
    let now = cells(&book);
    assert!(source(&now[at(&now, "very end")]).contains("The very end."));
}

#[test]
fn both_sides_in_one_cell_is_a_conflict_that_loses_nothing() {
    let book = book();
    book.edit(CHAPTER, "let b: i64 = 2;", "let b: i64 = 21;");
    book.edit(CHAPTER, "The end.", "My end.");
    in_jupyter(&book, |cells| {
        let b = at(cells, "let b");
        cells[b]["source"] = json!("let b: i64 = 22;");
    });
    let before = (book.read(CHAPTER), book.read(NOTEBOOK));
    book.course(&["sync"]).fails_with(&[
        "chapters/part/a.md:15: changed here and in the notebook's cell 4: nothing is written",
        "chapter:\n      let b: i64 = 21;",
        "notebook:\n      let b: i64 = 22;",
        "--take",
        "1 fault\n",
    ]);
    assert_eq!((book.read(CHAPTER), book.read(NOTEBOOK)), before);

    book.course(&["sync", "--take", "notebook"]).ok();
    assert!(
        book.read(CHAPTER).contains("let b: i64 = 22;") && book.read(CHAPTER).contains("My end.")
    );
    book.write(CHAPTER, &before.0);
    book.write(NOTEBOOK, &before.1);
    book.course(&["sync", "part/a", "--take", "chapter"]).ok();
    let now = cells(&book);
    assert_eq!(source(&now[at(&now, "let b")]), "let b: i64 = 21;");
    assert_eq!(book.read(CHAPTER), before.0);
    sync(&book);
}

#[test]
fn the_same_edit_on_both_sides_is_none() {
    let book = book();
    book.edit(CHAPTER, "let b: i64 = 2;", "let b: i64 = 22;");
    in_jupyter(&book, |cells| {
        let b = at(cells, "let b");
        cells[b]["source"] = json!("let b: i64 = 22;");
    });
    book.course(&["sync"]).ok();
    sync(&book);
}

#[test]
fn deleted_here_and_changed_there_is_a_conflict() {
    let book = book();
    book.edit(CHAPTER, "let c: i64 = 3;", "let c: i64 = 33;");
    in_jupyter(&book, |cells| {
        cells.remove(at(cells, "let c"));
    });
    book.course(&["sync"]).fails_with(&[
        "changed here and deleted in the notebook",
        "notebook: deleted",
    ]);

    let book = self::book();
    book.edit(CHAPTER, "```rust\nlet c: i64 = 3;\n```\n\n", "");
    in_jupyter(&book, |cells| {
        let c = at(cells, "let c");
        cells[c]["source"] = json!("let c: i64 = 33;");
    });
    book.course(&["sync"])
        .fails_with(&["was changed, and deleted here", "chapter: deleted"]);
}

#[test]
fn what_a_chapter_cannot_hold_is_refused() {
    for (cell, want) in [
        (
            json!({ "cell_type": "markdown", "id": "m", "metadata": {}, "source": "x\n\n```rust\nlet q = 1;\n```" }),
            "holds a ```rust fence",
        ),
        (
            json!({ "cell_type": "markdown", "id": "m", "metadata": {}, "source": "```text\nnever closed" }),
            "never closed",
        ),
        (
            json!({ "cell_type": "raw", "id": "m", "metadata": {}, "source": "raw" }),
            "is a raw cell",
        ),
        (
            json!({ "cell_type": "code", "id": "m", "metadata": { "course": { "fence": "rust,nonsense" } }, "execution_count": null, "source": "1", "outputs": [] }),
            "unknown attribute",
        ),
    ] {
        let book = book();
        in_jupyter(&book, |cells| cells.push(cell));
        let before = (book.read(CHAPTER), book.read(NOTEBOOK));
        book.course(&["sync"])
            .fails_with(&["notebooks/part/a.ipynb", want]);
        assert_eq!((book.read(CHAPTER), book.read(NOTEBOOK)), before);
    }
}

#[test]
fn an_edit_of_a_repeated_check_is_reported() {
    let book = book();
    in_jupyter(&book, |cells| {
        let last = cells
            .iter()
            .rposition(|c| source(c).contains("e();"))
            .unwrap();
        cells[last]["source"] = json!("e(); e();");
    });
    book.course(&["sync"]).fails_with(&[
        "chapters/part/a.md:30: the notebook's cell 10 repeats this check, and was edited",
    ]);
}

#[test]
fn a_notebook_without_the_common_state_is_compared_as_it_is() {
    let book = book();
    let forget = |book: &Book| {
        let mut json: Value = serde_json::from_str(&book.read(NOTEBOOK)).unwrap();
        json["metadata"].as_object_mut().unwrap().remove("course");
        book.write(NOTEBOOK, &serde_json::to_string_pretty(&json).unwrap());
    };
    forget(&book);
    sync(&book);
    assert_eq!(book.read(CHAPTER), TEXT);
    forget(&book);
    book.edit(CHAPTER, "let b: i64 = 2;", "let b: i64 = 22;");
    book.course(&["sync"]).fails_with(&["chapters/part/a.md:15: differs from the notebook's cell 4, and the notebook does not say which side changed"]);
    book.course(&["sync", "--take", "chapter"]).ok();
    sync(&book);
}

#[test]
fn ids_that_an_old_jupyter_dropped_are_found_again_by_text() {
    let book = book();
    let mut json: Value = serde_json::from_str(&book.read(NOTEBOOK)).unwrap();
    for cell in json["cells"].as_array_mut().unwrap() {
        cell.as_object_mut().unwrap().remove("id");
    }
    json["nbformat_minor"] = json!(4);
    book.write(NOTEBOOK, &serde_json::to_string_pretty(&json).unwrap());
    book.course(&["sync"]).ok();
    assert_eq!(book.read(CHAPTER), TEXT);
    sync(&book);
}

#[test]
fn a_chapter_without_a_notebook_says_so() {
    let book = Book::new(&[("part/a.md", TEXT)]);
    let said = book.course(&["sync"]).ok().stdout;
    assert!(said.contains("no notebook yet"), "{said}");
}

#[test]
fn text_that_a_run_would_lose_is_found() {
    let book = book();
    let state = |book: &Book| {
        let project = book.project();
        let chapter = project.chapter("part/a.md".as_ref()).unwrap();
        let notebook = course::notebook::load(&project, &chapter.path)
            .unwrap()
            .unwrap();
        course::sync::would_lose(&chapter, &notebook)
    };
    book.edit(CHAPTER, "let b: i64 = 2;", "let b: i64 = 22;");
    assert_eq!(state(&book), None);
    in_jupyter(&book, |cells| {
        let b = at(cells, "let b");
        cells[b]["source"] = json!("let b: i64 = 22;");
        cells.remove(at(cells, "let c"));
    });
    assert_eq!(state(&book), None);
    in_jupyter(&book, |cells| {
        let b = at(cells, "Between");
        cells[b]["source"] = json!("Betwixt.");
    });
    assert_eq!(state(&book), Some(3));
}

#[test]
fn cells_moved_on_both_sides_in_two_ways_are_a_conflict() {
    let book = book();
    let a = "```rust,name=one\nlet a: i64 = 1;\n```\n\n";
    book.edit(CHAPTER, a, "");
    book.edit(CHAPTER, "### Exercise: E", &format!("{a}### Exercise: E"));
    in_jupyter(&book, |cells| {
        let c = cells.remove(at(cells, "let c"));
        cells.insert(0, c);
    });
    let before = (book.read(CHAPTER), book.read(NOTEBOOK));
    book.course(&["sync"])
        .fails_with(&["moved here and in the notebook, in two ways", "--take"]);
    assert_eq!((book.read(CHAPTER), book.read(NOTEBOOK)), before);
    book.course(&["sync", "--take", "notebook"]).ok();
    sync(&book);
    let text = book.read(CHAPTER);
    assert!(text.contains("let c: i64 = 3;\n```\n\n# A"), "{text}");
}

//! The page: small books rendered by the binary, and what stands in their HTML.

mod small;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use course::notebook::{Answer, compose, save, segments};
use serde_json::{Value, json};
use small::Book;

const CHAPTER: &str = r#"---
level: 2
minutes: 40
roles: [ml-engineer]
modules: [tiny::sums]
data: [auto]
---
# On $x_*$ and sums

The sum is {{result sum.all .2}}, in words {{result sum.words}}; as a formula $s_{*} = {{result sum.all .1}} < 50$. See [the cell](#cell-sum) and [the twin](b.md#b).

```rust,setup
:dep tiny = { path = "../../lib/tiny" }
use tiny::{double, p};
```

| symbol | is |
|---|---|
| $a_1 * b_2$ | a *product* with $\vert x \vert$ |

$$
\begin{aligned} s &= \sum_{i=1}^n x_i \\ &< \infty \end{aligned}
$$

```rust,name=sum
let s: i64 = tiny::sums::sum(&[1, 2]);
p("s");
```

```rust,setup
use std::fmt;
```

```rust,hide,volatile
p("hidden");
```

```rust,compile_fail,E0382
let a: String = String::new();
let b: String = a;
p(&a);
```

```rust,exercise=a.half
fn half(x: i64) -> i64 { todo!() }
```

<details class="hint"><summary>Hint</summary>

Divide *once*.

</details>

```rust,check=a.half
assert_eq!(half(2), 1);
```

```rust,solution=a.half
fn half(x: i64) -> i64 { x / 2 }
```
"#;

/// Segments of [`CHAPTER`] that run, in order: setup, sum, setup, hidden, compile_fail, starter, check,
/// solution, check again.
const RUNS: usize = 9;

fn stream(name: &str, text: &str) -> Value {
    json!({ "output_type": "stream", "name": name, "text": text })
}

fn shown(data: Value) -> Value {
    json!({ "output_type": "display_data", "metadata": {}, "data": data })
}

/// Stores a notebook as a run would: outputs by the position among the cells that run.
fn store(book: &Book, chapter: &str, outputs: &[(usize, Value)]) {
    let project = book.project();
    let chapter = project.chapter(Path::new(chapter)).expect("the chapter");
    let parts = course::fresh::parts(&project, &chapter).expect("its parts");
    let mut run = 0;
    let answers: Vec<Option<Answer>> = segments(&chapter)
        .iter()
        .map(|segment| {
            segment.runs()?;
            let own = outputs.iter().filter(|(at, _)| *at == run);
            let outputs = own
                .map(|(_, o)| serde_json::from_value(o.clone()).expect("an output"))
                .collect();
            run += 1;
            Some(Answer {
                execution_count: Some(run + 1).and_then(|n| i32::try_from(n).ok()),
                outputs,
            })
        })
        .collect();
    let record = json!({ "key": parts.key(), "parts": parts.to_json(), "at": "2026-01-02T03:04:05Z", "rustc": "1.95.0", "cold_s": 1.5, "cells_s": 2.25 });
    let notebook = compose(&chapter, None, &answers, &Default::default(), Some(record));
    save(&project, &chapter.path, &notebook).expect("the notebook");
}

fn outputs() -> Vec<(usize, Value)> {
    let results = json!({ "version": 1, "results": {
        "sum.all": { "value": 41.756, "tolerance": { "relative": 1e-9 } },
        "sum.words": { "value": "*many* `[x](y)` <b>", "tolerance": "exact" },
    }});
    let long: String = (1..=60).map(|i| format!("line {i}\n")).collect();
    vec![
        (
            1,
            stream(
                "stdout",
                "<script>alert(1)</script> **not bold** {{#include /etc/hostname}}\n\nafter a blank line\n",
            ),
        ),
        (
            1,
            shown(json!({
                "text/html": "<figure class=\"course-figure\"><svg viewBox=\"0 0 1 1\">\n\n<path d=\"M0 0\"/></svg></figure>",
                "application/vnd.ml-fullstack.results+json": results,
                "text/plain": "a figure",
            })),
        ),
        (3, stream("stdout", &long)),
        (
            4,
            json!({ "output_type": "error", "ename": "Error", "evalue": "moved",
            "traceback": ["\u{1b}[31m[E0382]\u{1b}[0m borrow of moved value: `a`"] }),
        ),
        (
            6,
            stream("stderr", "thread panicked at half: not yet implemented\n"),
        ),
        (8, stream("stdout", "half: all properties hold\n")),
    ]
}

fn book() -> Book {
    let book = Book::new(&[
        ("index.md", "# The book\n"),
        ("part/a.md", CHAPTER),
        ("part/b.md", "# B\n\nBack to [A](a.md#cell-sum).\n"),
    ]);
    store(&book, "part/a.md", &outputs());
    book
}

fn built(book: &Book) -> String {
    book.course(&["build"]).ok();
    book.read("book/part/a.html")
}

/// The text between two marks, the first time they stand.
#[track_caller]
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text
        .split_once(from)
        .unwrap_or_else(|| panic!("no {from:?}"));
    rest.split_once(to)
        .unwrap_or_else(|| panic!("no {to:?} after {from:?}"))
        .0
}

#[test]
fn results_and_formulas_stand_in_the_prose() {
    let html = built(&book());
    assert!(
        html.contains("data-result=\"sum.all\">41.76</span>"),
        "{html}"
    );
    // a result's text is text, whatever Markdown would make of it
    assert!(html.contains("*many* `[x](y)` &lt;b&gt;</span>"), "{html}");
    let formula = between(&html, "as a formula ", ". See");
    assert!(
        formula.starts_with("<math") && formula.contains("41.8"),
        "{formula}"
    );
    assert!(
        formula.contains("<mo>&lt;</mo>") && formula.contains("<mi>∗</mi>"),
        "{formula}"
    );
    assert!(
        html.contains("<span class=\"math-block alone\"><math display=\"block\">"),
        "{html}"
    );
    assert!(html.contains("<em>product</em>"), "{html}");
    assert!(
        !html.contains("$") || !html.contains("\\sum"),
        "LaTeX is left: {html}"
    );
    // the heading keeps the anchor that links to it use
    assert!(html.contains("id=\"on-x_-and-sums\""), "{html}");
}

#[test]
fn outputs_stand_under_their_cells_and_can_do_nothing() {
    let html = built(&book());
    let cell = between(&html, "id=\"cell-sum\"", "class=\"cell setup\"");
    assert!(
        cell.contains(
            "&lt;script&gt;alert(1)&lt;/script&gt; **not bold** {{#include /etc/hostname}}"
        ),
        "{cell}"
    );
    assert!(cell.contains("after a blank line"), "{cell}");
    assert!(cell.contains("<path d=\"M0 0\"/>"), "{cell}");
    assert!(
        !cell.contains("vnd.ml-fullstack") && !cell.contains("a figure"),
        "{cell}"
    );
    assert!(
        cell.contains("href=\"../source/tiny/sums.html#L4\""),
        "{cell}"
    );
    let hidden = between(&html, "<summary>Code, 1 line</summary>", "class=\"cell\"");
    assert!(
        hidden.contains("Differs from run to run") && hidden.contains("44 more lines"),
        "{hidden}"
    );
    let moved = between(&html, "Expected to fail to compile: E0382.", "</div>");
    assert!(
        moved.contains("<span class=\"ansi-red\">[E0382]</span>"),
        "{moved}"
    );
}

#[test]
fn exercises_fold_their_solution_and_say_what_the_check_says() {
    let html = built(&book());
    let check = between(&html, "id=\"check-a.half\"", "id=\"solution-a.half\"");
    assert!(
        check.contains("On the starter, the check says:") && check.contains("not yet implemented"),
        "{check}"
    );
    let (_, solution) = html
        .split_once("id=\"solution-a.half\"")
        .expect("a solution");
    assert!(
        solution.contains("<details class=\"solution\"><summary>Solution</summary>"),
        "{solution}"
    );
    assert!(
        solution.contains("On the solution, the check says:")
            && solution.contains("all properties hold")
    );
    assert!(html.contains("cargo course exercise check a.half"));
    assert!(html.contains("Divide <em>once</em>"));
    assert!(html.contains("<summary>Setup, 1 line</summary>"));
    assert_eq!(
        html.matches("<details").count(),
        html.matches("</details>").count()
    );
}

#[test]
fn the_head_names_time_roles_data_and_the_notebook() {
    let book = book();
    let html = built(&book);
    let head = between(&html, "class=\"chapter-meta\"", "</div>");
    for want in [
        "40 minutes",
        "Level 2 of 3",
        "ML engineers",
        "<b>auto</b>",
        "BSD-3-Clause",
        "href=\"http://localhost:8888/lab/tree/notebooks/part/a.ipynb\"",
        "href=\"../notebooks/part/a.ipynb\" download",
    ] {
        assert!(head.contains(want), "no {want} in {head}");
    }
    assert_eq!(
        book.read("book/notebooks/part/a.ipynb"),
        book.read("notebooks/part/a.ipynb")
    );
    assert!(html.contains("Outputs made 2026-01-02 · 1.95.0"), "{html}");
    assert!(!html.contains("minutes: 40"), "front matter is left");
    book.write(
        "book.toml",
        "[book]\ntitle = \"Small\"\nsrc = \"chapters\"\n\n[preprocessor.course]\ncommand = \"false\"\njupyter = \"https://hub.example.org/tree/\"\n",
    );
    let html = built(&book);
    assert!(
        html.contains("href=\"https://hub.example.org/tree/notebooks/part/a.ipynb\""),
        "{html}"
    );
}

#[test]
fn source_pages_stand_and_every_internal_link_leads_somewhere() {
    let book = book();
    book.write("lib/tiny/src/sums.rs", "//! Sums, see [`crate::double`] and [`sum`].\n\n/// The sum of $x$; [`Vec`].\n///\n/// # Examples\n/// ```\n/// assert_eq!(tiny::sums::sum(&[1]), 1);\n/// ```\npub fn sum(xs: &[i64]) -> i64 {\n    xs.iter().sum()\n}\n");
    store(&book, "part/a.md", &outputs());
    book.course(&["build"]).ok();
    let source = book.read("book/source/tiny/sums.html");
    assert!(
        source.contains("id=\"L9\"") && source.contains("<span class=\"hljs-title\">sum</span>"),
        "{source}"
    );
    assert!(
        source.contains("const path_to_root = \"../../\""),
        "{source}"
    );
    assert!(
        source.contains("href=\"../../source/tiny.html#L6\""),
        "{source}"
    );
    let checked = check_links(&book.path("book"));
    assert!(checked > 40, "only {checked} links were checked");
}

/// Every `href` and `src` of every page, followed inside the site; returns how many.
fn check_links(site: &Path) -> usize {
    let pages = course::render::site::pages(site).expect("pages");
    let ids = |html: &str| -> BTreeSet<String> {
        html.split(" id=\"")
            .skip(1)
            .filter_map(|p| p.split('"').next())
            .map(str::to_string)
            .collect()
    };
    let mut checked = 0;
    for page in &pages {
        if page.ends_with("404.html") {
            continue; // its addresses count from the root of a host
        }
        let html = std::fs::read_to_string(page).expect("a page");
        for attribute in [" href=\"", " src=\""] {
            for part in html.split(attribute).skip(1) {
                let target = part.split('"').next().unwrap_or("");
                if target.contains("://") || target.starts_with("data:") || target.is_empty() {
                    continue;
                }
                let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
                let file = match path {
                    "" => page.clone(),
                    path => page.parent().expect("a folder").join(path),
                };
                let file = file
                    .canonicalize()
                    .unwrap_or_else(|_| panic!("{}: dead link {target}", page.display()));
                if !anchor.is_empty() && file.extension().is_some_and(|e| e == "html") {
                    let there = std::fs::read_to_string(&file).expect("a page");
                    assert!(
                        ids(&there).contains(anchor),
                        "{}: dead anchor {target}",
                        page.display()
                    );
                }
                checked += 1;
            }
        }
    }
    checked
}

#[test]
fn faults_are_named_with_their_line_and_leave_the_last_good_site() {
    let book = book();
    let good = built(&book);
    let cases = [
        (
            "sum.all .2",
            "sum.none .2",
            "chapters/part/a.md:10: no cell gives the result `sum.none`",
        ),
        (
            "sum.all .2",
            "sum.all .x",
            "chapters/part/a.md:10: unknown format `.x`",
        ),
        (
            "sum.all .2",
            "sum.words .2",
            "chapters/part/a.md:10: the format `.2` needs a number",
        ),
        (
            "a_1 * b_2",
            "\\\\frac{1}",
            "chapters/part/a.md:19: the formula",
        ),
        (
            "\\infty \\end{aligned}",
            "\\infty",
            "chapters/part/a.md:21: the formula",
        ),
        (
            "fn half(x: i64) -> i64 { x / 2 }\n```",
            "fn half",
            "chapters/part/a.md:58: this fence is never closed",
        ),
    ];
    for (from, to, want) in cases {
        book.edit("chapters/part/a.md", from, &to.replace("\\\\", "\\"));
        book.course(&["build"]).fails_with(&[want]);
        assert_eq!(book.read("book/part/a.html"), good, "{want}");
        book.write("chapters/part/a.md", CHAPTER);
    }
    let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with(".book-");
    let left = std::fs::read_dir(book.root())
        .expect("the book")
        .flatten()
        .filter(|e| hidden(&e.file_name()));
    assert_eq!(left.count(), 0, "a half-made site is left");
    // the index too
    book.edit("chapters/SUMMARY.md", "(part/b.md)", "(part/c.md)");
    book.course(&["build"])
        .fails_with(&["chapters/SUMMARY.md:5: chapters/part/c.md does not exist"]);
}

#[test]
fn a_stale_chapter_is_refused_or_shown_as_such() {
    let book = book();
    book.edit("chapters/part/a.md", "p(\"hidden\")", "p(\"changed\")");
    book.course(&["build"]).fails_with(&[
        "chapters/part/a.md: stale: a code cell changed",
        "cargo course run part/a",
    ]);
    assert!(!book.path("book").exists());
    book.course(&["build", "--allow-stale"]).ok();
    let html = book.read("book/part/a.html");
    assert!(
        html.contains("older than what they depend on: a code cell changed"),
        "{html}"
    );
    assert!(html.contains("Not run since this cell changed"), "{html}");
    assert!(
        html.contains("after a blank line"),
        "the outputs of other cells stay"
    );
    assert!(
        !html.contains("44 more lines"),
        "an output of other code is shown"
    );
    // never run at all
    std::fs::remove_dir_all(book.path("notebooks")).expect("removed");
    book.course(&["build"])
        .fails_with(&["stale: it has not been run"]);
    book.course(&["build", "--allow-stale"]).ok();
    let html = book.read("book/part/a.html");
    assert!(
        html.contains("Not run yet") && !html.contains("class=\"out\""),
        "{html}"
    );
    assert!(html.contains("class=\"result not-run\""), "{html}");
}

#[test]
fn build_writes_where_it_is_told_and_over_nothing_else() {
    let book = book();
    book.course(&["build", "--out", "site/deep"]).ok();
    assert!(book.path("site/deep/index.html").is_file() && !book.path("book").exists());
    book.write("mine/thesis.txt", "years of work");
    book.course(&["build", "--out", "mine"])
        .fails_with(&["mine: is not empty and holds no built book"]);
    assert_eq!(book.read("mine/thesis.txt"), "years of work");
}

#[test]
fn a_bad_notebook_is_named() {
    let book = book();
    book.write("notebooks/part/a.ipynb", "{\n \"cells\": [\n");
    book.course(&["build", "--allow-stale"])
        .fails_with(&["notebooks/part/a.ipynb:3: not a notebook"]);
}

/// What stock mdBook does with the preprocessor: `supports`, then the book on stdin.
#[test]
fn the_preprocessor_speaks_as_mdbook_asks() {
    let book = book();
    book.course(&["preprocess", "supports", "html"]).ok();
    assert_eq!(
        book.course(&["preprocess", "supports", "epub"]).code,
        Some(1)
    );
    let pages = json!({ "items": [{ "Chapter": {
        "name": "A", "content": CHAPTER, "number": [1], "sub_items": [],
        "path": "part/a.md", "source_path": "part/a.md", "parent_names": [],
    }}]});
    let context = json!({ "root": book.root(), "config": { "book": { "title": "Small", "src": "chapters" } }, "renderer": "html", "mdbook_version": "0.5.4" });
    let mut child = Command::new(env!("CARGO_BIN_EXE_course"))
        .arg("preprocess")
        .current_dir(book.root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let input = json!([context, pages]).to_string();
    child
        .stdin
        .take()
        .expect("stdin")
        .write_all(input.as_bytes())
        .expect("written");
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success());
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON on stdout alone");
    let content = answer["items"][0]["Chapter"]["content"]
        .as_str()
        .expect("content");
    assert!(
        content.contains("<path d=\"M0 0\"/>") && !content.contains("<x-s"),
        "{content}"
    );
    // no blank line ends an HTML block early, and nothing is left for mdBook's own `{{#include}}`
    for line in content
        .lines()
        .filter(|l| l.starts_with("</details><p") || l.contains("class=\"out\""))
    {
        assert!(!line.contains("{{"), "{line}");
        assert_eq!(
            line.matches("<pre").count(),
            line.matches("</pre>").count(),
            "{line}"
        );
    }
    let mut html = String::new();
    pulldown_cmark::html::push_html(
        &mut html,
        pulldown_cmark::Parser::new_ext(
            content,
            course::chapter::markdown_options() - pulldown_cmark::Options::ENABLE_MATH,
        ),
    );
    assert!(
        html.contains("&lt;script&gt;alert(1)") && html.contains("after a blank line"),
        "{html}"
    );
    assert!(!html.contains("<strong>not bold"), "{html}");
    let sources = answer["items"].as_array().expect("items").iter();
    let names: Vec<&str> = sources
        .filter_map(|i| i["Chapter"]["path"].as_str())
        .collect();
    assert!(names.contains(&"source/tiny/sums.md"), "{names:?}");
}

/// `course serve` on a free port, ended when dropped.
struct Server {
    child: std::process::Child,
    port: u16,
}

impl Server {
    fn start(book: &Book, args: &[&str]) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_course"))
            .args(["serve", "--port", "0", "--no-open"])
            .args(args)
            .current_dir(book.root())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout"))
            .read_line(&mut line)
            .expect("a line");
        let port = between(&line, "http://127.0.0.1:", "/")
            .parse()
            .expect("a port");
        Server { child, port }
    }

    /// Sends a request as it is; the status line and the rest.
    fn raw(&self, request: &str) -> (u16, String) {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.port)).expect("connected");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a timeout");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .unwrap_or(0);
        (status, answer)
    }

    fn get(&self, path: &str) -> (u16, String) {
        self.raw(&format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n",
            self.port
        ))
    }

    fn wait_for(&self, path: &str, what: &str) -> String {
        let start = Instant::now();
        loop {
            let (_, page) = self.get(path);
            if page.contains(what) {
                return page;
            }
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "{path} never held {what:?}: {page}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it as Ctrl-C does; it must go at once and cleanly.
    fn end(mut self) -> String {
        let id = i32::try_from(self.child.id()).expect("an id");
        // SAFETY: the process is ours and has not been waited for
        unsafe { libc::kill(id, libc::SIGINT) };
        let start = Instant::now();
        while self.child.try_wait().expect("a state").is_none() {
            assert!(
                start.elapsed() < Duration::from_secs(15),
                "serve does not end"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut errors = String::new();
        let _ = self
            .child
            .stderr
            .take()
            .expect("stderr")
            .read_to_string(&mut errors);
        errors
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn serve_answers_its_own_pages_to_its_own_names() {
    let book = book();
    let server = Server::start(&book, &["--no-run"]);
    let (status, page) = server.get("/part/a.html");
    assert_eq!(status, 200);
    let head = page.split("\r\n\r\n").next().unwrap_or("").to_lowercase();
    assert!(
        head.contains("content-type: text/html; charset=utf-8")
            && head.contains("cache-control: no-cache"),
        "{head}"
    );
    assert!(page.contains("EventSource") && page.contains("41.76"));
    assert_eq!(server.get("/").0, 200);
    let (status, notebook) = server.get("/notebooks/part/a.ipynb");
    assert!(status == 200 && notebook.contains("application/x-ipynb+json"));
    let (status, missing) = server.get("/part/none.html");
    assert!(status == 404 && missing.contains("<main>"), "{missing}");
    for path in [
        "/../chapters/part/a.md",
        "/%2e%2e/book.toml",
        "/part/..%2f..%2fbook.toml",
        "/.nojekyll",
    ] {
        assert_eq!(server.get(path).0, 404, "{path}");
    }
    for host in [
        "evil.example",
        &format!("evil.example:{}", server.port),
        "127.0.0.1.evil.example",
        "",
    ] {
        let (status, _) = server.raw(&format!(
            "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        ));
        assert_eq!(status, 403, "{host:?}");
    }
    let (status, _) = server.raw(&format!(
        "GET / HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n",
        server.port
    ));
    assert_eq!(status, 200);
    let (status, _) = server.raw(&format!(
        "POST / HTTP/1.1\r\nHost: localhost:{}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        server.port
    ));
    assert_eq!(status, 405);
    let taken = book.course(&["serve", "--no-open", "--port", &server.port.to_string()]);
    taken.fails_with(&["cannot be opened", "--port"]);
    server.end();
}

#[test]
fn serve_renders_again_on_change_and_keeps_the_last_good_page_on_a_fault() {
    let book = book();
    let server = Server::start(&book, &["--no-run"]);
    let (_, before) = server.get("/part/b.html");
    let mark = between(&before, "mark=", "&").to_string();
    // an open page waits for its own change alone
    let events = format!(
        "GET /course/events?page=%2Fpart%2Fb.html&mark={mark} HTTP/1.1\r\nHost: localhost:{}\r\n\r\n",
        server.port
    );
    let mut waiting = std::net::TcpStream::connect(("127.0.0.1", server.port)).expect("connected");
    waiting.write_all(events.as_bytes()).expect("sent");
    waiting
        .set_read_timeout(Some(Duration::from_millis(300)))
        .expect("a timeout");
    let mut said = String::new();
    let mut listen = |until: Duration| {
        let start = Instant::now();
        let mut got = [0; 4096];
        while start.elapsed() < until && !said.contains("event: reload") {
            let n = waiting.read(&mut got).unwrap_or(0);
            said.push_str(&String::from_utf8_lossy(&got[..n]));
        }
        said.contains("event: reload")
    };
    book.edit("chapters/part/a.md", "The sum is", "The total is");
    server.wait_for("/part/a.html", "The total is");
    assert!(
        !listen(Duration::from_millis(700)),
        "a page that has not changed reloads"
    );
    book.edit("chapters/part/b.md", "Back to", "Forth to");
    server.wait_for("/part/b.html", "Forth to");
    assert!(
        listen(Duration::from_secs(20)),
        "a page that has changed does not reload"
    );
    // a fault keeps the page, and mending it brings the next one
    book.edit(
        "chapters/part/a.md",
        "{{result sum.all .2}}",
        "{{result sum.none}}",
    );
    std::thread::sleep(Duration::from_millis(1500));
    let (status, page) = server.get("/part/a.html");
    assert!(status == 200 && page.contains("The total is") && page.contains("41.76"));
    book.edit(
        "chapters/part/a.md",
        "{{result sum.none}}",
        "{{result sum.all .3}}",
    );
    server.wait_for("/part/a.html", "41.756");
    let errors = server.end();
    assert!(
        errors.contains("chapters/part/a.md:10: no cell gives the result `sum.none`"),
        "{errors}"
    );
    assert!(errors.contains("the last good pages stay"), "{errors}");
}

#[test]
fn serve_starts_on_a_faulty_book_and_comes_alive() {
    let book = book();
    book.edit(
        "chapters/part/a.md",
        "{{result sum.all .2}}",
        "{{result sum.none}}",
    );
    let server = Server::start(&book, &["--no-run"]);
    let (status, page) = server.get("/");
    assert!(
        status == 200 && page.contains("chapters/part/a.md:10: no cell gives the result"),
        "{page}"
    );
    book.edit(
        "chapters/part/a.md",
        "{{result sum.none}}",
        "{{result sum.all}}",
    );
    server.wait_for("/part/a.html", "41.756");
    server.end();
}

/// A stale chapter is run behind the pages; where no kernel can be had, its page says why.
#[test]
fn serve_says_why_a_stale_chapter_could_not_be_run() {
    let book = book();
    book.edit("chapters/part/a.md", "p(\"hidden\")", "p(\"changed\")");
    let server = Server::start(&book, &[]);
    let page = server.wait_for("/part/a.html", "class=\"banner\"");
    assert!(page.contains("Stale (a code cell changed)"), "{page}");
    let (_, other) = server.get("/part/b.html");
    assert!(
        !other.contains("class=\"banner\""),
        "a fresh page bears a banner"
    );
    server.end();
}

#[test]
fn all_of_the_chapter_is_covered() {
    let book = book();
    let chapter = book
        .project()
        .chapter(&PathBuf::from("part/a.md"))
        .expect("the chapter");
    assert_eq!(
        segments(&chapter)
            .iter()
            .filter(|s| s.runs().is_some())
            .count(),
        RUNS
    );
}

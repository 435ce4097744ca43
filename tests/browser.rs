//! Every page of the book in Chromium: nothing is fetched from elsewhere, no error is logged, nothing is
//! wider than a phone, nothing moves by itself, and all text can be read, in light and in dark.
#![cfg(unix)]

mod small;
mod support;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long one page may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The browser, spoken to through its debugging pipe.
struct Browser {
    child: Child,
    commands: File,
    answers: Receiver<Value>,
    events: VecDeque<Value>,
    session: Option<String>,
    last: u64,
    _profile: tempfile::TempDir,
}

fn pipe() -> (OwnedFd, OwnedFd) {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for the two descriptors, which are owned from here on
    unsafe {
        assert_eq!(
            libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC),
            0,
            "no pipe"
        );
        (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1]))
    }
}

impl Browser {
    fn start(program: &Path) -> Browser {
        let profile = tempfile::tempdir().expect("a profile folder");
        let (theirs_in, ours_out) = pipe();
        let (ours_in, theirs_out) = pipe();
        let (read, write) = (theirs_in.as_raw_fd(), theirs_out.as_raw_fd());
        let mut command = Command::new(program);
        command
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ])
            .args([
                "--disable-default-apps",
                "--disable-extensions",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // SAFETY: only calls that may follow a fork; the browser expects its pipe at 3 and 4
        unsafe {
            command.pre_exec(move || {
                let high_read = libc::fcntl(read, libc::F_DUPFD, 10);
                let high_write = libc::fcntl(write, libc::F_DUPFD, 10);
                if high_read < 0
                    || high_write < 0
                    || libc::dup2(high_read, 3) < 0
                    || libc::dup2(high_write, 4) < 0
                {
                    return Err(std::io::Error::last_os_error());
                }
                libc::close(high_read);
                libc::close(high_write);
                Ok(())
            });
        }
        let child = command.spawn().expect("the browser starts");
        drop((theirs_in, theirs_out));
        let (tell, answers) = channel();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(File::from(ours_in));
            loop {
                let mut message = Vec::new();
                match reader.read_until(0, &mut message) {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
                message.pop();
                if let Ok(value) = serde_json::from_slice(&message)
                    && tell.send(value).is_err()
                {
                    return;
                }
            }
        });
        let mut browser = Browser {
            child,
            commands: File::from(ours_out),
            answers,
            events: VecDeque::new(),
            session: None,
            last: 0,
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let session = browser.call(
            "Target.attachToTarget",
            json!({ "targetId": target["targetId"], "flatten": true }),
        );
        browser.session = session["sessionId"].as_str().map(str::to_string);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Sends a command and waits for its result; events that come meanwhile are kept.
    #[track_caller]
    fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = session.clone().into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.commands
            .write_all(&bytes)
            .expect("the browser listens");
        let start = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(start.elapsed());
            let answer = self
                .answers
                .recv_timeout(left)
                .unwrap_or_else(|e| panic!("no answer to {method}: {e}"));
            if answer["id"] == self.last {
                assert!(
                    answer.get("error").is_none(),
                    "{method}: {}",
                    answer["error"]
                );
                return answer["result"].clone();
            }
            self.events.push_back(answer);
        }
    }

    /// Loads a page, and returns the events up to a moment after it is loaded.
    fn load(&mut self, address: &str) -> Vec<Value> {
        self.events.clear();
        let gone = self.call("Page.navigate", json!({ "url": address }));
        assert!(
            gone.get("errorText").is_none(),
            "{address}: {}",
            gone["errorText"]
        );
        let start = Instant::now();
        while !self
            .events
            .iter()
            .any(|e| e["method"] == "Page.loadEventFired")
        {
            let left = PATIENCE.saturating_sub(start.elapsed());
            let event = self.answers.recv_timeout(left);
            self.events
                .push_back(event.unwrap_or_else(|e| panic!("{address} never loads: {e}")));
        }
        // what scripts do after the load
        self.evaluate("new Promise((done) => setTimeout(done, 60))");
        std::mem::take(&mut self.events).into()
    }

    #[track_caller]
    fn evaluate(&mut self, script: &str) -> Value {
        let result = self.call(
            "Runtime.evaluate",
            json!({ "expression": script, "awaitPromise": true, "returnByValue": true }),
        );
        assert!(
            result.get("exceptionDetails").is_none(),
            "{}",
            result["exceptionDetails"]
        );
        result["result"]["value"].clone()
    }

    fn width(&mut self, width: u32) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": 844, "deviceScaleFactor": 1, "mobile": false }),
        );
    }

    /// What is loaded arrives at this many bytes a second; without a number as fast as it can.
    fn throughput(&mut self, bytes: Option<u32>) {
        self.call(
            "Network.emulateNetworkConditions",
            json!({
                "offline": false, "latency": 0, "uploadThroughput": -1,
                "downloadThroughput": bytes.map_or(-1, i64::from),
            }),
        );
    }

    fn scheme(&mut self, scheme: &str) {
        self.call(
            "Emulation.setEmulatedMedia",
            json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
        );
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `course serve` on a book.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(book: &Path) -> Server {
        let mut child = support::tool()
            .args(["serve", "--port", "0", "--no-open", "--no-run"])
            .current_dir(book)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("stdout"));
        output.read_line(&mut line).expect("a line");
        let port = line
            .split("127.0.0.1:")
            .nth(1)
            .and_then(|r| r.split('/').next())
            .and_then(|p| p.parse().ok())
            .unwrap_or_else(|| panic!("no port in {line:?}"));
        std::thread::spawn(move || {
            let mut rest = Vec::new();
            let _ = output.read_to_end(&mut rest);
        });
        Server { child, port }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn chromium() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    named.filter(|p| p.is_file()).or_else(|| {
        ["chromium", "chromium-browser", "google-chrome"]
            .iter()
            .flat_map(|name| std::env::split_paths(&paths).map(move |dir| dir.join(name)))
            .find(|p| p.is_file())
    })
}

/// Things in the page wider than the window, unless they scroll in a box of their own.
const TOO_WIDE: &str = r#"(() => {
    const scrolls = (e) => ["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(e).overflowX);
    const found = [];
    for (const e of document.querySelectorAll("main, main *, .menu-bar, .nav-wrapper")) {
        const r = e.getBoundingClientRect();
        if (r.width === 0 || r.right <= innerWidth + 1) continue;
        let box = e.parentElement;
        while (box && !(box.tagName === "MAIN" || box === document.body) && !scrolls(box)) box = box.parentElement;
        if (box && box !== document.body && box.tagName !== "MAIN") continue;
        found.push(`<${e.localName} class="${e.getAttribute("class") || ""}"> reaches ${Math.round(r.right)}: ${e.textContent.trim().slice(0, 40)}`);
        if (found.length > 4) break;
    }
    if (document.documentElement.scrollWidth > innerWidth) found.push(`the page is ${document.documentElement.scrollWidth} wide`);
    return found;
})()"#;

/// Text whose contrast with its ground is below AA: 4.5, or 3 for large text.
const HARD_TO_READ: &str = r#"(() => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const rgba = (colour) => {
        context.clearRect(0, 0, 1, 1);
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, ground) => top.slice(0, 3).map((c, i) => c * top[3] + ground[i] * (1 - top[3])).concat(1);
    const ground = (e) => {
        const layers = [];
        for (let a = e; a; a = a.parentElement) {
            const c = rgba(getComputedStyle(a).backgroundColor);
            layers.push(c);
            if (c[3] === 1) break;
        }
        return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255, 1]);
    };
    const light = ([r, g, b]) => {
        const part = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
    };
    const found = new Set();
    for (const e of document.querySelectorAll("main *, .menu-title, .sidebar a")) {
        const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        if (!own || !e.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
        const style = getComputedStyle(e);
        const svg = e.closest("svg");
        const below = ground(svg || e);
        const colour = over(rgba(svg ? style.fill : style.color), below);
        const [a, b] = [light(colour), light(below)].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
        if (ratio < (large ? 3 : 4.5)) {
            found.add(`<${e.localName} class="${e.getAttribute("class") || ""}"> ${ratio.toFixed(2)}: ${e.textContent.trim().slice(0, 30)}`);
        }
        if (found.size > 6) break;
    }
    return [...found];
})()"#;

/// How far the page has moved by itself since it was loaded.
const MOVED: &str = r#"new Promise((done) => {
    let sum = 0;
    const observer = new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
    });
    observer.observe({ type: "layout-shift", buffered: true });
    setTimeout(() => done(sum), 60);
})"#;

/// What went wrong while a page was loaded, from the browser's events.
fn complaints(events: &[Value], own: &str) -> Vec<String> {
    let mut found = Vec::new();
    for event in events {
        let p = &event["params"];
        match event["method"].as_str().unwrap_or("") {
            "Network.requestWillBeSent" => {
                let url = p["request"]["url"].as_str().unwrap_or("");
                if !url.starts_with(own) && !url.starts_with("data:") {
                    found.push(format!("a request to {url}"));
                }
            }
            "Network.responseReceived" => {
                let status = p["response"]["status"].as_u64().unwrap_or(0);
                if status >= 400 && p["type"] != "Document" {
                    found.push(format!("{status} for {}", p["response"]["url"]));
                }
            }
            "Network.loadingFailed" if p["canceled"] != true => {
                found.push(format!("a load failed: {}", p["errorText"]));
            }
            "Runtime.exceptionThrown" => {
                found.push(format!("an exception: {}", p["exceptionDetails"]))
            }
            "Runtime.consoleAPICalled"
                if matches!(p["type"].as_str(), Some("error" | "warning" | "assert")) =>
            {
                found.push(format!("on the console: {}", p["args"]));
            }
            "Log.entryAdded"
                if matches!(p["entry"]["level"].as_str(), Some("error" | "warning")) =>
            {
                found.push(format!(
                    "in the log: {} {}",
                    p["entry"]["text"], p["entry"]["url"]
                ));
            }
            _ => {}
        }
    }
    found
}

/// A chapter of everything that is wide, long or coloured.
const AWKWARD: &str = r#"---
level: 3
minutes: 90
roles: [ml-engineer, data-scientist, ai-engineer, mlops-engineer]
data: [auto]
---
# A title with $X^\top X \beta = X^\top y$ and Donaudampfschifffahrtsgesellschaftskapitän

A long word: Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft, a path `foundations::linear_model::FittedLinearRegression::studentized_residuals_and_more`, a [link](#cell-wide) and {{result a.value .3}}.

> A quotation with `code` and a [link](#tables).

$$
L(\beta) = \sum_{i=1}^{n} \left( y_i - x_i^\top \beta \right)^2 + \lambda \|\beta\|_2^2 + \mu \|\beta\|_1 \qquad \begin{pmatrix} 1 & 2 & 3 & 4 & 5 & 6 & 7 \\ 1 & 2 & 3 & 4 & 5 & 6 & 7 \end{pmatrix}
$$

```rust,setup
:dep tiny = { path = "../../lib/tiny" }
use tiny::{double, p};
```

```rust,name=wide
// a comment, "a string", 42, and a line that is far wider than any telephone that has been made until now
fn wide<T: Clone + Send + Sync>(x: &[f64], y: &str) -> Option<Vec<f64>> { let s: String = format!("{x:?} {y}"); todo!("{s}") }
```

## Tables

| a column | another one | and one more | with quite long headings | that do not fit | on a narrow page |
|---|---|---|---|---|---|
| 1 | 2 | 3 | $\sum_{i=1}^n x_i$ | unbreakable_identifier_of_some_length | 6 |

```rust,compile_fail,E0382
let a: String = String::new();
let b: String = a;
p(&a);
```

```console
$ cargo course run foundations/linear-algebra foundations/linear-regression --timeout 120 --kernel rust
```

- [ ] a task
- a list
  1. inside a list

A note.[^1]

[^1]: Its text.
"#;

#[test]
fn a_page_of_wide_long_and_coloured_things() {
    let book = small::Book::new(&[
        ("index.md", "# The book\n\nWords.\n"),
        ("part/a.md", AWKWARD),
    ]);
    let settings = std::fs::read_to_string(support::root().join("book.toml")).expect("book.toml");
    book.write("book.toml", &settings);
    std::fs::create_dir(book.path("src")).expect("a folder");
    std::os::unix::fs::symlink(support::root().join("src/page"), book.path("src/page"))
        .expect("a link");
    let colours: String = (30..38)
        .map(|c| format!("\u{1b}[{c}mcolour {c}\u{1b}[0m \u{1b}[1;{c}mbold\u{1b}[0m\n"))
        .collect();
    let wide = "wide ".repeat(60);
    let row = format!("<tr>{}</tr>", "<td>12345.678</td>".repeat(20));
    let long: String = (0..80).map(|i| format!("{i}\n")).collect();
    book.store(
        "part/a.md",
        &[
            (0, small::results(&[("a.value", 41.75)])),
            (
                1,
                json!({
                    "text/html": format!("<figure class=\"course-figure\"><svg role=\"img\" aria-label=\"a\" viewBox=\"0 0 2000 400\" style=\"max-width:100%;height:auto\"><text x=\"9\" y=\"30\" fill=\"var(--fig-text)\">words</text><circle cx=\"50\" cy=\"50\" r=\"9\" fill=\"var(--fig-1)\"/></svg><figcaption>{wide}</figcaption></figure><div class=\"course-table\"><table><caption>A table</caption><tbody>{row}</tbody></table></div>"),
                }),
            ),
            (2, json!({ "text/plain": format!("{colours}{wide}\n{long}") })),
        ],
    );
    look_at(book.root());
}

#[test]
fn every_page_of_the_book() {
    look_at(support::root());
}

fn size(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |found| found.len())
}

/// Loads every page of a book, in light and dark, on a phone and a desk.
fn look_at(book: &Path) {
    let Some(program) = chromium() else {
        support::skip(
            "the pages in a browser",
            "install chromium, or name one in CHROMIUM",
        );
        return;
    };
    let site = tempfile::tempdir().expect("a folder");
    let built = support::tool()
        .args(["build", "--allow-stale", "--out"])
        .arg(site.path().join("site"))
        .current_dir(book)
        .output()
        .expect("the binary runs");
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let root = site.path().join("site");
    let pages: Vec<String> = course::render::site::pages(&root)
        .expect("pages")
        .iter()
        // the frame that mdBook shows where there is no JavaScript is no page of its own
        .filter(|p| !p.ends_with("toc.html"))
        .map(|p| {
            p.strip_prefix(&root)
                .expect("below")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert!(pages.len() > 5, "{pages:?}");
    let server = Server::start(book);
    let own = format!("http://127.0.0.1:{}/", server.port);
    let mut browser = Browser::start(&program);
    let mut faults = Vec::new();
    // a page that is seen while it still arrives: short ones, since all are built alike
    browser.width(390);
    browser.throughput(Some(20_000));
    for page in pages
        .iter()
        .filter(|p| size(&root.join(p)) < 40_000)
        .take(4)
    {
        browser.load(&format!("{own}{page}"));
        let moved = browser.evaluate(MOVED).as_f64().unwrap_or(1.0);
        if moved > 0.001 {
            faults.push(format!("{page}: it moves while it arrives: {moved}"));
        }
    }
    browser.throughput(None);
    for page in &pages {
        for scheme in ["light", "dark"] {
            browser.scheme(scheme);
            browser.width(390);
            let events = browser.load(&format!("{own}{page}"));
            let mut found = complaints(&events, &own);
            let moved = browser.evaluate(MOVED).as_f64().unwrap_or(1.0);
            if moved > 0.001 {
                found.push(format!("the page moves by itself: {moved}"));
            }
            for width in [390, 1200] {
                browser.width(width);
                for wide in browser.evaluate(TOO_WIDE).as_array().into_iter().flatten() {
                    found.push(format!("at {width}: {wide}"));
                }
            }
            let dark = browser.evaluate("getComputedStyle(document.documentElement).colorScheme");
            if dark != scheme {
                found.push(format!("the page is {dark}"));
            }
            let themes: &[&str] = match scheme {
                "light" => &["light", "rust"],
                _ => &["navy", "coal", "ayu"],
            };
            for theme in themes {
                browser.evaluate(&format!(
                    "document.documentElement.classList.remove('light', 'rust', 'navy', 'coal', 'ayu'); document.documentElement.classList.add('{theme}')"
                ));
                let hard = browser.evaluate(HARD_TO_READ);
                for text in hard.as_array().into_iter().flatten() {
                    found.push(format!("contrast in {theme}: {text}"));
                }
            }
            // folded things must fit as well
            browser.width(390);
            browser.evaluate(
                "document.querySelectorAll('main details').forEach((d) => { d.open = true; })",
            );
            for wide in browser.evaluate(TOO_WIDE).as_array().into_iter().flatten() {
                found.push(format!("at 390, unfolded: {wide}"));
            }
            faults.extend(found.into_iter().map(|f| format!("{page}, {scheme}: {f}")));
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

//! `course serve`: renders, serves on loopback, re-renders on change, runs what is stale.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use notify::{RecursiveMode, Watcher};
use tokio::sync::watch;

use super::project;
use crate::chapter::Chapter;
use crate::error::{Fault, Faults};
use crate::project::Project;
use crate::render::{Kept, escape, site};
use crate::{fresh, notebook, runner};

/// Changes that come closer together than this are one change.
const QUIET: Duration = Duration::from_millis(120);
/// How long a kernel may take to end when the server does.
const GRACE: Duration = Duration::from_secs(8);

/// Arguments of `course serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo course serve --port 0 --no-open")]
pub struct Args {
    /// The port; 0 picks a free one
    #[arg(long, default_value_t = 3000)]
    pub port: u16,
    /// Do not open a browser
    #[arg(long)]
    pub no_open: bool,
    /// Show stored outputs alone: run no chapter, however stale
    #[arg(long)]
    pub no_run: bool,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, args: Args) -> anyhow::Result<ExitCode> {
    let project = project(book)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind(("127.0.0.1", args.port)))
        .map_err(|e| {
            anyhow::anyhow!(
                "port {} of this machine cannot be opened: {e}; name another with --port, or 0 for any free one",
                args.port
            )
        })?;
    let port = listener.local_addr()?.port();
    let (changed, _) = watch::channel(0u64);
    let live = Arc::new(Live {
        project,
        port,
        site: RwLock::new(None),
        kept: Kept::default(),
        banners: Mutex::new(HashMap::new()),
        changed,
    });
    live.render();
    let address = format!("http://127.0.0.1:{port}/");
    println!("the book is at {address}  (Ctrl-C ends it)");
    if !args.no_open {
        open_browser(&address);
    }
    let (wake, woken) = channel::<()>();
    let _watcher = watch_files(live.clone(), wake.clone())?;
    let runs = (!args.no_run).then(|| {
        let live = live.clone();
        std::thread::spawn(move || run_stale(&live, &woken))
    });
    let _ = wake.send(());
    drop(wake);
    runtime.block_on(async {
        tokio::select! {
            served = axum::serve(listener, router(live.clone())) => served,
            () = runner::interrupted() => Ok(()),
        }
    })?;
    // a kernel that runs has had the signal too: leave it the time to end its processes
    if let Some(runs) = runs {
        drop(_watcher);
        let patience = std::time::Instant::now();
        while !runs.is_finished() && patience.elapsed() < GRACE {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}

/// Shows the book; a machine without a browser shows the address alone.
fn open_browser(address: &str) {
    let command = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let _ = std::process::Command::new(command)
        .arg(address)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
}

/// A finished site, or why there is none yet.
enum Site {
    Stands(tempfile::TempDir),
    Faulty(String),
}

/// What the server shows, and who waits for it to change.
struct Live {
    project: Project,
    port: u16,
    site: RwLock<Option<Arc<Site>>>,
    kept: Kept,
    /// What a chapter's page says at its head, by the chapter's path.
    banners: Mutex<HashMap<PathBuf, String>>,
    changed: watch::Sender<u64>,
}

impl Live {
    fn site(&self) -> Option<Arc<Site>> {
        self.site
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Renders the book, and says whether that went well; on a fault the last good site stays.
    fn render(&self) -> bool {
        let rendered = tempfile::Builder::new()
            .prefix("course-site-")
            .tempdir()
            .map_err(|e| {
                Faults::from(Fault::file(
                    "book.toml",
                    format!("no folder to render into: {e}"),
                ))
            })
            .and_then(|dir| {
                site::render(
                    &self.project,
                    &dir.path().join("site"),
                    &site::Notes::new(),
                    &self.kept,
                )?;
                Ok(dir)
            });
        let good = rendered.is_ok();
        let site = match rendered {
            Ok(dir) => Site::Stands(dir),
            Err(faults) => {
                eprintln!("{faults}");
                if matches!(self.site().as_deref(), Some(Site::Stands(_))) {
                    eprintln!("the last good pages stay");
                    return false;
                }
                Site::Faulty(faults.to_string())
            }
        };
        *self.site.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(site));
        self.tell();
        good
    }

    fn tell(&self) {
        self.changed.send_modify(|n| *n += 1);
    }

    fn banner(&self, chapter: &Path, text: Option<String>) {
        let mut banners = self.banners.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match text.clone() {
            Some(text) => banners.insert(chapter.to_path_buf(), text),
            None => banners.remove(chapter),
        };
        drop(banners);
        if before != text {
            self.tell();
        }
    }

    /// A file of the site: what it holds, its MIME type, and whether it was found.
    fn file(&self, path: &str) -> Option<(Vec<u8>, &'static str, bool)> {
        let site = self.site()?;
        let dir = match &*site {
            Site::Stands(dir) => dir.path().join("site"),
            Site::Faulty(text) => return Some((faulty_page(text).into_bytes(), HTML, true)),
        };
        let found = inside(&dir, path).and_then(|file| {
            let file = if file.is_dir() {
                file.join("index.html")
            } else {
                file
            };
            Some((std::fs::read(&file).ok()?, file))
        });
        match found {
            Some((bytes, file)) => {
                let mime = mime(&file);
                let bytes = if mime == HTML {
                    self.with_banner(&bytes, &dir, &file)
                } else {
                    bytes
                };
                Some((bytes, mime, true))
            }
            None => {
                let page = std::fs::read(dir.join("404.html")).unwrap_or_default();
                Some((page, HTML, false))
            }
        }
    }

    fn with_banner(&self, html: &[u8], dir: &Path, file: &Path) -> Vec<u8> {
        let chapter = file.strip_prefix(dir).unwrap_or(file).with_extension("md");
        let banners = self.banners.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(text), Ok(html)) = (banners.get(&chapter), std::str::from_utf8(html)) else {
            return html.to_vec();
        };
        let banner = format!(
            "<main><div class=\"banner\" role=\"status\">{}</div>",
            escape::html(text).replace('\n', "<br>")
        );
        html.replacen("<main>", &banner, 1).into_bytes()
    }

    /// What tells two states of a page apart: all but the name of the search index, which changes with
    /// every page of the book.
    fn mark(&self, path: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        if let Some((bytes, ..)) = self.file(path) {
            let mut rest = bytes.as_slice();
            let name = b"searchindex-";
            while let Some(at) = rest.windows(name.len()).position(|w| w == name) {
                rest[..at].hash(&mut hasher);
                rest = &rest[at + name.len()..];
                let hash = rest.iter().take_while(|b| b.is_ascii_hexdigit()).count();
                rest = &rest[hash..];
            }
            rest.hash(&mut hasher);
        }
        hasher.finish()
    }
}

fn faulty_page(faults: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>The book cannot be rendered yet</title><style>body{{font:1rem/1.5 serif;max-width:50rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}}pre{{white-space:pre-wrap;overflow-wrap:anywhere}}</style></head><body><h1>The book cannot be rendered yet</h1><p>This page comes alive once the fault is mended.</p><pre>{}</pre></body></html>",
        escape::html(faults)
    )
}

const HTML: &str = "text/html; charset=utf-8";

fn mime(file: &Path) -> &'static str {
    match file.extension().and_then(|e| e.to_str()).unwrap_or("") {
        "html" => HTML,
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "ipynb" => "application/x-ipynb+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "otf" => "font/otf",
        "ttf" => "font/ttf",
        "txt" | "md" | "rs" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}

/// The file below `dir` that an address means; `None` where it leads out.
fn inside(dir: &Path, address: &str) -> Option<PathBuf> {
    let decoded = percent_decode(address)?;
    let relative = Path::new(decoded.trim_start_matches('/'));
    let is_plain = relative
        .components()
        .all(|c| matches!(c, Component::Normal(name) if !name.to_string_lossy().starts_with('.')));
    if !is_plain || decoded.contains(['\\', '\0']) {
        return None;
    }
    let full = dir.join(relative).canonicalize().ok()?;
    full.starts_with(dir.canonicalize().ok()?).then_some(full)
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        if b == b'%' {
            let (high, low) = (rest.next()?, rest.next()?);
            let digit = |b: u8| (b as char).to_digit(16);
            bytes.push((digit(high)? * 16 + digit(low)?) as u8);
        } else {
            bytes.push(b);
        }
    }
    String::from_utf8(bytes).ok()
}

fn router(live: Arc<Live>) -> axum::Router {
    axum::Router::new()
        .route("/course/events", get(events))
        .fallback(page)
        .layer(axum::middleware::from_fn_with_state(live.clone(), own_host))
        .with_state(live)
}

/// A page elsewhere may point a name of its own at this machine: only our own names are answered.
async fn own_host(
    State(live): State<Arc<Live>>,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|h| h.to_str().ok())
        .unwrap_or("");
    let name = host
        .strip_suffix(&format!(":{}", live.port))
        .unwrap_or(host);
    if !matches!(name, "127.0.0.1" | "localhost" | "[::1]") {
        return (
            StatusCode::FORBIDDEN,
            "this server answers to 127.0.0.1 and localhost alone\n",
        )
            .into_response();
    }
    next.run(request).await
}

async fn page(State(live): State<Arc<Live>>, method: Method, uri: Uri) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = uri.path().to_string();
    let shared = live.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let file = shared.file(&path);
        let mark = shared.mark(&path);
        (file, mark, path)
    })
    .await;
    let Ok((Some((bytes, mime, found)), mark, path)) = answer else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let bytes = if mime == HTML {
        with_script(bytes, &path, mark)
    } else {
        bytes
    };
    let mut headers = HeaderMap::new();
    let fixed = [
        (header::CONTENT_TYPE, mime),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // nothing on a page is fetched from anywhere but here
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; frame-ancestors 'self'; base-uri 'self'; form-action 'self'",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, axum::http::HeaderValue::from_static(value));
    }
    let status = if found {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    };
    (status, headers, Body::from(bytes)).into_response()
}

/// Adds what reloads an open page once the server has another state of it.
fn with_script(html: Vec<u8>, path: &str, mark: u64) -> Vec<u8> {
    let Ok(text) = String::from_utf8(html) else {
        return Vec::new();
    };
    let page = serde_json::to_string(path)
        .unwrap_or_default()
        .replace('<', "\\u003c");
    let script = format!(
        "<script>(() => {{ const e = new EventSource(\"/course/events?mark={mark}&page=\" + encodeURIComponent({page})); e.addEventListener(\"reload\", () => {{ e.close(); location.reload(); }}); addEventListener(\"pagehide\", () => e.close()); }})();</script>"
    );
    match text.rfind("</body>") {
        Some(at) => format!("{}{script}{}", &text[..at], &text[at..]).into_bytes(),
        None => (text + &script).into_bytes(),
    }
}

#[derive(serde::Deserialize)]
struct Watched {
    page: String,
    mark: u64,
}

/// Tells one open page when it has changed.
async fn events(
    State(live): State<Arc<Live>>,
    Query(watched): Query<Watched>,
) -> Sse<impl futures_util::Stream<Item = Result<Event, std::convert::Infallible>>> {
    let changes = live.changed.subscribe();
    let stream = futures_util::stream::unfold(
        (live, watched, changes, false),
        |(live, watched, mut changes, done)| async move {
            if done {
                return None;
            }
            loop {
                let (shared, path) = (live.clone(), watched.page.clone());
                let now = tokio::task::spawn_blocking(move || shared.mark(&path))
                    .await
                    .ok()?;
                if now != watched.mark {
                    let event = Event::default().event("reload").data("");
                    return Some((Ok(event), (live, watched, changes, true)));
                }
                changes.changed().await.ok()?;
            }
        },
    );
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// Renders again, and looks for stale chapters, when a file of the book changes.
fn watch_files(live: Arc<Live>, wake: Sender<()>) -> anyhow::Result<impl Watcher> {
    let (tell, told) = channel::<()>();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let is_change = event.is_ok_and(|e| {
            !e.kind.is_access()
                && e.paths.iter().any(|p| {
                    let name = p.file_name().and_then(|n| n.to_str()).unwrap_or("");
                    !name.starts_with('.') && !name.ends_with('~')
                })
        });
        if is_change {
            let _ = tell.send(());
        }
    })?;
    let root = &live.project.root;
    let mut watched = vec![
        root.join("chapters"),
        root.join("notebooks"),
        root.join("src/page"),
    ];
    for entry in std::fs::read_dir(root.join("lib"))
        .into_iter()
        .flatten()
        .flatten()
    {
        watched.push(entry.path().join("src"));
    }
    // a notebook may come into being while the book is open
    let _ = std::fs::create_dir_all(root.join("notebooks"));
    for folder in watched {
        if folder.is_dir() {
            watcher.watch(&folder, RecursiveMode::Recursive)?;
        }
    }
    let settings = root.join("book.toml");
    if settings.is_file() {
        watcher.watch(&settings, RecursiveMode::NonRecursive)?;
    }
    std::thread::spawn(move || {
        while told.recv().is_ok() {
            while told.recv_timeout(QUIET).is_ok() {}
            let start = std::time::Instant::now();
            if live.render() {
                eprintln!("rendered again in {:.2} s", start.elapsed().as_secs_f64());
            }
            // with --no-run nobody listens: the pages alone are kept up
            let _ = wake.send(());
        }
    });
    Ok(watcher)
}

/// Runs stale chapters one after the other, and says on their pages how it stands.
fn run_stale(live: &Live, woken: &Receiver<()>) {
    // a chapter that failed is run again once something that it depends on has changed
    let mut failed: HashMap<PathBuf, String> = HashMap::new();
    while woken.recv().is_ok() {
        while let Some((chapter, reasons, key)) = next_stale(live, &failed) {
            let why = reasons.join("; ");
            eprintln!("{}: {why}", chapter.slug());
            live.banner(
                &chapter.path,
                Some(format!("Stale ({why}): this chapter is being run. Below are the outputs of its last run.")),
            );
            let report = runner::run(
                &live.project,
                std::slice::from_ref(&chapter),
                &runner::Options::default(),
            );
            if report.interrupted {
                return;
            }
            if report.faults.is_empty() {
                failed.remove(&chapter.path);
                live.banner(&chapter.path, None);
                continue;
            }
            for fault in &report.faults {
                eprintln!("{fault}");
            }
            let said: Vec<String> = report
                .faults
                .iter()
                .map(|f| {
                    Fault {
                        detail: None,
                        ..f.clone()
                    }
                    .to_string()
                })
                .collect();
            live.banner(
                &chapter.path,
                Some(format!(
                    "Stale ({why}): its last run failed.\n{}",
                    said.join("\n")
                )),
            );
            failed.insert(chapter.path.clone(), key);
        }
    }
}

/// The first chapter that is stale and has not failed as it stands; chapters that are fresh again lose
/// their banner.
fn next_stale(
    live: &Live,
    failed: &HashMap<PathBuf, String>,
) -> Option<(Chapter, Vec<String>, String)> {
    for entry in live.project.entries().ok()? {
        let Ok(chapter) = live.project.chapter(&entry.path) else {
            continue;
        };
        if chapter.cells.is_empty() {
            continue;
        }
        let judged = notebook::load(&live.project, &chapter.path)
            .and_then(|n| fresh::of(&live.project, &chapter, n.as_ref()));
        match judged {
            Ok(f) if f.fresh => live.banner(&chapter.path, None),
            Ok(f) => {
                let key = fresh::parts(&live.project, &chapter)
                    .map(|p| p.key())
                    .unwrap_or_default();
                if failed.get(&chapter.path) != Some(&key) {
                    return Some((chapter, f.reasons, key));
                }
            }
            Err(fault) => {
                let text = fault.to_string();
                let said = live
                    .banners
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get(&chapter.path)
                    .cloned();
                if said.as_deref() != Some(text.as_str()) {
                    eprintln!("{text}");
                    live.banner(&chapter.path, Some(text));
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stay_inside_the_site() {
        let dir = tempfile::tempdir().unwrap();
        let site = dir.path().join("site");
        std::fs::create_dir_all(site.join("a b")).unwrap();
        std::fs::write(site.join("a b/c.html"), "x").unwrap();
        std::fs::write(site.join(".hidden"), "x").unwrap();
        std::fs::write(dir.path().join("secret"), "x").unwrap();
        assert!(inside(&site, "/a%20b/c.html").is_some());
        for out in [
            "/../secret",
            "/%2e%2e/secret",
            "/a%20b/../../secret",
            "/a%20b/..%2f..%2fsecret",
            "//etc/passwd",
            "/.hidden",
            "/..\\secret",
            "/%00",
            "/%zz",
            "/%ff",
        ] {
            assert_eq!(inside(&site, out), None, "{out}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path().join("secret"), site.join("link")).unwrap();
            assert_eq!(inside(&site, "/link"), None);
        }
    }

    #[test]
    fn the_script_cannot_be_left_by_an_address() {
        let html = with_script(b"<body></body>".to_vec(), "/</script><b>\"", 7);
        let html = String::from_utf8(html).unwrap();
        assert_eq!(html.matches("</script>").count(), 1, "{html}");
        assert!(html.ends_with("</script></body>"));
    }
}

//! What the end-to-end tests share: the tool, small books, a Python environment, and a look at the
//! processes that are left.
#![allow(dead_code, unused_imports)] // each test file uses a part

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

mod venv;

#[allow(unused_imports)] // each test file uses a part
pub use venv::{Venv, required, skip};

/// The variable that marks every process a test starts, and all that these start.
const MARK: &str = "COURSE_TEST_MARK";

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The tool, as built for the tests.
pub fn tool() -> Command {
    Command::new(env!("CARGO_BIN_EXE_course"))
}

/// Prints how long something took.
pub fn timing(what: &str, began: Instant) {
    println!("{what}: {:.1} s", began.elapsed().as_secs_f64());
}

/// A command that ran to its end.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed on stdout.
    pub stdout: String,
    /// What it printed on stderr.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
    /// Processes that it left behind.
    pub left: Vec<String>,
}

impl Ran {
    /// stdout and stderr together.
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Asserts that it failed, says `wanted` in one of its lines, and left no process.
    #[track_caller]
    pub fn fails_with(&self, wanted: &[&str]) -> &Ran {
        assert_eq!(self.code, Some(1), "exit code\n{}", self.text());
        for wanted in wanted {
            assert!(
                self.text().contains(wanted),
                "{wanted:?} is not in:\n{}",
                self.text()
            );
        }
        self.leaves_nothing()
    }

    /// Asserts that it succeeded and left no process.
    #[track_caller]
    pub fn succeeds(&self) -> &Ran {
        assert_eq!(self.code, Some(0), "exit code\n{}", self.text());
        self.leaves_nothing()
    }

    /// Asserts that no process is left.
    #[track_caller]
    pub fn leaves_nothing(&self) -> &Ran {
        assert!(
            self.left.is_empty(),
            "left behind: {:#?}\n{}",
            self.left,
            self.text()
        );
        self
    }
}

/// Runs a command to its end, at most for ten minutes, and looks for processes that it leaves.
pub fn run(command: &mut Command) -> Ran {
    Started::new(command).wait(Duration::from_secs(600))
}

/// A command under way; ended, with all that it started, when dropped.
pub struct Started {
    child: std::process::Child,
    out: std::thread::JoinHandle<String>,
    err: std::thread::JoinHandle<String>,
    mark: String,
    began: Instant,
}

impl Started {
    /// Starts a command, marked, without input.
    pub fn new(command: &mut Command) -> Started {
        let mark = uuid::Uuid::new_v4().to_string();
        let mut child = command
            .env(MARK, &mark)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let out = collect(child.stdout.take().expect("stdout is piped"));
        let err = collect(child.stderr.take().expect("stderr is piped"));
        Started {
            child,
            out,
            err,
            mark,
            began: Instant::now(),
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The processes that bear its mark.
    pub fn processes(&self) -> Vec<String> {
        marked(&self.mark)
            .into_iter()
            .map(|(_, what)| what)
            .collect()
    }

    /// Sends a signal to the process itself.
    pub fn signal(&self, signal: i32) {
        // SAFETY: kill touches no memory; the process is this test's own child, not yet waited for.
        unsafe {
            libc::kill(self.child.id() as i32, signal);
        }
    }

    /// Waits for its end; ends it after `limit` from now.
    pub fn wait(mut self, limit: Duration) -> Ran {
        let asked = Instant::now();
        let mut status = None;
        while status.is_none() {
            status = self.child.try_wait().expect("the child can be waited for");
            if status.is_none() && asked.elapsed() > limit {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let took = self.began.elapsed();
        // what is on its way out may take a moment
        let deadline = Instant::now() + Duration::from_secs(3);
        let mut left = marked(&self.mark);
        while !left.is_empty() && Instant::now() < deadline && status.is_some() {
            std::thread::sleep(Duration::from_millis(50));
            left = marked(&self.mark);
        }
        end(&mut self.child, &self.mark);
        let text = |t: std::thread::JoinHandle<String>| t.join().expect("the pipe is read");
        let ran = Ran {
            code: status.and_then(|s| s.code()),
            stdout: text(std::mem::replace(
                &mut self.out,
                std::thread::spawn(String::new),
            )),
            stderr: text(std::mem::replace(
                &mut self.err,
                std::thread::spawn(String::new),
            )),
            took,
            left: left.into_iter().map(|(_, what)| what).collect(),
        };
        assert!(
            status.is_some(),
            "still running after {} s:\n{}",
            limit.as_secs(),
            ran.text()
        );
        ran
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        end(&mut self.child, &self.mark);
    }
}

fn end(child: &mut std::process::Child, mark: &str) {
    let _ = child.kill();
    let _ = child.wait();
    for (id, _) in marked(mark) {
        // SAFETY: kill touches no memory; the mark is one that only this test's processes bear.
        unsafe {
            libc::kill(id, libc::SIGKILL);
        }
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The processes whose environment bears a mark, with their command lines. Only Linux shows the
/// environment of a process; elsewhere none are found.
fn marked(mark: &str) -> Vec<(i32, String)> {
    let wanted = format!("{MARK}={mark}");
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let id: i32 = entry.file_name().to_str()?.parse().ok()?;
            let environment = std::fs::read(entry.path().join("environ")).ok()?;
            environment
                .split(|&b| b == 0)
                .find(|e| *e == wanted.as_bytes())?;
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            Some((id, format!("{id}: {}", line.trim())))
        })
        .collect()
}

/// A small book in a folder of its own.
pub struct Book {
    /// Its folder; gone with the book.
    pub dir: tempfile::TempDir,
}

impl Book {
    /// A book of chapters, each with its path below `chapters/` and its text.
    pub fn new(chapters: &[(&str, &str)]) -> Book {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let book = Book { dir };
        book.write(
            "book.toml",
            "[book]\ntitle = \"A small book\"\nsrc = \"chapters\"\n",
        );
        let links: String = chapters
            .iter()
            .map(|(path, _)| format!("- [{path}](<{path}>)\n"))
            .collect();
        book.write("chapters/SUMMARY.md", format!("# Summary\n\n{links}"));
        for (path, text) in chapters {
            book.write(&format!("chapters/{path}"), text);
        }
        book
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// A path in it.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a file in the book"))
            .expect("a folder in the book");
        std::fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }

    /// Reads a file's bytes.
    #[track_caller]
    pub fn bytes(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.path(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// Reads a text.
    #[track_caller]
    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.bytes(path)).expect("UTF-8")
    }

    /// Every file of the book with its bytes, but for what the tool keeps under `target/`.
    pub fn files(&self) -> HashMap<PathBuf, Vec<u8>> {
        let mut files = HashMap::new();
        let mut folders = vec![self.root().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder)
                .expect("a folder of the book")
                .flatten()
            {
                let path = entry.path();
                if path.is_dir() {
                    if path != self.path("target") {
                        folders.push(path);
                    }
                } else {
                    let bytes = std::fs::read(&path).expect("a file of the book");
                    files.insert(
                        path.strip_prefix(self.root())
                            .expect("in the book")
                            .to_path_buf(),
                        bytes,
                    );
                }
            }
        }
        files
    }

    /// The tool on this book.
    pub fn tool(&self, args: &[&str]) -> Command {
        let mut command = tool();
        command.current_dir(self.root()).args(args);
        command
    }

    /// Runs the tool on this book to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        run(&mut self.tool(args))
    }
}

/// The book's kernel, built when it is not there yet; `COURSE_TEST_KERNEL` names another to test with.
pub fn kernel() -> PathBuf {
    if let Some(other) = std::env::var_os("COURSE_TEST_KERNEL") {
        return other.into();
    }
    static BUILT: std::sync::Mutex<Option<PathBuf>> = std::sync::Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(|e| e.into_inner());
    built
        .get_or_insert_with(|| {
            let workspace = kernel::Workspace::find(root()).expect("the repository is a workspace");
            let mut say = |progress: kernel::Progress| println!("{progress:?}");
            kernel::build(&workspace, &mut say)
                .unwrap_or_else(|e| panic!("the kernel cannot be built: {e}"))
        })
        .clone()
}

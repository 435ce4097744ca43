//! Small books in temporary folders, for tests that run the binary.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A book of its own: `lib/tiny` with a test of its result, and the chapters that a test writes.
pub struct Book {
    dir: tempfile::TempDir,
}

/// The first cell of a chapter that uses `tiny`.
pub const SETUP: &str =
    "```rust,setup\n:dep tiny = { path = \"../../lib/tiny\" }\nuse tiny::{double, p};\n```\n";

impl Book {
    /// A book with these chapters: `(path below chapters/, text)`.
    pub fn new(chapters: &[(&str, &str)]) -> Book {
        let book = Book {
            dir: tempfile::tempdir().expect("a temporary folder"),
        };
        book.write(
            "book.toml",
            "[book]\ntitle = \"Small\"\nsrc = \"chapters\"\n\n[rust]\nedition = \"2024\"\n",
        );
        book.write(
            "Cargo.toml",
            "[workspace]\nmembers = [\"lib/tiny\"]\nresolver = \"3\"\n",
        );
        book.write(
            "Cargo.lock",
            "version = 4\n\n[[package]]\nname = \"tiny\"\nversion = \"0.1.0\"\n",
        );
        book.write(
            "lib/tiny/Cargo.toml",
            "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
        );
        book.write(
            "lib/tiny/src/lib.rs",
            "//! Tiny.\n\npub mod sums;\n\n/// Twice x.\npub fn double(x: i64) -> i64 {\n    2 * x\n}\n\n/// Prints.\npub fn p(x: &str) {\n    println!(\"{x}\");\n}\n",
        );
        book.write(
            "lib/tiny/src/sums.rs",
            "//! Sums.\n\n/// The sum.\npub fn sum(xs: &[i64]) -> i64 {\n    xs.iter().sum()\n}\n",
        );
        let mut summary = String::from("# Summary\n\n");
        for (path, text) in chapters {
            summary.push_str(&format!("- [{path}]({path})\n"));
            book.write(&format!("chapters/{path}"), text);
        }
        book.write("chapters/SUMMARY.md", &summary);
        book
    }

    /// The root of the book.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// A path in the book.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, text).expect("a file");
    }

    /// Reads a file.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Replaces a text in a file; it must be there.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} does not hold {from:?}");
        self.write(name, &text.replacen(from, to, 1));
    }

    /// Runs `course` in the book.
    pub fn course(&self, args: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_course"))
            .args(args)
            .current_dir(self.root())
            .env("RUST_BACKTRACE", "0")
            .output()
            .expect("the binary runs");
        Ran::from(output)
    }
}

/// What a run of `course` printed.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// It must have succeeded.
    #[track_caller]
    pub fn ok(self) -> Ran {
        assert_eq!(
            self.code,
            Some(0),
            "stdout: {}\nstderr: {}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// It must have failed, and said all of this on stderr.
    #[track_caller]
    pub fn fails_with(self, wanted: &[&str]) -> Ran {
        assert_eq!(
            self.code,
            Some(1),
            "stdout: {}\nstderr: {}",
            self.stdout,
            self.stderr
        );
        for want in wanted {
            assert!(
                self.stderr.contains(want),
                "no {want:?} in: {}",
                self.stderr
            );
        }
        self
    }
}

/// What a cell's stored output holds: `(index among the chapter's cells, MIME bundle)`.
pub type Stored<'a> = &'a [(usize, serde_json::Value)];

impl Book {
    /// The book as the library sees it.
    pub fn project(&self) -> course::project::Project {
        course::project::Project {
            root: self.root().canonicalize().expect("the root"),
        }
    }

    /// Stores the notebook of a chapter as a run would, with these outputs.
    pub fn store(&self, chapter: &str, outputs: Stored) {
        use course::notebook::{Answer, compose, save, segments};
        let project = self.project();
        let chapter = project.chapter(Path::new(chapter)).expect("the chapter");
        let parts = course::fresh::parts(&project, &chapter).expect("its parts");
        let answers: Vec<Option<Answer>> = segments(&chapter)
            .iter()
            .enumerate()
            .map(|(i, segment)| {
                let index = segment.runs()?;
                let data = outputs.iter().find(|(of, _)| *of == index);
                let outputs = data.map(|(_, data)| {
                    serde_json::from_value(serde_json::json!({
                        "output_type": "execute_result",
                        "execution_count": i + 2,
                        "metadata": {},
                        "data": data,
                    }))
                    .expect("an output")
                });
                Some(Answer {
                    execution_count: Some(i32::try_from(i).expect("small") + 2),
                    outputs: outputs.into_iter().collect(),
                })
            })
            .collect();
        let compose = |results: &course::results::Results| {
            let record = serde_json::json!({ "key": parts.key(), "parts": parts.to_json() });
            compose(&chapter, None, &answers, results, Some(record))
        };
        let first = compose(&course::results::Results::new());
        let results = course::results::of_notebook(&first).expect("results");
        save(&project, &chapter.path, &compose(&results)).expect("the notebook");
    }
}

/// The MIME bundle of named results.
pub fn results(values: &[(&str, f64)]) -> serde_json::Value {
    let named: serde_json::Map<String, serde_json::Value> = values
        .iter()
        .map(|(name, value)| {
            let entry = serde_json::json!({ "value": value, "tolerance": { "relative": 1e-9 } });
            (name.to_string(), entry)
        })
        .collect();
    serde_json::json!({
        "text/plain": "results",
        "application/vnd.ml-fullstack.results+json": { "version": 1, "results": named },
    })
}

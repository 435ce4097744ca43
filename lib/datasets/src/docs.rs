use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{DatasetError, html};

/// A section of a document: a heading, and what stands under it as plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The document: `rust-book`, `error-codes`.
    pub source: String,
    /// The page, relative to the toolchain's documentation: `book/ch04-03-slices.html`.
    pub path: String,
    /// The heading's anchor in the page: `string-slices`.
    pub anchor: String,
    /// The heading: `String Slices`.
    pub title: String,
    /// The text: paragraphs, list items and table rows apart by line breaks, code as it is.
    pub text: String,
}

/// The sections of *The Rust Programming Language*, in the order of its table of contents.
///
/// A section goes from one heading to the next of any level; a heading with no text of its own has none.
/// The pages are those of the toolchain that `rustc` stands for (`RUSTC` names another), so another
/// version of Rust may have another text.
///
/// # Errors
/// [`DatasetError::NoRustDocs`] if the component rust-docs is not installed, [`DatasetError::NoRustc`], or
/// [`DatasetError::Io`] or [`DatasetError::Malformed`] with the page.
///
/// # Examples
/// ```
/// match datasets::rust_book() {
///     Ok(sections) => assert!(sections.iter().any(|s| s.anchor == "string-slices")),
///     Err(error) => assert!(error.to_string().contains("rust-docs")),
/// }
/// ```
///
/// # References
/// Klabnik, Nichols, Krycho and the Rust community, *The Rust Programming Language* (MIT or Apache-2.0).
pub fn rust_book() -> Result<Vec<Section>, DatasetError> {
    book_in(&docs_folder()?)
}

/// The pages of the compiler's error codes, one section each, in the order of the codes.
///
/// # Errors
/// As [`rust_book`].
///
/// # Examples
/// ```
/// match datasets::error_codes() {
///     Ok(sections) => assert!(sections.iter().any(|s| s.title == "Error code E0382")),
///     Err(error) => assert!(error.to_string().contains("rust-docs")),
/// }
/// ```
///
/// # References
/// The Rust project, *Rust error codes index* (MIT or Apache-2.0).
pub fn error_codes() -> Result<Vec<Section>, DatasetError> {
    error_codes_in(&docs_folder()?)
}

/// The folder of the toolchain's documentation.
fn docs_folder() -> Result<PathBuf, DatasetError> {
    let rustc = std::env::var_os("RUSTC").filter(|program| !program.is_empty());
    let root = sysroot(rustc.as_deref().unwrap_or(OsStr::new("rustc")))?;
    // rustup's place, and that of Debian's package rust-doc
    let [first, second] =
        ["share/doc/rust/html", "share/doc/rust-doc/html"].map(|below| root.join(below));
    Ok(if second.is_dir() && !first.is_dir() {
        second
    } else {
        first
    })
}

fn sysroot(rustc: &OsStr) -> Result<PathBuf, DatasetError> {
    let failed = |reason: String| DatasetError::NoRustc {
        program: rustc.to_string_lossy().into_owned(),
        reason,
    };
    let output = Command::new(rustc)
        .args(["--print", "sysroot"])
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(failed(text.trim().to_owned()));
    }
    let path = String::from_utf8_lossy(&output.stdout);
    Ok(PathBuf::from(path.trim_end()))
}

fn book_in(docs: &Path) -> Result<Vec<Section>, DatasetError> {
    let contents = read(&docs.join("book/toc.html"), docs)?;
    let mut sections = Vec::new();
    for page in html::links(&contents) {
        let path = format!("book/{page}");
        for part in page_parts(docs, &path)? {
            if !part.text.is_empty() {
                sections.push(Section {
                    source: "rust-book".to_owned(),
                    path: path.clone(),
                    anchor: part.anchor,
                    title: part.title,
                    text: part.text,
                });
            }
        }
    }
    Ok(sections)
}

fn error_codes_in(docs: &Path) -> Result<Vec<Section>, DatasetError> {
    let folder = docs.join("error_codes");
    let entries = std::fs::read_dir(&folder).map_err(|error| no_docs(error, &folder, docs))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| {
            let code = name.strip_prefix('E').and_then(|n| n.strip_suffix(".html"));
            code.is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_digit()))
        })
        .collect();
    names.sort_unstable();
    let mut sections = Vec::new();
    for name in names {
        let path = format!("error_codes/{name}");
        let mut parts = page_parts(docs, &path)?.into_iter();
        let Some(first) = parts.next() else { continue };
        // a page is about one error: what stands under lesser headings belongs to it
        let text = parts.fold(first.text, |text, part| {
            format!("{text}\n\n{}\n\n{}", part.title, part.text)
        });
        sections.push(Section {
            source: "error-codes".to_owned(),
            path,
            anchor: first.anchor,
            title: first.title,
            text: text.trim().to_owned(),
        });
    }
    Ok(sections)
}

fn page_parts(docs: &Path, path: &str) -> Result<Vec<html::Part>, DatasetError> {
    let file = docs.join(path);
    let page = read(&file, docs)?;
    html::parts(&page).ok_or_else(|| DatasetError::Malformed {
        path: file,
        line: 1,
        column: 1,
        expected: "a page that mdBook wrote".to_owned(),
        found: "no <main> in it".to_owned(),
    })
}

fn read(path: &Path, docs: &Path) -> Result<String, DatasetError> {
    std::fs::read_to_string(path).map_err(|error| no_docs(error, path, docs))
}

/// A page that is not there means that the component is not, or not whole.
fn no_docs(source: std::io::Error, path: &Path, docs: &Path) -> DatasetError {
    if source.kind() == std::io::ErrorKind::NotFound {
        let path = if docs.is_dir() { path } else { docs };
        return DatasetError::NoRustDocs {
            path: path.to_owned(),
        };
    }
    DatasetError::Io {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn docs(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn a_book_is_read_in_the_order_of_its_contents() {
        let docs = docs(&[
            (
                "book/toc.html",
                "<a href=\"b.html\">B</a> <a href=\"a.html\">A</a>",
            ),
            (
                "book/a.html",
                "<main><h1 id=\"a\">A</h1><h2 id=\"c\">C</h2><p>c</p></main>",
            ),
            ("book/b.html", "<main><h1 id=\"b\">B</h1><p>b</p></main>"),
            (
                "book/left-out.html",
                "<main><h1 id=\"d\">D</h1><p>d</p></main>",
            ),
        ]);
        let found: Vec<String> = book_in(docs.path())
            .unwrap()
            .into_iter()
            .map(|s| {
                format!(
                    "{} {}#{} {}: {}",
                    s.source, s.path, s.anchor, s.title, s.text
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                "rust-book book/b.html#b B: b",
                "rust-book book/a.html#c C: c"
            ]
        );
    }

    #[test]
    fn an_error_code_is_one_section() {
        let docs = docs(&[
            (
                "error_codes/E0002.html",
                "<main><h1 id=\"e2\">Error code E0002</h1><h4>Note</h4><p>old</p></main>",
            ),
            (
                "error_codes/E0001.html",
                "<main><h1 id=\"e1\">Error code E0001</h1><p>one</p></main>",
            ),
            ("error_codes/Elsewhere.html", "<main></main>"),
        ]);
        let found: Vec<(String, String)> = error_codes_in(docs.path())
            .unwrap()
            .into_iter()
            .map(|s| (s.title, s.text))
            .collect();
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            found,
            [
                pair("Error code E0001", "one"),
                pair("Error code E0002", "Note\n\nold")
            ]
        );
    }

    #[test]
    fn missing_documentation_names_the_component() {
        let empty = tempfile::tempdir().unwrap();
        for error in [
            book_in(empty.path()).unwrap_err(),
            error_codes_in(empty.path()).unwrap_err(),
            book_in(&empty.path().join("nowhere")).unwrap_err(),
        ] {
            assert!(
                error.to_string().contains("rustup component add rust-docs"),
                "{error}"
            );
        }
        let error = sysroot(OsStr::new("no-such-rustc")).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("`no-such-rustc --print sysroot` fails: "),
            "{error}"
        );
        let docs = docs(&[
            ("book/toc.html", "<a href=\"a.html\">A</a>"),
            ("book/a.html", "<p>cut off"),
        ]);
        let error = book_in(docs.path()).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("a.html:1:1: expected a page that mdBook wrote, found no <main> in it")
        );
    }
}

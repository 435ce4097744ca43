//! Notebooks: composed from a chapter and the kernel's answers, written as Jupyter writes them.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

use nbformat::v4::{
    Cell as NbCell, CellId, CellMetadata, KernelSpec, LanguageInfo, Metadata, Notebook, Output,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::chapter::{Cell, Chapter, Expect, Role};
use crate::error::{Fault, read_text, write_text};
use crate::project::Project;
use crate::results::{Results, format_value};

/// A piece of a chapter, in the order of its notebook's cells.
#[derive(Debug, Clone, PartialEq)]
pub enum Segment {
    /// Prose: the byte range in the chapter's text, white space around it left out.
    Prose(Range<usize>),
    /// The cell of this index.
    Code(usize),
    /// An exercise's check, run once more after the solution: the indices of check and solution.
    Recheck {
        /// The check cell.
        check: usize,
        /// The solution that it must pass on.
        solution: usize,
    },
}

impl Segment {
    /// `prose`, `code`, or `check` for a check that is run once more.
    pub fn kind(&self) -> &'static str {
        match self {
            Segment::Prose(_) => "prose",
            Segment::Code(_) => "code",
            Segment::Recheck { .. } => "check",
        }
    }

    /// The index of the chapter's cell whose code this segment runs.
    pub fn runs(&self) -> Option<usize> {
        match self {
            Segment::Prose(_) => None,
            Segment::Code(cell) => Some(*cell),
            Segment::Recheck { check, .. } => Some(*check),
        }
    }
}

/// Cuts a chapter into the segments that become its notebook's cells.
pub fn segments(chapter: &Chapter) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut from = chapter.body;
    let prose = |range: Range<usize>, segments: &mut Vec<Segment>| {
        let text = &chapter.text[range.clone()];
        let start = range.start + (text.len() - text.trim_start().len());
        let end = range.start + text.trim_end().len();
        if start < end {
            segments.push(Segment::Prose(start..end));
        }
    };
    for cell in &chapter.cells {
        prose(from..cell.span.start, &mut segments);
        segments.push(Segment::Code(cell.index));
        if let Role::Solution(id) = &cell.role
            && let Some(check) = chapter.check_of(id)
        {
            segments.push(Segment::Recheck {
                check: check.index,
                solution: cell.index,
            });
        }
        from = cell.span.end;
    }
    prose(from..chapter.text.len(), &mut segments);
    segments
}

/// What a cell must do as a segment: a check must fail on the starter, and pass after the solution.
pub fn expectation(chapter: &Chapter, segment: &Segment) -> Expect {
    match segment {
        Segment::Prose(_) | Segment::Recheck { .. } => Expect::Success,
        Segment::Code(index) => {
            let cell = &chapter.cells[*index];
            match cell.role {
                Role::Check(_) => Expect::Panic,
                _ => cell.expect,
            }
        }
    }
}

/// What the kernel answered to one cell.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The kernel's count.
    pub execution_count: Option<i32>,
    /// The outputs in order, stream messages of one kind joined.
    pub outputs: Vec<Output>,
}

/// The key, below [`KEY`] of a notebook's metadata, of the state that chapter and notebook last had in
/// common: one [`base_entry`] a cell.
pub const BASE: &str = "cells";

/// A cell of the common state: its id, its kind, and the hash of its text in the chapter's form.
pub fn base_entry(id: &str, kind: &str, text: &str) -> String {
    format!("{id} {kind} {}", text_hash(kind, text))
}

/// The hash of a cell's text in the chapter's form; white space around it does not count.
pub fn text_hash(kind: &str, text: &str) -> String {
    let text = match kind {
        "prose" => unbind(text).trim().to_string(),
        _ => text.trim_end().to_string(),
    };
    hex(text.as_bytes())[..16].to_string()
}

/// Marks of ours in a notebook's and a cell's metadata stand under this key.
pub const KEY: &str = "course";

/// Makes the notebook of a chapter. `answers` has one entry a segment (`None` for prose, and for cells
/// that have not run); `previous` gives ids to the cells it shares with the new one, so that a change
/// in one cell shows as a change in one cell.
pub fn compose(
    chapter: &Chapter,
    previous: Option<&Notebook>,
    answers: &[Option<Answer>],
    results: &Results,
    record: Option<Value>,
) -> Notebook {
    let segments = segments(chapter);
    let sources: Vec<(bool, String)> = segments
        .iter()
        .map(|s| source(chapter, s, results))
        .collect();
    let ids = assign_ids(chapter, &segments, &sources, previous);
    let base: Vec<Value> = segments
        .iter()
        .zip(&sources)
        .zip(&ids)
        .map(|((segment, (_, text)), id)| base_entry(id.as_str(), segment.kind(), text).into())
        .collect();
    let cells = segments
        .iter()
        .zip(&sources)
        .zip(ids)
        .enumerate()
        .map(|(i, ((segment, (_, text)), id))| {
            let source = split_lines(text);
            match segment.runs() {
                None => NbCell::Markdown {
                    id,
                    metadata: CellMetadata::default(),
                    source,
                    attachments: None,
                },
                Some(index) => {
                    let answer = answers.get(i).cloned().flatten().unwrap_or_default();
                    NbCell::Code {
                        id,
                        metadata: cell_metadata(chapter, segment, &chapter.cells[index]),
                        execution_count: answer.execution_count,
                        source,
                        outputs: answer.outputs,
                    }
                }
            }
        })
        .collect();
    let mut course = Map::new();
    let front = &chapter.text[..chapter.body];
    if !front.is_empty() {
        course.insert("front_matter".into(), front.into());
    }
    course.insert(BASE.into(), base.into());
    if let Some(record) = record {
        course.insert("run".into(), record);
    }
    Notebook {
        metadata: Metadata {
            kernelspec: Some(KernelSpec {
                display_name: "Rust".into(),
                name: "rust".into(),
                language: Some("rust".into()),
                additional: HashMap::new(),
            }),
            language_info: Some(LanguageInfo {
                name: "Rust".into(),
                version: None,
                codemirror_mode: Some(nbformat::v4::CodemirrorMode::String("rust".into())),
                additional: HashMap::from([
                    ("file_extension".to_string(), json!(".rs")),
                    ("mimetype".to_string(), json!("text/rust")),
                    ("pygment_lexer".to_string(), json!("rust")),
                ]),
            }),
            authors: None,
            additional: HashMap::from([(KEY.to_string(), Value::Object(course))]),
        },
        nbformat: 4,
        nbformat_minor: 5,
        cells,
    }
}

/// The text of a segment as its notebook cell holds it, and whether it is code.
pub fn source(chapter: &Chapter, segment: &Segment, results: &Results) -> (bool, String) {
    match segment {
        Segment::Prose(range) => {
            let mut text = String::new();
            let mut at = range.start;
            for r in chapter.result_refs().unwrap_or_default() {
                if r.span.start < range.start || r.span.end > range.end {
                    continue;
                }
                text.push_str(&chapter.text[at..r.span.start]);
                text.push_str(&bind(&r.name, &r.format, results));
                at = r.span.end;
            }
            text.push_str(&chapter.text[at..range.end]);
            (false, text)
        }
        Segment::Code(index) => (true, chapter.cells[*index].code.clone()),
        Segment::Recheck { check, .. } => (true, chapter.cells[*check].code.clone()),
    }
}

/// A result in a notebook's prose: its value, in an element that names it, so that it can be taken back
/// to `{{result …}}`.
fn bind(name: &str, format: &str, results: &Results) -> String {
    let shown = results
        .get(name)
        .and_then(|r| format_value(&r.value, format).ok())
        .unwrap_or_else(|| format!("({name})"));
    let attribute = if format.is_empty() {
        String::new()
    } else {
        format!(" data-format=\"{format}\"")
    };
    format!("<span data-result=\"{name}\"{attribute}>{shown}</span>")
}

/// Takes prose of a notebook back to the chapter's form: bound values become `{{result …}}` again.
pub fn unbind(text: &str) -> String {
    static OPEN: &str = "<span data-result=\"";
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(OPEN) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let parsed = (|| {
            let (name, tail) = from[OPEN.len()..].split_once('"')?;
            let (format, tail) = match tail.strip_prefix(" data-format=\"") {
                Some(t) => t.split_once('"')?,
                None => ("", tail),
            };
            let (_, tail) = tail.strip_prefix('>')?.split_once("</span>")?;
            Some((name, format, tail))
        })();
        match parsed {
            Some((name, format, tail)) => {
                let gap = if format.is_empty() { "" } else { " " };
                out.push_str(&format!("{{{{result {name}{gap}{format}}}}}"));
                rest = tail;
            }
            None => {
                out.push_str(OPEN);
                rest = &from[OPEN.len()..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn cell_metadata(chapter: &Chapter, segment: &Segment, cell: &Cell) -> CellMetadata {
    let mut tags = Vec::new();
    if expectation(chapter, segment) != Expect::Success {
        // nbclient and Jupyter go on after a cell that bears this tag
        tags.push("raises-exception".to_string());
    }
    let folded = cell.hide
        || matches!(cell.role, Role::Solution(_))
        || matches!(segment, Segment::Recheck { .. });
    let mut course = Map::new();
    match segment {
        Segment::Recheck { .. } => {
            course.insert("recheck".into(), true.into());
        }
        _ => {
            course.insert("fence".into(), cell.info.clone().into());
        }
    }
    CellMetadata {
        tags: (!tags.is_empty()).then_some(tags),
        jupyter: folded.then(|| nbformat::v4::JupyterCellMetadata {
            source_hidden: Some(true),
            outputs_hidden: None,
            additional: HashMap::new(),
        }),
        additional: HashMap::from([(KEY.to_string(), Value::Object(course))]),
        ..CellMetadata::default()
    }
}

/// Splits a text into lines that keep their newline, as notebooks store it.
pub fn split_lines(text: &str) -> Vec<String> {
    text.split_inclusive('\n').map(str::to_string).collect()
}

/// The text of a notebook's cell.
pub fn cell_text(cell: &NbCell) -> String {
    cell.source().concat()
}

/// Ids that stay: a cell that stood in the previous notebook with the same text keeps its id, and so
/// does one that was edited in place between two such neighbours. A new cell's id comes from its text.
fn assign_ids(
    chapter: &Chapter,
    segments: &[Segment],
    sources: &[(bool, String)],
    previous: Option<&Notebook>,
) -> Vec<CellId> {
    let mut ids: Vec<Option<CellId>> = vec![None; segments.len()];
    let mut used = std::collections::HashSet::new();
    if let Some(previous) = previous {
        let old: Vec<(bool, String)> = previous
            .cells
            .iter()
            .map(|c| (matches!(c, NbCell::Code { .. }), cell_text(c)))
            .collect();
        let pairs = align(sources, &old);
        for (new, old) in pairs {
            let id = previous.cells[old].id().clone();
            if used.insert(id.as_str().to_string()) {
                ids[new] = Some(id);
            }
        }
    }
    ids.into_iter()
        .zip(segments)
        .zip(sources)
        .map(|((id, segment), (_, text))| {
            if let Some(id) = id {
                return id;
            }
            let name = segment
                .runs()
                .filter(|_| matches!(segment, Segment::Code(_)))
                .and_then(|c| chapter.cells[c].name.clone())
                .map(|n| n.replace('.', "-"))
                .filter(|n| n.len() <= 64);
            let base = name.unwrap_or_else(|| hex(text.as_bytes())[..12].to_string());
            let mut candidate = base.clone();
            let mut n = 1;
            while !used.insert(candidate.clone()) {
                n += 1;
                candidate = format!("{base}-{n}");
            }
            CellId::new(&candidate).unwrap_or_else(|_| CellId::from(uuid::Uuid::new_v4()))
        })
        .collect()
}

/// Pairs two lists: equal entries by their longest common subsequence, then, in each gap between two
/// such pairs, entries of the same kind in order. Returns pairs `(index in a, index in b)`.
pub fn align(a: &[(bool, String)], b: &[(bool, String)]) -> Vec<(usize, usize)> {
    let (n, m) = (a.len(), b.len());
    let mut length = vec![vec![0usize; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            length[i][j] = if a[i] == b[j] {
                1 + length[i + 1][j + 1]
            } else {
                length[i + 1][j].max(length[i][j + 1])
            };
        }
    }
    let mut pairs = Vec::new();
    let (mut i, mut j) = (0, 0);
    let mut gap_start = (0, 0);
    let close_gap = |from: (usize, usize), to: (usize, usize), pairs: &mut Vec<(usize, usize)>| {
        let mut free = from.1;
        for (i, (is_code, _)) in a.iter().enumerate().take(to.0).skip(from.0) {
            if let Some(j) = (free..to.1).find(|&j| *is_code == b[j].0) {
                pairs.push((i, j));
                free = j + 1;
            }
        }
    };
    while i < n && j < m {
        if a[i] == b[j] {
            close_gap(gap_start, (i, j), &mut pairs);
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
            gap_start = (i, j);
        } else if length[i + 1][j] >= length[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    close_gap(gap_start, (n, m), &mut pairs);
    pairs.sort_unstable();
    pairs
}

/// Lower-case hexadecimal SHA-256.
pub fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// Reads the notebook of a chapter; `None` when there is none.
///
/// # Errors
/// A [`Fault`] that says what the file is instead: not JSON (with the line), nbformat 3 or older than
/// 4.5, or cells that nbformat does not allow.
pub fn load(project: &Project, chapter: &Path) -> Result<Option<Notebook>, Fault> {
    let path = project.notebook_path(chapter);
    if !path.exists() {
        return Ok(None);
    }
    load_file(&project.root, &path).map(Some)
}

/// Reads a notebook file.
///
/// # Errors
/// As [`load`].
pub fn load_file(root: &Path, path: &Path) -> Result<Notebook, Fault> {
    let shown = path.strip_prefix(root).unwrap_or(path);
    let text = read_text(root, path)?;
    match nbformat::parse_notebook(&text) {
        Ok(nbformat::Notebook::V4(notebook)) => Ok(notebook),
        Ok(nbformat::Notebook::V4QuirksMode(quirks)) => Ok(quirks.repair()),
        Ok(nbformat::Notebook::Legacy(old)) => {
            nbformat::upgrade_legacy_notebook(old).map_err(|e| {
                Fault::file(
                    shown,
                    format!("an nbformat 4 notebook that cannot be upgraded to 4.5: {e}"),
                )
            })
        }
        Ok(_) => Err(Fault::file(
            shown,
            "an nbformat 3 notebook; the book's are 4.5: open and save it in Jupyter, or delete it and run the chapter",
        )),
        Err(nbformat::NotebookError::JsonError(e)) if e.line() > 0 => Err(Fault::at(
            shown,
            e.line(),
            format!("not a notebook: {e}; delete it and run the chapter, or take it back from git"),
        )),
        Err(e) => Err(Fault::file(shown, format!("not a notebook: {e}"))),
    }
}

/// The text of a notebook, as Jupyter writes it.
///
/// # Errors
/// A [`Fault`] when it cannot be serialised.
pub fn to_text(notebook: &Notebook, shown: &Path) -> Result<String, Fault> {
    nbformat::serialize_notebook(&nbformat::Notebook::V4(notebook.clone()))
        .map_err(|e| Fault::file(shown, format!("cannot be written as a notebook: {e}")))
}

/// Writes the notebook of a chapter whole; says whether anything changed.
///
/// # Errors
/// A [`Fault`] when it cannot be written; the notebook before it is then kept.
pub fn save(project: &Project, chapter: &Path, notebook: &Notebook) -> Result<bool, Fault> {
    let path = project.notebook_path(chapter);
    let text = to_text(notebook, &project.shown(&path))?;
    write_text(&project.root, &path, &text)
}

/// Our metadata of a notebook.
pub fn course_metadata(notebook: &Notebook) -> &Value {
    static NONE: LazyLock<Value> = LazyLock::new(|| Value::Null);
    notebook.metadata.additional.get(KEY).unwrap_or(&NONE)
}

/// Our metadata of a cell.
pub fn cell_course(cell: &NbCell) -> Option<&Map<String, Value>> {
    cell.metadata()
        .additional
        .get(KEY)
        .and_then(Value::as_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chapter(text: &str) -> Chapter {
        Chapter::parse("a.md", text.to_string()).unwrap()
    }

    const TEXT: &str = "---\nminutes: 1\n---\n# A\n\nx {{result a.b .2}}\n\n```rust,name=one\nlet a: i32 = 1;\n```\n\nmore\n\n```rust,exercise=e\nfn f() {}\n```\n\n```rust,check=e\nf();\n```\n\n```rust,solution=e\nfn f() {}\n```\n";

    #[test]
    fn a_solution_is_followed_by_its_check() {
        let c = chapter(TEXT);
        let kinds: Vec<_> = segments(&c).iter().map(Segment::runs).collect();
        assert_eq!(
            kinds,
            [None, Some(0), None, Some(1), Some(2), Some(3), Some(2)]
        );
        let s = segments(&c);
        assert_eq!(expectation(&c, &s[4]), Expect::Panic);
        assert_eq!(expectation(&c, &s[6]), Expect::Success);
    }

    #[test]
    fn composed_notebooks_read_back_and_bind_results() {
        let c = chapter(TEXT);
        let mut results = Results::new();
        results.insert(
            "a.b".into(),
            crate::results::Named {
                value: json!(-1.234),
                tolerance: crate::results::Tolerance::Exact,
                cell: 1,
            },
        );
        let notebook = compose(&c, None, &[], &results, None);
        let text = to_text(&notebook, Path::new("a.ipynb")).unwrap();
        assert!(text.contains("−1.23"));
        let nbformat::Notebook::V4(back) = nbformat::parse_notebook(&text).unwrap() else {
            panic!("not 4.5")
        };
        assert_eq!(to_text(&back, Path::new("a.ipynb")).unwrap(), text);
        assert_eq!(
            unbind(&cell_text(&back.cells[0])),
            "# A\n\nx {{result a.b .2}}"
        );
        assert_eq!(back.cells[1].id().as_str(), "one");
    }

    #[test]
    fn ids_stay_when_a_cell_changes_or_one_is_inserted() {
        let before = compose(&chapter(TEXT), None, &[], &Results::new(), None);
        let edited = TEXT
            .replace(
                "fn f() {}\n```\n\n```rust,check",
                "fn f() { }\n```\n\n```rust,check",
            )
            .replace("more\n", "more\n\n```rust\nlet b: i32 = 2;\n```\n\nafter\n");
        let after = compose(&chapter(&edited), Some(&before), &[], &Results::new(), None);
        let old: Vec<_> = before.cells.iter().map(|c| c.id().as_str()).collect();
        let new: Vec<_> = after.cells.iter().map(|c| c.id().as_str()).collect();
        assert_eq!(old.len() + 2, new.len());
        for id in old {
            assert!(new.contains(&id), "{id} is gone");
        }
    }

    #[test]
    fn unbind_leaves_other_spans_alone() {
        let text = "a <span>x</span> <span data-result=\"broken";
        assert_eq!(unbind(text), text);
    }

    #[test]
    fn bad_notebooks_are_named() {
        let dir = tempfile::tempdir().unwrap();
        for (text, want, line) in [
            ("{\n \"cells\": [\n", "not a notebook", Some(3)),
            ("nonsense", "not a notebook", Some(1)),
            (
                r#"{"nbformat":3,"nbformat_minor":0,"metadata":{},"worksheets":[]}"#,
                "nbformat 3",
                None,
            ),
        ] {
            let path = dir.path().join("a.ipynb");
            std::fs::write(&path, text).unwrap();
            let fault = load_file(dir.path(), &path).unwrap_err();
            assert!(fault.message.contains(want), "{fault}");
            if line.is_some() {
                assert_eq!(fault.line, line, "{fault}");
            }
        }
        let path = dir.path().join("b.ipynb");
        let no_ids = r#"{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[{"cell_type":"code","metadata":{},"execution_count":null,"source":["1"],"outputs":[]}]}"#;
        std::fs::write(&path, no_ids).unwrap();
        assert!(
            !load_file(dir.path(), &path).unwrap().cells[0]
                .id()
                .as_str()
                .is_empty()
        );
    }
}

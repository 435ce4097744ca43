//! A chapter: front matter, prose, and the Rust fences that are its cells.
//!
//! Parsing goes by events with source offsets, so that every cell knows the line it stands on and its
//! text is the chapter's own, byte for byte.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use serde::Deserialize;

use crate::error::Fault;

/// The YAML between `---` lines at a chapter's head.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontMatter {
    /// The title, where it differs from the first heading.
    #[serde(default)]
    pub title: Option<String>,
    /// One sentence for lists and search.
    #[serde(default)]
    pub summary: Option<String>,
    /// 1 (first contact) to 3 (demanding).
    #[serde(default)]
    pub level: Option<u8>,
    /// Reading and working time, in minutes.
    #[serde(default)]
    pub minutes: Option<u32>,
    /// Who needs it: `ml-engineer`, `data-scientist`, `ai-engineer`, `mlops-engineer`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The modules behind the results, such as `foundations::linalg`.
    #[serde(default)]
    pub modules: Vec<String>,
    /// Names in the data catalogue.
    #[serde(default)]
    pub data: Vec<String>,
}

/// What a cell must do when it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// It runs to its end.
    Success,
    /// It panics, or returns an error.
    Panic,
    /// It does not compile; the codes it must give stand in [`Cell::codes`].
    CompileError,
}

/// What a cell is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// A step of the chapter.
    Step,
    /// Dependencies and imports; the only kind that may hold `:dep` lines.
    Setup,
    /// The starter of an exercise.
    Exercise(String),
    /// The property checks of an exercise.
    Check(String),
    /// A solution of an exercise.
    Solution(String),
}

/// A Rust fence of a chapter.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The order among the chapter's cells, from 0.
    pub index: usize,
    /// The info string as it stands, such as `rust,name=fit`.
    pub info: String,
    /// The code, without the fence lines; ends without a newline.
    pub code: String,
    /// The line of the first line of code, from 1.
    pub line: usize,
    /// The byte range of the whole fence in the chapter's text, fence lines included.
    pub span: Range<usize>,
    /// The cell's own name, from `name=`.
    pub name: Option<String>,
    /// What it is for.
    pub role: Role,
    /// What it must do.
    pub expect: Expect,
    /// The compiler's codes that a `compile_fail` cell must give.
    pub codes: Vec<String>,
    /// The code is folded away, the output is shown.
    pub hide: bool,
    /// Its output differs from run to run.
    pub volatile: bool,
}

impl Cell {
    /// The `:dep` lines of a setup cell, without the leading `:dep`.
    pub fn deps(&self) -> Vec<&str> {
        self.code
            .lines()
            .filter_map(|l| l.trim().strip_prefix(":dep "))
            .map(str::trim)
            .collect()
    }

    /// The code without the lines that speak to the kernel (`:dep`, `:opt` …), line count kept.
    pub fn rust(&self) -> String {
        self.code
            .lines()
            .map(|l| {
                let start = l.trim_start();
                // `::name` begins a path, not a command
                if start.starts_with(':') && !start.starts_with("::") {
                    ""
                } else {
                    l
                }
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// How the cell is called in messages: its name, or its number from 1.
    pub fn label(&self) -> String {
        match &self.name {
            Some(name) => format!("cell `{name}`"),
            None => format!("cell {}", self.index + 1),
        }
    }
}

/// A heading of a chapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// 1 to 6.
    pub level: u8,
    /// Its text.
    pub text: String,
    /// The line, from 1.
    pub line: usize,
    /// The anchor that mdBook gives it, unique in the page.
    pub anchor: String,
}

/// A reference to a named result in prose: `{{result NAME FORMAT}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultRef {
    /// The result's name.
    pub name: String,
    /// How it is written, such as `.3`; empty: as the value is.
    pub format: String,
    /// The line, from 1.
    pub line: usize,
    /// The byte range in the chapter's text.
    pub span: Range<usize>,
}

/// A chapter as it stands on disk.
#[derive(Debug, Clone)]
pub struct Chapter {
    /// The path below `chapters/`, such as `foundations/linear-algebra.md`.
    pub path: PathBuf,
    /// The whole text.
    pub text: String,
    /// The front matter.
    pub front: FrontMatter,
    /// Where the body begins: the byte after the front matter.
    pub body: usize,
    /// The cells, in order.
    pub cells: Vec<Cell>,
    /// The headings, in order.
    pub headings: Vec<Heading>,
}

/// The Markdown that chapters are written in, as mdBook reads it.
pub fn markdown_options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_MATH
}

/// Translates byte offsets into line numbers.
#[derive(Debug, Clone)]
pub struct Lines(Vec<usize>);

impl Lines {
    /// Indexes a text.
    pub fn of(text: &str) -> Self {
        let newlines = text.bytes().enumerate().filter(|&(_, b)| b == b'\n');
        Lines(newlines.map(|(i, _)| i).collect())
    }

    /// The line of a byte offset, from 1.
    pub fn at(&self, offset: usize) -> usize {
        1 + self.0.partition_point(|&newline| newline < offset)
    }
}

impl Chapter {
    /// Parses a chapter; `path` is its place below `chapters/`.
    ///
    /// # Errors
    /// All faults found: bad front matter, an unclosed fence, an unknown attribute, a Rust fence that
    /// would never run.
    pub fn parse(path: impl Into<PathBuf>, text: String) -> Result<Chapter, Vec<Fault>> {
        let path: PathBuf = path.into();
        let shown = Path::new("chapters").join(&path);
        let mut faults = Vec::new();
        let (front, body) = match front_matter(&shown, &text) {
            Ok(found) => found,
            Err(fault) => {
                faults.push(fault);
                (FrontMatter::default(), 0)
            }
        };
        let lines = Lines::of(&text);
        let mut cells: Vec<Cell> = Vec::new();
        let mut headings: Vec<Heading> = Vec::new();
        let mut anchors: HashMap<String, usize> = HashMap::new();
        let mut containers = 0usize;
        let mut heading: Option<(u8, usize, String, Option<String>)> = None;
        let mut fence: Option<(String, Range<usize>)> = None;

        for (event, range) in Parser::new_ext(&text[body..], markdown_options()).into_offset_iter()
        {
            let range = range.start + body..range.end + body;
            match event {
                Event::Start(Tag::BlockQuote(_) | Tag::List(_) | Tag::FootnoteDefinition(_)) => {
                    containers += 1
                }
                Event::End(
                    TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::FootnoteDefinition,
                ) => containers -= 1,
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    let line = lines.at(range.start);
                    if !is_closed(&text[range.clone()]) {
                        faults.push(Fault::at(
                            &shown,
                            line,
                            "this fence is never closed: the rest of the chapter is swallowed by it",
                        ));
                    }
                    if is_rust(&info) {
                        if containers > 0 {
                            faults.push(Fault::at(
                                &shown,
                                line,
                                "a Rust fence inside a list or a quotation never runs: move it to the left margin",
                            ));
                        } else {
                            fence = Some((info.to_string(), range));
                        }
                    }
                }
                Event::End(TagEnd::CodeBlock) => {
                    if let Some((info, span)) = fence.take() {
                        let line = lines.at(span.start) + 1;
                        let code = fence_code(&text[span.clone()]);
                        match parse_info(&info) {
                            Ok(attributes) => cells.push(Cell {
                                index: cells.len(),
                                info,
                                code,
                                line,
                                span,
                                name: attributes.name,
                                role: attributes.role,
                                expect: attributes.expect,
                                codes: attributes.codes,
                                hide: attributes.hide,
                                volatile: attributes.volatile,
                            }),
                            Err(message) => faults.push(Fault::at(&shown, line - 1, message)),
                        }
                    }
                }
                Event::Start(Tag::Heading { level, id, .. }) => {
                    heading = Some((
                        level_number(level),
                        lines.at(range.start),
                        String::new(),
                        id.map(|s| s.to_string()),
                    ));
                }
                Event::Text(t) | Event::Code(t) | Event::InlineMath(t) => {
                    if let Some((_, _, text, _)) = &mut heading {
                        text.push_str(&t);
                    }
                }
                Event::End(TagEnd::Heading(_)) => {
                    if let Some((level, line, text, id)) = heading.take() {
                        let anchor = id.unwrap_or_else(|| unique_anchor(&text, &mut anchors));
                        headings.push(Heading {
                            level,
                            text,
                            line,
                            anchor,
                        });
                    }
                }
                _ => {}
            }
        }
        for cell in &cells {
            let dep = cell
                .code
                .lines()
                .position(|l| l.trim_start().starts_with(":dep"));
            if let Some(offset) = dep
                && cell.role != Role::Setup
            {
                faults.push(Fault::at(
                    &shown,
                    cell.line + offset,
                    "only a `setup` cell may hold `:dep` lines",
                ));
            }
        }
        if faults.is_empty() {
            Ok(Chapter {
                path,
                text,
                front,
                body,
                cells,
                headings,
            })
        } else {
            Err(faults)
        }
    }

    /// The path from the project's root: `chapters/foundations/linear-algebra.md`.
    pub fn shown(&self) -> PathBuf {
        Path::new("chapters").join(&self.path)
    }

    /// The chapter's name in commands: `foundations/linear-algebra`.
    pub fn slug(&self) -> String {
        self.path
            .with_extension("")
            .to_string_lossy()
            .replace('\\', "/")
    }

    /// The part: the folder, such as `foundations`; empty for a page outside a part.
    pub fn part(&self) -> String {
        self.path
            .parent()
            .map(|p| p.to_string_lossy().replace('\\', "/"))
            .unwrap_or_default()
    }

    /// The title: from the front matter, else the first heading, else the file's name.
    pub fn title(&self) -> String {
        self.front
            .title
            .clone()
            .or_else(|| self.headings.first().map(|h| h.text.clone()))
            .unwrap_or_else(|| self.slug())
    }

    /// A fault at a line of this chapter.
    pub fn fault(&self, line: usize, message: impl Into<String>) -> Fault {
        Fault::at(self.shown(), line, message)
    }

    /// All references to results in prose (not in code).
    ///
    /// # Errors
    /// A fault for one that is not of the form `{{result NAME FORMAT}}`.
    pub fn result_refs(&self) -> Result<Vec<ResultRef>, Vec<Fault>> {
        let lines = Lines::of(&self.text);
        let code = self.code_ranges();
        let mut refs = Vec::new();
        let mut faults = Vec::new();
        let mut from = self.body;
        while let Some(at) = self.text[from..].find("{{result").map(|i| from + i) {
            from = at + 2;
            if code.iter().any(|r| r.contains(&at)) {
                continue;
            }
            let line = lines.at(at);
            let Some(end) = self.text[at..].find("}}").map(|i| at + i + 2) else {
                faults.push(self.fault(line, "`{{result` without its closing `}}`"));
                continue;
            };
            let words: Vec<&str> = self.text[at + 2..end - 2].split_whitespace().collect();
            match words[..] {
                ["result", name] => refs.push((name, "", at..end, line)),
                ["result", name, format] => refs.push((name, format, at..end, line)),
                _ => faults
                    .push(self.fault(line, "write `{{result NAME}}` or `{{result NAME FORMAT}}`")),
            }
        }
        if faults.is_empty() {
            let owned = refs
                .into_iter()
                .map(|(name, format, span, line)| ResultRef {
                    name: name.to_string(),
                    format: format.to_string(),
                    line,
                    span,
                });
            Ok(owned.collect())
        } else {
            Err(faults)
        }
    }

    /// The byte ranges of all code, blocks and inline.
    pub fn code_ranges(&self) -> Vec<Range<usize>> {
        Parser::new_ext(&self.text[self.body..], markdown_options())
            .into_offset_iter()
            .filter_map(|(event, range)| match event {
                Event::Code(_) | Event::Start(Tag::CodeBlock(_)) => {
                    Some(range.start + self.body..range.end + self.body)
                }
                _ => None,
            })
            .collect()
    }

    /// The cells of role [`Role::Setup`].
    pub fn setup_cells(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(|c| c.role == Role::Setup)
    }

    /// The ids of the exercises, in order.
    pub fn exercises(&self) -> Vec<&str> {
        self.cells
            .iter()
            .filter_map(|c| match &c.role {
                Role::Exercise(id) => Some(id.as_str()),
                _ => None,
            })
            .collect()
    }

    /// The check cell of an exercise.
    pub fn check_of(&self, id: &str) -> Option<&Cell> {
        self.cells
            .iter()
            .find(|c| matches!(&c.role, Role::Check(of) if of == id))
    }
}

fn level_number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// The anchor that mdBook makes of a heading, with `-1`, `-2` … for repeats.
fn unique_anchor(text: &str, seen: &mut HashMap<String, usize>) -> String {
    let mut base = String::new();
    for c in text.trim().chars() {
        if c.is_alphanumeric() || c == '_' || c == '-' {
            base.extend(c.to_lowercase());
        } else if c.is_whitespace() {
            base.push('-');
        }
    }
    let count = seen.entry(base.clone()).or_insert(0);
    let anchor = if *count == 0 {
        base
    } else {
        format!("{base}-{count}")
    };
    *count += 1;
    anchor
}

/// Whether an info string says Rust.
pub fn is_rust(info: &str) -> bool {
    info.split([',', ' ']).next().map(str::trim) == Some("rust")
}

/// Whether the source of a fenced block ends with its closing fence.
fn is_closed(block: &str) -> bool {
    let fence_char = block.trim_start().chars().next().unwrap_or('`');
    let opening = block
        .trim_start()
        .chars()
        .take_while(|&c| c == fence_char)
        .count();
    let Some(last) = block.trim_end().lines().last() else {
        return false;
    };
    let last = last.trim_start_matches(['>', ' ']).trim_end();
    block.trim_end().lines().count() > 1
        && last.len() >= opening
        && last.chars().all(|c| c == fence_char)
}

/// The code between the fence lines.
fn fence_code(block: &str) -> String {
    let mut lines: Vec<&str> = block.trim_end().lines().collect();
    if lines.len() < 2 {
        return String::new();
    }
    lines.pop();
    lines.remove(0);
    lines.join("\n")
}

/// Splits the front matter off: the parsed YAML and the byte where the body begins.
fn front_matter(shown: &Path, text: &str) -> Result<(FrontMatter, usize), Fault> {
    let Some(rest) = text
        .strip_prefix("---\n")
        .or_else(|| text.strip_prefix("---\r\n"))
    else {
        return Ok((FrontMatter::default(), 0));
    };
    let start = text.len() - rest.len();
    let mut offset = start;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            let yaml = &text[start..offset];
            let body = offset + line.len();
            if yaml.trim().is_empty() {
                return Ok((FrontMatter::default(), body));
            }
            return match serde_yaml_ng::from_str(yaml) {
                Ok(front) => Ok((front, body)),
                Err(e) => {
                    let at = e.location().map_or(1, |l| l.line().max(1));
                    // serde names an unknown key, its place is that of the mapping: look the key up
                    let message = e.to_string();
                    let key = message
                        .split_once("unknown field `")
                        .and_then(|(_, r)| r.split_once('`'))
                        .map(|(k, _)| k.to_string());
                    let line = key
                        .and_then(|k| yaml.lines().position(|l| l.starts_with(&k)).map(|i| i + 1))
                        .unwrap_or(at);
                    Err(Fault::at(
                        shown,
                        line + 1,
                        format!("front matter: {message}"),
                    ))
                }
            };
        }
        offset += line.len();
    }
    Err(Fault::at(
        shown,
        1,
        "the front matter has no closing `---` line",
    ))
}

struct Attributes {
    name: Option<String>,
    role: Role,
    expect: Expect,
    codes: Vec<String>,
    hide: bool,
    volatile: bool,
}

/// Reads the attributes of a Rust fence.
fn parse_info(info: &str) -> Result<Attributes, String> {
    let mut found = Attributes {
        name: None,
        role: Role::Step,
        expect: Expect::Success,
        codes: Vec::new(),
        hide: false,
        volatile: false,
    };
    let mut roles = 0;
    for attribute in info
        .split([',', ' '])
        .skip(1)
        .map(str::trim)
        .filter(|a| !a.is_empty())
    {
        let (key, value) = match attribute.split_once('=') {
            Some((k, v)) => (k, Some(v)),
            None => (attribute, None),
        };
        if let Some(v) = value
            && !is_identifier(v)
        {
            return Err(format!(
                "`{attribute}`: an identifier is made of letters, digits, `-`, `_` and `.`"
            ));
        }
        match (key, value) {
            ("setup", None) => (found.role, roles) = (Role::Setup, roles + 1),
            ("exercise", Some(id)) => (found.role, roles) = (Role::Exercise(id.into()), roles + 1),
            ("check", Some(id)) => (found.role, roles) = (Role::Check(id.into()), roles + 1),
            ("solution", Some(id)) => (found.role, roles) = (Role::Solution(id.into()), roles + 1),
            ("name", Some(id)) => found.name = Some(id.into()),
            ("hide", None) => found.hide = true,
            ("volatile", None) => found.volatile = true,
            ("should_panic", None) => found.expect = Expect::Panic,
            ("compile_fail", None) => found.expect = Expect::CompileError,
            ("ignore" | "no_run", None) => {
                return Err(format!("`{key}` is not allowed: what the book shows, runs"));
            }
            (code, None) if is_error_code(code) => found.codes.push(code.into()),
            _ => {
                return Err(format!(
                    "unknown attribute `{attribute}`; known are setup, name=, hide, volatile, should_panic, compile_fail with its code, exercise=, check=, solution="
                ));
            }
        }
    }
    if roles > 1 {
        return Err(
            "a cell has one of `setup`, `exercise=`, `check=`, `solution=`, not several".into(),
        );
    }
    if found.expect == Expect::CompileError && found.codes.is_empty() {
        return Err(
            "`compile_fail` needs the compiler's code, such as `compile_fail,E0382`".into(),
        );
    }
    if found.expect != Expect::CompileError && !found.codes.is_empty() {
        return Err("an error code goes with `compile_fail`".into());
    }
    Ok(found)
}

fn is_identifier(s: &str) -> bool {
    !s.is_empty()
        && s.chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn is_error_code(s: &str) -> bool {
    s.len() == 5 && s.starts_with('E') && s[1..].bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Chapter, Vec<Fault>> {
        Chapter::parse("part/a.md", text.to_string())
    }

    #[test]
    fn cells_keep_their_text_and_their_line() {
        let chapter = parse(
            "---\nminutes: 5\n---\n# A\n\n```rust,name=x,hide\nlet a = 1;\n\nlet b = 2;\n```\n",
        )
        .unwrap();
        assert_eq!(chapter.front.minutes, Some(5));
        let cell = &chapter.cells[0];
        assert_eq!((cell.line, cell.hide), (7, true));
        assert_eq!(cell.code, "let a = 1;\n\nlet b = 2;");
        assert_eq!(cell.name.as_deref(), Some("x"));
        assert!(chapter.text[cell.span.clone()].starts_with("```rust"));
    }

    #[test]
    fn an_unclosed_fence_is_a_fault_at_its_line() {
        let faults = parse("# A\n\ntext\n\n```rust\nlet a = 1;\n").unwrap_err();
        assert_eq!(faults[0].line, Some(5));
        assert!(faults[0].message.contains("never closed"));
    }

    #[test]
    fn attributes_are_checked() {
        for (info, want) in [
            ("rust,ignore", "not allowed"),
            ("rust,no_run", "not allowed"),
            ("rust,whatever", "unknown attribute"),
            ("rust,compile_fail", "needs the compiler's code"),
            ("rust,E0382", "goes with `compile_fail`"),
            ("rust,setup,exercise=a", "not several"),
            ("rust,name=a/b", "identifier"),
        ] {
            let faults = parse(&format!("```{info}\nlet a = 1;\n```\n")).unwrap_err();
            assert!(faults[0].message.contains(want), "{info}: {}", faults[0]);
            assert_eq!(faults[0].line, Some(1));
        }
    }

    #[test]
    fn unknown_front_matter_is_named_at_its_line() {
        let faults = parse("---\nminutes: 5\nauthor: me\n---\n# A\n").unwrap_err();
        assert_eq!(faults[0].line, Some(3));
        assert!(faults[0].message.contains("author"));
        let faults = parse("---\nminutes: 5\n").unwrap_err();
        assert!(faults[0].message.contains("no closing"));
    }

    #[test]
    fn a_fence_in_a_list_never_runs() {
        let faults = parse("- item\n\n  ```rust\n  let a = 1;\n  ```\n").unwrap_err();
        assert!(faults[0].message.contains("never runs"));
    }

    #[test]
    fn deps_belong_into_setup() {
        let faults = parse("```rust\nlet a = 1;\n:dep rand\n```\n").unwrap_err();
        assert_eq!(faults[0].line, Some(3));
        let chapter = parse("```rust,setup\n:dep rand = \"0.8\"\nuse rand::Rng;\n```\n").unwrap();
        assert_eq!(chapter.cells[0].deps(), ["rand = \"0.8\""]);
        assert_eq!(chapter.cells[0].rust(), "\nuse rand::Rng;");
    }

    #[test]
    fn result_references_are_found_outside_code() {
        let chapter = parse("a {{result x.y .3}} `{{result no}}` {{result z}}\n").unwrap();
        let refs = chapter.result_refs().unwrap();
        let names: Vec<_> = refs
            .iter()
            .map(|r| (r.name.as_str(), r.format.as_str()))
            .collect();
        assert_eq!(names, [("x.y", ".3"), ("z", "")]);
        let faults = parse("{{result a b c}}\n")
            .unwrap()
            .result_refs()
            .unwrap_err();
        assert_eq!(faults[0].line, Some(1));
    }

    #[test]
    fn repeated_headings_get_distinct_anchors() {
        let chapter = parse("# A b\n\n## A b\n\n## `C` d {#own}\n").unwrap();
        let anchors: Vec<_> = chapter.headings.iter().map(|h| h.anchor.as_str()).collect();
        assert_eq!(anchors, ["a-b", "a-b-1", "own"]);
    }
}

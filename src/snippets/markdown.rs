//! The chapter that `mdbook test` sees: one program of its cells, and one for each that must fail or stand alone.
//!
//! Cells share their state, rustdoc tests do not. So the cells that succeed, and those that must panic, are one
//! program, in which each opens a block: a later cell may shadow what an earlier one defined, as on the kernel. It
//! runs once, so a cell that trains a model does so once. It stands on the very lines that its cells have in the
//! chapter, so rustdoc's messages name the chapter's own lines. Before each cell it writes to stderr which one begins,
//! since a returned error has no line.
//!
//! A cell that must not compile is a program of its own behind the cells before it, which is not run. The check of an
//! exercise is one with the setup cells and the starter alone, and one with the solution. These stand below the
//! chapter's last line.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::chapter::{Cell, Chapter, Expect, Role};
use crate::error::Fault;
use crate::notebook::{Segment, expectation, segments};

use super::code::{self, Code};
use super::library::{dependencies, facade_name};

/// One rustdoc test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// The indices of the cells that it tests, in order. Several are one program, on their own lines.
    pub cells: Vec<usize>,
    /// The check of an exercise, run again after the solution.
    pub recheck: bool,
    /// The line of the opening fence in the test chapter, from 1.
    pub line: usize,
    /// What must happen.
    pub expect: Expect,
    /// The whole program, as rustdoc compiles it.
    pub program: String,
}

/// A chapter as rustdoc tests.
#[derive(Debug, Clone, Default)]
pub struct Snippets {
    /// The Markdown that `mdbook test` gives to rustdoc.
    pub markdown: String,
    /// The tests in it, in order.
    pub snippets: Vec<Snippet>,
}

/// What the program of a chapter writes to stderr when the cell of this index begins.
pub(super) fn mark(index: usize) -> String {
    format!("-- cell {} --", index + 1)
}

/// What it panics with when a cell that must panic does not.
pub(super) const DID_NOT_PANIC: &str = "should have panicked, and did not";

/// The test chapter as Markdown: what the preprocessor answers when the renderer is `test`.
///
/// # Errors
/// All cells that are not Rust, and `:dep` lines that cannot be read, each with its line.
pub fn test_chapter(chapter: &Chapter) -> Result<String, Vec<Fault>> {
    of_chapter(chapter).map(|s| s.markdown)
}

/// The rustdoc tests of a chapter.
///
/// # Errors
/// As [`test_chapter`].
pub fn of_chapter(chapter: &Chapter) -> Result<Snippets, Vec<Fault>> {
    let (opening, parsed) = understood(chapter)?;
    let mut page = Page::default();
    let mut snippets = Vec::new();
    let whole: Vec<(&Cell, &Code)> = chapter
        .cells
        .iter()
        .filter(|cell| cell.expect != Expect::CompileError)
        .filter(|cell| !matches!(cell.role, Role::Exercise(_) | Role::Check(_)))
        .filter_map(|cell| Some((cell, parsed[cell.index].as_ref()?)))
        .collect();
    if let Some((first, _)) = whole.first() {
        for heading in chapter.headings.iter().filter(|h| h.line < first.line) {
            page.heading(heading.line, heading.level, &heading.text);
        }
        snippets.push(page.whole(&whole, &opening));
    }
    page.pad(chapter.text.lines().count() + 1);
    for segment in segments(chapter) {
        let Some(index) = segment.runs() else {
            continue;
        };
        let cell = &chapter.cells[index];
        let (before, cells) = match (&segment, &cell.role) {
            (_, Role::Exercise(_)) => continue,
            (Segment::Recheck { solution, .. }, Role::Check(id)) => {
                page.heading(0, 2, &format!("Solution of {id}"));
                (with_setup(chapter, *solution), vec![index])
            }
            (_, Role::Check(id)) => {
                page.heading(0, 2, &format!("Check of {id}"));
                let starter = chapter
                    .cells
                    .iter()
                    .find(|c| c.role == Role::Exercise(id.clone()))
                    .map(|c| c.index);
                let before = starter.map_or_else(Vec::new, |at| with_setup(chapter, at));
                (before, starter.into_iter().chain([index]).collect())
            }
            _ if cell.expect == Expect::CompileError => {
                page.heading(0, 2, &format!("Cell {}", index + 1));
                (state(chapter, index), vec![index])
            }
            _ => continue,
        };
        let mut head = opening.clone();
        let mut mutable = BTreeSet::new();
        let mut blocks = 0;
        for code in before
            .iter()
            .filter_map(|&earlier| parsed[earlier].as_ref())
        {
            let state = code.state(&mut mutable);
            if !state.is_empty() {
                head.push_str(&state);
                head.push_str(" { ");
                blocks += 1;
            }
        }
        let tail = format!(" Ok(()) }} {}", "}".repeat(blocks));
        let body = match &parsed[index] {
            Some(code) => code.bound(&tail),
            None => format!("{}\n{tail}", cell.rust()),
        };
        let mut snippet = page.alone(&Draft {
            cell,
            head,
            body,
            expect: expectation(chapter, &segment),
        });
        snippet.cells = cells;
        snippet.recheck = matches!(segment, Segment::Recheck { .. });
        snippets.push(snippet);
    }
    Ok(Snippets {
        markdown: page.text(),
        snippets,
    })
}

/// What every program of the chapter begins with, and its cells as statements: none for one that must not compile and
/// does not parse either.
fn understood(chapter: &Chapter) -> Result<(String, Vec<Option<Code>>), Vec<Fault>> {
    let mut faults = Vec::new();
    let opening = opening(chapter).unwrap_or_else(|found| {
        faults.extend(found);
        String::new()
    });
    let parsed = chapter
        .cells
        .iter()
        .map(|cell| match code::parse(chapter, cell) {
            Ok(code) => Some(code),
            Err(_) if cell.expect == Expect::CompileError => None,
            Err(fault) => {
                faults.push(fault);
                None
            }
        })
        .collect();
    if faults.is_empty() {
        Ok((opening, parsed))
    } else {
        Err(faults)
    }
}

struct Draft<'a> {
    cell: &'a Cell,
    head: String,
    body: String,
    expect: Expect,
}

/// The setup cells before the cell `at`, and that cell: all that an exercise may use.
fn with_setup(chapter: &Chapter, at: usize) -> Vec<usize> {
    chapter
        .setup_cells()
        .map(|cell| cell.index)
        .filter(|&index| index < at)
        .chain([at])
        .collect()
}

/// The cells whose effects are there when the cell `until` begins: those that must succeed, without
/// starters and checks.
fn state(chapter: &Chapter, until: usize) -> Vec<usize> {
    chapter.cells[..until]
        .iter()
        .filter(|c| c.expect == Expect::Success)
        .filter(|c| !matches!(c.role, Role::Check(_) | Role::Exercise(_)))
        .map(|c| c.index)
        .collect()
}

/// What each snippet begins with: the crates of the `:dep` lines, and the function around the cells.
pub(super) fn opening(chapter: &Chapter) -> Result<String, Vec<Fault>> {
    let crates = crates(chapter)?;
    // inside the function: rustdoc moves an `extern crate` outside it, and then miscounts lines
    Ok(format!(
        "fn main() -> Result<(), Box<dyn std::error::Error>> {{ {crates}"
    ))
}

/// The line that brings the crates of the `:dep` lines into scope.
pub(super) fn crates(chapter: &Chapter) -> Result<String, Vec<Fault>> {
    let names: Vec<String> = dependencies(chapter)?
        .into_iter()
        .map(|d| d.crate_name())
        .collect();
    if names.is_empty() {
        return Ok(String::new());
    }
    Ok(format!(
        "extern crate {} as __snippets; #[allow(unused_imports)] use __snippets::{{{}}}; ",
        facade_name(chapter),
        names.join(", ")
    ))
}

/// Markdown laid out so that each cell stands on the lines that it has in the chapter.
#[derive(Default)]
struct Page(Vec<String>);

impl Page {
    /// Fills up with empty lines, so that the next line has this number.
    fn pad(&mut self, line: usize) {
        while self.0.len() + 1 < line {
            self.0.push(String::new());
        }
    }

    /// rustdoc names tests after the headings above them.
    fn heading(&mut self, line: usize, level: u8, text: &str) {
        if line > 0 && self.0.len() >= line {
            return;
        }
        self.pad(line);
        let plain: String = text
            .chars()
            .map(|c| {
                if c.is_alphanumeric() || ".-' ".contains(c) {
                    c
                } else {
                    ' '
                }
            })
            .collect();
        self.0
            .push(format!("{} {}", "#".repeat(level.into()), plain.trim()));
    }

    /// One program of several cells, each on its own lines.
    fn whole(&mut self, cells: &[(&Cell, &Code)], opening: &str) -> Snippet {
        let (first, last) = (cells[0].0, cells[cells.len() - 1].0);
        // from the line before the first cell to the one behind the last
        let top = first.line - 1;
        let mut lines = vec![String::new(); last.line + last.code.lines().count() - top + 1];
        lines[0].push_str(opening);
        for (cell, code) in cells {
            let at = cell.line - top;
            let _ = write!(lines[at - 1], "eprintln!(\"{}\"); ", mark(cell.index));
            let mut tail = "";
            if cell.expect == Expect::Panic {
                lines[at - 1].push_str(
                    "let __ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| -> Result<(), Box<dyn std::error::Error>> { ",
                );
                tail = " Ok(()) }));";
            }
            for (i, text) in code.bound(tail).lines().enumerate() {
                lines[at + i].push_str(text);
            }
            let end = &mut lines[at + cell.code.lines().count()];
            if cell.expect == Expect::Panic {
                let _ = write!(
                    end,
                    "assert!(!matches!(__ended, Ok(Ok(()))), \"{DID_NOT_PANIC}\"); "
                );
            }
            end.push_str("{ ");
        }
        let _ = write!(
            lines.last_mut().expect("there is a line"),
            "Ok(()) }} {}",
            "}".repeat(cells.len())
        );
        self.pad(top.saturating_sub(1));
        let draft = Draft {
            cell: first,
            head: lines.remove(0),
            body: lines.join("\n"),
            expect: Expect::Success,
        };
        let mut snippet = self.alone(&draft);
        snippet.cells = cells.iter().map(|(cell, _)| cell.index).collect();
        snippet
    }

    /// One program of one cell.
    fn alone(&mut self, draft: &Draft) -> Snippet {
        let ticks = longest_ticks(&draft.head)
            .max(longest_ticks(&draft.body))
            .max(2)
            + 1;
        let fence = "`".repeat(ticks);
        let attributes = match draft.expect {
            Expect::Success => String::new(),
            Expect::Panic => ",should_panic".into(),
            Expect::CompileError => format!(",compile_fail,{}", draft.cell.codes.join(",")),
        };
        let at = self.0.len() + 1;
        self.0.push(format!("{fence}rust{attributes}"));
        self.0.push(format!("# {}", draft.head.trim_end()));
        self.0.extend(draft.body.lines().map(escape));
        self.0.push(fence);
        Snippet {
            cells: vec![draft.cell.index],
            recheck: false,
            line: at,
            expect: draft.expect,
            program: format!("{}\n{}\n", draft.head, draft.body),
        }
    }

    fn text(self) -> String {
        let mut text = self.0.join("\n");
        text.push('\n');
        text
    }
}

/// rustdoc hides lines that begin with `# `, and takes the first `#` off those that begin with `##`.
fn escape(line: &str) -> String {
    let trimmed = line.trim();
    if trimmed == "#" || trimmed.starts_with("# ") || trimmed.starts_with("##") {
        line.replacen('#', "##", 1)
    } else {
        line.to_string()
    }
}

fn longest_ticks(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chapter(text: &str) -> Chapter {
        Chapter::parse("part/a-b.md", text.to_string()).unwrap()
    }

    const TEXT: &str = "# A\n\n```rust,setup\n:dep tiny = { path = \"../../lib/tiny\" }\nuse tiny::f;\n```\n\n## Step\n\n```rust\nlet a: i32 = f();\na\n```\n\n```rust,should_panic\npanic!(\"{a}\");\n```\n\n```rust,exercise=a-b.g\nfn g() -> i32 {\n    todo!()\n}\n```\n\n```rust,check=a-b.g\nassert_eq!(g(), 3);\n```\n\n```rust,solution=a-b.g\nfn g() -> i32 { 3 }\n```\n\n```rust,compile_fail,E0425\na + z\n```\n\n```rust\nassert_eq!(g(), 3);\n```\n";

    fn program(s: &Snippets, at: usize) -> &str {
        &s.snippets[at].program
    }

    #[test]
    fn the_cells_that_run_are_one_program() {
        let s = of_chapter(&chapter(TEXT)).unwrap();
        let cells: Vec<&[usize]> = s.snippets.iter().map(|s| &s.cells[..]).collect();
        assert_eq!(cells, [&[0, 1, 2, 5, 7][..], &[3, 4], &[4], &[6]], "{s:?}");
        let whole = program(&s, 0);
        assert!(whole.contains("{ extern crate snippets_part_a_b as __snippets;"));
        assert!(whole.contains("use __snippets::{tiny}"));
        assert!(whole.contains("let _ = a;"), "{whole}");
        assert!(!whole.contains(":dep") && !whole.contains("todo!()") && !whole.contains('z'));
        assert!(whole.contains(DID_NOT_PANIC));
        assert_eq!(whole.matches('{').count(), whole.matches('}').count());
        assert!(syn::parse_file(whole).is_ok(), "{whole}");
    }

    #[test]
    fn a_check_stands_with_setup_and_one_definition() {
        let s = of_chapter(&chapter(TEXT)).unwrap();
        let on_starter = &s.snippets[1];
        assert_eq!(on_starter.expect, Expect::Panic);
        assert!(on_starter.program.contains("todo") && !on_starter.program.contains("f ()"));
        let recheck = &s.snippets[2];
        assert!(recheck.recheck && recheck.expect == Expect::Success);
        assert_eq!(recheck.program.matches("fn g").count(), 1);
        assert!(!recheck.program.contains("todo"));
    }

    #[test]
    fn what_must_not_compile_stands_behind_the_cells_before_it() {
        let s = of_chapter(&chapter(TEXT)).unwrap();
        let fails = &s.snippets[3];
        assert_eq!(fails.expect, Expect::CompileError);
        let text = &fails.program;
        assert!(
            text.contains("let a : i32") && text.contains("fn g"),
            "{text}"
        );
        assert!(!text.contains("panic") && !text.contains("todo"));
        assert_eq!(text.matches('{').count(), text.matches('}').count());
    }

    #[test]
    fn cells_stand_on_their_own_lines() {
        let c = chapter(TEXT);
        let s = of_chapter(&c).unwrap();
        let lines: Vec<&str> = s.markdown.lines().collect();
        let whole = &s.snippets[0];
        assert_eq!(whole.line, c.cells[0].line - 2);
        assert!(lines[whole.line - 1].starts_with("```rust"));
        for &index in &whole.cells {
            let cell = &c.cells[index];
            for (i, text) in cell.rust().lines().enumerate() {
                assert!(lines[cell.line - 1 + i].contains(text.trim_end()), "{text}");
            }
        }
        let last = c.text.lines().count();
        for alone in &s.snippets[1..] {
            assert!(alone.line > last);
            assert!(lines[alone.line - 1].starts_with("```rust"));
        }
    }

    #[test]
    fn lines_of_a_multi_line_string_stay() {
        let c = chapter(
            "# A\n\n```rust\nlet s: &str = \"a\nb\";\n```\n\n```rust\n// only words\n```\n",
        );
        let whole = &of_chapter(&c).unwrap().snippets[0];
        assert!(whole.program.contains("\"a\nb\";"), "{}", whole.program);
        assert!(syn::parse_file(&whole.program).is_ok(), "{}", whole.program);
    }

    #[test]
    fn adjacent_cells_still_give_whole_fences() {
        let c = chapter(
            "# A\n```rust\nlet a: i32 = 1;\n```\n```rust\n// only words\n```\n```rust\na\n```\n",
        );
        let s = of_chapter(&c).unwrap();
        let back = Chapter::parse("a.md", s.markdown.clone()).unwrap();
        assert_eq!(back.cells.len(), 1, "{}", s.markdown);
    }

    #[test]
    fn attributes_and_backticks_are_kept() {
        let c = chapter(
            "```rust,compile_fail,E0382\nlet a: String = String::new(); drop(a); a\n```\n\n````rust\nlet s: &str = \"```\";\n# [allow(unused)]\nlet t: u8 = 1;\n````\n",
        );
        let s = of_chapter(&c).unwrap();
        assert!(s.markdown.contains("```rust,compile_fail,E0382\n"));
        assert!(s.markdown.contains("````rust\n"));
        assert!(s.markdown.contains("\n## [allow(unused)]\n"));
    }

    #[test]
    fn every_cell_that_is_not_rust_is_named() {
        let c = chapter("```rust\nlet = 1;\n```\n\n```rust\nfn (\n```\n");
        let faults = of_chapter(&c).unwrap_err();
        assert_eq!(
            faults.iter().map(|f| f.line).collect::<Vec<_>>(),
            [Some(2), Some(6)]
        );
    }
}

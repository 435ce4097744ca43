//! The chapter that `mdbook test` sees: one rustdoc test a cell.
//!
//! Cells share their state, rustdoc tests do not. So the snippet of a cell begins with the cells before
//! it, on one hidden line: each cell opens a block, so that a later cell may shadow what an earlier one
//! defined, as on the kernel. The cell itself stands on the very lines that it has in the chapter, so
//! rustdoc's messages name the chapter's own lines.

use std::collections::BTreeSet;

use crate::chapter::{Cell, Chapter, Expect, Role};
use crate::error::Fault;
use crate::notebook::{Segment, expectation, segments};

use super::code::{self, Code};
use super::library::{dependencies, facade_name};

/// One rustdoc test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// The index of the cell whose code it runs.
    pub cell: usize,
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
    let mut faults = Vec::new();
    let opening = match opening(chapter) {
        Ok(opening) => opening,
        Err(found) => {
            faults.extend(found);
            String::new()
        }
    };
    let mut parsed: Vec<Option<Code>> = Vec::new();
    for cell in &chapter.cells {
        match code::parse(chapter, cell) {
            Ok(code) => parsed.push(Some(code)),
            // a cell that must not compile may also not parse
            Err(_) if cell.expect == Expect::CompileError => parsed.push(None),
            Err(fault) => {
                faults.push(fault);
                parsed.push(None);
            }
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }

    let mut page = Page::default();
    let mut snippets = Vec::new();
    let mut rechecks = Vec::new();
    let mut headings = chapter.headings.iter().peekable();
    for segment in segments(chapter) {
        let Some(index) = segment.runs() else {
            continue;
        };
        let cell = &chapter.cells[index];
        let recheck = match segment {
            Segment::Recheck { solution, .. } => Some(solution),
            _ => None,
        };
        let before = state(chapter, recheck.map_or(index, |solution| solution + 1));
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
        let expect = expectation(chapter, &segment);
        let snippet = Draft {
            cell,
            head,
            body,
            expect,
        };
        match recheck {
            Some(_) => rechecks.push(snippet),
            None => {
                while let Some(heading) = headings.next_if(|h| h.line < cell.line) {
                    page.heading(heading.line, heading.level, &heading.text);
                }
                snippets.push(page.snippet(Some(cell.line), &snippet));
            }
        }
    }
    page.pad(chapter.text.lines().count() + 1);
    for draft in rechecks {
        if let Role::Check(id) = &draft.cell.role {
            page.heading(0, 2, &format!("Solution of {id}"));
        }
        let mut snippet = page.snippet(None, &draft);
        snippet.recheck = true;
        snippets.push(snippet);
    }
    Ok(Snippets {
        markdown: page.text(),
        snippets,
    })
}

struct Draft<'a> {
    cell: &'a Cell,
    head: String,
    body: String,
    expect: Expect,
}

/// The cells whose effects are there when the cell `until` begins: those that must succeed, without
/// checks, and without a starter whose solution is among them.
fn state(chapter: &Chapter, until: usize) -> Vec<usize> {
    let cells = &chapter.cells[..until];
    // a solution stands in for its starter from its own snippet on
    let solved = |id: &str| {
        chapter.cells[..chapter.cells.len().min(until + 1)]
            .iter()
            .any(|c| matches!(&c.role, Role::Solution(of) if of == id))
    };
    cells
        .iter()
        .filter(|c| c.expect == Expect::Success)
        .filter(|c| match &c.role {
            Role::Check(_) => false,
            Role::Exercise(id) => !solved(id),
            _ => true,
        })
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

    fn snippet(&mut self, line: Option<usize>, draft: &Draft) -> Snippet {
        if let Some(line) = line {
            self.pad(line.saturating_sub(2));
        }
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
            cell: draft.cell.index,
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

    const TEXT: &str = "# A\n\n```rust,setup\n:dep tiny = { path = \"../../lib/tiny\" }\nuse tiny::f;\n```\n\n## Step\n\n```rust\nlet a: i32 = f();\na\n```\n\n```rust,should_panic\npanic!(\"{a}\");\n```\n\n```rust,exercise=a-b.g\nfn g() -> i32 {\n    todo!()\n}\n```\n\n```rust,check=a-b.g\nassert_eq!(g(), a);\n```\n\n```rust,solution=a-b.g\nfn g() -> i32 { 3 }\n```\n\n```rust\nassert_eq!(g(), 3);\n```\n";

    fn program(s: &Snippets, at: usize) -> &str {
        &s.snippets[at].program
    }

    #[test]
    fn a_cell_follows_the_cells_before_it() {
        let s = of_chapter(&chapter(TEXT)).unwrap();
        assert_eq!(s.snippets.len(), 8);
        let panics = program(&s, 2);
        assert!(panics.contains("{ extern crate snippets_part_a_b as __snippets;"));
        assert!(panics.contains("use __snippets::{tiny}"));
        // what an earlier cell shows is not shown again
        assert!(!panics.contains("let _ = a"), "{panics}");
        assert!(!panics.contains(":dep"));
        assert_eq!(s.snippets[2].expect, Expect::Panic);
        // the panic is not part of what follows
        assert!(!program(&s, 4).contains("panic"));
        assert_eq!(panics.matches('{').count(), panics.matches('}').count());
    }

    #[test]
    fn starter_check_and_solution_have_one_definition_each() {
        let s = of_chapter(&chapter(TEXT)).unwrap();
        let on_starter = &s.snippets[4];
        assert_eq!(on_starter.expect, Expect::Panic);
        assert!(on_starter.program.contains("todo"));
        let solution = program(&s, 5);
        assert!(
            !solution.contains("todo"),
            "the starter stands beside its solution"
        );
        let after = program(&s, 6);
        assert_eq!(after.matches("fn g").count(), 1);
        let recheck = &s.snippets[7];
        assert!(recheck.recheck && recheck.expect == Expect::Success);
        assert_eq!(recheck.program.matches("fn g").count(), 1);
        assert!(!recheck.program.contains("todo"));
    }

    #[test]
    fn cells_stand_on_their_own_lines() {
        let c = chapter(TEXT);
        let s = of_chapter(&c).unwrap();
        let lines: Vec<&str> = s.markdown.lines().collect();
        for snippet in s.snippets.iter().filter(|s| !s.recheck) {
            let cell = &c.cells[snippet.cell];
            assert_eq!(snippet.line, cell.line - 2);
            assert!(lines[snippet.line - 1].starts_with("```rust"));
            let first = cell.rust().lines().next().unwrap().to_string();
            assert!(
                lines[cell.line - 1].contains(&first),
                "{}",
                lines[cell.line - 1]
            );
        }
        assert!(lines[7].starts_with("## Step"));
    }

    #[test]
    fn adjacent_cells_still_give_whole_fences() {
        let c = chapter(
            "# A\n```rust\nlet a: i32 = 1;\n```\n```rust\n// only words\n```\n```rust\na\n```\n",
        );
        let s = of_chapter(&c).unwrap();
        let back = Chapter::parse("a.md", s.markdown.clone()).unwrap();
        assert_eq!(back.cells.len(), 3, "{}", s.markdown);
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

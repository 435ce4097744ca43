//! Exercises as the chapter holds them: the task, the starter, a hint, the check and a solution.

use crate::chapter::{Cell, Chapter, Role};

/// An exercise of a chapter.
#[derive(Debug, Clone)]
pub struct Exercise<'a> {
    /// Its id, such as `linear-algebra.p-norm`.
    pub id: &'a str,
    /// The heading above it, without the word `Exercise:`.
    pub title: String,
    /// What to do, in Markdown.
    pub task: &'a str,
    /// The hint, in Markdown.
    pub hint: Option<&'a str>,
    /// The starter's cell.
    pub starter: &'a Cell,
    /// The check's cell.
    pub check: Option<&'a Cell>,
    /// The solution's cell.
    pub solution: Option<&'a Cell>,
}

/// The exercises of a chapter, in order.
pub fn of(chapter: &Chapter) -> Vec<Exercise<'_>> {
    let starters = |c: &&Cell| matches!(c.role, Role::Exercise(_));
    chapter
        .cells
        .iter()
        .filter(starters)
        .map(|starter| {
            let Role::Exercise(id) = &starter.role else {
                unreachable!("only starters are looked at")
            };
            let find = |role: Role| chapter.cells.iter().find(|c| c.role == role);
            let heading = chapter.headings.iter().rfind(|h| h.line < starter.line);
            let title = heading.map_or("", |h| h.text.as_str());
            let title = title.strip_prefix("Exercise:").unwrap_or(title).trim();
            let from = heading.map_or(chapter.body, |h| line_end(&chapter.text, h.line));
            let until = chapter
                .cells
                .iter()
                .filter(starters)
                .find(|c| c.index > starter.index)
                .map_or(chapter.text.len(), |c| c.span.start);
            let between = from.min(starter.span.start)..starter.span.start;
            Exercise {
                id,
                title: title.to_string(),
                task: chapter.text[between].trim(),
                hint: hint(&chapter.text[starter.span.end..until]),
                starter,
                check: find(Role::Check(id.clone())),
                solution: find(Role::Solution(id.clone())),
            }
        })
        .collect()
}

/// The byte after a line.
fn line_end(text: &str, line: usize) -> usize {
    text.split_inclusive('\n').take(line).map(str::len).sum()
}

/// The inside of the first `<details class="hint">`, without its summary.
fn hint(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<details class=\"hint\">")?;
    let (inside, _) = rest.split_once("</details>")?;
    let inside = inside.split_once("</summary>").map_or(inside, |(_, i)| i);
    Some(inside.trim()).filter(|i| !i.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exercise_has_all_its_parts() {
        let text = "# A\n\n## Exercises\n\n### Exercise: Half\n\nWrite `half`.\n\n```rust,exercise=a.half\nfn half() {}\n```\n\n<details class=\"hint\"><summary>Hint</summary>\n\nDivide.\n\n</details>\n\n```rust,check=a.half\nhalf();\n```\n\n```rust,solution=a.half\nfn half() {}\n```\n\n### Exercise: Bare\n\n```rust,exercise=a.bare\nfn bare() {}\n```\n";
        let chapter = Chapter::parse("p/a.md", text.to_string()).unwrap();
        let found = of(&chapter);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].id, found[0].title.as_str()), ("a.half", "Half"));
        assert_eq!(
            (found[0].task, found[0].hint),
            ("Write `half`.", Some("Divide."))
        );
        assert!(found[0].check.is_some() && found[0].solution.is_some());
        assert!(found[1].hint.is_none() && found[1].check.is_none() && found[1].solution.is_none());
        assert_eq!(found[1].task, "");
    }
}

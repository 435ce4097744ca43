//! The project on disk: where the book, its notebooks and its crates stand.

use std::path::{Component, Path, PathBuf};

use mdbook_summary::{Summary, SummaryItem, parse_summary};

use crate::chapter::Chapter;
use crate::error::{Fault, Faults, read_text};

/// A checkout of the book.
#[derive(Debug, Clone)]
pub struct Project {
    /// The folder that holds `book.toml`.
    pub root: PathBuf,
}

/// An entry of `SUMMARY.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The link's text.
    pub title: String,
    /// The file below `chapters/`.
    pub path: PathBuf,
    /// The title of the part that it stands under, if any.
    pub part: Option<String>,
}

impl Project {
    /// Finds the project that holds `start`: the nearest folder above with a `book.toml` and a
    /// `chapters/SUMMARY.md`.
    ///
    /// # Errors
    /// A [`Fault`] when there is none.
    pub fn find(start: &Path) -> Result<Project, Fault> {
        start
            .ancestors()
            .find(|dir| {
                dir.join("book.toml").is_file() && dir.join("chapters/SUMMARY.md").is_file()
            })
            .map(|dir| Project {
                root: dir.to_path_buf(),
            })
            .ok_or_else(|| {
                Fault::file(
                    start,
                    "no book here or above: a book has book.toml and chapters/SUMMARY.md",
                )
            })
    }

    /// The folder of the chapters.
    pub fn chapters_dir(&self) -> PathBuf {
        self.root.join("chapters")
    }

    /// The notebook of a chapter: the same path below `notebooks/`.
    pub fn notebook_path(&self, chapter: &Path) -> PathBuf {
        self.root
            .join("notebooks")
            .join(chapter)
            .with_extension("ipynb")
    }

    /// A path as messages show it: relative to the root.
    pub fn shown(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_path_buf()
    }

    /// The entries of `SUMMARY.md` that have a file, in reading order.
    ///
    /// # Errors
    /// A [`Fault`] when the summary cannot be read or parsed, or an entry leads out of `chapters/`.
    pub fn entries(&self) -> Result<Vec<Entry>, Fault> {
        let path = self.chapters_dir().join("SUMMARY.md");
        let text = read_text(&self.root, &path)?;
        let summary: Summary =
            parse_summary(&text).map_err(|e| Fault::file(self.shown(&path), format!("{e:#}")))?;
        let mut entries = Vec::new();
        collect(&summary.prefix_chapters, &mut None, &mut entries);
        collect(&summary.numbered_chapters, &mut None, &mut entries);
        collect(&summary.suffix_chapters, &mut None, &mut entries);
        for entry in &entries {
            if !is_inside(&entry.path) {
                let wanted = entry.path.to_string_lossy().into_owned();
                let line = text
                    .lines()
                    .position(|l| l.contains(&wanted))
                    .map_or(1, |i| i + 1);
                return Err(Fault::at(
                    self.shown(&path),
                    line,
                    format!("`{wanted}` leads out of chapters/"),
                ));
            }
        }
        Ok(entries)
    }

    /// All chapters in reading order, parsed.
    ///
    /// # Errors
    /// The faults of all chapters together.
    pub fn chapters(&self) -> Result<Vec<Chapter>, Faults> {
        let mut chapters = Vec::new();
        let mut faults = Vec::new();
        for entry in self.entries()? {
            match self.chapter(&entry.path) {
                Ok(chapter) => chapters.push(chapter),
                Err(found) => faults.extend(found.0),
            }
        }
        if faults.is_empty() {
            Ok(chapters)
        } else {
            Err(Faults(faults))
        }
    }

    /// One chapter by its path below `chapters/`.
    ///
    /// # Errors
    /// The faults found in it.
    pub fn chapter(&self, path: &Path) -> Result<Chapter, Faults> {
        let text = read_text(&self.root, &self.chapters_dir().join(path))?;
        Chapter::parse(path, text).map_err(Faults)
    }

    /// The entry that a name on the command line means: `foundations/linear-algebra`,
    /// `chapters/foundations/linear-algebra.md`, or the file's full path.
    ///
    /// # Errors
    /// A [`Fault`] when the name leads out of `chapters/` or no entry of `SUMMARY.md` has it.
    pub fn resolve(&self, name: &str) -> Result<Entry, Fault> {
        let given = Path::new(name);
        let below = given
            .strip_prefix(self.chapters_dir())
            .or_else(|_| given.strip_prefix("chapters"))
            .unwrap_or(given);
        if !is_inside(below) {
            return Err(Fault::file(
                given,
                "leads out of chapters/: name a chapter such as foundations/linear-algebra",
            ));
        }
        let wanted = match below.extension() {
            Some(ext) if ext == "md" => below.to_path_buf(),
            _ => PathBuf::from(format!("{}.md", below.display())),
        };
        let entries = self.entries()?;
        entries
            .iter()
            .find(|e| e.path == wanted)
            .cloned()
            .ok_or_else(|| {
                let known: Vec<String> = entries
                    .iter()
                    .map(|e| e.path.with_extension("").display().to_string())
                    .collect();
                Fault::file(given, "no such chapter in chapters/SUMMARY.md")
                    .with_detail(format!("known: {}", known.join(", ")))
            })
    }
}

fn collect(items: &[SummaryItem], part: &mut Option<String>, entries: &mut Vec<Entry>) {
    for item in items {
        match item {
            SummaryItem::PartTitle(title) => *part = Some(title.clone()),
            SummaryItem::Link(link) => {
                if let Some(path) = &link.location {
                    entries.push(Entry {
                        title: link.name.clone(),
                        path: path.clone(),
                        part: part.clone(),
                    });
                }
                collect(&link.nested_items, part, entries);
            }
            _ => {}
        }
    }
}

/// Whether a relative path stays below its folder.
pub fn is_inside(path: &Path) -> bool {
    path.components()
        .all(|c| matches!(c, Component::Normal(_) | Component::CurDir))
        && path.components().next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> (tempfile::TempDir, Project) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("chapters/a")).unwrap();
        std::fs::write(dir.path().join("book.toml"), "").unwrap();
        std::fs::write(
            dir.path().join("chapters/SUMMARY.md"),
            "# Summary\n\n[Start](start.md)\n\n# Part A\n\n- [One](a/one.md)\n- [Two words](<a/two words.md>)\n",
        )
        .unwrap();
        let project = Project {
            root: dir.path().to_path_buf(),
        };
        (dir, project)
    }

    #[test]
    fn entries_know_their_part() {
        let (_dir, project) = project();
        let entries = project.entries().unwrap();
        assert_eq!(entries[0].part, None);
        assert_eq!(entries[1].part.as_deref(), Some("Part A"));
        assert_eq!(entries[2].path, Path::new("a/two words.md"));
    }

    #[test]
    fn names_resolve_or_say_why_not() {
        let (_dir, project) = project();
        for name in ["a/one", "a/one.md", "chapters/a/one.md"] {
            assert_eq!(project.resolve(name).unwrap().path, Path::new("a/one.md"));
        }
        assert_eq!(project.resolve("a/two words").unwrap().title, "Two words");
        for name in ["../secret", "a/../../b", "/etc/passwd", ""] {
            let fault = project.resolve(name).unwrap_err();
            assert!(fault.message.contains("leads out of"), "{name}: {fault}");
        }
        assert!(
            project
                .resolve("a/three")
                .unwrap_err()
                .message
                .contains("no such chapter")
        );
    }

    #[test]
    fn a_summary_that_leads_out_is_a_fault() {
        let (_dir, project) = project();
        std::fs::write(
            project.root.join("chapters/SUMMARY.md"),
            "# Summary\n\n- [Out](../out.md)\n",
        )
        .unwrap();
        let fault = project.entries().unwrap_err();
        assert_eq!(fault.line, Some(3));
    }
}

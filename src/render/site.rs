//! The whole site, into a folder: mdBook's pages with their slots filled, the source pages, the notebooks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use mdbook_driver::MDBook;

use super::{Course, Held, Kept, fill, library, source};
use crate::error::{Fault, Faults};
use crate::project::Project;

/// Why the outputs of a chapter are not those of its code, by the chapter's path below `chapters/`.
pub type Notes = BTreeMap<PathBuf, Vec<String>>;

/// Renders the site into `dest`, which is made, and emptied where it exists. A chapter in `notes` says
/// on its page that its outputs are old, and why. What `kept` holds of an earlier render is used.
///
/// # Errors
/// The faults of the chapters, or of the book's settings.
pub fn render(project: &Project, dest: &Path, notes: &Notes, kept: &Kept) -> Result<(), Faults> {
    let general = |e: anyhow::Error| match e.downcast::<Faults>() {
        Ok(faults) => faults,
        Err(e) => Fault::file("book.toml", format!("{e:#}")).into(),
    };
    // mdBook reports a missing page by its full path alone: name the line that asks for it
    complete(project)?;
    let mut book = MDBook::load(&project.root).map_err(general)?;
    book.config.build.build_dir = dest.to_path_buf();
    let (course, held) = Course::hosted(project.clone(), notes.clone(), kept.clone());
    book.with_preprocessor(course);
    book.build().map_err(general)?;
    let held = std::mem::take(&mut *held.lock().unwrap_or_else(PoisonError::into_inner));
    finish(project, dest, &held, kept)
        .map_err(|e| Fault::file(dest, format!("the site cannot be written: {e}")))?;
    Ok(())
}

/// Whether every page that `SUMMARY.md` names exists.
///
/// # Errors
/// A fault at the line of each that does not.
pub fn complete(project: &Project) -> Result<(), Faults> {
    let summary = project.chapters_dir().join("SUMMARY.md");
    let text = crate::error::read_text(&project.root, &summary)?;
    let faults: Vec<Fault> = project
        .entries()?
        .into_iter()
        .filter(|e| !project.chapters_dir().join(&e.path).is_file())
        .map(|e| {
            let name = e.path.to_string_lossy().into_owned();
            let line = text
                .lines()
                .position(|l| l.contains(&name))
                .map_or(1, |i| i + 1);
            Fault::at(
                project.shown(&summary),
                line,
                format!("chapters/{name} does not exist"),
            )
        })
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Faults(faults))
    }
}

fn finish(project: &Project, dest: &Path, held: &Held, kept: &Kept) -> std::io::Result<()> {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    for path in pages(dest)? {
        let html = std::fs::read_to_string(&path)?;
        if html.contains("<x-s") {
            std::fs::write(&path, fill(&html, &held.slots))?;
        }
    }
    let skeleton = std::fs::read_to_string(dest.join("404.html")).ok();
    if let Some(skeleton) = skeleton.as_deref().and_then(Skeleton::of) {
        for module in held.library.modules() {
            let path = dest.join(library::page_of(&module.path));
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let body = kept
                .bodies
                .entry(module.path.clone())
                .or_insert_with(|| source::body(&held.library, module));
            let depth = module.path.split("::").count();
            std::fs::write(path, skeleton.page(&module.path, body, depth))?;
        }
    }
    for entry in project.entries().unwrap_or_default() {
        let notebook = project.notebook_path(&entry.path);
        if notebook.is_file() {
            let to = dest
                .join("notebooks")
                .join(entry.path.with_extension("ipynb"));
            if let Some(folder) = to.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::copy(notebook, to)?;
        }
    }
    Ok(())
}

/// All HTML files below a folder.
///
/// # Errors
/// When the folder cannot be read.
pub fn pages(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "html") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What surrounds the text of a page: mdBook's own page, cut out around its text.
struct Skeleton {
    before: String,
    after: String,
}

impl Skeleton {
    fn of(page: &str) -> Option<Skeleton> {
        let page = cut(page, "<base href=", ">");
        let (before, rest) = page.split_once("<main>")?;
        let (_, after) = rest.split_once("</main>")?;
        Some(Skeleton {
            before: before.to_string(),
            after: after.to_string(),
        })
    }

    /// A page `depth` folders below the site's root.
    fn page(&self, title: &str, body: &str, depth: usize) -> String {
        let up = "../".repeat(depth);
        let mut before = rebase(&self.before, &up);
        if let (Some(start), Some(end)) = (before.find("<title>"), before.find("</title>")) {
            let title = super::escape::html(title);
            before.replace_range(start + 7..end, &format!("{title} (source)"));
        }
        let after = rebase(&self.after, &up);
        format!("{before}<main><div class=\"source-page\">{body}</div></main>{after}")
    }
}

fn cut(text: &str, from: &str, to: &str) -> String {
    match text.find(from) {
        Some(start) => match text[start..].find(to) {
            Some(end) => format!("{}{}", &text[..start], &text[start + end + to.len()..]),
            None => text.to_string(),
        },
        None => text.to_string(),
    }
}

/// Makes the relative addresses of a page at the root hold from further down.
fn rebase(html: &str, up: &str) -> String {
    let html = html
        .replace(
            "const path_to_root = \"\"",
            &format!("const path_to_root = \"{up}\""),
        )
        .replace(
            "window.path_to_searchindex_js = \"",
            &format!("window.path_to_searchindex_js = \"{up}"),
        );
    let mut out = String::with_capacity(html.len() + 256);
    let mut rest = html.as_str();
    while let Some(at) = ["href=\"", "src=\""]
        .iter()
        .filter_map(|a| rest.find(a).map(|i| i + a.len()))
        .min()
    {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let value = &rest[..rest.find('"').unwrap_or(rest.len())];
        let is_relative = !value.contains(':') && !value.starts_with(['#', '/']);
        if is_relative {
            out.push_str(up);
        }
    }
    out.push_str(rest);
    out
}

/// Puts a finished folder in the place of another, or leaves the old one as it is.
///
/// # Errors
/// When the folder in the way is no site of ours, or the swap fails.
pub fn replace(finished: &Path, dest: &Path) -> Result<(), String> {
    let is_site = dest.join(".nojekyll").is_file() && dest.join("index.html").is_file();
    if dest.exists() {
        let is_empty = std::fs::read_dir(dest).is_ok_and(|mut d| d.next().is_none());
        if !is_site && !is_empty {
            return Err(
                "is not empty and holds no built book: name another folder, or empty it".into(),
            );
        }
        let old = dest.with_extension("old");
        let _ = std::fs::remove_dir_all(&old);
        std::fs::rename(dest, &old).map_err(|e| format!("cannot be replaced: {e}"))?;
        if let Err(e) = std::fs::rename(finished, dest) {
            let _ = std::fs::rename(&old, dest);
            return Err(format!(
                "cannot be written, the site before it is kept: {e}"
            ));
        }
        let _ = std::fs::remove_dir_all(&old);
        Ok(())
    } else {
        std::fs::rename(finished, dest).map_err(|e| format!("cannot be written: {e}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_addresses_are_rebased_and_others_left() {
        let html = "<a href=\"a.html\"><img src=\"x/y.png\"><a href=\"#t\"><a href=\"https://e.org\"><a href=\"/r\">";
        assert_eq!(
            rebase(html, "../"),
            "<a href=\"../a.html\"><img src=\"../x/y.png\"><a href=\"#t\"><a href=\"https://e.org\"><a href=\"/r\">"
        );
    }

    #[test]
    fn a_folder_that_is_no_site_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (new, old) = (dir.path().join("new"), dir.path().join("old-site"));
        std::fs::create_dir_all(&new).unwrap();
        std::fs::create_dir_all(&old).unwrap();
        std::fs::write(old.join("thesis.txt"), "years of work").unwrap();
        assert!(
            replace(&new, &old)
                .unwrap_err()
                .contains("holds no built book")
        );
        assert!(old.join("thesis.txt").is_file() && new.is_dir());
        for name in [".nojekyll", "index.html"] {
            std::fs::write(old.join(name), "").unwrap();
        }
        replace(&new, &old).unwrap();
        assert!(!new.exists() && !old.join("index.html").exists());
    }
}

//! The page: chapters with their stored outputs, as Markdown and HTML that mdBook renders.
//!
//! [`Course`] is the preprocessor. Called by [`site::render`] it leaves slots for what is heavy (outputs,
//! formulas), which are filled in mdBook's finished pages: mdBook then parses prose alone. Called by a
//! stock `mdbook build` it writes everything into the Markdown.

pub mod ansi;
pub mod chapter;
pub mod code;
pub mod escape;
pub mod library;
pub mod math;
pub mod output;
pub mod site;
pub mod source;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::anyhow;
use mdbook_preprocessor::book::{Book, BookItem, Chapter as Page};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};

use crate::chapter::Chapter;
use crate::error::{Fault, Faults};
use crate::project::Project;
use library::Library;

/// HTML on its way into Markdown: written in place, or held back behind a slot.
#[derive(Debug, Default)]
pub struct Sink {
    held: Option<(usize, Vec<String>)>,
}

impl Sink {
    /// Writes everything in place.
    pub fn direct() -> Self {
        Sink { held: None }
    }

    /// Holds everything back behind slots of this page number.
    pub fn holding(page: usize) -> Self {
        Sink {
            held: Some((page, Vec::new())),
        }
    }

    /// HTML for the inside of an HTML block.
    pub fn block(&mut self, html: String) -> String {
        self.hold(html)
            .unwrap_or_else(|html| escape::one_line(&html))
    }

    /// HTML for the middle of a line of prose.
    pub fn inline(&mut self, html: String) -> String {
        self.hold(html).unwrap_or_else(|html| escape::inline(&html))
    }

    fn hold(&mut self, html: String) -> Result<String, String> {
        match &mut self.held {
            None => Err(html),
            Some((page, slots)) => {
                slots.push(html);
                let tag = format!("x-s{page}-{}", slots.len() - 1);
                Ok(format!("<{tag}></{tag}>"))
            }
        }
    }

    /// What was held back.
    pub fn into_slots(self) -> Vec<String> {
        self.held.map(|(_, slots)| slots).unwrap_or_default()
    }
}

/// Puts what was held back into a finished page.
pub fn fill(page: &str, slots: &[Arc<Vec<String>>]) -> String {
    let mut out = String::with_capacity(page.len() * 2);
    let mut rest = page;
    while let Some(at) = rest.find("<x-s") {
        out.push_str(&rest[..at]);
        let tag = &rest[at..];
        let end = tag.find('>').map_or(tag.len(), |e| e + 1);
        let slot = tag[4..end.saturating_sub(1).max(4)]
            .split_once('-')
            .and_then(|(p, n)| Some((p.parse::<usize>().ok()?, n.parse::<usize>().ok()?)))
            .and_then(|(p, n)| slots.get(p)?.get(n));
        match slot {
            Some(html) => {
                out.push_str(html);
                let after = &tag[end..];
                let close = after.find('>').map_or(0, |e| e + 1);
                rest = &after[close..];
            }
            None => {
                out.push_str("<x-s");
                rest = &tag[4..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The preprocessor `course`.
#[derive(Debug, Clone)]
pub struct Course {
    project: Project,
    notes: site::Notes,
    /// Slots by page; only in a hosted render.
    held: Option<Arc<Mutex<Held>>>,
    kept: Kept,
}

/// What a hosted render hands over beside the book.
#[derive(Debug, Default)]
pub struct Held {
    /// The slots of each page.
    pub slots: Vec<Arc<Vec<String>>>,
    /// The library crates as the chapters' links see them.
    pub library: Arc<Library>,
}

/// What one render leaves for the next: whatever has not changed is not made again.
pub type Kept = Arc<Mutex<Keep>>;

/// See [`Kept`].
#[derive(Debug, Default)]
pub struct Keep {
    sources: BTreeMap<PathBuf, String>,
    library: Arc<Library>,
    pages: HashMap<PathBuf, (PageKey, String, Arc<Vec<String>>)>,
    /// The source pages' texts, by module.
    pub(crate) bodies: HashMap<String, String>,
}

/// All that a page depends on, beside the library.
#[derive(Debug, PartialEq)]
struct PageKey {
    number: usize,
    text: String,
    notebook: Option<Vec<u8>>,
    note: Option<Vec<String>>,
    jupyter: String,
}

impl Course {
    /// For a stock `mdbook build`: everything goes into the Markdown.
    pub fn stock(project: Project) -> Self {
        Course {
            project,
            notes: site::Notes::new(),
            held: None,
            kept: Kept::default(),
        }
    }

    /// For [`site::render`]: heavy parts are held back.
    pub fn hosted(project: Project, notes: site::Notes, kept: Kept) -> (Self, Arc<Mutex<Held>>) {
        let held = Arc::new(Mutex::new(Held::default()));
        let course = Course {
            project,
            notes,
            held: Some(held.clone()),
            kept,
        };
        (course, held)
    }

    fn pages(&self, ctx: &PreprocessorContext, book: &mut Book) -> Result<(), Faults> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut *kept;
        let sources = Library::sources(&self.project);
        if sources != kept.sources {
            kept.library = Arc::new(Library::read(&self.project));
            kept.sources = sources;
            kept.pages.clear();
            kept.bodies.clear();
        }
        let library = kept.library.clone();
        let jupyter: Option<String> = ctx.config.get("preprocessor.course.jupyter").ok().flatten();
        let context = chapter::Context {
            project: &self.project,
            library: &library,
            jupyter: jupyter.unwrap_or_else(|| "http://localhost:8888/lab/tree".to_string()),
            hosted: self.held.is_some(),
            notes: &self.notes,
        };
        let mut faults = Vec::new();
        let mut slots: Vec<Arc<Vec<String>>> = Vec::new();
        book.for_each_chapter_mut(|page| {
            let Some(path) = page.source_path.clone() else {
                return;
            };
            let key = PageKey {
                number: slots.len(),
                text: page.content.clone(),
                notebook: std::fs::read(self.project.notebook_path(&path)).ok(),
                note: self.notes.get(&path).cloned(),
                jupyter: context.jupyter.clone(),
            };
            if let Some((old, content, held)) = kept.pages.get(&path)
                && *old == key
            {
                page.content = content.clone();
                slots.push(held.clone());
                return;
            }
            let mut sink = match self.held {
                Some(_) => Sink::holding(slots.len()),
                None => Sink::direct(),
            };
            match page_of(&context, &path, page, &mut sink) {
                Ok(content) => {
                    let held = Arc::new(sink.into_slots());
                    slots.push(held.clone());
                    page.content = content.clone();
                    kept.pages.insert(path, (key, content, held));
                }
                Err(found) => {
                    slots.push(Arc::default());
                    faults.extend(found);
                }
            }
        });
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        match &self.held {
            Some(held) => {
                let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
                *held = Held { slots, library };
            }
            None => self.add_sources(&library, book),
        }
        Ok(())
    }

    /// In a stock build the source pages are pages of the book, at its end.
    fn add_sources(&self, library: &Library, book: &mut Book) {
        book.push_item(BookItem::PartTitle("Source".to_string()));
        for module in library.modules() {
            let html = source::body(library, module);
            let content = format!(
                "<div class=\"source-page\">{}</div>\n",
                escape::one_line(&html)
            );
            let path = library::page_of(&module.path).replace(".html", ".md");
            book.push_item(Page::new(&module.path, content, path, Vec::new()));
        }
    }
}

fn page_of(
    context: &chapter::Context,
    path: &Path,
    page: &Page,
    sink: &mut Sink,
) -> Result<String, Vec<Fault>> {
    let parsed = Chapter::parse(path, page.content.clone())?;
    chapter::render(context, &parsed, sink)
}

/// For `mdbook test`: every cell as a rustdoc test with the state of the cells before it.
fn snippets(book: &mut Book) -> Result<(), Faults> {
    let mut faults = Vec::new();
    book.for_each_chapter_mut(|page| {
        let Some(path) = page.source_path.clone() else {
            return;
        };
        let tests = Chapter::parse(path, page.content.clone())
            .and_then(|chapter| crate::snippets::test_chapter(&chapter));
        match tests {
            Ok(content) => page.content = content,
            Err(found) => faults.extend(found),
        }
    });
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Faults(faults))
    }
}

impl Preprocessor for Course {
    fn name(&self) -> &str {
        "course"
    }

    fn run(&self, ctx: &PreprocessorContext, mut book: Book) -> anyhow::Result<Book> {
        match ctx.renderer.as_str() {
            "html" => self.pages(ctx, &mut book),
            "test" => snippets(&mut book),
            _ => Ok(()),
        }
        .map_err(|faults| anyhow!(faults))?;
        Ok(book)
    }

    fn supports_renderer(&self, renderer: &str) -> anyhow::Result<bool> {
        Ok(matches!(renderer, "html" | "test"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_filled_where_they_stand() {
        let mut sink = Sink::holding(1);
        let a = sink.block("<b>A</b>".into());
        let b = sink.inline("<i>B</i>".into());
        let slots = vec![Arc::default(), Arc::new(sink.into_slots())];
        let page = format!("<p>{b} and {a} and <x-s7-0></x-s7-0> <x-s</p>");
        assert_eq!(
            fill(&page, &slots),
            "<p><i>B</i> and <b>A</b> and <x-s7-0></x-s7-0> <x-s</p>"
        );
    }
}

//! Cutting a corpus into passages: first by heading, then by length, each passage with its way back to the page.
//!
//! A passage that is too long says many things, and its embedding is their average; one that is too short lacks the words that
//! tell what it is about. Headings are where the author changed the subject, so no passage crosses one.

pub use datasets::Section;

use crate::error::RetrievalError;
use crate::text::is_ideograph;

/// A passage: part of one section, with where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Which section, counted from 0.
    pub section: usize,
    /// The document that it is from, such as `rust-book`.
    pub source: String,
    /// The page within the document, such as `book/ch04-03-slices.html`.
    pub path: String,
    /// The heading's anchor on the page, without `#`.
    pub anchor: String,
    /// The heading.
    pub title: String,
    /// The passage: a part of the section's text, unchanged.
    pub text: String,
    /// Where in the section's text it begins, in bytes.
    pub start: usize,
}

impl Chunk {
    /// What is embedded and searched: the heading, then the passage.
    pub fn passage(&self) -> String {
        format!("{}\n{}", self.title, self.text)
    }

    /// Where a reader finds it: the page, and the heading's anchor.
    pub fn link(&self) -> String {
        if self.anchor.is_empty() {
            self.path.clone()
        } else {
            format!("{}#{}", self.path, self.anchor)
        }
    }
}

/// How to cut: the most pieces in a passage, and how many the next one repeats.
///
/// A *piece* is up to six letters or digits of a word, one ideograph, or one other sign: near what a WordPiece tokeniser
/// makes of English and of code, without needing its vocabulary.
///
/// # Examples
/// ```
/// use genai::chunk::{Chunker, Section};
/// let section = Section {
///     source: "Notes".into(),
///     path: "notes.html".into(),
///     anchor: "cats".into(),
///     title: "Cats".into(),
///     text: "One two three four. Five six seven eight. Nine ten.".into(),
/// };
/// let chunks = Chunker::new(10, 2)?.cut(&[section]);
/// assert_eq!(chunks.len(), 2);
/// assert_eq!(chunks[0].text, "One two three four. Five six seven eight.");
/// assert_eq!(chunks[1].text, "eight. Nine ten.");
/// assert_eq!(chunks[1].link(), "notes.html#cats");
/// # Ok::<(), genai::RetrievalError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunker {
    longest: usize,
    overlap: usize,
}

impl Chunker {
    /// Passages of at most `longest` pieces, each repeating up to `overlap` pieces of the one before.
    ///
    /// # Errors
    /// [`RetrievalError::Parameter`] where `longest` is 0 or `overlap` is not below half of it.
    pub fn new(longest: usize, overlap: usize) -> Result<Self, RetrievalError> {
        if longest == 0 {
            return Err(RetrievalError::Parameter {
                name: "longest",
                value: "0".into(),
                must: "at least 1 piece",
            });
        }
        if overlap * 2 >= longest && overlap > 0 {
            let value = overlap.to_string();
            return Err(RetrievalError::Parameter {
                name: "overlap",
                value,
                must: "less than half of `longest`",
            });
        }
        Ok(Self { longest, overlap })
    }

    /// The passages of all sections, in order. A section without letters or digits has none.
    ///
    /// A cut is made after a paragraph where the last third of the passage has one, else after a line, else after a
    /// sentence, else between two pieces.
    ///
    /// # Complexity
    /// O(length of the text).
    pub fn cut(&self, sections: &[Section]) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        for (number, section) in sections.iter().enumerate() {
            if !section.text.chars().any(char::is_alphanumeric) {
                continue;
            }
            let pieces = pieces(&section.text);
            let mut first = 0;
            loop {
                let last = self.end(&section.text, &pieces, first);
                let (from, to) = (pieces[first].0, pieces[last - 1].1);
                chunks.push(Chunk {
                    section: number,
                    source: section.source.clone(),
                    path: section.path.clone(),
                    anchor: section.anchor.clone(),
                    title: section.title.clone(),
                    text: section.text[from..to].to_owned(),
                    start: from,
                });
                if last == pieces.len() {
                    break;
                }
                first = (last - self.overlap).max(first + 1);
            }
        }
        chunks
    }

    /// One past the last piece of the passage that begins with piece `first`.
    fn end(&self, text: &str, pieces: &[(usize, usize)], first: usize) -> usize {
        let most = first + self.longest;
        if most >= pieces.len() {
            return pieces.len();
        }
        let least = (first + self.longest - self.longest / 3).max(first + self.overlap + 1);
        let gap = |i: usize| &text[pieces[i - 1].1..pieces[i].0];
        let ends_sentence = |i: usize| {
            let (from, to) = pieces[i - 1];
            matches!(&text[from..to], "." | "?" | "!" | ":" | ";" | "。") && !gap(i).is_empty()
        };
        let mut cuts = (least..=most).rev();
        cuts.clone()
            .find(|&i| gap(i).matches('\n').count() > 1)
            .or_else(|| cuts.clone().find(|&i| gap(i).contains('\n')))
            .or_else(|| cuts.clone().find(|&i| ends_sentence(i)))
            .or_else(|| cuts.find(|&i| !gap(i).is_empty()))
            .unwrap_or(most)
    }
}

/// The pieces of a text, as ranges of bytes.
fn pieces(text: &str) -> Vec<(usize, usize)> {
    let mut pieces: Vec<(usize, usize)> = Vec::new();
    let mut in_word = 0;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        if c.is_whitespace() || c.is_control() {
            in_word = 0;
        } else if c.is_alphanumeric() && !is_ideograph(c) {
            match pieces.last_mut() {
                Some(piece) if (1..6).contains(&in_word) => piece.1 = end,
                _ => {
                    pieces.push((at, end));
                    in_word = 0;
                }
            }
            in_word += 1;
        } else {
            pieces.push((at, end));
            in_word = 0;
        }
    }
    pieces
}

/// How long a text is, in the pieces of [`Chunker`].
///
/// # Examples
/// ```
/// assert_eq!(genai::chunk::length("let ownership = true;"), 6);
/// ```
pub fn length(text: &str) -> usize {
    pieces(text).len()
}

/// The sections of a Markdown page, one a heading, with the anchors that mdBook gives them.
///
/// Front matter is left out, and so are headings inside of code fences. A section ends at the next heading of any level.
///
/// # Examples
/// ```
/// let page = "# Cats\nFur.\n## What they eat\nFish.\n";
/// let sections = genai::chunk::markdown_sections("Notes", "notes.md", page);
/// assert_eq!(sections[1].anchor, "what-they-eat");
/// assert_eq!(sections[1].text, "Fish.");
/// ```
pub fn markdown_sections(source: &str, path: &str, page: &str) -> Vec<Section> {
    let body = match page
        .strip_prefix("---\n")
        .and_then(|rest| rest.split_once("\n---\n"))
    {
        Some((_, body)) => body,
        None => page,
    };
    let section = |title: &str, anchor: String| Section {
        source: source.to_owned(),
        path: path.to_owned(),
        anchor,
        title: title.to_owned(),
        text: String::new(),
    };
    let mut sections = vec![section("", String::new())];
    let mut used: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    let mut fence: Option<&str> = None;
    for line in body.lines() {
        let start = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|m| start.starts_with(m));
        fence = match (fence, mark) {
            (None, mark) => mark,
            (Some(open), Some(mark)) if open == mark => None,
            (open, _) => open,
        };
        let level = line.bytes().take_while(|&b| b == b'#').count();
        if fence.is_none()
            && mark.is_none()
            && (1..=6).contains(&level)
            && line[level..].starts_with(' ')
        {
            let title = line[level..].trim();
            let slug = anchor(title);
            let times = used.entry(slug.clone()).or_default();
            let unique = if *times == 0 {
                slug
            } else {
                format!("{slug}-{times}")
            };
            *times += 1;
            sections.push(section(title, unique));
        } else if let Some(current) = sections.last_mut() {
            current.text.push_str(line);
            current.text.push('\n');
        }
    }
    for section in &mut sections {
        section.text = section.text.trim().to_owned();
    }
    sections.retain(|s| !s.text.is_empty());
    sections
}

/// mdBook's anchor of a heading: lower case, blanks to hyphens, signs dropped.
fn anchor(title: &str) -> String {
    title
        .chars()
        .filter_map(|c| match c {
            c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c.to_ascii_lowercase()),
            c if c.is_whitespace() => Some('-'),
            _ => None,
        })
        .collect()
}

//! Links within the book: files, anchors, images.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pulldown_cmark::{BrokenLink, CowStr, Event, Parser, Tag};

use crate::chapter::{Chapter, Lines, markdown_options};
use crate::error::Fault;
use crate::project::Project;
use crate::snippets::library::normal;

use super::html;

/// Checks every link and image of a chapter that stays within the book.
pub fn check(project: &Project, chapter: &Chapter) -> Vec<Fault> {
    let lines = Lines::of(&chapter.text);
    let mut faults = Vec::new();
    let mut others: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    for (target, offset, image) in targets(chapter, &lines, &mut faults) {
        let line = lines.at(offset);
        if let Err(message) = resolve(project, chapter, &target, image, &mut others) {
            faults.push(chapter.fault(line, message));
        }
    }
    faults
}

/// All link and image targets: the target, its byte offset, whether it is an image.
fn targets<'a>(
    chapter: &'a Chapter,
    lines: &Lines,
    faults: &mut Vec<Fault>,
) -> Vec<(String, usize, bool)> {
    let body = chapter.body;
    let mut undefined = Vec::new();
    let mut found = Vec::new();
    {
        let callback = |link: BrokenLink<'_>| -> Option<(CowStr<'a>, CowStr<'a>)> {
            // `[text][name]`: a lone `[text]` is mostly no link
            let source = &chapter.text[body + link.span.start..body + link.span.end];
            if source.contains("][") && !source.ends_with("[]") {
                undefined.push((link.reference.to_string(), body + link.span.start));
            }
            None
        };
        let parser = Parser::new_with_broken_link_callback(
            &chapter.text[body..],
            markdown_options(),
            Some(callback),
        );
        for (event, range) in parser.into_offset_iter() {
            let at = range.start + body;
            match event {
                Event::Start(Tag::Link { dest_url, .. }) => {
                    found.push((dest_url.to_string(), at, false))
                }
                Event::Start(Tag::Image { dest_url, .. }) => {
                    found.push((dest_url.to_string(), at, true))
                }
                Event::Html(text) | Event::InlineHtml(text) => {
                    for tag in html::tags(&text) {
                        let image = tag.name == "img";
                        let name = if image { "src" } else { "href" };
                        if let Some(target) = tag.get(name) {
                            found.push((target.to_string(), at + tag.at, image));
                        }
                    }
                }
                _ => {}
            }
        }
    }
    for (name, at) in undefined {
        faults.push(chapter.fault(
            lines.at(at),
            format!("`[{name}]` is defined nowhere: write `[{name}]: TARGET` below"),
        ));
    }
    found
}

fn resolve(
    project: &Project,
    chapter: &Chapter,
    target: &str,
    image: bool,
    others: &mut BTreeMap<PathBuf, BTreeSet<String>>,
) -> Result<(), String> {
    let what = if image { "image" } else { "link" };
    if target.is_empty() {
        return Err(format!("a {what} without a target"));
    }
    if target.contains("://") || target.starts_with("mailto:") || target.starts_with("data:") {
        if image && !target.starts_with("data:") {
            return Err(format!(
                "the image {target} is loaded from another host: keep a copy beside the chapter"
            ));
        }
        return Ok(());
    }
    let (path, anchor) = match target.split_once('#') {
        Some((path, anchor)) => (path, Some(decode(anchor))),
        None => (target, None),
    };
    let path = decode(path.split('?').next().unwrap_or(path));
    let file = if path.is_empty() {
        project.chapters_dir().join(&chapter.path)
    } else if path.starts_with('/') {
        return Err(format!(
            "the {what} {target} begins with `/`: write it from the chapter's own folder"
        ));
    } else {
        let own = project.chapters_dir().join(&chapter.path);
        normal(&own.parent().unwrap_or(&own).join(&path))
    };
    if !file.starts_with(&project.root) {
        return Err(format!("the {what} {target} leads out of the project"));
    }
    let Some(file) = existing(&file) else {
        let shown = project.shown(&file);
        return Err(format!(
            "dead {what} {target}: there is no {}",
            shown.display()
        ));
    };
    let Some(anchor) = anchor.filter(|a| !a.is_empty()) else {
        return Ok(());
    };
    if file.extension().is_none_or(|e| e != "md") {
        return Ok(()); // lines of a source file, pages of a document
    }
    let known = others.entry(file.clone()).or_insert_with(|| {
        if file == project.chapters_dir().join(&chapter.path) {
            return anchors(chapter);
        }
        let below = file.strip_prefix(project.chapters_dir()).unwrap_or(&file);
        std::fs::read_to_string(&file)
            .ok()
            .and_then(|text| Chapter::parse(below, text).ok())
            .map(|c| anchors(&c))
            .unwrap_or_default()
    });
    if known.contains(&anchor) {
        return Ok(());
    }
    let near = known
        .iter()
        .find(|k| {
            k.eq_ignore_ascii_case(&anchor) || k.contains(&anchor) || anchor.contains(k.as_str())
        })
        .map_or(String::new(), |k| format!("; did you mean #{k}?"));
    Err(format!(
        "dead anchor {target}: no heading of {} has #{anchor}{near}",
        project.shown(&file).display()
    ))
}

/// The file that a link means on disk: pages are linked as `.md` or as `.html`, folders by their index.
fn existing(file: &Path) -> Option<PathBuf> {
    if file.is_file() {
        return Some(file.to_path_buf());
    }
    if file.extension().is_some_and(|e| e == "html") {
        let source = file.with_extension("md");
        return source.is_file().then_some(source);
    }
    ["index.md", "README.md"]
        .into_iter()
        .map(|name| file.join(name))
        .find(|f| f.is_file())
        .or_else(|| file.is_dir().then(|| file.to_path_buf()))
}

/// The anchors of a chapter: its headings, its cells, and ids in its HTML.
fn anchors(chapter: &Chapter) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = chapter.headings.iter().map(|h| h.anchor.clone()).collect();
    found.extend(
        chapter
            .cells
            .iter()
            .filter_map(crate::render::chapter::anchor),
    );
    for event in Parser::new_ext(&chapter.text[chapter.body..], markdown_options()) {
        if let Event::Html(text) | Event::InlineHtml(text) = event {
            for tag in html::tags(&text) {
                found.extend(tag.get("id").or(tag.get("name")).map(str::to_string));
            }
        }
    }
    found
}

/// Takes `%20` and the like out of a link.
fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let pair = (ahead.next(), ahead.next());
        let hex = |b: Option<u8>| b.and_then(|b| (b as char).to_digit(16));
        match (byte, hex(pair.0), hex(pair.1)) {
            (b'%', Some(high), Some(low)) => {
                out.push((16 * high + low) as u8);
                bytes = ahead;
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs_are_decoded() {
        assert_eq!(decode("two%20words%C3%A9"), "two wordsé");
        assert_eq!(decode("100%"), "100%");
    }
}

//! Figures say in words what they show.

use jupyter_protocol::media::MediaType;
use nbformat::v4::{Cell, Notebook, Output};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use crate::chapter::{Chapter, Lines, markdown_options};
use crate::error::Fault;
use crate::notebook::segments;

use super::html;

/// Images in the chapter's own text.
pub fn check(chapter: &Chapter) -> Vec<Fault> {
    let lines = Lines::of(&chapter.text);
    let mut faults = Vec::new();
    let mut image: Option<(usize, String)> = None;
    for (event, range) in
        Parser::new_ext(&chapter.text[chapter.body..], markdown_options()).into_offset_iter()
    {
        let at = range.start + chapter.body;
        match event {
            Event::Start(Tag::Image { .. }) => image = Some((at, String::new())),
            Event::Text(t) | Event::Code(t) => {
                if let Some((_, alt)) = &mut image {
                    alt.push_str(&t);
                }
            }
            Event::End(TagEnd::Image) => {
                if let Some((at, alt)) = image.take()
                    && alt.trim().is_empty()
                {
                    faults.push(chapter.fault(
                        lines.at(at),
                        "an image without alt text: say in words what it shows, `![words](file)`",
                    ));
                }
            }
            Event::Html(t) | Event::InlineHtml(t) => {
                for (at_tag, message) in silent(&t) {
                    faults.push(chapter.fault(lines.at(at + at_tag), message));
                }
            }
            _ => {}
        }
    }
    faults
}

/// Figures among the stored outputs.
pub fn stored(chapter: &Chapter, notebook: &Notebook) -> Vec<Fault> {
    let mut faults = Vec::new();
    let segments = segments(chapter);
    for (i, cell) in notebook.cells.iter().enumerate() {
        let Cell::Code { outputs, .. } = cell else {
            continue;
        };
        let line = segments
            .get(i)
            .and_then(|s| s.runs())
            .map(|index| &chapter.cells[index]);
        for output in outputs {
            let media = match output {
                Output::ExecuteResult(r) => &r.data,
                Output::DisplayData(d) => &d.data,
                _ => continue,
            };
            let mut html = false;
            let mut messages = Vec::new();
            let mut picture = false;
            let mut undrawn = None;
            for item in &media.content {
                match item {
                    MediaType::Html(text) => {
                        html = true;
                        messages.extend(silent(text).into_iter().map(|(_, m)| m));
                    }
                    MediaType::Svg(text) => {
                        messages.extend(silent(text).into_iter().map(|(_, m)| m))
                    }
                    MediaType::Plain(text) => undrawn = debugged(text),
                    MediaType::Png(_) | MediaType::Jpeg(_) | MediaType::Gif(_) => picture = true,
                    _ => {}
                }
            }
            if picture && !html {
                messages
                    .push("a picture without words: show it as a `display` figure with `.alt(…)`");
            }
            let undrawn = undrawn.filter(|_| !html).map(|kind| {
                format!(
                    "the fields of a `{kind}` where it should be drawn: a `Result` or `Option` needs `?` or \
                     `.unwrap()` first; a bare one was not displayed, so run the chapter again"
                )
            });
            messages.dedup();
            let messages = messages.into_iter().map(str::to_owned).chain(undrawn);
            for message in messages {
                faults.push(match line {
                    Some(cell) => {
                        chapter.fault(cell.line, format!("{} shows {message}", cell.label()))
                    }
                    None => Fault::file(chapter.shown(), message),
                });
            }
        }
    }
    faults
}

/// What a notebook displays through `display`; its Debug output is the kernel's way to show what cannot display.
const DISPLAYED: [&str; 3] = ["Figure", "Results", "Table"];

/// The type whose Debug output a text is, if it is one that has a display of its own.
fn debugged(text: &str) -> Option<&'static str> {
    let kind = |text: &str| {
        let named = DISPLAYED.into_iter().find(|kind| text.starts_with(kind))?;
        text[named.len()..].starts_with(" {").then_some(named)
    };
    let text = text.trim_start();
    kind(text).or_else(|| {
        let within = ["Ok(", "Some("].iter().find_map(|w| text.strip_prefix(w))?;
        kind(within.trim_start())
    })
}

/// Images and figures in HTML that say nothing to somebody who cannot see them.
fn silent(text: &str) -> Vec<(usize, &'static str)> {
    let filled = |value: Option<&str>| value.is_some_and(|v| !v.trim().is_empty());
    html::tags(text)
        .into_iter()
        .filter(|tag| tag.get("aria-hidden") != Some("true"))
        // a drawing within a drawing is part of what the outer one says
        .filter(|tag| {
            let before = &text[..tag.at];
            tag.name != "svg" || before.matches("<svg").count() <= before.matches("</svg").count()
        })
        .filter_map(|tag| match tag.name.as_str() {
            "img" if !filled(tag.get("alt")) => Some((tag.at, "an `<img>` without alt text: add alt=\"what it shows\"")),
            "svg" if !filled(tag.get("aria-label")) && !filled(tag.get("aria-labelledby")) => Some((
                tag.at,
                "a figure without alt text: add `.alt(\"what it shows\")`, or aria-label in an SVG of your own",
            )),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silent_figures_are_found() {
        for (html, count) in [
            ("<img src=a alt=\"x\">", 0),
            ("<img src=a alt=\"\">", 1),
            ("<img src=a>", 1),
            ("<svg role=\"img\" aria-label=\"A line\"><g/></svg>", 0),
            ("<svg role=\"img\"></svg>", 1),
            (
                "<svg aria-label=\"A\"><svg x=\"1\"></svg></svg><svg></svg>",
                1,
            ),
            ("<svg aria-hidden=\"true\"></svg>", 0),
        ] {
            assert_eq!(silent(html).len(), count, "{html}");
        }
    }

    #[test]
    fn the_debug_output_of_a_figure_is_not_a_figure() {
        for (text, kind) in [
            ("Figure { title: \"a\" }", Some("Figure")),
            ("Ok(\n    Figure {\n        title", Some("Figure")),
            ("Some(Table { columns: [] })", Some("Table")),
            ("Results {", Some("Results")),
            ("Figure 1: the data", None),
            ("FigureError { }", None),
            ("Row { of: Figure { } }", None),
        ] {
            assert_eq!(debugged(text), kind, "{text}");
        }
    }

    #[test]
    fn images_in_prose_need_words() {
        let text =
            "# A\n\n![](a.png)\n\n![*good* words](a.png)\n\n<img src=\"b.png\">\n\n`<img>`\n";
        let chapter = Chapter::parse("a.md", text.into()).unwrap();
        let lines: Vec<_> = check(&chapter).iter().map(|f| f.line).collect();
        assert_eq!(lines, [Some(3), Some(7)]);
    }
}

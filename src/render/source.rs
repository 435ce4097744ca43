//! Pages that show the source of the library's modules: documentation as prose, code with its lines.

use pulldown_cmark::{
    BrokenLink, CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd, html::push_html,
};

use super::escape;
use super::library::{Library, Module, page_of};

/// A piece of a source file.
#[derive(Debug, PartialEq)]
enum Piece<'a> {
    /// Documentation: the Markdown, and whether it is of the module (`//!`).
    Docs(String, bool),
    /// Code: the number of its first line, and its lines.
    Code(usize, Vec<&'a str>),
    /// The unit tests at the end, from this line on.
    Tests(usize, Vec<&'a str>),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let lines: Vec<&str> = text.lines().collect();
    let mut pieces: Vec<Piece> = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        if trimmed == "#[cfg(test)]" && !line.starts_with(' ') {
            let rest = lines[i..].to_vec();
            if rest.get(1).is_some_and(|l| l.starts_with("mod ")) {
                pieces.push(Piece::Tests(i + 1, rest));
                break;
            }
        }
        let docs = if let Some(rest) = trimmed.strip_prefix("//!") {
            Some((rest, true))
        } else {
            trimmed
                .strip_prefix("///")
                .filter(|r| !r.starts_with('/'))
                .map(|r| (r, false))
        };
        match (docs, pieces.last_mut()) {
            (Some((rest, own)), Some(Piece::Docs(markdown, same))) if own == *same => {
                markdown.push_str(rest.strip_prefix(' ').unwrap_or(rest));
                markdown.push('\n');
            }
            (Some((rest, own)), _) => {
                let rest = rest.strip_prefix(' ').unwrap_or(rest);
                pieces.push(Piece::Docs(format!("{rest}\n"), own));
            }
            (None, Some(Piece::Code(_, code))) => code.push(line),
            (None, _) if line.trim().is_empty() => {}
            (None, _) => pieces.push(Piece::Code(i + 1, vec![line])),
        }
    }
    for piece in &mut pieces {
        if let Piece::Code(_, code) = piece {
            while code.last().is_some_and(|l| l.trim().is_empty()) {
                code.pop();
            }
        }
    }
    pieces
}

/// The inside of a module's page.
pub fn body(library: &Library, module: &Module) -> String {
    let up = "../".repeat(module.path.split("::").count());
    let mut out = format!(
        "<h1>{}</h1><p class=\"source-file\">The module <code>{}</code>, as it stands in <code>{}</code>.</p>",
        escape::html(module.path.rsplit("::").next().unwrap_or(&module.path)),
        escape::html(&module.path),
        escape::html(&module.file.to_string_lossy()),
    );
    let below: Vec<String> = library
        .modules()
        .filter(|m| {
            m.path
                .strip_prefix(&module.path)
                .and_then(|r| r.strip_prefix("::"))
                .is_some_and(|r| !r.contains("::"))
        })
        .map(|m| {
            format!(
                "<a href=\"{up}{}\"><code>{}</code></a>",
                page_of(&m.path),
                escape::html(&m.path)
            )
        })
        .collect();
    let above = module
        .path
        .rsplit_once("::")
        .filter(|(above, _)| library.has_module(above))
        .map(|(above, _)| {
            format!(
                "<a href=\"{up}{}\"><code>{}</code></a>",
                page_of(above),
                escape::html(above)
            )
        });
    if let Some(above) = above {
        out.push_str(&format!("<p class=\"source-nav\">Part of {above}.</p>"));
    }
    if !below.is_empty() {
        out.push_str(&format!(
            "<p class=\"source-nav\">Its modules: {}.</p>",
            below.join(", ")
        ));
    }
    for piece in pieces(&module.text) {
        match piece {
            Piece::Docs(markdown, own) => {
                let class = if own {
                    "source-docs of-module"
                } else {
                    "source-docs"
                };
                out.push_str(&format!(
                    "<div class=\"{class}\">{}</div>",
                    docs(library, module, &markdown, &up)
                ));
            }
            Piece::Code(first, lines) => out.push_str(&code(first, &lines)),
            Piece::Tests(first, lines) => out.push_str(&format!(
                "<details class=\"fold\"><summary>Unit tests, {} lines</summary>{}</details>",
                lines.len(),
                code(first, &lines)
            )),
        }
    }
    out
}

fn code(first: usize, lines: &[&str]) -> String {
    let mut numbers = String::new();
    for n in first..first + lines.len() {
        numbers.push_str(&format!("<a id=\"L{n}\" href=\"#L{n}\">{n}</a>\n"));
    }
    format!(
        "<div class=\"source-code\"><pre class=\"line-numbers\">{}</pre>{}</div>",
        numbers.trim_end(),
        super::code::block(&lines.join("\n"))
    )
}

/// Documentation as HTML; links to items of the library go to their source, others that only rustdoc
/// could follow become text.
fn docs(library: &Library, module: &Module, markdown: &str, up: &str) -> String {
    const NOWHERE: &str = "rustdoc:";
    let target = |link: &str| -> Option<String> {
        let link = link.trim().trim_matches('`').trim_end_matches("()");
        let path: Vec<String> = link.split("::").map(str::to_string).collect();
        let here: Vec<String> = module.path.split("::").map(str::to_string).collect();
        let full = match path.first().map(String::as_str) {
            Some("crate") => [&here[..1], &path[1..]].concat(),
            Some("self") => [&here[..], &path[1..]].concat(),
            Some("super") => [&here[..here.len() - 1], &path[1..]].concat(),
            Some(first) if library.is_crate(first) => path,
            _ => [&here[..], &path[..]].concat(),
        };
        let place = library.resolve(&full)?;
        // an item that was asked for and not found is no target
        if place.item.is_empty() && !library.has_module(&full.join("::")) {
            return None;
        }
        let line = if place.item.is_empty() {
            String::new()
        } else {
            format!("#L{}", place.line)
        };
        Some(format!("{up}{}{line}", page_of(&place.module)))
    };
    let broken = |link: BrokenLink| -> Option<(CowStr, CowStr)> {
        let to = target(&link.reference).unwrap_or_else(|| NOWHERE.to_string());
        Some((to.into(), "".into()))
    };
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let parser = Parser::new_with_broken_link_callback(markdown, options, Some(broken));
    let mut open = Vec::new();
    let mut in_rust = false;
    let events: Vec<Event> = parser
        .filter_map(|event| match event {
            Event::Start(Tag::Heading { .. }) => {
                Some(Event::Html("<p class=\"docs-heading\">".into()))
            }
            Event::End(TagEnd::Heading(_)) => Some(Event::Html("</p>".into())),
            Event::Start(Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            }) => {
                let is_address = dest_url.contains("://") || dest_url.starts_with('#');
                let to = if is_address || dest_url.starts_with(up) {
                    Some(dest_url.to_string())
                } else {
                    target(&dest_url)
                };
                open.push(to.is_some());
                to.map(|to| {
                    Event::Start(Tag::Link {
                        link_type,
                        dest_url: to.into(),
                        title,
                        id,
                    })
                })
            }
            Event::End(TagEnd::Link) => open.pop().unwrap_or(false).then_some(event),
            // documentation is text: HTML in it is shown, not acted on
            Event::Html(h) | Event::InlineHtml(h) => Some(Event::Text(h)),
            Event::Start(Tag::CodeBlock(kind)) => {
                in_rust = match &kind {
                    CodeBlockKind::Fenced(info) => {
                        info.is_empty() || info.split(',').any(is_rust_word)
                    }
                    CodeBlockKind::Indented => true,
                };
                let class = match in_rust {
                    true => "no-highlight rust",
                    false => "language-text",
                };
                Some(Event::Html(format!("<pre><code class=\"{class}\">").into()))
            }
            // lines that an example needs and its reader does not
            Event::Text(text) if in_rust => {
                let shown = |line: &&str| {
                    let line = line.trim();
                    line != "#" && !line.starts_with("# ")
                };
                let lines: String = text.split_inclusive('\n').filter(shown).collect();
                Some(Event::Html(super::code::highlight(&lines).into()))
            }
            Event::End(TagEnd::CodeBlock) => {
                in_rust = false;
                Some(Event::Html("</code></pre>".into()))
            }
            other => Some(other),
        })
        .collect();
    let mut html = String::new();
    push_html(&mut html, events.into_iter());
    html
}

fn is_rust_word(word: &str) -> bool {
    matches!(
        word.trim(),
        "rust" | "no_run" | "should_panic" | "compile_fail" | "edition2024"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_cut_into_docs_code_and_tests() {
        let text = "//! About.\n//!\n//! More.\n\nuse x;\n\n/// Does.\npub fn f() {}\n\n#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(
            pieces(text),
            [
                Piece::Docs("About.\n\nMore.\n".into(), true),
                Piece::Code(5, vec!["use x;"]),
                Piece::Docs("Does.\n".into(), false),
                Piece::Code(8, vec!["pub fn f() {}"]),
                Piece::Tests(10, vec!["#[cfg(test)]", "mod tests {", "}"]),
            ]
        );
    }

    #[test]
    fn docs_link_to_source_and_never_to_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let src = dir.path().join("lib/foundations/src");
        std::fs::create_dir_all(&src).unwrap();
        std::fs::write(src.join("lib.rs"), "pub mod a;\n").unwrap();
        std::fs::write(
            src.join("a.rs"),
            "//! See [`F`], [`Vec`] and [that](crate::a::F); <script>x</script>\n\n/// # Errors\n///\n/// ```\n/// # use hidden;\n/// let shown = 1;\n/// ```\npub struct F;\n",
        )
        .unwrap();
        let library = Library::read(&crate::project::Project {
            root: dir.path().to_path_buf(),
        });
        let module = library
            .modules()
            .find(|m| m.path == "foundations::a")
            .unwrap();
        let html = body(&library, module);
        assert_eq!(
            html.matches("href=\"../../source/foundations/a.html#L9\"")
                .count(),
            2,
            "{html}"
        );
        assert!(
            html.contains("<code>Vec</code>") && !html.contains("rustdoc:"),
            "{html}"
        );
        assert!(
            html.contains(" shown = ") && !html.contains("use hidden"),
            "{html}"
        );
        assert!(
            !html.contains("<script>") && html.contains("id=\"L9\""),
            "{html}"
        );
    }
}

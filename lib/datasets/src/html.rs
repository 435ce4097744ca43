//! Plain text from the pages that mdBook writes: headings, paragraphs, lists, tables, code.
//!
//! Not a reader of HTML at large: it takes what stands in `<main>`, whose tags mdBook closes.

/// A stretch of a page from one heading to the next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// 1 for `<h1>` to 6.
    pub(crate) level: u8,
    /// The heading's `id`.
    pub(crate) anchor: String,
    /// The heading's text.
    pub(crate) title: String,
    /// What follows it: blocks apart by an empty line, code as it is.
    pub(crate) text: String,
}

/// The parts of a page; `None` where it has no `<main>`. What stands before the first heading is left out.
pub(crate) fn parts(page: &str) -> Option<Vec<Part>> {
    let main = page.split_once("<main>")?.1.split_once("</main>")?.0;
    let mut reader = Reader::default();
    let mut rest = main;
    while let Some(at) = rest.find('<') {
        reader.text(&rest[..at]);
        rest = match rest[at..].strip_prefix("<!--") {
            Some(comment) => comment.split_once("-->").map_or("", |(_, after)| after),
            None => {
                let end = end_of_tag(&rest[at..]);
                let tag = &rest[at + 1..at + end];
                reader.tag(tag.strip_suffix('>').unwrap_or(tag));
                &rest[at + end..]
            }
        };
    }
    reader.text(rest);
    Some(reader.finish())
}

/// The `href` of every link, in order.
pub(crate) fn links(page: &str) -> Vec<String> {
    let tags = page.split("<a ").skip(1);
    tags.filter_map(|tag| attribute(&tag[..end_of_tag(tag)], "href"))
        .collect()
}

/// The length of the tag that the text begins with; a `>` in quotes does not end it.
fn end_of_tag(text: &str) -> usize {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (_, Some(open)) if c == open => quote = None,
            ('>', None) => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The value of an attribute in quotes.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    loop {
        let (before, after) = rest.split_once(name)?;
        let value = after
            .strip_prefix("=\"")
            .filter(|_| before.ends_with(' ') || before.is_empty());
        match value {
            Some(value) => return value.split_once('"').map(|(value, _)| unescape(value)),
            None => rest = after,
        }
    }
}

/// A text with the five named characters and numbered ones in place of their references.
fn unescape(text: &str) -> String {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        done.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = rest.find(';').filter(|&end| end < 12).and_then(|end| {
            let name = &rest[1..end];
            let c = match name {
                "lt" => '<',
                "gt" => '>',
                "amp" => '&',
                "quot" => '"',
                "apos" => '\'',
                "nbsp" => ' ',
                _ => {
                    let number = name.strip_prefix('#')?;
                    let code = match number.strip_prefix(['x', 'X']) {
                        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                        None => number.parse().ok()?,
                    };
                    char::from_u32(code)?
                }
            };
            Some((c, end + 1))
        });
        let (c, length) = known.unwrap_or(('&', 1));
        done.push(c);
        rest = &rest[length..];
    }
    done + rest
}

#[derive(Default)]
struct Reader {
    parts: Vec<Part>,
    /// Text of the heading under way.
    heading: Option<String>,
    /// Whether each open `<span>` holds code lines that mdBook hides.
    spans: Vec<bool>,
    /// Depth of `<pre>`.
    code: usize,
    /// Depth of what is not text: scripts, styles, buttons.
    silent: usize,
    /// Whether a cell of this table row was written.
    cell: bool,
}

impl Reader {
    /// Where text goes now; nowhere before the first heading.
    fn target(&mut self) -> Option<&mut String> {
        match &mut self.heading {
            Some(title) => Some(title),
            None => self.parts.last_mut().map(|part| &mut part.text),
        }
    }

    /// Text of the page, with character references.
    fn text(&mut self, raw: &str) {
        if !raw.is_empty() {
            self.write(&unescape(raw));
        }
    }

    fn write(&mut self, text: &str) {
        if self.silent > 0 || self.spans.contains(&true) {
            return;
        }
        let code = self.code > 0;
        let Some(target) = self.target() else { return };
        if code {
            target.push_str(text);
            return;
        }
        for c in text.chars() {
            let blank = c.is_whitespace();
            if !blank {
                target.push(c);
            } else if !(target.is_empty() || target.ends_with([' ', '\n'])) {
                target.push(' ');
            }
        }
    }

    /// An empty line, unless a block has only begun.
    fn block(&mut self) {
        if self.heading.is_none()
            && let Some(target) = self.target()
            && !target.is_empty()
            && !target.ends_with("- ")
            && !target.ends_with("\n\n")
        {
            let end = target.trim_end_matches(' ').len();
            target.truncate(end);
            target.push_str(if target.ends_with('\n') { "\n" } else { "\n\n" });
        }
    }

    /// The beginning of a line.
    fn line(&mut self) {
        if let Some(target) = self.target()
            && !target.is_empty()
            && !target.ends_with('\n')
        {
            target.push('\n');
        }
    }

    fn tag(&mut self, tag: &str) {
        let (closing, inner) = match tag.strip_prefix('/') {
            Some(inner) => (true, inner),
            None => (false, tag),
        };
        let end = inner
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(inner.len());
        let name = inner[..end].to_ascii_lowercase();
        match name.as_str() {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                if closing {
                    let title = self.heading.take().unwrap_or_default();
                    if let Some(part) = self.parts.last_mut() {
                        part.title = title.trim().to_owned();
                    }
                } else {
                    self.parts.push(Part {
                        level: name.as_bytes()[1] - b'0',
                        anchor: attribute(inner, "id").unwrap_or_default(),
                        title: String::new(),
                        text: String::new(),
                    });
                    self.heading = Some(String::new());
                }
            }
            "span" if closing => {
                self.spans.pop();
            }
            "span" => {
                let hidden = attribute(inner, "class").is_some_and(|class| class == "boring");
                self.spans.push(hidden);
            }
            "script" | "style" | "button" | "nav" => {
                self.silent = if closing {
                    self.silent.saturating_sub(1)
                } else {
                    self.silent + 1
                };
            }
            "pre" => {
                if closing {
                    self.code = self.code.saturating_sub(1);
                }
                self.block();
                if !closing {
                    self.code += 1;
                }
            }
            "img" => {
                if let Some(alt) = attribute(inner, "alt") {
                    self.write(&alt);
                }
            }
            "br" => self.line(),
            "li" if !closing => {
                self.line();
                if let Some(target) = self.target() {
                    target.push_str("- ");
                }
            }
            "tr" => {
                self.line();
                self.cell = false;
            }
            "td" | "th" if !closing => {
                if std::mem::replace(&mut self.cell, true)
                    && let Some(target) = self.target()
                {
                    target.push_str(" | ");
                }
            }
            "p" | "div" | "section" | "ul" | "ol" | "blockquote" | "figure" | "figcaption"
            | "table" | "hr" => self.block(),
            _ => {}
        }
    }

    fn finish(mut self) -> Vec<Part> {
        for part in &mut self.parts {
            let lines = part.text.lines().map(str::trim_end);
            let mut text = String::with_capacity(part.text.len());
            let mut empty = 0;
            for line in lines {
                empty = if line.is_empty() { empty + 1 } else { 0 };
                if empty < 2 {
                    text.push_str(line);
                    text.push('\n');
                }
            }
            part.text = text.trim_matches('\n').to_owned();
        }
        self.parts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn only(body: &str) -> String {
        let page = format!("<nav>x</nav><main><h1 id=\"a\">A</h1>{body}</main>");
        let mut found = parts(&page).unwrap();
        assert_eq!(found.len(), 1);
        found.remove(0).text
    }

    #[test]
    fn headings_part_a_page() {
        let page = "<main>lost<h1 id=\"the-top\"><a class=\"header\" href=\"#the-top\">The &amp; <code>Top</code></a></h1>\
                    \n<p>One\ntwo.</p>\n<h2 id='x' id=\"next\">Next</h2><p>Three</p></main>after";
        let part = |level, anchor: &str, title: &str, text: &str| Part {
            level,
            anchor: anchor.into(),
            title: title.into(),
            text: text.into(),
        };
        assert_eq!(
            parts(page).unwrap(),
            [
                part(1, "the-top", "The & Top", "One two."),
                part(2, "next", "Next", "Three")
            ]
        );
        assert_eq!(parts("<p>no main</p>"), None);
    }

    #[test]
    fn code_keeps_its_lines_and_loses_the_hidden_ones() {
        let code = "<p>See:</p><pre><code class=\"language-rust\"><span class=\"boring\">fn main() {\n</span>    let x = 1 &lt; 2;\n\
                    \n<span class=\"kept\">    f(x)</span>;\n<span class=\"boring\">}</span></code></pre><p>So.</p>";
        assert_eq!(only(code), "See:\n\n    let x = 1 < 2;\n\n    f(x);\n\nSo.");
    }

    #[test]
    fn lists_and_tables_are_lines() {
        assert_eq!(
            only("<ul>\n<li>one</li>\n<li><p>two</p></li>\n</ul><p>end</p>"),
            "- one\n\n- two\n\nend".replace("one\n\n", "one\n")
        );
        let table = "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>";
        assert_eq!(only(table), "a | b\n1 | 2");
    }

    #[test]
    fn what_is_not_text_is_left_out_and_a_quoted_sign_ends_no_tag() {
        assert_eq!(
            only(
                "<p>a<!-- <b> --><img alt=\"a > b\"> <button>Copy</button><script>x()</script>c</p>"
            ),
            "aa > b c"
        );
        assert_eq!(unescape("&#39;&#x27;&lt;&nope;&"), "''<&nope;&");
        assert_eq!(
            links("<a class=\"x\" href=\"a.html\">A</a><a href=\"b.html\">"),
            ["a.html", "b.html"]
        );
    }

    proptest! {
        #[test]
        fn no_page_makes_it_panic(body in "[<>/a-h1 \"'=&;!\\-é\n]{0,200}") {
            let _ = parts(&format!("<main><h1>{body}</main>"));
            let _ = links(&body);
        }
    }
}

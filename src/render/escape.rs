//! Text that must survive: as HTML, and as HTML inside Markdown.

/// Escapes text for HTML, in element content and in double-quoted attributes.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    push_html(&mut out, text);
    out
}

/// Appends text escaped for HTML.
pub fn push_html(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
}

/// Text as Markdown prose: every punctuation mark of ASCII becomes a character reference, which Markdown
/// never reads as markup and smart punctuation leaves alone.
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation() && !matches!(c, '.' | ',' | '%') {
            out.push_str(&format!("&#{};", c as u32));
        } else if c == '\n' {
            out.push(' ');
        } else {
            out.push(c);
        }
    }
    out
}

/// HTML on one line, as a block or a run inside Markdown can hold it: no newline, hence no blank line,
/// and no `{{` that a later preprocessor would read. Line breaks inside `<pre>` are kept as references.
pub fn one_line(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    let mut raw: Option<&str> = None;
    while !rest.is_empty() {
        match raw {
            None => match rest.find('<') {
                None => {
                    push_flat(&mut out, rest, ' ');
                    break;
                }
                Some(at) => {
                    push_flat(&mut out, &rest[..at], ' ');
                    let end = tag_end(&rest[at..]).map_or(rest.len(), |n| at + n);
                    let tag = &rest[at..end];
                    push_flat(&mut out, tag, ' ');
                    raw = ["pre", "style", "script"]
                        .into_iter()
                        .find(|name| opens(tag, name));
                    rest = &rest[end..];
                }
            },
            Some(name) => {
                let close = format!("</{name}");
                let end = rest.find(&close).unwrap_or(rest.len());
                if name == "pre" {
                    for c in rest[..end].chars() {
                        match c {
                            '\n' => out.push_str("&#10;"),
                            '{' => out.push_str("&#123;"),
                            '\r' => {}
                            _ => out.push(c),
                        }
                    }
                } else {
                    out.extend(rest[..end].chars().map(|c| if c == '\n' { ' ' } else { c }));
                }
                rest = &rest[end..];
                raw = None;
            }
        }
    }
    out
}

fn push_flat(out: &mut String, text: &str, gap: char) {
    for c in text.chars() {
        match c {
            '\n' => out.push(gap),
            '\r' => {}
            '{' => out.push_str("&#123;"),
            _ => out.push(c),
        }
    }
}

fn opens(tag: &str, name: &str) -> bool {
    tag.strip_prefix('<')
        .and_then(|t| t.strip_prefix(name))
        .is_some_and(|t| t.starts_with(['>', ' ', '\n']))
}

/// The length of the tag that a text begins with, quoted attribute values respected.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = 0;
    for (i, &b) in text.as_bytes().iter().enumerate() {
        match b {
            b'>' if quote == 0 => return Some(i + 1),
            b'"' | b'\'' if quote == 0 => quote = b,
            b if b == quote => quote = 0,
            _ => {}
        }
    }
    None
}

/// HTML made safe to stand in a line of Markdown: between tags, every mark that Markdown or smart
/// punctuation reads becomes a character reference.
pub fn inline(html: &str) -> String {
    let mut out = String::with_capacity(html.len() * 2);
    let mut rest = html;
    while !rest.is_empty() {
        let at = rest.find('<').unwrap_or(rest.len());
        let text = &rest[..at];
        let mut skip_to = 0;
        for (i, c) in text.char_indices() {
            if i < skip_to {
                continue;
            }
            match c {
                '&' => match reference(&text[i..]) {
                    Some(length) => {
                        out.push_str(&text[i..i + length]);
                        skip_to = i + length;
                    }
                    None => out.push_str("&amp;"),
                },
                '\n' => out.push(' '),
                c if c.is_ascii_punctuation() => out.push_str(&format!("&#{};", c as u32)),
                c => out.push(c),
            }
        }
        let end = tag_end(&rest[at..]).map_or(rest.len(), |n| at + n);
        push_flat(&mut out, &rest[at..end], ' ');
        rest = &rest[end..];
    }
    out
}

/// The length of the character reference that a text begins with.
fn reference(text: &str) -> Option<usize> {
    let end = text.find(';').filter(|&e| e > 1 && e < 12)?;
    text[1..end]
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '#')
        .then_some(end + 1)
}

/// Whether HTML that a cell gave can do nothing but show: no script, no handler, no form, nothing that
/// is fetched from elsewhere.
pub fn is_inert(html: &str) -> bool {
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        let end = tag_end(rest).unwrap_or(rest.len());
        if !is_inert_tag(&rest[..end]) {
            return false;
        }
        rest = &rest[end..];
    }
    // style sheets may not fetch
    !(html.contains("url(") || html.contains("URL(") || html.contains('@'))
        || !fetches(&html.to_ascii_lowercase())
}

const ACTIVE: [&str; 14] = [
    "script",
    "iframe",
    "object",
    "embed",
    "link",
    "meta",
    "base",
    "form",
    "input",
    "button",
    "video",
    "audio",
    "template",
    "foreignobject",
];

fn is_inert_tag(tag: &str) -> bool {
    let name = tag[1..]
        .trim_start_matches('/')
        .split(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .unwrap_or("");
    if ACTIVE.iter().any(|a| name.eq_ignore_ascii_case(a)) {
        return false;
    }
    for (name, value) in attributes(tag) {
        if name.get(..2).is_some_and(|n| n.eq_ignore_ascii_case("on")) {
            return false;
        }
        let is_address = [
            "src",
            "srcset",
            "poster",
            "data",
            "href",
            "xlink:href",
            "action",
            "formaction",
        ]
        .iter()
        .any(|a| name.eq_ignore_ascii_case(a));
        if !is_address {
            // an animation could set what it names
            if name.eq_ignore_ascii_case("attributename") {
                return false;
            }
            continue;
        }
        let (name, value) = (name.to_ascii_lowercase(), value.to_ascii_lowercase());
        let value: String = value
            .chars()
            .filter(|c| !c.is_whitespace() && !c.is_control())
            .collect();
        if value.contains("javascript:") || value.contains("&") && tag.starts_with("<a") {
            return false;
        }
        match name.as_str() {
            "src" | "srcset" | "poster" | "data" if !value.starts_with("data:image/") => {
                return false;
            }
            "href" | "xlink:href"
                if !(value.starts_with('#')
                    || value.starts_with("data:image/")
                    || tag.starts_with("<a")) =>
            {
                return false;
            }
            _ => {}
        }
    }
    true
}

fn fetches(lower: &str) -> bool {
    if lower.contains("@import") {
        return true;
    }
    let mut rest = lower;
    while let Some(at) = rest.find("url(") {
        rest = rest[at + 4..].trim_start_matches([' ', '"', '\'']);
        if !(rest.starts_with('#')
            || rest.starts_with("&quot;#")
            || rest.starts_with("data:image/"))
        {
            return true;
        }
    }
    false
}

/// The attributes of a tag: name and value.
fn attributes(tag: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let inner = tag.trim_start_matches('<').trim_end_matches('>');
    let mut rest = match inner.find(|c: char| c.is_whitespace() || c == '/') {
        Some(at) => &inner[at..],
        None => return found,
    };
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() {
            return found;
        }
        let end = rest
            .find(|c: char| c.is_whitespace() || c == '=' || c == '/')
            .unwrap_or(rest.len());
        let name = &rest[..end.max(1).min(rest.len())];
        rest = rest[end.max(1).min(rest.len())..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            let (v, r) = match after.chars().next() {
                Some(q @ ('"' | '\'')) => match after[1..].find(q) {
                    Some(close) => (&after[1..1 + close], &after[close + 2..]),
                    None => (&after[1..], ""),
                },
                _ => {
                    let end = after
                        .find(|c: char| c.is_whitespace())
                        .unwrap_or(after.len());
                    (&after[..end], &after[end..])
                }
            };
            value = v;
            rest = r;
        }
        found.push((name, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_has_no_newline_and_keeps_those_of_pre() {
        let html = "<div>\n\n<pre>a\n\nb {{x}}</pre>\n<p title=\"a\nb\">{{#include x}}</p></div>";
        let line = one_line(html);
        assert!(!line.contains('\n') && !line.contains("{{"), "{line}");
        assert!(line.contains("a&#10;&#10;b &#123;&#123;x}}"), "{line}");
    }

    #[test]
    fn a_style_sheet_keeps_its_braces() {
        assert_eq!(
            one_line("<style>a{b:c}\n.d{e:f}</style>"),
            "<style>a{b:c} .d{e:f}</style>"
        );
    }

    #[test]
    fn inline_html_survives_markdown() {
        let html = "<mi>x</mi><mo>*</mo><mi>_a_</mi><mo>&lt;</mo><mo>|</mo><mtext>`[b]`</mtext>";
        let mut shown = String::new();
        pulldown_cmark::html::push_html(
            &mut shown,
            pulldown_cmark::Parser::new_ext(
                &format!("| a |\n|---|\n| {} |\n", inline(html)),
                crate::chapter::markdown_options(),
            ),
        );
        assert!(shown.contains(html), "{shown}");
    }

    #[test]
    fn inert_html_is_told_from_the_rest() {
        for good in [
            "<figure><svg viewBox=\"0 0 1 1\"><path d=\"M0\"/></svg></figure>",
            "<img src=\"data:image/png;base64,AA\">",
            "<g clip-path=\"url(#c1)\"><use href=\"#a\"/></g>",
            "<p>on = 3, x &lt; y</p>",
            "<a href=\"https://example.org\">a</a>",
        ] {
            assert!(is_inert(good), "{good}");
        }
        for bad in [
            "<ScRipt>alert(1)</sCript>",
            "<svg onload=alert(1)>",
            "<svg/onload=alert(1)>",
            "<img src=x onerror='alert(1)'>",
            "<img src=\"https://example.org/a.png\">",
            "<a href=\" javascript:alert(1)\">a</a>",
            "<a href=\"java&#115;cript:alert(1)\">a</a>",
            "<A HREF=\"Java\tScript:alert(1)\">a</A>",
            "<set attributeName=\"href\" to=\"javascript:alert(1)\"/>",
            "<image xlink:href=\"http://example.org/a.png\"/>",
            "<p style=\"background:url(http://example.org/a)\">a</p>",
            "<style>@import 'x.css'</style>",
            "<iframe srcdoc=a></iframe>",
        ] {
            assert!(!is_inert(bad), "{bad}");
        }
    }
}

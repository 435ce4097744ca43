//! Text made safe for HTML and SVG, in element content and in double-quoted attributes.

/// Escapes `text` and makes it one line: every run of white space or control characters becomes a
/// space, so that no blank line can end an HTML block in Markdown.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        let space = (c.is_whitespace() && c != '\u{a0}' && c != '\u{202f}')
            || c.is_control()
            || matches!(c, '\u{fffe}' | '\u{ffff}');
        if space {
            gap = true;
            continue;
        }
        if gap && !escaped.is_empty() {
            escaped.push(' ');
        }
        gap = false;
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

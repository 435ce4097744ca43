//! Rust code in colour, at build time: the page needs no script for it.

use super::escape;

/// The HTML of a block of Rust code.
pub fn block(code: &str) -> String {
    // highlight.js, which mdBook loads for other languages, leaves this class alone
    format!(
        "<pre><code class=\"no-highlight rust\">{}</code></pre>",
        highlight(code)
    )
}

const KEYWORDS: [&str; 41] = [
    "as",
    "async",
    "await",
    "break",
    "const",
    "continue",
    "crate",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "fn",
    "for",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro_rules",
    "match",
    "mod",
    "move",
    "mut",
    "pub",
    "ref",
    "return",
    "Self",
    "self",
    "static",
    "struct",
    "super",
    "trait",
    "true",
    "type",
    "union",
    "unsafe",
    "use",
    "where",
    "while",
    "yield",
];

const PRIMITIVES: [&str; 17] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "str", "u8", "u16",
    "u32", "u64", "u128", "usize",
];

/// Code as HTML: comments, strings, numbers, keywords, types and macros in elements of their own.
pub fn highlight(code: &str) -> String {
    let mut out = String::with_capacity(code.len() * 2);
    let mut rest = code;
    let mut after_fn = false;
    let mut line_start = true;
    while let Some(c) = rest.chars().next() {
        let (length, class) = token(rest, c, line_start, after_fn);
        let (text, tail) = rest.split_at(length);
        if class.is_empty() {
            escape::push_html(&mut out, text);
        } else {
            out.push_str("<span class=\"hljs-");
            out.push_str(class);
            out.push_str("\">");
            escape::push_html(&mut out, text);
            out.push_str("</span>");
        }
        if !text.trim().is_empty() {
            after_fn = text == "fn";
        }
        line_start = match text.rfind('\n') {
            Some(at) => text[at..].trim().is_empty(),
            None => line_start && text.trim().is_empty(),
        };
        rest = tail;
    }
    out
}

/// The length and the class of the token that a text begins with; the class is empty for plain text.
fn token(text: &str, c: char, line_start: bool, after_fn: bool) -> (usize, &'static str) {
    let line = || text.find('\n').unwrap_or(text.len());
    if text.starts_with("//") {
        return (line(), "comment");
    }
    if text.starts_with("/*") {
        return (block_comment(text), "comment");
    }
    if line_start && c == ':' && text[1..].starts_with(|c: char| c.is_ascii_lowercase()) {
        // a line that speaks to the kernel, such as `:dep`: its first word alone is marked
        let word = text[1..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        return (word.map_or(text.len(), |w| w + 1), "keyword");
    }
    if let Some(length) = string(text) {
        return (length, "string");
    }
    match c {
        '\'' => quote(text),
        '#' if text.starts_with("#[") || text.starts_with("#![") => {
            (text.find(']').map_or(text.len(), |e| e + 1), "meta")
        }
        c if c.is_ascii_digit() => (number(text), "number"),
        c if c.is_alphabetic() || c == '_' => {
            let end = text
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(text.len());
            let word = &text[..end];
            let next = &text[end..];
            let class = if after_fn {
                "title"
            } else if matches!(word, "true" | "false") {
                "literal"
            } else if KEYWORDS.contains(&word) {
                "keyword"
            } else if next.starts_with('!') && !next.starts_with("!=") {
                return (end + 1, "built_in");
            } else if PRIMITIVES.contains(&word)
                || word.starts_with(char::is_uppercase) && word.contains(char::is_lowercase)
            {
                "type"
            } else {
                ""
            };
            (end, class)
        }
        _ => (c.len_utf8(), ""),
    }
}

/// The length of a block comment, nested ones included.
fn block_comment(text: &str) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of a string literal of any kind, if the text begins with one.
fn string(text: &str) -> Option<usize> {
    let prefix = ["", "b", "c", "r", "br", "cr"]
        .into_iter()
        .filter(|p| text.starts_with(p))
        .find(|p| {
            let after =
                text[p.len()..].trim_start_matches(if p.ends_with('r') { '#' } else { '"' });
            match p.ends_with('r') {
                true => after.starts_with('"'),
                false => text[p.len()..].starts_with('"'),
            }
        })?;
    let body = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = body.chars().take_while(|&c| c == '#').count();
        let close = format!("\"{}", "#".repeat(hashes));
        let start = prefix.len() + hashes + 1;
        let end = text[start..].find(&close);
        return Some(end.map_or(text.len(), |e| start + e + close.len()));
    }
    let mut escaped = false;
    for (i, c) in body.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(prefix.len() + i + 1),
            _ => {}
        }
    }
    Some(text.len())
}

/// A character literal or a lifetime.
fn quote(text: &str) -> (usize, &'static str) {
    let mut chars = text.char_indices().skip(1);
    let Some((_, first)) = chars.next() else {
        return (1, "");
    };
    if first == '\\' {
        let close = text[2..].char_indices().skip(1).find(|(_, c)| *c == '\'');
        return (close.map_or(text.len(), |(i, _)| i + 3), "string");
    }
    match chars.next() {
        Some((i, '\'')) => (i + 1, "string"),
        _ if first.is_alphabetic() || first == '_' => {
            let end = text[1..]
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .map_or(text.len(), |e| e + 1);
            (end, "symbol")
        }
        _ => (1, ""),
    }
}

/// The length of a number: a point belongs to it only before a digit, a sign only in an exponent.
fn number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_hex = text.starts_with("0x");
    let mut i = 0;
    while i < bytes.len() {
        let next_is_digit = bytes.get(i + 1).is_some_and(u8::is_ascii_digit);
        let goes_on = match bytes[i] {
            b if b.is_ascii_alphanumeric() || b == b'_' => true,
            b'.' => next_is_digit,
            b'-' | b'+' => !is_hex && next_is_digit && matches!(bytes[i - 1], b'e' | b'E'),
            _ => false,
        };
        if !goes_on {
            break;
        }
        i += 1;
    }
    // `1.` of `1..2` is no float, that of `1. + x` is
    if bytes.get(i) == Some(&b'.')
        && !text[..i].contains('.')
        && bytes
            .get(i + 1)
            .is_none_or(|b| !(b.is_ascii_alphabetic() || matches!(b, b'.' | b'_')))
    {
        i += 1;
    }
    i
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The highlighted code, with marks in place of elements.
    fn marked(code: &str) -> String {
        highlight(code)
            .replace("<span class=\"hljs-", "[")
            .replace("\">", " ")
            .replace("</span>", "]")
    }

    #[test]
    fn tokens_are_told_apart() {
        for (code, want) in [
            (
                "let x: f64 = 1.5e-3;",
                "[keyword let] x: [type f64] = [number 1.5e-3];",
            ),
            (
                "for i in 0..10 {}",
                "[keyword for] i [keyword in] [number 0]..[number 10] {}",
            ),
            ("x.0.max(1.)", "x.[number 0].max([number 1.])"),
            (
                "fn solve<'a>(c: char) {}",
                "[keyword fn] [title solve]&lt;[symbol 'a]&gt;(c: [type char]) {}",
            ),
            (
                "('a', '\\'', '\"', b'x')",
                "([string 'a'], [string '\\''], [string '&quot;'], b[string 'x'])",
            ),
            (
                "p!(\"a \\\" // b\"); // c",
                "[built_in p!]([string &quot;a \\&quot; // b&quot;]); [comment // c]",
            ),
            (
                "r#\"a \" b\"# != y",
                "[string r#&quot;a &quot; b&quot;#] != y",
            ),
            ("/* a /* b */ c */ d", "[comment /* a /* b */ c */] d"),
            (
                "#[derive(Debug)]\nstruct A;",
                "[meta #[derive(Debug)]]\n[keyword struct] A;",
            ),
            (
                ":dep a = \"1\"\nuse a::B;",
                "[keyword :dep] a = [string &quot;1&quot;]\n[keyword use] a::B;",
            ),
            (
                "if a::b != Vec::new() {}",
                "[keyword if] a::b != [type Vec]::new() {}",
            ),
            ("let r = b;", "[keyword let] r = b;"),
            ("\"never closed", "[string &quot;never closed]"),
            ("'", "'"),
            ("λ = 'λ'", "λ = [string 'λ']"),
        ] {
            assert_eq!(marked(code), want, "{code}");
        }
    }

    #[test]
    fn nothing_is_lost() {
        let code = include_str!("code.rs");
        let text = highlight(code);
        let mut plain = String::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find('<') {
            plain.push_str(&rest[..at]);
            rest = &rest[at + rest[at..].find('>').unwrap() + 1..];
        }
        plain.push_str(rest);
        let plain = plain
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&amp;", "&");
        assert_eq!(plain, code);
    }
}

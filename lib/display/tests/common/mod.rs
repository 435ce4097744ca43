//! What every piece of HTML that a cell shows must keep to.

/// Checks that `html` is one well-formed element (as XML), without a blank line, control characters
/// or repeated ids, and returns its text content.
pub fn check(html: &str) -> String {
    assert!(
        html.lines().all(|line| !line.trim().is_empty()),
        "a blank line in\n{html}"
    );
    assert!(
        html.chars().all(|c| c == '\n' || !c.is_control()),
        "a control character in\n{html}"
    );
    let (mut open, mut text, mut ids) = (Vec::new(), String::new(), Vec::new());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        add_text(&mut text, &rest[..start], !open.is_empty());
        let end = start
            + rest[start..]
                .find('>')
                .unwrap_or_else(|| panic!("a tag without end in\n{html}"));
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed but not open in\n{html}");
            assert!(
                !open.is_empty() || rest.is_empty(),
                "more than one element in\n{html}"
            );
            continue;
        }
        let body = tag.strip_suffix('/').unwrap_or(tag);
        let (name, mut attributes) = body.split_once(' ').unwrap_or((body, ""));
        let mut seen = Vec::new();
        while !attributes.trim().is_empty() {
            let (key, value) = attributes
                .split_once("=\"")
                .unwrap_or_else(|| panic!("`{attributes}` in <{tag}>"));
            let (value, more) = value
                .split_once('"')
                .unwrap_or_else(|| panic!("an open quote in <{tag}>"));
            assert!(!seen.contains(&key.trim()), "`{key}` twice in <{tag}>");
            seen.push(key.trim());
            assert!(!value.contains('<'), "`<` in an attribute of <{tag}>");
            entities(value);
            if key.trim() == "id" {
                assert!(!ids.contains(&value), "the id `{value}` twice");
                ids.push(value);
            }
            attributes = more;
        }
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(
        open.is_empty() && rest.is_empty(),
        "{open:?} left open, or text after the end, in\n{html}"
    );
    text
}

fn add_text(text: &mut String, raw: &str, inside: bool) {
    assert!(
        inside || raw.is_empty(),
        "text outside of an element: {raw:?}"
    );
    entities(raw);
    let plain = raw
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'");
    text.push_str(&plain.replace("&amp;", "&"));
    text.push(' ');
}

/// Every `&` begins one of the five escapes that are written.
fn entities(raw: &str) {
    for (at, _) in raw.match_indices('&') {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
        assert!(
            known.iter().any(|entity| raw[at..].starts_with(entity)),
            "a bare `&` in {raw:?}"
        );
    }
}

/// `text` as it should be read once shown: on one line, without control characters.
pub fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') {
                ' '
            } else {
                c
            }
        })
        .collect();
    let words = spaced.split(|c: char| c.is_whitespace() && c != '\u{a0}' && c != '\u{202f}');
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

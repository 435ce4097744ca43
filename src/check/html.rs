//! The few things that a check must know of HTML: tags and their attributes.

/// A start tag in a piece of HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Its name, in lower case.
    pub name: String,
    /// Its attributes, names in lower case.
    pub attributes: Vec<(String, String)>,
    /// Where it begins.
    pub at: usize,
}

impl Tag {
    /// The value of an attribute.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
}

/// The start tags of a piece of HTML; comments are passed over.
pub fn tags(html: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = html[at..].find('<').map(|i| at + i) {
        let rest = &html[open + 1..];
        if rest.starts_with("!--") {
            at = rest
                .find("-->")
                .map_or(html.len(), |end| open + 1 + end + 3);
            continue;
        }
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            at = open + 1;
            continue;
        }
        let (tag, length) = tag(rest, open);
        found.push(tag);
        at = open + 1 + length;
    }
    found
}

fn tag(rest: &str, at: usize) -> (Tag, usize) {
    let bytes = rest.as_bytes();
    let name_end = rest
        .find(|c: char| c.is_whitespace() || c == '>' || c == '/')
        .unwrap_or(rest.len());
    let mut tag = Tag {
        name: rest[..name_end].to_ascii_lowercase(),
        attributes: Vec::new(),
        at,
    };
    let mut i = name_end;
    while i < bytes.len() && bytes[i] != b'>' {
        if bytes[i].is_ascii_whitespace() || bytes[i] == b'/' {
            i += 1;
            continue;
        }
        let start = i;
        while i < bytes.len()
            && !matches!(bytes[i], b'=' | b'>' | b'/')
            && !bytes[i].is_ascii_whitespace()
        {
            i += 1;
        }
        let name = rest[start..i].to_ascii_lowercase();
        if name.is_empty() {
            i += 1;
            continue;
        }
        let mut value = String::new();
        if bytes.get(i) == Some(&b'=') {
            i += 1;
            match bytes.get(i) {
                Some(&quote @ (b'"' | b'\'')) => {
                    let from = i + 1;
                    let end = rest[from..]
                        .find(quote as char)
                        .map_or(rest.len(), |e| from + e);
                    value = rest[from..end].to_string();
                    i = (end + 1).min(rest.len());
                }
                _ => {
                    let from = i;
                    while i < bytes.len() && bytes[i] != b'>' && !bytes[i].is_ascii_whitespace() {
                        i += 1;
                    }
                    value = rest[from..i].to_string();
                }
            }
        }
        tag.attributes.push((name, value));
    }
    (tag, i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_attributes() {
        let found =
            tags("a < b <!-- <img> --> <IMG src='a b.png' alt=\"x > y\"/><a id=q href=#r>t</a>");
        assert_eq!(found.len(), 2);
        assert_eq!(
            (
                found[0].name.as_str(),
                found[0].get("src"),
                found[0].get("alt")
            ),
            ("img", Some("a b.png"), Some("x > y"))
        );
        assert_eq!(
            (found[1].get("id"), found[1].get("href"), found[1].get("x")),
            (Some("q"), Some("#r"), None)
        );
    }

    #[test]
    fn broken_html_ends() {
        for text in [
            "<a href=\"",
            "<a b=",
            "<",
            "<a",
            "<!-- x",
            "<é =\"",
            "<a é=\"ü",
        ] {
            tags(text);
        }
    }
}

//! Rust source without what tells no type: comments, function bodies, and attributes that only the compiler heeds.

/// Attributes that change neither what exists nor its type.
const IDLE: [&str; 24] = [
    "allow",
    "cold",
    "deny",
    "deprecated",
    "diagnostic",
    "doc",
    "expect",
    "inline",
    "must_use",
    "rustc_allow",
    "rustc_as_ptr",
    "rustc_confusables",
    "rustc_const",
    "rustc_diagnostic",
    "rustc_inherit",
    "rustc_insignificant",
    "rustc_lint",
    "rustc_no",
    "rustc_on_unimplemented",
    "rustc_promotable",
    "stable",
    "track_caller",
    "unstable",
    "warn",
];

/// What stands for a function's body: it has every type.
const BODY: &str = "{loop{}}";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Space,
    Word,
    /// A literal with quotes, or a lifetime's quote mark.
    Quoted,
    Mark,
}

type Token<'a> = (Kind, &'a str);

/// The outline of `source`.
pub(crate) fn outline(source: &str) -> String {
    let tokens = tokens(source);
    let mut out = String::with_capacity(source.len() / 4);
    let mut i = 0;
    while i < tokens.len() {
        if let Some(end) = idle_attribute(&tokens, i) {
            i = end + 1;
            continue;
        }
        if tokens[i] == (Kind::Word, "fn")
            && let Some((open, close)) = body(&tokens, i)
        {
            for token in &tokens[i..open] {
                push(&mut out, *token);
            }
            out.push_str(BODY);
            i = close + 1;
            continue;
        }
        push(&mut out, tokens[i]);
        i += 1;
    }
    out
}

/// Spaces that follow each other become one.
fn push(out: &mut String, (kind, text): Token) {
    if kind != Kind::Space {
        out.push_str(text);
    } else if text.contains('\n') {
        out.truncate(out.trim_end_matches(' ').len());
        if !out.ends_with('\n') {
            out.push('\n');
        }
    } else if !out.ends_with(char::is_whitespace) {
        out.push(' ');
    }
}

/// If an idle attribute begins at `i`, where it ends.
fn idle_attribute(tokens: &[Token], i: usize) -> Option<usize> {
    if tokens[i] != (Kind::Mark, "#") {
        return None;
    }
    let mut open = skip_space(tokens, i + 1);
    if tokens.get(open) == Some(&(Kind::Mark, "!")) {
        open = skip_space(tokens, open + 1);
    }
    if tokens.get(open) != Some(&(Kind::Mark, "[")) {
        return None;
    }
    let (_, name) = tokens.get(skip_space(tokens, open + 1))?;
    IDLE.iter()
        .any(|idle| name.starts_with(idle))
        .then(|| closing(tokens, open))
        .flatten()
}

/// The braces of the body of the function whose `fn` stands at `i`; `None` if it is a type, or has no body.
fn body(tokens: &[Token], i: usize) -> Option<(usize, usize)> {
    let name = tokens.get(skip_space(tokens, i + 1))?;
    // A name, or a variable of a macro.
    if name.0 != Kind::Word && *name != (Kind::Mark, "$") {
        return None;
    }
    let mut depth = 0_usize;
    let mut at = i + 1;
    loop {
        match *tokens.get(at)? {
            (Kind::Mark, "(" | "[") => depth += 1,
            // The end of what encloses the function: a macro's pattern.
            (Kind::Mark, ")" | "]") => depth = depth.checked_sub(1)?,
            (Kind::Mark, "{") if depth == 0 => return Some((at, closing(tokens, at)?)),
            (Kind::Mark, ";" | "}") if depth == 0 => return None,
            _ => {}
        }
        at += 1;
    }
}

fn skip_space(tokens: &[Token], mut i: usize) -> usize {
    while tokens.get(i).is_some_and(|token| token.0 == Kind::Space) {
        i += 1;
    }
    i
}

/// The bracket that closes the one at `open`.
fn closing(tokens: &[Token], open: usize) -> Option<usize> {
    let (_, left) = tokens[open];
    let right = match left {
        "(" => ")",
        "[" => "]",
        _ => "}",
    };
    let mut depth = 0_usize;
    for (at, (kind, text)) in tokens.iter().enumerate().skip(open) {
        if *kind != Kind::Mark {
            continue;
        }
        if *text == left {
            depth += 1;
        } else if *text == right {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = source;
    let mut after_word = false;
    while let Some(c) = rest.chars().next() {
        let (kind, length) = if let Some(length) = comment(rest) {
            (None, length)
        } else if c.is_whitespace() {
            (Some(Kind::Space), run(rest, char::is_whitespace))
        } else if let Some(length) = string(rest).filter(|_| !after_word) {
            (Some(Kind::Quoted), length)
        } else if c.is_alphanumeric() || c == '_' {
            (
                Some(Kind::Word),
                run(rest, |c| c.is_alphanumeric() || c == '_'),
            )
        } else if c == '\'' {
            (Some(Kind::Quoted), character(rest).unwrap_or(1))
        } else {
            (Some(Kind::Mark), c.len_utf8())
        };
        let (text, tail) = rest.split_at(length);
        // A comment parts what stands around it.
        tokens.push(match kind {
            Some(kind) => (kind, text),
            None => (Kind::Space, " "),
        });
        after_word = kind == Some(Kind::Word);
        rest = tail;
    }
    tokens
}

/// How many bytes at the start of `text` satisfy `which`.
fn run(text: &str, which: impl Fn(char) -> bool) -> usize {
    text.find(|c| !which(c)).unwrap_or(text.len())
}

/// The length of the comment that `text` begins with.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    Some(text.len())
}

/// The length of the string literal that `text` begins with, of whichever kind.
fn string(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r"]
        .into_iter()
        .find(|prefix| text.starts_with(prefix))
        .filter(|prefix| text[prefix.len()..].starts_with(['"', '#', '\'']))
        .unwrap_or("");
    let quoted = &text[prefix.len()..];
    if prefix == "b" && quoted.starts_with('\'') {
        return character(quoted).map(|length| 1 + length);
    }
    if prefix.ends_with('r') {
        let hashes = run(quoted, |c| c == '#');
        let inside = quoted[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let close = inside.find(&end)?;
        return Some(prefix.len() + hashes + 1 + close + end.len());
    }
    let inside = quoted.strip_prefix('"')?;
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(prefix.len() + 1 + at + 1),
            _ => {}
        }
    }
    None
}

/// The length of the character literal that `text` begins with; `None` for a lifetime.
fn character(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let mut chars = inside.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        chars.next()?;
        let close = chars.find(|(_, c)| *c == '\'')?;
        return Some(1 + close.0 + 1);
    }
    let (at, second) = chars.next()?;
    (second == '\'' && first != '\'').then_some(1 + at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_go_and_signatures_stay() {
        assert_eq!(
            outline(
                "pub fn f<T: Into<u8>>(x: [T; 2]) -> T where T: Copy { if x { 1 } else { 2 } }\nstruct S { x: u8 }"
            ),
            "pub fn f<T: Into<u8>>(x: [T; 2]) -> T where T: Copy {loop{}}\nstruct S { x: u8 }"
        );
        assert_eq!(
            outline("trait T { fn a(&self); fn b(&self) { self.a() } }"),
            "trait T { fn a(&self); fn b(&self) {loop{}} }"
        );
        assert_eq!(
            outline("struct P { f: fn(u8) -> u8, g: u8 }"),
            "struct P { f: fn(u8) -> u8, g: u8 }"
        );
    }

    #[test]
    fn the_functions_of_a_macro_lose_their_bodies_too() {
        assert_eq!(
            outline(
                "macro_rules! m { ($t:ty) => { impl T for $t { fn $name() -> $t { $t::MAX } } } }"
            ),
            "macro_rules! m { ($t:ty) => { impl T for $t { fn $name() -> $t {loop{}} } } }"
        );
        assert_eq!(
            outline("macro_rules! m { (fn $n:ident) => { const X: u8 = 1; } }"),
            "macro_rules! m { (fn $n:ident) => { const X: u8 = 1; } }"
        );
    }

    #[test]
    fn comments_and_idle_attributes_go() {
        assert_eq!(
            outline(
                "/// A doc.\n#[inline]\n#[stable(feature = \"x\", since = \"1\")]\n#[cfg(unix)]\npub const A: u8 /* 1 /* 2 */ */ = 1; // end"
            ),
            "\n#[cfg(unix)]\npub const A: u8 = 1; "
        );
        assert_eq!(
            outline("#![allow(x)]\n#[lang = \"add\"]\n#[rustc_builtin_macro]"),
            "\n#[lang = \"add\"]\n#[rustc_builtin_macro]"
        );
    }

    #[test]
    fn quotes_hide_what_is_in_them() {
        for source in [
            "const A: &str = \"// fn x() { }\";",
            "const A: &str = \"a\\\"{\";",
            "const A: &str = r#\"/* \" { */\"#;",
            "const A: &[u8] = b\"{\"; const B: u8 = b'{';",
            "const A: char = '\"'; const B: char = '\\''; const C: char = '{';",
            "const A: char = '\\u{7b}';",
            "type A<'a> = &'a str;",
            "const A: &CStr = c\"{\";",
            "type r = u8; const br: r = 1;",
        ] {
            assert_eq!(outline(source), source);
        }
    }

    #[test]
    fn what_is_not_rust_does_not_stop_it() {
        for source in [
            "fn", "fn f(", "#[", "\"", "'", "/*", "r#\"", "fn f() {", "é€",
        ] {
            outline(source);
        }
    }
}

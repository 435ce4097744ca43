//! What a cell answered, as HTML.

use jupyter_protocol::media::{Media, MediaType};
use nbformat::v4::Output;

use super::{ansi, escape};

/// Text outputs of more lines than this are folded.
pub const LONG: usize = 24;
/// How many lines of a long output stand before the fold.
const HEAD: usize = 16;
/// How many lines of a long output the page holds at most; the notebook has the rest.
const MOST: usize = 2000;
/// How many bytes of one text output the page holds at most.
const MOST_BYTES: usize = 200_000;
/// Tables of more rows than this are folded.
const LONG_TABLE: usize = 40;

/// The HTML of a cell's outputs, in their order; empty when nothing is shown.
pub fn html(outputs: &[Output]) -> String {
    outputs.iter().map(one).collect()
}

fn one(output: &Output) -> String {
    match output {
        Output::Stream { name, text } => {
            let class = if name == "stderr" {
                "out-err"
            } else {
                "out-text"
            };
            text_block(&text.0, class)
        }
        Output::ExecuteResult(r) => media(&r.data),
        Output::DisplayData(d) => media(&d.data),
        Output::Error(e) => {
            let text = if e.traceback.is_empty() {
                format!("{}: {}", e.ename, e.evalue)
            } else {
                e.traceback.join("\n")
            };
            text_block(&text, "out-trace")
        }
    }
}

/// The richest form that a page can show, else its text.
fn media(media: &Media) -> String {
    let find = |pick: fn(&MediaType) -> Option<&String>| media.content.iter().find_map(pick);
    let plain = find(|m| match m {
        MediaType::Plain(t) => Some(t),
        _ => None,
    });
    let markup = find(|m| match m {
        MediaType::Html(t) => Some(t),
        _ => None,
    })
    .or_else(|| {
        find(|m| match m {
            MediaType::Svg(t) => Some(t),
            _ => None,
        })
    });
    if let Some(markup) = markup {
        let markup = without_prolog(markup);
        return if escape::is_inert(markup) {
            rich(markup)
        } else {
            let note = "<p class=\"out-note\">This output holds script, or something fetched from elsewhere: shown as text.</p>";
            format!(
                "{note}{}",
                text_block(plain.map_or(markup, |p| p), "out-text")
            )
        };
    }
    for item in &media.content {
        let (kind, data) = match item {
            MediaType::Png(d) => ("png", d),
            MediaType::Jpeg(d) => ("jpeg", d),
            MediaType::Gif(d) => ("gif", d),
            _ => continue,
        };
        let data: String = data.chars().filter(|c| !c.is_whitespace()).collect();
        let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
        if data.chars().all(is_base64) {
            let alt = escape::html(plain.map_or("Picture that the cell gave", |p| p.trim()));
            return format!(
                "<div class=\"out-rich\"><img alt=\"{alt}\" src=\"data:image/{kind};base64,{data}\"></div>"
            );
        }
    }
    plain.map_or_else(String::new, |text| text_block(text, "out-text"))
}

/// SVG files begin with what HTML does not allow.
fn without_prolog(markup: &str) -> &str {
    let mut rest = markup.trim_start();
    while rest.starts_with("<?") || rest.to_ascii_lowercase().starts_with("<!doctype") {
        match rest.find('>') {
            Some(end) => rest = rest[end + 1..].trim_start(),
            None => break,
        }
    }
    rest
}

fn rich(markup: &str) -> String {
    let rows = markup.matches("<tr").count();
    if rows > LONG_TABLE {
        format!(
            "<details class=\"fold\"><summary>Table of {rows} rows</summary><div class=\"out-rich\">{markup}</div></details>"
        )
    } else {
        format!("<div class=\"out-rich\">{markup}</div>")
    }
}

fn text_block(text: &str, class: &str) -> String {
    let (text, cut) = match text.char_indices().nth(MOST_BYTES) {
        Some((at, _)) => (&text[..at], true),
        None => (text, false),
    };
    if text.trim().is_empty() {
        return String::new();
    }
    let mut lines = ansi::lines(text);
    let total = lines.len();
    let cut = cut || total > MOST;
    lines.truncate(MOST);
    if lines.len() <= LONG {
        return format!(
            "<pre class=\"{class}\">{}</pre>{}",
            lines.join("\n"),
            rest_note(cut)
        );
    }
    let (head, tail) = lines.split_at(HEAD);
    format!(
        "<pre class=\"{class}\">{}</pre><details class=\"fold\"><summary>{} more lines</summary><pre class=\"{class}\">{}</pre>{}</details>",
        head.join("\n"),
        tail.len(),
        tail.join("\n"),
        rest_note(cut),
    )
}

fn rest_note(cut: bool) -> &'static str {
    if cut {
        "<p class=\"out-note\">The page stops here; the notebook holds the whole output.</p>"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nbformat::v4::MultilineString;

    fn stream(text: &str) -> Output {
        Output::Stream {
            name: "stdout".into(),
            text: MultilineString(text.into()),
        }
    }

    fn result(content: Vec<MediaType>) -> Output {
        Output::DisplayData(nbformat::v4::DisplayData {
            data: Media { content },
            metadata: Default::default(),
        })
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(
            html(&[stream("<script>alert(1)</script> & {{x}}\n")]),
            "<pre class=\"out-text\">&lt;script&gt;alert(1)&lt;/script&gt; &amp; {{x}}</pre>"
        );
        assert_eq!(html(&[stream(" \n")]), "");
    }

    #[test]
    fn long_text_is_folded_and_very_long_text_is_cut() {
        let text: String = (0..100).map(|i| format!("line {i}\n")).collect();
        let out = html(&[stream(&text)]);
        assert!(out.contains("<summary>84 more lines</summary>"), "{out}");
        let (head, tail) = out.split_once("<details").unwrap();
        assert!(head.contains("line 15") && !head.contains("line 16"));
        assert!(tail.contains("line 16") && tail.contains("line 99"));
        let huge = "x".repeat(99) + "\n";
        let out = html(&[stream(&huge.repeat(100_000))]);
        assert!(out.len() < 2 * MOST_BYTES && out.contains("the notebook holds the whole output"));
    }

    #[test]
    fn the_richest_form_is_shown_and_what_could_act_is_not() {
        let plain = MediaType::Plain("the text".into());
        let figure = MediaType::Html("<figure><svg></svg></figure>".into());
        let out = html(&[result(vec![plain.clone(), figure])]);
        assert_eq!(
            out,
            "<div class=\"out-rich\"><figure><svg></svg></figure></div>"
        );
        let bad = MediaType::Html("<img src=x onerror=alert(1)>".into());
        let out = html(&[result(vec![plain.clone(), bad])]);
        assert!(
            out.contains("the text") && !out.contains("onerror"),
            "{out}"
        );
        let results = MediaType::Other((
            crate::results::MIME.into(),
            serde_json::json!({"version": 1}),
        ));
        assert_eq!(html(&[result(vec![results])]), "");
        let png = MediaType::Png("iVBO\nRw0=\n".into());
        assert!(html(&[result(vec![png])]).contains("data:image/png;base64,iVBORw0=\""));
        let svg = MediaType::Svg("<?xml version=\"1.0\"?>\n<svg></svg>".into());
        assert_eq!(
            html(&[result(vec![svg])]),
            "<div class=\"out-rich\"><svg></svg></div>"
        );
    }
}

//! Formulas: LaTeX to MathML, at build time.

use pulldown_latex::config::DisplayMode;
use pulldown_latex::event::{Content, Event};
use pulldown_latex::{Parser, RenderConfig, Storage, push_mathml};

/// The MathML of a formula, in one line.
///
/// # Errors
/// What is wrong with the LaTeX, in one sentence.
pub fn mathml(latex: &str, display: bool) -> Result<String, String> {
    let storage = Storage::new();
    let events: Vec<_> = Parser::new(latex, &storage)
        .collect::<Result<_, _>>()
        .map_err(|e| {
            let message = e.to_string();
            let first = message.lines().next().unwrap_or("").trim();
            let first = first.strip_prefix("parsing error: ").unwrap_or(first);
            format!(
                "the formula `{}` is not LaTeX that can be shown: {first}",
                short(latex)
            )
        })?;
    let config = RenderConfig {
        display_mode: if display {
            DisplayMode::Block
        } else {
            DisplayMode::Inline
        },
        ..RenderConfig::default()
    };
    // the parser hands text on as it stands, and the writer trims it: it is marked before and escaped after
    let texts: Vec<Option<String>> = events
        .iter()
        .map(|event| match event {
            Event::Content(Content::Text(text) | Content::Function(text)) => marked(text).map(Some),
            _ => Ok(None),
        })
        .collect::<Result<_, _>>()
        .map_err(|sign| {
            format!(
                "the formula `{}` has `{sign}` within text, where it would show as it stands",
                short(latex)
            )
        })?;
    let events = events
        .into_iter()
        .zip(&texts)
        .map(|(event, text)| match (event, text) {
            (Event::Content(Content::Text(_)), Some(text)) => Event::Content(Content::Text(text)),
            (Event::Content(Content::Function(_)), Some(text)) => {
                Event::Content(Content::Function(text))
            }
            (event, _) => event,
        });
    let mut out = String::new();
    push_mathml(
        &mut out,
        events.map(Ok::<_, std::convert::Infallible>),
        config,
    )
    .map_err(|e| format!("the formula `{}` cannot be shown: {e}", short(latex)))?;
    Ok(apart(&escaped(&out)))
}

/// The tags with a space between attributes, which the writer leaves out for `\Big(`: Markdown takes a tag without
/// it for text.
fn apart(mathml: &str) -> String {
    let mut out = String::with_capacity(mathml.len());
    let (mut tag, mut value, mut closed) = (false, false, false);
    for c in mathml.chars() {
        if closed && c.is_ascii_alphabetic() {
            out.push(' ');
        }
        closed = false;
        match c {
            '"' if tag => {
                closed = value;
                value = !value;
            }
            '<' if !value => tag = true,
            '>' if !value => tag = false,
            _ => {}
        }
        out.push(c);
    }
    out
}

/// The mark of a space that no line breaks at.
const SPACE: char = '\u{e000}';

/// Marks that stand in text for what the writer would change, and how each is written at last.
const MARKS: [(char, &str); 4] = [
    (SPACE, "&#160;"),
    ('\u{e001}', "&lt;"),
    ('\u{e002}', "&gt;"),
    ('\u{e003}', "&amp;"),
];

/// Text of a formula as LaTeX reads it, its special characters marked; the sign that text cannot show, if it
/// has one. The parser gives the space `\ ` as `&nbsp;`.
fn marked(text: &str) -> Result<String, String> {
    if text == "&nbsp;" {
        return Ok(SPACE.to_string());
    }
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let sign = match c {
            '\\' => chars.next().unwrap_or(' '),
            '$' => return Err("$".to_owned()),
            '~' => ' ',
            c => c,
        };
        out.push(match (c, sign) {
            ('\\' | '~', ' ') => SPACE,
            ('\\', ',') => '\u{2009}',
            ('\\', '%' | '_' | '#' | '$' | '{' | '}') => sign,
            (_, '&') => MARKS[3].0,
            ('\\', _) => return Err(format!("\\{sign}")),
            (_, '<') => MARKS[1].0,
            (_, '>') => MARKS[2].0,
            (_, plain) => plain,
        });
    }
    // at the ends the writer trims, and doubles a space that is all
    let inner = out.trim();
    let end = |is: bool| if is { SPACE.to_string() } else { String::new() };
    if inner.is_empty() {
        return Ok(end(!out.is_empty()));
    }
    let (before, after) = (
        end(out.starts_with(char::is_whitespace)),
        end(out.ends_with(char::is_whitespace)),
    );
    Ok(format!("{before}{inner}{after}"))
}

/// The writer's MathML in one line, with its operators and marked texts escaped.
fn escaped(mathml: &str) -> String {
    let mut out = String::with_capacity(mathml.len());
    let mut chars = mathml.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // an operator alone in its element: the next tag follows
            '<' if chars.peek() == Some(&'<') => out.push_str("&lt;"),
            '&' if !chars
                .peek()
                .is_some_and(|c| *c == '#' || c.is_ascii_alphabetic()) =>
            {
                out.push_str("&amp;");
            }
            '\n' | '\r' => out.push(' '),
            c => match MARKS.iter().find(|(mark, _)| *mark == c) {
                Some((_, reference)) => out.push_str(reference),
                None => out.push(c),
            },
        }
    }
    out
}

fn short(latex: &str) -> String {
    let flat: Vec<&str> = latex.split_whitespace().collect();
    let flat = flat.join(" ");
    if flat.chars().count() <= 60 {
        flat
    } else {
        let head: String = flat.chars().take(57).collect();
        format!("{head}…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_is_one_for_markdown() {
        use pulldown_cmark::{Event, Parser};
        for latex in [
            r"\Big( a \Big)",
            r"\bigl\| x \bigr\|",
            r"\left( \frac12 \right]",
            r"\hat x < \bar y",
        ] {
            let html = mathml(latex, false).unwrap();
            let line = format!("Words {html}");
            let tags = Parser::new(&line).filter(|e| matches!(e, Event::InlineHtml(_)));
            assert_eq!(tags.count(), html.matches('<').count(), "{html}");
        }
    }

    #[test]
    fn formulas_become_mathml() {
        let html = mathml(r"\hat\beta = (X^\top X)^{-1} X^\top y", false).unwrap();
        assert!(
            html.starts_with("<math") && html.contains("<msup>"),
            "{html}"
        );
        let block = mathml(
            r"\begin{aligned} a &= b < c \\ d &= \mathbb{R}^{n \times p} \end{aligned}",
            true,
        )
        .unwrap();
        assert!(
            block.contains("display=\"block\"") && block.contains("<mtable"),
            "{block}"
        );
        assert!(block.contains("&lt;") && !block.contains('\n'), "{block}");
        let spaced = mathml(r"L,\ U,\ R", false).unwrap();
        assert!(
            spaced.contains("<mtext>&#160;</mtext>") && !spaced.contains("amp"),
            "{spaced}"
        );
        let text = mathml(r"a \& \text{if a <b> & c}", false).unwrap();
        assert!(
            text.contains("<mo>&amp;</mo>") || text.contains("<mi>&amp;</mi>"),
            "{text}"
        );
        assert!(
            text.contains("if a &lt;b&gt; &amp; c") || text.contains("if\u{a0}a"),
            "{text}"
        );
    }

    #[test]
    fn spaces_and_escapes_in_text_are_what_latex_makes_of_them() {
        let shown = |latex: &str| mathml(latex, false).unwrap();
        for latex in [
            r"\text{5\ \%}",
            r"\text{5~\%}",
            r"\text{5~}\text{\%}",
            r"\operatorname{5\ \%}",
        ] {
            let html = shown(latex).replace("</mtext><mtext>", "");
            assert!(html.contains(">5&#160;%</m"), "{latex}: {html}");
        }
        let one = shown(r"\text{ }");
        assert!(one.contains("<mtext>&#160;</mtext>"), "{one}");
        let both = shown(r"a\text{ and }b");
        assert!(both.contains("<mtext>&#160;and&#160;</mtext>"), "{both}");
        let name = shown(r"\operatorname{arg\,min}");
        assert!(name.contains("arg\u{2009}min"), "{name}");
        let error = mathml(r"\text{a \alpha}", false).unwrap_err();
        assert_eq!(
            error,
            r"the formula `\text{a \alpha}` has `\a` within text, where it would show as it stands"
        );
        assert!(mathml(r"\text{if $x$}", false).unwrap_err().contains("`$`"));
    }

    #[test]
    fn bad_latex_is_named() {
        for latex in [
            r"\frac{1}",
            r"\nosuchcommand x",
            r"{a",
            r"\left( a",
            r"a^b^c",
            r"\begin{matrix} a",
        ] {
            let error = mathml(latex, false).unwrap_err();
            assert!(error.contains("formula"), "{latex}: {error}");
        }
    }
}

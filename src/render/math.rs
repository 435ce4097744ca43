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
    // the writer leaves `<` and `&` as they are, so text is marked before and escaped after it
    let texts: Vec<Option<String>> = events.iter().map(marked).collect();
    let events = events
        .into_iter()
        .zip(&texts)
        .map(|(event, text)| match text {
            Some(text) => Event::Content(Content::Text(text)),
            None => event,
        });
    let mut out = String::new();
    push_mathml(
        &mut out,
        events.map(Ok::<_, std::convert::Infallible>),
        config,
    )
    .map_err(|e| format!("the formula `{}` cannot be shown: {e}", short(latex)))?;
    Ok(escaped(&out))
}

/// What text of a formula may hold, the mark that stands for it, and how it is written. The parser gives
/// the space `\ ` as the first.
const MARKS: [(&str, char, &str); 4] = [
    ("&nbsp;", '\u{e000}', "&#160;"),
    ("<", '\u{e001}', "&lt;"),
    (">", '\u{e002}', "&gt;"),
    ("&", '\u{e003}', "&amp;"),
];

/// Text of a formula whose special characters are marked, where it has some.
fn marked(event: &Event) -> Option<String> {
    let Event::Content(Content::Text(text)) = event else {
        return None;
    };
    let mut text = text.to_string();
    if !text.contains(['<', '>', '&']) {
        return None;
    }
    for (plain, mark, _) in MARKS {
        text = text.replace(plain, &mark.to_string());
    }
    Some(text)
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
            c => match MARKS.iter().find(|(_, mark, _)| *mark == c) {
                Some((_, _, reference)) => out.push_str(reference),
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

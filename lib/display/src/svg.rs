//! SVG text, and how wide it will be.

use std::fmt::Write;

use crate::html::escape;
use crate::theme;

/// Size of titles, and of all other text, in the units of the drawing.
pub(crate) const TITLE_SIZE: f64 = 15.0;
pub(crate) const TEXT_SIZE: f64 = 12.5;

/// Where a text stands relative to its point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing in the making.
#[derive(Default)]
pub(crate) struct Svg {
    pub(crate) body: String,
}

impl Svg {
    /// A text whose baseline is at `y`.
    pub(crate) fn text(&mut self, x: f64, y: f64, anchor: Anchor, text: &str) {
        self.styled_text(x, y, anchor, text, "");
    }

    /// A text with further attributes.
    pub(crate) fn styled_text(&mut self, x: f64, y: f64, anchor: Anchor, text: &str, more: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let _ = writeln!(
            self.body,
            "<text x=\"{}\" y=\"{}\"{anchor}{more}>{}</text>",
            short(x),
            short(y),
            escape(text)
        );
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: &str, more: &str) {
        let _ = writeln!(
            self.body,
            "<path d=\"M{} {}L{} {}\" fill=\"none\" stroke=\"{stroke}\"{more}/>",
            short(from.0),
            short(from.1),
            short(to.0),
            short(to.1)
        );
    }

    pub(crate) fn rect(&mut self, at: (f64, f64), size: (f64, f64), more: &str) {
        let _ = writeln!(
            self.body,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" {more}/>",
            short(at.0),
            short(at.1),
            short(size.0),
            short(size.1)
        );
    }

    /// The title, broken into lines; returns the height it takes.
    pub(crate) fn title(&mut self, title: &str, width: f64) -> f64 {
        let lines = wrap(title, width, TITLE_SIZE * 1.1);
        for (i, line) in lines.iter().enumerate() {
            let more = format!(" font-size=\"{TITLE_SIZE}\" font-weight=\"600\"");
            self.styled_text(0.0, 15.0 + 19.0 * i as f64, Anchor::Start, line, &more);
        }
        19.0 * lines.len() as f64 + 5.0
    }

    /// The finished `<svg>` element.
    pub(crate) fn finish(
        self,
        width: f64,
        height: f64,
        class: &str,
        alt: &str,
        style: &str,
    ) -> String {
        format!(
            "<svg class=\"{class}\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {} {}\" \
             style=\"width:100%;max-width:{}px;height:auto;overflow:visible;{style}\" font-family=\"{}\" font-size=\"{TEXT_SIZE}\" \
             fill=\"{}\" xmlns=\"http://www.w3.org/2000/svg\">\n{}</svg>",
            escape(alt),
            short(width),
            short(height),
            short(width),
            theme::FONT,
            theme::TEXT,
            self.body
        )
    }
}

/// `x` with at most two decimals and no needless zeros.
pub(crate) fn short(x: f64) -> String {
    let text = format!("{x:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// Estimated width of `text` at a font size: that of DejaVu Sans, the widest of the common faces.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    let ems: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '\'' | 'I' => 0.29,
            '.' | ',' | ' ' | '\u{a0}' | ':' | ';' | '|' | '/' => 0.34,
            'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '!' => 0.41,
            'm' | 'M' | '%' | '@' | 'W' => 0.98,
            'w' | '−' | '×' | '<' | '>' | '=' | '+' | '&' => 0.84,
            '⁰' | '¹' | '²' | '³' | '⁴'..='⁹' | '⁻' => 0.44,
            'N' | 'O' | 'Q' | 'G' | 'D' | 'H' | 'U' => 0.78,
            'A'..='Z' => 0.69,
            c if u32::from(c) < 0x1100 => 0.63,
            '\u{2000}'..='\u{22ff}' => 0.8,
            _ => 1.05,
        })
        .sum();
    ems * size
}

/// Breaks `text` at spaces into lines no wider than `width` where it can.
pub(crate) fn wrap(text: &str, width: f64, size: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line)
                if text_width(line, size) + text_width(" ", size) + text_width(word, size)
                    <= width =>
            {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

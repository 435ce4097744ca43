//! Terminal text as HTML: colours become classes, overwritten lines are resolved, all else is escaped.

use super::escape;

/// The look that escape sequences have set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Look {
    bold: bool,
    faint: bool,
    italic: bool,
    underline: bool,
    colour: Option<&'static str>,
}

impl Look {
    fn classes(self) -> String {
        let mut classes = Vec::new();
        if self.bold {
            classes.push("ansi-bold".to_string());
        }
        if self.faint {
            classes.push("ansi-faint".to_string());
        }
        if self.italic {
            classes.push("ansi-italic".to_string());
        }
        if self.underline {
            classes.push("ansi-underline".to_string());
        }
        if let Some(colour) = self.colour {
            classes.push(format!("ansi-{colour}"));
        }
        classes.join(" ")
    }

    fn apply(&mut self, codes: &str) {
        let mut codes = codes
            .split([';', ':'])
            .map(|c| c.parse::<u32>().unwrap_or(0));
        while let Some(code) = codes.next() {
            match code {
                0 => *self = Look::default(),
                1 => self.bold = true,
                2 => self.faint = true,
                3 => self.italic = true,
                4 => self.underline = true,
                22 => (self.bold, self.faint) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                30..=37 => self.colour = Some(NAMES[(code - 30) as usize]),
                90..=97 => self.colour = Some(NAMES[(code - 90) as usize]),
                39 => self.colour = None,
                38 | 48 => {
                    let rgb = match codes.next() {
                        Some(5) => codes.next().map(palette),
                        Some(2) => match (codes.next(), codes.next(), codes.next()) {
                            (Some(r), Some(g), Some(b)) => Some((r, g, b)),
                            _ => None,
                        },
                        _ => None,
                    };
                    if code == 38 {
                        self.colour = rgb.map(nearest);
                    }
                }
                _ => {}
            }
        }
    }
}

const NAMES: [&str; 8] = [
    "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
];

/// The colour of an index of the 256-colour palette.
fn palette(index: u32) -> (u32, u32, u32) {
    match index {
        0..=15 => {
            let on = |bit: u32| if index & bit != 0 { 255 } else { 0 };
            (on(1), on(2), on(4))
        }
        16..=231 => {
            let step = |n: u32| if n == 0 { 0 } else { 55 + 40 * n };
            let i = index - 16;
            (step(i / 36), step(i / 6 % 6), step(i % 6))
        }
        _ => {
            let grey = 8 + 10 * (index.min(255) - 232);
            (grey, grey, grey)
        }
    }
}

/// The one of the eight named colours that has the hue of a colour.
fn nearest((r, g, b): (u32, u32, u32)) -> &'static str {
    let (high, low) = (r.max(g).max(b), r.min(g).min(b));
    if high - low < 40 {
        return if high < 90 { "black" } else { "white" };
    }
    let middle = (high + low) / 2;
    let index =
        usize::from(r > middle) | usize::from(g > middle) << 1 | usize::from(b > middle) << 2;
    NAMES[index]
}

/// Turns terminal text into lines of HTML, each with its spans closed.
pub fn lines(text: &str) -> Vec<String> {
    let mut look = Look::default();
    text.strip_suffix('\n')
        .unwrap_or(text)
        .split('\n')
        .map(|line| {
            let line = line.strip_suffix('\r').unwrap_or(line);
            // a carriage return starts the line anew: a progress bar shows its last state
            let shown = line
                .rsplit('\r')
                .find(|part| !part.is_empty())
                .unwrap_or("");
            html_line(shown, &mut look)
        })
        .collect()
}

fn html_line(line: &str, look: &mut Look) -> String {
    let mut out = String::with_capacity(line.len() + 16);
    let mut run = String::new();
    let flush = |run: &mut String, look: Look, out: &mut String| {
        if run.is_empty() {
            return;
        }
        let classes = look.classes();
        if classes.is_empty() {
            escape::push_html(out, run);
        } else {
            out.push_str(&format!("<span class=\"{classes}\">"));
            escape::push_html(out, run);
            out.push_str("</span>");
        }
        run.clear();
    };
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.peek() {
                Some('[') => {
                    chars.next();
                    let mut codes = String::new();
                    let mut end = None;
                    for c in chars.by_ref() {
                        if ('\u{40}'..='\u{7e}').contains(&c) {
                            end = Some(c);
                            break;
                        }
                        codes.push(c);
                    }
                    if end == Some('m') {
                        flush(&mut run, *look, &mut out);
                        look.apply(&codes);
                    }
                }
                Some(']') => {
                    // an operating system command, such as a hyperlink: up to BEL or ESC \
                    while let Some(c) = chars.next() {
                        if c == '\u{7}' {
                            break;
                        }
                        if c == '\u{1b}' {
                            chars.next();
                            break;
                        }
                    }
                }
                _ => {
                    chars.next();
                }
            },
            '\t' => run.push('\t'),
            c if c.is_control() => {}
            c => run.push(c),
        }
    }
    flush(&mut run, *look, &mut out);
    out
}

/// The text without escape sequences.
pub fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            if chars.next() == Some('[') {
                chars.find(|c| ('\u{40}'..='\u{7e}').contains(c));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_classes_and_text_is_escaped() {
        assert_eq!(
            lines("\u{1b}[1;31merror\u{1b}[0m: a < b\n"),
            ["<span class=\"ansi-bold ansi-red\">error</span>: a &lt; b"]
        );
        assert_eq!(
            lines("\u{1b}[38;5;9mx\ny\u{1b}[39mz"),
            [
                "<span class=\"ansi-red\">x</span>",
                "<span class=\"ansi-red\">y</span>z"
            ]
        );
    }

    #[test]
    fn other_sequences_and_overwritten_text_are_gone() {
        assert_eq!(lines("10 %\r50 %\r100 %\r\nend\u{7}"), ["100 %", "end"]);
        assert_eq!(
            lines("\u{1b}[2K\u{1b}]8;;https://a\u{7}b\u{1b}]8;;\u{7}"),
            ["b"]
        );
        assert_eq!(plain("\u{1b}[1;31merror\u{1b}[0m"), "error");
        assert_eq!(lines("\u{1b}[").len(), 1);
    }
}

//! Numbers typed in prose where a result has that value.
//!
//! A number that a cell computes is written `{{result …}}`, so that it cannot go stale. This rule finds
//! typed ones. It looks at running text alone: not at code, formulas, headings, link targets, HTML, or
//! the sections on references and data. It passes over integers up to 12, years (1700 to 2100), numbers
//! that are part of a word, a version or an identifier, and the usual round levels (0.05, 0.95, …) unless
//! the result is exactly that. A typed number matches a result when the result, rounded to the decimals
//! that are typed, gives the same digits (a percentage also when a hundred times the result does); an
//! integer matches only a result that is a whole number. With fewer than two significant digits, nothing
//! matches.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use crate::chapter::{Chapter, Lines, markdown_options};
use crate::error::Fault;
use crate::results::{Results, Tolerance};

/// Checks the numbers in the prose of a chapter.
pub fn check(chapter: &Chapter, given: &Results) -> Vec<Fault> {
    let lines = Lines::of(&chapter.text);
    let mut faults = Vec::new();
    let mut silent = 0usize;
    let mut heading = None::<String>;
    let mut references = false;
    let parser = Parser::new_ext(&chapter.text[chapter.body..], markdown_options());
    for (event, range) in parser.into_offset_iter() {
        let at = range.start + chapter.body;
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let text = heading.take().unwrap_or_default().to_lowercase();
                references = [
                    "references",
                    "further reading",
                    "data and licence",
                    "licence",
                    "sources",
                ]
                .iter()
                .any(|name| text.starts_with(name));
            }
            Event::Start(Tag::CodeBlock(_)) => silent += 1,
            Event::End(TagEnd::CodeBlock) => silent -= 1,
            Event::Text(text) => {
                match &mut heading {
                    Some(title) => title.push_str(&text),
                    None if silent == 0 && !references => {
                        // the source, not the event's text: offsets must be those of the file
                        let source = &chapter.text[at..range.end + chapter.body];
                        for typed in numbers(source) {
                            if let Some((name, format)) = matching(&typed, given) {
                                let gap = if format.is_empty() { "" } else { " " };
                                faults.push(
                                chapter
                                    .fault(
                                        lines.at(at + typed.at),
                                        format!("`{}` is typed, and the result `{name}` has that value", typed.text),
                                    )
                                    .with_detail(format!("write {{{{result {name}{gap}{format}}}}}")),
                            );
                            }
                        }
                    }
                    None => {}
                }
            }
            _ => {}
        }
    }
    faults
}

/// A number as it is typed.
#[derive(Debug, Clone, PartialEq)]
struct Typed {
    text: String,
    at: usize,
    value: f64,
    decimals: usize,
    significant: usize,
    percent: bool,
}

/// The numbers of a text that stand alone.
fn numbers(text: &str) -> Vec<Typed> {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let char_at = |i: usize| chars.get(i).map(|c| c.1);
    let mut found = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        if !chars[i].1.is_ascii_digit() {
            i += 1;
            continue;
        }
        let start = i;
        let mut digits = String::new();
        let mut decimals = 0;
        let mut point = false;
        while let Some(c) = char_at(i) {
            let next_digit = char_at(i + 1).is_some_and(|c| c.is_ascii_digit());
            let three = (1..=3).all(|k| char_at(i + k).is_some_and(|c| c.is_ascii_digit()))
                && !char_at(i + 4).is_some_and(|c| c.is_ascii_digit());
            if c.is_ascii_digit() {
                digits.push(c);
                decimals += usize::from(point);
            } else if c == '.' && next_digit && !point {
                point = true;
                digits.push('.');
            } else if matches!(c, ',' | '\u{202f}' | '\u{2009}') && three && !point {
                // a thousands separator
            } else {
                break;
            }
            i += 1;
        }
        let before = start.checked_sub(1).and_then(char_at);
        let after = char_at(i);
        // `f64`, `x86`, `0.16.1`, `[0, 1]`-like lists are told apart by their neighbours
        let joined = |c: Option<char>| {
            c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '#' | '@'))
        };
        let version = after == Some('.') && char_at(i + 1).is_some_and(|c| c.is_ascii_digit())
            || before == Some('.')
                && start >= 2
                && char_at(start - 2).is_some_and(|c| c.is_ascii_digit());
        let word = joined(before) || joined(after) && after != Some('/');
        let named = before == Some('-')
            && start >= 2
            && char_at(start - 2).is_some_and(char::is_alphabetic);
        let result = before == Some('.') || text[..chars[start].0].ends_with("{{result ");
        if version || word || named || result {
            continue;
        }
        let negative = matches!(before, Some('-' | '\u{2212}'));
        let Ok(magnitude) = digits.parse::<f64>() else {
            continue;
        };
        let rest: String = chars[i..].iter().take(2).map(|c| c.1).collect();
        let percent = rest
            .trim_start_matches([' ', '\u{a0}', '\u{202f}'])
            .starts_with('%');
        let from = if negative { start - 1 } else { start };
        let end = chars.get(i).map_or(text.len(), |c| c.0);
        found.push(Typed {
            text: text[chars[from].0..end].to_string(),
            at: chars[from].0,
            value: if negative { -magnitude } else { magnitude },
            decimals,
            significant: digits
                .trim_start_matches(['0', '.'])
                .chars()
                .filter(char::is_ascii_digit)
                .count(),
            percent,
        });
    }
    found
}

/// Levels that everybody types.
const USUAL: [f64; 14] = [
    0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.001, 1.5, 2.5, 1.96,
];

/// The result that has the value of a typed number, and the format that writes it so.
fn matching<'a>(typed: &Typed, given: &'a Results) -> Option<(&'a str, String)> {
    let magnitude = typed.value.abs();
    let whole = typed.decimals == 0;
    if whole && !typed.percent && (magnitude <= 12.0 || (1700.0..=2100.0).contains(&magnitude)) {
        return None;
    }
    if typed.significant < 2 {
        return None;
    }
    let usual = USUAL.contains(&magnitude)
        || typed.percent && USUAL.iter().any(|u| (100.0 * u - magnitude).abs() < 1e-9);
    let digits = if typed.decimals == 0 {
        String::new()
    } else {
        format!(".{}", typed.decimals)
    };
    given.iter().find_map(|(name, named)| {
        if named.tolerance == Tolerance::Volatile {
            return None;
        }
        let value = named.value.as_f64()?;
        let alike = |value: f64| {
            if usual || whole && !typed.percent {
                return value.abs() == magnitude;
            }
            let round = |x: f64| format!("{:.*}", typed.decimals, x);
            round(value) == round(typed.value) || round(-value) == round(typed.value)
        };
        if typed.percent && alike(100.0 * value) {
            return Some((name.as_str(), format!("{digits}%")));
        }
        let format = if whole && magnitude >= 1000.0 && typed.text.contains(',') {
            ",".to_string()
        } else if whole {
            String::new()
        } else {
            digits.clone()
        };
        alike(value).then_some((name.as_str(), format))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Named;
    use serde_json::json;

    fn found(prose: &str) -> Vec<String> {
        let mut given = Results::new();
        for (name, value) in [
            ("ols.slope", json!(-0.157_84)),
            ("ols.r2", json!(0.6059)),
            ("auto.rows", json!(392)),
            ("mnist.rows", json!(5000)),
            ("level", json!(0.0501)),
            ("small", json!(7)),
            ("year", json!(1970)),
            ("best", json!("QR")),
        ] {
            let named = Named {
                value,
                tolerance: Tolerance::Exact,
                cell: 0,
            };
            given.insert(name.into(), named);
        }
        let named = Named {
            value: json!(42.5),
            tolerance: Tolerance::Volatile,
            cell: 0,
        };
        given.insert("time".into(), named);
        let chapter = Chapter::parse("a.md", format!("# A 392\n\n{prose}\n")).unwrap();
        check(&chapter, &given)
            .iter()
            .map(|f| f.detail.clone().unwrap())
            .collect()
    }

    #[test]
    fn a_typed_result_is_found_at_the_precision_typed() {
        for (prose, want) in [
            ("the slope is \u{2212}0.158 mpg", "{{result ols.slope .3}}"),
            ("the slope is -0.16.", "{{result ols.slope .2}}"),
            ("falls by 0.158", "{{result ols.slope .3}}"),
            ("explains 60.6 % of it", "{{result ols.r2 .1%}}"),
            ("explains 61% of it", "{{result ols.r2 %}}"),
            ("all **392** cars", "{{result auto.rows}}"),
            ("of 5,000 digits", "{{result mnist.rows ,}}"),
            (
                "| a | 0.606 |\n|---|---|\n| b | 1 |",
                "{{result ols.r2 .3}}",
            ),
        ] {
            assert_eq!(found(prose), [format!("write {want}")], "{prose}");
        }
    }

    #[test]
    fn other_numbers_are_left_alone() {
        for prose in [
            "`392` and $0.158$ and $$0.606$$",
            "```text\n392\n```",
            "7 of 9 in 1970",
            "at the 0.05 level",
            "f392, x392, 392x, 0.158.1, v0.606.2, a-392, #392",
            "0.1579 and 0.62 mm of 393, 391.9",
            "{{result ols.r2 .392}}",
            "[a](b.md#392)",
            "<b title=\"392\">x</b>",
            "42.5 s",
            "0.2",
            "## References\n\nPages 392 to 5000.",
        ] {
            assert_eq!(found(prose), Vec::<String>::new(), "{prose}");
        }
    }
}

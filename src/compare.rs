//! Compares a chapter's outputs with those stored: exactly, or within the tolerance that a result states.

use nbformat::v4::{Cell as NbCell, MultilineString, Notebook, Output};

use crate::chapter::Chapter;
use crate::error::Fault;
use crate::notebook::{cell_text, segments};
use crate::results::{self, Tolerance};
use crate::runner::tidy;

/// Numbers in text may differ by this fraction where a cell states no tolerance: the last bits of a sum
/// depend on the processor.
const TEXT_TOLERANCE: f64 = 1e-9;

/// The differences between a stored notebook and a new run of the same chapter. Cells whose code
/// differs are not compared: they are other cells.
pub fn compare(chapter: &Chapter, stored: &Notebook, new: &Notebook) -> Vec<Fault> {
    let mut faults = Vec::new();
    let runs: Vec<usize> = segments(chapter).iter().filter_map(|s| s.runs()).collect();
    let code = |n: &Notebook| -> Vec<(String, Vec<Output>)> {
        n.cells
            .iter()
            .filter_map(|c| match c {
                NbCell::Code { outputs, .. } => Some((cell_text(c), outputs.clone())),
                _ => None,
            })
            .collect()
    };
    for ((cell, (old_code, old)), (new_code, new)) in
        runs.into_iter().zip(code(stored)).zip(code(new))
    {
        if old_code != new_code {
            continue;
        }
        let cell = &chapter.cells[cell];
        if let Some((message, detail)) = difference(&old, &new, cell.volatile) {
            faults.push(
                chapter
                    .fault(cell.line, format!("{}: {message}", cell.label()))
                    .with_detail(detail),
            );
        }
    }
    faults
}

/// The first difference between two cells' outputs: what, and both texts.
pub fn difference(old: &[Output], new: &[Output], volatile: bool) -> Option<(String, String)> {
    let (old, new) = (&ordered(old)[..], &ordered(new)[..]);
    let shapes = |outputs: &[Output]| outputs.iter().map(shape).collect::<Vec<_>>();
    let (old_shape, new_shape) = (shapes(old), shapes(new));
    if old_shape != new_shape {
        return Some((
            "the outputs are of another kind than those stored".into(),
            format!(
                "stored: {}\nnow:    {}",
                old_shape.join("; "),
                new_shape.join("; ")
            ),
        ));
    }
    for (a, b) in old.iter().zip(new) {
        let (a_results, b_results) = (named(a), named(b));
        for ((name, x), (_, y)) in a_results.iter().zip(&b_results) {
            if !x.tolerance.allows(&x.value, &y.value) {
                return Some((
                    format!("the result `{name}` is not the stored one"),
                    format!(
                        "stored: {}\nnow:    {}\ntolerance: {}",
                        x.value,
                        y.value,
                        x.tolerance.to_json()
                    ),
                ));
            }
        }
        if volatile
            || a_results
                .iter()
                .any(|(_, r)| r.tolerance == Tolerance::Volatile)
        {
            continue;
        }
        let tolerance = a_results
            .iter()
            .filter_map(|(_, r)| match r.tolerance {
                Tolerance::Relative(by) | Tolerance::Absolute(by) => Some(by),
                _ => None,
            })
            .fold(TEXT_TOLERANCE, f64::max);
        for ((kind, x), (_, y)) in texts(a).into_iter().zip(texts(b)) {
            if !same_text(&normal(&x), &normal(&y), tolerance) {
                return Some((
                    format!("its {kind} is not the stored one"),
                    first_differing_line(&x, &y),
                ));
            }
        }
    }
    None
}

/// Outputs as the runner stores them: one stdout, one stderr, then the rest. Other clients keep the
/// order in which messages came, which is chance.
fn ordered(outputs: &[Output]) -> Vec<Output> {
    let mut ordered = Vec::new();
    for stream in ["stdout", "stderr"] {
        let text: String = outputs
            .iter()
            .filter_map(|o| match o {
                Output::Stream { name, text } if name == stream => Some(text.0.as_str()),
                _ => None,
            })
            .collect();
        if !text.is_empty() {
            ordered.push(tidy(Output::Stream {
                name: stream.into(),
                text: MultilineString(text),
            }));
        }
    }
    let rest = outputs
        .iter()
        .filter(|o| !matches!(o, Output::Stream { .. }));
    ordered.extend(rest.cloned());
    ordered
}

/// The kind of an output: stream name, or MIME types and result names.
fn shape(output: &Output) -> String {
    match output {
        Output::Stream { name, .. } => name.clone(),
        Output::Error(_) => "error".into(),
        Output::ExecuteResult(_) | Output::DisplayData(_) => {
            let mut kinds: Vec<String> = texts(output).into_iter().map(|(kind, _)| kind).collect();
            kinds.extend(
                named(output)
                    .into_iter()
                    .map(|(name, _)| format!("result {name}")),
            );
            kinds.sort();
            kinds.join(" + ")
        }
    }
}

fn named(output: &Output) -> Vec<(String, results::Named)> {
    let media = match output {
        Output::ExecuteResult(r) => &r.data,
        Output::DisplayData(d) => &d.data,
        _ => return Vec::new(),
    };
    let mut found = results::of_media(media, 0).unwrap_or_default();
    // clients store them in orders of their own
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// The texts of an output, by kind.
fn texts(output: &Output) -> Vec<(String, String)> {
    let media = match output {
        Output::Stream { name, text } => return vec![(name.clone(), text.0.clone())],
        Output::Error(e) => return vec![("error".into(), e.traceback.join("\n"))],
        Output::ExecuteResult(r) => &r.data,
        Output::DisplayData(d) => &d.data,
    };
    let mut found: Vec<(String, String)> = media
        .content
        .iter()
        .filter(|m| m.mime_type() != results::MIME)
        .map(|m| {
            let text = serde_json::to_value(m)
                .ok()
                .and_then(|v| v.get("data").cloned())
                .map(|d| d.as_str().map_or_else(|| d.to_string(), str::to_string))
                .unwrap_or_default();
            (m.mime_type().to_string(), text)
        })
        .collect();
    found.sort();
    found
}

/// A text without what names the place in a run and not the result: the count in a compiler's message.
fn normal(text: &str) -> String {
    let text = crate::client::strip_ansi(text);
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("command_") {
        let after = at + "command_".len();
        out.push_str(&rest[..after]);
        rest = rest[after..].trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out.push_str(rest);
    out
}

/// Whether two texts are the same, numbers in them within a relative tolerance.
pub fn same_text(a: &str, b: &str, tolerance: f64) -> bool {
    if a == b {
        return true;
    }
    let (a, b) = (tokens(a), tokens(b));
    a.len() == b.len()
        && a.iter().zip(&b).all(|(x, y)| {
            if x == y {
                return true;
            }
            match (x.parse::<f64>(), y.parse::<f64>()) {
                // and one unit in the last place that is printed
                (Ok(p), Ok(q)) => {
                    (p - q).abs() <= tolerance * p.abs().max(q.abs()) || printed_close(x, y, p, q)
                }
                _ => false,
            }
        })
}

/// One unit of the last printed digit, for numbers printed with at least four decimals.
fn printed_close(x: &str, y: &str, p: f64, q: f64) -> bool {
    let decimals = |s: &str| s.split_once('.').map_or(0, |(_, d)| d.len());
    let d = decimals(x);
    d >= 4 && d == decimals(y) && (p - q).abs() <= 1.01 * 10f64.powi(-(d as i32))
}

/// Cuts a text into numbers and what stands between them.
fn tokens(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let (mut start, mut i) = (0, 0);
    while i < bytes.len() {
        let in_word = i > 0 && (bytes[i - 1].is_ascii_alphanumeric() || bytes[i - 1] == b'_');
        if bytes[i].is_ascii_digit() && !in_word {
            let mut end = i;
            while end < bytes.len() && (bytes[end].is_ascii_digit() || bytes[end] == b'.') {
                end += 1;
            }
            while end > i && bytes[end - 1] == b'.' {
                end -= 1;
            }
            if end < bytes.len() && (bytes[end] | 32) == b'e' {
                let mut e = end + 1;
                if e < bytes.len() && matches!(bytes[e], b'-' | b'+') {
                    e += 1;
                }
                let digits = e;
                while e < bytes.len() && bytes[e].is_ascii_digit() {
                    e += 1;
                }
                if e > digits {
                    end = e;
                }
            }
            tokens.push(&text[start..i]);
            tokens.push(&text[i..end]);
            (start, i) = (end, end);
        } else {
            i += 1;
        }
    }
    tokens.push(&text[start..]);
    tokens
}

fn first_differing_line(old: &str, new: &str) -> String {
    let shorten = |s: &str| -> String { s.chars().take(300).collect() };
    let (mut a, mut b) = (old.lines(), new.lines());
    let mut n = 0;
    loop {
        n += 1;
        match (a.next(), b.next()) {
            (Some(x), Some(y)) if x == y => {}
            (None, None) => return "the texts differ in their ends of lines".into(),
            (x, y) => {
                return format!(
                    "line {n}\nstored: {}\nnow:    {}",
                    shorten(x.unwrap_or("(nothing)")),
                    shorten(y.unwrap_or("(nothing)"))
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(text: &str) -> Vec<Output> {
        vec![Output::Stream {
            name: "stdout".into(),
            text: MultilineString(text.into()),
        }]
    }

    #[test]
    fn text_is_exact_but_for_last_bits() {
        assert!(difference(&out("a 1.5"), &out("a 1.5"), false).is_none());
        assert!(difference(&out("a 1.50000000001"), &out("a 1.50000000002"), false).is_none());
        assert!(difference(&out("a 1.5"), &out("a 1.6"), false).is_some());
        assert!(difference(&out("a 1"), &out("b 1"), false).is_some());
        assert!(difference(&out("x1"), &out("x2"), false).is_some());
    }

    #[test]
    fn volatile_cells_are_compared_by_shape() {
        assert!(difference(&out("12 ms"), &out("15 ms"), true).is_none());
        assert!(difference(&out("12 ms"), &[], true).is_some());
    }

    #[test]
    fn results_are_compared_by_name_in_any_order() {
        let given = |results: &str| -> Vec<Output> {
            let text = format!(
                r#"[{{"output_type":"execute_result","execution_count":1,"metadata":{{}},"data":
                {{"{}":{{"version":1,"results":{{{results}}}}}}}}}]"#,
                results::MIME
            );
            serde_json::from_str(&text).unwrap()
        };
        let one = |name: &str, value: f64| {
            format!(r#""{name}":{{"value":{value},"tolerance":{{"relative":1e-9}}}}"#)
        };
        let stored = given(&[one("a", 1.0), one("b", 2.0)].join(","));
        assert!(
            difference(
                &stored,
                &given(&[one("b", 2.0), one("a", 1.0)].join(",")),
                false
            )
            .is_none()
        );
        let (message, _) = difference(
            &stored,
            &given(&[one("b", 2.5), one("a", 1.0)].join(",")),
            false,
        )
        .unwrap();
        assert!(message.contains("`b`"), "{message}");
    }

    #[test]
    fn numbers_are_cut_out() {
        assert_eq!(
            tokens("a 1.5e-3, x2 7."),
            ["a ", "1.5e-3", ", x2 ", "7", "."]
        );
    }

    #[test]
    fn the_first_differing_line_is_shown() {
        let (_, detail) = difference(&out("a\nb\n"), &out("a\nc\n"), false).unwrap();
        assert_eq!(detail, "line 2\nstored: b\nnow:    c");
    }
}

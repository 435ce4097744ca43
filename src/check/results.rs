//! Named results: prose names those that a cell gives, and each has a test.

use crate::chapter::Chapter;
use crate::contracts::Contracts;
use crate::error::Fault;
use crate::results::{Results, Tolerance, format_value};

/// Checks the references in prose, and that a test stands behind each result.
pub fn check(chapter: &Chapter, given: &Results, contracts: Option<&Contracts>) -> Vec<Fault> {
    let mut faults = Vec::new();
    match chapter.result_refs() {
        Ok(refs) => {
            for r in refs {
                match given.get(&r.name) {
                    None => faults.push(unknown(chapter, &r.name, r.line, given)),
                    Some(named) => {
                        if let Err(message) = format_value(&named.value, &r.format) {
                            faults.push(
                                chapter
                                    .fault(r.line, format!("{{{{result {}}}}}: {message}", r.name)),
                            );
                        }
                    }
                }
            }
        }
        Err(found) => faults.extend(found),
    }
    let Some(contracts) = contracts else {
        return faults;
    };
    let tested = contracts.get(&chapter.slug());
    for (name, named) in given {
        if named.tolerance == Tolerance::Volatile || tested.is_some_and(|t| t.contains_key(name)) {
            continue;
        }
        let line = giving_line(chapter, name);
        faults.push(
            chapter
                .fault(line, format!("the result `{name}` has no test"))
                .with_detail(format!(
                    "in lib/CRATE/tests/, a #[test] computes it through the module alone and calls\nNotebook::open(\"{}\")….assert(\"{name}\", value)",
                    chapter.slug()
                )),
        );
    }
    if !given.is_empty() && chapter.front.modules.is_empty() {
        faults.push(
            chapter
                .fault(1, "its cells give results, and `modules` in the front matter names no module behind them")
                .with_detail("add `modules: [foundations::…]`"),
        );
    }
    faults
}

fn unknown(chapter: &Chapter, name: &str, line: usize, given: &Results) -> Fault {
    let message = format!("no cell gives the result `{name}`");
    if giving_line(chapter, name) > 1 {
        return chapter
            .fault(line, message)
            .with_detail("a cell names it, and the stored run does not have it: run the chapter");
    }
    let known: Vec<&str> = given.keys().map(String::as_str).collect();
    let near = known
        .iter()
        .min_by_key(|k| distance(k, name))
        .filter(|k| distance(k, name) <= 3)
        .map_or(String::new(), |k| format!("; did you mean `{k}`?"));
    chapter
        .fault(line, format!("{message}{near}"))
        .with_detail(if known.is_empty() {
            "the chapter gives no results".to_string()
        } else {
            format!("the chapter gives {}", known.join(", "))
        })
}

/// The line of the cell that names a result; 1 where none does by a literal.
fn giving_line(chapter: &Chapter, name: &str) -> usize {
    let literal = format!("\"{name}\"");
    chapter
        .cells
        .iter()
        .find_map(|c| {
            let at = c.code.lines().position(|l| l.contains(&literal))?;
            Some(c.line + at)
        })
        .unwrap_or(1)
}

/// How many letters differ (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("ols.slope", "ols.slope"), 0);
        assert_eq!(distance("ols.slop", "ols.slope"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}

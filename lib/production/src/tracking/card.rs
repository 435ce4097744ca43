//! The model card of a run: what a reader who decides about the model needs, from what was logged and nothing else.

use std::fmt::Write;

use super::record::{Metric, RunRecord, Status};
use super::run::FAILURE;
use super::store::Store;
use super::{TrackingError, clock, registry};

/// Before the name of a metric: the tag that holds the level of its interval.
pub(crate) const INTERVAL: &str = "course.interval.";
pub(crate) const INTENDED_USE: &str = "course.intended_use";
pub(crate) const LIMITS: &str = "course.limits";

/// The card in Markdown. It depends on the run's file and on the versions and aliases that name the run.
pub(crate) fn card(store: &Store, run: &RunRecord) -> Result<String, TrackingError> {
    let mut text = format!("# Model card: {}\n\n", line(&run.name));
    let tag = |key: &str| run.tags.get(key).map(String::as_str);
    match run.status {
        Status::Finished => {}
        status => {
            let why = tag(FAILURE).map_or(String::new(), |why| format!(": {}", line(why)));
            let _ = writeln!(text, "**This run is {status}, not finished{why}.**\n");
        }
    }
    if let Some(torn) = &run.torn {
        let _ = writeln!(
            text,
            "**The end of its log was cut off: {} bytes of line {} are left out.**\n",
            torn.bytes, torn.line
        );
    }
    let mut about = vec![
        ["run".into(), format!("`{}`", run.uuid)],
        ["experiment".into(), run.experiment.clone()],
        ["begun".into(), clock::utc(run.started)],
    ];
    about.extend(run.ended.map(|ended| ["ended".into(), clock::utc(ended)]));
    about.extend(
        run.parent
            .as_ref()
            .map(|parent| ["part of".into(), format!("`{parent}`")]),
    );
    for name in store.models()? {
        for version in registry::versions(store, &name)?
            .into_iter()
            .filter(|v| v.run == run.uuid)
        {
            let aliases: String = version
                .aliases
                .iter()
                .map(|alias| format!(", {alias}"))
                .collect();
            about.push([
                "registered as".into(),
                format!("{name}, version {}{aliases}", version.version),
            ]);
        }
    }
    table(&mut text, ["", ""], &about);

    section(&mut text, "Intended use", tag(INTENDED_USE));
    section(&mut text, "Limits", tag(LIMITS));

    text.push_str("## Data\n\n");
    let data: Vec<[String; 5]> = run
        .data
        .iter()
        .map(|d| {
            [
                d.name.clone(),
                d.context.clone(),
                d.rows.to_string(),
                d.source.clone(),
                format!("`{}`", d.digest),
            ]
        })
        .collect();
    table(
        &mut text,
        ["data set", "used for", "rows", "source", "digest"],
        &data,
    );

    text.push_str("## Metrics\n\n");
    table(
        &mut text,
        ["metric", "value", "interval", "logged"],
        &metrics(run),
    );

    text.push_str("## Parameters\n\n");
    let params: Vec<[String; 2]> = run
        .params
        .iter()
        .map(|(key, value)| [key.clone(), value.clone()])
        .collect();
    table(&mut text, ["parameter", "value"], &params);

    text.push_str("## Files\n\n");
    let files: Vec<[String; 3]> = run
        .artifacts
        .iter()
        .map(|a| {
            [
                a.path.clone(),
                a.bytes.to_string(),
                format!("`{}`", a.sha256),
            ]
        })
        .collect();
    table(&mut text, ["file", "bytes", "sha256"], &files);

    text.push_str("## Making it again\n\n");
    if tag("course.git.changed") == Some("true") {
        text.push_str(
            "**Files differed from the source revision when this was made: the revision alone does not make it again.**\n\n",
        );
    }
    let environment: Vec<[String; 2]> = [
        ("source revision", "mlflow.source.git.commit"),
        ("sha256 of Cargo.lock", "course.lock.sha256"),
        ("compiler", "course.rustc"),
        ("system", "course.system"),
        ("program", "mlflow.source.name"),
        ("by", "mlflow.user"),
    ]
    .into_iter()
    .filter_map(|(what, key)| Some([what.to_owned(), tag(key)?.to_owned()]))
    .collect();
    table(&mut text, ["", ""], &environment);
    Ok(text.trim_end().to_owned() + "\n")
}

/// One row a metric; the ends of an interval are put with their estimate.
fn metrics(run: &RunRecord) -> Vec<[String; 4]> {
    let names = run.metric_names();
    let level = |key: &str| {
        run.tags
            .get(&format!("{INTERVAL}{key}"))
            .and_then(|level| level.parse::<f64>().ok())
    };
    let is_end = |key: &String| {
        let of = key.strip_suffix(".low").or(key.strip_suffix(".high"));
        of.is_some_and(|of| level(of).is_some())
    };
    let mut rows = Vec::new();
    for key in names.iter().filter(|key| !is_end(key)) {
        let history = run.history(key);
        let value = run.metric(key).map_or(String::new(), number);
        let end = |which: &str| run.metric(&format!("{key}.{which}"));
        let interval = match (level(key), end("low"), end("high")) {
            (Some(level), Some(low), Some(high)) => {
                format!(
                    "{} to {} ({} %)",
                    number(low),
                    number(high),
                    number(100.0 * level)
                )
            }
            _ => String::new(),
        };
        rows.push([key.clone(), value, interval, logged(&history)]);
    }
    rows
}

fn logged(history: &[Metric]) -> String {
    match history {
        [] | [_] => "once".into(),
        [first, .., last] => format!(
            "{} times, steps {} to {}",
            history.len(),
            first.step,
            last.step
        ),
    }
}

/// A number to six significant digits, without zeros at the end.
fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let rounded: f64 = format!("{value:.5e}")
        .parse()
        .expect("a number in this form is one");
    let size = rounded.abs();
    if (1e-4..1e15).contains(&size) {
        rounded.to_string()
    } else {
        format!("{rounded:e}")
    }
}

fn section(text: &mut String, title: &str, content: Option<&str>) {
    let content = content.map(str::trim).filter(|c| !c.is_empty());
    let _ = writeln!(text, "## {title}\n\n{}\n", content.unwrap_or("Not stated."));
}

fn table<const N: usize>(text: &mut String, head: [&str; N], rows: &[[String; N]]) {
    if rows.is_empty() {
        text.push_str("None logged.\n\n");
        return;
    }
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    text.push_str(&row(head.iter().map(|h| (*h).to_owned()).collect()));
    text.push_str(&format!("|{}\n", "---|".repeat(N)));
    for cells in rows {
        text.push_str(&row(cells.iter().map(|cell| line(cell)).collect()));
    }
    text.push('\n');
}

/// Text on one line of a table.
fn line(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_short_and_honest() {
        for (value, text) in [
            (0.0, "0"),
            (53.123456789, "53.1235"),
            (0.1, "0.1"),
            (-2.0, "-2"),
            (1234567.0, "1234570"),
            (0.00001234567, "1.23457e-5"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}

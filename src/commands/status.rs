//! `course status`: a row a chapter.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::project;
use crate::chapter::Chapter;
use crate::contracts::{self, Contracts};
use crate::error::{Fault, Faults};
use crate::project::Project;
use crate::{fresh, notebook, results};

/// Arguments of `course status`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo course status\n  cargo course status --json | jq '.[] | select(.fresh | not) | .path'"
)]
pub struct Args {
    /// Print JSON: an array, one object a chapter
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// A summary or a test file that cannot be read.
pub fn run(book: Option<&Path>, args: Args) -> anyhow::Result<ExitCode> {
    let project = project(book)?;
    let contracts = contracts::all(&project)?;
    let mut rows = Vec::new();
    let mut faults = Vec::new();
    for entry in project.entries()? {
        match project.chapter(&entry.path) {
            Ok(chapter) if chapter.cells.is_empty() => {}
            Ok(chapter) => match row(&project, &chapter, &contracts) {
                Ok(row) => rows.push(row),
                Err(fault) => faults.push(fault),
            },
            Err(Faults(found)) => faults.extend(found),
        }
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        print_table(&rows);
    }
    for fault in &faults {
        eprintln!("{fault}");
    }
    Ok(if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What is known of one chapter.
fn row(project: &Project, chapter: &Chapter, contracts: &Contracts) -> Result<Value, Fault> {
    let stored = notebook::load(project, &chapter.path)?;
    let freshness = fresh::of(project, chapter, stored.as_ref())?;
    let named = match &stored {
        Some(notebook) => results::of_notebook(notebook)
            .map_err(|m| Fault::file(project.shown(&project.notebook_path(&chapter.path)), m))?,
        None => results::Results::new(),
    };
    let tests = contracts.get(&chapter.slug());
    let named: Map<String, Value> = named
        .into_iter()
        .map(|(name, r)| {
            let test = tests.and_then(|t| t.get(&name)).map(ToString::to_string);
            let value =
                json!({ "value": r.value, "tolerance": r.tolerance.to_json(), "test": test });
            (name, value)
        })
        .collect();
    let last_run = stored
        .as_ref()
        .and_then(|n| notebook::course_metadata(n).get("run"))
        .map(|run| {
            let keys = [
                "at",
                "rustc",
                "kernel",
                "os",
                "cpu",
                "cold_s",
                "cells_s",
                "median_cell_s",
            ];
            let kept: Map<String, Value> = keys
                .iter()
                .filter_map(|k| run.get(*k).map(|v| (k.to_string(), v.clone())))
                .collect();
            Value::Object(kept)
        });
    Ok(json!({
        "path": chapter.shown().to_string_lossy().replace('\\', "/"),
        "part": chapter.part(),
        "title": chapter.title(),
        "minutes": chapter.front.minutes,
        "cells": chapter.cells.len(),
        "fresh": freshness.fresh,
        "reasons": freshness.reasons,
        "modules": chapter.front.modules,
        "results": named,
        "exercises": chapter.exercises(),
        "last_run": last_run,
    }))
}

fn print_table(rows: &[Value]) {
    let mut lines = vec![
        [
            "chapter",
            "cells",
            "state",
            "results",
            "exercises",
            "cold",
            "cells take",
        ]
        .map(String::from),
    ];
    let mut notes = Vec::new();
    for row in rows {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_string();
        let count = |key: &str| row[key].as_array().map_or(0, Vec::len).to_string();
        let seconds = |key: &str| {
            row["last_run"][key]
                .as_f64()
                .map_or_else(String::new, |s| format!("{s:.1} s"))
        };
        let path = text("path");
        let name = path
            .trim_start_matches("chapters/")
            .trim_end_matches(".md")
            .to_string();
        let fresh = row["fresh"] == true;
        for reason in row["reasons"].as_array().into_iter().flatten() {
            notes.push(format!("{name}: {}", reason.as_str().unwrap_or_default()));
        }
        lines.push([
            name,
            row["cells"].to_string(),
            if fresh { "fresh" } else { "stale" }.to_string(),
            row["results"].as_object().map_or(0, Map::len).to_string(),
            count("exercises"),
            seconds("cold_s"),
            seconds("cells_s"),
        ]);
    }
    let width = |i: usize| {
        lines
            .iter()
            .map(|l| l[i].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..7).map(width).collect();
    for line in &lines {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(i, (cell, w))| {
                if i == 0 || i == 2 {
                    format!("{cell:<w$}")
                } else {
                    format!("{cell:>w$}")
                }
            })
            .collect();
        println!("{}", cells.join("  ").trim_end());
    }
    for note in notes {
        println!("{note}");
    }
}

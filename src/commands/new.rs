//! `course new`: starts a chapter.

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;

use super::project;
use crate::error::{read_text, write_text};
use crate::project::Project;

/// Arguments of `course new`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo course new foundations/optimization\n  cargo course new foundations/k-means --title \"Clustering with k-means\""
)]
pub struct Args {
    /// PART/SLUG, such as foundations/optimization
    pub chapter: String,
    /// The title; without it, the slug in words
    #[arg(long)]
    pub title: Option<String>,
}

/// What is to be written for a new chapter.
struct Plan {
    part: String,
    slug: String,
    title: String,
    /// The crate's folder below `lib/`, by which chapters name it.
    krate: String,
    /// The module's name.
    module: String,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its place.
pub fn run(book: Option<&Path>, args: Args) -> anyhow::Result<ExitCode> {
    let project = project(book)?;
    let plan = plan(&project, &args)?;
    let lib = project.root.join("lib").join(&plan.krate);
    let chapter = project
        .chapters_dir()
        .join(&plan.part)
        .join(format!("{}.md", plan.slug));
    let module = lib.join("src").join(format!("{}.rs", plan.module));
    let test = lib.join("tests").join(format!("{}.rs", plan.module));
    for path in [&chapter, &module, &test, &module.with_extension("")] {
        if path.exists() {
            bail!(
                "{} is there already, and is kept",
                project.shown(path).display()
            );
        }
    }
    let root = lib.join("src/lib.rs");
    let lib_rs = with_module(&read_text(&project.root, &root)?, &plan.module);
    let summary = project.chapters_dir().join("SUMMARY.md");
    let summary_text = with_entry(&read_text(&project.root, &summary)?, &plan);
    for (path, text) in [
        (&module, module_text(&plan)),
        (&root, lib_rs),
        (&test, test_text(&plan)),
        (&chapter, chapter_text(&project, &plan)),
        (&summary, summary_text),
    ] {
        write_text(&project.root, path, &text)?;
        println!("{}", project.shown(path).display());
    }
    println!(
        "\nwrite the module and the chapter, then: cargo course run {}/{}",
        plan.part, plan.slug
    );
    Ok(ExitCode::SUCCESS)
}

fn plan(project: &Project, args: &Args) -> anyhow::Result<Plan> {
    let name = args.chapter.as_str();
    let wanted =
        "a chapter is PART/SLUG in lower-case letters, digits and `-`, such as foundations/k-means";
    let (part, slug) = match name.split('/').collect::<Vec<_>>()[..] {
        [part, slug] => (part, slug),
        _ => bail!("`{name}`: {wanted}"),
    };
    for word in [part, slug] {
        let first = word.starts_with(|c: char| c.is_ascii_lowercase());
        let rest = word
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !first || !rest || word.ends_with('-') || word.contains("--") {
            bail!("`{name}`: {wanted}");
        }
    }
    let module = slug.replace('-', "_");
    if syn::parse_str::<syn::Ident>(&module).is_err() || module == "lib" || module == "main" {
        bail!("`{slug}` cannot be the name of a Rust module: choose another");
    }
    let krate = match part {
        "frameworks" => "tabular",
        "modern-ai" => "genai",
        other => other,
    };
    if !project
        .root
        .join("lib")
        .join(krate)
        .join("src/lib.rs")
        .is_file()
    {
        let parts: Vec<String> = std::fs::read_dir(project.root.join("lib"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .collect();
        bail!(
            "the modules of part `{part}` stand in lib/{krate}, and there is no such crate yet (lib/ has {}): make it first, and add it to the workspace in Cargo.toml",
            parts.join(", ")
        );
    }
    Ok(Plan {
        part: part.to_string(),
        slug: slug.to_string(),
        title: args.title.clone().unwrap_or_else(|| in_words(slug)),
        krate: krate.to_string(),
        module,
    })
}

/// `k-means` as a title: `K means`.
fn in_words(slug: &str) -> String {
    let words = slug.replace('-', " ");
    let mut chars = words.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

/// The crate's root with one more module, among the others in the order of their names.
fn with_module(text: &str, module: &str) -> String {
    let line = format!("pub mod {module};");
    let mut lines: Vec<&str> = text.lines().collect();
    let is_module = |l: &str| l.starts_with("pub mod ") && l.trim_end().ends_with(';');
    let at = lines
        .iter()
        .position(|l| is_module(l) && *l > line.as_str())
        .or_else(|| lines.iter().rposition(|l| is_module(l)).map(|i| i + 1));
    match at {
        Some(at) => lines.insert(at, &line),
        None => {
            // behind the crate's documentation and attributes
            let at = lines
                .iter()
                .rposition(|l| l.starts_with("//!") || l.starts_with("#!["))
                .map_or(0, |i| i + 1);
            lines.insert(at, &line);
            if at > 0 {
                lines.insert(at, "");
            }
        }
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// The summary with one more line: after the last chapter of the part, else in a new part at the end.
fn with_entry(text: &str, plan: &Plan) -> String {
    let target = format!("({}/{}.md)", plan.part, plan.slug);
    if text.contains(&target) {
        return text.to_string();
    }
    let line = format!("- [{}]{target}", plan.title);
    let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
    match lines
        .iter()
        .rposition(|l| l.contains(&format!("({}/", plan.part)))
    {
        Some(at) => lines.insert(at + 1, line),
        None => lines.extend([
            String::new(),
            format!("# {}", in_words(&plan.part)),
            String::new(),
            line,
        ]),
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn module_text(plan: &Plan) -> String {
    format!(
        "//! {}.\n//!\n//! What the chapter `{}/{}` builds in small cells stands here with checked inputs, golden values and\n//! properties.\n",
        plan.title, plan.part, plan.slug
    )
}

fn test_text(plan: &Plan) -> String {
    let Plan {
        part,
        slug,
        krate,
        module,
        ..
    } = plan;
    let krate = krate.replace('-', "_");
    format!(
        "//! Tests of `{krate}::{module}`: golden values, properties, and the results of chapters/{part}/{slug}.md.\n//!\n//! Each named result of the chapter has a test here that computes it through the module alone:\n//!\n//! ```text\n//! #[test]\n//! fn rmse() {{\n//!     let notebook = display::contract::Notebook::open(\"{part}/{slug}\").unwrap();\n//!     notebook.assert(\"{slug}.rmse\", …);\n//! }}\n//! ```\n"
    )
}

fn chapter_text(project: &Project, plan: &Plan) -> String {
    let Plan {
        slug,
        title,
        krate,
        module,
        ..
    } = plan;
    let path = krate.replace('-', "_");
    let mut deps = format!(":dep {krate} = {{ path = \"../../lib/{krate}\" }}\n");
    for shared in ["datasets", "display"] {
        if shared != krate
            && project
                .root
                .join("lib")
                .join(shared)
                .join("Cargo.toml")
                .is_file()
        {
            deps.push_str(&format!(
                ":dep {shared} = {{ path = \"../../lib/{shared}\" }}\n"
            ));
        }
    }
    format!(
        "---
level: 1
minutes: 60
roles: [data-scientist, ml-engineer]
modules: [{path}::{module}]
data: []
---
# {title}

<!-- The question, in two sentences, and the figure that answers it. -->

```rust,setup
{deps}use {path}::{module};
```

## What you will be able to do

<!-- Three to five things, each of which an exercise below lets the reader prove. -->

## The idea

<!-- The derivation, step by step, with a table of symbols and their shapes. -->

## From scratch

<!-- Cells under 20 lines, each doing one step and showing one thing: a figure, a table, or named results. -->

## Checked against a reference

<!-- The same through the module, and against a reference implementation; numbers by their
results' names, never typed. -->

## With the framework

## Where it breaks

<!-- A cell that fails, on purpose (should_panic, or compile_fail with its code), and what to do then. -->

## In production

## Summary

## Exercises

<!-- At least four. Each is a starter, a hint, a check and a solution, with ids that begin with `{slug}.`:

### Exercise: Its name

What to do.

a fence rust,exercise={slug}.name that compiles and does not pass its check
a hint in <details class=\"hint\"><summary>Hint</summary>
a fence rust,check={slug}.name whose first failing property panics with a counter-example
a fence rust,solution={slug}.name
-->

## References

<!-- Papers and books, and each data set with its licence. -->
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_plan() -> Plan {
        Plan {
            part: "foundations".into(),
            slug: "k-means".into(),
            title: "K means".into(),
            krate: "foundations".into(),
            module: "k_means".into(),
        }
    }

    #[test]
    fn modules_stay_in_order() {
        let text = "//! Doc.\n\npub mod a;\npub mod z;\n\nfn f() {}\n";
        assert_eq!(
            with_module(text, "k_means"),
            "//! Doc.\n\npub mod a;\npub mod k_means;\npub mod z;\n\nfn f() {}\n"
        );
        assert_eq!(
            with_module("//! Doc.\n\npub mod a;\n", "b"),
            "//! Doc.\n\npub mod a;\npub mod b;\n"
        );
        assert_eq!(with_module("//! Doc.\n", "b"), "//! Doc.\n\npub mod b;\n");
    }

    #[test]
    fn the_summary_line_goes_to_its_part() {
        let text = "# Summary\n\n# Foundations\n\n- [A](foundations/a.md)\n\n# Other\n\n- [B](other/b.md)\n";
        let with = with_entry(text, &a_plan());
        assert!(
            with.contains(
                "- [A](foundations/a.md)\n- [K means](foundations/k-means.md)\n\n# Other"
            ),
            "{with}"
        );
        assert_eq!(with_entry(&with, &a_plan()), with);
        let new = with_entry("# Summary\n", &a_plan());
        assert!(
            new.ends_with("\n# Foundations\n\n- [K means](foundations/k-means.md)\n"),
            "{new}"
        );
    }

    #[test]
    fn the_template_is_a_chapter() {
        let project = Project {
            root: "/nowhere".into(),
        };
        let plan = a_plan();
        let chapter =
            crate::chapter::Chapter::parse("foundations/k-means.md", chapter_text(&project, &plan))
                .unwrap();
        assert_eq!(chapter.front.modules, ["foundations::k_means"]);
        assert_eq!(chapter.cells.len(), 1);
        assert_eq!(chapter.result_refs().unwrap(), []);
    }
}

//! The book as a whole: SUMMARY.md, front matter, modules, data, ids.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::chapter::Chapter;
use crate::data;
use crate::error::{Fault, read_text};
use crate::project::Project;

use super::front_line;

const ROLES: [&str; 4] = [
    "ml-engineer",
    "data-scientist",
    "ai-engineer",
    "mlops-engineer",
];

/// Checks SUMMARY.md and the chapters' front matter.
pub fn check(project: &Project, chapters: &[Chapter]) -> Vec<Fault> {
    let mut faults = summary(project);
    let mut ids: BTreeMap<String, (PathBuf, usize)> = BTreeMap::new();
    for chapter in chapters {
        faults.extend(front(project, chapter));
        for exercise in crate::exercise::of(chapter) {
            let line = exercise.starter.line - 1;
            let place = (chapter.shown(), line);
            if let Some((path, first)) = ids.insert(exercise.id.to_string(), place.clone()) {
                if path == chapter.shown() {
                    continue; // told with the chapter's cells
                }
                faults.push(chapter.fault(
                    line,
                    format!(
                        "exercise `{}` is also in {}:{first}: an id is unique in the book",
                        exercise.id,
                        path.display()
                    ),
                ));
            }
        }
    }
    faults
}

fn summary(project: &Project) -> Vec<Fault> {
    let shown = Path::new("chapters/SUMMARY.md");
    let entries = match project.entries() {
        Ok(entries) => entries,
        Err(fault) => return vec![fault],
    };
    let text =
        read_text(&project.root, &project.chapters_dir().join("SUMMARY.md")).unwrap_or_default();
    let mut faults = Vec::new();
    let mut listed = BTreeSet::new();
    for entry in &entries {
        let name = entry.path.to_string_lossy();
        let lines: Vec<usize> = text
            .lines()
            .enumerate()
            .filter(|(_, l)| l.contains(&format!("({name})")) || l.contains(&format!("<{name}>")))
            .map(|(i, _)| i + 1)
            .collect();
        if !listed.insert(entry.path.clone()) {
            let line = lines.last().copied().unwrap_or(1);
            faults.push(Fault::at(shown, line, format!("{name} is listed twice")));
        }
        if !project.chapters_dir().join(&entry.path).is_file() {
            faults.push(
                Fault::at(
                    shown,
                    lines.first().copied().unwrap_or(1),
                    format!("there is no file chapters/{name}"),
                )
                .with_detail(format!(
                    "`cargo course new {}` starts it",
                    entry.path.with_extension("").display()
                )),
            );
        }
    }
    let mut files = Vec::new();
    markdown_files(&project.chapters_dir(), &mut files);
    for file in files {
        let below = file.strip_prefix(project.chapters_dir()).unwrap_or(&file);
        if below != Path::new("SUMMARY.md") && !listed.contains(below) {
            faults.push(
                Fault::file(
                    project.shown(&file),
                    "chapters/SUMMARY.md does not list it: it is in no page and no test",
                )
                .with_detail(format!("add a line `- [Title]({})`", below.display())),
            );
        }
    }
    faults
}

fn markdown_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            markdown_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "md") {
            found.push(path);
        }
    }
}

fn front(project: &Project, chapter: &Chapter) -> Vec<Fault> {
    let mut faults = Vec::new();
    let front = &chapter.front;
    if front.level.is_some_and(|l| !(1..=3).contains(&l)) {
        faults.push(chapter.fault(front_line(chapter, "level"), "`level` is 1, 2 or 3"));
    }
    for role in &front.roles {
        if !ROLES.contains(&role.as_str()) {
            faults.push(chapter.fault(
                front_line(chapter, role),
                format!("unknown role `{role}`; known are {}", ROLES.join(", ")),
            ));
        }
    }
    for module in &front.modules {
        if let Err(message) = module_exists(&project.root, module) {
            faults.push(chapter.fault(front_line(chapter, module), message));
        }
    }
    for name in &front.data {
        if data::described(name).is_none() {
            faults.push(chapter.fault(
                front_line(chapter, name),
                format!(
                    "no data set `{name}` in the catalogue of lib/datasets; it has {}",
                    data::known().join(", ")
                ),
            ));
        }
    }
    for set in data::known() {
        if front.data.iter().any(|name| name == set) {
            continue;
        }
        let calls = [
            format!("datasets::{}()", set.replace('-', "_")),
            format!("datasets::fetched(\"{set}\")"),
        ];
        let used = chapter.cells.iter().find_map(|c| {
            let mut lines = c.code.lines().enumerate();
            lines.find_map(|(at, l)| {
                Some((c.line + at, calls.iter().find(|call| l.contains(*call))?))
            })
        });
        if let Some((line, call)) = used {
            faults.push(
                chapter
                    .fault(line, format!("`{call}` is read here, and `data` in the front matter does not name `{set}`"))
                    .with_detail("the chapter would not go stale when the data change"),
            );
        }
    }
    faults
}

/// Whether `crate::module::…` is a public module of a crate in `lib/`.
fn module_exists(root: &Path, module: &str) -> Result<(), String> {
    let mut names = module.split("::");
    let krate = names.next().unwrap_or_default();
    let folder = [krate.to_string(), krate.replace('_', "-")]
        .into_iter()
        .map(|name| root.join("lib").join(name))
        .find(|f| f.join("Cargo.toml").is_file())
        .ok_or_else(|| format!("module `{module}`: there is no crate lib/{krate}"))?;
    let mut file = folder.join("src/lib.rs");
    let mut inside: Option<Vec<syn::Item>> = None;
    let mut path = krate.to_string();
    for name in names {
        let items = match inside.take() {
            Some(items) => items,
            None => {
                let text = std::fs::read_to_string(&file)
                    .map_err(|e| format!("module `{module}`: {e}"))?;
                syn::parse_file(&text)
                    .map_err(|e| format!("module `{module}`: {} is not Rust: {e}", file.display()))?
                    .items
            }
        };
        let found = items.into_iter().find_map(|item| match item {
            syn::Item::Mod(m) if m.ident == name => Some(m),
            _ => None,
        });
        let shown = file
            .strip_prefix(root)
            .unwrap_or(&file)
            .display()
            .to_string();
        let Some(found) = found else {
            return Err(format!(
                "module `{module}` does not exist: {shown} has no `pub mod {name}`"
            ));
        };
        if !matches!(found.vis, syn::Visibility::Public(_)) {
            return Err(format!(
                "module `{module}` is private: {shown} has `mod {name}` without `pub`"
            ));
        }
        match found.content {
            Some((_, items)) => inside = Some(items),
            None => {
                let base = match file.file_name().and_then(|n| n.to_str()) {
                    Some("lib.rs" | "mod.rs") => file.parent().unwrap_or(root).to_path_buf(),
                    _ => file.with_extension(""),
                };
                file = [
                    base.join(format!("{name}.rs")),
                    base.join(name).join("mod.rs"),
                ]
                .into_iter()
                .find(|f| f.is_file())
                .ok_or_else(|| format!("module `{module}`: `{path}::{name}` has no file"))?;
            }
        }
        path = format!("{path}::{name}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_followed_through_files_and_blocks() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("lib/my-crate/Cargo.toml", "");
        write(
            "lib/my-crate/src/lib.rs",
            "pub mod a; mod hidden; pub mod gone; pub mod b { pub mod c {} }",
        );
        write("lib/my-crate/src/a.rs", "pub mod deep;");
        write("lib/my-crate/src/a/deep.rs", "");
        write("lib/my-crate/src/hidden.rs", "");
        for good in [
            "my_crate",
            "my_crate::a",
            "my_crate::a::deep",
            "my_crate::b::c",
        ] {
            assert_eq!(module_exists(dir.path(), good), Ok(()), "{good}");
        }
        for (bad, want) in [
            ("other::a", "no crate lib/other"),
            ("my_crate::x", "no `pub mod x`"),
            ("my_crate::hidden", "private"),
            ("my_crate::gone", "has no file"),
            ("my_crate::b::d", "no `pub mod d`"),
            ("my_crate::a::deep::er", "no `pub mod er`"),
        ] {
            let said = module_exists(dir.path(), bad).unwrap_err();
            assert!(said.contains(want), "{bad}: {said}");
        }
    }
}

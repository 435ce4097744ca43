//! A build folder: a small cargo workspace of two members, seeded with the book's lock file.
//!
//! ```text
//! Cargo.toml        the workspace, with evcxr's profile
//! Cargo.lock        a copy of the book's
//! seed/             names every dependency of the book, so that cargo keeps their versions
//! cell/             evcxr's own folder: it rewrites Cargo.toml and src/lib.rs for each cell
//! cell/target/      what is compiled
//! ```
//!
//! A cell's manifest names the dependencies of one notebook, and for the moment of checking a `:dep` line one alone.
//! Left to itself, cargo would drop every other version from the lock file; the seed makes it keep them.

use crate::cache::key;
use crate::dep::toml_string;
use crate::error::At;
use crate::toolchain::Toolchain;
use crate::{Dep, KernelError, Workspace};
use std::path::{Path, PathBuf};

/// The package that names every dependency.
pub(crate) const SEED: &str = "course-seed";

/// The package that evcxr compiles a cell as.
pub(crate) const CELL: &str = "ctx";

/// evcxr's profile. In a workspace only the root's counts, so it stands here too.
pub(crate) const PROFILE: &str = r#"[profile.dev]
opt-level = 2
debug = false
strip = "debuginfo"
rpath = true
lto = false
debug-assertions = true
codegen-units = 16
panic = "unwind"
incremental = true
overflow-checks = true
"#;

/// Raised when a folder written by an older version of this crate must not be used.
const FORMAT: &str = "3";

/// What must agree for compiled dependencies to be of use to a session.
///
/// Not which checkout of the book it is: registry crates are the same in all of them, and cargo tells crates in folders
/// apart by their paths.
pub(crate) fn warm_key(toolchain: &Toolchain) -> String {
    key(&[FORMAT, &toolchain.version, toolchain.rustflags(), PROFILE])
}

/// The folder of `root` that evcxr writes in.
pub(crate) fn cell(root: &Path) -> PathBuf {
    root.join("cell")
}

/// Writes the workspace into `root`: the lock file, a seed that names `seed`, and a cell that names `deps`.
pub(crate) fn write(
    root: &Path,
    ws: &Workspace,
    seed: &[Dep],
    deps: &[Dep],
) -> Result<(), KernelError> {
    let seeds = seeds(seed);
    let mut members = String::new();
    for (i, seed) in seeds.iter().enumerate() {
        let name = match i {
            0 => "seed".to_owned(),
            i => format!("seed-{}", i + 1),
        };
        let mut manifest = format!(
            "[package]\nname = \"course-{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[lib]\npath = \"lib.rs\"\n\n[dependencies]\n"
        );
        for (i, dep) in seed.iter().enumerate() {
            manifest.push_str(&dep.renamed(&format!("d{i}")));
            manifest.push('\n');
        }
        write_if_changed(&root.join(&name).join("Cargo.toml"), &manifest)?;
        write_if_changed(&root.join(&name).join("lib.rs"), "")?;
        members.push_str(&format!(", \"{name}\""));
    }
    write_if_changed(
        &root.join("Cargo.toml"),
        &format!(
            "[workspace]\nmembers = [\"cell\"{members}]\nresolver = \"3\"\n\n{PROFILE}\n{}",
            cell_profile()
        ),
    )?;

    write_if_changed(&cell(root).join("Cargo.toml"), &cell_manifest(deps))?;
    write_if_changed(&cell(root).join("src/lib.rs"), "")?;

    let lock = ws.lock_file();
    let text = std::fs::read_to_string(&lock).at("read", &lock)?;
    write_if_changed(&root.join("Cargo.lock"), &text)
}

/// The dependencies of the book in groups that name no crate twice: two chapters may ask for one crate with different
/// features, and cargo takes it once a package. There is one group at least.
fn seeds(deps: &[Dep]) -> Vec<Vec<&Dep>> {
    let mut groups: Vec<Vec<&Dep>> = vec![Vec::new()];
    for dep in deps {
        let free = |group: &&mut Vec<&Dep>| group.iter().all(|other| other.name != dep.name);
        match groups.iter_mut().find(free) {
            Some(group) => group.push(dep),
            None => groups.push(vec![dep]),
        }
    }
    groups
}

/// How a cell itself is compiled: not optimised, unless `COURSE_CELL_OPT` names another level.
///
/// evcxr compiles a cell together with every function of the cells before it, so what a reader waits for is the
/// compiler: at level 2 it takes three times as long. What a cell calls is optimised.
fn cell_profile() -> String {
    let level = std::env::var("COURSE_CELL_OPT").unwrap_or_default();
    let level = match level.as_str() {
        "1" | "2" | "3" => level.as_str(),
        _ => "0",
    };
    format!("[profile.dev.package.{CELL}]\nopt-level = {level}\n")
}

/// The manifest that evcxr writes for a cell with these dependencies, but for the profile.
fn cell_manifest(deps: &[Dep]) -> String {
    let mut text = format!(
        "[package]\nname = {}\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\"]\npath = \"src/lib.rs\"\n\n[dependencies]\n",
        toml_string(CELL)
    );
    for dep in deps {
        text.push_str(&format!("{} = {}\n", dep.name, dep.spec));
    }
    text
}

fn write_if_changed(path: &Path, text: &str) -> Result<(), KernelError> {
    if std::fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).at("create", folder)?;
    }
    std::fs::write(path, text).at("write", path)
}

/// A value that changes whenever a crate in `lib/` or a manifest of the book does.
pub(crate) fn sources_stamp(ws: &Workspace) -> String {
    let mut facts = Vec::new();
    let mut note = |path: &Path| {
        if let Ok(meta) = path.metadata() {
            facts.push(format!(
                "{} {} {:?}",
                path.display(),
                meta.len(),
                meta.modified().ok()
            ));
        }
    };
    note(&ws.root.join("Cargo.toml"));
    note(&ws.root.join("Cargo.lock"));
    let mut folders = vec![ws.root.join("lib")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                let skipped = name.starts_with('.')
                    || matches!(&*name, "tests" | "benches" | "examples" | "target" | "data");
                if !skipped {
                    folders.push(path);
                }
            } else {
                note(&path);
            }
        }
    }
    facts.sort();
    key(&facts.iter().map(String::as_str).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_crate_with_two_specs_stands_in_two_seeds() {
        let dep = |name: &str, spec: &str| Dep {
            name: name.to_owned(),
            spec: spec.to_owned(),
        };
        let deps = [
            dep("production", "{ path = \"/b\" }"),
            dep("rand", "\"0.8\""),
            dep("production", "{ path = \"/b\", features = [\"churn\"] }"),
        ];
        assert_eq!(seeds(&deps), [vec![&deps[0], &deps[1]], vec![&deps[2]]]);
        assert_eq!(seeds(&[]).len(), 1);
    }
}

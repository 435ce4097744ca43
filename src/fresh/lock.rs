//! What `Cargo.lock` says of the packages that a chapter reaches.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Fault, read_text};
use crate::project::Project;

use super::memo::Memo;

/// The locked versions of each package, and the entries that each depends on.
type Packages = BTreeMap<String, Vec<(String, Vec<String>)>>;

/// The versions that `Cargo.lock` gives to these packages and to all they reach.
pub(super) fn locked(
    project: &Project,
    roots: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>, Fault> {
    static KEPT: Memo<Packages> = Memo::new();
    let path = project.root.join("Cargo.lock");
    if roots.is_empty() || !path.exists() {
        return Ok(BTreeMap::new());
    }
    let text = read_text(&project.root, &path)?;
    let packages = KEPT.of(&path, text, packages).map_err(|e| {
        Fault::file(
            project.shown(&path),
            format!("not a lock file: {}", e.message()),
        )
    })?;
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    // an entry is `name` or, where several versions are locked, `name version`
    let mut queue: Vec<&str> = roots.iter().map(String::as_str).collect();
    while let Some(entry) = queue.pop() {
        let mut words = entry.split(' ');
        let name = words.next().unwrap_or(entry);
        let wanted = words.next();
        for (version, deps) in packages.get(name).into_iter().flatten() {
            if wanted.is_none_or(|w| w == version) && found.entry(name).or_default().insert(version)
            {
                queue.extend(deps.iter().map(String::as_str));
            }
        }
    }
    let words = |versions: BTreeSet<&str>| versions.into_iter().collect::<Vec<_>>().join(", ");
    let versions = found.into_iter();
    Ok(versions
        .map(|(name, versions)| (name.to_owned(), words(versions)))
        .collect())
}

fn packages(text: &str) -> Result<Packages, toml::de::Error> {
    let table: toml::Table = toml::from_str(text)?;
    let mut packages = Packages::new();
    let listed = table.get("package").and_then(toml::Value::as_array);
    for package in listed.into_iter().flatten() {
        let field = |key: &str| package.get(key).and_then(toml::Value::as_str);
        let (Some(name), Some(version)) = (field("name"), field("version")) else {
            continue;
        };
        let deps = package.get("dependencies").and_then(toml::Value::as_array);
        let deps = deps.into_iter().flatten().filter_map(toml::Value::as_str);
        let entry = (version.to_owned(), deps.map(str::to_owned).collect());
        packages.entry(name.to_owned()).or_default().push(entry);
    }
    Ok(packages)
}

//! A `:dep` line of a cell.

use crate::KernelError;
use std::path::{Component, Path, PathBuf};

/// A dependency as a cell names it: `:dep NAME = SPEC`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dep {
    /// The name on the left of the `=`.
    pub name: String,
    /// The TOML value on its right; a path in it is absolute.
    pub spec: String,
}

impl Dep {
    /// Reads one `:dep` line. A relative path in it is taken from `folder`, the notebook's.
    ///
    /// # Errors
    /// [`KernelError::Dep`] if the line is not of one of evcxr's forms: `:dep name`, `:dep name = value` or
    /// `:dep ./path/to/crate`.
    ///
    /// # Examples
    /// ```
    /// use kernel::Dep;
    /// use std::path::Path;
    ///
    /// let dep = Dep::parse(r#":dep foundations = { path = "../../lib/foundations" }"#, Path::new("/book/notebooks/foundations"))?;
    /// assert_eq!(dep.name, "foundations");
    /// assert_eq!(dep.spec, r#"{ path = "/book/lib/foundations" }"#);
    /// # Ok::<(), kernel::KernelError>(())
    /// ```
    pub fn parse(line: &str, folder: &Path) -> Result<Dep, KernelError> {
        let fault = || KernelError::Dep {
            line: line.trim().to_owned(),
        };
        let rest = line.trim().strip_prefix(":dep").ok_or_else(fault)?;
        if !rest.starts_with(char::is_whitespace) {
            return Err(fault());
        }
        let rest = rest.trim();
        if rest.starts_with('.') || rest.starts_with('/') {
            let path = absolute(folder, rest);
            let name = path.file_name().ok_or_else(fault)?.to_string_lossy();
            return Ok(Dep {
                name: name.into_owned(),
                spec: format!("{{ path = {} }}", toml_string(&path.to_string_lossy())),
            });
        }
        let (name, spec) = match rest.split_once('=') {
            Some((name, spec)) => (name.trim(), spec.trim()),
            None => (rest, "\"*\""),
        };
        let is_name = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if !is_name || spec.is_empty() {
            return Err(fault());
        }
        Ok(Dep {
            name: name.to_owned(),
            spec: absolute_path_in(spec, folder),
        })
    }

    /// Every `:dep` line of `text`, in its order; each once.
    ///
    /// # Errors
    /// [`KernelError::Dep`] at the first that cannot be read.
    pub fn all(text: &str, folder: &Path) -> Result<Vec<Dep>, KernelError> {
        let mut deps = Vec::new();
        for line in text.lines().filter(|line| line.starts_with(":dep ")) {
            let dep = Dep::parse(line, folder)?;
            if !deps.contains(&dep) {
                deps.push(dep);
            }
        }
        Ok(deps)
    }

    /// The folder of a crate that is not taken from a registry.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let (_, after) = split_key(&self.spec, "path")?;
        let text = after.trim_start().strip_prefix('"')?;
        Some(PathBuf::from(&text[..text.find('"')?]))
    }

    /// The value under another name in the manifest, so that two chapters may name one crate differently.
    pub(crate) fn renamed(&self, alias: &str) -> String {
        let package = toml_string(&self.name);
        match self.spec.strip_prefix('{') {
            Some(table) if self.spec.contains("package") => format!("{alias} = {{{table}"),
            Some(table) => format!("{alias} = {{ package = {package}, {}", table.trim_start()),
            None => format!(
                "{alias} = {{ package = {package}, version = {} }}",
                self.spec
            ),
        }
    }
}

/// Replaces the relative path of an inline table by the absolute one, as evcxr does.
fn absolute_path_in(spec: &str, folder: &Path) -> String {
    let Some((before, after)) = split_key(spec, "path") else {
        return spec.to_owned();
    };
    let Some(open) = after.find('"') else {
        return spec.to_owned();
    };
    let Some(close) = after[open + 1..].find('"').map(|at| open + 1 + at) else {
        return spec.to_owned();
    };
    let path = absolute(folder, &after[open + 1..close]);
    let quoted = toml_string(&path.to_string_lossy());
    format!("{before}path = {quoted}{}", &after[close + 1..])
}

/// Splits an inline table around `key =`: what stands before the key, and what after its equals sign.
fn split_key<'a>(spec: &'a str, key: &str) -> Option<(&'a str, &'a str)> {
    let mut from = 0;
    while let Some(at) = spec[from..].find(key).map(|at| from + at) {
        let before = &spec[..at];
        let after = spec[at + key.len()..].trim_start();
        let starts = before.trim_end().ends_with(['{', ',']);
        if starts && let Some(value) = after.strip_prefix('=') {
            return Some((before, value));
        }
        from = at + key.len();
    }
    None
}

/// `path` from `folder`, with `.` and `..` resolved; links too where the path exists, as evcxr resolves them.
fn absolute(folder: &Path, path: &str) -> PathBuf {
    let joined = folder.join(path);
    let mut plain = PathBuf::new();
    for component in joined.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain.canonicalize().unwrap_or(plain)
}

/// `text` as a TOML string.
pub(crate) fn toml_string(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Dep {
        Dep::parse(line, Path::new("/no/such/notebooks/part")).unwrap()
    }

    #[test]
    fn the_forms_of_a_dep_line() {
        assert_eq!(parse(":dep ndarray = \"0.16\"").spec, "\"0.16\"");
        assert_eq!(parse(":dep ndarray").spec, "\"*\"");
        let dep = parse(":dep linfa = { version = \"0.8.1\", default-features = false }");
        assert_eq!(dep.name, "linfa");
        assert_eq!(
            dep.spec,
            "{ version = \"0.8.1\", default-features = false }"
        );
        let dep = parse(":dep a-b = {path=\"../../lib/a b\", features=[\"x\"]}");
        assert_eq!(dep.spec, "{path = \"/no/such/lib/a b\", features=[\"x\"]}");
        assert_eq!(
            parse(":dep ../x").spec,
            "{ path = \"/no/such/notebooks/x\" }"
        );
    }

    #[test]
    fn a_feature_called_path_is_not_a_path() {
        let line = ":dep m = { version = \"1\", features = [\"path\"] }";
        assert_eq!(
            parse(line).spec,
            "{ version = \"1\", features = [\"path\"] }"
        );
    }

    #[test]
    fn lines_that_are_no_dep_are_refused() {
        for line in [
            ":dep",
            ":depx",
            ":dep = \"1\"",
            ":dep a b = \"1\"",
            ":dep a =",
        ] {
            assert!(Dep::parse(line, Path::new("/")).is_err(), "{line}");
        }
    }

    #[test]
    fn a_dep_can_go_by_another_name() {
        assert_eq!(
            parse(":dep rand = \"0.8\"").renamed("d0"),
            "d0 = { package = \"rand\", version = \"0.8\" }"
        );
        assert_eq!(
            parse(":dep rand = { version = \"0.8\" }").renamed("d1"),
            "d1 = { package = \"rand\", version = \"0.8\" }"
        );
        assert_eq!(
            parse(":dep r = { package = \"rand\", version = \"0.8\" }").renamed("d2"),
            "d2 = { package = \"rand\", version = \"0.8\" }"
        );
    }

    #[test]
    fn all_the_deps_of_a_chapter_each_once() {
        let text =
            "# A\n```rust,setup\n:dep a = \"1\"\n:dep b = \"2\"\nuse a;\n```\n:dep a = \"1\"\n";
        let names: Vec<String> = Dep::all(text, Path::new("/"))
            .unwrap()
            .into_iter()
            .map(|dep| dep.name)
            .collect();
        assert_eq!(names, ["a", "b"]);
    }
}

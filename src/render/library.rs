//! The library crates as the page knows them: which module defines what, so that a cell can name the
//! modules it uses and link to their source.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::Parser;
use syn::visit::Visit;

use crate::chapter::Cell;
use crate::project::Project;

/// Crates that cells use to show things: naming them under every cell would say nothing.
const SILENT: [&str; 2] = ["display", "kernel"];

/// A module of a library crate.
#[derive(Debug, Clone, Default)]
pub struct Module {
    /// Its path, such as `foundations::linalg::qr`.
    pub path: String,
    /// Its file, relative to the project's root.
    pub file: PathBuf,
    /// The file's text; empty for a module inside a file.
    pub text: String,
    /// Whether it has a file of its own.
    pub own_file: bool,
    /// The line of each item.
    items: HashMap<String, usize>,
    /// Re-exports: the name given here (`*` for all), and the path it stands for.
    uses: Vec<(String, Vec<String>)>,
}

/// Where something is defined.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The path of the module whose file holds it.
    pub module: String,
    /// The line in that file; 1 for a module as a whole.
    pub line: usize,
    /// The item's name; empty for a module as a whole.
    pub item: String,
}

/// The modules of all library crates, by path.
#[derive(Debug, Clone, Default)]
pub struct Library {
    modules: BTreeMap<String, Module>,
    crates: BTreeSet<String>,
}

impl Library {
    /// The texts that [`Library::read`] depends on, by path: equal texts give an equal library.
    pub fn sources(project: &Project) -> BTreeMap<PathBuf, String> {
        let mut sources = BTreeMap::new();
        let mut open = vec![project.root.join("lib")];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let name = entry.file_name();
                let name = name.to_string_lossy();
                if path.is_dir() {
                    if !SILENT.contains(&name.as_ref()) && name != "target" {
                        open.push(path);
                    }
                } else if name.ends_with(".rs")
                    && let Ok(text) = std::fs::read_to_string(&path)
                {
                    sources.insert(path, text);
                }
            }
        }
        sources
    }

    /// Reads the crates below `lib/`. What cannot be read or parsed is left out: the compiler is the one
    /// to report it.
    pub fn read(project: &Project) -> Library {
        let mut library = Library::default();
        let Ok(folders) = std::fs::read_dir(project.root.join("lib")) else {
            return library;
        };
        for folder in folders.flatten() {
            let root = folder.path().join("src/lib.rs");
            let name = folder.file_name().to_string_lossy().replace('-', "_");
            if root.is_file() && !SILENT.contains(&name.as_str()) {
                library.crates.insert(name.clone());
                library.add_file(project, &name, &root, true);
            }
        }
        library
    }

    fn add_file(&mut self, project: &Project, path: &str, file: &Path, is_root: bool) {
        let Ok(text) = std::fs::read_to_string(file) else {
            return;
        };
        let Ok(parsed) = syn::parse_file(&text) else {
            return;
        };
        let shown = project.shown(file);
        // `mod x;` in a/b.rs means a/b/x.rs, in lib.rs and mod.rs it means a sibling
        let stem = file.file_stem().and_then(|s| s.to_str()).unwrap_or("");
        let folder = match file.parent() {
            Some(parent) if is_root || stem == "mod" => parent.to_path_buf(),
            Some(parent) => parent.join(stem),
            None => return,
        };
        self.add_items(project, path, &shown, &folder, &parsed.items);
        if let Some(module) = self.modules.get_mut(path) {
            module.text = text;
            module.own_file = true;
        }
    }

    fn add_items(
        &mut self,
        project: &Project,
        path: &str,
        shown: &Path,
        folder: &Path,
        items: &[syn::Item],
    ) {
        let mut module = Module {
            path: path.to_string(),
            file: shown.to_path_buf(),
            ..Module::default()
        };
        let mut children = Vec::new();
        for item in items {
            let ident = match item {
                syn::Item::Fn(i) => Some(&i.sig.ident),
                syn::Item::Struct(i) => Some(&i.ident),
                syn::Item::Enum(i) => Some(&i.ident),
                syn::Item::Trait(i) => Some(&i.ident),
                syn::Item::Type(i) => Some(&i.ident),
                syn::Item::Const(i) => Some(&i.ident),
                syn::Item::Static(i) => Some(&i.ident),
                syn::Item::Union(i) => Some(&i.ident),
                syn::Item::Use(i) if matches!(i.vis, syn::Visibility::Public(_)) => {
                    flatten(&i.tree, &mut Vec::new(), &mut module.uses);
                    None
                }
                syn::Item::Mod(i) => {
                    let is_test = i.attrs.iter().any(|a| a.path().is_ident("cfg"));
                    if !is_test {
                        children.push(i);
                    }
                    None
                }
                _ => None,
            };
            if let Some(ident) = ident {
                let line = ident.span().start().line;
                module.items.insert(ident.to_string(), line);
            }
        }
        self.modules.insert(path.to_string(), module);
        for child in children {
            let name = child.ident.to_string();
            let inner = format!("{path}::{name}");
            match &child.content {
                Some((_, items)) => {
                    self.add_items(project, &inner, shown, &folder.join(&name), items);
                }
                None => {
                    let file = folder.join(format!("{name}.rs"));
                    let file = if file.is_file() {
                        file
                    } else {
                        folder.join(&name).join("mod.rs")
                    };
                    self.add_file(project, &inner, &file, false);
                }
            }
        }
    }

    /// The modules that have a file, in order of their paths.
    pub fn modules(&self) -> impl Iterator<Item = &Module> {
        self.modules.values().filter(|m| m.own_file)
    }

    /// Whether a name is that of a library crate.
    pub fn is_crate(&self, name: &str) -> bool {
        self.crates.contains(name)
    }

    /// Whether a module stands at this path.
    pub fn has_module(&self, path: &str) -> bool {
        self.modules.contains_key(path)
    }

    /// Where the thing at a path is defined; as much of the path as can be followed.
    pub fn resolve(&self, path: &[String]) -> Option<Place> {
        let first = path.first()?;
        if !self.is_crate(first) {
            return None;
        }
        let (module, item) = self.follow(first.clone(), &path[1..], 0);
        let line = item
            .as_ref()
            .and_then(|i| self.modules.get(&module)?.items.get(i).copied())
            .unwrap_or(1);
        Some(Place {
            module: self.file_of(&module),
            line,
            item: item.unwrap_or_default(),
        })
    }

    /// The module whose page shows a module: itself, or the nearest one above with a file.
    fn file_of(&self, module: &str) -> String {
        let mut path = module;
        loop {
            if self.modules.get(path).is_some_and(|m| m.own_file) {
                return path.to_string();
            }
            match path.rsplit_once("::") {
                Some((above, _)) => path = above,
                None => return path.to_string(),
            }
        }
    }

    fn follow(&self, at: String, rest: &[String], depth: usize) -> (String, Option<String>) {
        let Some(next) = rest.first() else {
            return (at, None);
        };
        let Some(module) = self.modules.get(&at) else {
            return (at, None);
        };
        let child = format!("{at}::{next}");
        if self.modules.contains_key(&child) {
            return self.follow(child, &rest[1..], depth);
        }
        if module.items.contains_key(next) {
            return (at, Some(next.clone()));
        }
        if depth > 8 {
            return (at, None);
        }
        for (name, target) in &module.uses {
            let mut onward = target.clone();
            if name == "*" {
                onward.extend(rest.iter().cloned());
            } else if name == next {
                onward.extend(rest[1..].iter().cloned());
            } else {
                continue;
            }
            if let Some(start) = self.absolute(&at, &onward) {
                let (found, item) = self.follow(start.0, &onward[start.1..], depth + 1);
                if item.is_some() || name != "*" {
                    return (found, item);
                }
            }
        }
        (at, None)
    }

    /// The module where a path in a `use` of module `at` starts, and how many segments that takes.
    fn absolute(&self, at: &str, path: &[String]) -> Option<(String, usize)> {
        let root = at.split("::").next()?.to_string();
        match path.first()?.as_str() {
            "crate" => Some((root, 1)),
            "self" => Some((at.to_string(), 1)),
            "super" => Some((at.rsplit_once("::")?.0.to_string(), 1)),
            name if self.modules.contains_key(&format!("{at}::{name}")) => {
                Some((at.to_string(), 0))
            }
            name if self.is_crate(name) => Some((name.to_string(), 1)),
            _ => None,
        }
    }
}

/// The leaves of a `use` tree: the name given, and the full path.
fn flatten(tree: &syn::UseTree, before: &mut Vec<String>, found: &mut Vec<(String, Vec<String>)>) {
    match tree {
        syn::UseTree::Path(p) => {
            before.push(p.ident.to_string());
            flatten(&p.tree, before, found);
            before.pop();
        }
        syn::UseTree::Name(n) => {
            let name = n.ident.to_string();
            let mut path = before.clone();
            if name == "self" {
                let given = before.last().cloned().unwrap_or(name);
                found.push((given, path));
            } else {
                path.push(name.clone());
                found.push((name, path));
            }
        }
        syn::UseTree::Rename(r) => {
            let mut path = before.clone();
            if r.ident != "self" {
                path.push(r.ident.to_string());
            }
            found.push((r.rename.to_string(), path));
        }
        syn::UseTree::Glob(_) => found.push(("*".to_string(), before.clone())),
        syn::UseTree::Group(g) => {
            for tree in &g.items {
                flatten(tree, before, found);
            }
        }
    }
}

/// Follows a chapter's cells in order, and tells for each which modules it uses: through names that the
/// chapter has imported, through full paths, and through variables whose type comes from a module.
pub struct Uses<'a> {
    library: &'a Library,
    /// Imported names.
    names: HashMap<String, Place>,
    /// Variables, by the places of the names in their types.
    variables: HashMap<String, Vec<Place>>,
}

impl<'a> Uses<'a> {
    /// Nothing imported yet.
    pub fn new(library: &'a Library) -> Self {
        Uses {
            library,
            names: HashMap::new(),
            variables: HashMap::new(),
        }
    }

    /// The places that a cell uses, without repeats, in the order of their paths.
    pub fn of(&mut self, cell: &Cell) -> Vec<Place> {
        let code = cell.rust();
        let Ok(tokens) = code.parse::<TokenStream>() else {
            return Vec::new();
        };
        let mut found = BTreeSet::new();
        if let Ok(statements) = syn::Block::parse_within.parse2(tokens.clone()) {
            for statement in &statements {
                if let syn::Stmt::Item(syn::Item::Use(item)) = statement {
                    let mut leaves = Vec::new();
                    flatten(&item.tree, &mut Vec::new(), &mut leaves);
                    for (name, path) in leaves {
                        self.import(name, path, &mut found);
                    }
                }
            }
            for statement in &statements {
                if let syn::Stmt::Local(local) = statement
                    && let syn::Pat::Type(typed) = &local.pat
                    && let syn::Pat::Ident(ident) = &*typed.pat
                {
                    let mut names = TypeNames(Vec::new());
                    names.visit_type(&typed.ty);
                    let places: Vec<Place> = names
                        .0
                        .iter()
                        .filter_map(|n| self.names.get(n).cloned())
                        .collect();
                    self.variables.insert(ident.ident.to_string(), places);
                }
            }
        }
        self.scan(tokens, &mut found);
        found.into_iter().collect()
    }

    fn import(&mut self, name: String, path: Vec<String>, found: &mut BTreeSet<Place>) {
        let Some(place) = self.library.resolve(&path) else {
            return;
        };
        found.insert(place.clone());
        if name != "*" {
            self.names.insert(name, place);
        }
    }

    fn scan(&self, tokens: TokenStream, found: &mut BTreeSet<Place>) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut i = 0;
        while i < tokens.len() {
            match &tokens[i] {
                TokenTree::Group(group) => self.scan(group.stream(), found),
                TokenTree::Ident(ident) => {
                    let mut path = vec![ident.to_string()];
                    while let (
                        Some(TokenTree::Punct(a)),
                        Some(TokenTree::Punct(b)),
                        Some(TokenTree::Ident(next)),
                    ) = (tokens.get(i + 1), tokens.get(i + 2), tokens.get(i + 3))
                        && a.as_char() == ':'
                        && b.as_char() == ':'
                    {
                        path.push(next.to_string());
                        i += 3;
                    }
                    let after_dot = i >= 1
                        && path.len() == 1
                        && matches!(&tokens[i - 1], TokenTree::Punct(p) if p.as_char() == '.');
                    if !after_dot {
                        self.add(&path, found);
                    }
                }
                _ => {}
            }
            i += 1;
        }
    }

    fn add(&self, path: &[String], found: &mut BTreeSet<Place>) {
        let first = &path[0];
        if let Some(place) = self.names.get(first) {
            // an imported module: the rest of the path leads on from it
            if place.item.is_empty() && path.len() > 1 {
                let mut full: Vec<String> = place.module.split("::").map(str::to_string).collect();
                full.extend(path[1..].iter().cloned());
                found.extend(self.library.resolve(&full));
            } else {
                found.insert(place.clone());
            }
        } else if self.library.is_crate(first) && path.len() > 1 {
            found.extend(self.library.resolve(path));
        } else if let Some(places) = self.variables.get(first) {
            found.extend(places.iter().cloned());
        }
    }
}

struct TypeNames(Vec<String>);

impl<'ast> Visit<'ast> for TypeNames {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if let Some(first) = path.segments.first() {
            self.0.push(first.ident.to_string());
        }
        syn::visit::visit_path(self, path);
    }
}

/// The address of a module's source page, from the site's root.
pub fn page_of(module: &str) -> String {
    format!("source/{}.html", module.replace("::", "/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chapter::Chapter;

    fn library() -> (tempfile::TempDir, Library) {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "lib/foundations/src/lib.rs",
            "pub mod linalg;\npub mod metrics;\n",
        );
        write(
            "lib/foundations/src/linalg.rs",
            "mod qr;\nmod norms;\npub use qr::Qr;\npub use norms::*;\npub mod inner {\n pub fn deep() {}\n}\n",
        );
        write("lib/foundations/src/linalg/qr.rs", "\n\npub struct Qr;\n");
        write("lib/foundations/src/linalg/norms.rs", "pub fn norm() {}\n");
        write(
            "lib/foundations/src/metrics.rs",
            "//! m\npub fn rmse() {}\n",
        );
        write("lib/display/src/lib.rs", "pub struct Plot;\n");
        let project = Project {
            root: dir.path().to_path_buf(),
        };
        let library = Library::read(&project);
        (dir, library)
    }

    fn place(library: &Library, path: &str) -> (String, usize, String) {
        let path: Vec<String> = path.split("::").map(str::to_string).collect();
        let p = library.resolve(&path).unwrap();
        (p.module, p.line, p.item)
    }

    #[test]
    fn items_are_found_through_re_exports() {
        let (_dir, library) = library();
        for (path, module, line, item) in [
            (
                "foundations::linalg::Qr",
                "foundations::linalg::qr",
                3,
                "Qr",
            ),
            (
                "foundations::linalg::norm",
                "foundations::linalg::norms",
                1,
                "norm",
            ),
            (
                "foundations::linalg::inner::deep",
                "foundations::linalg",
                1,
                "deep",
            ),
            (
                "foundations::metrics::rmse",
                "foundations::metrics",
                2,
                "rmse",
            ),
            ("foundations::linalg", "foundations::linalg", 1, ""),
            ("foundations::linalg::nothing", "foundations::linalg", 1, ""),
        ] {
            let (m, l, i) = place(&library, path);
            assert_eq!((m.as_str(), i.as_str()), (module, item), "{path}");
            assert!(l == line || path.contains("deep"), "{path}: {l}");
        }
        assert!(library.resolve(&["std".into(), "fs".into()]).is_none());
        assert!(
            library
                .resolve(&["display".into(), "Plot".into()])
                .is_none()
        );
    }

    #[test]
    fn cells_name_what_they_use() {
        let (_dir, library) = library();
        let text = "```rust,setup\n:dep foundations = { path = \"x\" }\nuse foundations::linalg::{self, Qr as Q};\n```\n\
                    ```rust\nlet q: Q = Q::new();\nlet n: f64 = linalg::norm();\n```\n\
                    ```rust\nlet r: f64 = foundations::metrics::rmse();\n```\n\
                    ```rust\nq.solve(x.norm)\n```\n\
                    ```rust\nlet a: f64 = 1.0;\n```\n";
        let chapter = Chapter::parse("a.md", text.to_string()).unwrap();
        let mut uses = Uses::new(&library);
        let modules: Vec<Vec<String>> = chapter
            .cells
            .iter()
            .map(|c| {
                uses.of(c)
                    .into_iter()
                    .map(|p| format!("{}#{}", p.module, p.item))
                    .collect()
            })
            .collect();
        assert_eq!(
            modules[0],
            ["foundations::linalg#", "foundations::linalg::qr#Qr"]
        );
        assert_eq!(
            modules[1],
            [
                "foundations::linalg::norms#norm",
                "foundations::linalg::qr#Qr"
            ]
        );
        assert_eq!(modules[2], ["foundations::metrics#rmse"]);
        assert_eq!(modules[3], ["foundations::linalg::qr#Qr"]);
        assert!(modules[4].is_empty());
    }
}

//! Contracts: which test of a library crate stands behind which named result of a chapter.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::visit::Visit;

use crate::error::{Fault, read_text};
use crate::project::Project;

/// A test that compares a result of a notebook with what the module computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// The test file, relative to the project.
    pub file: PathBuf,
    /// The test function.
    pub test: String,
}

impl std::fmt::Display for Contract {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}::{}", self.file.display(), self.test)
    }
}

/// All contracts: by chapter (`foundations/linear-regression`), then by result.
pub type Contracts = BTreeMap<String, BTreeMap<String, Contract>>;

/// Reads the test files `lib/*/tests/*.rs`. A file that opens a chapter's notebook
/// (`Notebook::open("PART/SLUG")`) binds each `.assert("result", …)` in its `#[test]` functions.
///
/// # Errors
/// A fault for a file that is not Rust.
pub fn all(project: &Project) -> Result<Contracts, Fault> {
    let mut contracts = Contracts::new();
    for file in test_files(&project.root) {
        let text = read_text(&project.root, &file)?;
        if !text.contains("Notebook::open") {
            continue;
        }
        let shown = project.shown(&file);
        let parsed = syn::parse_file(&text)
            .map_err(|e| Fault::at(&shown, e.span().start().line, format!("not Rust: {e}")))?;
        let mut found = Finder::default();
        found.visit_file(&parsed);
        for chapter in &found.opened {
            let of_chapter = contracts.entry(chapter.clone()).or_default();
            for (result, test) in &found.asserted {
                of_chapter
                    .entry(result.clone())
                    .or_insert_with(|| Contract {
                        file: shown.clone(),
                        test: test.clone(),
                    });
            }
        }
    }
    Ok(contracts)
}

fn test_files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root.join("lib"))
        .into_iter()
        .flatten()
        .flatten()
    {
        for test in std::fs::read_dir(entry.path().join("tests"))
            .into_iter()
            .flatten()
            .flatten()
        {
            if test.path().extension().is_some_and(|e| e == "rs") {
                files.push(test.path());
            }
        }
    }
    files.sort();
    files
}

/// Collects `Notebook::open("…")` anywhere and `.assert("…", …)` within tests.
#[derive(Default)]
struct Finder {
    test: Option<String>,
    opened: Vec<String>,
    asserted: Vec<(String, String)>,
}

fn text_of(expr: &syn::Expr) -> Option<String> {
    match expr {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(s),
            ..
        }) => Some(s.value()),
        _ => None,
    }
}

impl<'a> Visit<'a> for Finder {
    fn visit_item_fn(&mut self, f: &'a syn::ItemFn) {
        let outer = self.test.take();
        let is = |name: &str| f.attrs.iter().any(|a| a.path().is_ident(name));
        // a test that is passed over proves nothing
        if is("test") && !is("ignore") {
            self.test = Some(f.sig.ident.to_string());
        }
        syn::visit::visit_item_fn(self, f);
        self.test = outer;
    }

    fn visit_expr_call(&mut self, call: &'a syn::ExprCall) {
        if let syn::Expr::Path(path) = &*call.func {
            let names: Vec<String> = path
                .path
                .segments
                .iter()
                .map(|s| s.ident.to_string())
                .collect();
            if names.ends_with(&["Notebook".to_string(), "open".to_string()])
                && let Some(chapter) = call.args.first().and_then(text_of)
            {
                self.opened.push(chapter);
            }
        }
        syn::visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'a syn::ExprMethodCall) {
        if let (true, Some(test), Some(result)) = (
            call.method == "assert",
            &self.test,
            call.args.first().and_then(text_of),
        ) {
            self.asserted.push((result, test.clone()));
        }
        syn::visit::visit_expr_method_call(self, call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assert_counts_in_a_test_alone() {
        let dir = tempfile::tempdir().unwrap();
        let tests = dir.path().join("lib/a/tests");
        std::fs::create_dir_all(&tests).unwrap();
        let text = "fn nb() { Notebook::open(\"p/a\").unwrap(); }\n#[test]\nfn one() { nb().assert(\"x.y\", 1.0); }\nfn helper() { nb().assert(\"x.z\", 1.0); }\n#[test]\n#[ignore]\nfn off() { nb().assert(\"x.w\", 1.0); }\n";
        std::fs::write(tests.join("t.rs"), text).unwrap();
        let contracts = all(&Project {
            root: dir.path().to_path_buf(),
        })
        .unwrap();
        let found = &contracts["p/a"];
        assert_eq!(found["x.y"].to_string(), "lib/a/tests/t.rs::one");
        assert!(!found.contains_key("x.z") && !found.contains_key("x.w"));
        std::fs::write(tests.join("t.rs"), "// Notebook::open\nfn (").unwrap();
        let fault = all(&Project {
            root: dir.path().to_path_buf(),
        })
        .unwrap_err();
        assert_eq!(fault.line, Some(2));
    }
}

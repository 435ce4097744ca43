//! Cells: every fence runs, names are unique, and what a cell leaves behind can be kept by the kernel.

use std::collections::BTreeMap;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};
use syn::spanned::Spanned;
use syn::{Expr, GenericArgument, Local, Pat, PathArguments, Stmt, Type};

use crate::chapter::{Cell, Chapter, Expect, Lines, markdown_options};
use crate::error::Fault;
use crate::project::Project;
use crate::snippets::code::{self, Code};
use crate::snippets::library;

/// Checks the cells of a chapter.
pub fn check(project: &Project, chapter: &Chapter) -> Vec<Fault> {
    let mut faults = never_run(chapter);
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for cell in &chapter.cells {
        if let Some(name) = &cell.name
            && let Some(first) = names.insert(name, cell.line - 1)
        {
            faults.push(chapter.fault(
                cell.line - 1,
                format!("a second cell named `{name}`; the first is in line {first}"),
            ));
        }
        if cell.code.trim().is_empty() {
            faults.push(chapter.fault(cell.line - 1, format!("{} is empty", cell.label())));
        }
        match code::parse(chapter, cell) {
            Ok(code) if cell.expect != Expect::CompileError => {
                faults.extend(kept(chapter, cell, &code));
            }
            Err(fault) if cell.expect != Expect::CompileError => faults.push(fault),
            _ => {}
        }
    }
    match library::dependencies(chapter) {
        Ok(dependencies) => {
            for dependency in dependencies {
                if let Some(folder) = dependency.folder(project, chapter)
                    && !folder.join("Cargo.toml").is_file()
                {
                    faults.push(library::missing_path(
                        project,
                        chapter,
                        &dependency,
                        &folder,
                    ));
                }
            }
        }
        Err(found) => faults.extend(found),
    }
    faults
}

/// Code that looks as if it ran, and does not.
fn never_run(chapter: &Chapter) -> Vec<Fault> {
    let lines = Lines::of(&chapter.text);
    let mut faults = Vec::new();
    let mut html = 0..0;
    let parser = Parser::new_ext(&chapter.text[chapter.body..], markdown_options());
    for (event, range) in parser.into_offset_iter() {
        let range = range.start + chapter.body..range.end + chapter.body;
        let at = lines.at(range.start);
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => faults.push(chapter.fault(
                at,
                "an indented block never runs: fence it, with ```rust, or with ```text if it is no Rust",
            )),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let language = info.split([',', ' ']).next().unwrap_or("").trim();
                if language.is_empty() {
                    faults.push(chapter.fault(
                        at,
                        "a fence without a language never runs: write ```rust, or ```text if it is no Rust",
                    ));
                } else if language != "rust" && ["rust", "rs", "{rust}", "evcxr"].contains(&language.to_lowercase().as_str()) {
                    faults.push(chapter.fault(at, format!("a fence with `{language}` never runs: write ```rust")));
                }
            }
            Event::Start(Tag::HtmlBlock) => html = range,
            Event::Html(text) => {
                let inside = html.contains(&range.start);
                for (i, line) in text.lines().enumerate() {
                    let line = line.trim_start();
                    let code = line.contains("class=\"language-rust") || line.contains("class='language-rust");
                    if (inside && line.starts_with("```")) || code {
                        faults.push(chapter.fault(
                            at + i,
                            "code inside HTML never runs: leave an empty line between the tag and the fence",
                        ));
                        if line.starts_with("```") {
                            // its closing fence is no second fault
                            html = 0..0;
                        }
                    }
                }
            }
            _ => {}
        }
    }
    faults
}

/// Variables that a cell would leave at top level and the kernel cannot keep.
fn kept(chapter: &Chapter, cell: &Cell, code: &Code) -> Vec<Fault> {
    let mut faults = Vec::new();
    for statement in &code.statements {
        let Stmt::Local(local) = statement else {
            continue;
        };
        if let Some((what, rewrite)) = unkept(local, code) {
            let line = cell.line + local.span().start().line - 1;
            let name = name_of(&local.pat);
            faults.push(
                chapter
                    .fault(
                        line,
                        format!(
                            "`{name}` is {what}, which the kernel cannot keep from cell to cell"
                        ),
                    )
                    .with_detail(rewrite),
            );
        }
    }
    faults
}

/// What a `let` keeps that it must not, and how to write it instead.
fn unkept(local: &Local, code: &Code) -> Option<(&'static str, String)> {
    let name = name_of(&local.pat);
    let block = |text: &str| {
        format!(
            "put the lines that need it into a block: {{ {} … }}",
            text.trim()
        )
    };
    let whole = &code.text[local.span().byte_range()];
    let whole = whole.split_once('\n').map_or(whole, |(first, _)| first);
    if let Pat::Ident(ident) = &local.pat
        && ident.by_ref.is_some()
    {
        return Some(("a borrow", block(whole)));
    }
    let init = local.init.as_ref().map(|init| &*init.expr);
    if let Pat::Type(typed) = &local.pat {
        return match borrowed(&typed.ty)? {
            // literals live for ever, whatever the type says
            Kept::Str if init.is_some_and(borrows) => Some((
                "a borrowed `&str`",
                format!(
                    "keep `let {name}: String = ….to_string();`, or {}",
                    block(whole)
                ),
            )),
            Kept::Str => None,
            Kept::Borrow => Some((
                "a borrow",
                match init {
                    Some(Expr::Reference(r)) => format!(
                        "use `{inner}` itself where `{name}` stands, keep `{inner}.clone()`, or {}",
                        block(whole),
                        inner = text(code, &*r.expr)
                    ),
                    _ => format!(
                        "keep an owned value (`.to_owned()`, `.to_vec()`, `.clone()`), or {}",
                        block(whole)
                    ),
                },
            )),
            Kept::Opaque => Some(("of a type without a name", block(whole))),
        };
    }
    match init? {
        Expr::Reference(r) if !is_static(&r.expr) => {
            let inner = text(code, &*r.expr);
            Some((
                "a borrow",
                format!(
                    "use `{inner}` itself where `{name}` stands, keep `{inner}.clone()`, or {}",
                    block(whole)
                ),
            ))
        }
        Expr::Closure(closure) => {
            let parameters: Vec<String> = closure
                .inputs
                .iter()
                .map(|p| match p {
                    Pat::Type(_) => text(code, p),
                    _ => format!("{}: …", text(code, p)),
                })
                .collect();
            let body = text(code, &*closure.body);
            let body = body
                .split_once('\n')
                .map_or(body.as_str(), |(first, _)| first)
                .to_string();
            Some((
                "a closure",
                format!(
                    "write a function: `fn {name}({}) -> … {{ {body} }}`, or {}",
                    parameters.join(", "),
                    block(whole)
                ),
            ))
        }
        Expr::MethodCall(call) => {
            let method = call.method.to_string();
            if LAZY.contains(&method.as_str()) {
                Some((
                    "an iterator that borrows",
                    format!(
                        "collect it, `let {name}: Vec<_> = ….{method}(…).collect();` with its type written out, or {}",
                        block(whole)
                    ),
                ))
            } else if VIEWS.contains(&method.as_str()) {
                Some((
                    "a view into another value",
                    format!(
                        "keep a copy, `….{method}(…).to_owned()`, or {}",
                        block(whole)
                    ),
                ))
            } else {
                None
            }
        }
        _ => None,
    }
}

/// Methods that give an iterator or an adaptor of one.
const LAZY: &[&str] = &[
    "iter",
    "iter_mut",
    "into_iter",
    "map",
    "filter",
    "filter_map",
    "flat_map",
    "zip",
    "enumerate",
    "rev",
    "take_while",
    "skip_while",
    "chain",
    "windows",
    "chunks",
    "chunks_exact",
    "lines",
    "chars",
    "char_indices",
    "bytes",
    "split_whitespace",
    "keys",
    "values",
    "outer_iter",
    "axis_iter",
    "indexed_iter",
    "cloned",
    "copied",
    "peekable",
];

/// Methods that give a view or a borrow.
const VIEWS: &[&str] = &[
    "view",
    "view_mut",
    "slice",
    "slice_mut",
    "t",
    "row",
    "column",
    "as_slice",
    "as_str",
    "as_ref",
    "as_bytes",
    "borrow",
    "borrow_mut",
    "lock",
    "diag",
];

enum Kept {
    Str,
    Borrow,
    Opaque,
}

/// Whether a written type borrows.
fn borrowed(ty: &Type) -> Option<Kept> {
    match ty {
        Type::Reference(r) if r.lifetime.as_ref().is_some_and(|l| l.ident == "static") => None,
        Type::Reference(r) => match &*r.elem {
            Type::Path(p) if p.path.is_ident("str") => Some(Kept::Str),
            _ => Some(Kept::Borrow),
        },
        Type::ImplTrait(_) | Type::Infer(_) if matches!(ty, Type::ImplTrait(_)) => {
            Some(Kept::Opaque)
        }
        Type::Paren(p) => borrowed(&p.elem),
        Type::Group(g) => borrowed(&g.elem),
        Type::Array(a) => borrowed(&a.elem),
        Type::Tuple(t) => t.elems.iter().find_map(borrowed),
        Type::Path(p) => {
            let last = p.path.segments.last()?;
            let view = [
                "ArrayView",
                "Ref",
                "RefMut",
                "MutexGuard",
                "Iter",
                "IterMut",
            ];
            let name = last.ident.to_string();
            if name.starts_with("ArrayView") || view.contains(&name.as_str()) {
                return Some(Kept::Borrow);
            }
            let PathArguments::AngleBracketed(arguments) = &last.arguments else {
                return None;
            };
            arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::Lifetime(l) if l.ident != "static" => Some(Kept::Borrow),
                GenericArgument::Type(ty) => borrowed(ty),
                _ => None,
            })
        }
        _ => None,
    }
}

/// Whether an expression borrows from a variable, as far as its form shows.
fn borrows(expr: &Expr) -> bool {
    match expr {
        Expr::Reference(r) => !is_static(&r.expr),
        Expr::Array(array) => array.elems.iter().any(borrows),
        Expr::Tuple(tuple) => tuple.elems.iter().any(borrows),
        Expr::Paren(paren) => borrows(&paren.expr),
        Expr::Try(tried) => borrows(&tried.expr),
        Expr::MethodCall(call) => {
            let method = call.method.to_string();
            let parts = [
                "trim",
                "trim_start",
                "trim_end",
                "strip_prefix",
                "strip_suffix",
                "get",
                "first",
                "last",
            ];
            let whole = ["unwrap", "expect", "unwrap_or", "unwrap_or_default"];
            VIEWS.contains(&method.as_str())
                || parts.contains(&method.as_str())
                || whole.contains(&method.as_str()) && borrows(&call.receiver)
        }
        _ => false,
    }
}

/// Whether a borrow of this lives for ever: a literal, or an array of literals.
fn is_static(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(_) => true,
        Expr::Array(array) => array.elems.iter().all(is_static),
        Expr::Unary(unary) => is_static(&unary.expr),
        _ => false,
    }
}

fn name_of(pat: &Pat) -> String {
    match pat {
        Pat::Ident(ident) => ident.ident.to_string(),
        Pat::Type(typed) => name_of(&typed.pat),
        _ => "this".into(),
    }
}

fn text(code: &Code, node: &impl Spanned) -> String {
    let range = node.span().byte_range();
    code.text.get(range).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: &str) -> Vec<Fault> {
        let chapter = Chapter::parse("a.md", format!("```rust\n{code}\n```\n")).unwrap();
        let cell = &chapter.cells[0];
        kept(&chapter, cell, &code::parse(&chapter, cell).unwrap())
    }

    #[test]
    fn what_the_kernel_cannot_keep_is_named_with_its_rewrite() {
        for (code, what, rewrite) in [
            ("let x = &y;", "a borrow", "keep `y.clone()`"),
            ("let x: &Vec<f64> = &y;", "a borrow", "keep `y.clone()`"),
            ("let x: &str = &name;", "a borrowed `&str`", "String"),
            ("let x: &str = line.trim();", "a borrowed `&str`", "String"),
            (
                "let x: [(&str, f64); 1] = [(name.as_str(), 1.0)];",
                "a borrowed `&str`",
                "block",
            ),
            (
                "let f = |a: f64| a + 1.0;",
                "a closure",
                "fn f(a: f64) -> … { a + 1.0 }",
            ),
            (
                "let f = move |a, b| {\n a\n};",
                "a closure",
                "fn f(a: …, b: …)",
            ),
            (
                "let it = v.iter().map(|x| x + 1);",
                "an iterator",
                "collect",
            ),
            ("let v = m.row(0);", "a view", "to_owned"),
            ("let v: ArrayView1<f64> = m.row(0);", "a borrow", "to_owned"),
            ("let c: Cow<'_, str> = f();", "a borrow", "owned"),
            ("let p: (i64, &i64) = (1, &q);", "a borrow", "owned"),
            ("let o: Option<&i64> = v.get(0);", "a borrow", "owned"),
            ("let ref r = y;", "a borrow", "block"),
            ("let i: impl Fn() = f();", "without a name", "block"),
        ] {
            let faults = found(code);
            assert_eq!(faults.len(), 1, "{code}");
            assert!(faults[0].message.contains(what), "{code}: {}", faults[0]);
            let detail = faults[0].detail.as_deref().unwrap();
            assert!(detail.contains(rewrite), "{code}: {detail}");
        }
        assert_eq!(found("let a: i64 = 1;\nlet b =\n  &a;")[0].line, Some(3));
    }

    #[test]
    fn what_it_can_keep_is_left_alone() {
        for code in [
            "let x: Vec<f64> = y.iter().map(|v| v + 1.0).collect();",
            "let x = y.iter().sum::<f64>();",
            "let s: &'static str = \"a\";",
            "let s: &str = \"a\";",
            "let names: [(&str, f64); 2] = [(\"a\", fit.coef()[0]), (\"b\", 2.0)];",
            "let s = &[1.0, -2.0];",
            "let t: Table = Table::new(h).row(r);",
            "let b: Box<dyn Fn(f64) -> f64> = Box::new(|x| x);",
            "{ let x = &y; let f = |a| a; }",
            "fn f() { let x = &y; }",
            "let (a, b): (f64, f64) = (1.0, 2.0);",
            "let a: [f64; 2] = [1.0, 2.0];",
        ] {
            assert_eq!(found(code), [], "{code}");
        }
    }

    #[test]
    fn code_that_never_runs_is_found() {
        let text = "# A\n\n    let a = 1;\n\nx\n\n```\nlet a = 1;\n```\n\n```rs\nx\n```\n\n```text\nx\n```\n\n<details>\n```rust\nx\n```\n</details>\n\n<pre><code class=\"language-rust\">x</code></pre>\n";
        let chapter = Chapter::parse("a.md", text.into()).unwrap();
        let lines: Vec<_> = never_run(&chapter).iter().filter_map(|f| f.line).collect();
        assert_eq!(lines, [3, 7, 11, 20, 25]);
    }
}

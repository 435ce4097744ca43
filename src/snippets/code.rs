//! A cell's Rust, understood as statements.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, Literal, TokenStream, TokenTree};
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Block, Lit, Pat, Stmt};

use crate::chapter::{Cell, Chapter};
use crate::error::Fault;

/// A cell that parses: its text without kernel lines, and its statements.
#[derive(Debug, Clone)]
pub struct Code {
    /// The text, with the line count of the cell; lines that speak to the kernel are empty.
    pub text: String,
    /// The statements; the last may be an expression without a semicolon.
    pub statements: Vec<Stmt>,
}

/// Parses a cell as the statements of a block.
///
/// # Errors
/// A [`Fault`] at the chapter's line of the first token that does not parse.
pub fn parse(chapter: &Chapter, cell: &Cell) -> Result<Code, Fault> {
    let text = cell.rust();
    match Block::parse_within.parse_str(&text) {
        Ok(statements) => Ok(Code { text, statements }),
        Err(e) => {
            let last = text.lines().count().max(1);
            let line = match e.span().start().line {
                0 => last,
                line => line.min(last),
            };
            Err(chapter.fault(
                cell.line + line - 1,
                format!("{} is not Rust: {e}", cell.label()),
            ))
        }
    }
}

impl Code {
    /// The trailing expression: the last statement, where it ends without a semicolon.
    pub fn trailing(&self) -> Option<&Stmt> {
        self.statements.last().filter(|s| match s {
            Stmt::Expr(_, semi) => semi.is_none(),
            Stmt::Macro(m) => m.semi_token.is_none(),
            _ => false,
        })
    }

    /// The text with its trailing expression bound to `_`, and `tail` behind the last statement, on the
    /// same line: so the lines stay those of the chapter.
    pub fn bound(&self, tail: &str) -> String {
        let Some(last) = self.statements.last() else {
            return format!("{}\n{tail}", self.text.trim_end());
        };
        let range = last.span().byte_range();
        let end = range.end.min(self.text.len());
        let mut out = String::with_capacity(self.text.len() + tail.len() + 16);
        if self.trailing().is_some() {
            out.push_str(&self.text[..range.start]);
            out.push_str("let _ = ");
            out.push_str(&self.text[range.start..end]);
            out.push(';');
        } else {
            out.push_str(&self.text[..end]);
        }
        out.push_str(tail);
        out.push_str(&self.text[end..]);
        out
    }

    /// What later cells need of this one, on one line: its items and variables. Statements that leave
    /// nothing behind (what is shown, printed, asserted) are left out, since the cell's own snippet runs
    /// them. They stay where they may change a variable (`mutable` holds the names declared `mut` so far)
    /// or tell the type of one that is not annotated.
    pub fn state(&self, mutable: &mut BTreeSet<String>) -> String {
        let locals = self.statements.iter().filter_map(|s| match s {
            Stmt::Local(local) => Some(local),
            _ => None,
        });
        let mut annotated = true;
        for local in locals {
            annotated &= matches!(local.pat, Pat::Type(_));
            let mut names = MutableNames(mutable);
            names.visit_pat(&local.pat);
        }
        let kept: String = self
            .statements
            .iter()
            .filter(|s| match s {
                Stmt::Local(_) | Stmt::Item(_) => true,
                _ => !annotated || mentions(self.text_of(s), mutable),
            })
            .map(|s| {
                let text = self.text_of(s);
                match self.trailing() {
                    Some(last) if std::ptr::eq(last, s) => format!("let _ = {text};\n"),
                    _ => format!("{text}\n"),
                }
            })
            .collect();
        one_line(&kept)
    }

    /// The text of one statement.
    pub fn text_of(&self, statement: &Stmt) -> &str {
        let range = statement.span().byte_range();
        &self.text[range.start.min(self.text.len())..range.end.min(self.text.len())]
    }
}

/// Writes Rust on one line: comments go, line breaks inside literals become escapes.
pub fn one_line(text: &str) -> String {
    match text.parse::<TokenStream>() {
        Ok(tokens) => flatten(tokens).to_string(),
        Err(_) => text.replace('\n', " "),
    }
}

/// Collects the names that a pattern declares `mut`, and those of types that change behind a shared
/// reference.
struct MutableNames<'a>(&'a mut BTreeSet<String>);

impl Visit<'_> for MutableNames<'_> {
    fn visit_pat_ident(&mut self, ident: &syn::PatIdent) {
        if ident.mutability.is_some() {
            self.0.insert(ident.ident.to_string());
        }
    }

    fn visit_pat_type(&mut self, typed: &syn::PatType) {
        syn::visit::visit_pat(self, &typed.pat);
        let mut shared = SharedChange(false);
        shared.visit_type(&typed.ty);
        if let (true, Pat::Ident(ident)) = (shared.0, &*typed.pat) {
            self.0.insert(ident.ident.to_string());
        }
    }
}

/// Whether a type names a cell, a lock or an atomic.
struct SharedChange(bool);

impl Visit<'_> for SharedChange {
    fn visit_ident(&mut self, ident: &proc_macro2::Ident) {
        let name = ident.to_string();
        self.0 |= name.ends_with("Cell") || name.starts_with("Atomic");
        self.0 |= ["Mutex", "RwLock", "Once", "OnceLock", "Sender"].contains(&name.as_str());
    }
}

/// Whether a piece of Rust speaks of one of these names.
fn mentions(text: &str, names: &BTreeSet<String>) -> bool {
    fn any(tokens: TokenStream, names: &BTreeSet<String>) -> bool {
        tokens.into_iter().any(|tree| match tree {
            TokenTree::Group(group) => any(group.stream(), names),
            TokenTree::Ident(ident) => names.contains(&ident.to_string()),
            _ => false,
        })
    }
    text.parse::<TokenStream>().is_ok_and(|t| any(t, names))
}

fn flatten(tokens: TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .map(|tree| match tree {
            TokenTree::Group(group) => {
                let delimiter: Delimiter = group.delimiter();
                TokenTree::Group(Group::new(delimiter, flatten(group.stream())))
            }
            TokenTree::Literal(literal) if literal.to_string().contains('\n') => {
                TokenTree::Literal(match Lit::new(literal.clone()) {
                    Lit::Str(s) => Literal::string(&s.value()),
                    Lit::ByteStr(s) => Literal::byte_string(&s.value()),
                    Lit::CStr(s) => Literal::c_string(&s.value()),
                    _ => literal,
                })
            }
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Code {
        let chapter =
            Chapter::parse("a.md", format!("# A\n\n```rust,setup\n{text}\n```\n")).unwrap();
        parse(&chapter, &chapter.cells[0]).unwrap()
    }

    #[test]
    fn a_trailing_expression_is_bound_and_lines_stay() {
        let code = code(":dep x = \"1\"\nlet a: i32 = 1; // é\nplot(a)\n    .draw()? // shown");
        assert_eq!(
            code.bound(" Ok(()) }"),
            "\nlet a: i32 = 1; // é\nlet _ = plot(a)\n    .draw()?; Ok(()) } // shown"
        );
        assert!(code.trailing().is_some());
    }

    #[test]
    fn a_last_statement_is_left_alone() {
        let code = code("fn f() {}\nf(); // done");
        assert!(code.trailing().is_none());
        assert_eq!(code.bound(" }"), "fn f() {}\nf(); } // done");
        let macros = self::code("println!(\"a\")");
        assert_eq!(macros.bound(""), "let _ = println!(\"a\");");
    }

    #[test]
    fn a_cell_of_comments_gets_its_tail_on_a_line_of_its_own() {
        assert_eq!(code("// nothing").bound("}"), "// nothing\n}");
    }

    #[test]
    fn one_line_keeps_line_breaks_of_literals() {
        let line = one_line("let s: &str = \"a\nb\"; // c\nlet t = r#\"x\ny\"#;\nf(s)");
        assert!(!line.contains('\n'));
        assert!(
            line.contains("\"a\\nb\"") && line.contains("\"x\\ny\""),
            "{line}"
        );
    }

    #[test]
    fn the_state_of_a_cell_is_what_it_leaves_behind() {
        let mut mutable = BTreeSet::new();
        let mut state = |text: &str| code(text).state(&mut mutable).replace(' ', "");
        assert_eq!(
            state("let a: i64 = 1;\nprintln!(\"{a}\");\nshow(a)?\n"),
            "leta:i64=1;"
        );
        assert_eq!(
            state("use a::b;\nfn f() { g(); }\nf();"),
            "usea::b;fnf(){g();}"
        );
        assert_eq!(state("{ let x = 1; show(x) }"), "");
        // a type that the next statement tells
        assert_eq!(
            state("let v = Vec::new();\ntake(v);"),
            "letv=Vec::new();take(v);"
        );
        // variables that change
        assert_eq!(
            state("let mut w: Vec<i64> = vec![];\nfor i in 0..3 { w.push(i); }\nother();"),
            "letmutw:Vec<i64>=vec![];foriin0..3{w.push(i);}"
        );
        assert_eq!(state("w.push(4);\nshow(&w)"), "w.push(4);let_=show(&w);");
        assert_eq!(
            state("let c: RefCell<i64> = RefCell::new(1);\n*c.borrow_mut() = 2;"),
            "letc:RefCell<i64>=RefCell::new(1);*c.borrow_mut()=2;"
        );
    }

    #[test]
    fn rust_that_does_not_parse_is_a_fault_at_the_chapters_line() {
        let chapter =
            Chapter::parse("a.md", "# A\n\n```rust\nlet a = 1;\nlet = 2;\n```\n".into()).unwrap();
        let fault = parse(&chapter, &chapter.cells[0]).unwrap_err();
        assert_eq!(fault.line, Some(5));
        let open = Chapter::parse("a.md", "```rust\nfn f() {\nlet a = 1;\n```\n".into()).unwrap();
        let fault = parse(&open, &open.cells[0]).unwrap_err();
        assert!(fault.line.unwrap() <= 3, "{fault}");
    }
}

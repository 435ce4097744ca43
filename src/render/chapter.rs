//! One chapter: its cells with their outputs, its results in prose, its formulas.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use nbformat::v4::{Cell as NbCell, Notebook, Output};
use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};

use super::library::{self, Library, Place, Uses};
use super::{Sink, code, escape, math, output};
use crate::chapter::{Cell, Chapter, Expect, Lines, Role, markdown_options};
use crate::data;
use crate::error::Fault;
use crate::notebook::{self, Segment};
use crate::project::Project;
use crate::results::{self, Results, format_value};

/// Code of more lines than this is folded.
const LONG_CODE: usize = 30;

/// What rendering a chapter needs to know of the book.
pub struct Context<'a> {
    /// The project.
    pub project: &'a Project,
    /// The library crates.
    pub library: &'a Library,
    /// The address below which Jupyter opens files of the project.
    pub jupyter: String,
    /// Whether [`super::site`] finishes the site: notebooks are then beside it for download.
    pub hosted: bool,
    /// Chapters whose outputs are old, and why.
    pub notes: &'a super::site::Notes,
}

/// A chapter's notebook, cell by cell.
struct Stored {
    notebook: Notebook,
    /// For each segment, the notebook cell that holds its outputs.
    cells: Vec<Option<usize>>,
    /// Every code cell stands in the notebook as it stands in the chapter.
    complete: bool,
    results: Results,
}

/// Pairs a chapter's segments with the cells of its notebook.
fn pair(chapter: &Chapter, segments: &[Segment], notebook: Notebook) -> Result<Stored, Fault> {
    let results = results::of_notebook(&notebook).map_err(|e| {
        Fault::file(
            std::path::Path::new("notebooks").join(chapter.path.with_extension("ipynb")),
            e,
        )
    })?;
    let code: Vec<(usize, (bool, String))> = segments
        .iter()
        .enumerate()
        .filter_map(|(i, s)| {
            let cell = s.runs()?;
            Some((i, (true, chapter.cells[cell].code.clone())))
        })
        .collect();
    let stored: Vec<(usize, (bool, String))> = notebook
        .cells
        .iter()
        .enumerate()
        .filter(|(_, c)| matches!(c, NbCell::Code { .. }))
        .map(|(i, c)| (i, (true, notebook::cell_text(c))))
        .collect();
    let a: Vec<_> = code.iter().map(|(_, t)| t.clone()).collect();
    let b: Vec<_> = stored.iter().map(|(_, t)| t.clone()).collect();
    let mut cells = vec![None; segments.len()];
    let complete = a == b;
    for (i, j) in notebook::align(&a, &b) {
        if a[i] == b[j] {
            cells[code[i].0] = Some(stored[j].0);
        }
    }
    Ok(Stored {
        notebook,
        cells,
        complete,
        results,
    })
}

impl Stored {
    fn outputs(&self, segment: usize) -> Option<&[Output]> {
        match &self.notebook.cells[self.cells[segment]?] {
            NbCell::Code {
                outputs,
                execution_count,
                ..
            } if execution_count.is_some() || !outputs.is_empty() => Some(outputs),
            _ => None,
        }
    }
}

/// Replacements in a chapter's text.
#[derive(Default)]
struct Edits(BTreeMap<(usize, usize), String>);

impl Edits {
    fn replace(&mut self, range: Range<usize>, text: String) {
        self.0.insert((range.start, range.end), text);
    }

    fn insert(&mut self, at: usize, text: &str) {
        self.0.entry((at, at)).or_default().push_str(text);
    }

    fn apply(self, text: &str, from: usize) -> String {
        let mut out = String::with_capacity(2 * text.len());
        let mut at = from;
        for ((start, end), new) in self.0 {
            if start < at {
                continue;
            }
            out.push_str(&text[at..start]);
            out.push_str(&new);
            at = end;
        }
        out.push_str(&text[at..]);
        out
    }
}

/// Renders a chapter to the Markdown that mdBook is given.
///
/// # Errors
/// Every fault found: an unknown result, a formula that is not LaTeX, a notebook that cannot be read.
pub fn render(ctx: &Context, chapter: &Chapter, sink: &mut Sink) -> Result<String, Vec<Fault>> {
    let mut faults = Vec::new();
    let segments = notebook::segments(chapter);
    let stored = match notebook::load(ctx.project, &chapter.path)
        .and_then(|n| n.map(|n| pair(chapter, &segments, n)).transpose())
    {
        Ok(stored) => stored,
        Err(fault) => {
            faults.push(fault);
            None
        }
    };
    let mut edits = Edits::default();
    let values = result_values(chapter, stored.as_ref(), &mut faults);
    prose(
        ctx,
        chapter,
        stored.as_ref(),
        &values,
        &mut edits,
        sink,
        &mut faults,
    );
    cells(ctx, chapter, &segments, stored.as_ref(), &mut edits, sink);
    if let Some(stored) = &stored {
        let record = run_record(stored);
        if !record.is_empty() {
            edits.insert(chapter.text.len(), &format!("\n\n{record}\n"));
        }
    }
    if faults.is_empty() {
        Ok(edits.apply(&chapter.text, chapter.body))
    } else {
        Err(faults)
    }
}

/// A result reference's place, and its text; `None` where the chapter has not been run.
struct Value {
    span: Range<usize>,
    name: String,
    text: Option<String>,
}

fn result_values(
    chapter: &Chapter,
    stored: Option<&Stored>,
    faults: &mut Vec<Fault>,
) -> Vec<Value> {
    let refs = match chapter.result_refs() {
        Ok(refs) => refs,
        Err(found) => {
            faults.extend(found);
            return Vec::new();
        }
    };
    let mut values = Vec::new();
    for r in refs {
        let text = match stored.and_then(|s| s.results.get(&r.name)) {
            Some(named) => match format_value(&named.value, &r.format) {
                Ok(text) => Some(text),
                Err(e) => {
                    faults.push(chapter.fault(r.line, e));
                    continue;
                }
            },
            None => {
                if let Some(stored) = stored.filter(|s| s.complete) {
                    let known: Vec<&str> = stored.results.keys().map(String::as_str).collect();
                    let detail = if known.is_empty() {
                        "this chapter's cells give no results".to_string()
                    } else {
                        format!("known: {}", known.join(", "))
                    };
                    faults.push(
                        chapter
                            .fault(r.line, format!("no cell gives the result `{}`", r.name))
                            .with_detail(detail),
                    );
                    continue;
                }
                None
            }
        };
        values.push(Value {
            span: r.span,
            name: r.name,
            text,
        });
    }
    values
}

/// Formulas, results, and the lines under the title.
fn prose(
    ctx: &Context,
    chapter: &Chapter,
    stored: Option<&Stored>,
    values: &[Value],
    edits: &mut Edits,
    sink: &mut Sink,
    faults: &mut Vec<Fault>,
) {
    let lines = Lines::of(&chapter.text);
    let mut formulas: Vec<Range<usize>> = Vec::new();
    let mut title_end = None;
    let mut heading: Option<(Range<usize>, bool, bool)> = None;
    let mut headings = chapter.headings.iter();
    let mut paragraph: Range<usize> = 0..0;
    let events = Parser::new_ext(&chapter.text[chapter.body..], markdown_options());
    for (event, range) in events.into_offset_iter() {
        let range = range.start + chapter.body..range.end + chapter.body;
        match event {
            Event::Start(Tag::Paragraph) => paragraph = range,
            Event::Start(Tag::Heading { level, id, .. }) => {
                if level == HeadingLevel::H1 && title_end.is_none() {
                    title_end = Some(range.end);
                }
                heading = Some((range, id.is_some(), false));
            }
            Event::End(TagEnd::Heading(_)) => {
                let known = headings.next();
                if let (Some((range, false, true)), Some(known)) = (heading.take(), known) {
                    // the anchor comes from the text, which a formula would change
                    let text = &chapter.text[range.clone()];
                    if text.starts_with('#') {
                        let end = range.start + text.trim_end().len();
                        edits.insert(end, &format!(" {{#{}}}", known.anchor));
                    }
                }
            }
            Event::InlineMath(_) | Event::DisplayMath(_) => {
                let display = matches!(event, Event::DisplayMath(_));
                if let Some((_, _, has_math)) = &mut heading {
                    *has_math = true;
                }
                let marks = if display { 2 } else { 1 };
                let inner = range.start + marks..range.end - marks;
                let latex = with_values(&chapter.text, inner, values);
                let latex = unquote(&latex);
                match math::mathml(&latex, display) {
                    Ok(html) => {
                        let html = if display {
                            // a formula with a paragraph to itself may be wider than the text
                            let text = &chapter.text;
                            let alone =
                                text.get(paragraph.start..range.start).is_some_and(is_blank)
                                    && text.get(range.end..paragraph.end).is_some_and(is_blank);
                            let class = if alone {
                                "math-block alone"
                            } else {
                                "math-block"
                            };
                            format!("<span class=\"{class}\">{html}</span>")
                        } else {
                            html
                        };
                        edits.replace(range.clone(), sink.inline(html));
                    }
                    Err(e) => {
                        let line = lines.at(range.start);
                        faults.push(chapter.fault(line, e));
                    }
                }
                formulas.push(range);
            }
            _ => {}
        }
    }
    for value in values {
        if formulas.iter().any(|f| f.contains(&value.span.start)) {
            continue;
        }
        let html = match &value.text {
            Some(text) => format!(
                "<span class=\"result\" data-result=\"{}\">{}</span>",
                escape::html(&value.name),
                escape::markdown(text)
            ),
            None => format!(
                "<span class=\"result not-run\" title=\"{} is known once the chapter has run\">…</span>",
                escape::html(&value.name)
            ),
        };
        edits.replace(value.span.clone(), html);
    }
    let head = header(ctx, chapter, stored);
    if !head.is_empty() {
        let at = title_end.unwrap_or(chapter.body);
        edits.insert(at, &format!("\n\n{head}\n\n"));
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// A formula's text with the results in it.
fn with_values(text: &str, range: Range<usize>, values: &[Value]) -> String {
    let mut out = String::new();
    let mut at = range.start;
    for value in values {
        if value.span.start < range.start || value.span.end > range.end {
            continue;
        }
        out.push_str(&text[at..value.span.start]);
        let shown = value.text.as_deref().unwrap_or("\\ldots");
        out.push_str(&shown.replace('\u{2212}', "-").replace('%', "\\%"));
        at = value.span.end;
    }
    out.push_str(&text[at..range.end]);
    out
}

/// A formula inside a quotation has its marks at the start of each further line.
fn unquote(latex: &str) -> String {
    if !latex.contains('\n') {
        return latex.to_string();
    }
    let strip = |line: &str| line.trim_start().trim_start_matches("> ").to_string();
    latex.lines().map(strip).collect::<Vec<_>>().join("\n")
}

fn role(name: &str) -> String {
    match name {
        "ml-engineer" => "ML engineers".to_string(),
        "data-scientist" => "data scientists".to_string(),
        "ai-engineer" => "AI engineers".to_string(),
        "mlops-engineer" => "MLOps engineers".to_string(),
        other => other.replace('-', " "),
    }
}

/// Minutes, level, roles, data, and the ways to the notebook.
fn header(ctx: &Context, chapter: &Chapter, stored: Option<&Stored>) -> String {
    let front = &chapter.front;
    let mut facts = Vec::new();
    if let Some(minutes) = front.minutes {
        facts.push(format!("<span>{minutes} minutes</span>"));
    }
    if let Some(level) = front.level {
        facts.push(format!("<span>Level {level} of 3</span>"));
    }
    if !front.roles.is_empty() {
        let roles: Vec<String> = front.roles.iter().map(|r| role(r)).collect();
        facts.push(format!(
            "<span>For {}</span>",
            escape::html(&roles.join(", "))
        ));
    }
    let up = up(chapter);
    let file = chapter.path.with_extension("ipynb");
    let file = file.to_string_lossy().replace('\\', "/");
    let mut links = Vec::new();
    if !chapter.cells.is_empty() && stored.is_some() {
        let base = ctx.jupyter.trim_end_matches('/');
        links.push(format!(
            "<a href=\"{}/notebooks/{}\">Open in Jupyter</a>",
            escape::html(base),
            url(&file)
        ));
        if ctx.hosted {
            links.push(format!(
                "<a href=\"{up}notebooks/{}\" download>Download notebook</a>",
                url(&file)
            ));
        }
    }
    let mut rows = Vec::new();
    if !facts.is_empty() {
        rows.push(format!("<p class=\"facts\">{}</p>", facts.join(" ")));
    }
    if !links.is_empty() {
        rows.push(format!("<p class=\"facts\">{}</p>", links.join(" ")));
    }
    for name in &front.data {
        let row = match data::described(name) {
            Some(d) => format!(
                "<p class=\"data\">Data: <b>{}</b>, {} From {} {}; licence {}.{}</p>",
                escape::html(d.name),
                escape::html(&sentence(d.title)),
                escape::html(d.package),
                escape::html(d.version),
                escape::html(d.licence.trim_end_matches('.')),
                if d.fetched {
                    format!(
                        " To run the cells: <code>cargo course data fetch {}</code>.",
                        escape::html(d.name)
                    )
                } else {
                    String::new()
                },
            ),
            None => format!("<p class=\"data\">Data: <b>{}</b></p>", escape::html(name)),
        };
        rows.push(row);
    }
    if !chapter.cells.is_empty() {
        match stored {
            None => rows.push(
                "<p class=\"state\">Not run yet: the cells below have no outputs.</p>".to_string(),
            ),
            Some(_) if ctx.notes.contains_key(&chapter.path) => rows.push(format!(
                "<p class=\"state\">These outputs are older than what they depend on: {}.</p>",
                escape::html(&ctx.notes[&chapter.path].join("; "))
            )),
            Some(s) if !s.complete => rows.push(
                "<p class=\"state\">The code has changed since its last run: some outputs are missing.</p>"
                    .to_string(),
            ),
            Some(_) => {}
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    escape::one_line(&format!(
        "<div class=\"chapter-meta\">{}</div>",
        rows.join("")
    ))
}

fn sentence(title: &str) -> String {
    let mut chars = title.chars();
    let first = chars.next().map(|c| c.to_lowercase().to_string());
    let text = first.unwrap_or_default() + chars.as_str();
    format!("{}.", text.trim_end_matches('.'))
}

/// A path as part of an address.
fn url(path: &str) -> String {
    let mut out = String::new();
    for b in path.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                out.push(b as char);
            }
            _ => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

/// The way from a chapter's page to the site's root.
fn up(chapter: &Chapter) -> String {
    "../".repeat(chapter.path.components().count().saturating_sub(1))
}

/// When, and on what, the outputs were made.
fn run_record(stored: &Stored) -> String {
    let record = &notebook::course_metadata(&stored.notebook)["run"];
    let text = |key: &str| record[key].as_str().map(escape::html);
    let Some(at) = text("at") else {
        return String::new();
    };
    let mut parts = vec![format!(
        "Outputs made {}",
        at.split('T').next().unwrap_or(&at)
    )];
    for key in ["rustc", "kernel", "os", "cpu"] {
        parts.extend(text(key));
    }
    let number = |key: &str| record[key].as_f64();
    if let Some(cold) = number("cold_s") {
        parts.push(format!("dependencies ready in {cold:.1} s"));
    }
    if let Some(cells) = number("cells_s") {
        parts.push(format!("cells run in {cells:.1} s"));
    }
    escape::one_line(&format!(
        "<p class=\"run-record\">{}.</p>",
        parts.join(" · ")
    ))
}

fn cells(
    ctx: &Context,
    chapter: &Chapter,
    segments: &[Segment],
    stored: Option<&Stored>,
    edits: &mut Edits,
    sink: &mut Sink,
) {
    let mut uses = Uses::new(ctx.library);
    let mut segment_of: HashMap<usize, usize> = HashMap::new();
    let mut recheck_of: HashMap<usize, usize> = HashMap::new();
    for (i, segment) in segments.iter().enumerate() {
        match segment {
            Segment::Code(cell) => {
                segment_of.insert(*cell, i);
            }
            Segment::Recheck { solution, .. } => {
                recheck_of.insert(*solution, i);
            }
            Segment::Prose(_) => {}
        }
    }
    let mut setups = 0;
    for cell in &chapter.cells {
        if cell.role == Role::Setup {
            setups += 1;
        }
        let outputs = |segment: Option<&usize>| match (stored, segment) {
            (Some(s), Some(&i)) => s.outputs(i),
            _ => None,
        };
        let places = uses.of(cell);
        let shown = Shown {
            cell,
            places: &places,
            outputs: outputs(segment_of.get(&cell.index)),
            recheck: outputs(recheck_of.get(&cell.index)),
            later_setup: cell.role == Role::Setup && setups > 1,
            // a chapter without any run says so once, at its head
            ran_before: stored.is_some(),
            up: up(chapter),
        };
        edits.replace(cell.span.clone(), shown.markdown(sink));
    }
}

/// The anchor of a cell on its page: `cell-NAME`, or `exercise-ID`, `check-ID`, `solution-ID`.
pub fn anchor(cell: &Cell) -> Option<String> {
    match (&cell.name, &cell.role) {
        (Some(name), _) => Some(format!("cell-{name}")),
        (None, Role::Exercise(id)) => Some(format!("exercise-{id}")),
        (None, Role::Check(id)) => Some(format!("check-{id}")),
        (None, Role::Solution(id)) => Some(format!("solution-{id}")),
        (None, Role::Step | Role::Setup) => None,
    }
}

/// A cell and all that is shown with it.
struct Shown<'a> {
    cell: &'a Cell,
    places: &'a [Place],
    outputs: Option<&'a [Output]>,
    recheck: Option<&'a [Output]>,
    later_setup: bool,
    ran_before: bool,
    up: String,
}

impl Shown<'_> {
    fn markdown(&self, sink: &mut Sink) -> String {
        let cell = self.cell;
        let lines = cell.code.lines().count();
        let class = match &cell.role {
            Role::Step => "",
            Role::Setup => " setup",
            Role::Exercise(_) => " exercise",
            Role::Check(_) => " check",
            Role::Solution(_) => " solution",
        };
        let id = anchor(cell).map_or_else(String::new, |a| format!(" id=\"{}\"", escape::html(&a)));
        let plural = if lines == 1 { "line" } else { "lines" };
        let fold = match &cell.role {
            Role::Solution(_) => Some("Solution".to_string()),
            Role::Check(_) => Some(format!("The check, {lines} {plural}")),
            Role::Setup if self.later_setup => Some(format!("Setup, {lines} {plural}")),
            _ if cell.hide => Some(format!("Code, {lines} {plural}")),
            _ if lines > LONG_CODE => Some(format!("Code, {lines} {plural}")),
            _ => None,
        };
        let is_solution = matches!(cell.role, Role::Solution(_));
        let mut out = format!("<div class=\"cell{class}\"{id}>");
        if let Some(summary) = &fold {
            let class = if is_solution {
                "solution"
            } else {
                "fold code-fold"
            };
            out.push_str(&format!(
                "<details class=\"{class}\"><summary>{summary}</summary>"
            ));
        }
        // not held back: code is searched as prose is
        out.push_str(&escape::one_line(&code::block(&cell.code)));
        if fold.is_some() && !is_solution {
            out.push_str("</details>");
        }
        let modules = self.modules();
        if !modules.is_empty() {
            out.push_str(&escape::one_line(&modules));
        }
        let answer = self.answer();
        if !answer.is_empty() {
            out.push_str(&format!("<div class=\"out\">{}</div>", sink.block(answer)));
        }
        if let Role::Exercise(id) = &cell.role {
            out.push_str(&format!(
                "<p class=\"cell-note\">Your version in the terminal: <code>cargo course exercise check {}</code></p>",
                escape::html(id)
            ));
        }
        if is_solution {
            out.push_str("</details>");
        }
        out.push_str("</div>\n");
        out
    }

    /// The outputs, with what is to be known of them.
    fn answer(&self) -> String {
        let cell = self.cell;
        let mut out = String::new();
        match self.outputs {
            Some(outputs) => {
                let unwritten = match cell.role {
                    Role::Check(_) => unwritten(outputs),
                    _ => None,
                };
                let body = match unwritten {
                    Some(_) => String::new(),
                    None => output::html(outputs),
                };
                let note = match (&cell.role, cell.expect) {
                    (Role::Check(_), _) => Some(format!(
                        "On the starter, the check says: {}",
                        unwritten.unwrap_or_default()
                    )),
                    (_, Expect::Panic) => Some("Expected to fail.".to_string()),
                    (_, Expect::CompileError) => Some(format!(
                        "Expected to fail to compile: {}.",
                        cell.codes.join(", ")
                    )),
                    _ if cell.volatile && !body.is_empty() => {
                        Some("Differs from run to run.".to_string())
                    }
                    _ => None,
                };
                if let Some(note) = note {
                    out.push_str(&format!(
                        "<p class=\"out-note\">{}</p>",
                        escape::html(&note)
                    ));
                }
                out.push_str(&body);
            }
            None if self.ran_before => {
                out.push_str("<p class=\"out-note not-run\">Not run since this cell changed.</p>");
            }
            None => {}
        }
        if let Some(recheck) = self.recheck {
            out.push_str("<p class=\"out-note\">On the solution, the check says:</p>");
            out.push_str(&output::html(recheck));
        }
        out
    }

    /// The modules that the cell uses, each with a link to its source.
    fn modules(&self) -> String {
        let mut by_module: BTreeMap<&str, Vec<&Place>> = BTreeMap::new();
        for place in self.places {
            by_module.entry(&place.module).or_default().push(place);
        }
        // a module named as a whole says nothing beside one inside it
        let inner: Vec<&str> = by_module.keys().copied().collect();
        by_module.retain(|module, places| {
            places.iter().any(|p| !p.item.is_empty())
                || !inner
                    .iter()
                    .any(|other| other.starts_with(&format!("{module}::")))
        });
        if by_module.is_empty() {
            return String::new();
        }
        let links: Vec<String> = by_module
            .iter()
            .map(|(module, places)| {
                let items: Vec<&str> = places
                    .iter()
                    .map(|p| p.item.as_str())
                    .filter(|i| !i.is_empty())
                    .collect();
                let line = match places[..] {
                    [only] if !only.item.is_empty() => format!("#L{}", only.line),
                    _ => String::new(),
                };
                let title = if items.is_empty() {
                    String::new()
                } else {
                    format!(" title=\"{}\"", items.join(", "))
                };
                format!(
                    "<a href=\"{}{}{line}\"{title}><code>{module}</code></a>",
                    self.up,
                    library::page_of(module),
                )
            })
            .collect();
        format!("<p class=\"cell-modules\">Source: {}</p>", links.join(", "))
    }
}

/// What a check says of a starter that is all `todo!`: one line, of which the page need not make a block.
fn unwritten(outputs: &[Output]) -> Option<&str> {
    let [Output::Stream { text, .. }] = outputs else {
        return None;
    };
    let said = text.0.strip_prefix("the cell panicked:\n")?.trim_end();
    (said.starts_with("not yet implemented") && !said.contains('\n')).then_some(said)
}

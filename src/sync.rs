//! Carries edits between a chapter and its notebook.
//!
//! Which side changed is told by content alone. The notebook's metadata keep the state that both last had
//! in common: the ids of its cells and the hash of each text. A cell whose text has another hash was
//! edited on that side; one that is gone was deleted there, one that is new was added. Edits of one side
//! go to the other, cell by cell. Where both sides edited the same cell, nothing is written, and both
//! texts are shown.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use nbformat::v4::{Cell as NbCell, CellId, CellMetadata, Notebook};
use serde_json::{Map, Value};

use crate::chapter::{Chapter, Lines};
use crate::error::{Fault, write_text};
use crate::notebook::{
    self, Answer, BASE, KEY, Segment, align, base_entry, cell_course, cell_text, compose,
    course_metadata, segments, text_hash, unbind,
};
use crate::project::Project;
use crate::results::Results;

/// Which side wins where both changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Take {
    /// The chapter's text.
    Chapter,
    /// The notebook's text.
    Notebook,
}

/// What a sync did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// What was carried into the chapter, one line each.
    pub to_chapter: Vec<String>,
    /// What was carried into the notebook, one line each.
    pub to_notebook: Vec<String>,
}

/// A piece of either side, in the chapter's form.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    kind: &'static str,
    text: String,
    hash: String,
    /// The chapter's line; for a notebook, the cell's number from 1.
    place: usize,
}

impl Piece {
    fn new(kind: &'static str, text: &str, place: usize) -> Piece {
        let text = match kind {
            "prose" => unbind(text).trim().to_string(),
            _ => text.trim_end().to_string(),
        };
        let hash = text_hash(kind, &text);
        Piece {
            kind,
            text,
            hash,
            place,
        }
    }
}

/// A cell of the common state.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Base {
    id: String,
    kind: String,
    hash: String,
}

/// One cell of the merged chapter.
#[derive(Debug, Clone)]
struct Entry {
    /// Its place among the chapter's segments, if it stands there.
    chapter: Option<usize>,
    /// Its place among the notebook's cells, if it stands there.
    notebook: Option<usize>,
    kind: &'static str,
    text: String,
    /// The text is the chapter's, and not what the notebook holds.
    from_chapter: bool,
}

/// The chapter's pieces, one a segment.
fn pieces(chapter: &Chapter) -> Vec<Piece> {
    let lines = Lines::of(&chapter.text);
    segments(chapter)
        .iter()
        .map(|segment| match segment {
            Segment::Prose(range) => {
                Piece::new("prose", &chapter.text[range.clone()], lines.at(range.start))
            }
            Segment::Code(i) => Piece::new("code", &chapter.cells[*i].code, chapter.cells[*i].line),
            Segment::Recheck { check, .. } => {
                let cell = &chapter.cells[*check];
                Piece::new("check", &cell.code, cell.line)
            }
        })
        .collect()
}

/// The first place where a notebook's texts are not the chapter's: the line, and what it is.
pub fn difference(chapter: &Chapter, notebook: &Notebook) -> Option<(usize, String)> {
    let ours = pieces(chapter);
    for (i, piece) in ours.iter().enumerate() {
        let Some(cell) = notebook.cells.get(i) else {
            return Some((piece.place, "its notebook ends before this".to_string()));
        };
        let kind = match cell {
            NbCell::Code { .. } if piece.kind == "check" => "check",
            NbCell::Code { .. } => "code",
            _ => "prose",
        };
        let theirs = Piece::new(kind, &cell_text(cell), i + 1);
        if (theirs.kind, &theirs.text) != (piece.kind, &piece.text) {
            let what = if piece.kind == "prose" {
                "prose"
            } else {
                "cell"
            };
            let message = format!("this {what} differs from the notebook's cell {}", i + 1);
            return Some((piece.place, message));
        }
    }
    let extra = notebook.cells.len().saturating_sub(ours.len());
    (extra > 0).then(|| {
        let last = chapter.text.lines().count().max(1);
        let s = if extra == 1 { "" } else { "s" };
        (
            last,
            format!("its notebook has {extra} more cell{s} after this"),
        )
    })
}

/// The first cell of a notebook, from 1, whose text was written there and stands nowhere in the chapter:
/// a run that writes the notebook anew would lose it. `None` also where the notebook does not say what it
/// last had in common with the chapter.
pub fn would_lose(chapter: &Chapter, notebook: &Notebook) -> Option<usize> {
    let base = base(notebook)?;
    let ours = pieces(chapter);
    let known = |kind: &str, hash: &str| {
        base.iter()
            .any(|b| b.hash == hash && (b.kind == "prose") == (kind == "prose"))
            || ours
                .iter()
                .any(|p| p.hash == hash && (p.kind == "prose") == (kind == "prose"))
    };
    notebook.cells.iter().enumerate().find_map(|(i, cell)| {
        let text = cell_text(cell);
        let kind = match cell {
            NbCell::Code { .. } => "code",
            _ => "prose",
        };
        let lost = !text.trim().is_empty() && !known(kind, &text_hash(kind, &text));
        lost.then_some(i + 1)
    })
}

fn base(notebook: &Notebook) -> Option<Vec<Base>> {
    let entries = course_metadata(notebook).get(BASE)?.as_array()?;
    entries
        .iter()
        .map(|entry| {
            let mut words = entry.as_str()?.split(' ');
            let mut next = || words.next().map(str::to_string);
            Some(Base {
                id: next()?,
                kind: next()?,
                hash: next()?,
            })
        })
        .collect()
}

/// Carries the edits of one chapter and its notebook to the other side. `None`: there is no notebook.
///
/// # Errors
/// Conflicts, with both texts, and cells that cannot be carried; nothing is then written.
pub fn sync(
    project: &Project,
    path: &Path,
    take: Option<Take>,
) -> Result<Option<Done>, Vec<Fault>> {
    let chapter = project.chapter(path).map_err(|f| f.0)?;
    let Some(notebook) = notebook::load(project, path).map_err(|f| vec![f])? else {
        return Ok(None);
    };
    let (merged, done) = merge(project, &chapter, &notebook, take)?;
    let Some((text, notebook)) = merged else {
        return Ok(Some(done));
    };
    // the chapter first: a sync that is killed between the two finds the same text on both sides
    let file = project.chapters_dir().join(path);
    write_text(&project.root, &file, &text).map_err(|f| vec![f])?;
    notebook::save(project, path, &notebook).map_err(|f| vec![f])?;
    Ok(Some(done))
}

/// What both sides become; `None` when nothing is to be written.
type Merged = Option<(String, Notebook)>;

fn merge(
    project: &Project,
    chapter: &Chapter,
    notebook: &Notebook,
    take: Option<Take>,
) -> Result<(Merged, Done), Vec<Fault>> {
    let shown = project.shown(&project.notebook_path(&chapter.path));
    let ours = pieces(chapter);
    let stored = base(notebook);
    let (theirs, mut faults) = notebook_pieces(notebook, stored.as_deref(), &shown);
    if !faults.is_empty() {
        return Err(faults);
    }
    let known = stored.is_some();
    let base = stored.unwrap_or_else(|| assumed_base(notebook, &ours, &theirs));
    let in_notebook = match_notebook(notebook, &theirs, &base);
    let in_chapter = match_chapter(&ours, &base);

    // what becomes of each cell of the common state
    let mut done = Done::default();
    let mut entries: BTreeMap<usize, Entry> = BTreeMap::new();
    for (b, was) in base.iter().enumerate() {
        let c = in_chapter.iter().position(|m| *m == Some(b));
        let n = in_notebook.iter().position(|m| *m == Some(b));
        if was.kind == "check" {
            if let Some(n) = n
                && theirs[n].hash != was.hash
            {
                let line = c.map_or(1, |c| ours[c].place);
                faults.push(
                    chapter
                        .fault(
                            line,
                            format!(
                                "the notebook's cell {} repeats this check, and was edited",
                                theirs[n].place
                            ),
                        )
                        .with_detail(
                            "it is written anew from the check by each run: edit the check itself",
                        ),
                );
            }
            continue;
        }
        let conflict = |line: usize, message: String, c: Option<usize>, n: Option<usize>| {
            chapter.fault(line, message).with_detail(both(
                c.map(|c| ours[c].text.as_str()),
                n.map(|n| theirs[n].text.as_str()),
            ))
        };
        match (c, n) {
            (Some(c), Some(n)) => {
                let (mine, other) = (&ours[c], &theirs[n]);
                let ours_changed = mine.hash != was.hash;
                let theirs_changed = other.hash != was.hash;
                let mut from_chapter = ours_changed;
                if ours_changed && theirs_changed && mine.hash != other.hash {
                    match take {
                        Some(Take::Chapter) => {}
                        Some(Take::Notebook) => from_chapter = false,
                        None => {
                            let message = if known {
                                format!(
                                    "changed here and in the notebook's cell {}: nothing is written",
                                    other.place
                                )
                            } else {
                                format!(
                                    "differs from the notebook's cell {}, and the notebook does not say which side changed: nothing is written",
                                    other.place
                                )
                            };
                            faults.push(conflict(mine.place, message, Some(c), Some(n)));
                            continue;
                        }
                    }
                }
                let same = mine.hash == other.hash;
                if !same {
                    let what = describe(mine);
                    if from_chapter {
                        done.to_notebook
                            .push(format!("{what} (line {})", mine.place));
                    } else {
                        done.to_chapter
                            .push(format!("{what} (line {})", mine.place));
                    }
                }
                entries.insert(
                    b,
                    Entry {
                        chapter: Some(c),
                        notebook: Some(n),
                        kind: mine.kind,
                        text: if from_chapter || same {
                            mine.text.clone()
                        } else {
                            other.text.clone()
                        },
                        from_chapter: from_chapter && !same,
                    },
                );
            }
            (Some(c), None) => {
                let changed = ours[c].hash != was.hash;
                if changed && take.is_none() {
                    faults.push(conflict(
                        ours[c].place,
                        "changed here and deleted in the notebook: nothing is written".into(),
                        Some(c),
                        None,
                    ));
                } else if changed && take == Some(Take::Chapter) {
                    done.to_notebook.push(format!(
                        "{} (line {})",
                        describe(&ours[c]),
                        ours[c].place
                    ));
                    entries.insert(
                        b,
                        Entry {
                            chapter: Some(c),
                            notebook: None,
                            kind: ours[c].kind,
                            text: ours[c].text.clone(),
                            from_chapter: true,
                        },
                    );
                } else {
                    done.to_chapter.push(format!(
                        "{} (line {}) deleted",
                        describe(&ours[c]),
                        ours[c].place
                    ));
                }
            }
            (None, Some(n)) => {
                let changed = theirs[n].hash != was.hash;
                if changed && take.is_none() {
                    let line = chapter.text.lines().count().max(1);
                    faults.push(conflict(
                        line,
                        format!("the notebook's cell {} was changed, and deleted here: nothing is written", theirs[n].place),
                        None,
                        Some(n),
                    ));
                } else if changed && take == Some(Take::Notebook) {
                    done.to_chapter
                        .push(format!("the notebook's cell {}", theirs[n].place));
                    entries.insert(
                        b,
                        Entry {
                            chapter: None,
                            notebook: Some(n),
                            kind: theirs[n].kind,
                            text: theirs[n].text.clone(),
                            from_chapter: false,
                        },
                    );
                } else {
                    done.to_notebook
                        .push(format!("the notebook's cell {} deleted", theirs[n].place));
                }
            }
            (None, None) => {}
        }
    }

    // cells that are new on one side, or on both with one text
    let mut new_in_notebook: BTreeMap<usize, Entry> = BTreeMap::new();
    let mut new_in_chapter: BTreeMap<usize, Entry> = BTreeMap::new();
    for (n, piece) in theirs.iter().enumerate() {
        if in_notebook[n].is_none() && piece.kind != "check" && !piece.text.is_empty() {
            new_in_notebook.insert(
                n,
                Entry {
                    chapter: None,
                    notebook: Some(n),
                    kind: piece.kind,
                    text: piece.text.clone(),
                    from_chapter: false,
                },
            );
        }
    }
    for (c, piece) in ours.iter().enumerate() {
        if in_chapter[c].is_some() || piece.kind == "check" {
            continue;
        }
        let twin = new_in_notebook
            .values_mut()
            .find(|e| e.chapter.is_none() && e.kind == piece.kind && e.text == piece.text);
        match twin {
            Some(entry) => entry.chapter = Some(c),
            None => {
                done.to_notebook
                    .push(format!("{} (line {}) added", describe(piece), piece.place));
                new_in_chapter.insert(
                    c,
                    Entry {
                        chapter: Some(c),
                        notebook: None,
                        kind: piece.kind,
                        text: piece.text.clone(),
                        from_chapter: true,
                    },
                );
            }
        }
    }
    for entry in new_in_notebook.values().filter(|e| e.chapter.is_none()) {
        let place = entry.notebook.map_or(0, |n| theirs[n].place);
        done.to_chapter
            .push(format!("the notebook's cell {place} added"));
    }

    // the order
    let order_n: Vec<usize> = in_notebook
        .iter()
        .flatten()
        .copied()
        .filter(|b| entries.contains_key(b))
        .collect();
    let order_c: Vec<usize> = in_chapter
        .iter()
        .flatten()
        .copied()
        .filter(|b| entries.contains_key(b))
        .collect();
    let moved = |order: &[usize]| order.windows(2).any(|w| w[0] > w[1]);
    let (moved_n, moved_c) = (moved(&order_n), moved(&order_c));
    if moved_n && moved_c && order_n != order_c && take.is_none() {
        faults.push(
            Fault::file(
                chapter.shown(),
                "cells were moved here and in the notebook, in two ways: nothing is written",
            )
            .with_detail("keep one order with `--take chapter` or `--take notebook`"),
        );
    }
    if !faults.is_empty() {
        faults.sort_by_key(|f| f.line);
        return Err(faults);
    }
    let notebook_leads = moved_n && !(moved_c && take == Some(Take::Chapter));
    if moved_n && notebook_leads {
        done.to_chapter.push("the order of the cells".into());
    } else if moved_c {
        done.to_notebook.push("the order of the cells".into());
    }
    let side_n: Vec<Slot> = (0..theirs.len())
        .map(|n| in_notebook[n].map_or(Slot::New(n), Slot::Base))
        .collect();
    let side_c: Vec<Slot> = (0..ours.len())
        .map(|c| in_chapter[c].map_or(Slot::New(c), Slot::Base))
        .collect();
    let twins: BTreeMap<usize, usize> = new_in_notebook
        .iter()
        .filter_map(|(n, e)| Some((e.chapter?, *n)))
        .collect();
    let sequence = order(&Sides {
        entries: &entries,
        new_in_notebook: &new_in_notebook,
        new_in_chapter: &new_in_chapter,
        notebook: &side_n,
        chapter: &side_c,
        twins: &twins,
        notebook_leads,
    });
    let entries = join_prose(sequence);

    let text = chapter_text(chapter, notebook, &entries);
    let new = Chapter::parse(&chapter.path, text.clone()).map_err(|found| {
        found
            .into_iter()
            .map(|f| {
                Fault::file(
                    &shown,
                    format!(
                        "a cell cannot be carried into {}: {}",
                        chapter.shown().display(),
                        f.message
                    ),
                )
                .with_detail("nothing is written")
            })
            .collect::<Vec<_>>()
    })?;
    let carried: Vec<(&str, &str)> = entries.iter().map(|e| (e.kind, e.text.as_str())).collect();
    let made = pieces(&new);
    let made: Vec<(&str, &str)> = made
        .iter()
        .filter(|p| p.kind != "check")
        .map(|p| (p.kind, p.text.as_str()))
        .collect();
    if carried != made {
        let at = carried
            .iter()
            .zip(&made)
            .position(|(a, b)| a != b)
            .unwrap_or(0);
        let cell = entries
            .get(at)
            .and_then(|e| e.notebook)
            .map_or(0, |n| n + 1);
        return Err(vec![
            Fault::file(
                &shown,
                format!(
                    "cell {cell} would not read back from the chapter as it is: nothing is written"
                ),
            )
            .with_detail(carried.get(at).map_or("", |(_, text)| text)),
        ]);
    }
    let same_text = text == chapter.text;
    let made = notebook_of(&new, notebook, &entries);
    let changed = !same_text
        || !known
        || !done.to_notebook.is_empty()
        || !done.to_chapter.is_empty()
        || course_metadata(&made) != course_metadata(notebook)
        || infos(&made, &made) != infos(notebook, &made);
    if !changed {
        return Ok((None, done));
    }
    if done == Done::default() && known {
        done.to_notebook.push("front matter or attributes".into());
    }
    Ok((Some((text, made)), done))
}

/// The attributes of the cells that stand in the new notebook, by id.
fn infos<'a>(notebook: &'a Notebook, made: &Notebook) -> BTreeMap<&'a str, Option<&'a Value>> {
    let stays: HashSet<&str> = made.cells.iter().map(|c| c.id().as_str()).collect();
    notebook
        .cells
        .iter()
        .filter(|c| stays.contains(c.id().as_str()))
        .map(|c| (c.id().as_str(), cell_course(c).and_then(|m| m.get("fence"))))
        .collect()
}

fn describe(piece: &Piece) -> &'static str {
    if piece.kind == "prose" {
        "prose"
    } else {
        "a code cell"
    }
}

fn both(ours: Option<&str>, theirs: Option<&str>) -> String {
    let part = |name: &str, text: Option<&str>| match text {
        Some(text) => {
            let lines: Vec<String> = text.lines().map(|l| format!("  {l}")).collect();
            format!("{name}:\n{}", lines.join("\n"))
        }
        None => format!("{name}: deleted"),
    };
    format!(
        "{}\n{}\nmake both alike, or keep one with `--take chapter` or `--take notebook`",
        part("chapter", ours),
        part("notebook", theirs)
    )
}

/// The notebook's pieces; faults for cells that no chapter can hold.
fn notebook_pieces(
    notebook: &Notebook,
    base: Option<&[Base]>,
    shown: &Path,
) -> (Vec<Piece>, Vec<Fault>) {
    let mut faults = Vec::new();
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let ids: HashSet<&str> = notebook.cells.iter().map(|c| c.id().as_str()).collect();
    for (i, cell) in notebook.cells.iter().enumerate() {
        let text = cell_text(cell);
        let kind = match cell {
            NbCell::Code { .. } => {
                let marked = cell_course(cell).is_some_and(|m| m.contains_key("recheck"));
                // a copy of such a cell is a cell of its own; one whose id was dropped is the same still
                let hash = text_hash("check", &text);
                let original = base.is_none_or(|base| {
                    base.iter().filter(|b| b.kind == "check").any(|b| {
                        b.id == cell.id().as_str() || b.hash == hash && !ids.contains(b.id.as_str())
                    })
                });
                if marked && original && seen.insert(cell.id().as_str().to_string()) {
                    "check"
                } else {
                    "code"
                }
            }
            NbCell::Raw { .. } => {
                faults.push(Fault::file(
                    shown,
                    format!("cell {} is a raw cell, which a chapter cannot hold: make it Markdown or code", i + 1),
                ));
                "prose"
            }
            NbCell::Markdown { .. } => {
                let unclosed = Chapter::parse("prose.md", format!("\n{text}\n"));
                let fault = match unclosed {
                    Ok(chapter) if chapter.cells.is_empty() => None,
                    Ok(_) => Some(
                        "holds a ```rust fence, which the chapter would run: make it a code cell"
                            .to_string(),
                    ),
                    Err(found) => found.into_iter().next().map(|f| f.message),
                };
                if let Some(message) = fault {
                    faults.push(
                        Fault::file(shown, format!("the Markdown cell {}: {message}", i + 1))
                            .with_detail("nothing is written"),
                    );
                }
                "prose"
            }
        };
        found.push(Piece::new(kind, &text, i + 1));
    }
    (found, faults)
}

/// The common state of a notebook that does not say it: what both sides hold alike; where they differ,
/// neither is taken for the older one.
fn assumed_base(notebook: &Notebook, ours: &[Piece], theirs: &[Piece]) -> Vec<Base> {
    let mut base: Vec<Base> = Vec::new();
    for (_, n) in align(&keys(ours), &keys(theirs)) {
        let id = notebook.cells[n].id().as_str().to_string();
        let alike = ours
            .iter()
            .any(|p| p.kind == theirs[n].kind && p.hash == theirs[n].hash);
        base.push(Base {
            id,
            kind: theirs[n].kind.to_string(),
            hash: if alike {
                theirs[n].hash.clone()
            } else {
                "unknown".into()
            },
        });
    }
    base
}

fn keys(pieces: &[Piece]) -> Vec<(bool, String)> {
    pieces
        .iter()
        .map(|p| (p.kind != "prose", format!("{} {}", p.kind, p.hash)))
        .collect()
}

/// For each cell of the notebook, its place in the common state: by id, else by text.
fn match_notebook(notebook: &Notebook, theirs: &[Piece], base: &[Base]) -> Vec<Option<usize>> {
    let mut taken = BTreeSet::new();
    let mut found: Vec<Option<usize>> = vec![None; theirs.len()];
    for (n, piece) in theirs.iter().enumerate() {
        let id = notebook.cells[n].id().as_str();
        let at = base
            .iter()
            .position(|b| b.id == id && b.kind == piece.kind)
            .filter(|_| !piece.text.is_empty());
        if let Some(b) = at
            && taken.insert(b)
        {
            found[n] = Some(b);
        }
    }
    for (n, piece) in theirs.iter().enumerate() {
        if found[n].is_some() {
            continue;
        }
        let at = (0..base.len()).find(|b| {
            !taken.contains(b) && base[*b].kind == piece.kind && base[*b].hash == piece.hash
        });
        if let Some(b) = at {
            taken.insert(b);
            found[n] = Some(b);
        }
    }
    found
}

/// For each segment of the chapter, its place in the common state: by alignment, else by text.
fn match_chapter(ours: &[Piece], base: &[Base]) -> Vec<Option<usize>> {
    let then: Vec<(bool, String)> = base
        .iter()
        .map(|b| (b.kind != "prose", format!("{} {}", b.kind, b.hash)))
        .collect();
    let mut found: Vec<Option<usize>> = vec![None; ours.len()];
    let mut taken = BTreeSet::new();
    // equal texts first, wherever they stand: a moved cell is no edit of its new neighbour
    let pairs = align(&keys(ours), &then);
    for (c, b) in pairs
        .iter()
        .filter(|(c, b)| base[*b].hash == ours[*c].hash && base[*b].kind == ours[*c].kind)
    {
        found[*c] = Some(*b);
        taken.insert(*b);
    }
    for (c, piece) in ours.iter().enumerate() {
        if found[c].is_none()
            && let Some(b) = (0..base.len()).find(|b| {
                !taken.contains(b) && base[*b].kind == piece.kind && base[*b].hash == piece.hash
            })
        {
            found[c] = Some(b);
            taken.insert(b);
        }
    }
    for (c, b) in pairs {
        if found[c].is_none() && base[b].kind == ours[c].kind && taken.insert(b) {
            found[c] = Some(b);
        }
    }
    found
}

/// A place on one side: a cell of the common state, or a new one by its own number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Base(usize),
    New(usize),
}

struct Sides<'a> {
    entries: &'a BTreeMap<usize, Entry>,
    new_in_notebook: &'a BTreeMap<usize, Entry>,
    new_in_chapter: &'a BTreeMap<usize, Entry>,
    notebook: &'a [Slot],
    chapter: &'a [Slot],
    /// New in both with one text: the chapter's number, and the notebook's.
    twins: &'a BTreeMap<usize, usize>,
    notebook_leads: bool,
}

/// Puts everything in order: one side leads, the new cells of the other come after the cell that they
/// follow there.
fn order(sides: &Sides) -> Vec<Entry> {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Key {
        Base(usize),
        Notebook(usize),
        Chapter(usize),
    }
    let key_n = |slot: &Slot| match *slot {
        Slot::Base(b) => sides.entries.contains_key(&b).then_some(Key::Base(b)),
        Slot::New(n) => sides
            .new_in_notebook
            .contains_key(&n)
            .then_some(Key::Notebook(n)),
    };
    let key_c = |slot: &Slot| match *slot {
        Slot::Base(b) => sides.entries.contains_key(&b).then_some(Key::Base(b)),
        Slot::New(c) => match sides.twins.get(&c) {
            Some(n) => Some(Key::Notebook(*n)),
            None => sides
                .new_in_chapter
                .contains_key(&c)
                .then_some(Key::Chapter(c)),
        },
    };
    let n: Vec<Key> = sides.notebook.iter().filter_map(key_n).collect();
    let c: Vec<Key> = sides.chapter.iter().filter_map(key_c).collect();
    let (mut placed, other) = if sides.notebook_leads { (n, c) } else { (c, n) };
    let mut after: Option<Key> = None;
    for key in other {
        if !placed.contains(&key) {
            let at = after
                .and_then(|a| placed.iter().position(|k| *k == a))
                .map_or(0, |i| i + 1);
            placed.insert(at, key);
        }
        after = Some(key);
    }
    placed
        .into_iter()
        .filter_map(|key| match key {
            Key::Base(b) => sides.entries.get(&b),
            Key::Notebook(n) => sides.new_in_notebook.get(&n),
            Key::Chapter(c) => sides.new_in_chapter.get(&c),
        })
        .cloned()
        .collect()
}

/// Neighbouring cells of prose become one: in a chapter nothing stands between them.
fn join_prose(entries: Vec<Entry>) -> Vec<Entry> {
    let mut joined: Vec<Entry> = Vec::new();
    for entry in entries {
        match joined.last_mut() {
            Some(last) if last.kind == "prose" && entry.kind == "prose" => {
                last.text = format!("{}\n\n{}", last.text, entry.text);
                last.from_chapter = true;
                last.notebook = last.notebook.or(entry.notebook);
            }
            _ => joined.push(entry),
        }
    }
    joined
}

/// The chapter's text with these entries; what did not change keeps its bytes.
fn chapter_text(chapter: &Chapter, notebook: &Notebook, entries: &[Entry]) -> String {
    let segments = segments(chapter);
    let ours = pieces(chapter);
    let range = |c: usize| match &segments[c] {
        Segment::Prose(range) => range.clone(),
        Segment::Code(i) | Segment::Recheck { check: i, .. } => {
            let span = chapter.cells[*i].span.clone();
            span.start..span.start + chapter.text[span.clone()].trim_end().len()
        }
    };
    // segments that stand in the text; a repeated check does not
    let standing: Vec<usize> = (0..segments.len())
        .filter(|c| segments[*c].kind() != "check")
        .collect();
    let next = |c: usize| standing.iter().copied().find(|s| *s > c);
    let used: HashSet<String> = entries
        .iter()
        .filter_map(|e| Some(chapter.cells[segments[e.chapter?].runs()?].info.clone()))
        .collect();
    let mut out = String::new();
    let mut before: Option<Option<usize>> = None;
    for entry in entries {
        match before {
            None => {
                let body = &chapter.text[..chapter.body];
                out.push_str(body);
                match (entry.chapter, standing.first()) {
                    (Some(c), Some(first)) if c == *first => {
                        out.push_str(&chapter.text[chapter.body..range(c).start]);
                    }
                    _ if !body.is_empty() => out.push('\n'),
                    _ => {}
                }
            }
            Some(last) => match (last, entry.chapter) {
                (Some(last), Some(c)) if next(last) == Some(c) => {
                    out.push_str(&chapter.text[range(last).end..range(c).start]);
                }
                _ => out.push_str("\n\n"),
            },
        }
        match entry.chapter {
            Some(c) if ours[c].text == entry.text => out.push_str(&chapter.text[range(c)]),
            Some(c) if entry.kind == "code" => {
                let old = &chapter.text[range(c)];
                let opening = old.lines().next().unwrap_or("```rust");
                out.push_str(&fence(opening, &entry.text));
            }
            None if entry.kind == "code" => {
                let cell = entry.notebook.map(|n| &notebook.cells[n]);
                let info = cell.map_or("rust".to_string(), |c| new_info(c, &entry.text, &used));
                out.push_str(&fence(&format!("```{info}"), &entry.text));
            }
            _ => out.push_str(&entry.text),
        }
        before = Some(entry.chapter);
    }
    match (before.flatten(), standing.last()) {
        (Some(c), Some(last)) if c == *last => out.push_str(&chapter.text[range(c).end..]),
        _ => out.push('\n'),
    }
    out
}

/// A fenced block with this opening line, made longer where the code holds as many backticks.
fn fence(opening: &str, code: &str) -> String {
    let ticks = opening.chars().take_while(|c| *c == '`').count();
    let info = &opening[ticks..];
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let ticks = "`".repeat(ticks.max(longest + 1).max(3));
    format!("{ticks}{info}\n{code}\n{ticks}")
}

/// The info string of a cell that was made in Jupyter. A copy of a cell bears the original's, whose name
/// and part in an exercise stay with the original.
fn new_info(cell: &NbCell, code: &str, used: &HashSet<String>) -> String {
    let stored = cell_course(cell)
        .and_then(|m| m.get("fence"))
        .and_then(Value::as_str)
        .unwrap_or("rust");
    let mut attributes: Vec<&str> = stored
        .split(',')
        .map(str::trim)
        .filter(|a| !used.contains(stored) || !a.contains('='))
        .collect();
    if attributes.first() != Some(&"rust") {
        attributes = vec!["rust"];
    }
    let deps = code.lines().any(|l| l.trim_start().starts_with(":dep"));
    if deps && !attributes.contains(&"setup") {
        attributes.insert(1, "setup");
    }
    attributes.join(",")
}

/// The notebook of the merged chapter: cells keep their ids, their metadata and, up to the first code
/// that the chapter changed, their outputs.
fn notebook_of(new: &Chapter, old: &Notebook, entries: &[Entry]) -> Notebook {
    let segments = segments(new);
    // the notebook's cell behind each segment
    let mut cells: Vec<Option<usize>> = Vec::new();
    let mut from_chapter = Vec::new();
    let mut next = entries.iter();
    for segment in &segments {
        if segment.kind() == "check" {
            let repeated = cells.last().copied().flatten().map(|n| n + 1).filter(|n| {
                old.cells
                    .get(*n)
                    .and_then(cell_course)
                    .is_some_and(|m| m.contains_key("recheck"))
            });
            cells.push(repeated);
            from_chapter.push(true);
        } else {
            let entry = next.next();
            cells.push(entry.and_then(|e| e.notebook));
            from_chapter.push(entry.is_none_or(|e| e.from_chapter));
        }
    }
    let stale = first_stale(old, &segments, &cells, &from_chapter);
    let results = crate::results::of_notebook(old).unwrap_or_else(|_| Results::new());
    let answers: Vec<Option<Answer>> = cells
        .iter()
        .enumerate()
        .map(|(i, n)| match old.cells.get((*n)?)? {
            NbCell::Code {
                execution_count,
                outputs,
                ..
            } if i < stale => Some(Answer {
                execution_count: *execution_count,
                outputs: outputs.clone(),
            }),
            _ => None,
        })
        .collect();
    let mut made = compose(new, None, &answers, &results, None);
    let kept: HashSet<String> = cells
        .iter()
        .flatten()
        .map(|n| old.cells[*n].id().as_str().to_string())
        .collect();
    let mut base = Vec::new();
    for (i, cell) in made.cells.iter_mut().enumerate() {
        match cells[i] {
            Some(n) => {
                let source = match from_chapter[i] && segments[i].kind() != "check" {
                    true => None,
                    false => Some(old.cells[n].source().to_vec()),
                };
                adopt(cell, &old.cells[n], source);
            }
            None if kept.contains(cell.id().as_str()) => {
                set_id(cell, CellId::from(uuid::Uuid::new_v4()));
            }
            None => {}
        }
        let kind = segments[i].kind();
        base.push(Value::from(base_entry(
            cell.id().as_str(),
            kind,
            &cell_text(cell),
        )));
    }
    let mut course = match course_metadata(old) {
        Value::Object(map) => map.clone(),
        _ => Map::new(),
    };
    match course_metadata(&made).get("front_matter") {
        Some(front) => course.insert("front_matter".into(), front.clone()),
        None => course.remove("front_matter"),
    };
    course.insert(BASE.into(), base.into());
    let mut metadata = old.metadata.clone();
    if metadata.kernelspec.is_none() {
        metadata.kernelspec = made.metadata.kernelspec.clone();
    }
    metadata
        .additional
        .insert(KEY.to_string(), Value::Object(course));
    made.metadata = metadata;
    made
}

/// The first segment whose stored output no longer stands: the first code that the chapter changed, or
/// that does not follow the code that it followed in the notebook.
fn first_stale(
    old: &Notebook,
    segments: &[Segment],
    cells: &[Option<usize>],
    from_chapter: &[bool],
) -> usize {
    let mut then = old.cells.iter().enumerate().filter(|(_, cell)| {
        let repeated = cell_course(cell).is_some_and(|m| m.contains_key("recheck"));
        matches!(cell, NbCell::Code { .. }) && !repeated && !cell_text(cell).trim().is_empty()
    });
    (0..segments.len())
        .filter(|i| segments[*i].kind() == "code")
        .find(|i| from_chapter[*i] || then.next().map(|(n, _)| n) != cells[*i])
        .unwrap_or(segments.len())
}

/// Gives a new cell what the notebook's own cell had.
fn adopt(cell: &mut NbCell, old: &NbCell, source: Option<Vec<String>>) {
    set_id(cell, old.id().clone());
    let ours = cell.metadata().clone();
    let mut metadata: CellMetadata = old.metadata().clone();
    if let Some(course) = ours.additional.get(KEY) {
        metadata.additional.insert(KEY.to_string(), course.clone());
    }
    let raises = "raises-exception";
    let must = ours.tags.iter().flatten().any(|t| t == raises);
    let mut tags = metadata.tags.take().unwrap_or_default();
    tags.retain(|t| t != raises || must);
    if must && !tags.iter().any(|t| t == raises) {
        tags.push(raises.to_string());
    }
    metadata.tags = (!tags.is_empty()).then_some(tags);
    metadata.jupyter = metadata.jupyter.or(ours.jupyter);
    match cell {
        NbCell::Markdown {
            metadata: m,
            source: s,
            attachments: a,
            ..
        } => {
            *m = metadata;
            if let Some(source) = source {
                *s = source;
            }
            if let NbCell::Markdown { attachments, .. } = old {
                *a = attachments.clone();
            }
        }
        NbCell::Code {
            metadata: m,
            source: s,
            ..
        }
        | NbCell::Raw {
            metadata: m,
            source: s,
            ..
        } => {
            *m = metadata;
            if let Some(source) = source {
                *s = source;
            }
        }
    }
}

fn set_id(cell: &mut NbCell, new: CellId) {
    match cell {
        NbCell::Markdown { id, .. } | NbCell::Code { id, .. } | NbCell::Raw { id, .. } => *id = new,
    }
}

//! Every named result of the chapter, computed through the crate alone and compared with the notebook's.
//!
//! The results are of one text of the documentation: where the toolchain brings another, or the models are not fetched, the
//! test says so and is left out.

use display::contract::Notebook;
use genai::chunk::{Chunk, Chunker, Section};
use genai::embed::{MiniLm, cache_folder};
use genai::evaluate::{Interval, Scores, bootstrap_mean, threshold};
use genai::exact::Exact;
use genai::llm::SmolLm2;
use genai::questions::{Questions, corpus, questions};
use genai::rag::{Retriever, Search, Settings, ask, support};
use ndarray::Array2;

fn skip(why: impl std::fmt::Display) {
    assert!(
        std::env::var_os("COURSE_REQUIRE_ALL").is_none_or(|v| v != "1"),
        "{why}"
    );
    println!("skipped: {why}");
}

struct Chapter {
    notebook: Notebook,
    sections: Vec<Section>,
    asked: Questions,
    gold: Vec<Vec<usize>>,
    vectors: Array2<f32>,
    retriever: Retriever,
}

fn chapter() -> Option<Chapter> {
    let notebook = Notebook::open("modern-ai/retrieval-augmented-generation")
        .expect("the notebook is committed");
    let sections = match corpus() {
        Ok(sections) => sections,
        Err(error) => {
            skip(error);
            return None;
        }
    };
    let model = match MiniLm::fetched() {
        Ok(model) => model,
        Err(error) => {
            skip(error);
            return None;
        }
    };
    let asked = questions().unwrap();
    let gold = asked.answers(&sections).unwrap();
    let chunks = Chunker::new(180, 20).unwrap().cut(&sections);
    let passages: Vec<String> = chunks.iter().map(Chunk::passage).collect();
    let vectors = model
        .embed_cached(&passages, &cache_folder().unwrap())
        .unwrap();
    let retriever = Retriever::new(model, chunks, vectors.view()).unwrap();
    Some(Chapter {
        notebook,
        sections,
        asked,
        gold,
        vectors,
        retriever,
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn interval(values: &[f64]) -> Interval {
    bootstrap_mean(values, 0.95, 2000, 1).unwrap()
}

#[test]
fn the_searches_are_as_good_as_the_chapter_says() {
    let Some(c) = chapter() else { return };
    c.notebook.assert("corpus.sections", c.sections.len());
    c.notebook
        .assert("corpus.passages", c.retriever.chunks().len());
    c.notebook.assert("corpus.dimensions", c.vectors.ncols());
    c.notebook.assert("questions.count", c.gold.len());
    let scores = Search::ALL.map(|how| {
        let lists: Vec<Vec<usize>> = c
            .asked
            .asked
            .iter()
            .map(|q| c.retriever.sections(how, &q.text).unwrap())
            .collect();
        Scores::new(&lists, &c.gold).unwrap()
    });
    let difference = |other: usize| {
        let pairs = scores[2]
            .reciprocal_rank
            .iter()
            .zip(&scores[other].reciprocal_rank);
        interval(&pairs.map(|(a, b)| a - b).collect::<Vec<f64>>())
    };
    let (dense, words) = (difference(0), difference(1));
    c.notebook.assert("difference.dense", dense.mean);
    c.notebook.assert("difference.dense_low", dense.low);
    c.notebook.assert("difference.dense_high", dense.high);
    c.notebook.assert("difference.bm25", words.mean);
    c.notebook.assert("difference.bm25_low", words.low);
    c.notebook.assert("difference.bm25_high", words.high);
    let codes = |s: &Scores| {
        let pairs = c.asked.asked.iter().zip(&s.reciprocal_rank);
        mean(
            &pairs
                .filter(|(q, _)| q.kind == "error code")
                .map(|(_, r)| *r)
                .collect::<Vec<f64>>(),
        )
    };
    c.notebook.assert("codes.dense", codes(&scores[0]));
    c.notebook.assert("codes.bm25", codes(&scores[1]));
    let easy: Vec<Vec<usize>> = c
        .gold
        .iter()
        .map(|g| {
            c.retriever
                .sections(Search::Lexical, &c.sections[g[0]].title)
                .unwrap()
        })
        .collect();
    let first: Vec<Vec<usize>> = c.gold.iter().map(|g| vec![g[0]]).collect();
    c.notebook
        .assert("leak.honest", mean(&scores[1].reciprocal_rank));
    c.notebook.assert(
        "leak.headings",
        mean(&Scores::new(&easy, &first).unwrap().reciprocal_rank),
    );
}

#[test]
fn meaning_and_graph_are_as_the_chapter_says() {
    let Some(c) = chapter() else { return };
    let three = [
        "A cat sleeps on the sofa.",
        "A kitten is napping on the couch.",
        "The tax return is due in April.",
    ];
    let points = c.retriever.model().embed_batch(&three).unwrap();
    c.notebook
        .assert("meaning.cats", f64::from(points.row(0).dot(&points.row(1))));
    c.notebook
        .assert("meaning.tax", f64::from(points.row(0).dot(&points.row(2))));
    let texts: Vec<&str> = c.asked.asked.iter().map(|q| q.text.as_str()).collect();
    let queries = c.retriever.model().embed_batch(&texts).unwrap();
    let truth = Exact::new(c.vectors.clone())
        .unwrap()
        .search_many(queries.view(), 10)
        .unwrap();
    let mut searcher = c.retriever.dense_index().searcher();
    let (mut same, mut compared) = (0, 0);
    for (query, truth) in queries.rows().into_iter().zip(&truth) {
        let hits = searcher.search(query, 10, 80).unwrap();
        same += hits
            .iter()
            .filter(|h| truth.iter().any(|t| t.id == h.id))
            .count();
        compared += searcher.compared();
    }
    c.notebook
        .assert("graph.recall_80", same as f64 / (10.0 * truth.len() as f64));
    c.notebook
        .assert("graph.compared_80", compared as f64 / truth.len() as f64);
    let rules = c
        .retriever
        .chunks()
        .iter()
        .find(|chunk| chunk.anchor == "ownership-rules")
        .unwrap()
        .passage();
    let words = c.retriever.lexical_index();
    c.notebook.assert(
        "blind.right",
        support("There can only be one owner at a time.", &rules, words),
    );
    c.notebook.assert(
        "blind.wrong",
        support("There can not only be one owner at a time.", &rules, words),
    );
}

#[test]
fn refusals_and_answers_are_as_the_chapter_says() {
    let Some(c) = chapter() else { return };
    let on: Vec<f64> = c
        .asked
        .asked
        .iter()
        .map(|q| c.retriever.evidence(&q.text).unwrap().score())
        .collect();
    let off: Vec<f64> = c
        .asked
        .off_topic
        .iter()
        .map(|q| c.retriever.evidence(q).unwrap().score())
        .collect();
    let half = |v: &[f64], from: usize| {
        v.iter()
            .skip(from)
            .step_by(2)
            .copied()
            .collect::<Vec<f64>>()
    };
    let (at, _) = threshold(&half(&on, 0), &half(&off, 0)).unwrap();
    let share = |v: Vec<f64>| v.iter().filter(|x| **x >= at).count() as f64 / v.len() as f64;
    c.notebook.assert("refusal.threshold", at);
    c.notebook.assert("refusal.answered", share(half(&on, 1)));
    c.notebook.assert("refusal.wrongly", share(half(&off, 1)));
    let writer = match SmolLm2::fetched() {
        Ok(writer) => writer,
        Err(error) => return skip(error),
    };
    let settings = Settings::default();
    let each: Vec<f64> = c
        .asked
        .asked
        .iter()
        .step_by(12)
        .map(|q| ask(&c.retriever, &writer, &q.text, &settings, &mut |_| {}).unwrap())
        .filter(|answer| !answer.refused)
        .map(|answer| answer.faithfulness())
        .collect();
    let faithful = interval(&each);
    c.notebook.assert("faithful.mean", faithful.mean);
    c.notebook.assert("faithful.low", faithful.low);
    c.notebook.assert("faithful.high", faithful.high);
    c.notebook.assert("faithful.questions", each.len());
}

//! Every named result of the chapter, computed through the crate alone and compared with the notebook's.
//!
//! The results are of one text of the documentation: where the toolchain brings another, or the models are not fetched, the
//! test says so and is left out.

use display::contract::Notebook;
use genai::chunk::{Chunk, Chunker, Section};
use genai::embed::{MiniLm, cache_folder};
use genai::evaluate::{Interval, Scores, bootstrap_mean, hit_rate, share_interval, threshold};
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

impl Chapter {
    fn rank(&self, how: Search) -> Vec<Vec<usize>> {
        let asked = self.asked.asked.iter();
        asked
            .map(|q| self.retriever.sections(how, &q.text).unwrap())
            .collect()
    }

    fn scores(&self, lists: &[Vec<usize>]) -> Scores {
        Scores::new(lists, &self.gold).unwrap()
    }

    /// The MRR of the questions that name an error code.
    fn on_codes(&self, scores: &Scores) -> f64 {
        let pairs = self.asked.asked.iter().zip(&scores.reciprocal_rank);
        let of = pairs.filter(|(q, _)| q.kind == "error code");
        mean(&of.map(|(_, rank)| *rank).collect::<Vec<f64>>())
    }
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
    let rankings = Search::ALL.map(|how| c.rank(how));
    let hits = |k: usize| hit_rate(&rankings[2], &c.gold, k).unwrap();
    c.notebook.assert("hits.first", hits(1));
    c.notebook.assert("hits.ten", hits(10));
    let scores = rankings.each_ref().map(|lists| c.scores(lists));
    let difference = |a: usize, b: usize| {
        let pairs = scores[a]
            .reciprocal_rank
            .iter()
            .zip(&scores[b].reciprocal_rank);
        interval(&pairs.map(|(a, b)| a - b).collect::<Vec<f64>>())
    };
    let (dense, words, between) = (difference(2, 0), difference(2, 1), difference(0, 1));
    c.notebook.assert("difference.dense", dense.mean);
    c.notebook.assert("difference.dense_low", dense.low);
    c.notebook.assert("difference.dense_high", dense.high);
    c.notebook.assert("difference.bm25", words.mean);
    c.notebook.assert("difference.bm25_low", words.low);
    c.notebook.assert("difference.bm25_high", words.high);
    c.notebook.assert("difference.between", between.mean);
    c.notebook.assert("difference.between_low", between.low);
    c.notebook.assert("difference.between_high", between.high);
    let [dense, words, both] = scores.each_ref().map(|scores| c.on_codes(scores));
    c.notebook.assert("codes.dense", dense);
    c.notebook.assert("codes.bm25", words);
    c.notebook.assert("codes.hybrid", both);
    let mut routed = rankings[2].clone();
    for (list, question) in routed.iter_mut().zip(&c.asked.asked) {
        let codes: Vec<usize> = (0..c.sections.len())
            .filter(|&place| {
                let code = c.sections[place].anchor.strip_prefix("error-code-e");
                code.is_some_and(|code| question.text.contains(&format!("E{code}")))
            })
            .collect();
        assert!(codes.len() <= 1, "{question:?} names several codes");
        list.retain(|place| !codes.contains(place));
        list.splice(0..0, codes);
    }
    let routed = c.scores(&routed);
    c.notebook.assert("routed.codes", c.on_codes(&routed));
    c.notebook
        .assert("routed.all", mean(&routed.reciprocal_rank));
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
        .assert("leak.written", mean(&scores[1].reciprocal_rank));
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
    let rule = "When the owner goes out of scope, the value will be dropped.";
    let wrong = rule.replace("be", "not be");
    c.notebook
        .assert("blind.right", support(rule, &rules, words));
    c.notebook
        .assert("blind.wrong", support(&wrong, &rules, words));
    let opening = "Why can I not use this variable any more?";
    let list = c.retriever.sections(Search::Hybrid, opening).unwrap();
    for &place in &list[..10] {
        let anchor = c.sections[place].anchor.as_str();
        assert!(
            anchor != "variables-and-data-interacting-with-move" && anchor != "error-code-e0382",
            "{anchor} is found"
        );
    }
    let evidence = c.retriever.evidence(opening).unwrap().score();
    c.notebook.assert("opening.evidence", evidence);
    assert!(evidence >= Settings::default().least_evidence);
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
    c.notebook.assert("refusal.threshold", at);
    let left = half(&off, 1);
    let passed = left.iter().filter(|x| **x >= at).count();
    c.notebook.assert("refusal.passed", passed);
    c.notebook.assert(
        "refusal.high",
        share_interval(passed, left.len()).unwrap().high,
    );
    let writer = match SmolLm2::fetched() {
        Ok(writer) => writer,
        Err(error) => return skip(error),
    };
    let settings = Settings::default();
    let each: Vec<f64> = c
        .asked
        .asked
        .iter()
        .skip(1)
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

//! BM25 and the measures of a ranking against numpy and scikit-learn, chunking and exact search against what must hold.

use genai::bm25::Bm25;
use genai::chunk::{Chunker, Section, length, markdown_sections};
use genai::evaluate::{
    bootstrap_mean, hit_rate, ndcg_at_k, recall_at_k, reciprocal_rank, share_interval,
};
use genai::exact::Exact;
use genai::{Hit, RetrievalError};
use ndarray::{Array2, array};
use proptest::prelude::*;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/retrieval.json")).expect("the golden file is JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .expect("an array")
        .iter()
        .map(|v| v.as_f64().expect("a number"))
        .collect()
}

#[test]
fn the_small_case_of_the_chapter_is_as_in_numpy_and_scikit_learn() {
    let toy = &golden()["toy"];
    let passages: Vec<&str> = toy["passages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p.as_str().unwrap())
        .collect();
    let index = Bm25::new(&passages).unwrap();
    for hit in index.search(toy["query"].as_str().unwrap(), 3).unwrap() {
        let want = numbers(&toy["scores"])[hit.id];
        assert!(
            (f64::from(hit.score) - want).abs() < 1e-6,
            "{hit:?}, not {want}"
        );
    }
    let got = ndcg_at_k(&ids(&toy["ranked"]), &ids(&toy["relevant"]), 3);
    assert!(
        (got - toy["ndcg"].as_f64().unwrap()).abs() < 1e-12,
        "{got}: {toy}"
    );
}

fn ids(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|v| v as usize).collect()
}

#[test]
fn bm25_is_the_formula_in_numpy() {
    let golden = golden();
    let passages: Vec<&str> = golden["passages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p.as_str().unwrap())
        .collect();
    let cases = golden["bm25"].as_array().unwrap();
    assert_eq!(cases.len(), 18);
    for case in cases {
        let (k1, b) = (case["k1"].as_f64().unwrap(), case["b"].as_f64().unwrap());
        let index = Bm25::with(&passages, k1, b).unwrap();
        let query = case["query"].as_str().unwrap();
        let hits = index.search(query, passages.len()).unwrap();
        let want = numbers(&case["scores"]);
        for (id, want) in want.iter().enumerate() {
            let got = hits
                .iter()
                .find(|hit| hit.id == id)
                .map_or(0.0, |hit| f64::from(hit.score));
            assert!(
                (got - want).abs() <= 1e-6 * want.abs(),
                "{query:?}, k1 {k1}, b {b}, passage {id}: {got}, not {want}"
            );
        }
        assert!(
            hits.windows(2).all(|w| w[0].score >= w[1].score),
            "{query:?}: not best first: {hits:?}"
        );
    }
}

#[test]
fn bm25_refuses_what_it_cannot_use() {
    assert!(matches!(
        Bm25::new(["", " ?! "]),
        Err(RetrievalError::Empty { .. })
    ));
    assert!(matches!(
        Bm25::with(["a"], -1.0, 0.5),
        Err(RetrievalError::Parameter { name: "k1", .. })
    ));
    assert!(matches!(
        Bm25::with(["a"], f64::NAN, 0.5),
        Err(RetrievalError::Parameter { name: "k1", .. })
    ));
    assert!(matches!(
        Bm25::with(["a"], 1.0, 1.5),
        Err(RetrievalError::Parameter { name: "b", .. })
    ));
    let index = Bm25::new(["a cat", ""]).unwrap();
    assert!(matches!(
        index.search(" ?! ", 3),
        Err(RetrievalError::EmptyQuery)
    ));
    assert_eq!(index.search("kissa", 3).unwrap(), []);
    assert_eq!(index.search("猫", 3).unwrap(), []);
    assert_eq!(index.search("cat", 0).unwrap(), []);
    assert_eq!(index.search("cat", 3).unwrap().len(), 1);
}

#[test]
fn a_query_of_100_kb_is_answered() {
    let index = Bm25::new(["a cat", "a dog"]).unwrap();
    let query = "cat ".repeat(25_600);
    assert_eq!(query.len(), 102_400);
    assert_eq!(index.search(&query, 1).unwrap()[0].id, 0);
}

#[test]
fn ndcg_is_that_of_scikit_learn() {
    let golden = golden();
    let cases = golden["ndcg"].as_array().unwrap();
    assert_eq!(cases.len(), 6);
    for case in cases {
        let (ranked, relevant) = (ids(&case["ranked"]), ids(&case["relevant"]));
        let got = ndcg_at_k(&ranked, &relevant, case["k"].as_u64().unwrap() as usize);
        let want = case["ndcg"].as_f64().unwrap();
        assert!((got - want).abs() < 1e-12, "{case}: {got}, not {want}");
    }
}

#[test]
fn the_interval_of_a_share_is_that_of_scipy() {
    let golden = golden();
    let cases = golden["shares"].as_array().unwrap();
    assert_eq!(cases.len(), 7);
    for case in cases {
        let number = |key: &str| case[key].as_u64().unwrap() as usize;
        let got = share_interval(number("count"), number("of")).unwrap();
        for (got, want) in [(got.low, &case["low"]), (got.high, &case["high"])] {
            let want = want.as_f64().unwrap();
            assert!((got - want).abs() < 1e-12, "{case}: {got}, not {want}");
        }
    }
    assert!(matches!(
        share_interval(0, 0),
        Err(RetrievalError::Empty { .. })
    ));
    assert!(matches!(
        share_interval(3, 2),
        Err(RetrievalError::Parameter { name: "count", .. })
    ));
}

#[test]
fn hits_are_counted_by_question() {
    let (rankings, answers) = (
        [vec![1, 2], vec![3], vec![]],
        [vec![2, 9], vec![3], vec![4]],
    );
    assert_eq!(hit_rate(&rankings, &answers, 0).unwrap(), 0.0);
    assert_eq!(hit_rate(&rankings, &answers, 1).unwrap(), 1.0 / 3.0);
    assert_eq!(hit_rate(&rankings, &answers, 9).unwrap(), 2.0 / 3.0);
    assert!(matches!(
        hit_rate(&rankings, &answers[..2], 1),
        Err(RetrievalError::Shape {
            expected: 2,
            got: 3,
            ..
        })
    ));
    assert!(matches!(
        hit_rate(&[], &[], 1),
        Err(RetrievalError::Empty { .. })
    ));
}

#[test]
fn measures_at_their_ends() {
    assert_eq!(recall_at_k(&[1, 2], &[], 5), 0.0);
    assert_eq!(recall_at_k(&[], &[1], 5), 0.0);
    assert_eq!(recall_at_k(&[1, 1, 2], &[1, 2], 2), 0.5);
    assert_eq!(reciprocal_rank(&[], &[1]), 0.0);
    assert_eq!(ndcg_at_k(&[1], &[1], 0), 0.0);
    assert_eq!(
        ndcg_at_k(&[1, 1], &[1, 2], 2),
        1.0 / (1.0 + 1.0 / 3f64.log2())
    );
}

#[test]
fn the_bootstrap_covers_as_often_as_it_says() {
    // 300 samples of 60 throws of a coin that falls right 7 times of 10: the interval of the mean must hold 0.7 in about 95 %
    let mut state = 88u64;
    let mut throw = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        f64::from(u8::from((state >> 40) % 10 < 7))
    };
    let covered = (0..300)
        .filter(|&seed| {
            let values: Vec<f64> = (0..60).map(|_| throw()).collect();
            let interval = bootstrap_mean(&values, 0.95, 400, seed).unwrap();
            assert!(interval.low <= interval.mean && interval.mean <= interval.high);
            interval.low <= 0.7 && 0.7 <= interval.high
        })
        .count();
    assert!(
        (270..=294).contains(&covered),
        "{covered} of 300 intervals hold the true mean"
    );
}

#[test]
fn the_bootstrap_refuses_what_it_cannot_use() {
    assert!(matches!(
        bootstrap_mean(&[], 0.95, 10, 1),
        Err(RetrievalError::Empty { .. })
    ));
    assert!(matches!(
        bootstrap_mean(&[1.0], 1.0, 10, 1),
        Err(RetrievalError::Parameter { name: "level", .. })
    ));
    assert!(matches!(
        bootstrap_mean(&[1.0], 0.9, 0, 1),
        Err(RetrievalError::Parameter {
            name: "resamples",
            ..
        })
    ));
    assert!(matches!(
        bootstrap_mean(&[1.0, f64::NAN], 0.9, 5, 1),
        Err(RetrievalError::Vector { row: 1, .. })
    ));
    let same = bootstrap_mean(&[0.5; 9], 0.95, 50, 1).unwrap();
    assert_eq!((same.low, same.mean, same.high), (0.5, 0.5, 0.5));
    let once = bootstrap_mean(&[0.0, 1.0, 1.0], 0.9, 100, 7).unwrap();
    assert_eq!(once, bootstrap_mean(&[0.0, 1.0, 1.0], 0.9, 100, 7).unwrap());
}

fn section(text: &str) -> Section {
    Section {
        source: "s".into(),
        path: "p.html".into(),
        anchor: "a".into(),
        title: "T".into(),
        text: text.into(),
    }
}

proptest! {
    #[test]
    fn chunks_cover_the_text_and_keep_to_the_length(
        text in "([a-zé]{1,14}[ .,\n]{1,2}|[一二三。]{1,4}|\n\n|[{}();&]{1,3}){0,120}",
        longest in 4usize..40,
        overlap in 0usize..8,
    ) {
        prop_assume!(overlap * 2 < longest);
        let section = section(&text);
        let chunks = Chunker::new(longest, overlap).unwrap().cut(std::slice::from_ref(&section));
        let mut covered = 0;
        for (i, chunk) in chunks.iter().enumerate() {
            prop_assert_eq!(&text[chunk.start..chunk.start + chunk.text.len()], chunk.text.as_str());
            prop_assert!(length(&chunk.text) <= longest, "{} pieces in {:?}", length(&chunk.text), chunk.text);
            let from = covered.min(chunk.start);
            prop_assert!(text[from..chunk.start].trim().is_empty() || i == 0, "lost {:?}", &text[from..chunk.start]);
            if i > 0 {
                prop_assert!(chunk.start <= covered || text[covered..chunk.start].trim().is_empty());
                let repeated = text.get(chunk.start..covered).map_or(0, length);
                prop_assert!(repeated <= overlap + 1, "{} pieces repeated, not {}", repeated, overlap);
            }
            prop_assert!(chunk.start + chunk.text.len() > covered, "no progress");
            covered = chunk.start + chunk.text.len();
        }
        if text.chars().any(char::is_alphanumeric) {
            prop_assert!(text[covered..].trim().is_empty(), "lost the end {:?}", &text[covered..]);
            prop_assert!(text[..chunks[0].start].trim().is_empty());
        } else {
            prop_assert!(chunks.is_empty());
        }
    }
}

#[test]
fn a_chunk_ends_at_a_paragraph_where_it_can() {
    let section = section("Eins zwei drei vier.\n\nFunf sechs sieben. Acht neun zehn elf.");
    let chunks = Chunker::new(10, 0).unwrap().cut(&[section]);
    assert_eq!(chunks[0].text, "Eins zwei drei vier.\n\nFunf sechs sieben.");
    let long = Section {
        text: "One two three four five six.\n\nSeven eight nine ten.".into(),
        ..chunk_source()
    };
    let chunks = Chunker::new(9, 0).unwrap().cut(&[long]);
    assert_eq!(chunks[0].text, "One two three four five six.");
    assert_eq!((chunks[1].section, chunks[1].start), (0, 30));
}

fn chunk_source() -> Section {
    section("")
}

#[test]
fn chunkers_that_cannot_advance_are_refused() {
    assert!(matches!(
        Chunker::new(0, 0),
        Err(RetrievalError::Parameter {
            name: "longest",
            ..
        })
    ));
    assert!(matches!(
        Chunker::new(10, 5),
        Err(RetrievalError::Parameter {
            name: "overlap",
            ..
        })
    ));
    assert_eq!(
        Chunker::new(1, 0).unwrap().cut(&[section("one two")]).len(),
        2
    );
}

#[test]
fn markdown_is_cut_at_its_headings() {
    let page = "---\ntitle: x\n---\nBefore.\n# First *one*\ntext\n```rust\n# not a heading\n## nor this\n```\n## Same\na\n## Same\nb\n####### no\n#nor\n";
    let sections = markdown_sections("Book", "b.md", page);
    let seen: Vec<(&str, &str)> = sections
        .iter()
        .map(|s| (s.anchor.as_str(), s.title.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("", ""),
            ("first-one", "First *one*"),
            ("same", "Same"),
            ("same-1", "Same")
        ]
    );
    assert!(
        sections[1].text.contains("# not a heading"),
        "{}",
        sections[1].text
    );
    assert!(
        sections[3].text.contains("####### no"),
        "{}",
        sections[3].text
    );
    assert!(markdown_sections("Book", "b.md", "").is_empty());
}

#[test]
fn exact_search_is_the_sorted_products() {
    let vectors = Array2::from_shape_fn((3000, 7), |(i, j)| {
        (((i * 37 + j * 11) % 101) as f32 - 50.0) / 50.0
    });
    let queries = Array2::from_shape_fn((130, 7), |(i, j)| {
        (((i * 53 + j * 29) % 97) as f32 - 48.0) / 48.0
    });
    let index = Exact::new(vectors.clone()).unwrap();
    let found = index.search_many(queries.view(), 10).unwrap();
    assert_eq!(found.len(), 130);
    for (query, hits) in queries.rows().into_iter().zip(&found) {
        let mut scores: Vec<f32> = vectors.rows().into_iter().map(|v| v.dot(&query)).collect();
        assert!(
            hits.iter()
                .all(|hit| (hit.score - scores[hit.id]).abs() < 1e-5),
            "{hits:?}"
        );
        scores.sort_by(|a, b| b.total_cmp(a));
        for (hit, want) in hits.iter().zip(&scores) {
            assert!(
                (hit.score - want).abs() < 1e-5,
                "{} where {want} is best",
                hit.score
            );
        }
    }
    assert_eq!(index.search(queries.row(5), 10).unwrap().len(), 10);
    assert_eq!(index.search(queries.row(5), 10_000).unwrap().len(), 3000);
    assert_eq!(index.search(queries.row(5), 0).unwrap(), []);
}

#[test]
fn equal_scores_come_by_id() {
    let index = Exact::new(Array2::ones((5, 2))).unwrap();
    let hits = index.search(array![1.0, 0.0].view(), 3).unwrap();
    assert_eq!(hits, [0, 1, 2].map(|id| Hit { id, score: 1.0 }));
}

#[test]
fn exact_search_refuses_what_it_cannot_use() {
    assert!(matches!(
        Exact::new(Array2::zeros((0, 3))),
        Err(RetrievalError::Empty { .. })
    ));
    assert!(matches!(
        Exact::new(array![[1.0], [f32::NAN]]),
        Err(RetrievalError::Vector { row: 1, .. })
    ));
    let index = Exact::new(array![[1.0, 2.0]]).unwrap();
    assert!(matches!(
        index.search(array![1.0].view(), 1),
        Err(RetrievalError::Shape {
            expected: 2,
            got: 1,
            ..
        })
    ));
    assert!(matches!(
        index.search(array![1.0, f32::INFINITY].view(), 1),
        Err(RetrievalError::Vector { .. })
    ));
}

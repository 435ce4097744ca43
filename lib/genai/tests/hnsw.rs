//! The graph index against exact search, and its file against every kind of damage.

use std::path::Path;

use genai::exact::Exact;
use genai::hnsw::{Hnsw, Parameters};
use genai::{Hit, RetrievalError};
use ndarray::{Array2, array};

/// Vectors of length 1 in clusters: like text, unlike uniform noise.
fn vectors(n: usize, d: usize, seed: u64) -> Array2<f32> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut draw = || {
        // a sum of four uniforms, near enough to a normal draw
        (0..4)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
            })
            .sum::<f32>()
    };
    let centres = Array2::from_shape_simple_fn((20, d), &mut draw);
    let mut all = Array2::from_shape_simple_fn((n, d), &mut draw);
    for (i, mut row) in all.rows_mut().into_iter().enumerate() {
        row *= 0.7;
        row += &centres.row(i % 20);
        let length = row.dot(&row).sqrt();
        row /= length;
    }
    all
}

fn recall(found: &[Hit], truth: &[Hit]) -> f64 {
    truth
        .iter()
        .filter(|t| found.iter().any(|f| f.id == t.id))
        .count() as f64
        / truth.len() as f64
}

fn mean_recall(index: &Hnsw, exact: &Exact, queries: &Array2<f32>, ef: usize) -> f64 {
    let truth = exact.search_many(queries.view(), 10).unwrap();
    let mut searcher = index.searcher();
    let sum: f64 = queries
        .rows()
        .into_iter()
        .zip(&truth)
        .map(|(q, t)| recall(&searcher.search(q, 10, ef).unwrap(), t))
        .sum();
    sum / truth.len() as f64
}

#[test]
fn it_finds_what_exact_search_finds() {
    let all = vectors(4000, 24, 1);
    let queries = vectors(200, 24, 2);
    let index = Hnsw::build(all.view(), Parameters::default()).unwrap();
    let exact = Exact::new(all).unwrap();
    let recalls: Vec<f64> = [10, 50, 200]
        .map(|ef| mean_recall(&index, &exact, &queries, ef))
        .to_vec();
    assert!(
        recalls[1] > 0.95,
        "recall@10 with ef = 10, 50, 200: {recalls:?}"
    );
    assert!(
        recalls[2] > 0.995,
        "recall@10 with ef = 10, 50, 200: {recalls:?}"
    );
    assert!(
        recalls[0] < recalls[2],
        "recall@10 with ef = 10, 50, 200: {recalls:?}"
    );
    // far fewer comparisons than there are vectors
    let mut searcher = index.searcher();
    searcher.search(queries.row(0), 10, 50).unwrap();
    assert!(
        searcher.compared() < 2000,
        "{} of 4000 compared",
        searcher.compared()
    );
}

#[test]
fn scores_are_cosines_and_come_best_first() {
    let all = vectors(500, 24, 3);
    let index = Hnsw::build(all.view(), Parameters::default()).unwrap();
    let query = all.row(17).mapv(|v| v * 3.0); // of any length
    let hits = index.search(query.view(), 5, 50).unwrap();
    assert_eq!(hits[0].id, 17);
    assert!((hits[0].score - 1.0).abs() < 1e-5, "{}", hits[0].score);
    for pair in hits.windows(2) {
        assert!(pair[0].score >= pair[1].score, "{hits:?}");
    }
    for hit in &hits {
        assert!((hit.score - all.row(hit.id).dot(&all.row(17))).abs() < 1e-5);
    }
}

#[test]
fn small_indices_hold_everything() {
    for n in 1..20 {
        let all = vectors(n, 8, n as u64);
        let index = Hnsw::build(
            all.view(),
            Parameters {
                m: 2,
                ef_construction: 10,
                seed: 5,
            },
        )
        .unwrap();
        let mut ids: Vec<usize> = index
            .search(all.row(0), n, 100)
            .unwrap()
            .iter()
            .map(|h| h.id)
            .collect();
        ids.sort_unstable();
        assert!(ids.len() == n || n > 6, "{ids:?} of {n}");
        assert!(ids.contains(&0));
    }
}

#[test]
fn the_same_vector_many_times_is_no_trouble() {
    let mut all = Array2::zeros((300, 4));
    all.column_mut(1).fill(1.0);
    let index = Hnsw::build(all.view(), Parameters::default()).unwrap();
    let hits = index
        .search(array![0.0, 1.0, 0.0, 0.0].view(), 10, 50)
        .unwrap();
    assert!(!hits.is_empty());
    assert!(hits.iter().all(|h| h.score == 1.0), "{hits:?}");
}

#[test]
fn the_same_seed_gives_the_same_file_and_another_seed_another() {
    let folder = tempfile::tempdir().unwrap();
    let all = vectors(600, 24, 4);
    let bytes = |seed: u64, name: &str| {
        let path = folder.path().join(name);
        Hnsw::build(
            all.view(),
            Parameters {
                seed,
                ..Parameters::default()
            },
        )
        .unwrap()
        .save(&path)
        .unwrap();
        std::fs::read(path).unwrap()
    };
    assert!(bytes(1, "a") == bytes(1, "b"));
    assert!(bytes(1, "a") != bytes(2, "c"));
}

#[test]
fn an_index_from_its_file_answers_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let all = vectors(800, 20, 5);
    let built = Hnsw::build(
        all.view(),
        Parameters {
            m: 8,
            ef_construction: 60,
            seed: 9,
        },
    )
    .unwrap();
    built.save(&path).unwrap();
    let opened = Hnsw::open(&path).unwrap();
    assert_eq!(opened.parameters(), built.parameters());
    assert_eq!(opened.shape(), built.shape());
    assert_eq!(opened.shape().vectors, 800);
    assert_eq!(
        opened.shape().bytes as u64,
        std::fs::metadata(&path).unwrap().len()
    );
    for query in vectors(50, 20, 6).rows() {
        assert_eq!(
            opened.search(query, 10, 40).unwrap(),
            built.search(query, 10, 40).unwrap()
        );
    }
    // saving over an open index leaves the open one whole
    built.save(&path).unwrap();
    assert_eq!(opened.search(all.row(3), 1, 40).unwrap()[0].id, 3);
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "no temporary file is left"
    );
}

fn open_bytes(folder: &Path, bytes: &[u8]) -> Result<Hnsw, RetrievalError> {
    let path = folder.join("damaged");
    std::fs::write(&path, bytes).unwrap();
    Hnsw::open(path)
}

#[test]
fn a_damaged_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let all = vectors(120, 20, 7);
    Hnsw::build(
        all.view(),
        Parameters {
            m: 4,
            ef_construction: 20,
            seed: 1,
        },
    )
    .unwrap()
    .save(&path)
    .unwrap();
    let whole = std::fs::read(&path).unwrap();
    assert!(open_bytes(folder.path(), &whole).is_ok());
    // cut off anywhere
    for cut in (0..whole.len()).step_by(61) {
        let error = open_bytes(folder.path(), &whole[..cut]).unwrap_err();
        let right = match cut {
            0..8 => matches!(error, RetrievalError::NotAnIndex { .. }),
            _ => matches!(error, RetrievalError::Corrupt { .. }),
        };
        assert!(right, "cut at {cut}: {error}");
    }
    // a bit flipped anywhere
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        let error = open_bytes(folder.path(), &bytes).unwrap_err();
        let right = match at {
            0..8 => matches!(error, RetrievalError::NotAnIndex { .. }),
            8..12 => matches!(error, RetrievalError::Version { known: 1, .. }),
            _ => matches!(error, RetrievalError::Corrupt { .. }),
        };
        assert!(right, "byte {at}: {error}");
    }
    // more than there should be
    let mut longer = whole.clone();
    longer.extend([0; 64]);
    assert!(matches!(
        open_bytes(folder.path(), &longer),
        Err(RetrievalError::Corrupt { .. })
    ));
    let error = open_bytes(folder.path(), b"PK\x03\x04 something else").unwrap_err();
    assert!(error.to_string().contains("not an index"), "{error}");
    assert!(matches!(
        Hnsw::open(folder.path().join("none")),
        Err(RetrievalError::Io { .. })
    ));
}

/// The file's checksum made right again after its bytes were changed: what another program might write.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut lanes = [1u64, 2, 3, 4];
    let mut text: Vec<u8> = bytes[..56].to_vec();
    text.extend(&bytes[64..]);
    let length = text.len() as u64;
    text.resize(text.len() / 32 * 32 + 32, 0);
    let mix = |h: u64, word: u64| {
        (h ^ word)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(31)
    };
    for block in text.as_chunks::<32>().0 {
        for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<8>().0) {
            *lane = mix(*lane, u64::from_le_bytes(*word));
        }
    }
    let checksum = lanes.iter().fold(length, |h, &lane| mix(h, lane));
    bytes[56..64].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

#[test]
fn a_file_with_a_right_checksum_and_wrong_links_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let all = vectors(120, 20, 7);
    Hnsw::build(
        all.view(),
        Parameters {
            m: 4,
            ef_construction: 20,
            seed: 1,
        },
    )
    .unwrap()
    .save(&path)
    .unwrap();
    let whole = std::fs::read(&path).unwrap();
    assert!(
        open_bytes(folder.path(), &resealed(whole.clone())).is_ok(),
        "the test's own checksum is wrong"
    );
    let links0 = 64 + 120 * 32 * 4;
    let levels = links0 + 120 * 8 * 4;
    let changes: [(&str, usize, &[u8]); 6] = [
        ("a link past the end", links0, &120u32.to_le_bytes()),
        ("another entry", 40, &7u32.to_le_bytes()),
        ("a vector that is NaN", 64, &f32::NAN.to_le_bytes()),
        ("no dimensions", 12, &0u32.to_le_bytes()),
        ("m of 0", 24, &0u32.to_le_bytes()),
        ("2^61 vectors", 16, &(1u64 << 61).to_le_bytes()),
    ];
    for (what, at, new) in changes {
        let mut bytes = whole.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        let error = open_bytes(folder.path(), &resealed(bytes)).unwrap_err();
        assert!(
            matches!(error, RetrievalError::Corrupt { .. }),
            "{what}: {error}"
        );
    }
    // any one byte of links, levels and offsets changed: an error, or an index that can be searched
    for at in links0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] = bytes[at].wrapping_add(1 + (at % 250) as u8);
        if let Ok(index) = open_bytes(folder.path(), &resealed(bytes)) {
            assert!(
                !(levels..levels + 120).contains(&at),
                "a changed level of node {}",
                at - levels
            );
            index.search(all.row(at % 120), 5, 20).unwrap();
        }
    }
}

#[test]
fn what_cannot_be_indexed_or_searched_is_refused() {
    let one = array![[1.0f32, 0.0]];
    let build = |m, ef_construction| {
        Hnsw::build(
            one.view(),
            Parameters {
                m,
                ef_construction,
                seed: 1,
            },
        )
    };
    assert!(matches!(
        build(1, 10),
        Err(RetrievalError::Parameter { name: "m", .. })
    ));
    assert!(matches!(
        build(129, 200),
        Err(RetrievalError::Parameter { name: "m", .. })
    ));
    assert!(matches!(
        build(16, 15),
        Err(RetrievalError::Parameter {
            name: "ef_construction",
            ..
        })
    ));
    let parameters = Parameters::default();
    assert!(matches!(
        Hnsw::build(Array2::zeros((0, 2)).view(), parameters),
        Err(RetrievalError::Empty { .. })
    ));
    let long = array![[1.0f32, 0.0], [1.0, 1.0]];
    assert!(matches!(
        Hnsw::build(long.view(), parameters),
        Err(RetrievalError::Vector { row: 1, .. })
    ));
    let nan = array![[1.0f32, 0.0], [0.0, f32::NAN]];
    assert!(matches!(
        Hnsw::build(nan.view(), parameters),
        Err(RetrievalError::Vector { row: 1, .. })
    ));
    let index = build(16, 200).unwrap();
    assert!(matches!(
        index.search(array![1.0].view(), 1, 1),
        Err(RetrievalError::Shape { .. })
    ));
    assert!(matches!(
        index.search(array![0.0, 0.0].view(), 1, 1),
        Err(RetrievalError::Vector { .. })
    ));
    assert!(matches!(
        index.search(array![f32::NAN, 0.0].view(), 1, 1),
        Err(RetrievalError::Vector { .. })
    ));
    assert_eq!(index.search(array![1.0, 0.0].view(), 0, 0).unwrap(), []);
}

//! The Rust side of `benches/hnsw.py`: prepares the vectors, and measures [`genai::hnsw`] on them.
//!
//! ```text
//! hnsw prepare FOLDER COUNT         base.f32, queries.f32 and truth.u32, from the GloVe vectors
//! hnsw measure FOLDER M EF_CONSTRUCTION EF...
//! ```

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use genai::exact::Exact;
use genai::hnsw::{Hnsw, Parameters};
use ndarray::{Array2, Axis, s};

const QUERIES: usize = 2000;
const DIMENSIONS: usize = 50;
const K: usize = 10;
const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["prepare", folder, count] => prepare(Path::new(folder), count.parse()?),
        ["measure", folder, m, ef_construction, ref efs @ ..] if !efs.is_empty() => {
            let efs = efs
                .iter()
                .map(|ef| ef.parse())
                .collect::<Result<Vec<usize>, _>>()?;
            measure(
                Path::new(folder),
                m.parse()?,
                ef_construction.parse()?,
                &efs,
            )
        }
        _ => {
            Err("hnsw prepare FOLDER COUNT, or hnsw measure FOLDER M EF_CONSTRUCTION EF...".into())
        }
    }
}

/// The commonest words as the set, the next ones as queries, and for each query its ten nearest by exact search.
fn prepare(folder: &Path, count: usize) -> Result<(), Box<dyn Error>> {
    let mut vectors = datasets::glove()?.slice_move(s![..count + QUERIES, ..]);
    for mut row in vectors.rows_mut() {
        let length = row.dot(&row).sqrt();
        row /= length;
    }
    let (base, queries) = vectors.view().split_at(Axis(0), count);
    let truth = Exact::new(base.to_owned())?.search_many(queries, K)?;
    let ids: Vec<u8> = truth
        .iter()
        .flatten()
        .flat_map(|hit| (hit.id as u32).to_le_bytes())
        .collect();
    std::fs::write(folder.join("base.f32"), bytes(base.iter()))?;
    std::fs::write(folder.join("queries.f32"), bytes(queries.iter()))?;
    std::fs::write(folder.join("truth.u32"), ids)?;
    Ok(())
}

fn bytes<'a>(values: impl Iterator<Item = &'a f32>) -> Vec<u8> {
    values.flat_map(|v| v.to_le_bytes()).collect()
}

fn read(path: &Path) -> Result<Array2<f32>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    let values: Vec<f32> = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
        .collect();
    Ok(Array2::from_shape_vec(
        (values.len() / DIMENSIONS, DIMENSIONS),
        values,
    )?)
}

/// Builds the index, and of each `ef` prints a line of JSON: recall, and the queries a second of the median round.
fn measure(
    folder: &Path,
    m: usize,
    ef_construction: usize,
    efs: &[usize],
) -> Result<(), Box<dyn Error>> {
    let base = read(&folder.join("base.f32"))?;
    let queries = read(&folder.join("queries.f32"))?;
    let truth: Vec<usize> = std::fs::read(folder.join("truth.u32"))?
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| u32::from_le_bytes(*b) as usize)
        .collect();
    let began = Clock::start();
    let index = Hnsw::build(
        base.view(),
        Parameters {
            m,
            ef_construction,
            seed: 1,
        },
    )?;
    let build = began.seconds();
    drop(base);
    let mut searcher = index.searcher();
    for &ef in efs {
        let mut found = 0;
        let mut compared = 0;
        for (query, truth) in queries.rows().into_iter().zip(truth.chunks(K)) {
            let hits = searcher.search(query, K, ef)?;
            found += hits.iter().filter(|hit| truth.contains(&hit.id)).count();
            compared += searcher.compared();
        }
        let mut rounds: Vec<f64> = Vec::new();
        for _ in 0..ROUNDS {
            let began = Clock::start();
            for query in queries.rows() {
                std::hint::black_box(searcher.search(query, K, ef)?);
            }
            rounds.push(queries.nrows() as f64 / began.seconds());
        }
        rounds.sort_by(f64::total_cmp);
        println!(
            "{{\"library\": \"this crate\", \"m\": {m}, \"ef_construction\": {ef_construction}, \"ef\": {ef}, \
             \"recall\": {:.4}, \"qps\": {:.0}, \"compared\": {:.0}, \"build_s\": {build:.1}, \"index_mb\": {:.1}}}",
            found as f64 / truth.len() as f64,
            rounds[ROUNDS / 2],
            compared as f64 / queries.nrows() as f64,
            index.shape().bytes as f64 / 1e6,
        );
    }
    Ok(())
}

/// Seconds that this thread has run: on Linux the processor's own count, which other programs do not lengthen.
enum Clock {
    Processor(u64),
    Wall(Instant),
}

impl Clock {
    fn start() -> Self {
        processor_time().map_or_else(|| Self::Wall(Instant::now()), Self::Processor)
    }

    fn seconds(&self) -> f64 {
        match self {
            Self::Processor(began) => (processor_time().unwrap_or(*began) - began) as f64 / 1e9,
            Self::Wall(began) => began.elapsed().as_secs_f64(),
        }
    }
}

/// Nanoseconds, from the scheduler's statistics.
fn processor_time() -> Option<u64> {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()?
        .split(' ')
        .next()?
        .parse()
        .ok()
}

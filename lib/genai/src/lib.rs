#![doc = include_str!("../README.md")]

pub mod backend;
pub mod bm25;
mod checksum;
pub mod chunk;
pub mod dot;
pub mod embed;
mod error;
pub mod evaluate;
pub mod exact;
pub mod fusion;
pub mod hnsw;
pub mod llm;
mod model_error;
pub mod questions;
pub mod rag;
mod random;
pub mod text;

use std::path::{Path, PathBuf};

pub use error::RetrievalError;
pub use model_error::ModelError;

/// A passage that a search has found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Which passage, counted from 0.
    pub id: usize,
    /// How well it fits, larger is better: a cosine, or a sum of BM25. Not to be compared from one index to another.
    pub score: f32,
}

/// Leaves the best `k` hits, best first; equal scores by the smaller id.
pub(crate) fn keep_best(hits: &mut Vec<Hit>, k: usize) {
    let order = |a: &Hit, b: &Hit| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id));
    if k == 0 {
        hits.clear();
    } else if hits.len() > k {
        hits.select_nth_unstable_by(k - 1, order);
        hits.truncate(k);
    }
    hits.sort_unstable_by(order);
}

/// A name beside `path` for a file that takes its place when it is whole; no two calls give the same.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}-{count}.tmp", std::process::id()));
    PathBuf::from(name)
}

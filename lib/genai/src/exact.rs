//! Exact dense search: the dot product with every vector. The oracle that an approximate index is measured against, and
//! fast enough by itself for some ten thousand vectors.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};

use crate::error::RetrievalError;
use crate::{Hit, keep_best};

/// How many rows of the index and how many queries are multiplied at once: scores of one block fit into a cache.
const ROWS: usize = 1024;
const QUERIES: usize = 64;

/// Vectors, searched by comparing a query with each.
///
/// # Examples
/// ```
/// use genai::exact::Exact;
/// use ndarray::array;
/// let index = Exact::new(array![[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])?;
/// let hits = index.search(array![0.0, 1.0].view(), 2)?;
/// assert_eq!((hits[0].id, hits[1].id), (2, 1));
/// assert_eq!(hits[1].score, 0.8);
/// # Ok::<(), genai::RetrievalError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Exact {
    vectors: Array2<f32>,
}

impl Exact {
    /// Takes vectors of shape `(n, d)`; a vector's id is its row. For the cosine as score, let each have length 1.
    ///
    /// # Errors
    /// [`RetrievalError::Empty`] without a vector, [`RetrievalError::Vector`] for one with NaN or an infinity.
    pub fn new(vectors: Array2<f32>) -> Result<Self, RetrievalError> {
        if vectors.is_empty() {
            return Err(RetrievalError::Empty {
                what: "the vectors to index",
            });
        }
        check_finite(vectors.view())?;
        Ok(Self { vectors })
    }

    /// How many vectors there are.
    pub fn len(&self) -> usize {
        self.vectors.nrows()
    }

    /// Whether there are none: never, since an index of nothing is an error.
    pub fn is_empty(&self) -> bool {
        self.vectors.is_empty()
    }

    /// The vectors, shape `(n, d)`.
    pub fn vectors(&self) -> ArrayView2<'_, f32> {
        self.vectors.view()
    }

    /// The `k` vectors with the largest dot product with the query, shape `(d,)`, best first; equal scores by the smaller id.
    ///
    /// # Errors
    /// [`RetrievalError::Shape`] where the query has another length, [`RetrievalError::Vector`] where it is not finite.
    ///
    /// # Complexity
    /// O(n · d).
    pub fn search(&self, query: ArrayView1<'_, f32>, k: usize) -> Result<Vec<Hit>, RetrievalError> {
        let mut all = self.search_many(query.insert_axis(Axis(0)), k)?;
        Ok(all.pop().unwrap_or_default())
    }

    /// The same for many queries at once, shape `(m, d)`: as matrix products of blocks, which is faster than one by one.
    ///
    /// # Errors
    /// As [`Exact::search`], with the query's row.
    ///
    /// # Complexity
    /// O(m · n · d) time, O(m · k) memory beside a block of scores.
    pub fn search_many(
        &self,
        queries: ArrayView2<'_, f32>,
        k: usize,
    ) -> Result<Vec<Vec<Hit>>, RetrievalError> {
        let (expected, got) = (self.vectors.ncols(), queries.ncols());
        if expected != got {
            return Err(RetrievalError::Shape {
                what: "the length of the query's vector",
                expected,
                got,
            });
        }
        check_finite(queries)?;
        let mut found: Vec<Vec<Hit>> = Vec::with_capacity(queries.nrows());
        for queries in queries.axis_chunks_iter(Axis(0), QUERIES) {
            let mut best: Vec<Vec<Hit>> = vec![Vec::with_capacity(2 * k + ROWS); queries.nrows()];
            for from in (0..self.len()).step_by(ROWS) {
                let to = (from + ROWS).min(self.len());
                let scores = queries.dot(&self.vectors.slice(s![from..to, ..]).t()); // (queries, rows)
                for (best, scores) in best.iter_mut().zip(scores.rows()) {
                    // what cannot be among the best k is left out at once
                    let bar = if best.len() == k {
                        best.last().map(|hit: &Hit| hit.score)
                    } else {
                        None
                    };
                    best.extend(
                        scores
                            .iter()
                            .enumerate()
                            .filter(|(_, score)| bar.is_none_or(|bar| **score > bar))
                            .map(|(i, &score)| Hit {
                                id: from + i,
                                score,
                            }),
                    );
                    keep_best(best, k);
                }
            }
            found.append(&mut best);
        }
        Ok(found)
    }
}

/// That every value is a number.
pub(crate) fn check_finite(vectors: ArrayView2<'_, f32>) -> Result<(), RetrievalError> {
    match vectors
        .rows()
        .into_iter()
        .position(|row| row.iter().any(|v| !v.is_finite()))
    {
        Some(row) => Err(RetrievalError::Vector {
            row,
            what: "it holds NaN or an infinity",
        }),
        None => Ok(()),
    }
}

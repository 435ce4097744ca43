//! Approximate nearest neighbours by a hierarchical navigable small-world graph, from scratch.
//!
//! Each vector is a node with links to near ones. All nodes are on level 0; each is on level `l` with probability `M^-l`,
//! so that every level is a coarser map of the one below. A search goes greedily from the top to the nearest node of each
//! level, and on level 0 keeps the `ef` best nodes seen, always following the nearest one not followed yet, until all `ef`
//! have been. Time grows with the logarithm of the number of vectors, not with the number.
//!
//! The score is the dot product; every vector must have length 1, so that it is the cosine, and the nearest by angle are also
//! the nearest by distance. The same vectors, parameters and seed give the same index, bit for bit, on every machine.
//!
//! # References
//! Malkov and Yashunin (2018), "Efficient and robust approximate nearest neighbor search using hierarchical navigable small
//! world graphs", algorithms 1, 2, 4 and 5.

mod build;
mod file;
mod graph;

use std::path::Path;

use ndarray::{ArrayView1, ArrayView2};

use crate::Hit;
use crate::dot::{LANES, Simd};
use crate::error::RetrievalError;
use crate::exact::check_finite;
use file::Storage;
use graph::{Graph, Scratch};

/// How an index is built: Malkov and Yashunin's parameters.
///
/// # Examples
/// ```
/// let parameters = genai::hnsw::Parameters::default();
/// assert_eq!((parameters.m, parameters.ef_construction), (16, 200));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters {
    /// Links of a node on the levels above 0, of which it has up to `2 m` on level 0; 2 to 128. More links: better recall,
    /// more memory.
    pub m: usize,
    /// How many near nodes a new one chooses its links from; at least `m`, at most 10,000. More: better links, slower build.
    pub ef_construction: usize,
    /// Where the levels' random numbers start.
    pub seed: u64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            m: 16,
            ef_construction: 200,
            seed: 1,
        }
    }
}

/// An index in memory, or mapped from its file.
///
/// # Examples
/// ```
/// use genai::hnsw::{Hnsw, Parameters};
/// use ndarray::array;
/// let index = Hnsw::build(array![[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]].view(), Parameters::default())?;
/// let hits = index.search(array![0.0, 1.0].view(), 2, 10)?;
/// assert_eq!((hits[0].id, hits[1].id), (2, 1));
/// # Ok::<(), genai::RetrievalError>(())
/// ```
#[derive(Debug)]
pub struct Hnsw {
    storage: Storage,
}

/// What an index is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Vectors.
    pub vectors: usize,
    /// Values of a vector.
    pub dimensions: usize,
    /// Links of all nodes on all levels.
    pub links: usize,
    /// Levels above level 0.
    pub levels: usize,
    /// Bytes of the index, in memory as in its file.
    pub bytes: usize,
}

impl Hnsw {
    /// Builds an index of vectors of shape `(n, d)`, each of length 1; a vector's id is its row. On one thread.
    ///
    /// # Errors
    /// [`RetrievalError::Parameter`] for a parameter outside its range, [`RetrievalError::Empty`] without vectors,
    /// [`RetrievalError::Vector`] for one that is not finite or whose length is not 1 to within 0.001.
    ///
    /// # Complexity
    /// O(n log n · (`ef_construction` · `m` · d)) time; O(n · (d + `m`)) memory.
    pub fn build(
        vectors: ArrayView2<'_, f32>,
        parameters: Parameters,
    ) -> Result<Self, RetrievalError> {
        let Parameters {
            m, ef_construction, ..
        } = parameters;
        if !(2..=128).contains(&m) {
            return Err(RetrievalError::Parameter {
                name: "m",
                value: m.to_string(),
                must: "between 2 and 128",
            });
        }
        if !(m..=10_000).contains(&ef_construction) {
            let value = ef_construction.to_string();
            return Err(RetrievalError::Parameter {
                name: "ef_construction",
                value,
                must: "at least m and at most 10,000",
            });
        }
        if vectors.is_empty() {
            return Err(RetrievalError::Empty {
                what: "the vectors to index",
            });
        }
        if vectors.nrows() >= graph::EXPANDED as usize {
            let value = vectors.nrows().to_string();
            return Err(RetrievalError::Parameter {
                name: "n",
                value,
                must: "below 2^31 vectors",
            });
        }
        check_finite(vectors)?;
        for (row, vector) in vectors.rows().into_iter().enumerate() {
            check_length_one(vector, row)?;
        }
        Ok(Self {
            storage: Storage::Owned(build::build(vectors, parameters)),
        })
    }

    /// Maps an index from its file. Everything in the file is checked once, so that no search of it can fail: the version,
    /// the lengths, a checksum of every byte, and that every link leads to a node of its level.
    ///
    /// The file must not be changed while it is open. [`Hnsw::save`] never does: it writes another file and renames it.
    ///
    /// # Errors
    /// [`RetrievalError::Io`], [`RetrievalError::NotAnIndex`], [`RetrievalError::Version`] or [`RetrievalError::Corrupt`], each
    /// with the file.
    ///
    /// # Complexity
    /// O(bytes of the file); pages are read again only where a search goes.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RetrievalError> {
        Ok(Self {
            storage: file::open(path.as_ref())?,
        })
    }

    /// Writes the index as one file: whole or not at all, since a temporary file beside it takes its name at the end.
    ///
    /// # Errors
    /// [`RetrievalError::Io`] with the file.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), RetrievalError> {
        file::save(&self.graph(), path.as_ref())
    }

    /// The `k` vectors that the graph finds nearest to the query, shape `(d,)`, best first.
    ///
    /// The query is taken at length 1. `ef` is how many candidates are kept, at least `k` of them: recall grows with it, and so
    /// does time. For many queries, [`Hnsw::searcher`] saves this call's setting up.
    ///
    /// # Errors
    /// [`RetrievalError::Shape`] where the query has another length, [`RetrievalError::Vector`] where it is not finite or zero.
    ///
    /// # Complexity
    /// O(`ef` · `m` · d) and a factor that grows as log n.
    pub fn search(
        &self,
        query: ArrayView1<'_, f32>,
        k: usize,
        ef: usize,
    ) -> Result<Vec<Hit>, RetrievalError> {
        self.searcher().search(query, k, ef)
    }

    /// A searcher, which keeps its working memory from query to query. One a thread.
    pub fn searcher(&self) -> Searcher<'_> {
        let graph = self.graph();
        let scratch = Scratch::new(graph.len());
        Searcher {
            graph,
            scratch,
            query: vec![0.0; graph.stride],
            simd: Simd::detect(),
        }
    }

    /// The parameters that it was built with.
    pub fn parameters(&self) -> Parameters {
        let graph = self.graph();
        Parameters {
            m: graph.m,
            ef_construction: graph.ef_construction,
            seed: graph.seed,
        }
    }

    /// How many vectors, values, links, levels and bytes there are.
    pub fn shape(&self) -> Shape {
        let graph = self.graph();
        Shape {
            vectors: graph.len(),
            dimensions: graph.dimensions,
            links: graph
                .links0
                .iter()
                .chain(graph.upper)
                .filter(|&&link| link != graph::NONE)
                .count(),
            levels: usize::from(graph.levels[graph.entry as usize]),
            bytes: file::size(&graph),
        }
    }

    fn graph(&self) -> Graph<'_> {
        self.storage.graph()
    }
}

/// Searches one index, and reuses the list of visited nodes and the list of candidates.
#[derive(Debug)]
pub struct Searcher<'a> {
    graph: Graph<'a>,
    scratch: Scratch,
    query: Vec<f32>,
    simd: Simd,
}

impl Searcher<'_> {
    /// As [`Hnsw::search`].
    ///
    /// # Errors
    /// As [`Hnsw::search`].
    pub fn search(
        &mut self,
        query: ArrayView1<'_, f32>,
        k: usize,
        ef: usize,
    ) -> Result<Vec<Hit>, RetrievalError> {
        let (expected, got) = (self.graph.dimensions, query.len());
        if expected != got {
            return Err(RetrievalError::Shape {
                what: "the length of the query's vector",
                expected,
                got,
            });
        }
        let length = query.iter().map(|v| v * v).sum::<f32>().sqrt();
        if !length.is_finite() {
            return Err(RetrievalError::Vector {
                row: 0,
                what: "the query holds NaN or an infinity",
            });
        }
        if length == 0.0 {
            return Err(RetrievalError::Vector {
                row: 0,
                what: "the query is the zero vector",
            });
        }
        for (to, from) in self.query.iter_mut().zip(query) {
            *to = from / length;
        }
        graph::search(
            &self.graph,
            &self.query,
            ef.max(k).max(1),
            self.simd,
            &mut self.scratch,
        );
        Ok(self
            .scratch
            .found()
            .take(k)
            .map(|(id, distance)| Hit {
                id: id as usize,
                score: -distance,
            })
            .collect())
    }

    /// How many nodes the last search compared with the query on level 0: what it cost.
    pub fn compared(&self) -> usize {
        self.scratch.compared()
    }
}

fn check_length_one(vector: ArrayView1<'_, f32>, row: usize) -> Result<(), RetrievalError> {
    let square = vector.iter().map(|v| v * v).sum::<f32>();
    if (square - 1.0).abs() > 2e-3 {
        return Err(RetrievalError::Vector {
            row,
            what: "its length is not 1",
        });
    }
    Ok(())
}

/// The values that a stored vector takes: its own, and zeros up to a multiple of the lanes.
fn stride(dimensions: usize) -> usize {
    dimensions.next_multiple_of(LANES)
}

//! Dense and lexical search over the same passages, and both together.

use ndarray::ArrayView2;

use super::RagError;
use crate::Hit;
use crate::bm25::Bm25;
use crate::chunk::Chunk;
use crate::embed::MiniLm;
use crate::error::RetrievalError;
use crate::fusion::{RRF_K, first_places, reciprocal_rank_fusion};
use crate::hnsw::{Hnsw, Parameters};
use crate::text::words;

/// The longest question that is searched, in bytes: some 600 words, more than twice what the embedding reads.
pub const LONGEST_QUERY: usize = 4096;
/// How far down each ranking fusion looks.
const DEPTH: usize = 50;
/// Candidates that a search in the graph keeps.
const EF: usize = 100;

/// What speaks for the corpus holding an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// The largest cosine of the question with a passage.
    pub cosine: f64,
    /// How much of the question the best passage of lexical search holds: see [`support`](super::support). 0 where no word
    /// of it is in the corpus.
    pub coverage: f64,
}

impl Evidence {
    /// One number to set a threshold on: the mean of both.
    pub fn score(&self) -> f64 {
        (self.cosine + self.coverage) / 2.0
    }
}

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// By meaning: the cosine of embeddings.
    Dense,
    /// By words: BM25.
    Lexical,
    /// By both, fused by ranks.
    Hybrid,
}

impl Search {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Dense, Self::Lexical, Self::Hybrid];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Lexical => "BM25",
            Self::Hybrid => "hybrid",
        }
    }
}

/// Passages with a dense and a lexical index.
#[derive(Debug)]
pub struct Retriever {
    model: MiniLm,
    chunks: Vec<Chunk>,
    dense: Hnsw,
    lexical: Bm25,
}

impl Retriever {
    /// Indexes passages whose embeddings, shape (passages, 384), are those of [`Chunk::passage`] under `model`.
    ///
    /// # Errors
    /// [`RetrievalError::Shape`] where there are not as many vectors as passages; else as [`Hnsw::build`] and [`Bm25::new`].
    pub fn new(
        model: MiniLm,
        chunks: Vec<Chunk>,
        vectors: ArrayView2<'_, f32>,
    ) -> Result<Self, RagError> {
        let dense = Hnsw::build(vectors, Parameters::default())?;
        Self::with_index(model, chunks, dense)
    }

    /// As [`Retriever::new`], with an index that was built before, such as one mapped from its file.
    ///
    /// # Errors
    /// [`RetrievalError::Shape`] where the index has another number of vectors, or vectors of another length;
    /// [`RetrievalError::Empty`] for passages without words.
    pub fn with_index(model: MiniLm, chunks: Vec<Chunk>, dense: Hnsw) -> Result<Self, RagError> {
        let shape = dense.shape();
        for (what, expected, got) in [
            (
                "the number of vectors, one a passage",
                chunks.len(),
                shape.vectors,
            ),
            (
                "the length of the index's vectors",
                model.dimensions(),
                shape.dimensions,
            ),
        ] {
            if expected != got {
                return Err(RetrievalError::Shape {
                    what,
                    expected,
                    got,
                }
                .into());
            }
        }
        let lexical = Bm25::new(chunks.iter().map(Chunk::passage))?;
        Ok(Self {
            model,
            chunks,
            dense,
            lexical,
        })
    }

    /// The embedding model.
    pub fn model(&self) -> &MiniLm {
        &self.model
    }

    /// The graph index.
    pub fn dense_index(&self) -> &Hnsw {
        &self.dense
    }

    /// The passages.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// The lexical index, whose weights judge how rare a word is.
    pub fn lexical_index(&self) -> &Bm25 {
        &self.lexical
    }

    /// The `k` passages nearest in meaning, by cosine.
    ///
    /// # Errors
    /// [`RetrievalError::EmptyQuery`] for a question without a letter or digit, [`RetrievalError::LongQuery`] for one longer
    /// than [`LONGEST_QUERY`]; [`RagError::Model`].
    pub fn dense(&self, question: &str, k: usize) -> Result<Vec<Hit>, RagError> {
        check(question)?;
        let vector = self.model.embed(question)?;
        Ok(self.dense.search(vector.view(), k, EF.max(k))?)
    }

    /// The `k` passages that share the rarest words, by BM25. None for a question in words that the corpus lacks.
    ///
    /// # Errors
    /// As [`Retriever::dense`].
    pub fn lexical(&self, question: &str, k: usize) -> Result<Vec<Hit>, RagError> {
        check(question)?;
        Ok(self.lexical.search(question, k)?)
    }

    /// The `k` best of both by reciprocal-rank fusion; a score is a sum of `1 / (60 + rank)`.
    ///
    /// # Errors
    /// As [`Retriever::dense`].
    pub fn hybrid(&self, question: &str, k: usize) -> Result<Vec<Hit>, RagError> {
        let ids = |hits: Vec<Hit>| hits.into_iter().map(|hit| hit.id).collect::<Vec<usize>>();
        let lists = [
            ids(self.dense(question, DEPTH)?),
            ids(self.lexical(question, DEPTH)?),
        ];
        let fused = reciprocal_rank_fusion(&lists, RRF_K);
        Ok(fused
            .into_iter()
            .take(k)
            .map(|(id, score)| Hit {
                id,
                score: score as f32,
            })
            .collect())
    }

    /// The `k` best passages by any of the three.
    ///
    /// # Errors
    /// As [`Retriever::dense`].
    pub fn search(&self, how: Search, question: &str, k: usize) -> Result<Vec<Hit>, RagError> {
        match how {
            Search::Dense => self.dense(question, k),
            Search::Lexical => self.lexical(question, k),
            Search::Hybrid => self.hybrid(question, k),
        }
    }

    /// The sections of the 50 best passages, each once, best first: the ranking that is measured.
    ///
    /// # Errors
    /// As [`Retriever::dense`].
    pub fn sections(&self, how: Search, question: &str) -> Result<Vec<usize>, RagError> {
        let hits = self.search(how, question, DEPTH)?;
        Ok(first_places(
            hits.iter().map(|hit| self.chunks[hit.id].section),
        ))
    }

    /// What speaks for the corpus answering the question.
    ///
    /// # Errors
    /// As [`Retriever::dense`].
    pub fn evidence(&self, question: &str) -> Result<Evidence, RagError> {
        let cosine = self
            .dense(question, 1)?
            .first()
            .map_or(0.0, |hit| f64::from(hit.score));
        let best = self.lexical(question, 1)?;
        let coverage = best.first().map_or(0.0, |hit| {
            super::support(question, &self.chunks[hit.id].passage(), &self.lexical)
        });
        Ok(Evidence {
            cosine: cosine.max(0.0),
            coverage,
        })
    }
}

fn check(question: &str) -> Result<(), RetrievalError> {
    if question.len() > LONGEST_QUERY {
        return Err(RetrievalError::LongQuery {
            bytes: question.len(),
            limit: LONGEST_QUERY,
        });
    }
    if words(question).is_empty() {
        return Err(RetrievalError::EmptyQuery);
    }
    Ok(())
}

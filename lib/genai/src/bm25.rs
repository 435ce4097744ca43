//! BM25, the lexical index: which passages share the rare words of a query.

use std::collections::HashMap;

use crate::Hit;
use crate::error::RetrievalError;
use crate::text::words;

/// An inverted index over passages, scored by Robertson's BM25.
///
/// For a query `q` and a passage `d` of `|d|` words, with `f(t, d)` the times that term `t` stands in `d`, `n(t)` the passages
/// that hold it, `N` passages in all and `avg` their mean length,
///
/// `score(q, d) = Σ_{t ∈ q} ln(1 + (N - n(t) + ½) / (n(t) + ½)) · f(t,d) (k1 + 1) / (f(t,d) + k1 (1 - b + b |d| / avg))`.
///
/// The first factor is Robertson and Spärck Jones's weight of a term, with 1 added inside of the logarithm so that a term that
/// stands in most passages weighs little rather than less than nothing. The second grows with the repetitions of the term, but
/// saturates at `k1 + 1`; `b` says how far a long passage is held against it. A term that the query repeats counts each time.
/// Words are those of [`words`].
///
/// # Examples
/// ```
/// use genai::bm25::Bm25;
/// let index = Bm25::new(["the cat sat", "the dog barked", "a cat and a dog"])?;
/// let hits = index.search("cat", 10)?;
/// assert_eq!(hits.iter().map(|hit| hit.id).collect::<Vec<_>>(), [0, 2]); // the shorter passage first
/// assert!((hits[0].score - 0.508).abs() < 1e-3);
/// # Ok::<(), genai::RetrievalError>(())
/// ```
///
/// # References
/// Robertson and Zaragoza (2009), "The probabilistic relevance framework: BM25 and beyond". Agrees with the formula in numpy
/// to 1e-6, relative.
#[derive(Debug, Clone)]
pub struct Bm25 {
    /// Of each term, the passages that hold it and how often.
    postings: HashMap<String, Vec<(u32, u32)>>,
    lengths: Vec<u32>,
    mean_length: f64,
    k1: f64,
    b: f64,
}

impl Bm25 {
    /// Indexes passages with the usual `k1 = 1.2` and `b = 0.75`; a passage's id is its place.
    ///
    /// # Errors
    /// [`RetrievalError::Empty`] where no passage holds a word.
    ///
    /// # Complexity
    /// O(words of all passages), time and memory.
    pub fn new<T: AsRef<str>>(
        passages: impl IntoIterator<Item = T>,
    ) -> Result<Self, RetrievalError> {
        Self::with(passages, 1.2, 0.75)
    }

    /// Indexes passages with parameters of one's own.
    ///
    /// # Errors
    /// As [`Bm25::new`]; [`RetrievalError::Parameter`] where `k1` is negative or `b` is not in 0..=1.
    pub fn with<T: AsRef<str>>(
        passages: impl IntoIterator<Item = T>,
        k1: f64,
        b: f64,
    ) -> Result<Self, RetrievalError> {
        if !(k1.is_finite() && k1 >= 0.0) {
            return Err(RetrievalError::Parameter {
                name: "k1",
                value: k1.to_string(),
                must: "at least 0",
            });
        }
        if !(0.0..=1.0).contains(&b) {
            return Err(RetrievalError::Parameter {
                name: "b",
                value: b.to_string(),
                must: "between 0 and 1",
            });
        }
        let mut postings: HashMap<String, Vec<(u32, u32)>> = HashMap::new();
        let mut lengths = Vec::new();
        for (id, passage) in passages.into_iter().enumerate() {
            let id = id as u32;
            let words = words(passage.as_ref());
            lengths.push(words.len() as u32);
            for word in words {
                let list = postings.entry(word).or_default();
                match list.last_mut() {
                    Some((last, times)) if *last == id => *times += 1,
                    _ => list.push((id, 1)),
                }
            }
        }
        if postings.is_empty() {
            return Err(RetrievalError::Empty {
                what: "the passages to index",
            });
        }
        let mean_length = lengths.iter().map(|&l| f64::from(l)).sum::<f64>() / lengths.len() as f64;
        Ok(Self {
            postings,
            lengths,
            mean_length,
            k1,
            b,
        })
    }

    /// How many passages are indexed.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether none is: never, since an index of nothing is an error.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// How many different terms there are.
    pub fn terms(&self) -> usize {
        self.postings.len()
    }

    /// How many passages hold a term: `n(t)`.
    ///
    /// # Examples
    /// ```
    /// let index = genai::bm25::Bm25::new(["the cat sat", "the cat, the dog"])?;
    /// assert_eq!(["cat", "dog", "owl"].map(|term| index.holding(term)), [2, 1, 0]);
    /// # Ok::<(), genai::RetrievalError>(())
    /// ```
    pub fn holding(&self, term: &str) -> usize {
        self.postings.get(term).map_or(0, Vec::len)
    }

    /// The weight of a term, `ln(1 + (N - n + ½) / (n + ½))`: largest for a term that no passage holds.
    pub fn weight(&self, term: &str) -> f64 {
        let holding = self.holding(term) as f64;
        (1.0 + (self.len() as f64 - holding + 0.5) / (holding + 0.5)).ln()
    }

    /// The best `k` passages that share a word with the query, best first; equal scores by the smaller id.
    ///
    /// # Errors
    /// [`RetrievalError::EmptyQuery`] where the query holds no word.
    ///
    /// # Complexity
    /// O(postings of the query's terms + passages).
    pub fn search(&self, query: &str, k: usize) -> Result<Vec<Hit>, RetrievalError> {
        let terms = words(query);
        if terms.is_empty() {
            return Err(RetrievalError::EmptyQuery);
        }
        let mut scores = vec![0.0f64; self.len()];
        for term in &terms {
            let weight = self.weight(term);
            for &(id, times) in self.postings.get(term).into_iter().flatten() {
                let (times, length) = (f64::from(times), f64::from(self.lengths[id as usize]));
                let damping = self.k1 * (1.0 - self.b + self.b * length / self.mean_length);
                scores[id as usize] += weight * times * (self.k1 + 1.0) / (times + damping);
            }
        }
        let mut hits: Vec<Hit> = scores
            .into_iter()
            .enumerate()
            .filter(|(_, score)| *score > 0.0)
            .map(|(id, score)| Hit {
                id,
                score: score as f32,
            })
            .collect();
        crate::keep_best(&mut hits, k);
        Ok(hits)
    }
}

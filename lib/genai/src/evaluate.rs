//! How good a ranking is: recall at k, reciprocal rank, normalised discounted cumulative gain; and how far to trust the
//! average over the questions that were asked.
//!
//! All of them look at one question's ranked list of ids and the ids that answer it.

use crate::error::RetrievalError;
use crate::random::SplitMix64;

/// The share of the relevant ids that are among the first `k`.
///
/// `recall@k = |{ranked[0], …, ranked[k-1]} ∩ relevant| / |relevant|`, in 0..=1; 0 where nothing is relevant.
///
/// # Arguments
/// - `ranked`: ids, best first; an id that comes again counts once.
/// - `relevant`: the ids that answer, without repetition.
///
/// # Examples
/// ```
/// use genai::evaluate::recall_at_k;
/// assert_eq!(recall_at_k(&[7, 3, 9], &[3, 4], 2), 0.5);
/// ```
///
/// # References
/// Manning, Raghavan and Schütze (2008), *Introduction to Information Retrieval*, chapter 8.
pub fn recall_at_k(ranked: &[usize], relevant: &[usize], k: usize) -> f64 {
    if relevant.is_empty() {
        return 0.0;
    }
    let first = &ranked[..k.min(ranked.len())];
    relevant.iter().filter(|id| first.contains(id)).count() as f64 / relevant.len() as f64
}

/// The share of questions of which at least one relevant id is among the first `k`: the hit rate, or success at `k`.
///
/// # Arguments
/// - `rankings`: ids, best first, one list a question.
/// - `answers`: the ids that answer, one list a question.
///
/// # Errors
/// [`RetrievalError::Shape`] where there are not as many rankings as lists of answers, [`RetrievalError::Empty`] for none.
///
/// # Examples
/// ```
/// use genai::evaluate::hit_rate;
/// let (rankings, answers) = ([vec![7, 3], vec![5, 9]], [vec![3, 4], vec![8]]);
/// assert_eq!(hit_rate(&rankings, &answers, 1)?, 0.0);
/// assert_eq!(hit_rate(&rankings, &answers, 2)?, 0.5);
/// # Ok::<(), genai::RetrievalError>(())
/// ```
pub fn hit_rate(
    rankings: &[Vec<usize>],
    answers: &[Vec<usize>],
    k: usize,
) -> Result<f64, RetrievalError> {
    as_many(rankings, answers)?;
    if answers.is_empty() {
        return Err(RetrievalError::Empty {
            what: "the questions to average over",
        });
    }
    let hit = |(ranked, right): &(&Vec<usize>, &Vec<usize>)| {
        ranked.iter().take(k).any(|id| right.contains(id))
    };
    let hits = rankings.iter().zip(answers).filter(hit).count();
    Ok(hits as f64 / answers.len() as f64)
}

/// That there is one ranking for each list of answers.
fn as_many(rankings: &[Vec<usize>], answers: &[Vec<usize>]) -> Result<(), RetrievalError> {
    let (expected, got) = (answers.len(), rankings.len());
    if expected == got {
        return Ok(());
    }
    Err(RetrievalError::Shape {
        what: "the number of rankings, one a question",
        expected,
        got,
    })
}

/// One over the rank of the first relevant id; 0 where none was found. Its mean over questions is the MRR.
///
/// # Examples
/// ```
/// use genai::evaluate::reciprocal_rank;
/// assert_eq!(reciprocal_rank(&[7, 3, 9], &[3]), 0.5);
/// assert_eq!(reciprocal_rank(&[7, 3, 9], &[4]), 0.0);
/// ```
pub fn reciprocal_rank(ranked: &[usize], relevant: &[usize]) -> f64 {
    ranked
        .iter()
        .position(|id| relevant.contains(id))
        .map_or(0.0, |p| 1.0 / (p + 1) as f64)
}

/// Normalised discounted cumulative gain of the first `k`, with a gain of 1 for a relevant id and 0 for another.
///
/// `DCG@k = Σ_{r=1..k} gain_r / log2(r + 1)`, divided by that of the best order. In 0..=1; 0 where nothing is relevant.
///
/// # Examples
/// ```
/// use genai::evaluate::ndcg_at_k;
/// assert_eq!(ndcg_at_k(&[3, 7, 9], &[3], 10), 1.0);
/// assert!((ndcg_at_k(&[7, 3, 9], &[3], 10) - 1.0 / 3f64.log2()).abs() < 1e-15);
/// ```
///
/// # References
/// Järvelin and Kekäläinen (2002). Agrees with scikit-learn's `ndcg_score` to 1e-12.
pub fn ndcg_at_k(ranked: &[usize], relevant: &[usize], k: usize) -> f64 {
    let discount = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
    let best: f64 = (0..relevant.len().min(k)).map(discount).sum();
    if best == 0.0 {
        return 0.0;
    }
    let mut seen = Vec::new();
    let mut gained = 0.0;
    for (rank, id) in ranked.iter().take(k).enumerate() {
        if relevant.contains(id) && !seen.contains(id) {
            seen.push(*id);
            gained += discount(rank);
        }
    }
    gained / best
}

/// The measures of a system over many questions, question by question.
///
/// # Examples
/// ```
/// use genai::evaluate::Scores;
/// let scores = Scores::new(&[vec![3, 1], vec![2, 9, 4]], &[vec![3], vec![4]])?;
/// assert_eq!(scores.recall_at_1, [1.0, 0.0]);
/// assert_eq!(scores.reciprocal_rank, [1.0, 1.0 / 3.0]);
/// # Ok::<(), genai::RetrievalError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// [`recall_at_k`] with `k` = 1.
    pub recall_at_1: Vec<f64>,
    /// [`recall_at_k`] with `k` = 5.
    pub recall_at_5: Vec<f64>,
    /// [`recall_at_k`] with `k` = 10.
    pub recall_at_10: Vec<f64>,
    /// [`reciprocal_rank`].
    pub reciprocal_rank: Vec<f64>,
    /// [`ndcg_at_k`] with `k` = 10.
    pub ndcg_at_10: Vec<f64>,
}

impl Scores {
    /// Measures rankings, one a question, against the ids that answer.
    ///
    /// # Errors
    /// [`RetrievalError::Shape`] where there are not as many rankings as lists of answers.
    pub fn new(rankings: &[Vec<usize>], answers: &[Vec<usize>]) -> Result<Self, RetrievalError> {
        as_many(rankings, answers)?;
        let all = |measure: &dyn Fn(&[usize], &[usize]) -> f64| {
            rankings
                .iter()
                .zip(answers)
                .map(|(r, a)| measure(r, a))
                .collect()
        };
        Ok(Self {
            recall_at_1: all(&|r, a| recall_at_k(r, a, 1)),
            recall_at_5: all(&|r, a| recall_at_k(r, a, 5)),
            recall_at_10: all(&|r, a| recall_at_k(r, a, 10)),
            reciprocal_rank: all(&reciprocal_rank),
            ndcg_at_10: all(&|r, a| ndcg_at_k(r, a, 10)),
        })
    }
}

/// The threshold that tells two groups of numbers apart best: it maximises the mean of the share of `yes` at or above it and
/// the share of `no` below it. Of thresholds that do as well, the middle one.
///
/// # Returns
/// The threshold, and that mean, in ½..=1.
///
/// # Errors
/// [`RetrievalError::Empty`] where one of the groups is empty, [`RetrievalError::Vector`] for a number that is not finite.
///
/// # Examples
/// ```
/// use genai::evaluate::threshold;
/// assert_eq!(threshold(&[0.6, 0.8, 0.9], &[0.2, 0.4])?, (0.5, 1.0));
/// # Ok::<(), genai::RetrievalError>(())
/// ```
pub fn threshold(yes: &[f64], no: &[f64]) -> Result<(f64, f64), RetrievalError> {
    if yes.is_empty() || no.is_empty() {
        return Err(RetrievalError::Empty {
            what: "one of the groups to tell apart",
        });
    }
    let mut all: Vec<f64> = yes.iter().chain(no).copied().collect();
    if let Some(row) = all.iter().position(|v| !v.is_finite()) {
        return Err(RetrievalError::Vector {
            row,
            what: "its value is not finite",
        });
    }
    all.sort_by(f64::total_cmp);
    all.dedup();
    let share = |group: &[f64], above: bool, at: f64| {
        group.iter().filter(|v| (**v >= at) == above).count() as f64 / group.len() as f64
    };
    let cuts: Vec<f64> = all
        .windows(2)
        .map(|pair| (pair[0] + pair[1]) / 2.0)
        .chain([all[0]])
        .collect();
    let mut found: Vec<(f64, f64)> = cuts
        .into_iter()
        .map(|at| (at, (share(yes, true, at) + share(no, false, at)) / 2.0))
        .collect();
    let best = found.iter().map(|(_, mean)| *mean).fold(0.0, f64::max);
    found.retain(|(_, mean)| *mean == best);
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(found[found.len() / 2])
}

/// A mean over questions with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The mean of the questions asked.
    pub mean: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The mean of a measure over questions, and the percentile bootstrap interval of that mean.
///
/// Questions are drawn with replacement, as many as there are, `resamples` times; the interval holds the middle `level` of
/// the means. It says how the mean would vary if other questions of the same kind had been asked, and nothing of questions of
/// another kind.
///
/// # Arguments
/// - `values`: one number a question; for the difference of two systems, the differences question by question.
/// - `level`: between 0 and 1, such as 0.95.
///
/// # Errors
/// [`RetrievalError::Empty`] without values, [`RetrievalError::Parameter`] where `level` is not inside (0, 1) or `resamples`
/// is 0, [`RetrievalError::Vector`] for a value that is not finite.
///
/// # Complexity
/// O(n · resamples).
///
/// # Examples
/// ```
/// use genai::evaluate::bootstrap_mean;
/// let found = [1.0, 1.0, 0.0, 1.0];
/// let mean = bootstrap_mean(&found, 0.95, 1000, 1)?;
/// assert_eq!(mean.mean, 0.75);
/// assert!(mean.low < 0.75 && mean.high > 0.75);
/// # Ok::<(), genai::RetrievalError>(())
/// ```
///
/// # References
/// Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, chapter 13.
pub fn bootstrap_mean(
    values: &[f64],
    level: f64,
    resamples: usize,
    seed: u64,
) -> Result<Interval, RetrievalError> {
    if values.is_empty() {
        return Err(RetrievalError::Empty {
            what: "the values to average",
        });
    }
    if !(level > 0.0 && level < 1.0) {
        return Err(RetrievalError::Parameter {
            name: "level",
            value: level.to_string(),
            must: "between 0 and 1",
        });
    }
    if resamples == 0 {
        return Err(RetrievalError::Parameter {
            name: "resamples",
            value: "0".into(),
            must: "at least 1",
        });
    }
    if let Some(row) = values.iter().position(|v| !v.is_finite()) {
        return Err(RetrievalError::Vector {
            row,
            what: "its value is not finite",
        });
    }
    let n = values.len();
    let mut random = SplitMix64::new(seed);
    let mut means: Vec<f64> = (0..resamples)
        .map(|_| (0..n).map(|_| values[random.below(n)]).sum::<f64>() / n as f64)
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |p: f64| {
        let place = p * (resamples - 1) as f64;
        let (below, part) = (place.floor() as usize, place.fract());
        let above = (below + 1).min(resamples - 1);
        means[below] * (1.0 - part) + means[above] * part
    };
    let tail = (1.0 - level) / 2.0;
    Ok(Interval {
        mean: values.iter().sum::<f64>() / n as f64,
        low: at(tail),
        high: at(1.0 - tail),
    })
}

/// The share `count / of`, with Wilson's interval of 95 %: for few questions, and for shares near 0 or 1, where a bootstrap
/// or `p ± 1.96 √(p (1 - p) / n)` is too narrow, and has no width at all at 0 and 1.
///
/// The ends are `(p + z²/2n ± z √(p (1 - p) / n + z²/4n²)) / (1 + z²/n)`, with `z` = 1.96, the normal law's 97.5 % point.
///
/// # Errors
/// [`RetrievalError::Empty`] for `of` = 0, [`RetrievalError::Parameter`] where `count` is larger than `of`.
///
/// # Examples
/// ```
/// use genai::evaluate::share_interval;
/// let none = share_interval(0, 10)?;
/// assert!(none.mean == 0.0 && none.low == 0.0 && (none.high - 0.2775).abs() < 1e-4);
/// # Ok::<(), genai::RetrievalError>(())
/// ```
///
/// # References
/// Wilson (1927), "Probable inference, the law of succession, and statistical inference". Agrees with `proportion_ci` of
/// scipy's `binomtest` to 1e-12.
pub fn share_interval(count: usize, of: usize) -> Result<Interval, RetrievalError> {
    if of == 0 {
        return Err(RetrievalError::Empty {
            what: "the questions to take a share of",
        });
    }
    if count > of {
        return Err(RetrievalError::Parameter {
            name: "count",
            value: count.to_string(),
            must: "at most the number that it is a share of",
        });
    }
    const Z: f64 = 1.959_963_984_540_054;
    let (n, p) = (of as f64, count as f64 / of as f64);
    let z2 = Z * Z / n;
    let half = Z * (p * (1.0 - p) / n + z2 / (4.0 * n)).sqrt();
    let end = |side: f64| ((p + z2 / 2.0 + side * half) / (1.0 + z2)).clamp(0.0, 1.0);
    // rounding must not put an end beyond a share of 0 or 1
    Ok(Interval {
        mean: p,
        low: if count == 0 { 0.0 } else { end(-1.0) },
        high: if count == of { 1.0 } else { end(1.0) },
    })
}

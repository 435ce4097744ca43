//! Splits, folds and bootstrap intervals: what to fit on, what to judge on, and how far to trust a score.
//!
//! Rows are given by their numbers, so that the same split serves a matrix, a data frame and a list of records.
//! Everything random comes from a seed: the same seed gives the same rows.

use ndarray::ArrayView1;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

/// Why there is no such split or interval, with the values that went wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ResamplingError {
    /// There is nothing to draw from.
    #[error("{op}: no samples")]
    Empty {
        /// The operation.
        op: &'static str,
    },
    /// A label is neither 0 nor 1.
    #[error("{op}: labels[{index}] is {value}, expected 0 or 1")]
    NotALabel {
        /// The operation.
        op: &'static str,
        /// Place of the first such entry, from 0.
        index: usize,
        /// The entry.
        value: f64,
    },
    /// A class has too few samples to be in every part.
    #[error("{op}: {count} samples with label {label}, but {parts} parts need one each")]
    TooFewOfAClass {
        /// The operation.
        op: &'static str,
        /// The label.
        label: f64,
        /// How many samples have it.
        count: usize,
        /// How many parts each need one.
        parts: usize,
    },
    /// A parameter is outside its range.
    #[error("{op}: {name} is {value}, expected {expected}")]
    InvalidParameter {
        /// The operation.
        op: &'static str,
        /// The parameter.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What is allowed, in words.
        expected: &'static str,
    },
}

/// Two sets of rows that have no row in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Rows to fit on, rising.
    pub train: Vec<usize>,
    /// Rows to judge on, rising.
    pub test: Vec<usize>,
}

/// Splits rows at random so that the share of label 1 is the same in both parts, to one row of each class.
///
/// # Arguments
/// - `labels`: 0 or 1, shape `(n_samples,)`.
/// - `test_share`: the share of each class that goes to `test`, between 0 and 1.
/// - `seed`: of the random numbers.
///
/// # Returns
/// Row numbers from 0; every row is in one of the two parts.
///
/// # Errors
/// [`ResamplingError::Empty`], [`ResamplingError::NotALabel`], [`ResamplingError::InvalidParameter`], and
/// [`ResamplingError::TooFewOfAClass`] if a class would be missing from a part.
///
/// # Complexity
/// `O(n_samples log n_samples)` time.
///
/// # Examples
/// ```
/// use foundations::resampling::stratified_split;
/// use ndarray::array;
///
/// let labels = array![1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
/// let split = stratified_split(labels.view(), 0.25, 7)?;
/// assert_eq!(split.test.len(), 3);
/// assert_eq!(split.test.iter().filter(|&&row| labels[row] == 1.0).count(), 1);
/// # Ok::<(), foundations::resampling::ResamplingError>(())
/// ```
///
/// # References
/// Chapter *Churn pipeline*, section "A split that does not leak".
pub fn stratified_split(
    labels: ArrayView1<'_, f64>,
    test_share: f64,
    seed: u64,
) -> Result<Split, ResamplingError> {
    let op = "stratified_split";
    if !(test_share > 0.0 && test_share < 1.0) {
        return Err(ResamplingError::InvalidParameter {
            op,
            name: "test_share",
            value: test_share,
            expected: "a number between 0 and 1, such as 0.25",
        });
    }
    let mut split = Split {
        train: Vec::new(),
        test: Vec::new(),
    };
    for (label, rows) in shuffled_classes(op, labels, seed)? {
        let taken = (test_share * rows.len() as f64).round() as usize;
        if taken == 0 || taken == rows.len() {
            return Err(ResamplingError::TooFewOfAClass {
                op,
                label,
                count: rows.len(),
                parts: 2,
            });
        }
        split.test.extend(&rows[..taken]);
        split.train.extend(&rows[taken..]);
    }
    split.train.sort_unstable();
    split.test.sort_unstable();
    Ok(split)
}

/// Cuts rows at random into `k` folds with the same share of label 1, to one row of each class.
///
/// # Arguments
/// - `labels`: 0 or 1, shape `(n_samples,)`.
/// - `k`: the number of folds, at least 2.
/// - `seed`: of the random numbers.
///
/// # Returns
/// `k` splits. Each row is in `test` of exactly one of them, and in `train` of all others.
///
/// # Errors
/// [`ResamplingError::Empty`], [`ResamplingError::NotALabel`], [`ResamplingError::InvalidParameter`] for `k` below 2,
/// [`ResamplingError::TooFewOfAClass`] if a class has fewer than `k` rows.
///
/// # Complexity
/// `O(n_samples (k + log n_samples))` time.
///
/// # Examples
/// ```
/// use foundations::resampling::stratified_folds;
/// use ndarray::array;
///
/// let labels = array![1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
/// let folds = stratified_folds(labels.view(), 2, 7)?;
/// assert_eq!(folds.len(), 2);
/// assert_eq!(folds[0].test.len(), 3);
/// assert_eq!(folds[0].test, folds[1].train);
/// # Ok::<(), foundations::resampling::ResamplingError>(())
/// ```
pub fn stratified_folds(
    labels: ArrayView1<'_, f64>,
    k: usize,
    seed: u64,
) -> Result<Vec<Split>, ResamplingError> {
    let op = "stratified_folds";
    if k < 2 {
        return Err(ResamplingError::InvalidParameter {
            op,
            name: "k",
            value: k as f64,
            expected: "at least 2",
        });
    }
    let mut fold_of = vec![0; labels.len()];
    let mut next = 0;
    for (label, rows) in shuffled_classes(op, labels, seed)? {
        if rows.len() < k {
            return Err(ResamplingError::TooFewOfAClass {
                op,
                label,
                count: rows.len(),
                parts: k,
            });
        }
        // The second class goes on where the first stopped, so that the folds are of equal size too.
        for row in rows {
            fold_of[row] = next % k;
            next += 1;
        }
    }
    let rows = |keep: &dyn Fn(usize) -> bool| -> Vec<usize> {
        (0..labels.len())
            .filter(|&row| keep(fold_of[row]))
            .collect()
    };
    Ok((0..k)
        .map(|fold| Split {
            train: rows(&|f| f != fold),
            test: rows(&|f| f == fold),
        })
        .collect())
}

/// The rows of each label that occurs, in random order.
fn shuffled_classes(
    op: &'static str,
    labels: ArrayView1<'_, f64>,
    seed: u64,
) -> Result<Vec<(f64, Vec<usize>)>, ResamplingError> {
    if labels.is_empty() {
        return Err(ResamplingError::Empty { op });
    }
    let neither = |v: f64| v != 0.0 && v != 1.0;
    if let Some((index, &value)) = labels.iter().enumerate().find(|(_, v)| neither(**v)) {
        return Err(ResamplingError::NotALabel { op, index, value });
    }
    let mut rng = StdRng::seed_from_u64(seed);
    let mut classes = Vec::new();
    for label in [0.0, 1.0] {
        let mut rows: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] == label).collect();
        rows.shuffle(&mut rng);
        if !rows.is_empty() {
            classes.push((label, rows));
        }
    }
    Ok(classes)
}

/// An estimate with the ends of an interval about it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The statistic of the data as they are.
    pub estimate: f64,
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
    /// The confidence level, such as 0.95.
    pub level: f64,
}

/// Which bootstrap samples to draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    replicates: usize,
    level: f64,
    seed: u64,
}

impl Bootstrap {
    /// `replicates` samples with replacement, for an interval at `level`, from a seed.
    ///
    /// The parameters are checked by [`interval`](Self::interval).
    pub fn new(replicates: usize, level: f64, seed: u64) -> Self {
        Bootstrap {
            replicates,
            level,
            seed,
        }
    }

    /// The percentile interval of a statistic of `n` samples.
    ///
    /// Draws `n` of the `n` rows with replacement, as many times as there are replicates, computes the statistic
    /// of each draw, and takes the quantiles `(1 ± level)/2` of the values. Two models are compared on the *same*
    /// rows by a statistic that is the difference of their scores.
    ///
    /// # Arguments
    /// - `n`: the number of samples.
    /// - `statistic`: of the rows with these numbers, some of which occur more than once. It must be finite.
    ///
    /// # Returns
    /// The statistic of all rows once, and the ends, in the statistic's unit.
    ///
    /// # Errors
    /// [`ResamplingError::Empty`], or [`ResamplingError::InvalidParameter`] for a level that is not between 0 and 1,
    /// or no replicates; both turned into the error of `statistic`, whose own errors are passed on.
    ///
    /// # Complexity
    /// `replicates + 1` calls of `statistic`.
    ///
    /// # Examples
    /// ```
    /// use foundations::resampling::{Bootstrap, ResamplingError};
    ///
    /// let heights = [1.62, 1.75, 1.80, 1.68, 1.71, 1.90, 1.77, 1.65];
    /// let mean = |rows: &[usize]| {
    ///     Ok::<f64, ResamplingError>(rows.iter().map(|&i| heights[i]).sum::<f64>() / rows.len() as f64)
    /// };
    /// let interval = Bootstrap::new(1000, 0.95, 1).interval(heights.len(), mean)?;
    /// assert!((interval.estimate - 1.735).abs() < 1e-12);
    /// assert!(interval.lower > 1.66 && interval.upper < 1.81);
    /// # Ok::<(), ResamplingError>(())
    /// ```
    ///
    /// # References
    /// Efron and Tibshirani, *An Introduction to the Bootstrap*, Chapman and Hall, 1993, chapter 13. The quantiles agree
    /// with numpy's `quantile` to a relative 1e-12 (`tests/golden_classification.rs`).
    pub fn interval<E: From<ResamplingError>>(
        &self,
        n: usize,
        mut statistic: impl FnMut(&[usize]) -> Result<f64, E>,
    ) -> Result<Interval, E> {
        let op = "Bootstrap::interval";
        let refuse = |name, value, expected| ResamplingError::InvalidParameter {
            op,
            name,
            value,
            expected,
        };
        if n == 0 {
            return Err(ResamplingError::Empty { op }.into());
        }
        if self.replicates == 0 {
            return Err(refuse("replicates", 0.0, "at least 1").into());
        }
        if !(self.level > 0.0 && self.level < 1.0) {
            return Err(refuse(
                "level",
                self.level,
                "a number between 0 and 1, such as 0.95",
            )
            .into());
        }
        let mut rows: Vec<usize> = (0..n).collect();
        let estimate = statistic(&rows)?;
        let mut rng = StdRng::seed_from_u64(self.seed);
        let mut values = Vec::with_capacity(self.replicates);
        for _ in 0..self.replicates {
            rows.fill_with(|| rng.gen_range(0..n));
            values.push(statistic(&rows)?);
        }
        values.sort_by(f64::total_cmp);
        let tail = (1.0 - self.level) / 2.0;
        Ok(Interval {
            estimate,
            lower: quantile(&values, tail),
            upper: quantile(&values, 1.0 - tail),
            level: self.level,
        })
    }
}

/// The quantile `q` of values in rising order, by linear interpolation; NaN if there are none.
///
/// # Arguments
/// - `sorted`: rising.
/// - `q`: from 0 to 1; beyond that the ends are given.
///
/// # Examples
/// ```
/// use foundations::resampling::quantile;
///
/// assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
/// ```
///
/// # References
/// Agrees with numpy's `quantile` to a relative 1e-12.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = q.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

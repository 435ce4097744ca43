//! A share estimated from a count, such as an accuracy, and how far it can be trusted.

use statrs::distribution::{ContinuousCDF, Normal};

/// Why a share has no interval, with the values that went wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProportionError {
    /// There are no trials, or more successes than trials.
    #[error("{op}: {successes} successes in {trials} trials")]
    Counts {
        /// The interval that was asked for.
        op: &'static str,
        /// Number of successes.
        successes: usize,
        /// Number of trials.
        trials: usize,
    },
    /// The confidence level is not strictly between 0 and 1.
    #[error("{op}: level is {level}, expected a number between 0 and 1, such as 0.95")]
    Level {
        /// The interval that was asked for.
        op: &'static str,
        /// What was given.
        level: f64,
    },
}

/// An interval for a share, both ends from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

/// Wilson's score interval for the probability of success, from `successes` in `trials`.
///
/// It holds the probabilities `p` that a test does not reject: those with
/// `|p̂ − p| ≤ z √(p (1 − p) / n)`, where `p̂ = successes / trials` and `z` is the normal quantile of
/// the level. Solved for `p`:
///
/// `(p̂ + z²/2n ± z √(p̂(1 − p̂)/n + z²/4n²)) / (1 + z²/n)`
///
/// Unlike `p̂ ± z √(p̂(1 − p̂)/n)` it stays within 0 and 1, and does not shrink to a point when all
/// trials succeed, which is where an accuracy near 1 is.
///
/// # Arguments
/// - `successes`, `trials`: counts.
/// - `level`: confidence level, between 0 and 1.
///
/// # Returns
/// The interval, as shares.
///
/// # Errors
/// [`ProportionError::Counts`], [`ProportionError::Level`].
///
/// # Panics
/// Never: the standard normal distribution exists.
///
/// # Examples
/// ```
/// use foundations::proportion::wilson;
///
/// let all_right = wilson(100, 100, 0.95)?;
/// assert!((all_right.lower - 0.963).abs() < 5e-4);
/// assert_eq!(all_right.upper, 1.0);
/// # Ok::<(), foundations::proportion::ProportionError>(())
/// ```
///
/// # References
/// E. B. Wilson, *Journal of the American Statistical Association* 22 (1927), 209–212. Chapter
/// *Convolutional networks*, section *On digits never seen*. Agrees with statsmodels'
/// `proportion_confint(method="wilson")` to 1e-12 (`tests/proportion.rs`).
pub fn wilson(successes: usize, trials: usize, level: f64) -> Result<Interval, ProportionError> {
    let op = "wilson";
    if trials == 0 || successes > trials {
        return Err(ProportionError::Counts {
            op,
            successes,
            trials,
        });
    }
    if !(level > 0.0 && level < 1.0) {
        return Err(ProportionError::Level { op, level });
    }
    let normal = Normal::new(0.0, 1.0).expect("a standard normal distribution");
    let z = normal.inverse_cdf((1.0 + level) / 2.0);
    let n = trials as f64;
    let share = successes as f64 / n;
    let middle = share + z * z / (2.0 * n);
    let half = z * (share * (1.0 - share) / n + (z / (2.0 * n)).powi(2)).sqrt();
    let scale = 1.0 + z * z / n;
    Ok(Interval {
        lower: ((middle - half) / scale).max(0.0),
        upper: ((middle + half) / scale).min(1.0),
    })
}

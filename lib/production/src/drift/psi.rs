use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::DriftError;

/// The population stability index of two samples that were counted in the same bins:
/// `Σ (qᵢ − pᵢ) ln(qᵢ / pᵢ)`.
///
/// The shares are `pᵢ = (nᵢ + ½) / (N + k/2)` for `k` bins, so that an empty bin is a small share and not an infinite
/// index. It is the sum of the two Kullback–Leibler divergences, in nats: 0 for equal shares, and symmetric.
///
/// # Arguments
/// - `reference`, `sample`: counts, shape `(k,)`, in the same order of bins.
///
/// # Returns
/// The index, in nats, 0 or greater.
///
/// # Errors
/// [`DriftError::Bins`] where the lengths differ, [`DriftError::Empty`] where a sample has no counts.
///
/// # Examples
/// ```
/// use production::drift::psi;
///
/// assert_eq!(psi(&[50, 30, 20], &[50, 30, 20])?, 0.0);
/// let moved = psi(&[500, 300, 200], &[300, 300, 400])?;
/// assert!((moved - 0.2401).abs() < 1e-4); // 0.2 ln(5/3) + 0.2 ln 2, but for the halves
/// # Ok::<(), production::drift::DriftError>(())
/// ```
///
/// # References
/// Kullback and Leibler, *On information and sufficiency*, 1951 (their symmetric `J`). Agrees with the sum of
/// `scipy.stats.entropy` both ways to a relative 1e-12 (`tests/drift.rs`).
pub fn psi(reference: &[u64], sample: &[u64]) -> Result<f64, DriftError> {
    let op = "psi";
    if reference.len() != sample.len() {
        return Err(DriftError::Bins {
            op,
            expected: reference.len(),
            got: sample.len(),
        });
    }
    let shares = |what: &str, counts: &[u64]| {
        let total: u64 = counts.iter().sum();
        if total == 0 {
            return Err(DriftError::Empty {
                op,
                what: what.into(),
            });
        }
        let total = total as f64 + counts.len() as f64 / 2.0;
        Ok(counts
            .iter()
            .map(|n| (*n as f64 + 0.5) / total)
            .collect::<Vec<f64>>())
    };
    let (p, q) = (
        shares("the reference", reference)?,
        shares("the sample", sample)?,
    );
    Ok(p.iter().zip(&q).map(|(p, q)| (q - p) * (q / p).ln()).sum())
}

/// The index that chance alone exceeds with probability `1 − level`, where nothing has drifted:
/// `(1/N + 1/M) χ²`, with the quantile of the chi-squared distribution with `k − 1` degrees of freedom.
///
/// A fixed threshold such as 0.2 is too strict for small windows and blind with large ones.
///
/// # Arguments
/// - `bins`: their number `k`, at least 2.
/// - `reference`, `sample`: the sizes `N` and `M`.
/// - `level`: between 0 and 1, such as 0.999.
///
/// # Errors
/// [`DriftError::Setting`].
///
/// # Examples
/// ```
/// // ten bins, 5,000 rows of training, a window of 200
/// let threshold = production::drift::psi_by_chance(10, 5_000, 200, 0.999)?;
/// assert!((threshold - 0.1450).abs() < 1e-4);
/// # Ok::<(), production::drift::DriftError>(())
/// ```
///
/// # References
/// Yurdakul and Naranjo, *Statistical properties of the population stability index*, 2020. The quantile agrees with
/// `scipy.stats.chi2.ppf` to a relative 1e-8.
pub fn psi_by_chance(
    bins: usize,
    reference: usize,
    sample: usize,
    level: f64,
) -> Result<f64, DriftError> {
    let setting = |name, value: f64, expected| DriftError::Setting {
        op: "psi_by_chance",
        name,
        value,
        expected,
    };
    if reference == 0 || sample == 0 {
        let least = reference.min(sample) as f64;
        return Err(setting("a sample's size", least, "at least 1"));
    }
    if !(level > 0.0 && level < 1.0) {
        return Err(setting("level", level, "a number between 0 and 1"));
    }
    let chi = bins
        .checked_sub(1)
        .and_then(|freedom| ChiSquared::new(freedom as f64).ok())
        .ok_or_else(|| setting("bins", bins as f64, "at least 2"))?;
    Ok(chi.inverse_cdf(level) * (1.0 / reference as f64 + 1.0 / sample as f64))
}

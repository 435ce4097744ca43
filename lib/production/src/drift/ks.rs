use super::DriftError;
use super::error::finite;

/// Up to this product of the sizes the p-value is exact.
const EXACT: usize = 10_000;

/// What a Kolmogorov–Smirnov test of two samples says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KolmogorovSmirnov {
    /// The largest distance of the two distribution functions, from 0 to 1.
    pub statistic: f64,
    /// How often chance alone gives a distance as large, where both samples come from one continuous distribution.
    pub p_value: f64,
}

/// The Kolmogorov–Smirnov test of two samples: `D = sup |F₁(x) − F₂(x)|`.
///
/// The p-value is exact where the product of the sizes is at most 10,000: the share of the orders of `n + m` values
/// whose distance is as large. Above, it is that of Kolmogorov's limit, `2 Σ (−1)ᵏ⁻¹ exp(−2k²λ²)` at
/// `λ = √(nm/(n+m)) D`. With ties it is too large, never too small.
///
/// With a large window every difference is significant: read the statistic as the size of the drift, and the p-value
/// only for small windows.
///
/// # Arguments
/// - `reference`, `sample`: values in one unit, any length from 1.
///
/// # Errors
/// [`DriftError::Empty`], [`DriftError::NotFinite`] with its place.
///
/// # Complexity
/// `O((n + m) log(n + m))` time, and `O(nm)` for an exact p-value.
///
/// # Examples
/// ```
/// use production::drift::ks_two_sample;
///
/// let test = ks_two_sample(&[1.0, 2.0, 3.0, 4.0], &[3.0, 4.0, 5.0, 6.0])?;
/// assert_eq!(test.statistic, 0.5); // up to 2: half of the first sample, none of the second
/// assert!((test.p_value - 54.0 / 70.0).abs() < 1e-12); // in 54 of the 70 orders it is as large
/// # Ok::<(), production::drift::DriftError>(())
/// ```
///
/// # References
/// Hodges, *The significance probability of the Smirnov two-sample test*, 1958. The statistic agrees with
/// `scipy.stats.ks_2samp`, the p-value with its exact method, or with `scipy.special.kolmogorov`, to an absolute 1e-12
/// (`tests/drift.rs`).
pub fn ks_two_sample(reference: &[f64], sample: &[f64]) -> Result<KolmogorovSmirnov, DriftError> {
    let op = "ks_two_sample";
    let sorted = |what: &str, values: &[f64]| {
        if values.is_empty() {
            return Err(DriftError::Empty {
                op,
                what: what.into(),
            });
        }
        finite(op, what, values)?;
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Ok(sorted)
    };
    let a = sorted("the reference", reference)?;
    let b = sorted("the sample", sample)?;
    // the distance times nm is a whole number: no rounding
    let distance = distance(&a, &b);
    let (n, m) = (a.len() as f64, b.len() as f64);
    let statistic = distance as f64 / (n * m);
    let p_value = if a.len() * b.len() <= EXACT {
        exact(distance, a.len(), b.len())
    } else {
        limit((n * m / (n + m)).sqrt() * statistic)
    };
    Ok(KolmogorovSmirnov { statistic, p_value })
}

/// `nm` times the distance of the distribution functions of two sorted samples.
fn distance(a: &[f64], b: &[f64]) -> usize {
    let (mut i, mut j, mut largest) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        let x = a[i].min(b[j]);
        i += a[i..].iter().take_while(|v| **v <= x).count();
        j += b[j..].iter().take_while(|v| **v <= x).count();
        largest = largest.max((i * b.len()).abs_diff(j * a.len()));
    }
    largest
}

/// The share of orders of `n` and `m` values whose distance, times `nm`, is at least `distance`.
fn exact(distance: usize, n: usize, m: usize) -> f64 {
    // inside[y]: the chance that the first x + y values, x of the first sample, never came as far apart
    let mut inside = vec![0.0; m + 1];
    for x in 0..=n {
        for y in 0..=m {
            let before = match (x, y) {
                (0, 0) => 1.0,
                (_, 0) => inside[0],
                (0, _) => inside[y - 1],
                _ => (inside[y] * x as f64 + inside[y - 1] * y as f64) / (x + y) as f64,
            };
            let apart = (x * m).abs_diff(y * n);
            inside[y] = if apart < distance { before } else { 0.0 };
        }
    }
    1.0 - inside[m]
}

/// Kolmogorov's limit: the chance of a value above `lambda`.
fn limit(lambda: f64) -> f64 {
    use std::f64::consts::PI;
    if lambda <= 0.0 {
        return 1.0;
    }
    if lambda < 1.0 {
        // the same function, in the form that converges for small values
        let sum: f64 = (1..=20)
            .map(|k| {
                let odd = f64::from(2 * k - 1);
                (-(odd * PI / lambda).powi(2) / 8.0).exp()
            })
            .sum();
        return 1.0 - (2.0 * PI).sqrt() / lambda * sum;
    }
    let sum: f64 = (1..=20)
        .map(|k| {
            let sign = if k % 2 == 1 { 1.0 } else { -1.0 };
            sign * (-2.0 * (f64::from(k) * lambda).powi(2)).exp()
        })
        .sum();
    2.0 * sum
}

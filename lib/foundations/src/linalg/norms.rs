//! Norms: how long a vector is, and how strongly a matrix can stretch one.

use ndarray::{ArrayView1, ArrayView2, Axis};

use super::{LinalgError, Svd, check};

/// The sum of the absolute values of a vector.
///
/// `‖x‖₁ = Σᵢ |xᵢ|`
///
/// # Arguments
/// - `x`: a vector, shape (n). An empty vector has length 0.
///
/// # Returns
/// A number of the unit of `x`.
///
/// # Errors
/// [`LinalgError::NotFinite`] if an entry is NaN or infinite.
///
/// # Complexity
/// O(n).
///
/// # Examples
/// ```
/// # use foundations::linalg::norm_1;
/// # use ndarray::array;
/// assert_eq!(norm_1(array![3.0, -4.0].view())?, 7.0);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Golub and Van Loan, *Matrix Computations*, 4th ed., 2.2. Chapter *Linear algebra*, section
/// *Vectors and norms*. Agrees with `numpy.linalg.norm(x, 1)` to 1e-15, relative.
pub fn norm_1(x: ArrayView1<f64>) -> Result<f64, LinalgError> {
    check::finite_vector("norm_1", x)?;
    Ok(x.iter().map(|v| v.abs()).sum())
}

/// The Euclidean length of a vector.
///
/// `‖x‖₂ = √(Σᵢ xᵢ²)`, on a rescaled `x` where a square would overflow or vanish.
///
/// # Arguments
/// - `x`: a vector, shape (n). An empty vector has length 0.
///
/// # Returns
/// A number of the unit of `x`.
///
/// # Errors
/// [`LinalgError::NotFinite`] if an entry is NaN or infinite.
///
/// # Complexity
/// O(n).
///
/// # Examples
/// ```
/// # use foundations::linalg::norm_2;
/// # use ndarray::array;
/// assert_eq!(norm_2(array![3.0, -4.0].view())?, 5.0);
/// let huge = norm_2(array![3e200, -4e200].view())?; // 9e400 would be infinite
/// assert!((huge / 5e200 - 1.0).abs() < 1e-15);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., 27.5. Chapter *Linear
/// algebra*, section *Vectors and norms*. Agrees with `scipy.linalg.norm(x)` to 1e-15, relative.
pub fn norm_2(x: ArrayView1<f64>) -> Result<f64, LinalgError> {
    check::finite_vector("norm_2", x)?;
    Ok(euclidean(x))
}

/// The largest absolute value of a vector.
///
/// `‖x‖∞ = maxᵢ |xᵢ|`
///
/// # Arguments
/// - `x`: a vector, shape (n). An empty vector has length 0.
///
/// # Returns
/// A number of the unit of `x`.
///
/// # Errors
/// [`LinalgError::NotFinite`] if an entry is NaN or infinite.
///
/// # Complexity
/// O(n).
///
/// # Examples
/// ```
/// # use foundations::linalg::norm_inf;
/// # use ndarray::array;
/// assert_eq!(norm_inf(array![3.0, -4.0].view())?, 4.0);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Golub and Van Loan, 2.2. Chapter *Linear algebra*, section *Vectors and norms*. Equal to
/// `numpy.linalg.norm(x, inf)`.
pub fn norm_inf(x: ArrayView1<f64>) -> Result<f64, LinalgError> {
    check::finite_vector("norm_inf", x)?;
    Ok(largest(x.iter()))
}

/// The p-norm of a vector, which has the 1-, 2- and maximum norms as members.
///
/// `‖x‖ₚ = (Σᵢ |xᵢ|ᵖ)^(1/p)`, computed on `x / max|xᵢ|`.
///
/// # Arguments
/// - `x`: a vector, shape (n). An empty vector has length 0.
/// - `p`: at least 1; `f64::INFINITY` gives [`norm_inf`]. Below 1 the triangle inequality fails.
///
/// # Returns
/// A number of the unit of `x`.
///
/// # Errors
/// [`LinalgError::Parameter`] if `p` is below 1 or NaN, [`LinalgError::NotFinite`] if an entry is
/// NaN or infinite.
///
/// # Complexity
/// O(n).
///
/// # Examples
/// ```
/// # use foundations::linalg::norm_p;
/// # use ndarray::array;
/// let x = array![3.0, -4.0];
/// assert_eq!(norm_p(x.view(), 1.0)?, 7.0);
/// assert!((norm_p(x.view(), 3.0)? - 91.0_f64.cbrt()).abs() < 1e-14);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Golub and Van Loan, 2.2.1. Chapter *Linear algebra*, section *Vectors and norms*. Agrees with
/// `numpy.linalg.norm(x, p)` to 1e-14, relative.
pub fn norm_p(x: ArrayView1<f64>, p: f64) -> Result<f64, LinalgError> {
    if p.is_nan() || p < 1.0 {
        return Err(LinalgError::Parameter {
            op: "norm_p",
            name: "p",
            value: p,
            expected: "at least 1",
        });
    }
    check::finite_vector("norm_p", x)?;
    let scale = largest(x.iter());
    if p.is_infinite() || scale == 0.0 {
        return Ok(scale);
    }
    let sum: f64 = x.iter().map(|v| (v.abs() / scale).powf(p)).sum();
    Ok(scale * sum.powf(p.recip()))
}

/// The Frobenius norm: the Euclidean length of a matrix read as one long vector.
///
/// `‖A‖_F = √(Σᵢⱼ aᵢⱼ²) = √(Σᵢ σᵢ²)`
///
/// # Arguments
/// - `a`: a matrix, shape (m, n).
///
/// # Returns
/// A number of the unit of `a`.
///
/// # Errors
/// [`LinalgError::NotFinite`] if an entry is NaN or infinite.
///
/// # Complexity
/// O(m n).
///
/// # Examples
/// ```
/// # use foundations::linalg::frobenius_norm;
/// # use ndarray::array;
/// assert_eq!(frobenius_norm(array![[1.0, 2.0], [2.0, 4.0]].view())?, 5.0);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Golub and Van Loan, 2.3.1. Chapter *Linear algebra*, section *Vectors and norms*. Agrees with
/// `numpy.linalg.norm(a, "fro")` to 1e-15, relative.
pub fn frobenius_norm(a: ArrayView2<f64>) -> Result<f64, LinalgError> {
    check::finite_matrix("frobenius_norm", a)?;
    Ok(euclidean_of(a.iter()))
}

/// The matrix norm that belongs to the 1-norm: the largest column sum.
///
/// `‖A‖₁ = max over x ≠ 0 of ‖A x‖₁ / ‖x‖₁ = maxⱼ Σᵢ |aᵢⱼ|`
///
/// # Arguments
/// - `a`: a matrix, shape (m, n).
///
/// # Returns
/// A number of the unit of `a`.
///
/// # Errors
/// [`LinalgError::NotFinite`] if an entry is NaN or infinite.
///
/// # Complexity
/// O(m n).
///
/// # Examples
/// ```
/// # use foundations::linalg::matrix_norm_1;
/// # use ndarray::array;
/// assert_eq!(matrix_norm_1(array![[1.0, -2.0], [3.0, 4.0]].view())?, 6.0);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Golub and Van Loan, 2.3.2. Chapter *Linear algebra*, section *Vectors and norms*. Agrees with
/// `numpy.linalg.norm(a, 1)` to 1e-15, relative.
pub fn matrix_norm_1(a: ArrayView2<f64>) -> Result<f64, LinalgError> {
    check::finite_matrix("matrix_norm_1", a)?;
    Ok(largest_sum(a, Axis(1)))
}

/// The matrix norm that belongs to the maximum norm: the largest row sum.
///
/// `‖A‖∞ = max over x ≠ 0 of ‖A x‖∞ / ‖x‖∞ = maxᵢ Σⱼ |aᵢⱼ|`
///
/// # Arguments
/// - `a`: a matrix, shape (m, n).
///
/// # Returns
/// A number of the unit of `a`.
///
/// # Errors
/// [`LinalgError::NotFinite`] if an entry is NaN or infinite.
///
/// # Complexity
/// O(m n).
///
/// # Examples
/// ```
/// # use foundations::linalg::matrix_norm_inf;
/// # use ndarray::array;
/// assert_eq!(matrix_norm_inf(array![[1.0, -2.0], [3.0, 4.0]].view())?, 7.0);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Golub and Van Loan, 2.3.2. Chapter *Linear algebra*, section *Vectors and norms*. Agrees with
/// `numpy.linalg.norm(a, inf)` to 1e-15, relative.
pub fn matrix_norm_inf(a: ArrayView2<f64>) -> Result<f64, LinalgError> {
    check::finite_matrix("matrix_norm_inf", a)?;
    Ok(largest_sum(a, Axis(0)))
}

/// The spectral norm: the most that a matrix stretches a vector.
///
/// `‖A‖₂ = max over x ≠ 0 of ‖A x‖₂ / ‖x‖₂ = σ₁`
///
/// # Arguments
/// - `a`: a matrix, shape (m, n).
///
/// # Returns
/// The largest singular value, in the unit of `a`.
///
/// # Errors
/// [`LinalgError::Empty`], [`LinalgError::NotFinite`], and those of [`Svd::new`].
///
/// # Complexity
/// That of [`Svd::new`].
///
/// # Examples
/// ```
/// # use foundations::linalg::spectral_norm;
/// # use ndarray::array;
/// let stretch = spectral_norm(array![[3.0, 0.0], [0.0, -5.0]].view())?;
/// assert!((stretch - 5.0).abs() < 1e-14);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Golub and Van Loan, 2.3.3. Chapter *Linear algebra*, section *The singular value
/// decomposition*. Agrees with `numpy.linalg.norm(a, 2)` to 1e-13, relative.
pub fn spectral_norm(a: ArrayView2<f64>) -> Result<f64, LinalgError> {
    check::non_empty("spectral_norm", a)?;
    Ok(Svd::new(a)?.singular_values()[0])
}

/// A sum of squares below this may have lost terms to underflow.
const SMALL_SQUARE: f64 = 1e-280;

/// Euclidean length of finite entries.
pub(super) fn euclidean(x: ArrayView1<f64>) -> f64 {
    euclidean_of(x.iter())
}

fn euclidean_of<'a>(values: impl Iterator<Item = &'a f64> + Clone) -> f64 {
    let squares: f64 = values.clone().map(|v| v * v).sum();
    if squares > SMALL_SQUARE && squares.is_finite() {
        return squares.sqrt();
    }
    let scale = power_of_two_below(largest(values.clone()));
    scale * values.map(|v| (v / scale).powi(2)).sum::<f64>().sqrt()
}

/// The largest power of two that is at most `x`; 1 for 0. To divide by it rounds nothing.
pub(super) fn power_of_two_below(x: f64) -> f64 {
    if x == 0.0 {
        1.0
    } else {
        x.log2().floor().exp2()
    }
}

/// The largest absolute value; 0 where there is none.
pub(super) fn largest<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    values.fold(0.0, |m, v| m.max(v.abs()))
}

fn largest_sum(a: ArrayView2<f64>, along: Axis) -> f64 {
    let sums = a.lanes(Axis(1 - along.index()));
    sums.into_iter()
        .map(|lane| lane.iter().map(|v| v.abs()).sum())
        .fold(0.0, f64::max)
}

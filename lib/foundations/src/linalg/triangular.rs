//! Triangular systems: the step that every factorisation ends in.

use ndarray::{Array1, ArrayView1, ArrayView2, s};

use super::{LinalgError, check};

/// Solves `L x = b` with `L` lower triangular, by forward substitution.
///
/// `xᵢ = (bᵢ - Σ_{j<i} lᵢⱼ xⱼ) / lᵢᵢ`, for `i` from the first row to the last.
///
/// # Arguments
/// - `l`: a square matrix, shape (n, n). Entries above the diagonal are not read.
/// - `b`: a vector, shape (n).
///
/// # Returns
/// The solution, shape (n).
///
/// # Errors
/// [`LinalgError::Singular`] if a diagonal entry is zero, [`LinalgError::NotSquare`],
/// [`LinalgError::ShapeMismatch`], [`LinalgError::Empty`], [`LinalgError::NotFinite`].
///
/// # Complexity
/// O(n²).
///
/// # Examples
/// ```
/// # use foundations::linalg::solve_lower;
/// # use ndarray::array;
/// let l = array![[2.0, 0.0], [1.0, 4.0]];
/// assert_eq!(solve_lower(l.view(), array![2.0, 9.0].view())?, array![1.0, 2.0]);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Golub and Van Loan, *Matrix Computations*, 4th ed., 3.1.1. Chapter *Linear algebra*, section
/// *Systems of equations: LU*. Agrees with `scipy.linalg.solve_triangular(l, b, lower=True)`.
pub fn solve_lower(l: ArrayView2<f64>, b: ArrayView1<f64>) -> Result<Array1<f64>, LinalgError> {
    let n = check::square("solve_lower", l)?;
    check::vector_of_len("solve_lower", b, n)?;
    forward("solve_lower", l, b)
}

/// Solves `U x = b` with `U` upper triangular, by back substitution.
///
/// `xᵢ = (bᵢ - Σ_{j>i} uᵢⱼ xⱼ) / uᵢᵢ`, for `i` from the last row to the first.
///
/// # Arguments
/// - `u`: a square matrix, shape (n, n). Entries below the diagonal are not read.
/// - `b`: a vector, shape (n).
///
/// # Returns
/// The solution, shape (n).
///
/// # Errors
/// [`LinalgError::Singular`] if a diagonal entry is zero, [`LinalgError::NotSquare`],
/// [`LinalgError::ShapeMismatch`], [`LinalgError::Empty`], [`LinalgError::NotFinite`].
///
/// # Complexity
/// O(n²).
///
/// # Examples
/// ```
/// # use foundations::linalg::solve_upper;
/// # use ndarray::array;
/// let u = array![[2.0, 1.0], [0.0, 4.0]];
/// assert_eq!(solve_upper(u.view(), array![4.0, 8.0].view())?, array![1.0, 2.0]);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Golub and Van Loan, 3.1.2. Chapter *Linear algebra*, section *Systems of equations: LU*. Agrees
/// with `scipy.linalg.solve_triangular(u, b)`.
pub fn solve_upper(u: ArrayView2<f64>, b: ArrayView1<f64>) -> Result<Array1<f64>, LinalgError> {
    let n = check::square("solve_upper", u)?;
    check::vector_of_len("solve_upper", b, n)?;
    backward("solve_upper", u, b)
}

/// Forward substitution on checked input.
pub(super) fn forward(
    op: &'static str,
    l: ArrayView2<f64>,
    b: ArrayView1<f64>,
) -> Result<Array1<f64>, LinalgError> {
    let mut x = b.to_owned();
    for i in 0..x.len() {
        if l[[i, i]] == 0.0 {
            return Err(LinalgError::Singular { op, pivot: i });
        }
        let known = l.slice(s![i, ..i]).dot(&x.slice(s![..i]));
        x[i] = (x[i] - known) / l[[i, i]];
    }
    Ok(x)
}

/// Back substitution on checked input.
pub(super) fn backward(
    op: &'static str,
    u: ArrayView2<f64>,
    b: ArrayView1<f64>,
) -> Result<Array1<f64>, LinalgError> {
    let mut x = b.to_owned();
    for i in (0..x.len()).rev() {
        if u[[i, i]] == 0.0 {
            return Err(LinalgError::Singular { op, pivot: i });
        }
        let known = u.slice(s![i, i + 1..]).dot(&x.slice(s![i + 1..]));
        x[i] = (x[i] - known) / u[[i, i]];
    }
    Ok(x)
}

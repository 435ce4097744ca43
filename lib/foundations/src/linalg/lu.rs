//! LU factorisation with partial pivoting: square systems, determinants, inverses.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Zip, s};

use super::{LinalgError, check, triangular};

/// A square matrix as a product of a unit lower and an upper triangular one, rows reordered.
///
/// `P A = L U`. At step `k`, the row whose entry in column `k` is largest moves up (partial
/// pivoting), so that every multiplier in `L` is at most 1 in size and no small pivot blows up the
/// rounding error of the rows above it.
///
/// A singular matrix is factorised too: its determinant is a valid question. [`Lu::solve`] then
/// says at which pivot it failed.
///
/// # Examples
/// ```
/// # use foundations::linalg::Lu;
/// # use ndarray::array;
/// let lu = Lu::new(array![[0.0, 2.0], [4.0, 1.0]].view())?;
/// assert_eq!(lu.permutation(), [1, 0]);
/// assert_eq!(lu.determinant(), -8.0);
/// assert_eq!(lu.solve(array![2.0, 9.0].view())?, array![2.0, 1.0]);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Golub and Van Loan, *Matrix Computations*, 4th ed., 3.4; Higham, *Accuracy and Stability of
/// Numerical Algorithms*, 2nd ed., chapter 9. Chapter *Linear algebra*, section *Systems of
/// equations: LU*. Agrees with `scipy.linalg.lu` to 1e-13 on well-conditioned matrices.
#[derive(Debug, Clone)]
pub struct Lu {
    l: Array2<f64>,
    u: Array2<f64>,
    permutation: Vec<usize>,
    sign: f64,
}

impl Lu {
    /// Factorises a square matrix.
    ///
    /// # Arguments
    /// - `a`: a matrix, shape (n, n).
    ///
    /// # Returns
    /// The factors `L` and `U`, shape (n, n) each, and the order of the rows.
    ///
    /// # Errors
    /// [`LinalgError::NotSquare`], [`LinalgError::Empty`], [`LinalgError::NotFinite`].
    ///
    /// # Complexity
    /// 2/3 n³ operations.
    pub fn new(a: ArrayView2<f64>) -> Result<Self, LinalgError> {
        let n = check::square("Lu::new", a)?;
        let mut u = Array2::from_shape_fn((n, n), |place| a[place]);
        let mut l = Array2::eye(n);
        let mut permutation: Vec<usize> = (0..n).collect();
        let mut sign = 1.0;
        for k in 0..n {
            let pivot = largest_from(u.column(k), k);
            if u[[pivot, k]] == 0.0 {
                continue; // nothing to eliminate: u[k, k] stays 0
            }
            if pivot != k {
                swap_rows(&mut u, k, pivot, k..n);
                swap_rows(&mut l, k, pivot, 0..k);
                permutation.swap(k, pivot);
                sign = -sign;
            }
            for i in k + 1..n {
                let multiplier = u[[i, k]] / u[[k, k]];
                l[[i, k]] = multiplier;
                u[[i, k]] = 0.0;
                let (pivot_row, mut row) = u.multi_slice_mut((s![k, k + 1..], s![i, k + 1..]));
                row.scaled_add(-multiplier, &pivot_row);
            }
        }
        Ok(Self {
            l,
            u,
            permutation,
            sign,
        })
    }

    /// The unit lower triangular factor, shape (n, n).
    pub fn l(&self) -> &Array2<f64> {
        &self.l
    }

    /// The upper triangular factor, shape (n, n).
    pub fn u(&self) -> &Array2<f64> {
        &self.u
    }

    /// The order of the rows: row `i` of `P A` is row `permutation()[i]` of `A`.
    pub fn permutation(&self) -> &[usize] {
        &self.permutation
    }

    /// The permutation as a matrix `P` of zeros and ones, shape (n, n).
    pub fn p(&self) -> Array2<f64> {
        let n = self.permutation.len();
        Array2::from_shape_fn((n, n), |(i, j)| f64::from(self.permutation[i] == j))
    }

    /// Solves `A x = b`: forward substitution with `L` on the reordered `b`, then back with `U`.
    ///
    /// # Arguments
    /// - `b`: the right-hand side, shape (n).
    ///
    /// # Returns
    /// The solution, shape (n).
    ///
    /// # Errors
    /// [`LinalgError::Singular`] if a pivot is exactly zero, [`LinalgError::ShapeMismatch`],
    /// [`LinalgError::NotFinite`]. A matrix that is singular only up to rounding gives an answer:
    /// ask [`condition_number`](super::condition_number) what it is worth.
    ///
    /// # Complexity
    /// 2 n² operations.
    pub fn solve(&self, b: ArrayView1<f64>) -> Result<Array1<f64>, LinalgError> {
        check::vector_of_len("Lu::solve", b, self.permutation.len())?;
        let pb: Array1<f64> = self.permutation.iter().map(|&i| b[i]).collect();
        let y = triangular::forward("Lu::solve", self.l.view(), pb.view())?;
        triangular::backward("Lu::solve", self.u.view(), y.view())
    }

    /// Solves `A X = B` for several right-hand sides, one a column.
    ///
    /// # Arguments
    /// - `b`: the right-hand sides, shape (n, k).
    ///
    /// # Returns
    /// The solutions, shape (n, k).
    ///
    /// # Errors
    /// Those of [`Lu::solve`].
    ///
    /// # Complexity
    /// 2 n² k operations.
    pub fn solve_matrix(&self, b: ArrayView2<f64>) -> Result<Array2<f64>, LinalgError> {
        check::rows("Lu::solve_matrix", b, self.permutation.len())?;
        let mut x = Array2::zeros(b.dim());
        for (b_col, mut x_col) in b.columns().into_iter().zip(x.columns_mut()) {
            x_col.assign(&self.solve(b_col)?);
        }
        Ok(x)
    }

    /// The determinant of `A`: the product of the pivots, negated for an odd number of row swaps.
    ///
    /// # Returns
    /// A number; 0 for a matrix with a zero pivot. May overflow where
    /// [`Lu::log_determinant`] does not.
    ///
    /// # Complexity
    /// O(n).
    pub fn determinant(&self) -> f64 {
        self.sign * self.u.diag().product()
    }

    /// Sign and logarithm of the determinant's size: `det A = sign · exp(log)`.
    ///
    /// # Returns
    /// `(sign, log)`; `(0, -∞)` for a matrix with a zero pivot.
    ///
    /// # Complexity
    /// O(n).
    pub fn log_determinant(&self) -> (f64, f64) {
        let pivots = self.u.diag();
        if pivots.iter().any(|&p| p == 0.0) {
            return (0.0, f64::NEG_INFINITY);
        }
        let sign = pivots.iter().fold(self.sign, |s, p| s * p.signum());
        (sign, pivots.iter().map(|p| p.abs().ln()).sum())
    }

    /// The inverse of `A`. To solve a system, [`Lu::solve`] is cheaper and more accurate.
    ///
    /// # Returns
    /// A matrix, shape (n, n).
    ///
    /// # Errors
    /// [`LinalgError::Singular`] if a pivot is exactly zero.
    ///
    /// # Complexity
    /// 2 n³ operations.
    pub fn inverse(&self) -> Result<Array2<f64>, LinalgError> {
        self.solve_matrix(Array2::eye(self.permutation.len()).view())
    }
}

/// Solves the square system `A x = b` through [`Lu`].
///
/// # Arguments
/// - `a`: a matrix, shape (n, n).
/// - `b`: the right-hand side, shape (n).
///
/// # Returns
/// The solution, shape (n). The computed `x` solves a system whose matrix differs from `A` by
/// about `n ε ‖A‖`; how far that is from the true solution is for
/// [`condition_number`](super::condition_number) to say.
///
/// # Errors
/// Those of [`Lu::new`] and [`Lu::solve`].
///
/// # Complexity
/// 2/3 n³ operations.
///
/// # Examples
/// ```
/// # use foundations::linalg::solve;
/// # use ndarray::array;
/// let a = array![[1e-20, 1.0], [1.0, 1.0]]; // fails without pivoting
/// let x = solve(a.view(), array![1.0, 2.0].view())?;
/// assert_eq!(x, array![1.0, 1.0]);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// See [`Lu`]. Agrees with `numpy.linalg.solve`: backward error within 4 times of numpy's.
pub fn solve(a: ArrayView2<f64>, b: ArrayView1<f64>) -> Result<Array1<f64>, LinalgError> {
    Lu::new(a)?.solve(b)
}

/// The determinant of a square matrix: the factor by which it scales volumes.
///
/// # Arguments
/// - `a`: a matrix, shape (n, n).
///
/// # Returns
/// A number.
///
/// # Errors
/// Those of [`Lu::new`].
///
/// # Complexity
/// 2/3 n³ operations.
///
/// # Examples
/// ```
/// # use foundations::linalg::determinant;
/// # use ndarray::array;
/// assert_eq!(determinant(array![[1.0, 2.0], [3.0, 4.0]].view())?, -2.0);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// See [`Lu`]. Agrees with `numpy.linalg.det` to 1e-12, relative, on well-conditioned matrices.
pub fn determinant(a: ArrayView2<f64>) -> Result<f64, LinalgError> {
    Ok(Lu::new(a)?.determinant())
}

/// The inverse of a square matrix.
///
/// # Arguments
/// - `a`: a matrix, shape (n, n).
///
/// # Returns
/// `A⁻¹`, shape (n, n).
///
/// # Errors
/// Those of [`Lu::new`] and [`Lu::inverse`].
///
/// # Complexity
/// 8/3 n³ operations.
///
/// # Examples
/// ```
/// # use foundations::linalg::inverse;
/// # use ndarray::array;
/// let inv = inverse(array![[2.0, 0.0], [0.0, 4.0]].view())?;
/// assert_eq!(inv, array![[0.5, 0.0], [0.0, 0.25]]);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// See [`Lu`]. Agrees with `numpy.linalg.inv` to 1e-12 on well-conditioned matrices.
pub fn inverse(a: ArrayView2<f64>) -> Result<Array2<f64>, LinalgError> {
    Lu::new(a)?.inverse()
}

/// The first index, from `start` on, of the entry that is largest in size.
fn largest_from(column: ArrayView1<f64>, start: usize) -> usize {
    (start + 1..column.len()).fold(start, |best, i| {
        if column[i].abs() > column[best].abs() {
            i
        } else {
            best
        }
    })
}

/// Swaps two rows in the given columns.
fn swap_rows(a: &mut Array2<f64>, i: usize, j: usize, columns: std::ops::Range<usize>) {
    let (row_i, row_j) = a.multi_slice_mut((s![i, columns.clone()], s![j, columns]));
    Zip::from(row_i).and(row_j).for_each(std::mem::swap);
}

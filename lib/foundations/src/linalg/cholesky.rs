//! Cholesky factorisation: symmetric positive definite systems at half the cost of LU.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, s};

use super::{LinalgError, check, triangular};

/// A symmetric positive definite matrix as the product of a triangular one with its transpose.
///
/// `A = L Lᵀ`, with `L` lower triangular and a positive diagonal. No pivoting is needed: positive
/// definiteness bounds every entry of `L` by the root of a diagonal entry of `A`. The
/// factorisation is also the cheapest test of positive definiteness.
///
/// # Examples
/// ```
/// # use foundations::linalg::Cholesky;
/// # use ndarray::array;
/// let c = Cholesky::new(array![[4.0, 2.0], [2.0, 10.0]].view())?;
/// assert_eq!(c.l(), &array![[2.0, 0.0], [1.0, 3.0]]);
/// assert_eq!(c.determinant(), 36.0);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Golub and Van Loan, *Matrix Computations*, 4th ed., 4.2.3; Higham, *Accuracy and Stability of
/// Numerical Algorithms*, 2nd ed., chapter 10. Chapter *Linear algebra*, section *Cholesky*.
/// Agrees with `numpy.linalg.cholesky` to 1e-13 on well-conditioned matrices.
#[derive(Debug, Clone)]
pub struct Cholesky {
    l: Array2<f64>,
}

impl Cholesky {
    /// Factorises a symmetric positive definite matrix.
    ///
    /// `lⱼⱼ = √(aⱼⱼ - Σ_{k<j} lⱼₖ²)`, then `lᵢⱼ = (aᵢⱼ - Σ_{k<j} lᵢₖ lⱼₖ) / lⱼⱼ` for the rows below.
    ///
    /// # Arguments
    /// - `a`: a symmetric matrix, shape (n, n). Its lower triangle is used.
    ///
    /// # Returns
    /// The factor `L`, shape (n, n).
    ///
    /// # Errors
    /// [`LinalgError::NotPositiveDefinite`] with the column whose square root does not exist,
    /// [`LinalgError::NotSymmetric`] if two mirrored entries differ by more than rounding,
    /// [`LinalgError::NotSquare`], [`LinalgError::Empty`], [`LinalgError::NotFinite`].
    ///
    /// # Complexity
    /// 1/3 n³ operations.
    pub fn new(a: ArrayView2<f64>) -> Result<Self, LinalgError> {
        let n = check::symmetric("Cholesky::new", a)?;
        let mut l = Array2::<f64>::zeros((n, n));
        for j in 0..n {
            let done = l.slice(s![j, ..j]);
            let square = a[[j, j]] - done.dot(&done);
            if square <= 0.0 {
                return Err(LinalgError::NotPositiveDefinite {
                    op: "Cholesky::new",
                    pivot: j,
                    value: square,
                });
            }
            l[[j, j]] = square.sqrt();
            for i in j + 1..n {
                let known = l.slice(s![i, ..j]).dot(&l.slice(s![j, ..j]));
                l[[i, j]] = (a[[i, j]] - known) / l[[j, j]];
            }
        }
        Ok(Self { l })
    }

    /// The lower triangular factor, shape (n, n).
    pub fn l(&self) -> &Array2<f64> {
        &self.l
    }

    /// Solves `A x = b`: `L y = b`, then `Lᵀ x = y`.
    ///
    /// # Arguments
    /// - `b`: the right-hand side, shape (n).
    ///
    /// # Returns
    /// The solution, shape (n).
    ///
    /// # Errors
    /// [`LinalgError::ShapeMismatch`], [`LinalgError::NotFinite`].
    ///
    /// # Complexity
    /// 2 n² operations.
    pub fn solve(&self, b: ArrayView1<f64>) -> Result<Array1<f64>, LinalgError> {
        check::vector_of_len("Cholesky::solve", b, self.l.nrows())?;
        let y = triangular::forward("Cholesky::solve", self.l.view(), b)?;
        triangular::backward("Cholesky::solve", self.l.t(), y.view())
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
    /// Those of [`Cholesky::solve`].
    ///
    /// # Complexity
    /// 2 n² k operations.
    pub fn solve_matrix(&self, b: ArrayView2<f64>) -> Result<Array2<f64>, LinalgError> {
        check::rows("Cholesky::solve_matrix", b, self.l.nrows())?;
        let mut x = Array2::zeros(b.dim());
        for (b_col, mut x_col) in b.columns().into_iter().zip(x.columns_mut()) {
            x_col.assign(&self.solve(b_col)?);
        }
        Ok(x)
    }

    /// The determinant of `A`: the squared product of the diagonal of `L`.
    pub fn determinant(&self) -> f64 {
        self.l.diag().product().powi(2)
    }

    /// The logarithm of the determinant, which does not overflow: `2 Σⱼ ln lⱼⱼ`.
    pub fn log_determinant(&self) -> f64 {
        2.0 * self.l.diag().iter().map(|v| v.ln()).sum::<f64>()
    }

    /// The inverse of `A`, shape (n, n). To solve a system, [`Cholesky::solve`] is cheaper.
    ///
    /// # Errors
    /// None is expected of a factorised matrix; those of [`Cholesky::solve`] are passed on.
    ///
    /// # Complexity
    /// 2 n³ operations.
    pub fn inverse(&self) -> Result<Array2<f64>, LinalgError> {
        self.solve_matrix(Array2::eye(self.l.nrows()).view())
    }
}

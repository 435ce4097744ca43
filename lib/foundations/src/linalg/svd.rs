//! Singular value decomposition, and what follows from it: rank, pseudo-inverse, conditioning,
//! low-rank approximation.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};

use super::{LinalgError, Qr, check, eigen::largest_is_negative, norms, rotation::Rotation};

/// Sweeps over all pairs of rows. Six to ten do in practice.
const MAX_SWEEPS: usize = 60;

/// A row of a matrix with entries up to 1 whose squared length is below this counts as zero:
/// smaller squares lose digits to underflow.
const NEGLIGIBLE_SQUARE: f64 = 1e-280;

/// Any matrix as a sum of simple ones: two orthonormal bases and the stretch from one to the other.
///
/// `A = U diag(σ) Vᵀ = Σᵢ σᵢ uᵢ vᵢᵀ`, thin: with `k = min(m, n)`, `U` has shape (m, k), `Vᵀ` has
/// shape (k, n), `UᵀU = VᵀV = I`, and `σ₁ ≥ σ₂ ≥ … ≥ σₖ ≥ 0`.
///
/// The method is one-sided Jacobi after a QR factorisation: `A = Q R`, then plane rotations of the
/// rows of `R` until all rows are orthogonal, `Jᵀ R = diag(σ) Vᵀ`, so that `U = Q J`.
///
/// Signs are fixed: the entry of largest size in each `uᵢ` is positive.
///
/// # Examples
/// ```
/// # use foundations::linalg::Svd;
/// # use ndarray::array;
/// let svd = Svd::new(array![[3.0, 0.0], [4.0, 5.0]].view())?;
/// assert!((svd.singular_values()[0] - 45.0_f64.sqrt()).abs() < 1e-14);
/// assert!((svd.singular_values()[1] - 5.0_f64.sqrt()).abs() < 1e-14);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Hestenes, *Inversion of matrices by biorthogonalization*, J. SIAM 6 (1958); Demmel and Veselić,
/// *Jacobi's method is more accurate than QR*, SIAM J. Matrix Anal. Appl. 13 (1992); Golub and Van
/// Loan, *Matrix Computations*, 4th ed., 2.4 and 8.6.3. Chapter *Linear algebra*, section *The
/// singular value decomposition*. Agrees with `numpy.linalg.svd` to 1e-14 of `σ₁`.
#[derive(Debug, Clone)]
pub struct Svd {
    u: Array2<f64>,
    values: Array1<f64>,
    vt: Array2<f64>,
}

impl Svd {
    /// Decomposes a matrix of any shape and rank.
    ///
    /// # Arguments
    /// - `a`: a matrix, shape (m, n).
    ///
    /// # Returns
    /// `U`, the singular values and `Vᵀ`, thin.
    ///
    /// # Errors
    /// [`LinalgError::Empty`], [`LinalgError::NotFinite`], [`LinalgError::NoConvergence`].
    ///
    /// # Complexity
    /// With k = min(m, n): O(m n k) for the factorisation, then about 5 k³ operations a sweep.
    /// Meant for k up to a few hundred.
    pub fn new(a: ArrayView2<f64>) -> Result<Self, LinalgError> {
        check::non_empty("Svd::new", a)?;
        if a.nrows() < a.ncols() {
            let Self { u, values, vt } = Self::tall(a.t())?;
            return Ok(Self::with_signs(
                vt.reversed_axes(),
                values,
                u.reversed_axes(),
            ));
        }
        let Self { u, values, vt } = Self::tall(a)?;
        Ok(Self::with_signs(u, values, vt))
    }

    /// The decomposition of a matrix with at least as many rows as columns.
    fn tall(a: ArrayView2<f64>) -> Result<Self, LinalgError> {
        // a power of two: scaling rounds nothing, and squares neither overflow nor vanish
        let scale = norms::power_of_two_below(norms::largest(a.iter()));
        let qr = Qr::new(a.mapv(|v| v / scale).view())?;
        let (rows, jt) = orthogonal_rows(qr.r().clone())?;

        let lengths: Vec<f64> = rows.rows().into_iter().map(norms::euclidean).collect();
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by(|&i, &j| lengths[j].total_cmp(&lengths[i]));

        let mut vt = rows.select(Axis(0), &order);
        let values: Array1<f64> = order.iter().map(|&i| lengths[i]).collect();
        let known = values
            .iter()
            .take_while(|&&v| v * v >= NEGLIGIBLE_SQUARE)
            .count();
        for (mut row, &length) in vt.rows_mut().into_iter().zip(&values).take(known) {
            row /= length;
        }
        complete_rows(&mut vt, known);
        Ok(Self {
            u: qr.q().dot(&jt.select(Axis(0), &order).t()),
            values: values * scale,
            vt,
        })
    }

    fn with_signs(mut u: Array2<f64>, values: Array1<f64>, mut vt: Array2<f64>) -> Self {
        for (mut left, mut right) in u.columns_mut().into_iter().zip(vt.rows_mut()) {
            if largest_is_negative(left.iter()) {
                left.mapv_inplace(|x| -x);
                right.mapv_inplace(|x| -x);
            }
        }
        Self { u, values, vt }
    }

    /// The left singular vectors as columns, shape (m, k).
    pub fn u(&self) -> &Array2<f64> {
        &self.u
    }

    /// The singular values, shape (k), in descending order, none below zero.
    pub fn singular_values(&self) -> &Array1<f64> {
        &self.values
    }

    /// The right singular vectors as rows, shape (k, n).
    pub fn vt(&self) -> &Array2<f64> {
        &self.vt
    }

    /// The singular values that stand above rounding error: `σᵢ > max(m, n) ε σ₁`.
    ///
    /// # Returns
    /// The numerical rank, from 0 to k; that of `numpy.linalg.matrix_rank`.
    pub fn rank(&self) -> usize {
        let cut = self.rounding_error();
        self.values.iter().filter(|&&v| v > cut).count()
    }

    /// The condition number in the 2-norm, `κ = σ₁ / σₖ`.
    ///
    /// # Returns
    /// At least 1; infinite if the smallest singular value is zero.
    pub fn condition_number(&self) -> f64 {
        let smallest = self.values[self.values.len() - 1];
        if smallest == 0.0 {
            return f64::INFINITY;
        }
        self.values[0] / smallest
    }

    /// The sum of the first `rank` triples: by Eckart and Young the nearest matrix of that rank.
    ///
    /// `A_r = Σ_{i≤r} σᵢ uᵢ vᵢᵀ`, with `‖A - A_r‖₂ = σ_{r+1}` and `‖A - A_r‖_F = √(Σ_{i>r} σᵢ²)`.
    ///
    /// # Arguments
    /// - `rank`: how many triples to keep, 0 to k.
    ///
    /// # Returns
    /// A matrix, shape (m, n).
    ///
    /// # Errors
    /// [`LinalgError::Parameter`] if `rank` is above k.
    ///
    /// # Complexity
    /// O(m n rank).
    pub fn low_rank(&self, rank: usize) -> Result<Array2<f64>, LinalgError> {
        if rank > self.values.len() {
            return Err(LinalgError::Parameter {
                op: "Svd::low_rank",
                name: "rank",
                value: rank as f64,
                expected: "at most min(rows, columns)",
            });
        }
        let scaled = &self.u.slice(s![.., ..rank]) * &self.values.slice(s![..rank]);
        Ok(scaled.dot(&self.vt.slice(s![..rank, ..])))
    }

    /// The Moore-Penrose inverse `A⁺ = V diag(1/σ) Uᵀ`, with `1/σ` replaced by 0 where `σ` is
    /// rounding error (see [`Svd::rank`]).
    ///
    /// # Returns
    /// A matrix, shape (n, m).
    ///
    /// # Complexity
    /// O(m n k).
    pub fn pseudo_inverse(&self) -> Array2<f64> {
        let r = self.rank();
        let scaled = &self.vt.slice(s![..r, ..]).t() / &self.values.slice(s![..r]);
        scaled.dot(&self.u.slice(s![.., ..r]).t())
    }

    /// The shortest `x` among those that minimise `‖A x - b‖₂`: `x = A⁺ b`, for any shape and rank.
    ///
    /// # Arguments
    /// - `b`: the right-hand side, shape (m).
    ///
    /// # Returns
    /// The solution, shape (n).
    ///
    /// # Errors
    /// [`LinalgError::ShapeMismatch`], [`LinalgError::NotFinite`].
    ///
    /// # Complexity
    /// O((m + n) k).
    pub fn solve(&self, b: ArrayView1<f64>) -> Result<Array1<f64>, LinalgError> {
        check::vector_of_len("Svd::solve", b, self.u.nrows())?;
        let r = self.rank();
        let coordinates = self.u.slice(s![.., ..r]).t().dot(&b) / self.values.slice(s![..r]);
        Ok(self.vt.slice(s![..r, ..]).t().dot(&coordinates))
    }

    fn rounding_error(&self) -> f64 {
        self.u.nrows().max(self.vt.ncols()) as f64 * f64::EPSILON * self.values[0]
    }
}

/// The nearest matrix of at most the given rank, through [`Svd::low_rank`].
///
/// # Arguments
/// - `a`: a matrix, shape (m, n).
/// - `rank`: 0 to min(m, n).
///
/// # Returns
/// A matrix, shape (m, n).
///
/// # Errors
/// Those of [`Svd::new`] and [`Svd::low_rank`].
///
/// # Complexity
/// That of [`Svd::new`].
///
/// # Examples
/// ```
/// # use foundations::linalg::low_rank;
/// # use ndarray::array;
/// let nearest = low_rank(array![[3.0, 0.0], [0.0, 2.0]].view(), 1)?;
/// assert!((nearest[[0, 0]] - 3.0).abs() < 1e-14 && nearest[[1, 1]].abs() < 1e-14);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Eckart and Young, *The approximation of one matrix by another of lower rank*, Psychometrika 1
/// (1936). Chapter *Linear algebra*, section *Low-rank approximation*. Agrees with the truncated
/// `numpy.linalg.svd` to 1e-13 of `σ₁`.
pub fn low_rank(a: ArrayView2<f64>, rank: usize) -> Result<Array2<f64>, LinalgError> {
    Svd::new(a)?.low_rank(rank)
}

/// The numerical rank of a matrix: how many independent columns stand above rounding error.
///
/// # Arguments
/// - `a`: a matrix, shape (m, n).
///
/// # Returns
/// A count, 0 to min(m, n).
///
/// # Errors
/// Those of [`Svd::new`].
///
/// # Complexity
/// That of [`Svd::new`].
///
/// # Examples
/// ```
/// # use foundations::linalg::rank;
/// # use ndarray::array;
/// assert_eq!(rank(array![[1.0, 2.0], [2.0, 4.0]].view())?, 1);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Golub and Van Loan, 5.4.1. Chapter *Linear algebra*, section *The singular value
/// decomposition*. Equal to `numpy.linalg.matrix_rank` on the golden matrices.
pub fn rank(a: ArrayView2<f64>) -> Result<usize, LinalgError> {
    Ok(Svd::new(a)?.rank())
}

/// The Moore-Penrose inverse of a matrix of any shape and rank.
///
/// # Arguments
/// - `a`: a matrix, shape (m, n).
///
/// # Returns
/// `A⁺`, shape (n, m): the one matrix with `A A⁺ A = A`, `A⁺ A A⁺ = A⁺`, and `A A⁺` and `A⁺ A`
/// symmetric.
///
/// # Errors
/// Those of [`Svd::new`].
///
/// # Complexity
/// That of [`Svd::new`].
///
/// # Examples
/// ```
/// # use foundations::linalg::pseudo_inverse;
/// # use ndarray::array;
/// let inverse = pseudo_inverse(array![[2.0, 0.0], [0.0, 0.0]].view())?;
/// assert!((inverse[[0, 0]] - 0.5).abs() < 1e-15 && inverse[[1, 1]] == 0.0);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Penrose, *A generalized inverse for matrices*, Proc. Camb. Phil. Soc. 51 (1955). Chapter
/// *Linear algebra*, section *The singular value decomposition*. Agrees with `scipy.linalg.pinv`
/// to 1e-13 on well-conditioned matrices.
pub fn pseudo_inverse(a: ArrayView2<f64>) -> Result<Array2<f64>, LinalgError> {
    Ok(Svd::new(a)?.pseudo_inverse())
}

/// The condition number in the 2-norm: how much a relative change of the data can grow on its way
/// into the answer.
///
/// `κ(A) = σ₁ / σₖ`. Of the 16 digits of an `f64`, about `log₁₀ κ` can be lost.
///
/// # Arguments
/// - `a`: a matrix, shape (m, n).
///
/// # Returns
/// At least 1; infinite if the smallest singular value is zero. Above 1e16 the value says only
/// that the matrix is singular to working precision.
///
/// # Errors
/// Those of [`Svd::new`].
///
/// # Complexity
/// That of [`Svd::new`].
///
/// # Examples
/// ```
/// # use foundations::linalg::condition_number;
/// # use ndarray::array;
/// let kappa = condition_number(array![[1.0, 0.0], [0.0, 1e-3]].view())?;
/// assert!((kappa - 1e3).abs() < 1e-9);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Trefethen and Bau, *Numerical Linear Algebra*, lecture 12. Chapter *Linear algebra*, section
/// *Conditioning*. Agrees with `numpy.linalg.cond` to `1e-14 κ`, relative.
pub fn condition_number(a: ArrayView2<f64>) -> Result<f64, LinalgError> {
    Ok(Svd::new(a)?.condition_number())
}

/// Rotates the rows of a square matrix until all are orthogonal to each other.
///
/// Gives the rotated rows `Jᵀ R` and the product of the rotations, `Jᵀ`. Two rows count as
/// orthogonal when the cosine of their angle is at most `√n ε`.
fn orthogonal_rows(mut r: Array2<f64>) -> Result<(Array2<f64>, Array2<f64>), LinalgError> {
    let n = r.nrows();
    let tolerance = f64::EPSILON * (n as f64).sqrt();
    let mut jt = Array2::eye(n);
    for _ in 0..MAX_SWEEPS {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                let (row_p, row_q) = (r.row(p), r.row(q));
                let (pp, pq, qq) = (row_p.dot(&row_p), row_p.dot(&row_q), row_q.dot(&row_q));
                let negligible = pp.min(qq) < NEGLIGIBLE_SQUARE;
                if negligible || pq.abs() <= tolerance * pp.sqrt() * qq.sqrt() {
                    continue;
                }
                rotated = true;
                let rotation = Rotation::diagonalising(pp, pq, qq);
                rotation.rotate_rows(&mut r, p, q);
                rotation.rotate_rows(&mut jt, p, q);
            }
        }
        if !rotated {
            return Ok((r, jt));
        }
    }
    Err(LinalgError::NoConvergence {
        op: "Svd::new",
        iterations: MAX_SWEEPS,
    })
}

/// Fills the rows from `known` on so that all rows are orthonormal, given that the first are.
///
/// Of the unit vectors, the one that sticks out most from the rows so far is made orthogonal to
/// them, twice: the second pass removes what rounding left of the first.
fn complete_rows(vt: &mut Array2<f64>, known: usize) {
    for k in known..vt.nrows() {
        let (done, mut rest) = vt.view_mut().split_at(Axis(0), k);
        let inside = |j: usize| done.column(j).dot(&done.column(j));
        let axis = (0..done.ncols())
            .min_by(|&i, &j| inside(i).total_cmp(&inside(j)))
            .unwrap_or(0);
        let mut row = Array1::zeros(done.ncols());
        row[axis] = 1.0;
        for _ in 0..2 {
            for basis in done.rows() {
                let share = basis.dot(&row);
                row.scaled_add(-share, &basis);
            }
        }
        let length = norms::euclidean(row.view());
        rest.row_mut(0).assign(&(row / length));
    }
}

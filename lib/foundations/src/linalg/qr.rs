//! QR factorisation by Householder reflections, and least squares.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, s};

use super::{LinalgError, check, norms, triangular};

/// A matrix as the product of one with orthonormal columns and an upper triangular one.
///
/// `A = Q R`, thin: with `k = min(m, n)`, `Q` has shape (m, k) and `QᵀQ = I`, `R` has shape (k, n).
/// Each step reflects a column onto an axis, `H = I - 2 v vᵀ`, and `Q` is kept as those unit
/// vectors `v`: reflections keep lengths, so rounding errors are not amplified, whatever `A` is.
///
/// The signs follow LAPACK: a reflection sends the column to the side of the axis that is farther
/// away, so the diagonal of `R` may be negative.
///
/// # Examples
/// ```
/// # use foundations::linalg::Qr;
/// # use ndarray::array;
/// let a = array![[3.0, 1.0], [4.0, 2.0], [0.0, 2.0]];
/// let qr = Qr::new(a.view())?;
/// assert!((qr.r()[[0, 0]] + 5.0).abs() < 1e-14);
/// let back = qr.q().dot(qr.r());
/// assert!(back.iter().zip(&a).all(|(x, y)| (x - y).abs() < 1e-14));
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Householder, *Unitary triangularization of a nonsymmetric matrix*, J. ACM 5 (1958); Golub and
/// Van Loan, *Matrix Computations*, 4th ed., 5.2.1; Trefethen and Bau, *Numerical Linear Algebra*,
/// lectures 10 and 16. Chapter *Linear algebra*, section *Householder QR*. Agrees with
/// `numpy.linalg.qr`, signs included, to 1e-13 on well-conditioned matrices.
#[derive(Debug, Clone)]
pub struct Qr {
    /// Column `j` is the unit vector of reflection `j`, zero above row `j`; shape (m, k).
    reflectors: Array2<f64>,
    r: Array2<f64>,
}

impl Qr {
    /// Factorises a matrix of any shape.
    ///
    /// # Arguments
    /// - `a`: a matrix, shape (m, n).
    ///
    /// # Returns
    /// The factors; `Q` is kept as reflections until [`Qr::q`] asks for it.
    ///
    /// # Errors
    /// [`LinalgError::Empty`], [`LinalgError::NotFinite`].
    ///
    /// # Complexity
    /// 2 m n² - 2/3 n³ operations for m ≥ n.
    pub fn new(a: ArrayView2<f64>) -> Result<Self, LinalgError> {
        check::non_empty("Qr::new", a)?;
        let (m, n) = a.dim();
        let k = m.min(n);
        let mut r = Array2::from_shape_fn((m, n), |place| a[place]);
        let mut reflectors = Array2::zeros((m, k));
        for j in 0..k {
            let (v, new_head) = reflector(r.slice(s![j.., j]));
            reflect(v.view(), r.slice_mut(s![j.., j + 1..]));
            r.slice_mut(s![j.., j]).fill(0.0);
            r[[j, j]] = new_head;
            reflectors.slice_mut(s![j.., j]).assign(&v);
        }
        Ok(Self {
            reflectors,
            r: r.slice_move(s![..k, ..]),
        })
    }

    /// The orthonormal factor, thin: shape (m, k) with `k = min(m, n)`.
    ///
    /// # Complexity
    /// 4 m n² operations at most.
    pub fn q(&self) -> Array2<f64> {
        let (m, k) = self.reflectors.dim();
        let mut q = Array2::zeros((m, k));
        q.diag_mut().fill(1.0);
        for j in (0..k).rev() {
            reflect(self.reflectors.slice(s![j.., j]), q.slice_mut(s![j.., j..]));
        }
        q
    }

    /// The upper triangular factor, shape (k, n).
    pub fn r(&self) -> &Array2<f64> {
        &self.r
    }

    /// `Qᵀ b` without forming `Q`.
    ///
    /// # Arguments
    /// - `b`: a vector, shape (m).
    ///
    /// # Returns
    /// A vector, shape (m): its first k entries are the coordinates of `b` along the columns of
    /// `Q`, the rest is what `A` cannot reach, with the length of the least-squares residual.
    ///
    /// # Errors
    /// [`LinalgError::ShapeMismatch`], [`LinalgError::NotFinite`].
    ///
    /// # Complexity
    /// 4 m n operations.
    pub fn transpose_apply(&self, b: ArrayView1<f64>) -> Result<Array1<f64>, LinalgError> {
        let (m, k) = self.reflectors.dim();
        check::vector_of_len("Qr::transpose_apply", b, m)?;
        let mut c = b.to_owned().insert_axis(Axis(1));
        for j in 0..k {
            reflect(self.reflectors.slice(s![j.., j]), c.slice_mut(s![j.., ..]));
        }
        Ok(c.remove_axis(Axis(1)))
    }

    /// Minimises `‖A x - b‖₂`: back substitution in `R x = Qᵀ b`.
    ///
    /// # Arguments
    /// - `b`: the right-hand side, shape (m).
    ///
    /// # Returns
    /// The coefficients `x`, shape (n).
    ///
    /// # Errors
    /// [`LinalgError::Underdetermined`] if m < n; [`LinalgError::Singular`] with the first column
    /// that is a combination of those before it, judged by `|rⱼⱼ| ≤ m ε ‖aⱼ‖`: what is left of the
    /// column is rounding error ([`Svd::solve`](super::Svd::solve) has an answer there);
    /// [`LinalgError::ShapeMismatch`], [`LinalgError::NotFinite`].
    ///
    /// # Complexity
    /// 4 m n + n² operations.
    pub fn solve(&self, b: ArrayView1<f64>) -> Result<Array1<f64>, LinalgError> {
        let op = "Qr::solve";
        let (m, n) = (self.reflectors.nrows(), self.r.ncols());
        if m < n {
            return Err(LinalgError::Underdetermined {
                op,
                rows: m,
                cols: n,
            });
        }
        check::vector_of_len(op, b, m)?;
        for (pivot, column) in self.r.columns().into_iter().enumerate() {
            // Q keeps lengths: this is also the length of column `pivot` of A
            let length = norms::euclidean(column);
            if column[pivot].abs() <= m as f64 * f64::EPSILON * length {
                return Err(LinalgError::Singular { op, pivot });
            }
        }
        let c = self.transpose_apply(b)?;
        triangular::backward(op, self.r.view(), c.slice(s![..n]))
    }
}

/// Minimises `‖A x - b‖₂` through [`Qr`].
///
/// # Arguments
/// - `a`: the design matrix, shape (m, n), m ≥ n.
/// - `b`: the right-hand side, shape (m).
///
/// # Returns
/// The coefficients `x`, shape (n).
///
/// # Errors
/// Those of [`Qr::new`] and [`Qr::solve`].
///
/// # Complexity
/// 2 m n² operations.
///
/// # Examples
/// ```
/// # use foundations::linalg::least_squares;
/// # use ndarray::array;
/// let a = array![[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]];
/// let x = least_squares(a.view(), array![1.0, 3.0, 5.0].view())?; // 1 + 2 t
/// assert!((x[0] - 1.0).abs() < 1e-14 && (x[1] - 2.0).abs() < 1e-14);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Golub, *Numerical methods for solving linear least squares problems*, Numer. Math. 7 (1965).
/// See [`Qr`]. Error against the exact solution within 10 times that of `numpy.linalg.lstsq`.
pub fn least_squares(a: ArrayView2<f64>, b: ArrayView1<f64>) -> Result<Array1<f64>, LinalgError> {
    Qr::new(a)?.solve(b)
}

/// The unit vector `v` whose reflection sends `x` onto the first axis, and where it lands.
///
/// `v` is zero if `x` already lies on that axis.
fn reflector(x: ArrayView1<f64>) -> (Array1<f64>, f64) {
    let head = x[0];
    if x.iter().skip(1).all(|&value| value == 0.0) {
        return (Array1::zeros(x.len()), head);
    }
    // away from x: head - landing is then a sum of two numbers of one sign, without cancellation
    let landing = -head.signum() * norms::euclidean(x);
    let mut v = x.to_owned();
    v[0] = head - landing;
    let length = norms::euclidean(v.view());
    v /= length;
    (v, landing)
}

/// Replaces every column `a` of the block by its mirror image `a - 2 v (vᵀ a)`.
fn reflect(v: ArrayView1<f64>, mut block: ArrayViewMut2<f64>) {
    let mut shares = Array1::<f64>::zeros(block.ncols()); // vᵀ A, summed row by row
    for (&vi, row) in v.iter().zip(block.rows()) {
        shares.scaled_add(vi, &row);
    }
    for (&vi, mut row) in v.iter().zip(block.rows_mut()) {
        row.scaled_add(-2.0 * vi, &shares);
    }
}

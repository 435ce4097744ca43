//! Products of vectors and matrices, written plainly.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use super::{LinalgError, check};

/// The inner product of two vectors.
///
/// `x · y = Σᵢ xᵢ yᵢ`
///
/// # Arguments
/// - `x`, `y`: vectors, shape (n) each.
///
/// # Returns
/// A number, in the unit of `x` times the unit of `y`.
///
/// # Errors
/// [`LinalgError::ShapeMismatch`] if the lengths differ, [`LinalgError::NotFinite`] if an entry is
/// NaN or infinite.
///
/// # Complexity
/// O(n).
///
/// # Examples
/// ```
/// # use foundations::linalg::dot;
/// # use ndarray::array;
/// assert_eq!(dot(array![1.0, 2.0].view(), array![3.0, -1.0].view())?, 1.0);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Golub and Van Loan, *Matrix Computations*, 4th ed., 1.1. Chapter *Linear algebra*, section
/// *Matrix products*. Agrees with `numpy.dot` to 1e-15 of `Σ|xᵢ yᵢ|`.
pub fn dot(x: ArrayView1<f64>, y: ArrayView1<f64>) -> Result<f64, LinalgError> {
    check::finite_vector("dot", x)?;
    check::vector_of_len("dot", y, x.len())?;
    Ok(x.iter().zip(y).map(|(xi, yi)| xi * yi).sum())
}

/// The product of a matrix and a vector: the columns of `A`, weighted by `x` and added.
///
/// `(A x)ᵢ = Σⱼ aᵢⱼ xⱼ`
///
/// # Arguments
/// - `a`: a matrix, shape (m, n).
/// - `x`: a vector, shape (n).
///
/// # Returns
/// A vector, shape (m).
///
/// # Errors
/// [`LinalgError::ShapeMismatch`] if `x` has not one entry a column of `a`,
/// [`LinalgError::NotFinite`] if an entry is NaN or infinite.
///
/// # Complexity
/// O(m n).
///
/// # Examples
/// ```
/// # use foundations::linalg::matvec;
/// # use ndarray::array;
/// let a = array![[1.0, 2.0], [3.0, 4.0]];
/// assert_eq!(matvec(a.view(), array![1.0, -1.0].view())?, array![-1.0, -1.0]);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Golub and Van Loan, 1.1.4. Chapter *Linear algebra*, section *Matrix products*. Agrees with
/// `a @ x` of numpy to 1e-15 of `|A| |x|`.
pub fn matvec(a: ArrayView2<f64>, x: ArrayView1<f64>) -> Result<Array1<f64>, LinalgError> {
    check::finite_matrix("matvec", a)?;
    check::vector_of_len("matvec", x, a.ncols())?;
    Ok(a.rows()
        .into_iter()
        .map(|row| row.iter().zip(x).map(|(aij, xj)| aij * xj).sum())
        .collect())
}

/// The product of two matrices.
///
/// `cᵢⱼ = Σₖ aᵢₖ bₖⱼ`. The loops run row by row: row `i` of `C` is the sum of the rows of `B`, each
/// weighted by an entry of row `i` of `A`. So memory is read in the order in which it lies.
///
/// # Arguments
/// - `a`: a matrix, shape (m, k).
/// - `b`: a matrix, shape (k, n).
///
/// # Returns
/// A matrix, shape (m, n).
///
/// # Errors
/// [`LinalgError::ShapeMismatch`] if `b` has not one row a column of `a`,
/// [`LinalgError::NotFinite`] if an entry is NaN or infinite.
///
/// # Complexity
/// O(m k n).
///
/// # Examples
/// ```
/// # use foundations::linalg::matmul;
/// # use ndarray::array;
/// let a = array![[1.0, 2.0], [3.0, 4.0]];
/// let swap = array![[0.0, 1.0], [1.0, 0.0]];
/// assert_eq!(matmul(a.view(), swap.view())?, array![[2.0, 1.0], [4.0, 3.0]]);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Golub and Van Loan, 1.1.8 to 1.1.13. Chapter *Linear algebra*, section *Matrix products*.
/// Agrees with `a @ b` of numpy to 1e-15 of `|A| |B|`.
pub fn matmul(a: ArrayView2<f64>, b: ArrayView2<f64>) -> Result<Array2<f64>, LinalgError> {
    check::finite_matrix("matmul", a)?;
    check::rows("matmul", b, a.ncols())?;
    let b = b.as_standard_layout(); // a transposed view would be read across its rows
    let mut c = Array2::zeros((a.nrows(), b.ncols()));
    for (a_row, mut c_row) in a.rows().into_iter().zip(c.rows_mut()) {
        for (&weight, b_row) in a_row.iter().zip(b.rows()) {
            c_row.scaled_add(weight, &b_row);
        }
    }
    Ok(c)
}

/// The outer product of two vectors: the matrix of rank 1 that they make.
///
/// `(x yᵀ)ᵢⱼ = xᵢ yⱼ`
///
/// # Arguments
/// - `x`: a vector, shape (m).
/// - `y`: a vector, shape (n).
///
/// # Returns
/// A matrix, shape (m, n).
///
/// # Errors
/// [`LinalgError::NotFinite`] if an entry is NaN or infinite.
///
/// # Complexity
/// O(m n).
///
/// # Examples
/// ```
/// # use foundations::linalg::outer;
/// # use ndarray::array;
/// let xy = outer(array![1.0, 2.0].view(), array![3.0, 4.0].view())?;
/// assert_eq!(xy, array![[3.0, 4.0], [6.0, 8.0]]);
/// # Ok::<(), foundations::linalg::LinalgError>(())
/// ```
///
/// # References
/// Golub and Van Loan, 1.1.9. Chapter *Linear algebra*, section *Matrix products*. Equal to
/// `numpy.outer`.
pub fn outer(x: ArrayView1<f64>, y: ArrayView1<f64>) -> Result<Array2<f64>, LinalgError> {
    check::finite_vector("outer", x)?;
    check::finite_vector("outer", y)?;
    Ok(Array2::from_shape_fn((x.len(), y.len()), |(i, j)| {
        x[i] * y[j]
    }))
}

//! Checks of shapes and entries, made before any arithmetic.

use ndarray::{ArrayView1, ArrayView2};

use super::LinalgError;

/// Every entry of the vector is finite.
pub(super) fn finite_vector(op: &'static str, x: ArrayView1<f64>) -> Result<(), LinalgError> {
    match x.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        Some((row, &value)) => Err(LinalgError::NotFinite {
            op,
            row,
            col: 0,
            value,
        }),
        None => Ok(()),
    }
}

/// Every entry of the matrix is finite.
pub(super) fn finite_matrix(op: &'static str, a: ArrayView2<f64>) -> Result<(), LinalgError> {
    match a.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, col), &value)) => Err(LinalgError::NotFinite {
            op,
            row,
            col,
            value,
        }),
        None => Ok(()),
    }
}

/// The matrix has entries, and all are finite.
pub(super) fn non_empty(op: &'static str, a: ArrayView2<f64>) -> Result<(), LinalgError> {
    if a.is_empty() {
        return Err(LinalgError::Empty { op });
    }
    finite_matrix(op, a)
}

/// The matrix is square, not empty and finite. Gives its size.
pub(super) fn square(op: &'static str, a: ArrayView2<f64>) -> Result<usize, LinalgError> {
    let (rows, cols) = a.dim();
    if rows != cols {
        return Err(LinalgError::NotSquare { op, rows, cols });
    }
    non_empty(op, a)?;
    Ok(rows)
}

/// The matrix is square and equals its transpose up to rounding. Gives its size.
///
/// A product such as `XᵀX`, computed in floating point, may differ from its transpose in the last
/// bits. `64 n ε max|a|` lets that pass and stops a matrix that is not symmetric at all.
pub(super) fn symmetric(op: &'static str, a: ArrayView2<f64>) -> Result<usize, LinalgError> {
    let n = square(op, a)?;
    let largest = a.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let tolerance = 64.0 * n as f64 * f64::EPSILON * largest;
    for row in 0..n {
        for col in 0..row {
            let difference = (a[[row, col]] - a[[col, row]]).abs();
            if difference > tolerance {
                return Err(LinalgError::NotSymmetric {
                    op,
                    row,
                    col,
                    difference,
                });
            }
        }
    }
    Ok(n)
}

/// The vector has the expected length and finite entries.
pub(super) fn vector_of_len(
    op: &'static str,
    x: ArrayView1<f64>,
    len: usize,
) -> Result<(), LinalgError> {
    if x.len() != len {
        return Err(LinalgError::ShapeMismatch {
            op,
            expected: vec![len],
            got: vec![x.len()],
        });
    }
    finite_vector(op, x)
}

/// The matrix has the expected number of rows and finite entries.
pub(super) fn rows(op: &'static str, b: ArrayView2<f64>, len: usize) -> Result<(), LinalgError> {
    if b.nrows() != len {
        return Err(LinalgError::ShapeMismatch {
            op,
            expected: vec![len, b.ncols()],
            got: b.shape().to_vec(),
        });
    }
    finite_matrix(op, b)
}

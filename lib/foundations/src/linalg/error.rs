//! What can go wrong in [`linalg`](crate::linalg), with the values that went wrong.

/// Why a function of [`linalg`](crate::linalg) gave no result.
///
/// Rows, columns and entries are counted from 0, as in Rust.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LinalgError {
    /// Two operands do not fit together.
    #[error("{op}: expected shape {expected:?}, got {got:?}")]
    ShapeMismatch {
        /// The operation that was asked for.
        op: &'static str,
        /// The shape that the operation needs.
        expected: Vec<usize>,
        /// The shape that was given.
        got: Vec<usize>,
    },
    /// The operation needs a square matrix.
    #[error("{op}: expected a square matrix, got {rows} x {cols}")]
    NotSquare {
        /// The operation that was asked for.
        op: &'static str,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        cols: usize,
    },
    /// The matrix has more columns than rows, so that least squares has no unique answer.
    #[error("{op}: expected at least as many rows as columns, got {rows} x {cols}")]
    Underdetermined {
        /// The operation that was asked for.
        op: &'static str,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        cols: usize,
    },
    /// The matrix has no rows or no columns.
    #[error("{op}: the input is empty")]
    Empty {
        /// The operation that was asked for.
        op: &'static str,
    },
    /// An entry is NaN or infinite. A vector's entries are in column 0.
    #[error("{op}: entry ({row}, {col}) is {value}, expected a finite number")]
    NotFinite {
        /// The operation that was asked for.
        op: &'static str,
        /// Row of the first such entry.
        row: usize,
        /// Column of that entry.
        col: usize,
        /// The entry.
        value: f64,
    },
    /// A pivot is zero: the columns are linearly dependent.
    #[error("{op}: pivot {pivot} is zero, the matrix is singular")]
    Singular {
        /// The operation that was asked for.
        op: &'static str,
        /// Column at which no pivot was left.
        pivot: usize,
    },
    /// The matrix is symmetric but not positive definite.
    #[error("{op}: pivot {pivot} is {value:.3e}, the matrix is not positive definite")]
    NotPositiveDefinite {
        /// The operation that was asked for.
        op: &'static str,
        /// Column at which the square root of `value` was to be taken.
        pivot: usize,
        /// What stood under that square root.
        value: f64,
    },
    /// The matrix differs from its transpose.
    #[error("{op}: entries ({row}, {col}) and ({col}, {row}) differ by {difference:.3e}")]
    NotSymmetric {
        /// The operation that was asked for.
        op: &'static str,
        /// Row of the first such entry.
        row: usize,
        /// Column of that entry.
        col: usize,
        /// How much the two entries differ.
        difference: f64,
    },
    /// A parameter is outside its range.
    #[error("{op}: {name} is {value}, expected {expected}")]
    Parameter {
        /// The operation that was asked for.
        op: &'static str,
        /// The parameter.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What is allowed, in words.
        expected: &'static str,
    },
    /// An iteration did not converge.
    #[error("{op}: no convergence after {iterations} iterations")]
    NoConvergence {
        /// The operation that was asked for.
        op: &'static str,
        /// How many iterations were made.
        iterations: usize,
    },
}

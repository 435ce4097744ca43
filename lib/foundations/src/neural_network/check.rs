//! Checks of shapes and entries, made before any arithmetic.

use super::NetworkError;
use ndarray::{ArrayView, Dimension};

/// The array has entries, and all are finite.
pub(super) fn entries<D: Dimension>(
    op: &'static str,
    argument: &'static str,
    array: &ArrayView<'_, f64, D>,
) -> Result<(), NetworkError> {
    if array.is_empty() {
        return Err(NetworkError::Empty {
            op,
            argument,
            shape: array.shape().to_vec(),
        });
    }
    let bad = array
        .view()
        .into_dyn()
        .indexed_iter()
        .find(|(_, value)| !value.is_finite())
        .map(|(index, &value)| (index.slice().to_vec(), value));
    match bad {
        None => Ok(()),
        Some((index, value)) => Err(NetworkError::NotFinite {
            op,
            argument,
            index,
            value,
        }),
    }
}

/// The array has that shape, and its entries are finite.
pub(super) fn shape<D: Dimension>(
    op: &'static str,
    argument: &'static str,
    array: &ArrayView<'_, f64, D>,
    expected: &[usize],
) -> Result<(), NetworkError> {
    if array.shape() != expected {
        return Err(NetworkError::ShapeMismatch {
            op,
            argument,
            expected: expected.to_vec(),
            got: array.shape().to_vec(),
        });
    }
    entries(op, argument, array)
}

//! The plane rotation of Jacobi's methods.

use ndarray::{Array2, s};

/// Cosine and sine of a rotation in the plane of two coordinates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rotation {
    cos: f64,
    sin: f64,
}

impl Rotation {
    /// The rotation that makes the symmetric matrix `[[app, apq], [apq, aqq]]` diagonal, with
    /// `apq` not zero. Of the two angles it takes the smaller one, which makes the sweeps converge.
    ///
    /// `t = tan θ` solves `t² + 2 τ t - 1 = 0` with `τ = (aqq - app) / (2 apq)`.
    pub(super) fn diagonalising(app: f64, apq: f64, aqq: f64) -> Self {
        let tau = (aqq - app) / (2.0 * apq);
        let tan = tau.signum() / (tau.abs() + tau.hypot(1.0));
        let cos = 1.0 / tan.hypot(1.0);
        Self {
            cos,
            sin: tan * cos,
        }
    }

    /// Replaces rows `p` and `q` by `cos · p - sin · q` and `sin · p + cos · q`.
    pub(super) fn rotate_rows(self, a: &mut Array2<f64>, p: usize, q: usize) {
        let (row_p, row_q) = a.multi_slice_mut((s![p, ..], s![q, ..]));
        for (x, y) in row_p.into_iter().zip(row_q) {
            (*x, *y) = (self.cos * *x - self.sin * *y, self.sin * *x + self.cos * *y);
        }
    }

    /// The same on columns `p` and `q`.
    pub(super) fn rotate_columns(self, a: &mut Array2<f64>, p: usize, q: usize) {
        let (col_p, col_q) = a.multi_slice_mut((s![.., p], s![.., q]));
        for (x, y) in col_p.into_iter().zip(col_q) {
            (*x, *y) = (self.cos * *x - self.sin * *y, self.sin * *x + self.cos * *y);
        }
    }
}

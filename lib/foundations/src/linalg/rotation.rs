//! The plane rotation of Jacobi's methods.

use ndarray::{Array2, Zip, s};

/// Cosine and sine of a rotation in the plane of two coordinates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rotation {
    cos: f64,
    sin: f64,
    tan: f64,
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
            tan,
        }
    }

    /// Replaces the symmetric matrix `A` by `Jᵀ A J`, which has a zero at `(p, q)`.
    ///
    /// The rotated rows are copied into the columns, which are equal; the two diagonal entries
    /// change by `∓ tan · apq`.
    pub(super) fn rotate_symmetric(self, a: &mut Array2<f64>, p: usize, q: usize) {
        let shift = self.tan * a[[p, q]];
        let (app, aqq) = (a[[p, p]] - shift, a[[q, q]] + shift);
        self.rotate_rows(a, p, q);
        for k in 0..a.nrows() {
            a[[k, p]] = a[[p, k]];
            a[[k, q]] = a[[q, k]];
        }
        (a[[p, p]], a[[q, q]]) = (app, aqq);
        (a[[p, q]], a[[q, p]]) = (0.0, 0.0);
    }

    /// Replaces rows `p` and `q` by `cos · p - sin · q` and `sin · p + cos · q`.
    pub(super) fn rotate_rows(self, a: &mut Array2<f64>, p: usize, q: usize) {
        let (cos, sin) = (self.cos, self.sin);
        let (row_p, row_q) = a.multi_slice_mut((s![p, ..], s![q, ..]));
        Zip::from(row_p).and(row_q).for_each(|x, y| {
            (*x, *y) = (cos * *x - sin * *y, sin * *x + cos * *y);
        });
    }
}

//! Dense linear algebra on `f64`: norms, products, factorisations and conditioning.
//!
//! One file a topic, in the order of the chapter *Linear algebra*:
//!
//! | question | answer |
//! |---|---|
//! | how long is a vector, how strongly does a matrix stretch? | [`norm_1`], [`norm_2`], [`norm_inf`], [`norm_p`], [`frobenius_norm`], [`matrix_norm_1`], [`matrix_norm_inf`], [`spectral_norm`] |
//! | products | [`dot`], [`matvec`], [`matmul`], [`outer`] |
//! | `A x = b` with `A` square | [`solve`], [`Lu`] |
//! | `A x = b` with `A` symmetric positive definite | [`Cholesky`] |
//! | `A x ≈ b` with more equations than unknowns | [`least_squares`], [`Qr`] |
//! | which directions does a symmetric matrix only stretch? | [`SymmetricEigen`] |
//! | what is a matrix made of, in order of importance? | [`Svd`], [`low_rank`], [`rank`], [`pseudo_inverse`] |
//! | how many digits can an answer lose? | [`condition_number`] |
//!
//! Matrices come in as [`ArrayView2<f64>`](ndarray::ArrayView2), vectors as
//! [`ArrayView1<f64>`](ndarray::ArrayView1); results are owned. Every function rejects NaN and
//! infinity with their place, and shapes that do not fit with both shapes: see [`LinalgError`].
//!
//! # Examples
//!
//! ```
//! use foundations::linalg;
//! use ndarray::array;
//!
//! let a = array![[2.0, 1.0], [1.0, 3.0]];
//! let x = linalg::solve(a.view(), array![3.0, 5.0].view())?;
//! assert!((x[0] - 0.8).abs() < 1e-15 && (x[1] - 1.4).abs() < 1e-15);
//! # Ok::<(), linalg::LinalgError>(())
//! ```

mod check;
mod cholesky;
mod eigen;
mod error;
mod lu;
mod norms;
mod products;
mod qr;
mod rotation;
mod svd;
mod triangular;

pub use cholesky::Cholesky;
pub use eigen::SymmetricEigen;
pub use error::LinalgError;
pub use lu::{Lu, determinant, inverse, solve};
pub use norms::{
    frobenius_norm, matrix_norm_1, matrix_norm_inf, norm_1, norm_2, norm_inf, norm_p, spectral_norm,
};
pub use products::{dot, matmul, matvec, outer};
pub use qr::{Qr, least_squares};
pub use svd::{Svd, condition_number, low_rank, pseudo_inverse, rank};
pub use triangular::{solve_lower, solve_upper};

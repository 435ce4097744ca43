//! Drift: whether the rows that arrive still look like the rows that the model was fitted on.
//!
//! A [`Reference`] is made once, from the training rows, and travels with the model. It compares a window of rows with
//! them, field by field: the population stability index ([`psi`]), the Kolmogorov–Smirnov test ([`ks_two_sample`]),
//! the share of missing values, and the share of categories that were never seen.
//!
//! None of these says that the model is wrong: inputs may move where the model holds, and the relation between inputs
//! and outcome may change while inputs do not. They come at once, where outcomes come weeks later.

mod error;
mod ks;
mod psi;
mod reference;

pub use error::DriftError;
pub use ks::{KolmogorovSmirnov, ks_two_sample};
pub use psi::{psi, psi_by_chance};
pub use reference::{Cell, FieldDrift, FieldReference, Reference, Seen};

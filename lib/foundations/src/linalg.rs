//! Dense linear algebra on `f64`: norms, products, factorisations and conditioning.

mod error;

pub use error::LinalgError;

#![doc = include_str!("../README.md")]

mod customer;
mod explain;
mod features;
mod file;
mod pipeline;
mod preprocess;
mod reference;

#[cfg(feature = "train")]
pub mod churn;
#[cfg(feature = "fit")]
mod fit;
#[cfg(feature = "fit")]
pub mod judge;
#[cfg(feature = "fit")]
pub mod leak;
#[cfg(feature = "fit")]
pub mod models;
#[cfg(feature = "train")]
pub mod schema;
#[cfg(feature = "fit")]
pub mod selection;
#[cfg(feature = "fit")]
mod table;
#[cfg(feature = "fit")]
pub mod threshold;

pub use customer::{CATEGORIES, Customer, FLAGS, FieldError, InvalidCustomer};
pub use explain::{Contribution, Explanation};
pub use features::{COLUMNS, encode};
pub use file::FORMAT_VERSION;
#[cfg(feature = "fit")]
pub use fit::{TrainError, fit, standardised};
pub use pipeline::{Pipeline, PipelineError, Prediction, Provenance};
pub use preprocess::{Preprocessor, Row, Unseen};
pub use reference::{Levels, Reference, Spread};
#[cfg(feature = "fit")]
pub use table::Table;

/// polars in the version that this crate uses, for cells that go on with it.
#[cfg(feature = "train")]
#[doc(no_inline)]
pub use polars;
/// linfa in the version that this crate uses, for cells that go on with it.
#[cfg(feature = "fit")]
#[doc(no_inline)]
pub use {linfa, linfa_logistic};

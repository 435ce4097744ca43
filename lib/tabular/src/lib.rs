#![doc = include_str!("../README.md")]

mod customer;
mod explain;
mod features;
mod file;
mod pipeline;
mod preprocess;
mod reference;

#[cfg(feature = "fit")]
mod fit;
#[cfg(feature = "fit")]
pub mod judge;
#[cfg(feature = "fit")]
pub mod leak;
#[cfg(feature = "fit")]
pub mod models;
#[cfg(feature = "fit")]
pub mod selection;
#[cfg(feature = "fit")]
mod table;
#[cfg(feature = "fit")]
pub mod threshold;

pub use customer::{CATEGORIES, Customer, FieldError, InvalidCustomer};
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

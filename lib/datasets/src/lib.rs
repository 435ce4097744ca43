#![doc = include_str!("../README.md")]

mod auto;
mod catalogue;
mod diabetes;
mod error;
mod longley;
mod mnist;
mod sha256;
mod table;

pub use auto::{Auto, auto};
pub use catalogue::{CATALOGUE, Dataset, data_folder, find};
pub use diabetes::{Diabetes, diabetes};
pub use error::DatasetError;
pub use longley::{Longley, longley};
pub use mnist::{Mnist, mnist};

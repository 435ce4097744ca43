#![doc = include_str!("../README.md")]

mod artefact;
mod artefacts;
mod auto;
mod catalogue;
mod churn;
mod diabetes;
mod docs;
mod error;
mod fetched;
mod glove;
mod gzip;
mod html;
mod longley;
mod mnist;
mod sha256;
mod table;

pub use artefact::{Artefact, Pinned, Recipe, Registry, Source};
pub use artefacts::ARTEFACTS;
pub use auto::{Auto, auto};
pub use catalogue::{CATALOGUE, Dataset, data_folder, find};
pub use churn::{Churn, ChurnColumn, churn, churn_rest};
pub use diabetes::{Diabetes, diabetes};
pub use docs::{Section, error_codes, rust_book};
pub use error::DatasetError;
pub use fetched::{Fetched, cache_folder, fetched};
pub use glove::glove;
pub use gzip::gunzip;
pub use longley::{Longley, longley};
pub use mnist::{Mnist, mnist, mnist_10k, mnist_rest};

use std::path::PathBuf;

use thiserror::Error;

/// Why a model gives no answer.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A row that is not of the model's schema.
    #[error("row {row}: {reason}")]
    Row {
        /// The row, from 0.
        row: usize,
        /// What is wrong.
        reason: String,
    },
    /// A prediction that is no number.
    #[error("row {row}: the model answers {value}")]
    NotFinite {
        /// The row, from 0.
        row: usize,
        /// What the model answered.
        value: f64,
    },
    /// Anything else that the model says.
    #[error("{0}")]
    Other(String),
}

/// What can go wrong with a model's file or with the service.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServingError {
    /// A file that cannot be read or written.
    #[error("{}: cannot be {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: `read`, `written`, …
        action: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file that is no model.
    #[error("{}:{line}: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A file whose bytes are not those that were saved.
    #[error("{}: altered: sha256 is {found}, but {expected} was saved; take it from its run again", path.display())]
    Altered {
        /// The file.
        path: PathBuf,
        /// The sha256 that the file states.
        expected: String,
        /// The sha256 of what it holds.
        found: String,
    },
    /// A file written by a later version of this crate.
    #[error("{}: format {found}, this program reads up to {known}: a newer version of it is needed", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's format.
        found: u64,
        /// The newest that this program reads.
        known: u64,
    },
    /// What a loader of [`Service::load_with`](super::Service::load_with) says.
    #[error(transparent)]
    Load(Box<dyn std::error::Error + Send + Sync>),
    /// A model whose parts do not fit together.
    #[error("model {name:?}: {reason}")]
    Model {
        /// The model's name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// What the store of runs and models says.
    #[error(transparent)]
    Registry(#[from] crate::tracking::TrackingError),
    /// No champion to serve.
    #[error("no champion: {reason}")]
    NoChampion {
        /// Where it was looked for, and what is there.
        reason: String,
    },
    /// A setting that will not do.
    #[error("{setting}: {reason}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// An address that cannot be listened at.
    #[error("{address}: cannot be listened at: {source}")]
    Listen {
        /// The address.
        address: String,
        /// What the system says.
        source: std::io::Error,
    },
}

impl ServingError {
    /// For `map_err`: what was done to which file.
    pub(crate) fn io(
        path: &std::path::Path,
        action: &'static str,
    ) -> impl FnOnce(std::io::Error) -> ServingError {
        let path = path.to_path_buf();
        move |source| ServingError::Io {
            path,
            action,
            source,
        }
    }
}

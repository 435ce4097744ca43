use std::path::PathBuf;

use thiserror::Error;

/// What can go wrong when a data set is read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The file is not where it should be.
    #[error(
        "{}: the data set `{dataset}` is not there; restore it with `git checkout -- lib/datasets/data`, \
         make it again with `python3 lib/datasets/scripts/fetch.py`, or set COURSE_DATA to the folder that holds it",
        path.display()
    )]
    Missing {
        /// Name of the data set.
        dataset: String,
        /// Where the file was looked for.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not the one that the catalogue describes.
    #[error(
        "{}: altered: sha256 is {found}, but the catalogue says {expected}; restore it with \
         `git checkout -- lib/datasets/data`",
        path.display()
    )]
    Altered {
        /// The file.
        path: PathBuf,
        /// The catalogue's sha256.
        expected: String,
        /// The file's sha256.
        found: String,
    },
    /// The file holds something that is not what its format allows.
    #[error("{}:{line}:{column}: expected {expected}, found {found}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What should stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A compressed file cannot be unpacked.
    #[error("{}: cannot be unpacked: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A column was asked for that the set does not have.
    #[error("`{dataset}` has no numeric column `{column}`; it has {}", known.join(", "))]
    UnknownColumn {
        /// Name of the data set.
        dataset: &'static str,
        /// The column that was asked for.
        column: String,
        /// The columns it has.
        known: Vec<&'static str>,
    },
    /// No data set has that name.
    #[error("no data set is named `{name}`; there are {}", known.join(", "))]
    UnknownDataset {
        /// The name that was asked for.
        name: String,
        /// The names in the catalogue.
        known: Vec<&'static str>,
    },
}

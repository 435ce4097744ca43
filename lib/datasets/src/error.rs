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
    /// No artefact has that name.
    #[error("nothing named `{name}` can be fetched; there are {}", known.join(", "))]
    UnknownArtefact {
        /// The name that was asked for.
        name: String,
        /// The names in the catalogue.
        known: Vec<&'static str>,
    },
    /// An artefact has no file of that name.
    #[error("`{artefact}` has no file `{file}`; it has {}", known.join(", "))]
    UnknownFile {
        /// Name of the artefact.
        artefact: &'static str,
        /// The file that was asked for.
        file: String,
        /// The files it has.
        known: Vec<String>,
    },
    /// An artefact was not fetched yet, or not whole.
    #[error(
        "{}: `{artefact}` is not fetched; run `cargo course data fetch {artefact}` ({megabytes} MB), \
         or set COURSE_DATA_CACHE to the folder that holds it",
        path.display()
    )]
    NotFetched {
        /// Name of the artefact.
        artefact: &'static str,
        /// What there is to download, in millions of bytes.
        megabytes: u64,
        /// The file that is not there.
        path: PathBuf,
    },
    /// A fetched file is not the one that the catalogue describes.
    #[error(
        "{}: altered: sha256 is {found}, but the catalogue says {expected}; \
         `cargo course data fetch {artefact}` takes it anew",
        path.display()
    )]
    AlteredArtefact {
        /// Name of the artefact.
        artefact: &'static str,
        /// The file.
        path: PathBuf,
        /// The catalogue's sha256.
        expected: String,
        /// The file's sha256.
        found: String,
    },
    /// There is no folder to keep fetched files in.
    #[error("no folder for fetched data: set COURSE_DATA_CACHE, XDG_CACHE_HOME or HOME")]
    NoCacheFolder,
    /// The toolchain's documentation is not installed.
    #[error(
        "{}: the Rust documentation is not installed; run `rustup component add rust-docs` \
         (Debian's own Rust: apt install rust-doc)",
        path.display()
    )]
    NoRustDocs {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The toolchain cannot be asked where it stands.
    #[error("`{program} --print sysroot` fails: {reason}; install Rust with rustup, or set RUSTC")]
    NoRustc {
        /// What was run.
        program: String,
        /// Why it gave no answer.
        reason: String,
    },
}

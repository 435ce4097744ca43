//! The errors of the modules that find sections: chunking, lexical and dense search, the index file, evaluation.

use std::path::PathBuf;

/// What can be wrong with a corpus, a query, a parameter or an index file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetrievalError {
    /// A query without a letter or digit.
    #[error("the query is empty: it holds no letter and no digit")]
    EmptyQuery,
    /// A query longer than is read.
    #[error("the query is {bytes} bytes long; at most {limit} are read")]
    LongQuery {
        /// Its length, in bytes.
        bytes: usize,
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// Nothing to search in, or nothing to average.
    #[error("{what}: there is nothing in it")]
    Empty {
        /// What was empty.
        what: &'static str,
    },
    /// Two lengths that must agree and do not.
    #[error("{what}: expected {expected}, got {got}")]
    Shape {
        /// Which length.
        what: &'static str,
        /// What it should be.
        expected: usize,
        /// What it is.
        got: usize,
    },
    /// A vector with NaN, an infinity or length zero.
    #[error("vector {row} is of no use: {what}")]
    Vector {
        /// Which vector, counted from 0.
        row: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A parameter outside what it may be.
    #[error("{name} is {value}, but must be {must}")]
    Parameter {
        /// The parameter's name.
        name: &'static str,
        /// The value given.
        value: String,
        /// What it may be.
        must: &'static str,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is no index.
    #[error("{}: not an index of this crate: it begins with {found:02x?}", path.display())]
    NotAnIndex {
        /// The file.
        path: PathBuf,
        /// Its first bytes.
        found: Vec<u8>,
    },
    /// An index of another version.
    #[error("{}: an index of version {found}; this crate reads version {known}: build it again", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version that it states.
        found: u32,
        /// The version that is read.
        known: u32,
    },
    /// An index that is damaged.
    #[error("{}: damaged: {what}; build the index again", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What does not hold.
        what: String,
    },
    /// A JSON file that does not hold what it should.
    #[error("{}: {what}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its place.
        what: String,
    },
    /// A gold section that the corpus lacks.
    #[error("no section `{section}`, which answers {question:?}: the corpus is of another version")]
    NoSection {
        /// The question that it answers.
        question: String,
        /// The section, as page and anchor.
        section: String,
    },
}

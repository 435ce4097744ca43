//! The errors of the modules that run a model: embeddings and the language model.

use std::path::PathBuf;

/// What can be wrong with a model's files, or with what it is to read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The model is not on this machine, or its files were altered.
    #[error(transparent)]
    Data(#[from] datasets::DatasetError),
    /// A file that is not what it should be.
    #[error("{}: {what}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A text without a token.
    #[error("text {place} is empty: the tokeniser finds nothing in it")]
    NoText {
        /// Which of the texts, counted from 0.
        place: usize,
    },
    /// The tokeniser could not read a text.
    #[error("the text cannot be cut into tokens: {what}")]
    Tokens {
        /// What it says.
        what: String,
    },
    /// A prompt that the model cannot hold.
    #[error(
        "the prompt has {tokens} tokens, and {wanted} are wanted as the answer; the model holds {limit}"
    )]
    LongPrompt {
        /// Tokens of the prompt.
        tokens: usize,
        /// Tokens that the answer may have.
        wanted: usize,
        /// The most of both together.
        limit: usize,
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
    /// candle could not compute it.
    #[error("the model cannot be computed: {0}")]
    Compute(String),
}

impl ModelError {
    pub(crate) fn tokens(error: tokenizers::Error) -> Self {
        Self::Tokens {
            what: error.to_string(),
        }
    }
}

impl From<candle_core::Error> for ModelError {
    fn from(error: candle_core::Error) -> Self {
        Self::Compute(error.to_string())
    }
}

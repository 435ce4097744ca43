//! Who writes the answer: the model in this process, or an endpoint that speaks OpenAI's interface.
//!
//! Which one is a matter of configuration: with `GENAI_BASE_URL` set, such as `http://127.0.0.1:8080/v1`, the endpoint is
//! asked, with the model `GENAI_MODEL` and, if it is set, the key `GENAI_API_KEY`; else [`SmolLm2`] answers.

mod endpoint;

use crate::llm::{Completion, Message, Sampling, SmolLm2};
use crate::model_error::ModelError;

pub use endpoint::Endpoint;

/// What can go wrong while an answer is written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The model in this process.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A setting that cannot be used.
    #[error("{name} is {value:?}: {what}")]
    Setting {
        /// The environment variable.
        name: &'static str,
        /// Its value; never that of the key.
        value: String,
        /// What is wrong with it.
        what: String,
    },
    /// Nobody answers there.
    #[error("{url}: no connection after {attempts} attempts: {what}")]
    Down {
        /// The address.
        url: String,
        /// How often it was tried.
        attempts: u32,
        /// What the last attempt met with.
        what: String,
    },
    /// Too slow.
    #[error("{url}: nothing came for {seconds} s, after {received} bytes of the answer")]
    Slow {
        /// The address.
        url: String,
        /// The limit.
        seconds: f64,
        /// Bytes of the answer's text that had come.
        received: usize,
    },
    /// The endpoint refuses or fails.
    #[error("{url}: status {status} after {attempts} attempts: {what}")]
    Status {
        /// The address.
        url: String,
        /// HTTP's status.
        status: u16,
        /// How often it was tried.
        attempts: u32,
        /// The beginning of what it says.
        what: String,
    },
    /// An answer that is not what the interface promises.
    #[error("{url}: the answer cannot be read: {what}")]
    Answer {
        /// The address.
        url: String,
        /// What is wrong with it.
        what: String,
    },
}

/// Something that answers a conversation.
pub trait Backend {
    /// Its name, for the record of an answer.
    fn name(&self) -> String;

    /// Answers; each piece of text goes to `on_text` as it comes.
    ///
    /// # Errors
    /// [`BackendError`], with what has gone wrong; text that `on_text` was given before is then not an answer.
    fn chat(
        &self,
        messages: &[Message],
        sampling: &Sampling,
        on_text: &mut dyn FnMut(&str),
    ) -> Result<Completion, BackendError>;
}

impl Backend for SmolLm2 {
    fn name(&self) -> String {
        "SmolLM2-135M-Instruct".to_owned()
    }

    fn chat(
        &self,
        messages: &[Message],
        sampling: &Sampling,
        on_text: &mut dyn FnMut(&str),
    ) -> Result<Completion, BackendError> {
        Ok(SmolLm2::chat(self, messages, sampling, on_text)?)
    }
}

/// The backend that the environment names: an [`Endpoint`] where `GENAI_BASE_URL` is set, else [`SmolLm2`].
///
/// # Errors
/// [`BackendError::Setting`] with the variable, [`BackendError::Model`] where the model is not fetched.
pub fn configured() -> Result<Box<dyn Backend>, BackendError> {
    match Endpoint::from_environment()? {
        Some(endpoint) => Ok(Box::new(endpoint)),
        None => Ok(Box::new(SmolLm2::fetched()?)),
    }
}

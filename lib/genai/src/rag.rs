//! From a question to an answer with its sources: search, refuse or write, and show which passage bears which sentence.

mod retriever;
mod support;

use crate::backend::{Backend, BackendError};
use crate::chunk::Chunk;
use crate::error::RetrievalError;
use crate::llm::{Message, Role, Sampling};
use crate::model_error::ModelError;

pub use retriever::{Evidence, LONGEST_QUERY, Retriever, Search};
pub use support::{Sentence, sentences, support};

/// What can go wrong between a question and its answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RagError {
    /// The question, the corpus or an index.
    #[error(transparent)]
    Retrieval(#[from] RetrievalError),
    /// The embedding model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Whoever writes the answer.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// How an answer is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How many passages the writer is given, at least 1.
    pub passages: usize,
    /// Evidence below which nothing is written; see [`Evidence::score`].
    pub least_evidence: f64,
    /// The support from which a sentence is given a citation; see [`support`].
    pub least_support: f64,
    /// How the writer chooses its words.
    pub sampling: Sampling,
}

impl Default for Settings {
    fn default() -> Self {
        let sampling = Sampling {
            most_tokens: 96,
            ..Sampling::default()
        };
        Self {
            passages: 3,
            least_evidence: 0.45,
            least_support: 0.6,
            sampling,
        }
    }
}

/// A passage that the writer was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its number in citations, counted from 1.
    pub number: usize,
    /// Its place among the retriever's passages.
    pub id: usize,
    /// The heading that it stands under.
    pub title: String,
    /// Where a reader finds it.
    pub link: String,
}

/// An answer, or a refusal.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The text as it was written; what to tell the reader where nothing was found.
    pub text: String,
    /// Its sentences, each with the passage that bears it best. None in a refusal.
    pub sentences: Vec<Sentence>,
    /// The passages that the writer was given; in a refusal, those that were nearest.
    pub sources: Vec<Source>,
    /// What the search has found.
    pub evidence: Evidence,
    /// Whether nothing was written, for want of evidence.
    pub refused: bool,
    /// Tokens of the prompt and of the answer.
    pub tokens: (usize, usize),
    /// Whether the writer came to its end: `false` where the limit of tokens cut the text off.
    pub ended: bool,
}

impl Answer {
    /// The share of its claims that a passage bears, in 0..=1; see [`Sentence::claim`]. 1 for a refusal, which claims
    /// nothing, and 0 for an answer that holds no claim.
    pub fn faithfulness(&self) -> f64 {
        if self.refused {
            return 1.0;
        }
        let claims = self.claims().count();
        let borne = self.claims().filter(|s| s.citation.is_some()).count();
        if claims == 0 {
            0.0
        } else {
            borne as f64 / claims as f64
        }
    }

    /// Its sentences that claim something as a whole.
    pub fn claims(&self) -> impl Iterator<Item = &Sentence> {
        self.sentences.iter().filter(|sentence| sentence.claim)
    }

    /// The answer with the number of a source behind each claim that one bears, `[?]` behind the others, `[cut off]` at its
    /// end where it has none of its own, and the list of sources.
    pub fn cited(&self) -> String {
        if self.refused {
            return self.text.clone();
        }
        let mut text = String::new();
        for sentence in &self.sentences {
            let mark = match sentence.citation {
                Some(number) => format!(" [{number}]"),
                None if sentence.claim => " [?]".to_owned(),
                None => String::new(),
            };
            text.push_str(&format!("{}{mark}\n", sentence.text));
        }
        if !self.ended {
            text.push_str("[cut off]\n");
        }
        for source in &self.sources {
            text.push_str(&format!(
                "\n[{}] {}, {}",
                source.number, source.title, source.link
            ));
        }
        text
    }
}

/// Searches, and has the answer written.
///
/// # Errors
/// [`RetrievalError::EmptyQuery`] and [`RetrievalError::LongQuery`] for a question that cannot be searched;
/// [`RetrievalError::Parameter`] for no passages; [`RagError::Model`], [`RagError::Backend`].
pub fn ask(
    retriever: &Retriever,
    writer: &dyn Backend,
    question: &str,
    settings: &Settings,
    on_text: &mut dyn FnMut(&str),
) -> Result<Answer, RagError> {
    if settings.passages == 0 {
        let (name, value) = ("passages", "0".to_owned());
        return Err(RetrievalError::Parameter {
            name,
            value,
            must: "at least 1",
        }
        .into());
    }
    let hits = retriever.hybrid(question, settings.passages)?;
    let evidence = retriever.evidence(question)?;
    let chunks: Vec<&Chunk> = hits.iter().map(|hit| &retriever.chunks()[hit.id]).collect();
    let sources = hits
        .iter()
        .zip(&chunks)
        .enumerate()
        .map(|(place, (hit, chunk))| Source {
            number: place + 1,
            id: hit.id,
            title: chunk.title.clone(),
            link: chunk.link(),
        })
        .collect();
    if evidence.score() < settings.least_evidence {
        let text = "Nothing in the documents answers this question.".to_owned();
        on_text(&text);
        return Ok(Answer {
            text,
            sentences: Vec::new(),
            sources,
            evidence,
            refused: true,
            tokens: (0, 0),
            ended: true,
        });
    }
    let written = writer.chat(&prompt(question, &chunks), &settings.sampling, on_text)?;
    let passages: Vec<String> = chunks.iter().map(|chunk| chunk.passage()).collect();
    let sentences = support::attribute_all(
        &written.text,
        written.ended,
        &passages,
        retriever.lexical_index(),
        settings.least_support,
    );
    let tokens = (written.prompt_tokens, written.tokens);
    Ok(Answer {
        text: written.text,
        sentences,
        sources,
        evidence,
        refused: false,
        tokens,
        ended: written.ended,
    })
}

/// What the writer is told: the passages with their numbers, then the question.
fn prompt(question: &str, chunks: &[&Chunk]) -> [Message; 2] {
    let rules = "You answer questions about Rust. Use only the passages that the user gives. Answer in one or two short \
                 sentences, in the words of the passages.";
    let mut text = String::new();
    for (place, chunk) in chunks.iter().enumerate() {
        text.push_str(&format!("Passage {}: {}\n\n", place + 1, chunk.passage()));
    }
    text.push_str(&format!("Question: {}", question.trim()));
    [
        Message::new(Role::System, rules),
        Message::new(Role::User, text),
    ]
}

//! A small language model on the processor: SmolLM2-135M-Instruct, its weights in 4 bits, tokens as they come.

mod llama;
mod packed;
mod tokens;

use std::path::Path;

use crate::model_error::ModelError;
use crate::random::SplitMix64;
use llama::{Cache, Llama};
use tokens::Tokens;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What the model is told about its task.
    System,
    /// What it is asked.
    User,
    /// What it has answered.
    Assistant,
}

impl Role {
    /// The role's name, in chat templates and in the interface of endpoints.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A turn of a conversation.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
        }
    }
}

/// How the next token is chosen, and when to stop.
///
/// # Examples
/// ```
/// let sampling = genai::llm::Sampling::default();
/// assert_eq!((sampling.temperature, sampling.most_tokens), (0.0, 128));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// 0 takes the likeliest token each time; above 0, tokens are drawn from `softmax(logits / temperature)`. At most 10.
    pub temperature: f64,
    /// What the logits of tokens of the answer so far are divided by where above 0, else multiplied with: 1 for nothing,
    /// at most 2. Small models repeat themselves without it.
    pub repetition_penalty: f64,
    /// The most tokens of an answer.
    pub most_tokens: usize,
    /// Where the random numbers start, for a temperature above 0.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            repetition_penalty: 1.1,
            most_tokens: 128,
            seed: 1,
        }
    }
}

impl Sampling {
    pub(crate) fn check(&self) -> Result<(), ModelError> {
        let bad = |name, value: f64, must| {
            Err(ModelError::Parameter {
                name,
                value: value.to_string(),
                must,
            })
        };
        if !(0.0..=10.0).contains(&self.temperature) {
            return bad("temperature", self.temperature, "between 0 and 10");
        }
        if !(1.0..=2.0).contains(&self.repetition_penalty) {
            return bad(
                "repetition_penalty",
                self.repetition_penalty,
                "between 1 and 2",
            );
        }
        if self.most_tokens == 0 {
            return bad("most_tokens", 0.0, "at least 1");
        }
        Ok(())
    }
}

/// What a model has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The answer.
    pub text: String,
    /// Tokens of the prompt; 0 where an endpoint does not tell.
    pub prompt_tokens: usize,
    /// Tokens of the answer; 0 where an endpoint does not tell.
    pub tokens: usize,
    /// Whether it ended by itself, rather than at the most tokens.
    pub ended: bool,
}

/// SmolLM2-135M-Instruct: 30 layers of width 576, 9 heads that share 3 keys and values, 49,152 tokens.
///
/// # Examples
/// ```
/// use genai::llm::{Message, Role, Sampling, SmolLm2};
/// match SmolLm2::fetched() {
///     Ok(model) => {
///         let question = [Message::new(Role::User, "What is the capital of France?")];
///         let answer = model.chat(&question, &Sampling { most_tokens: 12, ..Sampling::default() }, &mut |_| {})?;
///         assert!(answer.text.contains("Paris"), "{answer:?}");
///     }
///     Err(error) => assert!(error.to_string().contains("cargo course data fetch smollm2")),
/// }
/// # Ok::<(), genai::ModelError>(())
/// ```
///
/// # References
/// Ben Allal and others (2025), "SmolLM2". Logits agree with a forward pass in numpy on the same 4-bit weights to 1e-3.
#[derive(Debug)]
pub struct SmolLm2 {
    llama: Llama,
    tokens: Tokens,
}

impl SmolLm2 {
    /// The model that `cargo course data fetch smollm2` has brought.
    ///
    /// # Errors
    /// [`ModelError::Data`] with the command if it is not there; else as [`SmolLm2::open`].
    pub fn fetched() -> Result<Self, ModelError> {
        let files = datasets::fetched("smollm2")?;
        Self::open(files.file("smollm2-135m-instruct-q4_1.gguf")?)
    }

    /// A model of the same architecture and tokeniser from its GGUF file.
    ///
    /// # Errors
    /// [`ModelError::File`] with what is wrong with it.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let wrong = |what: String| ModelError::File {
            path: path.to_owned(),
            what,
        };
        let mut file = std::fs::File::open(path).map_err(|e| wrong(e.to_string()))?;
        let content = candle_core::quantized::gguf_file::Content::read(&mut file)
            .map_err(|e| wrong(e.to_string()))?;
        let tokens = Tokens::new(&content).map_err(wrong)?;
        let llama = Llama::new(&content, &mut file).map_err(wrong)?;
        Ok(Self { llama, tokens })
    }

    /// The tokens of a text. What looks like a special token, such as `<|im_end|>`, is cut into ordinary ones: no text can
    /// end the turn that it stands in.
    ///
    /// # Errors
    /// [`ModelError::Tokens`].
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        self.tokens.encode(text)
    }

    /// The text of tokens.
    ///
    /// # Errors
    /// [`ModelError::Tokens`] for a token that the vocabulary lacks.
    pub fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.tokens.decode(ids)
    }

    /// A conversation in the model's template, ready for the assistant's turn.
    ///
    /// # Errors
    /// [`ModelError::Tokens`].
    pub fn prompt(&self, messages: &[Message]) -> Result<Vec<u32>, ModelError> {
        self.tokens.prompt(messages)
    }

    /// The logits of the token that follows each call's `ids`, given one after the other: shape `(49152,)` each.
    ///
    /// # Errors
    /// [`ModelError::Compute`], [`ModelError::LongPrompt`], [`ModelError::NoText`] for no tokens.
    pub fn logits(&self, calls: &[&[u32]]) -> Result<Vec<Vec<f32>>, ModelError> {
        let mut cache = self.llama.cache();
        calls
            .iter()
            .map(|ids| self.llama.forward(ids, &mut cache))
            .collect()
    }

    /// Answers a conversation. Each piece of text goes to `on_text` as soon as it is known.
    ///
    /// # Errors
    /// [`ModelError::LongPrompt`] where prompt and answer do not fit into the model's 8,192 tokens,
    /// [`ModelError::Parameter`], [`ModelError::Tokens`], [`ModelError::Compute`].
    ///
    /// # Complexity
    /// O(tokens · 135 million) and O(tokens²) for attention.
    pub fn chat(
        &self,
        messages: &[Message],
        sampling: &Sampling,
        on_text: &mut dyn FnMut(&str),
    ) -> Result<Completion, ModelError> {
        sampling.check()?;
        let prompt = self.tokens.prompt(messages)?;
        let limit = self.llama.longest();
        if prompt.len() + sampling.most_tokens > limit {
            let (tokens, wanted) = (prompt.len(), sampling.most_tokens);
            return Err(ModelError::LongPrompt {
                tokens,
                wanted,
                limit,
            });
        }
        let mut cache: Cache = self.llama.cache();
        let mut random = SplitMix64::new(sampling.seed);
        let mut logits = self.llama.forward(&prompt, &mut cache)?;
        let (mut ids, mut shown, mut ended) = (Vec::new(), String::new(), false);
        loop {
            penalise(&mut logits, &ids, sampling.repetition_penalty as f32);
            let next = choose(&logits, sampling.temperature, &mut random);
            if next == self.tokens.end() {
                ended = true;
                break;
            }
            ids.push(next);
            let text = self.tokens.decode(&ids)?;
            // a character of several tokens is shown when it is whole
            if !text.ends_with('\u{FFFD}') && text.len() > shown.len() {
                if let Some(fresh) = text.strip_prefix(&shown) {
                    on_text(fresh);
                }
                shown = text;
            }
            if ids.len() == sampling.most_tokens {
                break;
            }
            logits = self.llama.forward(&[next], &mut cache)?;
        }
        let text = self.tokens.decode(&ids)?;
        if let Some(rest) = text.strip_prefix(&shown).filter(|rest| !rest.is_empty()) {
            on_text(rest);
        }
        Ok(Completion {
            text,
            prompt_tokens: prompt.len(),
            tokens: ids.len(),
            ended,
        })
    }
}

/// Keskar and others (2019): a token that was used becomes less likely.
fn penalise(logits: &mut [f32], used: &[u32], penalty: f32) {
    let mut seen = std::collections::HashSet::new();
    for &id in used.iter().filter(|id| seen.insert(**id)) {
        let logit = &mut logits[id as usize];
        *logit = if *logit > 0.0 {
            *logit / penalty
        } else {
            *logit * penalty
        };
    }
}

/// The likeliest token, or one drawn from the softmax.
fn choose(logits: &[f32], temperature: f64, random: &mut SplitMix64) -> u32 {
    let best = logits
        .iter()
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
    let Some((best, &largest)) = best else {
        return 0;
    };
    if temperature == 0.0 {
        return best as u32;
    }
    let weights: Vec<f64> = logits
        .iter()
        .map(|&l| (f64::from(l - largest) / temperature).exp())
        .collect();
    let mut left = random.unit() * weights.iter().sum::<f64>();
    for (id, weight) in weights.iter().enumerate() {
        left -= weight;
        if left <= 0.0 {
            return id as u32;
        }
    }
    best as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_token_is_the_first_of_equals() {
        let mut random = SplitMix64::new(1);
        assert_eq!(choose(&[0.0, 2.0, 2.0, -1.0], 0.0, &mut random), 1);
    }

    #[test]
    fn tokens_are_drawn_as_often_as_the_softmax_says() {
        let mut random = SplitMix64::new(3);
        let logits = [1.0f32.ln(), 2.0f32.ln(), 5.0f32.ln()];
        let mut counts = [0usize; 3];
        for _ in 0..20_000 {
            counts[choose(&logits, 1.0, &mut random) as usize] += 1;
        }
        for (count, share) in counts.iter().zip([0.125, 0.25, 0.625]) {
            // four standard errors
            let error = (share * (1.0 - share) / 20_000f64).sqrt();
            assert!(
                (*count as f64 / 20_000.0 - share).abs() < 4.0 * error,
                "{counts:?}"
            );
        }
    }

    #[test]
    fn a_penalty_counts_once_a_token() {
        let mut logits = [4.0, -4.0, 1.0];
        penalise(&mut logits, &[0, 1, 0], 2.0);
        assert_eq!(logits, [2.0, -8.0, 1.0]);
    }
}

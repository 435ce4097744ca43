//! The tokeniser of SmolLM2, from what the GGUF file holds: byte-level BPE, each digit by itself.

use candle_core::quantized::gguf_file::{Content, Value};
use tokenizers::decoders::byte_level::ByteLevel;
use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::{AddedToken, Tokenizer};

use super::Message;
use crate::model_error::ModelError;

/// What the model is told where a conversation brings no system message of its own.
const SYSTEM: &str = "You are a helpful AI assistant named SmolLM, trained by Hugging Face";

#[derive(Debug)]
pub(super) struct Tokens {
    tokenizer: Tokenizer,
    start: u32,
    end: u32,
}

impl Tokens {
    pub(super) fn new(content: &Content) -> Result<Self, String> {
        let value = |key: &str| {
            content
                .metadata
                .get(key)
                .ok_or_else(|| format!("it has no `{key}`"))
        };
        let text = |key: &str| match value(key)? {
            Value::String(text) => Ok::<_, String>(text.as_str()),
            other => Err(format!("`{key}` is {other:?}, not a text")),
        };
        let texts = |key: &str| match value(key)? {
            Value::Array(values) => values
                .iter()
                .map(|v| match v {
                    Value::String(text) => Ok(text.clone()),
                    other => Err(format!("`{key}` holds {other:?}, not a text")),
                })
                .collect::<Result<Vec<String>, String>>(),
            _ => Err(format!("`{key}` is not a list")),
        };
        for (key, known) in [
            ("tokenizer.ggml.model", "gpt2"),
            ("tokenizer.ggml.pre", "smollm"),
        ] {
            let found = text(key)?;
            if found != known {
                return Err(format!("`{key}` is `{found}`; only `{known}` is known"));
            }
        }
        let tokens = texts("tokenizer.ggml.tokens")?;
        let merges = texts("tokenizer.ggml.merges")?
            .into_iter()
            .map(|merge| match merge.split_once(' ') {
                Some((a, b)) => Ok((a.to_owned(), b.to_owned())),
                None => Err(format!(
                    "`{merge}` in `tokenizer.ggml.merges` is not two pieces"
                )),
            })
            .collect::<Result<Vec<_>, String>>()?;
        let special: Vec<AddedToken> = match value("tokenizer.ggml.token_type")? {
            // the type of a control token
            Value::Array(types) => types
                .iter()
                .zip(&tokens)
                .filter(|(kind, _)| matches!(kind, Value::I32(3) | Value::U32(3)))
                .map(|(_, token)| AddedToken::from(token.clone(), true))
                .collect(),
            _ => return Err("`tokenizer.ggml.token_type` is not a list".to_owned()),
        };
        let vocabulary: Vec<(String, u32)> = tokens.into_iter().zip(0..).collect();
        let bpe = BPE::builder()
            .vocab_and_merges(
                vocabulary
                    .into_iter()
                    .collect::<tokenizers::models::bpe::Vocab>(),
                merges,
            )
            .build()
            .map_err(|e| e.to_string())?;
        let mut tokenizer = Tokenizer::new(bpe);
        let bytes = ByteLevel::new(false, true, true);
        tokenizer.with_pre_tokenizer(Some(Sequence::new(vec![
            Digits::new(true).into(),
            bytes.into(),
        ])));
        tokenizer.with_decoder(Some(bytes));
        tokenizer
            .add_special_tokens(special)
            .map_err(|e| e.to_string())?;
        // texts never hold special tokens: only `prompt` writes them
        tokenizer.set_encode_special_tokens(true);
        let id = |token: &str| {
            tokenizer
                .token_to_id(token)
                .ok_or_else(|| format!("its vocabulary lacks `{token}`"))
        };
        let (start, end) = (id("<|im_start|>")?, id("<|im_end|>")?);
        Ok(Self {
            tokenizer,
            start,
            end,
        })
    }

    /// The token that ends a turn.
    pub(super) fn end(&self) -> u32 {
        self.end
    }

    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        Ok(self
            .tokenizer
            .encode(text, false)
            .map_err(ModelError::tokens)?
            .get_ids()
            .to_vec())
    }

    pub(super) fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.tokenizer
            .decode(ids, false)
            .map_err(ModelError::tokens)
    }

    /// `<|im_start|>role⏎content<|im_end|>⏎` for each message, then the head of the assistant's turn.
    pub(super) fn prompt(&self, messages: &[Message]) -> Result<Vec<u32>, ModelError> {
        let mut ids = Vec::new();
        let mut turn = |role: &str, content: &str| {
            ids.push(self.start);
            ids.extend(self.encode(&format!("{role}\n{content}"))?);
            ids.push(self.end);
            ids.extend(self.encode("\n")?);
            Ok::<(), ModelError>(())
        };
        if messages
            .first()
            .is_none_or(|m| m.role != super::Role::System)
        {
            turn("system", SYSTEM)?;
        }
        for message in messages {
            turn(message.role.name(), &message.content)?;
        }
        ids.push(self.start);
        ids.extend(self.encode("assistant\n")?);
        Ok(ids)
    }
}

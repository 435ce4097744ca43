//! Sentence embeddings: a text becomes 384 numbers, and texts of like meaning have vectors of like direction.
//!
//! The model is all-MiniLM-L6-v2, an encoder of six layers that was trained on a billion pairs of sentences to bring the
//! two of a pair together. The forward pass is written here on candle's tensors; see [`MiniLm`].

mod bert;
mod cache;

use std::path::{Path, PathBuf};

use ndarray::{Array1, Array2};
use tokenizers::{Tokenizer, TruncationParams};

use crate::model_error::ModelError;
use bert::Bert;

/// Most tokens of a text that are read, with the two that the tokeniser adds: what the model was trained with.
pub const MOST_TOKENS: usize = 256;
/// About how many tokens go through the model at once: more do not stay in the processor's caches.
const TOKENS_AT_ONCE: usize = 2048;

/// all-MiniLM-L6-v2 in `f32` on the processor.
///
/// A text is cut into the `n` tokens of its WordPiece vocabulary, `[CLS]` first and `[SEP]` last; the encoder turns them into
/// `H`, shape `(n, 384)`; the embedding is `e = h / |h|` with `h = mean over tokens of H`, so `e · e'` is the cosine.
///
/// # Examples
/// ```
/// use genai::embed::MiniLm;
/// match MiniLm::fetched() {
///     Ok(model) => {
///         let cat = model.embed("A cat sleeps on the sofa.")?;
///         let kitten = model.embed("A kitten is napping on the couch.")?;
///         let tax = model.embed("The tax return is due in April.")?;
///         assert!(cat.dot(&kitten) > 0.6 && cat.dot(&tax) < 0.2);
///     }
///     Err(error) => assert!(error.to_string().contains("cargo course data fetch minilm")),
/// }
/// # Ok::<(), genai::ModelError>(())
/// ```
///
/// # References
/// Reimers and Gurevych (2019), "Sentence-BERT". Agrees with a forward pass in numpy to 1e-5 in each number, and with the
/// tokeniser of transformers token for token.
#[derive(Debug)]
pub struct MiniLm {
    bert: Bert,
    tokenizer: Tokenizer,
    unknown: Option<u32>,
    weights: PathBuf,
}

impl MiniLm {
    /// The model that `cargo course data fetch minilm` has brought.
    ///
    /// # Errors
    /// [`ModelError::Data`] with the command if it is not there; else as [`MiniLm::open`].
    pub fn fetched() -> Result<Self, ModelError> {
        let files = datasets::fetched("minilm")?;
        Self::open(
            files.file("model.safetensors")?,
            files.file("config.json")?,
            files.file("tokenizer.json")?,
        )
    }

    /// A model of the same architecture from its three files.
    ///
    /// # Errors
    /// [`ModelError::File`] with the file that is not what it should be.
    pub fn open(weights: &Path, config: &Path, tokenizer: &Path) -> Result<Self, ModelError> {
        let bert = Bert::open(weights, config)?;
        let wrong = |e: tokenizers::Error| ModelError::File {
            path: tokenizer.to_owned(),
            what: e.to_string(),
        };
        let path = tokenizer;
        let mut tokenizer = Tokenizer::from_file(path).map_err(wrong)?;
        tokenizer.with_padding(None); // the file pads everything to 128 tokens
        let truncation = TruncationParams {
            max_length: MOST_TOKENS,
            ..TruncationParams::default()
        };
        tokenizer
            .with_truncation(Some(truncation))
            .map_err(|e| ModelError::File {
                path: path.to_owned(),
                what: e.to_string(),
            })?;
        let unknown = tokenizer.token_to_id("[UNK]");
        Ok(Self {
            bert,
            tokenizer,
            unknown,
            weights: weights.to_owned(),
        })
    }

    /// How many numbers an embedding has: 384.
    pub fn dimensions(&self) -> usize {
        self.bert.width()
    }

    /// The tokens of a text as the model reads them, at most [`MOST_TOKENS`].
    ///
    /// # Errors
    /// [`ModelError::Tokens`] if the tokeniser cannot read the text.
    pub fn tokens(&self, text: &str) -> Result<Vec<String>, ModelError> {
        let encoding = self
            .tokenizer
            .encode(text, true)
            .map_err(ModelError::tokens)?;
        Ok(encoding.get_tokens().to_vec())
    }

    /// The share of a text's tokens that its vocabulary does not hold, in 0..=1: those all look the same to the model.
    ///
    /// # Errors
    /// [`ModelError::NoText`] for a text without any, [`ModelError::Tokens`].
    pub fn unknown_share(&self, text: &str) -> Result<f64, ModelError> {
        let ids = self
            .encode(std::slice::from_ref(&text))?
            .pop()
            .unwrap_or_default();
        let unknown = ids.iter().filter(|&&id| Some(id) == self.unknown).count();
        Ok(unknown as f64 / (ids.len() - 2) as f64)
    }

    /// The embedding of one text, shape `(384,)`, of length 1.
    ///
    /// # Errors
    /// [`ModelError::NoText`] for a text without a token, [`ModelError::Tokens`], [`ModelError::Compute`].
    pub fn embed(&self, text: &str) -> Result<Array1<f32>, ModelError> {
        let one = self.embed_batch(&[text])?;
        Ok(one.row(0).to_owned())
    }

    /// The embeddings of many texts, shape `(m, 384)`, row by row as [`MiniLm::embed`] gives them to within rounding.
    ///
    /// The tokens of many texts form one matrix without padding, so that each weight is read once for all of them; only
    /// attention goes text by text, those of one length together.
    ///
    /// # Errors
    /// As [`MiniLm::embed`], with the text's place.
    ///
    /// # Complexity
    /// O(tokens · 10.6 million), and O(`n²`) for attention within a text of `n` tokens.
    pub fn embed_batch<T: AsRef<str>>(&self, texts: &[T]) -> Result<Array2<f32>, ModelError> {
        let ids = self.encode(texts)?;
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_by_key(|&i| ids[i].len());
        let mut all = Array2::zeros((ids.len(), self.dimensions()));
        let mut rest = order.as_slice();
        while !rest.is_empty() {
            let mut tokens = 0;
            let take = rest.iter().take_while(|&&i| {
                tokens += ids[i].len();
                tokens <= TOKENS_AT_ONCE
            });
            let (now, later) = rest.split_at(take.count().max(1));
            let texts: Vec<&[u32]> = now.iter().map(|&i| ids[i].as_slice()).collect();
            let rows = self.bert.forward(&texts)?;
            for (&i, row) in now.iter().zip(rows.rows()) {
                all.row_mut(i).assign(&row);
            }
            rest = later;
        }
        Ok(all)
    }

    /// As [`MiniLm::embed_batch`], kept in a file of `folder` whose name is the SHA-256 of the model and the texts: the
    /// same texts are embedded once on a machine.
    ///
    /// A file that is damaged is computed and written again; one that cannot be written costs only time.
    ///
    /// # Errors
    /// As [`MiniLm::embed_batch`]; [`ModelError::File`] if the model's file cannot be read.
    pub fn embed_cached<T: AsRef<str>>(
        &self,
        texts: &[T],
        folder: &Path,
    ) -> Result<Array2<f32>, ModelError> {
        let path = folder.join(cache::name(&self.weights, texts)?);
        if let Some(known) = cache::read(&path, texts.len(), self.dimensions()) {
            return Ok(known);
        }
        let embeddings = self.embed_batch(texts)?;
        cache::write(&path, &embeddings);
        Ok(embeddings)
    }

    fn encode<T: AsRef<str>>(&self, texts: &[T]) -> Result<Vec<Vec<u32>>, ModelError> {
        let inputs: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let encodings = self
            .tokenizer
            .encode_batch(inputs, true)
            .map_err(ModelError::tokens)?;
        let ids: Vec<Vec<u32>> = encodings.iter().map(|e| e.get_ids().to_vec()).collect();
        match ids.iter().position(|ids| ids.len() <= 2) {
            Some(place) => Err(ModelError::NoText { place }),
            None => Ok(ids),
        }
    }
}

/// The folder for [`MiniLm::embed_cached`]: `embeddings` beside the fetched data in the user's cache.
///
/// # Errors
/// [`ModelError::Data`] if neither a cache folder nor a home folder is known.
pub fn cache_folder() -> Result<PathBuf, ModelError> {
    Ok(datasets::cache_folder()?.join("embeddings"))
}

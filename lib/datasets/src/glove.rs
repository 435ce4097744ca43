use ndarray::Array2;

use crate::{DatasetError, fetched};

/// Number of words.
const WORDS: usize = 400_000;
/// Numbers a word.
const NUMBERS: usize = 50;
/// Bytes before the numbers.
const HEADER: usize = 128;

/// Reads GloVe's word vectors, the commonest word first.
///
/// # Returns
/// Shape (400000, 50).
///
/// # Errors
/// [`DatasetError::NotFetched`] with the command that fetches them, or another [`DatasetError`] if the file
/// is altered.
///
/// # Examples
/// ```
/// match datasets::glove() {
///     // the vector of the word "the"
///     Ok(vectors) => assert_eq!(vectors[[0, 0]], 0.418),
///     Err(error) => assert!(error.to_string().contains("cargo course data fetch glove")),
/// }
/// ```
///
/// # References
/// Pennington, Socher and Manning, *GloVe: Global Vectors for Word Representation* (2014).
pub fn glove() -> Result<Array2<f32>, DatasetError> {
    let files = fetched("glove")?;
    let path = files.file("glove.npy")?;
    let bytes = std::fs::read(path).map_err(|source| DatasetError::Io {
        path: path.to_owned(),
        source,
    })?;
    // NumPy's format, column by column: the SHA-256 has fixed it.
    let number = |word: usize, i: usize| {
        let at = HEADER + 4 * (i * WORDS + word);
        f32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    };
    Ok(Array2::from_shape_fn((WORDS, NUMBERS), |(word, i)| {
        number(word, i)
    }))
}

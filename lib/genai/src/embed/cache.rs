//! Embeddings kept in a file. The name is a hash of what went in, so a file is right or damaged, never out of date.

use std::path::Path;

use ndarray::Array2;
use sha2::{Digest, Sha256};

use crate::checksum::Checksum;
use crate::model_error::ModelError;
use crate::temporary;

/// Bytes before the values: rows, columns, checksum of the values.
const HEADER: usize = 24;

/// The name of the file for these texts under this model. Changes with the forward pass as well: `1` is its version.
pub(super) fn name<T: AsRef<str>>(weights: &Path, texts: &[T]) -> Result<String, ModelError> {
    let mut file = std::fs::File::open(weights).map_err(|e| ModelError::File {
        path: weights.to_owned(),
        what: e.to_string(),
    })?;
    let mut hash = Sha256::new();
    hash.update(b"genai embeddings 1\n");
    std::io::copy(&mut file, &mut hash).map_err(|e| ModelError::File {
        path: weights.to_owned(),
        what: e.to_string(),
    })?;
    for text in texts {
        let text = text.as_ref();
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    let hex: String = hash
        .finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(format!("{hex}.f32"))
}

/// The embeddings of a file; `None` where there is none, or it is damaged.
pub(super) fn read(path: &Path, rows: usize, columns: usize) -> Option<Array2<f32>> {
    let bytes = std::fs::read(path).ok()?;
    let (header, values) = bytes.split_at_checked(HEADER)?;
    let [n, d, checksum] = *header.as_chunks::<8>().0 else {
        return None;
    };
    let right = u64::from_le_bytes(n) == rows as u64
        && u64::from_le_bytes(d) == columns as u64
        && values.len() == rows * columns * 4
        && u64::from_le_bytes(checksum) == of(values);
    let values = values
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
        .collect();
    right.then(|| Array2::from_shape_vec((rows, columns), values).ok())?
}

/// Writes the file whole, or not at all.
pub(super) fn write(path: &Path, embeddings: &Array2<f32>) {
    let values: Vec<u8> = embeddings.iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut bytes = Vec::with_capacity(HEADER + values.len());
    bytes.extend((embeddings.nrows() as u64).to_le_bytes());
    bytes.extend((embeddings.ncols() as u64).to_le_bytes());
    bytes.extend(of(&values).to_le_bytes());
    bytes.extend(values);
    let beside = temporary(path);
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&beside, bytes))
        .and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
}

fn of(bytes: &[u8]) -> u64 {
    let mut checksum = Checksum::new();
    checksum.add(bytes);
    checksum.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_damage_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below").join("a.f32");
        let rows = Array2::from_shape_fn((5, 3), |(i, j)| i as f32 - j as f32 / 7.0);
        write(&path, &rows);
        assert_eq!(read(&path, 5, 3), Some(rows));
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1
        );
        assert_eq!(read(&path, 3, 5), None);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(read(&path, 5, 3), None, "byte {at}");
            std::fs::write(&path, &whole[..at]).unwrap();
            assert_eq!(read(&path, 5, 3), None, "cut at {at}");
        }
    }

    #[test]
    fn another_text_or_model_has_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(&a, "one").unwrap();
        std::fs::write(&b, "two").unwrap();
        let names = [
            name(&a, &["x", "y"]).unwrap(),
            name(&a, &["xy", ""]).unwrap(),
            name(&a, &["x"]).unwrap(),
            name(&b, &["x", "y"]).unwrap(),
        ];
        for (i, one) in names.iter().enumerate() {
            assert!(names[..i].iter().all(|other| other != one), "{names:?}");
        }
        assert_eq!(names[0], name(&a, &["x", "y"]).unwrap());
        assert!(name(&folder.path().join("c"), &["x"]).is_err());
    }
}

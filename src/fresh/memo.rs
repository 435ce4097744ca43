use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What was made of a file's text, kept by its path for as long as the text is the same.
///
/// A hundred chapters ask for the same few files. Each time the file is read, and parsed only if it changed.
pub(super) struct Memo<T>(Mutex<BTreeMap<PathBuf, (String, Arc<T>)>>);

impl<T> Memo<T> {
    /// Nothing kept.
    pub(super) const fn new() -> Memo<T> {
        Memo(Mutex::new(BTreeMap::new()))
    }

    /// What `make` makes of the text. An error is not kept.
    pub(super) fn of<E>(
        &self,
        path: &Path,
        text: String,
        make: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, made)) = kept.get(path)
            && *known == text
        {
            return Ok(made.clone());
        }
        let made = Arc::new(make(&text)?);
        kept.insert(path.to_owned(), (text, made.clone()));
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_made_once_and_another_anew() {
        let memo: Memo<usize> = Memo::new();
        let mut calls = 0;
        let mut ask = |path: &str, text: &str| {
            let made = memo.of(Path::new(path), text.to_owned(), |text| {
                calls += 1;
                if text.is_empty() {
                    Err("empty")
                } else {
                    Ok(text.len())
                }
            });
            (made.map(|n| *n), calls)
        };
        assert_eq!(ask("a", "one"), (Ok(3), 1));
        assert_eq!(ask("a", "one"), (Ok(3), 1));
        assert_eq!(ask("b", "three"), (Ok(5), 2));
        assert_eq!(ask("a", "four"), (Ok(4), 3));
        assert_eq!(ask("a", ""), (Err("empty"), 4));
        assert_eq!(ask("a", "four"), (Ok(4), 4));
    }
}

//! The folder that holds the book, and the dependencies that its chapters name.

use crate::error::At;
use crate::{Dep, KernelError};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The folder that holds the book: `book.toml`, `Cargo.lock` and `lib/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Absolute, symbolic links resolved.
    pub root: PathBuf,
}

impl Workspace {
    /// Finds the nearest folder at or above `start` that holds `Cargo.lock` beside `book.toml` or `lib`.
    ///
    /// # Errors
    /// [`KernelError::NoWorkspace`] if there is none.
    pub fn find(start: &Path) -> Result<Workspace, KernelError> {
        let none = || KernelError::NoWorkspace {
            start: start.to_owned(),
        };
        let start = start.canonicalize().map_err(|_| none())?;
        start
            .ancestors()
            .find(|folder| {
                folder.join("Cargo.lock").is_file()
                    && (folder.join("book.toml").is_file() || folder.join("lib").is_dir())
            })
            .map(|root| Workspace {
                root: root.to_owned(),
            })
            .ok_or_else(none)
    }

    /// The lock file that every session starts from.
    #[must_use]
    pub fn lock_file(&self) -> PathBuf {
        self.root.join("Cargo.lock")
    }

    /// Every dependency that a cell of the book names, in a fixed order.
    ///
    /// Read from the `:dep` lines of the chapters; paths in them are relative to the notebook's folder, which stands
    /// at the same place under `notebooks/` as the chapter under `chapters/`.
    ///
    /// # Errors
    /// If a chapter cannot be read, or holds a `:dep` line that cannot.
    pub fn deps(&self) -> Result<Vec<Dep>, KernelError> {
        let chapters = self.root.join("chapters");
        let mut found = BTreeSet::new();
        let mut folders = vec![chapters.clone()];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else {
                continue;
            };
            let part = folder.strip_prefix(&chapters).unwrap_or(Path::new(""));
            let notebook_folder = self.root.join("notebooks").join(part);
            for entry in entries {
                let path = entry.at("read", &folder)?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "md") {
                    let text = std::fs::read_to_string(&path).at("read", &path)?;
                    found.extend(Dep::all(&text, &notebook_folder)?);
                }
            }
        }
        Ok(found.into_iter().collect())
    }
}

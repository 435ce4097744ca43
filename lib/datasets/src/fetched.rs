use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::artefact::{Artefact, Pinned};
use crate::{DatasetError, sha256};

/// The file that tells which files were found right, and how they looked then.
const STAMP: &str = ".verified";

/// The files of an [`Artefact`] on this machine, each with the catalogue's SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetched {
    /// Its name in the catalogue.
    pub name: &'static str,
    /// The folder that holds them.
    pub folder: PathBuf,
    /// Their paths, in the catalogue's order.
    pub files: Vec<PathBuf>,
}

impl Fetched {
    /// The path of one file by its name, such as `config.json`.
    ///
    /// # Errors
    /// [`DatasetError::UnknownFile`] if the artefact has none of that name; it lists those it has.
    pub fn file(&self, name: &str) -> Result<&Path, DatasetError> {
        let named = |path: &&PathBuf| path.file_name().is_some_and(|found| found == name);
        self.files
            .iter()
            .find(named)
            .map(PathBuf::as_path)
            .ok_or_else(|| DatasetError::UnknownFile {
                artefact: self.name,
                file: name.to_owned(),
                known: self
                    .files
                    .iter()
                    .filter_map(|path| path.file_name())
                    .map(|file| file.to_string_lossy().into_owned())
                    .collect(),
            })
    }
}

/// The files of an artefact, found right.
///
/// A file is hashed once; later calls look at its length and time of change alone.
///
/// # Errors
/// [`DatasetError::NotFetched`] with the command that fetches it, [`DatasetError::AlteredArtefact`] with
/// both digests, [`DatasetError::UnknownArtefact`], or [`DatasetError::Io`].
///
/// # Examples
/// ```
/// match datasets::fetched("minilm") {
///     Ok(minilm) => assert!(minilm.file("config.json")?.is_file()),
///     Err(error) => assert!(error.to_string().contains("cargo course data fetch minilm")),
/// }
/// # Ok::<(), datasets::DatasetError>(())
/// ```
pub fn fetched(name: &str) -> Result<Fetched, DatasetError> {
    Artefact::find(name)?.fetched()
}

/// The folder of everything that is fetched: `COURSE_DATA_CACHE` if it is set and not empty, else
/// `ml-fullstack/data` in the user's cache folder.
///
/// # Errors
/// [`DatasetError::NoCacheFolder`] if neither it nor a home folder is known.
pub fn cache_folder() -> Result<PathBuf, DatasetError> {
    let named = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty());
    if let Some(folder) = named("COURSE_DATA_CACHE") {
        return Ok(PathBuf::from(folder));
    }
    let home = || std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
    let cache = if cfg!(windows) {
        named("LOCALAPPDATA").map(PathBuf::from)
    } else {
        // On macOS too, so that tests and containers can move it.
        let xdg = named("XDG_CACHE_HOME").map(PathBuf::from);
        xdg.filter(|folder| folder.is_absolute()).or_else(|| {
            let below = if cfg!(target_os = "macos") {
                "Library/Caches"
            } else {
                ".cache"
            };
            home().map(|home| home.join(below))
        })
    };
    cache
        .map(|cache| cache.join("ml-fullstack").join("data"))
        .ok_or(DatasetError::NoCacheFolder)
}

impl Artefact {
    /// The folder that its files are kept in. Other content has another folder.
    ///
    /// # Errors
    /// [`DatasetError::NoCacheFolder`].
    pub fn folder(&self) -> Result<PathBuf, DatasetError> {
        Ok(cache_folder()?.join(format!("{}-{}", self.name, &self.digest()[..8])))
    }

    /// Its files, found right: by the stamp that an earlier look left, else by their SHA-256.
    ///
    /// # Errors
    /// [`DatasetError::NotFetched`], [`DatasetError::AlteredArtefact`] or [`DatasetError::Io`].
    pub fn fetched(&self) -> Result<Fetched, DatasetError> {
        let folder = self.folder()?;
        let stamp = std::fs::read_to_string(folder.join(STAMP)).unwrap_or_default();
        self.look(folder, &stamp)
    }

    /// The same, with every file hashed.
    ///
    /// # Errors
    /// [`DatasetError::NotFetched`], [`DatasetError::AlteredArtefact`] or [`DatasetError::Io`].
    pub fn verified(&self) -> Result<Fetched, DatasetError> {
        self.look(self.folder()?, "")
    }

    fn look(&self, folder: PathBuf, stamp: &str) -> Result<Fetched, DatasetError> {
        let mut lines = Vec::new();
        let mut files = Vec::new();
        for file in self.files {
            let path = folder.join(file.path);
            let line = stamp_line(file, &path).map_err(|source| match source.kind() {
                std::io::ErrorKind::NotFound => DatasetError::NotFetched {
                    artefact: self.name,
                    megabytes: self.sources[0].archive.bytes / 1_000_000 + 1,
                    path: path.clone(),
                },
                _ => DatasetError::Io {
                    path: path.clone(),
                    source,
                },
            })?;
            if !stamp.lines().any(|known| known == line) {
                let (found, _) = sha256::hex_of_file(&path).map_err(|source| DatasetError::Io {
                    path: path.clone(),
                    source,
                })?;
                if found != file.sha256 {
                    return Err(DatasetError::AlteredArtefact {
                        artefact: self.name,
                        path,
                        expected: file.sha256.to_owned(),
                        found,
                    });
                }
            }
            lines.push(line);
            files.push(path);
        }
        let text = lines.join("\n") + "\n";
        if text != stamp {
            // Where it cannot be written, the next call hashes again.
            let _ = write_whole(&folder.join(STAMP), &text);
        }
        Ok(Fetched {
            name: self.name,
            folder,
            files,
        })
    }
}

/// A file as the stamp has it: what it must be, and the length and time by which to know it again.
fn stamp_line(file: &Pinned, path: &Path) -> std::io::Result<String> {
    let metadata = path.metadata()?;
    let time = metadata.modified()?.duration_since(UNIX_EPOCH);
    let time = time.map_or(0, |since| since.as_nanos());
    Ok(format!(
        "{} {} {time} {}",
        file.sha256,
        metadata.len(),
        file.path
    ))
}

fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let beside = path.with_extension(format!("{}-{count}", std::process::id()));
    std::fs::write(&beside, text)
        .and_then(|()| std::fs::rename(&beside, path))
        .inspect_err(|_| {
            let _ = std::fs::remove_file(&beside);
        })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::artefact::{Recipe, Registry, Source};

    const HALLO: &str = "d3751d33f9cd5049c4af2b462735457e4d3baf130bcbb87f389e349fbaeb20b9";
    const FILE: Pinned = Pinned::new("hallo.txt", 5, HALLO);

    const GREETING: Artefact = Artefact {
        name: "greeting",
        title: "",
        used_for: "",
        licence: "",
        citation: "",
        files: &[FILE],
        recipe: Recipe::AsTheyAre,
        sources: &[Source {
            registry: Registry::PyPi,
            package: "",
            version: "",
            archive: Pinned::new("", 41_000_000, ""),
            members: &[FILE],
        }],
    };

    fn stamp(folder: &Path) -> String {
        std::fs::read_to_string(folder.join(STAMP)).unwrap_or_default()
    }

    #[test]
    fn what_is_not_there_names_the_command() {
        let folder = tempfile::tempdir().unwrap();
        let error = GREETING.look(folder.path().into(), "").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "{}: `greeting` is not fetched; run `cargo course data fetch greeting` (42 MB), or set \
                 COURSE_DATA_CACHE to the folder that holds it",
                folder.path().join("hallo.txt").display()
            )
        );
    }

    #[test]
    fn a_file_is_hashed_once_and_again_when_it_looks_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hallo.txt");
        std::fs::write(&path, "hallo").unwrap();
        let found = GREETING.look(folder.path().into(), "").unwrap();
        assert_eq!(found.file("hallo.txt").unwrap(), path);
        let first = stamp(folder.path());
        assert!(first.starts_with(HALLO), "{first}");

        // other content of the same length and time is not looked into: it was not hashed again
        let time = path.metadata().unwrap().modified().unwrap();
        let set = |content: &str, time| {
            std::fs::write(&path, content).unwrap();
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(time).unwrap();
        };
        set("hello", time);
        assert!(GREETING.look(folder.path().into(), &first).is_ok());
        let error = GREETING.look(folder.path().into(), "").unwrap_err();
        assert!(
            matches!(&error, DatasetError::AlteredArtefact { expected, .. } if expected == HALLO)
        );
        assert!(
            error
                .to_string()
                .contains("cargo course data fetch greeting"),
            "{error}"
        );
        // at another time it is
        set("hello", time + Duration::from_secs(1));
        assert!(GREETING.look(folder.path().into(), &first).is_err());
        // and right content is right at any time, and stamped anew
        set("hallo", time + Duration::from_secs(2));
        assert!(GREETING.look(folder.path().into(), &first).is_ok());
        assert_ne!(stamp(folder.path()), first);
        // a cut-off file has another length
        set("hall", time);
        assert!(GREETING.look(folder.path().into(), &first).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn an_unknown_file_lists_those_there_are() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("hallo.txt"), "hallo").unwrap();
        let found = GREETING.look(folder.path().into(), "").unwrap();
        let error = found.file("hello.txt").unwrap_err().to_string();
        assert_eq!(
            error,
            "`greeting` has no file `hello.txt`; it has hallo.txt"
        );
    }
}

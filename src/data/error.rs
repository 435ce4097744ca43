use std::path::{Path, PathBuf};

use datasets::DatasetError;

use crate::disk::size;

/// Why an artefact could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The client is not on this machine.
    #[error("{client} is needed and not here: {fix}")]
    NoClient {
        /// `pip` or `npm`.
        client: &'static str,
        /// What to install.
        fix: &'static str,
    },
    /// The client reached no registry.
    #[error(
        "{package}: {client} reaches no registry: is there a network? (a proxy or a mirror is set in {client}'s \
         own configuration)\n    {detail}"
    )]
    NoNetwork {
        /// `pip` or `npm`.
        client: &'static str,
        /// The package and its version.
        package: String,
        /// What the client said.
        detail: String,
    },
    /// The registry has no such package or version.
    #[error("{package}: the registry that {client} is set to does not have it\n    {detail}")]
    NotInRegistry {
        /// `pip` or `npm`.
        client: &'static str,
        /// The package and its version.
        package: String,
        /// What the client said.
        detail: String,
    },
    /// What came is not what the catalogue pins.
    #[error(
        "{what}: sha256 is {found}, but the catalogue says {expected}{}; it was removed",
        lengths(*bytes)
    )]
    WrongHash {
        /// The archive, a member of it, or a file made from them.
        what: String,
        /// The catalogue's SHA-256.
        expected: String,
        /// That of what came.
        found: String,
        /// The catalogue's length and that of what came.
        bytes: Option<(u64, u64)>,
    },
    /// The client ended well and left no archive.
    #[error("{}: {client} ended well, but the archive is not there: {error}", path.display())]
    NoArchive {
        /// `pip` or `npm`.
        client: &'static str,
        /// Where it should be.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The client failed for another reason.
    #[error("{package}: {client} fails ({status})\n    {detail}")]
    Failed {
        /// `pip` or `npm`.
        client: &'static str,
        /// The package and its version.
        package: String,
        /// How it ended.
        status: String,
        /// The last that it said.
        detail: String,
    },
    /// The archive cannot be unpacked, or has not what it should have.
    #[error("{archive}: {reason}")]
    Archive {
        /// The archive.
        archive: String,
        /// What is wrong.
        reason: String,
    },
    /// The files cannot be made from what the archive holds.
    #[error("{what} cannot be made: {reason}")]
    Making {
        /// What was to be made.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// The disk has no room.
    #[error("{}: the disk is full: {} are needed{}", folder.display(), size(*needed), left(*free))]
    DiskFull {
        /// The folder that was written to.
        folder: PathBuf,
        /// Bytes needed.
        needed: u64,
        /// Bytes free, where known.
        free: Option<u64>,
    },
    /// A file or folder cannot be written.
    #[error("{}: cannot be written: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The catalogue names no package for it.
    #[error("`{0}` has no source in the catalogue")]
    NoSource(&'static str),
    /// The files that are there cannot be looked at.
    #[error(transparent)]
    Data(#[from] DatasetError),
}

impl FetchError {
    /// For `map_err` where something is written to `path`.
    pub(super) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> FetchError + use<> {
        let path = path.to_owned();
        move |error| match error.kind() {
            std::io::ErrorKind::StorageFull => FetchError::DiskFull {
                free: crate::disk::free_space(&path),
                folder: path,
                needed: 0,
            },
            _ => FetchError::Write { path, error },
        }
    }
}

fn lengths(bytes: Option<(u64, u64)>) -> String {
    match bytes {
        Some((expected, found)) if expected != found => {
            format!(" ({found} bytes, {expected} are expected)")
        }
        _ => String::new(),
    }
}

fn left(free: Option<u64>) -> String {
    free.map_or_else(String::new, |free| format!(", {} are free", size(free)))
}

//! The folders of this course under the user's cache: warm build folders, sessions, and their removal.

use crate::KernelError;
use crate::error::At;
use std::fs::{File, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The name of the course's folder among those of other programs.
const NAME: &str = "ml-fullstack";

/// How much the warm build folders may take together, unless `COURSE_CACHE_LIMIT` says otherwise.
pub const DEFAULT_LIMIT: u64 = 8 << 30;

/// The course's folder in the user's cache: `$XDG_CACHE_HOME/ml-fullstack` or what stands for it.
///
/// # Errors
/// [`KernelError::NoFolder`] if neither the variable nor a home folder is known.
pub fn cache_folder() -> Result<PathBuf, KernelError> {
    user_folder("XDG_CACHE_HOME", "Library/Caches", ".cache", "LOCALAPPDATA")
        .map(|folder| folder.join(NAME))
        .ok_or(KernelError::NoFolder {
            kind: "cache",
            variable: if cfg!(windows) {
                "LOCALAPPDATA"
            } else {
                "XDG_CACHE_HOME"
            },
        })
}

/// The folder for a user's data: `$XDG_DATA_HOME` or what stands for it.
pub(crate) fn data_folder() -> Result<PathBuf, KernelError> {
    user_folder("XDG_DATA_HOME", "Library", ".local/share", "APPDATA").ok_or(
        KernelError::NoFolder {
            kind: "data",
            variable: if cfg!(windows) {
                "APPDATA"
            } else {
                "XDG_DATA_HOME"
            },
        },
    )
}

fn user_folder(xdg: &str, mac: &str, unix: &str, windows: &str) -> Option<PathBuf> {
    if cfg!(windows) {
        return std::env::var_os(windows).map(PathBuf::from);
    }
    // On macOS too, so that tests and containers can move it.
    if let Some(folder) = std::env::var_os(xdg).map(PathBuf::from)
        && folder.is_absolute()
    {
        return Some(folder);
    }
    let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty())?;
    Some(home.join(if cfg!(target_os = "macos") { mac } else { unix }))
}

/// A build folder in the user's cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Where it stands.
    pub path: PathBuf,
    /// What removing it would free: files shared with another folder count once.
    pub bytes: u64,
    /// Whether a live process holds it.
    pub in_use: bool,
    /// When it was last used.
    pub used: SystemTime,
    /// What it is for.
    pub kind: FolderKind,
}

/// What a build folder is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FolderKind {
    /// Compiled dependencies, kept between sessions.
    Warm,
    /// The build folder of one session.
    Session,
    /// What rust-analyzer is shown of the standard library.
    Std,
}

/// The limit for [`clean`]: `COURSE_CACHE_LIMIT` (bytes, or with a suffix `K`, `M`, `G`), else [`DEFAULT_LIMIT`].
#[must_use]
pub fn limit() -> u64 {
    std::env::var("COURSE_CACHE_LIMIT")
        .ok()
        .and_then(|text| parse_size(&text))
        .unwrap_or(DEFAULT_LIMIT)
}

/// Reads `8G`, `8GiB`, `500 MB` or a number of bytes; all units are powers of 1024.
fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number: u64 = text[..end].parse().ok()?;
    let shift = match text[end..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return None,
    };
    number.checked_mul(1 << shift)
}

/// Every build folder of this user, largest first.
#[must_use]
pub fn folders() -> Vec<Folder> {
    let Ok(cache) = cache_folder() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (sub, kind) in [
        ("warm", FolderKind::Warm),
        ("std", FolderKind::Std),
        ("sessions", FolderKind::Session),
    ] {
        let Ok(entries) = std::fs::read_dir(cache.join(sub)) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if !path.is_dir() {
                continue;
            }
            let used = path
                .join(STAMP)
                .metadata()
                .or_else(|_| path.metadata())
                .and_then(|meta| meta.modified())
                .unwrap_or(SystemTime::UNIX_EPOCH);
            found.push(Folder {
                bytes: size(&path, &mut seen),
                in_use: matches!(Lock::try_take(&path), Ok(None)),
                used,
                kind,
                path,
            });
        }
    }
    found.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.path.cmp(&b.path)));
    found
}

/// Removes the folders of ended sessions, and then warm ones, the longest unused first, until the rest takes at most
/// `limit_bytes`. Folders in use stay. Returns what was removed.
///
/// # Errors
/// If a folder cannot be removed.
pub fn clean(limit_bytes: u64) -> Result<Vec<Folder>, KernelError> {
    let mut all = folders();
    all.sort_by_key(|folder| (folder.kind != FolderKind::Session, folder.used));
    let mut total: u64 = all.iter().map(|folder| folder.bytes).sum();
    let mut removed = Vec::new();
    for folder in all {
        if folder.kind != FolderKind::Session && total <= limit_bytes {
            continue;
        }
        // Taken again, since a session may have started meanwhile.
        let Some(lock) = Lock::try_take(&folder.path)? else {
            continue;
        };
        remove_locked(&folder.path, lock)?;
        total = total.saturating_sub(folder.bytes);
        removed.push(folder);
    }
    Ok(removed)
}

/// Removes the folders of sessions whose process has ended, however it ended. Only under the lock that sessions are
/// made under: one that is being made is not locked yet.
pub(crate) fn collect_dead_sessions() {
    let Ok(cache) = cache_folder() else { return };
    let Ok(entries) = std::fs::read_dir(cache.join("sessions")) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir()
            && let Ok(Some(lock)) = Lock::try_take(&path)
        {
            // Left for the next start if it fails.
            let _ = remove_locked(&path, lock);
        }
    }
}

/// Removes a folder while its lock is held, so that nobody starts to use it meanwhile.
fn remove_locked(path: &Path, lock: Lock) -> Result<(), KernelError> {
    // Renamed first: what is left of a removal that is interrupted is then never taken for a whole folder.
    let doomed = path.with_extension("removed");
    let _ = std::fs::remove_dir_all(&doomed);
    let result = match std::fs::rename(path, &doomed) {
        Ok(()) => std::fs::remove_dir_all(&doomed),
        Err(error) => Err(error),
    };
    drop(lock);
    let _ = std::fs::remove_file(Lock::file_of(path));
    result.at("remove", path)
}

/// A file whose time tells when its folder was last used.
pub(crate) const STAMP: &str = "used";

/// Notes that `folder` is used now.
pub(crate) fn touch(folder: &Path) {
    let _ = std::fs::write(folder.join(STAMP), "");
}

/// A lock on a build folder, given back when the process ends, however it ends.
///
/// The lock file stands beside the folder, so that the folder can be renamed and removed while it is held.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub fn file_of(folder: &Path) -> PathBuf {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        folder.with_file_name(format!(".{name}.lock"))
    }

    fn open(folder: &Path) -> Result<File, KernelError> {
        let path = Lock::file_of(folder);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).at("create", parent)?;
        }
        File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .at("open", &path)
    }

    /// Waits until nobody else holds `folder`.
    pub fn take(folder: &Path) -> Result<Lock, KernelError> {
        let file = Lock::open(folder)?;
        file.lock().at("lock", &Lock::file_of(folder))?;
        Ok(Lock { _file: file })
    }

    /// Waits until nobody writes in `folder`; others may read beside.
    pub fn share(folder: &Path) -> Result<Lock, KernelError> {
        let file = Lock::open(folder)?;
        file.lock_shared().at("lock", &Lock::file_of(folder))?;
        Ok(Lock { _file: file })
    }

    /// `None` if somebody holds `folder`.
    pub fn try_take(folder: &Path) -> Result<Option<Lock>, KernelError> {
        let file = Lock::open(folder)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).at("lock", &Lock::file_of(folder)),
        }
    }
}

/// The bytes of the files under `path` that are not in `seen` yet.
fn size(path: &Path, seen: &mut std::collections::HashSet<(u64, u64)>) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else {
        return 0;
    };
    let mut bytes = 0;
    for entry in entries.flatten() {
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_dir() {
            bytes += size(&entry.path(), seen);
        } else if meta.is_file() {
            #[cfg(unix)]
            {
                use std::os::unix::fs::MetadataExt;
                if !seen.insert((meta.dev(), meta.ino())) {
                    continue;
                }
            }
            bytes += meta.len();
        }
    }
    bytes
}

/// A short name for whatever `parts` say, stable for one build of this crate.
pub(crate) fn key(parts: &[&str]) -> String {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        assert_eq!(parse_size("8G"), Some(8 << 30));
        assert_eq!(parse_size("500 MB"), Some(500 << 20));
        assert_eq!(parse_size("12"), Some(12));
        assert_eq!(parse_size("0"), Some(0));
        assert_eq!(parse_size("a lot"), None);
        assert_eq!(parse_size("1Y"), None);
    }

    #[test]
    fn keys_tell_parts_apart() {
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert_eq!(key(&["ab", "c"]), key(&["ab", "c"]));
    }
}

//! One file: a header line with version, length and checksum, then the content as JSON; written whole.

use crate::PipelineError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The version of the file format that this crate writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 1;

const FORMAT: &str = "churn-pipeline";

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    bytes: usize,
    sha256: String,
}

/// The SHA-256 of some bytes, in hexadecimal.
pub(crate) fn digest(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn io(path: &Path, doing: &'static str) -> impl FnOnce(std::io::Error) -> PipelineError {
    let path = path.to_owned();
    move |source| PipelineError::Io {
        path,
        doing,
        source,
    }
}

/// Writes `content` under a header.
///
/// The bytes go to a new file in the same folder, are forced to the disk, and take the name `path` in one step. Whenever
/// the process is killed, `path` holds the old content or the new, whole.
pub(crate) fn write(path: &Path, content: &str) -> Result<(), PipelineError> {
    let header = Header {
        format: FORMAT.to_owned(),
        version: FORMAT_VERSION,
        bytes: content.len(),
        sha256: digest(content.as_bytes()),
    };
    let header = serde_json::to_string(&header).expect("a header of texts and numbers is JSON");
    let temporary = beside(path);
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(header.as_bytes())?;
        file.write_all(b"\n")?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    if let Err(error) = written {
        // The error tells more than that of a second failure would.
        let _ = fs::remove_file(&temporary);
        return Err(io(path, "written")(error));
    }
    // The new name is on the disk once the folder is. Not every file system can be asked for that.
    if let Some(Ok(folder)) = path.parent().map(|folder| File::open(or_here(folder))) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    }
}

/// A name in the same folder that no other writer has. A killed writer leaves it behind; nobody reads it.
fn beside(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (process, next) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    path.with_file_name(format!(".{name}.{process}.{next}.part"))
}

/// Reads what [`write`] wrote, and refuses anything else.
pub(crate) fn read(path: &Path) -> Result<String, PipelineError> {
    let bytes = fs::read(path).map_err(io(path, "read"))?;
    let not_one = || PipelineError::NotAPipeline {
        path: path.to_owned(),
    };
    let end = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or_else(not_one)?;
    let header: Header = serde_json::from_slice(&bytes[..end]).map_err(|_| not_one())?;
    if header.format != FORMAT || header.version == 0 {
        return Err(not_one());
    }
    // Before the checksum: a newer format may be checked in another way.
    if header.version > FORMAT_VERSION {
        return Err(PipelineError::Newer {
            path: path.to_owned(),
            found: header.version,
            supported: FORMAT_VERSION,
        });
    }
    let content = &bytes[end + 1..];
    if content.len() != header.bytes {
        return Err(PipelineError::CutOff {
            path: path.to_owned(),
            expected: header.bytes,
            found: content.len(),
        });
    }
    let found = digest(content);
    if found != header.sha256 {
        return Err(PipelineError::Altered {
            path: path.to_owned(),
            expected: header.sha256,
            found,
        });
    }
    String::from_utf8(content.to_vec()).map_err(|error| PipelineError::Malformed {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

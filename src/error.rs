//! Faults: what is wrong, and where.

use std::fmt;
use std::path::{Path, PathBuf};

/// Something wrong in a file of the book, at a line that an editor can open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file, relative to the project's root.
    pub path: PathBuf,
    /// The line, counted from 1; `None` when the whole file is meant.
    pub line: Option<usize>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// More lines: a compiler's message, both texts of a conflict, the way out.
    pub detail: Option<String>,
}

impl Fault {
    /// A fault at `line` (from 1) of `path`.
    pub fn at(path: impl Into<PathBuf>, line: usize, message: impl Into<String>) -> Self {
        Fault {
            path: path.into(),
            line: Some(line),
            message: message.into(),
            detail: None,
        }
    }

    /// A fault of the file as a whole.
    pub fn file(path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Fault {
            path: path.into(),
            line: None,
            message: message.into(),
            detail: None,
        }
    }

    /// The same fault with more lines below it.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(detail) = &self.detail {
            for line in detail.trim_end().lines() {
                write!(f, "\n    {line}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

/// Several faults of one step, reported together.
#[derive(Debug, Clone)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Faults(vec![fault])
    }
}

/// Reads a UTF-8 text file; the error names the file, and the line of a bad byte.
///
/// # Errors
/// A [`Fault`] when the file cannot be read or is not UTF-8.
pub fn read_text(root: &Path, path: &Path) -> Result<String, Fault> {
    let shown = path.strip_prefix(root).unwrap_or(path).to_path_buf();
    let bytes =
        std::fs::read(path).map_err(|e| Fault::file(&shown, format!("cannot be read: {e}")))?;
    String::from_utf8(bytes).map_err(|e| {
        let good = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|&&b| b == b'\n').count();
        Fault::at(&shown, line, "is not UTF-8 text from this line on")
    })
}

/// Writes a file whole: into a temporary file beside it, then by rename, so that a reader or a killed
/// run never sees half of it. Nothing is written when the text already stands there.
///
/// # Errors
/// A [`Fault`] that names the file; the old file is then untouched.
pub fn write_text(root: &Path, path: &Path, text: &str) -> Result<bool, Fault> {
    let shown = path.strip_prefix(root).unwrap_or(path).to_path_buf();
    if std::fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(false);
    }
    let attempt = || -> std::io::Result<()> {
        use std::io::Write;
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(".course-")
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.as_file()
                .set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    match attempt() {
        Ok(()) => Ok(true),
        Err(e) => Err(Fault::file(
            shown,
            format!("cannot be written, the file before it is kept: {e}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_as_path_line_message() {
        let fault = Fault::at("chapters/a.md", 3, "bad").with_detail("one\ntwo\n");
        assert_eq!(fault.to_string(), "chapters/a.md:3: bad\n    one\n    two");
    }

    #[test]
    fn bad_utf8_is_reported_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.md");
        std::fs::write(&path, b"one\ntwo \xff\n").unwrap();
        let fault = read_text(dir.path(), &path).unwrap_err();
        assert_eq!(fault.line, Some(2));
        assert_eq!(fault.path, Path::new("a.md"));
    }

    #[test]
    fn a_failed_write_keeps_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        assert!(write_text(dir.path(), &path, "old").unwrap());
        assert!(!write_text(dir.path(), &path, "old").unwrap());
        let blocked = dir.path().join("a.txt/under-a-file.txt");
        assert!(write_text(dir.path(), &blocked, "new").is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    }
}

//! What a run was made with: source revision, lock file, compiler, machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

/// What a run was made with, as tags. Those that MLflow's own client sets keep its names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// Tags by name.
    pub tags: BTreeMap<String, String>,
}

impl Environment {
    /// Looks about, from a folder: git's revision and whether files differ from it, the sha256 of the nearest
    /// `Cargo.lock` at or above the folder, the compiler, the system and the user. What cannot be found is left out.
    ///
    /// # Examples
    /// ```
    /// use production::tracking::Environment;
    ///
    /// let here = Environment::at(".");
    /// assert_eq!(here.tags["course.system"], format!("{} {}", std::env::consts::OS, std::env::consts::ARCH));
    /// assert_eq!(here.tags["course.lock.sha256"].len(), 64);
    /// ```
    pub fn at(folder: impl AsRef<Path>) -> Environment {
        let folder = folder.as_ref();
        let mut tags = BTreeMap::new();
        let mut tag = |key: &str, value: Option<String>| {
            if let Some(value) = value.filter(|v| !v.is_empty()) {
                tags.insert(key.to_owned(), value);
            }
        };
        let commit = says(folder, "git", &["rev-parse", "HEAD"]);
        if commit.is_some() {
            let changed = says(
                folder,
                "git",
                &["status", "--porcelain", "--untracked-files=no"],
            );
            tag(
                "course.git.changed",
                changed.map(|files| (!files.is_empty()).to_string()),
            );
        }
        tag("mlflow.source.git.commit", commit);
        tag("course.lock.sha256", lock(folder));
        tag("course.rustc", says(folder, "rustc", &["--version"]));
        tag(
            "course.system",
            Some(format!(
                "{} {}",
                std::env::consts::OS,
                std::env::consts::ARCH
            )),
        );
        tag(
            "mlflow.user",
            ["USER", "LOGNAME", "USERNAME"]
                .iter()
                .find_map(|name| std::env::var(name).ok()),
        );
        tag("mlflow.source.type", Some("LOCAL".into()));
        let program = std::env::current_exe().ok();
        tag(
            "mlflow.source.name",
            program.and_then(|p| Some(p.file_name()?.to_string_lossy().into_owned())),
        );
        Environment { tags }
    }
}

/// What a program prints, without the last newline; `None` where it fails or is not there.
fn says(folder: &Path, program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then(|| {
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()
    })
}

fn lock(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let text = folder
        .ancestors()
        .find_map(|folder| std::fs::read(folder.join("Cargo.lock")).ok())?;
    Some(hex(&Sha256::digest(text)))
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::ServingError;

/// What a version is deployed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It answers.
    Champion,
    /// It answers a share of the requests.
    Canary,
    /// It is asked as well, and its answers are compared and thrown away.
    Shadow,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 3] = [Role::Champion, Role::Canary, Role::Shadow];

    /// Its name, as in labels and files: `champion`, `canary`, `shadow`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Champion => "champion",
            Role::Canary => "canary",
            Role::Shadow => "shadow",
        }
    }
}

/// A version of a model, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The version's name, as in answers and labels.
    pub version: String,
    /// The file.
    pub path: PathBuf,
    /// A text that changes where the file's content does.
    pub stamp: String,
}

/// Which versions are to be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Releases {
    /// The version that answers.
    pub champion: Release,
    /// The version that answers a share of the requests, if there is one.
    pub canary: Option<Release>,
    /// The version that is asked as well, if there is one.
    pub shadow: Option<Release>,
}

impl Releases {
    /// The release for a role, if there is one.
    #[must_use]
    pub fn of(&self, role: Role) -> Option<&Release> {
        match role {
            Role::Champion => Some(&self.champion),
            Role::Canary => self.canary.as_ref(),
            Role::Shadow => self.shadow.as_ref(),
        }
    }
}

/// Says which versions are to be served; asked again every few seconds.
pub trait Source: Send + Sync {
    /// The versions as they are now.
    ///
    /// # Errors
    /// [`ServingError`]; what is served then stays as it is.
    fn releases(&self) -> Result<Releases, ServingError>;
}

/// A folder with `champion.model`, and `canary.model` and `shadow.model` where there are such.
///
/// A version is named by the first 8 digits of the checksum that the file states. Replace a file by renaming another
/// over it, as [`LinearModel::save`](super::LinearModel::save) does, so that it is never there by half.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// A folder.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Folder {
        Folder { path: path.into() }
    }

    fn release(&self, role: Role) -> Option<Release> {
        let path = self.path.join(format!("{}.model", role.name()));
        let about = std::fs::metadata(&path).ok()?;
        let modified = about.modified().ok().and_then(|time| {
            let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
            Some(since.as_nanos())
        });
        let stated = stated_checksum(&path).unwrap_or_default();
        let stamp = format!("{stated} {} {modified:?}", about.len());
        let version = match stated.get(..8) {
            Some(first) => first.to_owned(),
            None => "unreadable".to_owned(),
        };
        Some(Release {
            version,
            path,
            stamp,
        })
    }
}

impl Source for Folder {
    fn releases(&self) -> Result<Releases, ServingError> {
        let champion = self.release(Role::Champion).ok_or_else(|| {
            let path = self.path.join("champion.model");
            ServingError::NoChampion {
                reason: format!("{}: there is no such file", path.display()),
            }
        })?;
        Ok(Releases {
            champion,
            canary: self.release(Role::Canary),
            shadow: self.release(Role::Shadow),
        })
    }
}

/// The checksum in the first line of a model's file.
fn stated_checksum(path: &Path) -> Option<String> {
    let mut line = String::new();
    let file = std::fs::File::open(path).ok()?;
    // a line of a file that is none could be as long as the file
    let mut start = BufReader::new(std::io::Read::take(file, 4096));
    start.read_line(&mut line).ok()?;
    let header: serde_json::Value = serde_json::from_str(&line).ok()?;
    Some(header.get("sha256")?.as_str()?.to_owned())
}

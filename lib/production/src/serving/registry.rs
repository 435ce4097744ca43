use super::{Release, Releases, Role, ServingError, Source};
use crate::tracking::{ModelVersion, Tracker, TrackingError};

/// The versions of a registered model: the aliases `champion`, `canary` and `shadow` say which is which.
///
/// Without an alias `champion` the newest version is the champion, so that registering one is releasing it.
#[derive(Debug, Clone)]
pub struct Registry {
    tracker: Tracker,
    model: String,
}

impl Registry {
    /// A model of a tracker's store, by its name.
    #[must_use]
    pub fn new(tracker: Tracker, model: &str) -> Registry {
        Registry {
            tracker,
            model: model.into(),
        }
    }

    /// The release of a role; none where there is no such alias.
    fn release(&self, reference: &str) -> Result<Option<Release>, ServingError> {
        match self.tracker.model(reference) {
            Ok(version) => Ok(Some(release(&version)?)),
            Err(TrackingError::Unknown { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Source for Registry {
    fn releases(&self) -> Result<Releases, ServingError> {
        let alias = |role: Role| self.release(&format!("{}@{}", self.model, role.name()));
        let champion = match alias(Role::Champion)? {
            Some(champion) => champion,
            None => release(&self.tracker.model(&self.model)?)?,
        };
        Ok(Releases {
            champion,
            canary: alias(Role::Canary)?,
            shadow: alias(Role::Shadow)?,
        })
    }
}

/// A version's file: its artifact, or the one `*.model` in it.
fn release(version: &ModelVersion) -> Result<Release, ServingError> {
    let mut path = version.path.clone();
    if path.is_dir() {
        let entries = std::fs::read_dir(&path).map_err(ServingError::io(&path, "read"))?;
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|end| end == "model"));
        files.sort();
        let [file] = files.as_slice() else {
            return Err(ServingError::Format {
                path,
                line: 1,
                reason: format!("{} files end in .model, one is needed", files.len()),
            });
        };
        path = file.clone();
    }
    Ok(Release {
        version: version.version.to_string(),
        path,
        stamp: format!("{} {}", version.run, version.version),
    })
}

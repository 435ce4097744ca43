//! Models by name and version, and the aliases that say which version serves.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::line::{self, Appender};
use super::store::Store;
use super::{TrackingError, clock, names};

/// A version of a registered model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelVersion {
    /// The model's name.
    pub name: String,
    /// The version, from 1, in this store; a server counts its own.
    pub version: u64,
    /// The run that made it.
    pub run: String,
    /// The file or folder among the run's artifacts.
    pub artifact: String,
    /// Where that stands on this machine.
    pub path: PathBuf,
    /// When it was registered, in milliseconds since 1970.
    pub created: u64,
    /// The aliases that point to it.
    pub aliases: Vec<String>,
}

/// One line of a model's file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entry {
    Version {
        version: u64,
        uuid: String,
        run: String,
        artifact: String,
        time: u64,
    },
    Alias {
        alias: String,
        version: Option<u64>,
        time: u64,
    },
}

/// Registers a version of a model: a file or folder of a run.
pub(crate) fn register(
    store: &Store,
    run: &str,
    artifact: &str,
    name: &str,
) -> Result<ModelVersion, TrackingError> {
    names::model(name)?;
    names::artifact(artifact)?;
    let (_, record) = store.find(run)?;
    let within = format!("{artifact}/");
    if !record
        .artifacts
        .iter()
        .any(|a| a.path == artifact || a.path.starts_with(&within))
    {
        return Err(TrackingError::Unknown {
            what: "artifact",
            name: artifact.into(),
            path: store.run_folder(&record.uuid),
            known: record
                .artifacts
                .into_iter()
                .take(5)
                .map(|a| a.path)
                .collect(),
        });
    }
    let (mut file, lines) = Appender::open::<Entry>(&store.model_file(name), true)?;
    let version = 1 + lines
        .records
        .iter()
        .filter(|e| matches!(e, Entry::Version { .. }))
        .count() as u64;
    let (uuid, time) = (format!("{:032x}", rand::random::<u128>()), clock::now());
    file.add([&Entry::Version {
        version,
        uuid,
        run: record.uuid.clone(),
        artifact: artifact.into(),
        time,
    }])?;
    Ok(ModelVersion {
        name: name.into(),
        version,
        path: store.artifact_file(&record.uuid, artifact),
        run: record.uuid,
        artifact: artifact.into(),
        created: time,
        aliases: Vec::new(),
    })
}

/// The versions of a model, the first first.
pub(crate) fn versions(store: &Store, name: &str) -> Result<Vec<ModelVersion>, TrackingError> {
    Ok(entries(store, name)?.1)
}

/// The lines of a model's file, and the versions that they tell of.
pub(crate) fn entries(
    store: &Store,
    name: &str,
) -> Result<(Vec<Entry>, Vec<ModelVersion>), TrackingError> {
    names::model(name)?;
    let path = store.model_file(name);
    let entries = line::read::<Entry>(&path)?.records;
    if entries.is_empty() {
        let known = store.models()?.into_iter().take(5).collect();
        return Err(TrackingError::Unknown {
            what: "model",
            name: name.into(),
            path: store.root().into(),
            known,
        });
    }
    let mut aliases: BTreeMap<&String, u64> = BTreeMap::new();
    let mut versions = Vec::new();
    for entry in &entries {
        match entry {
            Entry::Version {
                version,
                run,
                artifact,
                time,
                ..
            } => versions.push(ModelVersion {
                name: name.into(),
                version: *version,
                run: run.clone(),
                artifact: artifact.clone(),
                path: store.artifact_file(run, artifact),
                created: *time,
                aliases: Vec::new(),
            }),
            Entry::Alias {
                alias,
                version: Some(version),
                ..
            } => {
                aliases.insert(alias, *version);
            }
            Entry::Alias {
                alias,
                version: None,
                ..
            } => {
                aliases.remove(alias);
            }
        }
    }
    for (alias, version) in aliases {
        if let Some(one) = versions.iter_mut().find(|v| v.version == version) {
            one.aliases.push(alias.clone());
        }
    }
    Ok((entries, versions))
}

/// Points an alias to a version, or takes it away.
pub(crate) fn set_alias(
    store: &Store,
    name: &str,
    alias: &str,
    version: Option<u64>,
) -> Result<(), TrackingError> {
    names::alias(alias)?;
    if let Some(version) = version {
        find(store, name, &format!("{name}/{version}"), |v| {
            v.version == version
        })?;
    } else {
        find(store, name, &format!("{name}@{alias}"), |v| {
            v.aliases.iter().any(|a| a == alias)
        })?;
    }
    let (mut file, _) = Appender::open::<Entry>(&store.model_file(name), true)?;
    file.add([&Entry::Alias {
        alias: alias.into(),
        version,
        time: clock::now(),
    }])
}

/// The version that a reference names: `NAME@ALIAS`, `NAME/VERSION`, or `NAME`, which is the newest.
pub(crate) fn resolve(store: &Store, reference: &str) -> Result<ModelVersion, TrackingError> {
    if let Some((name, alias)) = reference.split_once('@') {
        return find(store, name, reference, |v| {
            v.aliases.iter().any(|a| a == alias)
        });
    }
    let Some((name, version)) = reference.split_once('/') else {
        return find(store, reference, reference, |_| true);
    };
    let version: u64 = version.parse().map_err(|_| TrackingError::Name {
        what: "model version",
        name: reference.into(),
        reason: "after the / a number is needed; an alias comes after @".into(),
    })?;
    find(store, name, reference, |v| v.version == version)
}

/// The last version for which something holds.
fn find(
    store: &Store,
    name: &str,
    reference: &str,
    wanted: impl Fn(&ModelVersion) -> bool,
) -> Result<ModelVersion, TrackingError> {
    let versions = versions(store, name)?;
    let known = versions.iter().rev().take(5).flat_map(|v| {
        std::iter::once(format!("{name}/{}", v.version))
            .chain(v.aliases.iter().map(move |a| format!("{name}@{a}")))
    });
    let known = known.collect();
    versions
        .into_iter()
        .rfind(wanted)
        .ok_or_else(|| TrackingError::Unknown {
            what: "model version",
            name: reference.into(),
            path: store.model_file(name),
            known,
        })
}

//! The versions that are loaded, and how one takes the place of another.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use super::{Model, Role, ServingError, Source};

/// Reads a model from a file.
pub(crate) type Load = Arc<dyn Fn(&Path) -> Result<Arc<dyn Model>, ServingError> + Send + Sync>;

/// A version that is loaded.
pub(crate) struct Deployed {
    pub role: Role,
    pub version: Arc<str>,
    pub model: Arc<dyn Model>,
    stamp: String,
}

/// The versions at one moment. A request holds the one that it began with, so that a reload drops none.
pub(crate) struct Fleet {
    pub champion: Arc<Deployed>,
    pub canary: Option<Arc<Deployed>>,
    pub shadow: Option<Arc<Deployed>>,
}

impl Fleet {
    /// The version that answers a request: the canary for a share of the keys, always the same keys.
    pub fn route(&self, key: &str, canary_share: f64) -> &Arc<Deployed> {
        match &self.canary {
            Some(canary) if bucket(key) < canary_share => canary,
            _ => &self.champion,
        }
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Deployed>> {
        let others = [&self.canary, &self.shadow];
        std::iter::once(&self.champion).chain(others.into_iter().flatten())
    }
}

/// What a refresh did.
pub(crate) enum Change {
    Loaded { role: Role, version: String },
    Removed { role: Role, version: String },
    Failed { what: String, error: String },
}

pub(crate) struct Deployment {
    source: Box<dyn Source>,
    load: Load,
    current: RwLock<Option<Arc<Fleet>>>,
    /// What fails, with its stamp and error, so that it is told of once.
    failed: Mutex<BTreeMap<String, (String, String)>>,
    /// One refresh at a time.
    refreshing: Mutex<()>,
}

impl Deployment {
    pub fn new(source: Box<dyn Source>, load: Load) -> Deployment {
        Deployment {
            source,
            load,
            current: RwLock::new(None),
            failed: Mutex::default(),
            refreshing: Mutex::default(),
        }
    }

    pub fn fleet(&self) -> Option<Arc<Fleet>> {
        self.current
            .read()
            .unwrap_or_else(|e| e.into_inner())
            .clone()
    }

    /// Why nothing is served, if nothing is.
    pub fn trouble(&self) -> Option<String> {
        let failed = self.failed.lock().unwrap_or_else(|e| e.into_inner());
        failed.values().next().map(|(_, error)| error.clone())
    }

    /// Loads what is new, keeps what is not, and what cannot be replaced.
    pub fn refresh(&self) -> Vec<Change> {
        let _one = self.refreshing.lock().unwrap_or_else(|e| e.into_inner());
        let releases = match self.source.releases() {
            Ok(releases) => releases,
            Err(error) => return self.failure("source", "", &error).into_iter().collect(),
        };
        self.recovered("source");
        let before = self.fleet();
        let mut changes = Vec::new();
        let mut next: BTreeMap<Role, Arc<Deployed>> = BTreeMap::new();
        for role in Role::ALL {
            let old = before
                .as_ref()
                .and_then(|fleet| fleet.all().find(|d| d.role == role).cloned());
            let Some(release) = releases.of(role) else {
                if let Some(old) = old {
                    changes.push(Change::Removed {
                        role,
                        version: old.version.to_string(),
                    });
                }
                continue;
            };
            if let Some(old) = &old
                && old.stamp == release.stamp
            {
                self.recovered(role.name());
                next.insert(role, Arc::clone(old));
                continue;
            }
            match (self.load)(&release.path) {
                Ok(model) => {
                    self.recovered(role.name());
                    changes.push(Change::Loaded {
                        role,
                        version: release.version.clone(),
                    });
                    let deployed = Deployed {
                        role,
                        version: release.version.as_str().into(),
                        model,
                        stamp: release.stamp.clone(),
                    };
                    next.insert(role, Arc::new(deployed));
                }
                Err(error) => {
                    changes.extend(self.failure(role.name(), &release.stamp, &error));
                    if let Some(old) = old {
                        next.insert(role, old);
                    }
                }
            }
        }
        if let Some(champion) = next.remove(&Role::Champion) {
            let fleet = Fleet {
                champion,
                canary: next.remove(&Role::Canary),
                shadow: next.remove(&Role::Shadow),
            };
            *self.current.write().unwrap_or_else(|e| e.into_inner()) = Some(Arc::new(fleet));
        }
        changes
    }

    /// Notes a failure, and tells of it where it is new.
    fn failure(&self, what: &str, stamp: &str, error: &ServingError) -> Option<Change> {
        let mut failed = self.failed.lock().unwrap_or_else(|e| e.into_inner());
        let now = (stamp.to_owned(), error.to_string());
        let before = failed.insert(what.into(), now.clone());
        (before.as_ref() != Some(&now)).then(|| Change::Failed {
            what: what.into(),
            error: now.1,
        })
    }

    fn recovered(&self, what: &str) {
        let mut failed = self.failed.lock().unwrap_or_else(|e| e.into_inner());
        failed.remove(what);
    }

    /// How many of the source and the roles have a failure that stands.
    pub fn failures(&self) -> usize {
        let failed = self.failed.lock().unwrap_or_else(|e| e.into_inner());
        failed.len()
    }
}

/// A number from 0 to 1 that a key always gives (FNV-1a, then mixed, since it is weak in its high bits).
fn bucket(key: &str) -> f64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in key.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    ((hash ^ (hash >> 33)) >> 11) as f64 / (1_u64 << 53) as f64
}

//! The folder that runs and models are kept in.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::environment::hex;
use super::line::{self, Lines};
use super::record::{Artifact, FORMAT, Record, RunRecord};
use super::{TrackingError, names};

/// A folder: `runs/UUID/run.jsonl`, `runs/UUID/artifacts/…`, `models/NAME.jsonl`, `push/SERVER/…`.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    root: PathBuf,
}

impl Store {
    /// Opens a folder, and makes it where it is not there.
    pub(crate) fn open(root: &Path) -> Result<Store, TrackingError> {
        for folder in ["runs", "models", "push"].map(|name| root.join(name)) {
            fs::create_dir_all(&folder).map_err(TrackingError::io(&folder, "made"))?;
        }
        // a run's place must not move with the working folder
        let root = root
            .canonicalize()
            .map_err(TrackingError::io(root, "found"))?;
        Ok(Store { root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn run_folder(&self, uuid: &str) -> PathBuf {
        self.root.join("runs").join(uuid)
    }

    pub(crate) fn run_file(&self, uuid: &str) -> PathBuf {
        self.run_folder(uuid).join("run.jsonl")
    }

    pub(crate) fn artifact_file(&self, uuid: &str, path: &str) -> PathBuf {
        self.run_folder(uuid).join("artifacts").join(path)
    }

    pub(crate) fn model_file(&self, name: &str) -> PathBuf {
        self.root.join("models").join(format!("{name}.jsonl"))
    }

    /// The journal of what a server has confirmed of a run or a model.
    pub(crate) fn push_file(&self, server: &str, what: &str) -> Result<PathBuf, TrackingError> {
        let folder = self
            .root
            .join("push")
            .join(&hex(&Sha256::digest(server))[..16]);
        fs::create_dir_all(&folder).map_err(TrackingError::io(&folder, "made"))?;
        Ok(folder.join(format!("{what}.jsonl")))
    }

    /// How many servers have a journal of a run or a model.
    pub(crate) fn push_files(&self, what: &str) -> Result<usize, TrackingError> {
        let folder = self.root.join("push");
        let file = format!("{what}.jsonl");
        Ok(self
            .entries("push")?
            .iter()
            .filter(|server| folder.join(server).join(&file).is_file())
            .count())
    }

    /// The names of the entries of one of its folders, in order.
    fn entries(&self, folder: &str) -> Result<Vec<String>, TrackingError> {
        let folder = self.root.join(folder);
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder).map_err(TrackingError::io(&folder, "read"))? {
            let entry = entry.map_err(TrackingError::io(&folder, "read"))?;
            names.extend(entry.file_name().into_string().ok());
        }
        names.sort();
        Ok(names)
    }

    /// The runs that there are, the earliest first.
    pub(crate) fn runs(&self) -> Result<Vec<RunRecord>, TrackingError> {
        let mut runs = Vec::new();
        for uuid in self.entries("runs")? {
            // a folder whose first line was never written is no run
            if let Some((_, run)) = self.read(&uuid)? {
                runs.push(run);
            }
        }
        runs.sort_by(|a, b| (a.started, &a.uuid).cmp(&(b.started, &b.uuid)));
        Ok(runs)
    }

    /// The models that there are.
    pub(crate) fn models(&self) -> Result<Vec<String>, TrackingError> {
        let names = self.entries("models")?;
        Ok(names
            .iter()
            .filter_map(|name| Some(name.strip_suffix(".jsonl")?.to_owned()))
            .collect())
    }

    /// A run's lines, and what they tell; `None` where no run began.
    pub(crate) fn read(
        &self,
        uuid: &str,
    ) -> Result<Option<(Vec<Record>, RunRecord)>, TrackingError> {
        let path = self.run_file(uuid);
        check_format(&path)?;
        // asked before the file is read: a run that ends in between is seen as it was
        let in_use = line::in_use(&path);
        let Lines { records, torn, .. } = line::read::<Record>(&path)?;
        if records.is_empty() {
            return Ok(None);
        }
        // what a writer is about to write is not torn
        let torn = if in_use { None } else { torn };
        match RunRecord::replay(&records, in_use, torn) {
            Some(run) => Ok(Some((records, run))),
            None => Err(TrackingError::Corrupt {
                path,
                line: 1,
                reason: "the first line does not begin a run".into(),
            }),
        }
    }

    /// The run of a name: its uuid, or the beginning of one that no other shares.
    pub(crate) fn find(&self, uuid: &str) -> Result<(Vec<Record>, RunRecord), TrackingError> {
        let all = self.entries("runs")?;
        let unknown = |known: Vec<String>| TrackingError::Unknown {
            what: "run",
            name: uuid.into(),
            path: self.root.join("runs"),
            known,
        };
        let matching: Vec<&String> = all
            .iter()
            .filter(|name| !uuid.is_empty() && name.starts_with(uuid))
            .collect();
        match matching[..] {
            [one] => self.read(one)?.ok_or_else(|| unknown(Vec::new())),
            [] => Err(unknown(all.into_iter().take(5).collect())),
            _ => Err(unknown(matching.into_iter().take(5).cloned().collect())),
        }
    }

    /// Keeps the bytes of a file as an artifact: whole, or not at all.
    pub(crate) fn keep(
        &self,
        uuid: &str,
        path: &str,
        source: &mut dyn Read,
    ) -> Result<Artifact, TrackingError> {
        names::artifact(path)?;
        let target = self.artifact_file(uuid, path);
        let folder = target.parent().expect("an artifact is in a folder");
        fs::create_dir_all(folder).map_err(TrackingError::io(folder, "made"))?;
        let half = self
            .run_folder(uuid)
            .join(format!("half-{:032x}", rand::random::<u128>()));
        let written = (|| {
            let mut file = File::create(&half)?;
            let (bytes, sha256) = copy(source, &mut file)?;
            file.sync_all()?;
            fs::rename(&half, &target)?;
            Ok(Artifact {
                path: path.into(),
                bytes,
                sha256,
            })
        })();
        written.map_err(|e| {
            let _ = fs::remove_file(&half);
            TrackingError::io(&target, "written")(e)
        })
    }

    /// The file of an artifact, if its bytes are those that were logged.
    pub(crate) fn verified(
        &self,
        uuid: &str,
        artifact: &Artifact,
    ) -> Result<PathBuf, TrackingError> {
        let path = self.artifact_file(uuid, &artifact.path);
        let mut file = File::open(&path).map_err(TrackingError::io(&path, "read"))?;
        let (_, found) =
            copy(&mut file, &mut std::io::sink()).map_err(TrackingError::io(&path, "read"))?;
        if found == artifact.sha256 {
            Ok(path)
        } else {
            Err(TrackingError::Altered {
                path,
                expected: artifact.sha256.clone(),
                found,
            })
        }
    }
}

/// A file of a later format is named as such, before its lines are not understood.
fn check_format(path: &Path) -> Result<(), TrackingError> {
    use std::io::BufRead;
    let Ok(file) = File::open(path) else {
        return Ok(());
    };
    let mut first = Vec::new();
    std::io::BufReader::new(file)
        .read_until(b'\n', &mut first)
        .map_err(TrackingError::io(path, "read"))?;
    let first: serde_json::Value = serde_json::from_slice(&first).unwrap_or_default();
    match first["start"]["format"].as_u64() {
        Some(found) if found > u64::from(FORMAT) => Err(TrackingError::Newer {
            path: path.into(),
            found: u32::try_from(found).unwrap_or(u32::MAX),
            known: FORMAT,
        }),
        _ => Ok(()),
    }
}

/// Copies bytes; gives how many there were and their sha256.
fn copy(source: &mut dyn Read, target: &mut dyn Write) -> std::io::Result<(u64, String)> {
    let (mut sum, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        let n = source.read(&mut buffer)?;
        if n == 0 {
            return Ok((bytes, hex(&sum.finalize())));
        }
        sum.update(&buffer[..n]);
        target.write_all(&buffer[..n])?;
        bytes += n as u64;
    }
}

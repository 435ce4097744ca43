//! What a run's file holds, a line each.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::line::Torn;

/// The newest format that this program reads, and the one that it writes.
pub(crate) const FORMAT: u32 = 1;

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum Status {
    /// A process holds it open.
    Running,
    /// It came to its end.
    Finished,
    /// It was given up: an error, a panic, or a [`Run`](super::Run) dropped without `finish`.
    Failed,
    /// Its process ended without a word, or somebody stopped it.
    Killed,
}

impl Status {
    /// MLflow's name for it: `RUNNING`, `FINISHED`, `FAILED` or `KILLED`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Status::Running => "RUNNING",
            Status::Finished => "FINISHED",
            Status::Failed => "FAILED",
            Status::Killed => "KILLED",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// One value of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name.
    pub key: String,
    /// Its value; NaN and the infinities are kept.
    #[serde(serialize_with = "write_float", deserialize_with = "read_float")]
    pub value: f64,
    /// When it was logged, in milliseconds since 1970.
    pub time: u64,
    /// The step, such as an epoch; 0 where there is none.
    pub step: i64,
}

impl Metric {
    /// What makes two the same: MLflow keeps one of those that agree in name, time, step and value.
    pub(crate) fn identity(&self) -> (String, u64, i64, u64) {
        (
            self.key.clone(),
            self.time,
            self.step,
            stored(self.value).to_bits(),
        )
    }
}

/// A value as MLflow's database keeps it: infinities become the largest finite numbers, -0 becomes 0, NaN is one.
pub(crate) fn stored(value: f64) -> f64 {
    if value.is_nan() {
        f64::NAN
    } else {
        value.clamp(f64::MIN, f64::MAX) + 0.0
    }
}

/// A data set that a run used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Data {
    /// Its name. A server keeps one data set of a run for each name and digest: of a table that is split, the name says
    /// which rows.
    pub name: String,
    /// Its fingerprint, at most 36 characters, such as the first half of its sha256.
    pub digest: String,
    /// Where it is from: a path, an address, a package and its version.
    pub source: String,
    /// What the run did with it: `training`, `validation`, `test`.
    pub context: String,
    /// How many rows.
    pub rows: u64,
}

/// A file of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Its path below the run's artifacts, with `/`.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The sha256 of its content, in hexadecimal.
    pub sha256: String,
}

/// One line of a run's file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Record {
    Start {
        format: u32,
        uuid: String,
        name: String,
        experiment: String,
        time: u64,
        parent: Option<String>,
    },
    Param {
        key: String,
        value: String,
    },
    Metric(Metric),
    Tag {
        key: String,
        value: String,
    },
    Data(Data),
    Artifact(Artifact),
    End {
        status: Status,
        time: u64,
    },
    Resume {
        time: u64,
    },
}

/// A run as its file tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// The store's own name for it, 32 hexadecimal digits.
    pub uuid: String,
    /// The name that was given.
    pub name: String,
    /// The experiment.
    pub experiment: String,
    /// The run that it is part of.
    pub parent: Option<String>,
    /// When it began, in milliseconds since 1970.
    pub started: u64,
    /// When it ended; `None` where it runs or was killed.
    pub ended: Option<u64>,
    /// How it stands.
    pub status: Status,
    /// Parameters.
    pub params: BTreeMap<String, String>,
    /// Every value of every metric, in the order of logging, each once.
    pub metrics: Vec<Metric>,
    /// Tags, the last value of each.
    pub tags: BTreeMap<String, String>,
    /// Data sets.
    pub data: Vec<Data>,
    /// Files, in the order of their paths.
    pub artifacts: Vec<Artifact>,
    /// The end of the file, where a write was cut off.
    pub torn: Option<Torn>,
}

impl RunRecord {
    /// The run that records tell of; `None` where the first does not begin one.
    pub(crate) fn replay(
        records: &[Record],
        in_use: bool,
        torn: Option<Torn>,
    ) -> Option<RunRecord> {
        let Some(Record::Start {
            uuid,
            name,
            experiment,
            time,
            parent,
            ..
        }) = records.first()
        else {
            return None;
        };
        let mut run = RunRecord {
            uuid: uuid.clone(),
            name: name.clone(),
            experiment: experiment.clone(),
            parent: parent.clone(),
            started: *time,
            ended: None,
            status: if in_use {
                Status::Running
            } else {
                Status::Killed
            },
            params: BTreeMap::new(),
            metrics: Vec::new(),
            tags: BTreeMap::new(),
            data: Vec::new(),
            artifacts: Vec::new(),
            torn,
        };
        let mut seen = std::collections::HashSet::new();
        for record in records {
            match record {
                Record::Start { .. } => {}
                Record::Param { key, value } => {
                    run.params.insert(key.clone(), value.clone());
                }
                Record::Metric(metric) => {
                    if seen.insert(metric.identity()) {
                        run.metrics.push(metric.clone());
                    }
                }
                Record::Tag { key, value } => {
                    run.tags.insert(key.clone(), value.clone());
                }
                Record::Data(data) => {
                    if !run.data.contains(data) {
                        run.data.push(data.clone());
                    }
                }
                Record::Artifact(artifact) => {
                    run.artifacts.retain(|a| a.path != artifact.path);
                    run.artifacts.push(artifact.clone());
                }
                Record::End { status, time } => (run.status, run.ended) = (*status, Some(*time)),
                Record::Resume { .. } => {
                    run.status = if in_use {
                        Status::Running
                    } else {
                        Status::Killed
                    };
                    run.ended = None;
                }
            }
        }
        run.artifacts.sort_by(|a, b| a.path.cmp(&b.path));
        Some(run)
    }

    /// The values of a metric by step, then time.
    #[must_use]
    pub fn history(&self, key: &str) -> Vec<Metric> {
        let mut values: Vec<Metric> = self
            .metrics
            .iter()
            .filter(|m| m.key == key)
            .cloned()
            .collect();
        values.sort_by_key(|m| (m.step, m.time));
        values
    }

    /// The value that stands for a metric: that of the greatest step, then time, then value, as in MLflow.
    #[must_use]
    pub fn metric(&self, key: &str) -> Option<f64> {
        self.metrics
            .iter()
            .filter(|m| m.key == key)
            .max_by(|a, b| {
                (a.step, a.time)
                    .cmp(&(b.step, b.time))
                    .then(a.value.total_cmp(&b.value))
            })
            .map(|m| m.value)
    }

    /// The names of its metrics, in order.
    #[must_use]
    pub fn metric_names(&self) -> Vec<String> {
        let names: std::collections::BTreeSet<&String> =
            self.metrics.iter().map(|m| &m.key).collect();
        names.into_iter().cloned().collect()
    }
}

/// JSON has no NaN: it and the infinities are written as MLflow's JSON has them, as text.
pub(crate) fn float(value: f64) -> serde_json::Value {
    match value {
        v if v.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        v => v.into(),
    }
}

/// A number, or the text that [`float`] makes of what is none.
pub(crate) fn parse_float(value: &serde_json::Value) -> Option<f64> {
    match value.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        Some(_) => None,
        None => value.as_f64(),
    }
}

fn write_float<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    float(*value).serialize(serializer)
}

fn read_float<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    parse_float(&value)
        .ok_or_else(|| serde::de::Error::custom("neither a number nor NaN, Infinity, -Infinity"))
}

//! What a run can be told.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

use super::super::record::{Artifact, Data, Metric, Record};
use super::super::{TrackingError, card, clock, names, push};
use super::Run;

impl Run {
    /// Logs a parameter: a setting, which has one value in a run.
    ///
    /// # Errors
    /// [`TrackingError::ParameterChanged`] where it has another value; [`TrackingError::Name`],
    /// [`TrackingError::TooLong`] for more than 250 characters of name or 6,000 of value.
    pub fn log_param(&self, key: &str, value: impl ToString) -> Result<(), TrackingError> {
        self.log_params([(key, value)])
    }

    /// Logs several parameters, all or none.
    ///
    /// # Errors
    /// As [`log_param`](Self::log_param).
    pub fn log_params<K: AsRef<str>, V: ToString>(
        &self,
        params: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), TrackingError> {
        let mut inner = self.inner();
        let mut fresh: BTreeMap<String, String> = BTreeMap::new();
        for (key, value) in params {
            let (key, value) = (key.as_ref(), value.to_string());
            names::key("parameter", key)?;
            names::length("value of parameter", key, &value, names::MAX_PARAM)?;
            match inner.params.get(key).or_else(|| fresh.get(key)) {
                Some(logged) if *logged != value => {
                    return Err(TrackingError::ParameterChanged {
                        run: self.uuid.clone(),
                        key: key.into(),
                        logged: logged.clone(),
                        new: value,
                    });
                }
                Some(_) => {}
                None => {
                    fresh.insert(key.into(), value);
                }
            }
        }
        let lines = fresh.iter().map(|(key, value)| Record::Param {
            key: key.clone(),
            value: value.clone(),
        });
        inner.out.add(&lines.collect::<Vec<_>>())?;
        inner.params.append(&mut fresh);
        Ok(())
    }

    /// Logs a value of a metric at a step, such as an epoch, now. NaN and infinities are kept: that a training
    /// diverged is worth knowing.
    ///
    /// # Errors
    /// [`TrackingError::Name`], [`TrackingError::TooLong`].
    pub fn log_metric(&self, key: &str, value: f64, step: i64) -> Result<(), TrackingError> {
        self.log_metric_at(key, value, step, clock::now())
    }

    /// Logs a value of a metric that was measured at another time, in milliseconds since 1970.
    ///
    /// # Errors
    /// As [`log_metric`](Self::log_metric).
    pub fn log_metric_at(
        &self,
        key: &str,
        value: f64,
        step: i64,
        time: u64,
    ) -> Result<(), TrackingError> {
        self.write_metrics([Metric {
            key: key.into(),
            value,
            time,
            step,
        }])
    }

    /// Logs values of several metrics at one step, by one write.
    ///
    /// # Errors
    /// As [`log_metric`](Self::log_metric).
    pub fn log_metrics<K: AsRef<str>>(
        &self,
        values: impl IntoIterator<Item = (K, f64)>,
        step: i64,
    ) -> Result<(), TrackingError> {
        let time = clock::now();
        self.write_metrics(values.into_iter().map(|(key, value)| Metric {
            key: key.as_ref().into(),
            value,
            time,
            step,
        }))
    }

    /// Logs a whole curve, values at the steps 0, 1, 2, …, by one write.
    ///
    /// # Errors
    /// As [`log_metric`](Self::log_metric).
    pub fn log_series(
        &self,
        key: &str,
        values: impl IntoIterator<Item = f64>,
    ) -> Result<(), TrackingError> {
        let time = clock::now();
        self.write_metrics((0..).zip(values).map(|(step, value)| Metric {
            key: key.into(),
            value,
            time,
            step,
        }))
    }

    /// Logs an estimate with its interval: the metrics `KEY`, `KEY.low` and `KEY.high` at step 0, and the level in the
    /// tag `course.interval.KEY`. MLflow has no intervals of its own; the model card puts the three together.
    ///
    /// # Errors
    /// [`TrackingError::Interval`] where the ends do not hold the estimate or the level is not between 0 and 1.
    pub fn log_interval(
        &self,
        key: &str,
        value: f64,
        ends: [f64; 2],
        level: f64,
    ) -> Result<(), TrackingError> {
        let [low, high] = ends;
        let wrong = |reason| {
            Err(TrackingError::Interval {
                key: key.into(),
                value,
                low,
                high,
                level,
                reason,
            })
        };
        if !(low <= value && value <= high) {
            return wrong("the estimate is not between the ends");
        }
        if !(level > 0.0 && level < 1.0) {
            return wrong("a level is between 0 and 1, such as 0.95");
        }
        let tag = format!("{}{key}", card::INTERVAL);
        names::key("tag", &tag)?;
        self.log_metrics(
            [
                (key, value),
                (&format!("{key}.low"), low),
                (&format!("{key}.high"), high),
            ],
            0,
        )?;
        self.set_tag(&tag, &level.to_string())
    }

    /// Sets a tag; the last value counts.
    ///
    /// # Errors
    /// [`TrackingError::Name`], [`TrackingError::TooLong`] for more than 250 characters of name or 8,000 of value.
    pub fn set_tag(&self, key: &str, value: &str) -> Result<(), TrackingError> {
        names::key("tag", key)?;
        if key == push::RUN_UUID || key == push::PARENT || key == "mlflow.runName" {
            let reason = "set by the tracker itself".into();
            return Err(TrackingError::Name {
                what: "tag",
                name: key.into(),
                reason,
            });
        }
        names::length("value of tag", key, value, names::MAX_TAG)?;
        self.write([Record::Tag {
            key: key.into(),
            value: value.into(),
        }])
    }

    /// Says what the model is for, for the model card.
    ///
    /// # Errors
    /// As [`set_tag`](Self::set_tag).
    pub fn intended_use(&self, text: &str) -> Result<(), TrackingError> {
        self.set_tag(card::INTENDED_USE, text)
    }

    /// Says what the model must not be used for, and where it is known to fail, for the model card.
    ///
    /// # Errors
    /// As [`set_tag`](Self::set_tag).
    pub fn limits(&self, text: &str) -> Result<(), TrackingError> {
        self.set_tag(card::LIMITS, text)
    }

    /// Logs a data set that the run uses.
    ///
    /// # Errors
    /// [`TrackingError::Name`] where the name or the digest is empty, [`TrackingError::TooLong`] where the digest has
    /// more than 36 characters.
    pub fn log_data(&self, data: Data) -> Result<(), TrackingError> {
        names::title("data set", &data.name)?;
        names::title("digest of data set", &data.digest)?;
        names::length("digest of data set", &data.name, &data.digest, 36)?;
        names::length("source of data set", &data.name, &data.source, 16_000)?;
        names::length("context of data set", &data.name, &data.context, 500)?;
        self.write([Record::Data(data)])
    }

    /// Keeps a copy of a file as an artifact, at a path such as `plots/roc.svg`.
    ///
    /// # Errors
    /// [`TrackingError::Io`] naming the file; [`TrackingError::Name`] where the path will not do.
    pub fn log_artifact(
        &self,
        file: impl AsRef<Path>,
        path: &str,
    ) -> Result<Artifact, TrackingError> {
        let file = file.as_ref();
        let mut source = File::open(file).map_err(TrackingError::io(file, "read"))?;
        if source.metadata().is_ok_and(|m| m.is_dir()) {
            return Err(TrackingError::io(
                file,
                "read as one file: log_artifacts takes a folder",
            )(std::io::ErrorKind::IsADirectory.into()));
        }
        self.keep(path, &mut source)
    }

    /// Keeps a copy of all files of a folder as artifacts, below a path.
    ///
    /// # Errors
    /// As [`log_artifact`](Self::log_artifact); those before the one that failed are kept.
    pub fn log_artifacts(
        &self,
        folder: impl AsRef<Path>,
        path: &str,
    ) -> Result<Vec<Artifact>, TrackingError> {
        let mut kept = Vec::new();
        let mut folders = vec![(folder.as_ref().to_path_buf(), path.to_owned())];
        while let Some((folder, path)) = folders.pop() {
            let entries = fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let mut entries = entries.map_err(TrackingError::io(&folder, "read"))?;
            entries.sort_by_key(fs::DirEntry::file_name);
            for entry in entries {
                let below = format!("{path}/{}", entry.file_name().to_string_lossy());
                // a link to a file counts as the file; a link to a folder may lead in a circle
                if entry.file_type().is_ok_and(|t| t.is_dir()) {
                    folders.push((entry.path(), below));
                } else {
                    kept.push(self.log_artifact(entry.path(), &below)?);
                }
            }
        }
        Ok(kept)
    }

    /// Keeps bytes as an artifact.
    ///
    /// # Errors
    /// As [`log_artifact`](Self::log_artifact).
    pub fn log_bytes(
        &self,
        path: &str,
        bytes: impl AsRef<[u8]>,
    ) -> Result<Artifact, TrackingError> {
        self.keep(path, &mut bytes.as_ref())
    }

    fn keep(&self, path: &str, source: &mut dyn std::io::Read) -> Result<Artifact, TrackingError> {
        let artifact = self.tracker.store.keep(&self.uuid, path, source)?;
        self.write([Record::Artifact(artifact.clone())])?;
        Ok(artifact)
    }

    fn write_metrics(
        &self,
        metrics: impl IntoIterator<Item = Metric>,
    ) -> Result<(), TrackingError> {
        let mut lines = Vec::new();
        for metric in metrics {
            names::key("metric", &metric.key)?;
            lines.push(Record::Metric(metric));
        }
        self.write(lines)
    }

    fn write(&self, records: impl IntoIterator<Item = Record>) -> Result<(), TrackingError> {
        self.inner()
            .out
            .add(&records.into_iter().collect::<Vec<_>>())
    }
}

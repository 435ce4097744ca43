//! A run that is being recorded.

mod live;
mod log;

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Mutex, MutexGuard};

use super::line::Appender;
use super::push::{self, Pushed};
use super::record::{FORMAT, Record, RunRecord, Status};
use super::registry::{self, ModelVersion};
use super::{Tracker, TrackingError, clock, names};

use live::Live;

/// A run under way: what is logged stands in the store before the call returns.
///
/// `finish` ends it. Dropped without it, be it by an early return or by a panic, it has failed; a process that is
/// killed leaves it killed. All methods take `&self`: several threads may log at once.
///
/// # Examples
/// ```
/// use production::tracking::{Status, Tracker};
///
/// let folder = tempfile::tempdir()?;
/// let tracker = Tracker::local(folder.path())?.experiment("cars")?;
/// let run = tracker.start_run("a line")?;
/// run.log_param("features", "horsepower")?;
/// for (epoch, loss) in [0.9, 0.5, 0.4].into_iter().enumerate() {
///     run.log_metric("loss", loss, epoch as i64)?;
/// }
/// let ended = run.finish()?;
/// assert_eq!(ended.run.status, Status::Finished);
/// assert_eq!(ended.run.metric("loss"), Some(0.4));
/// assert_eq!(tracker.run(&ended.run.uuid)?.history("loss").len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Run {
    tracker: Tracker,
    uuid: String,
    name: String,
    inner: Mutex<Inner>,
    live: Option<Live>,
}

#[derive(Debug)]
struct Inner {
    out: Appender,
    params: BTreeMap<String, String>,
    ended: bool,
}

/// How a run ended, and what came of bringing it to the server.
#[derive(Debug)]
#[must_use = "it says whether the server has the run"]
pub struct Ended {
    /// The run.
    pub run: RunRecord,
    /// What the server has of it.
    pub server: Delivery,
}

/// What came of bringing a run to the server.
#[derive(Debug)]
#[non_exhaustive]
pub enum Delivery {
    /// No server is set.
    NoServer,
    /// The server has all of it.
    Delivered(Pushed),
    /// The server has not confirmed all of it. It is in the store; [`Tracker::push`] brings it later.
    Later(TrackingError),
}

impl Run {
    pub(crate) fn start(
        tracker: &Tracker,
        name: &str,
        parent: Option<&str>,
    ) -> Result<Run, TrackingError> {
        names::title("run", name)?;
        let uuid = format!("{:032x}", rand::random::<u128>());
        let folder = tracker.store.run_folder(&uuid);
        fs::create_dir_all(&folder).map_err(TrackingError::io(&folder, "made"))?;
        let (mut out, _) =
            Appender::open::<Record>(&tracker.store.run_file(&uuid), tracker.durable)?;
        let start = Record::Start {
            format: FORMAT,
            uuid: uuid.clone(),
            name: name.into(),
            experiment: tracker.experiment.clone(),
            time: clock::now(),
            parent: parent.map(str::to_owned),
        };
        let tags = tracker.environment.tags.iter();
        let tags = tags.map(|(key, value)| Record::Tag {
            key: key.clone(),
            value: value.clone(),
        });
        out.add(&std::iter::once(start).chain(tags).collect::<Vec<_>>())?;
        Ok(Run::open(tracker, uuid, name, out, BTreeMap::new()))
    }

    pub(crate) fn resume(tracker: &Tracker, uuid: &str) -> Result<Run, TrackingError> {
        let (_, record) = tracker.store.find(uuid)?;
        if record.status == Status::Finished {
            return Err(TrackingError::Setting {
                setting: "resume_run",
                reason: format!("run {} is finished; start another", record.uuid),
            });
        }
        let (mut out, _) =
            Appender::open::<Record>(&tracker.store.run_file(&record.uuid), tracker.durable)?;
        out.add([&Record::Resume { time: clock::now() }])?;
        Ok(Run::open(
            tracker,
            record.uuid,
            &record.name,
            out,
            record.params,
        ))
    }

    fn open(
        tracker: &Tracker,
        uuid: String,
        name: &str,
        out: Appender,
        params: BTreeMap<String, String>,
    ) -> Run {
        let live = match (&tracker.server, tracker.live) {
            (Some(server), Some(every)) => Some(Live::start(&tracker.store, server, &uuid, every)),
            _ => None,
        };
        let inner = Mutex::new(Inner {
            out,
            params,
            ended: false,
        });
        Run {
            tracker: tracker.clone(),
            uuid,
            name: name.into(),
            inner,
            live,
        }
    }

    /// The store's own name for the run, 32 hexadecimal digits.
    #[must_use]
    pub fn uuid(&self) -> &str {
        &self.uuid
    }

    /// The name that was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Starts a run that is part of this one, such as a fold of a cross-validation.
    ///
    /// # Errors
    /// [`TrackingError::Name`], [`TrackingError::Io`].
    pub fn child(&self, name: &str) -> Result<Run, TrackingError> {
        Run::start(&self.tracker, name, Some(&self.uuid))
    }

    /// Registers a version of a model: an artifact of this run, or a folder of artifacts.
    ///
    /// # Errors
    /// [`TrackingError::Unknown`] where there is no such artifact, [`TrackingError::Name`].
    pub fn register_model(
        &self,
        artifact: &str,
        name: &str,
    ) -> Result<ModelVersion, TrackingError> {
        registry::register(&self.tracker.store, &self.uuid, artifact, name)
    }

    /// The run as it stands.
    ///
    /// # Errors
    /// [`TrackingError::Io`], [`TrackingError::Corrupt`].
    pub fn record(&self) -> Result<RunRecord, TrackingError> {
        Ok(self.tracker.store.find(&self.uuid)?.1)
    }

    /// Brings what has been logged so far to the server.
    ///
    /// # Errors
    /// [`TrackingError::Setting`] where no server is set; [`TrackingError::Unavailable`], [`TrackingError::Refused`].
    pub fn flush(&self) -> Result<Pushed, TrackingError> {
        push::run(&self.tracker.store, self.tracker.server()?, &self.uuid)
    }

    /// Ends the run, and brings it to the server if one is set. A server that does not answer is no error: the run is
    /// in the store, and the answer says so.
    ///
    /// # Errors
    /// [`TrackingError::Io`] where the store cannot be written.
    pub fn finish(self) -> Result<Ended, TrackingError> {
        self.end(Status::Finished)
    }

    /// Ends the run as failed, with the reason in the tag `course.failure`.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn fail(self, reason: &str) -> Result<Ended, TrackingError> {
        let reason: String = reason.chars().take(names::MAX_TAG).collect();
        self.set_tag(FAILURE, &reason)?;
        self.end(Status::Failed)
    }

    /// Ends the run as killed: somebody stopped it.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub fn kill(self) -> Result<Ended, TrackingError> {
        self.end(Status::Killed)
    }

    fn end(mut self, status: Status) -> Result<Ended, TrackingError> {
        self.write_end(status)?;
        self.live = None; // its last push ends before ours begins
        let server = match &self.tracker.server {
            None => Delivery::NoServer,
            Some(server) => match push::run(&self.tracker.store, server, &self.uuid) {
                Ok(pushed) => Delivery::Delivered(pushed),
                Err(e) => Delivery::Later(e),
            },
        };
        Ok(Ended {
            run: self.tracker.store.find(&self.uuid)?.1,
            server,
        })
    }

    fn write_end(&self, status: Status) -> Result<(), TrackingError> {
        let mut inner = self.inner();
        inner.out.add([&Record::End {
            status,
            time: clock::now(),
        }])?;
        inner.ended = true;
        inner.out.sync()
    }

    /// A thread that panicked while logging has left whole lines: what others log is still good.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The tag that says why a run failed.
pub(crate) const FAILURE: &str = "course.failure";

impl Drop for Run {
    fn drop(&mut self) {
        if self.inner().ended {
            return;
        }
        let why = if std::thread::panicking() {
            "panicked"
        } else {
            "dropped without finish()"
        };
        // nobody is left to hear of an error, and the store shows the run as killed
        let _ = self
            .set_tag(FAILURE, why)
            .and_then(|()| self.write_end(Status::Failed));
    }
}

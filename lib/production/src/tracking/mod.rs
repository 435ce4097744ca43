//! Runs: what was tried, with which settings, on which data, and what came of it.
//!
//! A [`Tracker`] writes every run to a folder first: one file a run, a JSON line a fact, each with a checksum. That
//! needs no server, and survives a process that is killed. A server that speaks MLflow's REST interface may be set
//! beside it; runs and model versions are then brought there, each fact once, however often the way is cut off.
//!
//! | environment variable | what |
//! |---|---|
//! | `COURSE_TRACKING_DIR` | the folder; `tracking` where it is not set |
//! | `MLFLOW_TRACKING_URI` | the server, such as `http://127.0.0.1:5000`; none where it is not set |
//! | `MLFLOW_TRACKING_USERNAME`, `MLFLOW_TRACKING_PASSWORD` | for a server that asks for them |
//! | `MLFLOW_TRACKING_TOKEN` | a bearer token, used where no name and password are set |
//! | `MLFLOW_EXPERIMENT_NAME` | the experiment; `Default` where it is not set |
//! | `MLFLOW_HTTP_REQUEST_MAX_RETRIES`, `MLFLOW_HTTP_REQUEST_TIMEOUT` | how often, and how many seconds a request |
//!
//! The chapter *Experiment tracking* explains the why, and builds the store by hand first.

mod api;
mod card;
mod clock;
mod environment;
mod error;
mod http;
mod line;
mod mlflow;
pub mod names;
mod push;
mod record;
mod registry;
mod relay;
mod run;
mod server;
mod store;

use std::path::Path;
use std::time::Duration;

pub use environment::Environment;
pub use error::TrackingError;
pub use line::Torn;
pub use mlflow::LocalMlflow;
pub use push::Pushed;
pub use record::{Artifact, Data, Metric, RunRecord, Status};
pub use registry::ModelVersion;
pub use relay::Relay;
pub use run::{Delivery, Ended, Run};
pub use server::Server;

use store::Store;

/// Records runs in a folder, and brings them to a server where one is set.
///
/// # Examples
/// ```
/// use production::tracking::Tracker;
///
/// let folder = tempfile::tempdir()?;
/// let tracker = Tracker::local(folder.path())?.experiment("cars")?;
/// let run = tracker.start_run("a line")?;
/// run.log_interval("rmse", 4.9, [4.6, 5.2], 0.95)?;
/// run.log_bytes("model/line.json", r#"{"intercept": 39.9, "slope": -0.158}"#)?;
/// let version = run.register_model("model", "economy")?;
/// run.finish()?;
///
/// tracker.set_alias("economy", "champion", version.version)?;
/// let serving = tracker.model("economy@champion")?;
/// assert_eq!(serving.version, 1);
/// assert_eq!(tracker.run(&serving.run)?.metric("rmse"), Some(4.9));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Tracker {
    store: Store,
    server: Option<Server>,
    experiment: String,
    environment: Environment,
    live: Option<Duration>,
    durable: bool,
}

impl Tracker {
    /// A tracker as the environment variables say.
    ///
    /// # Errors
    /// [`TrackingError::Setting`] naming the variable that will not do; [`TrackingError::Io`] where the folder cannot
    /// be made.
    pub fn from_env() -> Result<Tracker, TrackingError> {
        let folder = std::env::var_os("COURSE_TRACKING_DIR").filter(|folder| !folder.is_empty());
        let mut tracker =
            Tracker::local(folder.as_deref().map_or(Path::new("tracking"), Path::new))?;
        if let Some(name) = server::variable("MLFLOW_EXPERIMENT_NAME")? {
            tracker = tracker.experiment(&name)?;
        }
        tracker.server = Server::from_env()?;
        Ok(tracker)
    }

    /// A tracker that records in a folder, without a server, in the experiment `Default`.
    ///
    /// # Errors
    /// [`TrackingError::Io`] where the folder cannot be made.
    pub fn local(folder: impl AsRef<Path>) -> Result<Tracker, TrackingError> {
        Ok(Tracker {
            store: Store::open(folder.as_ref())?,
            server: None,
            experiment: "Default".into(),
            environment: Environment::at("."),
            live: None,
            durable: false,
        })
    }

    /// Sets the experiment of the runs that start from now on.
    ///
    /// # Errors
    /// [`TrackingError::Name`] where it is empty, [`TrackingError::TooLong`] for more than 500 characters.
    pub fn experiment(mut self, name: &str) -> Result<Tracker, TrackingError> {
        names::title("experiment", name)?;
        self.experiment = name.into();
        Ok(self)
    }

    /// Sets the server to which runs are brought when they end.
    #[must_use]
    pub fn with_server(mut self, server: Server) -> Tracker {
        self.server = Some(server);
        self
    }

    /// Brings runs to the server while they go on as well, from a thread of its own, at intervals.
    #[must_use]
    pub fn live(mut self, every: Duration) -> Tracker {
        self.live = Some(every);
        self
    }

    /// Has each write brought to the disk before the call returns: what was logged then survives a power cut as well,
    /// not only the end of the process. It costs a write of the disk a call.
    #[must_use]
    pub fn durable(mut self, yes: bool) -> Tracker {
        self.durable = yes;
        self
    }

    /// Sets what runs say of the code and machine that they were made with; by default what [`Environment::at`] finds
    /// at the working folder.
    #[must_use]
    pub fn with_environment(mut self, environment: Environment) -> Tracker {
        self.environment = environment;
        self
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.store.root()
    }

    /// Starts a run.
    ///
    /// # Errors
    /// [`TrackingError::Name`] where the name is empty, [`TrackingError::Io`].
    pub fn start_run(&self, name: &str) -> Result<Run, TrackingError> {
        Run::start(self, name, None)
    }

    /// Goes on with a run that was killed or failed, such as a training from its last checkpoint.
    ///
    /// # Errors
    /// [`TrackingError::Unknown`]; [`TrackingError::InUse`] where it is still running;
    /// [`TrackingError::Setting`] where it is finished.
    pub fn resume_run(&self, uuid: &str) -> Result<Run, TrackingError> {
        Run::resume(self, uuid)
    }

    /// All runs of the store, the earliest first.
    ///
    /// # Errors
    /// [`TrackingError::Corrupt`] naming file and line, [`TrackingError::Io`].
    pub fn runs(&self) -> Result<Vec<RunRecord>, TrackingError> {
        self.store.runs()
    }

    /// A run, by its uuid or the beginning of it.
    ///
    /// # Errors
    /// [`TrackingError::Unknown`] with what is there, [`TrackingError::Corrupt`], [`TrackingError::Io`].
    pub fn run(&self, uuid: &str) -> Result<RunRecord, TrackingError> {
        Ok(self.store.find(uuid)?.1)
    }

    /// Registers a version of a model: a file or folder among the artifacts of a run.
    ///
    /// # Errors
    /// [`TrackingError::Unknown`] where there is no such run or artifact, [`TrackingError::Name`].
    pub fn register_model(
        &self,
        run: &str,
        artifact: &str,
        name: &str,
    ) -> Result<ModelVersion, TrackingError> {
        registry::register(&self.store, run, artifact, name)
    }

    /// Points an alias, such as `champion`, to a version of a model.
    ///
    /// # Errors
    /// [`TrackingError::Unknown`] where there is no such version, [`TrackingError::Name`].
    pub fn set_alias(&self, model: &str, alias: &str, version: u64) -> Result<(), TrackingError> {
        registry::set_alias(&self.store, model, alias, Some(version))
    }

    /// Takes an alias away.
    ///
    /// # Errors
    /// [`TrackingError::Unknown`] where the model has no such alias.
    pub fn remove_alias(&self, model: &str, alias: &str) -> Result<(), TrackingError> {
        registry::set_alias(&self.store, model, alias, None)
    }

    /// The version of a model that a reference names: `NAME@ALIAS`, `NAME/VERSION`, or `NAME`, which is the newest.
    ///
    /// # Errors
    /// [`TrackingError::Unknown`] with what is there.
    pub fn model(&self, reference: &str) -> Result<ModelVersion, TrackingError> {
        registry::resolve(&self.store, reference)
    }

    /// All versions of a model, the first first.
    ///
    /// # Errors
    /// [`TrackingError::Unknown`] where no such model is registered.
    pub fn versions(&self, model: &str) -> Result<Vec<ModelVersion>, TrackingError> {
        registry::versions(&self.store, model)
    }

    /// The names of the models that are registered.
    ///
    /// # Errors
    /// [`TrackingError::Io`].
    pub fn models(&self) -> Result<Vec<String>, TrackingError> {
        self.store.models()
    }

    /// The file of an artifact of a run, if its bytes are those that were logged.
    ///
    /// # Errors
    /// [`TrackingError::Altered`] with both checksums, [`TrackingError::Unknown`], [`TrackingError::Io`].
    pub fn artifact(&self, run: &str, path: &str) -> Result<std::path::PathBuf, TrackingError> {
        let (_, record) = self.store.find(run)?;
        match record.artifacts.iter().find(|a| a.path == path) {
            Some(artifact) => self.store.verified(&record.uuid, artifact),
            None => Err(TrackingError::Unknown {
                what: "artifact",
                name: path.into(),
                path: self.store.run_folder(&record.uuid),
                known: record
                    .artifacts
                    .into_iter()
                    .take(5)
                    .map(|a| a.path)
                    .collect(),
            }),
        }
    }

    /// The model card of a run, in Markdown: the same store gives the same text.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn card(&self, run: &str) -> Result<String, TrackingError> {
        card::card(&self.store, &self.run(run)?)
    }

    /// Brings every run, model version and alias to the server that it has not confirmed yet. It may be cut off at
    /// any point and called again: nothing is lost, and nothing is there twice.
    ///
    /// # Errors
    /// [`TrackingError::Setting`] where no server is set; [`TrackingError::Unavailable`] where it does not answer;
    /// [`TrackingError::Refused`] with its reason. What was confirmed before stays confirmed.
    pub fn push(&self) -> Result<Pushed, TrackingError> {
        push::all(&self.store, self.server()?)
    }

    fn server(&self) -> Result<&Server, TrackingError> {
        self.server.as_ref().ok_or(TrackingError::Setting {
            setting: "MLFLOW_TRACKING_URI",
            reason: "no server is set to bring runs to".into(),
        })
    }
}

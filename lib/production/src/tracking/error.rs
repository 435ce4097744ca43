use std::path::PathBuf;

use thiserror::Error;

/// What can go wrong when runs are recorded, read, or pushed to a server.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrackingError {
    /// A name that MLflow would refuse.
    #[error("{what} {name:?}: {reason}")]
    Name {
        /// What is named: a metric, a parameter, a tag, an experiment, a model, an alias, an artifact.
        what: &'static str,
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A name or value longer than MLflow takes.
    #[error("{what} {name:?}: {length} characters, at most {limit} are allowed")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// The beginning of the name.
        name: String,
        /// Its length in characters.
        length: usize,
        /// The longest that is allowed.
        limit: usize,
    },
    /// A parameter that was logged before, with another value.
    #[error(
        "parameter {key:?} of run {run} is {logged:?} already and cannot become {new:?}; log a quantity that changes as \
         a metric, and another setting in another run"
    )]
    ParameterChanged {
        /// The run.
        run: String,
        /// The parameter.
        key: String,
        /// The value that stands.
        logged: String,
        /// The value that was refused.
        new: String,
    },
    /// An interval that does not hold its estimate, or whose level is not between 0 and 1.
    #[error("metric {key:?}: {value} with the interval {low} to {high} at level {level}: {reason}")]
    Interval {
        /// The metric.
        key: String,
        /// The estimate.
        value: f64,
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
        /// The level.
        level: f64,
        /// What is wrong.
        reason: &'static str,
    },
    /// A file that cannot be read or written.
    #[error("{}: cannot be {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: `read`, `written`, …
        action: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line of the store that is not what was written there.
    #[error("{}:{line}: {reason}; restore the file from a copy, or move the run's folder away", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A file written by a later version of this crate.
    #[error("{}: format {found}, this program reads up to {known}: a newer version of it is needed", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's format.
        found: u32,
        /// The newest that this program reads.
        known: u32,
    },
    /// A file that another process, or another part of this one, writes to.
    #[error("{}: in use by another writer", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A run, model, version or alias that is not there.
    #[error("no {what} {name:?} in {}{}", path.display(), hint(known))]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// Its name.
        name: String,
        /// Where it was looked for.
        path: PathBuf,
        /// What is there, a few at most.
        known: Vec<String>,
    },
    /// An artifact whose bytes are not those that were logged.
    #[error("{}: altered: sha256 is {found}, but {expected} was logged", path.display())]
    Altered {
        /// The file.
        path: PathBuf,
        /// The sha256 that was logged.
        expected: String,
        /// The sha256 of what is there.
        found: String,
    },
    /// A setting that will not do.
    #[error("{setting}: {reason}")]
    Setting {
        /// The environment variable, or the argument.
        setting: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// An answer of the server that says no; trying again would not change it.
    #[error("{request}: the server answers {status}{}", says(message))]
    Refused {
        /// Method and address.
        request: String,
        /// The HTTP status.
        status: u16,
        /// MLflow's own code, such as `RESOURCE_DOES_NOT_EXIST`; empty where the answer holds none.
        code: String,
        /// The server's message.
        message: String,
    },
    /// No answer that can be used, however often it was asked.
    #[error(
        "{request}: {message} ({attempts} attempts in {seconds:.1} s); nothing is lost: what was logged is in the local store, push it later"
    )]
    Unavailable {
        /// Method and address.
        request: String,
        /// What went wrong last.
        message: String,
        /// How often it was tried.
        attempts: u32,
        /// How long it took.
        seconds: f64,
    },
    /// An answer that is not what MLflow's REST interface gives.
    #[error("{request}: not an answer of MLflow: {reason}")]
    Answer {
        /// Method and address.
        request: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl TrackingError {
    /// For `map_err`: what was done to which file.
    pub(crate) fn io(
        path: &std::path::Path,
        action: &'static str,
    ) -> impl FnOnce(std::io::Error) -> TrackingError {
        let path = path.to_path_buf();
        move |source| TrackingError::Io {
            path,
            action,
            source,
        }
    }
}

fn says(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

fn hint(known: &[String]) -> String {
    if known.is_empty() {
        String::new()
    } else {
        format!("; there are {}", known.join(", "))
    }
}

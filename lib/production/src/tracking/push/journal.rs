//! The journal of what a server has confirmed of a run or of a model.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::TrackingError;
use super::super::api::Remote;
use super::super::line::Appender;
use super::super::record::Status;
use super::super::server::Server;
use super::super::store::Store;

/// How long one push waits for another of the same run.
const PATIENCE: Duration = Duration::from_secs(120);

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// Whose journal it is.
    Server { uri: String },
    /// A run or version is about to be made.
    Making { number: usize },
    /// The server has the run; it was `found` there where this journal did not see it made.
    Run {
        run_id: String,
        artifact_uri: String,
        found: bool,
    },
    /// The server has the version.
    Version { local: u64, remote: u64 },
    /// No other run or version bears the tag.
    Single { number: usize },
    /// The lines up to this one are about to be sent.
    Sending { to: usize },
    /// The lines up to this one are there.
    Done { to: usize },
    /// The server was told how a run stands that says nothing of it itself.
    Told { status: Status, lines: usize },
}

/// What a journal tells.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) remote: Option<Remote>,
    pub(super) versions: BTreeMap<u64, u64>,
    /// How often the making of a thing began, by its number.
    pub(super) making: HashMap<usize, usize>,
    pub(super) done: usize,
    /// The server may have acted on a request that was not answered.
    pub(super) doubt: bool,
    /// Somebody else may have sent lines that this journal does not know of.
    pub(super) shared: bool,
    pub(super) told: Option<(Status, usize)>,
}

impl State {
    fn read(steps: &[Step]) -> State {
        let mut state = State::default();
        for step in steps {
            match step {
                Step::Server { .. } => {}
                Step::Making { number } => *state.making.entry(*number).or_default() += 1,
                Step::Run {
                    run_id,
                    artifact_uri,
                    found,
                } => {
                    state.shared |= found;
                    state.remote = Some(Remote {
                        run_id: run_id.clone(),
                        artifact_uri: artifact_uri.clone(),
                    });
                }
                Step::Version { local, remote } => {
                    state.versions.insert(*local, *remote);
                }
                Step::Single { number } => {
                    state.making.insert(*number, 1);
                }
                Step::Sending { .. } => state.doubt = true,
                Step::Done { to } => (state.done, state.doubt) = (*to, false),
                Step::Told { status, lines } => state.told = Some((*status, *lines)),
            }
        }
        state
    }
}

/// A journal, open.
pub(super) struct Journal {
    pub(super) out: Appender,
    pub(super) state: State,
}

impl Journal {
    pub(super) fn open(
        store: &Store,
        server: &Server,
        what: &str,
    ) -> Result<Journal, TrackingError> {
        let path = store.push_file(&server.uri, what)?;
        let (mut out, lines) = Appender::wait::<Step>(&path, false, PATIENCE)?;
        if lines.records.is_empty() {
            out.add([&Step::Server {
                uri: server.uri.clone(),
            }])?;
        }
        let mut state = State::read(&lines.records);
        // the same server may have been reached by another address
        state.shared |= store.push_files(what)? > 1;
        Ok(Journal { out, state })
    }

    pub(super) fn add(&mut self, step: Step) -> Result<(), TrackingError> {
        self.out.add([&step])
    }
}

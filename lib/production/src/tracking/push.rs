//! Bringing runs to a server, each fact once, however often the way is cut off.
//!
//! A journal beside the store says what a server has confirmed. Before a request that changes something, the journal
//! gets its intent; after the answer, its success. An intent without success is *doubt*: the server may have acted.
//! What is asked again in doubt must do no harm:
//!
//! - parameters, tags, data sets, files, the status: the server keeps one of each, the second time changes nothing;
//! - metrics: MLflow's database keeps one of two that agree in name, time, step and value, but its store of files
//!   keeps both, so in doubt the server is asked what it has, and only the rest is sent;
//! - runs and model versions: the server makes another each time. Each bears a tag with the store's own uuid and is
//!   looked for before it is made; if a request that was given up was acted on after all, what it made is taken away.

mod batch;
mod journal;
mod models;

use std::collections::{HashMap, HashSet};
use std::fs::File;

use super::api::{self, Remote};
use super::http::Http;
use super::record::{Record, RunRecord, Status};
use super::server::Server;
use super::store::Store;
use super::{TrackingError, registry};

use batch::Batch;
use journal::{Journal, Step};

/// The tag by which a run is found again on a server.
pub(crate) const RUN_UUID: &str = "course.run_uuid";
/// The tag by which MLflow nests a run in another.
pub(crate) const PARENT: &str = "mlflow.parentRunId";

/// What a push brought to the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pushed {
    /// Runs that the server did not have before.
    pub runs: usize,
    /// Values of metrics.
    pub metrics: usize,
    /// Parameters.
    pub params: usize,
    /// Files.
    pub artifacts: usize,
    /// Model versions.
    pub versions: usize,
    /// Requests that were made, attempts counted.
    pub requests: u64,
    /// Attempts beyond the first.
    pub retries: u64,
}

impl std::fmt::Display for Pushed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count =
            |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
        write!(
            f,
            "{}, {}, {}, {}, {} by {} requests",
            count(self.runs, "run", "runs"),
            count(self.metrics, "value of metrics", "values of metrics"),
            count(self.params, "parameter", "parameters"),
            count(self.artifacts, "file", "files"),
            count(self.versions, "model version", "model versions"),
            self.requests,
        )
    }
}

/// Brings one run, and the model versions that came of it.
pub(crate) fn run(store: &Store, server: &Server, uuid: &str) -> Result<Pushed, TrackingError> {
    let mut push = Push::new(store, server);
    push.run(uuid)?;
    for name in store.models()? {
        if registry::versions(store, &name)?
            .iter()
            .any(|version| version.run == uuid)
        {
            push.model(&name)?;
        }
    }
    Ok(push.finish())
}

/// Brings everything. What the server refuses of one run does not keep the others; the first refusal is the error.
pub(crate) fn all(store: &Store, server: &Server) -> Result<Pushed, TrackingError> {
    let mut push = Push::new(store, server);
    let mut first = None;
    let mut keep = |result| match result {
        Err(e @ TrackingError::Unavailable { .. }) => Err(e),
        Err(e) => {
            first.get_or_insert(e);
            Ok(())
        }
        Ok(()) => Ok(()),
    };
    for run in store.runs()? {
        keep(push.run(&run.uuid))?;
    }
    for name in store.models()? {
        keep(push.model(&name))?;
    }
    match first {
        Some(error) => Err(error),
        None => Ok(push.finish()),
    }
}

struct Push<'a> {
    store: &'a Store,
    server: &'a Server,
    http: Http,
    experiments: HashMap<String, String>,
    pushed: Pushed,
}

impl<'a> Push<'a> {
    fn new(store: &'a Store, server: &'a Server) -> Push<'a> {
        let http = Http::new(server);
        Push {
            store,
            server,
            http,
            experiments: HashMap::new(),
            pushed: Pushed::default(),
        }
    }

    fn finish(self) -> Pushed {
        Pushed {
            requests: self.http.requests,
            retries: self.http.retries,
            ..self.pushed
        }
    }

    fn experiment(&mut self, name: &str) -> Result<String, TrackingError> {
        if let Some(id) = self.experiments.get(name) {
            return Ok(id.clone());
        }
        let request = self
            .http
            .name("GET", "/api/2.0/mlflow/experiments/get-by-name");
        let id = self
            .http
            .retry(&request, |http, _| api::experiment(http, name))?;
        self.experiments.insert(name.into(), id.clone());
        Ok(id)
    }

    fn run(&mut self, uuid: &str) -> Result<(), TrackingError> {
        let (records, run) = self.store.find(uuid)?;
        let mut journal = Journal::open(self.store, self.server, &format!("run-{}", run.uuid))?;
        let told = journal.state.told;
        let over = run.status != Status::Running;
        let killed = over && run.ended.is_none();
        let known = journal.state.done == records.len() && journal.state.remote.is_some();
        let single = journal.state.making.get(&0).is_none_or(|&times| times < 2);
        if known && single && (!killed || told == Some((Status::Killed, records.len()))) {
            return Ok(());
        }
        let remote = self.remote(&mut journal, &run)?;
        self.lines(&mut journal, &remote, &run, &records)?;
        if killed && told != Some((Status::Killed, records.len())) {
            let last = run
                .metrics
                .iter()
                .map(|m| m.time)
                .max()
                .unwrap_or(run.started)
                .max(run.started);
            self.status(&remote, Status::Killed, Some(last))?;
            journal.add(Step::Told {
                status: Status::Killed,
                lines: records.len(),
            })?;
        }
        self.single_run(&mut journal, &remote, &run)
    }

    /// The run on the server, which is made there if it is not.
    fn remote(&mut self, journal: &mut Journal, run: &RunRecord) -> Result<Remote, TrackingError> {
        if let Some(remote) = &journal.state.remote {
            return Ok(remote.clone());
        }
        let experiment = self.experiment(&run.experiment)?;
        let mut tags = vec![(RUN_UUID.to_owned(), run.uuid.clone())];
        if let Some(parent) = &run.parent {
            let (_, parent) = self.store.find(parent)?;
            let mut journal =
                Journal::open(self.store, self.server, &format!("run-{}", parent.uuid))?;
            tags.push((PARENT.into(), self.remote(&mut journal, &parent)?.run_id));
        }
        let request = self.http.name("POST", "/api/2.0/mlflow/runs/create");
        let times = journal.state.making.entry(0).or_default();
        let shared = &mut journal.state.shared;
        let mut found_there = false;
        let (out, pushed) = (&mut journal.out, &mut self.pushed);
        let remote = self.http.retry(&request, |http, _| {
            // asked even at first: the journal may be lost, or belong to another address of the server
            let mut found = api::find_runs(http, &experiment, RUN_UUID, &run.uuid)?;
            found.sort_by(|a, b| a.run_id.cmp(&b.run_id));
            if let Some(first) = found.into_iter().next() {
                (found_there, *shared) = (true, true);
                return Ok(first);
            }
            *times += 1;
            out.add([&Step::Making { number: 0 }])?;
            let made = api::create_run(http, &experiment, &run.name, run.started, &tags)?;
            pushed.runs += 1;
            Ok(made)
        })?;
        journal.add(Step::Run {
            run_id: remote.run_id.clone(),
            artifact_uri: remote.artifact_uri.clone(),
            found: found_there,
        })?;
        journal.state.remote = Some(remote.clone());
        Ok(remote)
    }

    /// Where the making was tried more than once, an attempt that was given up may have made another run: that is
    /// taken away.
    fn single_run(
        &mut self,
        journal: &mut Journal,
        remote: &Remote,
        run: &RunRecord,
    ) -> Result<(), TrackingError> {
        if journal.state.making.get(&0).is_none_or(|&times| times < 2) {
            return Ok(());
        }
        let experiment = self.experiment(&run.experiment)?;
        let request = self.http.name("POST", "/api/2.0/mlflow/runs/search");
        self.http.retry(&request, |http, _| {
            for other in api::find_runs(http, &experiment, RUN_UUID, &run.uuid)? {
                if other.run_id != remote.run_id {
                    api::delete_run(http, &other.run_id)?;
                }
            }
            Ok(())
        })?;
        journal.add(Step::Single { number: 0 })
    }

    fn status(
        &mut self,
        remote: &Remote,
        status: Status,
        end: Option<u64>,
    ) -> Result<(), TrackingError> {
        let request = self.http.name("POST", "/api/2.0/mlflow/runs/update");
        self.http.retry(&request, |http, _| {
            api::update_run(http, &remote.run_id, status, end)
        })
    }

    /// Sends the lines that are not confirmed yet, in their order.
    fn lines(
        &mut self,
        journal: &mut Journal,
        remote: &Remote,
        run: &RunRecord,
        records: &[Record],
    ) -> Result<(), TrackingError> {
        let mut seen: HashSet<(String, u64, i64, u64)> = HashSet::new();
        for record in records.iter().take(journal.state.done) {
            if let Record::Metric(metric) = record {
                seen.insert(metric.identity());
            }
        }
        let mut at = journal.state.done;
        while at < records.len() {
            let batch = Batch::gather(&records[at..], &mut seen);
            let to = at + batch.lines.max(1);
            journal.add(Step::Sending { to })?;
            let doubt = std::mem::replace(&mut journal.state.doubt, true) || journal.state.shared;
            if batch.lines > 0 {
                self.batch(remote, batch, doubt)?;
            } else {
                self.single(remote, run, &records[at])?;
            }
            journal.add(Step::Done { to })?;
            (journal.state.done, journal.state.doubt) = (to, false);
            at = to;
        }
        Ok(())
    }

    fn batch(
        &mut self,
        remote: &Remote,
        batch: Batch,
        mut doubt: bool,
    ) -> Result<(), TrackingError> {
        let tags: Vec<(String, String)> = batch.tags.into_iter().collect();
        if batch.metrics.is_empty() && batch.params.is_empty() && tags.is_empty() {
            return Ok(());
        }
        let request = self.http.name("POST", "/api/2.0/mlflow/runs/log-batch");
        self.http.retry(&request, |http, _| {
            let mut metrics = batch.metrics.clone();
            if doubt {
                let keys: HashSet<&String> = batch.metrics.iter().map(|m| &m.key).collect();
                for key in keys {
                    let there = api::history(http, &remote.run_id, key)?;
                    metrics.retain(|m| m.key != *key || !there.contains(&m.identity()));
                }
            }
            doubt = true;
            api::log_batch(http, &remote.run_id, &metrics, &batch.params, &tags)
        })?;
        self.pushed.metrics += batch.metrics.len();
        self.pushed.params += batch.params.len();
        Ok(())
    }

    /// Sends a line that goes by itself.
    fn single(
        &mut self,
        remote: &Remote,
        run: &RunRecord,
        record: &Record,
    ) -> Result<(), TrackingError> {
        match record {
            Record::Data(data) => {
                let request = self.http.name("POST", "/api/2.0/mlflow/runs/log-inputs");
                self.http.retry(&request, |http, _| {
                    api::log_data(http, &remote.run_id, data)
                })
            }
            Record::Artifact(artifact) => {
                // of a file that was logged again, the last content is there, and only that
                if !run.artifacts.contains(artifact) {
                    return Ok(());
                }
                let path = self.store.verified(&run.uuid, artifact)?;
                let address = api::artifact_path(&remote.artifact_uri, &artifact.path)?;
                let request = self.http.name("PUT", &address);
                self.http.retry(&request, |http, _| {
                    let file = File::open(&path).map_err(TrackingError::io(&path, "read"))?;
                    api::upload(http, &address, &file)
                })?;
                self.pushed.artifacts += 1;
                Ok(())
            }
            Record::End { status, time } => self.status(remote, *status, Some(*time)),
            Record::Resume { .. } => self.status(remote, Status::Running, None),
            Record::Start { .. }
            | Record::Param { .. }
            | Record::Metric(_)
            | Record::Tag { .. } => Ok(()),
        }
    }
}

//! Bringing model versions and aliases.

use super::super::http::Failure;
use super::super::registry::{self, Entry, ModelVersion};
use super::super::{TrackingError, api};
use super::journal::{Journal, Step};
use super::{Push, RUN_UUID};

/// The tag by which a model version is found again on a server.
const VERSION_UUID: &str = "course.version_uuid";

impl Push<'_> {
    /// Brings a model's versions, and the runs that they came of, and where its aliases point.
    pub(super) fn model(&mut self, name: &str) -> Result<(), TrackingError> {
        let (entries, versions) = registry::entries(self.store, name)?;
        let mut journal = Journal::open(self.store, self.server, &format!("model-{name}"))?;
        let single = journal.state.making.values().all(|&times| times < 2);
        if journal.state.done == entries.len() && single {
            return Ok(());
        }
        let request = self
            .http
            .name("POST", "/api/2.0/mlflow/registered-models/create");
        self.http
            .retry(&request, |http, _| api::create_model(http, name))?;
        for (at, entry) in entries.iter().enumerate() {
            match entry {
                Entry::Version { version, uuid, .. } => {
                    let local = versions
                        .iter()
                        .find(|v| v.version == *version)
                        .expect("each version has an entry");
                    self.version(&mut journal, name, local, uuid)?;
                }
                Entry::Alias { alias, version, .. } if at >= journal.state.done => {
                    // only the last word on an alias: those before it would serve old versions for a while
                    let later = &entries[at + 1..];
                    if later
                        .iter()
                        .any(|e| matches!(e, Entry::Alias { alias: other, .. } if other == alias))
                    {
                        continue;
                    }
                    let remote = version.map(|version| journal.state.versions[&version]);
                    let request = self
                        .http
                        .name("POST", "/api/2.0/mlflow/registered-models/alias");
                    self.http.retry(&request, |http, _| {
                        api::set_alias(http, name, alias, remote)
                    })?;
                }
                Entry::Alias { .. } => {}
            }
        }
        journal.add(Step::Done { to: entries.len() })
    }

    /// Makes a version on the server, if it is not there.
    fn version(
        &mut self,
        journal: &mut Journal,
        name: &str,
        local: &ModelVersion,
        uuid: &str,
    ) -> Result<(), TrackingError> {
        let number = usize::try_from(local.version).unwrap_or(usize::MAX);
        let times = journal.state.making.entry(number).or_default();
        if journal.state.versions.contains_key(&local.version) && *times < 2 {
            return Ok(());
        }
        self.run(&local.run)?;
        let (_, run) = self.store.find(&local.run)?;
        let of_run = Journal::open(self.store, self.server, &format!("run-{}", run.uuid))?;
        let remote_run = of_run.state.remote.expect("a run that was pushed is known");
        drop(of_run.out);
        let request = self
            .http
            .name("POST", "/api/2.0/mlflow/model-versions/create");
        let source = format!("{}/{}", remote_run.artifact_uri, local.artifact);
        let tags = [
            (VERSION_UUID.to_owned(), uuid.to_owned()),
            (RUN_UUID.to_owned(), run.uuid),
        ];
        let (out, pushed) = (&mut journal.out, &mut self.pushed);
        let remote = match journal.state.versions.get(&local.version) {
            Some(remote) => *remote,
            None => self.http.retry(&request, |http, _| {
                let found = api::find_versions(http, name, &remote_run.run_id, VERSION_UUID, uuid)?;
                if let Some(first) = found.first() {
                    return Ok(*first);
                }
                *times += 1;
                out.add([&Step::Making { number }])?;
                let made = api::create_version(http, name, &source, &remote_run.run_id, &tags)?;
                pushed.versions += 1;
                Ok(made)
            })?,
        };
        out.add([&Step::Version {
            local: local.version,
            remote,
        }])?;
        if *times > 1 {
            self.http.retry(&request, |http, _| {
                for other in api::find_versions(http, name, &remote_run.run_id, VERSION_UUID, uuid)?
                {
                    if other != remote {
                        api::delete_version(http, name, other)?;
                    }
                }
                Ok::<(), Failure>(())
            })?;
            out.add([&Step::Single { number }])?;
            *times = 1;
        }
        journal.state.versions.insert(local.version, remote);
        Ok(())
    }
}

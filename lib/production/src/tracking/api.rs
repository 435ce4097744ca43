//! The requests of MLflow's REST interface 2.0 that the tracker makes, one attempt each.

use std::collections::HashSet;
use std::fs::File;

use serde_json::{Value, json};

use super::TrackingError;
use super::http::{Failure, Http, Payload, percent};
use super::record::{Data, Metric, Status, float, parse_float};

/// A run as the server knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) run_id: String,
    pub(crate) artifact_uri: String,
}

type Answer<T> = Result<T, Failure>;

const API: &str = "/api/2.0/mlflow/";
const ARTIFACTS: &str = "/api/2.0/mlflow-artifacts/artifacts";

fn post(http: &mut Http, path: &str, body: &Value) -> Answer<Value> {
    http.once("POST", &format!("{API}{path}"), &Payload::Json(body))
}

fn get(http: &mut Http, path: &str, query: &[(&str, &str)]) -> Answer<Value> {
    let query: Vec<String> = query
        .iter()
        .map(|(k, v)| format!("{k}={}", percent(v)))
        .collect();
    http.once(
        "GET",
        &format!("{API}{path}?{}", query.join("&")),
        &Payload::Nothing,
    )
}

/// An answer's text; its absence is an answer that is not MLflow's.
fn text(http: &Http, path: &str, value: &Value) -> Answer<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| {
        let request = http.name("", &format!("{API}{path}")).trim().to_owned();
        Failure::Never(TrackingError::Answer {
            request,
            reason: "a field is missing".into(),
        })
    })
}

/// Whether the server refused for the reason of this code.
fn refused(failure: &Failure, wanted: &str) -> bool {
    matches!(failure, Failure::Never(TrackingError::Refused { code, .. }) if code == wanted)
}

/// Text as a value of a search; names of models hold no quotation mark.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// The id of an experiment, which is made where it is not there.
pub(crate) fn experiment(http: &mut Http, name: &str) -> Answer<String> {
    match get(
        http,
        "experiments/get-by-name",
        &[("experiment_name", name)],
    ) {
        Ok(found) => {
            let found = &found["experiment"];
            if found["lifecycle_stage"] == "deleted" {
                return Err(Failure::Never(TrackingError::Setting {
                    setting: "MLFLOW_EXPERIMENT_NAME",
                    reason: format!(
                        "the experiment {name:?} was deleted on the server; restore it there \
                         (`mlflow experiments restore`), or take another name"
                    ),
                }));
            }
            text(http, "experiments/get-by-name", &found["experiment_id"])
        }
        Err(failure) if refused(&failure, "RESOURCE_DOES_NOT_EXIST") => {
            match post(http, "experiments/create", &json!({ "name": name })) {
                Ok(made) => text(http, "experiments/create", &made["experiment_id"]),
                // somebody else has made it in the meantime
                Err(failure) if refused(&failure, "RESOURCE_ALREADY_EXISTS") => {
                    Err(Failure::Again {
                        message: format!("the experiment {name:?} is being made"),
                        after: None,
                    })
                }
                Err(failure) => Err(failure),
            }
        }
        Err(failure) => Err(failure),
    }
}

fn remote(http: &Http, path: &str, run: &Value) -> Answer<Remote> {
    Ok(Remote {
        run_id: text(http, path, &run["info"]["run_id"])?,
        artifact_uri: text(http, path, &run["info"]["artifact_uri"])?,
    })
}

/// The runs of an experiment that bear a tag.
pub(crate) fn find_runs(
    http: &mut Http,
    experiment: &str,
    tag: &str,
    value: &str,
) -> Answer<Vec<Remote>> {
    let body = json!({
        "experiment_ids": [experiment],
        "filter": format!("tags.`{tag}` = {}", quoted(value)),
        "run_view_type": "ACTIVE_ONLY",
        "max_results": 100,
    });
    let found = post(http, "runs/search", &body)?;
    let runs = found["runs"].as_array().into_iter().flatten();
    runs.map(|run| remote(http, "runs/search", run)).collect()
}

pub(crate) fn create_run(
    http: &mut Http,
    experiment: &str,
    name: &str,
    start: u64,
    tags: &[(String, String)],
) -> Answer<Remote> {
    let body = json!({
        "experiment_id": experiment,
        "run_name": name,
        "start_time": start,
        "tags": pairs(tags),
    });
    let made = post(http, "runs/create", &body)?;
    remote(http, "runs/create", &made["run"])
}

pub(crate) fn delete_run(http: &mut Http, run_id: &str) -> Answer<()> {
    post(http, "runs/delete", &json!({ "run_id": run_id })).map(drop)
}

fn pairs(pairs: &[(String, String)]) -> Vec<Value> {
    pairs
        .iter()
        .map(|(key, value)| json!({ "key": key, "value": value }))
        .collect()
}

pub(crate) fn log_batch(
    http: &mut Http,
    run_id: &str,
    metrics: &[Metric],
    params: &[(String, String)],
    tags: &[(String, String)],
) -> Answer<()> {
    let metrics: Vec<Value> = metrics
        .iter()
        .map(|m| json!({ "key": m.key, "value": float(m.value), "timestamp": m.time, "step": m.step }))
        .collect();
    let body = json!({ "run_id": run_id, "metrics": metrics, "params": pairs(params), "tags": pairs(tags) });
    post(http, "runs/log-batch", &body).map(drop)
}

/// What the server has of a metric.
pub(crate) fn history(
    http: &mut Http,
    run_id: &str,
    key: &str,
) -> Answer<HashSet<(String, u64, i64, u64)>> {
    let path = "metrics/get-history";
    let answer = match get(http, path, &[("run_id", run_id), ("metric_key", key)]) {
        Ok(answer) => answer,
        // a store of files says so of a metric that was never logged
        Err(failure) if refused(&failure, "RESOURCE_DOES_NOT_EXIST") => return Ok(HashSet::new()),
        Err(failure) => return Err(failure),
    };
    let number = |value: &Value| value.as_i64().or_else(|| value.as_str()?.parse().ok());
    let mut found = HashSet::new();
    for value in answer["metrics"].as_array().into_iter().flatten() {
        let metric = (|| {
            Some(Metric {
                key: key.into(),
                value: parse_float(&value["value"])?,
                time: u64::try_from(number(&value["timestamp"])?).ok()?,
                step: if value["step"].is_null() {
                    0
                } else {
                    number(&value["step"])?
                },
            })
        })();
        let Some(metric) = metric else {
            let request = http.name("GET", &format!("{API}{path}"));
            let reason = format!("{value} is no value of a metric");
            return Err(Failure::Never(TrackingError::Answer { request, reason }));
        };
        found.insert(metric.identity());
    }
    Ok(found)
}

pub(crate) fn log_data(http: &mut Http, run_id: &str, data: &Data) -> Answer<()> {
    let body = json!({
        "run_id": run_id,
        "datasets": [{
            "dataset": {
                "name": data.name,
                "digest": data.digest,
                "source_type": "local",
                "source": json!({ "uri": data.source }).to_string(),
                "profile": json!({ "num_rows": data.rows }).to_string(),
            },
            "tags": [{ "key": "mlflow.data.context", "value": data.context }],
        }],
    });
    post(http, "runs/log-inputs", &body).map(drop)
}

/// The address of an artifact below the server's own, where the server passes artifacts on.
pub(crate) fn artifact_path(artifact_uri: &str, path: &str) -> Result<String, TrackingError> {
    let below = if let Some(rest) = artifact_uri.strip_prefix("mlflow-artifacts:") {
        match rest.strip_prefix("//") {
            Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
            None => rest,
        }
    } else if let Some((_, rest)) = artifact_uri.split_once(ARTIFACTS) {
        rest
    } else {
        return Err(TrackingError::Setting {
            setting: "MLFLOW_TRACKING_URI",
            reason: format!(
                "the server keeps artifacts at {artifact_uri}, which it does not pass on; \
                 start it with --serve-artifacts, and make the experiment anew"
            ),
        });
    };
    let parts = below
        .split('/')
        .chain(path.split('/'))
        .filter(|part| !part.is_empty());
    Ok(parts.fold(ARTIFACTS.to_owned(), |address, part| {
        address + "/" + &percent(part)
    }))
}

pub(crate) fn upload(http: &mut Http, address: &str, file: &File) -> Answer<()> {
    http.once("PUT", address, &Payload::Bytes(file)).map(drop)
}

pub(crate) fn update_run(
    http: &mut Http,
    run_id: &str,
    status: Status,
    end: Option<u64>,
) -> Answer<()> {
    let mut body = json!({ "run_id": run_id, "status": status.name() });
    if let Some(end) = end {
        body["end_time"] = end.into();
    }
    post(http, "runs/update", &body).map(drop)
}

/// Makes a registered model, if it is not there.
pub(crate) fn create_model(http: &mut Http, name: &str) -> Answer<()> {
    match post(http, "registered-models/create", &json!({ "name": name })) {
        Err(failure) if !refused(&failure, "RESOURCE_ALREADY_EXISTS") => Err(failure),
        _ => Ok(()),
    }
}

/// The versions of a model that bear a tag, the first first.
pub(crate) fn find_versions(
    http: &mut Http,
    name: &str,
    run_id: &str,
    tag: &str,
    value: &str,
) -> Answer<Vec<u64>> {
    let path = "model-versions/search";
    let filter = format!("name = {} and run_id = {}", quoted(name), quoted(run_id));
    let found = get(http, path, &[("filter", &filter), ("max_results", "1000")])?;
    let mut versions = Vec::new();
    for version in found["model_versions"].as_array().into_iter().flatten() {
        let tags = version["tags"].as_array().into_iter().flatten();
        if tags
            .into_iter()
            .any(|t| t["key"] == tag && t["value"] == value)
        {
            versions.push(number(http, path, &version["version"])?);
        }
    }
    versions.sort_unstable();
    Ok(versions)
}

fn number(http: &Http, path: &str, value: &Value) -> Answer<u64> {
    match value.as_u64() {
        Some(number) => Ok(number),
        None => text(http, path, value)?
            .parse()
            .or_else(|_| text(http, path, &Value::Null).map(|_| 0)),
    }
}

pub(crate) fn create_version(
    http: &mut Http,
    name: &str,
    source: &str,
    run_id: &str,
    tags: &[(String, String)],
) -> Answer<u64> {
    let body = json!({ "name": name, "source": source, "run_id": run_id, "tags": pairs(tags) });
    let made = post(http, "model-versions/create", &body)?;
    number(
        http,
        "model-versions/create",
        &made["model_version"]["version"],
    )
}

pub(crate) fn delete_version(http: &mut Http, name: &str, version: u64) -> Answer<()> {
    let body = json!({ "name": name, "version": version.to_string() });
    http.once(
        "DELETE",
        &format!("{API}model-versions/delete"),
        &Payload::Json(&body),
    )
    .map(drop)
}

/// Points an alias to a version, or takes it away; one that is not there need not be taken away.
pub(crate) fn set_alias(
    http: &mut Http,
    name: &str,
    alias: &str,
    version: Option<u64>,
) -> Answer<()> {
    let Some(version) = version else {
        let body = json!({ "name": name, "alias": alias });
        return match http.once(
            "DELETE",
            &format!("{API}registered-models/alias"),
            &Payload::Json(&body),
        ) {
            Err(failure) if !refused(&failure, "RESOURCE_DOES_NOT_EXIST") => Err(failure),
            _ => Ok(()),
        };
    };
    let body = json!({ "name": name, "alias": alias, "version": version.to_string() });
    post(http, "registered-models/alias", &body).map(drop)
}

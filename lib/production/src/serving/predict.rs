//! `POST /predict`.

use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use super::answer::Refusal;
use super::fleet::{Deployed, Fleet};
use super::http::{App, decision, fleet, parse, read};
use super::model::checked;
use super::observe::{AnsweredBy, RequestId};
use super::{FieldError, Part, Role, Task};
use crate::drift::Cell;

/// Longer bodies are worked on by a thread that may block.
const SHORT: usize = 16 * 1024;

#[derive(Serialize)]
struct ByModel<'a> {
    name: &'a str,
    version: &'a str,
    role: &'a str,
}

#[derive(Serialize)]
struct Prediction<'a> {
    id: String,
    prediction: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<bool>,
    unit: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<Vec<Part>>,
}

#[derive(Serialize)]
struct One<'a> {
    #[serde(flatten)]
    prediction: Prediction<'a>,
    model: ByModel<'a>,
}

#[derive(Serialize)]
struct Batch<'a> {
    predictions: Vec<Prediction<'a>>,
    model: ByModel<'a>,
}

/// What is left to do once the client has its answer.
struct Later {
    rows: Vec<Value>,
    answers: Vec<f64>,
    by: Arc<Deployed>,
}

pub(crate) async fn predict(
    State(app): State<Arc<App>>,
    Extension(RequestId(id)): Extension<RequestId>,
    request: Request,
) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let explain = head
        .uri
        .query()
        .is_some_and(|query| query.split('&').any(|q| q == "explain=true"));
    let key = head
        .headers
        .get("x-routing-key")
        .and_then(|key| key.to_str().ok());
    let key = key.unwrap_or(&id).to_owned();
    let bytes = read(&app, &head.headers, body).await?;
    // from here on the service's own time counts
    let began = Instant::now();
    let timeout = app.settings.timeout;
    let fleet = fleet(&app)?;
    let permit = app.gate.enter(timeout).await.ok_or_else(Refusal::busy)?;
    let by = Arc::clone(fleet.route(&key, app.settings.canary_share));
    let (response, later) = if bytes.len() <= SHORT && !by.model.slow() {
        answer(&app, &fleet, by, &bytes, explain)?
    } else {
        let (shared, versions) = (Arc::clone(&app), Arc::clone(&fleet));
        let work = tokio::task::spawn_blocking(move || {
            // held until the work ends, also where the client is no longer waiting
            let _permit = permit;
            answer(&shared, &versions, by, &bytes, explain)
        });
        match tokio::time::timeout(timeout.saturating_sub(began.elapsed()), work).await {
            Ok(Ok(result)) => result?,
            Ok(Err(error)) => return Err(failed(&app, &error.to_string())),
            Err(_) => return Err(Refusal::late(timeout)),
        }
    };
    if let Some(shadow) = fleet.shadow.clone() {
        tokio::spawn(ask_shadow(app, shadow, later));
    }
    Ok(response)
}

fn failed(app: &App, error: &str) -> Refusal {
    app.log.event(
        "error",
        "model failed",
        serde_json::json!({ "error": error }),
    );
    let message = "the model failed; the log holds the reason under this request's id";
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "model_failed", message)
}

/// The answer to a body, from one version.
fn answer(
    app: &App,
    fleet: &Fleet,
    by: Arc<Deployed>,
    bytes: &Bytes,
    explain: bool,
) -> Result<(Response, Later), Refusal> {
    let value = parse(bytes)?;
    let (rows, batch) = match value {
        Value::Array(list) => (list, true),
        one => (vec![one], false),
    };
    let limit = app.settings.batch_limit;
    if rows.is_empty() || rows.len() > limit {
        let (status, code) = match rows.len() {
            0 => (StatusCode::UNPROCESSABLE_ENTITY, "empty_batch"),
            _ => (StatusCode::PAYLOAD_TOO_LARGE, "batch_too_large"),
        };
        let message = format!("{} rows; a batch has 1 to {limit}", rows.len());
        return Err(Refusal::new(status, code, message));
    }
    let schema = by.model.schema();
    let cells = cells(app, &by, &rows)?;
    let answers = checked(&*by.model, &cells).map_err(|error| failed(app, &error.to_string()))?;
    let ids: Vec<(u128, f64)> = answers
        .iter()
        .map(|answer| (app.ids.next(), *answer))
        .collect();

    let unit = match &schema.task {
        Task::Probability { .. } => "probability",
        Task::Quantity { unit } => unit,
    };
    let mut predictions = Vec::with_capacity(ids.len());
    for ((id, prediction), row) in ids.iter().zip(&cells) {
        let parts = explain.then(|| by.model.explain(row));
        let parts = parts
            .transpose()
            .map_err(|error| failed(app, &error.to_string()))?;
        predictions.push(Prediction {
            id: format!("{id:032x}"),
            prediction: *prediction,
            decision: decision(&schema.task, *prediction),
            unit,
            parts,
        });
    }
    let model = ByModel {
        name: &schema.name,
        version: &by.version,
        role: by.role.name(),
    };
    let text = if batch {
        serde_json::to_vec(&Batch { predictions, model })
    } else {
        let prediction = predictions.remove(0);
        serde_json::to_vec(&One { prediction, model })
    };
    let text = text.map_err(|error| failed(app, &error.to_string()))?;

    app.metrics
        .predictions(&by.version, by.role.name(), ids.len());
    app.quality.remember(&by.version, &schema.task, &ids);
    if by.role == Role::Champion {
        app.monitor.rows(&fleet.champion, &cells);
    }
    let mut response = text.into_response();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response.extensions_mut().insert(AnsweredBy {
        version: Arc::clone(&by.version),
        role: by.role.name(),
        rows: ids.len(),
    });
    Ok((response, Later { rows, answers, by }))
}

/// The cells of all rows, or every fault of every row.
fn cells(app: &App, by: &Deployed, rows: &[Value]) -> Result<Vec<Vec<Cell>>, Refusal> {
    let mut faults: Vec<FieldError> = Vec::new();
    let mut cells = Vec::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        match by.model.schema().row(place, row) {
            Ok(row) => cells.push(row),
            Err(more) => faults.extend(more),
        }
    }
    for fault in faults
        .iter()
        .filter(|fault| fault.code == "unseen_category")
    {
        app.metrics.unseen(&fault.field);
    }
    if faults.is_empty() {
        Ok(cells)
    } else {
        Err(Refusal::fields(faults, rows.len()))
    }
}

/// Asks the shadow the same, and compares; nobody waits for it, and it is left out where it falls behind.
async fn ask_shadow(app: Arc<App>, shadow: Arc<Deployed>, later: Later) {
    let Some(permit) = app.shadows.enter(std::time::Duration::ZERO).await else {
        app.metrics.shadow("left_out");
        return;
    };
    let _ = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let schema = shadow.model.schema();
        let rows: Result<Vec<_>, _> = later
            .rows
            .iter()
            .enumerate()
            .map(|(i, row)| schema.row(i, row))
            .collect();
        let Ok(rows) = rows else {
            app.metrics.shadow("refused");
            return;
        };
        match checked(&*shadow.model, &rows) {
            Err(error) => {
                app.metrics.shadow("failed");
                let text = error.to_string();
                app.log.event(
                    "error",
                    "shadow failed",
                    serde_json::json!({ "error": text }),
                );
            }
            Ok(answers) => {
                app.metrics
                    .predictions(&shadow.version, shadow.role.name(), answers.len());
                for (theirs, ours) in answers.iter().zip(&later.answers) {
                    let largest = theirs.abs().max(ours.abs());
                    let share = if largest > 0.0 {
                        (theirs - ours).abs() / largest
                    } else {
                        0.0
                    };
                    app.metrics.difference(share);
                    let same = decision(&schema.task, *theirs)
                        == decision(&later.by.model.schema().task, *ours);
                    app.metrics.shadow(if same { "agrees" } else { "differs" });
                }
            }
        }
    })
    .await;
}

//! The routes, and what they share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router, middleware};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::answer::Refusal;
use super::fleet::{Deployment, Fleet};
use super::gate::Gate;
use super::log::Log;
use super::metrics::{Metrics, Text};
use super::monitor::Monitor;
use super::observe::{RequestId, observe};
use super::quality::{Outcome, Quality};
use super::{Settings, Task, openapi, page, predict};

/// Bytes of a body that was refused and is read all the same.
const DISCARDED: usize = 16 << 20;

/// All that requests share.
pub(crate) struct App {
    pub settings: Settings,
    pub deployment: Deployment,
    pub gate: Gate,
    pub shadows: Gate,
    pub metrics: Metrics,
    pub monitor: Monitor,
    pub quality: Quality,
    pub log: Log,
    pub ids: Ids,
    pub stopping: AtomicBool,
    pub started: SystemTime,
}

/// Ids of requests and predictions: a random half, and a count.
pub(crate) struct Ids {
    start: u64,
    count: AtomicU64,
}

impl Ids {
    pub fn new() -> Ids {
        Ids {
            start: rand::random(),
            count: AtomicU64::new(0),
        }
    }

    pub fn next(&self) -> u128 {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        u128::from(self.start) << 64 | u128::from(count)
    }

    pub fn next_text(&self) -> String {
        format!("{:032x}", self.next())
    }
}

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(form))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(interface))
        .route("/predict", post(predict::predict))
        .route("/feedback", post(feedback))
        .fallback(|| async {
            let message = "there is no such path; /openapi.json lists those that are";
            Refusal::new(StatusCode::NOT_FOUND, "not_found", message)
        })
        .method_not_allowed_fallback(|| async {
            let message = "this path takes another method";
            Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                message,
            )
        })
        .layer(middleware::from_fn_with_state(Arc::clone(&app), observe))
        .with_state(app)
}

/// The versions that are loaded, or the answer that there are none.
pub(crate) fn fleet(app: &App) -> Result<Arc<Fleet>, Refusal> {
    app.deployment.fleet().ok_or_else(|| {
        let message = "no model is loaded; /readyz says why";
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", message)
    })
}

/// The body of a request, within the limits.
pub(crate) async fn read(app: &App, headers: &HeaderMap, mut body: Body) -> Result<Bytes, Refusal> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or("").split(';').next().unwrap_or("").trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        let kind: String = kind.chars().take(80).collect();
        let message = format!("content-type is {kind:?}, application/json is needed");
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            message,
        ));
    }
    let limit = app.settings.body_limit;
    let stated = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    if stated
        .and_then(|length| length.parse::<u64>().ok())
        .is_some_and(|length| length > limit as u64)
    {
        discard(&mut body).await;
        return Err(Refusal::too_long(limit));
    }
    let wait = app.settings.read_timeout;
    match tokio::time::timeout(wait, collect(&mut body, limit)).await {
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Ok(None)) => {
            discard(&mut body).await;
            Err(Refusal::too_long(limit))
        }
        Ok(Err(error)) => {
            let message = format!("the body could not be read: {error}");
            Err(Refusal::new(StatusCode::BAD_REQUEST, "torn_body", message))
        }
        Err(_) => {
            let message = format!("the body did not arrive within {} s", wait.as_secs_f64());
            Err(Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                "slow_body",
                message,
            ))
        }
    }
}

/// A whole body, or nothing once it is longer than `limit`.
async fn collect(body: &mut Body, limit: usize) -> Result<Option<Bytes>, axum::Error> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            if bytes.len() + data.len() > limit {
                return Ok(None);
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(Some(bytes.into()))
}

/// Reads what a client is still sending, within bounds: one whose connection is closed meanwhile may never see why.
async fn discard(body: &mut Body) {
    let reading = async {
        let mut left = DISCARDED;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            if length >= left {
                break;
            }
            left -= length;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(2), reading).await;
}

/// A body as JSON.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(bytes).map_err(|error| {
        let has = |word: &[u8]| bytes.windows(word.len()).any(|at| at == word);
        let hint = if has(b"NaN") || has(b"Infinity") {
            "; JSON has no NaN and no Infinity: leave the field out where it may be missing"
        } else {
            ""
        };
        let message = format!("the body is not JSON: {error}{hint}");
        Refusal::new(StatusCode::BAD_REQUEST, "not_json", message)
    })
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.stopping.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n").into_response();
    }
    match app.deployment.fleet() {
        Some(_) => "ready\n".into_response(),
        None => {
            let why = app
                .deployment
                .trouble()
                .unwrap_or_else(|| "no model is loaded yet".into());
            (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response()
        }
    }
}

async fn interface(State(app): State<Arc<App>>) -> Result<Json<Value>, Refusal> {
    let fleet = fleet(&app)?;
    Ok(Json(openapi::document(
        fleet.champion.model.as_ref(),
        &app.settings,
    )))
}

async fn form(State(app): State<Arc<App>>) -> Result<Html<String>, Refusal> {
    let fleet = fleet(&app)?;
    Ok(Html(page::page(fleet.champion.model.as_ref())))
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let made = tokio::task::spawn_blocking(move || {
        let mut text = Text::default();
        app.metrics.write(&mut text);
        text.gauge(
            "ml_ready",
            "1 where a model is loaded and the service is not shutting down.",
        );
        let ready = app.deployment.fleet().is_some() && !app.stopping.load(Ordering::Relaxed);
        text.sample(&[], f64::from(u8::from(ready)));
        text.gauge(
            "ml_reload_failures",
            "Roles whose version on disk cannot be loaded now, the source included.",
        );
        text.sample(&[], app.deployment.failures() as f64);
        if let Some(fleet) = app.deployment.fleet() {
            text.gauge("ml_model_info", "The versions that are loaded.");
            for one in fleet.all() {
                let name = &one.model.schema().name;
                let labels = [
                    ("name", name.as_str()),
                    ("version", &*one.version),
                    ("role", one.role.name()),
                ];
                text.sample(&labels, 1.0);
            }
            app.monitor.write(&fleet.champion, &mut text);
        }
        app.quality.write(&mut text);
        text.gauge(
            "process_start_time_seconds",
            "When the process began, in seconds since 1970.",
        );
        let began = app
            .started
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        text.sample(&[], began.as_secs_f64());
        if let Some(bytes) = resident() {
            text.gauge(
                "process_resident_memory_bytes",
                "Memory that the process holds.",
            );
            text.sample(&[], bytes);
        }
        text.finish()
    });
    match made.await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Memory that the process holds, in bytes, where the system tells.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

/// What became of predictions.
async fn feedback(
    State(app): State<Arc<App>>,
    Extension(RequestId(_)): Extension<RequestId>,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let (head, body) = request.into_parts();
    let bytes = read(&app, &head.headers, body).await?;
    let value = parse(&bytes)?;
    let one = [value];
    let outcomes = match &one[0] {
        Value::Array(list) => list.as_slice(),
        _ => one.as_slice(),
    };
    let (mut matched, mut unknown) = (0, Vec::new());
    let mut faults = Vec::new();
    for (row, told) in outcomes.iter().enumerate() {
        let id = told.get("id").and_then(Value::as_str);
        let number = match told.get("outcome") {
            Some(Value::Bool(yes)) => Some(f64::from(u8::from(*yes))),
            Some(value) => value.as_f64(),
            None => None,
        };
        let fault = |field: &str, code, message: &str| super::FieldError {
            row,
            field: field.into(),
            code,
            message: message.into(),
        };
        let (Some(id), Some(number)) = (id, number) else {
            let field = if id.is_none() { "id" } else { "outcome" };
            faults.push(fault(
                field,
                "missing_field",
                "id, a text, and outcome, a number, are needed",
            ));
            continue;
        };
        match u128::from_str_radix(id, 16).map(|id| app.quality.outcome(id, number)) {
            Ok(Outcome::Matched) => matched += 1,
            Ok(Outcome::Refused(why)) => faults.push(fault("outcome", "out_of_range", why)),
            Ok(Outcome::Unknown) | Err(_) => unknown.push(id.chars().take(80).collect::<String>()),
        }
    }
    app.metrics.feedback("matched", matched);
    app.metrics.feedback("unknown", unknown.len());
    app.metrics.feedback("refused", faults.len());
    if !faults.is_empty() && matched == 0 && unknown.is_empty() {
        let rows = outcomes.len();
        return Err(Refusal::fields(faults, rows));
    }
    Ok(Json(
        json!({"matched": matched, "unknown": unknown, "refused": faults}),
    ))
}

/// The decision for a prediction, where the model decides.
pub(crate) fn decision(task: &Task, prediction: f64) -> Option<bool> {
    match task {
        Task::Probability { threshold, .. } => Some(prediction >= *threshold),
        Task::Quantity { .. } => None,
    }
}

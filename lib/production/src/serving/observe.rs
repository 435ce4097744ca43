//! What happens to every request: an id, a line in the log, and counts.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::json;

use super::answer::Refusal;
use super::http::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: the client's, where it states one that will do.
#[derive(Clone)]
pub(crate) struct RequestId(pub Arc<str>);

/// The version that answered, for the log.
#[derive(Clone)]
pub(crate) struct AnsweredBy {
    pub version: Arc<str>,
    pub role: &'static str,
    pub rows: usize,
}

pub(crate) async fn observe(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let _in_flight = app.metrics.begin();
    let id = stated(request.headers()).unwrap_or_else(|| app.ids.next_text());
    let id: Arc<str> = id.into();
    request.extensions_mut().insert(RequestId(Arc::clone(&id)));
    let route = route(request.uri().path());
    let method = request.method().clone();

    let mut response = next.run(request).await;
    let refusal = response.extensions_mut().remove::<Refusal>();
    if let Some(refusal) = &refusal {
        // such as Allow, which says what would do
        let kept = std::mem::take(response.headers_mut());
        response = refusal.answer(&id);
        for (name, value) in &kept {
            if !response.headers().contains_key(name) && name != "content-length" {
                response.headers_mut().insert(name, value.clone());
            }
        }
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let (seconds, status) = (began.elapsed().as_secs_f64(), response.status().as_u16());
    let code = refusal.as_ref().map(|refusal| refusal.code);
    app.metrics.request(route, status, seconds, code);
    if app.log.is_on() {
        let by = response.extensions().get::<AnsweredBy>();
        let level = if status >= 500 { "error" } else { "info" };
        let mut fields = json!({
            "request_id": &*id,
            "method": method.as_str(),
            "route": route,
            "status": status,
            "milliseconds": (seconds * 1e6).round() / 1e3,
        });
        if let Some(by) = by {
            fields["version"] = (*by.version).into();
            fields["role"] = by.role.into();
            fields["rows"] = by.rows.into();
        }
        if let Some(refusal) = &refusal {
            fields["code"] = refusal.code.into();
            // what the client sent may be personal: the faults' fields are named, their values are not
            let names: Vec<&str> = refusal.fields.iter().map(|f| f.field.as_str()).collect();
            if !names.is_empty() {
                fields["fields"] = names.into();
            }
        }
        app.log.event(level, "request", fields);
    }
    response
}

/// The id that a client states: up to 64 letters, digits, `-`, `_`, `.`.
fn stated(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(REQUEST_ID)?.to_str().ok()?;
    let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    ((1..=64).contains(&text.len()) && text.chars().all(fine)).then(|| text.to_owned())
}

/// The route as a label: what clients make up is one.
fn route(path: &str) -> &'static str {
    let known = [
        "/predict",
        "/feedback",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/",
    ];
    known
        .into_iter()
        .find(|route| *route == path)
        .unwrap_or("other")
}

//! Answers that say no, in one shape.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::FieldError;

/// Most faults that an answer lists.
const LISTED: usize = 100;

/// A request that is refused, and why.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
    pub fields: Vec<FieldError>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    code: &'a str,
    message: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    fields: &'a [FieldError],
}

impl Refusal {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal {
            status,
            code,
            message: message.into(),
            fields: Vec::new(),
        }
    }

    pub fn fields(mut fields: Vec<FieldError>, rows: usize) -> Refusal {
        let faults = fields.len();
        fields.truncate(LISTED);
        let more = if faults > LISTED {
            format!("; the first {LISTED} are listed")
        } else {
            String::new()
        };
        let (s, of) = (
            if faults == 1 { "" } else { "s" },
            if rows == 1 { "" } else { "s" },
        );
        let message = format!("{faults} fault{s} in {rows} row{of}{more}; nothing was predicted");
        Refusal {
            fields,
            ..Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_fields", message)
        }
    }

    pub fn too_long(limit: usize) -> Refusal {
        let message = format!("the body is longer than {limit} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
    }

    pub fn busy() -> Refusal {
        let message = "too many requests at once; try again in a second";
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message)
    }

    pub fn late(timeout: Duration) -> Refusal {
        let message = format!("no answer within {} s", timeout.as_secs_f64());
        Refusal::new(StatusCode::GATEWAY_TIMEOUT, "timeout", message)
    }

    /// The answer, once the request's id is known.
    pub fn answer(&self, request_id: &str) -> Response {
        let error = Error {
            code: self.code,
            message: &self.message,
            request_id,
            fields: &self.fields,
        };
        let mut response = (self.status, Json(Body { error })).into_response();
        if self.code == "busy" {
            let second = HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, second);
        }
        // what is left of the body was not read
        if self.code == "body_too_large" || self.code == "slow_body" {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        response
    }
}

impl IntoResponse for Refusal {
    /// An empty answer that carries the refusal: what observes every request writes it out, with the id.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

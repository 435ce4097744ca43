//! A model behind HTTP: typed requests, limits, metrics, and versions that change without a dropped request.
//!
//! A [`Service`] serves any [`Model`], from a [`Source`] that says which version is the champion, which is the canary
//! and which runs in the shadow. [`LinearModel`] is a model of ours in one file, with its checksum.
//!
//! | path | what |
//! |---|---|
//! | `POST /predict` | an object is one row, a list of objects is a batch; `?explain=true` adds each field's part |
//! | `POST /feedback` | what became of a prediction, later: `{"id": …, "outcome": …}`, or a list |
//! | `GET /healthz` | the process answers |
//! | `GET /readyz` | a model is loaded, and the service is not shutting down |
//! | `GET /metrics` | Prometheus' text format |
//! | `GET /openapi.json` | the interface, made from the model's schema |
//! | `GET /` | a form to try it |
//!
//! The chapter *Serving* explains the why, and writes a server by hand first.

mod answer;
mod connection;
mod error;
mod fleet;
mod gate;
mod http;
mod linear;
mod log;
mod metrics;
mod model;
mod monitor;
mod observe;
mod openapi;
mod page;
mod predict;
mod quality;
mod registry;
mod schema;
mod service;
mod settings;
mod source;

pub use error::{ModelError, ServingError};
pub use linear::{LinearModel, Link, Term};
pub use model::{Model, Part};
pub use registry::Registry;
pub use schema::{Field, FieldError, Kind, Schema, Task};
pub use service::{Drained, Running, Service};
pub use settings::Settings;
pub use source::{Folder, Release, Releases, Role, Source};

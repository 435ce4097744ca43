use serde::Serialize;
use serde_json::{Map, Value};

use super::{ModelError, Schema};
use crate::drift::{Cell, Reference};

/// What a field adds to a prediction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// The field; `intercept` for what is there without one.
    pub field: String,
    /// What it adds: log-odds for a probability, the unit of the quantity else.
    pub adds: f64,
}

/// A fitted model that can be served.
pub trait Model: Send + Sync {
    /// What it takes and gives.
    fn schema(&self) -> &Schema;

    /// What the training rows held, for drift.
    fn reference(&self) -> &Reference;

    /// A prediction a row, in order; rows are of the schema.
    ///
    /// # Errors
    /// [`ModelError`].
    fn predict(&self, rows: &[Vec<Cell>]) -> Result<Vec<f64>, ModelError>;

    /// What each field adds to the prediction of a row; empty where the model cannot say.
    ///
    /// # Errors
    /// [`ModelError`].
    fn explain(&self, row: &[Cell]) -> Result<Vec<Part>, ModelError> {
        let _ = row;
        Ok(Vec::new())
    }

    /// A row as a client sends it, to try the model with.
    fn example(&self) -> Map<String, Value> {
        self.schema().example()
    }

    /// Whether a single row takes longer than some 100 µs: it is then computed on a thread that may block.
    fn slow(&self) -> bool {
        false
    }
}

/// Predictions that are all finite, a row each; a model that panics is an error, not the end of the process.
pub(crate) fn checked(model: &dyn Model, rows: &[Vec<Cell>]) -> Result<Vec<f64>, ModelError> {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| model.predict(rows)));
    let answers = caught.map_err(|_| ModelError::Other("the model panicked".into()))??;
    if answers.len() != rows.len() {
        let message = format!("{} predictions for {} rows", answers.len(), rows.len());
        return Err(ModelError::Other(message));
    }
    match answers.iter().enumerate().find(|(_, v)| !v.is_finite()) {
        Some((row, &value)) => Err(ModelError::NotFinite { row, value }),
        None => Ok(answers),
    }
}

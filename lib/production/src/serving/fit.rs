use foundations::linear_model::LogisticRegression;
use ndarray::{Array1, Array2};

use super::{Kind, LinearModel, Link, Schema, ServingError, Term};
use crate::drift::{Cell, FieldReference, Reference};

/// Bins of a numeric field in the reference for drift.
const BINS: usize = 10;

impl LinearModel {
    /// Fits a logistic regression to rows of a schema, with a ridge penalty, and keeps what the rows held for drift.
    ///
    /// Numbers are brought to mean 0 and standard deviation 1, a missing one to the mean; each level of a category has
    /// a weight, which the penalty makes unique.
    ///
    /// # Arguments
    /// - `rows`: cells in the order of the schema, shape `(n, fields)`.
    /// - `outcomes`: 0 or 1 each, shape `(n,)`.
    /// - `alpha`: the penalty, above 0; one over scikit-learn's `C`.
    ///
    /// # Errors
    /// [`ServingError::Model`] with what is wrong.
    ///
    /// # References
    /// Agrees with scikit-learn's `LogisticRegression` on the same columns to a relative 1e-6, through the peer of
    /// `benches/peers`. Chapter *Serving*.
    pub fn fit_logistic(
        schema: Schema,
        rows: &[Vec<Cell>],
        outcomes: &[f64],
        alpha: f64,
    ) -> Result<LinearModel, ServingError> {
        let name = schema.name.clone();
        let wrong = |reason: String| ServingError::Model {
            name: name.clone(),
            reason,
        };
        if let Some(row) = rows.iter().position(|row| row.len() != schema.fields.len()) {
            return Err(wrong(format!("row {row} has {} fields", rows[row].len())));
        }
        if !(alpha > 0.0 && alpha.is_finite()) {
            return Err(wrong(format!(
                "the penalty is {alpha}, a number above 0 is needed"
            )));
        }
        let mut columns: Vec<Vec<f64>> = Vec::new();
        let mut terms = Vec::new();
        let mut fields = Vec::new();
        for (i, field) in schema.fields.iter().enumerate() {
            let cells: Vec<Cell> = rows.iter().map(|row| row[i]).collect();
            let reference = match &field.kind {
                Kind::Number { .. } | Kind::Flag => {
                    let values: Vec<Option<f64>> = cells.iter().map(number).collect();
                    let reference = FieldReference::numbers(&field.name, &values, BINS);
                    let (mean, scale) = moments(&values);
                    let one = |value: &Option<f64>| (value.unwrap_or(mean) - mean) / scale;
                    columns.push(values.iter().map(one).collect());
                    terms.push(Term::Number {
                        weight: 0.0,
                        mean,
                        scale,
                        missing: mean,
                    });
                    reference
                }
                Kind::Category { levels } => {
                    for level in 0..levels.len() {
                        let is = |cell: &Cell| f64::from(u8::from(*cell == Cell::Level(level)));
                        columns.push(cells.iter().map(is).collect());
                    }
                    terms.push(Term::Category {
                        weights: vec![0.0; levels.len()],
                        missing: 0.0,
                    });
                    FieldReference::levels(&field.name, levels, &cells)
                }
            };
            fields.push(reference.map_err(|error| wrong(error.to_string()))?);
        }
        let x = Array2::from_shape_fn((rows.len(), columns.len()), |(row, column)| {
            columns[column][row]
        });
        let y = Array1::from(outcomes.to_vec());
        let fit = LogisticRegression::new(alpha)
            .fit(x.view(), y.view())
            .map_err(|error| wrong(error.to_string()))?;
        if !fit.converged() {
            return Err(wrong(format!("no convergence in {} steps", fit.n_iter())));
        }
        let mut coefficients = fit.coef().to_vec().into_iter();
        for term in &mut terms {
            let weights: &mut [f64] = match term {
                Term::Number { weight, .. } => std::slice::from_mut(weight),
                Term::Category { weights, .. } => weights,
            };
            for (weight, coefficient) in weights.iter_mut().zip(&mut coefficients) {
                *weight = coefficient;
            }
        }
        LinearModel::new(
            schema,
            Link::Logistic,
            fit.intercept(),
            terms,
            Reference { fields },
        )
    }
}

fn number(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Number(value) => Some(*value),
        _ => None,
    }
}

/// Mean and standard deviation (of the population) of the values that are there; 1 where they are all the same.
fn moments(values: &[Option<f64>]) -> (f64, f64) {
    let there: Vec<f64> = values.iter().flatten().copied().collect();
    let n = there.len().max(1) as f64;
    let mean = there.iter().sum::<f64>() / n;
    let variance = there.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 })
}

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Field, Kind, Model, ModelError, Part, Schema, ServingError};
use crate::drift::{Cell, Reference};

/// The format of the file that this crate writes.
const FORMAT: u64 = 1;

/// How a linear score becomes a prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// The score is the prediction.
    Identity,
    /// The score is a log-odds, the prediction its probability `1 / (1 + e⁻ˢ)`.
    Logistic,
}

/// What a field adds to the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// A number: `weight · (value − mean) / scale`.
    Number {
        /// The coefficient, per `scale`.
        weight: f64,
        /// What is taken off.
        mean: f64,
        /// What is divided by.
        scale: f64,
        /// The value that stands for a missing one.
        missing: f64,
    },
    /// A category: a weight a level, in the order of the schema.
    Category {
        /// The weights.
        weights: Vec<f64>,
        /// The weight that stands for a missing value.
        missing: f64,
    },
}

/// A linear or logistic regression, in one file: `s = b + Σ termⱼ(xⱼ)`.
///
/// # Examples
/// ```
/// use production::drift::{Cell, FieldReference, Reference};
/// use production::serving::{Field, Kind, LinearModel, Link, Model, Schema, Task, Term};
///
/// let schema = Schema {
///     name: "economy".into(),
///     title: "Fuel economy of a car".into(),
///     task: Task::Quantity { unit: "mpg".into() },
///     fields: vec![Field {
///         name: "weight".into(),
///         meaning: "mass of the car".into(),
///         optional: false,
///         kind: Kind::Number { unit: "lb".into(), min: 500.0, max: 12_000.0, whole: false },
///     }],
/// };
/// let reference = Reference {
///     fields: vec![FieldReference::numbers("weight", &[Some(2000.0), Some(3000.0), Some(4000.0)], 3)?],
/// };
/// let term = Term::Number { weight: -7.0, mean: 3000.0, scale: 1000.0, missing: 3000.0 };
/// let model = LinearModel::new(schema, Link::Identity, 23.0, vec![term], reference)?;
/// assert_eq!(model.predict(&[vec![Cell::Number(2000.0)]])?, [30.0]);
///
/// let folder = tempfile::tempdir()?;
/// let file = folder.path().join("economy.model");
/// model.save(&file)?;
/// assert_eq!(LinearModel::load(&file)?, model);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinearModel {
    schema: Schema,
    link: Link,
    intercept: f64,
    terms: Vec<Term>,
    reference: Reference,
}

/// The first line of a file.
#[derive(Serialize, Deserialize)]
struct Header {
    model: String,
    format: u64,
    sha256: String,
}

impl LinearModel {
    /// A model of its parts: a term and a reference for each field of the schema, in its order.
    ///
    /// # Errors
    /// [`ServingError::Model`] where the parts do not fit together, or a number is not finite.
    pub fn new(
        schema: Schema,
        link: Link,
        intercept: f64,
        terms: Vec<Term>,
        reference: Reference,
    ) -> Result<LinearModel, ServingError> {
        let model = LinearModel {
            schema,
            link,
            intercept,
            terms,
            reference,
        };
        match model.fault() {
            Some(reason) => Err(ServingError::Model {
                name: model.schema.name,
                reason,
            }),
            None => Ok(model),
        }
    }

    fn fault(&self) -> Option<String> {
        if let Some(fault) = self.schema.fault() {
            return Some(fault);
        }
        let fields = self.schema.fields.len();
        if (self.terms.len(), self.reference.fields.len()) != (fields, fields) {
            return Some(format!(
                "{fields} fields, {} terms, {} in the reference",
                self.terms.len(),
                self.reference.fields.len()
            ));
        }
        if !self.intercept.is_finite() {
            return Some(format!("the intercept is {}", self.intercept));
        }
        let mut pairs = self.schema.fields.iter().zip(&self.terms);
        pairs.find_map(|(field, term)| term.fault(field))
    }

    /// Writes the model to a file, whole: it stands there entirely, or not at all.
    ///
    /// The first line holds the format and the SHA-256 of the second, which is the model as JSON.
    ///
    /// # Errors
    /// [`ServingError::Io`].
    pub fn save(&self, path: &Path) -> Result<(), ServingError> {
        let model = self.schema.name.clone();
        let broken = |error: serde_json::Error| ServingError::Model {
            name: model.clone(),
            reason: error.to_string(),
        };
        let body = serde_json::to_string(self).map_err(broken)?;
        let header = Header {
            model: model.clone(),
            format: FORMAT,
            sha256: sha256(&body),
        };
        let header = serde_json::to_string(&header).map_err(broken)?;
        let mut partial = path.as_os_str().to_owned();
        partial.push(format!(".{}.partial", std::process::id()));
        let partial = Path::new(&partial);
        let write = || -> std::io::Result<()> {
            let mut file = std::fs::File::create(partial)?;
            write!(file, "{header}\n{body}\n")?;
            file.sync_all()?;
            std::fs::rename(partial, path)
        };
        write().map_err(|error| {
            let _ = std::fs::remove_file(partial);
            ServingError::io(path, "written")(error)
        })
    }

    /// Reads a model from a file, and checks it.
    ///
    /// # Errors
    /// [`ServingError::Io`]; [`ServingError::Format`] with the line; [`ServingError::Altered`];
    /// [`ServingError::Newer`]; [`ServingError::Model`].
    pub fn load(path: &Path) -> Result<LinearModel, ServingError> {
        let format = |line, reason: String| ServingError::Format {
            path: path.into(),
            line,
            reason,
        };
        let bytes = std::fs::read(path).map_err(ServingError::io(path, "read"))?;
        let text = String::from_utf8(bytes).map_err(|_| format(1, "not text".into()))?;
        let (first, rest) = text
            .split_once('\n')
            .ok_or_else(|| format(1, "one line, a header and a model are needed".into()))?;
        let header: Header = serde_json::from_str(first)
            .map_err(|error| format(1, format!("not the header of a model: {error}")))?;
        if header.format > FORMAT {
            return Err(ServingError::Newer {
                path: path.into(),
                found: header.format,
                known: FORMAT,
            });
        }
        let body = rest.strip_suffix('\n').unwrap_or(rest);
        let found = sha256(body);
        if found != header.sha256 {
            return Err(ServingError::Altered {
                path: path.into(),
                expected: header.sha256,
                found,
            });
        }
        let model: LinearModel =
            serde_json::from_str(body).map_err(|error| format(2, error.to_string()))?;
        let LinearModel {
            schema,
            link,
            intercept,
            terms,
            reference,
        } = model;
        LinearModel::new(schema, link, intercept, terms, reference)
    }

    fn score(&self, place: usize, row: &[Cell]) -> Result<f64, ModelError> {
        if row.len() != self.terms.len() {
            return Err(ModelError::Row {
                row: place,
                reason: format!("{} fields, expected {}", row.len(), self.terms.len()),
            });
        }
        let mut score = self.intercept;
        for (term, cell) in self.terms.iter().zip(row) {
            score += term.adds(*cell).ok_or_else(|| ModelError::Row {
                row: place,
                reason: format!("{cell:?} is not what a field holds"),
            })?;
        }
        Ok(score)
    }
}

impl Model for LinearModel {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn reference(&self) -> &Reference {
        &self.reference
    }

    fn predict(&self, rows: &[Vec<Cell>]) -> Result<Vec<f64>, ModelError> {
        let one = |(place, row): (usize, &Vec<Cell>)| {
            let score = self.score(place, row)?;
            Ok(match self.link {
                Link::Identity => score,
                // neither branch takes the exponential of a large number
                Link::Logistic if score >= 0.0 => 1.0 / (1.0 + (-score).exp()),
                Link::Logistic => score.exp() / (1.0 + score.exp()),
            })
        };
        rows.iter().enumerate().map(one).collect()
    }

    fn explain(&self, row: &[Cell]) -> Result<Vec<Part>, ModelError> {
        self.score(0, row)?;
        let intercept = Part {
            field: "intercept".into(),
            adds: self.intercept,
        };
        let parts = self.schema.fields.iter().zip(&self.terms).zip(row);
        let parts = parts.filter_map(|((field, term), cell)| {
            Some(Part {
                field: field.name.clone(),
                adds: term.adds(*cell)?,
            })
        });
        Ok(std::iter::once(intercept).chain(parts).collect())
    }
}

impl Term {
    fn adds(&self, cell: Cell) -> Option<f64> {
        match (self, cell) {
            (
                Term::Number {
                    weight,
                    mean,
                    scale,
                    ..
                },
                Cell::Number(value),
            ) => Some(weight * (value - mean) / scale),
            (
                Term::Number {
                    weight,
                    mean,
                    scale,
                    missing,
                },
                Cell::Missing,
            ) => Some(weight * (missing - mean) / scale),
            (Term::Category { weights, .. }, Cell::Level(level)) => weights.get(level).copied(),
            (Term::Category { missing, .. }, Cell::Missing) => Some(*missing),
            _ => None,
        }
    }

    fn fault(&self, field: &Field) -> Option<String> {
        let name = &field.name;
        let numbers = match (self, &field.kind) {
            (
                Term::Number {
                    weight,
                    mean,
                    scale,
                    missing,
                },
                Kind::Number { .. } | Kind::Flag,
            ) => {
                if *scale == 0.0 {
                    return Some(format!("field {name:?}: the scale is 0"));
                }
                vec![*weight, *mean, *scale, *missing]
            }
            (Term::Category { weights, missing }, Kind::Category { levels }) => {
                if weights.len() != levels.len() {
                    let (have, need) = (weights.len(), levels.len());
                    return Some(format!("field {name:?}: {have} weights for {need} levels"));
                }
                let mut numbers = weights.clone();
                numbers.push(*missing);
                numbers
            }
            _ => return Some(format!("field {name:?}: the term is of another kind")),
        };
        let bad = numbers.iter().find(|v| !v.is_finite())?;
        Some(format!("field {name:?}: a number is {bad}"))
    }
}

fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

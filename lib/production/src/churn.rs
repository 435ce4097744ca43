//! The churn data as a model's schema and rows: which customers leave.

use std::path::Path;

use datasets::Churn;

use crate::drift::Cell;
use crate::serving::{Field, FieldError, Kind, LinearModel, Schema, ServingError, Task};

/// From this probability on, a customer is made an offer, unless another is set: an offer of 60 dollars is worth making
/// where it saves a third of those that would leave, and a customer who stays is worth 900.
pub const THRESHOLD: f64 = 0.2;

/// The schema of the churn model: every column of the data that could predict, in the order of the file.
///
/// Ranges are what can be, not what was seen: a tenure of 80 months will do, a charge in cents will not.
///
/// # Examples
/// ```
/// let schema = production::churn::schema(0.2);
/// assert_eq!(schema.fields.len(), 19);
/// let row = serde_json::Value::Object(schema.example());
/// assert!(schema.row(0, &row).is_ok());
/// ```
#[must_use]
pub fn schema(threshold: f64) -> Schema {
    let number = |unit: &str, max: f64, whole: bool| Kind::Number {
        unit: unit.into(),
        min: 0.0,
        max,
        whole,
    };
    let columns = Churn::COLUMNS.iter();
    let predicting = columns.filter(|column| !["customer", "churn"].contains(&column.name));
    let fields = predicting.map(|column| Field {
        name: column.name.into(),
        meaning: column.meaning.into(),
        optional: column.name == "total_charges",
        kind: match column.name {
            "tenure" => number("months", 1_200.0, true),
            "monthly_charges" => number("US dollars a month", 1_000.0, false),
            "total_charges" => number("US dollars", 100_000.0, false),
            _ if column.values.starts_with("0 ") => Kind::Flag,
            _ => Kind::Category {
                levels: column.values.split(", ").map(str::to_owned).collect(),
            },
        },
    });
    Schema {
        name: "churn".into(),
        title: "Will this customer leave within a month?".into(),
        task: Task::Probability {
            event: "the customer leaves".into(),
            threshold,
        },
        fields: fields.collect(),
    }
}

/// Customers as rows of a model, and what became of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Customers {
    /// The rows, in the order of the schema's fields, shape `(n, fields)`.
    pub rows: Vec<Vec<Cell>>,
    /// 1 where the customer left, 0 where not, shape `(n,)`.
    pub left: Vec<f64>,
    /// The rows as JSON, as a client would send them.
    pub json: Vec<serde_json::Value>,
}

/// Reads customers from a file of the churn data, by the names of its header.
///
/// # Errors
/// [`ServingError::Io`]; [`ServingError::Format`] with the line, and everything that is wrong with it.
///
/// # Examples
/// ```
/// use production::churn;
///
/// let schema = churn::schema(churn::THRESHOLD);
/// let customers = churn::customers(&datasets::churn()?.path, &schema)?;
/// assert_eq!(customers.rows.len(), 5_000);
/// assert_eq!(customers.left.iter().sum::<f64>(), 1_327.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn customers(path: &Path, schema: &Schema) -> Result<Customers, ServingError> {
    let format = |line: usize, reason: String| ServingError::Format {
        path: path.into(),
        line,
        reason,
    };
    let text = std::fs::read_to_string(path).map_err(ServingError::io(path, "read"))?;
    let mut lines = text.lines().enumerate();
    let header = lines.next().map_or("", |(_, line)| line);
    let names: Vec<&str> = header.split(',').collect();
    let place = |name: &str| {
        let found = names.iter().position(|n| *n == name);
        found.ok_or_else(|| format(1, format!("no column {name:?}")))
    };
    let churn = place("churn")?;
    let places: Vec<usize> = schema
        .fields
        .iter()
        .map(|f| place(&f.name))
        .collect::<Result<_, _>>()?;
    let mut customers = Customers {
        rows: Vec::new(),
        left: Vec::new(),
        json: Vec::new(),
    };
    for (number, line) in lines {
        let values: Vec<&str> = line.split(',').collect();
        if values.len() != names.len() {
            let reason = format!("{} columns, the header has {}", values.len(), names.len());
            return Err(format(number + 1, reason));
        }
        let mut object = serde_json::Map::new();
        for (field, place) in schema.fields.iter().zip(&places) {
            let text = values[*place];
            let value = match (&field.kind, text.parse::<f64>()) {
                _ if text.is_empty() => serde_json::Value::Null,
                (Kind::Flag, Ok(value)) if value == 0.0 || value == 1.0 => (value == 1.0).into(),
                (Kind::Number { whole: true, .. }, Ok(value)) if value.fract() == 0.0 => {
                    (value as i64).into()
                }
                (Kind::Number { .. }, Ok(value)) => value.into(),
                _ => text.into(),
            };
            object.insert(field.name.clone(), value);
        }
        let row = serde_json::Value::Object(object);
        let told = |faults: Vec<FieldError>| {
            let texts: Vec<String> = faults
                .iter()
                .map(|f| format!("{}: {}", f.field, f.message))
                .collect();
            format(number + 1, texts.join("; "))
        };
        customers.rows.push(schema.row(0, &row).map_err(told)?);
        customers.json.push(row);
        customers.left.push(match values[churn] {
            "Yes" => 1.0,
            "No" => 0.0,
            other => {
                return Err(format(
                    number + 1,
                    format!("churn: {other:?} is neither Yes nor No"),
                ));
            }
        });
    }
    Ok(customers)
}

/// The churn model, fitted to the committed customers: a logistic regression with penalty `alpha`.
///
/// # Errors
/// As [`customers`] and [`LinearModel::fit_logistic`]; [`ServingError::Model`] where the data is missing or altered.
pub fn fit(alpha: f64) -> Result<LinearModel, ServingError> {
    let churn = datasets::churn().map_err(|error| ServingError::Model {
        name: "churn".into(),
        reason: error.to_string(),
    })?;
    let schema = schema(THRESHOLD);
    let customers = customers(&churn.path, &schema)?;
    LinearModel::fit_logistic(schema, &customers.rows, &customers.left, alpha)
}

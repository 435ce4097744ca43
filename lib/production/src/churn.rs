//! The pipeline of the chapter *Churn pipeline* as a model that is served: its schema, its rows, its file.

use std::path::Path;
use std::sync::Arc;

use datasets::Churn;
use serde_json::{Map, Value};
pub use tabular::{Customer, Pipeline};

use crate::drift::{Cell, FieldReference, Reference};
use crate::serving::{
    Field, FieldError, Kind, Model, ModelError, Part, Schema, ServingError, Task,
};

/// Bins of a numeric field in the reference for drift.
const BINS: usize = 10;

/// A [`Pipeline`] as a [`Model`]: cells become the [`Customer`] that it was fitted on, and nothing is computed twice.
///
/// A category that training has not seen is refused before it gets here, since to a service it is more often a misspelt
/// one than a new one; the pipeline alone would take the customer as average in that field.
///
/// # Examples
/// ```
/// # #[cfg(feature = "fit")] {
/// use production::churn::{self, Customer};
/// use production::serving::Model;
///
/// let model = churn::fit(10.0)?;
/// let customer = Customer::example();
/// let row = model.schema().row(0, &serde_json::to_value(&customer)?).expect("a customer");
/// assert_eq!(model.predict(&[row])?, model.pipeline().predict_proba(&[customer])?);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ChurnModel {
    pipeline: Pipeline,
    schema: Schema,
    reference: Reference,
}

impl ChurnModel {
    /// A model of a fitted pipeline.
    ///
    /// # Errors
    /// [`ServingError::Model`] where the pipeline does not say how its training customers were spread.
    pub fn new(pipeline: Pipeline) -> Result<ChurnModel, ServingError> {
        let mut schema = schema(pipeline.threshold());
        for field in &mut schema.fields {
            if let Kind::Category { levels } = &mut field.kind {
                let seen = pipeline.preprocessor().levels(&field.name);
                *levels = seen.into_iter().map(str::to_owned).collect();
            }
        }
        let wrong = |reason: String| ServingError::Model {
            name: schema.name.clone(),
            reason,
        };
        let fields = schema.fields.iter();
        let fields: Result<Vec<FieldReference>, String> = fields
            .map(|field| reference(field, pipeline.reference()))
            .collect();
        let fields = fields.map_err(wrong)?;
        Ok(ChurnModel {
            pipeline,
            schema,
            reference: Reference { fields },
        })
    }

    /// Reads a pipeline's file, such as [`Pipeline::save`] writes it.
    ///
    /// # Errors
    /// [`ServingError::Load`] with the file and what is wrong with it; as [`new`](Self::new).
    pub fn load(path: &Path) -> Result<ChurnModel, ServingError> {
        let pipeline = Pipeline::load(path).map_err(|error| ServingError::Load(error.into()))?;
        ChurnModel::new(pipeline)
    }

    /// Writes the pipeline to a file, whole.
    ///
    /// # Errors
    /// [`ServingError::Load`].
    pub fn save(&self, path: &Path) -> Result<(), ServingError> {
        let saved = self.pipeline.save(path);
        saved.map_err(|error| ServingError::Load(error.into()))
    }

    /// What answers.
    #[must_use]
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The customer of a row of the schema.
    fn customer(&self, place: usize, row: &[Cell]) -> Result<Customer, ModelError> {
        let wrong = |reason: String| ModelError::Row { row: place, reason };
        if row.len() != self.schema.fields.len() {
            let expected = self.schema.fields.len();
            return Err(wrong(format!("{} fields, expected {expected}", row.len())));
        }
        let mut object = Map::new();
        for (field, cell) in self.schema.fields.iter().zip(row) {
            let value = match (&field.kind, cell) {
                (Kind::Flag, Cell::Number(value)) => Value::from(*value == 1.0),
                (Kind::Number { whole: true, .. }, Cell::Number(value)) => {
                    Value::from(*value as u64)
                }
                (Kind::Number { .. }, Cell::Number(value)) => Value::from(*value),
                (Kind::Category { levels }, Cell::Level(level)) if *level < levels.len() => {
                    Value::from(levels[*level].as_str())
                }
                (_, Cell::Missing) if field.optional => Value::Null,
                (_, cell) => {
                    let reason = format!("{cell:?} is not what field {:?} holds", field.name);
                    return Err(wrong(reason));
                }
            };
            object.insert(field.name.clone(), value);
        }
        serde_json::from_value(Value::Object(object)).map_err(|error| wrong(error.to_string()))
    }
}

impl Model for ChurnModel {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn reference(&self) -> &Reference {
        &self.reference
    }

    fn predict(&self, rows: &[Vec<Cell>]) -> Result<Vec<f64>, ModelError> {
        let rows = rows.iter().enumerate();
        let customers: Vec<Customer> = rows
            .map(|(place, row)| self.customer(place, row))
            .collect::<Result<_, _>>()?;
        let answers = self.pipeline.predict_proba(&customers);
        answers.map_err(|error| ModelError::Other(error.to_string()))
    }

    fn explain(&self, row: &[Cell]) -> Result<Vec<Part>, ModelError> {
        let customer = self.customer(0, row)?;
        let why = self.pipeline.explain(&customer);
        let why = why.map_err(|error| ModelError::Other(error.to_string()))?;
        let part = |field: String, adds: f64| Part { field, adds };
        let parts = why.contributions.into_iter();
        let parts = parts.map(|c| part(c.field, c.log_odds));
        let intercept = part("intercept".to_owned(), why.baseline);
        Ok(std::iter::once(intercept).chain(parts).collect())
    }

    fn example(&self) -> Map<String, Value> {
        match serde_json::to_value(Customer::example()) {
            Ok(Value::Object(object)) => object,
            _ => self.schema.example(),
        }
    }
}

/// Loads a pipeline's file for [`Service::load_with`](crate::serving::Service::load_with).
///
/// # Errors
/// As [`ChurnModel::load`].
pub fn load(path: &Path) -> Result<Arc<dyn Model>, ServingError> {
    Ok(Arc::new(ChurnModel::load(path)?))
}

/// What the training customers held in a field.
fn reference(field: &Field, of: &tabular::Reference) -> Result<FieldReference, String> {
    let name = field.name.as_str();
    let counts = of.categories.iter().find(|levels| levels.field == name);
    let counts = || counts.ok_or_else(|| format!("no counts of field {name:?}"));
    match &field.kind {
        Kind::Number { .. } => {
            let spread = of.numbers.iter().find(|spread| spread.field == name);
            let spread = spread.ok_or_else(|| format!("no spread of field {name:?}"))?;
            let (rows, missing) = (of.customers as u64, spread.missing as u64);
            FieldReference::quantiles(name, rows, missing, &spread.quantiles, BINS)
                .map_err(|error| error.to_string())
        }
        Kind::Flag => {
            let counts = &counts()?.counts;
            let of = |level: &str| counts.get(level).copied().unwrap_or(0);
            let no = std::iter::repeat_n(Some(0.0), of("false"));
            let values: Vec<Option<f64>> = no
                .chain(std::iter::repeat_n(Some(1.0), of("true")))
                .collect();
            FieldReference::numbers(name, &values, BINS).map_err(|error| error.to_string())
        }
        Kind::Category { levels } => {
            let counts = &counts()?.counts;
            let each = levels.iter();
            let each = each.map(|level| counts.get(level).copied().unwrap_or(0) as u64);
            Ok(FieldReference::counts(name, levels.clone(), each.collect()))
        }
    }
}

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
            "total_charges" => number("US dollars", 1e6, false),
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
    pub json: Vec<Value>,
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
/// let schema = churn::schema(0.5);
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
        let mut object = Map::new();
        for (field, place) in schema.fields.iter().zip(&places) {
            let text = values[*place];
            let value = match (&field.kind, text.parse::<f64>()) {
                _ if text.is_empty() => Value::Null,
                (Kind::Flag, Ok(value)) if value == 0.0 || value == 1.0 => (value == 1.0).into(),
                (Kind::Number { whole: true, .. }, Ok(value)) if value.fract() == 0.0 => {
                    (value as i64).into()
                }
                (Kind::Number { .. }, Ok(value)) => value.into(),
                _ => text.into(),
            };
            object.insert(field.name.clone(), value);
        }
        let row = Value::Object(object);
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

/// The pipeline of the chapter *Churn pipeline* with penalty `alpha`: fitted on three quarters of the committed
/// customers, with the threshold at which an offer breaks even.
///
/// # Errors
/// As [`customers`]; [`ServingError::Load`] where the data is missing or altered, or nothing can be fitted.
///
/// # References
/// Its numbers are those of the chapter, to the last bit (`tests/chapter_serving.rs`).
#[cfg(feature = "fit")]
pub fn fit(alpha: f64) -> Result<ChurnModel, ServingError> {
    fn told(error: impl std::error::Error + Send + Sync + 'static) -> ServingError {
        ServingError::Load(Box::new(error))
    }
    const SEED: u64 = 2026;
    let path = datasets::churn().map_err(told)?.path;
    let read = customers(&path, &schema(0.5))?;
    let people: Result<Vec<Customer>, _> = read.json.iter().map(Customer::from_value).collect();
    let mut table = tabular::Table::of(people.map_err(told)?, ndarray::Array1::from(read.left));
    table.sha256 = sha256(&std::fs::read(&path).map_err(ServingError::io(&path, "read"))?);
    table.path = path;
    let split = foundations::resampling::stratified_split(table.left.view(), 0.25, SEED);
    // A customer is worth 650 dollars, an offer costs 50, and three leavers in ten take it.
    let costs = tabular::threshold::Costs::new(650.0, 50.0, 0.3).map_err(told)?;
    let train = table.take(&split.map_err(told)?.train);
    let pipeline = tabular::fit(&train, alpha, costs.break_even(), SEED).map_err(told)?;
    ChurnModel::new(pipeline)
}

#[cfg(feature = "fit")]
fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(bytes);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

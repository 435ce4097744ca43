use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::drift::Cell;

/// What a model takes and gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// The model's name, such as `churn`.
    pub name: String,
    /// What it predicts, in a few words.
    pub title: String,
    /// The kind of prediction.
    pub task: Task,
    /// The fields of a row, in the model's order.
    pub fields: Vec<Field>,
}

/// The kind of a prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// The probability of an event.
    Probability {
        /// The event.
        event: String,
        /// From this probability on, the decision is yes.
        threshold: f64,
    },
    /// A quantity.
    Quantity {
        /// Its unit.
        unit: String,
    },
}

/// A field of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it tells.
    pub meaning: String,
    /// Whether it may be left out, or be null.
    #[serde(default)]
    pub optional: bool,
    /// What it holds.
    pub kind: Kind,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A number.
    Number {
        /// Its unit.
        unit: String,
        /// The least that can be; less is refused.
        min: f64,
        /// The most that can be; more is refused.
        max: f64,
        /// Whether it must be whole.
        #[serde(default)]
        whole: bool,
    },
    /// True or false: 1 or 0 to the model.
    Flag,
    /// One of a few categories.
    Category {
        /// Their names; another is refused.
        levels: Vec<String>,
    },
}

/// What is wrong with a field of a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldError {
    /// The row, from 0.
    pub row: usize,
    /// The field's name; empty where the row itself is wrong.
    pub field: String,
    /// A word for programs: `missing_field`, `unknown_field`, `wrong_type`, `out_of_range`, `wrong_unit`,
    /// `unseen_category`, `not_an_object`.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
}

impl Schema {
    /// The cells of a row of JSON, or everything that is wrong with it.
    ///
    /// A number may state its unit, `{"value": 12, "unit": "months"}`, which must then be the field's.
    ///
    /// # Errors
    /// A [`FieldError`] for each fault, all of them.
    ///
    /// # Examples
    /// ```
    /// use production::serving::{Field, Kind, Schema, Task};
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
    /// assert!(schema.row(0, &serde_json::json!({"weight": 3000})).is_ok());
    /// let faults = schema.row(0, &serde_json::json!({"weight": {"value": 1361, "unit": "kg"}})).unwrap_err();
    /// assert_eq!(faults[0].code, "wrong_unit");
    /// let faults = schema.row(0, &serde_json::json!({"weight": 1.361})).unwrap_err();
    /// assert_eq!(faults[0].message, "1.361 is outside 500 to 12000 lb; is it in another unit?");
    /// ```
    pub fn row(&self, row: usize, value: &Value) -> Result<Vec<Cell>, Vec<FieldError>> {
        let Value::Object(object) = value else {
            return Err(vec![FieldError {
                row,
                field: String::new(),
                code: "not_an_object",
                message: format!("a row is an object of fields, not {}", kind_of(value)),
            }]);
        };
        let mut faults = Vec::new();
        let mut fault = |field: &str, code, message| {
            faults.push(FieldError {
                row,
                field: field.into(),
                code,
                message,
            });
        };
        let mut cells = Vec::with_capacity(self.fields.len());
        let mut known = 0;
        for field in &self.fields {
            let given = object.get(&field.name);
            known += usize::from(given.is_some());
            match field.cell(given) {
                Ok(cell) => cells.push(cell),
                Err((code, message)) => fault(&field.name, code, message),
            }
        }
        if known < object.len() {
            for name in object.keys() {
                if !self.fields.iter().any(|field| field.name == *name) {
                    let nearest = self.nearest(name);
                    let hint =
                        nearest.map_or(String::new(), |near| format!("; is {near:?} meant?"));
                    let short: String = name.chars().take(80).collect();
                    fault(
                        &short,
                        "unknown_field",
                        format!("the model has no such field{hint}"),
                    );
                }
            }
        }
        if faults.is_empty() {
            Ok(cells)
        } else {
            Err(faults)
        }
    }

    /// The place of a field in a row, from 0; none where there is no such field.
    ///
    /// # Examples
    /// ```
    /// use production::serving::{Field, Kind, Schema, Task};
    ///
    /// let schema = Schema {
    ///     name: "line".into(),
    ///     title: "A line".into(),
    ///     task: Task::Quantity { unit: "kg".into() },
    ///     fields: vec![Field { name: "x".into(), meaning: "a side".into(), optional: false, kind: Kind::Flag }],
    /// };
    /// assert_eq!((schema.place("x"), schema.place("y")), (Some(0), None));
    /// ```
    #[must_use]
    pub fn place(&self, field: &str) -> Option<usize> {
        self.fields.iter().position(|known| known.name == field)
    }

    /// A field's name that differs from a wrong one by little.
    fn nearest(&self, wrong: &str) -> Option<&str> {
        let plain = |name: &str| -> String {
            let letters = name.chars().filter(|c| c.is_alphanumeric()).take(80);
            letters.flat_map(char::to_lowercase).collect()
        };
        let wrong = plain(wrong);
        let near = |name: &str| {
            let name = plain(name);
            name == wrong || (wrong.len() > 3 && (name.contains(&wrong) || wrong.contains(&name)))
        };
        let found = self.fields.iter().find(|field| near(&field.name));
        found.map(|field| field.name.as_str())
    }

    /// A row that is in the middle of every range, to try the model with.
    #[must_use]
    pub fn example(&self) -> Map<String, Value> {
        let value = |field: &Field| match &field.kind {
            Kind::Number {
                min, max, whole, ..
            } => {
                let middle = (min + max) / 2.0;
                if *whole {
                    Value::from(middle.round() as i64)
                } else {
                    Value::from(middle)
                }
            }
            Kind::Flag => Value::from(false),
            Kind::Category { levels } => levels.first().cloned().map_or(Value::Null, Value::from),
        };
        let fields = self.fields.iter();
        fields
            .map(|field| (field.name.clone(), value(field)))
            .collect()
    }

    /// What is wrong with the schema itself, if anything.
    pub(crate) fn fault(&self) -> Option<String> {
        if self.fields.is_empty() {
            return Some("no fields".into());
        }
        for (i, field) in self.fields.iter().enumerate() {
            if self.fields[..i]
                .iter()
                .any(|other| other.name == field.name)
            {
                return Some(format!("two fields {:?}", field.name));
            }
            match &field.kind {
                Kind::Number { min, max, .. }
                    if !(min < max && min.is_finite() && max.is_finite()) =>
                {
                    return Some(format!("field {:?}: the range {min} to {max}", field.name));
                }
                Kind::Category { levels } if levels.is_empty() => {
                    return Some(format!("field {:?}: no levels", field.name));
                }
                _ => {}
            }
        }
        match &self.task {
            Task::Probability { threshold, .. } if !(0.0..=1.0).contains(threshold) => {
                Some(format!("the threshold {threshold}"))
            }
            _ => None,
        }
    }
}

impl Field {
    fn cell(&self, given: Option<&Value>) -> Result<Cell, (&'static str, String)> {
        let given = match given {
            Some(value) if !value.is_null() => value,
            _ if self.optional => return Ok(Cell::Missing),
            Some(_) => return Err(("missing_field", "null, but a value is needed".into())),
            None => return Err(("missing_field", "a value is needed".into())),
        };
        match &self.kind {
            Kind::Number {
                unit,
                min,
                max,
                whole,
            } => {
                let number = with_unit(given, unit)?;
                if number < *min || number > *max {
                    let message = format!(
                        "{number} is outside {min} to {max} {unit}; is it in another unit?"
                    );
                    return Err(("out_of_range", message));
                }
                if *whole && number.fract() != 0.0 {
                    return Err(("wrong_type", format!("{number} is not whole ({unit})")));
                }
                Ok(Cell::Number(number))
            }
            Kind::Flag => match given {
                Value::Bool(yes) => Ok(Cell::Number(f64::from(u8::from(*yes)))),
                other => {
                    let message = format!("true or false is needed, not {}", kind_of(other));
                    Err(("wrong_type", message))
                }
            },
            Kind::Category { levels } => {
                let Some(text) = given.as_str() else {
                    let message =
                        format!("one of {} is needed, not {}", list(levels), kind_of(given));
                    return Err(("wrong_type", message));
                };
                match levels.iter().position(|level| level == text) {
                    Some(level) => Ok(Cell::Level(level)),
                    None => {
                        let short: String = text.chars().take(80).collect();
                        let message = format!(
                            "{short:?} was never seen in training; known are {}",
                            list(levels)
                        );
                        Err(("unseen_category", message))
                    }
                }
            }
        }
    }
}

/// A number, or a number with its unit.
fn with_unit(given: &Value, unit: &str) -> Result<f64, (&'static str, String)> {
    let wrong = |value: &Value| {
        let message = format!("a number of {unit} is needed, not {}", kind_of(value));
        ("wrong_type", message)
    };
    match given {
        Value::Number(number) => number.as_f64().ok_or_else(|| wrong(given)),
        Value::Object(object) => {
            let stated = object.get("unit").and_then(Value::as_str);
            match stated {
                Some(stated) if stated == unit => {}
                Some(stated) => {
                    let stated: String = stated.chars().take(80).collect();
                    let message = format!("the unit is {unit}, not {stated}");
                    return Err(("wrong_unit", message));
                }
                None => return Err(wrong(given)),
            }
            let value = object.get("value").unwrap_or(&Value::Null);
            value.as_f64().ok_or_else(|| wrong(value))
        }
        other => Err(wrong(other)),
    }
}

fn list(levels: &[String]) -> String {
    levels.join(", ")
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

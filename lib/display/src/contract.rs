//! Tests that the results in an executed notebook are those that the library computes.
//!
//! Behind the feature `contract`, for dev-dependencies: it brings serde_json.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use thiserror::Error;

use crate::{RESULTS_MIME, Tolerance, Value};

/// Why a notebook's results cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ContractError {
    /// The notebook cannot be read.
    #[error("{}: cannot be read: {source}; `cargo course run` makes it", path.display())]
    Io {
        /// The notebook.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The notebook is not JSON.
    #[error("{}: is not JSON: {source}", path.display())]
    NotJson {
        /// The notebook.
        path: PathBuf,
        /// What the parser says, with line and column.
        source: serde_json::Error,
    },
    /// The notebook is not one, or its results are not in the form that this version knows.
    #[error("{}: {what}", path.display())]
    Malformed {
        /// The notebook.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

/// The named results that an executed notebook stores.
///
/// # Examples
/// ```
/// use display::contract::Notebook;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("linear-regression.ipynb");
/// # std::fs::write(&path, r#"{"cells":[{"cell_type":"code","outputs":[{"output_type":"execute_result","data":
/// #     {"application/vnd.ml-fullstack.results+json":{"version":1,"results":
/// #     {"ols.slope":{"value":-0.15784473335365365,"tolerance":{"relative":1e-9}}}}}}]}]}"#)?;
/// let slope = -0.157844733353;    // what the module computes
/// // In a test of a chapter: Notebook::open("foundations/linear-regression")
/// let notebook = Notebook::read(&path)?;
/// notebook.assert("ols.slope", slope);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Notebook {
    path: PathBuf,
    results: Vec<(String, Value, Tolerance)>,
}

impl Notebook {
    /// The notebook of a chapter, such as `foundations/linear-regression`: `notebooks/CHAPTER.ipynb`
    /// at the root of the repository.
    ///
    /// # Errors
    /// [`ContractError`] if it is missing, not a notebook, or names a result twice.
    pub fn open(chapter: &str) -> Result<Notebook, ContractError> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .unwrap_or(Path::new("."));
        Notebook::read(root.join("notebooks").join(format!("{chapter}.ipynb")))
    }

    /// The notebook in a file.
    ///
    /// # Errors
    /// As [`open`](Notebook::open).
    pub fn read(path: impl AsRef<Path>) -> Result<Notebook, ContractError> {
        let path = path.as_ref().to_owned();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(ContractError::Io { path, source }),
        };
        let json: Json = match serde_json::from_str(&text) {
            Ok(json) => json,
            Err(source) => return Err(ContractError::NotJson { path, source }),
        };
        match results(&json) {
            Ok(results) => Ok(Notebook { path, results }),
            Err(what) => Err(ContractError::Malformed { path, what }),
        }
    }

    /// The names of the results, in the order of the notebook.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.results.iter().map(|(name, ..)| name.as_str())
    }

    /// The stored value and tolerance of a result.
    pub fn get(&self, name: &str) -> Option<(&Value, Tolerance)> {
        self.results
            .iter()
            .find(|result| result.0 == name)
            .map(|(_, value, tolerance)| (value, *tolerance))
    }

    /// Checks that `value` is the stored result of that name, at its stored tolerance.
    ///
    /// A whole number and a float are compared as numbers. At a relative tolerance the difference is
    /// at most that share of the larger magnitude of the two. NaN equals NaN.
    ///
    /// # Panics
    /// If it is not, with both values; or if the notebook has no such result, with those it has.
    #[track_caller]
    pub fn assert(&self, name: &str, value: impl Into<Value>) -> &Self {
        let value = value.into();
        let Some((stored, tolerance)) = self.get(name) else {
            let names: Vec<&str> = self.names().collect();
            panic!(
                "{}: no result is named `{name}`; there are: {}",
                self.path.display(),
                if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                }
            );
        };
        assert!(
            agree(stored, &value, tolerance),
            "{}: `{name}` is {} in the notebook, but {} now (tolerance: {})",
            self.path.display(),
            exactly(stored),
            exactly(&value),
            in_words(tolerance)
        );
        self
    }
}

fn exactly(value: &Value) -> String {
    match value {
        Value::Number(x) => format!("{x:?}"),
        Value::Integer(x) => x.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::Bool(truth) => truth.to_string(),
    }
}

fn in_words(tolerance: Tolerance) -> String {
    match tolerance {
        Tolerance::Exact => "exact".to_owned(),
        Tolerance::Relative(by) => format!("relative {by:e}"),
        Tolerance::Absolute(by) => format!("absolute {by:e}"),
        Tolerance::Volatile => "volatile, of the same kind".to_owned(),
    }
}

/// A value as a number: NaN and the infinities are texts in JSON.
fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(x) => Some(*x),
        Value::Integer(x) => Some(*x as f64),
        Value::Text(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        Value::Bool(_) => None,
    }
}

fn agree(stored: &Value, now: &Value, tolerance: Tolerance) -> bool {
    if stored == now {
        return true;
    }
    match (as_number(stored), as_number(now)) {
        (Some(a), Some(b)) => {
            let both_whole = matches!((stored, now), (Value::Integer(_), Value::Integer(_)));
            let by = (a - b).abs();
            match tolerance {
                Tolerance::Volatile => true,
                _ if a.is_nan() && b.is_nan() => true,
                // Integers above 2^53 can differ and be the same float.
                Tolerance::Exact => !both_whole && a == b,
                Tolerance::Relative(share) => {
                    a == b || (by.is_finite() && by <= share * a.abs().max(b.abs()))
                }
                Tolerance::Absolute(most) => a == b || by <= most,
            }
        }
        (None, None) => {
            let same_kind = std::mem::discriminant(stored) == std::mem::discriminant(now);
            tolerance == Tolerance::Volatile && same_kind
        }
        _ => false,
    }
}

/// Every result in the outputs of a notebook's cells, or what is wrong with them.
fn results(notebook: &Json) -> Result<Vec<(String, Value, Tolerance)>, String> {
    let cells = notebook["cells"]
        .as_array()
        .ok_or("is not a notebook of format 4: it has no list `cells`")?;
    let mut found: Vec<(String, Value, Tolerance)> = Vec::new();
    for (i, cell) in cells.iter().enumerate() {
        for output in cell["outputs"].as_array().into_iter().flatten() {
            let Some(content) = output["data"].get(RESULTS_MIME) else {
                continue;
            };
            if content["version"] != 1 {
                return Err(format!(
                    "cell {i}: results of version {}, but only 1 is known",
                    content["version"]
                ));
            }
            let named = content["results"]
                .as_object()
                .ok_or(format!("cell {i}: has no object `results`"))?;
            for (name, entry) in named {
                let wrong = |what: &str| format!("cell {i}: result `{name}`: {what}: {entry}");
                let value = value(&entry["value"])
                    .ok_or_else(|| wrong("its value is no number, text or truth value"))?;
                let tolerance = tolerance(&entry["tolerance"])
                    .ok_or_else(|| wrong("its tolerance is not known"))?;
                if found.iter().any(|(other, ..)| other == name) {
                    return Err(format!("cell {i}: the result `{name}` is given twice"));
                }
                found.push((name.clone(), value, tolerance));
            }
        }
    }
    Ok(found)
}

fn value(json: &Json) -> Option<Value> {
    match json {
        Json::Number(number) => number
            .as_i64()
            .map(Value::Integer)
            .or_else(|| number.as_f64().map(Value::Number)),
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Bool(truth) => Some(Value::Bool(*truth)),
        _ => None,
    }
}

fn tolerance(json: &Json) -> Option<Tolerance> {
    match json {
        Json::String(text) if text == "exact" => Some(Tolerance::Exact),
        Json::String(text) if text == "volatile" => Some(Tolerance::Volatile),
        _ => match (json["relative"].as_f64(), json["absolute"].as_f64()) {
            (Some(by), None) => Some(Tolerance::Relative(by)),
            (None, Some(by)) => Some(Tolerance::Absolute(by)),
            _ => None,
        },
    }
}

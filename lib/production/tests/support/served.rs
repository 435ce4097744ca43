//! Models and services that the tests of serving share.
#![allow(dead_code)] // each test file uses a part

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use production::churn::{self, ChurnModel};
use production::drift::{Cell, FieldReference, Reference};
use production::serving::{
    Field, Folder, Kind, LinearModel, Link, Model, ModelError, Running, Schema, Service,
    ServingError, Settings, Task, Term,
};

/// The pipeline of the chapter *Churn pipeline*, fitted once a process.
pub fn churn_model() -> &'static ChurnModel {
    static MODEL: OnceLock<ChurnModel> = OnceLock::new();
    MODEL.get_or_init(|| churn::fit(10.0).expect("the churn model can be fitted"))
}

/// A model that can be saved, and how a service reads it.
pub trait Saved {
    fn put(&self, path: &Path);
    fn load(path: &Path) -> Result<Arc<dyn Model>, ServingError>;
}

impl Saved for ChurnModel {
    fn put(&self, path: &Path) {
        self.save(path).unwrap();
    }

    fn load(path: &Path) -> Result<Arc<dyn Model>, ServingError> {
        churn::load(path)
    }
}

impl Saved for LinearModel {
    fn put(&self, path: &Path) {
        self.save(path).unwrap();
    }

    fn load(path: &Path) -> Result<Arc<dyn Model>, ServingError> {
        Ok(Arc::new(LinearModel::load(path)?))
    }
}

/// A model of one field, `x` in metres from 0 to 100, that predicts `slope · x` kilograms.
pub fn line(slope: f64) -> LinearModel {
    let schema = Schema {
        name: "line".into(),
        title: "A line".into(),
        task: Task::Quantity { unit: "kg".into() },
        fields: vec![Field {
            name: "x".into(),
            meaning: "a length".into(),
            optional: true,
            kind: Kind::Number {
                unit: "m".into(),
                min: 0.0,
                max: 100.0,
                whole: false,
            },
        }],
    };
    let values: Vec<Option<f64>> = (0..=100).map(|x| Some(f64::from(x))).collect();
    let reference = Reference {
        fields: vec![FieldReference::numbers("x", &values, 10).unwrap()],
    };
    let term = Term::Number {
        weight: slope,
        mean: 0.0,
        scale: 1.0,
        missing: 0.0,
    };
    LinearModel::new(schema, Link::Identity, 0.0, vec![term], reference).unwrap()
}

/// A model that takes its time, panics at x = 13 and answers NaN at x = 14.
pub struct Moody {
    pub inner: LinearModel,
    pub pause: Duration,
    pub begun: Arc<AtomicU64>,
}

impl Model for Moody {
    fn schema(&self) -> &Schema {
        self.inner.schema()
    }

    fn reference(&self) -> &Reference {
        self.inner.reference()
    }

    fn predict(&self, rows: &[Vec<Cell>]) -> Result<Vec<f64>, ModelError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(self.pause);
        assert!(rows[0][0] != Cell::Number(13.0), "x = 13");
        if rows[0][0] == Cell::Number(14.0) {
            return Ok(vec![f64::NAN]);
        }
        self.inner.predict(rows)
    }

    fn slow(&self) -> bool {
        true
    }
}

/// Settings for a test: a free port, and no reload but when asked.
pub fn settings() -> Settings {
    Settings {
        address: "127.0.0.1:0".parse().unwrap(),
        threads: 2,
        reload: Duration::from_secs(3600),
        ..Settings::default()
    }
}

/// A service of a folder in which `model` is the champion.
pub fn serve<M: Saved + 'static>(folder: &Path, model: &M, settings: Settings) -> Running {
    model.put(&folder.join("champion.model"));
    Service::new(Folder::new(folder))
        .load_with(M::load)
        .settings(settings)
        .start()
        .unwrap()
}

/// A log that can be read.
#[derive(Clone, Default)]
pub struct Lines(pub Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    pub fn json(&self) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }
}

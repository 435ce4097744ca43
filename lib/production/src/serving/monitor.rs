//! The window of rows that drift is judged by.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::fleet::Deployed;
use super::metrics::Text;
use crate::drift::{Cell, FieldDrift};

#[derive(Default)]
struct Inner {
    version: Option<Arc<str>>,
    rows: VecDeque<Vec<Cell>>,
    /// Rows since the version was loaded.
    seen: u64,
    /// What was computed last, and at how many rows.
    last: Option<(u64, Vec<FieldDrift>)>,
}

pub(crate) struct Monitor {
    inner: Mutex<Inner>,
    window: usize,
}

impl Monitor {
    pub fn new(window: usize) -> Monitor {
        Monitor {
            inner: Mutex::default(),
            window,
        }
    }

    /// Takes in rows that the champion was asked; another version begins anew.
    pub fn rows(&self, champion: &Deployed, rows: &[Vec<Cell>]) {
        let mut inner = self.inner.lock().unwrap_or_else(|e| e.into_inner());
        if inner.version.as_ref() != Some(&champion.version) {
            *inner = Inner {
                version: Some(Arc::clone(&champion.version)),
                ..Inner::default()
            };
        }
        for row in rows {
            if inner.rows.len() >= self.window {
                inner.rows.pop_front();
            }
            inner.rows.push_back(row.clone());
        }
        inner.seen += rows.len() as u64;
    }

    /// Writes the drift of each field; computed again only where rows came since.
    pub fn write(&self, champion: &Deployed, text: &mut Text) {
        let (seen, rows) = {
            let inner = self.inner.lock().unwrap_or_else(|e| e.into_inner());
            let same = inner.version.as_ref() == Some(&champion.version);
            match &inner.last {
                _ if !same => (0, Vec::new()),
                Some((at, drift)) if *at == inner.seen => {
                    write(drift, text);
                    return;
                }
                _ => (inner.seen, inner.rows.iter().cloned().collect()),
            }
        };
        // out of the lock: requests go on meanwhile
        let Ok(drift) = champion.model.reference().compare(&rows) else {
            return;
        };
        write(&drift, text);
        let mut inner = self.inner.lock().unwrap_or_else(|e| e.into_inner());
        if seen > 0 && inner.version.as_ref() == Some(&champion.version) {
            inner.last = Some((seen, drift));
        }
    }
}

/// A metric of a field; none where it has none.
type Measure = fn(&FieldDrift) -> Option<f64>;

const MEASURES: [(&str, &str, Measure); 7] = [
    (
        "ml_drift_rows",
        "Rows of the window that drift is judged by.",
        |d| Some(d.rows as f64),
    ),
    (
        "ml_drift_psi",
        "Population stability index against the training rows, in nats.",
        |d| (d.rows > 0).then_some(d.psi),
    ),
    (
        "ml_drift_psi_by_chance",
        "The index that chance alone exceeds once in a thousand windows of this size.",
        |d| d.psi_by_chance.is_finite().then_some(d.psi_by_chance),
    ),
    (
        "ml_drift_ks",
        "Kolmogorov-Smirnov distance from the training rows.",
        |d| Some(d.ks?.statistic),
    ),
    ("ml_drift_ks_p_value", "Its p-value.", |d| {
        Some(d.ks?.p_value)
    }),
    (
        "ml_drift_missing_ratio",
        "Share of rows without a value.",
        |d| (d.rows > 0).then_some(d.missing),
    ),
    (
        "ml_drift_missing_in_training_ratio",
        "That share in the training rows.",
        |d| Some(d.missing_in_training),
    ),
];

fn write(drift: &[FieldDrift], text: &mut Text) {
    for (name, help, measure) in MEASURES {
        text.gauge(name, help);
        for field in drift {
            if let Some(value) = measure(field) {
                text.sample(&[("field", &field.field)], value);
            }
        }
    }
}

//! What became of predictions, weeks later.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use super::Task;
use super::metrics::Text;

/// How many versions are kept.
const VERSIONS: usize = 8;

struct Pending {
    version: Arc<str>,
    prediction: f64,
    /// The threshold of a probability; none for a quantity.
    threshold: Option<f64>,
}

#[derive(Default)]
struct Version {
    threshold: Option<f64>,
    /// Prediction and outcome.
    pairs: VecDeque<(f64, f64)>,
    last: u64,
}

#[derive(Default)]
struct Inner {
    pending: HashMap<u128, Pending>,
    order: VecDeque<u128>,
    versions: BTreeMap<Arc<str>, Version>,
    clock: u64,
}

pub(crate) struct Quality {
    inner: Mutex<Inner>,
    remembered: usize,
    window: usize,
}

/// What became of an outcome that came in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Matched,
    /// No such prediction, or one that was told of before, or one from too long ago.
    Unknown,
    /// Not a value that the prediction's outcome can have.
    Refused(&'static str),
}

impl Quality {
    pub fn new(remembered: usize, window: usize) -> Quality {
        Quality {
            inner: Mutex::default(),
            remembered,
            window,
        }
    }

    /// Remembers predictions until their outcomes come.
    pub fn remember(&self, version: &Arc<str>, task: &Task, predictions: &[(u128, f64)]) {
        let threshold = match task {
            Task::Probability { threshold, .. } => Some(*threshold),
            Task::Quantity { .. } => None,
        };
        let mut inner = self.inner.lock().unwrap_or_else(|e| e.into_inner());
        for (id, prediction) in predictions {
            let pending = Pending {
                version: Arc::clone(version),
                prediction: *prediction,
                threshold,
            };
            inner.pending.insert(*id, pending);
            inner.order.push_back(*id);
        }
        while inner.order.len() > self.remembered {
            if let Some(oldest) = inner.order.pop_front() {
                inner.pending.remove(&oldest);
            }
        }
    }

    /// Takes in what became of a prediction.
    pub fn outcome(&self, id: u128, outcome: f64) -> Outcome {
        let mut inner = self.inner.lock().unwrap_or_else(|e| e.into_inner());
        let inner = &mut *inner;
        let Some(pending) = inner.pending.get(&id) else {
            return Outcome::Unknown;
        };
        if pending.threshold.is_some() && outcome != 0.0 && outcome != 1.0 {
            return Outcome::Refused("the outcome of an event is 0 or 1, false or true");
        }
        if !outcome.is_finite() {
            return Outcome::Refused("the outcome is a finite number");
        }
        let Some(pending) = inner.pending.remove(&id) else {
            return Outcome::Unknown;
        };
        inner.clock += 1;
        let version = inner.versions.entry(pending.version).or_default();
        version.threshold = pending.threshold;
        version.last = inner.clock;
        version.pairs.push_back((pending.prediction, outcome));
        if version.pairs.len() > self.window {
            version.pairs.pop_front();
        }
        if inner.versions.len() > VERSIONS {
            let oldest = inner.versions.iter().min_by_key(|(_, v)| v.last);
            if let Some(name) = oldest.map(|(name, _)| Arc::clone(name)) {
                inner.versions.remove(&name);
            }
        }
        Outcome::Matched
    }

    /// Writes the measures, a version a label.
    pub fn write(&self, text: &mut Text) {
        let inner = self.inner.lock().unwrap_or_else(|e| e.into_inner());
        text.gauge(
            "ml_quality_outcomes",
            "Outcomes in the window that quality is judged by.",
        );
        for (version, one) in &inner.versions {
            text.sample(&[("version", version)], one.pairs.len() as f64);
        }
        for (name, help, measure) in MEASURES {
            text.gauge(name, help);
            for (version, one) in &inner.versions {
                if let Some(value) = measure(one) {
                    text.sample(&[("version", version)], value);
                }
            }
        }
    }
}

/// A measure of a version's window; none where it is of the other kind of prediction.
type Measure = fn(&Version) -> Option<f64>;

const MEASURES: [(&str, &str, Measure); 7] = [
    (
        "ml_quality_brier",
        "Mean squared error of the probability.",
        |v| {
            v.threshold?;
            v.mean(|p, y| (p - y).powi(2))
        },
    ),
    (
        "ml_quality_log_loss",
        "Mean negative log-likelihood, in nats.",
        |v| {
            v.threshold?;
            v.mean(|p, y| -(if y == 1.0 { p } else { 1.0 - p }).max(1e-15).ln())
        },
    ),
    (
        "ml_quality_accuracy",
        "Share of decisions that were right.",
        |v| {
            let threshold = v.threshold?;
            v.mean(|p, y| f64::from((p >= threshold) == (y == 1.0)))
        },
    ),
    (
        "ml_quality_predicted",
        "Mean of the predictions whose outcome is known.",
        |v| v.mean(|p, _| p),
    ),
    ("ml_quality_observed", "Mean of the outcomes.", |v| {
        v.mean(|_, y| y)
    }),
    (
        "ml_quality_mae",
        "Mean absolute error, in the unit of the quantity.",
        |v| {
            if v.threshold.is_some() {
                return None;
            }
            v.mean(|p, y| (p - y).abs())
        },
    ),
    (
        "ml_quality_rmse",
        "Root of the mean squared error, in the unit of the quantity.",
        |v| {
            if v.threshold.is_some() {
                return None;
            }
            v.mean(|p, y| (p - y).powi(2)).map(f64::sqrt)
        },
    ),
];

impl Version {
    fn mean(&self, of: impl Fn(f64, f64) -> f64) -> Option<f64> {
        let sum: f64 = self.pairs.iter().map(|(p, y)| of(*p, *y)).sum();
        (!self.pairs.is_empty()).then(|| sum / self.pairs.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_find_their_predictions_once() {
        let quality = Quality::new(3, 10);
        let task = Task::Probability {
            event: "churn".into(),
            threshold: 0.5,
        };
        let version: Arc<str> = "7".into();
        quality.remember(&version, &task, &[(1, 0.1), (2, 0.8), (3, 0.6), (4, 0.4)]);
        assert_eq!(quality.outcome(1, 1.0), Outcome::Unknown); // forgotten: three are kept
        assert!(matches!(quality.outcome(2, 0.3), Outcome::Refused(_)));
        assert_eq!(quality.outcome(2, 1.0), Outcome::Matched);
        assert_eq!(quality.outcome(2, 1.0), Outcome::Unknown);
        assert_eq!(quality.outcome(3, 0.0), Outcome::Matched);
        let mut text = Text::default();
        quality.write(&mut text);
        let text = text.finish();
        let value = |name: &str| -> f64 {
            let start = format!("{name}{{version=\"7\"}} ");
            let line = text.lines().find_map(|l| l.strip_prefix(&start));
            line.unwrap_or_else(|| panic!("no {name} in\n{text}"))
                .parse()
                .unwrap()
        };
        assert!((value("ml_quality_brier") - (0.04 + 0.36) / 2.0).abs() < 1e-12);
        assert!((value("ml_quality_log_loss") + (0.8_f64.ln() + 0.4_f64.ln()) / 2.0).abs() < 1e-12);
        assert_eq!(value("ml_quality_accuracy"), 0.5);
        assert_eq!(value("ml_quality_outcomes"), 2.0);
        assert!(!text.contains("ml_quality_mae{"));
    }
}

//! Counters and histograms, in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Upper ends of the buckets of latency, in seconds.
const LATENCY: [f64; 11] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0,
];
/// Upper ends of the buckets of a difference between two predictions, as a share of the larger.
const DIFFERENCE: [f64; 7] = [1e-9, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.5];

#[derive(Debug, Clone)]
struct Histogram {
    ends: &'static [f64],
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    fn new(ends: &'static [f64]) -> Histogram {
        Histogram {
            ends,
            counts: vec![0; ends.len() + 1],
            sum: 0.0,
        }
    }

    fn add(&mut self, value: f64) {
        self.counts[self.ends.partition_point(|end| *end < value)] += 1;
        self.sum += value;
    }
}

#[derive(Default)]
struct Inner {
    requests: BTreeMap<(&'static str, u16), u64>,
    seconds: BTreeMap<&'static str, Histogram>,
    refusals: BTreeMap<&'static str, u64>,
    predictions: BTreeMap<(String, &'static str), u64>,
    unseen: BTreeMap<String, u64>,
    reloads: BTreeMap<&'static str, u64>,
    shadow: BTreeMap<&'static str, u64>,
    difference: Option<Histogram>,
    feedback: BTreeMap<&'static str, u64>,
}

#[derive(Default)]
pub(crate) struct Metrics {
    inner: Mutex<Inner>,
    in_flight: AtomicU64,
}

/// A request that is counted as in flight until this is dropped.
pub(crate) struct InFlight<'a>(&'a AtomicU64);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    fn with(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.inner.lock().unwrap_or_else(|e| e.into_inner()));
    }

    pub fn begin(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(&self.in_flight)
    }

    pub fn request(
        &self,
        route: &'static str,
        status: u16,
        seconds: f64,
        refused: Option<&'static str>,
    ) {
        self.with(|inner| {
            *inner.requests.entry((route, status)).or_default() += 1;
            let histogram = inner.seconds.entry(route);
            histogram
                .or_insert_with(|| Histogram::new(&LATENCY))
                .add(seconds);
            if let Some(code) = refused {
                *inner.refusals.entry(code).or_default() += 1;
            }
        });
    }

    pub fn predictions(&self, version: &str, role: &'static str, rows: usize) {
        self.with(|inner| {
            let key = (version.to_owned(), role);
            *inner.predictions.entry(key).or_default() += rows as u64;
        });
    }

    pub fn unseen(&self, field: &str) {
        self.with(|inner| *inner.unseen.entry(field.to_owned()).or_default() += 1);
    }

    pub fn reload(&self, result: &'static str) {
        self.with(|inner| *inner.reloads.entry(result).or_default() += 1);
    }

    pub fn shadow(&self, result: &'static str) {
        self.with(|inner| *inner.shadow.entry(result).or_default() += 1);
    }

    pub fn difference(&self, share: f64) {
        self.with(|inner| {
            let histogram = &mut inner.difference;
            histogram
                .get_or_insert_with(|| Histogram::new(&DIFFERENCE))
                .add(share);
        });
    }

    pub fn feedback(&self, result: &'static str, count: usize) {
        self.with(|inner| *inner.feedback.entry(result).or_default() += count as u64);
    }

    /// Writes them all.
    pub fn write(&self, text: &mut Text) {
        text.gauge("ml_requests_in_flight", "Requests that are being answered.");
        text.sample(&[], self.in_flight.load(Ordering::Relaxed) as f64);
        let inner = self.inner.lock().unwrap_or_else(|e| e.into_inner());
        text.counter(
            "ml_requests_total",
            "Requests answered, by route and status.",
        );
        for ((route, status), count) in &inner.requests {
            let status = status.to_string();
            text.sample(&[("route", route), ("status", &status)], *count as f64);
        }
        text.head(
            "ml_request_seconds",
            "histogram",
            "Time from a request's head to its answer.",
        );
        for (route, histogram) in &inner.seconds {
            text.histogram(&[("route", route)], histogram);
        }
        text.counter(
            "ml_refusals_total",
            "Requests refused, by the code of the answer.",
        );
        for (code, count) in &inner.refusals {
            text.sample(&[("code", code)], *count as f64);
        }
        text.counter(
            "ml_predictions_total",
            "Rows predicted, by version and role.",
        );
        for ((version, role), count) in &inner.predictions {
            text.sample(&[("version", version), ("role", role)], *count as f64);
        }
        text.counter(
            "ml_unseen_categories_total",
            "Rows refused for a category never seen in training.",
        );
        for (field, count) in &inner.unseen {
            text.sample(&[("field", field)], *count as f64);
        }
        text.counter(
            "ml_reloads_total",
            "Versions loaded, removed, or failed to load.",
        );
        for result in ["loaded", "removed", "failed"] {
            let count = inner.reloads.get(result).copied().unwrap_or(0);
            text.sample(&[("result", result)], count as f64);
        }
        text.counter(
            "ml_shadow_total",
            "Answers of the shadow, by how its decision compares.",
        );
        for (result, count) in &inner.shadow {
            text.sample(&[("result", result)], *count as f64);
        }
        if let Some(histogram) = &inner.difference {
            let help = "Difference of the shadow's prediction, as a share of the larger.";
            text.head("ml_shadow_difference", "histogram", help);
            text.histogram(&[], histogram);
        }
        text.counter(
            "ml_feedback_total",
            "Outcomes received, by what became of them.",
        );
        for (result, count) in &inner.feedback {
            text.sample(&[("result", result)], *count as f64);
        }
    }
}

/// Text in Prometheus' format, version 0.0.4.
#[derive(Default)]
pub(crate) struct Text {
    name: &'static str,
    text: String,
}

impl Text {
    pub fn head(&mut self, name: &'static str, kind: &str, help: &str) {
        self.name = name;
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    pub fn counter(&mut self, name: &'static str, help: &str) {
        self.head(name, "counter", help);
    }

    pub fn gauge(&mut self, name: &'static str, help: &str) {
        self.head(name, "gauge", help);
    }

    /// A sample of the metric that was named last.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.line("", labels, value);
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) {
        self.text.push_str(self.name);
        self.text.push_str(suffix);
        if !labels.is_empty() {
            self.text.push('{');
            for (i, (name, value)) in labels.iter().enumerate() {
                if i > 0 {
                    self.text.push(',');
                }
                let _ = write!(self.text, "{name}=\"");
                for c in value.chars() {
                    match c {
                        '\\' => self.text.push_str("\\\\"),
                        '"' => self.text.push_str("\\\""),
                        '\n' => self.text.push_str("\\n"),
                        c => self.text.push(c),
                    }
                }
                self.text.push('"');
            }
            self.text.push('}');
        }
        let _ = if value.is_infinite() {
            writeln!(self.text, " {}Inf", if value > 0.0 { '+' } else { '-' })
        } else {
            writeln!(self.text, " {value}")
        };
    }

    fn histogram(&mut self, labels: &[(&str, &str)], histogram: &Histogram) {
        let mut below = 0;
        let ends = histogram.ends.iter().map(f64::to_string);
        for (end, count) in ends.chain(["+Inf".to_owned()]).zip(&histogram.counts) {
            below += count;
            let mut labels = labels.to_vec();
            labels.push(("le", &end));
            self.line("_bucket", &labels, below as f64);
        }
        self.line("_sum", labels, histogram.sum);
        self.line("_count", labels, below as f64);
    }

    pub fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::{Metrics, Text};

    #[test]
    fn labels_are_escaped_and_histograms_add_up() {
        let metrics = Metrics::default();
        metrics.predictions("a\"b\\c\nd", "champion", 3);
        metrics.request("/predict", 200, 0.000_3, None);
        metrics.request("/predict", 200, 100.0, None);
        let mut text = Text::default();
        metrics.write(&mut text);
        let text = text.finish();
        for line in [
            "ml_predictions_total{version=\"a\\\"b\\\\c\\nd\",role=\"champion\"} 3",
            "ml_request_seconds_bucket{route=\"/predict\",le=\"0.00025\"} 0",
            "ml_request_seconds_bucket{route=\"/predict\",le=\"0.0005\"} 1",
            "ml_request_seconds_bucket{route=\"/predict\",le=\"5\"} 1",
            "ml_request_seconds_bucket{route=\"/predict\",le=\"+Inf\"} 2",
            "ml_request_seconds_count{route=\"/predict\"} 2",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
    }
}

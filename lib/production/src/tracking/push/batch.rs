//! How many lines of a run go in one request.

use std::collections::{BTreeMap, HashSet};

use super::super::record::{Metric, Record};

const MAX_METRICS: usize = 1_000;
const MAX_PARAMS: usize = 100;
const MAX_TAGS: usize = 100;
/// MLflow takes a request of a million bytes.
const MAX_BYTES: usize = 800_000;

/// Lines that go in one request.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) lines: usize,
    pub(super) metrics: Vec<Metric>,
    pub(super) params: Vec<(String, String)>,
    pub(super) tags: BTreeMap<String, String>,
}

impl Batch {
    /// As many of the first lines as one request takes. A metric that was seen before is passed over.
    pub(super) fn gather(records: &[Record], seen: &mut HashSet<(String, u64, i64, u64)>) -> Batch {
        let mut batch = Batch::default();
        let mut bytes = 0;
        for record in records {
            let (metrics, params, tags) =
                (batch.metrics.len(), batch.params.len(), batch.tags.len());
            let size = match record {
                Record::Start { .. } => 0,
                Record::Metric(metric) => 120 + 6 * metric.key.len(),
                Record::Param { key, value } | Record::Tag { key, value } => {
                    40 + 6 * (key.len() + value.len())
                }
                _ => break,
            };
            let full = match record {
                Record::Metric(_) => metrics == MAX_METRICS,
                Record::Param { .. } => params == MAX_PARAMS,
                Record::Tag { .. } => tags == MAX_TAGS,
                _ => false,
            };
            if full
                || metrics + params + tags == MAX_METRICS
                || (bytes > 0 && bytes + size > MAX_BYTES)
            {
                break;
            }
            bytes += size;
            batch.lines += 1;
            match record {
                Record::Metric(metric) if seen.insert(metric.identity()) => {
                    batch.metrics.push(metric.clone())
                }
                Record::Param { key, value } => batch.params.push((key.clone(), value.clone())),
                Record::Tag { key, value } => {
                    batch.tags.insert(key.clone(), value.clone());
                }
                _ => {}
            }
        }
        batch
    }
}

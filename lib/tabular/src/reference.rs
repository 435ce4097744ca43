//! How the training customers were spread, for a service that watches whether its own differ.

use crate::{CATEGORIES, Customer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The spread of a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The field, or `probability` for the model's answers.
    pub field: String,
    /// The quantiles 0, 1 %, …, 100 %, shape `(101,)`, in the field's unit.
    pub percentiles: Vec<f64>,
    /// The share of customers without a value, from 0 to 1.
    pub missing: f64,
}

/// The share of each level of a category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    /// The field.
    pub field: String,
    /// From level to share; the shares add up to 1.
    pub shares: BTreeMap<String, f64>,
}

/// The training customers as spreads and shares: what drift is measured from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// `tenure`, `monthly_charges`, `total_charges` and `probability`.
    pub numbers: Vec<Spread>,
    /// Each of [`CATEGORIES`].
    pub categories: Vec<Levels>,
}

impl Reference {
    /// Summarises customers and the probabilities that the model gives them.
    pub fn new(customers: &[Customer], probabilities: &[f64]) -> Self {
        let of = |field: &str, values: Vec<Option<f64>>| Spread::new(field, &values);
        let numbers = vec![
            of(
                "tenure",
                customers
                    .iter()
                    .map(|c| Some(f64::from(c.tenure)))
                    .collect(),
            ),
            of(
                "monthly_charges",
                customers.iter().map(|c| Some(c.monthly_charges)).collect(),
            ),
            of(
                "total_charges",
                customers.iter().map(|c| c.total_charges).collect(),
            ),
            of(
                "probability",
                probabilities.iter().copied().map(Some).collect(),
            ),
        ];
        let categories = CATEGORIES
            .iter()
            .map(|field| {
                let mut shares = BTreeMap::new();
                for customer in customers {
                    *shares
                        .entry(customer.category(field).to_owned())
                        .or_insert(0.0) += 1.0;
                }
                shares
                    .values_mut()
                    .for_each(|share| *share /= customers.len() as f64);
                Levels {
                    field: (*field).to_owned(),
                    shares,
                }
            })
            .collect();
        Reference {
            numbers,
            categories,
        }
    }
}

impl Spread {
    fn new(field: &str, values: &[Option<f64>]) -> Self {
        let mut present: Vec<f64> = values.iter().copied().flatten().collect();
        present.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            let place = percent as f64 / 100.0 * (present.len() - 1) as f64;
            let (below, share) = (place.floor() as usize, place.fract());
            let above = (below + 1).min(present.len() - 1);
            present[below] + share * (present[above] - present[below])
        };
        Spread {
            field: field.to_owned(),
            percentiles: if present.is_empty() {
                Vec::new()
            } else {
                (0..=100).map(at).collect()
            },
            missing: (values.len() - present.len()) as f64 / values.len().max(1) as f64,
        }
    }
}

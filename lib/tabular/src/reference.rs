//! How the training customers were spread, for a service that watches whether its own differ.

use crate::{CATEGORIES, Customer, FLAGS};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The quantiles that a [`Spread`] keeps at most.
const KEPT: usize = 1_000;

/// The spread of a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The field, or `probability` for the model's answers.
    pub field: String,
    /// The values in ascending order; of more than 1,000, the quantiles `(i + ½) / 1,000`. In the field's unit.
    pub quantiles: Vec<f64>,
    /// The customers without a value.
    pub missing: usize,
}

/// The customers at each level of a category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    /// The field.
    pub field: String,
    /// From level to number of customers.
    pub counts: BTreeMap<String, usize>,
}

/// The training customers as spreads and counts: what drift is measured from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// The number of customers.
    pub customers: usize,
    /// `tenure`, `monthly_charges`, `total_charges` and `probability`.
    pub numbers: Vec<Spread>,
    /// Each of [`CATEGORIES`], then each flag with the levels `false` and `true`.
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
        let count = |field: &str, level: &dyn Fn(&Customer) -> String| {
            let mut counts = BTreeMap::new();
            for customer in customers {
                *counts.entry(level(customer)).or_insert(0) += 1;
            }
            let field = field.to_owned();
            Levels { field, counts }
        };
        let named = CATEGORIES
            .iter()
            .map(|field| count(field, &|c| c.category(field).to_owned()));
        let flags = FLAGS
            .iter()
            .map(|field| count(field, &|c| c.flag(field).to_string()));
        Reference {
            customers: customers.len(),
            numbers,
            categories: named.chain(flags).collect(),
        }
    }
}

impl Spread {
    fn new(field: &str, values: &[Option<f64>]) -> Self {
        let mut present: Vec<f64> = values.iter().copied().flatten().collect();
        present.sort_by(f64::total_cmp);
        let missing = values.len() - present.len();
        let quantiles = if present.len() <= KEPT {
            present
        } else {
            let last = (present.len() - 1) as f64;
            let at = |i: usize| (last * (i as f64 + 0.5) / KEPT as f64).round() as usize;
            (0..KEPT).map(|i| present[at(i)]).collect()
        };
        Spread {
            field: field.to_owned(),
            quantiles,
            missing,
        }
    }
}

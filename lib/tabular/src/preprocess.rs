//! What is learnt of the columns from the training customers alone.

use crate::features::{COLUMNS, encode, field_of};
use crate::{CATEGORIES, Customer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A category that no training customer had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// The field.
    pub field: String,
    /// Its value.
    pub value: String,
}

/// A customer as the model sees them.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The standardised columns, in the order of [`COLUMNS`], shape `(23,)`, in standard deviations.
    pub values: Vec<f64>,
    /// Categories that training has not seen; their columns stand at the training mean, 0.
    pub unseen: Vec<Unseen>,
}

/// Means, standard deviations and the levels of categories, of the training customers.
///
/// A column is brought to `z = (x − mean) / sd`. Where a category was not seen, the columns of that field are 0: the
/// prediction is that of a customer who is average in it, and the field is named in [`Row::unseen`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preprocessor {
    levels: Vec<BTreeSet<String>>,
    mean: Vec<f64>,
    sd: Vec<f64>,
}

impl Preprocessor {
    /// Learns from the training customers, and from no other.
    ///
    /// The standard deviation divides by `n`, as scikit-learn's `StandardScaler` does; a constant column gets 1.
    /// Without customers all is empty and every category unseen.
    ///
    /// # Complexity
    /// `O(n)` time.
    ///
    /// # Examples
    /// ```
    /// use tabular::{Customer, Preprocessor};
    ///
    /// let one = Customer::example();
    /// let two = Customer { monthly_charges: 90.7, contract: "One year".to_owned(), ..one.clone() };
    /// let fitted = Preprocessor::fit(&[one.clone(), two]);
    /// assert!((fitted.mean()[1] - 80.7).abs() < 1e-12);
    /// assert!((fitted.transform(&one).values[1] + 1.0).abs() < 1e-12); // one standard deviation below the mean
    /// ```
    pub fn fit(customers: &[Customer]) -> Self {
        let n = customers.len().max(1) as f64;
        let mut mean = vec![0.0; COLUMNS.len()];
        let mut sd = vec![0.0; COLUMNS.len()];
        let rows: Vec<_> = customers.iter().map(encode).collect();
        for (j, mean) in mean.iter_mut().enumerate() {
            *mean = rows.iter().map(|row| row[j]).sum::<f64>() / n;
        }
        for (j, sd) in sd.iter_mut().enumerate() {
            let squares: f64 = rows.iter().map(|row| (row[j] - mean[j]).powi(2)).sum();
            let root = (squares / n).sqrt();
            *sd = if root > 0.0 { root } else { 1.0 };
        }
        let levels = CATEGORIES
            .iter()
            .map(|field| {
                customers
                    .iter()
                    .map(|c| c.category(field).to_owned())
                    .collect()
            })
            .collect();
        Preprocessor { levels, mean, sd }
    }

    /// The standardised columns of a customer, and which categories training has not seen.
    pub fn transform(&self, customer: &Customer) -> Row {
        let unseen: Vec<Unseen> = CATEGORIES
            .iter()
            .zip(&self.levels)
            .filter(|(field, levels)| !levels.contains(customer.category(field)))
            .map(|(field, _)| Unseen {
                field: (*field).to_owned(),
                value: customer.category(field).to_owned(),
            })
            .collect();
        let values = encode(customer)
            .iter()
            .enumerate()
            .map(|(j, x)| {
                let field = field_of(COLUMNS[j]);
                if unseen.iter().any(|u| u.field == field) {
                    0.0
                } else {
                    (x - self.mean[j]) / self.sd[j]
                }
            })
            .collect();
        Row { values, unseen }
    }

    /// The training mean of each column, shape `(23,)`.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The training standard deviation of each column, shape `(23,)`.
    pub fn sd(&self) -> &[f64] {
        &self.sd
    }

    /// The levels of a field of [`CATEGORIES`] that training has seen, in order; none for another name.
    pub fn levels(&self, field: &str) -> Vec<&str> {
        let place = CATEGORIES.iter().position(|name| *name == field);
        place.map_or_else(Vec::new, |i| {
            self.levels[i].iter().map(String::as_str).collect()
        })
    }

    /// Why this cannot have been fitted, if it was read from a file.
    pub(crate) fn fault(&self) -> Option<String> {
        if [self.mean.len(), self.sd.len()] != [COLUMNS.len(); 2] {
            return Some(format!("expected {} means and deviations", COLUMNS.len()));
        }
        if self.levels.len() != CATEGORIES.len() {
            return Some(format!(
                "expected the levels of {} categories",
                CATEGORIES.len()
            ));
        }
        let fine = self.mean.iter().all(|m| m.is_finite())
            && self.sd.iter().all(|s| s.is_finite() && *s > 0.0);
        (!fine).then(|| "a mean is not finite, or a deviation not above 0".to_owned())
    }
}

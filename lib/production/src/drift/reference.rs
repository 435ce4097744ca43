use serde::{Deserialize, Serialize};

use super::error::finite;
use super::{DriftError, KolmogorovSmirnov, ks_two_sample, psi, psi_by_chance};

/// How many values of a field the reference keeps for the Kolmogorov–Smirnov test.
const KEPT: usize = 1_000;

/// One value of one field of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell {
    /// Nothing was given.
    Missing,
    /// A number, in the field's unit.
    Number(f64),
    /// A category, by its place among the field's levels.
    Level(usize),
    /// A category that is none of the levels.
    Unseen,
}

/// What the training rows held in one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldReference {
    /// The field's name.
    pub name: String,
    /// Number of training rows.
    pub rows: u64,
    /// How many of them had no value here.
    pub missing: u64,
    /// The values that they had.
    pub seen: Seen,
}

/// The values of a field in the training rows, counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// Numbers, in bins of about equal counts.
    Numbers {
        /// The inner edges of the bins, ascending; a value equal to an edge is in the lower bin.
        edges: Vec<f64>,
        /// Values in each bin, one more than there are edges.
        counts: Vec<u64>,
        /// At most 1,000 quantiles of them, ascending.
        sample: Vec<f64>,
    },
    /// Categories.
    Levels {
        /// Their names.
        levels: Vec<String>,
        /// Rows with each.
        counts: Vec<u64>,
    },
}

/// How far a window of rows is from the training rows, in one field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldDrift {
    /// The field's name.
    pub field: String,
    /// Rows of the window.
    pub rows: u64,
    /// The population stability index of the values that are there; 0 where there are none.
    pub psi: f64,
    /// The index that chance alone exceeds once in a thousand windows of this size; infinite where there are no values.
    pub psi_by_chance: f64,
    /// The Kolmogorov–Smirnov test, for numbers.
    pub ks: Option<KolmogorovSmirnov>,
    /// The share of rows without a value.
    pub missing: f64,
    /// That share in the training rows.
    pub missing_in_training: f64,
    /// The share of rows with a category that no training row had.
    pub unseen: f64,
}

impl FieldReference {
    /// The reference of a numeric field, in `bins` bins of about equal counts.
    ///
    /// # Errors
    /// [`DriftError::Empty`] without a value, [`DriftError::NotFinite`], [`DriftError::Setting`] for fewer than 2 bins.
    ///
    /// # Examples
    /// ```
    /// use production::drift::{Cell, FieldReference};
    ///
    /// let months: Vec<Option<f64>> = (0..100).map(|m| Some(f64::from(m))).collect();
    /// let reference = FieldReference::numbers("tenure", &months, 10)?;
    /// let same = reference.compare((0..100).map(|m| Cell::Number(f64::from(m))))?;
    /// assert_eq!(same.psi, 0.0);
    /// let years = reference.compare((0..100).map(|m| Cell::Number(f64::from(m) / 12.0)))?;
    /// assert!(years.psi > 1.0 && years.psi > years.psi_by_chance); // somebody changed the unit
    /// # Ok::<(), production::drift::DriftError>(())
    /// ```
    pub fn numbers(
        name: &str,
        values: &[Option<f64>],
        bins: usize,
    ) -> Result<FieldReference, DriftError> {
        let op = "FieldReference::numbers";
        if bins < 2 {
            return Err(DriftError::Setting {
                op,
                name: "bins",
                value: bins as f64,
                expected: "at least 2",
            });
        }
        let mut there: Vec<f64> = values.iter().flatten().copied().collect();
        finite(op, name, &there)?;
        if there.is_empty() {
            return Err(DriftError::Empty {
                op,
                what: name.into(),
            });
        }
        there.sort_by(f64::total_cmp);
        let at = |share: f64| there[((there.len() - 1) as f64 * share).round() as usize];
        let mut edges: Vec<f64> = (1..bins).map(|i| at(i as f64 / bins as f64)).collect();
        edges.dedup();
        // the last edge must leave something above it
        edges.retain(|edge| *edge < there[there.len() - 1]);
        let mut counts = vec![0; edges.len() + 1];
        for value in &there {
            counts[bin(&edges, *value)] += 1;
        }
        let kept = there.len().min(KEPT);
        let sample = (0..kept)
            .map(|i| at((i as f64 + 0.5) / kept as f64))
            .collect();
        let sample = if there.len() <= KEPT {
            there.clone()
        } else {
            sample
        };
        Ok(FieldReference {
            name: name.into(),
            rows: values.len() as u64,
            missing: (values.len() - there.len()) as u64,
            seen: Seen::Numbers {
                edges,
                counts,
                sample,
            },
        })
    }

    /// The reference of a numeric field of which quantiles are kept: as [`numbers`](Self::numbers) of as many rows.
    ///
    /// # Arguments
    /// - `rows`, `missing`: the training rows, and how many of them had no value.
    /// - `quantiles`: of the values that they had, evenly spaced, ascending; at most as many as there are values.
    ///
    /// # Errors
    /// As [`numbers`](Self::numbers); [`DriftError::Field`] where there are more quantiles than values.
    pub fn quantiles(
        name: &str,
        rows: u64,
        missing: u64,
        quantiles: &[f64],
        bins: usize,
    ) -> Result<FieldReference, DriftError> {
        let values: Vec<Option<f64>> = quantiles.iter().copied().map(Some).collect();
        let mut reference = FieldReference::numbers(name, &values, bins)?;
        let there = rows.saturating_sub(missing);
        if there < quantiles.len() as u64 {
            return Err(DriftError::Field {
                op: "FieldReference::quantiles",
                field: name.into(),
                reason: format!("{} quantiles of {there} values", quantiles.len()),
            });
        }
        (reference.rows, reference.missing) = (rows, missing);
        if let Seen::Numbers { counts, .. } = &mut reference.seen {
            // Rounded where they add up, so that the sum stays.
            let scaled =
                |sum: u64| (sum as f64 / quantiles.len() as f64 * there as f64).round() as u64;
            let mut sum = 0;
            for count in counts {
                let before = scaled(sum);
                sum += *count;
                *count = scaled(sum) - before;
            }
        }
        Ok(reference)
    }

    /// The reference of a field of categories by their counts.
    pub fn counts(name: &str, levels: Vec<String>, counts: Vec<u64>) -> FieldReference {
        let rows = counts.iter().sum();
        FieldReference {
            name: name.into(),
            rows,
            missing: 0,
            seen: Seen::Levels { levels, counts },
        }
    }

    /// The reference of a field of categories: cells of [`Cell::Level`] and [`Cell::Missing`].
    ///
    /// # Errors
    /// [`DriftError::Field`] for another kind of cell, or a level that is not in `levels`.
    pub fn levels(
        name: &str,
        levels: &[String],
        cells: &[Cell],
    ) -> Result<FieldReference, DriftError> {
        let mut counts = vec![0; levels.len()];
        let mut missing = 0;
        for cell in cells {
            match cell {
                Cell::Missing => missing += 1,
                Cell::Level(level) if *level < levels.len() => counts[*level] += 1,
                other => {
                    return Err(DriftError::Field {
                        op: "FieldReference::levels",
                        field: name.into(),
                        reason: format!("{other:?} is no category of {} levels", levels.len()),
                    });
                }
            }
        }
        Ok(FieldReference {
            name: name.into(),
            rows: cells.len() as u64,
            missing,
            seen: Seen::Levels {
                levels: levels.to_vec(),
                counts,
            },
        })
    }

    /// Compares the values of a window of rows with those of the training rows.
    ///
    /// # Errors
    /// [`DriftError::Field`] for a number in a field of categories or the other way; [`DriftError::NotFinite`].
    pub fn compare(
        &self,
        window: impl IntoIterator<Item = Cell>,
    ) -> Result<FieldDrift, DriftError> {
        let op = "FieldReference::compare";
        let (mut rows, mut missing, mut unseen) = (0_u64, 0_u64, 0_u64);
        let (edges, reference): (&[f64], &[u64]) = match &self.seen {
            Seen::Numbers { edges, counts, .. } => (edges, counts),
            Seen::Levels { counts, .. } => (&[], counts),
        };
        let mut counts = vec![0_u64; reference.len()];
        let mut numbers = Vec::new();
        for cell in window {
            rows += 1;
            match (cell, &self.seen) {
                (Cell::Missing, _) => missing += 1,
                (Cell::Number(value), Seen::Numbers { .. }) => {
                    finite(op, &self.name, &[value])?;
                    counts[bin(edges, value)] += 1;
                    numbers.push(value);
                }
                (Cell::Level(level), Seen::Levels { .. }) if level < counts.len() => {
                    counts[level] += 1;
                }
                (Cell::Unseen | Cell::Level(_), Seen::Levels { .. }) => unseen += 1,
                (other, _) => {
                    return Err(DriftError::Field {
                        op,
                        field: self.name.clone(),
                        reason: format!("{other:?} is not of the kind that training had"),
                    });
                }
            }
        }
        let there = rows - missing - unseen;
        let trained = self.rows - self.missing;
        let comparable = there > 0 && trained > 0;
        let chance = if comparable && counts.len() > 1 {
            psi_by_chance(counts.len(), trained as usize, there as usize, 0.999)?
        } else {
            f64::INFINITY
        };
        let ks = match &self.seen {
            Seen::Numbers { sample, .. } if comparable => Some(ks_two_sample(sample, &numbers)?),
            _ => None,
        };
        let share = |count: u64, of: u64| {
            if of == 0 {
                0.0
            } else {
                count as f64 / of as f64
            }
        };
        Ok(FieldDrift {
            field: self.name.clone(),
            rows,
            psi: if comparable {
                psi(reference, &counts)?
            } else {
                0.0
            },
            psi_by_chance: chance,
            ks,
            missing: share(missing, rows),
            missing_in_training: share(self.missing, self.rows),
            unseen: share(unseen, rows),
        })
    }
}

/// What the training rows held, field by field; it is stored with the model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Reference {
    /// The fields, in the order of the model's rows.
    pub fields: Vec<FieldReference>,
}

impl Reference {
    /// Compares a window of rows with the training rows, a [`FieldDrift`] a field.
    ///
    /// # Errors
    /// [`DriftError::Field`] where a row has another number of fields; as [`FieldReference::compare`].
    pub fn compare(&self, rows: &[Vec<Cell>]) -> Result<Vec<FieldDrift>, DriftError> {
        if let Some((place, row)) = rows
            .iter()
            .enumerate()
            .find(|(_, row)| row.len() != self.fields.len())
        {
            return Err(DriftError::Field {
                op: "Reference::compare",
                field: format!("row {place}"),
                reason: format!("{} fields, expected {}", row.len(), self.fields.len()),
            });
        }
        self.fields
            .iter()
            .enumerate()
            .map(|(i, field)| field.compare(rows.iter().map(|row| row[i])))
            .collect()
    }
}

/// The bin of a value: the number of edges below it.
fn bin(edges: &[f64], value: f64) -> usize {
    edges.partition_point(|edge| *edge < value)
}

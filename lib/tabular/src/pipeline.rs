//! The fitted pipeline: from a customer to a probability, a decision and its reasons.

use crate::features::{COLUMNS, field_of};
use crate::{
    Contribution, Customer, Explanation, FLAGS, InvalidCustomer, Preprocessor, Reference, Unseen,
    file,
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Why a pipeline could not be saved, loaded or asked, with the values that went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// The file could not be read or written.
    #[error("{}: cannot be {doing}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// `"read"` or `"written"`.
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file does not begin as a pipeline does.
    #[error("{}: not a churn pipeline (its first line is not the header of one)", .path.display())]
    NotAPipeline {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer version of this crate.
    #[error(
        "{}: format version {found}, but this program reads up to {supported}: \
         update the program, or fit the pipeline again",
        .path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that can be read.
        supported: u32,
    },
    /// The file is shorter or longer than its header says.
    #[error("{}: {found} bytes of content, expected {expected}: copy it again", .path.display())]
    CutOff {
        /// The file.
        path: PathBuf,
        /// The bytes that the header promises.
        expected: usize,
        /// The bytes that are there.
        found: usize,
    },
    /// The content does not have the checksum of the header.
    #[error("{}: altered (SHA-256 {found}, expected {expected}): copy it again", .path.display())]
    Altered {
        /// The file.
        path: PathBuf,
        /// The checksum of the header.
        expected: String,
        /// The checksum of the content.
        found: String,
    },
    /// The content is whole and makes no pipeline.
    #[error("{}: not a pipeline that this program can use: {reason}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A customer cannot be judged.
    #[error("customer {index}: {source}")]
    Customer {
        /// Place among those that were given, from 0.
        index: usize,
        /// The fields at fault.
        source: InvalidCustomer,
    },
}

/// Where a pipeline comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The number of customers that it was fitted on.
    pub customers: usize,
    /// Those of them who left.
    pub left: usize,
    /// The SHA-256 of the file that they came from, in hexadecimal.
    pub data_sha256: String,
    /// The seed of the split.
    pub seed: u64,
}

/// The answer for one customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// The probability of leaving, from 0 to 1.
    pub probability: f64,
    /// Whether the probability reaches the threshold, so that an offer pays.
    pub offer: bool,
    /// Categories that training has not seen: in these the customer was taken as average.
    pub unseen: Vec<Unseen>,
}

/// A fitted churn pipeline: preprocessing, a logistic regression, a threshold, and where they come from.
///
/// [`fit`](crate::fit) makes one (feature `fit`), [`save`](Self::save) and [`load`](Self::load) keep it in one file.
///
/// # References
/// Chapter *Churn pipeline*.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pipeline {
    columns: Vec<String>,
    preprocessor: Preprocessor,
    intercept: f64,
    coef: Vec<f64>,
    alpha: f64,
    threshold: f64,
    provenance: Provenance,
    reference: Reference,
}

impl Pipeline {
    #[cfg(feature = "fit")]
    pub(crate) fn new(
        preprocessor: Preprocessor,
        (intercept, coef): (f64, Vec<f64>),
        alpha: f64,
        threshold: f64,
        provenance: Provenance,
        customers: &[Customer],
    ) -> Self {
        let mut pipeline = Pipeline {
            columns: COLUMNS.map(str::to_owned).to_vec(),
            preprocessor,
            intercept,
            coef,
            alpha,
            threshold,
            provenance,
            reference: Reference::new(&[], &[]),
        };
        let probabilities: Vec<f64> = customers
            .iter()
            .map(|c| sigmoid(pipeline.log_odds(c).0))
            .collect();
        pipeline.reference = Reference::new(customers, &probabilities);
        pipeline
    }

    /// The probability of leaving of each customer, from 0 to 1, in their order.
    ///
    /// # Errors
    /// [`PipelineError::Customer`] with the first customer that is out of range.
    ///
    /// # Complexity
    /// `O(customers)` time; about a microsecond for one.
    pub fn predict_proba(&self, customers: &[Customer]) -> Result<Vec<f64>, PipelineError> {
        let each = customers.iter().enumerate();
        each.map(|(index, customer)| {
            customer
                .validate()
                .map_err(|source| PipelineError::Customer { index, source })?;
            Ok(sigmoid(self.log_odds(customer).0))
        })
        .collect()
    }

    /// Probability, decision, and the categories that training has not seen.
    ///
    /// A category that training has not seen is taken as average: its columns stand at their training mean. A missing
    /// `total_charges` counts as no change of price.
    ///
    /// # Errors
    /// [`InvalidCustomer`] with each field that is out of range.
    pub fn predict(&self, customer: &Customer) -> Result<Prediction, InvalidCustomer> {
        customer.validate()?;
        let (log_odds, unseen) = self.log_odds(customer);
        let probability = sigmoid(log_odds);
        Ok(Prediction {
            probability,
            offer: probability >= self.threshold,
            unseen,
        })
    }

    /// What each field adds to the customer's log-odds.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn explain(&self, customer: &Customer) -> Result<Explanation, InvalidCustomer> {
        customer.validate()?;
        let row = self.preprocessor.transform(customer);
        let mut contributions: Vec<Contribution> = Vec::new();
        for (column, (z, w)) in COLUMNS.iter().zip(row.values.iter().zip(&self.coef)) {
            let field = field_of(column);
            match contributions.iter_mut().find(|c| c.field == field) {
                Some(known) => known.log_odds += z * w,
                None => contributions.push(Contribution {
                    field: field.to_owned(),
                    value: text_of(customer, field),
                    log_odds: z * w,
                }),
            }
        }
        contributions.sort_by(|a, b| b.log_odds.abs().total_cmp(&a.log_odds.abs()));
        let (log_odds, _) = self.log_odds(customer);
        Ok(Explanation {
            baseline: self.intercept,
            contributions,
            log_odds,
            probability: sigmoid(log_odds),
        })
    }

    fn log_odds(&self, customer: &Customer) -> (f64, Vec<Unseen>) {
        let row = self.preprocessor.transform(customer);
        let sum: f64 = row.values.iter().zip(&self.coef).map(|(z, w)| z * w).sum();
        (self.intercept + sum, row.unseen)
    }

    /// The log-odds of a customer who is average in every column.
    pub fn intercept(&self) -> f64 {
        self.intercept
    }

    /// The coefficients, log-odds per standard deviation, in the order of [`COLUMNS`], shape `(23,)`.
    pub fn coef(&self) -> &[f64] {
        &self.coef
    }

    /// The penalty of the fit.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// The probability from which an offer is made.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// What was learnt of the columns.
    pub fn preprocessor(&self) -> &Preprocessor {
        &self.preprocessor
    }

    /// Where the pipeline comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// How the training customers were spread.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The SHA-256 of the content, in hexadecimal: equal for pipelines that answer alike.
    pub fn id(&self) -> String {
        file::digest(self.content().as_bytes())
    }

    fn content(&self) -> String {
        serde_json::to_string(self).expect("texts and finite numbers are JSON")
    }

    /// Writes the pipeline to one file, whole: a process that is killed leaves the old file or the new one.
    ///
    /// # Errors
    /// [`PipelineError::Io`]; the old file, if there was one, then stands unchanged.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), PipelineError> {
        file::write(path.as_ref(), &self.content())
    }

    /// Reads a pipeline that [`save`](Self::save) wrote; its answers are then equal to the last bit.
    ///
    /// # Errors
    /// [`PipelineError::Io`] if there is no such file, [`NotAPipeline`](PipelineError::NotAPipeline),
    /// [`Newer`](PipelineError::Newer), [`CutOff`](PipelineError::CutOff), [`Altered`](PipelineError::Altered) or
    /// [`Malformed`](PipelineError::Malformed) if it is not a whole pipeline of this format.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, PipelineError> {
        let path = path.as_ref();
        let malformed = |reason: String| PipelineError::Malformed {
            path: path.to_owned(),
            reason,
        };
        let pipeline: Pipeline = serde_json::from_str(&file::read(path)?)
            .map_err(|error| malformed(error.to_string()))?;
        match pipeline.fault() {
            None => Ok(pipeline),
            Some(reason) => Err(malformed(reason)),
        }
    }

    fn fault(&self) -> Option<String> {
        if self.columns != COLUMNS {
            return Some(format!(
                "its columns are not the {} of this program",
                COLUMNS.len()
            ));
        }
        if self.coef.len() != COLUMNS.len() {
            return Some(format!(
                "{} coefficients for {} columns",
                self.coef.len(),
                COLUMNS.len()
            ));
        }
        if !self
            .coef
            .iter()
            .chain([&self.intercept])
            .all(|w| w.is_finite())
        {
            return Some("a coefficient is not finite".to_owned());
        }
        if !(0.0..=1.0).contains(&self.threshold) {
            return Some(format!("a threshold of {}", self.threshold));
        }
        self.preprocessor.fault()
    }
}

fn sigmoid(z: f64) -> f64 {
    // Neither branch takes the exponential of a large number.
    if z >= 0.0 {
        1.0 / (1.0 + (-z).exp())
    } else {
        z.exp() / (1.0 + z.exp())
    }
}

/// A field's value in words.
fn text_of(customer: &Customer, field: &str) -> String {
    let flag = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    match field {
        "tenure" => format!("{} months", customer.tenure),
        "monthly_charges" => format!("{:.2} dollars", customer.monthly_charges),
        "total_charges" => match customer.total_charges {
            Some(total) => format!("{total:.2} dollars"),
            None => "none yet".to_owned(),
        },
        name if FLAGS.contains(&name) => flag(customer.flag(name)),
        category => customer.category(category).to_owned(),
    }
}

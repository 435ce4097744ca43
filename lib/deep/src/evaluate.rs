//! What a network gets right, how surely that is known, and what it gets wrong.

use crate::DeepError;
use crate::cnn::Cnn;
use crate::data::{CLASSES, Digits};
use foundations::proportion::{Interval, wilson};
use ndarray::{Array2, ArrayView1, ArrayView2};

/// What a network says of images whose digits are known.
///
/// # Examples
/// ```
/// use deep::evaluate::Evaluation;
/// use ndarray::Array2;
///
/// let mut p = Array2::from_elem((4, 10), 0.02);
/// for (row, digit) in [3, 3, 5, 8].into_iter().enumerate() {
///     p[[row, digit]] = 0.82;
/// }
/// let seen = Evaluation::new(p, &[3, 5, 5, 8])?;
/// assert_eq!(seen.accuracy(), 0.75);
/// assert_eq!(seen.confusion()[[5, 3]], 1);       // a 5 that was read as a 3
/// assert_eq!(seen.mistakes()[0].image, 1);
/// # Ok::<(), deep::DeepError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    probabilities: Array2<f64>, // (n, 10)
    labels: Vec<u8>,
    predicted: Vec<u8>,
}

/// An image that was read wrongly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mistake {
    /// Its number among the images, from 0.
    pub image: usize,
    /// The digit that it shows.
    pub label: u8,
    /// The digit that was read.
    pub predicted: u8,
    /// The probability of the digit that was read.
    pub probability: f64,
    /// The probability of the digit that it shows.
    pub probability_of_label: f64,
}

/// What is left when unsure answers are handed to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Number of images that the network answers itself.
    pub answered: usize,
    /// How many of these are right.
    pub right: usize,
}

impl Evaluation {
    /// Takes probabilities and what is true.
    ///
    /// # Arguments
    /// - `probabilities`: a row an image, shape `(n, 10)`.
    /// - `labels`: the digit of each, length `n`.
    ///
    /// # Errors
    /// [`DeepError::ShapeMismatch`], [`DeepError::Label`], [`DeepError::Empty`].
    pub fn new(probabilities: Array2<f64>, labels: &[u8]) -> Result<Evaluation, DeepError> {
        let op = "Evaluation::new";
        if probabilities.dim() != (labels.len(), CLASSES) {
            return Err(DeepError::ShapeMismatch {
                op,
                argument: "probabilities",
                expected: vec![labels.len(), CLASSES],
                got: probabilities.shape().to_vec(),
            });
        }
        if labels.is_empty() {
            return Err(DeepError::Empty { op });
        }
        if let Some(index) = labels
            .iter()
            .position(|&label| usize::from(label) >= CLASSES)
        {
            return Err(DeepError::Label {
                op,
                index,
                label: labels[index],
            });
        }
        let predicted = probabilities
            .rows()
            .into_iter()
            .map(|row| most_likely(row) as u8)
            .collect();
        Ok(Evaluation {
            probabilities,
            labels: labels.to_vec(),
            predicted,
        })
    }

    /// Asks a network about images.
    ///
    /// # Errors
    /// [`DeepError::Candle`].
    pub fn of(model: &Cnn, digits: &Digits) -> Result<Evaluation, DeepError> {
        Evaluation::new(model.probabilities(digits)?, digits.labels())
    }

    /// Number of images.
    pub fn n_images(&self) -> usize {
        self.labels.len()
    }

    /// Number of images that are read rightly.
    pub fn n_right(&self) -> usize {
        self.labels
            .iter()
            .zip(&self.predicted)
            .filter(|(label, predicted)| label == predicted)
            .count()
    }

    /// Share of the images that are read rightly, from 0 to 1.
    pub fn accuracy(&self) -> f64 {
        self.n_right() as f64 / self.n_images() as f64
    }

    /// Wilson's interval for the share that would be read rightly of ever more such images.
    ///
    /// It holds if these images were drawn from the same source, and were not used to choose the network.
    ///
    /// # Errors
    /// [`DeepError::Proportion`] if the level is not between 0 and 1.
    ///
    /// # Examples
    /// ```
    /// # use deep::evaluate::Evaluation;
    /// let sure = ndarray::Array2::from_shape_fn((100, 10), |(_, digit)| f64::from(u8::from(digit == 0)));
    /// let seen = Evaluation::new(sure, &[0; 100])?;
    /// assert!((seen.accuracy_interval(0.95)?.lower - 0.963).abs() < 5e-4);
    /// # Ok::<(), deep::DeepError>(())
    /// ```
    pub fn accuracy_interval(&self, level: f64) -> Result<Interval, DeepError> {
        Ok(wilson(self.n_right(), self.n_images(), level)?)
    }

    /// Mean cross-entropy, in nats: `−(1/n) Σₙ ln pₙ,label(n)`.
    pub fn loss(&self) -> f64 {
        let of_label = |(row, &label): (ArrayView1<'_, f64>, &u8)| row[usize::from(label)];
        let total: f64 = self
            .probabilities
            .rows()
            .into_iter()
            .zip(&self.labels)
            .map(of_label)
            .map(|p| p.max(f64::MIN_POSITIVE).ln())
            .sum();
        -total / self.n_images() as f64
    }

    /// The probabilities, shape `(n, 10)`.
    pub fn probabilities(&self) -> ArrayView2<'_, f64> {
        self.probabilities.view()
    }

    /// The digit that was read in each image, length `n`.
    pub fn predicted(&self) -> &[u8] {
        &self.predicted
    }

    /// How sure the network is on average: the mean probability of the digit that it read.
    ///
    /// `(1/n) Σₙ max_d pₙ_d`, which is the accuracy where the probabilities are calibrated.
    ///
    /// # Examples
    /// ```
    /// use deep::evaluate::Evaluation;
    ///
    /// let mut p = ndarray::Array2::from_elem((2, 10), 0.02);
    /// (p[[0, 3]], p[[1, 5]]) = (0.82, 0.82);
    /// let seen = Evaluation::new(p, &[3, 8])?;
    /// assert!((seen.mean_probability() - 0.82).abs() < 1e-12);
    /// assert_eq!(seen.accuracy(), 0.5); // sure, and half as good
    /// # Ok::<(), deep::DeepError>(())
    /// ```
    pub fn mean_probability(&self) -> f64 {
        let read = |(row, &digit): (ArrayView1<'_, f64>, &u8)| row[usize::from(digit)];
        let rows = self.probabilities.rows().into_iter();
        rows.zip(&self.predicted).map(read).sum::<f64>() / self.n_images() as f64
    }

    /// How often digit `i` was read as digit `j`: row `i`, column `j`. Shape (10, 10).
    pub fn confusion(&self) -> Array2<usize> {
        let mut counts = Array2::zeros((CLASSES, CLASSES));
        for (&label, &predicted) in self.labels.iter().zip(&self.predicted) {
            counts[[usize::from(label), usize::from(predicted)]] += 1;
        }
        counts
    }

    /// The images that are read wrongly, the least probable truth first.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let wrong = (0..self.n_images()).filter(|&i| self.labels[i] != self.predicted[i]);
        let mut mistakes: Vec<Mistake> = wrong
            .map(|image| {
                let (label, predicted) = (self.labels[image], self.predicted[image]);
                Mistake {
                    image,
                    label,
                    predicted,
                    probability: self.probabilities[[image, usize::from(predicted)]],
                    probability_of_label: self.probabilities[[image, usize::from(label)]],
                }
            })
            .collect();
        mistakes.sort_by(|a, b| a.probability_of_label.total_cmp(&b.probability_of_label));
        mistakes
    }

    /// What is answered, and answered rightly, if images below a probability go to a person.
    ///
    /// # Arguments
    /// - `threshold`: the least probability of the digit read with which it is taken, from 0 to 1.
    ///
    /// # Errors
    /// [`DeepError::Parameter`] if the threshold is not from 0 to 1.
    pub fn kept(&self, threshold: f64) -> Result<Kept, DeepError> {
        if !(0.0..=1.0).contains(&threshold) {
            return Err(crate::data::parameter(
                "threshold",
                threshold,
                "a probability from 0 to 1",
            ));
        }
        let mut kept = Kept {
            answered: 0,
            right: 0,
        };
        for (i, &predicted) in self.predicted.iter().enumerate() {
            if self.probabilities[[i, usize::from(predicted)]] >= threshold {
                kept.answered += 1;
                kept.right += usize::from(predicted == self.labels[i]);
            }
        }
        Ok(kept)
    }

    /// What the images cost, if those below a probability go to a person.
    ///
    /// `cost = error · (answered − right) + look · (images − answered)`, in the unit of the prices.
    ///
    /// # Arguments
    /// - `threshold`: as for [`kept`](Self::kept).
    /// - `error`, `look`: the price of an answer that is wrong, and of a look by a person.
    ///
    /// # Errors
    /// [`DeepError::Parameter`] if the threshold is not from 0 to 1, or a price is negative or not finite.
    ///
    /// # Examples
    /// ```
    /// use deep::evaluate::Evaluation;
    ///
    /// let mut p = ndarray::Array2::from_elem((3, 10), 0.02);
    /// (p[[0, 3]], p[[1, 5]]) = (0.82, 0.82); // the third image: no digit stands out
    /// let seen = Evaluation::new(p, &[3, 8, 0])?;
    /// assert_eq!(seen.cost(0.5, 2.0, 0.25)?, 2.25); // one error, one look
    /// # Ok::<(), deep::DeepError>(())
    /// ```
    pub fn cost(&self, threshold: f64, error: f64, look: f64) -> Result<f64, DeepError> {
        for (name, price) in [("error", error), ("look", look)] {
            if !(price >= 0.0 && price.is_finite()) {
                let expected = "a finite price, not negative";
                return Err(crate::data::parameter(name, price, expected));
            }
        }
        let kept = self.kept(threshold)?;
        let (wrong, handed) = (kept.answered - kept.right, self.n_images() - kept.answered);
        Ok(error * wrong as f64 + look * handed as f64)
    }
}

/// The first of the largest entries.
fn most_likely(row: ArrayView1<'_, f64>) -> usize {
    let mut best = 0;
    for (class, &p) in row.iter().enumerate() {
        if p > row[best] {
            best = class;
        }
    }
    best
}

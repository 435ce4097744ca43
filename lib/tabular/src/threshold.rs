//! From whom an offer pays: the threshold by what a lost customer and an offer cost.

use crate::TrainError;
use foundations::metrics::Confusion;
use ndarray::ArrayView1;

/// What is at stake for one customer, in US dollars.
///
/// An offer costs `offer` whoever takes it; of those about to leave, it keeps a share `kept`; a customer who leaves
/// costs `lost`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    lost: f64,
    offer: f64,
    kept: f64,
}

/// What a threshold costs on customers whose fate is known, in expectation over who takes the offer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bill {
    /// Who is made an offer: those with this probability of leaving, or more.
    pub threshold: f64,
    /// The number of offers.
    pub offers: usize,
    /// Customers that the offers keep, in expectation.
    pub kept: f64,
    /// Offers and lost customers together, in US dollars for each customer.
    pub per_customer: f64,
}

impl Costs {
    /// Costs in US dollars, and the share of leavers that an offer keeps.
    ///
    /// # Errors
    /// [`TrainError::Costs`] unless `lost` and `offer` are above 0 and `kept` is above 0 and at most 1.
    pub fn new(lost: f64, offer: f64, kept: f64) -> Result<Self, TrainError> {
        let refuse = |name, value, expected| {
            Err(TrainError::Costs {
                name,
                value,
                expected,
            })
        };
        if !(lost > 0.0 && lost.is_finite()) {
            return refuse("lost", lost, "US dollars above 0");
        }
        if !(offer > 0.0 && offer.is_finite()) {
            return refuse("offer", offer, "US dollars above 0");
        }
        if !(kept > 0.0 && kept <= 1.0) {
            return refuse("kept", kept, "a share above 0, at most 1");
        }
        Ok(Costs { lost, offer, kept })
    }

    /// The probability of leaving from which an offer pays, `offer / (kept · lost)`; 1 if it never does.
    ///
    /// An offer to a customer who leaves with probability `p` costs `offer` and saves `p · kept · lost` in expectation.
    /// That needs probabilities that are calibrated, and no data at all.
    ///
    /// # Examples
    /// ```
    /// let costs = tabular::threshold::Costs::new(800.0, 60.0, 0.3)?;
    /// assert!((costs.break_even() - 0.25).abs() < 1e-12);
    /// # Ok::<(), tabular::TrainError>(())
    /// ```
    pub fn break_even(&self) -> f64 {
        (self.offer / (self.kept * self.lost)).min(1.0)
    }

    /// What a threshold costs on these customers.
    ///
    /// # Arguments
    /// - `left`: 1 for those who left, else 0, shape `(n,)`.
    /// - `probabilities`: of leaving, shape `(n,)`.
    /// - `threshold`: above 1 makes no offer, 0 makes one to everybody.
    ///
    /// # Errors
    /// [`TrainError::Metric`] for lengths that differ, no customers, or numbers that are none.
    ///
    /// # Examples
    /// ```
    /// use ndarray::array;
    ///
    /// let costs = tabular::threshold::Costs::new(800.0, 60.0, 0.5)?;
    /// let bill = costs.bill(array![1.0, 0.0, 0.0, 1.0].view(), array![0.9, 0.6, 0.1, 0.2].view(), 0.5)?;
    /// assert_eq!((bill.offers, bill.kept), (2, 0.5));
    /// assert_eq!(bill.per_customer, (2.0 * 60.0 + 1.5 * 800.0) / 4.0);
    /// # Ok::<(), tabular::TrainError>(())
    /// ```
    pub fn bill(
        &self,
        left: ArrayView1<'_, f64>,
        probabilities: ArrayView1<'_, f64>,
        threshold: f64,
    ) -> Result<Bill, TrainError> {
        let at = Confusion::at(left, probabilities, threshold)?;
        let offers = at.true_positives + at.false_positives;
        let kept = self.kept * at.true_positives as f64;
        let leavers = (at.true_positives + at.false_negatives) as f64;
        let cost = offers as f64 * self.offer + (leavers - kept) * self.lost;
        Ok(Bill {
            threshold,
            offers,
            kept,
            per_customer: cost / at.samples() as f64,
        })
    }

    /// The bill of each of `steps + 1` thresholds from 0 to 1.
    ///
    /// # Errors
    /// As [`bill`](Self::bill).
    pub fn bills(
        &self,
        left: ArrayView1<'_, f64>,
        probabilities: ArrayView1<'_, f64>,
        steps: usize,
    ) -> Result<Vec<Bill>, TrainError> {
        let at = |step: usize| step as f64 / steps.max(1) as f64;
        (0..=steps)
            .map(|step| self.bill(left, probabilities, at(step)))
            .collect()
    }
}

//! A fault on purpose: how a score becomes too good to be true.

use crate::TrainError;
use foundations::resampling::{Split, stratified_split};
use ndarray::{Array1, ArrayView1};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

/// Copies leavers at random until both classes are of equal number, and *then* splits: do not do this.
///
/// A leaver's copies fall into both parts, so that a model is judged on customers that it has learnt by heart. The rows
/// of the split number customers, and occur more than once.
///
/// # Errors
/// [`TrainError::Resampling`] as of [`stratified_split`].
///
/// # Examples
/// ```
/// use ndarray::Array1;
///
/// let left: Array1<f64> = (0..100).map(|i| f64::from(i % 4 == 0)).collect();
/// let leaking = tabular::leak::oversample_then_split(left.view(), 0.25, 1)?;
/// assert!(tabular::leak::shared(&leaking) > 10); // customers on both sides
/// # Ok::<(), tabular::TrainError>(())
/// ```
pub fn oversample_then_split(
    left: ArrayView1<'_, f64>,
    test_share: f64,
    seed: u64,
) -> Result<Split, TrainError> {
    let rows = oversampled(left, &(0..left.len()).collect::<Vec<_>>(), seed);
    let labels: Array1<f64> = rows.iter().map(|&row| left[row]).collect();
    let split = stratified_split(labels.view(), test_share, seed)?;
    let customers = |places: Vec<usize>| places.into_iter().map(|place| rows[place]).collect();
    Ok(Split {
        train: customers(split.train),
        test: customers(split.test),
    })
}

/// `rows`, with leavers among them copied at random until both classes are of equal number; leavers must be fewer.
pub fn oversampled(left: ArrayView1<'_, f64>, rows: &[usize], seed: u64) -> Vec<usize> {
    let leavers: Vec<usize> = rows
        .iter()
        .copied()
        .filter(|&row| left[row] == 1.0)
        .collect();
    let mut all = rows.to_vec();
    if leavers.is_empty() {
        return all;
    }
    let mut rng = StdRng::seed_from_u64(seed);
    let copies = (rows.len() - leavers.len()).saturating_sub(leavers.len());
    all.extend((0..copies).map(|_| leavers[rng.gen_range(0..leavers.len())]));
    all.shuffle(&mut rng);
    all
}

/// How many customers of the test part are in the training part too.
pub fn shared(split: &Split) -> usize {
    let train: std::collections::BTreeSet<_> = split.train.iter().collect();
    let test: std::collections::BTreeSet<_> = split.test.iter().collect();
    test.intersection(&train).count()
}

//! What must hold of every split, fold and interval.

use foundations::resampling::{Bootstrap, ResamplingError, stratified_folds, stratified_split};
use ndarray::Array1;
use proptest::prelude::*;

fn labels(zeros: usize, ones: usize) -> Array1<f64> {
    // Not in order of class, so that order cannot stand in for chance.
    let n = zeros + ones;
    (0..n)
        .map(|i| f64::from((i * ones) / n != ((i + 1) * ones) / n))
        .collect()
}

fn ones(labels: &Array1<f64>, rows: &[usize]) -> usize {
    rows.iter().filter(|&&row| labels[row] == 1.0).count()
}

proptest! {
    #[test]
    fn a_split_keeps_every_row_once_and_the_shares(
        zeros in 8usize..200, n_ones in 8usize..100, share in 0.15f64..0.85, seed in any::<u64>(),
    ) {
        let labels = labels(zeros, n_ones);
        let split = stratified_split(labels.view(), share, seed).unwrap();
        let mut all = [split.train.clone(), split.test.clone()].concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..zeros + n_ones).collect::<Vec<_>>());
        let wanted = share * n_ones as f64;
        prop_assert!((ones(&labels, &split.test) as f64 - wanted).abs() <= 0.5);
        let wanted = share * zeros as f64;
        let test_zeros = split.test.len() - ones(&labels, &split.test);
        prop_assert!((test_zeros as f64 - wanted).abs() <= 0.5);
        prop_assert!(split.train.is_sorted() && split.test.is_sorted());
        prop_assert_eq!(stratified_split(labels.view(), share, seed).unwrap(), split);
    }

    #[test]
    fn folds_test_every_row_once_and_are_alike(
        zeros in 10usize..200, n_ones in 10usize..100, k in 2usize..10, seed in any::<u64>(),
    ) {
        let labels = labels(zeros, n_ones);
        let folds = stratified_folds(labels.view(), k, seed).unwrap();
        let mut tested: Vec<usize> = folds.iter().flat_map(|fold| fold.test.clone()).collect();
        tested.sort_unstable();
        prop_assert_eq!(tested, (0..zeros + n_ones).collect::<Vec<_>>());
        let sizes: Vec<usize> = folds.iter().map(|fold| fold.test.len()).collect();
        prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{:?}", sizes);
        for fold in &folds {
            prop_assert_eq!(fold.train.len() + fold.test.len(), labels.len());
            prop_assert!(fold.test.iter().all(|row| fold.train.binary_search(row).is_err()));
            let wanted = n_ones as f64 / k as f64;
            prop_assert!((ones(&labels, &fold.test) as f64 - wanted).abs() < 1.0);
        }
    }

    #[test]
    fn an_interval_holds_its_ends_in_order(values in prop::collection::vec(-5.0f64..5.0, 2..40), seed in any::<u64>()) {
        let mean = |rows: &[usize]| -> Result<f64, ResamplingError> {
            Ok(rows.iter().map(|&row| values[row]).sum::<f64>() / rows.len() as f64)
        };
        let wide = Bootstrap::new(200, 0.95, seed).interval(values.len(), mean).unwrap();
        let narrow = Bootstrap::new(200, 0.5, seed).interval(values.len(), mean).unwrap();
        prop_assert!(wide.lower <= narrow.lower && narrow.lower <= narrow.upper && narrow.upper <= wide.upper);
        prop_assert_eq!(Bootstrap::new(200, 0.95, seed).interval(values.len(), mean).unwrap(), wide);
    }
}

#[test]
fn another_seed_gives_other_rows() {
    let labels = labels(60, 40);
    let [a, b] = [1, 2].map(|seed| stratified_split(labels.view(), 0.25, seed).unwrap());
    assert_ne!(a, b);
}

/// Of intervals from many samples, about as many as the level says hold the true mean.
#[test]
fn intervals_cover_the_truth_about_as_often_as_they_say() {
    use rand::{Rng, SeedableRng, rngs::StdRng};
    let mut rng = StdRng::seed_from_u64(11);
    let (runs, n) = (300, 60);
    let mut covered = 0;
    for run in 0..runs {
        let values: Vec<f64> = (0..n).map(|_| rng.gen_range(0.0..1.0)).collect();
        let mean = |rows: &[usize]| -> Result<f64, ResamplingError> {
            Ok(rows.iter().map(|&row| values[row]).sum::<f64>() / rows.len() as f64)
        };
        let interval = Bootstrap::new(300, 0.9, run).interval(n, mean).unwrap();
        covered += usize::from(interval.lower <= 0.5 && 0.5 <= interval.upper);
    }
    // 270 expected, with a standard deviation of 5; percentile intervals of 60 values fall a little short.
    assert!((250..=285).contains(&covered), "{covered} of {runs}");
}

#[test]
fn what_cannot_be_split_is_an_error_with_its_numbers() {
    let few = labels(10, 1);
    assert_eq!(
        stratified_split(few.view(), 0.25, 0)
            .unwrap_err()
            .to_string(),
        "stratified_split: 1 samples with label 1, but 2 parts need one each"
    );
    assert_eq!(
        stratified_folds(few.view(), 5, 0).unwrap_err().to_string(),
        "stratified_folds: 1 samples with label 1, but 5 parts need one each"
    );
    let none: Array1<f64> = Array1::zeros(0);
    assert_eq!(
        stratified_split(none.view(), 0.25, 0),
        Err(ResamplingError::Empty {
            op: "stratified_split"
        })
    );
    let odd = Array1::from(vec![0.0, 1.0, 0.5]);
    assert_eq!(
        stratified_split(odd.view(), 0.25, 0)
            .unwrap_err()
            .to_string(),
        "stratified_split: labels[2] is 0.5, expected 0 or 1"
    );
    for share in [0.0, 1.0, f64::NAN] {
        let error = stratified_split(labels(9, 9).view(), share, 0).unwrap_err();
        assert!(matches!(
            error,
            ResamplingError::InvalidParameter {
                name: "test_share",
                ..
            }
        ));
    }
    assert!(matches!(
        stratified_folds(labels(9, 9).view(), 1, 0),
        Err(ResamplingError::InvalidParameter { name: "k", .. })
    ));
    let mean = |_: &[usize]| -> Result<f64, ResamplingError> { Ok(0.0) };
    for (bootstrap, n, want) in [
        (Bootstrap::new(10, 0.9, 0), 0, "no samples"),
        (Bootstrap::new(0, 0.9, 0), 5, "replicates is 0"),
        (Bootstrap::new(10, 1.0, 0), 5, "level is 1"),
    ] {
        let error = bootstrap.interval(n, mean).unwrap_err();
        assert!(error.to_string().contains(want), "{error}");
    }
}

//! Least squares and ridge on a grid of sizes, beside linfa-linear on the same data.
//!
//! `cargo bench -p foundations --bench linear_model`

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use foundations::linear_model::{LinearRegression, Ridge};
use linfa::Dataset;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::hint::black_box;

/// `(n_samples, n_features)`
const SIZES: [(usize, usize); 5] = [(100, 4), (400, 8), (1_000, 16), (10_000, 16), (10_000, 64)];

fn problem(n_samples: usize, n_features: usize) -> (Array2<f64>, Array1<f64>) {
    let mut rng = StdRng::seed_from_u64(7);
    let x = Array2::from_shape_simple_fn((n_samples, n_features), || rng.gen_range(-1.0..1.0));
    let y = x
        .sum_axis(ndarray::Axis(1))
        .mapv(|mean| mean + rng.gen_range(-0.5..0.5));
    (x, y)
}

fn fit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("linear_model/fit");
    group.sample_size(20);
    for (n_samples, n_features) in SIZES {
        let (x, y) = problem(n_samples, n_features);
        let data = Dataset::new(x.clone(), y.clone());
        let size = format!("{n_samples}x{n_features}");
        group.throughput(Throughput::Elements((n_samples * n_features) as u64));
        group.bench_function(
            BenchmarkId::new("foundations::LinearRegression", &size),
            |b| {
                let model = LinearRegression::new();
                b.iter(|| model.fit(black_box(x.view()), black_box(y.view())));
            },
        );
        group.bench_function(
            BenchmarkId::new("linfa_linear::LinearRegression", &size),
            |b| {
                let model = linfa_linear::LinearRegression::new();
                b.iter(|| model.fit(black_box(&data)));
            },
        );
        group.bench_function(BenchmarkId::new("foundations::Ridge", &size), |b| {
            let model = Ridge::new(1.0);
            b.iter(|| model.fit(black_box(x.view()), black_box(y.view())));
        });
    }
    group.finish();
}

criterion_group!(benches, fit);
criterion_main!(benches);

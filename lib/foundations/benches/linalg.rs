//! Times of `linalg` over a grid of sizes: `cargo bench -p foundations --bench linalg`.
//!
//! `matmul` is timed beside ndarray's own product, which is blocked for the cache and vectorised
//! by hand: what a plain triple loop costs.
//!
//! numpy on the same sizes: `python lib/foundations/benches/linalg.py`.

#![allow(
    missing_docs,
    reason = "criterion's macros make undocumented functions"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use foundations::linalg::{self, Cholesky, Lu, Qr, Svd, SymmetricEigen};
use ndarray::Array2;
use rand::{Rng, SeedableRng, rngs::StdRng};

const SEED: u64 = 20240601;

fn random(m: usize, n: usize) -> Array2<f64> {
    let mut rng = StdRng::seed_from_u64(SEED);
    Array2::from_shape_simple_fn((m, n), || rng.gen_range(-1.0..1.0))
}

fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("matmul");
    for n in [16, 64, 256] {
        let (a, b) = (random(n, n), random(n, n));
        group.bench_function(BenchmarkId::new("plain", n), |bench| {
            bench.iter(|| linalg::matmul(black_box(a.view()), b.view()));
        });
        group.bench_function(BenchmarkId::new("ndarray", n), |bench| {
            bench.iter(|| black_box(&a).dot(&b));
        });
    }
    group.finish();
}

fn square(c: &mut Criterion) {
    for n in [16, 64, 256] {
        let a = random(n, n);
        let positive = a.dot(&a.t()) + Array2::<f64>::eye(n);
        c.bench_function(&format!("lu/{n}"), |bench| {
            bench.iter(|| Lu::new(black_box(a.view())));
        });
        c.bench_function(&format!("cholesky/{n}"), |bench| {
            bench.iter(|| Cholesky::new(black_box(positive.view())));
        });
    }
    for n in [16, 28, 64, 128] {
        let symmetric = random(n, n) + random(n, n).t();
        c.bench_function(&format!("symmetric_eigen/{n}"), |bench| {
            bench.iter(|| SymmetricEigen::new(black_box(symmetric.view())));
        });
    }
}

fn rectangular(c: &mut Criterion) {
    for (m, n) in [(16, 16), (64, 64), (256, 256), (1000, 10), (1000, 50)] {
        let a = random(m, n);
        c.bench_function(&format!("qr/{m}x{n}"), |bench| {
            bench.iter(|| Qr::new(black_box(a.view())));
        });
    }
    for (m, n) in [
        (16, 16),
        (28, 28),
        (64, 64),
        (128, 128),
        (1000, 10),
        (1000, 50),
    ] {
        let a = random(m, n);
        c.bench_function(&format!("svd/{m}x{n}"), |bench| {
            bench.iter(|| Svd::new(black_box(a.view())));
        });
    }
}

criterion_group!(benches, products, square, rectangular);
criterion_main!(benches);

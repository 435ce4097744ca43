//! Every backward pass of `neural_network` against central differences of its forward pass.
//!
//! A layer's output is weighted by a random `G` and added up: a loss whose gradient with respect to
//! the output is `G`. Then `(L(v + h) − L(v − h)) / 2h` must be the gradient that the backward pass gives.
//! With `h = 1e-5` and entries of size 1 the formula is off by about `h² = 1e-10` where third derivatives are of size
//! 1, and by rounding of about `1e-16 / h = 1e-11` times the size of the loss.

use foundations::neural_network::{
    ConvNet, conv2d, conv2d_backward, cross_entropy, cross_entropy_backward, dense, dense_backward,
    max_pool2d, max_pool2d_backward, relu, relu_backward, softmax,
};
use ndarray::{Array, Array1, Array2, Array4, Dimension};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const STEP: f64 = 1e-5;
const ALLOWED: f64 = 1e-7;

/// An array of numbers between -1 and 1.
fn random<D: Dimension>(
    shape: impl ndarray::ShapeBuilder<Dim = D>,
    rng: &mut StdRng,
) -> Array<f64, D> {
    Array::from_shape_simple_fn(shape, || rng.gen_range(-1.0..1.0))
}

/// An array whose entries are all apart by more than the step of a difference, in random order: nothing ties, and
/// nothing is at the kink of the rectifier.
fn apart<D: Dimension>(
    shape: impl ndarray::ShapeBuilder<Dim = D>,
    rng: &mut StdRng,
) -> Array<f64, D> {
    use rand::seq::SliceRandom;
    let mut array = Array::zeros(shape);
    let n = array.len() as f64;
    let mut values: Vec<f64> = (0..array.len())
        .map(|i| (2.0 * i as f64 + 1.0) / n - 1.0)
        .collect();
    for value in &mut values {
        if value.abs() < 1e-3 {
            *value = 1e-3;
        }
    }
    values.shuffle(rng);
    for (entry, value) in array.iter_mut().zip(values) {
        *entry = value;
    }
    array
}

/// Compares a gradient with central differences of `loss` at `at`.
#[track_caller]
fn check<D: Dimension>(
    what: &str,
    at: &Array<f64, D>,
    gradient: &Array<f64, D>,
    loss: impl Fn(&Array<f64, D>) -> f64,
) {
    assert_eq!(at.shape(), gradient.shape(), "{what}: shape");
    let flat: Vec<f64> = gradient.iter().copied().collect();
    for (i, got) in flat.into_iter().enumerate() {
        let [above, below] = [STEP, -STEP].map(|step| {
            let mut moved = at.clone();
            *moved.iter_mut().nth(i).unwrap() += step;
            loss(&moved)
        });
        let want = (above - below) / (2.0 * STEP);
        assert!(
            (got - want).abs() < ALLOWED,
            "{what}: entry {i} is {got}, central differences give {want}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn convolution(n in 1usize..3, c in 1usize..3, o in 1usize..4, (kh, kw) in (1usize..4, 1usize..4),
                   (dh, dw) in (0usize..4, 0usize..4), seed: u64) {
        let rng = &mut StdRng::seed_from_u64(seed);
        let x: Array4<f64> = random((n, c, kh + dh, kw + dw), rng);
        let w: Array4<f64> = random((o, c, kh, kw), rng);
        let b: Array1<f64> = random(o, rng);
        let g: Array4<f64> = random((n, o, dh + 1, dw + 1), rng);
        let loss = |x: &Array4<f64>, w: &Array4<f64>, b: &Array1<f64>| {
            (conv2d(x.view(), w.view(), b.view()).unwrap() * &g).sum()
        };
        let back = conv2d_backward(x.view(), w.view(), g.view()).unwrap();
        check("x", &x, &back.x, |x| loss(x, &w, &b));
        check("weight", &w, &back.weight, |w| loss(&x, w, &b));
        check("bias", &b, &back.bias, |b| loss(&x, &w, b));
    }

    #[test]
    fn pooling(n in 1usize..3, c in 1usize..3, size in 1usize..4, (h, w) in (1usize..4, 1usize..4), seed: u64) {
        let rng = &mut StdRng::seed_from_u64(seed);
        let x: Array4<f64> = apart((n, c, size * h, size * w), rng);
        let g: Array4<f64> = random((n, c, h, w), rng);
        let back = max_pool2d_backward(x.view(), size, g.view()).unwrap();
        prop_assert!((back.sum() - g.sum()).abs() < 1e-12);
        check("x", &x, &back, |x| (max_pool2d(x.view(), size).unwrap() * &g).sum());
    }

    #[test]
    fn rectifier(shape in (1usize..5, 1usize..5), seed: u64) {
        let rng = &mut StdRng::seed_from_u64(seed);
        let x: Array2<f64> = apart(shape, rng);
        let g: Array2<f64> = random(shape, rng);
        let back = relu_backward(x.view(), g.view()).unwrap();
        check("x", &x, &back, |x| (relu(x.view()) * &g).sum());
    }

    #[test]
    fn dense_layer(n in 1usize..4, inputs in 1usize..5, outputs in 1usize..5, seed: u64) {
        let rng = &mut StdRng::seed_from_u64(seed);
        let x: Array2<f64> = random((n, inputs), rng);
        let w: Array2<f64> = random((outputs, inputs), rng);
        let b: Array1<f64> = random(outputs, rng);
        let g: Array2<f64> = random((n, outputs), rng);
        let loss = |x: &Array2<f64>, w: &Array2<f64>, b: &Array1<f64>| {
            (dense(x.view(), w.view(), b.view()).unwrap() * &g).sum()
        };
        let back = dense_backward(x.view(), w.view(), g.view()).unwrap();
        check("x", &x, &back.x, |x| loss(x, &w, &b));
        check("weight", &w, &back.weight, |w| loss(&x, w, &b));
        check("bias", &b, &back.bias, |b| loss(&x, &w, b));
    }

    #[test]
    fn loss(n in 1usize..5, classes in 2usize..6, seed: u64) {
        let rng = &mut StdRng::seed_from_u64(seed);
        let z: Array2<f64> = random((n, classes), rng) * 4.0;
        let labels: Vec<u8> = (0..n).map(|_| rng.gen_range(0..classes as u8)).collect();
        let back = cross_entropy_backward(z.view(), &labels).unwrap();
        prop_assert!(back.rows().into_iter().all(|row| row.sum().abs() < 1e-12));
        check("logits", &z, &back, |z| cross_entropy(z.view(), &labels).unwrap());
    }

    #[test]
    fn softmax_does_not_feel_a_shift(n in 1usize..4, classes in 1usize..6, shift in -1e6f64..1e6, seed: u64) {
        let z: Array2<f64> = random((n, classes), &mut StdRng::seed_from_u64(seed)) * 8.0;
        let (p, shifted) = (softmax(z.view()).unwrap(), softmax((&z + shift).view()).unwrap());
        prop_assert!(p.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-12));
        // a shift of 1e6 leaves ten digits after the point of z
        prop_assert!((&p - &shifted).iter().all(|difference| difference.abs() < 1e-9));
    }
}

/// With fixed seeds: a random network would now and then have a unit at the very kink of a rectifier.
#[test]
fn a_whole_network() {
    for seed in 0..6 {
        let rng = &mut StdRng::seed_from_u64(seed);
        let net = ConvNet {
            conv1_weight: random((2, 1, 3, 3), rng),
            conv1_bias: random(2, rng),
            conv2_weight: random((3, 2, 2, 2), rng),
            conv2_bias: random(3, rng),
            dense1_weight: random((4, 12), rng),
            dense1_bias: random(4, rng),
            dense2_weight: random((3, 4), rng),
            dense2_bias: random(3, rng),
        };
        let x: Array4<f64> = random((2, 1, 12, 12), rng);
        let labels = [2, 0];
        let (loss, back) = net.loss_and_gradient(x.view(), &labels).unwrap();
        let of_logits = cross_entropy(net.logits(x.view()).unwrap().view(), &labels).unwrap();
        assert_eq!(loss, of_logits);
        /// Compares the gradient of one field.
        macro_rules! field {
            ($($name:ident),*) => {$(
                check(stringify!($name), &net.$name, &back.$name, |moved| {
                    let net = ConvNet { $name: moved.clone(), ..net.clone() };
                    net.loss_and_gradient(x.view(), &labels).unwrap().0
                });
            )*};
        }
        field!(conv1_weight, conv1_bias, conv2_weight, conv2_bias);
        field!(dense1_weight, dense1_bias, dense2_weight, dense2_bias);
    }
}

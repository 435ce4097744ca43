//! Each error of `neural_network`, with its place and its message.

use foundations::neural_network::{
    NetworkError, conv2d, conv2d_backward, cross_entropy, cross_entropy_backward, dense,
    dense_backward, max_pool2d, max_pool2d_backward, relu_backward, softmax,
};
use ndarray::{Array1, Array2, Array4, array};

fn message<T: std::fmt::Debug>(result: Result<T, NetworkError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn shapes_must_fit() {
    let x: Array4<f64> = Array4::zeros((2, 3, 5, 5));
    let (w, b) = (Array4::zeros((4, 3, 2, 2)), Array1::zeros(4));
    assert_eq!(
        message(conv2d(
            x.view(),
            Array4::zeros((4, 1, 2, 2)).view(),
            b.view()
        )),
        "conv2d: weight has shape [4, 1, 2, 2], expected [4, 3, 2, 2]"
    );
    assert_eq!(
        message(conv2d(x.view(), w.view(), Array1::zeros(3).view())),
        "conv2d: bias has shape [3], expected [4]"
    );
    assert_eq!(
        message(conv2d_backward(
            x.view(),
            w.view(),
            Array4::zeros((2, 4, 5, 5)).view()
        )),
        "conv2d_backward: gradient has shape [2, 4, 5, 5], expected [2, 4, 4, 4]"
    );
    assert_eq!(
        message(conv2d(
            x.view(),
            Array4::zeros((4, 3, 6, 2)).view(),
            b.view()
        )),
        "conv2d: a kernel of [6, 2] does not fit into an image of [5, 5]"
    );
    assert_eq!(
        message(max_pool2d(x.view(), 2)),
        "max_pool2d: an image of [5, 5] cannot be cut into windows of 2 × 2"
    );
    assert_eq!(
        message(max_pool2d(x.view(), 0)),
        "max_pool2d: an image of [5, 5] cannot be cut into windows of 0 × 0"
    );
    assert_eq!(
        message(max_pool2d_backward(
            x.view(),
            5,
            Array4::zeros((2, 3, 1, 2)).view()
        )),
        "max_pool2d_backward: gradient has shape [2, 3, 1, 2], expected [2, 3, 1, 1]"
    );
    let x: Array2<f64> = Array2::zeros((2, 3));
    assert_eq!(
        message(dense(x.view(), Array2::zeros((4, 2)).view(), b.view())),
        "dense: weight has shape [4, 2], expected [4, 3]"
    );
    assert_eq!(
        message(dense_backward(
            x.view(),
            Array2::zeros((4, 3)).view(),
            Array2::zeros((3, 4)).view()
        )),
        "dense_backward: gradient has shape [3, 4], expected [2, 4]"
    );
    assert_eq!(
        message(relu_backward(x.view(), Array2::zeros((3, 2)).view())),
        "relu_backward: gradient has shape [3, 2], expected [2, 3]"
    );
    assert_eq!(
        message(cross_entropy(x.view(), &[0])),
        "cross_entropy: logits has shape [2, 3], expected [1, 3]"
    );
}

#[test]
fn a_label_must_name_a_class() {
    let logits = Array2::zeros((2, 10));
    let error = cross_entropy(logits.view(), &[9, 10]).unwrap_err();
    let want = NetworkError::Label {
        op: "cross_entropy",
        index: 1,
        label: 10,
        classes: 10,
    };
    assert_eq!(error, want);
    assert_eq!(
        message(cross_entropy_backward(logits.view(), &[9, 10])),
        "cross_entropy_backward: label 1 is 10, but there are 10 classes, counted from 0"
    );
}

#[test]
fn a_number_that_is_not_finite_is_named_with_its_place() {
    let mut x: Array4<f64> = Array4::zeros((1, 1, 3, 3));
    x[[0, 0, 1, 2]] = f64::NAN;
    assert_eq!(
        message(conv2d(
            x.view(),
            Array4::zeros((1, 1, 2, 2)).view(),
            array![0.0].view()
        )),
        "conv2d: x[0, 0, 1, 2] is NaN, expected a finite number"
    );
    assert_eq!(
        message(max_pool2d(x.view(), 3)),
        "max_pool2d: x[0, 0, 1, 2] is NaN, expected a finite number"
    );
    assert_eq!(
        message(softmax(array![[0.0, f64::INFINITY]].view())),
        "softmax: logits[0, 1] is inf, expected a finite number"
    );
}

#[test]
fn no_samples_is_an_error() {
    let none: Array2<f64> = Array2::zeros((0, 10));
    assert_eq!(
        message(cross_entropy(none.view(), &[])),
        "cross_entropy: logits has shape [0, 10], and so no entries"
    );
    assert_eq!(
        message(softmax(none.view())),
        "softmax: logits has shape [0, 10], and so no entries"
    );
}
